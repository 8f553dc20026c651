"""Files from step to step: by Argo where an object store is said, else by the tracking server or a volume."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.targets.argo.sample import emitted, on_argo, spec, template

from mlwright import ir
from mlwright.testing.programs import origin, project, task

TABLE = (ir.Output(name="t", type="dataset"),)
LAKE = ir.Secret(name="lake", keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))


def store(type: str = "s3", uri: str = "s3://acme/ml", secret: str = "") -> ir.Storage:
    return ir.Storage(name="artifacts", type=type, uri=uri, secret=secret, origin=origin("storage", "artifacts"))


def make(name: str = "steps.make", **changes: Any) -> ir.Task:
    return replace(task(name), outputs=TABLE, **changes)


def read(*nodes: str, name: str = "steps.read", **changes: Any) -> ir.Task:
    needs = tuple(ir.Need(node=node) for node in nodes)
    return replace(task(name), needs=needs, inputs=tuple(f"{node}.outputs.t" for node in nodes), **changes)


def program(*nodes: ir.Node, storage: ir.Storage | None = None, **changes: Any) -> ir.Project:
    return on_argo(project(*nodes, artifacts=storage or store(), **changes))


def document(made: ir.Project, name: str) -> Any:
    (found,) = [
        item["data"]["step.json"]
        for (kind, config), item in emitted(made).items()
        if kind == "ConfigMap" and config.startswith(f"churn-{name}-") and "step.json" in item["data"]
    ]
    return json.loads(found)["artifacts"]


def test_a_steps_files_are_kept_under_its_run_and_name_and_put_before_who_reads_them() -> None:
    made = program(make(), read("steps.make"))
    found = spec(made)
    key = {"s3": {"key": "ml/runs/{{workflow.uid}}/make"}}
    assert template(found, "make")["outputs"]["artifacts"] == [
        {"name": "outputs", "path": "/mlwright/outputs", "optional": True, "archive": {"none": {}}, **key}
    ]
    assert template(found, "read")["inputs"]["artifacts"] == [
        {"name": "of-make", "path": "/mlwright/artifacts/make", "optional": True, **key}
    ]
    assert document(made, "make") == {"type": "directory", "path": "/mlwright/outputs", "inputs": {}}
    assert document(made, "read")["inputs"] == {"steps.make": "/mlwright/artifacts/make"}
    assert document(made, "read")["type"] == "mlflow"
    assert {"name": "artifacts", "mountPath": "/mlwright/outputs"} in template(found, "make")["container"][
        "volumeMounts"
    ]


@pytest.mark.parametrize("type", ["mlflow", "volume"])
def test_without_an_object_store_argo_carries_nothing(type: str) -> None:
    made = program(make(), read("steps.make"), storage=store(type, ""))
    found = spec(made)
    assert "artifactRepositoryRef" not in found
    assert not [one for one in found["templates"] if "outputs" in one or "inputs" in one]
    assert "inputs" not in document(made, "read")


def test_models_and_numbers_are_the_tracking_servers() -> None:
    outputs = (ir.Output(name="m", type="mlflow-model"), ir.Output(name="n", type="int"))
    found = spec(program(replace(make(), outputs=outputs)))
    assert "outputs" not in template(found, "make")


def test_what_a_step_on_several_nodes_reads_goes_through_the_tracking_server() -> None:
    several = ir.Distributed(nodes_min=2, nodes_max=2, launcher="torchrun")
    made = program(make(), read("steps.make", distributed=several), read("steps.make", name="steps.other"))
    found = spec(made)
    assert not [one for one in found["templates"] if "outputs" in one or "inputs" in one]
    assert document(made, "make")["type"] == "mlflow"


def test_items_of_a_loop_share_a_folder_and_a_list_of_files_is_counted_with_them() -> None:
    loop = ir.ForEach(keys=(("k", ir.Ref("steps.make.outputs.t")),))
    made = make("steps.each", for_each=loop, inputs=("steps.make.outputs.t",), needs=(ir.Need(node="steps.make"),))
    found = spec(program(replace(make(), outputs=(ir.Output(name="t", type="json"),)), made, read("steps.each")))
    assert template(found, "each")["outputs"]["artifacts"][0]["s3"]["key"].endswith("/each")
    assert [one["name"] for one in template(found, "each-items")["inputs"]["artifacts"]] == ["of-make"]


def trials(retrain: bool) -> tuple[ir.Node, ...]:
    metric = ir.Metric(name="m", goal="maximize")
    training = replace(make("training"), metrics=(metric,))
    search = ir.Search(
        id="tuning",
        name="tuning",
        trial=replace(training, id="tuning.trial", name="trial"),
        training="training",
        objective="m",
        goal="maximize",
        retrain=retrain,
        origin=origin("tuning"),
    )
    return (search, training, read("training")) if retrain else (search, read("training"))


def test_the_best_trials_files_are_the_trainings_where_it_is_not_run_again() -> None:
    found = spec(program(*trials(retrain=False)))
    assert template(found, "trial")["outputs"]["artifacts"][0]["s3"]["key"].endswith("/trial")
    assert template(found, "read")["inputs"]["artifacts"][0]["path"] == "/mlwright/artifacts/trial"
    again = spec(program(*trials(retrain=True)))
    assert "outputs" not in template(again, "trial")
    assert template(again, "read")["inputs"]["artifacts"][0]["path"] == "/mlwright/artifacts/training"


@pytest.mark.parametrize(
    ("storage", "secrets", "expected"),
    [
        (store(), (), {"s3": {"endpoint": "s3.amazonaws.com", "bucket": "acme", "useSDKCreds": True}}),
        (
            store(secret="lake"),
            (LAKE,),
            {
                "s3": {
                    "endpoint": "s3.amazonaws.com",
                    "bucket": "acme",
                    "accessKeySecret": {"name": "churn-lake", "key": "AWS_ACCESS_KEY_ID"},
                    "secretKeySecret": {"name": "churn-lake", "key": "AWS_SECRET_ACCESS_KEY"},
                }
            },
        ),
        (store("gs", "gs://acme"), (), {"gcs": {"bucket": "acme"}}),
        (
            store("gs", "gs://acme", "key"),
            (ir.Secret(name="key", keys=("file",), existing="sa"),),
            {"gcs": {"bucket": "acme", "serviceAccountKeySecret": {"name": "sa", "key": "file"}}},
        ),
        (
            store("azure", "abfss://models@acme.dfs.core.windows.net/ml"),
            (),
            {"azure": {"endpoint": "https://acme.blob.core.windows.net", "container": "models", "useSDKCreds": True}},
        ),
    ],
)
def test_the_repository_is_the_projects_own(
    storage: ir.Storage, secrets: tuple[ir.Secret, ...], expected: dict[str, Any]
) -> None:
    made = program(make(), storage=storage, secrets=secrets)
    reference = spec(made)["artifactRepositoryRef"]
    assert reference["configMap"].startswith("churn-artifacts-")
    assert json.loads(emitted(made)["ConfigMap", reference["configMap"]]["data"][reference["key"]]) == expected


def test_keys_of_a_bucket_without_a_folder_begin_with_the_runs() -> None:
    found = spec(program(make(), storage=store("azure", "abfss://models@acme.dfs.core.windows.net")))
    assert template(found, "make")["outputs"]["artifacts"][0]["azure"] == {
        "blob": "runs/{{workflow.uid}}/make",
        "container": "",
        "endpoint": "",
    }


def test_pipelines_that_share_a_step_share_its_document() -> None:
    several = ir.Distributed(nodes_min=2, nodes_max=2, launcher="torchrun")
    made = program(make(), read("steps.make", distributed=several))
    short = replace(made.pipelines[0], name="short", nodes=("steps.make",))
    assert document(replace(made, pipelines=(*made.pipelines, short)), "make")["type"] == "mlflow"
