"""The tracking server: one pod that brings its databases' schema up to date before it serves, and its own jobs."""

from __future__ import annotations

import ipaddress
from typing import Any

from mlwright.emit import tools
from mlwright.emit.kube import environment, metadata, pod, quantity, workloads
from mlwright.emit.kube.exposure import expose
from mlwright.emit.kube.names import hashed
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import HTTP, Workload
from mlwright.emit.trackserver import PORT, Job, Place, Server, resolve
from mlwright.ir import Tracking
from mlwright_kubernetes import secrets
from mlwright_kubernetes.stores import bucket_container, emit_database, emit_objects

FOLDER = "/mlflow"
CONFIG = f"{pod.FOLDER}/config"
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
"""Where pods are, unless ops say so: what MLflow itself lets in."""
_MIB = 1024**2
_GIB = 1024**3
_PATIENCE = 600
"""Seconds for which the job that makes users waits for the server."""


def emit_tracking(objects: Objects) -> None:
    """All objects of a server that the project brings up."""
    tracking = objects.project.tracking
    work = Workload(
        name=objects.name(environment.SERVER),
        node="tracking",
        component=environment.SERVER,
        origin=tracking.origin,
        wave=metadata.TRACKING,
    )
    place = Place(folder=FOLDER, config=CONFIG, hosts=_hosts(objects, work), url=f"http://{work.name}:{PORT}")
    if tracking.backend.own:
        place = emit_database(objects, tracking.backend, place)
    if tracking.artifacts.own:
        place = emit_objects(objects, place)
    server = resolve(tracking, objects.project.secrets, place)
    _server(objects, work, server)
    workloads.service(objects, work, PORT)
    if server.users:
        _users(objects, work, server)
    if server.gc:
        _collection(objects, work, server.gc)
    if server.metrics and objects.context.platform.has("prometheus_operator"):
        _monitor(objects, work, server.metrics)
    path = tracking.options.static_prefix or "/"
    expose(objects, work, tracking.expose, port=PORT, path=path, known=tracking.auth.type != "none")


def _server(objects: Objects, work: Workload, server: Server) -> None:
    tracking = objects.project.tracking
    env = secrets.variables(objects, server.env)
    files = _files(tracking)
    before = [_upgrade(objects, work, server.upgrade)]
    volumes = _volumes(objects, work)
    if tracking.artifacts.own:
        before.append(bucket_container(objects, work, env, volumes))
    if server.files:
        config = objects.config(
            f"{work.name}-config", dict(server.files), node=work.node, origin=work.origin, component=work.component
        )
        volumes.config("config", config, CONFIG)
    more = {"ports": workloads.ports(PORT), **workloads.probes(server.health)}
    start = {"command": [server.argv[0]], "args": list(server.argv[1:])}
    asked = _resources(objects, tracking)
    container = pod.our_container(objects, tracking.image, volumes, env, start, asked=asked, more=more)
    template = pod.template(
        objects,
        [container],
        volumes,
        node=work.node,
        component=work.component,
        role="tracking",
        init=before,
        restart="Always",
    )
    workloads.deployment(objects, work, template, alone=files)


def _files(tracking: Tracking) -> bool:
    """Whether the server keeps files that no two pods can write at a time."""
    databases = (tracking.backend, *((tracking.registry,) if tracking.registry else ()))
    return any(one.type == "sqlite" for one in databases) or tracking.artifacts.type in ("directory", "volume")


def _volumes(objects: Objects, work: Workload) -> Volumes:
    """The volume of what the server keeps in files, and of artifacts in a volume that exists."""
    tracking = objects.project.tracking
    store = tracking.artifacts
    volumes = Volumes(objects, work.node, work.origin)
    databases = (tracking.backend, *((tracking.registry,) if tracking.registry else ()))
    if any(one.type == "sqlite" for one in databases) or (store.type in ("directory", "volume") and not store.claim):
        if not objects.has("PersistentVolumeClaim", work.name):
            amount = quantity.size(store.size or 10 * _GIB)
            workloads.claim(objects, work, amount, mode=store.mode, storage_class=store.storage_class)
        volumes.mount("files", {"persistentVolumeClaim": {"claimName": work.name}}, FOLDER)
    if store.claim:
        source = {"persistentVolumeClaim": {"claimName": store.claim}}
        volumes.mount("artifacts", source, f"{FOLDER}/artifacts")
    return volumes


def _upgrade(objects: Objects, work: Workload, job: Job) -> dict[str, Any]:
    """The container that runs before the server and brings the schema to the image's version."""
    volumes = _volumes(objects, work)
    start = {"command": [job.argv[0]], "args": list(job.argv[1:])}
    env = secrets.variables(objects, job.env)
    asked = quantity.ours("100m", "512Mi", "1Gi")
    tracking = objects.project.tracking
    return pod.our_container(objects, tracking.image, volumes, env, start, name="upgrade", asked=asked)


def _resources(objects: Objects, tracking: Tracking) -> dict[str, Any]:
    """What is asked for, or what this many workers are known to take."""
    if found := quantity.resources(tracking.resources, objects.context.platform):
        return found
    options = tracking.options
    memory = (512 + 256 * options.workers + (1536 if options.jobs else 0)) * _MIB
    least, most = quantity.size(memory), quantity.size(2 * memory)
    return {"requests": {"cpu": "250m", "memory": least}, "limits": {"memory": most}}


def _users(objects: Objects, work: Workload, server: Server) -> None:
    """The Job that makes the pipelines' user as soon as the server answers."""
    volumes = Volumes(objects, work.node, work.origin)
    start = pod.launched(volumes, objects, "users.py", "")
    env = {**secrets.variables(objects, server.users), "MLWRIGHT_PATIENCE": str(_PATIENCE)}
    image = tools.small(objects.project, objects.context.platform)
    container = pod.our_container(objects, image, volumes, env, start)
    component = f"{work.component}-users"
    template = pod.template(objects, [container], volumes, node=work.node, component=component, role="tracking")
    body = {"spec": {"backoffLimit": 10, "template": template}}
    name = hashed(objects.name(component))
    objects.add("Job", name, body, as_kind="UsersJob", **{**work.common, "component": component})


def _collection(objects: Objects, work: Workload, job: Job) -> None:
    """The CronJob that removes deleted runs for good; suspended where only people start it."""
    tracking = objects.project.tracking
    volumes = _volumes(objects, work)
    start = {"command": [job.argv[0]], "args": list(job.argv[1:])}
    env = secrets.variables(objects, job.env)
    asked = quantity.ours("100m", "512Mi", "2Gi")
    container = pod.our_container(objects, tracking.image, volumes, env, start, asked=asked)
    component = f"{work.component}-gc"
    template = pod.template(
        objects,
        [container],
        volumes,
        node=work.node,
        component=component,
        role="tracking",
        restart="OnFailure",
        more=_beside(objects, work) if _files(tracking) else None,
    )
    spec = {
        "schedule": job.schedule or "0 4 * * 0",
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "suspend": not job.schedule,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 1,
        "jobTemplate": {
            "metadata": {"labels": metadata.labels(objects.project, work.node, component)},
            "spec": {"backoffLimit": 2, "template": template},
        },
    }
    name = objects.name(component, limit=52)
    objects.add("CronJob", name, {"spec": spec}, **{**work.common, "component": component})


def _beside(objects: Objects, work: Workload) -> dict[str, Any]:
    """On the server's node, where its volume is."""
    term = {
        "labelSelector": {"matchLabels": metadata.selector(objects.project, work.component)},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def _monitor(objects: Objects, work: Workload, path: str) -> None:
    """How Prometheus reads the server's metrics: with users, only the administrator may."""
    auth = objects.project.tracking.auth
    admin = auth.admin or auth.secret
    login: dict[str, Any] = {}
    if admin:
        name = environment.secret_object(objects.project, admin)
        login = {"basicAuth": {key: {"name": name, "key": key} for key in ("username", "password")}}
    spec = {
        "selector": {"matchLabels": metadata.selector(objects.project, work.component)},
        "namespaceSelector": {"matchNames": [objects.namespace]},
        "endpoints": [{"port": HTTP, "path": path, "interval": "30s", "scrapeTimeout": "10s", **login}],
    }
    monitoring = objects.context.platform.file.monitoring
    labels = dict(monitoring.labels) if monitoring else {}
    objects.add("ServiceMonitor", work.name, {"spec": spec}, labels=labels, **work.common)


def _hosts(objects: Objects, work: Workload) -> tuple[str, ...]:
    """Host headers by which the server is called: its Service, a forwarded port, and by Prometheus its own address."""
    platform = objects.context.platform.file
    full = f"{work.name}.{objects.namespace}"
    found = [
        f"{work.name}:{PORT}",
        f"{full}:{PORT}",
        f"{full}.svc:{PORT}",
        f"{full}.svc.{platform.cluster_domain}:{PORT}",
    ]
    found += ["localhost:*", "127.0.0.1:*"]
    if objects.project.tracking.options.prometheus:
        ranges = platform.network.pod_cidrs or _PRIVATE
        found += [f"{pattern}:{PORT}" for cidr in ranges for pattern in _patterns(cidr)]
    return tuple(found)


def _patterns(cidr: str) -> list[str]:
    """Shell patterns that cover a range of addresses, a whole octet or group at a time."""
    network = ipaddress.ip_network(cidr, strict=False)
    if network.version == 6:
        groups = network.network_address.exploded.split(":")[: network.prefixlen // 16]
        return ["[[]" + "".join(f"{int(group, 16):x}:" for group in groups) + "*]"]
    octets = -(-network.prefixlen // 8)
    if octets == 4:
        return [str(address) for address in network] if network.num_addresses <= 16 else _patterns(f"{network[0]}/24")
    found = network.subnets(new_prefix=octets * 8) if octets else [network]
    return [".".join([*str(one.network_address).split(".")[:octets], "*"]) for one in found]
