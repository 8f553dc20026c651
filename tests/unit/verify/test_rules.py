"""Rules in the Common Expression Language."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("celpy", reason="the extra `crds` is not installed")

from mlwright.verify.rules import Expressions

EXPRESSIONS = Expressions()


def broken(rule: str, value: Any, schema: dict[str, Any] | None = None, message: str = "") -> list[str]:
    entry = {"rule": rule, **({"message": message} if message else {})}
    return list(EXPRESSIONS({**(schema or {}), "x-kubernetes-validations": [entry]}, value))


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        ("!has(self.min) || self.min <= self.max", {"max": 1}, {"min": 2, "max": 1}),
        ("self.all(t, has(t.a) != has(t.b))", [{"a": 1}, {"b": 1}], [{"a": 1, "b": 1}]),
        ("self.filter(f, f.type == 'X').size() <= 1", [{"type": "X"}], [{"type": "X"}, {"type": "X"}]),
        ("self.matches('^[a-z]+$')", "abc", "ab1"),
        ("duration(self) >= duration('1ms')", "1s", "0s"),
        ("self.startsWith('unix://') ? self.substring(7, 8) == '/' : true", "unix:///x", "unix://x"),
        ("url(self).getScheme() in ['http', 'https']", "https://a", "ftp://a"),
        ("isURL(self)", "https://a", "a"),
        ("isIP(self)", "10.0.0.1", "ten"),
        ("self.split('/').size() == 2", "a/b", "a"),
        ("self.type in ['A', 'B']", {"type": "A"}, {"type": "C"}),
        ("self.exists_one(x, x == 1)", [1, 2], [1, 1]),
    ],
)
def test_a_rule_holds_or_is_broken(rule: str, good: Any, bad: Any) -> None:
    assert broken(rule, good) == []
    assert broken(rule, bad) == [f"breaks the rule `{rule}`"]


def test_the_rules_own_message_is_told_in_one_line() -> None:
    assert broken("false", 1, message="must be paired\nwith more") == ["must be paired"]


def test_names_that_the_language_has_taken_are_escaped_and_numbers_have_the_schemas_type() -> None:
    schema = {"properties": {"namespace": {}, "x-y": {}, "n": {"type": "number"}}}
    value = {"namespace": "a", "x-y": "b", "n": 1}
    assert broken("self.__namespace__ == 'a' && self.x__dash__y == 'b' && self.n < 1.5", value, schema) == []


def test_what_compares_with_before_or_is_not_known_here_is_left_to_the_cluster() -> None:
    assert broken("self == oldSelf", 1) == []
    assert broken("self.sorted()", [2, 1]) == []
    assert broken("self.is(", 1) == []
