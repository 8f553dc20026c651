"""What an environment asks for in a month, from schedules, trials, nodes and durations; and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from mlwright import ir
from mlwright.analysis import Analysis
from mlwright.diag import Bag
from mlwright.platform import Profile
from mlwright.platform.prices import read_prices
from mlwright.record import dataclass, replace
from mlwright.review.model import Load
from mlwright.review.words.clock import MONTH, firings
from mlwright.review.words.groups import times
from mlwright.source.files import FileTree

if TYPE_CHECKING:
    from mlwright.platform.pricing import Prices

_GIB = 1024.0**3
_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Use:
    """Hours of one set of resources: at least, and at most."""

    resources: ir.Resources
    least: float
    most: float


def prices_of(files: FileTree, analysis: Analysis) -> tuple[Prices | None, Bag]:
    """The prices of an environment's platform, None where there are none or they are not right; and what is wrong."""
    if analysis.project is None or analysis.profile is None or analysis.profile.file.prices is None:
        return None, Bag()
    return read_prices(files, analysis.folder, analysis.project.environment.platform, analysis.profile)


def load_of(files: FileTree, analysis: Analysis) -> tuple[Load | None, Bag]:
    """`load` of an environment with the prices of its platform, None where errors stand in the way; and what is wrong
    with those prices."""
    if analysis.project is None:
        return None, Bag()
    prices, bag = prices_of(files, analysis)
    return load(analysis.project, analysis.profile, prices), bag


def load(project: ir.Project, profile: Profile | None, prices: Prices | None = None) -> Load:
    """What `project` asks for in a month of 730 hours, on this platform; priced where there are `prices`.

    Steps count as often as a schedule starts them, with their trials, items and nodes; endpoints, notebooks and a
    deployed tracking server all the time. Retries, skipped steps and early ends are not foreseen. Nothing is counted
    where the environment runs on this machine (platform `local`).
    """
    if profile is not None and profile.local:
        return Load()
    runs = _runs(project, profile)
    uses: list[_Use] = []
    unknown: list[str] = []
    bound = False
    for node in project.nodes:
        task = node.trial if isinstance(node, ir.Search) else node
        if not isinstance(task, ir.Task) or not runs.get(node.id) or task.run_if == "failed":
            continue
        duration = task.expected_duration or task.timeout
        items = _items(project, task)
        if not duration or items is None:
            unknown.append(node.id)
            continue
        bound = bound or not task.expected_duration
        hours = runs[node.id] * duration / _HOUR * items * (node.max_trials if isinstance(node, ir.Search) else 1)
        least, most = _nodes(task)
        uses.append(_Use(resources=task.container.resources, least=hours * least, most=hours * most))
    uses += _always(project)
    stored = _stored(project)
    made = _load(uses, stored, profile, prices, most=False)
    whole = _load(uses, stored, profile, prices, most=True)
    waiting = tuple(
        node.id for node in project.nodes if isinstance(node, ir.Task | ir.Search) and not runs.get(node.id)
    )
    made = replace(made, bound=bound, unknown=tuple(unknown), unscheduled=waiting)
    return replace(made, most=replace(whole, bound=bound)) if _figures(whole) != _figures(made) else made


def _runs(project: ir.Project, profile: Profile | None) -> dict[str, float]:
    """How often each node is started in a month, where schedules are active at all."""
    runs: dict[str, float] = {}
    paused = profile is None or profile.orchestrator != "compose"
    paused = project.environment.mode == "development" or (paused and project.environment.start != "schedule")
    for pipeline in project.pipelines:
        crons = [pipeline.schedule.cron] if pipeline.schedule.cron else []
        crons += [str(dict(trigger.settings).get("cron")) for trigger in pipeline.triggers if trigger.type == "cron"]
        rate = 0.0 if paused else sum(map(firings, crons))
        for node in pipeline.nodes:
            runs[node] = runs.get(node, 0.0) + rate
    return runs


def _items(project: ir.Project, task: ir.Task) -> int | None:
    """How many items a step runs for; None where they are only known at run time."""
    counts: list[int] = []
    defaults = {f"params.{param.name}": param.default for param in project.params}
    for _, items in task.for_each.keys:
        values = defaults.get(items.path) if isinstance(items, ir.Ref) else items
        if not isinstance(values, (list, tuple)):
            return None
        counts.append(len(values))
    return prod(counts)


def _nodes(task: ir.Task) -> tuple[int, int]:
    more = sum(count for _, count in task.distributed.roles)
    return task.distributed.nodes_min + more, task.distributed.nodes_max + more


def _always(project: ir.Project) -> Iterator[_Use]:
    """What stays up."""
    for service in project.services:
        yield from _service(service)
    for notebook in project.notebooks:
        yield _Use(resources=notebook.container.resources, least=MONTH, most=MONTH)
    if project.tracking.server == "deployed":
        yield _Use(resources=project.tracking.resources, least=MONTH, most=MONTH)


def _service(service: ir.Service) -> Iterator[_Use]:
    own = service.container.resources
    groups = {group.name: group for group in service.groups}
    if "decode" not in groups:
        yield _copies(own, service.replicas, service.parallel)
    for group in groups.values():
        parallel = group.parallel or service.parallel
        yield _copies(group.resources or own, group.replicas or service.replicas, parallel)
    for variant in service.variants:
        yield _copies(variant.resources or own, variant.replicas or service.replicas, service.parallel)
    for _, component in service.components:
        yield _copies(component.container.resources, component.replicas, ir.Parallel())


def _copies(resources: ir.Resources, replicas: ir.Replicas, parallel: ir.Parallel) -> _Use:
    pods = parallel.pipeline
    return _Use(resources=resources, least=MONTH * replicas.min * pods, most=MONTH * replicas.max * pods)


def _stored(project: ir.Project) -> float:
    """GiB of volumes that are the project's own."""
    volumes = {item.name: item.size for item in (*project.storage, project.artifacts) if item.type == "volume"}
    own = project.tracking.artifacts
    tracked = own.size if project.tracking.server == "deployed" and own.type == "volume" and not own.claim else 0
    return (sum(volumes.values()) + tracked) / _GIB


def _load(uses: list[_Use], stored: float, profile: Profile | None, prices: Prices | None, *, most: bool) -> Load:
    cpu = memory = 0.0
    gpus: dict[str, float] = {}
    resources: dict[str, str] = {}
    for use in uses:
        hours = use.most if most else use.least
        cpu += hours * use.resources.cpu / 1000
        memory += hours * use.resources.memory / _GIB
        if gpu := use.resources.gpu.count:
            resource = profile.gpu(use.resources.gpu.model).resource if profile is not None else "nvidia.com/gpu"
            name = use.resources.gpu.model or resource
            resources[name] = resource
            gpus[name] = gpus.get(name, 0.0) + hours * gpu
    made = Load(cpu_hours=cpu, memory_hours=memory, gpu_hours=tuple(sorted(gpus.items())), storage=stored)
    if prices is None:
        return made
    costs = {name: _price(name, resources[name], prices.gpu_hour) for name in gpus}
    price = cpu * prices.cpu_hour + memory * prices.memory_gib_hour + stored * prices.storage_gib_month
    price += sum(gpus[name] * (cost or 0.0) for name, cost in costs.items())
    unpriced = tuple(sorted(name for name, cost in costs.items() if cost is None))
    return replace(made, price=price, currency=prices.currency, unpriced=unpriced)


def _price(name: str, resource: str, known: Mapping[str, float]) -> float | None:
    return known.get(name, known.get(resource))


_Figure = Callable[[Load], float]


def _figures(item: Load) -> tuple[object, ...]:
    return item.cpu_hours, item.memory_hours, item.gpu_hours, item.storage


def deltas(before: Load | None, after: Load | None) -> tuple[str, ...]:
    """What differs between two months, a line for each figure: `GPU-hours/month (a100) 120 -> 480, about 4x`."""
    old, new = before or Load(), after or Load()
    said: list[str] = []
    bound = ", an upper bound from `timeout`" if old.bound or new.bound else ""
    gpus = dict.fromkeys(name for side in (new, old, new.most, old.most) if side for name, _ in side.gpu_hours)
    for name in gpus:
        said += _line(f"GPU-hours/month ({name})", old, new, partial(_gpu_hours, name), bound)
    said += _line("CPU-hours/month", old, new, lambda item: item.cpu_hours, bound)
    said += _line("GiB-hours of memory/month", old, new, lambda item: item.memory_hours, bound)
    said += _line("GiB of storage", old, new, lambda item: item.storage, "")
    if new.price is not None or old.price is not None:
        currency = new.currency or old.currency
        missing = sorted({*old.unpriced, *new.unpriced})
        note = bound + (f", without {', '.join(missing)}, which has no price" if missing else "")
        said += _line(f"{currency}/month", old, new, lambda item: item.price or 0.0, note)
    return tuple(said)


def _gpu_hours(name: str, item: Load) -> float:
    return dict(item.gpu_hours).get(name, 0.0)


def _line(what: str, before: Load, after: Load, figure: _Figure, note: str) -> list[str]:
    old, new = ((figure(side), figure(side.most or side)) for side in (before, after))
    if _shown(old) == _shown(new):
        return []
    much = times(old[0], new[0])
    return [f"{what} {_shown(old)} -> {_shown(new)}{', ' + much if much else ''}{note}"]


def _shown(values: tuple[float, float]) -> str:
    low, high = (f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in values)
    return low if low == high else f"{low}..{high}"
