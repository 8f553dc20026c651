"""What stays up: endpoints, routes and notebooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from mlwright import ir
from mlwright.passes.defaults import steps
from mlwright.passes.lower.container import container, resources
from mlwright.passes.lower.context import Context
from mlwright.passes.lower.task import storage_path
from mlwright.platform.kserve import SERVERS, elsewhere, format_of
from mlwright.source.suggest import closest
from mlwright.span import Path
from mlwright.spec import serving
from mlwright.spec.base import Model
from mlwright.spec.monitoring import Alert
from mlwright.spec.notebooks import Notebook
from mlwright.spec.scalars.refusal import Scalar

SOURCES = frozenset({"registry", "step_output", "storage", "data", "data_uri"})
_EXTRA = (
    "engine",
    "parallel",
    "adapters",
    "roles",
    "batcher",
    "log",
    "health",
)
_SMOKE_PATHS = {"mlflow": "/invocations", "openai": "/v1/chat/completions"}
"""Where a smoke test goes without a `path` of its own, by the first of the endpoint's protocols."""


def service(context: Context, name: str, source: serving.Service, *, run_binding: bool) -> ir.Service:
    """One endpoint. `run_binding` is what `binding` means where the spec leaves it out: `run` or `locked`."""
    path: Path = ("serving", name)
    made = container(context.inside(f"serving.{name}"), source, path)
    return ir.Service(
        id=f"serving.{name}",
        name=name.replace("_", "-"),
        container=made,
        source=model_source(context, source.model, (*path, "model")),
        binding=_binding(context, source, run_binding, path),
        format=_format(source),
        protocols=_protocols(source),
        port=source.port or 8080,
        replicas=_replicas(source.replicas or serving.Replicas()),
        variants=tuple(
            ir.Variant(
                name=key,
                source=model_source(context, variant.model, (*path, "variants", key, "model")),
                traffic=-1 if variant.traffic == "mirror" else variant.traffic,
                replicas=_replicas(variant.replicas) if variant.replicas else None,
                resources=resources(variant.resources) if variant.resources else None,
            )
            for key, variant in source.variants.items()
        ),
        expose=expose(source.expose),
        startup=source.health.startup.seconds if source.health and source.health.startup else 600.0,
        **_smoke(context, source, path),
        storage=source.storage or ("direct" if _fetched(source) else "proxied"),
        runtime=source.runtime or "",
        concurrency=source.concurrency or 0,
        request_timeout=source.request_timeout.seconds if source.request_timeout else 0.0,
        components=tuple(_components(context, name, source, path)),
        batcher=_batcher(source.batcher),
        parallel=_parallel(source.parallel) or ir.Parallel(),
        groups=tuple(
            ir.Group(
                name=key,
                replicas=_replicas(role.replicas) if role.replicas else None,
                resources=resources(role.resources) if role.resources else None,
                parallel=_parallel(role.parallel),
            )
            for key, role in source.roles.items()
        ),
        extra=tuple((key, plain(getattr(source, key))) for key in _EXTRA if getattr(source, key)),
        needs=(),
        owner=source.owner or "",
        origin=context.origin(path),
    )


def _fetched(source: serving.Service) -> bool:
    """Whether a server of the platform's own loads the model: then it fetches it, too."""
    if source.command:
        return False
    return _speaks_openai(source) or bool(source.runtime) or elsewhere(source.format or "")


def _speaks_openai(source: serving.Service) -> bool:
    return bool(source.engine) or ("openai" in (source.protocols or ()) and source.image is None)


def _format(source: serving.Service) -> str:
    if source.format:
        return source.format
    if _fetched(source) and _speaks_openai(source):
        return "huggingface"
    return "mlflow" if source.model and not (source.command or source.args) else ""


def _protocols(source: serving.Service) -> tuple[str, ...]:
    """What it speaks where nobody says so: what its server does."""
    if source.protocols:
        return source.protocols
    if source.engine:
        return ("openai",)
    format = source.format or ""
    known = elsewhere(format) and _fetched(source)
    return SERVERS[format_of(format)[0]].protocols[:1] if known else ("mlflow",)


def _batcher(source: serving.Batcher | None) -> ir.Batcher | None:
    if source is None:
        return None
    latency, timeout = (value.seconds if value else 0.0 for value in (source.max_latency, source.timeout))
    return ir.Batcher(max_size=source.max_size, max_latency=latency, timeout=timeout)


def _parallel(source: serving.Parallel | None) -> ir.Parallel | None:
    if source is None:
        return None
    return ir.Parallel(tensor=source.tensor, pipeline=source.pipeline, data=source.data, expert=source.expert)


def _components(
    context: Context, name: str, source: serving.Service, path: Path
) -> Iterator[tuple[Literal["transformer", "explainer"], ir.Component]]:
    kinds: tuple[Literal["transformer", "explainer"], ...] = ("transformer", "explainer")
    for kind in kinds:
        part = getattr(source, kind)
        if part is not None:
            yield (
                kind,
                ir.Component(
                    container=container(context.inside(f"serving.{name}"), part, (*path, kind)),
                    port=part.port or 8080,
                    replicas=_replicas(part.replicas or serving.Replicas()),
                ),
            )


def served_aliases(services: Iterable[ir.Service]) -> Iterator[tuple[str, str]]:
    """The (model, alias) pairs that endpoints and their variants refer to."""
    for item in services:
        for source in (item.source, *(variant.source for variant in item.variants)):
            if source.kind == "registry":
                yield source.model, source.alias


def model_source(context: Context, text: str | None, path: Path) -> ir.ModelSource:
    """What an endpoint's `model` names: a registered model, an output, a place in a storage, or an address."""
    if text is None:
        return ir.ModelSource()
    if "${" not in text:
        return ir.ModelSource(kind="uri", uri=text)
    ref = context.whole(text, path, SOURCES)
    if ref is None:
        name, inside = storage_path(context, text, path)
        return ir.ModelSource(kind="uri", uri=f"${{storage.{name}}}/{inside}") if name else ir.ModelSource()
    head, _, rest = ref.path.partition(".")
    if head == "registry":
        model, _, alias = rest.partition("@")
        return ir.ModelSource(kind="registry", model=model, alias=alias)
    if ".outputs." in ref.path:
        step, _, output = ref.path.rpartition(".outputs.")
        return ir.ModelSource(kind="output", step=step, output=output)
    return ir.ModelSource(kind="uri", uri=text)


def route(context: Context, name: str, source: serving.Route) -> ir.Route:
    """An address in front of several endpoints."""
    return ir.Route(
        id=f"serving.{name}",
        name=name.replace("_", "-"),
        mode=source.mode,
        legs=tuple(
            ir.Leg(
                to=leg.service,
                weight=leg.weight or 0,
                condition=leg.condition or "",
                input=leg.input or "response",
                required=leg.required,
            )
            for leg in source.to
        ),
        expose=expose(source.expose),
        owner=source.owner or "",
        origin=context.origin(("serving", name)),
    )


def notebook(context: Context, name: str, source: Notebook) -> ir.Notebook:
    """One notebook server."""
    path: Path = ("notebooks", name)
    known = steps(context.tree)
    if source.like and source.like not in known:
        near = closest(source.like, list(known))
        help = f"did you mean `{near}`?" if near else f"there is {', '.join(known)}" if known else "leave `like` out"
        context.error(
            "BOOK002", f"there is no step `{source.like}` that a notebook could be like", (*path, "like"), help
        )
    return ir.Notebook(
        id=f"notebooks.{name}",
        name=name.replace("_", "-"),
        container=container(context.inside(f"notebooks.{name}"), source, path),
        port=source.port or 8888,
        owner=source.owner or "",
        origin=context.origin(path),
    )


def alert(context: Context, name: str, source: Alert) -> ir.Alert:
    """One alert, its bounds in seconds or as a share."""
    return ir.Alert(
        name=name,
        on=source.on,
        metric=source.metric,
        quantile=source.quantile or 0.0,
        max=source.max.value if source.max else None,
        min=source.min.value if source.min else None,
        lasting=source.for_.seconds if source.for_ else 0.0,
        severity=source.severity,
        description=source.description,
        origin=context.origin(("monitoring", "alerts", name)),
    )


def plain(value: Any) -> Any:
    """A spec value as JSON: models without their unset fields, parsed scalars as their text."""
    if isinstance(value, Model):
        return {
            key.rstrip("_"): plain(item)
            for key in type(value).model_fields
            if (item := getattr(value, key)) not in (None, (), {})
        }
    if isinstance(value, Scalar):
        return value.text  # type: ignore[attr-defined]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _binding(context: Context, source: serving.Service, run_binding: bool, path: Path) -> Any:
    if source.binding == "run" and not run_binding:
        context.error(
            "SERVE090",
            "`binding: run` serves what this run registers, which only `run` and Compose can",
            (*path, "binding"),
            "leave `binding` out: the lock file pins the version here",
        )
    return source.binding or ("run" if run_binding else "locked")


def _replicas(source: serving.Replicas) -> ir.Replicas:
    least = 1 if source.min is None else source.min
    return ir.Replicas(min=least, max=max(least, source.max or 1), target=_target(source.target))


def _target(source: serving.ScaleTarget | None) -> tuple[tuple[str, float], ...]:
    if source is None:
        return ()
    return tuple((key, float(value)) for key, value in plain(source).items())


def expose(source: serving.Expose | None) -> ir.Expose:
    if source is None:
        return ir.Expose()
    return ir.Expose(
        scope=source.scope or ("host" if source.host else "cluster"),
        host=source.host or "",
        path=source.path,
        auth=source.auth,
        tls_secret=source.tls_secret or "",
    )


def _smoke(context: Context, source: serving.Service, path: Path) -> dict[str, Any]:
    test = source.smoke_test
    if test is None:
        return {}
    context.file(test.request, (*path, "smoke_test", "request"), "the request")
    protocols = _protocols(source)
    return {
        "smoke_request": test.request,
        "smoke_path": test.path or _SMOKE_PATHS.get(protocols[0], "/"),
        "smoke_status": test.status,
        "smoke_timeout": test.timeout.seconds if test.timeout else 60.0,
    }


__all__ = ["alert", "expose", "model_source", "notebook", "route", "served_aliases", "service"]
