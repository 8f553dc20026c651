"""`tuning`: the search for the best parameters."""

from typing import Annotated, ClassVar, Literal, Self

from mlwright.spec.base import Json, Many, Mapped, Model
from mlwright.spec.container import Step
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.names import Name, ParamName
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import Line

AlgorithmName = Literal[
    "random", "grid", "tpe", "multivariate-tpe", "bayesianoptimization", "cmaes", "sobol", "hyperband", "pbt", "enas",
    "darts",
]  # fmt: skip


class Algorithm(Model):
    """How the next trial is chosen; its name is short for `{name: ...}`."""

    short: ClassVar[str] = "name"
    name: AlgorithmName = Field(description="Name of the algorithm, as in Katib.", examples=["tpe"])
    settings: Mapped[str, Json] = Field(
        default={}, description="The algorithm's own settings.", examples=[{"n_startup_trials": 10}]
    )


class EarlyStopping(Model):
    """When a trial that does badly ends before its time; its name is short for `{name: ...}`."""

    short: ClassVar[str] = "name"
    name: Literal["medianstop"] = Field(description="Name of the rule.", examples=["medianstop"])
    settings: Mapped[str, Json] = Field(
        default={}, description="The rule's own settings.", examples=[{"min_trials_required": 3}]
    )


class Dimension(Model):
    """The values that one parameter is tried with: a list, or a range."""

    values: Many[Json] | None = Field(
        default=None, min_length=1, description="The only values to try.", examples=[[4, 6, 8]]
    )
    min: float | None = Field(default=None, description="Least value.", examples=[0.0001])
    max: float | None = Field(default=None, description="Greatest value.", examples=[0.3])
    step: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Distance between two values.", examples=[0.1]
    )
    distribution: Literal["uniform", "log_uniform", "normal", "log_normal"] | None = Field(
        default=None, description="How often each value is tried; uniform by default.", examples=["log_uniform"]
    )
    mean: float | None = Field(default=None, description="Centre of a normal distribution.", examples=[0.1])
    sigma: Annotated[float, Field(gt=0)] | None = Field(
        default=None, description="Width of a normal distribution.", examples=[0.02]
    )

    @model_validator(mode="after")
    def list_or_range(self) -> Self:
        """`values` alone, or `min` and `max` with what goes with them."""
        normal = self.distribution in ("normal", "log_normal")
        others = (self.min, self.max, self.step, self.distribution, self.mean, self.sigma)
        if self.values is not None and any(item is not None for item in others):
            raise refuse("SPEC008", "a list of values has no range", "keep `values`, or `min` and `max`")
        if self.values is None and (self.min is None or self.max is None):
            raise refuse(
                "SPEC008", "the values to try are missing", "give a list, `values`, or a range, `min` and `max`"
            )
        if (self.mean is not None or self.sigma is not None) and not normal:
            raise refuse(
                "SPEC008", "`mean` and `sigma` belong to a normal distribution", "write `distribution: normal`"
            )
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise refuse("SPEC005", f"`min` {self.min:g} is not below `max` {self.max:g}", "swap them, or use `values`")
        if self.distribution == "log_uniform" and self.min is not None and self.min <= 0:
            raise refuse("SPEC005", "a logarithm needs `min` above zero", "raise `min`, or use `uniform`")
        return self


class Trial(Step):
    """What trials do differently; merged over `training`."""

    params: Mapped[ParamName, Json] = Field(
        default={}, description="Parameter values for every trial.", examples=[{"epochs": 3}]
    )


class Trials(Model):
    """How many trials there are, in all and at once."""

    max: Annotated[int, Field(ge=1)] = Field(description="Trials in all.", examples=[30])
    parallel: Annotated[int, Field(ge=1)] = Field(default=1, description="Trials at the same time.", examples=[3])
    max_failed: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="One more failed trial than this ends the search.", examples=[3]
    )


class Tuning(Model):
    """Trials of `training`, then `training` once with the best parameters."""

    objective: Line = Field(description="A metric of `training` that has a goal.", examples=["val_auc"])
    stop_at: float | None = Field(default=None, description="End the search at this value.", examples=[0.95])
    algorithm: Algorithm | None = Field(default=None, description="How trials are chosen.", examples=["tpe"])
    space: Mapped[ParamName, Dimension] = Field(
        min_length=1, description="What is searched, by parameter.", examples=[{"max_depth": {"values": [4, 6, 8]}}]
    )
    trial: Trial | None = Field(
        default=None, description="What trials do differently.", examples=[{"params": {"epochs": 3}}]
    )
    trials: Trials = Field(description="How many trials.", examples=[{"max": 30, "parallel": 3}])
    early_stopping: EarlyStopping | None = Field(
        default=None, description="When a bad trial ends early.", examples=["medianstop"]
    )
    resume: Literal["never", "volume", "running"] | None = Field(
        default=None, description="What is kept for going on with a finished search.", examples=["never"]
    )
    retrain: bool = Field(
        default=True, description="Train again with the best parameters; else the best trial counts.", examples=[True]
    )
    owner: Name | None = Field(default=None, description="The target that runs the search.", examples=["kubeflow"])
