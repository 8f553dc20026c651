"""Endpoints: variants, addresses, protocols and the smoke test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label

_BODILESS = frozenset({"grpc"})


def check_serving(project: ir.Project) -> Iterable[Diagnostic]:
    """SERVE002-007 for each endpoint."""
    addresses: dict[tuple[str, str], ir.Service] = {}
    for service in project.services:
        yield from _mirrors(service)
        yield from _twins(service)
        yield from _protocols(service)
        if service.expose.scope == "host":
            address = (service.expose.host.lower(), service.expose.path.rstrip("/") or "/")
            other = addresses.setdefault(address, service)
            if other is not service:
                yield _shared(service, other, address)


def _mirrors(service: ir.Service) -> Iterator[Diagnostic]:
    path = (*service.origin.path, "variants")
    mirrors = [variant.name for variant in service.variants if variant.traffic < 0]
    for name in mirrors[1:]:
        yield Diagnostic(
            code="SERVE002",
            message=f"`{service.id}` has {len(mirrors)} mirrors, and requests can be copied to one only",
            at=Label(path=(*path, name, "traffic")),
            related=(Label(path=(*path, mirrors[0], "traffic"), text="the first mirror"),),
            help="give this variant a percentage, 0 to keep it warm",
        )


def _twins(service: ir.Service) -> Iterator[Diagnostic]:
    path = service.origin.path
    seen = {} if service.source.kind == "none" else {service.source: (*path, "model")}
    for variant in service.variants:
        place = (*path, "variants", variant.name, "model")
        first = seen.setdefault(variant.source, place)
        if first == place or variant.source.kind == "none":
            continue
        yield Diagnostic(
            code="SERVE003",
            message=f"the variant `{variant.name}` serves the same model again",
            at=Label(path=place),
            related=(Label(path=first, text="the same"),),
            help="point it at another alias or version",
            severity="warning",
        )


def _shared(service: ir.Service, other: ir.Service, address: tuple[str, str]) -> Diagnostic:
    return Diagnostic(
        code="SERVE004",
        message=f"`{other.id}` and `{service.id}` both answer at {address[0]}{address[1]}",
        at=Label(path=(*service.origin.path, "expose")),
        related=(Label(path=(*other.origin.path, "expose"), text="the first"),),
        help=f"give one another host or path: `expose: {{host: {address[0]}, path: /{service.name}}}`",
    )


def _protocols(service: ir.Service) -> Iterator[Diagnostic]:
    path = (*service.origin.path, "protocols")
    own = service.container.argv or service.container.script or service.container.args
    scored = service.format == "mlflow" and not own and service.storage == "proxied"
    if scored and "open-inference-v2" in service.protocols:
        yield Diagnostic(
            code="SERVE005",
            message="MLflow's scoring server does not speak `open-inference-v2`: it has no /v2",
            at=Label(path=(*path, service.protocols.index("open-inference-v2"))),
            related=(Label(path=(*service.origin.path, "format"), text="served by MLflow's scoring server"),),
            help="write `protocols: [mlflow]`, or choose a format that a serving runtime of the platform has",
        )
    for name, count in Counter(service.protocols).items():
        if count > 1:
            position = len(service.protocols) - 1 - service.protocols[::-1].index(name)
            yield Diagnostic(
                code="SERVE006",
                message=f"`{name}` is listed {count} times",
                at=Label(path=(*path, position)),
                help="list each protocol once",
                severity="warning",
            )
    if service.smoke_request and _BODILESS.issuperset(service.protocols):
        yield Diagnostic(
            code="SERVE007",
            message=f"a smoke test sends an HTTP body, and `{service.id}` speaks {', '.join(service.protocols)} only",
            at=Label(path=(*service.origin.path, "smoke_test"), on="key"),
            related=(Label(path=path, text="no HTTP body"),),
            help="add a protocol with HTTP, for example `open-inference-v2`, or remove `smoke_test`",
        )
