"""How a scalar says what is wrong with its text: a diagnostic code, plain words, and what to type instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pydantic_core import CoreSchema, PydanticCustomError


def refuse(code: str, message: str, help: str = "", chars: tuple[int, int] | None = None) -> PydanticCustomError:
    """The error to raise: `code` is a key of `diag.codes`; `chars` narrows the label to a range of the value's text."""
    from pydantic_core import PydanticCustomError  # only what is refused pays for it

    kind: Any = code
    return PydanticCustomError(kind, "{message}", {"message": message, "help": help, "chars": chars})


class Scalar:
    """Base of the parsed scalars: frozen values with the `text` as written, made by `parse`.

    Subclasses set `json` (their JSON Schema) and raise `refuse(...)` from `parse` for what is not theirs.
    """

    __slots__ = ()
    json: ClassVar[dict[str, Any]] = {"type": "string"}

    @classmethod
    def parse(cls, value: object) -> Any:
        """The parsed value of a YAML scalar."""
        raise NotImplementedError

    @classmethod
    def accept(cls, value: object) -> Any:
        """The parsed value of a YAML scalar, or of one that is parsed already."""
        return value if isinstance(value, cls) else cls.parse(value)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(cls.accept)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        return dict(cls.json)
