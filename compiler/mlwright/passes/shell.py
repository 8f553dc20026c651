"""References inside a shell script become environment variables, so that no value is ever parsed by the shell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Literal

from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.source.references import RefSpan

Quoting = Literal["none", "double", "single", "comment", "here-document"]

_HEREDOC = lazy(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([A-Za-z_][A-Za-z0-9_]*))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """A reference where the shell would not expand a variable."""

    reference: RefSpan
    quoting: Quoting


@dataclass(slots=True)
class _Lexer:
    """Just enough of sh to know what quoting a position is in."""

    stack: list[str] = field(default_factory=lambda: ["cmd"])
    pending: list[tuple[str, bool]] = field(default_factory=list)
    skip: int = 0
    comment: bool = False
    previous: str = "\n"

    @property
    def quoting(self) -> Quoting:
        if self.comment:
            return "comment"
        top = self.stack[-1]
        if top == "'":
            return "single"
        if top == '"':
            return "double"
        return "here-document" if top == "heredoc" else "none"

    def word(self) -> None:
        """A reference stood here: it is part of a word."""
        self.previous = "x"
        self.skip = 0

    def feed(self, text: str) -> None:
        index = 0
        while index < len(text):
            index += self._step(text, index)

    def _step(self, text: str, index: int) -> int:
        char = text[index]
        top = self.stack[-1]
        if top == "heredoc":
            return self._heredoc_line(text, index)
        width = 1
        if self.skip:
            self.skip = 0
        elif self.comment:
            self.comment = char != "\n"
            if char == "\n":
                self._newline()
        elif top == "'":
            if char == "'":
                self.stack.pop()
        elif char == "\\":
            self.skip = 1
        elif char == '"':
            if top == '"':
                self.stack.pop()
            else:
                self.stack.append('"')
        elif char == "`":
            if "`" in self.stack:
                while self.stack.pop() != "`":
                    pass
            else:
                self.stack.append("`")
        elif text.startswith("$(", index):
            self.stack.append("$(")
            width = 2
        elif top != '"':
            width = self._unquoted(text, index)
        self.previous = text[index + width - 1]
        return width

    def _unquoted(self, text: str, index: int) -> int:
        char = text[index]
        if char == "'":
            self.stack.append("'")
        elif char == "#" and self.previous in " \t\n;&|()":
            self.comment = True
        elif char == "(":
            self.stack.append("(")
        elif char == ")" and self.stack[-1] in ("$(", "("):
            self.stack.pop()
        elif char == "\n":
            self._newline()
        elif match := _HEREDOC.match(text, index):
            if text.startswith("<<<", index):
                return 3
            word = match[2] or match[3] or match[4]
            self.pending.append((word, match[1] == "-"))
            return match.end() - index
        return 1

    def _newline(self) -> None:
        if self.pending:
            self.stack.append("heredoc")

    def _heredoc_line(self, text: str, index: int) -> int:
        word, strip = self.pending[0]
        end = text.find("\n", index)
        line = text[index:] if end < 0 else text[index:end]
        at_start = self.previous == "\n"
        width = len(line) + (end >= 0)
        if at_start and (line.lstrip("\t") if strip else line) == word:
            self.pending.pop(0)
            if not self.pending:
                self.stack.pop()
        self.previous = "\n" if end >= 0 else "x"
        return max(width, 1)


def expand(parts: Sequence[str | RefSpan], variable: Callable[[RefSpan], str]) -> tuple[str, tuple[Misplaced, ...]]:
    """The script with every reference as `"${NAME}"` (or `${NAME}` inside double quotes), and those that cannot be.

    `variable` names the environment variable of a reference.
    """
    lexer = _Lexer()
    text: list[str] = []
    misplaced: list[Misplaced] = []
    for part in parts:
        if isinstance(part, str):
            lexer.feed(part)
            text.append(part)
            continue
        name = variable(part)
        quoting = lexer.quoting
        if quoting == "none":
            text.append(f'"${{{name}}}"')
        elif quoting == "double":
            text.append(f"${{{name}}}")
        else:
            misplaced.append(Misplaced(reference=part, quoting=quoting))
        lexer.word()
    return "".join(text), tuple(misplaced)
