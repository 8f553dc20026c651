"""What Katib 0.19 says against an Experiment when it is made: its webhook's rules, then those of its services.

A model, written from the rules of `validator.go` and of each suggestion service's `ValidateAlgorithmSettings`, and from
what the services do with the space: what they read by `int()`, and which distributions they know.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]

KINDS = {"StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push"}
TYPES = {"double", "int", "discrete", "categorical"}
DISTRIBUTIONS = {"", "uniform", "logUniform", "normal", "logNormal"}
RESUME = {"Never", "LongRunning", "FromVolume"}
STRATEGIES = {"min", "max", "latest"}
SETTINGS: dict[str, dict[str, Any]] = {
    "random": {"random_state": int},
    "tpe": {"gamma": float, "prior_weight": float, "n_EI_candidates": int, "random_state": int},
    "grid": {"random_state": int},
    "multivariate-tpe": {"n_startup_trials": int, "n_ei_candidates": int, "random_state": int},
    "bayesianoptimization": {
        "base_estimator": {"GP", "RF", "ET", "GBRT"},
        "n_initial_points": int,
        "acq_func": {"gp_hedge", "LCB", "EI", "PI", "EIps", "PIps"},
        "acq_optimizer": {"auto", "sampling", "lbfgs"},
        "random_state": int,
    },
    "cmaes": {"random_state": int, "sigma": float, "restart_strategy": {"ipop", "bipop", "none"}},
    "sobol": {},
    "hyperband": {"r_l": float, "resource_name": str, "eta": float},
    "pbt": {"suggestion_trial_dir": str, "n_population": int, "truncation_threshold": float},
}
"""Without pbt's `resample_probability`: its service compares the text with numbers, which Python refuses."""
KNOWN_DISTRIBUTIONS = {
    "random": DISTRIBUTIONS,
    "tpe": DISTRIBUTIONS,
    "multivariate-tpe": {"", "uniform", "logUniform"},
    "bayesianoptimization": {"", "uniform", "logUniform"},
}
REGISTERED = {"Job", "TrainJob", "TFJob", "PyTorchJob", "MPIJob", "XGBoostJob"}
"""Kinds of trials that Katib knows without being told."""


def problems(experiment: Spec) -> Iterator[str]:
    """Everything that is said, by path."""
    spec = experiment["spec"]
    yield from _names(experiment)
    yield from _counts(spec)
    yield from _objective(spec["objective"])
    yield from _parameters(spec)
    yield from _template(spec)
    yield from _collector(spec["metricsCollectorSpec"])
    yield from _service(spec)
    if spec["resumePolicy"] not in RESUME:
        yield "resumePolicy"
    yield from (*_texts(spec["algorithm"].get("algorithmSettings", ())), *_texts(_stopping(spec)))


def _names(experiment: Spec) -> Iterator[str]:
    name, algorithm = experiment["metadata"]["name"], experiment["spec"]["algorithm"]["algorithmName"]
    if not re.match(r"^[a-z]([-a-z0-9]*[a-z0-9])?\Z", name):
        yield f"metadata.name: {name}"
    if len(name) > 40 or len(f"{name}-{algorithm}") > 63:
        yield "metadata.name: too long for the suggestion's Service"
    if algorithm == "pbt" and len(name) + 37 > 63:
        yield "metadata.name: too long for trials called after a UUID"


def _counts(spec: Spec) -> Iterator[str]:
    most, parallel, failed = spec["maxTrialCount"], spec["parallelTrialCount"], spec["maxFailedTrialCount"]
    if most <= 0 or parallel <= 0 or failed < 0:
        yield "counts"
    if failed > most or parallel > most:
        yield "counts: more than maxTrialCount"


def _objective(objective: Spec) -> Iterator[str]:
    names = [objective["objectiveMetricName"], *objective.get("additionalMetricNames", ())]
    if objective["type"] not in ("minimize", "maximize") or len(set(names)) < len(names):
        yield "objective"
    if [one["name"] for one in objective["metricStrategies"]] != names:
        yield "objective.metricStrategies: one is left to Katib's default"
    if any(one["value"] not in STRATEGIES for one in objective["metricStrategies"]):
        yield "objective.metricStrategies"


def _parameters(spec: Spec) -> Iterator[str]:
    for one in spec["parameters"]:
        kind, space, where = one["parameterType"], one["feasibleSpace"], f"parameters.{one['name']}"
        if kind not in TYPES or space.get("distribution", "") not in DISTRIBUTIONS or not space:
            yield where
        ranged = {"min", "max", "step"} & set(space)
        if kind in ("double", "int") and ("list" in space or not {"min", "max"} <= set(space)):
            yield f"{where}: a range has min and max, and no list"
        if kind in ("discrete", "categorical") and (ranged or not space.get("list")):
            yield f"{where}: a list has no range"
        for value in (*(space[key] for key in ranged), *space.get("list", ())):
            if not isinstance(value, str):
                yield f"{where}: {value!r} is no text"
            elif '"' in value or "\\" in value:
                yield f"{where}: {value!r} would break the template's JSON"


def filled(name: str) -> str:
    """The placeholder of a trial's parameter."""
    return "${trialParameters." + name + "}"


def _template(spec: Spec) -> Iterator[str]:
    template = spec["trialTemplate"]
    run = template["trialSpec"]
    text = json.dumps(run)
    for key in ("primaryContainerName", "successCondition", "failureCondition"):
        if not template.get(key):
            yield f"trialTemplate.{key}"
    names, references = set(), set()
    for one in template["trialParameters"]:
        if one["name"] in names or one["reference"] in references:
            yield f"trialParameters.{one['name']}: twice"
        names.add(one["name"])
        references.add(one["reference"])
        known = {parameter["name"] for parameter in spec["parameters"]}
        if not re.search(r"\$\{trialSpec\.(.+?)\}", one["reference"]) and one["reference"] not in known:
            yield f"trialParameters.{one['name']}: no parameter {one['reference']}"
        if filled(one["name"]) not in text:
            yield f"trialParameters.{one['name']}: not in the template"
        text = text.replace(filled(one["name"]), "test-value")
    if found := re.findall(r"\$\{trialParameters\..+?\}", text):
        yield f"trialTemplate: {found} are no parameters"
    if run["kind"] == "Job" and '"value": ""' in json.dumps(run):
        yield "trialSpec: an empty value, which is lost when Katib converts the Job and compares"
    if {"name", "namespace"} & set(run.get("metadata", {})):
        yield "trialSpec.metadata: Katib gives name and namespace"
    if run["kind"] not in REGISTERED:
        yield f"trialSpec.kind: {run['kind']} is not among Katib's trial resources"


def _collector(spec: Spec) -> Iterator[str]:
    kind, source = spec["collector"]["kind"], spec.get("source", {})
    place, get = source.get("fileSystemPath", {}), source.get("httpGet", {})
    if kind not in KINDS:
        yield "metricsCollectorSpec.collector.kind"
    if kind in ("File", "TensorFlowEvent") and not place.get("path", "").startswith("/"):
        yield "metricsCollectorSpec.source.fileSystemPath.path"
    if kind == "File" and (place.get("kind") != "File" or place.get("format") not in ("TEXT", "JSON")):
        yield "metricsCollectorSpec.source.fileSystemPath"
    if kind == "TensorFlowEvent" and (place.get("kind") != "Directory" or place.get("format")):
        yield "metricsCollectorSpec.source.fileSystemPath"
    if kind == "PrometheusMetric" and not (int(get["port"]) > 0 and get["path"].startswith("/")):
        yield "metricsCollectorSpec.source.httpGet"
    for pattern in source.get("filter", {}).get("metricsFormat", ()):
        if re.compile(pattern).groups < 2:
            yield "metricsCollectorSpec.source.filter: two groups"


def _service(spec: Spec) -> Iterator[str]:
    name = spec["algorithm"]["algorithmName"]
    given = {one["name"]: one["value"] for one in spec["algorithm"].get("algorithmSettings", ())}
    for key, value in given.items():
        wanted = SETTINGS[name].get(key)
        if wanted is None or (isinstance(wanted, set) and value not in wanted):
            yield f"algorithm: {name} does not take {key}={value}"
        elif not isinstance(wanted, set):
            wanted(value)
    for one in spec["parameters"]:
        distribution = one["feasibleSpace"].get("distribution", "")
        if distribution not in KNOWN_DISTRIBUTIONS.get(name, DISTRIBUTIONS):
            yield f"parameters.{one['name']}: {name} does not know {distribution}"
    ranges = [one for one in spec["parameters"] if one["parameterType"] in ("int", "double")]
    match name:
        case "grid":
            sizes = [_size(one) for one in spec["parameters"]]
            if 0 in sizes or spec["maxTrialCount"] > math.prod(sizes):
                yield "algorithm: the grid has fewer points than trials"
        case "cmaes" if len(ranges) < 2:
            yield "algorithm: two ranges"
        case "hyperband":
            eta, most = int(float(given.get("eta", "3"))), float(given["r_l"])
            if spec["parallelTrialCount"] < math.ceil(eta ** int(math.log(most) / math.log(eta))):
                yield "algorithm: parallelTrialCount"
            if given["resource_name"] not in {one["name"] for one in spec["parameters"]}:
                yield "algorithm: resource_name"
            for one in spec["parameters"]:
                if one["parameterType"] == "discrete":
                    [int(value) for value in one["feasibleSpace"]["list"]]
        case "pbt":
            if not {"suggestion_trial_dir", "n_population", "truncation_threshold"} <= set(given):
                yield "algorithm: settings"
            if int(given["n_population"]) < 5 or spec["resumePolicy"] != "FromVolume":
                yield "algorithm: population"
            if any(one["parameterType"] == "double" and "step" not in one["feasibleSpace"] for one in ranges):
                yield "algorithm: a step"
            if any(one["parameterType"] == "int" for one in ranges):
                yield "algorithm: it turns whole numbers into fractions that it cannot read"
        case _:
            pass


def _size(parameter: Spec) -> int:
    space = parameter["feasibleSpace"]
    if "list" in space:
        return len(space["list"])
    if parameter["parameterType"] == "double" and "step" not in space:
        return 0
    low, high, step = (float(space.get(key, "1")) for key in ("min", "max", "step"))
    return sum(1 for _ in itertools.takewhile(lambda n: low + n * step <= high + 1e-9, itertools.count()))


def _stopping(spec: Spec) -> Any:
    found = spec.get("earlyStopping")
    if not found:
        return ()
    assert found["algorithmName"] == "medianstop"
    settings = found.get("algorithmSettings", ())
    assert {one["name"] for one in settings} <= {"min_trials_required", "start_step"}
    assert all(int(one["value"]) >= 1 for one in settings)
    return settings


def _texts(settings: Any) -> Iterator[str]:
    for one in settings:
        if set(one) != {"name", "value"} or not all(isinstance(value, str) for value in one.values()):
            yield f"settings: {one}"
