"""What is in the page, without a browser: nothing that its readers take for HTML, no secret, each text once."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings

from mlwright.record import replace
from mlwright.review import page
from mlwright.review.model import Review
from mlwright.review.page import Pair
from tests.unit.review import pages, reviews
from tests.unit.review.test_markdown import QUICK

DEMO = pages.demo(pages.AFTER)


def data(text: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)

    def never(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    made: dict[str, Any] = json.loads(found, parse_constant=never)
    return made


@settings(QUICK, max_examples=25)
@given(reviews.reviews, reviews.texts)
def test_no_review_becomes_html_or_ends_the_data(review: Review, name: str) -> None:
    spec = next((one.spec for one in review.projects if one.spec), "mlproject.yaml")
    text = page.render([Pair(spec="mlproject.yaml", shown=spec, name=name, head=DEMO)], review)
    text.encode("utf-8")
    assert text.count("<script") == text.count("</script") == 2
    assert text.count("<!--") == 0
    found = data(text)
    assert found["review"]["headline"].startswith("Plan: ")
    said = next((one for one in review.projects if one.spec == spec), None)
    assert len(found["projects"][0]["remarks"]) == (len(said.remarks) if said else 0)


@pytest.mark.parametrize("secret", ["ghp_" + "a1B2c3" * 6, "AKIAABCDEFGHIJKLMNOP", "postgres://u:pa55word@h/db"])
def test_a_secret_in_the_project_is_not_in_its_page(secret: str) -> None:
    text = pages.AFTER.replace("steps:\n  prepare:", f"steps:\n  prepare:\n    env: {{API_TOKEN: '{secret}'}}")
    made = page.render([Pair(spec="mlproject.yaml", name="demo", head=pages.demo(text))])
    assert "API_TOKEN" in made
    assert secret not in made


def test_a_secret_in_a_changed_field_is_not_in_the_page() -> None:
    usual = reviews.usual()
    projects = (replace(usual.projects[0], spec="mlproject.yaml"),)
    made = page.render([Pair(spec="mlproject.yaml", name="demo", head=DEMO)], replace(usual, projects=projects))
    assert "DB_PASSWORD" in made
    assert "hunter2" not in made


def test_what_environments_and_revisions_share_is_there_once() -> None:
    one = data(page.render([Pair(spec="mlproject.yaml", name="demo", head=DEMO)]))
    both = data(page.render([Pair(spec="mlproject.yaml", name="demo", head=DEMO, base=DEMO)], reviews.usual()))
    assert both["texts"] == one["texts"]
    assert len(set(one["texts"])) == len(one["texts"])


def test_what_two_environments_share_is_there_once() -> None:
    spec = "examples/breast-cancer/mlproject.yaml"
    head = pages.compiled(spec, envs=("compose", "team"))
    found = data(page.render([Pair(spec=spec, name="breast-cancer", head=head)]))
    first, second = ({row[0]: row[1] for row in one["files"]} for one in found["projects"][0]["environments"])
    shared = {path for path in first.keys() & second.keys() if path.startswith("compose/runtime/")}
    assert len(shared) > 20
    assert all(first[path] == second[path] for path in shared)


def test_the_lines_of_each_file_are_as_many_as_its_text_has() -> None:
    found = data(page.render([Pair(spec="mlproject.yaml", name="demo", head=DEMO)]))
    for environment in found["projects"][0]["environments"]:
        for path, number, _, runs in environment["files"]:
            assert sum(runs[::2]) == found["texts"][number].removesuffix("\n").count("\n") + 1, path
            assert all(-1 <= origin < len(environment["origins"]) for origin in runs[1::2])


def test_the_policy_allows_the_page_s_own_parts_alone() -> None:
    text = page.render([Pair(spec="mlproject.yaml", name="demo", head=DEMO)])
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert not re.search(r"""(?:src|href)=["'](?!#)|@import|url\(""", text.split('<script type="application/json"')[0])
