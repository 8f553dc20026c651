"""Searches as Katib's Experiments: what is searched, how trials are chosen and judged, where their metrics are read.

Katib's definition takes anything, and its webhook and its services refuse what they do not know when the search starts:
what is written here is held to their rules, and `check_katib` to those that a specification can break.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mlwright.emit import json as texts
from mlwright.emit.kube import metadata, plan
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.search import search_manifests as without_katib
from mlwright.ir import Dimension, Json, Metric, Pipeline, Search
from mlwright_kubeflow.katib_trial import Trial, trial_of

Manifest = dict[str, Any]

KATIB = "kubeflow.katib"
_LIMIT = 40
"""The most of an Experiment's name, as its webhook has it; with all algorithms' names it fits into a Service's."""
_SHORT = 24
"""The most of an Experiment's name where a trial is called `<Experiment>-<UUID>`, or where the pods of a JobSet append
names of theirs to `<Experiment>-<8>`."""
_RESUME = {"never": "Never", "volume": "FromVolume", "running": "LongRunning"}
_DISTRIBUTIONS = {"log_uniform": "logUniform", "normal": "normal", "log_normal": "logNormal"}
_WORDS = re.compile(r"[\w|-]+")
"""Names of metrics that Katib's own filter finds."""
_NUMBER = r"([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
_MANY = 1000
"""Points of a range that are listed at most."""


def search_manifests(objects: Objects, pipeline: Pipeline, node: Search) -> list[Manifest]:
    """The Experiment of a search, and what its trials share; on a platform without Katib the search's own Jobs."""
    if not objects.context.platform.has(KATIB):
        return without_katib(objects, pipeline, node)
    trial = trial_of(objects, pipeline, node)
    name = plan.name(node.name, node.name, _SHORT if node.algorithm == "pbt" or trial.long else _LIMIT)
    most = _most(node)
    spec: dict[str, Any] = {
        "objective": _objective(node),
        "algorithm": _algorithm(node.algorithm, "algorithm", node.settings),
        "parameters": [_parameter(node, dimension) for dimension in node.space],
        "parallelTrialCount": min(node.parallel, most),
        "maxTrialCount": most,
        # Katib ends when as many have failed; more than all it does not take.
        "maxFailedTrialCount": min(node.max_failed + 1, most),
        "resumePolicy": _RESUME[node.resume],
        "metricsCollectorSpec": _collector(node, trial),
        "trialTemplate": trial.template,
    }
    if node.early_stopping:
        settings = node.early_stopping_settings
        spec["earlyStopping"] = _algorithm(node.early_stopping, "algorithm", settings)
    experiment = {
        "apiVersion": objects.context.platform.api(plan.EXPERIMENT, KATIB),
        "kind": plan.EXPERIMENT,
        "metadata": {
            "name": name,
            "namespace": objects.namespace,
            "labels": metadata.labels(objects.project, node.id, node.name),
        },
        "spec": spec,
    }
    return [experiment, *trial.beside]


def _most(node: Search) -> int:
    """Trials in all: a grid has no more than its points, and Katib refuses to be asked for more."""
    points = [_count(dimension) for dimension in node.space]
    return min(node.max_trials, math.prod(points)) if node.algorithm == "grid" and all(points) else node.max_trials


def _count(dimension: Dimension) -> int:
    """How many values there are; 0 when they cannot be counted."""
    if dimension.values:
        return len(dimension.values)
    step = _step(dimension)
    # A small allowance, because 0.3 / 0.1 is 2.9999...
    return math.floor((dimension.max - dimension.min) / step + 1e-9) + 1 if step else 0


def _step(dimension: Dimension) -> float:
    return dimension.step or (1 if dimension.type == "int" else 0)


def _objective(node: Search) -> Manifest:
    """Strategies are always written: by default Katib takes the best of every metric's values, MLflow the last."""
    others = [metric for metric in node.trial.metrics if metric.name != node.objective]
    mine = [metric for metric in node.trial.metrics if metric.name == node.objective]
    return {
        "type": node.goal,
        **({"goal": node.stop_at} if node.stop_at is not None else {}),
        "objectiveMetricName": node.objective,
        **({"additionalMetricNames": [metric.name for metric in others]} if others else {}),
        "metricStrategies": [{"name": metric.name, "value": _strategy(metric, node)} for metric in (*mine, *others)],
    }


def _strategy(metric: Metric, node: Search) -> str:
    goal = metric.goal or (node.goal if metric.name == node.objective else None)
    if metric.reduce == "last" or goal is None:
        return "latest"
    return "max" if goal == "maximize" else "min"


def _algorithm(name: str, word: str, settings: Iterable[tuple[str, Json]]) -> Manifest:
    given = [{"name": _spelled(name, key), "value": _setting(key, value)} for key, value in settings]
    return {f"{word}Name": name, **({f"{word}Settings": given} if given else {})}


def _spelled(algorithm: str, key: str) -> str:
    """A setting as Katib writes it, which minds capitals: Hyperopt's has some."""
    lower = key.lower()
    return "n_EI_candidates" if (algorithm, lower) == ("tpe", "n_ei_candidates") else lower


def _setting(key: str, value: Json) -> str:
    """A setting's text. Whole numbers have no point: Katib's services read some of them by `int()`."""
    if isinstance(value, str):
        if key.lower() == "restart_strategy":
            return value.lower()
        try:
            value = float(value) if value.strip() else value
        except ValueError:
            return str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else texts.canonical(value)


def _parameter(node: Search, dimension: Dimension) -> Manifest:
    kind, feasible = _feasible(node, dimension)
    return {"name": dimension.param, "parameterType": kind, "feasibleSpace": feasible}


def _feasible(node: Search, dimension: Dimension) -> tuple[str, Manifest]:
    """The type and the space of a parameter; all values are text."""
    values = dimension.values
    if dimension.type in ("string", "json"):
        # By their places: Katib puts values into the trial's text as they are, quotes and all.
        return "categorical", {"list": [str(place) for place in range(len(values))]}
    if values:
        numbers = dimension.type in ("int", "float") and node.algorithm != "hyperband"  # which reads lists by `int()`
        return "discrete" if numbers else "categorical", {"list": [_text(dimension, value) for value in values]}
    if node.algorithm == "pbt" and dimension.type == "int" and _count(dimension) <= _MANY:
        # It turns whole numbers into 8.0, and then cannot read them.
        step = int(_step(dimension))
        return "discrete", {"list": [str(item) for item in range(int(dimension.min), int(dimension.max) + 1, step)]}
    low, high = _bounds(dimension)
    feasible: Manifest = {"min": _text(dimension, low), "max": _text(dimension, high)}
    if dimension.step:
        feasible["step"] = _text(dimension, dimension.step)
    elif node.algorithm == "pbt" and dimension.type == "int":
        feasible["step"] = "1"
    if dimension.distribution in _DISTRIBUTIONS and node.algorithm != "grid":
        feasible["distribution"] = _DISTRIBUTIONS[dimension.distribution]
    return ("int" if dimension.type == "int" else "double"), feasible


def _bounds(dimension: Dimension) -> tuple[float, float]:
    """For Katib the range of a normal distribution is its mean plus and minus three sigma, and does not bound it: the
    launcher does."""
    if dimension.sigma <= 0:
        return dimension.min, dimension.max
    low, high = dimension.mean - 3 * dimension.sigma, dimension.mean + 3 * dimension.sigma
    return (math.exp(low), math.exp(high)) if dimension.distribution == "log_normal" else (low, high)


def _text(dimension: Dimension, value: Json) -> str:
    if dimension.type == "bool":
        return "true" if value else "false"
    assert isinstance(value, (int, float))
    if dimension.type == "int" and float(value).is_integer():
        return str(int(value))
    return repr(float(value))


def _collector(node: Search, trial: Trial) -> Manifest:
    """Where Katib reads metrics. The launcher prints each as `NAME=VALUE`, whatever the program's own form is."""
    source = node.trial.metrics_from
    names = [metric.name for metric in node.trial.metrics]
    match source.type:
        case "tensorboard":
            place: Manifest = {"path": source.path, "kind": "Directory"}
            return {"collector": {"kind": "TensorFlowEvent"}, "source": {"fileSystemPath": place}}
        case "prometheus":
            get = {"path": source.path or "/metrics", "port": source.port or 8080}
            return {"collector": {"kind": "PrometheusMetric"}, "source": {"httpGet": get}}
        case "file" if _by_katib(node, trial):
            place = {"path": source.path, "kind": "File", "format": "TEXT"}
            return {"collector": {"kind": "File"}, "source": {"fileSystemPath": place, **_filter(names)}}
        case _:
            found = _filter(names)
            return {"collector": {"kind": "StdOut"}, **({"source": found} if found else {})}


def _by_katib(node: Search, trial: Trial) -> bool:
    """Whether Katib reads the file of metrics itself: lines of `NAME=VALUE` in a folder that is the trial's alone. Of
    JSON it takes numbers in quotes only."""
    source = node.trial.metrics_from
    folder = posixpath.dirname(posixpath.normpath(source.path))
    plain = source.format == "text" and not any(metric.pattern for metric in node.trial.metrics)
    return plain and posixpath.isabs(source.path) and folder != "/" and folder not in trial.mounted


def _filter(names: Iterable[str]) -> Mapping[str, Any]:
    """The filter that finds names which Katib's own does not; nothing where that finds all."""
    odd = [name for name in names if not _WORDS.fullmatch(name)]
    if not odd:
        return {}
    known = rf"([\w|-]+)\s*=\s*{_NUMBER}"
    return {"filter": {"metricsFormat": [known, *(rf"({_escaped(name)})\s*=\s*{_NUMBER}" for name in odd)]}}


def _escaped(name: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", name)
