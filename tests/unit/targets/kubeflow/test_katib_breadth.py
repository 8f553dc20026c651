"""The breadth of Katib's own examples in the language: what each is about is in the Experiment that comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from tests.contract.katib import typed
from tests.contract.katib.rules import problems
from tests.unit.targets.kubernetes.environments import built

PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: argo
kubernetes: "1.36"
argo_workflows: "4.1"
kubeflow: {katib: "0.19", SYSTEM}
pod_security: baseline
images: {tools: "registry.example.com/tools:1"}
runtimes: {RUNTIMES}
"""
LR = "lr: {min: 0.01, max: 0.05}"
MOMENTUM = "momentum: {min: 0.5, max: 0.9}"
TRIALS = "trials: {max: 12, parallel: 3, max_failed: 2}"
KINDS = {"lr": "float", "momentum": "float", "num_epochs": "int", "num_layers": "int", "optimizer": "string"}
KINDS |= {"batch_size": "int", "epochs": "int", "num_steps": "int", "num_leaves": "int"}
METRIC = "metrics: {loss: {goal: minimize}}"


def project(space: str, tuning: str = "", training: str = METRIC, objective: str = "loss") -> str:
    """The sections of a project that tunes over `space`."""
    names = list(yaml.safe_load(f"{{{space}}}"))
    params = ", ".join(f"{name}: {{type: {KINDS[name]}}}" for name in names)
    words = ", ".join(f'"--{name.replace("_", "-")}=${{params.{name}}}"' for name in names)
    trials = "" if "trials:" in tuning else f"\n  {TRIALS}"
    return f"""\
defaults: {{steps: {{image: "registry.example.com/mnist:1"}}}}
params: {{{params}}}
training:
  command: [python3, mnist.py, {words}]
  {training}
tuning:
  objective: {objective}
  space: {{{space}}}{trials}
  {tuning}
"""


def experiment(text: str, system: str = "", runtimes: str = "{}") -> Any:
    """The Experiment of a project that is compiled as a whole, with its checks."""
    given = PLATFORM.replace(", SYSTEM", f", {system}" if system else "").replace("{RUNTIMES}", runtimes)
    files = built(text, given).files
    (path,) = [path for path in files if path.endswith("-tuning-operator.yaml")]
    step = json.loads(yaml.safe_load(files[path])["data"]["step.json"])
    (found,) = [one["manifest"] for one in step["objects"] if one["manifest"]["kind"] == "Experiment"]
    assert list(problems(found)) == []
    assert typed.lost(found) == []
    return found["spec"]


def settings(spec: Any, key: str = "algorithm") -> dict[str, str]:
    return {one["name"]: one["value"] for one in spec[key].get("algorithmSettings", ())}


def space(spec: Any) -> dict[str, Any]:
    return {one["name"]: {"type": one["parameterType"], **one["feasibleSpace"]} for one in spec["parameters"]}


RANDOM = project(f"{LR}, {MOMENTUM}", "stop_at: 0.001\n  algorithm: random")
ALGORITHMS = {
    "random": (RANDOM, {}),
    "tpe": (project(f"{LR}, {MOMENTUM}", "algorithm: tpe"), {}),
    "multivariate-tpe": (project(f"{LR}, {MOMENTUM}", "algorithm: multivariate-tpe"), {}),
    "bayesianoptimization": (
        project(f"{LR}, {MOMENTUM}", "algorithm: {name: bayesianoptimization, settings: {random_state: 10}}"),
        {"random_state": "10"},
    ),
    "cmaes": (
        project(f"{LR}, {MOMENTUM}", "algorithm: {name: cmaes, settings: {restart_strategy: ipop}}"),
        {"restart_strategy": "ipop"},
    ),
    "sobol": (project(f"{LR}, {MOMENTUM}", "algorithm: sobol"), {}),
    "grid": (
        project("lr: {min: 0.01, max: 0.05, step: 0.01}, momentum: {min: 0.5, max: 0.9, step: 0.1}", "algorithm: grid"),
        {},
    ),
    "hyperband": (
        project(
            f"{LR}, num_layers: {{min: 2, max: 5}}, optimizer: {{values: [sgd, adam, ftrl]}}, "
            "num_epochs: {min: 1, max: 2}",
            "algorithm: {name: hyperband, settings: {resource_name: num_epochs, eta: 2, r_l: 2}}\n"
            "  trials: {max: 5, parallel: 2}",
        ),
        {"resource_name": "num_epochs", "eta": "2", "r_l": "2"},
    ),
    "pbt": (
        project(
            "lr: {min: 0.0001, max: 0.02, step: 0.0001}",
            "resume: volume\n  algorithm: {name: pbt, settings: {suggestion_trial_dir: /var/log/katib/checkpoints/, "
            "n_population: 40, truncation_threshold: 0.2}}\n  trials: {max: 2, parallel: 2}",
        ),
        {"suggestion_trial_dir": "/var/log/katib/checkpoints/", "n_population": "40", "truncation_threshold": "0.2"},
    ),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_algorithm_of_the_examples_is_chosen_with_its_settings(name: str) -> None:
    text, given = ALGORITHMS[name]
    found = experiment(text)
    assert (found["algorithm"]["algorithmName"], settings(found)) == (name, given)
    assert found["objective"]["type"] == "minimize"
    assert found["trialTemplate"]["trialSpec"]["kind"] == "Job"


def test_the_goal_and_the_counts_of_an_example_are_there() -> None:
    found = experiment(RANDOM)
    assert found["objective"]["goal"] == 0.001
    assert (found["maxTrialCount"], found["parallelTrialCount"], found["maxFailedTrialCount"]) == (12, 3, 3)
    assert space(found)["lr"] == {"type": "double", "min": "0.01", "max": "0.05"}


def test_distributions_of_the_examples() -> None:
    found = space(
        experiment(
            project(
                "lr: {min: 0.01, max: 0.05, step: 0.01, distribution: normal}, "
                "momentum: {min: 0.001, max: 1, distribution: uniform}, "
                "epochs: {min: 1, max: 3, distribution: log_uniform}, "
                "batch_size: {min: 32, max: 64, distribution: log_normal}",
                "algorithm: random",
            )
        )
    )
    assert found["lr"] == {"type": "double", "min": "0.01", "max": "0.05", "step": "0.01", "distribution": "normal"}
    assert found["momentum"] == {"type": "double", "min": "0.001", "max": "1.0"}
    assert found["epochs"] == {"type": "int", "min": "1", "max": "3", "distribution": "logUniform"}
    assert found["batch_size"] == {"type": "int", "min": "32", "max": "64", "distribution": "logNormal"}


@pytest.mark.parametrize(
    ("source", "kind", "place"),
    [
        ("", "StdOut", {}),
        (
            "\n  metrics_from: {type: file, path: /katib/mnist.log}",
            "File",
            {"path": "/katib/mnist.log", "kind": "File", "format": "TEXT"},
        ),
        ("\n  metrics_from: {type: file, path: /katib/mnist.json, format: json}", "StdOut", {}),
    ],
)
def test_metrics_and_early_stopping_of_the_examples(source: str, kind: str, place: dict[str, str]) -> None:
    stop = "early_stopping: {name: medianstop, settings: {min_trials_required: 1, start_step: 2}}"
    metrics = "metrics: {accuracy: {goal: maximize}, loss: {}}" + source
    found = experiment(project(f"{LR}, num_epochs: {{min: 3, max: 4}}", stop, metrics, "accuracy"))
    assert settings(found, "earlyStopping") == {"min_trials_required": "1", "start_step": "2"}
    assert found["objective"]["additionalMetricNames"] == ["loss"]
    assert found["metricsCollectorSpec"]["collector"]["kind"] == kind
    assert found["metricsCollectorSpec"].get("source", {}).get("fileSystemPath", {}) == place


def test_how_a_series_becomes_one_value_in_the_examples() -> None:
    metrics = "metrics: {accuracy: {goal: maximize, reduce: last}, Train-accuracy: {goal: maximize, reduce: best}}"
    found = experiment(project(LR, "", metrics, "accuracy"))
    assert found["objective"]["metricStrategies"] == [
        {"name": "accuracy", "value": "latest"},
        {"name": "Train-accuracy", "value": "max"},
    ]


def test_a_metric_of_two_words() -> None:
    metrics = "metrics: {valid_1 auc: {goal: maximize, pattern: 'valid_1 auc : (\\S+)', sample: 'valid_1 auc : 0.5'}}"
    found = experiment(
        project("lr: {min: 0.01, max: 0.1}, num_leaves: {min: 50, max: 60, step: 1}", "", metrics, "valid_1 auc")
    )
    assert found["objective"]["objectiveMetricName"] == "valid_1 auc"
    assert any("valid_1 auc" in one for one in found["metricsCollectorSpec"]["source"]["filter"]["metricsFormat"])


@pytest.mark.parametrize(
    ("asked", "written"), [("never", "Never"), ("volume", "FromVolume"), ("running", "LongRunning")]
)
def test_resuming_as_in_the_examples(asked: str, written: str) -> None:
    assert experiment(project(LR, f"resume: {asked}"))["resumePolicy"] == written


DISTRIBUTED: dict[str, tuple[str, str, str, str]] = {
    "pytorchjob-mnist": (
        "framework: pytorch\n  distributed: {nodes: 2, launcher: torchrun}",
        'training_operator: "1.9"',
        "PyTorchJob",
        "pytorch",
    ),
    "tfjob-mnist": (
        "framework: tensorflow\n  distributed: {nodes: 2}",
        'training_operator: "1.9"',
        "TFJob",
        "tensorflow",
    ),
    "mpijob-horovod": ("distributed: {nodes: 2, launcher: mpirun}", 'training_operator: "1.9"', "MPIJob", "mpi"),
    "xgboostjob-lightgbm": (
        "framework: lightgbm\n  distributed: {nodes: 3}",
        'training_operator: "1.9"',
        "XGBoostJob",
        "xgboost",
    ),
    "trainjob-pytorch": (
        "framework: pytorch\n  distributed: {nodes: 2, launcher: torchrun}",
        'trainer: "2.3"',
        "TrainJob",
        "node",
    ),
}


@pytest.mark.parametrize("name", DISTRIBUTED)
def test_a_trial_is_the_kind_of_job_that_it_is_in_the_examples(name: str) -> None:
    how, system, kind, container = DISTRIBUTED[name]
    runtimes = "{pytorch: {name: torch-distributed}}" if kind == "TrainJob" else "{}"
    found = experiment(project(f"{LR}, {MOMENTUM}", "", f"{METRIC}\n  {how}"), system, runtimes)
    template = found["trialTemplate"]
    assert (template["trialSpec"]["kind"], template["primaryContainerName"]) == (kind, container)
    assert {one["reference"] for one in template["trialParameters"]} == {"lr", "momentum", "${trialSpec.Name}"}


@pytest.mark.parametrize(
    ("source", "written"),
    [
        (
            "{type: tensorboard, path: /mnist-with-summaries-logs/test}",
            {"fileSystemPath": {"path": "/mnist-with-summaries-logs/test", "kind": "Directory"}},
        ),
        ("{type: prometheus, port: 8080}", {"httpGet": {"path": "/metrics", "port": 8080}}),
    ],
)
def test_event_files_and_scraped_metrics_are_the_trials(source: str, written: dict[str, Any]) -> None:
    trial = f"trial: {{metrics_from: {source}}}"
    found = experiment(project(f"{LR}, batch_size: {{min: 32, max: 64}}", trial))
    assert found["metricsCollectorSpec"]["source"] == written
