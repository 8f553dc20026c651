"""Endpoints without a version: what is locked and not pinned yet is left out and said."""

from __future__ import annotations

from mlwright import ir
from mlwright.diag import Bag, Diagnostic, Label
from mlwright.record import replace
from mlwright.span import Path


def drop_unpinned(project: ir.Project, bag: Bag) -> ir.Project:
    """Leave out locked endpoints, variants and routes whose version no lock entry gives; each is a note."""
    made = {node.model for node in project.nodes if isinstance(node, ir.Registration)}
    services = []
    for service in project.services:
        if service.binding == "run":
            services.append(service)
        elif not _is_pinned(service.source):
            if service.source.model in made:  # else REG001 says that nothing ever makes it
                bag.add(_unpinned(project, service.id, service.source, (*service.origin.path, "model")))
        else:
            for variant in service.variants:
                if not _is_pinned(variant.source):
                    path = (*service.origin.path, "variants", variant.name, "model")
                    bag.add(_unpinned(project, service.id, variant.source, path))
            if service.variants:
                service = replace(service, variants=tuple(v for v in service.variants if _is_pinned(v.source)))
            services.append(service)
    gone = {service.id for service in project.services} - {service.id for service in services}
    routes = list(project.routes)
    while broken := next((r for r in routes if any(leg.to in gone for leg in r.legs)), None):
        routes.remove(broken)
        gone.add(broken.id)
        bag.add(_unreachable(broken, next(leg.to for leg in broken.legs if leg.to in gone)))
    return replace(project, services=tuple(services), routes=tuple(routes))


def _is_pinned(source: ir.ModelSource) -> bool:
    return source.kind != "registry" or bool(source.version)


def _unpinned(project: ir.Project, service: str, source: ir.ModelSource, path: Path) -> Diagnostic:
    environment = project.environment.name
    return Diagnostic(
        code="LOCK002",
        message=(
            f"`{service}` serves `{source.model}@{source.alias}`, which mlproject.lock does not pin for `{environment}`"
        ),
        at=Label(path=path, text="nothing is emitted for this yet"),
        help=f"once a version has the alias: mlwright lock --update, then mlwright compile --env {environment}",
        severity="note",
    )


def _unreachable(route: ir.Route, target: str) -> Diagnostic:
    return Diagnostic(
        code="LOCK002",
        message=f"`{route.id}` leads to `{target}`, which is not served yet",
        at=Label(path=(*route.origin.path, "to"), text="nothing is emitted for this route yet"),
        help="it appears when every endpoint behind it does",
        severity="note",
    )
