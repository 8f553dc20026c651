"""The database and the object store that run beside a tracking server which brings none. Nothing backs them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlwright.emit.kube import metadata, pod, quantity, workloads
from mlwright.emit.kube.environment import SERVER_KEYS, Value
from mlwright.emit.kube.objects import Objects
from mlwright.emit.kube.volumes import Volumes
from mlwright.emit.kube.workloads import Workload
from mlwright.emit.programs import shipped
from mlwright.emit.trackserver import BUCKET_VARIABLES, DRIVERS, IMAGES, PORTS, Place, connections
from mlwright.ir import Container, Database, Origin, Ref, Security
from mlwright_kubernetes import secrets

PASSWORD = "server.database-password"
KEY = "server.objects-key"
_USER = 999
"""The user of the database in both images."""
_SIZE = "10Gi"
_PROGRAM = "bucket.py"


def emit_database(objects: Objects, store: Database, place: Place) -> Place:
    """A database; `place` with its address."""
    work = _workload(objects, "database", "backend_store")
    postgres = store.type == "postgres"
    prefix = "POSTGRES" if postgres else "MARIADB"
    most = connections(objects.project.tracking)
    env: dict[str, Value] = {
        f"{prefix}_USER": "mlflow",
        f"{prefix}_PASSWORD": secrets.own_value(objects, SERVER_KEYS, PASSWORD.partition(".")[2]),
    }
    volumes = Volumes(objects, work.node, work.origin)
    if postgres:
        env |= {"POSTGRES_DB": "mlflow", "PGDATA": "/var/lib/postgresql/data/pgdata"}
        ask = ["pg_isready", "--username=mlflow", "--dbname=mlflow", "--host=127.0.0.1"]
        args = ["postgres", "-c", f"max_connections={most}"]
        volumes.empty("run", "/var/run/postgresql")
        volumes.empty("shm", "/dev/shm", memory=True, limit="128Mi")
    else:
        env |= {"MARIADB_DATABASE": "mlflow", "MARIADB_RANDOM_ROOT_PASSWORD": "1"}
        ask = ["healthcheck.sh", "--connect", "--innodb_initialized"]
        args = [f"--max-connections={most}"]
        volumes.empty("run", "/run/mysqld")
    port = PORTS[store.type]
    probe = {"exec": {"command": ask}, "timeoutSeconds": 5, "successThreshold": 1}
    more = {
        "ports": workloads.ports(port, store.type),
        "startupProbe": {**probe, "periodSeconds": 3, "failureThreshold": 100},
        "readinessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 3},
        "livenessProbe": {**probe, "periodSeconds": 20, "failureThreshold": 6},
    }
    where = "/var/lib/postgresql/data" if postgres else "/var/lib/mysql"
    asked = quantity.ours("250m", "512Mi", "2Gi")
    _emit(objects, work, volumes, where, IMAGES[store.type], env, {"args": args}, more, user=_USER, asked=asked)
    workloads.service(objects, work, port, name=store.type)
    address = (f"{DRIVERS[store.type]}://mlflow:", Ref(PASSWORD), f"@{work.name}:{port}/mlflow")
    return replace(place, database=address)


def emit_objects(objects: Objects, place: Place) -> Place:
    """An S3-compatible store; `place` with its address and keys."""
    work = _workload(objects, "objects", "artifacts")
    port = PORTS["s3"]
    env: dict[str, Value] = {
        "AWS_ACCESS_KEY_ID": "mlflow",
        "AWS_SECRET_ACCESS_KEY": secrets.own_value(objects, SERVER_KEYS, KEY.partition(".")[2]),
    }
    options = ("-dir=/data", "-ip=127.0.0.1", "-ip.bind=0.0.0.0", "-volume.max=0", "-master.volumeSizeLimitMB=1024")
    start = {"command": ["weed"], "args": ["server", *options, "-s3", f"-s3.port={port}"]}
    ask = {"tcpSocket": {"port": "s3"}, "timeoutSeconds": 5, "successThreshold": 1}
    more = {
        "ports": workloads.ports(port, "s3"),
        "startupProbe": {**ask, "periodSeconds": 3, "failureThreshold": 100},
        "readinessProbe": {**ask, "periodSeconds": 10, "failureThreshold": 3},
        "livenessProbe": {**ask, "periodSeconds": 20, "failureThreshold": 6},
    }
    volumes = Volumes(objects, work.node, work.origin)
    asked = quantity.ours("250m", "512Mi", "2Gi")
    _emit(objects, work, volumes, "/data", IMAGES["s3"], env, start, more, user=pod.USER, asked=asked)
    workloads.service(objects, work, port, name="s3")
    return replace(
        place,
        endpoint=f"http://{work.name}:{port}",
        keys=(("AWS_ACCESS_KEY_ID", ("mlflow",)), ("AWS_SECRET_ACCESS_KEY", (Ref(KEY),))),
    )


def bucket_container(objects: Objects, work: Workload, env: Mapping[str, Value], of_pod: Volumes) -> dict[str, Any]:
    """The container that runs before the tracking server, in its pod with `of_pod`, and makes its bucket."""
    volumes = Volumes(objects, work.node, work.origin)
    config = objects.config(
        f"{work.name}-bucket",
        {_PROGRAM: shipped(_PROGRAM)},
        node=work.node,
        origin=work.origin,
        component=work.component,
    )
    volumes.config("bucket", config, "/mlwright/bucket")
    of_pod.also(volumes)
    start = {"command": ["python3"], "args": [f"/mlwright/bucket/{_PROGRAM}"]}
    needed = {name: value for name, value in env.items() if name.startswith(BUCKET_VARIABLES)}
    image = objects.project.tracking.image
    return pod.our_container(objects, image, volumes, needed, start, name="bucket")


def _workload(objects: Objects, name: str, section: str) -> Workload:
    tracking = objects.project.tracking
    return Workload(
        name=objects.name("mlflow", name),
        node="tracking",
        component=f"mlflow-{name}",
        origin=Origin(path=(*tracking.origin.path, section)),
        wave=metadata.TRACKING,
        suffix=name.capitalize(),
    )


def _emit(
    objects: Objects,
    work: Workload,
    volumes: Volumes,
    folder: str,
    image: str,
    env: Mapping[str, Value],
    start: Mapping[str, Any],
    more: Mapping[str, Any],
    *,
    user: int,
    asked: Mapping[str, Any],
) -> None:
    """One pod that keeps its name and its volume."""
    claim = workloads.claim(objects, work, _SIZE)
    volumes.mount("data", {"persistentVolumeClaim": {"claimName": claim}}, folder)
    container = pod.our_container(objects, image, volumes, env, start, asked=asked, more=more)
    template = pod.template(
        objects,
        [container],
        volumes,
        node=work.node,
        component=work.component,
        role="store",
        box=Container(security=Security(run_as_user=user)),
        restart="Always",
        grace=60,
    )
    spec = {
        "replicas": 1,
        "serviceName": work.name,
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 3,
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "selector": {"matchLabels": metadata.selector(objects.project, work.component)},
        "template": template,
    }
    objects.add("StatefulSet", work.name, {"spec": spec}, as_kind=work.kind("StatefulSet"), **work.common)
