"""Environments on this machine: no writes to shared stores by accident, no GPU that two containers share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import containers, json_references, json_values, searches, tasks, texts
from mlwright.regex import lazy
from mlwright.span import Path

_HERE = ("local", "compose")
_MOUNTABLE = ("volume", "directory")
_REMOTE = frozenset({"s3", "gs", "azure"})
_LOOPBACK = lazy(r"localhost|127\.[\d.]+|\[?::1\]?|0\.0\.0\.0|host\.docker\.internal")


def check_local(project: ir.Project) -> Iterable[Diagnostic]:
    """LOCAL001 a write to a remote address, LOCAL002 the same through the tracking server, LOCAL003 shared GPUs,
    LOCAL004 a mount of something remote, LOCAL005 an address of storage that has none,
    LOCAL006 metrics that nothing here reads, LOCAL007 a schedule that cannot be kept."""
    if project.environment.platform not in _HERE:
        return
    yield from _nowhere(project)
    yield from _unread(project)
    if not project.environment.allow_remote_writes:
        yield from _storage(project)
        yield from _tracking(project)
    if project.environment.platform == "compose":
        yield from _gpus(project)
        yield from _mounts(project)
        yield from _schedules(project)


def _storage(project: ir.Project) -> Iterator[Diagnostic]:
    stores = {storage.name: storage for storage in (*project.storage, project.artifacts)}
    mounted = project.environment.platform != "compose"  # what Compose cannot mount is said elsewhere
    seen: set[tuple[str, Path]] = set()
    for name, path in _uses(project):
        storage = stores.get(name)
        if storage is None or storage.type not in _REMOTE or (name, path) in seen:
            continue
        if "mounts" in path and not mounted:
            continue
        seen.add((name, path))
        environment = project.environment.name
        change = f"storage: {{{name}: {{type: directory}}}}"
        yield Diagnostic(
            code="LOCAL001",
            message=f"`{environment}` is on this machine and would write to {storage.uri or storage.type}",
            at=Label(path=path, text=f"writes to the storage `{name}`"),
            related=(Label(path=(*storage.origin.path, "uri"), text="shared with everybody"),),
            help=f"under environments.{environment}: `{change}`, or `allow_remote_writes: true`",
        )


def _uses(project: ir.Project) -> Iterator[tuple[str, Path]]:
    """Storages that something may write to, with the place that says so."""
    yield project.artifacts.name, (*project.artifacts.origin.path, "type")
    for task in (*tasks(project), *(search.trial for search in searches(project))):
        if task.checkpoints.storage:
            yield task.checkpoints.storage, (*task.origin.path, "checkpoints", "path")
    for placed in containers(project):
        for mount in placed.container.mounts:
            if mount.kind == "storage" and not mount.read_only:
                yield mount.source, (*placed.path, "mounts", mount.target)
        for text in texts(placed):
            for part in text.template:
                if isinstance(part, ir.Ref) and part.path.startswith("storage."):
                    # A script's references arrive as variables of lowering's own.
                    own = text.variable.startswith("MLWRIGHT_")
                    yield part.path.removeprefix("storage."), (*placed.path, "command") if own else text.path
    for path, value in json_values(project):
        for reference in json_references(value):
            if reference.startswith("storage."):
                yield reference.removeprefix("storage."), path


def _mounts(project: ir.Project) -> Iterator[Diagnostic]:
    stores = {storage.name: storage for storage in (project.artifacts, *project.storage)}
    sources = {source.name: source for source in project.data}
    environment = project.environment.name
    for placed in containers(project):
        for mount in placed.container.mounts:
            if mount.kind == "storage" and (store := stores[mount.source]).type not in _MOUNTABLE:
                what = store.uri or "the tracking server's own store"
                related = (*store.origin.path, "uri" if store.uri else "type")
                change = f"storage: {{{mount.source}: {{type: directory}}}}"
            elif mount.kind == "data" and not (source := sources[mount.source]).local:
                what, related = source.source, (*source.origin.path, "source")
                change = f"data: {{{mount.source}: {{source: sample/{mount.source}}}}}"
            else:
                continue
            yield Diagnostic(
                code="LOCAL004",
                message=f"Compose cannot mount {what}",
                at=Label(path=(*placed.path, "mounts", mount.target), text="neither a volume nor a folder"),
                related=(Label(path=related, text="not on this machine"),),
                help=f"under environments.{environment}: `{change}`",
            )


def _nowhere(project: ir.Project) -> Iterator[Diagnostic]:
    """References to storage behind the tracking server, checkpoints among them."""
    hidden = {storage.name: storage for storage in project.storage if storage.type == "mlflow"}
    seen: set[tuple[str, Path]] = set()
    for name, path in _uses(project):
        if name not in hidden or path[-1] == "type" or "mounts" in path or (name, path) in seen:
            continue
        seen.add((name, path))
        yield Diagnostic(
            code="LOCAL005",
            message=f"the storage `{name}` is behind the tracking server: it has no path and no address",
            at=Label(path=path),
            related=(Label(path=(*hidden[name].origin.path, "type"), text="of type `mlflow`"),),
            help="refer to the step's output, or to storage of another type",
        )


def _tracking(project: ir.Project) -> Iterator[Diagnostic]:
    tracking, environment = project.tracking, project.environment.name
    path = tracking.origin.path
    if tracking.server == "databricks" or (tracking.server == "external" and _is_remote(tracking.url)):
        target, at, fix = tracking.url or "databricks", (*path, "server"), "server: {type: deployed}"
    elif tracking.server == "deployed" and tracking.artifacts.uri:
        target, at = tracking.artifacts.uri, (*path, "artifacts")
        fix = "artifacts: {type: directory}"
    else:
        return
    yield Diagnostic(
        code="LOCAL002",
        message=f"`{environment}` is on this machine and would record its runs at {target}",
        at=Label(path=at, text="shared with everybody"),
        help=f"under environments.{environment}: `tracking: {{{fix}}}`, or `allow_remote_writes: true`",
    )


def _is_remote(url: str) -> bool:
    """Whether an address is outside this machine. A name without dots is a service beside us."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?", "", url.lower()).split("/")[0]
    host = host if host.startswith("[") or host.count(":") > 1 else host.partition(":")[0]
    return bool(host) and ("." in host or ":" in host) and not _LOOPBACK.match(host)


def _gpus(project: ir.Project) -> Iterator[Diagnostic]:
    trained = {task.id: task.container.resources for task in tasks(project)}
    for search in searches(project):
        resources = search.trial.container.resources
        gpus = resources.gpu.count
        same = trained.get(search.training) == resources
        section = search.trial.origin.path if same else (*search.origin.path, "trial")
        if gpus and search.parallel > 1:
            yield Diagnostic(
                code="LOCAL003",
                message=f"{search.parallel} trials at once would all get the same GPU{'s' * (gpus > 1)}",
                at=Label(path=(*search.origin.path, "trials", "parallel")),
                related=(Label(path=(*section, "resources", "gpu"), text=f"{gpus} for each trial"),),
                help=f"under environments.{project.environment.name}: `tuning: {{trials: {{parallel: 1}}}}`",
            )


def _unread(project: ir.Project) -> Iterator[Diagnostic]:
    trials = (search.trial for search in searches(project))
    for task in (*tasks(project), *trials):
        if task.metrics and task.metrics_from.type in ("tensorboard", "prometheus"):
            environment, section = project.environment.name, task.origin.path
            inner = ": {".join([*map(str, section), "metrics_from: {type: stdout}"]) + "}" * len(section)
            yield Diagnostic(
                code="LOCAL006",
                message=f"nothing on this machine reads metrics from {task.metrics_from.type}",
                at=Label(path=(*section, "metrics_from", "type")),
                help=f"print them, and write under environments.{environment}: `{inner}`; or log them to MLflow",
            )


def _schedules(project: ir.Project) -> Iterator[Diagnostic]:
    """Services that follow the clock are the launcher's; of a search there is one, which has one run at a time."""
    bare = {task.id for task in tasks(project) if task.contract == "bare"}
    tuned = {search.id for search in searches(project)}
    for pipeline in project.pipelines:
        if not pipeline.schedule.cron:
            continue
        path = (*pipeline.origin.path, "schedule")
        off = f"or, under environments.{project.environment.name}: `pipelines: {{{path[1]}: {{schedule: null}}}}`"
        for node in (node for node in pipeline.nodes if node in bare):
            yield Diagnostic(
                code="LOCAL007",
                message=f"Compose cannot start `{node}` by the clock: nothing of ours is in its container",
                at=Label(path=path, on="key"),
                help=f"leave out `contract: bare` there, {off}",
            )
        if pipeline.schedule.concurrency == "allow" and not tuned.isdisjoint(pipeline.nodes):
            yield Diagnostic(
                code="LOCAL007",
                message="Compose has one search service for this pipeline: two runs cannot tune at the same time",
                at=Label(path=(*path, "concurrency")),
                help=f"write `concurrency: forbid` or `replace`, {off}",
            )
