"""Environment variables of containers: how programs reach the tracking server, secrets by reference, a home."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlwright.emit import json as texts
from mlwright.emit.environment import secret_variable
from mlwright.emit.kube.names import named
from mlwright.emit.places import Places, data_path
from mlwright.emit.shared import once
from mlwright.emit.trackserver import PORT
from mlwright.ir import Json, Project, Secret, Task, Template

HOME = "/mlwright/home"
RUN = "MLWRIGHT_RUN"
SERVER = "mlflow"
"""The component that is the tracking server."""
SERVER_KEYS, NOTEBOOK_KEYS = "mlflow-server", "notebooks"
"""Secrets of random values which no part of a spec names: the tracking server's own, and the notebooks' token."""

Value = str | dict[str, Any]
"""Text, or the `valueFrom` of a variable."""


class Expanded(str):
    """Text of a variable in which `$(NAME)` stands for a variable before it."""


_CACHES = {
    "XDG_CACHE_HOME": "cache",
    "MPLCONFIGDIR": "cache/matplotlib",
    "HF_HOME": "cache/huggingface",
    "NUMBA_CACHE_DIR": "cache/numba",
    "TORCHINDUCTOR_CACHE_DIR": "cache/torchinductor",
}


def entries(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """`env` of a container. Kubernetes substitutes `$(NAME)` in values: text arrives as it is."""
    if all(type(value) is str for value in values.values()):
        return _texts(tuple(values.items()))
    return [
        {"name": name, "value": _plain(value)} if isinstance(value, str) else {"name": name, "valueFrom": value}
        for name, value in values.items()
    ]


@once
def _texts(values: tuple[tuple[str, Any], ...]) -> list[dict[str, Any]]:
    """Containers of a kind often have the same variables."""
    return [{"name": name, "value": _plain(value)} for name, value in values]


def _plain(value: str) -> str:
    if isinstance(value, Expanded):
        return str(value)
    return value.replace("$(", "$$(") if "$(" in value else value


def secret_object(project: Project, secret: str) -> str:
    """The name of the Secret behind a secret of the spec: one that exists, or one of the project's."""
    found = next(item for item in project.secrets if item.name == secret)
    return found.existing or named(project, secret, limit=253)


def secret_value(project: Project, secret: str, key: str) -> Value:
    """`valueFrom` for one key of a secret."""
    return {"secretKeyRef": {"name": secret_object(project, secret), "key": key}}


def secrets(project: Project, names: Iterable[str]) -> dict[str, Value]:
    """The variables by which the launcher gets these secrets; it removes them before it starts the program."""
    wanted = set(names)
    return {
        f"MLWRIGHT_SECRET_{secret_variable(secret.name, key)}": secret_value(project, secret.name, key)
        for secret in project.secrets
        if secret.name in wanted
        for key in secret.keys
    }


def exported(project: Project, names: Iterable[str]) -> dict[str, Value]:
    """The secrets' keys as variables of the same names, for programs that start without the launcher."""
    found: dict[str, Secret] = {secret.name: secret for secret in project.secrets}
    return {key: secret_value(project, name, key) for name in names for key in found[name].keys}


def tracking(project: Project) -> dict[str, Value]:
    """How a program reaches the tracking server."""
    server = project.tracking
    address = server.address or f"http://{named(project, SERVER)}:{PORT}{server.options.static_prefix}"
    found: dict[str, Value] = {"MLFLOW_TRACKING_URI": address}
    if secret := server.auth.secret:
        found["MLFLOW_TRACKING_USERNAME"] = secret_value(project, secret, "username")
        found["MLFLOW_TRACKING_PASSWORD"] = secret_value(project, secret, "password")
    return found


def identity() -> dict[str, Value]:
    """Variables without which programs look for a home or a user name that do not exist."""
    return {
        "HOME": HOME,
        "USER": "mlwright",
        "LOGNAME": "mlwright",
        **{name: f"{HOME}/{folder}" for name, folder in _CACHES.items()},
    }


def parameters(given: Mapping[str, Json], task: Task) -> dict[str, Value]:
    """Values that a pipeline gives to the parameters that the task uses."""
    return {
        f"MLWRIGHT_PARAM_{name.upper()}": canonical(given[name])
        for name in task.params
        if name in given and name not in task.tuned
    }


def canonical(value: Json) -> str:
    """A parameter as text, the way the launcher reads it."""
    return value if isinstance(value, str) else texts.canonical(value)


def filled(project: Project, template: Template) -> Value:
    """A template where no launcher fills it in: parameters are their defaults, a secret must stand alone."""
    if len(template) == 1 and not isinstance(template[0], str) and template[0].path.startswith("secrets."):
        _, secret, key = template[0].path.split(".", 2)
        return secret_value(project, secret, key)
    return "".join(part if isinstance(part, str) else _text(project, part.path) for part in template)


def _text(project: Project, path: str) -> str:
    head, _, rest = path.partition(".")
    if head == "storage":
        return Places(project).storage(rest)
    if head == "params":
        return canonical(next(param.default for param in project.params if param.name == rest))
    if head == "data":
        name, _, suffix = rest.partition(".")
        source = next(source for source in project.data if source.name == name)
        return data_path(source) if source.local and not suffix else source.source
    raise AssertionError(path)  # a check has refused everything else
