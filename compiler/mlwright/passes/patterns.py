"""Metric patterns: which regular expressions mean the same in Python and RE2, and what one finds in a sample.

Samples and patterns come from the project file, so matching takes time in proportion to pattern times sample,
whatever they are: no backtracking that explodes.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import field
from typing import Literal

from mlwright.record import dataclass
from mlwright.regex import lazy

LONGEST = 1000
_MOST_COPIES = 1000
_LARGEST = 1000
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
_GROUPS = {
    "=": "a look-ahead",
    "!": "a look-ahead",
    ">": "an atomic group",
    "(": "a conditional group",
    "#": "a comment",
}
_QUANTIFIER = lazy(r"[*+?]|\{(\d*)(?:(,)(\d*))?\}")

Test = Callable[[str, int], bool]
"""Whether a pattern's atom accepts the text at a position."""


class NotPortable(Exception):
    """`chars` of the pattern are outside the subset; `kind` is what the finding is about."""

    def __init__(self, kind: Literal["syntax", "groups", "repeats"], message: str, chars: tuple[int, int]) -> None:
        super().__init__(message)
        self.kind, self.message, self.chars = kind, message, chars


@dataclass(frozen=True, slots=True)
class _Atom:
    test: Test
    width: int


@dataclass(frozen=True, slots=True)
class _Sequence:
    items: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Either:
    branches: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    item: _Node


@dataclass(frozen=True, slots=True)
class _Repeat:
    item: _Node
    least: int
    most: int | None
    greedy: bool
    chars: tuple[int, int]


_Node = _Atom | _Sequence | _Either | _Group | _Repeat


@dataclass(slots=True)
class _Parser:
    """Reads a pattern that Python's `re` has accepted, so that its syntax is known to be whole."""

    text: str
    at: int = 0
    groups: list[int] = field(default_factory=list)

    def either(self, flags: int) -> _Node:
        branches: list[_Node] = []
        items: list[_Node] = []
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.text[self.at] == "|":
                self.at += 1
                branches.append(_Sequence(tuple(items)))
                items = []
                continue
            if match := re.compile(r"\(\?([a-zA-Z]+)\)").match(self.text, self.at):
                flags |= self._flags(match[1], match.span())
                self.at = match.end()
                continue
            items.append(self._repeats(self._item(flags)))
        return _Either((*branches, _Sequence(tuple(items))))

    def _repeats(self, item: _Node) -> _Node:
        start = self.at
        match = _QUANTIFIER.match(self.text, self.at)
        if match is None or match[0] == "{}":
            return item
        self.at = match.end()
        if match[0][0] != "{":
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[match[0]]
        elif not match[1]:
            raise NotPortable("syntax", "`{,n}` means something else to RE2: write `{0,n}`", match.span())
        else:
            least = int(match[1])
            most = (int(match[3]) if match[3] else None) if match[2] else least
        if max(least, most or 0) > _MOST_COPIES:
            raise NotPortable("repeats", f"a repeat is at most {_MOST_COPIES}", match.span())
        follow = self.text[self.at : self.at + 1]
        if follow == "+":
            raise NotPortable("syntax", "a possessive repeat is not understood everywhere", (start, self.at + 1))
        self.at += follow == "?"
        return _Repeat(item, least, most, follow != "?", (start, self.at))

    def _item(self, flags: int) -> _Node:
        char = self.text[self.at]
        if char == "(":
            return self._group(flags)
        end = {"[": self._class_end, "\\": self._escape_end}.get(char, lambda: self.at + 1)()
        atom = self.text[self.at : end]
        self.at = end
        zero = char in "^$" or atom in (r"\b", r"\B", r"\A")
        return _Atom(_test(atom if char in "[\\^$." else re.escape(char), flags), 0 if zero else 1)

    def _escape_end(self) -> int:
        follow = self.text[self.at + 1]
        chars = (self.at, self.at + 2)
        if follow.isdigit():
            raise NotPortable("syntax", "a back-reference is not understood everywhere", chars)
        if follow in "ZuUN":
            raise NotPortable("syntax", f"`\\{follow}` is not understood everywhere", chars)
        return self.at + (4 if follow == "x" else 2)

    def _class_end(self) -> int:
        at = self.at + 1
        at += self.text[at] == "^"
        at += self.text[at] == "]"
        while self.text[at] != "]":
            pair = self.text[at : at + 2]
            if pair == "[:" or (pair[0] == "\\" and (pair[1].isdigit() or pair[1] in "buUN")):
                raise NotPortable("syntax", f"`{pair}` inside `[ ]` means something else to RE2", (at, at + 2))
            at += 2 if pair[0] == "\\" else 1
        return at + 1

    def _group(self, flags: int) -> _Node:
        start = self.at
        captures = True
        if match := re.compile(r"\(\?P<\w+>").match(self.text, self.at):
            self.at = match.end()
        elif match := re.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]+))?:").match(self.text, self.at):
            captures = False
            flags = (flags | self._flags(match[1], match.span())) & ~self._flags(match[2] or "", match.span())
            self.at = match.end()
        elif self.text.startswith("(?", self.at):
            raise NotPortable("syntax", f"{self._what()} is not understood everywhere", (start, start + 3))
        else:
            self.at += 1
        if captures:
            self.groups.append(start)
        item = self.either(flags)
        self.at += 1
        return _Group(item) if captures else item

    def _what(self) -> str:
        kind = self.text[self.at + 2]
        if kind == "<":
            return "a look-behind"
        return "a back-reference" if kind == "P" else _GROUPS.get(kind, "this group")

    def _flags(self, letters: str, chars: tuple[int, int]) -> int:
        flags = 0
        for letter in letters:
            if letter not in _FLAGS:
                raise NotPortable("syntax", f"the flag `{letter}` is not understood everywhere", chars)
            flags |= _FLAGS[letter]
        return flags


def _test(atom: str, flags: int) -> Test:
    match = re.compile(atom, flags).match
    return lambda text, at: match(text, at) is not None


@dataclass(slots=True)
class _Code:
    """Instructions: an atom, `split` (try the first, then the second), `save` (a side of the group), `match`."""

    steps: list[tuple[str, Test | None, int, int]] = field(default_factory=list)

    def add(self, kind: str, test: Test | None = None, one: int = 0, two: int = 0) -> int:
        if len(self.steps) >= _LARGEST:
            raise NotPortable("repeats", "this pattern is too large once its repeats are written out", (0, 0))
        self.steps.append((kind, test, one, two))
        return len(self.steps) - 1

    def emit(self, node: _Node) -> None:
        match node:
            case _Atom(test, width):
                self.add("atom", test, width)
            case _Sequence(items):
                for item in items:
                    self.emit(item)
            case _Group(item):
                self.add("save", None, 0)
                self.emit(item)
                self.add("save", None, 1)
            case _Either(branches):
                self._either(branches)
            case _Repeat():
                self._repeat(node)

    def _either(self, branches: tuple[_Node, ...]) -> None:
        ends = []
        for branch in branches[:-1]:
            fork = self.add("split")
            self.emit(branch)
            ends.append(self.add("jump"))
            self.steps[fork] = ("split", None, fork + 1, len(self.steps))
        self.emit(branches[-1])
        for end in ends:
            self.steps[end] = ("jump", None, len(self.steps), 0)

    def _repeat(self, node: _Repeat) -> None:
        for _ in range(node.least):
            self.emit(node.item)
        forks = []
        for _ in range(1 if node.most is None else node.most - node.least):
            forks.append(self.add("split"))
            self.emit(node.item)
        if node.most is None:
            self.add("jump", None, forks[0])
        end = len(self.steps)
        for fork in forks:
            self.steps[fork] = ("split", None, fork + 1, end) if node.greedy else ("split", None, end, fork + 1)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A portable pattern with exactly one group."""

    steps: tuple[tuple[str, Test | None, int, int], ...]

    def find(self, sample: str) -> tuple[int, int] | None:
        """Where the group is in the first match in `sample`; (-1, -1) where the match leaves it out; None: no match."""
        seen: set[tuple[int, int]] = set()
        for start in range(len(sample) + 1):
            found = self._from(sample, start, seen)
            if found is not None:
                return found
        return None

    def _from(self, sample: str, start: int, seen: set[tuple[int, int]]) -> tuple[int, int] | None:
        stack = [(0, start, -1, -1)]
        while stack:
            step, at, first, last = stack.pop()
            if (step, at) in seen:
                continue
            seen.add((step, at))
            kind, test, one, two = self.steps[step]
            if kind == "match":
                return first, last
            if kind == "split":
                stack += [(two, at, first, last), (one, at, first, last)]
            elif kind == "jump":
                stack.append((one, at, first, last))
            elif kind == "save":
                stack.append((step + 1, at, at if one == 0 else first, at if one == 1 else last))
            elif test is not None and at + one <= len(sample) and test(sample, at):
                stack.append((step + 1, at + one, first, last))
        return None


def read(text: str) -> Pattern:
    """The pattern; NotPortable when it is not valid, not in the RE2 subset, has not one group, or nests repeats."""
    if len(text) > LONGEST:
        raise NotPortable("syntax", f"a pattern has at most {LONGEST} characters", (0, len(text)))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(text)
            parser = _Parser(text)
            tree = parser.either(0)
            if len(parser.groups) != 1:
                raise NotPortable("groups", f"it has {len(parser.groups) or 'no'} groups", (0, len(text)))
            _refuse_nested(tree, None, 1)
            code = _Code()
            code.emit(tree)
            code.add("match")
    except re.error as error:
        at = error.pos or 0
        raise NotPortable("syntax", f"this pattern cannot be read: {error.msg}", (at, at + 1)) from None
    except (RecursionError, OverflowError):
        raise NotPortable("syntax", "this pattern is nested too deeply", (0, len(text))) from None
    return Pattern(tuple(code.steps))


def _refuse_nested(node: _Node, outer: _Repeat | None, copies: int) -> None:
    if isinstance(node, _Repeat):
        copies *= max(node.most or node.least, 1)
        if node.most is None and outer is not None:
            raise NotPortable("repeats", "a repeat inside a repeat can take for ever on a long line", node.chars)
        if copies > _MOST_COPIES:
            raise NotPortable("repeats", f"these repeats multiply to more than {_MOST_COPIES}", node.chars)
        _refuse_nested(node.item, node if node.most is None else outer, copies)
    elif isinstance(node, _Group):
        _refuse_nested(node.item, outer, copies)
    elif isinstance(node, (_Sequence, _Either)):
        for item in node.items if isinstance(node, _Sequence) else node.branches:
            _refuse_nested(item, outer, copies)
