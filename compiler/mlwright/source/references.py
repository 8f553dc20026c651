"""References: `${path.of.a.thing}` inside text, their grammar, and substituting those known at compile time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import lru_cache
from typing import Literal

from mlwright.diag.diagnostic import Bag, Diagnostic, Label
from mlwright.record import dataclass, replace
from mlwright.regex import lazy
from mlwright.source.patterns import matches
from mlwright.source.suggest import did_you_mean
from mlwright.source.tree import Json, Map, Node, Scalar, from_plain, text_of, walk
from mlwright.span import Path

Kind = Literal[
    "params", "data", "data_uri", "outputs", "step_output", "metric", "secret", "storage", "registry", "metadata",
    "environment", "each", "trial", "run", "event",
]  # fmt: skip

RUNTIME_FIELDS = ("**.command", "**.args", "**.env", "**.when", "**.for_each", "**.run_if")
"""Where parameters stay references, because a run may give them other values. A pattern covers what is below it."""

VERBATIM_FIELDS = (
    "metadata.description", "**.description", "**.metrics.*.pattern", "**.metrics.*.sample", "patches.**", "objects.**",
    "**.needs", "pipelines.*.run", "apiVersion", "kind", "extends",
)  # fmt: skip
"""Where `${` is ordinary text: notes, regular expressions and Kubernetes objects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefSpan:
    """One reference in a text: the path between the braces, and where `${...}` is (offsets in the text)."""

    path: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference by kind.

    `node` is the id of the step it reads from (`steps.s`, `training`, `models.m.evaluation`), `name` the parameter,
    data set, output, metric, secret, storage, model or key; `key` the secret's key or the model's alias.
    """

    kind: Kind
    path: str
    node: str = ""
    name: str = ""
    key: str = ""


_FORMS: dict[str, tuple[str, ...]] = {
    "params": ("params.NAME",),
    "data": ("data.NAME", "data.NAME.uri"),
    "outputs": ("outputs.NAME",),
    "steps": ("steps.STEP.outputs.NAME", "steps.STEP.metrics.NAME"),
    "training": ("training.outputs.NAME", "training.metrics.NAME"),
    "evaluation": ("evaluation.outputs.NAME", "evaluation.metrics.NAME"),
    "models": ("models.MODEL.training.outputs.NAME", "models.MODEL.evaluation.metrics.NAME"),
    "secrets": ("secrets.SECRET.KEY",),
    "storage": ("storage.NAME",),
    "registry": ("registry.MODEL@ALIAS",),
    "metadata": ("metadata.name",),
    "environment": ("environment.name",),
    "each": ("each.KEY",),
    "trial": ("trial.name",),
    "run": ("run.id", "run.status", "run.date"),
    "event": ("event.body.KEY",),
}
ROOTS = tuple(_FORMS)

_PART = r"[A-Za-z_][A-Za-z0-9_-]*"
_STEP = rf"steps\.{_PART}|(?:models\.{_PART}\.)?(?:training|evaluation|steps\.{_PART})"
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("params", rf"params\.(?P<name>{_PART})"),
    ("data_uri", rf"data\.(?P<name>{_PART})\.uri"),
    ("data", rf"data\.(?P<name>{_PART})"),
    ("outputs", rf"outputs\.(?P<name>{_PART})"),
    ("step_output", rf"(?P<node>{_STEP})\.outputs\.(?P<name>{_PART})"),
    ("metric", rf"(?P<node>{_STEP})\.metrics\.(?P<name>\S(?:.*\S)?)"),
    ("secret", rf"secrets\.(?P<name>{_PART})\.(?P<key>[A-Za-z_][A-Za-z0-9_.-]*)"),
    ("storage", rf"storage\.(?P<name>{_PART})"),
    ("registry", r"registry\.(?P<name>[^@\s]+)@(?P<key>[^@\s]+)"),
    ("metadata", r"metadata\.(?P<name>name)"),
    ("environment", r"environment\.(?P<name>name)"),
    ("each", rf"each\.(?P<name>{_PART})"),
    ("trial", r"trial\.(?P<name>name)"),
    ("run", r"run\.(?P<name>id|status|date)"),
    ("event", r"event\.body\.(?P<name>[^\s]+)"),
)
_GRAMMAR: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple((kind, lazy(pattern)) for kind, pattern in _PATTERNS)
_TOKEN = lazy(r"\$\$\{|\$\{")
_STOP = lazy(r"\}|\$\{|\n|\r")
MAX_PROBLEMS = 20
"""Findings in one text; the rest of a text with more is not looked at."""
_SHELL_NAME = lazy(r"[A-Za-z_][A-Za-z0-9_]*")


def parse(text: str) -> tuple[tuple[str | RefSpan, ...], list[Diagnostic]]:
    """Literal pieces and references of `text` in order, and what is wrong, with labels by `chars`.

    `$${` becomes a literal `${`; any other `$` stays as it is. No two strings are side by side, none is empty. Wrong
    references are reported and left out. The grammar of a path is not looked at: see `grammar`.
    """
    if "${" not in text:
        return ((text,) if text else ()), []
    parts: list[str | RefSpan] = []
    problems: list[Diagnostic] = []
    literal: list[str] = []
    cursor = 0

    def flush() -> None:
        if joined := "".join(literal):
            parts.append(joined)
        literal.clear()

    for token in _TOKEN.finditer(text):
        if token.start() < cursor:
            continue
        literal.append(text[cursor : token.start()])
        cursor = token.end()
        if token.group() == "$${":
            literal.append("${")
            continue
        end, problem = _one(text, token.start())
        if problem is None:
            flush()
            parts.append(RefSpan(path=text[token.end() : end - 1], start=token.start(), end=end))
        else:
            problems.append(problem)
        cursor = end
        if len(problems) >= MAX_PROBLEMS:
            break
    literal.append(text[cursor:])
    flush()
    return tuple(parts), problems


def _one(text: str, start: int) -> tuple[int, Diagnostic | None]:
    """The end of the reference that starts at `start`, and what is wrong with it."""
    stop = _STOP.search(text, start + 2)
    if stop is None or stop.group() != "}":
        end = stop.start() if stop else len(text)
        help_ = "close it with `}`, or write `$${` for a literal `${`"
        return end, _problem("REF002", "this `${` is never closed", start, end, help_)
    end, path = stop.end(), text[start + 2 : stop.start()]
    if not path.strip():
        return end, _problem("REF003", "this reference is empty", start, end, "write a path: `${params.name}`")
    if path != path.strip():
        help_ = f"write `${{{path.strip()}}}`"
        return end, _problem("REF006", "spaces are not allowed around a reference's path", start, end, help_)
    if "." not in path:
        return end, _undotted(path, start, end)
    return end, None


def _undotted(path: str, start: int, end: int) -> Diagnostic:
    name = _SHELL_NAME.match(path)
    if path in _FORMS:
        return _problem("REF005", f"`{path}` alone names nothing", start, end, f"write {_forms(path)}")
    if name is None:
        help_ = f"write `$${{{path}}}` for this text"
        return _problem("REF001", f"`${{{path}}}` is not a reference", start, end, help_)
    message = f"`${{{path}}}` has no dot, so it is not a reference"
    help_ = f"for a shell variable write `$${{{path}}}`"
    if name.group() == path:
        help_ = f"for a shell variable write `${path}` or `$${{{path}}}`; for a parameter `${{params.{path}}}`"
    return _problem("REF001", message, start, end, help_)


def _problem(code: str, message: str, start: int, end: int, help_: str) -> Diagnostic:
    return Diagnostic(code=code, message=message, at=Label(chars=(start, end)), help=help_)


@lru_cache(maxsize=4096)
def grammar(path: str) -> Reference | Diagnostic:
    """The typed view of a reference's path, or why there is none (its label covers `${path}`, starting at 0)."""
    root = path.partition(".")[0]
    if root not in _FORMS:
        suggestion = did_you_mean(root, ROOTS)
        help_ = suggestion or f"a reference starts with one of {', '.join(ROOTS)}"
        return _problem("REF004", f"`{root}` is not something that a reference can name", 0, len(path) + 3, help_)
    for kind, pattern in _GRAMMAR:
        match = pattern.fullmatch(path)
        if match is not None:
            found = match.groupdict()
            return Reference(
                kind=kind,
                path=path,
                node=found.get("node", ""),
                name=found.get("name", ""),
                key=found.get("key", ""),
            )
    message = f"`{path}` does not have the form of a reference to `{root}`"
    return _problem("REF005", message, 0, len(path) + 3, f"write {_forms(root)}")


def _forms(root: str) -> str:
    return " or ".join(f"`${{{form}}}`" for form in _FORMS[root])


def check(text: str) -> tuple[tuple[tuple[RefSpan, Reference], ...], list[Diagnostic]]:
    """All good references of `text` with their typed view, and everything wrong: `parse` and `grammar` together."""
    parts, problems = parse(text)
    views = [(part, grammar(part.path)) for part in parts if isinstance(part, RefSpan)]
    problems.extend(_ungrammatical(parts))
    return tuple((part, view) for part, view in views if isinstance(view, Reference)), problems


def _ungrammatical(parts: Iterable[str | RefSpan]) -> Iterator[Diagnostic]:
    for part in parts:
        if isinstance(part, RefSpan) and isinstance(view := grammar(part.path), Diagnostic):
            yield replace(view, at=Label(chars=(part.start, part.end)))


def under(problems: Iterable[Diagnostic], path: Path) -> list[Diagnostic]:
    """Findings about a text, as findings about the value at `path`."""
    return [replace(item, at=replace(item.at, path=path)) for item in problems]


def iterate(node: Node) -> Iterator[tuple[Path, Scalar, RefSpan]]:
    """Every reference in every text of a tree that may have references, in source order."""
    for path, scalar in texts(node):
        for part in parse(str(scalar.value))[0]:
            if isinstance(part, RefSpan):
                yield path, scalar, part


def texts(node: Node) -> Iterator[tuple[Path, Scalar]]:
    """Every text with a `${` in it, except below `x-` keys, `environments` and the VERBATIM_FIELDS."""
    for path, scalar in walk(node, _may_refer):
        if path[:1] != ("environments",) and not matches(VERBATIM_FIELDS, path):
            yield path, scalar


def _may_refer(scalar: Scalar) -> bool:
    return isinstance(scalar.value, str) and "${" in scalar.value


def problems(node: Node) -> Bag:
    """Every badly written reference of a tree."""
    bag = Bag()
    for path, scalar in texts(node):
        bag.extend(under(check(str(scalar.value))[1], path))
    return bag


def substitute(
    tree: Node, compile_time: Mapping[str, Json], runtime_fields: Iterable[str] = RUNTIME_FIELDS
) -> tuple[Node, Bag]:
    """`tree` with the references of `compile_time` (path to value) replaced, and every badly written reference.

    A text that is one reference becomes the typed value; inside longer text the value's canonical text stands, and `${`
    in it is escaped: the result is still text with references. `params.*` stay references in `runtime_fields`, and are
    a finding anywhere else when `compile_time` has no value for them. Other references are left alone.
    """
    bag = Bag()
    values: dict[Path, Json] = {}
    patterns = tuple(runtime_fields)
    for path, scalar in texts(tree):
        text = str(scalar.value)
        parts, wrong = parse(text)
        bag.extend(under(_ungrammatical(parts), path) if not wrong else under(check(text)[1], path))
        if wrong:
            continue
        run_time = matches(patterns, path)
        bag.extend(under(_unknown(parts, compile_time, run_time), path))
        new = _substituted(text, parts, compile_time, run_time)
        if new != text:
            values[path] = new
    changed = {path[:length] for path in values for length in range(len(path) + 1)}
    return (_replaced(tree, values, changed) if values else tree), bag


def _substituted(whole: Json, parts: tuple[str | RefSpan, ...], known: Mapping[str, Json], run_time: bool) -> Json:
    if len(parts) == 1 and isinstance(parts[0], RefSpan) and _settled(parts[0], known, run_time):
        value = known[parts[0].path]
        return _escaped(value) if isinstance(value, str) else value
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += _escaped(part)
        elif _settled(part, known, run_time):
            value = known[part.path]
            text += _escaped(text_of(value) if not isinstance(value, list | dict) else compact(value))
        elif text.endswith("$"):
            # `$` right before a reference cannot be written, it would read as an escape: later stages see the original.
            return whole
        else:
            text += f"${{{part.path}}}"
    return text


def _settled(part: RefSpan, known: Mapping[str, Json], run_time: bool) -> bool:
    return part.path in known and not (run_time and part.path.startswith("params."))


def _unknown(parts: tuple[str | RefSpan, ...], known: Mapping[str, Json], run_time: bool) -> Iterator[Diagnostic]:
    for part in parts:
        if isinstance(part, str) or run_time or not part.path.startswith("params.") or part.path in known:
            continue
        if isinstance(grammar(part.path), Reference):
            names = [path.removeprefix("params.") for path in known if path.startswith("params.")]
            name = part.path.removeprefix("params.")
            message = f"parameter `{name}` has no value when this is compiled"
            help_ = did_you_mean(name, names) or f"give it one: `params: {{{name}: {{default: ...}}}}`"
            yield _problem("REF007", message, part.start, part.end, help_)


def _escaped(text: str) -> str:
    return text.replace("${", "$${")


def literal(value: Json) -> Json:
    """A value without references as programs get it: `$${` in its texts is `${`."""
    return _each_text(value, lambda text: text.replace("$${", "${"))


def escaped(value: Json) -> Json:
    """A value whose texts mean what they are, in a tree whose texts have references."""
    return _each_text(value, _escaped)


def _each_text(value: Json, change: Callable[[str], str]) -> Json:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_each_text(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _each_text(item, change) for key, item in value.items()}
    return value


def compact(value: Json) -> str:
    """JSON on one line with sorted keys: the canonical text of a list or mapping."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _replaced(node: Node, values: Mapping[Path, Json], changed: Set[Path], path: Path = ()) -> Node:
    """`node` with the scalars at `values` replaced; what has no change below it (see `changed`) is shared."""
    if path not in changed:
        return node
    if isinstance(node, Scalar):
        return replace(from_plain(values[path], node.span, node.layer), alias=node.alias)
    if isinstance(node, Map):
        entries = {
            key: replace(entry, node=_replaced(entry.node, values, changed, (*path, key)))
            if (*path, key) in changed
            else entry
            for key, entry in node.entries.items()
        }
        return replace(node, entries=entries)
    return replace(node, items=tuple(_replaced(item, values, changed, (*path, i)) for i, item in enumerate(node.items)))
