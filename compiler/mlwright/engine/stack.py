"""A compiled Compose output as it is on disk: services by the step that each came from, and what it asks of `.env`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

COMPOSE = "compose/compose.yaml"
"""Where the Compose file is in the output of an environment."""
_REQUIRED = re.compile(r"(?<!\$)(?:\$\$)*\$\{([A-Za-z_][A-Za-z0-9_]*):?\?")
_PORT = re.compile(r"\$\{(MLWRIGHT_PORT_\w+):-(\d+)\}")
_PLUMBING = ("storage", "pipelines.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. `node` is the spec path that it came from; `needs` other services by the condition that they have
    to meet first. One that is not `lasting` ends by itself. `published` are ports of this machine with the variables
    that move them."""

    name: str
    node: str
    profiles: tuple[str, ...] = ()
    needs: Mapping[str, str]
    lasting: bool = False
    checked: bool = False
    published: Mapping[int, str] = field(default_factory=dict)

    @property
    def plumbing(self) -> bool:
        """True for what no line of the spec stands for: it opens and closes runs, and prepares volumes."""
        return self.node.startswith(_PLUMBING)


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The Compose file in `folder`; `name` is the Compose project's. `services` are in the file's order."""

    folder: Path
    name: str
    services: Mapping[str, Service]
    volumes: tuple[str, ...] = ()

    @property
    def file(self) -> Path:
        return self.folder / "compose.yaml"

    @property
    def profiles(self) -> tuple[str, ...]:
        """Every profile, so that a command is about all services."""
        return tuple(dict.fromkeys(name for service in self.services.values() for name in service.profiles))

    @cached_property
    def required(self) -> Mapping[str, str]:
        """The variables without which Compose stops, with where each comes from."""
        texts = [path.read_text("utf-8") for path in sorted(self.folder.glob("**/*.yaml"))]
        told = dict(_told(self.folder / ".env.example"))
        names = {name for text in texts for name in _REQUIRED.findall(text)}
        return {name: told.get(name, "named by a file of `objects`") for name in sorted(names)}

    def started_by(self, pipeline: str) -> tuple[Service, ...]:
        """The services of a pipeline: those of its own profile or, where it has none, those without a profile."""
        profile = f"pipeline-{pipeline}"
        own = tuple(item for item in self.services.values() if profile in item.profiles)
        return own or tuple(item for item in self.services.values() if not item.profiles)

    def closing(self, services: Iterable[Service]) -> Service | None:
        """Of these, the one that ends when the pipeline has."""
        for item in services:
            before = (self.services[name] for name in item.needs if name in self.services)
            if item.node.startswith("pipelines.") and any(other.node == item.node for other in before):
                return item
        return None

    def named(self, word: str) -> tuple[Service, ...]:
        """The services that a word means: all that came from that path of the spec, else the one of that name."""
        path = f"{word}."
        found = tuple(item for item in self.services.values() if f"{item.node}.".startswith(path) and word)
        return found or tuple(item for item in self.services.values() if item.name == word)


def written(folder: Path) -> dict[str, Path]:
    """The Compose outputs beside a spec in `folder`, by environment, sorted."""
    found = sorted(folder.glob(f"manifests/*/{COMPOSE}"))
    return {path.parent.parent.name: path.parent for path in found}


def load(folder: Path) -> Stack:
    """The Compose file in `folder`. Raises OSError, and ValueError where it is not one of ours."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        data = yaml.load((folder / "compose.yaml").read_bytes(), Loader=loader)
    except yaml.YAMLError as problem:
        raise ValueError(f"it cannot be read: {problem}") from problem
    services = data.get("services") if isinstance(data, dict) else None
    if not isinstance(services, dict) or not isinstance(data.get("name"), str):
        raise ValueError("it has no name or no services")
    volumes = data.get("volumes") or {}
    return Stack(
        folder=folder,
        name=data["name"],
        services={name: _service(name, body) for name, body in services.items()},
        volumes=tuple(name for name, body in volumes.items() if not (body or {}).get("external")),
    )


def _service(name: str, body: Mapping[str, Any]) -> Service:
    needs = body.get("depends_on") or {}
    labels = body.get("labels") or {}
    return Service(
        name=name,
        node=str(labels.get("mlwright.node", "")),
        profiles=tuple(body.get("profiles") or ()),
        needs={other: str(need.get("condition", "service_started")) for other, need in needs.items()},
        lasting=body.get("restart", "no") != "no",
        checked="healthcheck" in body,
        published=dict(_published(body.get("ports") or ())),
    )


def _published(ports: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    for port in ports:
        if found := _PORT.fullmatch(str(port.get("published", ""))):
            yield int(found[2]), found[1]


def _told(path: Path) -> Iterator[tuple[str, str]]:
    """(variable, the comment above it) of a `.env.example`."""
    comment = ""
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        name, sign, _ = line.partition("=")
        if line.startswith("#"):
            comment = line.lstrip("# ")
        elif sign:
            yield name, comment
