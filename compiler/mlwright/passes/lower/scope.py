"""What references can point at: every name that one environment's spec declares, with its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mlwright.record import dataclass
from mlwright.source.references import Reference
from mlwright.source.suggest import closest

RUN_VALUES = {"id": "string", "status": "string", "date": "string"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepNames:
    """What a step offers: output name to type, and metric names."""

    outputs: Mapping[str, str] = field(default_factory=dict)
    metrics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """All names of one environment. `steps` by node id; `models` are registered model names; `own` is the id of the
    step whose text is read, `each` the keys of its `for_each`."""

    params: Mapping[str, str]
    data: frozenset[str]
    secrets: Mapping[str, tuple[str, ...]]
    storage: frozenset[str]
    steps: Mapping[str, StepNames]
    models: frozenset[str]
    own: str = ""
    each: frozenset[str] = frozenset()
    trial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A reference to nothing: why, and what to write instead."""

    code: str
    message: str
    help: str = ""


def resolve(reference: Reference, scope: Scope) -> str | Unresolved:
    """The type of what a reference points at (`string int float bool json dataset model ... path`), or why not."""
    match reference.kind:
        case "params":
            return _named(reference.name, scope.params, "parameter", "params")
        case "data":
            return _declared(reference.name, scope.data, "data source", "data", "path")
        case "data_uri":
            return _declared(reference.name, scope.data, "data source", "data", "string")
        case "outputs":
            return _own_output(reference, scope)
        case "step_output" | "metric":
            return _step_value(reference, scope)
        case "secret":
            return _secret(reference, scope)
        case "storage":
            return _declared(reference.name, scope.storage, "storage", "storage", "path")
        case "registry":
            return "model"
        case "each":
            if reference.name in scope.each:
                return "string"
            return Unresolved(
                code="REF011",
                message=f"`each.{reference.name}` needs a `for_each` with the key `{reference.name}` on this step",
                help=_did_you_mean("each.", reference.name, scope.each)
                or f"add `for_each: {{{reference.name}: [...]}}` to the step",
            )
        case "trial":
            return "string"
        case "run":
            return _named(reference.name, RUN_VALUES, "run value", "run")
        case "event":
            return "string"
        case _:
            return "string"


def _named(name: str, types: Mapping[str, str], what: str, root: str) -> str | Unresolved:
    return types[name] if name in types else _missing(name, types, what, root)


def _declared(name: str, names: frozenset[str], what: str, root: str, type_: str) -> str | Unresolved:
    return type_ if name in names else _missing(name, names, what, root)


def _missing(name: str, names: Mapping[str, str] | frozenset[str], what: str, root: str) -> Unresolved:
    help_ = _did_you_mean(f"{root}.", name, names)
    if not help_ and names:
        help_ = f"declared: {', '.join(sorted(names)[:8])}"
    return Unresolved(
        code="REF011", message=f"there is no {what} `{name}`", help=help_ or f"declare it under `{root}:`"
    )


def _did_you_mean(prefix: str, name: str, names: Mapping[str, object] | frozenset[str]) -> str:
    near = closest(name, sorted(names))
    return f"did you mean `${{{prefix}{near}}}`?" if near else ""


def _own_output(reference: Reference, scope: Scope) -> str | Unresolved:
    outputs = scope.steps[scope.own].outputs if scope.own in scope.steps else {}
    if reference.name in outputs:
        return outputs[reference.name]
    help_ = _did_you_mean("outputs.", reference.name, outputs)
    return Unresolved(
        code="REF011",
        message=f"`{scope.own or 'this'}` declares no output `{reference.name}`",
        help=help_ or f"add `outputs: {{{reference.name}: {{type: file}}}}` to the step",
    )


def _step_value(reference: Reference, scope: Scope) -> str | Unresolved:
    step = scope.steps.get(reference.node)
    if step is None:
        near = closest(reference.node, sorted(scope.steps))
        return Unresolved(
            code="REF011",
            message=f"there is no step `{reference.node}`",
            help=f"did you mean `{near}`?" if near else f"steps: {', '.join(sorted(scope.steps)) or 'none'}",
        )
    if reference.kind == "metric":
        if reference.name in step.metrics:
            return "float"
        near = closest(reference.name, sorted(step.metrics))
        return Unresolved(
            code="REF012",
            message=f"`{reference.node}` declares no metric `{reference.name}`",
            help=f"did you mean `{near}`?" if near else f"add it to `{reference.node}.metrics`",
        )
    if reference.name in step.outputs:
        return step.outputs[reference.name]
    near = closest(reference.name, sorted(step.outputs))
    return Unresolved(
        code="REF011",
        message=f"`{reference.node}` declares no output `{reference.name}`",
        help=f"did you mean `{near}`?" if near else f"add it to `{reference.node}.outputs`",
    )


def _secret(reference: Reference, scope: Scope) -> str | Unresolved:
    keys = scope.secrets.get(reference.name)
    if keys is None:
        return _missing(reference.name, frozenset(scope.secrets), "secret", "secrets")
    if reference.key in keys:
        return "string"
    near = closest(reference.key, sorted(keys))
    return Unresolved(
        code="REF011",
        message=f"secret `{reference.name}` has no key `{reference.key}`",
        help=f"did you mean `{near}`?" if near else f"its keys: {', '.join(keys)}",
    )
