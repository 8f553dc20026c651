"""Bytes become a located tree, or findings that say what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlwright.diag import Label
from mlwright.source import load as loading
from mlwright.source.files import Disk, Memory
from mlwright.source.load import load, load_file
from mlwright.source.tree import Json, Map, Scalar, at, plain
from mlwright.span import Span


def read(text: str | bytes) -> Json:
    tree, bag = load(text.encode() if isinstance(text, str) else text, "f.yaml")
    assert list(bag) == []
    assert tree is not None
    return plain(tree)


def codes(text: str | bytes) -> list[str]:
    return [item.code for item in load(text.encode() if isinstance(text, str) else text, "f.yaml")[1]]


def only(text: str | bytes) -> tuple[str, str, str, str]:
    (item,) = load(text.encode() if isinstance(text, str) else text, "f.yaml")[1]
    return item.code, str(item.span), item.message, item.help


def test_maps_lists_and_scalars_become_plain_values() -> None:
    assert read("a: {b: [1, two, 3.5, true, null]}\nc: |\n  x\n  y\n") == {
        "a": {"b": [1, "two", 3.5, True, None]},
        "c": "x\ny\n",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("False", False), ("0", 0), ("-12", -12), ("+3", 3),
        ("1.5", 1.5), ("1e3", 1000.0), ("1e-4", 0.0001), (".5", 0.5), ("1.", 1.0), ("1.10", 1.1), ("-0.0", 0.0),
        ("no", "no"), ("on", "on"), ("Yes", "Yes"), ("y", "y"), ("0777", "0777"), ("0x1f", "0x1f"), ("0o17", "0o17"),
        ("1_000", "1_000"), ("1:30", "1:30"), ("2024-01-01", "2024-01-01"), ("1.2.3", "1.2.3"), ("nan", "nan"),
        ("'5'", "5"), ('"true"', "true"), ("=", "="), ("--lr", "--lr"), ("${params.x}", "${params.x}"),
    ],
)  # fmt: skip
def test_bare_words_follow_yaml_1_2_and_nothing_else_is_guessed(text: str, value: object) -> None:
    found = read(f"a: {text}\n")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


def test_a_key_that_old_readers_take_for_true_is_text() -> None:
    assert read("on: {y: 1}\nno: 2") == {"on": {"y": 1}, "no": 2}


def test_spans_count_code_points_from_one_and_end_after_the_last() -> None:
    tree, _ = load("日: [ü, 'it''s']\nb:\n  c: x\n  d: [1]\n\n\ne: 1".encode(), "f.yaml")
    assert tree is not None and isinstance(tree, Map)
    assert tree.entries["日"].key_span == Span("f.yaml", 1, 1, 1, 2)
    assert at(tree, ("日", 1)).span == Span("f.yaml", 1, 8, 1, 15)
    assert at(tree, ("b",)).span == Span("f.yaml", 3, 3, 4, 9)


def test_the_text_of_a_scalar_is_kept_beside_its_value() -> None:
    tree, _ = load(b"a: 1.10\nb: 'it''s'", "f.yaml")
    number, text = at(tree, ("a",)), at(tree, ("b",))
    assert isinstance(number, Scalar) and (number.value, number.text, number.style) == (1.1, "1.10", "")
    assert isinstance(text, Scalar) and (text.text, text.raw, text.style) == ("it's", "'it''s'", "'")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_a_line(end: str) -> None:
    tree, _ = load(end.join(["a: 1", "b:", "  c: 2", ""]).encode(), "f.yaml")
    assert tree is not None and plain(tree) == {"a": 1, "b": {"c": 2}}
    assert at(tree, ("b", "c")).span == Span("f.yaml", 3, 6, 3, 7)


def test_an_alias_repeats_the_value_and_remembers_where_it_was_written() -> None:
    tree, bag = load(b"x-env: &env {A: 1}\nenv: *env", "f.yaml")
    assert tree is not None and plain(tree) == {"x-env": {"A": 1}, "env": {"A": 1}} and not len(bag)
    node = at(tree, ("env",))
    assert node is not None and node.alias == Span("f.yaml", 2, 6, 2, 10) and node.span.line == 1


def test_merge_keys_give_way_to_keys_that_are_written_out_and_to_earlier_merges() -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {b: 3, <<: [*x, *y]}\nw: {<<: *y, <<: *x}\n"
    found = read(text)
    assert found["z"] == {"a": 1, "b": 3, "c": 2}
    assert found["w"] == {"b": 2, "c": 2, "a": 1}


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    assert read('"<<": 1') == {"<<": 1}


def test_standard_tags_that_agree_with_the_value_are_accepted() -> None:
    assert read("a: !!str 5\nb: !!int 5\nc: !!float 5\nd: !!map {}\ne: ! 5\nf: !!seq []") == {
        "a": "5", "b": 5, "c": 5.0, "d": {}, "e": "5", "f": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system ['id']", "!x 1", "!!int x", "!!set {a}", "!!binary aaaa"]
)
def test_other_tags_are_refused(tag: str) -> None:
    assert codes(f"a: {tag}") == ["YAML013"]


def test_a_duplicate_key_points_at_both() -> None:
    tree, bag = load(b"a: 1\nb: 2\na: 3", "f.yaml")
    (item,) = bag
    assert (item.code, item.span, item.related[0].span) == (
        "YAML003",
        Span("f.yaml", 3, 1, 3, 2),
        Span("f.yaml", 1, 1, 1, 2),
    )
    assert tree is not None and plain(tree) == {"a": 1, "b": 2}


def test_all_findings_of_a_readable_file_are_reported_together() -> None:
    assert codes("a: 1\na: 2\n3: x\nb: *no\nc: !x y\nd: .nan") == [
        "YAML003",
        "YAML010",
        "YAML011",
        "YAML013",
        "YAML018",
    ]


def test_after_a_syntax_error_only_that_error_is_reported() -> None:
    assert codes("a: 1\na: 2\n3: x\nb: [") == ["YAML029"]


@pytest.mark.parametrize("text", ["", "\n\n", "# only this\n", "---\n", "--- # x\n...\n"])
def test_an_empty_file_has_a_code_of_its_own(text: str) -> None:
    tree, bag = load(text.encode(), "f.yaml")
    assert tree is None and [item.code for item in bag] == ["YAML008"]


@pytest.mark.parametrize("text", ["- a", "text", "42", "'quoted'", "key:value", "[a]", "null"])
def test_a_root_that_is_no_mapping_is_refused(text: str) -> None:
    assert codes(text) == ["YAML009"]


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 2", "a: 1\n---\n", "a: 1\n...\nb: 2", "---\n---\na: 1"])
def test_several_documents_are_refused(text: str) -> None:
    assert codes(text) == ["YAML007"]


@pytest.mark.parametrize(
    "text", ["1: x", "true: x", "null: x", "1.5: x", "? \n: x", "[a]: x", "{a: b}: x", "? [a]\n: x", "&a a: 1\n*a : 2"]
)
def test_keys_that_are_not_plain_text_are_refused(text: str) -> None:
    assert codes(text) == ["YAML010"]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a: caf\xe9", "f.yaml:1:7"), ("ä: ö\nb: ".encode() + b"\xff", "f.yaml:2:4"),
        (b"a: \xed\xa0\x80", "f.yaml:1:4"),
        ("a: 1".encode("utf-16"), "f.yaml:1:1"), ("a: 1".encode("utf-16-le"), "f.yaml:1:1"),
        ("a: 1".encode("utf-32-be"), "f.yaml:1:1"), (b"a: 1\r\n\xc0", "f.yaml:2:1"),
    ],
)  # fmt: skip
def test_bytes_that_are_not_utf_8_are_shown_where_they_are(data: bytes, place: str) -> None:
    assert only(data)[:2] == ("YAML004", place)


def test_a_byte_order_mark_is_a_warning_and_columns_do_not_count_it() -> None:
    tree, bag = load(b"\xef\xbb\xbfa: x", "f.yaml")
    assert [(item.code, item.severity) for item in bag] == [("YAML005", "warning")]
    assert tree is not None and at(tree, ("a",)).span.col == 4


@pytest.mark.parametrize(
    "char", ["\x00", "\x01", "\x1b", "\x7f", "\x85", "\u2028", "\u202e", "\u2066", "\ufeff", "\ufffe"]
)
def test_control_characters_and_invisible_marks_are_refused(char: str) -> None:
    assert only(f"a: 1\nb: 'x{char}'")[:2] == ("YAML006", "f.yaml:2:6")


@pytest.mark.parametrize("text", ["emoji 👩‍🔬", "日本語", "تجربة", "ü", "a\u00a0b"])
def test_text_of_any_language_is_fine(text: str) -> None:
    assert read(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("escape", "place"), [(r"\0", 6), (r"\x00", 6), (r"\ud800", 6), (r"\ud83d\ude00", 6), (r"\U00110000", 6)]
)
def test_escapes_of_what_cannot_be_stored_are_refused(escape: str, place: int) -> None:
    assert only(f'a: "x{escape}"')[:2] == ("YAML019", f"f.yaml:1:{place}")


@pytest.mark.parametrize("number", ["1e999", "-1e999", ".inf", "-.Inf", ".nan", "9" * 101, "-" + "1" * 5000])
def test_numbers_that_cannot_be_kept_are_refused(number: str) -> None:
    assert codes(f"a: {number}") == ["YAML018"]


def test_a_colon_without_a_space_in_braces_is_noticed() -> None:
    code, place, _, help_ = only("a: {cpu:1, memory: 2Gi}")
    assert (code, place, help_) == ("YAML022", "f.yaml:1:5", "write `cpu: 1`")
    assert read("a: {'b:1': , s3://x: 1, c: }") == {"a": {"b:1": None, "s3://x": 1, "c": None}}


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {b: {c: *a}}", "a: &a {<<: *a}"])
def test_an_alias_inside_its_own_value_is_refused(text: str) -> None:
    assert "YAML012" in codes(text)


@pytest.mark.parametrize("value", ["1", "[1]", "[*x, 1]", "text"])
def test_a_merge_key_takes_mappings_only(value: str) -> None:
    assert codes(f"x: &x {{}}\na: {{<<: {value}}}") == ["YAML028"]


def test_files_are_read_through_a_file_tree() -> None:
    tree, bag = load_file(Memory({"a/b.yaml": "x: 1"}), "a/b.yaml")
    assert tree is not None and plain(tree) == {"x": 1} and tree.span.file == "a/b.yaml" and not len(bag)


def test_missing_files_and_folders_are_findings() -> None:
    files = Memory({"a/b.yaml": "x: 1"})
    assert [item.code for item in load_file(files, "c.yaml")[1]] == ["YAML025"]
    assert [item.code for item in load_file(files, "a")[1]] == ["YAML026"]
    because = Label(span=Span("f", 1, 1, 1, 2))
    assert [item.span for item in load_file(files, "c.yaml", because)[1]] == [because.span]


def test_an_unreadable_file_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    assert [item.code for item in load_file(Disk(tmp_path), "loop.yaml")[1]] == ["YAML027"]
    assert [item.code for item in load_file(Disk(tmp_path), "nul\0.yaml")[1]] == ["YAML027"]


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "big.yaml").open("wb") as file:
        file.truncate(50 * 1024 * 1024 * 1024)
    ((item),) = load_file(Disk(tmp_path), "big.yaml")[1]
    assert item.code == "YAML016" and "51200.0 MiB" in item.message


def test_without_libyaml_the_same_trees_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text = b"a: &x {b: [1, 'it''s']}\nc: *x\nd: >\n  text\n  more\n"
    fast = load(text, "f.yaml")[0]
    monkeypatch.setattr(loading, "_LOADER", yaml.SafeLoader)
    slow = load(text, "f.yaml")[0]
    assert fast is not None and slow is not None and plain(fast) == plain(slow)
    assert codes('a: "\\ud800"') == ["YAML019"]
    assert codes("a: [x, ${b.c}]") == ["YAML020"]
