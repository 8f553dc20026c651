"""Which secrets a program and its launcher need."""

from __future__ import annotations

from mlwright.emit.stepdoc import seen_secrets
from mlwright.ir import Container, Project, Ref, Secret, Task


def of_task(project: Project, task: Task) -> set[str]:
    """The secrets that a step or its launcher needs: its own, those of its data and of remote storage it refers to."""
    data = {source.secret for source in project.data if source.name in task.data and source.secret}
    return data | {*seen_secrets(project, task)} | of_container(project, task.container)


def of_container(project: Project, container: Container) -> set[str]:
    """The secrets that a container names, refers to, or needs for storage that it refers to."""
    storage = {item.name: item.secret for item in project.storage}
    found = set(container.secrets)
    for template in (*container.argv, *container.args, *(value for _, value in container.env)):
        for part in template:
            head, _, rest = part.path.partition(".") if isinstance(part, Ref) else ("", "", "")
            if head == "secrets":
                found.add(rest.partition(".")[0])
            elif head == "storage":
                found.add(storage.get(rest, ""))
    return found - {""}


def named(project: Project, name: str) -> Secret:
    """The secret called `name`."""
    return next(secret for secret in project.secrets if secret.name == name)
