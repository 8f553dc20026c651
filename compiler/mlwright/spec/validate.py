"""From a located tree to the typed project, or what is wrong with it in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from mlwright.diag.diagnostic import Bag, Diagnostic, Label
from mlwright.source.scalars import is_disputed, trap
from mlwright.source.tree import Json, Map, Node, Scalar, locate, plain, walk
from mlwright.span import Path
from mlwright.spec.acceptance import accept
from mlwright.spec.base import Model
from mlwright.spec.environments import Environment
from mlwright.spec.project import Project
from mlwright.spec.versions import model_for

Read = TypeVar("Read", bound=Model)


def validate(tree: Node) -> tuple[Project | None, Bag]:
    """The project that `tree` (merged, of one environment) describes, or None, and every finding with its place."""
    if not isinstance(tree, Map):
        help_ = "write `apiVersion: mlwright.dev/v1` on the first line"
        finding = Diagnostic(code="SPEC003", message="a project file is a mapping of sections", help=help_)
        return None, Bag([finding]).located(locate(tree))
    model = model_for(tree)
    if isinstance(model, Diagnostic):
        return None, Bag([model]).located(locate(tree))
    project, bag = read(model, _own_environments(plain(tree, {})), tree)
    bag.extend(_disputed(tree, {item.at.path for item in bag}))
    return (None if bag.failed else project), bag.located(locate(tree))


def read(model: type[Read], value: Json, tree: Node) -> tuple[Read | None, Bag]:
    """The instance of `model` that `value` describes, or None and what is wrong with it, at paths of `tree`."""
    try:
        return accept(model, value), Bag()
    except ValueError:
        from mlwright.spec.explanation import explain  # only rejected files pay for pydantic
        from mlwright.spec.problems import translate

        made, errors = explain(model, value)
        return made, Bag(translate(errors, tree, model))


def _own_environments(data: Json) -> Json:
    """Sections below `environments` are merged over the file before; only an environment's own fields stay."""
    if isinstance(data, dict) and isinstance(data.get("environments"), dict):
        sections = Project.model_fields.keys() - Environment.model_fields.keys()
        environments = {
            name: {key: item for key, item in value.items() if key not in sections}
            if isinstance(value, dict)
            else value
            for name, value in data["environments"].items()  # type: ignore[union-attr]
        }
        return {**data, "environments": environments}
    return data


def _is_disputed(scalar: Scalar) -> bool:
    return scalar.style == "" and isinstance(scalar.value, str) and is_disputed(scalar.text)


def _disputed(tree: Node, known: set[Path]) -> Iterator[Diagnostic]:
    """Bare words that are text to this reader and something else to others."""
    for path, scalar in walk(tree, _is_disputed):
        if path not in known and (why := trap(scalar)):
            yield Diagnostic(
                code="SPEC007", message=why, at=Label(path=path), help=f'write `"{scalar.text}"` if text is meant'
            )
