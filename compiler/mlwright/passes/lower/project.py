"""The whole project: names in scope first, then every section in the order of the file's schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Bag
from mlwright.passes.graph import Selection
from mlwright.passes.lock import Lock
from mlwright.passes.lower.catalog import catalog
from mlwright.passes.lower.context import Context
from mlwright.passes.lower.models import Place, Sections, model_nodes
from mlwright.passes.lower.scope import Scope, StepNames
from mlwright.passes.lower.services import alert, notebook, plain, route, served_aliases, service
from mlwright.passes.lower.task import gates, task
from mlwright.passes.lower.tracking import tracking_server
from mlwright.platform import Profile
from mlwright.record import dataclass
from mlwright.source.files import FileTree
from mlwright.source.references import literal
from mlwright.source.suggest import closest
from mlwright.source.tree import Node
from mlwright.span import Path
from mlwright.spec.container import StepShape
from mlwright.spec.data import DataSource
from mlwright.spec.params import Param
from mlwright.spec.patches import Objects, Patch, PatchOperation
from mlwright.spec.project import Project
from mlwright.spec.serving import Route, Service

GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """The program before the passes, and the pipelines as asked for; `bag` has paths into the merged tree."""

    project: ir.Project
    selections: tuple[Selection, ...]
    bag: Bag


def lower(
    spec: Project, tree: Node, *, environment: str, profile: Profile, lock: Lock, files: FileTree, folder: str
) -> Lowered:
    """The IR of one environment. `tree` is the merged tree that `spec` was validated from."""
    context = Context(
        tree=tree,
        files=files,
        folder=folder,
        environment=environment,
        profile=profile,
        lock=lock,
        scope=_scope(spec),
        nodes=frozenset(_node_ids(spec)),
        stands_in={
            f"{place.id}training": f"{place.id}tuning"
            for place, sections in _models(spec)
            if sections.tuning and not sections.tuning.retrain
        },
    )
    params = tuple(_param(context, name, item) for name, item in spec.params.items())
    where = _environment(context, spec)
    services, routes = _serving(context, spec, context.profile.orchestrator == "compose")
    stores = tuple(_storage(context, name, item) for name, item in spec.storage.items())
    server = tracking_server(context, spec.tracking, spec.metadata.name)
    registries = [((*place.path, "registry"), one.registry) for place, one in _models(spec) if one.registry]
    project = ir.Project(
        name=spec.metadata.name,
        description=spec.metadata.description,
        owners=spec.metadata.owners,
        labels=tuple(sorted(spec.metadata.labels.items())),
        environment=where,
        params=params,
        secrets=tuple(
            ir.Secret(name=name, keys=item.keys, existing=item.name or "", remote=item.remote or "")
            for name, item in spec.secrets.items()
        ),
        storage=stores,
        artifacts=_artifacts(context, stores),
        data=tuple(_data(context, name, item) for name, item in spec.data.items()),
        nodes=tuple(_nodes(context, spec, params, services)),
        services=services,
        routes=routes,
        tracking=server,
        catalog=catalog(context, spec.tracking, registries, server, where.namespace),
        notebooks=tuple(notebook(context, name, item) for name, item in spec.notebooks.items()),
        monitoring=tuple(
            alert(context, name, item) for name, item in (spec.monitoring.alerts if spec.monitoring else {}).items()
        ),
        gitops=tuple(plain(spec.gitops).items()) if spec.gitops else (),
        policies=spec.policies,
        patches=tuple(_patch(context, name, item) for name, item in spec.patches.items()),
        objects=tuple(_objects(context, name, item) for name, item in spec.objects.items()),
    )
    _distinct_names(context, project)
    return Lowered(project=project, selections=tuple(_selections(context, spec, params)), bag=context.bag)


def _models(spec: Project) -> Iterator[tuple[Place, Sections]]:
    yield Place(), spec
    for name, entry in spec.models.items():
        short = name.replace("_", "-")
        yield Place(path=("models", name), id=f"models.{name}.", name=f"{short}-"), entry


def _steps(spec: Project) -> Iterator[tuple[str, StepShape]]:
    for name, step in spec.steps.items():
        yield f"steps.{name}", step
    for place, sections in _models(spec):
        if sections.training is not None:
            yield f"{place.id}training", sections.training
        if sections.evaluation is not None:
            yield f"{place.id}evaluation", sections.evaluation


def _node_ids(spec: Project) -> Iterator[str]:
    """Every id that `needs` and `run` may name, gates included; training that tuning stands in for too."""
    for name, step in _steps(spec):
        yield name
        if step.gates:
            yield f"{name}.gates"
    for place, sections in _models(spec):
        if sections.tuning is not None:
            yield f"{place.id}tuning"
        if sections.registry is not None:
            yield f"{place.id}registry"


def _scope(spec: Project) -> Scope:
    registered = {sections.registry.model for _, sections in _models(spec) if sections.registry}
    return Scope(
        params={name: item.type for name, item in spec.params.items()},
        data=frozenset(spec.data),
        secrets={name: item.keys for name, item in spec.secrets.items()},
        storage=frozenset(spec.storage),
        steps={
            name: StepNames(
                outputs={key: output.type for key, output in step.outputs.items()}, metrics=frozenset(step.metrics)
            )
            for name, step in _steps(spec)
        },
        models=frozenset(registered),
    )


def _param(context: Context, name: str, source: Param) -> ir.Param:
    return ir.Param(
        name=name,
        type=source.type,
        default=literal(source.default),
        required=source.default is None,
        min=source.min,
        max=source.max,
        choices=tuple(literal(choice) for choice in source.choices),
        description=source.description,
        origin=context.origin(("params", name)),
    )


def _environment(context: Context, spec: Project) -> ir.Environment:
    source = spec.environments[context.environment]
    path: Path = ("environments", context.environment)
    scheduled = any(pipeline.schedule for pipeline in spec.pipelines.values())
    return ir.Environment(
        name=context.environment,
        platform=source.platform,
        namespace=source.namespace.name if source.namespace else spec.metadata.name,
        namespace_create=bool(source.namespace and source.namespace.create),
        start=source.start or ("schedule" if scheduled else "manual"),
        mode=source.mode or "production",
        name_prefix=source.name_prefix or "",
        allow_remote_writes=source.allow_remote_writes,
        binding="run" if context.profile.orchestrator == "compose" or source.mode == "development" else "locked",
        origin=context.origin(path),
    )


def _serving(context: Context, spec: Project, run_binding: bool) -> tuple[tuple[ir.Service, ...], tuple[ir.Route, ...]]:
    services = tuple(
        service(context, name, item, run_binding=run_binding)
        for name, item in spec.serving.items()
        if isinstance(item, Service)
    )
    routes = tuple(route(context, name, item) for name, item in spec.serving.items() if isinstance(item, Route))
    return services, routes


def _nodes(
    context: Context, spec: Project, params: tuple[ir.Param, ...], services: tuple[ir.Service, ...]
) -> Iterator[ir.Node]:
    aliases = frozenset(served_aliases(services)) | _gate_aliases(spec)
    for name, step in spec.steps.items():
        path: Path = ("steps", name)
        made = task(context, step, path, id=f"steps.{name}", name=name.replace("_", "-"))
        yield made
        model = spec.registry.model if spec.registry else ""
        if (node := gates(context, step, made, path, model)) is not None:
            yield node
    for place, sections in _models(spec):
        yield from model_nodes(context, sections, place, params, aliases)


def _gate_aliases(spec: Project) -> frozenset[tuple[str, str]]:
    return frozenset(
        (sections.registry.model, gate.versus)
        for _, sections in _models(spec)
        if sections.registry is not None
        for step in (sections.training, sections.evaluation)
        if step is not None
        for gate in step.gates.values()
        if gate.versus
    )


def _storage(context: Context, name: str, source: object) -> ir.Storage:
    uri, size = getattr(source, "uri", None), getattr(source, "size", None)
    most = getattr(source, "max_proxied", None)
    type_ = str(getattr(source, "type"))  # noqa: B009  every member of the union has it
    return ir.Storage(
        name=name,
        type=type_,
        uri=uri.text if uri else "",
        path=getattr(source, "path", None) or (f".mlwright/{name}" if type_ == "directory" else ""),
        secret=getattr(source, "secret", None) or "",
        claim=getattr(source, "claim", None) or "",
        size=size.bytes if size else 0,
        mode=getattr(source, "mode", None) or "",
        storage_class=getattr(source, "class_", None) or "",
        max_proxied=most.bytes if most else 5 * GIB,
        origin=context.origin(("storage", name)),
    )


def _artifacts(context: Context, stores: tuple[ir.Storage, ...]) -> ir.Storage:
    """The storage called `artifacts`; through the tracking server where the spec declares none."""
    found = next((store for store in stores if store.name == "artifacts"), None)
    return found or ir.Storage(name="artifacts", type="mlflow", origin=context.origin(("storage", "artifacts")))


def _data(context: Context, name: str, source: DataSource) -> ir.DataSource:
    location = source.source
    local = location.uri is None
    if local:
        context.file(location.text, ("data", name, "source"), "the data", folder=True)
    return ir.DataSource(
        name=name,
        source=location.text.removeprefix("./") if local else location.text,
        local=local,
        secret=source.secret or "",
        access=source.access or "download",
        origin=context.origin(("data", name)),
    )


def _patch(context: Context, name: str, source: Patch) -> ir.Patch:
    path: Path = ("patches", name)
    return ir.Patch(
        name=name,
        why=source.why,
        node=source.on.node,
        kind=source.on.kind,
        merge=source.merge,
        ops=tuple(_operation(op) for op in source.ops or ()),
        all=source.all,
        until=tuple(sorted(source.until.items())),
        origin=context.origin(path),
    )


def _operation(op: PatchOperation) -> dict[str, ir.Json]:
    made: dict[str, ir.Json] = {"op": op.op, "path": op.path}
    if op.op in ("add", "replace", "test"):
        made["value"] = op.value
    if op.from_ is not None:
        made["from"] = op.from_
    return made


def _objects(context: Context, name: str, source: Objects) -> ir.AddedObjects:
    path: str = source.path
    context.file(path, ("objects", name, "path"), "the objects", folder=True)
    return ir.AddedObjects(
        name=name,
        path=path,
        target=source.target or "",
        origin=context.origin(("objects", name)),
    )


def _selections(context: Context, spec: Project, params: tuple[ir.Param, ...]) -> Iterator[Selection]:
    if not spec.pipelines:
        pipeline = ir.Pipeline(name="main", nodes=(), origin=ir.Origin(path=("pipelines",), kind="default"))
        yield Selection(pipeline=pipeline, run=())
    declared = {param.name for param in params}
    for name, source in spec.pipelines.items():
        path: Path = ("pipelines", name)
        for index, node in enumerate(source.run):
            if node not in context.nodes:
                context.unknown_node(node, (*path, "run", index))
        _declared(context, declared, source.params, (*path, "params"))
        for key, item in source.triggers.items():
            _declared(context, declared, item.params, (*path, "triggers", key, "params"))
        schedule = source.schedule
        yield Selection(
            pipeline=ir.Pipeline(
                name=name.replace("_", "-"),
                nodes=(),
                schedule=ir.Schedule(
                    cron=schedule.cron.text,
                    timezone=schedule.timezone.text if schedule.timezone else "UTC",
                    concurrency=schedule.concurrency or "forbid",
                )
                if schedule
                else ir.Schedule(),
                triggers=tuple(
                    _trigger(context, spec, key, item, (*path, "triggers", key))
                    for key, item in source.triggers.items()
                ),
                params=tuple((name, literal(value)) for name, value in sorted(source.params.items())),
                origin=context.origin(path),
            ),
            run=tuple(dict.fromkeys(context.stands_in.get(node, node) for node in source.run)),
        )


def _declared(context: Context, declared: set[str], given: Iterable[str], path: Path) -> None:
    """Report values for parameters that there are not."""
    for key in given:
        if key not in declared:
            near = closest(key, sorted(declared))
            context.error(
                "REF011",
                f"there is no parameter `{key}`",
                (*path, key),
                f"did you mean `{near}`?" if near else "declare it under `params:`",
                on="key",
            )


def _trigger(context: Context, spec: Project, name: str, source: object, path: Path) -> ir.Trigger:
    settings = plain(source)
    if "uri" in settings:
        pieces = context.parts(settings["uri"], (*path, "uri"), frozenset({"data_uri", "storage"}))
        where = {"metadata.name": spec.metadata.name, "environment.name": context.environment}
        settings["uri"] = "".join(
            piece if isinstance(piece, str) else where.get(piece.path) or _place(spec, piece.path) for piece in pieces
        )
    for key, value in settings.get("params", {}).items():
        if isinstance(value, str):
            context.parts(value, (*path, "params", key), frozenset({"event"}))
    return ir.Trigger(name=name, type=settings.pop("type"), settings=tuple(sorted(settings.items())))


def _place(spec: Project, reference: str) -> str:
    """The address behind `data.NAME.uri` or `storage.NAME`."""
    section, name = reference.split(".")[:2]
    if section == "data":
        return spec.data[name].source.text
    found = getattr(spec.storage[name], "uri", None)
    return found.text if found else ""


def _distinct_names(context: Context, project: ir.Project) -> None:
    """Report nodes whose short names, from which every object's name derives, are the same."""
    seen: dict[str, ir.Node | ir.Service | ir.Notebook] = {}
    for node in (*project.nodes, *project.services, *project.notebooks):
        other = seen.setdefault(node.name, node)
        if other is not node:
            context.error(
                "STEP093",
                f"`{other.id}` and `{node.id}` would both be called `{node.name}`",
                node.origin.path,
                "rename one of them (`_` and `-` are the same in names)",
                on="key",
            )
