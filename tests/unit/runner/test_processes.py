"""No process outlives a run: not in groups of its own, not when it ignores signals, not when we are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlwright.runner.processes import Processes, StoppingError

DEAF = "import signal, time, sys; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
FAR = "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-Sc', 'import time; time.sleep(60)'], "
FAR += "start_new_session=True); print(p.pid, flush=True); time.sleep(60)"


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    made.close(0.1)


@pytest.fixture
def spawn(processes: Processes, tmp_path: Path) -> Callable[[str], subprocess.Popen[bytes]]:
    """Run a line of Python; its output goes to `log.txt`."""

    def start(code: str) -> subprocess.Popen[bytes]:
        return processes.spawn([sys.executable, "-Sc", code], env=os.environ, cwd=tmp_path, log=tmp_path / "log.txt")

    return start


def said(log: Path) -> str:
    for _ in range(200):
        if log.exists() and log.read_text().endswith("\n"):
            return log.read_text().strip()
        time.sleep(0.02)
    raise AssertionError("it never said anything")


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def gone(pid: int) -> bool:
    for _ in range(150):
        if not alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_output_goes_to_the_log_and_both_streams_do(
    spawn: Callable[[str], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    spawn("import os; os.write(1, b'out\\n'); os.write(2, b'err\\n')").wait()
    assert (tmp_path / "log.txt").read_text() == "out\nerr\n"


def test_a_process_has_a_group_of_its_own(spawn: Callable[[str], subprocess.Popen[bytes]]) -> None:
    process = spawn("import time; time.sleep(60)")
    assert os.getpgid(process.pid) == process.pid


def test_stop_ends_it_by_sigterm(spawn: Callable[[str], subprocess.Popen[bytes]], processes: Processes) -> None:
    process = spawn("import time; time.sleep(60)")
    processes.stop([process], 5)
    assert process.returncode == -signal.SIGTERM
    assert processes.live == ()


def test_stop_kills_what_does_not_listen(
    spawn: Callable[[str], subprocess.Popen[bytes]], processes: Processes, tmp_path: Path
) -> None:
    process = spawn(DEAF)
    said(tmp_path / "log.txt")
    processes.stop([process], 0.2)
    assert process.returncode == -signal.SIGKILL


def test_hurry_ends_the_grace_period(
    spawn: Callable[[str], subprocess.Popen[bytes]], processes: Processes, tmp_path: Path
) -> None:
    process = spawn(DEAF)
    said(tmp_path / "log.txt")
    processes.hurry()
    began = time.monotonic()
    processes.stop([process], 30)
    assert time.monotonic() - began < 5


def test_close_ends_grandchildren_in_sessions_of_their_own(
    spawn: Callable[[str], subprocess.Popen[bytes]], processes: Processes, tmp_path: Path
) -> None:
    spawn(FAR)
    grandchild = int(said(tmp_path / "log.txt"))
    assert alive(grandchild)
    processes.close(1)
    assert gone(grandchild)


def test_nothing_starts_after_halt(spawn: Callable[[str], subprocess.Popen[bytes]], processes: Processes) -> None:
    processes.halt()
    with pytest.raises(StoppingError):
        spawn("pass")


def test_a_program_that_does_not_exist_is_an_error_and_leaves_nothing(processes: Processes, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        processes.spawn([str(tmp_path / "nothing")], env={}, cwd=tmp_path, log=tmp_path / "log.txt")
    assert processes.live == ()


def test_close_twice_is_close_once(processes: Processes) -> None:
    processes.close()
    processes.close()


def test_even_when_we_are_killed_outright_nothing_is_left(tmp_path: Path) -> None:
    code = f"""
        import os, pathlib, sys, time
        from mlwright.runner.processes import Processes
        here = pathlib.Path({str(tmp_path)!r})
        Processes().spawn([sys.executable, "-Sc", {FAR!r}], env=os.environ, cwd=here, log=here / "log.txt")
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    grandchild = int(said(tmp_path / "log.txt"))
    parent.kill()
    parent.wait()
    assert gone(grandchild)
