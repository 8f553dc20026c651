"""The language of `when`: comparisons, `and`, `or`, `not`, `in`, literals and references; nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from typing import TypeVar

from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.source.references import Reference, grammar
from mlwright.source.scalars import NotANumber, resolve
from mlwright.source.tree import Json

LitT = TypeVar("LitT")
RefT = TypeVar("RefT")
OpT = TypeVar("OpT")
MAX_NESTING = 50
MAX_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class Lit:
    """A literal: null, bool, number, text or a list of those. `start` and `end` are offsets in the text."""

    value: Json
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference by the path between its braces."""

    path: str
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Op:
    """`op` is one of `== != < <= > >= in and or not`; `not` has one argument, and/or two or more."""

    op: str
    args: tuple[Condition, ...]
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


Condition = Lit | Ref | Op


def fold(
    condition: Condition,
    lit: Callable[[Json], LitT],
    ref: Callable[[str], RefT],
    op: Callable[[str, tuple[LitT | RefT | OpT, ...]], OpT],
) -> LitT | RefT | OpT:
    """The same condition built from other parts: `fold(c, ir.Lit, ir.Ref, ir.Op)` gives the program's own form."""
    if isinstance(condition, Lit):
        return lit(condition.value)
    if isinstance(condition, Ref):
        return ref(condition.path)
    return op(condition.op, tuple(fold(arg, lit, ref, op) for arg in condition.args))


def references(condition: Condition) -> tuple[Ref, ...]:
    """Every reference of a condition, in the order written."""
    if isinstance(condition, Op):
        return tuple(found for arg in condition.args for found in references(arg))
    return (condition,) if isinstance(condition, Ref) else ()


def parse(text: str) -> tuple[Condition | None, list[Diagnostic]]:
    """The condition, or None and what is wrong; labels say where by `chars`. Types are not looked at."""
    if len(text) > MAX_LENGTH:
        return None, [_problem("WHEN004", f"a condition has at most {MAX_LENGTH} characters", 0, len(text))]
    try:
        parser = _Parser(text, _tokens(text))
        return parser.whole(), []
    except _Wrong as wrong:
        return None, [wrong.finding]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # op, word, number, text, ref, end
    text: str
    start: int
    end: int


class _Wrong(Exception):
    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


_TOKEN = lazy(
    r"""\s*(?:
      (?P<ref>\$\{[^{}]*\})
    | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<op>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)
    | (?P<word>[A-Za-z_][\w.-]*)
    )""",
    re.VERBOSE | re.DOTALL,
)
_SPACE = lazy(r"\s*")
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in", "not in"})
_CONSTANTS: dict[str, Json] = {"true": True, "false": False, "null": None}
_FOREIGN = {"&&": "and", "||": "or", "!": "not", "=": "=="}
_FOREIGN_TOKEN = lazy(r"&&|\|\||!|=|.", re.DOTALL)
_ESCAPE = lazy(r"\\(.)", re.DOTALL)
_CONSTANT_SLIPS = {"True": "true", "False": "false", "None": "null", "yes": "true", "no": "false"}
_WORD_SLIPS = {"AND": "and", "OR": "or", "NOT": "not", "IN": "in", "is": "=="}


def _problem(code: str, message: str, start: int, end: int, help_: str = "") -> Diagnostic:
    return Diagnostic(code=code, message=message, at=Label(chars=(start, end)), help=help_)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    cursor = 0
    while True:
        space = _SPACE.match(text, cursor)
        cursor = space.end() if space else cursor
        if cursor >= len(text):
            tokens.append(_Token("end", "", len(text), len(text)))
            return tokens
        match = _TOKEN.match(text, cursor)
        if match is None:
            raise _Wrong(_unreadable(text, cursor))
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match.group(kind), match.start(kind), match.end(kind)))
        cursor = match.end()


def _unreadable(text: str, cursor: int) -> Diagnostic:
    if text.startswith("${", cursor):
        return _problem("REF002", "this `${` is never closed", cursor, len(text), "close it with `}`")
    if text[cursor] in "'\"":
        return _problem("WHEN001", "this quote is never closed", cursor, len(text), f"close it with {text[cursor]}")
    match = _FOREIGN_TOKEN.match(text, cursor)
    found = match.group() if match else text[cursor]
    help_ = f"write `{_FOREIGN[found]}`" if found in _FOREIGN else _LANGUAGE
    return _problem("WHEN001", f"`{found}` is not part of a condition", cursor, cursor + len(found), help_)


_LANGUAGE = "a condition has references, literals and == != < <= > >= in and or not ( )"


class _Parser:
    """Recursive descent, weakest first: or, and, not, comparison, operand."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text = text
        self._tokens = tokens
        self._index = 0
        self._nesting = 0

    def whole(self) -> Condition:
        if self._now.kind == "end":
            raise _Wrong(_problem("WHEN002", "this condition is empty", 0, len(self._text), _LANGUAGE))
        condition = self._either()
        if self._now.kind != "end":
            raise self._unexpected("the condition should end here")
        return condition

    @property
    def _now(self) -> _Token:
        return self._tokens[self._index]

    def _take(self) -> _Token:
        token = self._now
        self._index += 1
        return token

    def _accept(self, *texts: str) -> _Token | None:
        return self._take() if self._now.kind in ("op", "word") and self._now.text in texts else None

    def _either(self) -> Condition:
        return self._chain("or", self._both)

    def _both(self) -> Condition:
        return self._chain("and", self._negation)

    def _chain(self, word: str, operand: Callable[[], Condition]) -> Condition:
        args = [operand()]
        while self._accept(word):
            args.append(operand())
        return args[0] if len(args) == 1 else Op(word, tuple(args), args[0].start, args[-1].end)

    def _negation(self) -> Condition:
        token = self._accept("not")
        if token is None:
            return self._comparison()
        arg = self._deeper(token, self._negation)
        return Op("not", (arg,), token.start, arg.end)

    def _deeper(self, token: _Token, parse: Callable[[], Condition]) -> Condition:
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise _Wrong(_problem("WHEN004", "this condition is nested too deeply", token.start, token.end))
        condition = parse()
        self._nesting -= 1
        return condition

    def _comparison(self) -> Condition:
        left = self._operand()
        op = self._comparator()
        if op is None:
            return left
        right = self._operand()
        again = self._now
        if self._comparator() is not None:
            help_ = "compare two at a time: `a < b and b < c`"
            raise _Wrong(_problem("WHEN003", "comparisons cannot be chained", again.start, again.end, help_))
        if op == "not in":
            inner = Op("in", (left, right), left.start, right.end)
            return Op("not", (inner,), left.start, right.end)
        return Op(op, (left, right), left.start, right.end)

    def _comparator(self) -> str | None:
        token = self._accept("==", "!=", "<", "<=", ">", ">=", "in")
        if token is not None:
            return token.text
        following = self._tokens[self._index + 1] if self._now.kind != "end" else self._now
        if self._now.text == "not" and following.text == "in" and following.kind == "word":
            self._index += 2
            return "not in"
        return None

    def _operand(self) -> Condition:
        token = self._now
        if self._accept("("):
            condition = self._deeper(token, self._either)
            self._close(")", token)
            return condition
        if self._accept("["):
            return self._list(token)
        if token.kind == "ref":
            return self._reference(self._take())
        return self._literal()

    def _close(self, bracket: str, opened: _Token) -> _Token:
        token = self._accept(bracket)
        if token is None:
            message, help_ = f"this `{opened.text}` is never closed", f"close it with `{bracket}`"
            raise _Wrong(_problem("WHEN001", message, opened.start, opened.end, help_))
        return token

    def _list(self, opened: _Token) -> Lit:
        values: list[Json] = []
        while self._now.text != "]" or self._now.kind != "op":
            values.append(self._literal().value)
            if not self._accept(","):
                break
        return Lit(values, opened.start, self._close("]", opened).end)

    def _literal(self) -> Lit:
        token = self._now
        if token.kind == "number":
            self._take()
            return Lit(_number(token), token.start, token.end)
        if token.kind == "text":
            self._take()
            _no_reference_inside(token)
            return Lit(_ESCAPE.sub(r"\1", token.text[1:-1]), token.start, token.end)
        if token.kind == "word" and token.text in _CONSTANTS:
            self._take()
            return Lit(_CONSTANTS[token.text], token.start, token.end)
        raise self._unexpected("a value is missing here" if token.kind == "end" else "this is not a value")

    def _reference(self, token: _Token) -> Ref:
        path = token.text[2:-1]
        view = grammar(path)
        if not isinstance(view, Reference):
            at = Label(chars=(token.start, token.end))
            raise _Wrong(Diagnostic(code=view.code, message=view.message, at=at, help=view.help))
        return Ref(path, token.start, token.end)

    def _unexpected(self, message: str) -> _Wrong:
        token = self._now
        if token.kind == "end":
            end = max(len(self._text.rstrip()), 1)
            return _Wrong(_problem("WHEN002", message, end - 1, end, _LANGUAGE))
        following = self._tokens[self._index + 1]
        if token.kind == "word" and following.text == "(" and token.text not in ("and", "or", "not", "in"):
            message = f"`{token.text}(...)`: a condition has no functions"
            help_ = "let a step write a value output and compare that"
            return _Wrong(_problem("WHEN005", message, token.start, token.end, help_))
        if token.kind == "word":
            message = message.replace("this", f"`{token.text}`")
            return _Wrong(_problem("WHEN001", message, token.start, token.end, _word_help(token.text)))
        return _Wrong(_problem("WHEN001", f"{message}: `{token.text}`", token.start, token.end, _LANGUAGE))


def _no_reference_inside(token: _Token) -> None:
    if "${" in token.text:
        message = "a reference in quotes is just text"
        help_ = f"take the quotes away: `{token.text[1:-1]}`"
        raise _Wrong(_problem("WHEN001", message, token.start, token.end, help_))


def _number(token: _Token) -> Json:
    try:
        value = resolve(token.text)
    except NotANumber as error:
        raise _Wrong(_problem("WHEN004", str(error), token.start, token.end)) from error
    if isinstance(value, str):
        help_ = f"write `{token.text.lstrip('+-0') or '0'}`"
        raise _Wrong(_problem("WHEN001", f"`{token.text}` is not a number", token.start, token.end, help_))
    return value


def _word_help(word: str) -> str:
    if word in _CONSTANT_SLIPS:
        return f"write `{_CONSTANT_SLIPS[word]}`"
    if word in _WORD_SLIPS:
        return f"write `{_WORD_SLIPS[word]}`"
    if isinstance(grammar(word), Reference):
        return f"a reference is written `${{{word}}}`"
    return f"put text in quotes: '{word}'"
