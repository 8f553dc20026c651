"""`storage`: every place that the project writes to."""

from typing import Annotated, Literal, Self

from mlwright.spec.base import Model
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.names import Name, NamespaceName
from mlwright.spec.scalars.quantity import Memory
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import Line, RelativePath
from mlwright.spec.scalars.uri import Uri


class MlflowStorage(Model):
    """Through the tracking server: no credentials in any container."""

    type: Literal["mlflow"] = Field(description="Through the tracking server.", examples=["mlflow"])
    max_proxied: Memory | None = Field(
        default=None, description="Largest output that goes through the server; 5Gi by default.", examples=["5Gi"]
    )


class VolumeStorage(Model):
    """A volume of the platform: one that exists (`claim`), or a new one of `size`."""

    type: Literal["volume"] = Field(description="A volume of the platform.", examples=["volume"])
    claim: NamespaceName | None = Field(default=None, description="A claim that exists already.", examples=["imagenet"])
    size: Memory | None = Field(default=None, description="Size of a new volume.", examples=["100Gi"])
    mode: Literal["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod"] | None = Field(
        default=None, description="Who may use a new volume at the same time.", examples=["ReadWriteMany"]
    )
    class_: Line | None = Field(
        default=None, alias="class", description="Storage class of a new volume.", examples=["fast"]
    )

    @model_validator(mode="after")
    def old_or_new(self) -> Self:
        """`claim`, or `size` with `mode` and `class`."""
        if (self.claim is None) == (self.size is None):
            raise refuse(
                "SPEC008", "a volume has either `claim` (it exists) or `size` (it is made)", "keep one of them"
            )
        if self.claim is not None and (self.mode or self.class_):
            raise refuse("SPEC008", "an existing claim has its mode and class already", "leave `mode` and `class` out")
        return self


class DirectoryStorage(Model):
    """A folder beside the project file, for `local` and `compose`."""

    type: Literal["directory"] = Field(description="A folder on this machine.", examples=["directory"])
    path: RelativePath | None = Field(
        default=None, description="The folder; `.mlwright/<name>` by default.", examples=[".mlwright/warehouse"]
    )


class _Bucket(Model):
    uri: Uri = Field(description="Address of the bucket or folder.", examples=["s3://acme-ml"])
    secret: Name | None = Field(default=None, description="The secret that opens it.", examples=["lake"])

    @model_validator(mode="after")
    def right_scheme(self) -> Self:
        """The address is of the storage's own type."""
        wanted = {"s3": "s3", "gs": "gs", "azure": "abfss"}[getattr(self, "type")]  # noqa: B009 - in the subclasses
        if self.uri.scheme != wanted:
            raise refuse("URI003", f"`{self.uri.text}` is not an address of this type", f"it begins with `{wanted}://`")
        return self


class S3Storage(_Bucket):
    """A bucket of S3 or of a compatible store."""

    type: Literal["s3"] = Field(description="S3 or a compatible store.", examples=["s3"])


class GsStorage(_Bucket):
    """A bucket of Google Cloud Storage."""

    type: Literal["gs"] = Field(description="Google Cloud Storage.", examples=["gs"])
    uri: Uri = Field(description="Address of the bucket or folder.", examples=["gs://acme-ml"])


class AzureStorage(_Bucket):
    """A container of Azure storage."""

    type: Literal["azure"] = Field(description="Azure storage.", examples=["azure"])
    uri: Uri = Field(
        description="Address of the container or folder.", examples=["abfss://models@acme.dfs.core.windows.net/churn"]
    )


Storage = Annotated[
    MlflowStorage | VolumeStorage | DirectoryStorage | S3Storage | GsStorage | AzureStorage, Field(discriminator="type")
]
