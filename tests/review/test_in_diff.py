"""Words, risks and a month's cost as `diff` brings them together, between revisions of a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlwright import api
from mlwright.review.model import Review
from tests.gitrepo import commit, write
from tests.review.projects import PLATFORM, SPEC, merged
from tests.review.test_cost import ALONE, PRICES


@pytest.fixture(autouse=True)
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repo"
    platform = merged(PLATFORM, {"prices": "prices.yaml", "pod_security": "baseline"})
    commit(
        folder,
        {
            "mlproject.yaml": yaml.safe_dump(merged(SPEC, ALONE), sort_keys=False),
            "platform.yaml": yaml.safe_dump(platform),
            "prices.yaml": yaml.safe_dump(PRICES),
        },
    )
    monkeypatch.chdir(folder)
    return folder


def reviewed() -> Review:
    found = api.diff((), base="HEAD", graphs=False)
    assert found.review is not None, found.result.usage_error
    return found.review


def test_four_times_the_gpus_are_four_times_the_hours_and_more_money(repo: Path) -> None:
    spec = merged(merged(SPEC, ALONE), {"training": {"resources": {"gpu": {"count": 4}}}})
    write(repo, {"mlproject.yaml": yaml.safe_dump(spec, sort_keys=False)})
    review = reviewed()
    (project,) = review.projects
    (remark,) = project.remarks
    assert remark.text == "GPUs 1 -> 4, about 4x GPU-hours"
    assert {hazard.rule for hazard in remark.hazards} == {"more-compute"}
    for one in project.environments:
        assert one.before is not None and one.after is not None
        assert dict(one.after.gpu_hours)["a100"] == pytest.approx(4 * dict(one.before.gpu_hours)["a100"])
        assert one.after.price is not None and one.before.price is not None
        assert one.after.price > one.before.price


def test_another_price_alone_is_told_and_changes_no_object(repo: Path) -> None:
    write(repo, {"prices.yaml": yaml.safe_dump(merged(PRICES, {"gpu_hour": {"a100": 6.0}}))})
    (project,) = reviewed().projects
    assert project.remarks == ()
    for one in project.environments:
        assert one.objects == ()
        assert one.before is not None and one.after is not None
        assert one.before.gpu_hours == one.after.gpu_hours
        assert one.before.price != one.after.price


def test_a_price_file_that_breaks_is_a_finding_of_the_review(repo: Path) -> None:
    write(repo, {"prices.yaml": yaml.safe_dump(merged(PRICES, {"gpu_hour": {"a1000": 6.0}}))})
    (project,) = reviewed().projects
    assert {item.code for one in project.environments for item in one.findings} >= {"PRICE001"}


def test_a_comment_in_the_price_file_is_no_difference(repo: Path) -> None:
    write(repo, {"prices.yaml": "# of this year\n" + yaml.safe_dump(PRICES)})
    assert reviewed().projects == ()
