"""Katib's own webhooks, run on what we write: they take an Experiment, and start the words of a trial as modelled."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.katib import generator
from tests.e2e.programs import KATIB, Missing
from tests.unit.targets.kubeflow import test_katib as kinds
from tests.unit.targets.kubeflow.searches import AUC, LOSS, LR, manifests, search
from tests.unit.targets.kubeflow.test_katib_kinds import KINDS, V1, V2, made, tuned

from mlwright import ir
from mlwright.testing import programs

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

Json = dict[str, Any]
CONFIG = "manifests/v1beta1/installs/katib-standalone/katib-config.yaml"


class Webhooks:
    """The process that judges."""

    def __init__(self) -> None:
        words = [str(KATIB.built() / KATIB.name), str(KATIB.source() / CONFIG)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, experiment: Json, **assignments: str) -> tuple[list[str], Json, Json]:
        """What is wrong with an Experiment; a trial of it with these values; its first pod where that is a Job."""
        assert self.process.stdin and self.process.stdout
        given = [{"name": name, "value": value} for name, value in assignments.items()]
        asked = {"experiment": experiment, "trial": f"{experiment['metadata']['name']}-x7", "assignments": given}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        told = json.loads(self.process.stdout.readline())
        return told["errors"], told["run"], told["pod"]


@pytest.fixture(scope="module")
def webhooks() -> Iterator[Webhooks]:
    try:
        found = Webhooks()
    except Missing as problem:
        pytest.fail(str(problem), pytrace=False)
    yield found
    found.process.terminate()
    found.process.wait(10)


def first(spec: Json) -> dict[str, str]:
    """A value of every parameter."""
    spaces = {one["name"]: one["feasibleSpace"] for one in spec["parameters"]}
    return {name: space["list"][0] if "list" in space else space["min"] for name, space in spaces.items()}


@pytest.mark.parametrize("nodes", [1, 2])
@pytest.mark.parametrize("stopping", ["", "medianstop"])
@pytest.mark.parametrize("algorithm", kinds.ALGORITHMS)
def test_an_experiment_is_taken_and_its_pods_are_started_as_our_model_says(
    webhooks: Webhooks, algorithm: str, stopping: str, nodes: int
) -> None:
    node = kinds.tuned(algorithm, trial=kinds.trial(nodes), early_stopping=stopping)
    experiment = manifests(node)[0]
    values = first(experiment["spec"])
    said, run, pod = webhooks.ask(experiment, **values)
    assert said == []
    assert run == generator.run_spec(experiment, run["metadata"]["name"], values)
    primary, collector = pod["spec"]["containers"]
    assert collector["name"] == "metrics-logger-and-collector"
    before = run["spec"]["template"]["spec"]["containers"][0]
    expanded = [primary["command"][0], primary["command"][1], generator._expanded(primary["args"][0])]
    assert expanded == generator.wrapped(experiment, before)
    paths = [mount["mountPath"] for mount in primary["volumeMounts"]]
    assert len(set(paths)) == len(paths)
    assert ("/ckpt" in paths) is (algorithm == "pbt")


@pytest.mark.parametrize("system", [V1, V2[-1]])
@pytest.mark.parametrize(("framework", "launcher", "roles"), KINDS)
def test_a_trial_of_every_kind_is_taken(
    webhooks: Webhooks, framework: str, launcher: str, roles: tuple[tuple[str, int], ...], system: str
) -> None:
    experiment, _ = made(tuned(framework, launcher, roles), system)
    said, run, _ = webhooks.ask(experiment, lr="0.1", depth="3")
    assert said == []
    assert run == generator.run_spec(experiment, run["metadata"]["name"], {"lr": "0.1", "depth": "3"})


SOURCES = {
    "File": ir.MetricsFrom(type="file", path="/katib/mnist.log"),
    "TensorFlowEvent": ir.MetricsFrom(type="tensorboard", path="/logs/test"),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_collector_is_taken_and_nothing_is_mounted_twice(webhooks: Webhooks, kind: str) -> None:
    made_ = programs.task("training", metrics=(LOSS,), metrics_from=SOURCES[kind])
    experiment = manifests(search(LR, trial=made_, objective="loss", goal="minimize"))[0]
    assert experiment["spec"]["metricsCollectorSpec"]["collector"]["kind"] == kind
    said, _, pod = webhooks.ask(experiment, lr="0.1")
    assert said == []
    paths = [mount["mountPath"] for mount in pod["spec"]["containers"][0]["volumeMounts"]]
    assert len(set(paths)) == len(paths)


def test_a_collector_that_ops_have_not_added_is_refused(webhooks: Webhooks) -> None:
    source = ir.MetricsFrom(type="prometheus", port=8080, path="/metrics")
    experiment = manifests(search(LR, trial=programs.task("training", metrics=(AUC,), metrics_from=source)))[0]
    said = webhooks.ask(experiment, lr="0.1")[0]
    assert said and all("PrometheusMetric" in one for one in said)


def test_amounts_of_a_pod_survive_the_way_through_katibs_types(webhooks: Webhooks) -> None:
    box = programs.container(
        "python",
        mounts=(
            ir.Mount(target="/fast", kind="memory", size=3 * 1024**2),
            ir.Mount(target="/s", kind="disk", size=1000),
        ),
        resources=ir.Resources(cpu=1500, memory=3 * 1024**3, disk=1500, cpu_limit=2000),
    )
    experiment = manifests(search(LR, trial=programs.task("training", metrics=(AUC,), container=box)))[0]
    assert webhooks.ask(experiment, lr="0.1")[0] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("metadata", "name"), "a" * 41),
        (("spec", "maxFailedTrialCount"), 13),
        (("spec", "trialTemplate", "trialSpec", "metadata", "name"), "x"),
        (("spec", "trialTemplate", "trialSpec", "spec", "backofLimit"), 3),
        (("spec", "trialTemplate", "trialParameters"), [{"name": "a", "reference": "lr"}]),
        (("spec", "algorithm", "algorithmName"), "annealing"),
        (("spec", "resumePolicy"), "Always"),
    ],
)
def test_the_webhook_does_refuse(webhooks: Webhooks, path: tuple[str, ...], value: Any) -> None:
    experiment = manifests(search(LR))[0]
    below = experiment
    for key in path[:-1]:
        below = below[key]
    below[path[-1]] = value
    assert webhooks.ask(experiment, lr="0.1")[0]
