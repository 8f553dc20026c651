"""The tracking server, and the service that gives named volumes to the containers' user."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from mlwright.ir import Json, Origin, Resources
from mlwright_compose.book import Book
from mlwright_compose.container import labels, ours, resources
from mlwright_compose.scope import SERVER
from mlwright_compose.secrets import required
from mlwright_compose.text import Interpolated, variable
from mlwright_compose.tools import server_image, small

PORT = 5000
_ALLOWED = (f"{SERVER}:{PORT}", "localhost:*", "127.0.0.1:*")
_AUTH = "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:////mlflow/auth.db\n"
PREPARE = "prepare"


def emit_server(book: Book) -> None:
    """The service `mlflow`, unless the server is somewhere else."""
    tracking = book.project.tracking
    if tracking.server != "deployed":
        return
    origin = tracking.origin
    volume = book.volume("mlflow", None, origin)
    options = dict(tracking.options)
    health = f"http://127.0.0.1:{PORT}{_prefix(options)}/health"
    body: dict[str, Any] = {
        "image": server_image(book),
        "command": _command(tracking.auth, options),
        "environment": {
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "true" if options.get("jobs") else "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "HOME": "/tmp",
            "USER": "mlwright",
        },
        "ports": [loopback(SERVER, PORT, PORT)],
        "volumes": [{"type": "volume", "source": volume, "target": "/mlflow"}],
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
        "deploy": _resources(options),
        **ours(),
        "labels": labels(book, "tracking"),
    }
    if tracking.auth == "basic":
        _protect(book, body, tracking.auth_secret, origin)
    book.service(SERVER, body, node="tracking", kind="Service", origin=origin)


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


def _command(auth: str, options: Mapping[str, Json]) -> list[str]:
    hosts, origins = _texts(options.get("allowed_hosts")), _texts(options.get("cors"))
    settings = {
        "host": "0.0.0.0",
        "port": str(PORT),
        "workers": str(options.get("workers") or 1),
        "backend-store-uri": "sqlite:////mlflow/mlflow.db",
        "artifacts-destination": "/mlflow/artifacts",
        "allowed-hosts": ",".join([*_ALLOWED, *hosts]),
        "cors-allowed-origins": ",".join(origins),
        "static-prefix": _prefix(options),
        "expose-prometheus": "/tmp/metrics" if options.get("prometheus") else "",
        "app-name": "basic-auth" if auth == "basic" else "",
    }
    words = ["mlflow", "server"]
    for name, value in settings.items():
        words += [f"--{name}", value] if value else []
    return [*words, "--enable-workspaces"] if options.get("workspaces") else words


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _prefix(options: Mapping[str, Json]) -> str:
    return str(options.get("static_prefix") or "")


def _resources(options: Mapping[str, Json]) -> dict[str, Any]:
    asked = options.get("resources")
    if not isinstance(asked, dict):
        return {}
    cpu, memory = asked.get("cpu"), asked.get("memory")
    needs = Resources(cpu=cpu if isinstance(cpu, int) else 0, memory=memory if isinstance(memory, int) else 0)
    return {"resources": found} if (found := resources(needs)) else {}


def _protect(book: Book, body: dict[str, Any], secret: str, origin: Origin) -> None:
    """Passwords: the project's user is the server's administrator, as nobody else is on this machine."""
    book.text("mlflow/auth.ini", _AUTH, origin)
    book.configs["mlflow-auth"] = {"file": "./mlflow/auth.ini"}
    body["configs"] = [{"source": "mlflow-auth", "target": "/etc/mlflow/auth.ini"}]
    book.variables["MLFLOW_FLASK_SERVER_SECRET_KEY"] = "any long random text; signs the server's session cookies"
    body["environment"] |= {
        "MLFLOW_AUTH_CONFIG_PATH": "/etc/mlflow/auth.ini",
        "MLFLOW_AUTH_ADMIN_USERNAME": required(book, secret, "username"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": required(book, secret, "password"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": Interpolated(
            "${MLFLOW_FLASK_SERVER_SECRET_KEY:?set MLFLOW_FLASK_SERVER_SECRET_KEY in .env}"
        ),
    }
