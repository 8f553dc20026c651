"""Experiments: every algorithm, space, objective and collector, held to Katib's own rules and models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.contract.katib import typed
from tests.contract.katib.rules import problems
from tests.unit.targets.kubeflow.searches import (
    AUC,
    DEPTH,
    KIND,
    LOSS,
    LR,
    experiment,
    manifests,
    objects,
    profile,
    project,
    search,
)

from mlwright import ir
from mlwright.emit.kube import operated
from mlwright.testing import programs

STEPPED = ir.Dimension(param="rate", type="float", min=0.1, max=0.5, step=0.1)
SIZE = ir.Dimension(param="size", type="int", values=(16, 32))
SHARE = ir.Dimension(param="share", type="float", values=(0.5, 1e-05))
FAST = ir.Dimension(param="fast", type="bool", values=(True, False))
LAYERS = ir.Dimension(param="layers", type="json", values=([1, 2], {"a": '"'}))
WIDE = ir.Dimension(param="wide", type="int", min=2, max=64, distribution="log_uniform")
BELL = ir.Dimension(param="bell", type="float", min=0.0, max=1.0, distribution="normal", mean=0.4, sigma=0.1)
LISTS = (SIZE, SHARE, FAST, LAYERS, KIND)
ALGORITHMS: dict[str, tuple[dict[str, Any], tuple[ir.Dimension, ...]]] = {
    "random": ({"random_state": 7}, (LR, DEPTH, STEPPED, WIDE, BELL, *LISTS)),
    "tpe": (
        {"gamma": 0.25, "prior_weight": 1, "n_EI_candidates": 24, "random_state": "7"},
        (LR, DEPTH, STEPPED, WIDE, BELL, *LISTS),
    ),
    "grid": ({"random_state": 7.0}, (DEPTH, STEPPED, *LISTS)),
    "multivariate-tpe": ({"n_startup_trials": 5, "n_ei_candidates": 24}, (LR, DEPTH, WIDE, *LISTS)),
    "bayesianoptimization": (
        {"base_estimator": "RF", "n_initial_points": 4, "acq_func": "EI", "acq_optimizer": "sampling"},
        (LR, DEPTH, STEPPED, *LISTS),
    ),
    "cmaes": ({"sigma": 0.2, "restart_strategy": "None", "random_state": 1}, (DEPTH, STEPPED)),
    "sobol": ({}, (DEPTH, STEPPED)),
    "hyperband": ({"r_l": 9, "eta": 3, "resource_name": "depth"}, (DEPTH, LR, *LISTS)),
    "pbt": (
        {"suggestion_trial_dir": "/ckpt", "n_population": 5, "truncation_threshold": 0.2},
        (DEPTH, STEPPED, *LISTS),
    ),
}


def tuned(algorithm: str, *space: ir.Dimension, **changes: Any) -> ir.Search:
    settings, whole = ALGORITHMS[algorithm]
    fields: dict[str, Any] = {"algorithm": algorithm, "settings": tuple(settings.items())}
    fields |= {"parallel": 9, "resume": "volume" if algorithm == "pbt" else "never"}
    return search(*(space or whole), **{**fields, **changes})


def trial(nodes: int = 1, **changes: Any) -> ir.Task:
    spread = ir.Distributed(nodes_min=nodes, nodes_max=nodes, launcher="torchrun" if nodes > 1 else "none")
    return programs.task("training", "python", "train.py", metrics=(AUC, LOSS), distributed=spread, **changes)


@pytest.mark.parametrize("nodes", [1, 2])
@pytest.mark.parametrize("stopping", ["", "medianstop"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_katib_has_nothing_to_say_against_an_experiment(algorithm: str, stopping: str, nodes: int) -> None:
    settings = (("min_trials_required", 3), ("start_step", "4")) if stopping else ()
    node = tuned(algorithm, trial=trial(nodes), early_stopping=stopping, early_stopping_settings=settings)
    made = manifests(node)
    assert list(problems(made[0])) == []
    assert typed.lost(made[0]) == []
    assert [item["kind"] for item in made] == ["Experiment", *(["Service"] if nodes > 1 else [])]


def test_a_range_is_a_range_and_all_values_are_text() -> None:
    found = {one["name"]: one for one in experiment(tuned("random"))["parameters"]}
    assert found["lr"]["feasibleSpace"] == {"min": "0.0001", "max": "0.3", "distribution": "logUniform"}
    assert found["depth"] == {"name": "depth", "parameterType": "int", "feasibleSpace": {"min": "1", "max": "9"}}
    assert found["rate"]["feasibleSpace"] == {"min": "0.1", "max": "0.5", "step": "0.1"}
    assert found["wide"]["feasibleSpace"] == {"min": "2", "max": "64", "distribution": "logUniform"}
    assert found["size"] == {"name": "size", "parameterType": "discrete", "feasibleSpace": {"list": ["16", "32"]}}
    assert found["share"]["feasibleSpace"] == {"list": ["0.5", "1e-05"]}
    assert found["fast"]["feasibleSpace"] == {"list": ["true", "false"]}


def test_texts_and_json_are_known_by_their_places() -> None:
    found = {one["name"]: one for one in experiment(tuned("grid"))["parameters"]}
    for name in ("kind", "layers"):
        assert found[name]["parameterType"] == "categorical"
        assert found[name]["feasibleSpace"] == {"list": ["0", "1"]}


def test_a_normal_distribution_is_its_mean_plus_and_minus_three_sigma() -> None:
    (found,) = experiment(search(BELL))["parameters"]
    low, high = (float(found["feasibleSpace"][key]) for key in ("min", "max"))
    assert (low, high) == (pytest.approx(0.1), pytest.approx(0.7))
    plain = replace(BELL, mean=0.0, sigma=0.0)
    assert experiment(search(plain))["parameters"][0]["feasibleSpace"]["max"] == "1.0"


def test_lists_of_numbers_are_words_for_hyperband_and_whole_numbers_are_a_list_for_pbt() -> None:
    found = {one["name"]: one for one in experiment(tuned("hyperband"))["parameters"]}
    assert found["share"]["parameterType"] == "categorical"
    found = {one["name"]: one for one in experiment(tuned("pbt"))["parameters"]}
    assert found["depth"]["feasibleSpace"] == {"list": [str(item) for item in range(1, 10)]}


@pytest.mark.parametrize(
    ("algorithm", "settings", "written"),
    [
        ("tpe", {"n_ei_candidates": 24.0}, {"n_EI_candidates": "24"}),
        ("random", {"random_state": "7.0"}, {"random_state": "7"}),
        ("cmaes", {"restart_strategy": "None", "sigma": 0.25}, {"restart_strategy": "none", "sigma": "0.25"}),
        ("hyperband", {"r_l": 9, "resource_name": "depth"}, {"r_l": "9", "resource_name": "depth"}),
    ],
)
def test_settings_are_spelled_as_katib_reads_them(
    algorithm: str, settings: dict[str, Any], written: dict[str, str]
) -> None:
    node = tuned(algorithm, settings=tuple(settings.items()))
    found = experiment(node)["algorithm"]["algorithmSettings"]
    assert {one["name"]: one["value"] for one in found} == written


def test_the_objective_says_how_a_series_becomes_one_value() -> None:
    found = experiment(search(stop_at=0.95))["objective"]
    assert found == {
        "type": "maximize",
        "goal": 0.95,
        "objectiveMetricName": "val_auc",
        "additionalMetricNames": ["loss"],
        "metricStrategies": [{"name": "val_auc", "value": "max"}, {"name": "loss", "value": "latest"}],
    }
    metrics = (replace(AUC, reduce="last"), replace(LOSS, reduce="best"))
    made = search(trial=programs.task("training", metrics=metrics))
    strategies = experiment(made)["objective"]["metricStrategies"]
    assert [one["value"] for one in strategies] == ["latest", "min"]
    assert "goal" not in experiment(search())["objective"]


@pytest.mark.parametrize(("allowed", "written"), [(0, 1), (3, 4), (11, 12), (12, 12)])
def test_one_more_failure_than_allowed_ends_the_search(allowed: int, written: int) -> None:
    assert experiment(search(max_failed=allowed))["maxFailedTrialCount"] == written


def test_a_grid_is_asked_for_no_more_trials_than_it_has_points() -> None:
    found = experiment(search(DEPTH, STEPPED, algorithm="grid", max_trials=100, parallel=50, max_failed=100))
    assert (found["maxTrialCount"], found["parallelTrialCount"], found["maxFailedTrialCount"]) == (45, 45, 45)
    assert experiment(search(DEPTH, algorithm="grid", max_trials=4))["maxTrialCount"] == 4


@pytest.mark.parametrize(
    ("asked", "written"), [("never", "Never"), ("volume", "FromVolume"), ("running", "LongRunning")]
)
def test_what_is_kept_for_going_on(asked: Any, written: str) -> None:
    assert experiment(search(resume=asked))["resumePolicy"] == written


@pytest.mark.parametrize(
    ("source", "metrics", "written"),
    [
        (ir.MetricsFrom(), (AUC,), {"collector": {"kind": "StdOut"}}),
        (ir.MetricsFrom(type="mlflow"), (LOSS,), {"collector": {"kind": "StdOut"}}),
        (
            ir.MetricsFrom(type="file", path="/katib/mnist.log"),
            (LOSS,),
            {
                "collector": {"kind": "File"},
                "source": {"fileSystemPath": {"path": "/katib/mnist.log", "kind": "File", "format": "TEXT"}},
            },
        ),
        (ir.MetricsFrom(type="file", path="/katib/mnist.log"), (AUC,), {"collector": {"kind": "StdOut"}}),
        (ir.MetricsFrom(type="file", path="/tmp/mnist.log"), (LOSS,), {"collector": {"kind": "StdOut"}}),
        (ir.MetricsFrom(type="file", path="mnist.log"), (LOSS,), {"collector": {"kind": "StdOut"}}),
        (ir.MetricsFrom(type="file", path="/katib/m.json", format="json"), (LOSS,), {"collector": {"kind": "StdOut"}}),
        (
            ir.MetricsFrom(type="tensorboard", path="/logs/test"),
            (LOSS,),
            {
                "collector": {"kind": "TensorFlowEvent"},
                "source": {"fileSystemPath": {"path": "/logs/test", "kind": "Directory"}},
            },
        ),
        (
            ir.MetricsFrom(type="prometheus", port=9090, path="/metrics"),
            (LOSS,),
            {
                "collector": {"kind": "PrometheusMetric"},
                "source": {"httpGet": {"path": "/metrics", "port": 9090}},
            },
        ),
    ],
)
def test_katib_reads_metrics_where_the_program_writes_them(
    source: ir.MetricsFrom, metrics: tuple[ir.Metric, ...], written: dict[str, Any]
) -> None:
    made = programs.task("training", metrics=metrics, metrics_from=source)
    node = search(trial=made, objective=metrics[0].name)
    found = experiment(node)
    assert found["metricsCollectorSpec"] == written
    assert list(problems({"metadata": {"name": "a"}, "spec": found})) == []


def test_a_metric_with_an_odd_name_is_found_by_a_filter_of_its_own() -> None:
    import re

    made = programs.task("training", metrics=(replace(LOSS, name="val/loss (x)"), AUC))
    found = experiment(search(trial=made))["metricsCollectorSpec"]["source"]["filter"]["metricsFormat"]
    line = "val/loss (x)=0.25"
    hits = [(hit[1], hit[2]) for pattern in found for hit in re.finditer(pattern, line)]
    assert ("val/loss (x)", "0.25") in hits


@pytest.mark.parametrize(("algorithm", "most"), [("random", 40), ("bayesianoptimization", 40), ("pbt", 24)])
def test_a_name_leaves_room_for_what_katib_appends(algorithm: str, most: int) -> None:
    node = tuned(algorithm)
    made = objects(project(node))
    (found, *_) = operated.manifests(made, made.project.pipelines[0], node)
    (part,) = found["metadata"]["name"].parts
    assert part == {"name": "tuning", "limit": most}


def test_without_katib_the_search_is_made_of_jobs() -> None:
    platform = profile()
    systems = {name: version for name, version in platform.systems.items() if name != "kubeflow.katib"}
    made = manifests(search(), replace(platform, systems=systems))
    assert [item["kind"] for item in made] == ["Job", "Service", "Job"]
