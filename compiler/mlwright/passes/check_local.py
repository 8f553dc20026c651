"""Environments on this machine: no writes to shared stores by accident, no GPU that two containers share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.occurrences import searches, storage_uses, tasks, unmountable
from mlwright.regex import lazy
from mlwright.span import Path

_HERE = ("local", "compose")
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
    for name, path in storage_uses(project):
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


def _mounts(project: ir.Project) -> Iterator[Diagnostic]:
    environment = project.environment.name
    for found in unmountable(project):
        section, name = ("data", found.mount.source) if found.mount.kind == "data" else ("storage", found.mount.source)
        local = f"{{source: sample/{name}}}" if section == "data" else "{type: directory}"
        yield Diagnostic(
            code="LOCAL004",
            message=f"Compose cannot mount {found.what}",
            at=Label(path=found.path, text="neither a volume nor a folder"),
            related=(Label(path=found.declared, text="not on this machine"),),
            help=f"under environments.{environment}: `{section}: {{{name}: {local}}}`",
        )


def _nowhere(project: ir.Project) -> Iterator[Diagnostic]:
    """References to storage behind the tracking server, checkpoints among them."""
    hidden = {storage.name: storage for storage in project.storage if storage.type == "mlflow"}
    seen: set[tuple[str, Path]] = set()
    for name, path in storage_uses(project):
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
