"""Every framework, launcher and release at a glance: what becomes of a step, in `trainer/matrix.yaml`, to be read.

`MLWRIGHT_UPDATE=1` writes it anew.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import yaml
from tests.contract.test_training import LAUNCHERS, ROLES, THEIRS
from tests.unit.targets.kubeflow.training import V1, V2, made, platform, step

Json = dict[str, Any]
MATRIX = Path(__file__).parent / "trainer" / "matrix.yaml"
PLAIN = {
    entry["name"] for entry in made(step("", "torchrun", 1), platform("2.3"))[0]["spec"]["trainer"]["env"]
}  # what every step has


def summary(job: Json, beside: list[Json]) -> Json:
    """What differs from one case to the next."""
    spec = job["spec"]
    if job["kind"] != "TrainJob":
        (replicas,) = [value for key, value in spec.items() if key.endswith("ReplicaSpecs")]
        extra = {key: spec[key] for key in ("nprocPerNode", "slotsPerWorker", "elasticPolicy") if key in spec}
        found: Json = {"kind": job["kind"], "pods": {name: each["replicas"] for name, each in replicas.items()}}
        boxes = {name: each["template"]["spec"]["containers"][0] for name, each in replicas.items()}
        return {
            **found,
            **extra,
            **({"told": told} if (told := _told({n: b["env"] for n, b in boxes.items()})) else {}),
        }
    fields = ("runtimePatches", "podTemplateOverrides", "podSpecOverrides", "activeDeadlineSeconds")
    found = {"kind": "TrainJob", "nodes": spec["trainer"]["numNodes"], "runtime": spec["runtimeRef"]["name"]}
    if "numProcPerNode" in spec["trainer"]:
        found["processes"] = spec["trainer"]["numProcPerNode"]
    found["says"] = [field for field in fields if field in spec]
    env = {"node": spec["trainer"]["env"]}
    for own in beside:
        if own["kind"] == "TrainingRuntime":
            policy = {key: value for key, value in own["spec"]["mlPolicy"].items() if key != "numNodes"}
            found["policy"] = next(iter(policy), "none")
            jobs = own["spec"]["template"]["spec"]["replicatedJobs"]
            found["groups"] = [each["name"] for each in jobs]
    return {**found, "told": _told(env)} if _told(env) else found


def _told(env: dict[str, list[Json]]) -> Json:
    found = {group: sorted({entry["name"] for entry in entries} - PLAIN) for group, entries in env.items()}
    return {group: names for group, names in found.items() if names}


def matrix() -> Json:
    found: Json = {}
    for framework, launchers in LAUNCHERS.items():
        for launcher, version in itertools.product(launchers, (*V2, V1)):
            name = f"{framework or 'any'} by {launcher}, {version}"
            found[name] = summary(*made(step(framework, launcher, 3, processes=2, timeout=60.0), platform(version)))
        for version in (*V2, V1) if framework in ROLES else ():
            name = f"{framework} with roles, {version}"
            found[name] = summary(*made(step(framework, nodes=3, roles=ROLES[framework]), platform(version)))
        if framework:
            for version in V2:
                task = step(framework, launchers[0], 3, processes=2, timeout=60.0)
                found[f"{framework} in a runtime of ops, {version}"] = summary(*made(task, platform(version, **THEIRS)))
    found[f"elastic, {V1}"] = summary(*made(step("pytorch", "torchrun", 4, nodes_min=2), platform(V1)))
    return found


def test_the_matrix_is_what_was_read() -> None:
    text = yaml.safe_dump(matrix(), sort_keys=False, width=120, default_flow_style=None)
    if os.environ.get("MLWRIGHT_UPDATE"):
        MATRIX.write_text(text, encoding="utf-8")
    assert text == MATRIX.read_text(encoding="utf-8")
