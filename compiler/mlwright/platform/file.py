"""Reads the platform that an environment names: a built-in one, or a platform file beside the project."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.platform.check import check
from mlwright.platform.profile import BUILTIN, Profile
from mlwright.platform.versions import KNOWN
from mlwright.source.files import FileTree
from mlwright.source.load import load_file
from mlwright.source.suggest import closest
from mlwright.source.tree import Node, locate, located, plain
from mlwright.span import Path
from mlwright.spec.validate import read

if TYPE_CHECKING:
    from mlwright.platform.model import Platform


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
    from mlwright.platform.model import Platform

    model, found = read(Platform, plain(tree), tree)
    bag.extend(located(found, tree))
    if model is None:
        return None, bag
    profile = _profile(name, model, tree)
    bag.extend(located(Bag(check(profile)), tree))
    return profile, bag


def _profile(name: str, model: Platform, tree: Node) -> Profile:
    systems: dict[str, str] = {}
    for system in KNOWN:
        found: object = model
        for part in system.split("."):
            found = getattr(found, part, None)
        if found is not None:
            version = found if isinstance(found, str) else str(getattr(found, "version", ""))
            systems[system] = version.removeprefix("v")
    return Profile(
        name=posixpath.basename(name).rpartition(".")[0],
        orchestrator=model.orchestrator,
        systems=systems,
        written=model,
        tree=tree,
        place=locate(tree),
    )
