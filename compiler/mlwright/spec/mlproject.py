"""`tracking.project`: the project as an MLproject, for `mlflow run`."""

from typing import Annotated, Literal

from mlwright.spec.base import Model
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.image import ImageRef
from mlwright.spec.scalars.text import RelativePath


class SystemProject(Model):
    """Programs run in the Python that `mlflow run --env-manager local` finds."""

    type: Literal["system"] = Field(description="The caller's own environment.", examples=["system"])


class PythonProject(Model):
    """`mlflow run` makes a virtual environment first."""

    type: Literal["python"] = Field(description="A virtual environment.", examples=["python"])
    requirements: RelativePath = Field(
        description="What is installed into it: a requirements file of pip.", examples=["requirements.txt"]
    )


class DockerProject(Model):
    """`mlflow run` starts every step in a container."""

    type: Literal["docker"] = Field(description="A container.", examples=["docker"])
    image: ImageRef = Field(
        description="Its image, with Python and what the programs import; the project's folder is mounted.",
        examples=["ghcr.io/acme/churn:1.4.2"],
    )


MlProject = Annotated[SystemProject | PythonProject | DockerProject, Field(discriminator="type")]
