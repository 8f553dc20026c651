"""The same specification means the same on every engine: what programs see, what runs, what is searched and decided."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.contract.equivalence.engines import Outcome, Project
from tests.unit.runtime.conftest import Pipeline

from mlwright.testing.programs import NAUGHTY

ENGINES = ("run", "compose", "argo", "kubeflow")
SEARCHING = ("run", "compose", "argo")
"""Engines that search by a service of ours."""
KATIB = ("katib", "kubeflow")
"""Argo and Kubeflow Pipelines where Katib searches: a controller, whose objects say it all."""
pytestmark = [pytest.mark.server, pytest.mark.slow]
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `python` is found, as in the images: not every machine has one."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def project(mlflow_server: str, tmp_path: Path) -> Callable[..., Project]:
    """Makes a project of these sections, under a name that no other test has."""

    def made(spec: Json, **more: Any) -> Project:
        name = f"p{uuid.uuid4().hex[:8]}"
        return Project(spec=spec, name=name, folder=tmp_path / name, server=mlflow_server, **more)

    return made


def step(name: str, *words: str, orders: tuple[str, ...] = (), **fields: Any) -> Json:
    """A step whose program writes down that it sees `words`, after it has done what `orders` say."""
    return {"command": ["python", "WITNESS", "RECORD", name, *orders, "--", *words], **fields}


TYPED: Json = {
    "whole": {"type": "int", "default": -9007199254740991},
    "small": {"type": "float", "default": 1e-7},
    "large": {"type": "float", "default": 1e22},
    "tenth": {"type": "float", "default": 0.1},
    "flag": {"type": "bool", "default": False},
    "tree": {"type": "json", "default": {"b": [1, 2.5, None, "$(id)"], "a": "{{x}}"}},
    "bush": {"type": "json", "default": []},
    **{
        f"t{position}": {"type": "string", "default": text.replace("${", "$${")}
        for position, text in enumerate(NAUGHTY)
    },
}
CANONICAL = {
    "whole": "-9007199254740991",
    "small": "1e-07",
    "large": "1e+22",
    "tenth": "0.1",
    "flag": "false",
    "tree": '{"a":"{{x}}","b":[1,2.5,null,"$(id)"]}',
    "bush": "[]",
    **{f"t{position}": text for position, text in enumerate(NAUGHTY)},
}
SECRET = "s3cr$t \"quoted\" $(id) {{x}} 'single' \\ `id`"
VALUES: Json = {
    "params": TYPED,
    "secrets": {"hub": {"keys": ["token"]}},
    "steps": {
        "words": step(
            "words",
            *(f"--{name}=${{params.{name}}}" for name in TYPED),
            env={
                "PLAIN": "$HOME $(id) {{x}} 'a' \"b\" # c",
                "FROM": "<${params.t1}>",
                "TOKEN": "${secrets.hub.token}",
                "EMPTY": "",
            },
        ),
        "script": {
            "command": "exec python 'WITNESS' 'RECORD' script -- ${params.t0} \"${params.t2}\" ${params.flag}\n"
            # a shell sees the references as variables of its own, each one word
        },
    },
}


GIVEN = {
    "whole": "7",
    "tenth": "0.25",
    "flag": "true",
    "bush": '{"k":["a b",1]}',
    "t2": "--x 'y' \"z\" $HOME ${HOME} `id` \\ \t ü",
}
"""Values that the start of a run gives, as text."""


@pytest.mark.parametrize("engine", ENGINES)
def test_programs_see_values_of_every_type_as_they_were_written(engine: str, project: Callable[..., Project]) -> None:
    seen: Outcome = project(VALUES, given=GIVEN, secrets={("hub", "token"): SECRET}).on(engine)
    wanted = CANONICAL | GIVEN
    assert seen.root == "FINISHED"
    assert seen.words("words") == [[f"--{name}={text}" for name, text in wanted.items()]]
    assert seen.words("script") == [[wanted["t0"], wanted["t2"], wanted["flag"]]]
    params = {f"MLWRIGHT_PARAM_{name.upper()}": text for name, text in wanted.items()}
    assert seen.variables("words", "MLWRIGHT_PARAM_*") == [params]
    assert seen.variables("words", "PLAIN", "FROM", "TOKEN", "EMPTY") == [
        {"PLAIN": "$HOME $(id) {{x}} 'a' \"b\" # c", "FROM": f"<{NAUGHTY[1]}>", "TOKEN": SECRET, "EMPTY": ""}
    ]
    assert seen.variables("words", "MLWRIGHT_SECRET_*") == [{}], "the program has the secret only where it asked for it"


GRAPH: Json = {
    "params": {"mode": {"type": "string", "default": "fast"}, "level": {"type": "int", "default": 2}},
    "steps": {
        "made": step(
            "made",
            orders=("--out", "${outputs.table}", "rows", "--out", "${outputs.names}", '["a b", "$(c)"]'),
            outputs={"table": {"type": "file"}, "names": {"type": "json"}},
        ),
        "each": step("each", "${each.name}", "${params.level}", for_each={"name": "${steps.made.outputs.names}"}),
        "pairs": step("pairs", "${each.x}-${each.y}", for_each={"x": [1, 2], "y": ["u", "v"]}, max_parallel=2),
        "fast": step("fast", when="${params.mode} == 'fast' and ${params.level} >= 2"),
        "slow": step("slow", when="${params.mode} == 'slow'"),
        "after-slow": step("after-slow", needs=["steps.slow"]),
        "after-fast": step("after-fast", needs=["steps.fast"]),
        "anyway": step("anyway", needs=[{"step": "steps.fast", "optional": True}]),
        "again": step("again", orders=("--fail-times", "1"), retries=2),
        "tell": step("tell", "${run.status}", run_if="always", needs=[]),
        "sorry": step("sorry", run_if="failed", needs=[]),
    },
}


@pytest.mark.parametrize("engine", ENGINES)
def test_conditions_items_retries_and_last_steps_run_alike(engine: str, project: Callable[..., Project]) -> None:
    seen = project(GRAPH, given={"mode": "slow", "level": "7"}).on(engine)
    assert seen.root == "FINISHED"
    assert seen.words("each") == [["$(c)", "7"], ["a b", "7"]]
    assert seen.words("pairs") == [["1-u"], ["1-v"], ["2-u"], ["2-v"]]
    assert "slow" in seen.calls and "after-slow" in seen.calls
    assert "fast" not in seen.calls and "after-fast" not in seen.calls and "anyway" in seen.calls
    assert seen.states["steps.fast"] == ["skipped"]
    assert len(seen.calls["again"]) == 2 and seen.states["steps.again"] == ["FAILED", "FINISHED"]
    assert seen.words("tell") == [["succeeded"]] and "sorry" not in seen.calls


BROKEN: Json = {
    "steps": {
        "good": step("good"),
        "bad": step("bad", orders=("--exit", "3"), needs=["steps.good"]),
        "never": step("never", needs=["steps.bad"]),
        "beside": step("beside"),
        "tell": step("tell", "${run.status}", run_if="always", needs=[]),
        "sorry": step("sorry", run_if="failed", needs=[]),
        "glad": step("glad", run_if="succeeded", needs=["steps.good"]),
    }
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failure_fails_the_run_and_stops_what_needs_it_alone(engine: str, project: Callable[..., Project]) -> None:
    seen = project(BROKEN).on(engine)
    assert seen.root == "FAILED"
    assert set(seen.calls) == {"good", "bad", "beside", "tell", "sorry", "glad"}
    assert seen.words("tell") == [["failed"]]
    assert seen.states["steps.bad"] == ["FAILED"] and seen.states["steps.good"] == ["FINISHED"]


def searched(goal: str, reduce: str, wrong: str = "", max_failed: int = 0, most: int = 4, parallel: int = 2) -> Json:
    """Trials print the witness's two scores of their rate; the one at `wrong` fails; training is told the best rate."""
    fails = ("--exit-at", wrong, "${params.rate}") if wrong else ()
    train = step("train", "${params.rate}", "${params.other}", orders=("--score", "${params.rate}", *fails))
    metric = {"goal": goal, "reduce": reduce, "pattern": "score=(\\S+)", "sample": "score=1"}
    return {
        "params": {"rate": 0.1, "other": {"type": "string", "default": "$(id)"}},
        "training": {**train, "metrics": {"score": metric}},
        "tuning": {
            "objective": "score",
            "algorithm": "grid",
            "space": {"rate": {"values": [0.1, 0.2, 0.3, 0.4]}},
            "trial": {"params": {"other": "trial's"}},
            "trials": {"max": most, "parallel": parallel, "max_failed": max_failed},
        },
    }


@pytest.mark.parametrize("engine", SEARCHING)
@pytest.mark.parametrize(
    ("goal", "reduce", "best"),
    [
        ("maximize", "last", "0.4"),
        ("maximize", "best", "0.1"),
        ("minimize", "last", "0.3"),
        ("minimize", "best", "0.2"),
    ],
)
def test_the_best_of_all_trials_trains(
    engine: str, goal: str, reduce: str, best: str, project: Callable[..., Project]
) -> None:
    seen = project(searched(goal, reduce)).on(engine)
    assert seen.root == "FINISHED"
    trials = [[rate, "trial's"] for rate in ("0.1", "0.2", "0.3", "0.4")]
    assert seen.words("train") == sorted([*trials, [best, "$(id)"]])


@pytest.mark.parametrize("engine", SEARCHING)
@pytest.mark.parametrize(("max_failed", "root", "calls"), [(1, "FINISHED", 5), (0, "FAILED", 0)])
def test_as_many_trials_may_fail_as_the_specification_says(
    engine: str, max_failed: int, root: str, calls: int, project: Callable[..., Project]
) -> None:
    seen = project(searched("maximize", "last", wrong="0.4", max_failed=max_failed, parallel=1)).on(engine)
    assert seen.root == root
    finals = [words for words in seen.words("train") if words[1] == "$(id)"]
    assert finals == ([["0.2", "$(id)"]] if calls else [])
    assert not calls or len(seen.words("train")) == calls


@pytest.mark.parametrize("engine", SEARCHING)
def test_no_more_trials_run_than_asked_for(engine: str, project: Callable[..., Project]) -> None:
    seen = project(searched("maximize", "last", most=2)).on(engine)
    assert seen.root == "FINISHED" and len(seen.words("train")) == 3


@pytest.mark.parametrize("engine", KATIB)
@pytest.mark.parametrize(("goal", "reduce", "best"), [("maximize", "best", "0.1"), ("minimize", "last", "0.3")])
def test_katib_chooses_what_our_search_does(
    engine: str, goal: str, reduce: str, best: str, project: Callable[..., Project]
) -> None:
    search, state, words = project(searched(goal, reduce)).searched(engine)
    assert (state, search.best) == ("Succeeded", {"rate": best})
    assert words == [[rate, "trial's"] for rate in ("0.1", "0.2", "0.3", "0.4")]
    assert search.experiment["spec"]["parallelTrialCount"] == 2


@pytest.mark.parametrize(
    ("most", "max_failed", "state", "trials"), [(4, 1, "Succeeded", 4), (4, 0, "Failed", 4), (2, 0, "Succeeded", 2)]
)
def test_katib_counts_as_our_search_does(
    most: int, max_failed: int, state: str, trials: int, project: Callable[..., Project]
) -> None:
    spec = searched("maximize", "last", wrong="0.4", max_failed=max_failed, most=most)
    search, ended, words = project(spec).searched("katib")
    assert (ended, search.trials, len(words)) == (state, trials, trials)
    assert search.best == (None if state == "Failed" else {"rate": "0.2"})


def judged(gates: Json, on_fail: str = "") -> Json:
    """An evaluation whose metric is 0.5, and a step that needs its gates."""
    metric = {"goal": "maximize", "pattern": "auc=(\\S+)", "sample": "auc=1"}
    evaluation = step("evaluate", orders=("--say", "auc=0.5"), metrics={"auc": metric}, gates=gates)
    return {
        "training": step("train", orders=("--out", "${outputs.model}", "m"), outputs={"model": {"type": "file"}}),
        "evaluation": {**evaluation, "needs": ["training"], **({"on_fail": on_fail} if on_fail else {})},
        "steps": {"after": step("after", needs=["evaluation"])},
    }


@pytest.mark.parametrize("engine", ENGINES)
def test_gates_decide_alike(engine: str, project: Callable[..., Project]) -> None:
    bounds = {"least": {"min": 0.5}, "more": {"min": 0.51}, "most": {"max": 0.5}, "less": {"max": 0.49}}
    seen = project(judged({name: {"metric": "auc", **bound} for name, bound in bounds.items()})).on(engine)
    assert {name: (decision["passed"], decision["reason"]) for name, decision in seen.gates.items()} == {
        "least": (True, "ok"),
        "more": (False, "below_min"),
        "most": (True, "ok"),
        "less": (False, "above_max"),
    }
    assert {decision["value"] for decision in seen.gates.values()} == {0.5}
    assert seen.root == "FAILED" and "train" in seen.calls


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("champion", "tolerance", "decision"),
    [
        (0.6, 0.0, (False, "worse")),
        (0.6, 0.2, (True, "ok")),
    ],
)
def test_a_champion_is_beaten_or_not_alike(
    engine: str, champion: float, tolerance: float, decision: tuple[bool, str], project: Callable[..., Project]
) -> None:
    made = project({})
    gate = {"metric": "auc", "versus": "champion", "tolerance": tolerance}
    train = step("train", orders=("--model", "${outputs.model}"), outputs={"model": {"type": "mlflow-model"}})
    sections = judged({"best": gate})
    made.spec = {
        **{name: section for name, section in sections.items() if name != "steps"},
        "training": train,
        "registry": {"model": made.name, "from": "${training.outputs.model}", "on_pass": {"alias": "challenger"}},
    }
    before = Pipeline(address=made.server, folder=made.folder, experiment=f"{made.name}-before")
    before.make_run({"mlwright.step": "evaluation", "mlwright.kind": "step"}, metrics={"auc": champion})
    registered(before, made.name, "champion")
    seen = made.on(engine)
    assert (seen.gates["best"]["passed"], seen.gates["best"]["reason"]) == decision
    assert seen.root == ("FINISHED" if decision[0] else "FAILED")
    assert made.has_alias("challenger") == decision[0]


def registered(pipeline: Pipeline, model: str, alias: str) -> None:
    """A version as an earlier run would have registered it."""
    run = pipeline.make_run({"mlwright.step": "training"})
    source = pipeline.rest("GET", "runs/get", run_id=run)["run"]["info"]["artifact_uri"] + "/model"
    pipeline.rest("POST", "registered-models/create", {"name": model})
    tags = [{"key": "mlwright.run", "value": pipeline.run}]
    body = {"name": model, "source": source, "run_id": run, "tags": tags}
    number = pipeline.rest("POST", "model-versions/create", body)["model_version"]["version"]
    pipeline.rest("POST", "registered-models/alias", {"name": model, "alias": alias, "version": number})
