"""What a run will do: which pipeline, which nodes, in which order; and what must be refused before anything starts."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from mlwright import ir
from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.emit import pipeline as pipelines
from mlwright.emit import stepdoc
from mlwright.emit.environment import secret_variable
from mlwright.runner import secrets
from mlwright.runner.places import NoPlaces
from mlwright.runtime.order import Edge, Job
from mlwright.source.suggest import closest

ELSEWHERE = {"pbt": "its population shares checkpoints"}
"""Search algorithms that only Katib has, and why they are not approximated here."""


class RefusedError(Exception):
    """The run cannot start. `findings` say why; the exit code is 2."""

    def __init__(self, *findings: Diagnostic) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`project` has the run's parameters and limits in place; `nodes` are those of `pipeline`, in order."""

    project: ir.Project
    pipeline: ir.Pipeline
    nodes: tuple[ir.Node, ...]

    def node(self, node_id: str) -> ir.Node:
        return next(node for node in self.nodes if node.id == node_id)

    @property
    def jobs(self) -> tuple[Job, ...]:
        return tuple(_job(node, self.nodes) for node in self.nodes)

    @property
    def services(self) -> tuple[ir.Service, ...]:
        """The endpoints that this pipeline can bring up, variants included: those of its own registrations and steps,
        and those that need neither."""
        models = {node.model for node in self.nodes if isinstance(node, ir.Registration)}
        steps = {node.id for node in self.nodes} | {n.training for n in self.nodes if isinstance(n, ir.Search)}
        every = (endpoint for service in self.project.services for endpoint in endpoints(service))
        return tuple(endpoint for endpoint in every if _reachable(endpoint, models, steps))


def processes(task: ir.Task, gpus: int) -> int:
    """How many processes a step becomes where there are `gpus`: one each, if it asks for some; else what it says."""
    declared = task.distributed.processes_per_node
    return max(1, min(declared, gpus)) if task.container.resources.gpu.count else declared


def endpoints(service: ir.Service) -> tuple[ir.Service, ...]:
    """The service itself, then each of its variants as a service of its own: another source, all else the same."""
    main = replace(service, variants=())
    return (
        main,
        *(
            replace(
                main,
                id=f"{service.id}.variants.{variant.name}",
                name=f"{service.name}-{variant.name.replace('_', '-')}",
                source=variant.source,
                origin=replace(service.origin, path=(*service.origin.path, "variants", variant.name)),
            )
            for variant in service.variants
        ),
    )


def choose(project: ir.Project, name: str) -> ir.Pipeline:
    """The pipeline called `name`; without a name `main`, else the only one. Raises RefusedError (RUN001)."""
    by_name = {pipeline.name: pipeline for pipeline in project.pipelines}
    listed = ", ".join(by_name) or "none"
    if name:
        name = name.replace("_", "-")  # as in every name that is made of a key
        if name not in by_name:
            near = closest(name, by_name)
            offer = f"did you mean `{near}`?" if near else f"pipelines: {listed}"
            raise RefusedError(_usage("RUN001", f"there is no pipeline `{name}`", offer, _written(project.pipelines)))
        return by_name[name]
    if "main" in by_name:
        return by_name["main"]
    if len(by_name) == 1:
        return next(iter(by_name.values()))
    message = "several pipelines and none is called `main`" if by_name else "there is no pipeline to run"
    offer = f"--pipeline one of: {listed}" if by_name else "declare a step, or `training`"
    raise RefusedError(_usage("RUN001", message, offer, _written(project.pipelines)))


def _written(pipelines: Iterable[ir.Pipeline]) -> Label:
    """The section `pipelines` where the project has one, else no place."""
    return Label(path=("pipelines",), on="key") if any(len(p.origin.path) > 1 for p in pipelines) else Label()


def make(project: ir.Project, pipeline: ir.Pipeline, max_trials: int = 0) -> Plan:
    """The plan of one pipeline, with tuning cut to `max_trials` where that is less."""
    wanted = set(pipeline.nodes)
    nodes = tuple(_limited(node, max_trials) for node in project.nodes if node.id in wanted)
    everything = tuple(_limited(node, max_trials) for node in project.nodes)
    return Plan(project=replace(project, nodes=everything), pipeline=pipeline, nodes=nodes)


def check_platform(project: ir.Project) -> None:
    """Raises RefusedError (RUN007) for an environment of a cluster and for a server that only a cluster has."""
    if project.environment.platform not in ("local", "compose"):
        raise RefusedError(elsewhere(project.environment.name, project.environment.platform))
    if project.tracking.server == "databricks":
        at = Label(path=(*project.tracking.origin.path, "server"))
        raise RefusedError(
            Diagnostic(
                code="RUN007",
                message="a Databricks tracking server is not available to a local run",
                at=at,
                help="leave `tracking.server` out in this environment: the run starts a server of its own",
            )
        )


def elsewhere(environment: str, platform: str) -> Diagnostic:
    """RUN007 for an environment whose platform is a cluster's."""
    message = f"environment `{environment}` is for {platform}, not for this machine"
    at = Label(path=("environments", environment, "platform"))
    return _usage("RUN007", message, "`mlwright run` takes environments on `local` or `compose`", at)


def check_installed() -> None:
    """Raises RefusedError (RUN006) when the extra `local` is not installed."""
    missing = [name for name in ("mlflow", "optuna") if importlib.util.find_spec(name) is None]
    if missing:
        verb = "are" if len(missing) > 1 else "is"
        message = f"{' and '.join(missing)} {verb} not installed beside mlwright"
        raise RefusedError(_usage("RUN006", message, "pip install 'mlwright[local]'"))


def findings(
    plan: Plan, values: Mapping[tuple[str, str], str], services: Iterable[ir.Service] = ()
) -> tuple[Diagnostic, ...]:
    """All that would make the run fail later for certain: values that nobody gave, algorithms that are not here.

    `services` are the endpoints that will be brought up.
    """
    found: list[Diagnostic] = []
    for node in plan.nodes:
        if isinstance(node, ir.Search) and node.algorithm in ELSEWHERE:
            found.append(_only_katib(node))
        task = node.trial if isinstance(node, ir.Search) else node
        if not isinstance(task, ir.Task):
            continue
        searched = {dimension.param for dimension in node.space} if isinstance(node, ir.Search) else set(task.tuned)
        found.extend(_missing_params(plan.project, task, searched))
        if task.when is None and task.run_if != "failed":
            found.extend(_missing_secrets(plan.project, task, values))
    for service in services:
        found.extend(_missing_secrets(plan.project, as_task(service), values))
    found.extend(_missing_credentials(plan.project.tracking, values))
    unique = {(item.code, item.message): item for item in found}
    return tuple(unique.values())


def as_task(service: ir.Service) -> ir.Task:
    """The step that has the service's container: its command, variables and secrets read like a step's."""
    params = {path.removeprefix("params.") for path in references(service.container) if path.startswith("params.")}
    return ir.Task(
        id=service.id,
        name=service.name,
        container=service.container,
        params=tuple(sorted(params)),
        origin=service.origin,
    )


def references(container: ir.Container) -> Iterator[str]:
    """The paths of all references in a container's command, arguments and variables."""
    templates = (*container.argv, *container.args, container.script, *(value for _, value in container.env))
    yield from (part.path for template in templates for part in template if isinstance(part, ir.Ref))


def missing_secrets(
    project: ir.Project, document: stepdoc.Document, values: Mapping[tuple[str, str], str]
) -> tuple[str, ...]:
    """The `<SECRET>__<KEY>` names that a step document needs and nobody gave."""
    return tuple(secret_variable(*pair) for pair in secrets.used(document, project) if pair not in values)


def _job(node: ir.Node, nodes: Iterable[ir.Node]) -> Job:
    edges = (Edge(job=need.node, optional=need.optional) for need in pipelines.needs(node, nodes))
    run_if = node.run_if if isinstance(node, ir.Task) else "succeeded"
    return Job(id=node.id, needs=tuple(edges), run_if=run_if)


def _limited(node: ir.Node, max_trials: int) -> ir.Node:
    if not isinstance(node, ir.Search):
        return node
    trials = min(node.max_trials, max_trials) if max_trials else node.max_trials
    return replace(node, max_trials=trials, parallel=min(node.parallel, trials))


def _reachable(service: ir.Service, models: set[str], steps: set[str]) -> bool:
    source = service.source
    if source.kind == "output":
        return source.step in steps
    if source.kind == "registry" and service.binding == "run":
        return source.model in models
    return True


def _only_katib(node: ir.Search) -> Diagnostic:
    return Diagnostic(
        code="RUN005",
        message=f"algorithm `{node.algorithm}` runs under Katib only: {ELSEWHERE[node.algorithm]}",
        at=Label(path=(*node.origin.path, "algorithm")),
        help="give this environment another one, for example `tuning: {algorithm: tpe}`",
    )


def _missing_params(project: ir.Project, task: ir.Task, searched: set[str]) -> Iterable[Diagnostic]:
    for param in project.params:
        if param.required and param.name in task.params and param.name not in searched:
            yield Diagnostic(
                code="RUN003",
                message=f"parameter `{param.name}` has no value, and {task.id} needs one",
                at=Label(path=param.origin.path, on="key"),
                help=f"--param {param.name}=VALUE, or a `default`",
            )


def _missing_secrets(project: ir.Project, task: ir.Task, values: Mapping[tuple[str, str], str]) -> Iterable[Diagnostic]:
    for name in missing_secrets(project, stepdoc.step_document(project, task, NoPlaces()), values):
        yield Diagnostic(
            code="RUN004",
            message=f"{task.id} needs a secret that is not here: {name}",
            at=Label(path=task.origin.path, on="key"),
            help=f"set {name} in the environment, or a line `{name}=...` in .env beside the project file",
        )


def _missing_credentials(server: ir.Tracking, values: Mapping[tuple[str, str], str]) -> Iterable[Diagnostic]:
    if server.server != "external" or server.auth.type == "none":
        return
    for key in ("username", "password"):
        name = secret_variable(server.auth.secret, key)
        if (server.auth.secret, key) not in values:
            yield Diagnostic(
                code="RUN004",
                message=f"the tracking server needs a secret that is not here: {name}",
                at=Label(path=(*server.origin.path, "auth")),
                help=f"set {name} in the environment, or a line `{name}=...` in .env beside the project file",
            )


def _usage(code: str, message: str, offer: str, at: Label | None = None) -> Diagnostic:
    return Diagnostic(code=code, message=message, help=offer, at=at or Label())
