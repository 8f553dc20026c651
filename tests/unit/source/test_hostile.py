"""Inputs made to break a reader are refused quickly, in little memory."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from mlwright.source import conditions, overlay, references
from mlwright.source.load import MAX_BYTES, load
from mlwright.source.tree import plain

SECONDS = 60.0
"""No figure, but the line between slow and never: usual are a few tenths, and what this guards against has no end."""


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < SECONDS


def codes(data: str | bytes) -> list[str]:
    return [item.code for item in load(data.encode() if isinstance(data, str) else data, "f")[1]]


def bomb(levels: int, width: int, merge: bool = False) -> str:
    lines = ["x0: &x0 {a: 1, b: 2}" if merge else "x0: &x0 [1, 2]"]
    for level in range(1, levels):
        uses = ", ".join([f"{f'k{n}: ' if merge else ''}*x{level - 1}" for n in range(width)])
        lines.append(f"x{level}: &x{level} {{{uses}}}" if merge else f"x{level}: &x{level} [{uses}]")
    return "\n".join(lines)


@pytest.mark.parametrize("merge", [False, True])
def test_aliases_of_aliases_are_counted_before_they_are_expanded(merge: bool) -> None:
    assert codes(bomb(40, 10, merge)) == ["YAML014"]
    assert codes(bomb(10_000, 2, merge)) == ["YAML014"]


def test_merge_keys_cannot_multiply_keys_unseen() -> None:
    wide = "x: &x {" + ", ".join(f"k{n}: 1" for n in range(5000)) + "}\n"
    assert codes(wide + "\n".join(f"m{n}: {{<<: *x}}" for n in range(1000))) == ["YAML014"]


@pytest.mark.parametrize(
    "text", ["a: " + "[" * 10_000, "a: " + "{b: " * 10_000, "- " * 10_000, "? " * 10_000, "[" * 1_000_000]
)
def test_deep_nesting_is_refused_at_a_fixed_depth(text: str) -> None:
    assert codes(text) == ["YAML015"]


def test_deep_block_mappings_are_refused_at_a_fixed_depth() -> None:
    assert codes("\n".join(" " * level + f"k{level}:" for level in range(2000))) == ["YAML015"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [" + "1," * 1_000_000 + "]", "YAML014"),
        ("\n".join(f"k{n}: 1" for n in range(20_000)), "YAML014"),
        ("a: " + "x" * 2_000_000, "YAML017"),
        ("a: '" + "x\n\n" * 1_000_000, "YAML023"),
        ("a: " + "9" * 1_000_000, "YAML018"),
        ("a: 0." + "9" * 1_000_000 + "e999999999", "YAML018"),
        ("a: " + "&b " * 10, "YAML021"),
        ("a: !" + "x" * 1_000_000 + " b", "YAML013"),
        ('a: "' + "\\ud800" * 100_000 + '"', "YAML019"),
        ("a: [x, ${" + "b" * 1_000_000, "YAML020"),
        ("[" + "${a.b} " * 100_000, "YAML020"),
        ("a: " + "b: " * 500_000, "YAML022"),
        ("x" * 4_000_000, "YAML017"),
        ("\n" * 4_000_000, "YAML008"),
        ("# comment\n" * 400_000, "YAML008"),
    ],
)
def test_large_parts_are_refused_with_the_right_code(text: str, code: str) -> None:
    found = codes(text)
    assert found[:1] == [code] or (code == "YAML021" and len(found) == 1)


def test_fifty_megabytes_are_not_looked_at() -> None:
    assert codes(b"a" * (50 * 1024 * 1024)) == ["YAML016"]
    assert codes(b"#" * MAX_BYTES) == ["YAML008"]


@pytest.mark.parametrize(
    "data", [b"\x00", b"\x00" * 1_000_000, b"a: \x00", b"\xff" * 1_000_000, b"\xef\xbb\xbf", b"\x1f\x8b\x08\x00"]
)
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    assert codes(data)[-1] in ("YAML004", "YAML006", "YAML008")


def test_a_hundred_thousand_findings_of_one_kind_are_no_trouble() -> None:
    assert len(codes("a: {" + "b: 1, " * 60_000 + "}")) == 59_999


def test_a_tree_at_the_limits_passes_all_later_stages() -> None:
    text = "environments: {a: {x: 1}, b: {}}\nsteps:\n" + "\n".join(
        f"  s{n}: {{command: '${{params.x}}'}}" for n in range(9_000)
    )
    tree, bag = load(text.encode(), "f")
    assert tree is not None and not len(bag)
    for merged in overlay.environments(overlay.expand(tree)).values():
        found, wrong = references.substitute(merged, {"params.x": 1})
        assert isinstance(plain(found), dict) and not len(wrong)


@pytest.mark.parametrize(
    "text", ["${" * 500_000, "$${" * 300_000, "${a.b" * 200_000, "${a.b}" * 100_000, "$" * 1_000_000, "}" * 1_000_000]
)
def test_texts_full_of_braces_are_read_once(text: str) -> None:
    references.parse(text)


@pytest.mark.parametrize(
    "text",
    ["(" * 9_999, "not " * 2_499, "[" * 9_999, "'" + "\\" * 9_000, "${a.b} " * 1_400, "-" * 9_999, "1 < " * 2_000],
)
def test_hostile_conditions_are_refused(text: str) -> None:
    assert conditions.parse(text)[0] is None
