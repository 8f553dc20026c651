"""Argo's `depends`: what a task waits for, and which tasks must have succeeded whenever it runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

RESULTS = frozenset({"Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned", "AnySucceeded", "AllFailed"})
_TOKEN = re.compile(r"\s*(?:(&&|\|\||!|\(|\))|([A-Za-z_][A-Za-z0-9_-]*)(?:\.([A-Za-z]+))?)")


@dataclass(frozen=True, slots=True)
class Atom:
    """`name`, or `name.Result`."""

    name: str
    result: str


@dataclass(frozen=True, slots=True)
class Not:
    part: Expression


@dataclass(frozen=True, slots=True)
class Both:
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Either:
    left: Expression
    right: Expression


Expression = Atom | Not | Both | Either


def parse(text: str) -> Expression:
    """The expression that `text` is; `ValueError` says what is wrong with it."""
    tokens: list[str | Atom] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if not match:
            raise ValueError(f"`{text}` cannot be read from `{text[position:]}` on")
        if match[3] and match[3] not in RESULTS:
            raise ValueError(f"`{match[3]}` is no result of a task")
        tokens.append(match[1] or Atom(match[2], match[3] or ""))
        position = match.end()
    read, rest = _either(tokens)
    if rest:
        raise ValueError(f"`{text}` does not end where its expression does")
    return read


def _either(tokens: list[str | Atom]) -> tuple[Expression, list[str | Atom]]:
    left, rest = _both(tokens)
    while rest and rest[0] == "||":
        right, rest = _both(rest[1:])
        left = Either(left, right)
    return left, rest


def _both(tokens: list[str | Atom]) -> tuple[Expression, list[str | Atom]]:
    left, rest = _one(tokens)
    while rest and rest[0] == "&&":
        right, rest = _one(rest[1:])
        left = Both(left, right)
    return left, rest


def _one(tokens: list[str | Atom]) -> tuple[Expression, list[str | Atom]]:
    match tokens:
        case [Atom() as atom, *rest]:
            return atom, rest
        case ["!", *rest]:
            part, rest = _one(rest)
            return Not(part), rest
        case ["(", *rest]:
            part, rest = _either(rest)
            if rest[:1] != [")"]:
                raise ValueError("a parenthesis is never closed")
            return part, rest[1:]
        case _:
            raise ValueError("a task is missing")


def atoms(expression: Expression) -> list[Atom]:
    """Every task that the expression names."""
    match expression:
        case Atom():
            return [expression]
        case Not(part):
            return atoms(part)
        case Both(left, right) | Either(left, right):
            return atoms(left) + atoms(right)


Task = tuple[Expression | None, bool]
"""What it waits for, and whether it may be skipped."""


def succeeded_before(name: str, tasks: Mapping[str, Task]) -> frozenset[str]:
    """The tasks that have succeeded (or run as daemons) in every run in which `name` starts. No circles in `tasks`."""

    def of_task(task: str) -> frozenset[str]:
        waits = tasks[task][0]
        return of(waits) if waits else frozenset()

    def of(expression: Expression) -> frozenset[str]:
        match expression:
            case Atom(task, _) if task not in tasks:
                return frozenset()
            case Atom(task, "Succeeded" | "Daemoned" | "AnySucceeded"):
                return of_task(task) | {task}
            case Atom(task, ""):  # succeeded, skipped or a daemon
                return of_task(task) | (frozenset() if tasks[task][1] else {task})
            case Atom(task, "Failed" | "Errored" | "AllFailed" | "Skipped"):  # it was its turn
                return of_task(task)
            case Both(left, right):
                return of(left) | of(right)
            case Either(left, right):
                return of(left) & of(right)
            case _:
                return frozenset()

    return of_task(name)


def runs_for_certain(name: str, tasks: Mapping[str, Task]) -> bool:
    """True when the task runs in every run in which no task fails, whatever the conditions of others say."""
    known: dict[str, bool] = {}

    def certain(task: str) -> bool:
        if task not in known:
            waits, skippable = tasks[task]
            known[task] = not skippable and (waits is None or _holds(waits, tasks, certain))
        return known[task]

    return name in tasks and certain(name)


def _holds(expression: Expression, tasks: Mapping[str, Task], certain: Callable[[str], bool]) -> bool:
    """True when the expression must hold, if nothing fails."""
    match expression:
        case Atom(task, result):
            if task not in tasks:
                return False
            if result in ("Succeeded", "AnySucceeded", "Daemoned"):
                return certain(task)
            if result == "":  # a skipped task counts; one that is omitted does not
                waits = tasks[task][0]
                return certain(task) or waits is None or _holds(waits, tasks, certain)
            return False
        case Both(left, right):
            return _holds(left, tasks, certain) and _holds(right, tasks, certain)
        case Either(left, right):
            return _holds(left, tasks, certain) or _holds(right, tasks, certain)
        case Not(Atom(task, "Failed" | "Errored" | "AllFailed")):
            return task in tasks
        case Not():
            return False
