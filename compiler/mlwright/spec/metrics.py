"""What a step makes and reports: outputs, metrics, where metrics are read, and gates on them."""

from typing import Annotated, Literal, Self

from mlwright.spec.base import Model
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.names import Name
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import (
    Line,
    Pattern,
    Text,
)

OutputType = Literal["string", "int", "float", "bool", "json", "dataset", "model", "mlflow-model", "file", "directory"]


class Output(Model):
    """Something that the step makes: a path, or a value that it writes to a file."""

    type: OutputType = Field(
        description="Values are string, int, float, bool, json; the rest are paths.", examples=["dataset"]
    )
    description: str = Field(default="", description="For readers.", examples=["one row per customer"])


class Metric(Model):
    """A number that the program reports."""

    goal: Literal["maximize", "minimize"] | None = Field(
        default=None, description="Which direction is better.", examples=["maximize"]
    )
    pattern: Pattern | None = Field(
        default=None, description="Finds the value in the output; one group.", examples=["val_auc=(\\S+)"]
    )
    sample: str | None = Field(
        default=None, description="A line of real output that `pattern` must match.", examples=["epoch 3 val_auc=0.913"]
    )
    reduce: Literal["best", "last"] | None = Field(
        default=None,
        description="Which of several reported values counts. Best for a tuning objective, last elsewhere.",
        examples=["best"],
    )


class StdoutMetrics(Model):
    """Metrics are lines of the program's output."""

    type: Literal["stdout"] = Field(description="Read the program's output.", examples=["stdout"])


class FileMetrics(Model):
    """Metrics are in a file that the program writes."""

    type: Literal["file"] = Field(description="Read a file.", examples=["file"])
    path: Text = Field(description="The file.", examples=["/tmp/metrics.json"])
    format: Literal["text", "json"] = Field(
        default="text", description="Lines, or one JSON object a line.", examples=["json"]
    )


class MlflowMetrics(Model):
    """The program logs metrics to MLflow itself."""

    type: Literal["mlflow"] = Field(description="The program logs them itself.", examples=["mlflow"])


class TensorboardMetrics(Model):
    """Metrics are in TensorBoard event files."""

    type: Literal["tensorboard"] = Field(description="Read event files.", examples=["tensorboard"])
    path: Text = Field(description="Folder of the event files.", examples=["/tmp/events"])


class PrometheusMetrics(Model):
    """The program serves its metrics while it runs."""

    type: Literal["prometheus"] = Field(description="Scrape the program.", examples=["prometheus"])
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        default=8080, description="Port of the program.", examples=[9090]
    )
    path: str = Field(default="/metrics", description="Path of the metrics.", examples=["/metrics"])


MetricsFrom = Annotated[
    StdoutMetrics | FileMetrics | MlflowMetrics | TensorboardMetrics | PrometheusMetrics, Field(discriminator="type")
]


class Gate(Model):
    """A condition on a metric that decides whether the run goes on."""

    metric: Line = Field(description="A metric of the same step.", examples=["test_auc"])
    min: float | None = Field(default=None, description="Least value that passes.", examples=[0.85])
    max: float | None = Field(default=None, description="Greatest value that passes.", examples=[0.2])
    versus: Name | None = Field(
        default=None, description="Alias of the model version to be no worse than.", examples=["champion"]
    )
    tolerance: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="How much worse than `versus` still passes.", examples=[0.002]
    )
    on_fail: Literal["fail", "stop"] = Field(
        default="fail", description="`fail` the run, or `stop` it quietly.", examples=["stop"]
    )

    @model_validator(mode="after")
    def says_something(self) -> Self:
        """At least one bound, and not an empty range."""
        if self.min is None and self.max is None and self.versus is None:
            raise refuse("SPEC008", "this gate always passes", "give it `min`, `max` or `versus`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refuse(
                "SPEC005", f"no value is at least {self.min:g} and at most {self.max:g}", "swap `min` and `max`"
            )
        return self
