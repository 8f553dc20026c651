"""What `mlwright tracking apply` makes on the tracking server: experiments, models, webhooks, permissions."""

from typing import Annotated, ClassVar, Literal

from mlwright.spec.base import Many, Mapped, Model
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.names import Alias, Name
from mlwright.spec.scalars.text import Line
from mlwright.spec.scalars.uri import Uri

Event = Literal[
    "registered_model.created", "model_version.created", "model_version_tag.set", "model_version_tag.deleted",
    "model_version_alias.created", "model_version_alias.deleted", "prompt.created", "prompt_version.created",
    "prompt_tag.set", "prompt_tag.deleted", "prompt_version_tag.set", "prompt_version_tag.deleted",
    "prompt_alias.created", "prompt_alias.deleted", "budget_policy.exceeded",
]  # fmt: skip
Level = Literal["read", "use", "edit", "manage"]


class Experiment(Model):
    """An experiment of the tracking server."""

    description: str = Field(default="", description="What it is about.", examples=["Who leaves next month"])
    tags: Mapped[Line, str] = Field(default={}, description="Its tags.", examples=[{"team": "growth"}])
    artifact_location: Uri | None = Field(
        default=None,
        description="Where its runs' files are, if not where the server puts them; never changed afterwards.",
        examples=["s3://acme-ml/mlflow/churn"],
    )


class OwnExperiment(Experiment):
    """The experiment of all runs."""

    short: ClassVar[str] = "name"

    name: Line | None = Field(default=None, description="Its name; project-environment by default.", examples=["churn"])


class RegisteredModel(Model):
    """A registered model that no `registry` section makes versions of."""

    description: str = Field(default="", description="What it is.", examples=["Made by the batch team"])
    tags: Mapped[Line, str] = Field(default={}, description="Tags of the model.", examples=[{"team": "batch"}])
    aliases: Mapped[Alias, Annotated[int, Field(ge=1)]] = Field(
        default={}, description="Aliases and the version that each points at.", examples=[{"champion": 3}]
    )


class Webhook(Model):
    """A program elsewhere that the server tells what happens in the registry."""

    url: Uri = Field(description="Where it listens; https.", examples=["https://ci.example.com/mlflow"])
    events: Many[Event] = Field(min_length=1, description="What it is told.", examples=[["model_version.created"]])
    secret: Name | None = Field(
        default=None, description="Secret whose key `secret` signs what is sent.", examples=["mlflow-hook"]
    )
    description: str = Field(default="", description="What it is for.", examples=["Opens the pull request"])
    status: Literal["active", "disabled"] = Field(default="active", description="On or off.", examples=["active"])


class Permissions(Model):
    """What a user may do with the experiments and models of this project."""

    experiments: Level | None = Field(default=None, description="With its experiments.", examples=["edit"])
    models: Level | None = Field(default=None, description="With its registered models.", examples=["read"])
