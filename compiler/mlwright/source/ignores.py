"""`# mlwright: ignore[CODE, ...] why` in YAML: which findings are left out, and what is wrong with such comments.

A comment speaks of its line or, alone on its line, of the next line that is no comment. Errors cannot be ignored: what
has one is not emitted, and a comment would not make it sound.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import yaml

from mlwright.diag.diagnostic import Bag, Diagnostic, Label
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.source.decode import decode
from mlwright.source.sourcemap import position
from mlwright.source.suggest import did_you_mean
from mlwright.span import Span

MARK = b"mlwright:"
_COMMENT = lazy(r"(?:^|(?<=[ \t\r\n]))#[ \t]*mlwright:[ \t]*([A-Za-z_-]*)(?=([^\r\n]*))", re.MULTILINE)
_LIST = lazy(r"\[([^\[\]]*)\]")
_WORD = lazy(r"[^\s,]+")
_CODE = lazy(r"[A-Za-z]+\d+")
_LINE_END = lazy(r"\r\n|\n|\r")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FORM = "write `# mlwright: ignore[CODE]`, or `ignore[CODE1, CODE2]`, and after it why"

Key = tuple[str, int, str]
"""A file, a line and a code: what a comment leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignores:
    """The comments of some files: where each code of each comment stands, and what is wrong with comments as such."""

    places: Mapping[Key, Span]
    findings: tuple[Diagnostic, ...] = ()

    def split(self, found: Iterable[Diagnostic]) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
        """(what is reported, what is ignored). An error is reported, and that it cannot be ignored, too."""
        if not self.places:
            return tuple(found), ()
        bag, ignored = Bag(), list[Diagnostic]()
        for item in found:
            place = self.places.get(_key(item))
            if place is None or item.severity == "error":
                bag.add(item)
            else:
                ignored.append(item)
            if place is not None and item.severity == "error":
                bag.add(_an_error(item, place))
        return bag.ordered(), tuple(ignored)


NOTHING = Ignores(places={})


def read(files: Mapping[str, bytes]) -> Ignores:
    """The comments of the YAML files among `files`, by path. A file without the word costs a search for it."""
    places: dict[Key, Span] = {}
    findings: list[Diagnostic] = []
    for path, data in files.items():
        if MARK in data and path.endswith((".yaml", ".yml")):
            for key, span, finding in _comments(data, path):
                if finding is not None:
                    findings.append(finding)
                elif key is not None:
                    places.setdefault(key, span)
    return Ignores(places=places, findings=tuple(findings)) if places or findings else NOTHING


def _comments(data: bytes, file: str) -> Iterator[tuple[Key | None, Span, Diagnostic | None]]:
    """For each code of each comment what it leaves out, or what is wrong with it."""
    text, _ = decode(data, file)
    values = [] if text is None else _values(text)
    if text is None or values is None:
        return
    lines = _LINE_END.split(text)
    for comment in _COMMENT.finditer(text):
        if any(start <= comment.start() < end for start, end in values):
            continue
        here, col = position(text, comment.start())
        word, rest = comment[1], comment[2]
        codes = _LIST.match(rest)
        if word != "ignore" and not rest.startswith("["):
            continue  # a sentence about mlwright
        listed = _WORD.findall(codes[1]) if codes else []
        if word != "ignore" or not listed:
            span = Span(file, here, col, here, col + len((comment[0] + rest).rstrip()))
            yield None, span, _malformed(word, span)
            continue
        line = _subject(lines, here)
        start = comment.start(2) + 1
        for found in _WORD.finditer(codes[1] if codes else ""):
            _, begin = position(text, start + found.start())
            span = Span(file, here, begin, here, begin + len(found[0]))
            yield (file, line, found[0]), span, _unknown(found[0], span)


def _values(text: str) -> list[tuple[int, int]] | None:
    """Where values begin and end, for a `#` in them is none; None for what is no YAML. A comment beside the `|` of a
    block is not in the block."""
    found = []
    try:
        for token in yaml.scan(text, _LOADER):
            if isinstance(token, yaml.ScalarToken):
                start, end = token.start_mark.index, token.end_mark.index
                if token.style in ("|", ">"):
                    head = _LINE_END.search(text, start, end)
                    start = head.end() if head else end
                found.append((start, end))
    except yaml.YAMLError:
        return None
    return found


def _subject(lines: list[str], here: int) -> int:
    """The line that a comment on line `here` speaks of."""
    if not lines[here - 1].lstrip().startswith("#"):
        return here
    while here < len(lines) and lines[here].lstrip().startswith("#"):
        here += 1
    return here + 1


def _key(item: Diagnostic) -> Key:
    return (posixpath.normpath(item.span.file), item.span.line, item.code) if item.span else ("", 0, item.code)


def _malformed(word: str, span: Span) -> Diagnostic:
    message = "this comment names no code, so it ignores nothing"
    if word != "ignore":
        message = f"`{word}` is not what a comment for mlwright can say: it ignores nothing"
    return Diagnostic(code="IGN002", message=message, at=Label(span=span), help=_FORM, severity="warning")


def _unknown(code: str, span: Span) -> Diagnostic | None:
    from mlwright.diag.codes import CODES

    if code in CODES:
        return None
    help_ = did_you_mean(code, CODES) if _CODE.fullmatch(code) else _FORM
    return Diagnostic(
        code="IGN001",
        message=f"there is no code `{code}` to ignore",
        at=Label(span=span),
        help=help_ or "`mlwright explain` lists all codes",
        severity="warning",
    )


def _an_error(item: Diagnostic, place: Span) -> Diagnostic:
    return Diagnostic(
        code="IGN004",
        message=f"`{item.code}` is an error here, and errors cannot be ignored",
        at=Label(span=place),
        related=(Label(span=item.span, text="the error"),),
        help="mend it, then remove this comment",
        severity="warning",
    )


class Ledger:
    """Which comments nothing needed, over all projects of one request.

    A comment in a project's own file is judged when every environment of the project was seen and none has an error;
    one in a file that projects share when that holds for all projects and the request covers the folder of the file:
    else a project that was not looked at may need it.
    """

    __slots__ = ("_ignored", "_shared", "_sound")

    def __init__(self) -> None:
        self._shared: dict[Key, Span] = {}
        self._ignored: list[Diagnostic] = []
        self._sound = True

    def add(
        self,
        spec: str,
        ignores: Ignores,
        found: Iterable[Diagnostic],
        ignored: Iterable[Diagnostic],
        environments: Iterable[str],
    ) -> Iterator[Diagnostic]:
        """Note what was reported and ignored in all environments of a project. What its own file has for nothing."""
        reported, left_out = list(found), list(ignored)
        sound = not any(item.severity == "error" for item in reported)
        self._sound = self._sound and sound
        if not ignores.places:
            return
        self._shared.update({key: span for key, span in ignores.places.items() if key[0] != spec})
        self._ignored += left_out
        if sound:
            own = {key: span for key, span in ignores.places.items() if key[0] == spec}
            yield from _unused(own, left_out, reported, f"in {', '.join(environments)}")

    def rest(self, covered: Callable[[str], bool]) -> Iterator[Diagnostic]:
        """What shared files have for nothing; `covered` says whether all projects beside a file were asked for."""
        if self._sound:
            there = {key: span for key, span in self._shared.items() if covered(key[0])}
            yield from _unused(there, self._ignored, (), "in any project")


def _unused(
    places: Mapping[Key, Span], ignored: Iterable[Diagnostic], reported: Iterable[Diagnostic], where: str
) -> Iterator[Diagnostic]:
    used = {_key(item) for item in ignored}
    elsewhere = {_key(item) for item in reported}
    for key, span in places.items():
        if key in used:
            continue
        file, line, code = key
        lines = sorted(other for path, other, name in elsewhere if (path, name) == (file, code))
        help_ = f"remove `{code}` from this comment"
        if lines:
            help_ = f"it is reported on line {lines[0]}: write this at the end of that line, or alone above it"
        yield Diagnostic(
            code="IGN003",
            message=f"nothing to ignore: line {line} has no `{code}` {where}",
            at=Label(span=span),
            help=help_,
            severity="warning",
        )
