"""What stays up: endpoints, routes, notebooks."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from mlwright.ir.graph import Container
from mlwright.ir.values import Json, ModelSource, Origin, Resources
from mlwright.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    min: int = 1
    max: int = 1
    target: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expose:
    """`scope` cluster: inside only; otherwise by `host` and `path`."""

    scope: Literal["cluster", "host"] = "cluster"
    host: str = ""
    path: str = "/"
    auth: Literal["none", "required"] = "none"
    tls_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A second pinned endpoint; `traffic` in percent, or -1 for a mirror. `replicas` and `resources` are None where
    they are those of the first."""

    name: str
    source: ModelSource
    traffic: int = 0
    replicas: Replicas | None = None
    resources: Resources | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A program before or beside the model's: a transformer or an explainer. Its container has no image of its own
    where it has the endpoint's."""

    container: Container
    port: int = 8080
    replicas: Replicas = field(default_factory=Replicas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batcher:
    """Puts requests together. Times in seconds, 0 where nobody says one."""

    max_size: int
    max_latency: float = 0.0
    timeout: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parallel:
    """How one copy of a large model is spread: GPUs that share each layer, groups of layers in a row, whole copies."""

    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    expert: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Copies of an endpoint with one task; None for what they have like the others."""

    name: str
    replicas: Replicas | None = None
    resources: Resources | None = None
    parallel: Parallel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An online endpoint. `startup`, `smoke_timeout` and `request_timeout` in seconds, 0 for none; `smoke_request` is
    empty without a smoke test, `concurrency` 0 without a limit; `components` are the transformer and the explainer.
    `groups` are its `roles`. `extra` holds fields that only some targets know (engine, parallel, adapters, roles,
    batcher, log, health), as plain JSON."""

    id: str
    name: str
    container: Container
    source: ModelSource = field(default_factory=ModelSource)
    binding: Literal["locked", "run"] = "locked"
    format: str = ""
    protocols: tuple[str, ...] = ("mlflow",)
    port: int = 8080
    replicas: Replicas = field(default_factory=Replicas)
    variants: tuple[Variant, ...] = ()
    expose: Expose = field(default_factory=Expose)
    startup: float = 600.0
    smoke_request: str = ""
    smoke_path: str = "/invocations"
    smoke_status: int = 200
    smoke_timeout: float = 60.0
    storage: Literal["proxied", "direct"] = "proxied"
    runtime: str = ""
    concurrency: int = 0
    request_timeout: float = 0.0
    components: tuple[tuple[Literal["transformer", "explainer"], Component], ...] = ()
    batcher: Batcher | None = None
    parallel: Parallel = field(default_factory=Parallel)
    groups: tuple[Group, ...] = ()
    extra: tuple[tuple[str, Json], ...] = ()
    needs: tuple[str, ...] = ()
    owner: str = ""
    origin: Origin = field(compare=False)

    @property
    def smoke_type(self) -> str:
        """The media type of the smoke test's request, by its file's name."""
        return "text/csv" if self.smoke_request.endswith(".csv") else "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One way of a route, to the endpoint or route with the id `to`. What does not belong to the route's mode is
    empty. `required`: its failure is the route's."""

    to: str
    weight: int = 0
    condition: str = ""
    input: Literal["request", "response"] = "response"
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An address in front of several endpoints."""

    id: str
    name: str
    mode: Literal["sequence", "ensemble", "split", "switch"]
    legs: tuple[Leg, ...]
    expose: Expose = field(default_factory=Expose)
    owner: str = ""
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Fires when a measure of the node `on` has been out of bounds for `lasting` seconds. Bounds are seconds or shares
    where the spec has a time or a percentage; None where there is none."""

    name: str
    on: str
    metric: str
    quantile: float = 0.0
    max: float | None = None
    min: float | None = None
    lasting: float = 0.0
    severity: Literal["critical", "warning", "info"] = "warning"
    description: str = ""
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notebook:
    id: str
    name: str
    container: Container
    port: int = 8888
    owner: str = ""
    origin: Origin = field(compare=False)
