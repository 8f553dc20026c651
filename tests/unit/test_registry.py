"""Targets are found by name and loaded when they are asked for."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from mlwright.registry import BrokenTargetError, Registry, UnknownTargetError, installed
from mlwright_compose import ComposeTarget


def test_listing_names_loads_nothing() -> None:
    def explode() -> ComposeTarget:
        raise AssertionError

    assert Registry({"b": explode, "a": explode}).names == ("a", "b")


def test_a_target_is_made_once() -> None:
    made = Registry({"compose": ComposeTarget})
    assert made.get("compose") is made.get("compose")


def test_an_unknown_target_says_what_there_is() -> None:
    with pytest.raises(UnknownTargetError, match="there is compose"):
        Registry({"compose": ComposeTarget}).get("nomad")


def test_a_target_that_cannot_be_loaded_says_why() -> None:
    def explode() -> ComposeTarget:
        raise ImportError("no module named x")

    with pytest.raises(BrokenTargetError, match="no module named x"):
        Registry({"compose": explode}).get("compose")


@pytest.mark.parametrize("factory", [object, ComposeTarget])
def test_what_is_not_a_target_of_that_name_is_refused(factory: type) -> None:
    with pytest.raises(BrokenTargetError, match="not a target of that name"):
        Registry({"other": factory}).get("other")


def test_an_injected_target_stands_beside_the_installed_ones() -> None:
    assert "fake" in installed({"fake": ComposeTarget}).names


def package(folder: Path, name: str, declared: str) -> None:
    place = folder / name
    place.mkdir(parents=True)
    (place / "entry_points.txt").write_text(declared, encoding="utf-8")


DECLARED = """\
[console_scripts]
nomad = nomad.cli:main

# ours
[ mlwright.targets ]
; no target = here
nomad = mlwright_compose:ComposeTarget [extra]
"""


@pytest.mark.parametrize("name", ["nomad-1.0.dist-info", "nomad.egg-info"])
def test_a_target_is_installed_by_its_packages_entry_point(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, name, DECLARED)
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(tmp_path / "nowhere")])
    found = installed()
    assert found.names == ("nomad",)
    with pytest.raises(BrokenTargetError, match="not a target of that name"):
        found.get("nomad")


def test_the_first_folder_of_the_path_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path / "a", "x-1.dist-info", "[mlwright.targets]\ncompose = mlwright_compose:ComposeTarget\n")
    package(tmp_path / "b", "x-1.dist-info", "[mlwright.targets]\ncompose = nowhere:Target\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "a"), str(tmp_path / "b")])
    assert installed().get("compose").name == "compose"


def test_a_package_without_targets_declares_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, "a-1.dist-info", "[console_scripts]\na = a:main\n")
    (tmp_path / "b-1.dist-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert installed().names == ()


def test_the_standard_library_sees_the_same_targets() -> None:
    assert installed().names == tuple(sorted({point.name for point in metadata.entry_points(group="mlwright.targets")}))
