"""`steps`, `training`, `evaluation` and `defaults`: one shape under four names."""

from mlwright.spec.base import Model
from mlwright.spec.container import Attempted, Step
from mlwright.spec.declaration import Field
from mlwright.spec.serving import DefaultService

Training = Step
Evaluation = Step


class DefaultStep(Attempted):
    """What every step has unless it says otherwise."""


class Defaults(Model):
    """What entries have unless they say otherwise."""

    steps: DefaultStep | None = Field(
        default=None, description="For every step.", examples=[{"image": "ghcr.io/acme/churn:1.4.2"}]
    )
    serving: DefaultService | None = Field(
        default=None, description="For every service.", examples=[{"resources": {"cpu": 1, "memory": "2Gi"}}]
    )
