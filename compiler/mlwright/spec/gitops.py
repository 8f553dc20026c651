"""`gitops`: where the output is committed, for whoever applies it."""

from mlwright.spec.base import Model
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.text import Line, RelativePath
from mlwright.spec.scalars.uri import Repository


class Gitops(Model):
    """The repository that a delivery tool watches."""

    repo: Repository = Field(description="Address of the repository.", examples=["https://git.example.com/acme/churn"])
    revision: Line = Field(default="main", description="Branch or tag that is watched.", examples=["main"])
    path: RelativePath = Field(default="manifests", description="Folder of the output in it.", examples=["manifests"])
    automated: bool = Field(
        default=True,
        description="What is committed is applied, and what drifted is put right; without it, when somebody says so.",
        examples=[False],
    )
