"""The tracking server: what its version can do, what its stores need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.span import Path

OLDEST, NEXT = (3, 9), (4, 0)
"""The first MLflow release whose full image has every driver, and the first that nobody has tried."""

_SINCE = {"workspaces": (3, 10), "basic": (3, 16)}
"""Workspaces came with 3.10; an administrator whose password stands in no file with 3.16."""


def check_tracking(project: ir.Project) -> Iterable[Diagnostic]:
    """TRACK001 a version that is not emitted for, TRACK002 a feature that the version lacks, TRACK003 a second
    database that nobody runs."""
    tracking = project.tracking
    if tracking.server == "deployed":
        yield from _version(tracking)
        yield from _registry(tracking)


def _version(tracking: ir.Tracking) -> Iterator[Diagnostic]:
    path: Path = (*tracking.origin.path, "server", "version")
    version = tuple(int(part) for part in tracking.version.split(".")[:2])
    if not OLDEST <= version < NEXT:
        yield Diagnostic(
            code="TRACK001",
            message=f"MLflow {tracking.version} is not a version that a server is emitted for",
            at=Label(path=path, text="chosen here, or by the platform"),
            help=f"write a version from {_text(OLDEST)} on, below {_text(NEXT)}",
        )
        return
    options = (*tracking.origin.path, "options")
    wanted = (
        ("workspaces", tracking.options.workspaces, (*options, "workspaces"), "workspaces"),
        (
            "basic",
            tracking.auth.type == "basic",
            (*tracking.origin.path, "auth"),
            "log-in without a file of passwords",
        ),
    )
    for name, asked, at, what in wanted:
        if asked and version < _SINCE[name]:
            yield Diagnostic(
                code="TRACK002",
                message=f"MLflow {tracking.version} has no {what}",
                at=Label(path=at, text=f"came with {_text(_SINCE[name])}"),
                related=(Label(path=path, text="this version"),),
                help=f"take a version from {_text(_SINCE[name])} on, or leave it out",
            )


def _registry(tracking: ir.Tracking) -> Iterator[Diagnostic]:
    if tracking.registry is not None and tracking.registry.own:
        yield Diagnostic(
            code="TRACK003",
            message="models get a database of their own, and nothing says which",
            at=Label(path=(*tracking.origin.path, "registry_store")),
            help="add `secret`, whose key `uri` is its address; or leave it out: runs and models share one database",
        )


def _text(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
