from __future__ import annotations

import re
import time

import pytest

from mlwright import ir
from mlwright.passes.check_metrics import check_metrics
from mlwright.passes.patterns import NotPortable, read
from tests.unit.passes.factory import codes, only, project, task


def reporting(pattern: str, sample: str = "") -> ir.Project:
    return project(task(metrics=(ir.Metric(name="auc", pattern=pattern, sample=sample),)))


SAMPLES = ["epoch 3 auc=0.913 loss=1e-3", "auc=.5", "AUC: -2.5e+10;", "aaaa", "", "x=1 y=2\nz=3", "a.b.c=7%"]
PORTABLE = [
    r"auc=(\S+)", r"auc=([0-9.]+)", r"(?i)auc\W+(\S+)", r"^(\w+)", r"(\d+)$", r"(?:a|aa)(a*)", r"(a*?)a", r"(a{2,3})",
    r"(?P<v>\d+)%", r"([^a-z=]+)", r"([]x]=?\d)", r"\b(\w)\b", r"(?m)^z=(\d)", r"(?s)x.*(z)", r"(|a)a",
    r"(a|ab)(?:c|b)?",
    r"((?:\d|\.)+)", r"\x61(.)", r"a{0,}?(b)", r"(?:x{}|a)(a)", r"(\d)?aa", r"(?i:AUC)=(.*?) ",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PORTABLE)
def test_a_portable_pattern_finds_what_python_finds(pattern: str) -> None:
    for sample in SAMPLES:
        expected = re.search(pattern, sample)
        assert read(pattern).find(sample) == (expected.span(1) if expected else None), sample


@pytest.mark.parametrize(
    ("pattern", "chars"),
    [
        (r"(?=a)(b)", (0, 3)),
        (r"a(?!b)(c)", (1, 4)),
        (r"(?<=a)(b)", (0, 3)),
        (r"(?<!a)(b)", (0, 3)),
        (r"(a)\1", (3, 5)),
        (r"(?P<x>a)(?P=x)", (8, 11)),
        (r"(?>a)(b)", (0, 3)),
        (r"(a)b*+", (4, 6)),
        (r"(a)b++", (4, 6)),
        (r"(a)(?#note)", (3, 6)),
        (r"(a)\Z", (3, 5)),
        (r"(a)\u0041", (3, 5)),
        (r"([[:alpha:]])", (2, 4)),
        (r"([\b])", (2, 4)),
        (r"(a{,3})", (2, 6)),
        (r"(?x)(a)", (0, 4)),
        (r"(?a:(a))", (0, 4)),
        (r"(a", (0, 1)),
        (r"*(a)", (0, 1)),
    ],
)
def test_what_re2_reads_differently_or_not_at_all_is_refused_at_its_place(pattern: str, chars: tuple[int, int]) -> None:
    finding = only(check_metrics, reporting(pattern, "a"))
    assert (finding.code, finding.at.chars) == ("SPEC016", chars)
    assert finding.at.path == ("steps", "a", "metrics", "auc", "pattern")


@pytest.mark.parametrize("pattern", [r"auc=\S+", r"(auc)=(\S+)", r"(?P<name>auc)=(?P<value>\S+)", "a"])
def test_a_pattern_has_exactly_one_group(pattern: str) -> None:
    assert codes(check_metrics, reporting(pattern)) == ["SPEC017"]


@pytest.mark.parametrize(
    "pattern", [r"(a+)+", r"(?:a*b)*(c)", r"((?:x(?:y+))*)", r"(?:a{2,}){3,}(b)", r"(a{1,100}){20}"]
)
def test_a_repeat_inside_a_repeat_is_refused(pattern: str) -> None:
    assert codes(check_metrics, reporting(pattern)) == ["SPEC018"]


@pytest.mark.parametrize("pattern", [r"(a+)?", r"(?:\d{1,3}\.)+(\d)", r"(?:a+b){2}(c)"])
def test_a_repeat_inside_a_bounded_one_is_fine(pattern: str) -> None:
    read(pattern)


def test_brackets_may_hold_repeat_characters() -> None:
    assert codes(check_metrics, reporting(r"loss=([*+?.0-9]+)", "loss=0.5")) == []


@pytest.mark.parametrize("sample", ["auc=0.91", "auc=1e-3", "auc=nan", "auc=-inf", "auc=7"])
def test_a_group_that_is_a_number_is_fine(sample: str) -> None:
    assert codes(check_metrics, reporting(r"auc=(\S+)", sample)) == []


def test_a_pattern_without_a_sample_is_not_tried() -> None:
    assert codes(check_metrics, reporting(r"auc=(\S+)")) == []


def test_a_pattern_that_does_not_match_points_at_the_sample_too() -> None:
    finding = only(check_metrics, reporting(r"auc=(\S+)", "AUC: 0.9"))
    assert finding.code == "STEP004"
    assert finding.related[0].path == ("steps", "a", "metrics", "auc", "sample")


@pytest.mark.parametrize(
    ("pattern", "sample", "chars"),
    [
        (r"auc=(\S+)", "auc=0.9, loss=1", (4, 8)),
        (r"auc=(\S+)", "auc=1_000", (4, 9)),
        (r"auc=(\S*)", "auc= 0.9", None),
        (r"auc=(\d)?", "auc=x", None),
    ],
)
def test_a_group_that_is_no_number_is_shown_in_the_sample(
    pattern: str, sample: str, chars: tuple[int, int] | None
) -> None:
    finding = only(check_metrics, reporting(pattern, sample))
    assert (finding.code, finding.related[0].chars) == ("STEP005", chars)


def test_a_sample_has_at_most_1024_bytes() -> None:
    assert codes(check_metrics, reporting(r"a(\d)", "a1" + "x" * 1022)) == []
    assert codes(check_metrics, reporting(r"a(\d)", "a1" + "x" * 1021 + "é")) == ["SPEC005"]


@pytest.mark.parametrize(
    ("pattern", "sample"),
    [
        (r"(.*.*.*.*.*.*)=", "a" * 1024),
        (r"(?:a|a|a|aa)(?:a|aa){30}(b)", "a" * 1024),
        (r"(?:a?){25}a{25}(b)", "a" * 25),
        (r"(?:(a{500}){2})", "a" * 1000),
    ],
)
def test_hostile_patterns_take_no_time(pattern: str, sample: str) -> None:
    started = time.perf_counter()
    codes(check_metrics, reporting(pattern, sample))
    assert time.perf_counter() - started < 60


@pytest.mark.parametrize("pattern", ["(" * 400 + ")" * 400, "a" * 1001, "(?:" * 300 + "(a)" + ")" * 300])
def test_patterns_that_are_too_deep_or_too_long_are_refused(pattern: str) -> None:
    with pytest.raises(NotPortable):
        read(pattern)
