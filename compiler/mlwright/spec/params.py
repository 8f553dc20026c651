"""`params`: the project's typed parameters."""

from typing import ClassVar, Literal, Self

from mlwright.spec.base import Json, Many, Model
from mlwright.spec.declaration import Field, model_validator
from mlwright.spec.scalars.refusal import refuse

ParamType = Literal["string", "int", "float", "bool", "json"]
_PYTHON: dict[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}
EXACT = 2**53


class Param(Model):
    """One parameter; a bare value or a list is short for its type and default."""

    short: ClassVar[str] = "default"
    short_types: ClassVar[tuple[type, ...]] = (str, int, float, bool, list, tuple)

    type: ParamType = Field(description="Type of the value.", examples=["float"])
    default: Json = Field(default=None, description="The value unless something else gives one.", examples=[0.05])
    min: float | None = Field(default=None, description="Least value; numbers only.", examples=[0.0001])
    max: float | None = Field(default=None, description="Greatest value; numbers only.", examples=[1.0])
    choices: Many[Json] = Field(default=(), description="The only values there are.", examples=[["small", "large"]])
    description: str = Field(default="", description="For readers.", examples=["step size of the optimiser"])

    @model_validator(mode="before")
    @classmethod
    def infer_type(cls, value: object) -> object:
        """A default says its type where `type` does not."""
        if not isinstance(value, dict):
            return {"type": type_of(value), "default": value} if isinstance(value, cls.short_types) else value
        if value.get("type") is None and value.get("default") is not None:
            return {**value, "type": type_of(value["default"])}
        return value

    @model_validator(mode="after")
    def agree(self) -> Self:
        """The default and the choices are of the type, and inside the bounds."""
        if self.type not in ("int", "float") and (self.min is not None or self.max is not None):
            raise refuse("SPEC019", f"a {self.type} has no `min` and `max`", "use `choices`, or `type: float`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refuse("SPEC005", f"`min` {self.min:g} is above `max` {self.max:g}", "swap them")
        values = self.choices if self.default is None else (self.default, *self.choices)
        for value in values:
            self._check(value)
        if self.choices and self.default is not None and self.default not in self.choices:
            shown = ", ".join(_shown(item) for item in self.choices)
            raise refuse(
                "SPEC019", f"the default {_shown(self.default)} is none of the choices", f"choices are {shown}"
            )
        return self

    def _check(self, value: Json) -> None:
        wanted = _PYTHON.get(self.type)
        if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and self.type != "bool")):
            raise refuse("SPEC019", f"{_shown(value)} is not of type {self.type}", _retype(self.type, value))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if isinstance(value, int) and abs(value) > EXACT:
                raise refuse(
                    "SPEC005",
                    f"{value} is beyond 2^53, where engines lose digits",
                    "use `type: string` for identifiers",
                )
            low, high = self.min, self.max
            if (low is not None and value < low) or (high is not None and value > high):
                raise refuse(
                    "SPEC005", f"{_shown(value)} is outside `min` and `max`", "widen them, or change the value"
                )


def type_of(value: object) -> ParamType:
    """The parameter type that a value speaks for."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int"
    return "float" if isinstance(value, float) else "string" if isinstance(value, str) else "json"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _retype(wanted: str, value: object) -> str:
    if wanted == "string" and not isinstance(value, (list, dict, tuple)):
        shown = str(value).lower() if isinstance(value, bool) else value
        return f'write `"{shown}"`, or `type: {type_of(value)}`'
    return f"change the value, or write `type: {type_of(value)}`"
