"""What a bare word means: YAML 1.2 values, and the words on which YAML readers disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlwright.regex import lazy

if TYPE_CHECKING:
    from mlwright.source.tree import Scalar

MAX_DIGITS = 100
"""Digits of an integer. Python itself refuses to read beyond 4300, floats end at 308."""

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INT = lazy(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = lazy(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = lazy(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_NUMBER_START = frozenset("0123456789+-.")

_OLD_BOOLEANS = frozenset(
    word for base in ("y", "n", "yes", "no", "on", "off") for word in (base, base.capitalize(), base.upper())
)
_DATE = lazy(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?")
_SEXAGESIMAL = lazy(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_OCTAL = lazy(r"[-+]?0[0-9_]+")
_PREFIXED = lazy(r"[-+]?0(?:[xX][0-9a-fA-F_]+|[oO][0-7_]+|[bB][01_]+)")
_UNDERSCORED = lazy(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?")


class NotANumber(ValueError):
    """A number that cannot be kept: too long, too large, infinite or undefined. The text says why."""


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a bare word: null, true, false, a decimal integer, a float, or else the text itself.

    Octal, hexadecimal, dates, `yes` and the like stay text; `trap` explains them. Raises NotANumber.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INT.fullmatch(text):
        if len(text) > MAX_DIGITS:
            raise NotANumber(f"this number has {len(text)} digits; at most {MAX_DIGITS} are allowed")
        return int(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise NotANumber("this number is too large for a 64-bit float")
        return value
    if _SPECIAL_FLOAT.fullmatch(text):
        raise NotANumber(f"`{text}` is not a number that JSON, Kubernetes or the tracking server could store")
    return text


def trap(scalar: Scalar) -> str | None:
    """Why a bare word is risky where text is meant, as a sentence; None for quoted text and harmless words.

    For a value that already is not text (`1.10`, `true`) the sentence says what became of it.
    """
    if scalar.style:
        return None
    text, value = scalar.text, scalar.value
    if value is None:
        return f"`{text}` means no value at all" if text else "there is no value here"
    if isinstance(value, bool):
        return f"without quotes `{text}` is a truth value, not text"
    if isinstance(value, int | float):
        lost = "" if repr(value) == text else f" and becomes {value!r}"
        return f"without quotes `{text}` is a number{lost}"
    return _disputed(text)


def is_disputed(text: str) -> bool:
    """Whether other readers take a bare word that is text here for something else; most words begin as none does."""
    return (text[:1] in _NUMBER_START or text in _OLD_BOOLEANS) and _disputed(text) is not None


def _disputed(text: str) -> str | None:
    if text in _OLD_BOOLEANS:
        meaning = "true" if text.lower() in ("y", "yes", "on") else "false"
        return f"`{text}` is text here, but older YAML readers take it for {meaning}"
    if text[:1] not in _NUMBER_START:
        return None
    if _OCTAL.fullmatch(text):
        return f"`{text}` starts with a zero: older YAML readers take it for an octal number"
    if _PREFIXED.fullmatch(text):
        return f"some YAML readers take `{text}` for a number that is not decimal"
    if _SEXAGESIMAL.fullmatch(text):
        return f"`{text}` is text here, but older YAML readers take it for a number to the base 60"
    if _DATE.fullmatch(text):
        return f"`{text}` is text here, but many YAML readers take it for a date"
    if "_" in text and _UNDERSCORED.fullmatch(text):
        return f"`{text}` is text here, but older YAML readers take it for a number"
    return None
