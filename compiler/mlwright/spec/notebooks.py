"""`notebooks`: places to explore."""

from mlwright.spec.container import Container
from mlwright.spec.declaration import Field
from mlwright.spec.scalars.names import NodePath
from mlwright.spec.serving import Port


class Notebook(Container):
    """A notebook server: a container, and its port."""

    like: NodePath | None = Field(
        default=None,
        description="A step whose image and environment variables it has, beneath its own.",
        examples=["training"],
    )
    port: Port | None = Field(default=None, description="Port that it listens on; 8888 by default.", examples=[8888])
