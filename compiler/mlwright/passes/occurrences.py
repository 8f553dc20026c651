"""Where references and texts occur in a program: the walk that several checks share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from mlwright import ir
from mlwright.record import dataclass, replace
from mlwright.regex import lazy
from mlwright.remembered import remembered
from mlwright.span import Path

_IN_TEXT = lazy(r"\$\{([^}]+)\}")


class Text(NamedTuple):
    """One text of a container, at `path` of the specification; `variable` is the environment variable that it sets."""

    path: Path
    template: ir.Template
    variable: str = ""


class Placed(NamedTuple):
    """A container and the path of the node that it belongs to."""

    id: str
    path: Path
    container: ir.Container


def tasks(project: ir.Project) -> tuple[ir.Task, ...]:
    """Every step that has a text of its own: where a training is not run again
    (`retrain: false`), the trial has its id."""
    own = tuple(node for node in project.nodes if isinstance(node, ir.Task))
    ids = {task.id for task in own}
    stand_ins = (search for search in searches(project) if search.training not in ids)
    return (*own, *(replace(search.trial, id=search.training) for search in stand_ins))


def searches(project: ir.Project) -> tuple[ir.Search, ...]:
    return tuple(node for node in project.nodes if isinstance(node, ir.Search))


def registrations(project: ir.Project) -> tuple[ir.Registration, ...]:
    return tuple(node for node in project.nodes if isinstance(node, ir.Registration))


def gate_nodes(project: ir.Project) -> tuple[ir.Gates, ...]:
    return tuple(node for node in project.nodes if isinstance(node, ir.Gates))


@remembered
def containers(project: ir.Project) -> tuple[Placed, ...]:
    """Steps, trials that differ from their training (at its path), endpoints and notebooks."""
    steps = tasks(project)
    same = {task.origin.path: task.container for task in steps}
    trials = (s.trial for s in searches(project) if same.get(s.trial.origin.path) != s.trial.container)
    found = [Placed(task.id, task.origin.path, task.container) for task in (*steps, *trials)]
    for service in project.services:
        found.append(Placed(service.id, service.origin.path, service.container))
        for kind, part in service.components:
            found.append(Placed(service.id, (*service.origin.path, kind), part.container))
    found += [Placed(notebook.id, notebook.origin.path, notebook.container) for notebook in project.notebooks]
    return tuple(found)


def texts(placed: Placed) -> Iterator[Text]:
    """Words of the command, arguments and environment values; a script is one text."""
    container, path = placed.container, placed.path
    for position, word in enumerate(container.argv):
        yield Text((*path, "command", position), word)
    if container.script:
        yield Text((*path, "command"), (container.script,))
    for position, word in enumerate(container.args):
        yield Text((*path, "args", position), word)
    for name, value in container.env:
        yield Text((*path, "env", name), value, name)


def references(container: ir.Container) -> frozenset[str]:
    """Paths of all references in words, arguments and environment values; a script has none (see `mentions`)."""
    words = (*container.argv, *container.args, *(value for _, value in container.env))
    return frozenset(part.path for word in words for part in word if isinstance(part, ir.Ref))


def mentions(container: ir.Container, reference: str, variable: str) -> bool:
    """Whether the container's own text has `reference`; in a script it has become the environment variable."""
    if reference in references(container):
        return True
    return bool(container.script) and re.search(rf"\b{re.escape(variable)}(?![A-Z0-9_])", container.script) is not None


def variable(kind: str, name: str) -> str:
    """`MLWRIGHT_<KIND>_<NAME>`, the environment variable of a parameter, an output, data or an input."""
    return f"MLWRIGHT_{kind}_{re.sub(r'[^A-Za-z0-9]', '_', name).upper()}"


def condition_references(condition: ir.Condition | None) -> Iterator[str]:
    match condition:
        case ir.Ref(path):
            yield path
        case ir.Op(_, args):
            for arg in args:
                yield from condition_references(arg)


def strings(value: ir.Json) -> Iterator[str]:
    """Every text inside a JSON value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)


def json_values(project: ir.Project) -> Iterator[tuple[Path, ir.Json]]:
    """Parts of the program that are kept as plain JSON, with their paths: references in them are still text."""
    for service in project.services:
        for name, value in service.extra:
            yield (*service.origin.path, name), value
    for pipeline in project.pipelines:
        for trigger in pipeline.triggers:
            for name, value in trigger.settings:
                yield (*pipeline.origin.path, "triggers", trigger.name, name), value
    for alert in project.monitoring:
        yield alert.origin.path, {"metric": alert.metric, "description": alert.description}
    options = project.tracking.options
    for name, texts_ in (("allowed_hosts", options.allowed_hosts), ("cors", options.cors)):
        yield ("tracking", "options", name), list(texts_)
    for name, value in project.tracking.gateway:
        yield ("tracking", "gateway", "endpoints", name), value


def catalog_tags(project: ir.Project) -> Iterator[tuple[Path, str]]:
    """(path, value) of the tags of experiments and registered models."""
    for experiment in project.catalog.experiments:
        yield from (((*experiment.origin.path, "tags", key), value) for key, value in experiment.tags)
    for model in project.catalog.models:
        section = "model_tags" if model.origin.path[-1] == "registry" else "tags"
        yield from (((*model.origin.path, section, key), value) for key, value in model.tags)


def json_references(value: ir.Json) -> Iterator[str]:
    """Paths of references in the texts of a JSON value."""
    for text in strings(value):
        yield from _IN_TEXT.findall(text.replace("$${", ""))


@remembered
def all_references(project: ir.Project) -> frozenset[str]:
    """Every reference that anything in the program makes, scripts left out, inputs included."""
    found: set[str] = set()
    for placed in containers(project):
        found |= references(placed.container)
    for task in (*tasks(project), *(search.trial for search in searches(project))):
        found.update(task.inputs)
        found.update(condition_references(task.when))
        found.update(items.path for _, items in task.for_each.keys if isinstance(items, ir.Ref))
    for _, value in json_values(project):
        found.update(json_references(value))
    return frozenset(found)


def storage_uses(project: ir.Project, *, reads: bool = False) -> Iterator[tuple[str, Path]]:
    """Storages that something may write to, or with `reads` has at all, with the place that says so."""
    yield project.artifacts.name, (*project.artifacts.origin.path, "type")
    for task in (*tasks(project), *(search.trial for search in searches(project))):
        if task.checkpoints.storage:
            yield task.checkpoints.storage, (*task.origin.path, "checkpoints", "path")
    for placed in containers(project):
        for mount in placed.container.mounts:
            if mount.kind == "storage" and (reads or not mount.read_only):
                yield mount.source, (*placed.path, "mounts", mount.target)
        for text in texts(placed):
            for part in text.template:
                if isinstance(part, ir.Ref) and part.path.startswith("storage."):
                    # A script's references arrive as variables of lowering's own.
                    own = text.variable.startswith("MLWRIGHT_")
                    yield part.path.removeprefix("storage."), (*placed.path, "command") if own else text.path
    for path, value in json_values(project):
        for reference in json_references(value):
            if reference.startswith("storage."):
                yield reference.removeprefix("storage."), path


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmountable:
    """A mount at `path` of `what`, which is no volume and no file; `declared` is where the spec says what it is."""

    mount: ir.Mount
    path: Path
    what: str
    declared: Path


def unmountable(project: ir.Project) -> Iterator[Unmountable]:
    """The mounts of storage and data that are somewhere else."""
    stores = {storage.name: storage for storage in (project.artifacts, *project.storage)}
    sources = {source.name: source for source in project.data}
    for placed in containers(project):
        for mount in placed.container.mounts:
            if mount.kind == "storage" and (store := stores[mount.source]).type not in ("volume", "directory"):
                what = store.uri or "the tracking server's own store"
                declared = (*store.origin.path, "uri" if store.uri else "type")
            elif mount.kind == "data" and not (source := sources[mount.source]).local:
                what, declared = source.source, (*source.origin.path, "source")
            else:
                continue
            path = (*placed.path, "mounts", mount.target)
            yield Unmountable(mount=mount, path=path, what=what, declared=declared)
