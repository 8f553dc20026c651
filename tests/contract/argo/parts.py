"""Rules about one part of a workflow template that need to know nothing around it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tests.contract.argo import depends, scope, tags
from tests.contract.argo.scope import Scope, leaf, named

LOOPS = ("withItems", "withParam", "withSequence")
DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")
RETRY = ("Always", "OnFailure", "OnError", "OnTransientError")
EXPRESSIONS = ("expression", "fromExpression")
SOURCES = ("s3", "gcs", "azure", "http", "raw", "git", "oss", "hdfs", "artifactory", "plugin", "from", "fromExpression")


def has_value(entry: Mapping[str, Any]) -> bool:
    return "value" in entry or "valueFrom" in entry or "default" in entry


def value_problems(entry: Mapping[str, Any], inside: Scope, here: str) -> list[str]:
    """The tags of an argument or an output, and its fields that are expressions without braces."""
    outer, inner = dict(entry), dict(entry.get("valueFrom", {}))
    bare = [str(holder.pop(key)) for holder in (inner, outer) for key in EXPRESSIONS if key in holder]
    found = scope.problems(outer | ({"valueFrom": inner} if inner else {}), inside, here)
    for expression in bare:
        found += scope.expression_problems(expression, inside, here)
    return found


def kind_problems(entry: Mapping[str, Any], kind: str, here: str) -> list[str]:
    """A parameter comes from a value, an artifact from an artifact."""
    source = (
        entry.get("from") if kind == "artifacts" else entry.get("value", entry.get("valueFrom", {}).get("parameter"))
    )
    if not isinstance(source, str):
        return []
    try:
        found = list(tags.tags(source))
    except tags.Malformed:
        return []  # said where all texts are read
    if kind == "artifacts" and (len(found) != 1 or not found[0].whole or "artifacts" not in found[0].text.split(".")):
        return [f"{here}: `{source}` is no artifact"]
    if kind == "parameters" and any(
        "artifacts" in tag.text.split(".") and not tag.text.endswith(".path") for tag in found
    ):
        return [f"{here}: `{source}` is an artifact"]
    return []


def need_problems(template: Mapping[str, Any], parameters: set[str], artifacts: set[str], where: str) -> list[str]:
    found = []
    for name, entry in named(template, "inputs", "parameters").items():
        if name not in parameters and not has_value(entry):
            found.append(f"{where}: parameter `{name}` gets no value")
    for name, entry in named(template, "inputs", "artifacts").items():
        if name not in artifacts and not entry.get("optional") and not any(key in entry for key in SOURCES):
            found.append(f"{where}: artifact `{name}` comes from nowhere")
    return found


def limit_problems(template: Mapping[str, Any], where: str) -> list[str]:
    """Retries and time limits that the controller can read, on a kind of template that has them."""
    found = []
    timeout = template.get("timeout")
    if timeout is not None and not leaf(template):
        found.append(f"{where}: a timeout on what is no pod")
    elif timeout is not None and "{{" not in timeout and not DURATION.fullmatch(timeout):
        found.append(f"{where}: timeout `{timeout}` is no duration with a unit")
    if "activeDeadlineSeconds" in template and not leaf(template):
        found.append(f"{where}: activeDeadlineSeconds on what is no pod")
    retry = template.get("retryStrategy")
    if retry is None:
        return found
    limit = retry.get("limit")
    if limit is not None and not re.fullmatch(r"\d+|\{\{.*\}\}", str(limit)):
        found.append(f"{where}: retryStrategy.limit `{limit}` is no number")
    if retry.get("retryPolicy", "Always") not in RETRY:
        found.append(f"{where}: retryPolicy `{retry['retryPolicy']}`")
    backoff = retry.get("backoff")
    if backoff is not None and "duration" not in backoff:
        found.append(f"{where}: backoff has no duration")
    for key in ("duration", "maxDuration", "cap"):
        if (value := (backoff or {}).get(key)) is not None and not re.fullmatch(rf"\d+|{DURATION.pattern}", str(value)):
            found.append(f"{where}: backoff.{key} `{value}` is no duration")
    if (factor := (backoff or {}).get("factor")) is not None and not re.fullmatch(r"\d+", str(factor)):
        found.append(f"{where}: backoff.factor `{factor}` is no whole number")
    return found


def path_problems(template: Mapping[str, Any], where: str) -> list[str]:
    """A pod's artifacts have a path each, and its outputs a file that they are read from."""
    found = []
    taken: list[str] = []
    for name, entry in named(template, "inputs", "artifacts").items():
        taken.append(entry.get("path", ""))
        if not entry.get("path"):
            found.append(f"{where}: input artifact `{name}` has no path")
    for name, entry in named(template, "outputs", "artifacts").items():
        if not entry.get("path"):
            found.append(f"{where}: output artifact `{name}` has no path")
    for name, entry in named(template, "outputs", "parameters").items():
        source = entry.get("valueFrom", {})
        if (
            "value" not in entry
            and not {"path", "supplied", "jsonPath", "jqFilter", "event", "expression"} & source.keys()
        ):
            found.append(f"{where}: output parameter `{name}` is read from nowhere")
    return found + twice(where, "artifact at", [path for path in taken if path])


def volume_problems(template: Mapping[str, Any], spec: Mapping[str, Any], where: str) -> list[str]:
    """Every volume that a container mounts is one of the template's or the workflow's."""
    known = {volume["name"] for holder in (template, spec) for volume in holder.get("volumes", ())}
    known |= {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())}
    containers = [template.get("container", {}), template.get("script", {}), *template.get("initContainers", ())]
    containers += [*template.get("sidecars", ()), *template.get("containerSet", {}).get("containers", ())]
    mounted = {mount["name"] for container in containers for mount in container.get("volumeMounts", ())}
    return [f"{where}: volume `{name}` is not there" for name in sorted(mounted - known)]


def tasks_of(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    steps = [step for group in template.get("steps", ()) for step in group]
    tasks = [*template.get("dag", {}).get("tasks", ()), *steps]
    return tasks + [inner for task in tasks if "inline" in task for inner in tasks_of(task["inline"])]


def outputs_of(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    outputs = template.get("outputs", {})
    return [*outputs.get("parameters", ()), *outputs.get("artifacts", ())]


def loops_of(task: Mapping[str, Any]) -> list[str]:
    return [loop for loop in LOOPS if loop in task]


def may_be_skipped(task: Mapping[str, Any]) -> bool:
    """A condition, a failure that does not count, or a loop over a list that may be empty."""
    return "when" in task or "continueOn" in task or "withParam" in task


def waits_for(task: Mapping[str, Any]) -> bool:
    return bool(task.get("depends") or task.get("dependencies"))


def waits(task: Mapping[str, Any]) -> depends.Expression | None:
    """What a task waits for, or nothing; `ValueError` where it cannot be read."""
    if "depends" in task:
        return depends.parse(task["depends"])
    expression: depends.Expression | None = None
    for name in task.get("dependencies", ()):
        atom = depends.Atom(name, "")
        expression = atom if expression is None else depends.Both(expression, atom)
    return expression


def ancestors(name: str, names: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    todo = list(names.get(name, ()))
    while todo:
        other = todo.pop()
        if other not in seen:
            seen.add(other)
            todo += names.get(other, ())
    return seen


def circle(names: Mapping[str, Sequence[str]]) -> list[str]:
    """One circle, from a task back to itself; empty where there is none."""
    for name in names:
        if name in ancestors(name, names):
            return [name, *(other for other in names[name] if other == name or name in ancestors(other, names))]
    return []


def twice(where: str, what: str, names: Sequence[str]) -> list[str]:
    return [f"{where}: {what} `{name}` twice" for name in sorted({name for name in names if names.count(name) > 1})]
