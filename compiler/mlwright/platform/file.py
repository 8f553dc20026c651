"""Reads the platform that an environment names: a built-in one, or a platform file beside the project."""

from __future__ import annotations

import posixpath
from dataclasses import replace

from pydantic import ValidationError

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.platform.profile import BUILTIN, Profile
from mlwright.source.files import FileTree
from mlwright.source.load import load_file
from mlwright.source.suggest import closest
from mlwright.source.tree import located, plain
from mlwright.span import Path

_SYSTEMS = (
    "kubernetes", "argo_workflows", "argo_events", "argo_cd", "mlflow", "kueue", "istio", "gateway_api",
    "prometheus_operator", "external_secrets", "sealed_secrets", "keda", "jobset",
)  # fmt: skip


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
    from mlwright.spec.problems import translate

    try:
        model = Platform.model_validate(plain(tree))
    except ValidationError as error:
        bag.extend(located(Bag(translate(error, tree, Platform)), tree))
        return None, bag
    return _profile(name, model.model_dump(mode="json", exclude_none=True, by_alias=True)), bag


def _profile(name: str, value: dict[str, object]) -> Profile:
    systems = {key: str(value.pop(key)).removeprefix("v") for key in _SYSTEMS if key in value}
    kubeflow = value.pop("kubeflow", {})
    assert isinstance(kubeflow, dict)
    systems |= {f"kubeflow.{key}": str(version).removeprefix("v") for key, version in kubeflow.items()}
    base = Profile(name=posixpath.basename(name).rpartition(".")[0], orchestrator=value.pop("orchestrator"))  # type: ignore[arg-type]
    settings = {key: item for key, item in value.items() if key not in ("apiVersion", "kind")}
    return replace(base, systems=systems, settings=settings)  # type: ignore[arg-type]
