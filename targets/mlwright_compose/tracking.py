"""The tracking server as Compose services, and the service that gives named volumes to the containers' user."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from mlwright.emit.environment import variable
from mlwright.emit.trackserver import PORT, Job, Place, Server, resolve
from mlwright.ir import Origin, Template
from mlwright_compose.book import RUNTIME, Book
from mlwright_compose.container import image, labels, once, ours, resources
from mlwright_compose.scope import SERVER, USERS
from mlwright_compose.stores import emit_bucket, emit_database, emit_objects
from mlwright_compose.text import Interpolated
from mlwright_compose.tools import small
from mlwright_compose.words import word

PREPARE = "prepare"
_FOLDER = "/mlflow"
CONFIG = "/etc/mlflow"


def emit_server(book: Book) -> None:
    """The service `mlflow` and what it needs beside it, unless the server is somewhere else."""
    tracking = book.project.tracking
    if not tracking.beside:
        return
    place = Place(
        folder=_FOLDER,
        config=CONFIG,
        hosts=(f"{SERVER}:{PORT}", "localhost:*", "127.0.0.1:*"),
        url=f"http://{SERVER}:{PORT}",
    )
    book.reserved.add(SERVER)
    before: dict[str, str] = {}
    store: dict[str, str] = {}
    if tracking.backend.own:
        place, before = emit_database(book, tracking.backend, place)
    if tracking.artifacts.own:
        place, store = emit_objects(book, place)
    server = resolve(tracking, book.project.secrets, place)
    given = environment(book, server.env)
    origin = tracking.origin
    configs = _files(book, server.files, origin)
    upgrade = _job(book, f"{SERVER}-upgrade", server.upgrade, before, "Upgrade")
    after = {upgrade: "service_completed_successfully"}
    if tracking.artifacts.own:
        after |= emit_bucket(book, server, given, store)
    book.reserved.discard(SERVER)
    health = f"http://127.0.0.1:{PORT}{server.health}"
    body: dict[str, Any] = {
        **image(book, tracking.image),
        "depends_on": _waits(before | after),
        "command": list(server.argv),
        "environment": given,
        "configs": configs,
        "ports": [loopback(SERVER, PORT, PORT)],
        "volumes": _volumes(book),
        "tmpfs": ["/tmp:mode=1777"],
        "healthcheck": {
            "test": ["CMD", "python3", "-c", fetch(health)],
            "interval": "5s",
            "timeout": "5s",
            "retries": 24,
            "start_period": "60s",
        },
        "restart": "on-failure",
        "init": True,
        "deploy": {"resources": found} if (found := resources(tracking.resources)) else {},
        **ours(),
        "labels": labels(book, "tracking"),
    }
    book.service(SERVER, body, node="tracking", kind="Service", origin=origin)
    if server.users:
        _users(book, server)
    if server.gc:
        gc = _job(book, f"{SERVER}-gc", server.gc, {SERVER: "service_healthy"}, "GarbageCollection")
        book.services[gc] = {"profiles": ["gc"], **book.services[gc]}


def _job(book: Book, name: str, job: Job, before: dict[str, str], kind: str) -> str:
    """A one-shot service with the server's image; its name."""
    tracking = book.project.tracking
    service = book.free(name)
    body: dict[str, Any] = {
        **image(book, tracking.image),
        "depends_on": _waits(before),
        "command": list(job.argv),
        "environment": environment(book, job.env),
        "volumes": _volumes(book),
        **once(book, "tracking"),
    }
    book.service(service, body, node="tracking", kind=kind, origin=tracking.origin)
    return service


def _users(book: Book, server: Server) -> None:
    """The one-shot service that makes the pipelines' user."""
    body: dict[str, Any] = {
        "image": small(book),
        "depends_on": {SERVER: {"condition": "service_healthy"}},
        "entrypoint": ["python3", "-S"],
        "command": [f"{RUNTIME}/users.py"],
        "environment": environment(book, server.users),
        "volumes": [book.program("users.py")],
        **once(book, "tracking"),
    }
    book.service(USERS, body, node="tracking", kind="Users", origin=book.project.tracking.origin)


def _volumes(book: Book) -> list[dict[str, Any]]:
    """The volume of what the server keeps in files; none where databases and an object store have it all."""
    tracking = book.project.tracking
    store = tracking.artifacts
    found = []
    databases = (tracking.backend, *((tracking.registry,) if tracking.registry else ()))
    if any(one.type == "sqlite" for one in databases) or (store.type in ("directory", "volume") and not store.claim):
        found.append({"type": "volume", "source": book.volume(SERVER, None, tracking.origin), "target": _FOLDER})
    if store.claim:
        name = book.volume(f"{SERVER}-artifacts", {"external": True, "name": store.claim}, tracking.origin, ours=False)
        found.append({"type": "volume", "source": name, "target": f"{_FOLDER}/artifacts"})
    return found


def _waits(conditions: dict[str, str]) -> dict[str, Any]:
    return {name: {"condition": condition} for name, condition in conditions.items()}


def _files(book: Book, files: Iterable[tuple[str, str]], origin: Origin) -> list[dict[str, str]]:
    """The mounts of the server's configuration files, which are kept as files of the output."""
    mounts = []
    for name, text in files:
        config = f"{SERVER}-{name.replace('.', '-').replace('_', '-')}"
        book.text(f"{SERVER}/{name}", text, origin)
        book.configs[config] = {"file": f"./{SERVER}/{name}"}
        book.origin(("configs", config), origin)
        mounts.append({"source": config, "target": f"{CONFIG}/{name}"})
    return mounts


def environment(book: Book, env: Iterable[tuple[str, Template]]) -> dict[str, str]:
    """Variables with their secrets, by name in `.env`."""
    return {name: word(book, template) for name, template in env}


def fetch(url: str) -> str:
    """A Python program on one line that fails unless `url` answers with success."""
    return f"import urllib.request as u; u.urlopen('{url}', timeout=4)"


def loopback(name: str, port: int, published: int) -> dict[str, Any]:
    """A port that this machine alone can reach; `MLWRIGHT_PORT_<NAME>` moves it."""
    outside = Interpolated(f"${{MLWRIGHT_PORT_{variable(name)}:-{published}}}")
    return {"target": port, "published": outside, "host_ip": "127.0.0.1"}


def emit_volumes(book: Book) -> None:
    """The one-shot service that every user of a named volume waits for: Docker makes them for root."""
    owners = {name: _owner(book, name) for name in sorted(book.shared)}
    users = [name for name, body in book.services.items() if _uses(body, owners)]
    if not users:
        return
    body: dict[str, Any] = {
        "image": small(book),
        "entrypoint": ["/bin/sh", "-ec"],
        "command": ["\n".join(f"chown {owner} /volumes/{name}" for name, owner in owners.items())],
        "user": "0:0",
        "cap_drop": ["ALL"],
        "cap_add": ["CHOWN"],
        "security_opt": ["no-new-privileges:true"],
        "read_only": True,
        "network_mode": "none",
        "restart": "no",
        "volumes": [{"type": "volume", "source": name, "target": f"/volumes/{name}"} for name in owners],
        "labels": labels(book, "storage"),
    }
    service = book.free(PREPARE)
    origin = Origin(path=("metadata", "name"), kind="derived", by="compose")
    book.service(service, body, node="storage", kind="Service", origin=origin)
    for user in users:
        waits = book.services[user].get("depends_on", {})
        book.services[user]["depends_on"] = {service: {"condition": "service_completed_successfully"}, **waits}


def _owner(book: Book, volume: str) -> str:
    """The user of the first service that mounts the volume."""
    return next(str(body["user"]) for body in book.services.values() if _uses(body, (volume,)))


def _uses(body: dict[str, Any], names: Container[str]) -> bool:
    return any(volume["type"] == "volume" and volume["source"] in names for volume in body.get("volumes", ()))
