"""Progress: one line per event where nobody watches a terminal, a table where somebody does."""

from __future__ import annotations

import io

import pytest

from mlwright.runner.progress import LiveScreen, PlainScreen, duration, screen
from mlwright.runtime.order import Edge, Job, Schedule


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (3.21, "3.2 s"),
        (12.4, "12 s"),
        (59.9, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.9, "1 h 00 min"),
        (7265, "2 h 01 min"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_events_are_lines() -> None:
    stream = io.StringIO()
    view = PlainScreen(["features", "train", "notify"], stream)
    schedule = Schedule([Job(id="features"), Job(id="train", needs=(Edge(job="features"),)), Job(id="notify")])
    schedule.settle()
    view.board.follow(schedule)
    view.board.say("features", "half way")
    view.board.say("features", "half way")
    schedule.end("features", "failed", "exit code 3")
    schedule.end("notify", "skipped", "nothing to say")
    schedule.settle()
    view.board.follow(schedule)
    view.close()
    lines = stream.getvalue().splitlines()
    assert lines[:3] == ["features  started", "notify    started", "features  half way"]
    assert lines[3].startswith("features  failed in 0.")
    assert lines[3].endswith("s: exit code 3")
    assert lines[4] == "train     not started: features failed"
    assert lines[5].startswith("notify    skipped in")


def test_the_best_of_a_search_is_said_when_it_is_new() -> None:
    stream = io.StringIO()
    view = PlainScreen(["tuning"], stream)
    view.board.move("tuning", "running")
    for detail in (
        "1/3 trials, best auc=0.8 (lr=1)",
        "2/3 trials, best auc=0.8 (lr=1)",
        "3/3 trials, best auc=0.9 (lr=2)",
    ):
        view.board.say("tuning", detail)
    assert stream.getvalue().splitlines()[1:] == [
        "tuning  1/3 trials, best auc=0.8 (lr=1)",
        "tuning  2/3 trials",
        "tuning  3/3 trials, best auc=0.9 (lr=2)",
    ]


def test_an_event_is_one_line_in_a_file_and_folded_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    detail = "a reason that goes on for longer than the terminal is wide"
    for stream, lines in ((io.StringIO(), 1), (Terminal(), 3)):
        view = PlainScreen(["train"], stream)
        view.board.move("train", "skipped", detail)
        shown = stream.getvalue().splitlines()
        assert len(shown) == lines
        assert all(line.startswith("       ") for line in shown[1:])


def test_following_twice_says_nothing_twice() -> None:
    stream = io.StringIO()
    view = PlainScreen(["a"], stream)
    schedule = Schedule([Job(id="a")])
    schedule.settle()
    for _ in range(3):
        view.board.follow(schedule)
    assert stream.getvalue() == "a  started\n"


def test_a_terminal_gets_a_table_and_anything_else_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    live = screen(["a"], Terminal())
    live.close()
    assert isinstance(live, LiveScreen)
    assert isinstance(screen(["a"], io.StringIO()), PlainScreen)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(screen(["a"], Terminal()), PlainScreen)


def test_the_table_shows_every_row_and_prints_user_text_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    view = LiveScreen(["steps.features", "training"], stream)
    view.note("a note with [brackets]")
    view.board.move("training", "running")
    view.board.say("training", "best [auc]=0.9")
    view.close()
    view.close()
    text = stream.getvalue()
    assert "a note with [brackets]" in text
    assert "best [auc]=0.9" in text
    assert "steps.features" in text


def test_a_stream_that_is_gone_stops_nobody() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "terminal is gone")

    PlainScreen(["a"], Gone()).note("text")
