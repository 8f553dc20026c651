"""A project as a graph: data, steps, searches, gates, models, endpoints, routes and what starts pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Literal, assert_never

from mlwright import ir
from mlwright.record import dataclass, replace
from mlwright.source.secrets_text import conceal

Kind = Literal["start", "data", "step", "search", "gates", "register", "model", "endpoint", "route"]
Status = Literal["", "added", "removed", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vertex:
    """One box. `id` is the place in the project file, with `@` before the name of a registered model; `title` is what
    it is called, `details` are short lines below that. `environments` are those that have it, () for all. `facts` is
    what it was made from: where that differs between two revisions, the box has changed."""

    id: str
    kind: Kind
    title: str
    details: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    status: Status = ""
    facts: object = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """An arrow between two boxes; `soft` ones order nothing."""

    start: str
    end: str
    label: str = ""
    soft: bool = False
    status: Status = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Boxes in an order that is stable, and the arrows between them."""

    name: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]


def mermaid(project: ir.Project, before: ir.Project | None = None) -> str:
    """The graph of one environment as Mermaid text, with what differs from `before` marked where that is given."""
    from mlwright.review.mermaid import render

    return render(of(project) if before is None else compared(of(before), of(project)))


def of(project: ir.Project) -> Graph:
    """The graph of one environment."""
    made = _Making(project)
    return Graph(name=project.name, vertices=tuple(made.vertices.values()), edges=tuple(made.edges()))


def merged(graphs: Mapping[str, Graph]) -> Graph:
    """One graph of several environments; boxes that not all of them have say which do."""
    vertices: dict[str, Vertex] = {}
    owners: dict[str, list[str]] = {}
    edges: dict[tuple[str, str], Edge] = {}
    for environment, graph in graphs.items():
        for vertex in graph.vertices:
            known = vertices.get(vertex.id)
            if known is not None and known.details != vertex.details:
                shared = tuple(line for line in known.details if line in vertex.details)
                vertex = replace(vertex, details=(*(line for line in shared if line != _VARIES), _VARIES))
            vertices[vertex.id] = vertex
            owners.setdefault(vertex.id, []).append(environment)
        for edge in graph.edges:
            known_edge = edges.setdefault((edge.start, edge.end), edge)
            if known_edge.label.removesuffix(_BY) != edge.label:
                longer = max(known_edge.label.removesuffix(_BY), edge.label, key=len)
                edges[edge.start, edge.end] = replace(known_edge, label=longer + _BY)
    found = tuple(
        replace(one, environments=tuple(owners[one.id]) if len(owners[one.id]) < len(graphs) else ())
        for one in vertices.values()
    )
    return Graph(name=next(iter(graphs.values())).name, vertices=found, edges=tuple(edges.values()))


_VARIES = "more differs by environment"
_BY = ", by environment"


def compared(before: Graph, after: Graph) -> Graph:
    """`after` with what is new or other than in `before`, and what is gone."""
    old = {one.id: one for one in before.vertices}
    new = {one.id: one for one in after.vertices}
    vertices: list[Vertex] = []
    for one in after.vertices:
        was = old.get(one.id)
        status: Status = "added" if was is None else "" if was.facts == one.facts else "changed"
        vertices.append(replace(one, status=status))
    vertices += [replace(one, status="removed") for one in before.vertices if one.id not in new]
    edges = [edge if edge in before.edges else replace(edge, status="added") for edge in after.edges]
    edges += [replace(edge, status="removed") for edge in before.edges if edge not in after.edges]
    return Graph(name=after.name, vertices=tuple(vertices), edges=tuple(edges))


class _Making:
    """Collects the boxes first, then the arrows between those that are there."""

    def __init__(self, project: ir.Project) -> None:
        self.project = project
        self.vertices: dict[str, Vertex] = {}
        for vertex in self._all():
            shown = replace(vertex, details=tuple(map(conceal, vertex.details)))
            self.vertices.setdefault(vertex.id, shown)

    def _all(self) -> Iterator[Vertex]:
        project = self.project
        for pipeline in project.pipelines:
            yield from _starts(pipeline)
        for data in project.data:
            yield Vertex(id=f"data.{data.name}", kind="data", title=data.name, details=(data.source,), facts=data)
        for node in project.nodes:
            yield _node(node)
        for name, aliases in self._models().items():
            yield Vertex(id=f"@{name}", kind="model", title=name, details=_aliases(aliases), facts=aliases)
        for service in project.services:
            yield Vertex(
                id=service.id,
                kind="endpoint",
                title=service.id.removeprefix("serving."),
                details=_serving(service),
                facts=service,
            )
        for route in project.routes:
            exposed = () if route.expose.scope == "cluster" else (f"{route.expose.host}{route.expose.path}",)
            yield Vertex(
                id=route.id,
                kind="route",
                title=route.id.removeprefix("serving."),
                details=(route.mode, *exposed),
                facts=route,
            )

    def _models(self) -> dict[str, tuple[str, ...]]:
        """Registered models with the aliases that anything here moves or reads."""
        found: dict[str, list[str]] = {}
        for node in self.project.nodes:
            match node:
                case ir.Registration():
                    found.setdefault(node.model, []).extend(filter(None, (node.alias, *node.bootstrap)))
                case ir.Gates():
                    for gate in node.gates:
                        if gate.versus:
                            found.setdefault(node.model, []).append(gate.versus)
                case ir.Task() | ir.Search():
                    for model, alias in _read(node):
                        found.setdefault(model, []).append(alias)
                case _:
                    assert_never(node)
        for service in self.project.services:
            for source in (service.source, *(variant.source for variant in service.variants)):
                if source.kind == "registry":
                    found.setdefault(source.model, []).append(source.alias)
        return {model: tuple(dict.fromkeys(filter(None, aliases))) for model, aliases in found.items()}

    def edges(self) -> Iterator[Edge]:
        """Every arrow once, in a stable order; several labels between two boxes are one arrow."""
        labels: dict[tuple[str, str], list[str]] = {}
        hard: set[tuple[str, str]] = set()
        for edge in self._edges():
            if edge.start in self.vertices and edge.end in self.vertices and edge.start != edge.end:
                labels.setdefault((edge.start, edge.end), []).append(edge.label)
                if not edge.soft:
                    hard.add((edge.start, edge.end))
        for pair, texts in labels.items():
            text = conceal(", ".join(dict.fromkeys(filter(None, texts))))
            yield Edge(start=pair[0], end=pair[1], label=text, soft=pair not in hard)

    def _edges(self) -> Iterator[Edge]:
        for pipeline in self.project.pipelines:
            yield from self._started(pipeline)
        for node in self.project.nodes:
            yield from self._needed(node)
        for service in self.project.services:
            yield from _served(service)
        for route in self.project.routes:
            for leg in route.legs:
                share = f"{leg.weight} %" if leg.weight else leg.condition
                yield Edge(start=route.id, end=leg.to, label=share)

    def _started(self, pipeline: ir.Pipeline) -> Iterator[Edge]:
        inside = set(pipeline.nodes)
        nodes = {node.id: node for node in self.project.nodes}
        first = [
            name for name in pipeline.nodes if name in nodes and not inside & {need.node for need in nodes[name].needs}
        ]
        for vertex in _starts(pipeline):
            for name in first:
                yield Edge(start=vertex.id, end=name)

    def _needed(self, node: ir.Node) -> Iterator[Edge]:
        for need in node.needs:
            yield Edge(start=need.node, end=node.id, label="if it ran" if need.optional else "")
        match node:
            case ir.Task() | ir.Search():
                task = node.trial if isinstance(node, ir.Search) else node
                for name in task.data:
                    yield Edge(start=f"data.{name}", end=node.id)
                for path in task.inputs:
                    start, _, what = path.partition(".outputs.")
                    if what:
                        yield Edge(start=start, end=node.id, label=what)
                for model, alias in _read(node):
                    yield Edge(start=f"@{model}", end=node.id, label=f"@{alias}")
                if isinstance(node, ir.Task) and node.tuning:
                    yield Edge(start=node.tuning, end=node.id, label="best parameters")
            case ir.Gates():
                yield Edge(start=node.step, end=node.id)
                for gate in node.gates:
                    if gate.versus:
                        yield Edge(start=f"@{node.model}", end=node.id, label=f"@{gate.versus}", soft=True)
            case ir.Registration():
                yield Edge(start=node.step, end=node.id, label=node.output)
                yield Edge(start=node.id, end=f"@{node.model}", label=f"@{node.alias}" if node.alias else "version")
            case _:
                assert_never(node)


def _starts(pipeline: ir.Pipeline) -> Iterator[Vertex]:
    schedule = pipeline.schedule
    details = [f"{schedule.cron} {schedule.timezone}"] if schedule.cron else []
    kinds: dict[str, list[str]] = {}
    for trigger in pipeline.triggers:
        kinds.setdefault(trigger.type, []).append(trigger.name)
    details += [f"{kind}: {', '.join(names)}" for kind, names in kinds.items()]
    if details:
        facts = (schedule, pipeline.triggers)
        yield Vertex(
            id=f"pipelines.{pipeline.name}", kind="start", title=pipeline.name, details=tuple(details), facts=facts
        )


def _node(node: ir.Node) -> Vertex:
    match node:
        case ir.Task():
            return Vertex(id=node.id, kind="step", title=_called(node.id), details=tuple(_task(node)), facts=node)
        case ir.Search():
            goal = f"{node.goal} {node.objective}"
            trials = f"{node.max_trials} trials, {node.parallel} at once"
            details = (f"{node.algorithm}: {goal}", trials, *_task(node.trial))
            return Vertex(id=node.id, kind="search", title=_called(node.id), details=details, facts=node)
        case ir.Gates():
            details = tuple(_gate(gate) for gate in node.gates)
            return Vertex(id=node.id, kind="gates", title=_called(node.id), details=details, facts=node)
        case ir.Registration():
            details = (f"a version of {node.model}",)
            return Vertex(id=node.id, kind="register", title=_called(node.id), details=details, facts=node)
        case _:
            assert_never(node)


def _called(id: str) -> str:
    return id.removeprefix("steps.").removeprefix("models.")


def _task(task: ir.Task) -> Iterator[str]:
    """What is worth knowing of a step at a glance."""
    if task.spread:
        low, high = task.distributed.nodes_min, task.distributed.nodes_max
        yield f"{low if low == high else f'{low} to {high}'} nodes"
    gpu = task.container.resources.gpu
    if gpu.count:
        yield f"{gpu.count} GPU{'s' if gpu.count > 1 else ''}{f' {gpu.model}' if gpu.model else ''}"
    if task.for_each.keys:
        yield f"for each {', '.join(key for key, _ in task.for_each.keys)}"
    if task.run_if != "succeeded":
        yield f"when it {task.run_if}" if task.run_if == "failed" else "always, at the end"
    elif task.when is not None:
        yield "under a condition"


def _gate(gate: ir.Gate) -> str:
    bounds = [
        *([f"at least {gate.min:g}"] if gate.min is not None else []),
        *([f"at most {gate.max:g}"] if gate.max is not None else []),
        *([f"against @{gate.versus}"] if gate.versus else []),
    ]
    return f"{gate.metric} {' and '.join(bounds)}".rstrip()


def _aliases(aliases: Iterable[str]) -> tuple[str, ...]:
    return (" ".join(f"@{alias}" for alias in aliases),) if aliases else ()


def _serving(service: ir.Service) -> tuple[str, ...]:
    replicas = service.replicas
    size = f"{replicas.min} replicas" if replicas.min == replicas.max else f"{replicas.min} to {replicas.max} replicas"
    left = 100 - sum(max(variant.traffic, 0) for variant in service.variants)
    shares = [
        f"{variant.name} {'mirrors' if variant.traffic < 0 else f'{variant.traffic} %'}" for variant in service.variants
    ]
    model = (service.source.uri,) if service.source.kind == "uri" else ()
    traffic = (", ".join([f"{left} %", *shares]),) if shares else ()
    exposed = () if service.expose.scope == "cluster" else (f"{service.expose.host}{service.expose.path}",)
    return ("1 replica" if (replicas.min, replicas.max) == (1, 1) else size, *model, *traffic, *exposed)


def _served(service: ir.Service) -> Iterator[Edge]:
    left = 100 - sum(max(variant.traffic, 0) for variant in service.variants)
    sources = [(service.source, left if service.variants else 0)]
    sources += [(variant.source, variant.traffic) for variant in service.variants]
    for source, traffic in sources:
        share = " mirrored" if traffic < 0 else f" {traffic} %" if traffic else ""
        if source.kind == "registry":
            yield Edge(start=f"@{source.model}", end=service.id, label=f"@{source.alias}{share}")
        elif source.kind == "output":
            yield Edge(start=source.step, end=service.id, label=f"{source.output}{share}")
    for name in service.needs:
        yield Edge(start=name, end=service.id, soft=True)


def _read(node: ir.Task | ir.Search) -> Iterator[tuple[str, str]]:
    """(model, alias) of the registered models that a step or the trials of a search read."""
    task = node.trial if isinstance(node, ir.Search) else node
    for path in task.inputs:
        if path.startswith("registry."):
            model, _, alias = path.removeprefix("registry.").partition("@")
            yield model, alias
