"""What the tracking server is to hold: what the sections imply, and what `tracking` adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.passes.lower.context import Context
from mlwright.span import Path
from mlwright.spec import tracked, tracking
from mlwright.spec.registry import Registry

_ROLES: dict[object, ir.Level] = {"view": "READ", "edit": "EDIT", "admin": "MANAGE"}
"""Contributors of a namespace as MLflow's permissions."""
_LEVELS: dict[object, ir.Level] = {"read": "READ", "use": "USE", "edit": "EDIT", "manage": "MANAGE"}


def catalog(
    context: Context,
    source: tracking.Tracking | None,
    registries: Iterable[tuple[Path, Registry]],
    server: ir.Tracking,
    namespace: str,
) -> ir.Catalog:
    """Experiments, models with their aliases, webhooks and permissions of one environment. `registries` are all
    `registry` sections with their paths."""
    source = source or tracking.Tracking()
    own = source.experiment or tracked.OwnExperiment()
    path: Path = ("tracking",)
    return ir.Catalog(
        experiments=(
            _experiment(context, server.experiment, own, (*path, "experiment")),
            *(_experiment(context, k, v, (*path, "experiments", k)) for k, v in source.experiments.items()),
        ),
        models=(
            *(_registered(context, registry, place) for place, registry in registries),
            *(_model(context, name, item, (*path, "models", name)) for name, item in source.models.items()),
        ),
        webhooks=tuple(
            ir.Webhook(
                name=name,
                url=item.url.text,
                events=tuple(sorted(set(item.events))),
                secret=item.secret or "",
                description=item.description,
                active=item.status == "active",
                origin=context.origin((*path, "webhooks", name)),
            )
            for name, item in source.webhooks.items()
        ),
        grants=tuple(_grants(context, source, server, namespace)),
        pinned=tuple(
            sorted({(key.rpartition("@")[0], item.version) for (_, key), item in context.lock.models.items()})
        ),
    )


def _experiment(context: Context, name: str, source: tracked.Experiment, path: Path) -> ir.Experiment:
    return ir.Experiment(
        name=name,
        description=source.description,
        tags=tuple(sorted(source.tags.items())),
        artifact_location=source.artifact_location.text if source.artifact_location else "",
        origin=context.origin(path),
    )


def _registered(context: Context, source: Registry, path: Path) -> ir.RegisteredModel:
    moved = (source.on_pass.alias,) if source.on_pass else ()
    return ir.RegisteredModel(
        name=source.model,
        description=source.description,
        tags=tuple(sorted(source.model_tags.items())),
        aliases=tuple(sorted(_locked(context, source.model))),
        moved=moved,
        origin=context.origin(path),
    )


def _model(context: Context, name: str, source: tracked.RegisteredModel, path: Path) -> ir.RegisteredModel:
    written = {alias: str(version) for alias, version in source.aliases.items()}
    return ir.RegisteredModel(
        name=name,
        description=source.description,
        tags=tuple(sorted(source.tags.items())),
        aliases=tuple(sorted({**dict(_locked(context, name)), **written}.items())),
        origin=context.origin(path),
    )


def _locked(context: Context, model: str) -> Iterator[tuple[str, str]]:
    for (environment, key), item in context.lock.models.items():
        name, _, alias = key.rpartition("@")
        if environment == context.environment and name == model:
            yield alias, item.version


def _grants(context: Context, source: tracking.Tracking, server: ir.Tracking, namespace: str) -> Iterator[ir.Grant]:
    if server.auth.type == "basic":
        if server.auth.admin:
            origin = context.origin(("tracking", "auth"))
            yield ir.Grant(experiments="EDIT", models="MANAGE", implied=True, origin=origin)
        ours = context.profile.namespace(namespace)
        for user, role in ours.contributors.items() if ours else ():
            if user not in source.permissions:
                level = _ROLES[role]
                origin = ir.Origin(path=("environments", context.environment, "platform"), kind="derived")
                yield ir.Grant(user=user, experiments=level, models=level, implied=True, origin=origin)
    for user, item in source.permissions.items():
        yield ir.Grant(
            user=user,
            experiments=_LEVELS[item.experiments] if item.experiments else "",
            models=_LEVELS[item.models] if item.models else "",
            origin=context.origin(("tracking", "permissions", user)),
        )
