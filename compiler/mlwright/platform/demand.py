"""What a program asks an owner for: every node of every kind, with its place in the spec."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright import ir
from mlwright.platform.owners import Asked
from mlwright.platform.profile import Profile


def asked(project: ir.Project, profile: Profile) -> Iterator[Asked]:
    """Everything that needs an owner; `id` is the node's id, or the section's name where it is no node."""
    if profile.orchestrator != "compose":
        yield Asked(id="cluster", kind="cluster", path=("environments", project.environment.name, "platform"))
    if project.nodes:
        yield Asked(id="graph", kind="graph", path=("pipelines",))
    for pipeline in project.pipelines:
        if pipeline.schedule.cron:
            path = (*pipeline.origin.path, "schedule")
            yield Asked(id=f"pipelines.{pipeline.name}.schedule", kind="schedule", path=path)
        for trigger in pipeline.triggers:
            path = (*pipeline.origin.path, "triggers", trigger.name)
            yield Asked(id=f"pipelines.{pipeline.name}.triggers.{trigger.name}", kind="trigger", path=path)
    for node in project.nodes:
        match node:
            case ir.Search():
                yield Asked(id=node.id, kind="search", path=node.origin.path, explicit=node.owner)
                if _by_operator(node.trial, profile):
                    yield Asked(id=node.trial.id, kind="distributed", path=node.origin.path, explicit=node.trial.owner)
            case ir.Task() if _by_operator(node, profile):
                yield Asked(id=node.id, kind="distributed", path=node.origin.path, explicit=node.owner)
            case _:
                yield Asked(id=node.id, kind="task", path=node.origin.path, explicit=node.owner)
    for service in project.services:
        yield Asked(id=service.id, kind="endpoint", path=service.origin.path, explicit=service.owner)
    for route in project.routes:
        yield Asked(id=route.id, kind="endpoint", path=route.origin.path, explicit=route.owner)
    yield from _tracking(project.tracking)
    for notebook in project.notebooks:
        yield Asked(id=notebook.id, kind="notebook", path=notebook.origin.path, explicit=notebook.owner)
    if project.environment.namespace_create or profile.namespace(project.environment.namespace):
        yield Asked(id="namespace", kind="namespace", path=("environments", project.environment.name, "namespace"))
    if project.monitoring:
        yield Asked(id="monitoring", kind="monitoring", path=("monitoring",))
    if project.gitops and "argo_cd" in profile.systems:
        yield Asked(id="gitops", kind="gitops", path=("gitops",))


def _by_operator(task: ir.Task, profile: Profile) -> bool:
    """Steps on several nodes, and those that name a training runtime of the platform."""
    return task.spread or (task.framework in profile.names("runtimes") and profile.has("kubeflow.trainer"))


def _tracking(tracking: ir.Tracking) -> Iterator[Asked]:
    """The server, which only target `mlflow` has something to say of where it exists already: how clients reach it."""
    path = tracking.origin.path
    if tracking.server == "deployed" or tracking.owner == "mlflow":
        yield Asked(id="tracking", kind="tracking", path=path, explicit=tracking.owner)
    if tracking.project.type != "none":
        yield Asked(id="tracking.project", kind="mlproject", path=(*path, "project"))
    if tracking.gateway:
        beside = "mlflow" if tracking.owner == "mlflow" else ""  # on the machine that the server is on
        yield Asked(id="tracking.gateway", kind="gateway", path=(*path, "gateway"), explicit=beside)
