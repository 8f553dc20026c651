"""`--param`: read by declared type, refused in words that help."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest

from mlwright import ir
from mlwright.runner.params import override, split, typed

ORIGIN = ir.Origin(path=("params", "p"))


def declared(kind: ir.ValueType, **fields: Any) -> ir.Param:
    return ir.Param(name="p", type=kind, origin=ORIGIN, **fields)


def overridden(make: Callable[..., ir.Project], param: ir.Param, **given: str) -> tuple[ir.Param, list[str]]:
    made = make(params=(param,))
    changed, findings = override(made, made.pipelines[0], given)
    return changed.params[0], [finding.message for finding in findings]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "a=b c", "a=b c"),
        ("string", "", ""),
        ("int", "-12", -12),
        ("float", "1e-3", 0.001),
        ("float", "7", 7.0),
        ("bool", "true", True),
        ("json", '{"a": [1]}', {"a": [1]}),
    ],
)
def test_a_value_is_read_by_the_declared_type(
    project: Callable[..., ir.Project], kind: ir.ValueType, text: str, value: ir.Json
) -> None:
    param, wrong = overridden(project, declared(kind, required=True), p=text)
    assert (param.default, param.required, wrong) == (value, False, [])
    assert type(param.default) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("int", "1.5", "not an int"),
        ("int", "1_000", "not an int"),
        ("int", "٣", "not an int"),
        ("int", "9" * 40, "not an int"),
        ("float", "fast", "not a float"),
        ("float", "nan", "not a finite float"),
        ("float", "1_0", "not a finite float"),
        ("bool", "yes", "a bool is `true` or `false`"),
        ("json", "{", "not JSON"),
    ],
)
def test_a_value_of_another_type_is_refused(
    project: Callable[..., ir.Project], kind: ir.ValueType, text: str, said: str
) -> None:
    param, wrong = overridden(project, declared(kind), p=text)
    assert said in wrong[0]
    assert wrong[0].startswith(f"--param p={text}: ")
    assert param.default is None


@pytest.mark.parametrize(("text", "said"), [("0", "minimum 1"), ("11", "maximum 10")])
def test_bounds_hold(project: Callable[..., ir.Project], text: str, said: str) -> None:
    _, wrong = overridden(project, declared("int", min=1, max=10), p=text)
    assert said in wrong[0]


@pytest.mark.parametrize(
    ("param", "text", "help"),
    [
        (
            declared("float", default=0.01, min=1e-05, max=10),
            "fast",
            "a number from 1e-05 to 10, such as `--param p=0.01`",
        ),
        (declared("int", min=2.0), "1", "a whole number from 2, such as `--param p=2`"),
        (declared("int"), "x", "a whole number, such as `--param p=1`"),
        (declared("float"), "x", "a number, such as `--param p=0.5`"),
        (declared("bool"), "yes", "`true` or `false`, such as `--param p=true`"),
        (declared("json", default={"a": 1}), "{", """JSON, such as `--param 'p={"a": 1}'`"""),
        (declared("string", choices=("a b", "c")), "d", "a text, such as `--param 'p=a b'`"),
    ],
)
def test_who_gives_a_wrong_value_is_told_one_that_is_taken(
    project: Callable[..., ir.Project], param: ir.Param, text: str, help: str
) -> None:
    whole = project(params=(param,))
    (found,) = typed(whole, {"p": text})[1]
    assert found.help == f"write {help}"
    _, given = shlex.split(help.split("`")[-2])
    assert typed(whole, split([given])[0])[1] == ()


def test_choices_hold(project: Callable[..., ir.Project]) -> None:
    _, wrong = overridden(project, declared("string", choices=("a", "b")), p="c")
    assert "not one of a, b" in wrong[0]


def test_an_unknown_name_gets_an_offer(project: Callable[..., ir.Project]) -> None:
    made = project(params=(ir.Param(name="epochs", type="int", origin=ORIGIN),))
    _, findings = override(made, made.pipelines[0], {"epoch": "3"})
    assert findings[0].message == "there is no parameter `epoch`"
    assert findings[0].help == "did you mean `epochs`?"


def test_the_pipelines_own_value_stands_unless_the_command_line_says_otherwise(
    project: Callable[..., ir.Project],
) -> None:
    pipeline = ir.Pipeline(name="main", nodes=(), params=(("p", 3), ("q", 4)), origin=ORIGIN)
    both = (ir.Param(name="p", type="int", origin=ORIGIN), ir.Param(name="q", type="int", origin=ORIGIN))
    made = project(params=both, pipelines=(pipeline,))
    changed, _ = override(made, pipeline, {"p": "5"})
    assert [param.default for param in changed.params] == [5, 4]


@pytest.mark.parametrize("word", ["epochs", "=3", ""])
def test_a_word_without_a_name_and_a_value_is_refused(word: str) -> None:
    assert split([word])[1][0].code == "RUN002"


def test_the_last_of_two_values_wins_and_a_value_may_hold_an_equals_sign() -> None:
    assert split(["a=1", "a=2=3"]) == ({"a": "2=3"}, [])
