"""What a program asks an owner for: every node of every kind, with its place in the spec."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright import ir
from mlwright.platform.owners import Asked
from mlwright.platform.profile import Profile


def asked(project: ir.Project, profile: Profile) -> Iterator[Asked]:
    """Everything that needs an owner; `id` is the node's id, or the section's name where it is no node."""
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
            case ir.Task() if node.distributed.nodes_max > 1 or node.distributed.roles:
                yield Asked(id=node.id, kind="distributed", path=node.origin.path, explicit=node.owner)
            case _:
                yield Asked(id=node.id, kind="task", path=node.origin.path, explicit=node.owner)
    for service in project.services:
        yield Asked(id=service.id, kind="endpoint", path=service.origin.path, explicit=service.owner)
    for route in project.routes:
        yield Asked(id=route.id, kind="endpoint", path=route.origin.path)
    if project.tracking.server == "deployed":
        yield Asked(id="tracking", kind="tracking", path=project.tracking.origin.path, explicit=project.tracking.owner)
    for notebook in project.notebooks:
        yield Asked(id=notebook.id, kind="notebook", path=notebook.origin.path, explicit=notebook.owner)
    if project.environment.namespace_create or profile.names("namespaces"):
        yield Asked(id="namespace", kind="namespace", path=("environments", project.environment.name, "namespace"))
    if project.monitoring:
        yield Asked(id="monitoring", kind="monitoring", path=("monitoring",))
    if project.gitops and "argo_cd" in profile.systems:
        yield Asked(id="gitops", kind="gitops", path=("gitops",))
