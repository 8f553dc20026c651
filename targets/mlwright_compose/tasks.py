"""One-shot services: steps, gates, registration, and the two that open and close a run."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, assert_never

from mlwright.emit import json as texts
from mlwright.emit import pipeline, stepdoc
from mlwright.emit.places import Places
from mlwright.emit.secrets import named, of_task
from mlwright.ir import Gates, Json, Need, Node, Registration, Search, Task
from mlwright_compose import container as fields
from mlwright_compose import schedules, secrets, storage, tools, tuning
from mlwright_compose.book import Book, revision
from mlwright_compose.scope import Scope
from mlwright_compose.words import word


def emit_pipeline(book: Book, scope: Scope, nodes: Mapping[str, Node]) -> None:
    """All services of one pipeline; `nodes` are those that this target owns."""
    mine = [nodes[node] for node in scope.pipeline.nodes if node in nodes]
    _emit_root(book, scope, "start", [])
    for node in mine:
        match node:
            case Task():
                _emit_task(book, scope, node)
            case Search():
                tuning.emit_search(book, scope, node)
            case Gates():
                _emit_program(book, scope, node, "gate", stepdoc.gate_document(book.project, node))
            case Registration():
                _emit_program(book, scope, node, "register", stepdoc.register_document(book.project, node))
            case _:
                assert_never(node)
    closing = pipeline.closing(mine)
    _emit_root(book, scope, "finish", [_waited(scope, node, closing) for node in mine if not _is_bare(node)])


def one_shot(book: Book, scope: Scope, needs: Iterable[Need]) -> dict[str, Any]:
    """When a service of a pipeline run starts, that it starts once, and how long it may take to stop."""
    services = [service for need in needs for service in scope.waits.get(need.node, ())]
    before = [] if scope.scheduled else [scope.start, *services]
    return {
        "profiles": scope.profiles,
        "depends_on": fields.after(book, completed=before),
        "restart": "no",
        "stop_grace_period": "40s",
        "init": True,
    }


def task_body(book: Book, scope: Scope, task: Task, service: str) -> dict[str, Any]:
    """The fields that a step and a trial's worker share."""
    box = task.container
    settings: dict[str, Any] = {
        **fields.image(book, box.image),
        **fields.launched("step.py"),
        "environment": {
            **fields.contract(book, scope),
            **parameters(scope, task),
            **secrets.environment(book, of_task(book.project, task)),
            **fields.identity(),
        },
        **storage.task_volumes(book, task, service),
        "tmpfs": fields.scratch(box.security),
        "deploy": {"resources": limits} if (limits := fields.resources(box.resources)) else {},
        **fields.security(box.security),
        "annotations": dict(box.annotations),
    }
    return settings


def parameters(scope: Scope | None, task: Task) -> dict[str, str | None]:
    """The pipeline's own values, and a way in for values from outside: a variable without value is passed on."""
    given = dict(scope.pipeline.params) if scope else {}
    return {
        f"MLWRIGHT_PARAM_{name.upper()}": canonical(given[name]) if name in given else None
        for name in task.params
        if name not in task.tuned
    }


def canonical(value: Json) -> str:
    """A parameter as text, the way the launcher reads it."""
    return value if isinstance(value, str) else texts.canonical(value)


def _emit_task(book: Book, scope: Scope, task: Task) -> None:
    # What stays and follows the clock has no turn among its siblings: items go one after another in one service.
    alone = scope.scheduled and task.for_each.max_parallel
    items: list[dict[str, Json] | None] = [None] if alone else pipeline.items(task)
    names: list[str] = []
    for position, each in enumerate(items, start=1):
        base = task.name if each is None else f"{task.name}-{position}"
        name = book.free(scope.name(base))
        # Compile-time items run side by side, at most `max_parallel`: each waits for the one that many places before.
        ahead = task.for_each.max_parallel
        previous = [names[-ahead]] if ahead and each is not None and len(names) >= ahead else []
        _emit_item(book, scope, task, name, base, each, previous)
        names.append(name)
    scope.waits[task.id] = tuple(names)


def _emit_item(
    book: Book, scope: Scope, task: Task, name: str, base: str, each: dict[str, Json] | None, previous: list[str]
) -> None:
    apart = task.run_if != "succeeded"
    body = {**task_body(book, scope, task, name), **one_shot(book, scope, () if apart else task.needs)}
    body["depends_on"] |= fields.after(book, completed=previous, server=False)
    if task.contract == "bare":
        _make_bare(book, task, body)
        body["labels"] = fields.labels(book, task.id, task.container)
    else:
        made = stepdoc.step_document(book.project, pipeline.one_node(task), Places(book.project), each=each, wait=apart)
        document = _counted(scope, made)
        body["volumes"] = [book.program("step.py"), *body["volumes"]]
        body["configs"] = [book.document(base, document, task.origin)]
        body["labels"] = fields.labels(book, task.id, task.container, revision(document))
    if scope.scheduled:
        before = () if apart else task.needs
        schedules.keep(book, scope, name, body, node=task.id, needs=before, origin=task.origin)
    book.service(name, body, node=task.id, kind=scope.kind("Service"), origin=task.origin)


def _make_bare(book: Book, task: Task, body: dict[str, Any]) -> None:
    """The program itself instead of the launcher: what it is told is what Compose can say."""
    box = task.container
    del body["entrypoint"], body["command"]
    if box.script:
        body["entrypoint"], body["command"] = ["/bin/sh", "-ec"], [box.script]
    elif box.argv:
        first, *rest = (word(book, template) for template in (*box.argv, *box.args))
        body["entrypoint"], body["command"] = [first], rest
    else:
        body["command"] = [word(book, template) for template in box.args]
    own = {name: word(book, template) for name, template in box.env}
    exported = {
        key: secrets.required(book, name, key) for name in box.secrets for key in named(book.project, name).keys
    }
    values = {
        name: value for name, value in body["environment"].items() if not name.startswith(("MLWRIGHT_", "MLFLOW_"))
    }
    body["environment"] = {**values, **exported, **own}


def _emit_program(book: Book, scope: Scope, node: Gates | Registration, kind: str, document: dict[str, Json]) -> None:
    name = book.free(scope.name(node.name))
    document = _counted(scope, document)
    body: dict[str, Any] = {
        **_program(book, scope, f"{kind}.py"),
        **one_shot(book, scope, node.needs),
        "configs": [book.document(node.name, document, node.origin)],
        "labels": fields.labels(book, node.id, None, revision(document)),
    }
    if scope.scheduled:
        schedules.keep(book, scope, name, body, node=node.id, needs=node.needs, origin=node.origin)
    book.service(name, body, node=node.id, kind=scope.kind("Service"), origin=node.origin)
    scope.waits[node.id] = (name,)


def _is_bare(node: Node) -> bool:
    """Without the launcher a step leaves no trace in MLflow that `finish` could wait for."""
    return isinstance(node, Task) and node.contract == "bare"


def _waited(scope: Scope, node: Node, closing: Container[str]) -> Json:
    """What `finish` has to know of a node: a node never starts when one that it needs has failed."""
    edges = () if isinstance(node, Task) and node.run_if != "succeeded" else node.needs
    known: dict[str, Json] = {"step": node.id, "items": scope.items(node.id), "needs": [need.node for need in edges]}
    return {**known, "closing": True} if node.id in closing else known


def _counted(scope: Scope, document: dict[str, Json]) -> dict[str, Json]:
    """The document with the number of services behind each needed node, where they are several."""
    needs = document.get("needs")
    for need in needs if isinstance(needs, list) else ():
        if isinstance(need, dict) and (items := scope.items(str(need["step"]))):
            need["items"] = items
    return document


def _emit_root(book: Book, scope: Scope, kind: str, nodes: list[Json]) -> None:
    origin = scope.pipeline.origin
    document = stepdoc.root_document(book.project, scope.pipeline, kind)
    document["nodes"] = nodes
    name, node = scope.name(kind), f"pipelines.{scope.pipeline.name}"
    first = [] if kind == "start" or scope.scheduled else [scope.start]
    body: dict[str, Any] = {
        **_program(book, scope, "root.py"),
        **one_shot(book, scope, ()),
        "depends_on": fields.after(book, completed=first),
        "configs": [book.document(name, document, origin)],
        "labels": fields.labels(book, node, None, revision(document)),
    }
    if scope.scheduled:
        schedules.keep(book, scope, name, body, node=node, origin=origin)
    else:
        body["labels"]["mlwright.run"] = scope.run
    book.service(name, body, node=node, kind=scope.kind(f"{kind.capitalize()}Service"), origin=origin)


def _program(book: Book, scope: Scope, program: str) -> dict[str, Any]:
    return {
        "image": tools.small(book),
        **fields.launched(program),
        "environment": {**fields.contract(book, scope), "HOME": "/tmp", "USER": "mlwright"},
        "volumes": [book.program(program)],
        "tmpfs": ["/tmp:mode=1777"],
        **fields.ours(),
    }
