"""The tracking server and how its clients use it."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from mlwright.ir.service import Expose
from mlwright.ir.values import Image, Json, Origin, Resources
from mlwright.record import dataclass

Permission = Literal["read", "use", "edit", "manage", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A store of the server. `secret` has the key `uri`; without one, the server's owner runs a database of this type.
    `path` is the file of sqlite, relative to the spec's folder, for runs on this machine."""

    type: Literal["sqlite", "postgres", "mysql", "mssql"] = "sqlite"
    secret: str = ""
    path: str = ""

    @property
    def own(self) -> bool:
        """True for a database that the server's owner runs beside it."""
        return self.type in ("postgres", "mysql") and not self.secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactStore:
    """Where the server keeps files. An `s3` without `uri` is run by the server's owner; `endpoint` is empty for AWS;
    `claim`, `size` (bytes), `mode` and `storage_class` are those of a volume."""

    type: Literal["directory", "volume", "s3", "gs", "azure"] = "directory"
    uri: str = ""
    path: str = ""
    secret: str = ""
    endpoint: str = ""
    path_style: bool = False
    region: str = ""
    claim: str = ""
    size: int = 0
    mode: str = ""
    storage_class: str = ""

    @property
    def own(self) -> bool:
        """True for an object store that the server's owner runs beside it."""
        return self.type == "s3" and not self.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """`secret` and `admin` have the keys `username` and `password`; an empty `admin` means that the pipelines' user of
    `secret` is the administrator. `default` is what everybody may do with everything."""

    type: Literal["none", "basic"] = "none"
    secret: str = ""
    admin: str = ""
    default: Permission = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Settings of a server that the project brings up. `gc_older_than` is a length of time as MLflow reads it, empty
    for no garbage collection; `gc_schedule` has five cron fields, empty where only people start it."""

    workers: int = 1
    allowed_hosts: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    static_prefix: str = ""
    prometheus: bool = False
    workspaces: bool = False
    jobs: bool = False
    gc_older_than: str = ""
    gc_schedule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MlProject:
    """The environment of the MLproject's programs; `none`: there is no MLproject. `requirements` is the text of the
    requirements file (python), `image` a reference with a tag (docker)."""

    type: Literal["none", "system", "python", "docker"] = "none"
    requirements: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """The tracking server and its clients. `version` and `image` are of a deployed server, `url` of any other (a
    Databricks address for `databricks`, with the workspace's `host`); `registry` is the models' own database where they
    have one; `gateway` are endpoints by name, as plain JSON."""

    server: Literal["deployed", "external", "databricks"] = "deployed"
    url: str = ""
    host: str = ""
    experiment: str = ""
    image: Image = field(default_factory=Image)
    version: str = ""
    backend: Database = field(default_factory=Database)
    registry: Database | None = None
    artifacts: ArtifactStore = field(default_factory=ArtifactStore)
    auth: Auth = field(default_factory=Auth)
    autolog: tuple[str, ...] = ()
    gateway: tuple[tuple[str, Json], ...] = ()
    options: ServerOptions = field(default_factory=ServerOptions)
    expose: Expose = field(default_factory=Expose)
    resources: Resources = field(default_factory=Resources)
    project: MlProject = field(default_factory=MlProject)
    owner: str = ""
    origin: Origin = field(compare=False)

    @property
    def beside(self) -> bool:
        """True for a server that the owner of the graph runs itself, so that it is reached from the inside."""
        return self.server == "deployed" and self.owner != "mlflow"

    @property
    def address(self) -> str:
        """The server's address for every client; empty for one that is `beside` them."""
        if self.server == "deployed" and not self.beside:
            return f"https://{self.expose.host}{self.options.static_prefix}"
        return self.url

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of all secrets that the server or its clients need, the gateway's left out."""
        named = (self.backend.secret, self.registry.secret if self.registry else "", self.artifacts.secret)
        return tuple(dict.fromkeys(filter(None, (*named, self.auth.secret, self.auth.admin))))
