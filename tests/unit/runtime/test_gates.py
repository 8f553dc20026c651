"""Gates, registration, bootstrap, and what an endpoint fetches."""

from __future__ import annotations

import contextlib
import json
import os
import urllib.error
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest


def head(pipeline: Any, **fields: Any) -> dict[str, Any]:
    return {k: v for k, v in pipeline.document().items() if k not in ("step", "name", "image_digest")} | fields


def gates(pipeline: Any, model: str = "none", goal: str = "maximize", **conditions: Any) -> dict[str, Any]:
    """A gate document with one gate on `auc` of the evaluation."""
    gate = {"metric": "auc", "goal": goal, "min": None, "max": None, "versus": None, "tolerance": 0.0} | conditions
    metrics = {"auc": {"goal": goal, "reduce": "last"}}
    fields = {"of": "evaluation", "model": model, "gates": {"floor": gate}, "metrics": metrics}
    return head(pipeline, kind="gate", step="evaluation.gates", name="gates", **fields)


def evaluated(pipeline: Any, auc: float | None) -> None:
    metrics = {} if auc is None else {"auc": auc}
    pipeline.make_run({"mlwright.step": "evaluation", "mlwright.kind": "step"}, metrics=metrics)


@pytest.mark.parametrize(
    ("auc", "conditions", "passed", "reason"),
    [
        (0.9, {"min": 0.85}, True, "ok"),
        (0.85, {"min": 0.85}, True, "ok"),
        (0.8, {"min": 0.85}, False, "below_min"),
        (0.3, {"max": 0.2}, False, "above_max"),
        (0.1, {"max": 0.2}, True, "ok"),
        (None, {"min": 0.1}, False, "metric_missing"),
        (0.1, {"versus": "champion"}, True, "no_champion"),
    ],
)
def test_a_gate_decides_with_a_reason(
    pipeline: Any, auc: float | None, conditions: dict[str, Any], passed: bool, reason: str
) -> None:
    evaluated(pipeline, auc)
    ended = pipeline.launch(gates(pipeline, **conditions), "gate.py")
    assert ended.code == (0 if passed else 1)
    run = pipeline.only(step="evaluation.gates")
    assert run["status"] == ("FINISHED" if passed else "FAILED")
    assert run["tags"]["mlwright.gate"] == ("passed" if passed else "failed")
    decision = json.loads(run["tags"]["mlwright.gate.floor"])
    assert (decision["passed"], decision["reason"], decision["value"]) == (passed, reason, auc)
    of = pipeline.only(step="evaluation")
    assert of["tags"]["mlwright.gate.floor"] == run["tags"]["mlwright.gate.floor"]
    assert ended.status["gates"][0]["reason"] == reason


@pytest.mark.parametrize(
    ("goal", "value", "best", "tolerance", "reason"),
    [
        ("maximize", 0.90, 0.90, 0.0, "ok"),
        ("maximize", 0.89, 0.90, 0.02, "ok"),
        ("maximize", 0.87, 0.90, 0.02, "worse"),
        ("minimize", 0.31, 0.30, 0.02, "ok"),
        ("minimize", 0.33, 0.30, 0.02, "worse"),
        ("maximize", 0.90, None, 0.0, "champion_metric_missing"),
    ],
)
def test_a_gate_compares_with_the_champions_own_evaluation(
    pipeline: Any, goal: str, value: float, best: float | None, tolerance: float, reason: str
) -> None:
    model = "m-" + pipeline.run[:8]
    champion = pipeline.another()
    evaluated(champion, best)
    versioned(champion, model, "champion")
    evaluated(pipeline, value)
    document = gates(pipeline, model, goal, versus="champion", tolerance=tolerance)
    ended = pipeline.launch(document, "gate.py")
    assert ended.code == (0 if reason == "ok" else 1), ended.err
    assert ended.status["gates"][0]["reason"] == reason


def test_a_champion_of_another_environment_is_compared_with_too(pipeline: Any) -> None:
    model = "m-" + pipeline.run[:8]
    elsewhere = replace(pipeline.another(), experiment=f"{pipeline.experiment}-prod")
    evaluated(elsewhere, 0.9)
    versioned(elsewhere, model, "champion")
    evaluated(pipeline, 0.8)
    ended = pipeline.launch(gates(pipeline, model, versus="champion"), "gate.py")
    assert (ended.code, ended.status["gates"][0]["reason"]) == (1, "worse")


def test_a_gate_compares_with_the_locked_version_wherever_the_alias_points(pipeline: Any) -> None:
    model = "m-" + pipeline.run[:8]
    for value in (0.7, 0.9):
        champion = pipeline.another()
        evaluated(champion, value)
        versioned(champion, model, "champion")
    evaluated(pipeline, 0.8)
    decided = {
        version: pipeline.launch(gates(pipeline, model, versus="champion", version=version), "gate.py")
        for version in ("1", "2", "3")
    }
    reasons = {version: ended.status["gates"][0]["reason"] for version, ended in decided.items()}
    assert reasons == {"1": "ok", "2": "worse", "3": "champion_version_missing"}
    assert [ended.code for ended in decided.values()] == [0, 1, 1]


def versioned(pipeline: Any, model: str, alias: str) -> None:
    """A version as this pipeline run would have registered it."""
    run = pipeline.make_run({"mlwright.step": "training"})
    source = pipeline.rest("GET", "runs/get", run_id=run)["run"]["info"]["artifact_uri"] + "/model"
    with contextlib.suppress(urllib.error.HTTPError):  # it is there already
        pipeline.rest("POST", "registered-models/create", {"name": model})
    tags = [{"key": "mlwright.run", "value": pipeline.run}]
    body = {"name": model, "source": source, "run_id": run, "tags": tags}
    number = pipeline.rest("POST", "model-versions/create", body)["model_version"]["version"]
    pipeline.rest("POST", "registered-models/alias", {"name": model, "alias": alias, "version": number})


def test_a_gate_that_stops_lets_the_rest_skip(pipeline: Any) -> None:
    evaluated(pipeline, 0.1)
    ended = pipeline.launch(gates(pipeline, min=0.5, on_fail="stop"), "gate.py")
    assert (ended.code, ended.status["status"]) == (0, "stopped")
    run = pipeline.only(step="evaluation.gates")
    assert (run["status"], run["tags"]["mlwright.gate"]) == ("FINISHED", "stopped")
    trained(pipeline)
    document = registration(pipeline, "m-stop", needs=[{"step": "evaluation.gates", "optional": False}])
    registered = pipeline.launch(document, "register.py")
    assert (registered.code, registered.status["status"]) == (0, "skipped")


def test_gates_of_a_step_that_did_not_run_are_said_with_66(pipeline: Any) -> None:
    ended = pipeline.launch(gates(pipeline, min=0.5), "gate.py")
    assert (ended.code, "evaluation has no finished run" in ended.err) == (66, True)


def trained(pipeline: Any) -> dict[str, Any]:
    """Runs a training whose program only writes a model folder; the output's record."""
    script = 'mkdir "$MLWRIGHT_OUTPUT_MODEL" && cd "$MLWRIGHT_OUTPUT_MODEL" && printf x > MLmodel && printf w > weights'
    document = pipeline.document("training", command={"script": script}, outputs={"model": {"type": "mlflow-model"}})
    ended = pipeline.launch(document | {"step": "training"})
    assert ended.code == 0, ended.err
    run = pipeline.only(step="training", run=pipeline.run)
    return dict(json.loads(run["tags"]["mlwright.output.model"]))


def registration(pipeline: Any, model: str, **fields: Any) -> dict[str, Any]:
    base = {"from": {"step": "training", "output": "model"}, "alias": "challenger", "bootstrap": [], "tags": {}}
    return head(pipeline, kind="register", step="registry", name="register", model=model, **(base | fields))


def version_of(pipeline: Any, model: str, alias: str) -> str:
    found = pipeline.rest("GET", "registered-models/alias", name=model, alias=alias)["model_version"]
    return str(found["version"])


def test_registering_twice_makes_one_version(pipeline: Any) -> None:
    model = "m-" + pipeline.run[:8]
    record = trained(pipeline)
    document = registration(pipeline, model, tags={"team": "risk"}, bootstrap=["champion"])
    first = pipeline.launch(document, "register.py")
    assert first.code == 0, first.err
    again = pipeline.launch(document, "register.py")
    assert (first.status["version"], again.status["version"]) == ("1", "1")
    made = pipeline.rest("GET", "model-versions/get", name=model, version="1")["model_version"]
    assert (made["source"], made["status"]) == (f"models:/{record['model_id']}", "READY")
    tags = {t["key"]: t["value"] for t in made["tags"]}
    root = pipeline.only(kind="root")["id"]
    expected = {"team": "risk", "mlwright.run": pipeline.run, "mlwright.key": f"{root}/registry"}
    assert expected.items() <= tags.items()
    assert tags["mlwright.bootstrap"] == "true"
    assert (version_of(pipeline, model, "challenger"), version_of(pipeline, model, "champion")) == ("1", "1")


def test_bootstrap_never_moves_an_alias_that_points_somewhere(pipeline: Any) -> None:
    model = "m-" + pipeline.run[:8]
    trained(pipeline)
    assert pipeline.launch(registration(pipeline, model, bootstrap=["champion"]), "register.py").code == 0
    later = pipeline.another()
    trained(later)
    ended = later.launch(registration(later, model, bootstrap=["champion"]), "register.py")
    assert ended.status["version"] == "2"
    assert (version_of(later, model, "challenger"), version_of(later, model, "champion")) == ("2", "1")
    assert pipeline.launch(registration(pipeline, model, bootstrap=["champion"]), "register.py").code == 0
    assert version_of(later, model, "challenger") == "2", "an earlier run started again does not take the alias back"


def test_registering_what_was_never_made_is_said_with_66(pipeline: Any) -> None:
    ended = pipeline.launch(registration(pipeline, "m-none"), "register.py")
    assert (ended.code, "training has no finished run with the output model" in ended.err) == (66, True)
    assert pipeline.only(step="registry")["status"] == "FAILED"


def test_an_endpoint_serves_the_very_version_of_this_pipeline_run(pipeline: Any) -> None:
    model = "m-" + pipeline.run[:8]
    record = trained(pipeline)
    assert pipeline.launch(registration(pipeline, model), "register.py").code == 0
    folder = pipeline.folder / "served"
    source = {"kind": "registry", "model": model, "alias": "champion", "digest": record["digest"]}
    document = head(
        pipeline,
        kind="serve",
        step="serving.online",
        model=source,
        binding="run",
        folder=str(folder),
        command={"argv": [["sh"], ["-c"], [f"cat {folder}/weights"]]},
    )
    ended = pipeline.launch(document, "serve.py")
    assert (ended.code, ended.out) == (0, b"w"), ended.err
    wrong = document | {"model": source | {"digest": "sha256:00"}}
    ended = pipeline.launch(wrong, "serve.py")
    assert (ended.code, "expected digest" in ended.err) == (66, True)


def test_a_step_reads_the_locked_version_and_holds_it_to_its_digest(pipeline: Any) -> None:
    model = "m-" + pipeline.run[:8]
    record = trained(pipeline)
    assert pipeline.launch(registration(pipeline, model), "register.py").code == 0
    path = f"registry.{model}@champion"  # an alias that points nowhere: only the pins can find it
    pins = {"version": "1", "model_id": record["model_id"], "digest": record["digest"]}
    program = "import sys; print(open(sys.argv[1] + '/weights').read())"
    fields: dict[str, Any] = {"program": program, "args": [[{"ref": path}]]}
    right = {"whole": pins, "short": {"version": "1", "digest": record["digest"]}}
    for name, given in right.items():
        inputs = {path: {"model": model, "alias": "champion", **given}}
        ended = pipeline.launch(pipeline.document(name, **dict(fields), inputs=inputs))
        assert (ended.code, ended.out) == (0, b"w\n"), ended.err
    wrong = {"model": model, "alias": "champion", **pins, "digest": "sha256:00"}
    ended = pipeline.launch(pipeline.document("wrong", **dict(fields), inputs={path: wrong}))
    assert (ended.code, "expected digest" in ended.err) == (66, True)


def test_an_endpoint_serves_a_folder_that_is_there_already(pipeline: Any) -> None:
    there = pipeline.folder / "there"
    there.mkdir()
    (there / "weights").write_text("w")
    folder = pipeline.folder / "served"
    document = head(
        pipeline,
        kind="serve",
        step="serving.online",
        model={"kind": "path", "path": str(there)},
        binding="locked",
        folder=str(folder),
        command={"argv": [["cat"], [f"{folder}/weights"]]},
    )
    ended = pipeline.launch(document, "serve.py")
    assert (ended.code, ended.out) == (0, b"w"), ended.err
    assert Path(os.path.realpath(folder)) == there


def test_an_endpoints_command_gets_secrets_parameters_and_data_as_a_step_does(pipeline: Any) -> None:
    there = pipeline.folder / "weights"
    there.write_text("w")
    show = 'printf "%s " "$@" "$RATE" "${MLWRIGHT_SECRET_LAKE__KEY-gone}" "${KEY-unseen}" "$OTHER"'
    document = head(
        pipeline,
        kind="serve",
        step="serving.online",
        model={"kind": "path", "path": str(there)},
        folder=str(pipeline.folder / "served"),
        command={
            "argv": [
                *(["sh"], ["-c"], [show], ["sh"]),
                *(["--key=", {"ref": "secrets.lake.KEY"}], [{"ref": "params.n"}], [{"ref": "data.here"}]),
            ]
        },
        params={"n": {"type": "int", "default": 3}, "rate": {"type": "float", "default": 0.5}},
        env={"RATE": [{"ref": "params.rate"}]},
        data={"here": {"source": str(there), "access": "path"}},
        secrets=["other"],
        secret_keys={"lake": ["KEY"], "other": ["OTHER"]},
    )
    given = {"MLWRIGHT_SECRET_LAKE__KEY": "s3 $x", "MLWRIGHT_SECRET_OTHER__OTHER": "o", "MLWRIGHT_PARAM_N": "7"}
    ended = pipeline.launch(document, "serve.py", **given)
    assert (ended.code, ended.out.decode().strip()) == (0, f"--key=s3 $x 7 {there} 0.5 gone unseen o"), ended.err
    del given["MLWRIGHT_SECRET_LAKE__KEY"]
    ended = pipeline.launch(document, "serve.py", **given)
    assert (ended.code, "MLWRIGHT_SECRET_LAKE__KEY" in ended.err) == (64, True)


def test_an_endpoint_of_a_version_that_does_not_exist_is_said_with_66(pipeline: Any) -> None:
    model = {"kind": "registry", "model": "m-nowhere", "alias": "champion"}
    folder = str(pipeline.folder / "served")
    document = head(pipeline, kind="serve", step="serving.online", model=model, binding="locked", folder=folder)
    ended = pipeline.launch(document, "serve.py")
    assert (ended.code, "the registry has no m-nowhere @champion" in ended.err) == (66, True)
