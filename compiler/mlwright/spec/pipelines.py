"""`pipelines`: which nodes run together, and when."""

from typing import Annotated, ClassVar, Literal

from mlwright.spec.base import Json, Many, Mapped, Model, Named
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.cron import Cron, TimeZone
from mlwright.spec.scalars.names import Alias, ModelName, Name, NodePath, ParamName
from mlwright.spec.scalars.text import Line, Text
from mlwright.spec.scalars.uri import Repository, Uri


class Schedule(Model):
    """When it starts by itself; five cron fields are short for `{cron: ...}`."""

    short: ClassVar[str] = "cron"
    cron: Cron = Field(description="Five fields: minute hour day month weekday.", examples=["0 3 * * 1"])
    timezone: TimeZone | None = Field(
        default=None, description="IANA name; UTC by default.", examples=["Europe/Berlin"]
    )
    concurrency: Literal["allow", "forbid", "replace"] | None = Field(
        default=None, description="What happens while the last one still runs.", examples=["forbid"]
    )


class _Trigger(Model):
    params: Mapped[ParamName, Json] = Field(
        default={}, description="Parameter values, from the event.", examples=[{"day": "${event.body.day}"}]
    )


class WebhookTrigger(_Trigger):
    """Starts it when something calls."""

    type: Literal["webhook"] = Field(description="An HTTP call.", examples=["webhook"])
    path: Annotated[str, Field(pattern="^/")] | None = Field(
        default=None, description="Path of the call; by name.", examples=["/retrain"]
    )
    secret: Name | None = Field(default=None, description="The secret whose token the caller sends.", examples=["hook"])


class PipelineTrigger(_Trigger):
    """Starts it when another pipeline ends."""

    type: Literal["pipeline"] = Field(description="Another pipeline.", examples=["pipeline"])
    pipeline: Name = Field(description="Its name.", examples=["retrain"])
    status: Literal["succeeded", "failed", "ended"] = Field(
        default="succeeded", description="How it must have ended.", examples=["succeeded"]
    )


class ObjectTrigger(_Trigger):
    """Starts it when an object appears in a bucket."""

    type: Literal["object-created"] = Field(description="A new object in a bucket.", examples=["object-created"])
    uri: Text = Field(description="The object or its folder.", examples=["${data.customers.uri}"])
    secret: Name | None = Field(default=None, description="The secret that opens the bucket.", examples=["lake"])
    queue: Line | None = Field(
        default=None,
        description="Queue that the bucket's notifications go to: of SQS (an ARN), Pub/Sub (a subscription) or Azure.",
        examples=["arn:aws:sqs:eu-central-1:123456789012:landed"],
    )
    endpoint: Uri | None = Field(
        default=None,
        description="Address of a MinIO server, which is asked itself.",
        examples=["https://minio.example.com"],
    )


class ModelTrigger(_Trigger):
    """Starts it when a model has a new version, or an alias moves."""

    type: Literal["model-version"] = Field(description="A registered model.", examples=["model-version"])
    model: ModelName = Field(description="Its name.", examples=["churn"])
    alias: Alias | None = Field(
        default=None, description="The alias that moves; any new version without it.", examples=["champion"]
    )


class GitTrigger(_Trigger):
    """Starts it when somebody pushes to a repository, which calls."""

    type: Literal["git-push"] = Field(description="A push.", examples=["git-push"])
    repo: Repository = Field(description="Address of the repository.", examples=["https://github.com/acme/churn"])
    branch: Line | None = Field(default=None, description="The branch; any without it.", examples=["main"])
    provider: Literal["github", "gitlab"] = Field(default="github", description="What hosts it.", examples=["gitlab"])
    path: Annotated[str, Field(pattern="^/")] | None = Field(
        default=None, description="Path of the call; by name.", examples=["/push"]
    )
    secret: Name | None = Field(
        default=None,
        description="The secret that calls are signed with; GitLab sends it as a token.",
        examples=["hook"],
    )


class CronTrigger(_Trigger):
    """Starts it by the clock, beside its `schedule`."""

    type: Literal["cron"] = Field(description="A clock.", examples=["cron"])
    cron: Cron = Field(description="Five fields: minute hour day month weekday.", examples=["0 6 1 * *"])
    timezone: TimeZone | None = Field(
        default=None, description="IANA name; UTC by default.", examples=["Europe/Berlin"]
    )


class MessageTrigger(_Trigger):
    """Starts it for each message."""

    type: Literal["message"] = Field(description="A message.", examples=["message"])
    broker: Literal["kafka", "nats", "amqp", "redis"] = Field(description="What carries it.", examples=["kafka"])
    address: Line = Field(description="Address of the broker, as its clients write it.", examples=["kafka.infra:9092"])
    topic: Line = Field(description="Topic, subject, routing key or stream.", examples=["scores.requested"])
    secret: Name | None = Field(
        default=None,
        description="The secret with `username` and `password`; Redis takes the latter alone.",
        examples=["kafka"],
    )


Trigger = Annotated[
    WebhookTrigger | PipelineTrigger | ObjectTrigger | ModelTrigger | GitTrigger | CronTrigger | MessageTrigger,
    Field(discriminator="type"),
]


class Pipeline(Model):
    """Nodes with all that they need."""

    run: Many[NodePath] = Field(min_length=1, description="Paths of the nodes.", examples=[["registry"]])
    schedule: Schedule | None = Field(default=None, description="When it starts by itself.", examples=["0 3 * * 1"])
    triggers: Named[Trigger] = Field(
        default={}, description="What starts it.", examples=[{"hook": {"type": "webhook"}}]
    )
    params: Mapped[ParamName, Json] = Field(default={}, description="Parameter values.", examples=[{"epochs": 20}])
    description: str = Field(default="", description="For readers.", examples=["every Monday"])
    owner: Name | None = Field(default=None, description="The target that runs it.", examples=["argo"])
