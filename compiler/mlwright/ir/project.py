"""The whole resolved program of one environment."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from mlwright.ir.catalog import Catalog
from mlwright.ir.graph import Node
from mlwright.ir.service import Alert, Notebook, Route, Service
from mlwright.ir.tracking import Tracking
from mlwright.ir.values import Json, Origin, Param
from mlwright.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """`keys` are environment variable names; `name` an existing Secret, `remote` a path in the external store."""

    name: str
    keys: tuple[str, ...]
    existing: str = ""
    remote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """`type` is mlflow, volume, directory, s3, gs or azure; `size` in bytes."""

    name: str
    type: str
    uri: str = ""
    path: str = ""
    secret: str = ""
    claim: str = ""
    size: int = 0
    mode: str = ""
    storage_class: str = ""
    max_proxied: int = 5 * 1024**3
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    """`source` is a URI, or a path relative to the spec's folder when `local`."""

    name: str
    source: str
    local: bool = False
    secret: str = ""
    access: Literal["download", "uri", "mount"] = "download"
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`cron` has 5 fields; `timezone` is an IANA name."""

    cron: str = ""
    timezone: str = "UTC"
    concurrency: Literal["allow", "forbid", "replace"] = "forbid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    name: str
    type: str
    settings: tuple[tuple[str, Json], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """`nodes` are ids of the graph's nodes in this pipeline, in a topological order that is stable between runs."""

    name: str
    nodes: tuple[str, ...]
    schedule: Schedule = field(default_factory=Schedule)
    triggers: tuple[Trigger, ...] = ()
    params: tuple[tuple[str, Json], ...] = ()
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`platform` is `local`, `compose` or a platform file's path; `start` is when run-once objects appear.
    `allow_remote_writes` lets an environment on this machine write to shared stores. `binding` is how models are found
    where the spec does not say: `run`, what this run registers and aliases point at; `locked`, what the lock pins."""

    name: str
    platform: str
    namespace: str = ""
    namespace_create: bool = False
    start: Literal["manual", "on_change", "schedule"] = "manual"
    mode: Literal["development", "production"] = "production"
    name_prefix: str = ""
    allow_remote_writes: bool = False
    binding: Literal["locked", "run"] = "locked"
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """`merge` (a mapping) or `ops` (RFC 6902 operations) for the documents that match `node` and `kind`."""

    name: str
    why: str
    node: str
    kind: str
    merge: Json = None
    ops: tuple[Json, ...] = ()
    all: bool = False
    until: tuple[tuple[str, str], ...] = ()
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedObjects:
    """`path` is a file or folder relative to the spec's folder."""

    name: str
    path: str
    target: str = ""
    origin: Origin = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """`spec_digest` identifies the resolved runnable program; `folder` is where the spec is, relative to the root that
    compile was called for. `nodes` are in a stable topological order."""

    name: str
    description: str = ""
    owners: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    environment: Environment
    params: tuple[Param, ...] = ()
    secrets: tuple[Secret, ...] = ()
    storage: tuple[Storage, ...] = ()
    artifacts: Storage
    data: tuple[DataSource, ...] = ()
    nodes: tuple[Node, ...] = ()
    services: tuple[Service, ...] = ()
    routes: tuple[Route, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    tracking: Tracking
    catalog: Catalog = field(default_factory=Catalog)
    notebooks: tuple[Notebook, ...] = ()
    monitoring: tuple[Alert, ...] = ()
    gitops: tuple[tuple[str, Json], ...] = ()
    policies: tuple[str, ...] = ()
    patches: tuple[Patch, ...] = ()
    objects: tuple[AddedObjects, ...] = ()
    spec_digest: str = ""
