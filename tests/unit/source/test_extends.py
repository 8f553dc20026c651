"""Files that are merged beneath a project file."""

from __future__ import annotations

from mlwright.diag import Bag
from mlwright.source import overlay
from mlwright.source.files import Memory
from mlwright.source.load import load_file
from mlwright.source.tree import Json, Node, at, plain


def resolve(files: dict[str, bytes | str], path: str = "p/mlproject.yaml") -> tuple[Node, Bag]:
    source = Memory(files)
    tree, bag = load_file(source, path)
    assert tree is not None, list(bag)
    return overlay.resolve_extends(tree, path, source)


def value(files: dict[str, bytes | str]) -> Json:
    tree, bag = resolve(files)
    assert not len(bag), list(bag)
    return plain(tree)


def codes(files: dict[str, bytes | str]) -> list[tuple[str, str]]:
    return [(item.code, str(item.span)) for item in resolve(files)[1]]


def test_a_file_is_merged_over_those_that_it_extends_the_last_one_strongest() -> None:
    found = value(
        {
            "p/mlproject.yaml": "extends: [../a.yaml, ../b.yaml]\nparams: {x: 1}",
            "a.yaml": "params: {x: 3, y: 3, z: 3}",
            "b.yaml": "params: {x: 2, y: 2}",
        }
    )
    assert found == {
        "extends": ["../a.yaml", "../b.yaml"],
        "params": {"x": {"default": 1}, "y": {"default": 2}, "z": {"default": 3}},
    }


def test_paths_are_relative_to_the_file_that_has_them() -> None:
    files: dict[str, bytes | str] = {
        "p/mlproject.yaml": "extends: ../shared/a.yaml",
        "shared/a.yaml": "extends: [b.yaml]\nkind: MLProject",
        "shared/b.yaml": "metadata: {name: churn}",
    }
    assert value(files) == {"kind": "MLProject", "metadata": {"name": "churn"}, "extends": ["../shared/a.yaml"]}


def test_one_file_may_be_extended_along_two_ways() -> None:
    files: dict[str, bytes | str] = {
        "p/mlproject.yaml": "extends: [a.yaml, b.yaml]",
        "p/a.yaml": "extends: [c.yaml]\nx: A",
        "p/b.yaml": "extends: [c.yaml]",
        "p/c.yaml": "x: C",
    }
    assert value(files)["x"] == "C"


def test_each_value_knows_the_file_that_gave_it() -> None:
    tree, _ = resolve({"p/mlproject.yaml": "extends: [a.yaml]\nb: 1", "p/a.yaml": "a: 1\nb: 2"})
    a, b = at(tree, ("a",)), at(tree, ("b",))
    assert a is not None and b is not None
    assert (a.layer, a.span.file, b.layer, b.span.file) == ("extends:p/a.yaml", "p/a.yaml", "", "p/mlproject.yaml")


def test_null_removes_from_the_extended_file_but_inside_an_environment_it_waits_for_that_environment() -> None:
    files: dict[str, bytes | str] = {
        "p/mlproject.yaml": "extends: [a.yaml]\ntuning: null\nenvironments: {prod: {serving: null}, old: null, new: }",
        "p/a.yaml": "tuning: {objective: auc}\nserving: {a: {port: 1}}\n"
        "environments: {prod: {platform: p.yaml}, old: {platform: q}}",
    }
    tree, _ = resolve(files)
    assert plain(tree)["environments"] == {"prod": {"platform": "p.yaml", "serving": None}, "new": None}
    prod = plain(overlay.environments(tree)["prod"])
    assert isinstance(prod, dict) and "serving" not in prod and "tuning" not in prod


def test_environments_come_from_either_file() -> None:
    only_parent = value({"p/mlproject.yaml": "extends: [a.yaml]", "p/a.yaml": "environments: {e: {platform: local}}"})
    only_child = value(
        {"p/mlproject.yaml": "extends: [a.yaml]\nenvironments: {e: {platform: local}}", "p/a.yaml": "kind: K"}
    )
    assert isinstance(only_parent, dict) and isinstance(only_child, dict)
    assert only_parent["environments"] == only_child["environments"] == {"e": {"platform": "local"}}


def test_short_forms_of_both_files_meet_as_long_ones() -> None:
    files: dict[str, bytes | str] = {
        "p/mlproject.yaml": "extends: [a.yaml]\nparams: {lr: 1}\ntraining: {image: b}",
        "p/a.yaml": "params: {lr: {type: float, min: 0.0}}\ntraining: {image: {ref: a, pull_policy: always}}",
    }
    tree = overlay.expand(resolve(files)[0])
    assert plain(at(tree, ("params", "lr")) or tree) == {"type": "float", "min": 0.0, "default": 1}
    assert plain(at(tree, ("training", "image")) or tree) == {"ref": "b", "pull_policy": "always"}


def test_a_missing_file_is_reported_where_it_is_named() -> None:
    assert codes({"p/mlproject.yaml": "extends: [a.yaml]"}) == [("YAML025", "p/mlproject.yaml:1:11")]


def test_a_finding_in_the_extended_file_also_points_at_the_extends() -> None:
    _, bag = resolve({"p/mlproject.yaml": "extends: [a.yaml]", "p/a.yaml": "a: 1\na: 2"})
    (item,) = bag
    assert (item.code, str(item.span)) == ("YAML003", "p/a.yaml:2:1")
    assert str(item.related[-1].span) == "p/mlproject.yaml:1:11"


def test_circles_and_endless_chains_are_refused() -> None:
    assert codes({"p/mlproject.yaml": "extends: [mlproject.yaml]"}) == [("ENV008", "p/mlproject.yaml:1:11")]
    circle: dict[str, bytes | str] = {
        "p/mlproject.yaml": "extends: [a.yaml]",
        "p/a.yaml": "extends: [./mlproject.yaml]",
    }
    assert codes(circle) == [("ENV008", "p/a.yaml:1:11")]
    chain: dict[str, bytes | str] = {f"p/{n}.yaml": f"extends: [{n + 1}.yaml]" for n in range(40)}
    assert [code for code, _ in codes({"p/mlproject.yaml": "extends: [0.yaml]", **chain})] == ["ENV008"]


def test_only_relative_paths_are_files_to_extend() -> None:
    for name in ["https://example.com/a.yaml", "/etc/passwd", r"..\a.yaml"]:
        assert [code for code, _ in codes({"p/mlproject.yaml": f"extends: ['{name}']"})] == ["ENV007"]
    for wrong in ["{a: b}", "[[a]]", "[1]", "''", "5"]:
        assert [code for code, _ in codes({"p/mlproject.yaml": f"extends: {wrong}"})] == ["ENV006"]


def test_a_file_of_another_language_version_is_refused() -> None:
    files: dict[str, bytes | str] = {
        "p/mlproject.yaml": "extends: [a.yaml]\nkind: MLProject",
        "p/a.yaml": "kind: Platform",
    }
    assert codes(files) == [("ENV009", "p/mlproject.yaml:2:7")]


def test_a_file_without_extends_is_returned_as_it_is() -> None:
    assert value({"p/mlproject.yaml": "a: null"}) == {"a": None}
