"""Large language models as LLMInferenceServices: over several GPUs and nodes, with adapters and groups of copies."""

from __future__ import annotations

import shlex
from typing import Any

from mlwright.emit import servedoc
from mlwright.emit.kube import kserve, metadata, pod, quantity
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.placement import placed
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import Workload
from mlwright.ir import Expose, Group, Parallel, Resources, Service
from mlwright_kubeflow import serving_pod, serving_store

Object = dict[str, Any]
_POOL = {"group": "inference.networking.k8s.io", "kind": "InferencePool"}
_PREFILL, _DECODE = "prefill", "decode"


def language_model(objects: Objects, service: Service, work: Workload, name: str, where: str) -> None:
    """The LLMInferenceService of an endpoint. `where` is the model's address."""
    box, platform = service.container, objects.context.platform
    groups = {group.name: group for group in service.groups}
    prefill = groups.get(_PREFILL)
    main = groups.get(_DECODE, Group(name=_DECODE))
    labels = {
        **platform.file.pods.labels,
        **metadata.labels(objects.project, service.id, work.component, box),
        metadata.ROLE: "endpoint",
    }
    notes = {**platform.file.pods.annotations, **dict(box.annotations)}
    spec: Object = {
        "model": {"uri": where, "name": _called(where, name), **_adapters(service)},
        **_group(objects, service, where, main),
        "labels": labels,
        **({"annotations": notes} if notes else {}),
        **({_PREFILL: _group(objects, service, where, prefill)} if prefill else {}),
        **_router(objects, service.expose, name, scheduled=bool(prefill)),
    }
    kind = "LLMInferenceService"
    objects.add(
        kind,
        name,
        {"spec": spec},
        as_kind=work.kind(kind),
        annotations=serving_store.opened(objects, service, where) or None,
        **work.common,
    )


def _called(where: str, name: str) -> str:
    """What requests call the model: like its repository, as people know it."""
    return where.removeprefix("hf://").partition("@")[0] if where.startswith("hf://") else name


def _adapters(service: Service) -> Object:
    given = dict(service.extra).get("adapters")
    adapters = [{"name": name, "uri": uri} for name, uri in given.items()] if isinstance(given, dict) else []
    return {"lora": {"adapters": adapters}} if adapters else {}


def _group(objects: Objects, service: Service, where: str, group: Group) -> Object:
    """One group of copies: how many, how each is spread, and its pods. One that is several pods has workers."""
    parallel = group.parallel or service.parallel
    local = _local(parallel, group.resources or service.container.resources)
    several = parallel.pipeline > 1 or parallel.data > local
    template = _template(objects, service, where, group, _unsaid(objects, parallel, several))
    return {
        "replicas": (group.replicas or service.replicas).min,
        **_parallelism(parallel, local),
        "template": template,
        **({"worker": template} if several else {}),
    }


def _local(parallel: Parallel, asked: Resources) -> int:
    """Copies in one pod: as many as its GPUs allow, all where it asks for none."""
    fit = asked.gpu.count // parallel.tensor if asked.gpu.count else parallel.data
    return max(1, min(parallel.data, fit))


def _parallelism(parallel: Parallel, local: int) -> Object:
    """How one copy is spread; what is not spread is not said."""
    spread = {
        "tensor": parallel.tensor if parallel.tensor > 1 else None,
        "pipeline": parallel.pipeline if parallel.pipeline > 1 else None,
        "data": parallel.data if parallel.data > 1 else None,
        "dataLocal": local if parallel.data > 1 else None,
        "expert": True if parallel.expert else None,
    }
    found = {key: value for key, value in spread.items() if value is not None}
    return {"parallelism": found} if found else {}


def _unsaid(objects: Objects, parallel: Parallel, several: bool) -> tuple[str, ...]:
    """What KServe before 0.20 does not tell the server where a copy is one pod, though it takes `parallelism`."""
    told = several or objects.context.platform.at_least("kubeflow.kserve", "0.20")
    return () if told or parallel.tensor <= 1 else (f"--tensor-parallel-size={parallel.tensor}",)


def _router(objects: Objects, expose: Expose, name: str, *, scheduled: bool) -> Object:
    """A route of the platform's Gateway: KServe's own, below the namespace and the name, or that of the host; and a
    scheduler, which groups of copies need."""
    gateway = objects.context.platform.file.gateway
    if gateway is None:
        return {"router": {"scheduler": {}}} if scheduled else {}
    ref = {
        "name": gateway.name,
        "namespace": gateway.namespace or objects.namespace,
        **({"sectionName": gateway.section} if gateway.section else {}),
    }
    if expose.scope != "host":
        return {"router": {"route": {}, "gateway": {"refs": [ref]}, "scheduler": {}}}
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": expose.path}}],
        **({"filters": [{"type": "URLRewrite", "urlRewrite": rewrite}]} if expose.path != "/" else {}),
        "backendRefs": [{**_POOL, "name": f"{name}-inference-pool", "port": kserve.WORKLOAD, "weight": 1}],
        "timeouts": {"backendRequest": "0s", "request": "0s"},
    }
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", **ref}
    spec = {"parentRefs": [parent], "hostnames": [expose.host], "rules": [rule]}
    return {"router": {"route": {"http": {"spec": spec}}, "scheduler": {}}}


def _template(objects: Objects, service: Service, where: str, group: Group, options: tuple[str, ...]) -> Object:
    """What of the pods is the project's: the rest is KServe's. `options` are the server's, before the project's."""
    box, platform = servedoc.with_model(service.container, serving_pod.MODELS), objects.context.platform
    volumes = Volumes(objects, service.id, service.origin)
    volumes.service(box)
    env = serving_pod.variables(objects, box)
    if words := [*options, *serving_pod.words(objects, box.args)]:
        env = [*env, {"name": "VLLM_ADDITIONAL_ARGS", "value": shlex.join(words)}]
    resources = quantity.resources(group.resources or box.resources, platform)
    container = {
        "name": pod.MAIN,
        **serving_pod.runtime_image(objects, box.image),
        **({"env": env} if env else {}),
        **(serving_pod.bounded({"resources": resources}) if resources else {}),
        **({"volumeMounts": mounts} if (mounts := volumes.mounts()) else {}),
    }
    pull = [{"name": secret} for secret in platform.file.image_pull_secrets]
    return {
        "serviceAccountName": serving_store.account(objects, service, where),
        "automountServiceAccountToken": False,
        **({"imagePullSecrets": pull} if pull else {}),
        **placed(objects, box),
        "containers": [container],
        **({"volumes": found} if (found := volumes.volumes()) else {}),
    }
