"""What a target is: a name, what it can express, and a pure function from the IR to documents and text files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, Protocol, runtime_checkable

from mlwright.diag import Bag
from mlwright.diag.diagnostic import Locate
from mlwright.ir import Origin, Pipeline, Project, Search, Task
from mlwright.platform import Profile
from mlwright.record import dataclass
from mlwright.span import Path

Support = Literal["exact", "emulated", "ignored", "refused"]

ListKeys = Mapping[tuple[str, ...], str]
"""Patterns of paths to lists (keys, `*` for one part or any index) -> the field that identifies an entry in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """How far a target expresses a field.

    `field` is a dotted pattern of spec paths where `*` is one part, for example `steps.*.retries.backoff`; the longest
    pattern that covers a path decides. `why` is one sentence for users; empty only for `exact`.
    `values` narrows the entry to these values of the field; empty: any value. Where the field is a mapping, its value
    is that of its `key`.
    """

    field: str
    support: Support
    why: str = ""
    values: tuple[str, ...] = ()
    key: str = "type"


STEPS = (
    "steps.*",
    "training",
    "evaluation",
    "tuning.trial",
    "models.*.training",
    "models.*.evaluation",
    "models.*.tuning.trial",
)
"""Where a spec has steps, as patterns of capabilities."""


def one(field: str, support: Support, why: str, *values: str) -> Capability:
    """A capability of one pattern."""
    return Capability(field=field, support=support, why=why, values=values)


def each(prefixes: Iterable[str], field: str, support: Support, why: str, *values: str) -> tuple[Capability, ...]:
    """The same capability of `field` below several patterns."""
    return tuple(one(f"{prefix}.{field}", support, why, *values) for prefix in prefixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One addressable piece of a document: `node` is a spec node id (`steps.features`), `kind` what it became
    (`Service`), `at` where it is in `data`."""

    node: str
    kind: str
    at: Path = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A path that patches must not touch because identity or the run contract depends on it.

    `path` is a pattern below a part of `kind` (`*` is one part; what is below the pattern is protected too).
    """

    kind: str
    path: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownField:
    """A path below a part of `kind` that the specification has a field for: a patch of it earns a warning that names
    `field`."""

    kind: str
    path: tuple[str, ...]
    field: str


class Embedded(dict[str, Any]):
    """A JSON document inside of another: written as text, reached into by patches and checks while it is compiled."""

    embedded = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One structured output file. `path` is POSIX and below the target's folder; its ending decides the writer
    (`.yaml` or `.json`). `origins` is sparse: an entry covers everything below its path unless a longer one exists.
    `find` gives the place of a label's path in the file that the document was read from, where it was."""

    path: str
    data: dict[str, Any]
    origins: Mapping[Path, Origin] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    header: str = ""
    find: Locate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """One output file that is not structured. `path` as in `Document`."""

    path: str
    text: str
    origin: Origin | None = None
    executable: bool = False


class Runtime(Protocol):
    """Gives the text of a shipped program (`step.py`, `search.py`) by file name."""

    def __call__(self, name: str) -> str: ...


class Digests(Protocol):
    """Gives the digest that the lock has for an image by its reference; empty where it has none."""

    def __call__(self, ref: str) -> str: ...


def no_digest(ref: str) -> str:
    """Digests without a lock."""
    return ""


class LocalFiles(Protocol):
    """Files beside the specification, by their path relative to its folder; what is read is an input of the output."""

    def read(self, path: str) -> bytes:
        """The content of a file."""
        ...

    def below(self, path: str) -> tuple[str, ...]:
        """The paths of all files in a folder, relative to it; empty where `path` is a file."""
        ...


@runtime_checkable
class Operating(Protocol):
    """A target whose objects another one's programs make while a pipeline runs: an engine starts the node, and the
    node's owner says what is made. Objects of a run hold `plan.name` and `plan.text` where a name of the run stands."""

    def operates(self, node: Search | Task, context: EmitContext) -> bool:
        """Whether `node`, which this target owns, runs in objects of its own; else it is a pod of the engine."""
        ...

    def manifests(self, objects: Any, pipeline: Pipeline, node: Search | Task) -> Sequence[dict[str, Any]]:
        """All objects of `node` in `pipeline`, the one first that decides how it ends. `objects` is the
        `emit.kube.objects.Objects` of the engine's owner, for ConfigMaps beside them."""
        ...


class _NoFiles:
    def read(self, path: str) -> bytes:
        raise LookupError(path)

    def below(self, path: str) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmitContext:
    """Everything a target may know beside the project. `owners` maps node ids to target names; `spec_folder` is the
    relative POSIX path from the target's output folder to the spec's folder; `digests` pin the images that the target
    itself chooses: those of the project have theirs; `files` are those beside the spec; `operators` the targets in use
    that say what is made for nodes of theirs while a pipeline runs."""

    platform: Profile
    owners: Mapping[str, str]
    runtime: Runtime
    spec_folder: str = "../../.."
    digests: Digests = no_digest
    files: LocalFiles = field(default_factory=_NoFiles)
    operators: Mapping[str, Operating] = field(default_factory=dict)


@runtime_checkable
class Target(Protocol):
    """Turns the nodes that it owns into files. `emit` is pure: same project and context, same documents in the same
    order. What it cannot express is declared in `capabilities` and never reaches `emit`."""

    name: str
    capabilities: tuple[Capability, ...]
    list_keys: ListKeys
    protected: tuple[Protected, ...]
    known_fields: tuple[KnownField, ...]

    def emit(self, project: Project, context: EmitContext) -> Iterable[Document | TextFile]:
        """The documents and text files of all nodes that `context.owners` gives to this target."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """One file of `objects`, read and not yet looked at by the target that it joins.

    `objects` is the entry's name, `path` POSIX and relative to the spec's folder, `data` the content; `find` gives the
    place of a label's path in it.
    """

    objects: str
    path: str
    data: dict[str, Any]
    origin: Origin
    find: Locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """All files of a target after others joined them, and what stood against it."""

    items: tuple[Document | TextFile, ...]
    findings: Bag


@runtime_checkable
class Joinable(Protocol):
    """A target that takes files of the user's own into its output."""

    def join(
        self,
        files: Sequence[AddedFile],
        emitted: Sequence[Document | TextFile],
        project: Project,
        context: EmitContext,
    ) -> Joined:
        """`emitted` and `files`, which are checked, labelled and made part of what is started."""
        ...


@runtime_checkable
class Closing(Protocol):
    """A target that says something of all that is emitted, its own and others' files."""

    def close(
        self, emitted: Sequence[tuple[str, Sequence[Document | TextFile]]], project: Project, context: EmitContext
    ) -> Sequence[Document | TextFile]:
        """The target's own files, completed by what all targets emitted, patched and joined."""
        ...
