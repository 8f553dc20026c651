"""Operations of RFC 6902: the examples of its appendix, and what must fail."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright.emit.operations import OperationError, apply, pointer


@pytest.mark.parametrize(
    ("data", "operations", "result"),
    [
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"foo": "bar", "baz": "qux"}),
        ({"foo": [1, 3]}, [{"op": "add", "path": "/foo/1", "value": 2}], {"foo": [1, 2, 3]}),
        ({"foo": [1]}, [{"op": "add", "path": "/foo/-", "value": [2]}], {"foo": [1, [2]]}),
        ({"foo": 1}, [{"op": "add", "path": "/foo", "value": None}], {"foo": None}),
        ({"foo": 1, "baz": 2}, [{"op": "remove", "path": "/baz"}], {"foo": 1}),
        ({"foo": [1, 2, 3]}, [{"op": "remove", "path": "/foo/1"}], {"foo": [1, 3]}),
        ({"foo": 1}, [{"op": "replace", "path": "/foo", "value": 2}], {"foo": 2}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}], {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2, 3]}, [{"op": "move", "from": "/a/0", "path": "/a/2"}], {"a": [2, 3, 1]}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}], {"a": 1}),
        ({"a": [{"b": 1.0}]}, [{"op": "test", "path": "/a", "value": [{"b": 1}]}], {"a": [{"b": 1.0}]}),
        ({"a/b": 1, "m~n": 2}, [{"op": "remove", "path": "/a~1b"}, {"op": "remove", "path": "/m~0n"}], {}),
        ({"": 1}, [{"op": "replace", "path": "/", "value": 2}], {"": 2}),
        ({"a": {"-": 1}}, [{"op": "replace", "path": "/a/-", "value": 2}], {"a": {"-": 2}}),
    ],
)
def test_an_operation_changes_a_copy(data: Any, operations: list[Any], result: Any) -> None:
    before = repr(data)
    assert apply(data, operations)[0] == result
    assert repr(data) == before


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"op": "add", "path": "/x/y", "value": 1}, "nothing at '/x'"),
        ({"op": "add", "path": "/list/3", "value": 1}, "the list has 2 entries"),
        ({"op": "add", "path": "/list/01", "value": 1}, "no position"),
        ({"op": "add", "path": "/list/²", "value": 1}, "no position"),
        ({"op": "add", "path": "/text/a", "value": 1}, "neither a map nor a list"),
        ({"op": "replace", "path": "/x", "value": 1}, "nothing at '/x'"),
        ({"op": "replace", "path": "/list/-", "value": 1}, "no position"),
        ({"op": "remove", "path": "/list/2"}, "the list has 2 entries"),
        ({"op": "remove", "path": ""}, "whole object"),
        ({"op": "remove", "path": "a"}, "does not begin with"),
        ({"op": "move", "from": "/map", "path": "/map/x"}, "into itself"),
        ({"op": "copy", "from": "/x", "path": "/y"}, "nothing at '/x'"),
        ({"op": "test", "path": "/one", "value": True}, "the test of '/one' fails"),
        ({"op": "test", "path": "/one", "value": "1"}, "fails"),
        ({"op": "merge", "path": "/one"}, "no operation"),
    ],
)
def test_what_cannot_be_done_says_which_operation_and_why(operation: Any, why: str) -> None:
    data = {"one": 1, "list": [1, 2], "text": "t", "map": {}}
    with pytest.raises(OperationError, match=why) as caught:
        apply(data, [{"op": "test", "path": "/one", "value": 1}, operation])
    assert caught.value.index == 1


def test_changing_a_list_touches_all_of_it_because_the_rest_moves() -> None:
    _, touched = apply(
        {"a": [1, 2], "b": {}}, [{"op": "remove", "path": "/a/0"}, {"op": "add", "path": "/b/c", "value": 1}]
    )
    assert touched == [(("a",), 0), (("b", "c"), 1)]


def test_a_pointer_undoes_its_escapes_in_the_right_order() -> None:
    assert pointer("/~01/a~1b") == ("~1", "a/b")
