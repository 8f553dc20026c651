"""Step documents: what each runtime program reads, the same in `mlwright run` and in every target.

The format is `schemas/step.v1.schema.json`; `runtime/step.py` and its siblings are the readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from mlwright import ir
from mlwright.remembered import remembered

Document = dict[str, "ir.Json"]

VERSION = 1
SEARCH_PORT = 8090
POPULATION = "suggestion_trial_dir"
"""The setting of the algorithm `pbt` that says where a trial finds its checkpoints."""


class Places(Protocol):
    """Where things are inside the container (or on this machine, for `mlwright run`)."""

    def storage(self, name: str) -> str:
        """The folder or URI that the program sees for storage `name`."""
        ...

    def data(self, source: ir.DataSource) -> tuple[str, str]:
        """(access, source): access `path` where `source` is already a readable path, else download, uri or mount."""
        ...


def step_document(
    project: ir.Project,
    task: ir.Task,
    places: Places,
    *,
    each: Mapping[str, ir.Json] | None = None,
    wait: bool = False,
) -> Document:
    """One step. `each` fixes one item of its `for_each`; `wait` makes the launcher wait for its needs by tags."""
    container = task.container
    seen = seen_secrets(project, task)
    names = _secret_names(container) | {source.secret for source in project.data if source.name in task.data} | {*seen}
    loop = task.for_each.keys and each is None
    document: Document = {
        **head(project, "step", task.id, task.name),
        "image_digest": container.image.digest,
        "command": _command(container, places),
        "env": {name: _parts(template, places) for name, template in container.env},
        "secrets": list(seen),
        "secret_keys": {secret.name: list(secret.keys) for secret in project.secrets if secret.name in names},
        "params": _params(project, task),
        "data": {source.name: _data(source, places) for source in project.data if source.name in task.data},
        "inputs": {path: _input(project, task, path) for path in task.inputs},
        "outputs": {output.name: {"type": output.type} for output in task.outputs},
        "metrics": _metrics(task.metrics),
        "metrics_from": _metrics_from(task.metrics_from),
        "when": None if task.when is None else _condition(task.when),
        "run_if": task.run_if,
        "needs": _needs(task.needs),
        "wait": wait,
        "each": None if each is None else dict(each),
        "for_each": _for_each(task.for_each) if loop else None,
        "retries": {
            "limit": task.retries.limit,
            "backoff": task.retries.backoff,
            "factor": task.retries.factor,
            "max_backoff": task.retries.max_backoff,
        },
        "timeout": task.timeout,
        "cache": task.cache,
        "distributed": _distributed(task.distributed),
        "checkpoints": _checkpoints(task, places),
        "autolog": list(project.tracking.autolog),
        "artifacts": _artifacts(project, places),
    }
    return document


def trial_document(project: ir.Project, search: ir.Search, places: Places) -> Document:
    """The worker of `search`: its trial's step document plus what it needs to ask, report and tell."""
    metric = _objective(search)
    return {
        **step_document(project, search.trial, places),
        "kind": "trial",
        "step": search.trial.id,
        "tuning": search.id,
        "objective": metric,
        "space": _space(search.space),
        "retrain": search.retrain,
        **_inherited(search),
    }


def _inherited(search: ir.Search) -> Document:
    """Where a population's trials hand checkpoints on, Katib gives each a folder with its parent's."""
    if search.algorithm != "pbt":
        return {}
    return {"checkpoints": {"path": dict(search.settings).get(POPULATION, ""), "resume": True, "whole": True}}


def search_document(project: ir.Project, search: ir.Search, *, host: str, port: int = SEARCH_PORT) -> Document:
    """The search service of a tuning node, listening on `host`:`port`."""
    stopping: ir.Json = None
    if search.early_stopping:
        stopping = {"name": search.early_stopping, "settings": dict(search.early_stopping_settings)}
    return {
        **head(project, "search", search.id, search.name),
        "needs": _needs(search.needs),
        "objective": _objective(search),
        "stop_at": search.stop_at,
        "algorithm": {"name": search.algorithm, "settings": dict(search.settings)},
        "space": _space(search.space),
        "trials": {"max": search.max_trials, "parallel": search.parallel, "max_failed": search.max_failed},
        "early_stopping": stopping,
        "retrain": search.retrain,
        "training": search.training,
        "host": host,
        "port": port,
    }


def gate_document(project: ir.Project, gates: ir.Gates, *, wait: bool = False) -> Document:
    """The decision on all gates of one step."""
    return {
        **head(project, "gate", gates.id, gates.name),
        "of": gates.step,
        "model": gates.model,
        "needs": _needs(gates.needs),
        "wait": wait,
        "gates": {
            gate.name: {
                "metric": gate.metric,
                "goal": gate.goal,
                "min": gate.min,
                "max": gate.max,
                "versus": gate.versus or None,
                **({"version": gate.version} if gate.version else {}),
                "tolerance": gate.tolerance,
                "on_fail": gate.on_fail,
            }
            for gate in gates.gates
        },
        "metrics": _metrics(gates.metrics),
    }


def register_document(project: ir.Project, node: ir.Registration) -> Document:
    """The registration of one model version."""
    return {
        **head(project, "register", node.id, node.name),
        "model": node.model,
        "description": node.description,
        "from": {"step": node.step, "output": node.output},
        "tags": dict(node.tags),
        "alias": node.alias,
        "bootstrap": list(node.bootstrap),
        "needs": _needs(node.needs),
    }


def root_document(project: ir.Project, pipeline: ir.Pipeline, kind: str) -> Document:
    """`start` makes the pipeline's root run; `finish` waits for every node and sets the root run's status."""
    return {**head(project, kind, "run", pipeline.name), "nodes": list(pipeline.nodes)}


def seen_secrets(project: ir.Project, task: ir.Task) -> tuple[str, ...]:
    """The secrets whose keys the step's program finds in its environment: its own, and those of the data and the
    storage that it gets as an address."""
    box = task.container
    templates = (*box.argv, *box.args, *(value for _, value in box.env))
    stores = {part.path.removeprefix("storage.") for word in templates for part in word if isinstance(part, ir.Ref)}
    found = [source.secret for source in project.data if source.name in task.data and source.access == "uri"]
    found += [store.secret for store in project.storage if store.name in {*stores, task.checkpoints.storage}]
    return tuple(dict.fromkeys([*box.secrets, *filter(None, found)]))


def head(project: ir.Project, kind: str, step: str, name: str) -> Document:
    """What every document begins with."""
    return {
        "version": VERSION,
        "kind": kind,
        "project": project.name,
        "environment": project.environment.name,
        "experiment": project.tracking.experiment,
        **_location(project),
        "spec_digest": project.spec_digest,
        "step": step,
        "name": name,
    }


def _location(project: ir.Project) -> Document:
    """Where the experiment's files are to be, where the spec says so: whoever makes the experiment has to know."""
    own = (one for one in project.catalog.experiments if one.name == project.tracking.experiment)
    place = next((one.artifact_location for one in own), "")
    return {"experiment_location": place} if place else {}


def _command(container: ir.Container, places: Places) -> Document:
    if container.script:
        return {"script": container.script}
    image = container.image
    words: list[ir.Template] = [*container.argv] or [(word,) for word in image.entrypoint]
    more = container.args if container.argv or container.args else tuple((word,) for word in image.cmd)
    return {"argv": [_parts(word, places) for word in (*words, *more)]}


def _parts(template: ir.Template, places: Places) -> list[ir.Json]:
    parts: list[ir.Json] = []
    for part in template:
        text = part if isinstance(part, str) else _fixed(part, places)
        if text is None:
            assert isinstance(part, ir.Ref)
            parts.append({"ref": part.path})
        elif parts and isinstance(parts[-1], str):
            parts[-1] += text
        else:
            parts.append(text)
    return parts


def _fixed(ref: ir.Ref, places: Places) -> str | None:
    head, _, rest = ref.path.partition(".")
    return places.storage(rest) if head == "storage" else None


def _secret_names(container: ir.Container) -> set[str]:
    names = set(container.secrets)
    for template in (*container.argv, *container.args, *(value for _, value in container.env)):
        names.update(
            part.path.split(".")[1]
            for part in template
            if isinstance(part, ir.Ref) and part.path.startswith("secrets.")
        )
    return names


def _params(project: ir.Project, task: ir.Task) -> Document:
    declared = {param.name: param for param in project.params}
    fixed = dict(task.values)
    params: Document = {}
    for name in task.params:
        param = declared[name]
        entry: Document = {"type": param.type}
        if name in fixed or not param.required:
            entry["default"] = fixed.get(name, param.default)
        if name in task.tuned:
            entry["from"] = task.tuning
        params[name] = entry
    return params


def _data(source: ir.DataSource, places: Places) -> Document:
    access, address = places.data(source)
    entry: Document = {"source": address, "access": access, "uri": source.source}
    if source.secret:
        entry["secret"] = source.secret
    return entry


def _input(project: ir.Project, task: ir.Task, path: str) -> Document:
    if path.startswith("registry."):
        model, _, alias = path.removeprefix("registry.").partition("@")
        pin = next((pin for pin in task.pins if (pin.model, pin.alias) == (model, alias)), ir.ModelSource())
        pinned = {"version": pin.version, "model_id": pin.model_id, "digest": pin.digest}
        return {"model": model, "alias": alias, **{name: value for name, value in pinned.items() if value}}
    for middle in (".outputs.", ".metrics."):
        step, found, name = path.partition(middle)
        if not found:
            continue
        node = _task(project, step)
        if middle == ".outputs.":
            return {"step": step, "output": name, "type": next(o.type for o in node.outputs if o.name == name)}
        metric = next(m for m in node.metrics if m.name == name)
        return {"step": step, "metric": name, "reduce": metric.reduce, "goal": metric.goal}
    raise AssertionError(path)


def searches(project: ir.Project) -> tuple[ir.Search, ...]:
    """The searches of the project."""
    return _looked_up(project)[1]


def _task(project: ir.Project, node_id: str) -> ir.Task:
    """The task with this id; where tuning's best trial stands in for training (`retrain: false`), the trial."""
    return _looked_up(project)[0][node_id]


@remembered
def _looked_up(project: ir.Project) -> tuple[dict[str, ir.Task], tuple[ir.Search, ...]]:
    """The tasks by id and the searches."""
    found = tuple(node for node in project.nodes if isinstance(node, ir.Search))
    tasks = {node.id: node for node in project.nodes if isinstance(node, ir.Task)}
    tasks |= {search.training: search.trial for search in found if not search.retrain}
    return tasks, found


def _metrics(metrics: Iterable[ir.Metric]) -> Document:
    return {m.name: {"goal": m.goal, "pattern": m.pattern, "reduce": m.reduce} for m in metrics}


def _metrics_from(source: ir.MetricsFrom) -> Document:
    document: Document = {"type": source.type}
    if source.path:
        document["path"] = source.path
    if source.type == "file":
        document["format"] = source.format
    if source.port:
        document["port"] = source.port
    return document


def _objective(search: ir.Search) -> Document:
    reduce = next(m.reduce for m in search.trial.metrics if m.name == search.objective)
    return {"metric": search.objective, "goal": search.goal, "reduce": reduce}


def _space(space: Iterable[ir.Dimension]) -> Document:
    return {dimension.param: _dimension(dimension) for dimension in space}


def _dimension(dimension: ir.Dimension) -> Document:
    if dimension.values:
        return {"type": dimension.type, "values": list(dimension.values)}
    document: Document = {
        "type": dimension.type,
        "min": dimension.min,
        "max": dimension.max,
        "step": dimension.step or None,
        "distribution": dimension.distribution,
    }
    if dimension.sigma:
        document |= {"mean": dimension.mean, "sigma": dimension.sigma}
    return document


def _condition(condition: ir.Condition) -> ir.Json:
    match condition:
        case ir.Lit(value):
            return {"lit": value}
        case ir.Ref(path):
            return {"ref": path}
        case ir.Op(op, args):
            return [op, *(_condition(arg) for arg in args)]


def _needs(needs: Iterable[ir.Need]) -> list[ir.Json]:
    return [{"step": need.node, "optional": need.optional} for need in needs]


def _for_each(loop: ir.ForEach) -> Document:
    keys: Document = {
        name: {"ref": items.path} if isinstance(items, ir.Ref) else list(items) for name, items in loop.keys
    }
    return {"keys": keys, "max_parallel": loop.max_parallel}


def _distributed(distributed: ir.Distributed) -> Document:
    return {
        "nodes": distributed.nodes_max,
        "processes_per_node": distributed.processes_per_node,
        "launcher": distributed.launcher,
        "max_restarts": distributed.max_restarts,
        "fit_gpus": distributed.fit_gpus,
    }


def _checkpoints(task: ir.Task, places: Places) -> ir.Json:
    points = task.checkpoints
    if not (points.storage or points.path):
        return None
    folder = places.storage(points.storage) if points.storage else ""
    path = "/".join(part for part in (folder.rstrip("/"), points.path.strip("/")) if part)
    return {"path": path, "resume": points.resume}


def _artifacts(project: ir.Project, places: Places) -> Document:
    artifacts = project.artifacts
    if artifacts.type in ("volume", "directory"):
        return {"type": "directory", "path": places.storage(artifacts.name)}
    return {"type": "mlflow", "max_proxied": artifacts.max_proxied}
