"""`registry`: the model that a run registers."""

from mlwright.spec.base import Mapped, Model
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.names import Alias, ModelName, Name
from mlwright.spec.scalars.text import Text


class OnPass(Model):
    """What happens when every gate has passed."""

    alias: Alias = Field(description="The alias that moves to the new version.", examples=["challenger"])


class Registry(Model):
    """Registers an output as a new version of a model."""

    model: ModelName = Field(description="Name of the registered model.", examples=["churn"])
    from_: Text = Field(
        alias="from", description="The output that is registered.", examples=["${training.outputs.model}"]
    )
    description: str = Field(
        default="", description="Description of the registered model.", examples=["Churn within a month"]
    )
    tags: Mapped[str, str] = Field(default={}, description="Tags of each version.", examples=[{"tier": "gold"}])
    model_tags: Mapped[str, str] = Field(
        default={}, description="Tags of the registered model.", examples=[{"team": "growth"}]
    )
    on_pass: OnPass | None = Field(
        default=None, description="What happens when every gate has passed.", examples=[{"alias": "challenger"}]
    )
    owner: Name | None = Field(default=None, description="The target that runs the registration.", examples=["argo"])
