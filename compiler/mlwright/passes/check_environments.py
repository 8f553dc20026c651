"""What environments of one project must not share: a place on a cluster, and what is global on a tracking server."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import registrations
from mlwright.platform import Profile
from mlwright.record import dataclass
from mlwright.span import Path

Resolved = tuple[ir.Project, Profile]
"""One environment: its program and its platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A finding about two environments: it is in the merged tree of `at`, its related labels in that of `related`."""

    at: str
    related: str
    finding: Diagnostic


def check_environments(environments: Sequence[Resolved]) -> Iterator[Between]:
    """ENV010 two environments in one place, ENV011 one experiment of two, ENV012 a registered model of two."""
    for (first, _), (second, _) in _pairs(environments, _place):
        yield Between(at=second.environment.name, related=first.environment.name, finding=_on_top(first, second))
    for (first, _), (second, _) in _pairs(environments, _server):
        for finding in _global(first, second):
            yield Between(at=second.environment.name, related=first.environment.name, finding=finding)


def _pairs(
    environments: Sequence[Resolved], key: Callable[[Resolved], Hashable]
) -> Iterator[tuple[Resolved, Resolved]]:
    """Each environment with the first one of the same key; None is nobody's."""
    seen: dict[Hashable, Resolved] = {}
    for item in environments:
        found = key(item)
        if found is not None and (first := seen.setdefault(found, item)) is not item:
            yield first, item


def _on_top(first: ir.Project, second: ir.Project) -> Diagnostic:
    name, other = second.environment, first.environment
    return Diagnostic(
        code="ENV010",
        message=f"`{other.name}` and `{name.name}` are in one namespace, `{name.namespace}` of platform "
        f"`{name.platform}`, and their objects have the same names",
        at=Label(path=(*_path(second), "namespace")),
        related=(Label(path=(*_path(first), "namespace"), text="the same"),),
        help=f"give one of them another `namespace`, or a `name_prefix`: `name_prefix: {name.name}-`",
    )


def _place(item: Resolved) -> Hashable:
    project, profile = item
    here = project.environment
    return None if profile.orchestrator == "compose" else (here.platform, here.namespace, here.name_prefix)


def _server(item: Resolved) -> Hashable:
    tracking = item[0].tracking
    return None if tracking.server == "deployed" else (tracking.server, tracking.url.rstrip("/"), tracking.host)


def _global(first: ir.Project, second: ir.Project) -> Iterable[Diagnostic]:
    """Names that are global on a tracking server."""
    there = Label(path=(*_path(first), "platform"), text=f"`{first.environment.name}` has it too")
    both = f"`{first.environment.name}` and `{second.environment.name}` share a tracking server and"
    if first.tracking.experiment == second.tracking.experiment:
        yield Diagnostic(
            code="ENV011",
            message=f"{both} the experiment `{second.tracking.experiment}`: their runs lie among each other",
            at=Label(path=(*second.tracking.origin.path, "experiment")),
            related=(there,),
            help=f"under environments.{second.environment.name}: `tracking: {{experiment: ...}}`, or leave it out",
            severity="warning",
        )
    known = {node.model for node in registrations(first)}
    for node in registrations(second):
        if node.model in known:
            yield Diagnostic(
                code="ENV012",
                message=f"{both} the registered model `{node.model}`: versions and aliases of both are one list",
                at=Label(path=(*node.origin.path, "model")),
                related=(there,),
                help=f"under environments.{second.environment.name}: another `model`, if they are not to be one",
                severity="warning",
            )


def _path(project: ir.Project) -> Path:
    return ("environments", project.environment.name)
