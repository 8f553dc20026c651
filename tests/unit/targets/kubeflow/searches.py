"""What the tests of Katib's part share: a search on a platform that has Katib, and the objects that are made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from mlwright import ir
from mlwright.build import runtime
from mlwright.emit.kube import operated
from mlwright.emit.kube.objects import Objects
from mlwright.platform import Profile
from mlwright.platform.model import Platform
from mlwright.spec.acceptance import accept
from mlwright.testing import programs
from mlwright_kubeflow import KubeflowTarget

SYSTEMS = {"kubernetes": "1.36", "mlflow": "3.17.2", "argo_workflows": "4.1"}
AUC = ir.Metric(name="val_auc", goal="maximize", pattern=r"auc (\S+)", reduce="best")
LOSS = ir.Metric(name="loss", goal="minimize")
LR = ir.Dimension(param="lr", type="float", min=0.0001, max=0.3, distribution="log_uniform")
DEPTH = ir.Dimension(param="depth", type="int", min=1, max=9)
KIND = ir.Dimension(param="kind", type="string", values=("a b", 'say "hi"'))


def search(*space: ir.Dimension, trial: ir.Task | None = None, **changes: Any) -> ir.Search:
    """A search over `space` (`lr` without one), whose trial is a step of one node."""
    space = space or (LR,)
    made = trial or programs.task("training", "python", "train.py", metrics=(AUC, LOSS))
    trial = replace(made, id="tuning.trial", name="trial", params=tuple(one.param for one in space))
    fields: dict[str, Any] = {
        "training": "training",
        "objective": "val_auc",
        "goal": "maximize",
        "algorithm": "random",
        "max_trials": 12,
        "parallel": 3,
        "max_failed": 3,
        "origin": programs.origin("tuning"),
    }
    return ir.Search(id="tuning", name="tuning", trial=trial, space=space, **(fields | changes))


def project(node: ir.Search, **changes: Any) -> ir.Project:
    """A program of this search alone, in an environment on a cluster."""
    where = ir.Environment(
        name="prod", platform="cluster.yaml", namespace="churn", origin=programs.origin("environments", "prod")
    )
    names = {dimension.param: dimension.type for dimension in node.space}
    params = tuple(
        ir.Param(name=n, type=t, required=True, origin=programs.origin("params", n)) for n, t in names.items()
    )
    return programs.project(node, **{"environment": where, "params": params, **changes})


def profile(*systems: str, **settings: Any) -> Profile:
    """A platform with Argo, Katib and `systems` (`kubeflow.trainer=2.3`); `settings` are sections of its file."""
    listed = {**SYSTEMS, "kubeflow.katib": "0.19"} | dict(system.split("=") for system in systems)
    content: dict[str, Any] = {"apiVersion": "mlwright.dev/v1", "kind": "Platform", "orchestrator": "argo"}
    parts = {name.partition(".")[2]: version for name, version in listed.items() if name.startswith("kubeflow.")}
    content |= {name: version for name, version in listed.items() if "." not in name} | {"kubeflow": parts}
    content |= {"images": {"tools": "registry.example.com/tools:1"}, **settings}
    return Profile(name="cluster", orchestrator="argo", systems=listed, written=accept(Platform, content))


def objects(made: ir.Project, platform: Profile | None = None, trial: str = "kubernetes") -> Objects:
    """What an engine's owner collects objects in; `trial` is the target that makes a trial of several nodes."""
    owners = {node.id: "kubeflow" for node in made.nodes if isinstance(node, ir.Search)} | {"tuning.trial": trial}
    context = programs.context(
        platform=platform or profile(), owners=owners, runtime=runtime, operators={"kubeflow": KubeflowTarget()}
    )
    return Objects(made, context, "argo")


def manifests(node: ir.Search, platform: Profile | None = None, trial: str = "kubernetes", **changes: Any) -> Any:
    """The objects that one run's search is made of, as plain JSON."""
    made = project(node, **changes)
    found = operated.manifests(objects(made, platform, trial), made.pipelines[0], node)
    return json.loads(json.dumps(found))


def experiment(node: ir.Search, platform: Profile | None = None, **changes: Any) -> Any:
    """`spec` of the Experiment."""
    return manifests(node, platform, **changes)[0]["spec"]
