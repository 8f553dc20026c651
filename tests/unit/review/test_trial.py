from __future__ import annotations

from typing import Any

import pytest

from mlwright.review import committed, trial
from mlwright.review.likeness import Leaves
from mlwright.source.load import load
from mlwright.source.tree import Node
from mlwright.target import Document, TextFile

TREE = """\
metadata: {labels: {team: growth}}
params: {rate: {type: float, default: 0.5}}
training:
  image: {ref: "registry.example.com/probe:1"}
  command: [python, train.py, "--rate=${params.rate}"]
  resources: {cpu: 2, memory: 2Gi, limits: {memory: 2Gi}, gpu: {count: 2}}
  retries: {limit: 3, backoff: 30s, factor: 2}
  timeout: 2h
  cache: true
environments: {prod: {namespace: {name: probe-prod}}}
"""


def tree() -> Node:
    found, bag = load(TREE.encode(), "mlproject.yaml")
    assert found is not None, list(bag)
    return found


@pytest.mark.parametrize(
    ("path", "first"),
    [
        (("training", "resources", "cpu"), {"training": {"resources": {"cpu": 3}}}),
        (("params", "rate", "default"), {"params": {"rate": {"default": 0.625}}}),
        (("training", "cache"), {"training": {"cache": False}}),
        (("training", "timeout"), {"training": {"timeout": "3h"}}),
        (("training", "image", "ref"), {"training": {"image": {"ref": "registry.example.com/probe:2"}}}),
        (
            ("training", "command", 1),
            {"training": {"command": ["python", "train.pyx", "--rate=${params.rate}"]}},
        ),
    ],
)
def test_another_value_is_one_that_is_likely_to_be_sound(path: tuple[str | int, ...], first: object) -> None:
    assert next(trial.others(tree(), path)) == first


def test_words_that_a_field_takes_come_first_and_references_are_left_alone() -> None:
    goals = list(trial.others(tree(), ("params", "rate", "type"), ("int", "float")))
    assert goals[0] == {"params": {"rate": {"type": "int"}}}
    assert list(trial.others(tree(), ("training", "command", 2))) == []
    assert list(trial.others(tree(), ("training", "resources"))) == []
    assert list(trial.others(tree(), ("nowhere",))) == []


def output(data: dict[str, Any], text: str = "one\ntwo\n") -> list[tuple[str, list[Document | TextFile]]]:
    return [("target", [Document(path="a.yaml", data=data), TextFile(path="b.txt", text=text)])]


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, [("b",)]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 5]}}, [("a", "b", 1)]),
        ({"a": [1, 2]}, {"a": [1]}, [("a",)]),
        ({"a": 1, "b": 2}, {"a": 1}, [("b",)]),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, [("a",)]),
        ({"a": "image@sha256:" + "0" * 64}, {"a": "image@sha256:" + "f" * 64}, []),
        ({"a": "plan-0123456789"}, {"a": "plan-abcdef0123"}, []),
        ({"a": "plan-0123456789"}, {"a": "task-abcdef0123"}, [("a",)]),
        ({"a": 1}, {"a": 1}, []),
    ],
)
def test_what_differs_is_told_by_value_but_for_digests(
    before: dict[str, Any], after: dict[str, Any], paths: list[tuple[str | int, ...]]
) -> None:
    assert trial.differing(output(before), output(after)).get("target/a.yaml", []) == paths


def test_what_something_only_joins_counts_where_that_is_asked_for() -> None:
    before, after = output({"a": [1], "b": {"x": 1}}), output({"a": [1, 2], "b": {"x": 1, "y": 2}})
    assert trial.differing(before, after)["target/a.yaml"][0] == ("a",)
    assert trial.differing(before, after, joined=False) == {}
    assert trial.differing(before, output({"a": [2], "b": {"x": 1}}), joined=False) == {"target/a.yaml": [("a", 0)]}


def test_text_files_differ_by_line_and_missing_ones_as_a_whole() -> None:
    assert trial.differing(output({}), output({}, "one\n2\n")) == {"target/b.txt": [(2,)]}
    assert trial.differing(output({}), [("target", [])]) == {"target/a.yaml": [()], "target/b.txt": [()]}


@pytest.mark.parametrize(
    ("section", "words", "value", "field"),
    [
        ("training", ("resources", "requests", "memory"), "2Gi", "training.resources.memory"),
        ("training", ("resources", "limits", "memory"), "2Gi", "training.resources.limits.memory"),
        ("training", ("resources", "limits", "nvidia.com/gpu"), 2, "training.resources.gpu.count"),
        ("training", ("resources", "requests", "cpu"), "2", "training.resources.cpu"),
        ("training", ("backoffLimit",), 3, "training.retries.limit"),
        ("training", ("activeDeadlineSeconds", "timeout"), 7200, "training.timeout"),
        ("training", ("image",), "registry.example.com/probe:1@sha256:" + "0" * 64, "training.image.ref"),
        ("training", ("labels", "team"), "growth", "metadata.labels.team"),
        ("training", ("metadata", "namespace"), "probe-prod", "environments.prod.namespace.name"),
        ("training", ("rate",), 0.5, "params.rate.default"),
        ("training", ("numProcPerNode",), 2, None),
        ("training", ("runAsNonRoot",), True, None),
        ("training", ("replicas",), 1, None),
        ("tracking", ("resources", "memory"), "2Gi", None),
        ("", ("memory",), "2Gi", None),
    ],
)
def test_a_value_is_like_the_field_with_its_value_and_words(
    section: str, words: tuple[str, ...], value: object, field: str | None
) -> None:
    found = Leaves(tree()).like(tuple(filter(None, section.split("."))), words, value)
    assert (None if found is None else ".".join(map(str, found))) == field


def test_a_line_of_a_committed_file_is_the_value_that_begins_there() -> None:
    plan = b'  plan.json: |\n    {\n      "a": [\n        1\n      ]\n    }\n'
    text = b"kind: ConfigMap\ndata:\n" + plan + b"list:\n  - x: 1\n    y: 2\n"
    expected = {1: ("kind",), 5: ("data", "plan.json", "a"), 6: ("data", "plan.json", "a", 0), 11: ("list", 0, "y")}
    assert {line: committed.path_at("a.yaml", text, line) for line in expected} == expected
    assert committed.path_at("a.py", b"import os\n  : [\n", 1) is None
    assert committed.path_at("a.yaml", b"", 1) is None
