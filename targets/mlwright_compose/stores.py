"""The database and the object store that Compose runs for a tracking server which brings none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mlwright.emit.programs import shipped
from mlwright.emit.trackserver import BUCKET_VARIABLES, DRIVERS, IMAGES, PORTS, Place, Server, connections
from mlwright.ir import Database, Origin, Ref, Template
from mlwright_compose.book import Book
from mlwright_compose.container import image, labels, once, ours
from mlwright_compose.text import Interpolated

DATABASE = "database"
OBJECTS = "objects"
BUCKET = "bucket"
PASSWORD = "server.database-password"
KEY = "server.objects-key"
OWN = {
    PASSWORD: Interpolated("${MLWRIGHT_DATABASE_PASSWORD:-mlflow}"),
    KEY: Interpolated("${MLWRIGHT_OBJECTS_KEY:-mlflow-objects}"),
}
"""What opens them. Neither is published outside of the project's network, so a default will do."""

_USER = "999:999"
"""The user of the database in both images."""


def emit_database(book: Book, store: Database, place: Place) -> tuple[Place, dict[str, str]]:
    """`place` with the address of a new database service; and what has to be up before anything uses it."""
    name = book.free(DATABASE)
    origin = Origin(path=(*book.project.tracking.origin.path, "backend_store"))
    volume = book.volume(name, None, origin)
    postgres = store.type == "postgres"
    prefix = "POSTGRES" if postgres else "MARIADB"
    most = connections(book.project.tracking)
    secret = Interpolated(OWN[PASSWORD])
    environment: dict[str, str] = {f"{prefix}_USER": "mlflow", f"{prefix}_PASSWORD": secret}
    if postgres:
        environment |= {"POSTGRES_DB": "mlflow", "PGDATA": "/var/lib/postgresql/data/pgdata"}
        health = ["CMD", "pg_isready", "--username=mlflow", "--dbname=mlflow", "--host=127.0.0.1"]
    else:
        environment |= {"MARIADB_DATABASE": "mlflow", "MARIADB_RANDOM_ROOT_PASSWORD": "1"}
        health = ["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"]
    body: dict[str, Any] = {
        "image": IMAGES[store.type],
        "command": ["postgres", "-c", f"max_connections={most}"] if postgres else [f"--max-connections={most}"],
        "environment": environment,
        "volumes": [
            {
                "type": "volume",
                "source": volume,
                "target": "/var/lib/postgresql/data" if postgres else "/var/lib/mysql",
            }
        ],
        "tmpfs": ["/tmp:mode=1777", f"/run/{'postgresql' if postgres else 'mysqld'}:mode=1777"],
        "shm_size": "128m" if postgres else None,
        "healthcheck": {"test": health, "interval": "3s", "timeout": "5s", "retries": 60, "start_period": "60s"},
        "restart": "on-failure",
        "stop_grace_period": "30s",
        **ours(),
        "user": _USER,
        "labels": labels(book, "tracking"),
    }
    book.service(name, body, node="tracking", kind="Database", origin=origin)
    address: Template = (
        f"{DRIVERS[store.type]}://mlflow:",
        Ref(PASSWORD),
        f"@{name}:{PORTS[store.type]}/mlflow",
    )
    return replace(place, database=address), {name: "service_healthy"}


def emit_objects(book: Book, place: Place) -> tuple[Place, dict[str, str]]:
    """`place` with the address of a new S3-compatible service and its keys; and what has to run before its bucket."""
    name = book.free(OBJECTS)
    origin = Origin(path=(*book.project.tracking.origin.path, "artifacts"))
    volume = book.volume(name, None, origin)
    options = ("-dir=/data", f"-ip={name}", "-ip.bind=0.0.0.0", "-volume.max=0", "-master.volumeSizeLimitMB=1024")
    body: dict[str, Any] = {
        "image": IMAGES["s3"],
        "entrypoint": ["weed"],
        "command": ["server", *options, "-s3", f"-s3.port={PORTS['s3']}"],
        "environment": {
            "HOME": "/tmp",
            "AWS_ACCESS_KEY_ID": "mlflow",
            "AWS_SECRET_ACCESS_KEY": Interpolated(OWN[KEY]),
        },
        "volumes": [{"type": "volume", "source": volume, "target": "/data"}],
        "tmpfs": ["/tmp:mode=1777"],
        "restart": "on-failure",
        "init": True,
        **ours(),
        "labels": labels(book, "tracking"),
    }
    book.service(name, body, node="tracking", kind="ObjectStore", origin=origin)
    opened = replace(
        place,
        endpoint=f"http://{name}:{PORTS['s3']}",
        keys=(("AWS_ACCESS_KEY_ID", ("mlflow",)), ("AWS_SECRET_ACCESS_KEY", (Ref(KEY),))),
    )
    return opened, {name: "service_started"}


def emit_bucket(book: Book, server: Server, environment: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    """The one-shot service that makes the bucket; and that it has to end before anything uses it."""
    name = book.free(BUCKET)
    origin = Origin(path=(*book.project.tracking.origin.path, "artifacts"))
    body: dict[str, Any] = {
        **image(book, book.project.tracking.image),
        "depends_on": {need: {"condition": condition} for need, condition in before.items()},
        "command": ["python3", "/mlwright/runtime/bucket.py"],
        "environment": {
            key: environment[key] for key, _ in server.env if key in environment and key.startswith(BUCKET_VARIABLES)
        },
        "volumes": [book.shipped("bucket.py", shipped("bucket.py"))],
        **once(book, "tracking"),
    }
    book.service(name, body, node="tracking", kind="Bucket", origin=origin)
    return {name: "service_completed_successfully"}
