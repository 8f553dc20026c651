"""What the lock and the platform file say otherwise, as `mlwright diff` tells it."""

from __future__ import annotations

from typing import Any

from tests.review.projects import compared, texts, tree

RUN = "548ec02bc9205892a5cd5952f77b2bc2"


def lock(version: str, digest: str = "a", environment: str = "prod") -> dict[str, Any]:
    model = {"version": version, "run_id": RUN, "digest": f"sha256:{digest * 64}"}
    return {"environments": {environment: {"models": {"churn@champion": model}}}}


def images(digest: str) -> dict[str, Any]:
    return {"images": {"ghcr.io/acme/churn:1.4.2": {"digest": f"sha256:{digest * 64}"}}}


def test_a_promotion_names_both_versions_and_the_run() -> None:
    (found,) = compared(tree(lock=lock("11")), tree(lock=lock("12")))
    assert (found.section, found.text) == ("lock", "churn@champion version 11 -> 12, from run 548ec02bc920")
    assert found.environments == ("prod",)
    assert not found.everywhere
    assert found.span is not None  # where the project file names the alias


def test_a_roll_back_is_called_one() -> None:
    (found,) = compared(tree(lock=lock("12")), tree(lock=lock("9")))
    assert found.text == "churn@champion rolled back from version 12 -> 9, from run 548ec02bc920"


def test_a_version_with_other_files_is_told() -> None:
    (found,) = compared(tree(lock=lock("12")), tree(lock=lock("12", "b")))
    assert found.text == "churn@champion version 12: its files are others (sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb)"


def test_a_pin_that_came_and_one_that_went_are_told() -> None:
    (came,) = compared(tree(), tree(lock=lock("12")))
    (went,) = compared(tree(lock=lock("12")), tree())
    assert came.text == "churn@champion pinned to version 12, from run 548ec02bc920"
    assert went.text == "churn@champion no longer pinned (was version 12)"


def test_another_image_under_the_same_tag_is_told_once_for_all_environments() -> None:
    (found,) = compared(tree(lock=images("a")), tree(lock=images("b")))
    assert found.text == (
        "image ghcr.io/acme/churn:1.4.2, under the same name: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb"
    )
    assert found.everywhere


def test_a_lock_of_another_environment_says_nothing_here() -> None:
    assert compared(tree(lock=lock("11", environment="gone")), tree(lock=lock("12", environment="gone"))) == ()


def test_a_damaged_lock_is_no_change_of_versions() -> None:
    damaged = tree(files={"mlproject.lock": "<<<<<<< ours\n"})
    assert not [item for item in compared(tree(), damaged) if item.section == "lock"]


def test_what_ops_change_is_told_with_its_place_in_their_file() -> None:
    found = compared(tree(), tree(platform={"kubernetes": "1.35", "retention": {"artifacts": "7d"}}))
    assert texts(found) == [
        "platform: platform: Kubernetes 1.36 -> 1.35",
        "platform: platform: deleted runs kept for 30d -> 7d",
    ]
    assert {item.span.file for item in found if item.span} == {"platform.yaml"}
    assert all(item.everywhere for item in found)


def test_a_version_in_its_long_form_is_no_change() -> None:
    assert compared(tree(), tree(platform={"argo_workflows": {"version": "4.1"}})) == ()


def test_a_placement_that_came_is_one_sentence() -> None:
    found = compared(tree(), tree(platform={"placements": {"cheap": {"selector": {"pool": "spot"}, "queue": None}}}))
    assert texts(found) == ["platform: platform: placement cheap added: selector {pool: spot}"]


def test_an_environment_on_another_platform_says_that_and_not_every_line_of_both() -> None:
    found = compared(tree(), tree({"environments": {"staging": {"platform": "kubernetes"}}, "serving": {"online": {
        "expose": None, "variants": None}}}))  # fmt: skip
    assert "environments: platform platform.yaml -> kubernetes" in texts(found)
    assert not [item for item in found if item.section == "platform"]


def test_an_environment_that_came_or_went_is_one_sentence() -> None:
    fresh = {"environments": {"night": {"platform": "platform.yaml", "namespace": "churn-prod"}}}
    (came,) = compared(tree(), tree(fresh))
    assert came.text == "night added: on platform.yaml, namespace churn-prod"
    assert came.environments == ("night",)
    (went,) = compared(tree(fresh), tree())
    assert went.text == "night removed"
    assert "server-replaced" in {hazard.rule for hazard in went.hazards}
