"""Pipelines that start by themselves: the same services, which stay and follow the clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlwright.emit import stepdoc
from mlwright.ir import Json, Need, Origin
from mlwright_compose.book import RUNTIME, SCHEDULE, STEP, Book, revision
from mlwright_compose.scope import Scope


def keep(
    book: Book, scope: Scope, name: str, body: dict[str, Any], *, node: str, needs: Iterable[Need] = (), origin: Origin
) -> None:
    """Make the service `name`, which starts a program once, one that starts it for every run of its schedule."""
    word = next(word for word in body["command"] if word.startswith(f"{RUNTIME}/"))
    opens = name == scope.start
    document = _document(book, scope, name, node, needs, opens)
    book.program("schedule.py")
    body["command"] = [f"{RUNTIME}/schedule.py", SCHEDULE, word.removeprefix(f"{RUNTIME}/"), STEP]
    if opens:
        body["entrypoint"] = ["python3"]  # time zones may come from an installed package
    body["configs"] = [*body["configs"], book.schedule(name, document, origin)]
    body["restart"] = "unless-stopped"
    body["labels"]["mlwright.revision"] = revision([body["labels"]["mlwright.revision"], document])


def _document(book: Book, scope: Scope, name: str, node: str, needs: Iterable[Need], opens: bool) -> dict[str, Json]:
    schedule = scope.pipeline.schedule
    steps = dict.fromkeys(need.node for need in needs if need.node in scope.waits)
    document = stepdoc.head(book.project, "schedule", node, name)
    document |= {
        "pipeline": scope.pipeline.name,
        "needs": [{"step": step, "items": scope.items(step)} for step in steps],
    }
    if opens:
        document |= {"cron": schedule.cron, "timezone": schedule.timezone, "concurrency": schedule.concurrency}
    return document
