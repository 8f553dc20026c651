"""As much of Katib as it takes to run an Experiment: a grid, trials as Jobs of the control plane, a collector beside.

Not Katib, whose parts are Go programs and services of their own: what it does to the template and to the pods is in
`tests/contract/katib`, after its source; this makes the objects and keeps the Experiment's status.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
import time
from typing import Any

from tests.contract.katib import generator, rules
from tests.e2e.kubernetes.conducted import conditions
from tests.e2e.kubernetes.plane import Plane, Refused

Json = dict[str, Any]

COLLECTOR = "metrics-logger-and-collector"
DEFAULT_FILTER = r"([\w|-]+)\s*=\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)"
_FOLDER = "/var/log/katib"
_COLLECT = f"until test -f {_FOLDER}/ended; do sleep 0.2; done; cat {_FOLDER}/metrics.log"
_ENDED = f"( %s ); code=$?; touch {_FOLDER}/ended; exit $code"
"""Katib's collector sees the program's process end; here that is told."""


class Katib(threading.Thread):
    """The controller of one namespace, until `close`. `trials` has the assignments of every trial by its name."""

    def __init__(self, plane: Plane, namespace: str) -> None:
        super().__init__(name="katib", daemon=True)
        self.plane, self.namespace = plane, namespace
        self.experiments = f"/apis/kubeflow.org/v1beta1/namespaces/{namespace}/experiments"
        self.jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
        self.trials: dict[str, dict[str, str]] = {}
        self.seen: list[Json] = []
        self.problems: list[str] = []
        self._values: dict[str, Json] = {}
        self._over = threading.Event()

    def close(self) -> None:
        """Ends following."""
        self._over.set()
        self.join(10)

    def run(self) -> None:
        """Follows all Experiments of the namespace."""
        while not self._over.wait(0.3):
            try:
                for experiment in self.plane.ask("GET", self.experiments)["items"]:
                    self._follow(experiment)
            except (OSError, Refused) as problem:
                if getattr(problem, "code", 0) != 429:  # a definition that was just installed is not served at once
                    self.problems.append(str(problem))

    def _follow(self, experiment: Json) -> None:
        name, spec = experiment["metadata"]["name"], experiment["spec"]
        if conditions({"status": experiment.get("status") or {}}) & {"Succeeded", "Failed"}:
            return
        if name not in {one["metadata"]["name"] for one in self.seen}:
            self.seen.append(experiment)
        if said := list(rules.problems(experiment)):
            self._status(name, {"conditions": [_condition("Failed", "; ".join(said))]})
            return
        mine = [trial for trial in self.trials if trial.startswith(f"{name}-")]
        ended = [trial for trial in mine if self._ended(trial, spec)]
        points = list(_points(spec))[: spec["maxTrialCount"]]
        status = self._summary(spec, mine)
        failed = status["trialsFailed"] >= max(1, spec["maxFailedTrialCount"])
        kind = "Failed" if failed else "Succeeded" if len(ended) == len(points) else "Running"
        for number, point in enumerate(points[len(mine) :], len(mine)):
            if kind != "Running" or len(mine) - len(ended) >= spec["parallelTrialCount"]:
                break
            trial = f"{name}-{number:08x}"
            self.trials[trial] = point
            self._begin(experiment, trial, point)
            mine.append(trial)
        self._status(name, {**status, "conditions": [_condition(kind, "by the test's Katib")]})

    def _begin(self, experiment: Json, trial: str, point: dict[str, str]) -> None:
        """The trial's Job, with what Katib's webhook would do to its pods."""
        job = generator.run_spec(experiment, trial, point)
        owner = {key: experiment[key] for key in ("apiVersion", "kind")}
        owner |= {key: experiment["metadata"][key] for key in ("name", "uid")}
        job["metadata"]["ownerReferences"] = [{**owner, "controller": True}]
        pod = job["spec"]["template"]["spec"]
        primary = experiment["spec"]["trialTemplate"]["primaryContainerName"]
        container = next(one for one in pod["containers"] if one["name"] == primary)
        mount = {"name": "metrics-volume", "mountPath": _FOLDER}
        sidecar = {
            "name": COLLECTOR,
            "image": container["image"],
            "command": ["sh", "-c", _COLLECT],
            "securityContext": container["securityContext"],
            "volumeMounts": [mount],
        }
        words = generator.wrapped(experiment, container)
        container["command"], container["args"] = words[:2], [(_ENDED % words[2]).replace("$$", "$$$$")]
        container["volumeMounts"].append(mount)
        pod["volumes"].append({"name": "metrics-volume", "emptyDir": {}})
        pod["containers"].append(sidecar)
        self.plane.ask("POST", self.jobs, job)

    def _ended(self, trial: str, spec: Json) -> bool:
        """Whether the trial's Job has a condition of the template, with its metrics taken down."""
        if trial in self._values:
            return True
        template = spec["trialTemplate"]
        held = conditions(self.plane.ask("GET", f"{self.jobs}/{trial}"))
        good, bad = (
            re.search(r'type=="(\w+)"', template[key])[1]  # type: ignore[index]
            for key in ("successCondition", "failureCondition")
        )
        if not held & {good, bad}:
            return False
        text = self.plane.kubectl("-n", self.namespace, "logs", f"job/{trial}", "-c", COLLECTOR, check=False).stdout
        found: dict[str, list[str]] = {}
        for line in text.splitlines():
            for hit in re.finditer(DEFAULT_FILTER, line):
                found.setdefault(hit[1], []).append(hit[2])
        names = [spec["objective"]["objectiveMetricName"], *spec["objective"].get("additionalMetricNames", ())]
        metrics = [_metric(name, found[name]) for name in names if name in found]
        self._values[trial] = {"good": good in held, "metrics": metrics}
        return True

    def _summary(self, spec: Json, mine: list[str]) -> Json:
        objective = spec["objective"]
        which = next(
            one["value"] for one in objective["metricStrategies"] if one["name"] == objective["objectiveMetricName"]
        )
        known = {trial: self._values[trial] for trial in mine if trial in self._values}
        valued = {
            trial: float(one[which])
            for trial, value in known.items()
            for one in value["metrics"]
            if one["name"] == objective["objectiveMetricName"]
        }
        status: Json = {
            "trials": len(mine),
            "trialsRunning": len(mine) - len(known),
            "trialsSucceeded": sum(value["good"] for value in known.values()),
            "trialsFailed": sum(not value["good"] for value in known.values()),
            "succeededTrialList": [trial for trial, value in known.items() if value["good"]],
        }
        if valued:
            choose = max if objective["type"] == "maximize" else min
            best = choose(valued, key=lambda trial: valued[trial])
            given = [{"name": key, "value": value} for key, value in self.trials[best].items()]
            status["currentOptimalTrial"] = {
                "bestTrialName": best,
                "parameterAssignments": given,
                "observation": {"metrics": known[best]["metrics"]},
            }
        return status

    def _status(self, name: str, status: Json) -> None:
        with contextlib.suppress(Refused):  # deleted meanwhile
            kind = "application/merge-patch+json"
            self.plane.ask("PATCH", f"{self.experiments}/{name}/status", {"status": status}, kind)


def _points(spec: Json) -> Any:
    names = [one["name"] for one in spec["parameters"]]
    for values in itertools.product(*(one["feasibleSpace"]["list"] for one in spec["parameters"])):
        yield dict(zip(names, values, strict=True))


def _metric(name: str, values: list[str]) -> Json:
    numbers = sorted(values, key=float)
    return {"name": name, "latest": values[-1], "min": numbers[0], "max": numbers[-1]}


def _condition(kind: str, message: str) -> Json:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "type": kind,
        "status": "True",
        "reason": f"Experiment{kind}",
        "message": message,
        "lastTransitionTime": stamp,
    }
