"""Once, where it is set, for the environments that it is true of: how sentences come together."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from mlwright.review.model import Remark
from mlwright.review.risks import judged
from mlwright.review.words import remarks
from mlwright.review.words.changes import Change, differences
from mlwright.source.files import Memory
from mlwright.source.tree import Scalar, walk
from mlwright.span import Path as SpecPath
from tests.review.projects import analysed, changed, compared, pairs, texts, tree

KITCHEN = Path(__file__).parents[3] / "examples" / "kitchen-sink"


def test_nothing_differs_from_itself() -> None:
    assert changed({}) == ()


def test_the_same_amount_in_other_words_is_no_change() -> None:
    same = {"training": {"resources": {"memory": "16384Mi", "cpu": "4000m"}}, "steps": {"features": {"timeout": "60m"}}}
    assert changed(same) == ()


def test_notes_are_no_change() -> None:
    assert changed({"x-reviewed": "today", "training": {"x-why": "so"}}) == ()


def test_a_default_is_told_once_with_those_who_take_it_over() -> None:
    (found,) = changed({"defaults": {"steps": {"resources": {"memory": "4Gi"}}}})
    assert texts((found,)) == ["defaults: features, report and evaluation: memory 2Gi -> 4Gi"]
    assert found.path == ("defaults", "steps", "resources", "memory")
    assert found.everywhere


def test_a_default_that_nothing_takes_over_is_told_as_that() -> None:
    (found,) = changed({"defaults": {"serving": {"resources": {"cpu": 2}}}})
    assert texts((found,)) == ["defaults: serving: CPU set to 2 (nothing takes it over)"]


def test_an_entry_that_goes_back_to_the_default_is_its_own_change() -> None:
    (found,) = changed({"training": {"resources": {"memory": None}}})
    assert texts((found,)) == ["training: memory 16Gi -> 2Gi"]


def test_an_overlay_is_told_for_its_environment_alone() -> None:
    (found,) = changed({"environments": {"prod": {"training": {"resources": {"gpu": 4}}}}})
    assert texts((found,)) == ["training: GPUs 1 -> 4, about 4x GPU-hours"]
    assert (found.environments, found.everywhere) == (("prod",), False)


def test_environments_that_differ_otherwise_have_sentences_of_their_own() -> None:
    base = {"environments": {"prod": {"training": {"resources": {"gpu": 2}}}}}
    found = changed({"training": {"resources": {"gpu": {"count": 4}}}}, base)
    assert [(item.text, item.environments) for item in found] == [
        ("GPUs 1 -> 4, about 4x GPU-hours", ("staging",)),
    ]


def test_trials_that_take_over_from_training_are_mentioned_and_not_repeated() -> None:
    base = {"tuning": {"trial": {"params": {"epochs": 3}}}}
    (found,) = changed({"training": {"env": {"NCCL_DEBUG": "WARN"}}}, base)
    assert texts((found,)) == ["training: env.NCCL_DEBUG INFO -> WARN (trials, too)"]


def test_a_base_file_is_told_at_its_own_place() -> None:
    files = {"base.yaml": "params: {depth: {type: int, default: 3}}\n"}
    spec = {"extends": ["base.yaml"]}
    (found,) = compared(tree(spec, files=files), tree(spec, files={"base.yaml": files["base.yaml"].replace("3", "4")}))
    assert texts((found,)) == ["params: depth: default 3 -> 4"]
    assert found.span is not None
    assert found.span.file == "base.yaml"


@pytest.mark.parametrize(
    "env",
    [
        {"DB_PASSWORD": "hunter2-horse"},
        {"ADDRESS": "postgres://ann:hunter2-horse@db/churn"},
        {"NAME": "ghp_hunter2horsehunter2horsehunter2horse"},
    ],
)
def test_what_looks_like_a_secret_is_in_no_part_of_a_remark(env: Any) -> None:
    for found in (
        changed({"training": {"env": env}}),
        changed({"training": {"env": dict.fromkeys(env)}}, {"training": {"env": env}}),
    ):
        assert len(found) == 1
        assert "hunter2" not in str(found)


def test_a_secret_that_became_another_one_is_told_without_either() -> None:
    (found,) = changed(
        {"training": {"env": {"DB_PASSWORD": "horse-1234-b"}}}, {"training": {"env": {"DB_PASSWORD": "horse-1234-a"}}}
    )
    assert found.text == "env.DB_PASSWORD changed (it is not shown)"
    assert "horse" not in str(found)


def test_a_text_and_a_number_that_read_the_same_are_told_apart() -> None:
    (found,) = changed(
        {"params": {"epochs": {"default": "10", "type": "string"}}},
        {"params": {"epochs": {"default": 10, "type": "int"}}},
    )[:1]
    assert found.text == 'epochs: default 10 -> "10"'


def files_of(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and "manifests" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_the_kitchen_sink_does_not_differ_from_itself() -> None:
    first, second = analysed(Memory(files_of(KITCHEN))), analysed(Memory(files_of(KITCHEN)))
    assert remarks(list(pairs(first, second))) == ()
    assert len(first.environments) == 7


def edits() -> list[tuple[SpecPath, str, str]]:
    """One edit for each value of the kitchen sink's own file: where, and the line's text before and after."""
    spec = (KITCHEN / "mlproject.yaml").read_text()
    found: dict[tuple[int, int], tuple[SpecPath, str, str]] = {}
    lines = spec.splitlines(keepends=True)
    for one in analysed(Memory(files_of(KITCHEN))).environments:
        for path, scalar in walk(one.tree):
            span = scalar.span
            if span.file != "mlproject.yaml" or span.line != span.end_line or (span.line, span.col) in found:
                continue
            old = lines[span.line - 1][span.col - 1 : span.end_col - 1]
            new = other(scalar)
            if new is None or not old:
                continue
            line = lines[span.line - 1]
            text = line[: span.col - 1] + new + line[span.end_col - 1 :]
            head = "".join([*lines[: span.line - 1], text, *lines[span.line :]])
            found[span.line, span.col] = (path, f"{span.line}:{span.col} {old} -> {new}", head)
    return list(found.values())


def other(scalar: Scalar) -> str | None:
    """Another value of the same kind, as it is written."""
    value = scalar.value
    if isinstance(value, bool):
        return "false" if value else "true"
    if isinstance(value, int):
        return str(value + 1)
    if isinstance(value, float):
        return repr(value * 1.5)
    if isinstance(value, str):
        return json.dumps(value + "x")
    return None


ALL = edits()
CHOSEN = random.Random(7).sample(ALL, 60)


def test_there_is_an_edit_for_most_values() -> None:
    assert len(ALL) > 400


@pytest.fixture(scope="module")
def kitchen() -> Any:
    files = files_of(KITCHEN)
    return files, analysed(Memory(files))


@pytest.mark.parametrize("edit", CHOSEN, ids=[name for _, name, _ in CHOSEN])
def test_no_edit_of_the_kitchen_sink_is_silent(edit: tuple[SpecPath, str, str], kitchen: Any) -> None:
    _, name, text = edit
    files, base = kitchen
    head = analysed(Memory({**files, "mlproject.yaml": text}))
    if not head.environments:
        return  # the file as such is refused: there is nothing to compare
    found = remarks(list(pairs(base, head)))
    assert found, name
    assert len({(item.section, item.text, item.environments) for item in found}) == len(found), "told twice"
    assert all(item.text and "\n" not in item.text and len(item.text) < 600 for item in found)


def test_the_project_of_these_tests_is_sound() -> None:
    (staging, prod) = analysed(tree()).environments
    assert staging.ready
    assert prod.ready


def _told(change: Change, found: tuple[Remark, ...]) -> bool:
    """Whether a remark is about the leaf: its place or one around it, or the place in the file that it comes from."""
    if change.path[0] in ("defaults", "environments"):
        return True  # told at what it results in, or with the name of the environment in its path
    return any(
        change.path[: len(remark.path)] == remark.path or (remark.span is not None and remark.span == change.span)
        for remark in found
    )


@pytest.mark.parametrize("seed", range(12))
def test_every_leaf_that_several_edits_change_is_told(seed: int, kitchen: Any) -> None:
    files, base = kitchen
    lines = files["mlproject.yaml"].decode().splitlines(keepends=True)
    for _, _, text in random.Random(seed).sample(ALL, 8):
        for number, line in enumerate(text.splitlines(keepends=True)):
            if line != files["mlproject.yaml"].decode().splitlines(keepends=True)[number]:
                lines[number] = line
    head = analysed(Memory({**files, "mlproject.yaml": "".join(lines)}))
    if not head.environments:
        return  # the file as such is refused: there is nothing to compare
    compared_pairs = list(pairs(base, head))
    found = remarks(compared_pairs)
    leaves = 0
    for _, old, new in compared_pairs:
        assert old is not None
        assert new is not None
        for change in differences(old.tree, new.tree):
            leaves += 1
            assert _told(change, found), change.path
    assert leaves >= 5


STRANGE = ("[1, a]", "{a: 1, b: [c]}", "5", "text", "null", "true", "[]", "{}", "-1.5", "[{a: 1}]")


@pytest.mark.parametrize("seed", range(20))
def test_values_that_the_language_refuses_are_told_without_a_crash(seed: int, kitchen: Any) -> None:
    files, base = kitchen
    chance = random.Random(seed)
    _, name, _ = chance.choice(ALL)
    number, col = (int(part) for part in name.split(" ")[0].split(":"))
    lines = files["mlproject.yaml"].decode().splitlines(keepends=True)
    old = name.split(" ", 1)[1].rpartition(" -> ")[0]
    line = lines[number - 1]
    assert line[col - 1 :].startswith(old)
    lines[number - 1] = line[: col - 1] + chance.choice(STRANGE) + line[col - 1 + len(old) :]
    head = analysed(Memory({**files, "mlproject.yaml": "".join(lines)}))
    if head.environments:
        assert judged(remarks(list(pairs(base, head))))
        assert judged(remarks(list(pairs(head, base))))
