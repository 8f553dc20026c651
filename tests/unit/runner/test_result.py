"""A node's outcome from its exit code and its status file, whatever state that is in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlwright.runner import result


def read(folder: Path, exit_code: int, status: object = None) -> result.Result:
    path = folder / "status.json"
    if status is not None:
        path.write_text(status if isinstance(status, str) else json.dumps(status))
    return result.read(path, exit_code, folder / "log.txt")


@pytest.mark.parametrize("said", ["finished", "cached", "skipped", "stopped", "failed", "killed"])
def test_the_program_says_how_it_ended(tmp_path: Path, said: str) -> None:
    exit_code = 1 if said in ("failed", "killed") else 0
    assert read(tmp_path, exit_code, {"status": said, "reason": "because"}).outcome == said


@pytest.mark.parametrize("status", [None, "", "{", "[1]", '{"status": "great"}', '{"status": 3}'])
@pytest.mark.parametrize(("exit_code", "outcome"), [(0, "finished"), (3, "failed"), (-9, "failed")])
def test_without_a_word_the_exit_code_decides(tmp_path: Path, status: object, exit_code: int, outcome: str) -> None:
    assert read(tmp_path, exit_code, status).outcome == outcome


def test_a_program_that_says_it_finished_and_then_fails_has_failed(tmp_path: Path) -> None:
    assert read(tmp_path, 1, {"status": "finished"}).outcome == "failed"


@pytest.mark.parametrize(
    ("exit_code", "said"),
    [(3, "exit code 3"), (65, "exit code 65: a declared output is missing"), (-9, "killed by signal 9")],
)
def test_a_failure_without_a_reason_is_explained_by_its_code(tmp_path: Path, exit_code: int, said: str) -> None:
    assert read(tmp_path, exit_code).reason == said


def test_the_rest_of_the_status_is_kept(tmp_path: Path) -> None:
    answer = read(tmp_path, 0, {"status": "finished", "run_id": "r1", "attempts": 2, "metrics": {"auc": 1.0}})
    assert (answer.run_id, answer.attempts, answer.status["metrics"]) == ("r1", 2, {"auc": 1.0})
