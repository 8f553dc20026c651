"""What Kubeflow Pipelines cannot do with a pipeline: time zones, and without Profiles other namespaces than its own."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.platform import Profile
from mlwright.platform.versions import listing

_UTC = frozenset({"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Universal", "Zulu", "GMT", "Etc/GMT", "Etc/Zulu"})
_OWN = "kubeflow"


def check_pipelines(project: ir.Project, profile: Profile) -> Iterator[Diagnostic]:
    """KFP001 a schedule in a time zone, KFP002 a namespace that no run would be in, KFP003 a start by another
    pipeline's end."""
    if profile.orchestrator != "kubeflow-pipelines":
        return
    for pipeline in project.pipelines:
        zone = pipeline.schedule.timezone
        if pipeline.schedule.cron and zone not in _UTC:
            yield Diagnostic(
                code="KFP001",
                message=f"Kubeflow Pipelines knows no time zone of a schedule, and `{zone}` is not UTC",
                at=Label(path=(*pipeline.origin.path, "schedule", "timezone"), text="its schedules are in UTC"),
                help="write the time in UTC and leave `timezone` out under this environment",
            )
        for trigger in pipeline.triggers:
            if trigger.type == "pipeline":
                yield Diagnostic(
                    code="KFP003",
                    message="Kubeflow Pipelines tells nobody that a pipeline has ended",
                    at=Label(path=(*pipeline.origin.path, "triggers", trigger.name), on="key"),
                    help=f"set it to null under `environments.{project.environment.name}`, and give both one pipeline",
                )
    home, namespace = _home(profile), project.environment.namespace
    if not profile.has("kubeflow.profiles") and home and namespace != home:
        yield Diagnostic(
            code="KFP002",
            message=f"without Profiles, Kubeflow Pipelines runs everything in its own namespace, `{home}`",
            at=Label(
                path=("environments", project.environment.name), on="key", text=f"compiled for namespace `{namespace}`"
            ),
            related=(profile.label(project.environment.name, ("kubeflow",), "a platform without `profiles`"),),
            help=f"write `namespace: {home}` there, or list Profiles: `{listing('kubeflow.profiles')}`",
        )


def _home(profile: Profile) -> str:
    """The namespace that the engine runs in, by the address of its API; empty where that does not say it."""
    kubeflow = profile.file.kubeflow if profile.written else None
    if kubeflow is None or kubeflow.pipelines is None:
        return _OWN
    host = urlsplit(kubeflow.pipelines.address).hostname or ""
    return host.partition(".")[2].partition(".")[0]
