"""Jobs that call the API of Kubeflow Pipelines with `submit.py`: one that tells it what there is, and those that start
a run, made by people and by events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlwright.emit import tools
from mlwright.emit.kube import environment, metadata, plan, pod
from mlwright.emit.kube.names import HASH
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.ir import Json, Origin, Pipeline

SUBMIT = "submit"
"""The component, the account and the kind of document of these Jobs."""
ADDRESS = "http://ml-pipeline.kubeflow:8888"
"""Where the API is that a platform says nothing of."""
_AUDIENCE = "pipelines.kubeflow.org"
_TOKEN = f"{pod.FOLDER}/token"
_FINAL = {"action": "FailJob", "onExitCodes": {"containerName": pod.MAIN, "operator": "In", "values": [1, 64]}}


def address(objects: Objects) -> str:
    """The address of the API."""
    kubeflow = objects.context.platform.file.kubeflow
    return kubeflow.pipelines.address if kubeflow and kubeflow.pipelines else ADDRESS


def account(objects: Objects) -> str:
    """The ServiceAccount of a run's pods."""
    return objects.name("pipeline")


def pipeline_name(objects: Objects, pipeline: Pipeline) -> str:
    """A pipeline's name, which its objects and its schedule have."""
    return objects.name(pipeline.name, limit=52)


def stored(objects: Objects) -> bool:
    """Whether pipelines are objects of the cluster here."""
    kubeflow = objects.context.platform.file.kubeflow
    wanted = kubeflow.pipelines.store if kubeflow and kubeflow.pipelines else "kubernetes"
    return wanted == "kubernetes" and objects.context.platform.has("kfp_kubernetes_store")


def version_name(objects: Objects, pipeline: Pipeline) -> str:
    """The name of a pipeline's version, and of the object that holds it: a PipelineVersion, or a ConfigMap, which must
    not be called like those of other things."""
    own = () if stored(objects) else ("pipeline",)
    return objects.name(pipeline.name, *own, limit=52) + HASH


def document(objects: Objects, entries: Sequence[Mapping[str, Json]], **more: Json) -> dict[str, Json]:
    """The document of `submit.py`."""
    single = not objects.context.platform.has("kubeflow.profiles")
    return {
        "version": 1,
        "kind": SUBMIT,
        "address": address(objects),
        "namespace": "" if single else objects.namespace,
        "owner": metadata.instance(objects.project),
        "account": account(objects),
        "pipelines": [dict(entry) for entry in entries],
        **more,
    }


def starting(objects: Objects, pipeline: Pipeline) -> dict[str, Json]:
    """The document that starts one run, called after the Job, with the parameters that its variables have."""
    types: dict[str, Json] = {param.name: param.type for param in objects.project.params}
    name = pipeline_name(objects, pipeline)
    return document(
        objects,
        [{"name": name, "version": version_name(objects, pipeline), "start": "always", "params": types}],
        only=True,
    )


def job(
    objects: Objects,
    config: str,
    volumes: Volumes,
    node: str,
    env: Mapping[str, environment.Value] | None = None,
) -> dict[str, Any]:
    """The `spec` of a Job that runs `submit.py` on the document in the ConfigMap `config`; `volumes` may have more."""
    start = pod.launched(volumes, objects, "submit.py", config)
    source = {"serviceAccountToken": {"audience": _AUDIENCE, "expirationSeconds": 3600, "path": "token"}}
    volumes.mount("token", {"projected": {"defaultMode": 0o440, "sources": [source]}}, _TOKEN, read_only=True)
    own: dict[str, environment.Value] = {
        "MLWRIGHT_TOKEN_FILE": f"{_TOKEN}/token",
        "MLWRIGHT_JOB": plan.CONDUCTOR_ENV["MLWRIGHT_JOB"],
    }
    image = tools.small(objects.project, objects.context.platform)
    container = pod.our_container(objects, image, volumes, {**(env or {}), **own}, start)
    template = pod.template(
        objects,
        [container],
        volumes,
        node=node,
        component=SUBMIT,
        role="control",
        account=objects.name(SUBMIT),
    )
    return {"backoffLimit": 6, "podFailurePolicy": {"rules": [_FINAL]}, "template": template}


def starter(
    objects: Objects,
    pipeline: Pipeline,
    name: str,
    origin: Origin,
    env: Mapping[str, environment.Value] | None = None,
) -> dict[str, Any]:
    """The `spec` of a Job that starts a run of the pipeline; its document is a ConfigMap of that name."""
    node = f"pipelines.{pipeline.name}"
    config = objects.config(
        name, {pod.DOCUMENT: starting(objects, pipeline)}, node=node, origin=origin, component=SUBMIT
    )
    return job(objects, config, Volumes(objects, node, origin), node, env)
