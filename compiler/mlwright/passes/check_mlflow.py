"""What target `mlflow` makes: an MLproject that `mlflow run` can start, a server on a machine of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.platform.gateway import KEYS, OPTIONAL, given, key_of
from mlwright.source.suggest import closest
from mlwright.span import Path


def check_mlflow(project: ir.Project) -> Iterable[Diagnostic]:
    """MLP001 and MLP004 for the MLproject, MLP005 and MLP006 for the server, MLP007 and MLP008 for the gateway."""
    if project.environment.platform == "local":
        return
    if project.tracking.project.type != "none":
        yield from _project(project)
    if project.tracking.server == "deployed" and project.tracking.owner == "mlflow":
        yield from _server(project.tracking)
    for name, endpoint in project.tracking.gateway:
        if isinstance(endpoint, dict):
            yield from _endpoint(project, endpoint, (*project.tracking.origin.path, "gateway", "endpoints", name))


def _endpoint(project: ir.Project, endpoint: dict[str, ir.Json], path: Path) -> Iterator[Diagnostic]:
    """MLP007 a provider that MLflow does not have, MLP008 one without its key."""
    provider = str(endpoint["provider"])
    if provider not in KEYS:
        near = closest(provider, sorted(KEYS))
        yield Diagnostic(
            code="MLP007",
            message=f"MLflow's gateway has no provider `{provider}` of its own",
            at=Label(path=(*path, "provider")),
            help=f"did you mean `{near}`?" if near else f"it has {', '.join(sorted(KEYS))}",
            severity="warning",
        )
        return
    place = KEYS[provider]
    if not place or given(endpoint.get("settings"), place):
        return
    field = ".".join(place)
    secret = next((item for item in project.secrets if item.name == endpoint.get("secret")), None)
    if secret is None and provider not in OPTIONAL:
        yield Diagnostic(
            code="MLP008",
            message=f"the provider `{provider}` needs an API key",
            at=Label(path=(*path, "provider")),
            help=f"declare a secret with the key {provider.upper()}_API_KEY, and name it in `secret`",
        )
    elif secret is not None and not key_of(secret.keys, place):
        yield Diagnostic(
            code="MLP008",
            message=f"it is not clear which key of `{secret.name}` is the API key of `{provider}`",
            at=Label(path=(*path, "secret"), text=f"has {', '.join(secret.keys)}"),
            help=f"name one of them {place[-1].upper()}, or declare a secret for it alone; it becomes `{field}`",
        )


def _server(tracking: ir.Tracking) -> Iterator[Diagnostic]:
    """MLP005 a server that nobody can find, MLP006 stores that nobody runs."""
    path = tracking.origin.path
    if not tracking.expose.host:
        yield Diagnostic(
            code="MLP005",
            message="clients of a server with `owner: mlflow` need its address",
            at=Label(path=(*path, "owner"), text="on a machine of its own"),
            help="write `server: {type: deployed, expose: {host: mlflow.example.com}}`",
        )
    for name, own, fix in (
        ("backend_store", tracking.backend.own, "secret: NAME"),
        ("registry_store", tracking.registry is not None and tracking.registry.own, "secret: NAME"),
        ("artifacts", tracking.artifacts.own, "uri: 's3://BUCKET'"),
    ):
        if own:
            yield Diagnostic(
                code="MLP006",
                message=f"nothing runs the store in `{name}` for a server with `owner: mlflow`",
                at=Label(path=(*path, name)),
                related=(Label(path=(*path, "owner"), text="on a machine of its own"),),
                help=f"say where it is: `{fix}`",
            )


def _project(project: ir.Project) -> Iterator[Diagnostic]:
    """MLP001 a Databricks server, MLP004 steps that only their image can start."""
    path: Path = (*project.tracking.origin.path, "project")
    environment = project.environment
    if project.tracking.server == "databricks":
        yield Diagnostic(
            code="MLP001",
            message="an MLproject cannot record its runs on Databricks",
            at=Label(path=path, on="key"),
            related=(Label(path=(*project.tracking.origin.path, "server"), text="the server is here"),),
            help=f"under environments.{environment.name}: `tracking: {{project: null}}`",
        )
    for node in project.nodes:
        if isinstance(node, ir.Task) and not (node.container.argv or node.container.script):
            yield Diagnostic(
                code="MLP004",
                message=f"the MLproject is without `{node.id}`, which has no command",
                at=Label(path=node.origin.path, on="key"),
                related=(Label(path=path, on="key", text="asked for here"),),
                help="give it a `command`",
                severity="warning",
            )
