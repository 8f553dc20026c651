"""Versions of the language: which model reads a file with which `apiVersion`."""

from __future__ import annotations

from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.source.suggest import did_you_mean
from mlwright.source.tree import Map, Scalar
from mlwright.spec.project import Project

VERSIONS: dict[str, type[Project]] = {"mlwright.dev/v1": Project}
"""The model of each version, oldest first."""

CURRENT = "mlwright.dev/v1"


def model_for(tree: Map) -> type[Project] | Diagnostic:
    """The model for `tree`, or what is wrong with its `apiVersion`."""
    entry = tree.entries.get("apiVersion")
    if entry is None:
        others = [
            key for key in tree.entries if key.lower().replace("_", "") in ("apiversion", "version", "schemaversion")
        ]
        at = Label(path=(others[0],), on="key") if others else Label()
        help_ = f"write `apiVersion: {CURRENT}` at the top"
        return Diagnostic(
            code="SPEC009", message="`apiVersion` is missing: it says which language this is", at=at, help=help_
        )
    written = entry.node.value if isinstance(entry.node, Scalar) else None
    if isinstance(written, str) and written in VERSIONS:
        return VERSIONS[written]
    shown = f"`{written}`" if isinstance(entry.node, Scalar) and written is not None else "this"
    help_ = did_you_mean(str(written), VERSIONS) or f"write `{CURRENT}`"
    message = f"{shown} is not a version of the language that this mlwright reads"
    return Diagnostic(code="SPEC009", message=message, at=Label(path=("apiVersion",)), help=help_)
