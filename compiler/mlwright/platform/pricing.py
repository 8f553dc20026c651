"""The price file, as ops write it down."""

from typing import Annotated, Literal

from mlwright.spec.base import Mapped, Model
from mlwright.spec.declaration import Field

Amount = Annotated[float, Field(ge=0)]


class Prices(Model):
    """What things cost, in one currency. What is not listed costs nothing."""

    apiVersion: Literal["mlwright.dev/v1"] = Field(
        description="Version of this language.", examples=["mlwright.dev/v1"]
    )
    kind: Literal["Prices"] = Field(description="What the file is.", examples=["Prices"])
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = Field(
        description="Currency, as ISO 4217 writes it.", examples=["EUR"]
    )
    cpu_hour: Amount = Field(default=0.0, description="One processor for an hour.", examples=[0.035])
    memory_gib_hour: Amount = Field(default=0.0, description="One GiB of memory for an hour.", examples=[0.004])
    gpu_hour: Mapped[str, Amount] = Field(
        default={},
        description="One GPU for an hour, by the platform file's name of its model or by its resource.",
        examples=[{"a100": 2.9, "nvidia.com/gpu": 0.6}],
    )
    storage_gib_month: Amount = Field(default=0.0, description="One GiB of a volume for a month.", examples=[0.08])
