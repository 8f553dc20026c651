"""`--param N=V`: values by declared type, checked before anything starts."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlwright import ir
from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.source.suggest import closest

_WORDS = {"true": True, "false": False}
_KINDS: dict[ir.ValueType, str] = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "`true` or `false`",
    "json": "JSON",
}
_EXAMPLES: dict[ir.ValueType, ir.Json] = {"string": "text", "int": 1, "float": 0.5, "bool": True, "json": {}}


def split(words: Sequence[str]) -> tuple[dict[str, str], list[Diagnostic]]:
    """`N=V` words as a mapping; a later value of the same name wins. RUN002 for a word without `=`."""
    values: dict[str, str] = {}
    wrong = []
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name:
            message, offer = f"--param takes NAME=VALUE, not `{word}`", f"--param {name or 'NAME'}=VALUE"
            wrong.append(Diagnostic(code="RUN002", message=message, help=offer))
            continue
        values[name] = value
    return values, wrong


def typed(project: ir.Project, given: Mapping[str, str]) -> tuple[dict[str, ir.Json], tuple[Diagnostic, ...]]:
    """`given` as values of the declared types. RUN002 for an unknown name and for a value that does not fit."""
    declared = {param.name: param for param in project.params}
    findings: list[Diagnostic] = []
    values: dict[str, ir.Json] = {}
    for name, text in given.items():
        if name not in declared:
            near = closest(name, list(declared))
            offer = f"did you mean `{near}`?" if near else f"declared: {', '.join(declared) or 'none'}"
            at = Label(path=("params",), on="key") if declared else Label()
            findings.append(Diagnostic(code="RUN002", message=f"there is no parameter `{name}`", help=offer, at=at))
            continue
        try:
            values[name] = _checked(declared[name], text)
        except ValueError as error:
            at, offer = Label(path=declared[name].origin.path, on="key"), f"write {_wanted(declared[name])}"
            findings.append(Diagnostic(code="RUN002", message=f"--param {name}={text}: {error}", help=offer, at=at))
    return values, tuple(findings)


def override(
    project: ir.Project, pipeline: ir.Pipeline, given: Mapping[str, str]
) -> tuple[ir.Project, tuple[Diagnostic, ...]]:
    """The project with the pipeline's own values and then `given` in place of the declared defaults."""
    mine, findings = typed(project, given)
    values = {**dict(pipeline.params), **mine}
    params = tuple(
        replace(param, default=values[param.name], required=False) if param.name in values else param
        for param in project.params
    )
    return replace(project, params=params), findings


def _checked(param: ir.Param, text: str) -> ir.Json:
    """`text` as a value of the parameter. Raises ValueError with what is wrong."""
    value = _parsed(param.type, text)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if param.min is not None and value < param.min:
            raise ValueError(f"less than the declared minimum {param.min:g}")
        if param.max is not None and value > param.max:
            raise ValueError(f"more than the declared maximum {param.max:g}")
    if param.choices and value not in param.choices:
        raise ValueError(f"not one of {', '.join(map(str, param.choices))}")
    return value


def _wanted(param: ir.Param) -> str:
    """What the parameter takes, with one value that it takes."""
    given = (param.default, *param.choices, param.min, param.max, _EXAMPLES[param.type])
    value = next(one for one in given if one is not None)
    value = int(value) if param.type == "int" and isinstance(value, float) else value
    example = value if isinstance(value, str) and param.type == "string" else json.dumps(value)
    limits = [f"{word} {limit:g}" for word, limit in (("from", param.min), ("to", param.max)) if limit is not None]
    what = " ".join([_KINDS[param.type], *limits])
    return f"{what}, such as `--param {shlex.quote(f'{param.name}={example}')}`"


def _parsed(kind: ir.ValueType, text: str) -> ir.Json:
    match kind:
        case "string":
            return text
        case "int":
            return _int(text)
        case "float":
            return _float(text)
        case "bool":
            if text not in _WORDS:
                raise ValueError("a bool is `true` or `false`")
            return _WORDS[text]
        case "json":
            try:
                value: ir.Json = json.loads(text)
            except ValueError as error:
                raise ValueError(f"not JSON: {error}") from None
            return value


def _int(text: str) -> int:
    digits = text.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise ValueError("not an int")
    return int(text)


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("not a float") from None
    if not math.isfinite(value) or "_" in text:
        raise ValueError("not a finite float")
    return value
