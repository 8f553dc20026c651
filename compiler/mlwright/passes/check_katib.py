"""Searches that Katib makes: what its webhook, its services and its sidecar would refuse once a run has started."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.diag.diagnostic import Severity
from mlwright.passes.algorithms import ALGORITHMS
from mlwright.passes.check_algorithm import katib_only
from mlwright.passes.occurrences import searches, tasks
from mlwright.platform import Profile
from mlwright.span import Path

KATIB = "kubeflow.katib"
_READ = ("stdout", "file", "mlflow")


def check_katib(project: ir.Project, profile: Profile, owners: Mapping[str, str]) -> Iterable[Diagnostic]:
    """TUNE017 what Katib cannot do, or does otherwise, of a search that it owns, TUNE018 a sidecar that its namespace
    would not take, TUNE011 an algorithm of Katib's on a cluster without it. `owners` maps node ids to targets."""
    if profile.orchestrator == "compose":
        return
    for search in searches(project):
        algorithm = ALGORITHMS.get(search.algorithm)
        if algorithm is None or algorithm.why:
            continue
        if owners.get(search.id) != "kubeflow" or not profile.has(KATIB):
            if algorithm.katib:
                yield katib_only(search, project.environment)
            continue
        off = f"environments.{project.environment.name}.{search.id}"
        yield from _settings(search, off)
        yield from _distributions(search)
        yield from _population(search)
        yield from _metrics(search)
        yield from _trial(search, profile, owners)
        yield from _sidecar(search, project, profile, owners)
        yield from _mesh(search, project, profile)


def _mesh(search: ir.Search, project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    """Trials have no sidecar of a mesh, whatever steps have: Katib waits for all that runs in their pods."""
    mesh = profile.file.mesh
    if mesh is None or mesh.mtls != "strict" or mesh.permissive_ports or not project.tracking.beside:
        return
    if not mesh.native_sidecars or any(task.spread for task in tasks(project)):
        return  # said of steps already
    yield Diagnostic(
        code="PLAT010",
        message="trials of Katib run outside the mesh, which lets nobody from outside reach the tracking server",
        at=Label(path=search.origin.path, on="key"),
        related=(profile.label(project.environment.name, ("mesh", "mtls"), "only mutual TLS"),),
        help="under `mesh`, write `permissive_ports: true` if the tracking server may open its port",
    )


def _settings(search: ir.Search, off: str) -> Iterator[Diagnostic]:
    """Those of our own search are refused by Katib's service."""
    known = {setting.name.lower(): setting for setting in ALGORITHMS[search.algorithm].settings}
    for key, _ in search.settings:
        place = (*search.origin.path, "algorithm", "settings", key)
        drop = f"leave it out there: `{off}.algorithm.settings: {{{key}: null}}`"
        if (setting := known.get(key.lower())) is not None and setting.ours:
            yield _cannot(f"Katib's `{search.algorithm}` has no setting `{key}`", place, drop, on_key=True)
        elif key.lower() == "resample_probability":
            message = "Katib's pbt fails on `resample_probability`: it compares the setting's text with numbers"
            yield _cannot(message, place, "leave it out: values are then multiplied by 0.8 or 1.2", on_key=True)


def _distributions(search: ir.Search) -> Iterator[Diagnostic]:
    algorithm = ALGORITHMS[search.algorithm]
    for dimension in search.space:
        if dimension.values or dimension.distribution in algorithm.drawn:
            continue
        others = " or ".join(f"`{name}`" for name in algorithm.drawn)
        yield _cannot(
            f"Katib's `{search.algorithm}` draws `{dimension.param}` from a uniform distribution all the same"
            if algorithm.deaf
            else f"Katib's `{search.algorithm}` fails on `{dimension.distribution}`, which `{dimension.param}` has",
            (*search.origin.path, "space", dimension.param, "distribution"),
            f"write {others}, or choose `random` or `tpe`, which know all distributions",
            severity="warning" if algorithm.deaf else "error",
        )


def _population(search: ir.Search) -> Iterator[Diagnostic]:
    """pbt's checkpoints are in a volume that Katib makes, and mounts in each trial."""
    if search.algorithm != "pbt":
        return
    if search.resume != "volume":
        yield _cannot(
            "pbt keeps its trials' checkpoints in a volume, which Katib makes only for a search that can go on",
            (*search.origin.path, "resume") if search.resume != "never" else (*search.origin.path, "algorithm", "name"),
            "write `resume: volume` in `tuning`",
        )
    folder = dict(search.settings).get("suggestion_trial_dir")
    if isinstance(folder, str) and folder and not posixpath.isabs(folder):
        place = (*search.origin.path, "algorithm", "settings", "suggestion_trial_dir")
        yield _cannot(f"a volume is mounted at a full path, and `{folder}` is none", place, f"write `/{folder}`")


def _metrics(search: ir.Search) -> Iterator[Diagnostic]:
    source = search.trial.metrics_from
    place = (*search.trial.origin.path, "metrics_from")
    if source.type == "tensorboard" and not posixpath.isabs(source.path):
        help_ = f"write a full path, for example `/events/{source.path.strip('./')}`, and let the program write there"
        yield _cannot(f"Katib mounts the folder of event files, and `{source.path}` is no full path", place, help_)
    if source.type == "prometheus":
        yield _cannot(
            "KatibConfig as it comes with Katib has no collector that reads from Prometheus' format",
            place,
            "ops add `kind: PrometheusMetric` with its image to `metricsCollectors`; or let the program print metrics",
            severity="warning",
        )
    if source.type not in _READ and search.early_stopping:
        yield _cannot(
            f"Katib stops no trial early whose metrics it reads from {source.type}",
            (*search.origin.path, "early_stopping"),
            "let the program print its metrics, and leave `metrics_from` out; or remove `early_stopping`",
            related=(Label(path=place, text="read at the end"),),
            on_key=True,
        )


def _trial(search: ir.Search, profile: Profile, owners: Mapping[str, str]) -> Iterator[Diagnostic]:
    trial = search.trial
    if trial.contract == "bare":
        yield _cannot(
            "without the launcher a trial knows neither its parameters nor where to say its metrics",
            (*trial.origin.path, "contract"),
            "remove `contract: bare`",
        )
    place = profile.placement(trial.container.placement)
    together = place.gang in ("volcano", "coscheduling") and owners.get(trial.id) != "kubeflow"
    if trial.distributed.nodes_max > 1 and together:
        yield _cannot(
            f"Katib makes one Job for each trial, and no group of pods for {place.gang}, which starts them together",
            (*trial.origin.path, "placement"),
            "list `kubeflow.trainer` on the platform, whose TrainJob has its group; or use a placement with a `queue`",
        )


def _sidecar(
    search: ir.Search, project: ir.Project, profile: Profile, owners: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """What collects metrics is put into each trial's pod as a container with no security context of its own."""
    file = profile.file
    if file.pod_security != "restricted" or (file.katib and file.katib.inject_security_context):
        return
    name = project.environment.namespace
    found = profile.namespace(name)
    made = project.environment.namespace_create or (found is not None and found.create)
    made = made and owners.get("namespace", "kubernetes") == "kubernetes"  # a Profile's level is its controller's
    if not made and profile.written is None:
        return  # nothing is known of the namespace
    yield Diagnostic(
        code="TUNE018",
        message=f"the namespace `{name}` is restricted, and takes no pod of a trial with the sidecar that Katib adds",
        at=Label(path=search.origin.path, on="key"),
        related=(
            profile.label(
                project.environment.name,
                ("katib",) if file.katib else ("orchestrator",),
                "`pod_security` is `restricted` here",
            ),
        ),
        help="ops set `injectSecurityContext: true` in KatibConfig, and `katib: {inject_security_context: true}` in "
        "the platform file; or `pod_security: baseline` there",
        severity="error" if made else "warning",
    )


def _cannot(
    message: str,
    path: Path,
    help_: str,
    *,
    severity: Severity = "error",
    related: tuple[Label, ...] = (),
    on_key: bool = False,
) -> Diagnostic:
    at = Label(path=path, on="key") if on_key else Label(path=path)
    return Diagnostic(code="TUNE017", message=message, at=at, help=help_, severity=severity, related=related)
