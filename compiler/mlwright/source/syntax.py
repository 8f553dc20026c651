"""YAML parser errors in plain words: what was probably meant, where, and the corrected text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.source.flow import bare_value, quote_references, quoted
from mlwright.source.sourcemap import position
from mlwright.span import Span

_KEY = lazy(r"""\s*(?:-\s+)*(?P<key>"[^"]*"|'[^']*'|[^\s:#'"\[\]{},][^:#]*?):(?:\s+(?P<value>.*))?$""")
_GLUED = lazy(r"\s*(?:-\s+)*(?P<key>[A-Za-z_][\w./-]*):(?P<value>[^\s:/].*)$")
_LINE_END = lazy(r"\r\n|\n|\r")
_MAX_FIX = 500
_RESERVED_NAMES = {"@": "an at sign", "`": "a backtick", "%": "a percent sign"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """A parser error, with the text around it. Lines and columns are 0-based here."""

    problem: str
    context: str
    index: int
    line: int
    col: int
    context_line: int
    context_col: int
    text: str
    file: str

    def source(self, line: int) -> str:
        lines = _LINE_END.split(self.text)
        return lines[line] if 0 <= line < len(lines) else ""

    def span(self, line: int, col: int, length: int = 1) -> Span:
        return Span(self.file, line + 1, col + 1, line + 1, col + 1 + max(length, 1))

    @property
    def here(self) -> Span:
        return self.span(self.line, self.col)

    @property
    def opened(self) -> Span:
        return self.span(self.context_line, self.context_col)

    @property
    def char(self) -> str:
        return self.text[self.index : self.index + 1]


def explain(error: Exception, text: str, file: str) -> Diagnostic:
    """The one finding for a parser error (any `yaml.YAMLError`) in `text`."""
    failure = _failure(error, text, file)
    for cause in _CAUSES:
        finding = cause(failure)
        if finding is not None:
            return finding
    help_ = "put the text in quotes if it is meant as one value"
    return _finding(failure, "YAML001", f"this is not valid YAML: {failure.problem}", failure.here, help_)


def _failure(error: Any, text: str, file: str) -> _Failure:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    opened = getattr(error, "context_mark", None) or mark
    problem = str(getattr(error, "problem", None) or str(error).split("\n")[0])
    return _Failure(
        problem=problem,
        context=str(getattr(error, "context", None) or ""),
        index=mark.index if mark else 0,
        line=mark.line if mark else 0,
        col=mark.column if mark else 0,
        context_line=opened.line if opened else 0,
        context_col=opened.column if opened else 0,
        text=text,
        file=file,
    )


def _finding(
    failure: _Failure,
    code: str,
    message: str,
    span: Span,
    help: str = "",
    label: str = "",
    related: Label | None = None,
) -> Diagnostic:
    at = Label(span=span, text=label)
    return Diagnostic(code=code, message=message, at=at, help=help, related=(related,) if related else ())


def _shown_fix(advice: str, fixed: str | None) -> str:
    """`advice` with the corrected line below it, unless that line is too long to be read."""
    if not fixed:
        return ""
    return f"{advice}:\n    {fixed.strip()}" if len(fixed) <= _MAX_FIX else advice


def _unquoted_reference(failure: _Failure) -> Diagnostic | None:
    if failure.char != "{" or failure.text[failure.index - 1 : failure.index] != "$":
        return None
    line = failure.source(failure.line)
    end = line.find("}", failure.col)
    length = (end + 1 if end >= 0 else len(line)) - failure.col + 1
    fixed = quote_references(line, failure.col - 1)
    help_ = _shown_fix("put it in quotes", fixed) or 'put the whole value in "double quotes"'
    message = "a reference inside `[ ]` or `{ }` must be in quotes"
    return _finding(failure, "YAML020", message, failure.span(failure.line, failure.col - 1, length), help_)


def _tab(failure: _Failure) -> Diagnostic | None:
    line = failure.source(failure.line)
    indent = line[: len(line) - len(line.lstrip())]
    if failure.char != "\t" and "tab character" not in failure.problem and "\t" not in indent:
        return None
    col = indent.find("\t") if "\t" in indent else failure.col
    message = "a tab cannot indent YAML"
    return _finding(failure, "YAML002", message, failure.span(failure.line, col), "replace the tab by spaces", "a tab")


def _quotes(failure: _Failure) -> Diagnostic | None:
    if "quoted scalar" in failure.context:
        return _open_quote(failure) if "unexpected" in failure.problem else _escape(failure)
    line = failure.source(failure.line)
    before = line[: failure.col].rstrip()
    if "did not find expected key" not in failure.problem and "expected <block end>" not in failure.problem:
        return None
    if not before or before[-1] not in "'\"":
        return None
    message = "text goes on after the closing quote"
    match = _KEY.match(line)
    value = match.group("value") if match else None
    fixed = f"{match.group('key')}: {_moved_quote(value)}" if match and value else ""
    help_ = _shown_fix("put quotes around all of it", fixed)
    length = max(len(line.rstrip()) - failure.col, 1)
    return _finding(failure, "YAML023", message, failure.span(failure.line, failure.col, length), help_)


def _moved_quote(value: str) -> str:
    """`'a' b` as `'a b'`: the closing quote at the end; all of it in other quotes where that is not enough."""
    mark, value = value[0], value.rstrip()
    inner, _, rest = value[1:].partition(mark)
    if mark not in "'\"" or mark in rest or "\\" in rest:
        return quoted(value)
    return f"{mark}{inner}{rest}{mark}"


def _open_quote(failure: _Failure) -> Diagnostic:
    message = "this quote is never closed"
    mark = failure.source(failure.context_line)[failure.context_col : failure.context_col + 1]
    help_ = f"close it with {mark} at the end of the text" if mark in ("'", '"') else ""
    return _finding(failure, "YAML023", message, failure.opened, help_, "the text starts here")


def _escape(failure: _Failure) -> Diagnostic:
    line = failure.source(failure.line)
    start = line.rfind("\\", 0, failure.col + 1)
    col = start if start >= 0 else failure.col
    if "Unicode" in failure.problem:
        message = "this escape is not a Unicode character"
        help_ = "write the character itself; two \\u escapes do not make one character in YAML"
        return _finding(failure, "YAML019", message, failure.span(failure.line, col, 6), help_)
    message = f"`{line[col : col + 2]}` is not an escape that YAML knows"
    help_ = "double the backslash, or use 'single quotes', where a backslash is a backslash"
    return _finding(failure, "YAML030", message, failure.span(failure.line, col, 2), help_)


def _reserved_start(failure: _Failure) -> Diagnostic | None:
    """Bare text that starts with a character that YAML keeps for itself."""
    scanning = ("scanning an alias", "scanning an anchor", "scanning a directive", "scanning a tag", "block scalar")
    in_context = any(word in failure.context for word in scanning)
    if not in_context and "cannot start any token" not in failure.problem and failure.char not in ("]", "}", ","):
        return None
    if not in_context and "cannot start" not in failure.problem and "node content" not in failure.problem:
        return None
    line_number, col = (failure.context_line, failure.context_col) if in_context else (failure.line, failure.col)
    line = failure.source(line_number)
    char = line[col : col + 1]
    if char == "," and line[:col].rstrip()[-1:] in ("[", "{", ","):
        return _finding(failure, "YAML029", "there is nothing before this comma", failure.here, "remove the comma")
    value = bare_value(line, col)
    message = f"text cannot start with {_RESERVED_NAMES.get(char, f'`{char}`')} unless it is in quotes"
    help_ = f"put it in quotes: {quoted(value)}" if 0 < len(value) <= _MAX_FIX else "put the text in quotes"
    return _finding(failure, "YAML021", message, failure.span(line_number, col), help_)


def _colon(failure: _Failure) -> Diagnostic | None:
    """`mapping values are not allowed`: a colon too many on this line, or one without a space above it."""
    if "mapping values are not allowed" not in failure.problem:
        return None
    line = failure.source(failure.line)
    match = _KEY.match(line)
    if match and match.group("value") and match.start("value") <= failure.col:
        value = match.group("value").split(" #")[0].rstrip()
        message = "text with `: ` in it must be in quotes"
        help_ = _shown_fix("put it in quotes", f"{match.group('key')}: {quoted(value)}")
        return _finding(failure, "YAML022", message, failure.here, help_, "read as a second key on this line")
    above = _line_above(failure)
    glued = _GLUED.match(failure.source(above)) if above >= 0 else None
    if glued:
        return _missing_space(failure, above, glued)
    if above < 0:
        return None
    related = Label(span=failure.span(above, _indent(failure.source(above)), 1), text="this line already has a value")
    message = "this key is indented below a line that cannot hold it"
    col, size = _indent(line), len(line.split(":")[0].strip())
    help_ = "give it the indentation of the key above, or end the line above with a colon"
    return _finding(failure, "YAML024", message, failure.span(failure.line, col, size), help_, related=related)


def _no_colon(failure: _Failure) -> Diagnostic | None:
    if "could not find expected ':'" not in failure.problem:
        return None
    line = failure.source(failure.context_line)
    glued = _GLUED.match(line)
    if glued:
        return _missing_space(failure, failure.context_line, glued)
    word = line[failure.context_col :].rstrip()
    span = failure.span(failure.context_line, failure.context_col, len(word))
    if word.startswith("-") and not word.startswith("--"):
        fixed = f"- {word[1:]}"
        return _finding(failure, "YAML022", "a list item needs a space after the dash", span, f"write `{fixed}`")
    message = "this line has no colon, so it is neither a key nor a value"
    help_ = "write `key: value`, or indent it below the text that it goes on"
    return _finding(failure, "YAML022", message, span, help_)


def _missing_space(failure: _Failure, line: int, glued: re.Match[str]) -> Diagnostic:
    key, value = glued.group("key"), glued.group("value").rstrip()
    span = failure.span(line, glued.end("key"), 1)
    message = "a space is missing after the colon"
    return _finding(failure, "YAML022", message, span, f"write `{key}: {value}`")


def _indentation(failure: _Failure) -> Diagnostic | None:
    problem = failure.problem
    if "block sequence entries" in problem or "sequence entries are not allowed" in problem:
        message = "a list cannot start on the line of its key"
        return _finding(failure, "YAML024", message, failure.here, "put `- ` on a line of its own below the key")
    if "'-' indicator" in problem or ("block collection" in failure.context and "block end" in problem):
        message = "this line is not an item of the list above"
        related = Label(span=failure.opened, text="the list starts here")
        return _finding(failure, "YAML024", message, failure.here, "start it with `- `, or indent it", related=related)
    if "did not find expected key" not in problem and "expected <block end>" not in problem:
        return None
    if failure.char in ("]", "}"):
        message = f"there is no open bracket for this `{failure.char}`"
        return _finding(failure, "YAML029", message, failure.here, "remove it, or open the bracket before")
    if failure.col > _indent(failure.source(failure.line)):
        return _trailing(failure)
    message = "the indentation of this line fits no line above"
    related = Label(span=failure.opened, text="the mapping that it would belong to starts here")
    help_ = "give it the indentation of its siblings"
    return _finding(failure, "YAML024", message, failure.here, help_, related=related)


def _trailing(failure: _Failure) -> Diagnostic:
    line = failure.source(failure.line)
    span = failure.span(failure.line, failure.col, len(line.rstrip()) - failure.col)
    message = "text goes on after the value"
    if "{{" in line:
        match = _KEY.match(line)
        value = quoted(match.group("value").rstrip()) if match and match.group("value") else '"{{ ... }}"'
        return _finding(failure, "YAML010", "`{{` starts a YAML mapping, not a template", span, f"write {value}")
    return _finding(failure, "YAML022", message, span, "put all of the value in quotes if it is one text")


def _brackets(failure: _Failure) -> Diagnostic | None:
    if "flow node" in failure.context and not failure.text[failure.index :].strip():
        last = len(failure.text.rstrip())
        line, col = position(failure.text, max(last - 1, 0))
        message = "the file ends inside of brackets"
        return _finding(failure, "YAML029", message, failure.span(line - 1, col - 1), "close them with `]` or `}`")
    if "','" not in failure.problem or "flow" not in failure.context:
        return None
    open_ = failure.source(failure.context_line)[failure.context_col : failure.context_col + 1] or "["
    close = {"[": "]", "{": "}"}.get(open_, "]")
    if failure.line != failure.context_line and (failure.char in ("", ":") or failure.index >= len(failure.text) - 1):
        message = f"this `{open_}` is never closed"
        return _finding(failure, "YAML029", message, failure.opened, f"close it with `{close}`")
    message = f"a comma or `{close}` is missing before this"
    related = Label(span=failure.opened, text=f"inside this `{open_}`")
    help_ = "separate values by commas; put text that has any of `[ ] { } , :` in quotes"
    return _finding(failure, "YAML029", message, failure.here, help_, related=related)


def _documents(failure: _Failure) -> Diagnostic | None:
    if "document start" not in failure.problem:
        return None
    message = "this line is outside the file's one document"
    return _finding(failure, "YAML007", message, failure.here, "remove it, and any `...` or `---` above it")


def _tag_handle(failure: _Failure) -> Diagnostic | None:
    if "tag handle" not in failure.problem:
        return None
    word = failure.source(failure.line)[failure.col :].split(" ")[0]
    span = failure.span(failure.line, failure.col, len(word))
    help_ = "remove it, or put the text in quotes if `!` belongs to it"
    return _finding(failure, "YAML013", f"the tag `{word}` is not allowed", span, help_)


def _line_above(failure: _Failure) -> int:
    line = failure.line - 1
    while line >= 0 and (not failure.source(line).strip() or failure.source(line).lstrip().startswith("#")):
        line -= 1
    return line


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


_CAUSES: tuple[Callable[[_Failure], Diagnostic | None], ...] = (
    _unquoted_reference,
    _tab,
    _quotes,
    _reserved_start,
    _colon,
    _no_colon,
    _indentation,
    _brackets,
    _documents,
    _tag_handle,
)
"""In order: the first that recognises the error explains it."""
