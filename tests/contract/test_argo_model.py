"""Argo's semantics: the model of them finds what is broken on purpose, and nothing in what examples compile to."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.contract.argo import depends, tags
from tests.contract.argo.model import problems

ROOT = Path(__file__).parent.parent.parent

HERE = Path(__file__).parent / "argo"
SOUND = (HERE / "sound.yaml").read_text(encoding="utf-8")
BROKEN: dict[str, dict[str, str]] = yaml.safe_load((HERE / "broken.yaml").read_text(encoding="utf-8"))


def found(text: str) -> list[str]:
    return problems(list(yaml.safe_load_all(text)))


def test_a_sound_workflow_has_no_problem() -> None:
    assert found(SOUND) == []


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str) -> None:
    case = BROKEN[name]
    assert case["old"] in SOUND, "the case changes nothing"
    said = found(SOUND.replace(case["old"], case["new"], 1))
    assert any(case["says"] in problem for problem in said), said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("valueFrom: {path: /tmp/score}", "valueFrom: {path: /tmp/score, default: none}"),
        ("[{name: score}, {name: text", "[{name: score, default: none}, {name: text"),
    ],
)
def test_a_default_on_either_side_stands_for_what_was_skipped(old: str, new: str) -> None:
    skipped = SOUND.replace("depends: prep.Succeeded && (trial", 'when: "false"\n            depends: prep && (trial')
    reader = "task report, parameters score"
    assert any(reader in problem for problem in found(skipped))
    assert not any(reader in problem for problem in found(skipped.replace(old, new)))


@pytest.mark.parametrize(
    ("expression", "guaranteed"),
    [
        ("a", {"a"}),
        ("a.Succeeded && b", {"a", "b"}),
        ("a || b", set()),
        ("(a && c) || (a && b)", {"a"}),
        ("a.Failed", set()),
        ("c.Failed", {"a"}),
        ("c.Skipped", {"a"}),
        ("!a.Failed", set()),
        ("maybe", set()),
        ("maybe.Succeeded", {"maybe"}),
        ("c.Omitted", set()),
    ],
)
def test_depends_says_who_has_succeeded(expression: str, guaranteed: set[str]) -> None:
    tasks: dict[str, depends.Task] = {
        "a": (None, False),
        "b": (None, False),
        "c": (depends.parse("a"), False),
        "maybe": (None, True),
        "last": (depends.parse(expression), False),
    }
    assert depends.succeeded_before("last", tasks) == guaranteed


@pytest.mark.parametrize("text", ["", "a &&", "(a", "a b", "a.Sucess", "a)", "&& a", "a | b", "!"])
def test_depends_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        depends.parse(text)


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("inputs.parameters['my-x'] + 1", [("inputs", "parameters", "my-x")]),
        ("asInt(tasks['by-store'].outputs.result) > 1", [("tasks", "by-store", "outputs", "result")]),
        ("tasks.by-store.outputs", [("tasks", "by")]),
        ("'workflow.name' == x.workflow", []),
        ("item.a == workflow.name", [("item", "a"), ("workflow", "name")]),
    ],
)
def test_an_expression_reads_these_variables(expression: str, read: list[tuple[str, ...]]) -> None:
    assert list(tags.variables(expression)) == read


GOLDEN = sorted(
    folder.relative_to(ROOT).as_posix() for folder in (ROOT / "tests" / "golden").glob("**/argo") if folder.is_dir()
)


@pytest.mark.parametrize("folder", GOLDEN)
def test_what_examples_compile_to_is_sound(folder: str) -> None:
    objects = [
        item
        for path in sorted((ROOT / folder).rglob("*.yaml"))
        for item in yaml.safe_load_all(path.read_text(encoding="utf-8"))
        if isinstance(item, dict) and "metadata" in item
    ]
    assert problems(objects) == []


def test_schedules_and_several_kinds_of_template_are_among_them() -> None:
    text = "".join(path.read_text(encoding="utf-8") for folder in GOLDEN for path in (ROOT / folder).glob("*.yaml"))
    for expected in (
        "kind: WorkflowTemplate",
        "kind: CronWorkflow",
        "dag:",
        "withSequence:",
        "daemon: true",
        "onExit:",
    ):
        assert expected in text
