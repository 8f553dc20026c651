"""Addresses, locations, repositories, paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from mlwright.spec.scalars.uri import Location, Repository, Uri


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("s3://acme-ml", ("s3", "acme-ml", "")),
        ("s3://acme-ml/a/b.csv", ("s3", "acme-ml", "a/b.csv")),
        ("gs://acme_ml/x", ("gs", "acme_ml", "x")),
        ("abfss://models@acme.dfs.core.windows.net/x", ("abfss", "models@acme.dfs.core.windows.net", "x")),
        ("https://files.example.com:8443/a?b=c", ("https", "files.example.com:8443", "a?b=c")),
        ("http://localhost:5000", ("http", "localhost:5000", "")),
        ("file:///srv/data", ("file", "", "srv/data")),
        ("pvc://claim/models", ("pvc", "claim", "models")),
        ("hf://acme/support-7b", ("hf", "acme", "support-7b")),
        ("oci://ghcr.io/acme/model:1", ("oci", "ghcr.io", "acme/model:1")),
        ("git+https://git.example.com/acme/churn", ("git+https", "git.example.com", "acme/churn")),
    ],
)
def test_an_address_has_three_parts(written: str, parts: tuple[str, str, str]) -> None:
    uri = Uri.parse(written)
    assert (uri.scheme, uri.authority, uri.path) == parts
    assert uri.text == written


@pytest.mark.parametrize(
    ("written", "code", "help_"),
    [
        ("acme-ml", "URI001", "s3, gs"),
        ("s3:acme", "URI001", "s3, gs"),
        ("", "URI001", "s3, gs"),
        (3, "URI001", "s3://"),
        ("s3a://acme-ml", "URI002", "`s3://`"),
        ("S3://acme-ml", "URI002", "`s3://`"),
        ("wasbs://c@acme.blob.core.windows.net", "URI002", "`abfss://`"),
        ("ftp://files.example.com/a", "URI002", "known schemes"),
        ("s3:///a", "URI003", "s3://BUCKET/PATH"),
        ("s3://ACME/a", "URI003", "s3://BUCKET/PATH"),
        ("s3://acme-ml/a b", "URI003", "s3://BUCKET/PATH"),
        ("gs://x", "URI003", "gs://BUCKET/PATH"),
        ("abfss://acme/x", "URI003", "ACCOUNT"),
        ("hf://bert", "URI003", "ORGANISATION"),
        ("file://data.csv", "URI003", "ABSOLUTE"),
        ("https://ann:hunter2@example.com/x", "URI006", "`secrets`"),
    ],
)
def test_other_addresses_are_refused(written: object, code: str, help_: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        Uri.parse(written)
    assert (caught.value.type, help_ in (caught.value.context or {})["help"]) == (code, True), caught.value.context


def test_a_location_is_an_address_or_a_relative_path() -> None:
    remote, local, written = (Location.parse(text) for text in ("s3://acme-ml/x", "data/x.csv", "${storage.w}/x"))
    assert remote.uri is not None
    assert (local.uri, local.text, written.uri) == (None, "data/x.csv", None)


@pytest.mark.parametrize("written", ["/srv/x", "~/x", "C:\\x", "a\\b", "a\nb"])
def test_paths_of_one_machine_are_refused(written: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        Location.parse(written)
    assert caught.value.type == "URI004"


@pytest.mark.parametrize(
    "written", ["https://git.example.com/acme/churn", "git@github.com:acme/churn.git", "ssh://git@h/x"]
)
def test_a_repository_has_the_usual_forms(written: str) -> None:
    assert Repository.parse(written).text == written


@pytest.mark.parametrize("written", ["s3://acme-ml/x", "hf://a/b", 3])
def test_other_addresses_are_no_repository(written: object) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        Repository.parse(written)
    assert caught.value.type == "URI005"


@given(st.text())
def test_no_text_breaks_the_readers(text: str) -> None:
    for parse in (Uri.parse, Location.parse, Repository.parse):
        try:
            parse(text)
        except PydanticCustomError as error:
            assert error.type.startswith("URI")
