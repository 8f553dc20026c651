"""Tuning: one service that proposes and judges trials, and workers in the user's own image that run them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlwright.emit import pipeline, stepdoc
from mlwright.emit.places import Places
from mlwright.ir import Search
from mlwright_compose import container as fields
from mlwright_compose import schedules, tasks, tools
from mlwright_compose.book import Book, revision
from mlwright_compose.scope import Scope


def emit_search(book: Book, scope: Scope, node: Search) -> None:
    """The services `search` and `trial`, or `<name>-search` and `<name>-trial` where a project has several models."""
    prefix = "" if node.id == "tuning" else f"{node.name}-"
    name = book.free(scope.name(f"{prefix}search"))
    document = stepdoc.search_document(book.project, node, host="0.0.0.0")
    body: dict[str, Any] = {
        **tools.search(book),
        **fields.launched("search.py", site=True),
        "environment": {**fields.contract(book, scope), "HOME": "/tmp", "USER": "mlwright"},
        "volumes": [book.program("search.py")],
        "tmpfs": ["/tmp:mode=1777"],
        **fields.ours(),
        **tasks.one_shot(book, scope, node.needs),
        "configs": [book.document(f"{prefix}search", document, node.origin)],
        "labels": fields.labels(book, node.id, None, revision(document)),
    }
    if scope.scheduled:
        schedules.keep(book, scope, name, body, node=node.id, needs=node.needs, origin=node.origin)
    book.service(name, body, node=node.id, kind=scope.kind("Service"), origin=node.origin)
    scope.waits[node.id] = (name,)
    _emit_workers(book, scope, node, name, f"{prefix}trial")


def _emit_workers(book: Book, scope: Scope, node: Search, search: str, base: str) -> None:
    name = book.free(scope.name(base))
    alone = replace(node, trial=pipeline.one_node(node.trial))
    document = stepdoc.trial_document(book.project, alone, Places(book.project))
    needs = (*node.needs, *(need for need in node.trial.needs if need.node != node.id))
    body = {**tasks.task_body(book, scope, node.trial, name), **tasks.one_shot(book, scope, needs)}
    body["depends_on"][search] = {"condition": "service_started"}
    body["environment"] |= {"MLWRIGHT_SEARCH_URL": f"http://{search}:{stepdoc.SEARCH_PORT}"}
    for dimension in node.space:
        body["environment"].pop(f"MLWRIGHT_PARAM_{dimension.param.upper()}", None)
    body["deploy"] = {"replicas": node.parallel, **body["deploy"]}
    body["volumes"] = [book.program("step.py"), *body["volumes"]]
    body["configs"] = [book.document(base, document, node.trial.origin)]
    body["labels"] = fields.labels(book, node.id, node.trial.container, revision(document))
    if scope.scheduled:
        schedules.keep(book, scope, name, body, node=node.id, needs=needs, origin=node.trial.origin)
    book.service(name, body, node=node.id, kind=scope.kind("TrialService"), origin=node.trial.origin)
