"""What the tests of the target share: a program on Argo, and its objects as they are written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from mlwright import ir
from mlwright.build import runtime
from mlwright.emit import files
from mlwright.emit.kube.settle import settle
from mlwright.platform import Profile
from mlwright.platform.model import Platform
from mlwright.spec.acceptance import accept
from mlwright.testing import programs
from mlwright.testing.programs import origin as origin
from mlwright_argo import ArgoTarget

Objects = dict[tuple[str, str], Any]
SYSTEMS = {"kubernetes": "1.36", "mlflow": "3.17.2", "argo_workflows": "4.1"}


class Files:
    """Files beside the spec: every one is there."""

    def read(self, path: str) -> bytes:
        return b"x"

    def below(self, path: str) -> tuple[str, ...]:
        return ()


def churn(**changes: Any) -> ir.Project:
    """The sample with every kind of node, its trials on one node."""
    project = programs.churn()
    nodes = tuple(
        replace(
            node,
            trial=replace(node.trial, id="tuning.trial", name="trial", distributed=ir.Distributed()),
        )
        if isinstance(node, ir.Search)
        else node
        for node in project.nodes
    )
    storage = tuple(replace(one, type="volume", path="") for one in project.storage)
    return on_argo(replace(project, nodes=nodes, storage=storage), **changes)


def on_argo(project: ir.Project, start: Any = "manual", mode: Any = "production", **changes: Any) -> ir.Project:
    """The project in an environment on Argo."""
    where = ir.Environment(
        name="prod",
        platform="argo",
        namespace="churn",
        start=start,
        mode=mode,
        origin=programs.origin("environments", "prod"),
    )
    return replace(project, environment=where, **changes)


def profile(systems: dict[str, str] | None = None, **settings: Any) -> Profile:
    """A platform with Argo; `settings` are sections of its file."""
    listed = {**SYSTEMS, **(systems or {})}
    content = {"apiVersion": "mlwright.dev/v1", "kind": "Platform", "orchestrator": "argo", **listed}
    content |= {"images": {"tools": "registry.example.com/tools:1"}, **settings}
    return Profile(name="argo", orchestrator="argo", systems=listed, written=accept(Platform, content))


def documents(project: ir.Project, platform: Profile | None = None) -> list[Any]:
    """What the target emits, with the names that patches leave."""
    owners = {node.id: "argo" for node in project.nodes} | {"graph": "argo"}
    context = programs.context(platform=platform or profile(), owners=owners, runtime=runtime, files=Files())
    ((_, found),) = settle([("argo", list(ArgoTarget().emit(project, context)))])
    return found


def emitted(project: ir.Project, platform: Profile | None = None) -> Objects:
    """The objects by kind and name, as someone reads them who applies them."""
    made = files.render([("argo", documents(project, platform))]).files
    read = [yaml.safe_load(text) for path, text in made.items() if not path.endswith("kustomization.yaml")]
    return {(item["kind"], item["metadata"]["name"]): item for item in read}


def spec(project: ir.Project, platform: Profile | None = None, pipeline: str = "main") -> Any:
    """The specification of a pipeline's WorkflowTemplate."""
    return emitted(project, platform)["WorkflowTemplate", f"churn-{pipeline}"]["spec"]


def template(found: Any, name: str) -> Any:
    """A template by its name."""
    return next(item for item in found["templates"] if item["name"] == name)


def tasks(found: Any, name: str = "pipeline") -> Any:
    """The tasks of a graph by their names."""
    return {task["name"]: task for task in template(found, name)["dag"]["tasks"]}


def environment(found: Any) -> dict[str, Any]:
    """The variables of a template's container."""
    return {item["name"]: item.get("value") for item in found["container"]["env"]}
