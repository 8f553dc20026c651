"""`tracking`: the MLflow tracking server and how programs use it."""

from typing import Annotated, Literal, Self

from mlwright.spec.base import Json, Many, Mapped, Model, Named
from mlwright.spec.container import Image, Resources
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.mlproject import MlProject
from mlwright.spec.scalars.cron import Cron
from mlwright.spec.scalars.duration import Duration
from mlwright.spec.scalars.names import ModelName, Name
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import Line, RelativePath
from mlwright.spec.scalars.uri import Uri
from mlwright.spec.serving import Expose
from mlwright.spec.storage import AzureStorage, DirectoryStorage, GsStorage, VolumeStorage
from mlwright.spec.tracked import Experiment, OwnExperiment, Permissions, RegisteredModel, Webhook


class DeployedServer(Model):
    """A server that the project brings up."""

    type: Literal["deployed"] = Field(description="The project's own server.", examples=["deployed"])
    image: Image | None = Field(
        default=None, description="Image of the server.", examples=["ghcr.io/mlflow/mlflow:v3.17.2-full"]
    )
    version: Annotated[str, Field(pattern=r"^\d+\.\d+(\.\d+)?$")] | None = Field(
        default=None, description="MLflow version; the platform's by default.", examples=["3.17.2"]
    )
    resources: Resources | None = Field(default=None, description="What it asks for.", examples=[{"memory": "2Gi"}])
    expose: Expose | None = Field(default=None, description="Who can reach it.", examples=["cluster"])


class ExternalServer(Model):
    """A server that exists already."""

    type: Literal["external"] = Field(description="A server that exists.", examples=["external"])
    url: Uri = Field(description="Its address.", examples=["https://mlflow.example.com"])


class DatabricksServer(Model):
    """A Databricks workspace."""

    type: Literal["databricks"] = Field(description="A Databricks workspace.", examples=["databricks"])
    host: Uri | None = Field(
        default=None, description="Address of the workspace.", examples=["https://acme.cloud.databricks.com"]
    )
    profile: Line | None = Field(default=None, description="Profile of the local configuration.", examples=["prod"])


Server = Annotated[DeployedServer | ExternalServer | DatabricksServer, Field(discriminator="type")]


class SqliteStore(Model):
    """A file of the server."""

    type: Literal["sqlite"] = Field(description="A file.", examples=["sqlite"])
    path: RelativePath | None = Field(
        default=None, description="The file; `.mlwright/mlflow.db` by default.", examples=[".mlwright/mlflow.db"]
    )


class _Database(Model):
    secret: Name | None = Field(
        default=None, description="Secret whose key `uri` is the database's address.", examples=["mlflow-db"]
    )


class PostgresStore(_Database):
    """PostgreSQL; the project's own without `secret`."""

    type: Literal["postgres"] = Field(description="PostgreSQL.", examples=["postgres"])


class MysqlStore(_Database):
    """MySQL or MariaDB; the project's own without `secret`."""

    type: Literal["mysql"] = Field(description="MySQL or MariaDB.", examples=["mysql"])


class MssqlStore(_Database):
    """Microsoft SQL Server."""

    type: Literal["mssql"] = Field(description="Microsoft SQL Server.", examples=["mssql"])
    secret: Name = Field(description="Secret whose key `uri` is the database's address.", examples=["mlflow-db"])


BackendStore = Annotated[SqliteStore | PostgresStore | MysqlStore | MssqlStore, Field(discriminator="type")]


class NoAuth(Model):
    """Everybody who can reach the server may do everything."""

    type: Literal["none"] = Field(description="No log-in.", examples=["none"])


class BasicAuth(Model):
    """MLflow's own users."""

    type: Literal["basic"] = Field(description="User names and passwords.", examples=["basic"])
    secret: Name = Field(
        description="Secret with the keys `username` and `password` of the pipelines' user.", examples=["mlflow-user"]
    )
    admin: Name | None = Field(
        default=None,
        description="Secret with the administrator's; without it the pipelines' user is the administrator.",
        examples=["mlflow-admin"],
    )
    default_permission: Literal["read", "use", "edit", "manage", "none"] = Field(
        default="read", description="What a user may do who was granted nothing.", examples=["none"]
    )


Auth = Annotated[NoAuth | BasicAuth, Field(discriminator="type")]
Flavour = Literal[
    "sklearn", "pytorch", "lightning", "tensorflow", "keras", "xgboost", "lightgbm", "statsmodels", "spark", "paddle",
    "transformers",
]  # fmt: skip


class GatewayLimit(Model):
    """How often a gateway endpoint may be called."""

    calls: Annotated[int, Field(ge=1)] = Field(description="Calls in each period.", examples=[10])
    per: Literal["second", "minute", "hour", "day", "month", "year"] = Field(
        default="minute", description="The period.", examples=["minute"]
    )


class GatewayEndpoint(Model):
    """One model of a provider behind the gateway."""

    type: Literal["chat", "completions", "embeddings"] = Field(description="What it does.", examples=["chat"])
    provider: Line = Field(description="Provider, as MLflow names it.", examples=["openai"])
    model: Line = Field(description="The provider's model.", examples=["gpt-4o-mini"])
    secret: Name | None = Field(default=None, description="Secret with the provider's keys.", examples=["openai"])
    settings: Mapped[str, Json] = Field(
        default={},
        description="The provider's own settings.",
        examples=[{"openai_api_base": "https://api.openai.com/v1"}],
    )
    limit: GatewayLimit | None = Field(
        default=None, description="How often it may be called.", examples=[{"calls": 10}]
    )


class Gateway(Model):
    """The MLflow AI gateway."""

    endpoints: Named[GatewayEndpoint] = Field(
        min_length=1,
        description="Its endpoints.",
        examples=[{"chat": {"type": "chat", "provider": "openai", "model": "gpt-4o-mini"}}],
    )


class Gc(Model):
    """When deleted runs are removed for good."""

    older_than: Duration = Field(description="Age of what is removed.", examples=["30d"])
    schedule: Cron | None = Field(default=None, description="When; five cron fields.", examples=["0 4 * * 0"])


class S3Artifacts(Model):
    """A bucket of S3 or of a compatible store; a store of the project's own without `uri`."""

    type: Literal["s3"] = Field(description="S3 or a compatible store.", examples=["s3"])
    uri: Uri | None = Field(
        default=None, description="Address of the bucket or folder.", examples=["s3://acme-ml/mlflow"]
    )
    secret: Name | None = Field(default=None, description="The secret that opens it.", examples=["lake"])
    endpoint: Uri | None = Field(
        default=None, description="Address of a compatible store; AWS without it.", examples=["https://s3.example.com"]
    )
    path_style: bool = Field(
        default=False, description="The bucket is in the path, not in the host name.", examples=[True]
    )
    region: Line | None = Field(default=None, description="Region of the bucket.", examples=["eu-central-1"])

    @model_validator(mode="after")
    def agrees(self) -> Self:
        """An address of S3; what an own store needs is known."""
        if self.uri is not None and self.uri.scheme != "s3":
            raise refuse("URI003", f"`{self.uri.text}` is not an address of this type", "it begins with `s3://`")
        if self.endpoint is not None and self.endpoint.scheme not in ("http", "https"):
            raise refuse("URI003", f"`{self.endpoint.text}` is not a web address", "it begins with `https://`")
        if self.uri is None and (self.secret or self.endpoint or self.path_style or self.region):
            raise refuse(
                "SPEC008",
                "without `uri` the output runs a store of its own, which needs nothing else",
                "add `uri`, or write `{type: s3}`",
            )
        return self


ArtifactStore = Annotated[
    VolumeStorage | DirectoryStorage | S3Artifacts | GsStorage | AzureStorage, Field(discriminator="type")
]


class Options(Model):
    """Settings of a deployed server."""

    workers: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None, description="Server processes.", examples=[2]
    )
    allowed_hosts: Many[Line] = Field(
        default=(),
        description="Host headers accepted, beside those that are derived.",
        examples=[["mlflow.example.com"]],
    )
    cors: Many[Line] = Field(
        default=(), description="Origins whose pages may call it.", examples=[["https://app.example.com"]]
    )
    static_prefix: Annotated[str, Field(pattern="^/")] | None = Field(
        default=None, description="Path that all its pages begin with.", examples=["/mlflow"]
    )
    prometheus: bool = Field(default=False, description="Serve its own metrics.", examples=[True])
    workspaces: bool = Field(default=False, description="Several tenants on one server.", examples=[False])
    jobs: bool | None = Field(default=None, description="The server's background jobs.", examples=[False])
    gc: Gc | None = Field(default=None, description="Removal of deleted runs.", examples=[{"older_than": "30d"}])


class Tracking(Model):
    """The tracking server."""

    server: Server | None = Field(default=None, description="Whose server it is.", examples=[{"type": "deployed"}])
    experiment: OwnExperiment | None = Field(default=None, description="Experiment of all runs.", examples=["churn"])
    experiments: Mapped[Line, Experiment] = Field(
        default={},
        description="More experiments, by name.",
        examples=[{"churn-notebooks": {"description": "Trying things out"}}],
    )
    models: Mapped[ModelName, RegisteredModel] = Field(
        default={},
        description="Registered models beside those of `registry`, by name.",
        examples=[{"churn-batch": {"aliases": {"champion": 3}}}],
    )
    webhooks: Named[Webhook] = Field(
        default={},
        description="Who is told what happens in the registry.",
        examples=[{"ci": {"url": "https://ci.example.com/mlflow", "events": ["model_version.created"]}}],
    )
    permissions: Mapped[Line, Permissions] = Field(
        default={},
        description="What users may do, by user name; for a server with `auth: {type: basic}`.",
        examples=[{"ann": {"experiments": "edit", "models": "read"}}],
    )
    backend_store: BackendStore | None = Field(
        default=None, description="Where the server keeps runs.", examples=[{"type": "postgres", "secret": "mlflow-db"}]
    )
    registry_store: BackendStore | None = Field(
        default=None,
        description="Where it keeps models, if elsewhere.",
        examples=[{"type": "postgres", "secret": "models-db"}],
    )
    artifacts: ArtifactStore | None = Field(
        default=None,
        description="Where the server keeps files.",
        examples=[{"type": "s3", "uri": "s3://acme-ml/mlflow"}],
    )
    auth: Auth | None = Field(
        default=None, description="How it knows its users.", examples=[{"type": "basic", "secret": "mlflow-user"}]
    )
    autolog: Many[Flavour] = Field(
        default=(), description="Libraries whose training is logged by itself.", examples=[["sklearn"]]
    )
    gateway: Gateway | None = Field(
        default=None,
        description="The AI gateway.",
        examples=[{"endpoints": {"chat": {"type": "chat", "provider": "openai", "model": "gpt-4o-mini"}}}],
    )
    options: Options | None = Field(default=None, description="Settings of the server.", examples=[{"workers": 2}])
    project: MlProject | None = Field(
        default=None,
        description="The steps as an MLproject too, for `mlflow run`, and where its programs run.",
        examples=[{"type": "system"}],
    )
    owner: Name | None = Field(default=None, description="The target that makes it.", examples=["kubernetes"])
