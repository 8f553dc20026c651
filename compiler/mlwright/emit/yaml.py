"""The one YAML writer: block style, fixed indentation, and text that YAML 1.1, YAML 1.2 and Go readers read alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlwright.emit import json
from mlwright.emit.shared import KINDS
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.span import Path
from mlwright.target import Embedded

_FIRST = ("apiVersion", "kind", "metadata", "spec")
_WORDS = frozenset(["y", "yes", "n", "no", "on", "off", "true", "false", "null", "nan", "inf"])
_PLAIN = lazy(
    r"(?:[A-Za-z_/$]|[0-9](?=.*[g-npqrsuvwyG-NP-SU-WY/@])|\.{1,2}/|-{1,2}[A-Za-z])"
    r"[A-Za-z0-9 _./@+=~<>()$;,!*?&|%'\"^:#-]*"
)
_NOT_PLAIN = lazy(r": |:$| #| $")
# What an editor, a terminal or another reader would not show or would take for a line end, beside what YAML forbids.
_HIDDEN = lazy(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\uffff"
    "\U000e0000-\U000e0fff]"
)
_SURROGATE = lazy("[\ud800-\udfff]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\x00": "\\0"}
_SHORT = 80
_KNOWN = 65536
_KEY_LIMIT = 1000  # YAML readers look at most 1024 characters ahead for the colon of a simple key


@dataclass(frozen=True, slots=True)
class Rendered:
    """The text of one document and the 1-based line on which each value's key (or list dash) stands, those in embedded
    documents too."""

    text: str
    lines: Mapping[Path, int]


def write(data: Mapping[str, Any], header: str = "") -> str:
    """The document's text; equal data in equal order gives equal text. `header` becomes comment lines at the top.

    Raises TypeError for values that are not JSON, and ValueError for lone surrogates, NaN and infinities.
    """
    return _text(data, header, None)


def render(data: Mapping[str, Any], header: str = "") -> Rendered:
    """Like `write`, with the line of every path."""
    lines: dict[Path, int] = {}
    return Rendered(text=_text(data, header, lines), lines=lines)


def _text(data: Mapping[str, Any], header: str, lines: dict[Path, int] | None) -> str:
    writer = _Writer([f"# {line}".rstrip() for line in header.splitlines()], lines)
    if data:
        writer.mapping(data, (), 0, "")
    else:
        writer.out.append("{}")
    return "\n".join(writer.out) + "\n"


def scalar(value: bool | int | float | str | None) -> str:
    """One scalar on one line, quoted wherever some reader would take it for something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _INLINE[value] or _quoted(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    raise TypeError(f"cannot write {type(value).__name__} as YAML")


def _float(value: float) -> str:
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{value} has no JSON form")
    mantissa, mark, exponent = repr(float(value)).partition("e")
    if not mark:
        return mantissa
    # YAML 1.1 readers want a dot and a signed exponent, else they see a string.
    sign = exponent if exponent[0] in "+-" else f"+{exponent}"
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{sign}"


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and not _NOT_PLAIN.search(text) and text.lower() not in _WORDS:
        return text
    if "'" not in text and ("\\" in text or '"' in text) and not _HIDDEN.search(text) and not set("\n\t") & set(text):
        return f"'{_encodable(text)}'"
    return '"' + _HIDDEN.sub(_hidden, _encodable(re.sub(r'[\\"\n\t\r\x00]', lambda hit: _ESCAPES[hit[0]], text))) + '"'


class _Inline(dict[str, str]):
    """Texts as they stand on one line, empty for those of several lines. Keys and short values come again and again, in
    every object, and a dictionary finds them faster than any function."""

    def __missing__(self, text: str) -> str:
        if not isinstance(text, str):
            raise TypeError(f"a key must be text, not {type(text).__name__}")
        found = "" if "\n" in text else _quoted(text)
        if len(text) <= _SHORT:
            if len(self) >= _KNOWN:
                self.clear()
            self[text] = found
        return found


_INLINE = _Inline()


def _hidden(hit: re.Match[str]) -> str:
    code = ord(hit[0])
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _encodable(text: str) -> str:
    if _SURROGATE.search(text):
        raise ValueError("a lone surrogate has no UTF-8 form")
    return text


def _literal(text: str) -> str:
    """The chomping mark for a block literal of a text of several lines, or nothing where only quotes keep it."""
    if text[0] in " \t\n" or text.endswith("\n\n") or _HIDDEN.search(text):
        return ""
    _encodable(text)
    if any(line.endswith((" ", "\t")) for line in text.split("\n")):
        return ""
    return "|" if text.endswith("\n") else "|-"


class _Writer:
    """Appends lines to `out`, and keeps in `lines` on which one each path begins, unless nobody asks (None)."""

    def __init__(self, out: list[str], lines: dict[Path, int] | None) -> None:
        self.out = out
        self.lines = lines

    def mapping(self, data: Mapping[str, Any], path: Path, indent: int, lead: str) -> None:
        out, lines, here = self.out, self.lines, path
        pad = lead or " " * indent
        for key, item in data.items() if "apiVersion" not in data or "kind" not in data else _ordered(data):
            name = _INLINE[key] or _quoted(key)
            if lines is not None:
                here = (*path, key)
                lines[here] = len(out) + 1
            if len(name) > _KEY_LIMIT:
                out.append(f"{pad}? {name}")
                pad, name = " " * indent, ""
            kind = type(item)  # quicker to ask than isinstance, which `value` asks for the rest
            if kind is str and (text := _INLINE[item]):
                out.append(f"{pad}{name}: {text}")
            elif kind is dict and item:
                out.append(f"{pad}{name}:")
                self.mapping(item, here, indent + 2, "")
            elif kind is int:
                out.append(f"{pad}{name}: {item}")
            elif lines is None and kind in KINDS and item:
                out.append(f"{pad}{name}:")
                out.append(self.shared(item, indent + 2, ""))
            else:
                self.value(f"{pad}{name}:", item, here, indent + 2)
            if lead:
                pad, lead = " " * indent, ""

    def sequence(self, items: Sequence[Any], path: Path, indent: int, lead: str) -> None:
        out, lines, here = self.out, self.lines, path
        pad = f"{lead or ' ' * indent}- "
        for position, item in enumerate(items):
            if lines is not None:
                here = (*path, position)
                lines[here] = len(out) + 1
            if isinstance(item, str):
                self.text(pad[:-1], item, indent + 2)
            elif lines is None and type(item) in KINDS and item:
                out.append(self.shared(item, indent + 2, pad))
            elif isinstance(item, (list, tuple)) and item:
                self.sequence(item, here, indent + 2, pad)
            elif isinstance(item, (dict, Mapping)) and item and not isinstance(item, Embedded):
                self.mapping(item, here, indent + 2, pad)
            else:
                self.value(pad[:-1], item, here, indent + 2)
            if lead:
                pad, lead = f"{' ' * indent}- ", ""

    def shared(self, value: Any, indent: int, lead: str) -> str:
        """The lines of a part that documents share, which are the same wherever it stands as far in."""
        texts: dict[str, str] = value.made
        key = lead or " " * indent
        if key not in texts:
            writer = _Writer([], None)
            if isinstance(value, dict):
                writer.mapping(value, (), indent, lead)
            else:
                writer.sequence(value, (), indent, lead)
            texts[key] = "\n".join(writer.out)
        return texts[key]

    def value(self, lead: str, value: Any, path: Path, indent: int) -> None:
        if isinstance(value, str):
            self.text(lead, value, indent)
        elif isinstance(value, (list, tuple)):
            if value:
                self.out.append(lead)
                self.sequence(value, path, indent, "")
            else:
                self.out.append(f"{lead} []")
        elif isinstance(value, (dict, Mapping)):
            if isinstance(value, Embedded):
                self.embedded(lead, value, path, indent)
            elif value:
                self.out.append(lead)
                self.mapping(value, path, indent, "")
            else:
                self.out.append(f"{lead} {{}}")
        else:
            self.out.append(f"{lead} {scalar(value)}")

    def text(self, lead: str, value: str, indent: int) -> None:
        if found := _INLINE[value]:
            self.out.append(f"{lead} {found}")
        elif mark := _literal(value):
            self.out.append(f"{lead} {mark}")
            body = value[:-1] if value.endswith("\n") else value
            self.out.extend(f"{' ' * indent}{line}" if line else "" for line in body.split("\n"))
        else:
            self.out.append(f"{lead} {_quoted(value)}")

    def embedded(self, lead: str, value: Embedded, path: Path, indent: int) -> None:
        """A JSON document as a block of text that no engine finds anything to substitute in."""
        pad = " " * indent
        self.out.append(f"{lead} |")
        text = f"{pad}{json.inert(value, pad)}"
        if self.lines is None:
            self.out.append(text[:-1])
        else:
            self.lines.update({(*path, *inner): len(self.out) + line for inner, line in json.lines(value).items()})
            self.out.extend(text.splitlines())


def _ordered(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """An object's fields, those first that say what it is."""
    first = [(key, data[key]) for key in _FIRST if key in data]
    return first + [(key, item) for key, item in data.items() if key not in _FIRST]
