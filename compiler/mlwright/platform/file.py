"""Reads the platform that an environment names: a built-in one, or a platform file beside the project."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mlwright.diag import Bag, Diagnostic, Label, Locate
from mlwright.platform.profile import BUILTIN, Profile
from mlwright.platform.versions import KNOWN, numbers, reaches, within
from mlwright.source.files import FileTree
from mlwright.source.load import load_file
from mlwright.source.suggest import closest
from mlwright.source.tree import locate, located, plain
from mlwright.span import Path
from mlwright.spec.base import Model
from mlwright.spec.scalars.image import ImageRef
from mlwright.spec.scalars.quantity import Memory
from mlwright.spec.validate import read

_SYSTEMS = tuple(name for name in KNOWN if "." not in name)


def read_platform(files: FileTree, folder: str, name: str, path: Path) -> tuple[Profile | None, Bag]:
    """The platform called `name` by the environment at `path`, or None with findings (here, or in the platform
    file)."""
    if name in BUILTIN:
        return BUILTIN[name], Bag()
    if not name.endswith((".yaml", ".yml")):
        near = closest(name, sorted(BUILTIN))
        return None, Bag(
            [
                Diagnostic(
                    code="PLAT001",
                    message=f"there is no built-in platform `{name}`",
                    at=Label(path=path),
                    help=f"did you mean `{near}`?"
                    if near
                    else f"write {', '.join(BUILTIN)}, or the path of a platform file",
                )
            ]
        )
    where = posixpath.normpath(posixpath.join(folder, name))
    tree, bag = load_file(files, where, because=Label(path=path))
    if tree is None or bag.failed:
        return None, bag
    from mlwright.platform.model import Platform  # the built-in platforms do without

    model, found = read(Platform, plain(tree), tree)
    bag.extend(located(found, tree))
    if model is None:
        return None, bag
    profile = _profile(name, _json(model), locate(tree))
    bag.extend(located(Bag(_versions(profile)), tree))
    return profile, bag


def _versions(profile: Profile) -> Iterator[Diagnostic]:
    """PLAT003 for releases whose objects are not as we write them, PLAT004 for those that nobody has looked at."""
    for system, version in profile.systems.items():
        known, path = KNOWN[system], tuple(system.split("."))
        if known.oldest and not reaches(version, known.oldest):
            yield Diagnostic(
                code="PLAT003",
                message=f"nothing is written for {system} {version}: {known.oldest} brought {known.why}",
                at=Label(path=path, text=f"before {known.oldest}"),
                help=f"upgrade it to {known.oldest} or later, or leave it out",
            )
        elif not within(version, known.newest):
            yield Diagnostic(
                code="PLAT004",
                message=f"{system} {version} is newer than this mlwright, which writes for {known.newest}",
                at=Label(path=path),
                help=f"see whether it still serves what {known.newest} did, or upgrade mlwright",
                severity="note" if numbers(version)[0] == numbers(known.newest)[0] else "warning",
            )


def _json(value: Any) -> Any:
    """A platform's value as JSON, with its defaults, without what is not there."""
    if isinstance(value, Model):
        return {key: _json(item) for key in value.model_fields if (item := getattr(value, key)) is not None}
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    return value.text if isinstance(value, (ImageRef, Memory)) else value


def _profile(name: str, value: dict[str, object], place: Locate) -> Profile:
    systems = {key: str(value.pop(key)).removeprefix("v") for key in _SYSTEMS if key in value}
    kubeflow = value.pop("kubeflow", {})
    assert isinstance(kubeflow, dict)
    systems |= {f"kubeflow.{key}": str(version).removeprefix("v") for key, version in kubeflow.items()}
    base = Profile(name=posixpath.basename(name).rpartition(".")[0], orchestrator=value.pop("orchestrator"))  # type: ignore[arg-type]
    settings = {key: item for key, item in value.items() if key not in ("apiVersion", "kind")}
    return replace(base, systems=systems, settings=settings, place=place)  # type: ignore[arg-type]
