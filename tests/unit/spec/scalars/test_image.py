"""Container image references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from mlwright.spec.scalars.image import ImageRef

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("python", ("", "python", "", "")),
        ("python:3.12", ("", "python", "3.12", "")),
        ("acme/churn", ("", "acme/churn", "", "")),
        ("ghcr.io/acme/churn:1.4.2", ("ghcr.io", "acme/churn", "1.4.2", "")),
        ("localhost/churn", ("localhost", "churn", "", "")),
        ("localhost:5000/churn:x", ("localhost:5000", "churn", "x", "")),
        ("registry:5000/a/b/c", ("registry:5000", "a/b/c", "", "")),
        (f"acme/churn@{DIGEST}", ("", "acme/churn", "", DIGEST)),
        (f"ghcr.io/acme/churn:1@{DIGEST}", ("ghcr.io", "acme/churn", "1", DIGEST)),
        ("a__b/c-d_e.f", ("", "a__b/c-d_e.f", "", "")),
    ],
)
def test_a_reference_has_four_parts(written: str, parts: tuple[str, str, str, str]) -> None:
    image = ImageRef.parse(written)
    assert (image.registry, image.repository, image.tag, image.digest) == parts
    assert image.text == written


@pytest.mark.parametrize(
    ("written", "code", "help_"),
    [
        ("", "IMG001", "ghcr.io/acme"),
        ("my image", "IMG001", "ghcr.io/acme"),
        (" python", "IMG001", "ghcr.io/acme"),
        ("acme//churn", "IMG001", "ghcr.io/acme"),
        ("acme/churn/", "IMG001", "ghcr.io/acme"),
        ("-acme/churn", "IMG001", "ghcr.io/acme"),
        ("https://ghcr.io/acme/churn", "IMG002", "`ghcr.io/acme/churn`"),
        ("docker://python", "IMG002", "`python`"),
        ("ghcr.io/Acme/churn:V1", "IMG003", "`ghcr.io/acme/churn:V1`"),
        ("python:", "IMG004", "at most 128"),
        ("python:-1", "IMG004", "at most 128"),
        ("python@sha256:abc", "IMG005", "64"),
        ("python@md5:abc", "IMG005", "64"),
        ("python@", "IMG005", "64"),
        (3, "IMG001", "ghcr.io/acme"),
        (None, "IMG001", "ghcr.io/acme"),
    ],
)
def test_anything_else_is_refused(written: object, code: str, help_: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        ImageRef.parse(written)
    assert (caught.value.type, help_ in (caught.value.context or {})["help"]) == (code, True), caught.value.context


@given(st.text())
def test_what_is_accepted_can_be_put_together_again(text: str) -> None:
    try:
        image = ImageRef.parse(text)
    except PydanticCustomError:
        return
    registry = f"{image.registry}/" if image.registry else ""
    tag = f":{image.tag}" if image.tag else ""
    digest = f"@{image.digest}" if image.digest else ""
    assert registry + image.repository + tag + digest == text
