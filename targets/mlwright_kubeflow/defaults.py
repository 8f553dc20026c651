"""PodDefaults: what Kubeflow puts into pods with a label, among them notebooks that people make in its dashboard."""

from __future__ import annotations

from typing import Any

from mlwright.emit.kube import environment, metadata
from mlwright.emit.kube.names import shortened
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.tenancy import tenants
from mlwright.ir import Notebook

NODE = "cluster"
PIPELINES = "access-ml-pipeline"
"""The label by which Kubeflow's documentation lets pods call Pipelines."""
_TOKEN = "volume-kf-pipeline-token"
_FOLDER = "/var/run/secrets/kubeflow/pipelines"


def labels(objects: Objects) -> dict[str, str]:
    """The labels of a pod that reaches MLflow and Pipelines; {} where nothing looks at them. The dashboard can set no
    other value than `true`."""
    platform = objects.context.platform
    found = [_mlflow(objects), *([PIPELINES] if platform.has("kubeflow.pipelines") else [])]
    return dict.fromkeys(found, "true") if tenants(platform) else {}


def emit_defaults(objects: Objects) -> None:
    """One for MLflow, one for Pipelines: nothing where no Profiles are, whose webhook reads them. The one for Pipelines
    is word for word that of Kubeflow's documentation: pods that two PodDefaults contradict are refused."""
    found = labels(objects)
    instance = metadata.instance(objects.project)
    if found:
        env = environment.entries(environment.tracking(objects.project))
        _add(objects, "mlflow", f"Reach the MLflow of {instance}", {_mlflow(objects): "true"}, {"env": env})
    if PIPELINES in found:
        source = {"path": "token", "expirationSeconds": 7200, "audience": "pipelines.kubeflow.org"}
        body = {
            "volumes": [{"name": _TOKEN, "projected": {"sources": [{"serviceAccountToken": source}]}}],
            "volumeMounts": [{"name": _TOKEN, "mountPath": _FOLDER, "readOnly": True}],
            "env": [{"name": "KF_PIPELINES_SA_TOKEN_PATH", "value": f"{_FOLDER}/token"}],
        }
        _add(objects, "pipelines", "Allow access to Kubeflow Pipelines", {PIPELINES: "true"}, body)


def of_notebook(objects: Objects, notebook: Notebook, body: dict[str, Any]) -> None:
    """What only this notebook's pod gets, where its object has no room for it."""
    selector = metadata.selector(objects.project, notebook.name)
    objects.add(
        "PodDefault",
        objects.name("notebook", notebook.name),
        {"spec": {"desc": f"{notebook.name} of {metadata.instance(objects.project)}", **_selected(selector), **body}},
        node=notebook.id,
        origin=notebook.origin,
        component=notebook.name,
        wave=metadata.BASE,
    )


def _add(objects: Objects, what: str, desc: str, selector: dict[str, str], body: dict[str, Any]) -> None:
    objects.add(
        "PodDefault",
        objects.name(what),
        {"spec": {"desc": desc, **_selected(selector), **body}},
        node=NODE,
        origin=objects.project.environment.origin,
        as_kind=f"{what.capitalize()}PodDefault",
        wave=metadata.BASE,
    )


def _selected(labels: dict[str, str]) -> dict[str, Any]:
    return {"selector": {"matchLabels": labels}}


def _mlflow(objects: Objects) -> str:
    return f"mlwright.dev/{shortened(f'{metadata.instance(objects.project)}-mlflow', 63)}"
