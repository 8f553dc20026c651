"""What a local run did not exercise: the honest list at the end of every run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mlwright import ir
from mlwright.emit import stepdoc
from mlwright.emit.environment import secret_variable
from mlwright.runner import serving
from mlwright.runner.places import NoPlaces
from mlwright.runner.plan import Plan, endpoints, missing_secrets, processes
from mlwright.runtime.order import State

_DONE = ("health",)
"""Extra fields of a service that a local run does act on."""


@dataclass(slots=True)
class Gaps:
    """Nodes by what was not exercised about them; equal gaps of several nodes become one line."""

    by_text: dict[str, list[str]] = field(default_factory=dict)

    def add(self, node: str, text: str) -> None:
        nodes = self.by_text.setdefault(text, [])
        if node not in nodes:
            nodes.append(node)

    def lines(self) -> tuple[str, ...]:
        return tuple(f"{text}: {', '.join(nodes)}" if nodes != [""] else text for text, nodes in self.by_text.items())


def not_exercised(
    plan: Plan, states: Mapping[str, State], gpus: int, values: Mapping[tuple[str, str], str]
) -> tuple[str, ...]:
    """One line for each kind of thing that this run did not prove, with the nodes it concerns."""
    gaps = Gaps()
    for node in plan.nodes:
        state = states.get(node.id, "blocked")
        if state in ("skipped", "blocked"):
            gaps.add(node.id, "did not run")
        task = node.trial if isinstance(node, ir.Search) else node
        if isinstance(task, ir.Task):
            _task(task, node.id, gaps, gpus)
    for service in plan.project.services:
        _service(service, plan, gaps)
    _missing(plan, gaps, values)
    _project(plan, gaps)
    return gaps.lines()


def _task(task: ir.Task, name: str, gaps: Gaps, gpus: int) -> None:
    distributed = task.distributed
    nodes = distributed.nodes_max + sum(count for _, count in distributed.roles)
    if nodes > 1:
        gaps.add(name, f"{nodes} nodes ran as 1")
    count = processes(task, gpus)
    if distributed.processes_per_node > count:
        gaps.add(name, f"{distributed.processes_per_node} processes per node ran as {count}")
    _container(task.container, name, gaps, gpus)


def _container(container: ir.Container, name: str, gaps: Gaps, gpus: int) -> None:
    resources, image = container.resources, container.image
    if image.ref or image.build_context or image.dockerfile:
        gaps.add(name, "container images: the programs ran in this machine's own environment")
    if resources.gpu.count > gpus:
        gaps.add(name, f"GPUs (this machine has {gpus or 'none'})")
    if resources.cpu or resources.memory or resources.disk or resources.extended:
        gaps.add(name, "resource requests and limits")
    if container.mounts:
        gaps.add(name, "mounts: the paths are those of this machine")
    if container.placement:
        gaps.add(name, "placements")
    if container.identity:
        gaps.add(name, "identities")


def _service(service: ir.Service, plan: Plan, gaps: Gaps) -> None:
    reachable = {endpoint.id for endpoint in plan.services}
    here = []
    for endpoint in endpoints(service):
        if endpoint.id not in reachable:
            gaps.add(endpoint.id, "endpoints of other pipelines")
        elif reason := serving.obstacle(endpoint):
            gaps.add(endpoint.id, f"the endpoint ({reason})")
        else:
            here.append(endpoint)
    if not here:
        return
    if service.variants:
        _variants(service, here, gaps)
    _container(service.container, service.id, gaps, 0)
    if service.replicas.max > 1:
        gaps.add(service.id, "replicas and autoscaling")
    if service.expose.scope != "cluster" or service.expose.auth != "none":
        gaps.add(service.id, "expose: host names, TLS and authentication")
    if service.binding == "locked" and service.source.kind == "registry":
        gaps.add(service.id, "the model of this run: the endpoint served the locked version")
    if not service.smoke_request:
        gaps.add(service.id, "a request (there is no `smoke_test`)")
    for name in (*(kind for kind, _ in service.components), *(name for name, _ in service.extra)):
        if name not in _DONE:
            gaps.add(service.id, f"`{name}`")


def _variants(service: ir.Service, here: list[ir.Service], gaps: Gaps) -> None:
    gaps.add(service.id, "how traffic is split: each variant is an endpoint of its own here")
    models = [endpoint.source.model for endpoint in here if endpoint.source.kind == "registry"]
    if service.binding == "run" and len(models) > len(set(models)):
        gaps.add(service.id, "other versions for variants: each served the version that this run registered")


def _missing(plan: Plan, gaps: Gaps, values: Mapping[tuple[str, str], str]) -> None:
    """Secrets of nodes that may run without them: those that were skipped."""
    absent = {
        secret_variable(s.name, key) for s in plan.project.secrets for key in s.keys if (s.name, key) not in values
    }
    if not absent:
        return
    used: set[str] = set()
    for node in plan.nodes:
        task = node.trial if isinstance(node, ir.Search) else node
        if isinstance(task, ir.Task):
            document = stepdoc.step_document(plan.project, task, NoPlaces())
            used.update(missing_secrets(plan.project, document, values))
    for name in sorted(absent & used):
        gaps.add(name, "secrets that are not here")


def _project(plan: Plan, gaps: Gaps) -> None:
    project, pipeline = plan.project, plan.pipeline
    if pipeline.schedule.cron:
        gaps.add(pipeline.name, "schedules")
    for trigger in pipeline.triggers:
        gaps.add(trigger.name, "triggers")
    others = [other.name for other in project.pipelines if other.name != pipeline.name]
    for name in others:
        gaps.add(name, "other pipelines")
    for route in project.routes:
        gaps.add(route.id, "routes")
    for notebook in project.notebooks:
        gaps.add(notebook.id, "notebooks")
    for line in _tracking(project.tracking):
        gaps.add("", line)
    if project.monitoring:
        gaps.add("", "monitoring")
    if project.patches or project.objects:
        gaps.add("", "patches and objects: they change emitted files")


def _tracking(server: ir.Tracking) -> Iterable[str]:
    if server.server != "deployed":
        return
    if server.backend.type != "sqlite":
        yield f"the {server.backend.type} backend store of the tracking server: it ran on sqlite"
    if server.artifacts.type != "directory":
        yield f"the {server.artifacts.type} artifact store of the tracking server: it used a folder"
    if server.auth.type != "none":
        yield "authentication at the tracking server"
