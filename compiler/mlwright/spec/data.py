"""`data`: what the project reads and does not make."""

from typing import Literal

from mlwright.spec.base import Model
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.names import Name
from mlwright.spec.scalars.uri import Location


class DataSource(Model):
    """A source of data."""

    source: Location = Field(
        description="An address, or a path relative to this file.", examples=["s3://acme-lake/churn/customers.parquet"]
    )
    secret: Name | None = Field(default=None, description="The secret that opens it.", examples=["lake"])
    access: Literal["download", "uri", "mount"] | None = Field(
        default=None,
        description="`download` it before the command (default), pass its `uri`, or `mount` it.",
        examples=["download"],
    )
    description: str = Field(default="", description="For readers.", examples=["one row per customer"])
