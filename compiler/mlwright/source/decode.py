"""Bytes to text: UTF-8 only, and only characters that every reader sees and reads alike."""

from __future__ import annotations

from mlwright.diag.diagnostic import Bag, Diagnostic, Label
from mlwright.regex import lazy
from mlwright.source.sourcemap import position
from mlwright.span import Span

MAX_BYTES = 4 * 1024 * 1024
"""Size of one file."""

_FORBIDDEN = lazy(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def decode(data: bytes, file: str) -> tuple[str | None, Bag]:
    """The text of a file, without a byte order mark; None with a finding where it is none, or too large."""
    bag = Bag()

    def refuse(code: str, message: str, span: Span, help_: str, label: str = "") -> tuple[None, Bag]:
        return None, Bag([Diagnostic(code=code, message=message, at=Label(span=span, text=label), help=help_)])

    start = Span(file, 1, 1, 1, 1)
    if len(data) > MAX_BYTES:
        return None, Bag([too_large(file, len(data))])
    if data.startswith(_UTF16_MARKS) or (len(data) > 1 and 0 in data[:2]):
        return refuse("YAML004", "this file is not UTF-8; it looks like UTF-16 or UTF-32", start, _SAVE_AS)
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        message = "this file starts with a byte order mark, which some tools read as part of the first key"
        bag.add(
            Diagnostic(code="YAML005", message=message, at=Label(span=start), severity="warning", help=_SAVE_AS_PLAIN)
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, col = position(data[: error.start].decode("utf-8", "replace"), error.start)
        message = f"this file is not UTF-8: byte 0x{data[error.start]:02x} cannot be read"
        return refuse("YAML004", message, Span(file, line, col, line, col + 1), _SAVE_AS, "the first such byte")
    # compiling that expression takes longer than reading most files, and looking at the kinds of characters does not
    forbidden = None if all(map(_usual, set(text))) else _FORBIDDEN.search(text)
    if forbidden is not None:
        line, col = position(text, forbidden.start())
        name, escape = _character(forbidden.group())
        message = f"{name} is not allowed in a YAML file"
        help_ = f'remove it, or write it as {escape} in a text in "double quotes"' if escape else "remove it"
        return refuse("YAML006", message, Span(file, line, col, line, col + 1), help_)
    return text, bag


def _usual(char: str) -> bool:
    """Certainly not forbidden: ASCII that shows, line ends, and what Python counts as printable."""
    return " " <= char <= "~" or char in "\t\n\r" or ("\xa0" <= char < "\U00010000" and char.isprintable())


_SAVE_AS = "save the file as UTF-8"
_SAVE_AS_PLAIN = "save the file as UTF-8 without a byte order mark (BOM)"


def _character(char: str) -> tuple[str, str]:
    """What a message calls `char`, and how to write it in double quotes ("" for not at all)."""
    number = ord(char)
    if number == 0:
        return "the NUL character", ""
    if number in (0x85, 0x2028, 0x2029):
        return f"the line separator U+{number:04X}, which YAML readers treat differently,", f"\\u{number:04X}"
    if 0x202A <= number <= 0x2069:
        return f"the invisible text direction mark U+{number:04X}", f"\\u{number:04X}"
    return f"the control character U+{number:04X}", f"\\u{number:04X}"


def too_large(file: str, size: int) -> Diagnostic:
    """The finding for a file of more than MAX_BYTES."""
    message = f"`{file}` has {size / 1024 / 1024:.1f} MiB; at most {MAX_BYTES // 1024 // 1024} MiB are read"
    return Diagnostic(code="YAML016", message=message, at=Label(span=Span(file, 1, 1, 1, 1)))
