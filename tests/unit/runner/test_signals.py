"""The first signal interrupts, the second hurries, and what must not be interrupted is not."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from mlwright.runner.signals import Interrupted, Signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_raises_and_knows_its_exit_code(number: int, code: int) -> None:
    with Signals(lambda: None), pytest.raises(Interrupted) as stop:
        os.kill(os.getpid(), number)
    assert stop.value.exit_code == code


def test_the_second_signal_hurries() -> None:
    hurried: list[int] = []
    with Signals(lambda: hurried.append(1)):
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
    assert hurried == [1]


def test_after_calm_nothing_is_raised() -> None:
    hurried: list[int] = []
    with Signals(lambda: hurried.append(1)) as signals:
        signals.calm()
        os.kill(os.getpid(), signal.SIGTERM)
    assert hurried == [1]


def test_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Signals(lambda: None):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_of_the_main_thread_it_changes_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def inside() -> None:
        with Signals(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [before]
