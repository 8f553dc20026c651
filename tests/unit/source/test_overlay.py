"""Short forms, the laws of merging, and environments."""

from __future__ import annotations

import pytest

from mlwright.diag import Label
from mlwright.source import overlay
from mlwright.source.load import load
from mlwright.source.tree import Json, Map, Node, alias_of, at, locate, plain


def tree(text: str) -> Node:
    found, bag = load(text.encode(), "f")
    assert found is not None, list(bag)
    return found


def expanded(text: str) -> Json:
    return plain(overlay.expand(tree(text)))


def merged(base: str, over: str) -> Json:
    return plain(overlay.merge(tree(f"v: {base}"), tree(f"v: {over}"), "layer"))["v"]


def environment(text: str, name: str) -> Json:
    return plain(overlay.environments(tree(text))[name])


def findings(text: str) -> list[tuple[str, str]]:
    root = tree(text)
    return [(item.code, str(item.span)) for item in overlay.findings(root).located(locate(root))]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("training: {image: a:1}", {"training": {"image": {"ref": "a:1"}}}),
        ("steps: {s: {image: a:1, resources: {gpu: 1}}}", {"steps": {"s": {"image": {"ref": "a:1"},
            "resources": {"gpu": {"count": 1}}}}}),
        ("defaults: {steps: {image: a, retries: 2}}", {"defaults": {"steps": {"image": {"ref": "a"},
            "retries": {"limit": 2}}}}),
        ("tuning: {algorithm: tpe, early_stopping: medianstop}", {"tuning": {"algorithm": {"name": "tpe"},
            "early_stopping": {"name": "medianstop"}}}),
        ("tuning: {trial: {resources: {gpu: 1}}}", {"tuning": {"trial": {"resources": {"gpu": {"count": 1}}}}}),
        ("models: {m: {training: {image: a}}}", {"models": {"m": {"training": {"image": {"ref": "a"}}}}}),
        ("pipelines: {p: {schedule: '0 3 * * 1'}}", {"pipelines": {"p": {"schedule": {"cron": "0 3 * * 1"}}}}),
        ("serving: {a: {image: a, expose: cluster}}", {"serving": {"a": {"image": {"ref": "a"}, "expose": "cluster"}}}),
        ("environments: {e: {namespace: n}}", {"environments": {"e": {"namespace": {"name": "n"}}}}),
        ("environments: {e: {training: {image: a}}}", {"environments": {"e": {"training": {"image": {"ref": "a"}}}}}),
    ],
)  # fmt: skip
def test_short_forms_are_written_out_wherever_the_field_may_stand(short: str, long: Json) -> None:
    assert expanded(short) == long


@pytest.mark.parametrize(
    ("value", "type_"),
    [("0.5", "float"), ("5", "int"), ("true", "bool"), ("x", "string"), ("'5'", "string"), ("[1]", "json")],
)
def test_a_parameters_type_comes_from_its_default(value: str, type_: str) -> None:
    found = expanded(f"params: {{p: {value}, q: {{default: {value}, min: 0}}}}")
    assert found["params"]["p"]["type"] == found["params"]["q"]["type"] == type_


@pytest.mark.parametrize(
    "text",
    [
        "training: {image: {ref: a}}", "training: {image: null}", "training: {image: 5}", "training: {retries: true}",
        "training: {resources: {gpu: [1]}}", "params: {p: {type: int}}", "params: {p: null}", "params: [1]", "steps: x",
        "x-training: {image: a}", "labels: {image: a}", "tuning: {algorithm: 5}",
    ],
)  # fmt: skip
def test_what_is_no_short_form_is_left_to_the_language(text: str) -> None:
    assert expanded(text) == plain(tree(text))


def test_a_reference_may_stand_for_a_short_number() -> None:
    assert expanded("training: {retries: '${params.n}'}") == {"training": {"retries": {"limit": "${params.n}"}}}


def test_expanding_twice_changes_nothing() -> None:
    root = overlay.expand(tree("params: {p: 1}\ntraining: {image: a, resources: {gpu: 2}}"))
    assert plain(overlay.expand(root)) == plain(root)


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        ("{a: 1, b: 2}", "{b: 3, c: 4}", {"a": 1, "b": 3, "c": 4}),
        ("{a: {b: 1, c: 2}}", "{a: {c: 3}}", {"a": {"b": 1, "c": 3}}),
        ("{a: [1, 2]}", "{a: [3]}", {"a": [3]}),
        ("{a: 1, b: 2}", "{a: null}", {"b": 2}),
        ("{a: 1}", "{z: null}", {"a": 1}),
        ("{a: {type: s3, uri: u}}", "{a: {type: directory, path: p}}", {"a": {"type": "directory", "path": "p"}}),
        ("{a: {type: s3, uri: u}}", "{a: {type: s3, secret: s}}", {"a": {"type": "s3", "uri": "u", "secret": "s"}}),
        ("{a: {uri: u}}", "{a: {type: s3}}", {"a": {"uri": "u", "type": "s3"}}),
        ("{a: {type: s3, uri: u}}", "{a: {uri: w}}", {"a": {"type": "s3", "uri": "w"}}),
        ("{a: {type: s3, uri: u}}", "{a: {type: null, uri: w}}", {"a": {"uri": "w"}}),
        ("{a: {type: s3, b: {c: 1}}}", "{a: {type: gs, b: {d: null, e: 1}}}", {"a": {"type": "gs", "b": {"e": 1}}}),
        ("{a: 1}", "{a: {b: 1, c: null}}", {"a": {"b": 1}}),
        ("{a: {b: 1}}", "{a: 2}", {"a": 2}),
        ("{a: [1]}", "{a: [null, {b: null}]}", {"a": [None, {"b": None}]}),
        ("{a: null}", "{b: 1}", {"a": None, "b": 1}),
    ],
)  # fmt: skip
def test_the_laws_of_merging(base: str, over: str, result: Json) -> None:
    assert merged(base, over) == result


def test_merged_values_remember_the_layer_and_the_place_that_gave_them() -> None:
    base, over = tree("a: {b: 1, c: 2}"), tree("\n\na: {c: 3}")
    found = overlay.merge(base, over, "environments.prod")
    kept, changed = at(found, ("a", "b")), at(found, ("a", "c"))
    assert kept is not None and changed is not None
    assert (kept.layer, kept.span.line) == ("", 1)
    assert (changed.layer, changed.span.line) == ("environments.prod", 3)


def test_merging_changes_neither_side() -> None:
    base, over = tree("a: {b: 1}"), tree("a: {b: null, c: 1}")
    before = plain(base), plain(over)
    overlay.merge(base, over, "x")
    assert (plain(base), plain(over)) == before


@pytest.mark.parametrize(
    "text", ["kind: MLProject", "environments:", "environments: {}", "environments: {x-notes: {}}"]
)
def test_without_environments_there_is_one_local_on_compose(text: str) -> None:
    found = overlay.environments(tree(text))
    assert list(found) == ["local"]
    assert plain(found["local"])["environments"] == {"local": {"platform": "compose", "default": True}}


def test_an_environment_keeps_its_own_fields_and_its_sections_are_merged_over_the_file() -> None:
    text = """
params: {lr: {type: float, default: 0.1, min: 0.0}, old: 1}
environments:
  local: {platform: local, default: true}
  prod:
    platform: prod.yaml
    namespace: churn
    params: {lr: 1, old: null, new: 2}
    x-note: whatever
"""
    assert environment(text, "prod") == {
        "params": {"lr": {"type": "float", "default": 1, "min": 0.0}, "new": {"type": "int", "default": 2}},
        "environments": {"prod": {"platform": "prod.yaml", "namespace": {"name": "churn"}}},
    }
    assert list(overlay.environments(tree(text))) == ["local", "prod"]


def test_a_short_form_in_an_environment_changes_only_what_it_means() -> None:
    text = "training: {image: {ref: a, build: {context: .}}}\nenvironments: {e: {training: {image: b}}}"
    assert environment(text, "e")["training"] == {"image": {"ref": "b", "build": {"context": "."}}}


def test_an_environment_without_a_value_is_the_file_as_it_is() -> None:
    assert environment("params: {a: 1}\nenvironments: {e: }", "e")["environments"] == {"e": {}}


def test_a_finding_in_a_merged_tree_is_shown_where_the_overlay_says_it() -> None:
    root = tree("params: {a: 1}\nenvironments:\n  e:\n    params: {a: 2}")
    span = locate(overlay.environments(root)["e"])(Label(path=("params", "a", "default")))
    assert span is not None and (span.line, span.col) == (4, 17)


def test_what_came_through_an_anchor_is_still_known_to_after_merging() -> None:
    root = tree("x-i: &i {ref: a}\ntraining: {image: *i}\nenvironments: {e: {params: {a: 1}}}")
    assert alias_of(overlay.environments(root)["e"], ("training", "image", "ref")) is not None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("environments: [a]", [("ENV001", "f:1:15")]),
        ("environments: {a: b}", [("ENV001", "f:1:19")]),
        ("environments: {A: {}, 9x: {}, x-ok: 1}", [("ENV002", "f:1:16"), ("ENV002", "f:1:23")]),
        ("environments: {a: {kind: K, environments: {}}}", [("ENV003", "f:1:20"), ("ENV003", "f:1:29")]),
        ("a: {b: 1}\nenvironments: {e: {a: {c: null}, d: null}}", [("ENV004", "f:2:24"), ("ENV004", "f:2:34")]),
        ("a: {b: 1}\nenvironments: {e: {a: {b: null, x-c: null}, start: null}}", []),
        ("environments: {a: {default: true}, b: {default: false}, c: {default: true}}", [("ENV005", "f:1:70")]),
        ("environments: {a: , b: {}}", []),
        ("kind: K", []),
    ],
)  # fmt: skip
def test_what_is_wrong_with_environments_as_such(text: str, found: list[tuple[str, str]]) -> None:
    assert findings(text) == found


def test_the_trees_of_environments_share_what_they_do_not_change() -> None:
    trees = overlay.environments(tree("data: {a: {source: x}}\nenvironments: {e: {}, f: {}}"))
    assert isinstance(trees["e"], Map) and at(trees["e"], ("data",)) is at(trees["f"], ("data",))
