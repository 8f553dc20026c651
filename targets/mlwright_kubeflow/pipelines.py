"""Pipelines as Kubeflow Pipelines' own language, and the Job that has them started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlwright.emit.kube import jobs, kfp, metadata, pod
from mlwright.emit.kube.names import HASH, hashed
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.ir import Origin, Pipeline
from mlwright.span import Path
from mlwright.target import Part
from mlwright_kubeflow import pipelines_rights as rights
from mlwright_kubeflow.pipelines_spec import Graph, plain

_SPEC, _PLATFORM = "pipeline.json", "platform.json"
_EXECUTORS: Path = ("platforms", "kubernetes", "deploymentSpec", "executors")
_MOST = 10
"""The most runs of one schedule at a time that the engine takes."""


def emit_pipelines(objects: Objects) -> None:
    """Every pipeline, the accounts of its pods, and the Job that tells the engine of it."""
    made = tuple(pipeline for pipeline in objects.project.pipelines if pipeline.nodes)
    if not made:
        return
    for pipeline in made:
        _emit_starter(objects, pipeline)
    _emit_submit(objects, [(pipeline, _emit_pipeline(objects, pipeline)) for pipeline in made])
    rights.emit_rights(objects, made)


def _emit_pipeline(objects: Objects, pipeline: Pipeline) -> str:
    """One pipeline; the name of its version, which is called after what is in it."""
    graph, name = Graph(objects, pipeline), kfp.pipeline_name(objects, pipeline)
    node, origin = f"pipelines.{pipeline.name}", pipeline.origin
    if not kfp.stored(objects):
        spec_at, platform_at = ("data", _SPEC), ("data", _PLATFORM, *_EXECUTORS)
        return objects.config(
            kfp.version_name(objects, pipeline).removesuffix(HASH),
            {_SPEC: graph.spec(), _PLATFORM: graph.platform()},
            node=node,
            origin=origin,
            component=pipeline.name,
            parts=_parts(graph, spec_at, platform_at),
            origins=_origins(graph, spec_at, platform_at),
        )
    project = objects.project
    described = {"description": plain(project.description)} if project.description else {}
    common: dict[str, Any] = {"node": node, "origin": origin, "component": pipeline.name}
    shown = {"displayName": name, **described}
    objects.add("Pipeline", name, {"spec": shown}, wave=metadata.BASE, **common)
    version = kfp.version_name(objects, pipeline)
    spec_at, platform_at = ("spec", "pipelineSpec"), ("spec", "platformSpec", *_EXECUTORS)
    spec = {
        "pipelineName": name,
        "displayName": version,
        **described,
        "pipelineSpec": graph.spec(),
        "platformSpec": graph.platform(),
    }
    return objects.add(
        "PipelineVersion",
        version,
        {"spec": spec},
        annotations=objects.outlives,
        parts=_parts(graph, spec_at, platform_at),
        origins=_origins(graph, spec_at, platform_at),
        **common,
    )


def _parts(graph: Graph, spec: Path, platform: Path) -> list[Part]:
    return [Part(node=part.node, kind=part.kind, at=_place(part.at, spec, platform)) for part in graph.parts]


def _origins(graph: Graph, spec: Path, platform: Path) -> dict[Path, Origin]:
    return {_place(at, spec, platform): origin for at, origin in graph.origins.items()}


def _place(at: Path, spec: Path, platform: Path) -> Path:
    return (*platform, *at[1:]) if at[0] == "platform" else (*spec, *at)


def _emit_submit(objects: Objects, versions: Sequence[tuple[Pipeline, str]]) -> None:
    """The Job that has changes run and schedules be what they should; called after what it says."""
    origin = Origin(path=("pipelines",), kind="derived", by=objects.target)
    volumes = Volumes(objects, kfp.SUBMIT, origin)
    entries = []
    for pipeline, version in versions:
        entry = _entry(objects, pipeline, version)
        if not kfp.stored(objects):
            entry["folder"] = f"{pod.FOLDER}/pipelines/{pipeline.name}"
            volumes.config(f"pipeline-{pipeline.name}".replace("_", "-"), version, str(entry["folder"]))
        entries.append(entry)
    name = objects.name(kfp.SUBMIT, limit=52)
    told = kfp.document(objects, entries)
    config = objects.config(name, {pod.DOCUMENT: told}, node="graph", origin=origin, component=kfp.SUBMIT)
    objects.add(
        "Job",
        hashed(name),
        {"spec": kfp.job(objects, config, volumes, "graph")},
        node="graph",
        origin=origin,
        component=kfp.SUBMIT,
        as_kind="SubmitJob",
        wave=metadata.RUNS,
        annotations=objects.outlives,
    )


def _emit_starter(objects: Objects, pipeline: Pipeline) -> None:
    """What people make Jobs from that start a run: `kubectl create job NAME --from=cronjob/PIPELINE`."""
    name, node = kfp.pipeline_name(objects, pipeline), f"pipelines.{pipeline.name}"
    keep = int(objects.context.platform.keep_runs)
    spec = kfp.starter(objects, pipeline, f"{name}-start", pipeline.origin)
    objects.add(
        "CronJob",
        name,
        {
            "spec": {
                "schedule": jobs.NEVER,
                "suspend": True,
                "concurrencyPolicy": "Allow",
                "successfulJobsHistoryLimit": 3,
                "failedJobsHistoryLimit": 3,
                "jobTemplate": {
                    "metadata": {"labels": metadata.labels(objects.project, node, kfp.SUBMIT)},
                    "spec": {**spec, **({"ttlSecondsAfterFinished": keep} if keep else {})},
                },
            }
        },
        node=node,
        origin=pipeline.origin,
        component=kfp.SUBMIT,
    )


def _entry(objects: Objects, pipeline: Pipeline, version: str) -> dict[str, Any]:
    project, schedule = objects.project, pipeline.schedule
    environment_ = project.environment
    enabled = environment_.start == "schedule" and environment_.mode != "development"
    when = {
        "cron": cron(schedule.cron),
        "enabled": enabled,
        "max_concurrency": _MOST if schedule.concurrency == "allow" else 1,
    }
    return {
        "name": kfp.pipeline_name(objects, pipeline),
        "version": version,
        "description": project.description,
        "start": environment_.start == "on_change",
        "schedule": when if schedule.cron else None,
    }


def cron(five: str) -> str:
    """Five fields as the engine's six: seconds come first."""
    return f"0 {' '.join(five.split())}"
