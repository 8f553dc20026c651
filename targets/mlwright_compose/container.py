"""The Compose fields that every container has: image, resources, security, environment, labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlwright.emit.trackserver import PORT
from mlwright.ir import Container, Image, Resources, Security
from mlwright_compose.book import FOLDER, RUNTIME, STEP, Book
from mlwright_compose.scope import SERVER, USERS, Scope
from mlwright_compose.secrets import required
from mlwright_compose.storage import beside
from mlwright_compose.text import size

USER = 65532
HOME = f"{FOLDER}/home"
_CACHES = {
    "XDG_CACHE_HOME": "/tmp/cache",
    "MPLCONFIGDIR": "/tmp/cache/matplotlib",
    "HF_HOME": "/tmp/cache/huggingface",
    "NUMBA_CACHE_DIR": "/tmp/cache/numba",
    "TORCHINDUCTOR_CACHE_DIR": "/tmp/cache/torchinductor",
}
_PULL = {"always": "always", "never": "never", "if_not_present": "missing"}


def launched(program: str, *, site: bool = False) -> dict[str, Any]:
    """The words that start a runtime program; nothing in them needs quoting anywhere."""
    return {
        "entrypoint": ["python3"] if site else ["python3", "-S"],
        "command": [f"{RUNTIME}/{program}", STEP],
    }


def image(book: Book, image: Image) -> dict[str, Any]:
    """`image`, `build` and `pull_policy`. What is built here is built on every `up`; a digest pins what is pulled."""
    policy = _PULL.get(image.pull_policy, "")
    if not image.build_context:
        pinned = f"{image.ref}@{image.digest}" if image.digest and "@" not in image.ref else image.ref
        return {"image": pinned, **({"pull_policy": policy} if policy else {})}
    build: dict[str, Any] = {"context": beside(book, image.build_context)}
    if image.dockerfile:
        build["dockerfile"] = image.dockerfile
    if image.build_args:
        build["args"] = dict(image.build_args)
    if image.build_target:
        build["target"] = image.build_target
    return {"image": image.ref, "build": build, "pull_policy": policy or "build"}


def resources(resources: Resources) -> dict[str, Any]:
    """`deploy.resources`: memory is a limit as well unless a limit is given, CPU is a limit only where one is given."""
    limits: dict[str, Any] = {}
    reservations: dict[str, Any] = {}
    if resources.cpu_limit:
        limits["cpus"] = _cpus(resources.cpu_limit)
    if memory := resources.memory_limit or resources.memory:
        limits["memory"] = size(memory)
    if resources.cpu:
        reservations["cpus"] = _cpus(resources.cpu)
    if resources.memory:
        reservations["memory"] = size(resources.memory)
    if resources.gpu.count:
        reservations["devices"] = [{"driver": "nvidia", "count": resources.gpu.count, "capabilities": ["gpu"]}]
    found = {"limits": limits, "reservations": reservations}
    return {key: value for key, value in found.items() if value}


def _cpus(milli: int) -> str:
    return f"{milli / 1000:g}"


def security(security: Security) -> dict[str, Any]:
    """An ordinary user without capabilities; a reason for root takes that away and keeps the rest."""
    fields: dict[str, Any] = {"user": "0:0"} if security.run_as_root else _ordinary(security.run_as_user)
    fields["security_opt"] = ["no-new-privileges:true"]
    if security.read_only_root:
        fields |= {"read_only": True}
    return fields


def ours(user: int = USER) -> dict[str, Any]:
    """The security fields of our own programs: also a read-only root file system."""
    return {**_ordinary(user), "security_opt": ["no-new-privileges:true"], "read_only": True}


def _ordinary(user: int) -> dict[str, Any]:
    return {"user": f"{user}:{user}", "cap_drop": ["ALL"]}


def scratch(security: Security) -> list[str]:
    """`tmpfs`: a home for a user that no image knows, and `/tmp` where the root file system is read-only."""
    user = 0 if security.run_as_root else security.run_as_user
    home = f"{HOME}:uid={user},gid={user},mode=700"
    return [home, "/tmp:mode=1777"] if security.read_only_root else [home]


def identity() -> dict[str, str]:
    """Environment variables without which programs look for a home or a user name that do not exist."""
    return {"HOME": HOME, "USER": "mlwright", "LOGNAME": "mlwright", **_CACHES}


def tracking(book: Book) -> dict[str, Any]:
    """How a program reaches the tracking server."""
    server = book.project.tracking
    address = server.address or f"http://{SERVER}:{PORT}{server.options.static_prefix}"
    found: dict[str, Any] = {"MLFLOW_TRACKING_URI": address}
    if server.auth.secret:
        found["MLFLOW_TRACKING_USERNAME"] = required(book, server.auth.secret, "username")
        found["MLFLOW_TRACKING_PASSWORD"] = required(book, server.auth.secret, "password")
    return found


def contract(book: Book, scope: Scope) -> dict[str, Any]:
    """What every program of a pipeline run gets. A variable without value is passed on when it is set outside."""
    run = {} if scope.scheduled else {"MLWRIGHT_RUN": scope.run}
    return {**tracking(book), **run, "MLWRIGHT_GIT_REVISION": None, "MLWRIGHT_GIT_DIRTY": None}


def once(book: Book, node: str) -> dict[str, Any]:
    """What all programs of ours have that run to their end beside a pipeline: nothing to write to, no second start."""
    return {"tmpfs": ["/tmp:mode=1777"], "restart": "no", "init": True, **ours(), "labels": labels(book, node)}


def labels(book: Book, node: str, container: Container | None = None, revision: str = "") -> dict[str, str]:
    """The project's labels, the container's, and ours, which say what a container is."""
    found = {**dict(book.project.labels), **dict(container.labels if container else ())}
    found |= {
        "mlwright.project": book.project.name,
        "mlwright.environment": book.project.environment.name,
        "mlwright.node": node,
    }
    return {**found, "mlwright.revision": revision} if revision else found


def after(book: Book, *, completed: Iterable[str] = (), server: bool = True) -> dict[str, dict[str, str]]:
    """`depends_on`: the tracking server is healthy (where it is ours), knows our user, and these have succeeded."""
    tracking = book.project.tracking
    found = {SERVER: {"condition": "service_healthy"}} if server and tracking.beside else {}
    first = (USERS,) if found and tracking.auth.admin else ()
    return {**found, **{name: {"condition": "service_completed_successfully"} for name in (*first, *completed)}}
