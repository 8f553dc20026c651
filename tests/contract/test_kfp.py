"""Pipelines in Kubeflow's own language: every name in them is something's, the SDK takes them, and writes the same."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import sdk
from tests.contract.kfp.model import problems
from tests.contract.kfp.project import PROJECT, compiled
from tests.unit.runtime import kfp

from mlwright import api

Spec = dict[str, Any]
SDK = Path(__file__).parent / "kfp" / "sdk.py"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spec, Spec]:
    return compiled(tmp_path_factory.mktemp("demo"), PROJECT)


def test_every_name_is_somethings_and_fits_it(documents: tuple[Spec, Spec]) -> None:
    assert problems(*documents) == []


def at(*path: str) -> Callable[[Spec], tuple[Any, str]]:
    """Where something is in the documents."""

    def found(documents: Any) -> tuple[Any, str]:
        for part in path[:-1]:
            documents = documents[part]
        return documents, path[-1]

    return found


MAIN = ("spec", "components", "comp-exit-handler-1", "dag", "tasks")
EXECUTORS = ("platform", "platforms", "kubernetes", "deploymentSpec", "executors")


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (at(*MAIN, "training", "componentRef", "name"), "comp-train", "there is no comp-train"),
        (at(*MAIN, "training", "componentRef", "name"), "comp-report-item", "nothing starts comp-training"),
        (at(*MAIN, "training", "dependentTasks"), ["feature"], "it waits for feature"),
        (at(*MAIN, "features", "dependentTasks"), ["training"], "features waits for itself"),
        (at(*MAIN, "training", "taskInfo", "name"), "train", "it is called train"),
        (at(*MAIN, "training", "cachingOptions", "enableCache"), True, "the engine's cache is on"),
        (at(*MAIN, "training", "inputs", "parameters"), {}, "mlwright-run is not given"),
        (
            at(*MAIN, "training", "inputs", "parameters", "lr", "componentInputParameter"),
            "lr",
            "there is no input lr",
        ),
        (
            at(*MAIN, "training", "inputs", "parameters", "lr", "componentInputParameter"),
            "pipelinechannel--flag",
            "lr is NUMBER_DOUBLE, and gets BOOLEAN",
        ),
        (
            at(*MAIN, "training", "inputs", "parameters", "x"),
            {"runtimeValue": {"constant": "1"}},
            "x is no input of its component",
        ),
        (at(*MAIN, "report", "parameterIterator", "itemInput"), "item", "item is no input of its component"),
        (at("spec", "components", "comp-training", "executorLabel"), "exec-train", "is the executor exec-train"),
        (at("spec", "root", "dag", "tasks", "finish", "dependentTasks"), [], "one is enough"),
        (
            at("spec", "root", "dag", "tasks", "finish", "inputs", "parameters", "mlwright-status"),
            {"taskFinalStatus": {"producerTask": "start"}},
            "it asks how start ended",
        ),
        (
            at("spec", "components", "comp-scan-all", "dag", "tasks", "scan-items", "taskInfo", "name"),
            "scan",
            "it is called scan",
        ),
        (
            at("spec", "components", "comp-scan-items", "outputDefinitions", "parameters"),
            {},
            "scan-items has no output Output",
        ),
        (at(*EXECUTORS, "exec-train"), {}, "the platform says something of exec-train"),
        (
            at("spec", "deploymentSpec", "executors", "exec-features", "container", "image"),
            "demo:{{x}}",
            "exec-features has demo:{{x}}",
        ),
    ],
)
def test_what_does_not_fit_is_found(
    documents: tuple[Spec, Spec], where: Callable[[Spec], tuple[Any, str]], value: Any, said: str
) -> None:
    broken = copy.deepcopy({"spec": documents[0], "platform": documents[1]})
    holder, key = where(broken)
    holder[key] = value
    assert any(said in problem for problem in problems(broken["spec"], broken["platform"]))


@sdk.needed
def test_the_sdk_takes_every_field_and_loads_the_pipeline(documents: tuple[Spec, Spec]) -> None:
    assert sdk.answered(SDK, documents) == ["flag", "lr", "n", "text"]


@sdk.needed
@pytest.mark.parametrize(
    ("where", "value"),
    [
        (at("spec", "schemaversion"), "2.1.0"),
        (at(*MAIN, "training", "dependsOn"), []),
        (at(*MAIN, "training", "retryPolicy", "maxRetries"), 3),
        (at(*MAIN, "training", "triggerPolicy"), {"strategy": "ALWAYS"}),
        (at("spec", "root", "inputDefinitions", "parameters", "n", "parameterType"), "INTEGER"),
        (at("spec", "deploymentSpec", "executors", "exec-training", "container", "resources", "gpu"), 1),
        (at(*EXECUTORS, "exec-training", "configMaps"), []),
        (at(*EXECUTORS, "exec-training", "securityContext", "runAsUser"), "root"),
    ],
)
def test_the_sdk_refuses_what_its_messages_have_not(
    documents: tuple[Spec, Spec], where: Callable[[Spec], tuple[Any, str]], value: Any
) -> None:
    broken = copy.deepcopy({"spec": documents[0], "platform": documents[1]})
    holder, key = where(broken)
    holder[key] = value
    with pytest.raises(AssertionError, match="ParseError"):
        sdk.answered(SDK, [broken["spec"], broken["platform"]])


@sdk.needed
def test_the_sdk_writes_the_same_pipeline(documents: tuple[Spec, Spec]) -> None:
    ours, theirs = documents[0], sdk.answered(SDK, "compile")
    assert shape(ours) == shape(theirs)
    assert inputs(ours) == inputs(theirs)
    assert {ours[key] for key in ("schemaVersion", "sdkVersion")} == {
        theirs[key] for key in ("schemaVersion", "sdkVersion")
    }


def inputs(spec: Spec) -> Spec:
    """The pipeline's parameters, without their descriptions, which the SDK has from a docstring alone."""
    found = spec["root"]["inputDefinitions"]["parameters"]
    return {name: {key: one[key] for key in one if key != "description"} for name, one in found.items()}


def shape(spec: Spec, name: str = "root") -> Any:
    """A component's tasks by what they are and wait for: names of graphs are each compiler's own."""
    component = spec["root"] if name == "root" else spec["components"][name]
    if "dag" not in component:
        return leaf(spec, component)
    tasks = component["dag"]["tasks"]
    names = {
        key: key if "dag" not in spec["components"][task["componentRef"]["name"]] else "graph"
        for key, task in tasks.items()
    }
    found = []
    for key, task in tasks.items():
        given = task.get("inputs", {}).get("parameters", {})
        condition = task.get("triggerPolicy", {}).get("condition", "")
        entry = {
            "name": names[key],
            "needs": sorted(names[need] for need in task.get("dependentTasks", [])),
            "condition": condition.partition("]")[2],
            "strategy": task.get("triggerPolicy", {}).get("strategy", ""),
            "raw": task.get("parameterIterator", {}).get("items", {}).get("raw", "").replace(" ", ""),
            "loop": "parameterIterator" in task,
            "parallel": task.get("iteratorPolicy", {}),
            "retry": task.get("retryPolicy", {}),
            "cached": task.get("cachingOptions", {}).get("enableCache", False),
            "given": sorted(next(iter(one)) for one in given.values()),
            "status": sorted(
                names[one["taskFinalStatus"]["producerTask"]] for one in given.values() if "taskFinalStatus" in one
            ),
            "inside": shape(spec, task["componentRef"]["name"]),
        }
        found.append(entry)
    return sorted(found, key=str)


def leaf(spec: Spec, component: Spec) -> Spec:
    """A container's inputs, outputs and resources. The SDK makes all numbers doubles beside texts, too."""
    declared = component.get("inputDefinitions", {}).get("parameters", {})
    outputs = component.get("outputDefinitions", {})
    resources = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"].get("resources", {})
    kept = {key: resources[key] for key in resources if key == "accelerator" or key.startswith("resource")}
    asked = {"accelerator": {}, "resourceMemoryLimit": "", **kept} if "accelerator" in kept else {}
    return {
        "takes": sorted((one["parameterType"], bool(one.get("isOptional"))) for one in declared.values()),
        "makes": sorted(one["parameterType"] for one in outputs.get("parameters", {}).values()),
        "shows": sorted(one["artifactType"]["schemaTitle"] for one in outputs.get("artifacts", {}).values()),
        "resources": asked,
    }


@pytest.mark.parametrize("example", ["breast-cancer"])
@sdk.needed
def test_the_sdk_takes_the_examples(example: str, tmp_path: Path) -> None:
    result = api.compile([str(EXAMPLES / example)], envs=["kubeflow"], output=str(tmp_path))
    assert not result.failed, result.diagnostics
    paths = sorted(tmp_path.rglob("pipelineversion-*.yaml"))
    assert paths
    for path in paths:
        spec = yaml.safe_load(path.read_text())["spec"]
        assert problems(spec["pipelineSpec"], spec["platformSpec"]) == []
        sdk.answered(SDK, [spec["pipelineSpec"], spec["platformSpec"]])


@sdk.needed
def test_the_api_of_the_tests_has_the_fields_and_names_of_the_real_one() -> None:
    real = sdk.answered(SDK, "api")
    for kind, fields in kfp.FIELDS.items():
        assert fields <= set(real[kind]), kind
    for kind, id in kfp.IDS.items():
        assert id in real[kind]
        assert {kfp.LISTS.get(kind, kind), "next_page_token"} <= set(real["lists"][kind])
    assert set(real["reference"]) == kfp.REFERENCE
    assert {"ENABLE", "DISABLE"} <= set(real["modes"]) and {"ENABLED", "DISABLED"} <= set(real["states"])
    switches = {f"recurringruns/{{recurring_run_id}}:{verb}" for verb in ("enable", "disable")}
    assert {"pipelines/upload_version", "recurringruns", *switches} <= set(real["paths"])
