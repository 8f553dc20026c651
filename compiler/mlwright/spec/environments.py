"""`environments`: where the project runs, and what is different there."""

from typing import ClassVar, Literal

from mlwright.spec.base import Model
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.names import NamePrefix, NamespaceName
from mlwright.spec.scalars.text import Line


class Namespace(Model):
    """The Kubernetes namespace; its name is short for `{name: ...}`."""

    short: ClassVar[str] = "name"
    name: NamespaceName = Field(description="Its name.", examples=["churn-prod"])
    create: bool = Field(default=False, description="Make it, too.", examples=[True])


class Environment(Model):
    """An environment's own fields; everything else in it is merged over the file."""

    platform: Line = Field(
        description="`local` (mlwright run), `compose`, a built-in profile, or a platform file.",
        examples=["platforms/prod.yaml"],
    )
    default: bool = Field(default=False, description="The one to use when none is named.", examples=[True])
    namespace: Namespace | None = Field(
        default=None, description="Kubernetes namespace; the project's name by default.", examples=["churn-prod"]
    )
    start: Literal["manual", "on_change", "schedule"] | None = Field(
        default=None, description="What starts pipelines here.", examples=["schedule"]
    )
    mode: Literal["development", "production"] | None = Field(
        default=None, description="`development` pauses schedules and triggers.", examples=["development"]
    )
    name_prefix: NamePrefix | None = Field(
        default=None,
        description="Every object's name begins with it as it is, its `-` included, as with Kustomize's namePrefix.",
        examples=["ann-"],
    )
    allow_remote_writes: bool = Field(
        default=False, description="`local` and `compose` may write to remote addresses.", examples=[True]
    )
