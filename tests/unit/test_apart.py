"""A second process for large outputs and many: the same outcome with it, without it, and when it is lost."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest

from mlwright import apart, api, verify
from mlwright.apart import begin, each
from mlwright.emit import output
from mlwright.verify import Checked

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="a second process is for Linux"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),  # pytest-xdist has a thread of its own
]
PARENT = os.getpid()
PROJECT = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: large}
tracking: {server: {type: external, url: "https://mlflow.example.com"}}
environments: {prod: {platform: kubernetes}}
"""
BAD_LABEL = """\
patches:
  wrong:
    why: to see it refused
    on: {node: serving.serve-7, kind: Service}
    merge: {metadata: {labels: {team: "not a label"}}}
"""
ENDPOINT = '{command: [python, serve.py], image: "ghcr.io/acme/x:1", port: 8080, replicas: {min: 2}}'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def forks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork beside pytest-xdist's thread and on one processor too."""
    if "threads" not in request.node.name:
        monkeypatch.setattr(apart, "_is_possible", lambda: True)


def write(folder: Path, more: str = "") -> None:
    serving = "".join(f"  serve-{number}: {ENDPOINT}\n" for number in range(110))
    (folder / "mlproject.yaml").write_text(f"{PROJECT}serving:\n{serving}{more}", encoding="utf-8")


def everything(folder: Path) -> dict[str, bytes]:
    """All files of the output, and what is left beside it."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in (folder / "manifests").rglob("*") if path.is_file()
    }


def test_work_is_done_in_another_process_and_its_result_comes_back() -> None:
    result = begin(os.getpid)
    assert result() != os.getpid()
    assert result() == result()


def test_work_of_a_process_that_is_killed_is_done_here() -> None:
    def work() -> int:
        if os.getpid() != PARENT:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    assert begin(work)() == PARENT


def test_what_work_raises_is_raised_here(capfd: pytest.CaptureFixture[str]) -> None:
    def work() -> NoReturn:
        raise LookupError("nothing there")

    with pytest.raises(LookupError, match="nothing there"):
        begin(work)()
    assert capfd.readouterr().err == ""


def test_a_process_with_threads_does_the_work_itself() -> None:
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert begin(os.getpid)() == os.getpid()
    finally:
        end.set()
        thread.join()


def test_two_processes_share_the_items_and_their_results_come_back_in_order() -> None:
    ours, theirs = os.pipe(), os.pipe()

    def work(item: int) -> tuple[int, int]:
        if item in (0, 49):  # each process waits for the other one to begin, on however busy a machine
            mine, others = (ours, theirs) if item == 0 else (theirs, ours)
            os.write(mine[1], b".")
            select.select([others[0]], [], [], 60)
        return item * item, os.getpid()

    found = each(work, range(50))
    assert [value for value, _ in found] == [item * item for item in range(50)]
    assert len({process for _, process in found}) == 2
    assert each(work, [1]) == [(1, PARENT)]
    assert each(work, []) == []
    for end in (*ours, *theirs):
        os.close(end)


def test_items_of_a_process_that_is_killed_are_done_here() -> None:
    def work(item: int) -> int:
        if os.getpid() != PARENT:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        return item

    assert each(work, range(5)) == [0, 1, 2, 3, 4]


def test_what_an_item_raises_is_raised_here() -> None:
    def work(item: int) -> int:
        time.sleep(0.05)
        return 1 // (item - 4)

    with pytest.raises(ZeroDivisionError):
        each(work, range(5))


@pytest.mark.parametrize("more", ["", BAD_LABEL], ids=["good", "bad"])
def test_several_environments_are_validated_the_same_with_a_second_process(project: Path, more: str) -> None:
    write(project, more)
    text = (project / "mlproject.yaml").read_text(encoding="utf-8")
    several = ", ".join(f"env-{number}: {{platform: kubernetes, namespace: n{number}}}" for number in range(4))
    (project / "mlproject.yaml").write_text(text.replace("prod: {platform: kubernetes}", several), encoding="utf-8")
    result = api.validate(apart=True)
    assert result == api.validate()
    assert result.failed == bool(more)
    assert [item.code for item in result.diagnostics if item.severity == "error"] == ["VER011"] * bool(more)


def test_a_large_project_is_written_the_same_with_a_second_process(project: Path) -> None:
    assert not api.compile(apart=True).failed
    found = everything(project)
    assert len(found) > 300
    assert api.compile().written == ()
    assert everything(project) == found


def test_nothing_is_written_where_the_second_process_finds_an_error(project: Path) -> None:
    write(project, BAD_LABEL)
    result = api.compile(apart=True, emit=["map"])
    assert [item.code for item in result.diagnostics if item.severity == "error"] == ["VER011"]
    assert result == api.compile(emit=["map"])
    assert everything(project) == {}
    assert not (project / ".mlwright").exists()


def test_what_was_there_stays_where_the_second_process_finds_an_error(project: Path) -> None:
    api.compile()
    before = everything(project)
    write(project, BAD_LABEL)
    assert api.compile(apart=True).failed
    assert everything(project) == before
    assert [path.name for path in (project / "manifests").iterdir()] == ["prod"]


def test_an_error_is_found_without_the_second_process_where_it_is_lost(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = verify.verify

    def lost(*args: object) -> Checked:
        if os.getpid() != PARENT:
            os.kill(os.getpid(), signal.SIGKILL)
        return checks(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(verify, "verify", lost)
    write(project, BAD_LABEL)
    assert [item.code for item in api.compile(apart=True).diagnostics if item.severity == "error"] == ["VER011"]
    assert everything(project) == {}


def children() -> set[str]:
    """This process's, ended or not: the suite's servers are some."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def test_a_full_disk_is_told_and_the_second_process_is_waited_for(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(output, "_create", full)
    before = children()
    result = api.compile(apart=True)
    assert [item.code for item in result.diagnostics] == ["OUT006"]
    assert everything(project) == {}
    assert children() == before
