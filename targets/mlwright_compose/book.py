"""What is emitted so far: services, configs, volumes, files, and where each came from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlwright.emit.json import digest
from mlwright.emit.programs import closure
from mlwright.ir import Json, Origin, Project
from mlwright.span import Path
from mlwright.target import Document, EmitContext, Part, TextFile
from mlwright_compose.text import plain

FOLDER = "/mlwright"
RUNTIME = f"{FOLDER}/runtime"
STEP = f"{FOLDER}/step.json"
SCHEDULE = f"{FOLDER}/schedule.json"
_ORDER = (
    *("image", "build", "pull_policy", "profiles", "depends_on", "restart", "init", "entrypoint", "command"),
    *("environment", "configs", "volumes", "tmpfs", "shm_size", "ports", "healthcheck", "deploy"),
)


class Book:
    """Collects one environment's Compose output. Names are taken first come, first served, and stay."""

    def __init__(self, project: Project, context: EmitContext) -> None:
        self.project = project
        self.context = context
        self.services: dict[str, dict[str, Any]] = {}
        self.configs: dict[str, dict[str, str]] = {}
        self.volumes: dict[str, dict[str, Any] | None] = {}
        self.shared: list[str] = []
        self.reserved: set[str] = set()
        self.variables: dict[str, str] = {}
        self._origins: dict[Path, Origin] = {}
        self._parts: list[Part] = []
        self._documents: dict[str, Document] = {}
        self._texts: dict[str, TextFile] = {}

    def free(self, name: str) -> str:
        """`name`, or the first of `name-2`, `name-3` ... that no service has and none is to get."""
        count, candidate = 1, name
        while candidate in self.services or candidate in self.reserved:
            count += 1
            candidate = f"{name}-{count}"
        return candidate

    def service(self, name: str, body: dict[str, Any], *, node: str, kind: str, origin: Origin) -> None:
        """Add a service that node `node` became; `kind` is how patches address it."""
        assert name not in self.services, name
        if "build" not in body and "@" not in body["image"] and (digest := self.context.digests(body["image"])):
            body = {**body, "image": f"{body['image']}@{digest}"}
        known = [key for key in _ORDER if key in body]
        rest = [key for key in body if key not in _ORDER]
        self.services[name] = {key: body[key] for key in (*known, *rest) if body[key] not in (None, {}, [])}
        self.origin(("services", name), origin)
        self._parts.append(Part(node=node, kind=kind, at=("services", name)))

    def origin(self, path: Path, origin: Origin) -> None:
        """Say where everything below `path` came from."""
        self._origins[path] = origin

    def volume(self, name: str, body: dict[str, Any] | None, origin: Origin, *, ours: bool = True) -> str:
        """Declare a named volume; `ours` ones are given to the containers' user before anything starts."""
        if name not in self.volumes:
            self.volumes[name] = body
            self.origin(("volumes", name), origin)
            if ours:
                self.shared.append(name)
        return name

    def document(self, name: str, data: dict[str, Json], origin: Origin) -> dict[str, str]:
        """Keep a step document as a file and return its mount; the file is outside of Compose's interpolation.

        Equal documents of one name are one file, which the services of several pipelines share.
        """
        count, stem = 1, name
        while stem in self._documents and self._documents[stem].data != data:
            count += 1
            stem = f"{name}-{count}"
        if stem not in self._documents:
            self._documents[stem] = Document(path=f"steps/{stem}.json", data=data, origins={(): origin})
            self.configs[f"step-{stem}"] = {"file": f"./steps/{stem}.json"}
            self.origin(("configs", f"step-{stem}"), origin)
        return {"source": f"step-{stem}", "target": STEP}

    def schedule(self, name: str, data: dict[str, Json], origin: Origin) -> dict[str, str]:
        """Keep what the service `name` has to know of its schedule as a file, and return its mount."""
        self._documents[f"schedule {name}"] = Document(path=f"schedules/{name}.json", data=data, origins={(): origin})
        self.configs[f"schedule-{name}"] = {"file": f"./schedules/{name}.json"}
        self.origin(("configs", f"schedule-{name}"), origin)
        return {"source": f"schedule-{name}", "target": SCHEDULE}

    def program(self, name: str) -> dict[str, Any]:
        """Keep a runtime program and the siblings that it imports as files, and return the mount of their folder."""
        for file, text in closure([name], self.context.runtime).items():
            self.text(f"runtime/{file}", text)
        return self._runtime()

    def text(self, path: str, text: str, origin: Origin | None = None) -> None:
        """Keep a text file."""
        self._texts[path] = TextFile(path=path, text=text, origin=origin)

    def shipped(self, name: str, text: str) -> dict[str, Any]:
        """Keep a program of this target's own beside them, and return the mount of the folder."""
        self.text(f"runtime/{name}", text)
        return self._runtime()

    def file(self, document: Document) -> None:
        """Keep a structured file that is not Compose's own."""
        self._documents[document.path] = document

    def items(self, name: str, header: str) -> Iterable[Document | TextFile]:
        """Everything, `compose.yaml` first."""
        data: dict[str, Any] = {"name": name, "services": plain(self.services)}
        for key, value in (("configs", self.configs), ("volumes", self.volumes)):
            if value:
                data[key] = {item: plain(value[item]) for item in sorted(value)}
        self.origin(("name",), Origin(path=("metadata", "name"), kind="derived", by="compose"))
        yield Document(
            path="compose.yaml",
            data=data,
            origins=self._origins,
            parts=(Part(node="metadata", kind="Compose"), *self._parts),
            header=header,
        )
        yield from (self._documents[stem] for stem in sorted(self._documents))
        yield from (self._texts[path] for path in sorted(self._texts))

    def _runtime(self) -> dict[str, Any]:
        return {
            "type": "bind",
            "source": "./runtime",
            "target": RUNTIME,
            "read_only": True,
            "bind": {"create_host_path": False},
        }


def revision(data: Json) -> str:
    """A short digest for a label: Compose makes the container anew when a mounted file's content changes."""
    return digest(data)[:12]
