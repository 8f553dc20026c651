"""Tuning: a daemon that proposes and judges trials, and workers in the user's own image that run them."""

from __future__ import annotations

from typing import Any

from mlwright.emit import stepdoc, tools
from mlwright.emit.kube import environment, operated, pod, quantity
from mlwright.emit.kube.placement import queue_label
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.places import Places
from mlwright.emit.secrets import of_task
from mlwright.ir import Search
from mlwright_argo import nodes, templates, text

_URL = "MLWRIGHT_SEARCH_URL"


def tuning(scope: nodes.Scope, node: Search, depends: str) -> list[dict[str, Any]]:
    """The task of a search: a graph of its own, which ends the daemon when all workers have been sent home."""
    if operated.operated(scope.objects.context, node):
        return [_elsewhere(scope, node, depends)]
    search = scope.templates.free("search" if node.id == "tuning" else f"{node.name}-search")
    trial = scope.templates.free("trial" if node.id == "tuning" else f"{node.name}-trial")
    scope.templates.add(_search(scope, node, search), node=node.id, origin=node.origin, kind="Template")
    scope.templates.add(_worker(scope, node, trial), node=node.id, origin=node.trial.origin, kind="TrialTemplate")
    address = {"parameters": [{"name": "search", "value": text.of_task(search, "ip")}]}
    tasks = [
        nodes.task(search, search, ""),
        nodes.task(trial, trial, search, withSequence={"count": str(node.parallel)}, arguments=address),
    ]
    scope.templates.add(templates.dag(node.name, tasks), node=node.id, origin=node.origin)
    return [nodes.task(node.name, node.name, depends)]


def _elsewhere(scope: nodes.Scope, node: Search, depends: str) -> dict[str, Any]:
    """The task of a search that its owner's controller makes."""
    objects = scope.objects
    variable, artifacts = nodes.given(scope, node.trial)
    made = operated.template(objects, scope.pipeline, node, {**nodes.contract(objects), **variable})
    found = templates.container(objects, node.name, made, inputs={"artifacts": artifacts} if artifacts else None)
    scope.templates.add(found, node=node.id, origin=node.origin, kind="Template")
    return nodes.task(node.name, node.name, depends)


def _search(scope: nodes.Scope, node: Search, name: str) -> templates.Template:
    objects = scope.objects
    volumes = Volumes(objects, node.id, node.origin)
    document = stepdoc.search_document(objects.project, node, host="0.0.0.0")
    config = objects.config(
        objects.name(name, limit=200), {pod.DOCUMENT: document}, node=node.id, origin=node.origin, component=node.name
    )
    start = pod.launched(volumes, objects, "search.py", config, site=True)
    port = stepdoc.SEARCH_PORT
    more = {
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": port}, "periodSeconds": 2, "failureThreshold": 150},
    }
    container = pod.our_container(
        objects,
        tools.configured(objects.context.platform),
        volumes,
        nodes.contract(objects),
        start,
        asked=quantity.ours("200m", "512Mi", "2Gi"),
        more=more,
    )
    made = pod.template(objects, [container], volumes, node=node.id, component=node.name, role="search")
    return templates.container(objects, name, made, more={"daemon": True}, retry=False)


def _worker(scope: nodes.Scope, node: Search, name: str) -> templates.Template:
    objects, trial = scope.objects, node.trial
    variable, artifacts = nodes.given(scope, trial)
    address = f"http://{text.of_input('search')}:{stepdoc.SEARCH_PORT}"
    env: dict[str, environment.Value] = {**nodes.contract(objects), _URL: address, **variable}
    inputs: dict[str, Any] = {"parameters": [{"name": "search"}]}
    if artifacts:
        inputs["artifacts"] = artifacts
    if operated.operated(objects.context, trial):
        made = operated.template(objects, scope.pipeline, node, env)
        return templates.container(objects, name, made, inputs=inputs)
    env |= {**environment.secrets(objects.project, of_task(objects.project, trial)), **environment.identity()}
    volumes = Volumes(objects, node.id, trial.origin)
    document = stepdoc.trial_document(objects.project, node, Places(objects.project))
    kept = "" if node.retrain else node.training
    document = scope.carrier.document(document, trial, kept)
    config = objects.config(
        objects.name(name, limit=200), {pod.DOCUMENT: document}, node=node.id, origin=trial.origin, component=trial.name
    )
    start = pod.launched(volumes, objects, "step.py", config)
    volumes.task(trial)
    box = trial.container
    container = pod.user_container(objects, box, volumes, env, start)
    made = pod.template(objects, [container], volumes, node=node.id, component=trial.name, box=box)
    made["metadata"]["labels"] |= queue_label(objects, box)
    artifacts = [*artifacts, *scope.carrier.inputs(trial)]
    inputs |= {"artifacts": artifacts} if artifacts else {}
    return templates.container(objects, name, made, inputs=inputs, more=scope.carrier.outputs(made, trial, kept))
