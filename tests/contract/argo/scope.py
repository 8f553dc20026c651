"""Which variables exist at one place of a workflow, and what is wrong with reading another one there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.contract.argo import tags

PLAIN = frozenset({"name", "namespace", "mainEntrypoint", "serviceAccountName", "uid", "creationTimestamp", "priority"})
"""What every workflow has. `status`, `failures` and `duration` exist at its end only, `scheduledTime` by a schedule."""

AT_THE_END = frozenset({"status", "failures", "duration"})
OF_A_TASK = frozenset({"id", "ip", "status", "exitCode", "startedAt", "finishedAt", "hostNodeName"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """A task whose results another place may read."""

    template: Mapping[str, Any]
    looped: bool
    certain: bool
    """It has succeeded whenever the reading place is evaluated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The variables of one place."""

    parameters: frozenset[str] = frozenset()
    """Of the workflow."""
    labels: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()
    globals: frozenset[str] = frozenset()
    """Outputs with a `globalName`."""
    template: Mapping[str, Any] = field(default_factory=dict)
    """Its inputs and, in a leaf, the paths of its outputs can be read."""
    siblings: Mapping[str, Sibling] = field(default_factory=dict)
    siblings_root: str = "tasks"
    item: bool = False
    retry: bool = False
    """In `retryStrategy.expression`."""
    at_the_end: bool = True
    """Reading what exists at the end only is checked by reach, not here."""
    has_default: bool = False
    """The reader has a value of its own for what was skipped."""


def problems(value: Any, scope: Scope, where: str) -> list[str]:
    """What is wrong with the tags in all texts of a value."""
    found = []
    for path, text in tags.texts(value):
        try:
            for tag in tags.tags(text):
                inner = scope if tag.whole else replace(scope, has_default=False)
                found += [f"{where}{path}: {why}" for read in tag.reads if (why := problem(read, inner))]
        except tags.Malformed as error:
            found.append(f"{where}{path}: {error}")
    return found


def expression_problems(expression: str, scope: Scope, where: str) -> list[str]:
    """The same for a field that is an expression without braces."""
    inner = expression.removeprefix("{{=").removesuffix("}}")
    return [f"{where}: {why}" for read in tags.variables(inner) if (why := problem(read, scope))]


def problem(read: tuple[str, ...], scope: Scope) -> str:
    """Why this variable cannot be read here; empty where it can."""
    name = ".".join(read)
    match read:
        case ("workflow", *rest):
            return _of_workflow(name, rest, scope)
        case ("inputs" | "outputs" as side, *rest):
            return _of_template(name, side, rest, scope)
        case ("tasks" | "steps" as root, *rest):
            return _of_sibling(name, root, rest, scope)
        case ("item", *_):
            return "" if scope.item else f"`{name}` outside of a loop"
        case ("pod", "name"):
            return "" if leaf(scope.template) else f"`{name}` outside of a template that is a pod"
        case ("node", "name"):
            return "" if scope.template else f"`{name}` outside of a template"
        case ("retries",):
            return "" if scope.retry or scope.template.get("retryStrategy") else f"`{name}` without a retryStrategy"
        case ("lastRetry", "exitCode" | "status" | "duration" | "message"):
            return "" if scope.retry else f"`{name}` outside of retryStrategy.expression"
    return f"`{name}` is no variable of Argo"


def _of_workflow(name: str, rest: list[str], scope: Scope) -> str:
    match rest:
        case [plain] if plain in PLAIN or plain == "parameters":
            return ""
        case [late] if late in AT_THE_END:
            return "" if scope.at_the_end else f"`{name}` exists at the end of a workflow only"
        case ["creationTimestamp", _] | ["parameters" | "labels" | "annotations", "json"]:
            return ""
        case ["parameters", *parameter]:
            return "" if ".".join(parameter) in scope.parameters else f"`{name}`: the workflow has no such parameter"
        case ["labels", *label]:
            return "" if ".".join(label) in scope.labels else f"`{name}`: the workflow has no such label"
        case ["annotations", *label]:
            return "" if ".".join(label) in scope.annotations else f"`{name}`: the workflow has no such annotation"
        case ["outputs", "parameters" | "artifacts", output]:
            return "" if output in scope.globals else f"`{name}`: no output has this globalName"
    return f"`{name}` is no variable of Argo"


def _of_template(name: str, side: str, rest: list[str], scope: Scope) -> str:
    match rest:
        case ["parameters"] if side == "inputs":
            return ""
        case ["parameters", wanted] if side == "inputs":
            return "" if wanted in named(scope.template, side, "parameters") else f"`{name}`: no such input"
        case ["artifacts", wanted] if side == "inputs":
            return "" if wanted in named(scope.template, side, "artifacts") else f"`{name}`: no such input"
        case ["parameters" | "artifacts" as kind, wanted, "path"]:
            entry = named(scope.template, side, kind).get(wanted)
            if entry is None or not leaf(scope.template):
                return f"`{name}`: no such {side[:-1]} of a pod"
            return "" if entry.get("path") or entry.get("valueFrom", {}).get("path") else f"`{name}`: it has no path"
    return f"`{name}` is no variable of Argo"


def _of_sibling(name: str, root: str, rest: list[str], scope: Scope) -> str:
    if root != scope.siblings_root or not rest:
        return f"`{name}` is no variable here"
    task, *rest = rest
    sibling = scope.siblings.get(task)
    if sibling is None:
        return f"`{name}`: no `{task}` comes before"
    match rest:
        case ["status"]:
            return ""
        case ["ip"] if not sibling.template.get("daemon"):
            return f"`{name}`: only a daemon still has its address"
        case [field_name] if field_name in OF_A_TASK:
            return "" if sibling.certain else f"`{name}`: `{task}` may not have run"
        case ["outputs", "result"]:
            if "container" not in sibling.template and "script" not in sibling.template:
                return f"`{name}`: only containers and scripts have a result"
            return "" if sibling.certain or scope.has_default else f"`{name}`: `{task}` may not have run"
        case ["outputs", "parameters"] if sibling.looped:
            return "" if sibling.certain or scope.has_default else f"`{name}`: `{task}` may not have run"
        case ["outputs", "artifacts", _] if sibling.looped:
            return f"`{name}`: a loop has no single artifact"
        case ["outputs", "parameters" | "artifacts" as kind, wanted]:
            entry = named(sibling.template, "outputs", kind).get(wanted)
            if entry is None:
                return f"`{name}`: the template of `{task}` makes no such output"
            kept = "default" in entry.get("valueFrom", {}) or scope.has_default
            return "" if sibling.certain or kept else f"`{name}`: `{task}` may not have run, and nobody has a default"
    return f"`{name}` is no variable of Argo"


def named(template: Mapping[str, Any], side: str, kind: str) -> dict[str, Any]:
    """The inputs or outputs of one kind, by name."""
    return {entry["name"]: entry for entry in template.get(side, {}).get(kind, ())}


def leaf(template: Mapping[str, Any]) -> bool:
    """True of a template that runs something, not other templates."""
    return bool(template) and "dag" not in template and "steps" not in template
