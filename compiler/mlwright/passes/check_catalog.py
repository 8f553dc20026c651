"""What the tracking server is to hold: nothing twice, nothing that MLflow refuses, nothing that is ours to write."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import catalog_tags
from mlwright.span import Path

_NOTE = "mlflow.note.content"


def check_catalog(project: ir.Project) -> Iterable[Diagnostic]:
    """CAT001 a webhook without https, CAT002 declared twice, CAT003 a reserved tag, CAT004 (warning)
    permissions that nobody checks, CAT005 (warning) a webhook that MLflow does not call."""
    yield from _webhooks(project)
    yield from _twice(project)
    yield from _tags(project)
    yield from _permissions(project)


def _webhooks(project: ir.Project) -> Iterator[Diagnostic]:
    for hook in project.catalog.webhooks:
        path = (*hook.origin.path, "url")
        scheme, _, rest = hook.url.partition("://")
        if scheme != "https":
            yield Diagnostic(
                code="CAT001",
                message=f"MLflow calls webhooks over https only, not over {scheme}",
                at=Label(path=path),
                help=f"write `https://{rest}`, and let what listens there have a certificate",
            )
        elif host := _private(hook.url):
            yield Diagnostic(
                code="CAT005",
                message=f"MLflow refuses to call `{host}`: it is not an address of the internet",
                at=Label(path=path),
                help="start the server with MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS=true, or name a public address",
                severity="warning",
            )


def _private(url: str) -> str:
    """The host of an address where it is none of the internet, else empty."""
    host = urlsplit(url).hostname or ""
    try:
        return "" if ipaddress.ip_address(host).is_global else host
    except ValueError:
        return "" if "." in host and not host.endswith((".local", ".internal", ".localhost")) else host


def _twice(project: ir.Project) -> Iterator[Diagnostic]:
    objects: dict[str, tuple[ir.Experiment | ir.RegisteredModel, ...]] = {
        "experiment": project.catalog.experiments,
        "registered model": project.catalog.models,
    }
    for kind, listed in objects.items():
        first: dict[str, Path] = {}
        for item in listed:
            path = item.origin.path
            if path[-1] == "registry":  # two of these are REG003
                first.setdefault(item.name, (*path, "model"))
                continue
            if item.name in first:
                where = ".".join(map(str, first[item.name]))
                yield Diagnostic(
                    code="CAT002",
                    message=f"the {kind} `{item.name}` is there already: {where}",
                    at=Label(path=path, on="key"),
                    related=(Label(path=first[item.name], text="this one"),),
                    help=_together(kind),
                )
            first.setdefault(item.name, path)


def _together(kind: str) -> str:
    if kind == "experiment":
        return "write its description and tags under `tracking.experiment`"
    return "write its `description` and `model_tags` under `registry`; its aliases are in mlproject.lock"


def _tags(project: ir.Project) -> Iterator[Diagnostic]:
    for path, _ in catalog_tags(project):
        key, ours = str(path[-1]), path[:2] in (("tracking", "experiment"), ("tracking", "experiments"))
        if key.startswith("mlwright.") or (key == _NOTE and ours):
            yield Diagnostic(
                code="CAT003",
                message=f"the tag `{key}` is not yours to set",
                at=Label(path=path, on="key"),
                help="write `description`" if key == _NOTE else "take a name that does not begin with `mlwright.`",
            )


def _permissions(project: ir.Project) -> Iterator[Diagnostic]:
    written = [grant for grant in project.catalog.grants if grant.origin.path[:2] == ("tracking", "permissions")]
    if written and project.tracking.auth.type != "basic":
        yield Diagnostic(
            code="CAT004",
            message="nobody checks these permissions: the tracking server has no users",
            at=Label(path=("tracking", "permissions"), on="key"),
            help="add `auth: {type: basic, secret: NAME}`, or leave them out",
            severity="warning",
        )
