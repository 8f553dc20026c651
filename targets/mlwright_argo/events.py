"""Argo Events: for each trigger an EventSource that hears of something, and a Sensor that starts the pipeline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlwright.emit.kube import environment, kfp, metadata
from mlwright.emit.kube.names import shortened
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.quantity import ours
from mlwright.ir import Origin, Pipeline, Trigger
from mlwright_argo import sources, values
from mlwright_argo.parameters import EVENT
from mlwright_argo.starts import controller

COMPONENT = "events"
LISTENER, STARTER = "listener", "starter"
"""Accounts: of EventSources that watch workflows, and of Sensors, which make them."""
_LONGEST = 63 - len("-eventsource-svc")
"""Of a name from which Argo Events makes a Service's."""
_USER = 9731
"""The user of Argo Events' own image."""
_NAMESPACE = "kubernetes.io/metadata.name"
_RBAC = "rbac.authorization.k8s.io"
_KUBEFLOW = "kubeflow"
_DAY = 86400
_VERBS = {LISTENER: ["get", "list", "watch"], STARTER: ["create"]}
Object = dict[str, Any]


def emit_events(objects: Objects) -> None:
    """The objects of every trigger that this target owns; none where a project is being developed."""
    project, owners = objects.project, objects.context.owners
    if project.environment.mode == "development":
        return
    found = [
        (pipeline, trigger)
        for pipeline in project.pipelines
        for trigger in pipeline.triggers
        if owners.get(_node(pipeline, trigger)) == objects.target
    ]
    for pipeline, trigger in found:
        _emit(objects, pipeline, trigger)
    if found:
        _rights(objects, STARTER, found[0][0])
        _network(objects, found[0][0])
    for pipeline, trigger in found:
        if trigger.type == "pipeline" and not objects.has("Role", objects.name(LISTENER)):
            _rights(objects, LISTENER, pipeline)


def _node(pipeline: Pipeline, trigger: Trigger) -> str:
    return f"pipelines.{pipeline.name}.triggers.{trigger.name}"


def _emit(objects: Objects, pipeline: Pipeline, trigger: Trigger) -> None:
    source = sources.source(objects.project, pipeline, trigger)
    name, node = objects.name(pipeline.name, trigger.name, limit=_LONGEST), _node(pipeline, trigger)
    if objects.has("EventSource", name):  # `a-b` of pipeline `c` and `b` of pipeline `c-a`
        name = objects.name(pipeline.name, "trigger", trigger.name, limit=_LONGEST)
    origin = replace(pipeline.origin, path=(*pipeline.origin.path, "triggers", trigger.name))
    common: Object = {"node": node, "origin": origin, "component": COMPONENT}
    events = objects.context.platform.file.argo_events
    bus = {"eventBusName": events.event_bus if events else "default"}
    heard: Object = {
        **bus,
        "template": _pod(objects, node, LISTENER if trigger.type == "pipeline" else ""),
        **({"service": sources.SERVICE} if source.listens else {}),
        source.kind: {trigger.name: source.spec},
    }
    objects.add("EventSource", name, {"spec": heard}, **common)
    dependency: Object = {"name": values.DEPENDENCY, "eventSourceName": name, "eventName": trigger.name}
    if source.filters:
        data = [{"path": path, "type": "string", "value": list(wanted)} for path, wanted in source.filters]
        dependency["filters"] = {"data": data}
    start = {"template": {"name": "start", "k8s": _start(objects, pipeline, trigger, source)}}
    started: Object = {
        **bus,
        "template": _pod(objects, node, STARTER),
        "dependencies": [dependency],
        "triggers": [{**start, "retryStrategy": {"steps": 3}}],
    }
    objects.add("Sensor", name, {"spec": started}, **common)


def _start(objects: Objects, pipeline: Pipeline, trigger: Trigger, source: sources.Source) -> Object:
    """Makes a Workflow of the pipeline's template with what the event says."""
    template = objects.name(pipeline.name, limit=52)
    labels = controller(objects)
    arguments, parameters = values.arguments(objects.project, pipeline, trigger, source)
    if objects.context.owners.get("graph") == _KUBEFLOW:
        return _start_job(objects, pipeline, trigger, source, arguments, parameters)
    named: Object = {"generateName": f"{template}-"}
    if source.identity:  # one run for one event, however often it comes
        named, parameter = _once(template, source)
        parameters = [*parameters, parameter]
    workflow = {
        "apiVersion": objects.context.platform.api("Workflow"),
        "kind": "Workflow",
        "metadata": {**named, "namespace": objects.namespace, **({"labels": labels} if labels else {})},
        "spec": {"workflowTemplateRef": {"name": template}, "arguments": {"parameters": arguments}},
    }
    return {"operation": "create", "source": {"resource": workflow}, "parameters": parameters}


def _once(template: str, source: sources.Source) -> tuple[Object, Object]:
    """The name of what starts, by the event that it is for, and where that is filled in."""
    prefix = shortened(template, 54)
    text = f"{prefix}-{{{{ .Input.{source.identity} | trunc 8 }}}}"
    found = {"dependencyName": values.DEPENDENCY, "dataTemplate": text}
    return {"name": prefix}, {"src": found, "dest": "metadata.name"}


def _start_job(
    objects: Objects,
    pipeline: Pipeline,
    trigger: Trigger,
    source: sources.Source,
    arguments: list[Object],
    parameters: list[Object],
) -> Object:
    """Makes a Job that starts a run of Kubeflow Pipelines: the arguments are variables of its program."""
    name = objects.name(pipeline.name, trigger.name, limit=_LONGEST)
    named: Object = {"generateName": f"{name}-"}
    moved: list[Object] = []
    if source.identity:  # one run for one event, however often it comes
        named, parameter = _once(name, source)
        moved.append(parameter)
    variables = [
        "MLWRIGHT_EVENT" if one["name"] == EVENT else f"MLWRIGHT_PARAM_{one['name'].upper()}" for one in arguments
    ]
    env: dict[str, environment.Value] = {
        variable: str(one["value"]) for variable, one in zip(variables, arguments, strict=True)
    }
    spec = kfp.starter(objects, pipeline, f"{name}-start", pipeline.origin, env)
    keep = int(objects.context.platform.keep_runs)
    job = {
        "apiVersion": objects.context.platform.api("Job"),
        "kind": "Job",
        "metadata": {
            **named,
            "namespace": objects.namespace,
            "labels": spec["template"]["metadata"]["labels"],
        },
        "spec": {**spec, "ttlSecondsAfterFinished": keep or _DAY},
    }
    found = [entry["name"] for entry in spec["template"]["spec"]["containers"][0]["env"]]
    for parameter in parameters:
        place = found.index(variables[int(parameter["dest"].split(".")[3])])
        moved.append({**parameter, "dest": f"spec.template.spec.containers.0.env.{place}.value"})
    return {"operation": "create", "source": {"resource": job}, "parameters": moved}


def _pod(objects: Objects, node: str, account: str) -> Object:
    """The pod of an EventSource or a Sensor: Argo Events' image, as restricted as ours."""
    return {
        "metadata": {"labels": _labels(objects, node)},
        **({"serviceAccountName": objects.name(account)} if account else {}),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "container": {
            "resources": ours("20m", "64Mi", "256Mi"),
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            },
        },
    }


def _labels(objects: Objects, node: str) -> dict[str, str]:
    """Labels of pods that are not the project's own: without those that its pods are found by."""
    own = metadata.selector(objects.project, COMPONENT)
    found = {**metadata.labels(objects.project, node, COMPONENT), metadata.ROLE: COMPONENT}
    return {key: value for key, value in found.items() if key not in own}


def _network(objects: Objects, pipeline: Pipeline) -> None:
    """Who may call what listens: pods of the namespace, and the namespaces that ops allow."""
    network = objects.context.platform.file.network
    if not network.policies:
        return
    near: list[Object] = [{"podSelector": {}}]
    others = [{"namespaceSelector": {"matchLabels": {_NAMESPACE: name}}} for name in network.allow_from]
    labels = _labels(objects, "")
    wanted = {key: labels[key] for key in ("app.kubernetes.io/part-of", metadata.ENVIRONMENT, metadata.ROLE)}
    spec = {
        "podSelector": {"matchLabels": wanted},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [*near, *(others or [{"namespaceSelector": {}}])],
                "ports": [{"port": sources.PORT, "protocol": "TCP"}],
            }
        ],
    }
    objects.add(
        "NetworkPolicy", objects.name(COMPONENT), {"spec": spec}, wave=metadata.BASE, **_derived(objects, pipeline)
    )


def _derived(objects: Objects, pipeline: Pipeline) -> Object:
    return {
        "node": f"pipelines.{pipeline.name}",
        "origin": Origin(path=pipeline.origin.path, kind="derived", by=objects.target),
        "component": COMPONENT,
    }


def _rights(objects: Objects, account: str, pipeline: Pipeline) -> None:
    """An account that may do one thing with workflows."""
    name = objects.name(account)
    common: Object = {**_derived(objects, pipeline), "wave": metadata.BASE}
    objects.add("ServiceAccount", name, {"automountServiceAccountToken": True}, **common)
    jobs = objects.context.owners.get("graph") == _KUBEFLOW and account == STARTER
    group, kinds = ("batch", "jobs") if jobs else ("argoproj.io", "workflows")
    rule = {"apiGroups": [group], "resources": [kinds], "verbs": _VERBS[account]}
    objects.add("Role", name, {"rules": [rule]}, **common)
    role = {"apiGroup": _RBAC, "kind": "Role", "name": name}
    who = {"kind": "ServiceAccount", "name": name, "namespace": objects.namespace}
    objects.add("RoleBinding", name, {"roleRef": role, "subjects": [who]}, **common)
