"""`monitoring`: what raises an alert."""

from typing import Annotated, Any, ClassVar, Literal, Self

from mlwright.record import dataclass
from mlwright.spec.base import Model, Named
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.duration import Duration
from mlwright.spec.scalars.names import NodePath
from mlwright.spec.scalars.refusal import Scalar, refuse
from mlwright.spec.scalars.text import Line


@dataclass(frozen=True, slots=True)
class Threshold(Scalar):
    """A bound: a number, a length of time (in seconds), or a percentage (`value` 0.05 for `5%`)."""

    json: ClassVar[dict[str, Any]] = {
        "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[\d.]+(%|[a-z0-9.]+)$"}]
    }
    text: str
    value: float
    unit: Literal["", "seconds", "ratio"]

    @classmethod
    def parse(cls, value: object) -> "Threshold":
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return cls(repr(value), float(value), "")
        if isinstance(value, str) and value.endswith("%"):
            try:
                return cls(value, float(value[:-1]) / 100, "ratio")
            except ValueError:
                raise refuse("SPEC005", f"`{value}` is not a percentage", "write for example `5%`") from None
        if isinstance(value, str):
            return cls(value, Duration.parse(value).seconds, "seconds")
        raise refuse("SPEC003", "a number, a time or a percentage is expected here", "write `0.5`, `250ms` or `5%`")


class Alert(Model):
    """Fires when a measure is out of bounds for some time."""

    on: NodePath = Field(description="Path of what is watched.", examples=["serving.online"])
    metric: Line = Field(description="What is measured.", examples=["latency"])
    quantile: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="Which part of the distribution counts.", examples=[0.99]
    )
    max: Threshold | None = Field(default=None, description="Greatest good value.", examples=["250ms"])
    min: Threshold | None = Field(default=None, description="Least good value.", examples=[0.5])
    for_: Duration | None = Field(default=None, alias="for", description="How long it must last.", examples=["10m"])
    severity: Literal["critical", "warning", "info"] = Field(
        default="warning", description="How urgent it is.", examples=["critical"]
    )
    description: str = Field(default="", description="What whoever is woken up reads.", examples=["answers are slow"])

    @model_validator(mode="after")
    def bounded(self) -> Self:
        """At least one bound."""
        if self.max is None and self.min is None:
            raise refuse("SPEC008", "this alert never fires", "give it `max` or `min`")
        return self


class Monitoring(Model):
    """What is watched."""

    alerts: Named[Alert] = Field(
        default={},
        description="Alerts.",
        examples=[{"slow": {"on": "serving.online", "metric": "latency", "max": "250ms"}}],
    )
