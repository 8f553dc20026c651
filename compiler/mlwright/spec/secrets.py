"""`secrets`: names of secrets and of their keys; never their values."""

from mlwright.spec.base import Many, Model
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.names import SecretKey
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import Line

_LITERALS = ("value", "values", "data", "stringData", "literal", "password", "token")


class Secret(Model):
    """A secret that exists elsewhere: its keys, and where it is."""

    keys: Many[SecretKey] = Field(
        min_length=1,
        description="Keys, each the name of an environment variable.",
        examples=[["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]],
    )
    name: Line | None = Field(
        default=None, description="Name of an existing Kubernetes Secret.", examples=["lake-credentials"]
    )
    remote: Line | None = Field(default=None, description="Path in the external secret store.", examples=["ml/lake"])

    @model_validator(mode="before")
    @classmethod
    def no_literal(cls, value: object) -> object:
        """Refuses anything that looks like a secret's value."""
        literal = value if isinstance(value, str) else None
        keys = value.get("keys") if isinstance(value, dict) else None
        if (
            literal is not None
            or isinstance(keys, dict)
            or (isinstance(value, dict) and any(key in value for key in _LITERALS))
        ):
            raise refuse(
                "SEC001",
                "the value of a secret stands in this file",
                "take it out, change it wherever it is used, and write only `{keys: [NAME]}` here",
            )
        return value
