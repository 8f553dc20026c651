"""Amounts of processors, memory and GPUs, written the way Kubernetes writes them."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar

from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.spec.declaration import AfterValidator, BeforeValidator, WithJsonSchema
from mlwright.spec.scalars.refusal import Scalar, refuse

_NUMBER = r"(?P<number>\d+(?:\.\d+)?|\.\d+)"
_CPU = lazy(_NUMBER + r"(?P<unit>m?)")
_SPLIT = lazy(_NUMBER + r"\s*(?P<unit>[A-Za-z]*)")
_UNITS = {
    **{unit: 1024 ** (power + 1) for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))},
    **{unit: 1000 ** (power + 1) for power, unit in enumerate(("k", "M", "G", "T", "P", "E"))},
}
_SMALLEST = 1024**2
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cpu(Scalar):
    """Processors in `milli`-cores: `2`, `0.5` and `500m` are read; at least one milli-core."""

    json: ClassVar[dict[str, Any]] = {
        "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^(\d+(\.\d+)?|\.\d+)m?$"}]
    }
    text: str
    milli: int

    @classmethod
    def parse(cls, value: object) -> Cpu:
        text = _text(value, "QTY001", "an amount of processors", "2, 0.5 or 500m")
        match = _CPU.fullmatch(text)
        if match is None:
            split = _SPLIT.match(text)
            number = split["number"] if split else "2"
            raise refuse(
                "QTY001",
                f"`{text}` is not an amount of processors",
                f"write cores as a number, or thousandths with `m`: `{number}`, `0.5` or `500m`",
            )
        amount = float(match["number"]) * (1 if match["unit"] else 1000)
        if amount <= 0:
            raise refuse(
                "QTY005", "an amount of processors must be above zero", "leave the field out to ask for nothing"
            )
        if amount != int(amount):
            raise refuse(
                "QTY006", f"`{text}` is finer than a thousandth of a core", f"write `{max(1, round(amount))}m`"
            )
        return cls(text, int(amount))


@dataclass(frozen=True, slots=True)
class Memory(Scalar):
    """Memory or disk space in `bytes`: `512Mi`, `2Gi`, `1.5G` are read; at least one mebibyte."""

    json: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string", "pattern": r"^(\d+(\.\d+)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?$"},
            {"type": "integer", "minimum": _SMALLEST},
        ]
    }
    text: str
    bytes: int

    @classmethod
    def parse(cls, value: object) -> Memory:
        text = _text(value, "QTY002", "an amount of memory", "512Mi or 2Gi")
        match = _SPLIT.fullmatch(text)
        if match is None:
            raise refuse(
                "QTY002", f"`{text}` is not an amount of memory", "write a number and a unit: `512Mi`, `2Gi`, `1G`"
            )
        number, unit = match["number"], match["unit"]
        if unit == "m":
            raise refuse(
                "QTY004",
                f"`{text}` means thousandths of a byte, because `m` is milli",
                f"write `{number}Mi` (binary) or `{number}M` (decimal)",
            )
        if (unit and unit not in _UNITS) or text != number + unit:
            raise _wrong_unit(text, number, unit)
        amount = float(number) * _UNITS.get(unit, 1)
        if amount <= 0:
            raise refuse("QTY005", "an amount of memory must be above zero", "leave the field out to ask for nothing")
        if amount < _SMALLEST:
            raise refuse(
                "QTY007",
                f"`{text}` is less than a mebibyte: the unit is missing",
                f"write `{number}Mi` or `{number}Gi`",
            )
        if amount > _LARGEST:
            raise refuse(
                "QTY008", f"`{text}` is more than any machine has", "write a smaller amount, for example `64Gi`"
            )
        return cls(text, int(amount) if "." in number else int(number) * _UNITS.get(unit, 1))


def _wrong_unit(text: str, number: str, unit: str) -> Exception:
    letter = unit[:1].upper() if unit[:1] in "kmgtpeKMGTPE" else ""
    if not letter:
        return refuse(
            "QTY003", f"`{text}` has no unit of memory", "units are Ki Mi Gi Ti (binary) and k M G T (decimal)"
        )
    decimal = "k" if letter == "K" else letter
    return refuse(
        "QTY003",
        f"`{text}` is not written with a unit of memory",
        f"did you mean `{number}{decimal}` (powers of 1000) or `{number}{letter}i` (powers of 1024)?",
    )


def _text(value: object, code: str, what: str, example: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise refuse(code, f"{what} is expected here, not {_kind(value)}", f"write for example {example}")
    text = value if isinstance(value, str) else repr(value)
    if text.startswith("-"):
        raise refuse("QTY005", f"{what} must be above zero", f"write for example {example}")
    return text


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, (list, tuple)) else "nothing"


def _whole(value: object) -> object:
    if isinstance(value, float) or (isinstance(value, str) and re.fullmatch(r"\d*\.\d+|\d+m", value)):
        raise refuse("QTY009", f"`{value}` is not a number of GPUs: they cannot be split", "write a whole number: `1`")
    return value


def _not_negative(value: int) -> int:
    if value < 0:
        raise refuse("QTY009", "a number of GPUs cannot be below zero", "write `0` for none")
    return value


GpuCount = Annotated[
    int, AfterValidator(_not_negative), BeforeValidator(_whole), WithJsonSchema({"type": "integer", "minimum": 0})
]
"""A whole number of GPUs, 0 for none."""
