"""A model's four sections: training, tuning, evaluation and registry become nodes with their implicit edges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

from mlwright import ir
from mlwright.passes.lower.context import Context
from mlwright.passes.lower.task import gates, task
from mlwright.record import dataclass, replace
from mlwright.source.references import literal
from mlwright.source.suggest import closest
from mlwright.span import Path
from mlwright.spec.container import Step
from mlwright.spec.registry import Registry
from mlwright.spec.tuning import Dimension, Tuning


class Sections(Protocol):
    """The project itself, or one entry of `models`."""

    @property
    def training(self) -> Step | None: ...
    @property
    def tuning(self) -> Tuning | None: ...
    @property
    def evaluation(self) -> Step | None: ...
    @property
    def registry(self) -> Registry | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a model's sections are: `path` above them, `id` before their ids, `name` before their names."""

    path: Path = ()
    id: str = ""
    name: str = ""


def model_nodes(
    context: Context,
    sections: Sections,
    place: Place,
    params: tuple[ir.Param, ...],
    aliases: frozenset[tuple[str, str]],
) -> Iterator[ir.Node]:
    """Nodes of one model in the order tuning, training, evaluation, registry, gates right after their step.

    `aliases` are the (model, alias) pairs that serving and gates refer to.
    """
    model = sections.registry.model if sections.registry else ""
    search = _search(context, sections, place, params)
    if search is not None:
        yield search
    if sections.training is not None and (search is None or search.retrain):
        objective = sections.tuning.objective if sections.tuning else ""
        made = _task(context, sections.training, place, "training", objective)
        if search is not None:
            tuned = tuple(d.param for d in search.space)
            made = replace(
                made,
                needs=(*made.needs, ir.Need(node=search.id)),
                params=tuple(sorted({*made.params, *tuned})),
                tuning=search.id,
                tuned=tuned,
            )
        yield made
        yield from _gates(context, sections.training, made, (*place.path, "training"), model)
    if sections.evaluation is not None:
        made = _task(context, sections.evaluation, place, "evaluation", "")
        yield made
        yield from _gates(context, sections.evaluation, made, (*place.path, "evaluation"), model)
    if sections.registry is not None and (node := _registration(context, sections, place, aliases)):
        yield node


def _task(context: Context, source: Step, place: Place, section: str, objective: str) -> ir.Task:
    return task(
        context,
        source,
        (*place.path, section),
        id=place.id + section,
        name=place.name + section,
        objective=objective,
    )


def _gates(context: Context, source: Step, made: ir.Task, path: Path, model: str) -> Iterator[ir.Gates]:
    if (node := gates(context, source, made, path, model)) is not None:
        yield node


def _search(context: Context, sections: Sections, place: Place, params: tuple[ir.Param, ...]) -> ir.Search | None:
    tuning = sections.tuning
    if tuning is None:
        return None
    path: Path = (*place.path, "tuning")
    if sections.training is None:
        context.error("TUNE090", "there is nothing to tune: no `training`", path, "add a `training` section", on="key")
        return None
    source = tuning.trial or sections.training
    goal = _goal(context, tuning, sections.training, path)
    where: Path = (*place.path, "training")
    trial = task(
        context.inside(place.id + "training"),
        source,
        (*path, "trial") if tuning.trial else where,
        id=f"{place.id}training.trial",
        name=f"{place.name}trial",
        objective=tuning.objective,
        where=where,
    )
    types: dict[str, ir.ValueType] = {param.name: param.type for param in params}
    values = tuple(sorted(tuning.trial.params.items())) if tuning.trial else ()
    space = tuple(_dimension(context, name, item, types, (*path, "space", name)) for name, item in tuning.space.items())
    known = tuple(d for d in space if d is not None)
    searched = {d.param for d in known}
    return ir.Search(
        id=f"{place.id}tuning",
        name=f"{place.name}tuning",
        trial=replace(
            trial,
            id=f"{place.id}tuning.trial",
            params=tuple(sorted({*trial.params, *searched})),
            values=tuple((name, literal(value)) for name, value in values if name in types),
            cache=False,
        ),
        training=f"{place.id}training",
        objective=tuning.objective,
        goal=goal,
        stop_at=tuning.stop_at,
        algorithm=tuning.algorithm.name if tuning.algorithm else "random",
        settings=tuple(tuning.algorithm.settings.items()) if tuning.algorithm else (),
        space=known,
        max_trials=tuning.trials.max,
        parallel=tuning.trials.parallel,
        max_failed=tuning.trials.max if tuning.trials.max_failed is None else tuning.trials.max_failed,
        early_stopping=tuning.early_stopping.name if tuning.early_stopping else "",
        early_stopping_settings=tuple(tuning.early_stopping.settings.items()) if tuning.early_stopping else (),
        resume=tuning.resume or "never",
        retrain=tuning.retrain,
        needs=trial.needs,
        owner=tuning.owner or "",
        origin=context.origin(path),
    )


def _goal(context: Context, tuning: Tuning, training: Step, path: Path) -> Literal["maximize", "minimize"]:
    """The objective's direction; reports an objective that `training` does not declare, or declares without a goal."""
    metric = training.metrics.get(tuning.objective)
    if metric is None:
        near = closest(tuning.objective, sorted(training.metrics))
        context.error(
            "TUNE091",
            f"`training` declares no metric `{tuning.objective}`",
            (*path, "objective"),
            f"did you mean `{near}`?" if near else "add it under `training.metrics`, with a `goal` and a `pattern`",
        )
        return "maximize"
    if metric.goal is None:
        context.error(
            "TUNE092",
            f"metric `{tuning.objective}` has no goal, so no trial is better than another",
            (*path, "objective"),
            f"write `goal: maximize` or `goal: minimize` under `training.metrics.{tuning.objective}`",
        )
        return "maximize"
    return metric.goal


def _dimension(
    context: Context, name: str, source: Dimension, types: dict[str, ir.ValueType], path: Path
) -> ir.Dimension | None:
    if name not in types:
        near = closest(name, sorted(types))
        context.error(
            "TUNE093",
            f"there is no parameter `{name}` to search",
            path,
            f"did you mean `{near}`?"
            if near
            else f"declare it under `params`: `{name}: {{type: float, default: ...}}`",
            on="key",
        )
        return None
    return ir.Dimension(
        param=name,
        type=types[name],
        values=tuple(literal(value) for value in source.values or ()),
        min=source.min or 0.0,
        max=source.max or 0.0,
        step=source.step or 0.0,
        distribution=source.distribution or "uniform",
        mean=source.mean or 0.0,
        sigma=source.sigma or 0.0,
    )


def _registration(
    context: Context, sections: Sections, place: Place, aliases: frozenset[tuple[str, str]]
) -> ir.Registration | None:
    registry = sections.registry
    assert registry is not None
    path: Path = (*place.path, "registry")
    ref = context.whole(registry.from_, (*path, "from"), frozenset({"step_output"}))
    if ref is None:
        if not any(item.at.path == (*path, "from") for item in context.bag):
            context.error(
                "REF014", "one whole reference to an output is expected here", (*path, "from"),
                "write for example `${training.outputs.model}`",
            )  # fmt: skip
        return None
    step, _, output = ref.path.rpartition(".outputs.")
    needs = [context.stands_in.get(step, step)]
    if sections.evaluation is not None:
        needs += [place.id + "evaluation"]
        if sections.evaluation.gates:
            needs += [f"{place.id}evaluation.gates"]
    alias = registry.on_pass.alias if registry.on_pass else ""
    return ir.Registration(
        id=f"{place.id}registry",
        name=f"{place.name}register",
        model=registry.model,
        description=registry.description,
        step=step,
        output=output,
        tags=tuple(sorted(registry.tags.items())),
        alias=alias,
        bootstrap=tuple(sorted(other for model, other in aliases if model == registry.model and other != alias)),
        needs=tuple(ir.Need(node=node) for node in dict.fromkeys(needs)),
        owner=registry.owner or "",
        origin=context.origin(path),
    )
