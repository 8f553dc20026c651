"""The tracking server with every default written out."""

from __future__ import annotations

from typing import Any

from mlwright import ir
from mlwright.passes.lower.container import image, resources
from mlwright.passes.lower.context import Context
from mlwright.passes.lower.mlproject import ml_project
from mlwright.passes.lower.services import expose, plain
from mlwright.record import replace
from mlwright.spec import tracking
from mlwright.spec.container import Image
from mlwright.spec.scalars.image import ImageRef

DAILY = "0 4 * * *"
"""When deleted runs are removed that ops, not the project, set a time for."""


def tracking_server(context: Context, source: tracking.Tracking | None, project: str) -> ir.Tracking:
    """`tracking` as the environment has it; `experiment` defaults to project-environment, the server to an own one."""
    source = source or tracking.Tracking()
    server = source.server or tracking.DeployedServer(type="deployed")
    backend = _database(source.backend_store)
    made = ir.Tracking(
        server=server.type,
        experiment=(source.experiment and source.experiment.name) or f"{project}-{context.environment}",
        backend=backend,
        registry=_database(source.registry_store) if source.registry_store else None,
        artifacts=_artifacts(source.artifacts),
        auth=_auth(source.auth),
        autolog=source.autolog,
        gateway=tuple(plain(source.gateway.endpoints).items()) if source.gateway else (),
        options=_options(source.options or tracking.Options(), backend, context.profile.keep_artifacts),
        project=ml_project(context, source.project),
        owner=source.owner or "",
        origin=context.origin(("tracking",)),
    )
    match server:
        case tracking.DeployedServer():
            version = server.version or context.profile.mlflow
            usual = Image(ref=ImageRef.parse(context.profile.mlflow_image(version)))
            return replace(
                made,
                version=version,
                image=image(context, server.image or usual),
                expose=expose(server.expose),
                resources=resources(server.resources),
            )
        case tracking.ExternalServer():
            return replace(made, url=server.url.text.rstrip("/"))
        case tracking.DatabricksServer():
            url = f"databricks://{server.profile}" if server.profile else "databricks"
            return replace(made, url=url, host=server.host.text.rstrip("/") if server.host else "")


def _database(source: tracking.BackendStore | None) -> ir.Database:
    if source is None:
        return ir.Database()
    return ir.Database(
        type=source.type, secret=getattr(source, "secret", None) or "", path=getattr(source, "path", None) or ""
    )


def _artifacts(source: Any) -> ir.ArtifactStore:
    if source is None:
        return ir.ArtifactStore()
    uri, endpoint, size = (getattr(source, name, None) for name in ("uri", "endpoint", "size"))
    return ir.ArtifactStore(
        type=source.type,
        uri=uri.text.rstrip("/") if uri else "",
        endpoint=endpoint.text.rstrip("/") if endpoint else "",
        size=size.bytes if size else 0,
        path_style=getattr(source, "path_style", False),
        **{
            field: getattr(source, name, None) or ""
            for field, name in (
                ("path", "path"),
                ("secret", "secret"),
                ("region", "region"),
                ("claim", "claim"),
                ("mode", "mode"),
                ("storage_class", "class_"),
            )
        },
    )


def _auth(source: tracking.Auth | None) -> ir.Auth:
    if not isinstance(source, tracking.BasicAuth):
        return ir.Auth()
    return ir.Auth(type="basic", secret=source.secret, admin=source.admin or "", default=source.default_permission)


def _options(source: tracking.Options, backend: ir.Database, keep: str) -> ir.ServerOptions:
    """`keep` is how long ops let files of deleted runs stay where the project does not say."""
    older_than, schedule = keep, DAILY if keep else ""
    if source.gc:
        older_than, schedule = source.gc.older_than.text, source.gc.schedule.text if source.gc.schedule else ""
    return ir.ServerOptions(
        workers=source.workers or (1 if backend.type == "sqlite" else 2),
        allowed_hosts=source.allowed_hosts,
        cors=source.cors,
        static_prefix=(source.static_prefix or "").rstrip("/"),
        prometheus=source.prometheus,
        workspaces=source.workspaces,
        jobs=bool(source.jobs),
        gc_older_than=older_than,
        gc_schedule=schedule,
    )
