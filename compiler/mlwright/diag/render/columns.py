"""Text on a terminal: how wide it is, how it is made harmless, cut and wrapped."""

from __future__ import annotations

import unicodedata

TAB = 4


def shown(char: str) -> str:
    """What stands for one character on screen: itself, spaces for a tab, a sign for anything that would do harm."""
    if " " <= char <= "~":
        return char
    if char == "\t":
        return " " * TAB
    number = ord(char)
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "\u2421"
    # Controls, invisible marks (text direction too), surrogates, private and unassigned characters, separators.
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return "\ufffd"
    if unicodedata.category(char) == "Zs":
        return " "
    return char


def clean(text: str) -> str:
    """`text` as `shown`, character by character."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(shown(char) for char in text)


def width(text: str) -> int:
    """Columns that cleaned text takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cut(text: str, room: int) -> tuple[str, str]:
    """`text` split so that the first piece takes at most `room` columns; it has at least one character."""
    used = 0
    for index, char in enumerate(text):
        used += _char_width(char)
        if used > room and index > 0:
            return text[:index], text[index:]
    return text, ""


def wrap(text: str, room: int, first: int | None = None) -> list[str]:
    """Cleaned lines of at most `room` columns (the first of at most `first`), broken at spaces where there are any."""
    lines: list[str] = []
    line, limit = "", room if first is None else first
    for word in clean(text).split(" "):
        candidate = f"{line} {word}" if line else word
        if width(candidate) <= limit:
            line = candidate
            continue
        if line:
            lines.append(line)
            limit = room
        line = word
        while width(line) > limit:
            piece, line = cut(line, limit)
            lines.append(piece)
            limit = room
    return [*lines, line]


def wrap_code(text: str, room: int) -> list[str]:
    """One line of code over several: broken after a comma where there is one, what follows indented by two more."""
    body = clean(text)
    indent = body[: len(body) - len(body.lstrip())]
    lines: list[str] = []
    while width(body) > room:
        piece, _ = cut(body, room)
        comma = piece.rfind(", ", len(indent) + 3)
        at = comma + 2 if comma > 0 else len(piece)
        lines.append(body[:at].rstrip())
        rest = body[at:]
        if len(rest) >= len(body):
            break
        body = f"{indent}  {rest.lstrip()}" if len(indent) + 2 < room // 2 else rest
    return [*lines, body]


def shorten_left(text: str, room: int) -> str:
    """The end of `text`, after `...`, where it is too wide."""
    body = clean(text)
    if width(body) <= room:
        return body
    while body and width(body) > room - 3:
        body = body[1:]
    return "..." + body
