"""index.json is canonical, relative and checked."""

from __future__ import annotations

import json

import pytest

from mlwright.emit import index as indexes


def test_the_text_is_sorted_and_relative_to_the_spec() -> None:
    made = indexes.build(
        environment="prod",
        folder="manifests/prod",
        compiler="0.1",
        inputs={"b": "2", "a": "1"},
        files={"z": b"", "y": b""},
    )
    data = json.loads(made.text())
    assert list(data["inputs"]) == ["a", "b"]
    assert list(data["files"]) == ["manifests/prod/y", "manifests/prod/z"]
    assert made.text().endswith("}\n")


def test_it_reads_back_what_it_wrote() -> None:
    made = indexes.build(
        environment="e", folder="../out/e", compiler="1", inputs={"ä": "1"}, files={"compose/a b": b"1"}
    )
    assert indexes.parse(made.text().encode()) == made


def test_the_input_digest_does_not_depend_on_order_but_on_names_and_content() -> None:
    def digest(inputs: dict[str, str]) -> str:
        return indexes.build(environment="e", folder="m", compiler="1", inputs=inputs, files={}).input_digest

    assert digest({"a": "1", "": "2"}) == digest({"": "2", "a": "1"})
    assert len({digest({"a": "1"}), digest({"a": "2"}), digest({"": "1"})}) == 3


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "{}",
        '{"version": 2}',
        '{"version": 1, "folder": 3, "files": {}}',
        '{"version": 1, "folder": "m", "files": {"x/a": "1"}}',
    ],
)
def test_anything_else_is_unreadable(text: str) -> None:
    with pytest.raises(indexes.UnreadableIndexError):
        indexes.parse(text.encode())


def test_the_text_is_what_the_standard_library_writes() -> None:
    for environments, executable, files in (((), (), {}), (("e", 'a"b'), ("x",), {"x": b"1", "ä\u2028": b"2"})):
        made = indexes.build(
            environment="e",
            folder="m",
            compiler="1",
            inputs={"a\\b": "1"},
            files=files,
            environments=environments,
            executable=executable,
            partial=bool(files),
        )
        assert made.text() == json.dumps(json.loads(made.text()), indent=2, ensure_ascii=False) + "\n"
        assert indexes.parse(made.text().encode()) == made


def test_of_an_index_with_a_merge_conflict_the_files_of_both_sides_are_ours() -> None:
    def text(name: str, data: bytes) -> list[str]:
        made = indexes.build(environment="e", folder="m", compiler="1", inputs={}, files={"same": b"1", name: data})
        return made.text().splitlines(keepends=True)

    ours, theirs = text("a", b"1"), text("b", b"2")
    start, end = ours.index('  "files": {\n') + 1, -2
    middle = [
        "<<<<<<< HEAD\n",
        *ours[start:end],
        "||||||| base\n",
        "x\n",
        "=======\n",
        *theirs[start:end],
        ">>>>>>> b\n",
    ]
    merged = "".join([*ours[:start], *middle, *ours[end:]]).encode()
    assert set(indexes.owned(merged)) == {"same", "a", "b"}
    with pytest.raises(indexes.UnreadableIndexError, match="both sides"):
        indexes.parse(merged)
    assert not indexes.in_conflict("".join(ours).encode())
