"""References are found in text, have a typed view, and are replaced where their value is known."""

from __future__ import annotations

import pytest

from mlwright.diag import Diagnostic
from mlwright.source.load import load
from mlwright.source.patterns import matches
from mlwright.source.references import (
    Reference,
    RefSpan,
    check,
    escaped,
    grammar,
    iterate,
    literal,
    parse,
    problems,
    substitute,
)
from mlwright.source.tree import Json, Node, plain


def tree(text: str) -> Node:
    found, bag = load(text.encode(), "f")
    assert found is not None, list(bag)
    return found


def pieces(text: str) -> list[object]:
    parts, found = parse(text)
    assert found == []
    return [part if isinstance(part, str) else (part.path, part.start, part.end) for part in parts]


def test_text_is_split_into_literals_and_references_with_their_places() -> None:
    assert pieces("--lr=${params.lr}/${run.id}") == ["--lr=", ("params.lr", 5, 17), "/", ("run.id", 18, 27)]
    assert pieces("${a.b}") == [("a.b", 0, 6)]
    assert pieces("") == []


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("$${HOME}", "${HOME}"), ("$$ $HOME $1 $(x) $", "$$ $HOME $1 $(x) $"), ("$$${x", "$${x"), ("$${", "${"),
        ("a $${b} $${c.d}", "a ${b} ${c.d}"), ("}{", "}{"), ("$ {a.b}", "$ {a.b}"),
    ],
)  # fmt: skip
def test_only_dollar_brace_is_special(text: str, literal: str) -> None:
    assert pieces(text) == [literal]


@pytest.mark.parametrize(
    ("text", "code", "chars", "help_"),
    [
        ("a ${NAME}", "REF001", (2, 9), "`$NAME` or `$${NAME}`"), ("${A:-b}", "REF001", (0, 7), "`$${A:-b}`"),
        ("${#a}", "REF001", (0, 5), "`$${#a}`"), ("${params}", "REF005", (0, 9), "`${params.NAME}`"),
        ("x ${a.b", "REF002", (2, 7), "close it"), ("${a.b\nmore", "REF002", (0, 5), "close it"),
        ("${a.${b.c}}", "REF002", (0, 4), "close it"), ("${}", "REF003", (0, 3), "${params.name}"),
        ("${  }", "REF003", (0, 5), "${params.name}"), ("${ a.b }", "REF006", (0, 8), "`${a.b}`"),
    ],
)  # fmt: skip
def test_badly_written_references_say_what_to_write(text: str, code: str, chars: tuple[int, int], help_: str) -> None:
    _, found = parse(text)
    assert [(item.code, item.at.chars) for item in found] == [(code, chars)]
    assert help_ in found[0].help


@pytest.mark.parametrize(
    ("path", "view"),
    [
        ("params.lr", Reference(kind="params", path="params.lr", name="lr")),
        ("data.x", Reference(kind="data", path="data.x", name="x")),
        ("data.x.uri", Reference(kind="data_uri", path="data.x.uri", name="x")),
        ("outputs.t", Reference(kind="outputs", path="outputs.t", name="t")),
        ("steps.a-b.outputs.t", Reference(kind="step_output", path="steps.a-b.outputs.t", node="steps.a-b", name="t")),
        ("training.outputs.m", Reference(kind="step_output", path="training.outputs.m", node="training", name="m")),
        ("models.r.training.outputs.m", Reference(kind="step_output", path="models.r.training.outputs.m",
            node="models.r.training", name="m")),
        ("evaluation.metrics.test/auc 1", Reference(kind="metric", path="evaluation.metrics.test/auc 1",
            node="evaluation", name="test/auc 1")),
        ("steps.s.metrics.a.b", Reference(kind="metric", path="steps.s.metrics.a.b", node="steps.s", name="a.b")),
        ("secrets.mlflow-db.uri", Reference(kind="secret", path="secrets.mlflow-db.uri", name="mlflow-db", key="uri")),
        ("storage.warehouse", Reference(kind="storage", path="storage.warehouse", name="warehouse")),
        ("registry.my.model@champion", Reference(kind="registry", path="registry.my.model@champion",
            name="my.model", key="champion")),
        ("metadata.name", Reference(kind="metadata", path="metadata.name", name="name")),
        ("environment.name", Reference(kind="environment", path="environment.name", name="name")),
        ("each.store", Reference(kind="each", path="each.store", name="store")),
        ("trial.name", Reference(kind="trial", path="trial.name", name="name")),
        ("run.date", Reference(kind="run", path="run.date", name="date")),
        ("event.body.a.b", Reference(kind="event", path="event.body.a.b", name="a.b")),
    ],
)  # fmt: skip
def test_every_kind_of_reference_has_a_typed_view(path: str, view: Reference) -> None:
    assert grammar(path) == view


@pytest.mark.parametrize(
    ("path", "code", "help_"),
    [
        ("param.x", "REF004", "did you mean `params`?"), ("secret.a.b", "REF004", "did you mean `secrets`?"),
        ("zzz.x", "REF004", "a reference starts with one of"), ("params.a.b", "REF005", "`${params.NAME}`"),
        ("params.", "REF005", "`${params.NAME}`"), ("steps.s.table", "REF005", "`${steps.STEP.outputs.NAME}`"),
        ("steps.outputs.t", "REF005", "steps.STEP"), ("registry.m", "REF005", "`${registry.MODEL@ALIAS}`"),
        ("secrets.s", "REF005", "`${secrets.SECRET.KEY}`"), ("run.name", "REF005", "`${run.id}`"),
        ("data.x.path", "REF005", "`${data.NAME.uri}`"), ("tuning.best", "REF004", "`training`"),
        (".x", "REF004", "one of"),
        ("metadata.owners", "REF005", "`${metadata.name}`"), ("event.headers.x", "REF005", "`${event.body.KEY}`"),
    ],
)  # fmt: skip
def test_a_path_that_is_no_reference_says_what_to_write(path: str, code: str, help_: str) -> None:
    found = grammar(path)
    assert isinstance(found, Diagnostic) and found.code == code and help_ in found.help
    assert found.at.chars == (0, len(path) + 3)


def test_checking_a_text_gives_good_references_and_all_findings() -> None:
    good, found = check("${params.a} ${parms.b} ${C}")
    assert [(span.path, view.kind) for span, view in good] == [("params.a", "params")]
    assert sorted((item.code, item.at.chars) for item in found) == [("REF001", (23, 27)), ("REF004", (12, 22))]


def test_references_of_a_tree_are_listed_with_their_paths() -> None:
    root = tree("a: ['${params.x} $${y}', {b: '${run.id}'}]\nx-c: '${params.z}'\nd: 5")
    assert [(path, span) for path, _, span in iterate(root)] == [
        (("a", 0), RefSpan(path="params.x", start=0, end=11)), (("a", 1, "b"), RefSpan(path="run.id", start=0, end=9)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "metadata: {description: 'costs ${5}'}", "training: {metrics: {a: {pattern: 'x${y'}}}", "x-note: '${'",
        "patches: {p: {merge: {spec: {args: ['${HOME}']}}}}", "objects: {o: {path: '${'}}",
        "environments: {e: {training: {command: '${'}}}",
    ],
)  # fmt: skip
def test_where_dollar_brace_is_ordinary_text_nothing_is_reported(text: str) -> None:
    assert list(problems(tree(text))) == []


KNOWN: dict[str, Json] = {
    "metadata.name": "churn", "environment.name": "prod", "params.n": 3, "params.lr": 1e-05, "params.flag": True,
    "params.list": [1, "é"], "params.odd": "a${b}",
}  # fmt: skip


def replaced(text: str) -> Json:
    result, bag = substitute(tree(text), KNOWN)
    assert list(bag) == []
    return plain(result)


def test_a_text_that_is_one_reference_becomes_the_typed_value() -> None:
    text = "replicas: {min: '${params.n}', on: '${params.flag}', all: '${params.list}', n: '${metadata.name}'}"
    assert replaced(text) == {"replicas": {"min": 3, "on": True, "all": [1, "é"], "n": "churn"}}


def test_inside_longer_text_the_canonical_text_stands() -> None:
    text = "uri: 's3://${metadata.name}-${params.n}-${params.lr}-${params.flag}-${params.list}'"
    assert replaced(text) == {"uri": 's3://churn-3-1e-05-true-[1,"é"]'}


def test_the_result_is_still_text_with_references() -> None:
    assert replaced("path: '${storage.w}/${environment.name}/$${X}/${params.odd}'") == {
        "path": "${storage.w}/prod/$${X}/a$${b}"
    }
    assert replaced("path: '${params.odd}'") == {"path": "a$${b}"}


def test_parameters_stay_references_where_a_run_may_change_them() -> None:
    text = (
        "steps: {s: {command: ['${params.n}', '${metadata.name}'], env: {A: '${params.n}'}, when: '${params.n} > 2'}}"
    )
    found = {"command": ["${params.n}", "churn"], "env": {"A": "${params.n}"}, "when": "${params.n} > 2"}
    assert replaced(text) == {"steps": {"s": found}}


def test_a_parameter_without_a_value_is_reported_outside_of_those_fields() -> None:
    _, bag = substitute(tree("a: '${params.m}'\ncommand: '${params.m}'"), KNOWN)
    assert [(item.code, item.at.path, item.at.chars) for item in bag] == [("REF007", ("a",), (0, 11))]


def test_badly_written_references_are_reported_once_and_left_alone() -> None:
    result, bag = substitute(tree("a: '${X} ${metadata.name}'"), KNOWN)
    assert [item.code for item in bag] == ["REF001"]
    assert plain(result) == {"a": "${X} ${metadata.name}"}


def test_a_tree_without_references_is_the_same_object() -> None:
    root = tree("a: [1, {b: x}]")
    assert substitute(root, KNOWN)[0] is root


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("a.*.c", ("a", "b", "c"), True), ("a.*.c", ("a", "b", "c", 0), True), ("a.*.c", ("a", "b"), False),
        ("**.command", ("steps", "s", "command", 2), True), ("**.command", ("command",), True),
        ("**.metrics.*.pattern", ("training", "metrics", "auc", "pattern"), True),
        ("patches.**", ("patches", "x"), True),
        ("**.command", ("commands",), False), ("a", ("b", "a"), False),
    ],
)  # fmt: skip
def test_patterns_cover_a_path_and_what_is_below_it(pattern: str, path: tuple[str | int, ...], fits: bool) -> None:
    assert matches((pattern,), path) is fits


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$${HOME}", "${HOME}"),
        ("a $ $$ $x $(x) {y}", "a $ $$ $x $(x) {y}"),
        ("$$${x}", "$${x}"),
        (["$${a}", {"k": "<$${b}>"}, 1, None], ["${a}", {"k": "<${b}>"}, 1, None]),
    ],
)
def test_a_value_is_literal_once_its_escapes_are_read_and_written_back_it_is_the_same(
    written: Json, meant: Json
) -> None:
    assert literal(written) == meant
    assert literal(escaped(meant)) == meant
