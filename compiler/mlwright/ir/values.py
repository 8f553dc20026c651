"""Values of the resolved program: typed references, templates, conditions, resources, provenance."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from mlwright.record import dataclass
from mlwright.span import Path

ValueType = Literal["string", "int", "float", "bool", "json"]
OutputType = Literal["string", "int", "float", "bool", "json", "dataset", "model", "mlflow-model", "file", "directory"]
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value came from: the spec path that gave it, and how.

    `spec` the base file, `overlay` an environment (`by` names it), `default` the language's or a profile's default,
    `derived` computed by the pass named in `by`.
    """

    path: Path
    kind: Literal["spec", "overlay", "default", "derived"] = "spec"
    by: str = ""


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference that is resolved at run time; `path` as written between `${` and `}`, for example `params.lr`."""

    path: str


Template = tuple[str | Ref, ...]
"""Text with references in it. Never has two strings side by side; empty text is `()`."""


@dataclass(frozen=True, slots=True)
class Lit:
    value: Json


@dataclass(frozen=True, slots=True)
class Op:
    """`op` is one of `== != < <= > >= in and or not`; `not` has one argument."""

    op: str
    args: tuple[Condition, ...]


Condition = Lit | Ref | Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """A project parameter. `required` is true where neither a default nor an overlay gives a value."""

    name: str
    type: ValueType
    default: Json = None
    required: bool = False
    min: float | None = None
    max: float | None = None
    choices: tuple[Json, ...] = ()
    description: str = field(default="", compare=False)
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`ref` is the full image reference; `digest`, `entrypoint` and `cmd` come from the lock; `build` paths are
    relative to the spec's folder."""

    ref: str = ""
    digest: str = ""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    pull_policy: str = ""
    build_context: str = ""
    dockerfile: str = ""
    build_args: tuple[tuple[str, str], ...] = ()
    build_target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """What an endpoint serves, or a step reads.

    `registry`: `model` and `alias`, with the lock's `version`, `model_id`, `uri`, `digest` where binding is `locked`;
    `output`: `step` and `output` of this run; `uri`: any address; `none`: the image brings its own.
    """

    kind: Literal["registry", "output", "uri", "none"] = "none"
    model: str = ""
    alias: str = ""
    version: str = ""
    model_id: str = ""
    step: str = ""
    output: str = ""
    uri: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    count: int = 0
    model: str = ""
    resource: str = ""
    memory: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """`cpu` in milli-cores, `memory` and `disk` in bytes, 0 where not given; `limits` likewise; `extended` by
    resource name."""

    cpu: int = 0
    memory: int = 0
    disk: int = 0
    gpu: Gpu = field(default_factory=Gpu)
    cpu_limit: int = 0
    memory_limit: int = 0
    extended: tuple[tuple[str, int], ...] = ()
