"""`patches` and `objects`: the escape hatch."""

from typing import Annotated, Literal, Self

from mlwright.spec.base import Json, Many, Mapped, Model
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.names import Name, NodePath
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.text import Line, RelativePath


class PatchTarget(Model):
    """Which emitted objects: those of a node, of one kind."""

    node: NodePath = Field(description="Path of the node.", examples=["serving.online"])
    kind: Line = Field(description="Kind of the object, embedded ones too.", examples=["InferenceService"])


class PatchOperation(Model):
    """One operation of RFC 6902."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"] = Field(
        description="What it does.", examples=["add"]
    )
    path: Annotated[str, Field(pattern="^(/|$)")] = Field(description="JSON pointer.", examples=["/spec/suspend"])
    value: Json = Field(default=None, description="For add, replace and test.", examples=[True])
    from_: Annotated[str, Field(pattern="^(/|$)")] | None = Field(
        default=None, alias="from", description="For move and copy.", examples=["/spec/a"]
    )

    @model_validator(mode="before")
    @classmethod
    def open_notes(cls, value: object) -> object:
        """`value: null` is a value here, unlike elsewhere."""
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in value.items() if not key.startswith("x-")}

    @model_validator(mode="after")
    def complete(self) -> Self:
        """`value` and `from` where the operation has them."""
        moves = self.op in ("move", "copy")
        if moves != (self.from_ is not None):
            raise refuse("SPEC008", f"`{self.op}` {'needs' if moves else 'has no'} `from`", "see RFC 6902")
        if (self.op in ("move", "copy", "remove")) and "value" in self.model_fields_set:
            raise refuse("SPEC008", f"`{self.op}` has no `value`", "leave it out")
        if self.op in ("add", "replace", "test") and "value" not in self.model_fields_set:
            raise refuse("SPEC008", f"`{self.op}` needs `value`", "write `value:`")
        return self


class Patch(Model):
    """A change of emitted objects."""

    why: Line = Field(description="Shown wherever the patch is.", examples=["requests in flight take five minutes"])
    on: PatchTarget = Field(
        description="Which objects.", examples=[{"node": "serving.online", "kind": "InferenceService"}]
    )
    merge: dict[str, Json] | None = Field(
        default=None, description="Merged into each; lists by their keys.", examples=[{"spec": {"suspend": True}}]
    )
    ops: Many[PatchOperation] | None = Field(
        default=None,
        min_length=1,
        description="Operations of RFC 6902.",
        examples=[[{"op": "add", "path": "/spec/suspend", "value": True}]],
    )
    all: bool = Field(default=False, description="Several objects may match.", examples=[True])
    until: Mapped[Name, str] = Field(
        default={}, description="Warn when a system has reached this version.", examples=[{"kserve": "0.22"}]
    )

    @model_validator(mode="after")
    def one_form(self) -> Self:
        """Exactly one of `merge` and `ops`."""
        if (self.merge is None) == (self.ops is None):
            raise refuse("SPEC008", "a patch has either `merge` or `ops`", "keep one of them")
        return self


class Objects(Model):
    """Files that are added as they are."""

    path: RelativePath = Field(description="File or folder.", examples=["k8s/dashboards/"])
    target: Name | None = Field(default=None, description="The target whose output they join.", examples=["kubernetes"])
