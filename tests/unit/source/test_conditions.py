"""The small language of `when`."""

from __future__ import annotations

import pytest

from mlwright.source.conditions import Condition, Lit, Op, Ref, fold, parse, references

P, Q = Ref("params.p"), Ref("params.q")


def condition(text: str) -> Condition:
    found, wrong = parse(text)
    assert found is not None, wrong
    return found


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("${params.p}", P),
        ("true", Lit(True)),
        ("${params.p} == 'a'", Op("==", (P, Lit("a")))),
        ("${params.p} != null", Op("!=", (P, Lit(None)))),
        ("${params.p}>=-1.5", Op(">=", (P, Lit(-1.5)))),
        ("1e3 < ${params.p}", Op("<", (Lit(1000.0), P))),
        ("${params.p} in ['a', \"b\", 3, true, ]", Op("in", (P, Lit(["a", "b", 3, True])))),
        ("${params.p} not in []", Op("not", (Op("in", (P, Lit([]))),))),
        ("not ${params.p} == 1", Op("not", (Op("==", (P, Lit(1))),))),
        ("${params.p} or ${params.q} and not ${params.p}", Op("or", (P, Op("and", (Q, Op("not", (P,))))))),
        ("(${params.p} or ${params.q}) and ${params.p}", Op("and", (Op("or", (P, Q)), P))),
        ("${params.p} and ${params.q} and true", Op("and", (P, Q, Lit(True)))),
        (r"'it\'s \\' == ${params.p}", Op("==", (Lit("it's \\"), P))),
        ("  \n${params.p}\n  and ${params.q} ", Op("and", (P, Q))),
        ("not not ${params.p}", Op("not", (Op("not", (P,)),))),
        ("(1 < 2) == (3 < 4)", Op("==", (Op("<", (Lit(1), Lit(2))), Op("<", (Lit(3), Lit(4)))))),
    ],
)  # fmt: skip
def test_conditions_mean_what_they_look_like(text: str, meaning: Condition) -> None:
    assert condition(text) == meaning


@pytest.mark.parametrize(
    ("text", "code", "chars", "help_"),
    [
        ("", "WHEN002", (0, 0), "references"), ("   ", "WHEN002", (0, 3), "references"),
        ("${params.p} ==", "WHEN002", (13, 14), "references"), ("not", "WHEN002", (2, 3), "references"),
        ("${params.p} = 1", "WHEN001", (12, 13), "`==`"), ("${params.p} && true", "WHEN001", (12, 14), "`and`"),
        ("${params.p} || true", "WHEN001", (12, 14), "`or`"), ("!${params.p}", "WHEN001", (0, 1), "`not`"),
        ("${params.p} == fast", "WHEN001", (15, 19), "'fast'"), ("params.p == 1", "WHEN001", (0, 8), "`${params.p}`"),
        ("True", "WHEN001", (0, 4), "`true`"), ("${params.p} AND true", "WHEN001", (12, 15), "`and`"),
        ("'${params.p}' == 1", "WHEN001", (0, 13), "`${params.p}`"), ("${params.p} + 1 > 2", "WHEN001", (12, 13), ""),
        ("(${params.p}", "WHEN001", (0, 1), "`)`"), ("${params.p})", "WHEN001", (11, 12), ""),
        ("[1, 2", "WHEN001", (0, 1), "`]`"), ("'abc", "WHEN001", (0, 4), "'"),
        ("007 == ${params.p}", "WHEN001", (0, 3), "`7`"),
        ("1 < ${params.p} < 3", "WHEN003", (16, 17), "and"), ("${params.p} == 1 == 1", "WHEN003", (17, 19), "and"),
        ("${params.p} > 1e999", "WHEN004", (14, 19), ""), ("len(${params.p}) > 1", "WHEN005", (0, 3), "output"),
        ("${params.p", "REF002", (0, 10), "`}`"), ("${parms.p}", "REF004", (0, 10), "params"),
        ("${P}", "REF004", (0, 4), ""),
        ("1 2", "WHEN001", (2, 3), ""), ("[${params.p}]", "WHEN001", (1, 12), ""), ("1.2.3", "WHEN001", (0, 1), ""),
    ],
)  # fmt: skip
def test_everything_else_is_refused_with_a_caret(text: str, code: str, chars: tuple[int, int], help_: str) -> None:
    found, wrong = parse(text)
    assert found is None
    assert [(item.code, item.at.chars) for item in wrong] == [(code, chars)]
    assert help_ in wrong[0].help


def test_nesting_and_length_have_limits() -> None:
    assert parse("(" * 49 + "true" + ")" * 49)[1] == []
    for text in ("(" * 5000 + "true", "not " * 2000 + "true", "1" * 20_000, "1" * 5000):
        assert [item.code for item in parse(text)[1]] == ["WHEN004"]


def test_a_long_chain_of_and_is_not_nesting() -> None:
    found = condition(" and ".join(["${params.p}"] * 500))
    assert isinstance(found, Op) and len(found.args) == 500


def test_every_part_knows_its_place_in_the_text() -> None:
    text = "not (${params.p} == 'a') or ${params.q}"
    found = condition(text)
    assert [text[ref.start : ref.end] for ref in references(found)] == ["${params.p}", "${params.q}"]
    assert isinstance(found, Op) and text[found.args[1].start : found.args[1].end] == "${params.q}"


def test_folding_builds_the_same_condition_from_other_parts() -> None:
    text = fold(
        condition("${params.p} == 1 and not true"), repr, lambda path: path, lambda op, args: f"({op} {' '.join(args)})"
    )
    assert text == "(and (== params.p 1) (not True))"
