"""One-shot steps: a step section becomes a task, its gates a node right after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mlwright import ir
from mlwright.diag import Diagnostic
from mlwright.passes.lower.container import container, references, used_kinds
from mlwright.passes.lower.context import Context
from mlwright.passes.lower.when import condition
from mlwright.source.references import RefSpan, grammar, literal, parse
from mlwright.source.suggest import closest
from mlwright.span import Path
from mlwright.spec import container as spec
from mlwright.spec import metrics

Launcher = Literal["none", "torchrun", "mpirun", "deepspeed", "accelerate"]
_LAUNCHERS: Mapping[str, Launcher] = {"pytorch": "torchrun", "deepspeed": "deepspeed", "mpi": "mpirun"}


def task(
    context: Context,
    source: spec.Step,
    path: Path,
    *,
    id: str,
    name: str,
    objective: str = "",
    where: Path | None = None,
) -> ir.Task:
    """The task of a step section at `path`. `objective` is the metric that tuning maximizes or minimizes, if any;
    `where` is the origin's path when it differs (a trial is made from the training section)."""
    inner = context.inside(id.removesuffix(".trial"), frozenset(source.for_each))
    made = container(inner, source, path)
    when = condition(inner, source.when, (*path, "when")) if source.when is not None else None
    loop = _for_each(inner, source, path)
    kinds = used_kinds([*references(made), *_condition_refs(when), *_loop_refs(loop)])
    inputs = tuple(p for kind in ("step_output", "metric", "registry") for p in kinds.get(kind, ()))
    for reference in kinds.get("registry", ()):
        _registered(inner, reference, path)
    data = {p.split(".")[1] for kind in ("data", "data_uri") for p in kinds.get(kind, ())}
    data |= {mount.source for mount in made.mounts if mount.kind == "data"}
    points = source.checkpoints if isinstance(source, spec.Step) else None
    duration = source.expected_duration if isinstance(source, spec.Step) else None
    return ir.Task(
        id=id,
        name=name,
        container=made,
        needs=_needs(inner, source, path, inputs),
        inputs=inputs,
        params=tuple(sorted(p.partition(".")[2] for p in kinds.get("params", ()))),
        data=tuple(sorted(data)),
        outputs=tuple(ir.Output(name=key, type=output.type) for key, output in source.outputs.items()),
        metrics=tuple(metric(key, value, objective) for key, value in source.metrics.items()),
        metrics_from=_metrics_from(source),
        when=when,
        run_if=source.run_if or "succeeded",
        for_each=loop,
        retries=_retries(source.retries),
        timeout=source.timeout.seconds if source.timeout else 0.0,
        expected_duration=duration.seconds if duration else 0.0,
        cache=bool(source.cache),
        framework=source.framework or "",
        distributed=distributed(source),
        checkpoints=_checkpoints(inner, points, (*path, "checkpoints", "path")),
        contract=source.contract or "launcher",
        owner=source.owner or "",
        origin=context.origin(where or path),
    )


def _registered(context: Context, reference: str, path: Path) -> None:
    """Report a version that nothing here makes and the lock does not pin: there would be nothing to fetch."""
    name = reference.removeprefix("registry.")
    model = name.partition("@")[0]
    if model in context.scope.models or (context.environment, name) in context.lock.models:
        return
    near = closest(model, sorted(context.scope.models))
    context.error(
        "REG001",
        f"no `registry` of this project makes `{model}`, and mlproject.lock pins no `{name}`",
        (*path, "command"),
        f"did you mean `{near}`?" if near else "register it here, or pin it: mlwright lock --update",
    )


def metric(name: str, source: metrics.Metric, objective: str) -> ir.Metric:
    """A metric with its reducer decided: best for the tuning objective, last elsewhere, unless the spec says."""
    return ir.Metric(
        name=name,
        goal=source.goal,
        pattern=source.pattern or "",
        sample=source.sample or "",
        reduce=source.reduce or ("best" if name == objective else "last"),
    )


def gates(context: Context, source: spec.StepShape, made: ir.Task, path: Path, model: str) -> ir.Gates | None:
    """The gates of a step as one node, None where it has none."""
    if not source.gates:
        return None
    goals: dict[str, Literal["maximize", "minimize"] | None] = {item.name: item.goal for item in made.metrics}
    return ir.Gates(
        id=f"{made.id}.gates",
        name=f"{made.name}-gates",
        step=made.id,
        model=model,
        gates=tuple(
            ir.Gate(
                name=key,
                metric=gate.metric,
                goal=goals.get(gate.metric),
                min=gate.min,
                max=gate.max,
                versus=gate.versus or "",
                tolerance=gate.tolerance,
                on_fail=gate.on_fail,
            )
            for key, gate in source.gates.items()
        ),
        metrics=made.metrics,
        needs=(ir.Need(node=made.id),),
        origin=context.origin((*path, "gates")),
    )


def distributed(source: spec.StepShape) -> ir.Distributed:
    """Nodes and processes; one process on one node where the spec says nothing."""
    given = source.distributed
    if given is None:
        return ir.Distributed()
    gpus = source.resources.gpu.count if source.resources and source.resources.gpu else 0
    return ir.Distributed(
        nodes_min=given.nodes.min if given.nodes else 1,
        nodes_max=given.nodes.max if given.nodes else 1,
        processes_per_node=given.processes_per_node or gpus or 1,
        launcher=given.launcher or _LAUNCHERS.get(source.framework or "", "none"),
        max_restarts=given.max_restarts,
        roles=tuple((key, role.nodes) for key, role in given.roles.items()),
    )


def _needs(context: Context, source: spec.StepShape, path: Path, inputs: tuple[str, ...]) -> tuple[ir.Need, ...]:
    needs: dict[str, ir.Need] = {}
    for index, need in enumerate(source.needs or ()):
        if need.step not in context.nodes:
            context.unknown_node(need.step, (*path, "needs", index))
            continue
        needs[need.step] = ir.Need(node=need.step, optional=need.optional)
    for reference in inputs:
        found = grammar(reference)
        if isinstance(found, Diagnostic) or found.kind == "registry":
            continue
        node = context.stands_in.get(found.node, found.node)
        needs.setdefault(node, ir.Need(node=node))
    return tuple(needs.values())


def _metrics_from(source: spec.StepShape) -> ir.MetricsFrom:
    match source.metrics_from:
        case None | metrics.StdoutMetrics():
            return ir.MetricsFrom()
        case metrics.FileMetrics(path=path, format=format):
            return ir.MetricsFrom(type="file", path=path, format=format)
        case metrics.MlflowMetrics():
            return ir.MetricsFrom(type="mlflow")
        case metrics.TensorboardMetrics(path=path):
            return ir.MetricsFrom(type="tensorboard", path=path)
        case metrics.PrometheusMetrics(port=port, path=path):
            return ir.MetricsFrom(type="prometheus", port=port, path=path)


def _retries(source: spec.Retries | None) -> ir.Retries:
    if source is None:
        return ir.Retries()
    return ir.Retries(
        limit=source.limit,
        backoff=source.backoff.seconds if source.backoff else 0.0,
        factor=source.factor,
        max_backoff=source.max_backoff.seconds if source.max_backoff else 600.0,
    )


def _for_each(context: Context, source: spec.StepShape, path: Path) -> ir.ForEach:
    keys: list[tuple[str, tuple[ir.Json, ...] | ir.Ref]] = []
    for key, items in source.for_each.items():
        if not isinstance(items, str):
            keys.append((key, tuple(literal(item) for item in items)))
            continue
        place = (*path, "for_each", key)
        ref = context.whole(items, place, frozenset({"params", "step_output"}))
        if ref is None:
            continue
        if (found := context.typed(ref, place, frozenset({"params", "step_output"}))) != "json":
            context.error(
                "REF015",
                f"`{ref.path}` is of type {found}, not a list",
                place,
                "a list is a parameter or output of type json",
            )
        keys.append((key, ir.Ref(ref.path)))
    return ir.ForEach(keys=tuple(keys), max_parallel=source.max_parallel or 0)


def _loop_refs(loop: ir.ForEach) -> list[str]:
    return [items.path for _, items in loop.keys if isinstance(items, ir.Ref)]


def _condition_refs(condition: ir.Condition | None) -> list[str]:
    match condition:
        case ir.Ref(path):
            return [path]
        case ir.Op(_, args):
            return [path for arg in args for path in _condition_refs(arg)]
        case _:
            return []


def _checkpoints(context: Context, source: spec.Checkpoints | None, path: Path) -> ir.Checkpoints:
    if source is None:
        return ir.Checkpoints()
    storage, inside = storage_path(context, source.path, path)
    return ir.Checkpoints(storage=storage, path=inside, resume=source.resume)


def storage_path(context: Context, text: str, path: Path) -> tuple[str, str]:
    """`${storage.s}/a/b` as (`s`, `a/b`); another path as (``, path)."""
    pieces, _ = parse(text)
    context.parts(text, path, frozenset({"storage"}))
    match pieces:
        case (RefSpan(path=reference),):
            return reference.partition(".")[2], ""
        case (RefSpan(path=reference), str(rest)):
            return reference.partition(".")[2], rest.strip("/")
    return "", text
