"""Corrections of one source line: quotes around bare text of a `[ ]` or `{ }` that needs them."""

from __future__ import annotations

_MAX_LINE = 4000


def quoted(text: str) -> str:
    """`text` as a YAML scalar in quotes; single quotes where double ones would need escapes."""
    if ('"' in text or "\\" in text) and "'" not in text:
        return f"'{text}'"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def bare_value(line: str, start: int) -> str:
    """The bare text at column `start` up to where it was meant to end: a comment, or a bracket opened before it."""
    value = line[start:].split(" #")[0].rstrip()
    if _open_brackets(line[:start]):
        ends = [at for at in (value.find(char, 1) for char in ",]}") if at > 0]
        value = value[: min(ends, default=len(value))].rstrip()
    return value


def _open_brackets(before: str) -> bool:
    depth, cursor = 0, 0
    while cursor < len(before):
        char = before[cursor]
        if char in "'\"":
            cursor = _quote_end(before, cursor)
            continue
        depth += (char in "[{") - (char in "]}")
        cursor += 1
    return depth > 0


def quote_references(line: str, at: int) -> str | None:
    """`line` with every bare flow value that has a reference put in quotes; None where that cannot be done.

    `at` is the 0-based column of a `${` that is known to be inside a flow collection.
    """
    if len(line) > _MAX_LINE:
        return None
    pieces: list[str] = []
    cursor = _flow_start(line, at)
    pieces.append(line[:cursor])
    while cursor < len(line):
        char = line[cursor]
        if char in "'\"":
            end = _quote_end(line, cursor)
            pieces.append(line[cursor:end])
        elif char in "[]{}, ":
            end = cursor + 1
            pieces.append(char)
        elif char == "#" and line[cursor - 1 : cursor] == " ":
            end = len(line)
            pieces.append(line[cursor:])
        else:
            end = _bare_end(line, cursor)
            pieces.append(_corrected(line[cursor:end]))
        cursor = end
    fixed = "".join(pieces)
    return fixed if fixed != line else None


def _flow_start(line: str, at: int) -> int:
    """Where the first bracket is that opens a collection on this line; 0 when the line goes on with an earlier one."""
    cursor = 0
    while cursor < at:
        char = line[cursor]
        if char in "'\"" and (cursor == 0 or line[cursor - 1] in " [{,:"):
            cursor = _quote_end(line, cursor)
            continue
        if char in "[{" and line[cursor - 1 : cursor] != "$" and _starts_value(line, cursor):
            return cursor
        cursor += 1
    return len(line) - len(line.lstrip())


def _starts_value(line: str, cursor: int) -> bool:
    before = line[:cursor].rstrip()
    return not before or before[-1] in ":-"


def _quote_end(line: str, start: int) -> int:
    mark, cursor = line[start], start + 1
    while cursor < len(line):
        if line[cursor] == "\\" and mark == '"':
            cursor += 2
        elif line[cursor] == mark:
            if mark == "'" and line[cursor + 1 : cursor + 2] == "'":
                cursor += 2
                continue
            return cursor + 1
        else:
            cursor += 1
    return len(line)


def _bare_end(line: str, start: int) -> int:
    """The end of bare text in a flow collection, where `${ }` counts as text."""
    cursor = start
    while cursor < len(line):
        if line.startswith("${", cursor):
            close = line.find("}", cursor)
            cursor = close + 1 if close >= 0 else len(line)
            continue
        char = line[cursor]
        if char in "[]{},":
            break
        if char == ":" and line[cursor + 1 : cursor + 2] in ("", " "):
            return cursor + 1
        if char == "#" and line[cursor - 1 : cursor] == " ":
            break
        cursor += 1
    return cursor


def _corrected(text: str) -> str:
    """Bare flow text, quoted if it has a reference; a key keeps its colon outside, trailing spaces stay outside too."""
    if "${" not in text:
        return text
    body, colon = (text[:-1], ":") if text.endswith(":") else (text, "")
    kept = body.rstrip()
    return quoted(kept) + body[len(kept) :] + colon
