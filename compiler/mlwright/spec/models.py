"""`models`: several models in one project, each with the four sections."""

from typing import Annotated

from mlwright.spec.base import Mapped, Model
from mlwright.spec.container import Items, Step
from mlwright.spec.declaration import Field
from mlwright.spec.registry import Registry
from mlwright.spec.scalars.names import ParamName
from mlwright.spec.tuning import Tuning


class ModelEntry(Model):
    """One model: what the top-level sections of the same names are for a project with one."""

    training: Step | None = Field(
        default=None, description="How it is trained.", examples=[{"command": ["python", "train.py"]}]
    )
    tuning: Tuning | None = Field(
        default=None,
        description="How its parameters are searched.",
        examples=[{"objective": "auc", "space": {"lr": {"min": 0.1, "max": 1}}, "trials": {"max": 10}}],
    )
    evaluation: Step | None = Field(
        default=None, description="How it is judged.", examples=[{"command": ["python", "evaluate.py"]}]
    )
    registry: Registry | None = Field(
        default=None,
        description="What is registered.",
        examples=[{"model": "ranker", "from": "${training.outputs.model}"}],
    )
    for_each: Mapped[ParamName, Items] = Field(
        default={}, description="One model for each item.", examples=[{"store": ["berlin", "paris"]}]
    )
    max_parallel: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Most items at the same time.", examples=[2]
    )
