"""Submitting to Kubeflow Pipelines: once, whoever asks how often; and what is gone is taken away."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runtime.conftest import RUNTIME, Ended
from tests.unit.runtime.kfp import Kfp, serving

Json = dict[str, Any]
NIGHTLY = {"cron": "0 0 3 * * *", "enabled": True, "max_concurrency": 1}


@pytest.fixture
def kfp() -> Iterator[Kfp]:
    with serving() as server:
        yield server


Submit = Callable[..., Ended]


@pytest.fixture
def submit(kfp: Kfp, tmp_path: Path) -> Submit:
    """Run submit.py for these pipelines; `changes` are fields of its document, words in capitals variables."""
    token = tmp_path / "token"
    token.write_text("token-1\n")

    def run(*pipelines: Json, **changes: Any) -> Ended:
        env = {name: str(changes.pop(name)) for name in list(changes) if name.isupper()}
        document = {
            "version": 1,
            "kind": "submit",
            "address": kfp.url,
            "namespace": "ml",
            "owner": "churn-prod",
            "account": "churn-pipeline",
            "pipelines": list(pipelines),
            **changes,
        }
        path = tmp_path / "submit.json"
        path.write_text(json.dumps(document))
        done = subprocess.run(
            [sys.executable, "-S", str(RUNTIME / "submit.py"), str(path)],
            env={"MLWRIGHT_TOKEN_FILE": str(token), "MLWRIGHT_PATIENCE": "2", **env},
            capture_output=True,
            check=False,
            timeout=60,
        )
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr.decode(), status={})

    return run


def pipeline(name: str = "churn-main", version: str = "churn-main-1", **fields: Any) -> Json:
    return {"name": name, "version": version, "description": "", "start": False, "schedule": None, **fields}


def test_a_change_is_run_once_under_the_name_of_its_version(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    for _ in range(3):
        assert submit(pipeline(start=True)).code == 0
    (run,) = kfp.kinds["runs"]
    assert (run["display_name"], run["service_account"]) == ("churn-main-1", "churn-pipeline")
    assert run["experiment_id"] == kfp.kinds["experiments"][0]["experiment_id"]
    assert kfp.names("experiments") == ["churn-prod"]


def test_the_next_version_is_another_run(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1", "churn-main-2")
    submit(pipeline(start=True))
    submit(pipeline(version="churn-main-2", start=True))
    assert kfp.names("runs") == ["churn-main-1", "churn-main-2"]
    used = [run["pipeline_version_reference"]["pipeline_version_id"] for run in kfp.kinds["runs"]]
    assert used == [version["pipeline_version_id"] for version in kfp.kinds["versions"]]


def test_nothing_is_started_that_people_start(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    assert submit(pipeline()).code == 0
    assert not kfp.kinds["runs"] and not kfp.kinds["recurringruns"] and not kfp.kinds["experiments"]


def test_a_name_on_a_later_page_is_found(kfp: Kfp, submit: Submit) -> None:
    for number in range(7):
        kfp.pipeline(f"other-{number}", "churn-main-1")
    kfp.pipeline("churn-main", *(f"old-{number}" for number in range(5)), "churn-main-1")
    assert submit(pipeline(start=True)).code == 0
    (version,) = [
        one for one in kfp.kinds["versions"] if one["pipeline_id"] == kfp.kinds["pipelines"][-1]["pipeline_id"]
    ][-1:]
    assert kfp.kinds["runs"][0]["pipeline_version_reference"]["pipeline_version_id"] == version["pipeline_version_id"]


def test_a_schedule_is_made_once_and_left_alone(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    for _ in range(2):
        assert submit(pipeline(schedule=NIGHTLY)).code == 0
    (one,) = kfp.kinds["recurringruns"]
    assert one["trigger"] == {"cron_schedule": {"cron": "0 0 3 * * *"}}
    assert (one["status"], one["no_catchup"], one["max_concurrency"]) == ("ENABLED", True, "1")


@pytest.mark.parametrize(
    "change", [{"cron": "0 30 3 * * *"}, {"max_concurrency": 10}], ids=["another time", "several at once"]
)
def test_another_schedule_takes_the_place_of_the_old_one(kfp: Kfp, submit: Submit, change: Json) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    submit(pipeline(schedule=NIGHTLY))
    (before,) = kfp.kinds["recurringruns"]
    submit(pipeline(schedule={**NIGHTLY, **change}))
    (after,) = kfp.kinds["recurringruns"]
    assert after["recurring_run_id"] != before["recurring_run_id"]
    kinds = [(method, path.rpartition("/")[0]) for method, path in kfp.requests if method in ("POST", "DELETE")]
    assert kinds[-2][0] == "POST" and kinds[-1][0] == "DELETE", "there is a schedule at any time"


def test_a_schedule_follows_to_the_next_version(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1", "churn-main-2")
    submit(pipeline(schedule=NIGHTLY))
    submit(pipeline(version="churn-main-2", schedule=NIGHTLY))
    (one,) = kfp.kinds["recurringruns"]
    newest = kfp.kinds["versions"][-1]["pipeline_version_id"]
    assert one["pipeline_version_reference"]["pipeline_version_id"] == newest


def test_a_schedule_is_put_off_and_on_without_another_one(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    submit(pipeline(schedule=NIGHTLY))
    id = kfp.kinds["recurringruns"][0]["recurring_run_id"]
    submit(pipeline(schedule={**NIGHTLY, "enabled": False}))
    assert [(one["recurring_run_id"], one["status"]) for one in kfp.kinds["recurringruns"]] == [(id, "DISABLED")]
    submit(pipeline(schedule=NIGHTLY))
    assert [(one["recurring_run_id"], one["status"]) for one in kfp.kinds["recurringruns"]] == [(id, "ENABLED")]


def test_schedules_of_pipelines_that_are_gone_go_too_and_those_of_others_stay(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    kfp.pipeline("churn-old", "churn-old-1")
    submit(pipeline(schedule=NIGHTLY), pipeline("churn-old", "churn-old-1", schedule=NIGHTLY))
    submit(pipeline(schedule=NIGHTLY), owner="ranker-prod", pipelines=[pipeline(schedule=NIGHTLY)])
    kfp.made("recurringruns", display_name="by hand", namespace="ml", description="a person's")
    assert len(kfp.kinds["recurringruns"]) == 4
    assert submit(pipeline()).code == 0
    left = [(one["display_name"], one.get("description")) for one in kfp.kinds["recurringruns"]]
    assert left == [("churn-main", "Made by mlwright for ranker-prod."), ("by hand", "a person's")]


def test_of_two_equal_schedules_one_is_removed(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    submit(pipeline(schedule=NIGHTLY))
    (one,) = kfp.kinds["recurringruns"]
    kfp.kinds["recurringruns"].append({**one, "recurring_run_id": "twin"})
    submit(pipeline(schedule=NIGHTLY))
    assert [found["recurring_run_id"] for found in kfp.kinds["recurringruns"]] == [one["recurring_run_id"]]


def test_what_the_database_is_to_keep_is_uploaded_once(kfp: Kfp, submit: Submit, tmp_path: Path) -> None:
    folder = tmp_path / "main"
    folder.mkdir()
    (folder / "pipeline.json").write_text('{"a": 1}\n')
    (folder / "platform.json").write_text('{"b": 2}\n')
    for _ in range(2):
        assert submit(pipeline(folder=str(folder), start=True)).code == 0
    assert kfp.uploads == ['{"a": 1}\n---\n{"b": 2}\n']
    assert (kfp.names("pipelines"), kfp.names("versions"), kfp.names("runs")) == (
        ["churn-main"],
        ["churn-main-1"],
        ["churn-main-1"],
    )


def test_an_object_that_no_controller_has_seen_yet_is_waited_for(kfp: Kfp, submit: Submit) -> None:
    looks = []

    def late(method: str, path: str) -> int | None:
        looks.append(path)
        if len(looks) == 2:
            kfp.pipeline("churn-main", "churn-main-1")
        return None

    kfp.faults.append(late)
    assert submit(pipeline(start=True), MLWRIGHT_PATIENCE=20).code == 0
    assert kfp.names("runs") == ["churn-main-1"]


@pytest.mark.parametrize("known", [(), ("churn-main-0",)], ids=["no pipeline", "no version"])
def test_what_never_comes_is_told_with_what_to_look_at(kfp: Kfp, submit: Submit, known: tuple[str, ...]) -> None:
    if known:
        kfp.pipeline("churn-main", *known)
    ended = submit(pipeline(start=True))
    assert ended.code == 69
    assert "does not know the " + ("version churn-main-1" if known else "pipeline churn-main") in ended.err
    assert "kubeflow.pipelines.store" in ended.err
    assert not kfp.kinds["runs"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_reading_goes_on_when_the_api_is_back(kfp: Kfp, submit: Submit, status: int) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    left = [status, status]
    kfp.faults.append(lambda method, path: left.pop() if left and method == "GET" else None)
    ended = submit(pipeline(start=True), MLWRIGHT_PATIENCE=20)
    assert (ended.code, kfp.names("runs")) == (0, ["churn-main-1"]), ended.err
    assert "waiting for it" in ended.err


@pytest.mark.parametrize("status", [0, 502, 504], ids=["cut", "502", "504"])
def test_what_may_have_been_done_is_looked_up_by_the_next_start(kfp: Kfp, submit: Submit, status: int) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    submit(pipeline(schedule=NIGHTLY))
    kfp.faults.append(lambda method, path: status if (method, path[-5:]) == ("POST", "/runs") else None)
    assert submit(pipeline(schedule=NIGHTLY, start=True)).code == 69
    assert len([path for method, path in kfp.requests if path.endswith("/runs") and method == "POST"]) == 1
    kfp.faults.clear()
    assert submit(pipeline(schedule=NIGHTLY, start=True)).code == 0
    assert kfp.names("runs") == ["churn-main-1"]


def test_an_api_that_is_not_there_is_told_by_its_address(submit: Submit) -> None:
    ended = submit(pipeline(), address="http://127.0.0.1:9", MLWRIGHT_PATIENCE=1)
    assert (ended.code, "cannot reach Kubeflow Pipelines at http://127.0.0.1:9" in ended.err) == (69, True)


def test_a_wrong_token_is_refused_with_what_is_needed(kfp: Kfp, submit: Submit) -> None:
    kfp.token = "another"
    ended = submit(pipeline())
    assert (ended.code, "token for pipelines.kubeflow.org" in ended.err) == (1, True)


def test_a_token_is_read_again_for_each_call(kfp: Kfp, submit: Submit, tmp_path: Path) -> None:
    kfp.pipeline("churn-main", "churn-main-1")

    def renewed(method: str, path: str) -> int | None:
        kfp.token = (tmp_path / "token").read_text().strip()
        if path.endswith("/experiments"):
            (tmp_path / "token").write_text("token-2")
        return None

    kfp.faults.append(renewed)
    assert submit(pipeline(start=True)).code == 0


def test_a_token_that_is_not_there_is_a_mistake_of_the_job(submit: Submit) -> None:
    ended = submit(pipeline(), MLWRIGHT_TOKEN_FILE="/nowhere/token")
    assert (ended.code, "cannot read the token /nowhere/token" in ended.err) == (64, True)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ({**NIGHTLY, "cron": "0 3 * * *"}, "Schedule cron is not supported"),
        ({**NIGHTLY, "max_concurrency": 11}, "between 1 and 10"),
    ],
)
def test_what_the_api_refuses_is_told_in_its_words(kfp: Kfp, submit: Submit, schedule: Json, said: str) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    ended = submit(pipeline(schedule=schedule))
    assert (ended.code, said in ended.err) == (1, True), ended.err


def test_an_old_schedule_stays_where_the_new_one_is_refused(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    submit(pipeline(schedule=NIGHTLY))
    assert submit(pipeline(schedule={**NIGHTLY, "cron": "x"})).code == 1
    assert [one["trigger"]["cron_schedule"]["cron"] for one in kfp.kinds["recurringruns"]] == ["0 0 3 * * *"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "step"}, "is of kind 'step', not submit"),
        ({"version": 2}, "not a step document of version 1"),
        ({"pipelines": [{"name": "x"}]}, "lacks the field 'version'"),
    ],
)
def test_a_wrong_document_is_told_in_one_line(submit: Submit, changes: Json, said: str) -> None:
    ended = submit(**changes)
    assert (ended.code, said in ended.err) == (64, True), ended.err
    assert "Traceback" not in ended.err


def test_an_answer_that_is_no_json_is_not_the_api(kfp: Kfp, submit: Submit) -> None:
    kfp.page_of_html = True
    ended = submit(pipeline())
    assert (ended.code, "the answer is not JSON" in ended.err) == (1, True), ended.err


def test_a_person_starts_a_run_that_is_called_after_the_job(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    submit(pipeline(schedule=NIGHTLY))
    for job in ("by-hand", "by-hand", "again"):
        assert submit(pipeline(start="always"), only=True, MLWRIGHT_JOB=job).code == 0
    assert kfp.names("runs") == ["by-hand", "again"]
    assert kfp.names("recurringruns") == ["churn-main"], "schedules are not its business"


def test_what_an_event_says_becomes_parameters_of_their_types(kfp: Kfp, submit: Submit) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    types = {"n": "int", "lr": "float", "flag": "bool", "text": "string", "many": "json", "left": "int"}
    given = {"N": "3", "LR": "1e-05", "FLAG": "true", "TEXT": "3", "MANY": "[1.0]"}
    env = {f"MLWRIGHT_PARAM_{name}": text for name, text in given.items()}
    submit(pipeline(start="always", params=types), only=True, MLWRIGHT_EVENT='{"a": 1}', MLWRIGHT_JOB="j", **env)
    assert kfp.kinds["runs"][0]["runtime_config"]["parameters"] == {
        "n": 3,
        "lr": 1e-05,
        "flag": True,
        "text": "3",
        "many": "[1.0]",
        "mlwright-event": '{"a": 1}',
    }


@pytest.mark.parametrize(("kind", "text"), [("int", "3.5"), ("float", "x"), ("bool", "yes"), ("json", "{")])
def test_what_an_event_says_is_refused_where_it_is_of_another_type(
    kfp: Kfp, submit: Submit, kind: str, text: str
) -> None:
    kfp.pipeline("churn-main", "churn-main-1")
    ended = submit(pipeline(start="always", params={"n": kind}), MLWRIGHT_JOB="j", MLWRIGHT_PARAM_N=text)
    assert (ended.code, "params.n must be" in ended.err, kfp.kinds["runs"]) == (64, True, [])
