"""What starts a pipeline: the clock, a change of what it runs, or people; and how long its runs are kept."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube import metadata
from mlwright.emit.kube.names import hashed
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.settle import content
from mlwright.ir import Pipeline

_POLICY = {"allow": "Allow", "forbid": "Forbid", "replace": "Replace"}
GRAPH = "mlwright.dev/graph"
"""The annotation of a run-once object that changes with what it runs."""


def emit_starts(objects: Objects, pipeline: Pipeline, name: str) -> None:
    """A CronWorkflow where the pipeline has a schedule, a Workflow where every change runs."""
    environment = objects.project.environment
    if pipeline.schedule.cron:
        _cron(objects, pipeline, name)
    if environment.start == "on_change":
        objects.add(
            "Workflow",
            hashed(name),
            {"spec": {"workflowTemplateRef": {"name": name}}},
            node=node(pipeline),
            origin=pipeline.origin,
            component=pipeline.name,
            labels=controller(objects),
            wave=metadata.RUNS,
            annotations={GRAPH: content("WorkflowTemplate", name), **objects.outlives},
        )


def _cron(objects: Objects, pipeline: Pipeline, name: str) -> None:
    environment, schedule = objects.project.environment, pipeline.schedule
    objects.add(
        "CronWorkflow",
        name,
        {
            "spec": {
                "schedules": [schedule.cron],
                "timezone": schedule.timezone,
                "concurrencyPolicy": _POLICY[schedule.concurrency],
                "suspend": environment.start != "schedule" or environment.mode == "development",
                "startingDeadlineSeconds": 3600,
                "successfulJobsHistoryLimit": 3,
                "failedJobsHistoryLimit": 3,
                "workflowSpec": {"workflowTemplateRef": {"name": name}, **_kept(objects)},
            }
        },
        node=node(pipeline),
        origin=pipeline.origin,
        component=pipeline.name,
        labels=controller(objects),
    )


def controller(objects: Objects) -> dict[str, str]:
    """The label by which one of several controllers takes workflows; a CronWorkflow gives it to those that it makes."""
    system = objects.context.platform.file.argo_workflows
    return {"workflows.argoproj.io/controller-instanceid": system.instance_id} if system and system.instance_id else {}


def node(pipeline: Pipeline) -> str:
    """The spec node that a pipeline is."""
    return f"pipelines.{pipeline.name}"


def labels(objects: Objects, pipeline: Pipeline) -> dict[str, str]:
    """The labels of a pipeline's workflows."""
    return metadata.labels(objects.project, node(pipeline), pipeline.name)


def alone(pipeline: Pipeline, name: str) -> dict[str, Any]:
    """Makes a second run of a pipeline wait for the first, unless its schedule lets several run."""
    if pipeline.schedule.concurrency != "forbid":
        return {}
    return {"synchronization": {"mutexes": [{"name": name}]}}


def lifetime(objects: Objects) -> dict[str, Any]:
    """How long a finished workflow is kept. Never one that is kept in git: deleted, it would be made and run again."""
    return {} if objects.project.environment.start == "on_change" else _kept(objects)


def _kept(objects: Objects) -> dict[str, Any]:
    seconds = int(objects.context.platform.keep_runs)
    return {"ttlStrategy": {"secondsAfterCompletion": seconds}} if seconds else {}
