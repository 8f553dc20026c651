"""Secrets come from the environment, then from `.env`, and only for the steps that use them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlwright import ir
from mlwright.runner import secrets

LAKE = ir.Secret(name="data-lake", keys=("KEY_ID", "secret.key"))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("export A=plain", "plain"),
        ("A=with space # and a comment", "with space"),
        ("A=hash#inside", "hash#inside"),
        ("A='single $x \\n'", "single $x \\n"),
        ('A="double \\"q\\" \\\\ \\n \\$x"', 'double "q" \\ \n $x'),
        ("A=", ""),
        ("A=a=b", "a=b"),
        ("A = spaced", "spaced"),
    ],
)
def test_a_line_of_dotenv(tmp_path: Path, line: str, value: str) -> None:
    (tmp_path / ".env").write_text(f"# comment\n\n{line}\nno equals sign\n")
    assert secrets.read(tmp_path / ".env") == {"A": value}


def test_no_dotenv_is_no_secrets(tmp_path: Path) -> None:
    assert secrets.read(tmp_path / ".env") == {}


def test_the_process_environment_comes_before_dotenv(project: Callable[..., ir.Project], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATA_LAKE__KEY_ID=file\nDATA_LAKE__SECRET_KEY=file\n")
    found = secrets.collect(project(secrets=(LAKE,)), {"DATA_LAKE__KEY_ID": "process"}, tmp_path / ".env")
    assert found == {("data-lake", "KEY_ID"): "process", ("data-lake", "secret.key"): "file"}


def test_an_empty_value_is_a_value(project: Callable[..., ir.Project], tmp_path: Path) -> None:
    found = secrets.collect(project(secrets=(LAKE,)), {"DATA_LAKE__KEY_ID": ""}, tmp_path / ".env")
    assert found == {("data-lake", "KEY_ID"): ""}


@pytest.mark.parametrize(
    ("document", "pairs"),
    [
        ({}, ()),
        ({"secrets": ["data-lake"]}, (("data-lake", "KEY_ID"), ("data-lake", "secret.key"))),
        ({"env": {"T": [{"ref": "secrets.data-lake.KEY_ID"}]}}, (("data-lake", "KEY_ID"),)),
        ({"command": {"argv": [["x", {"ref": "secrets.data-lake.secret.key"}]]}}, (("data-lake", "secret.key"),)),
        ({"command": {"argv": [[{"ref": "params.lr"}]]}}, ()),
        (
            {"data": {"d": {"access": "download", "secret": "data-lake"}}},
            (("data-lake", "KEY_ID"), ("data-lake", "secret.key")),
        ),
        ({"data": {"d": {"access": "path", "secret": "data-lake"}}}, ()),
    ],
)
def test_a_step_uses_what_it_names(
    project: Callable[..., ir.Project], document: ir.Json, pairs: tuple[tuple[str, str], ...]
) -> None:
    assert secrets.used(document, project(secrets=(LAKE,))) == pairs


def test_the_launcher_gets_them_under_its_own_names() -> None:
    pair = ("data-lake", "KEY_ID")
    assert secrets.exported((pair, ("other", "X")), {pair: "v"}) == {"MLWRIGHT_SECRET_DATA_LAKE__KEY_ID": "v"}
