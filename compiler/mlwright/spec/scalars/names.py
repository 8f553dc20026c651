"""Names: of entries, parameters, environment variables, labels, Kubernetes things, and paths of nodes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from mlwright.regex import lazy
from mlwright.spec.declaration import AfterValidator, WithJsonSchema
from mlwright.spec.scalars.refusal import refuse

NAME = r"^(?!x-)[a-z][a-z0-9_-]{0,39}$"
PARAM = r"^[a-z][a-z0-9_]{0,39}$"
PREFIX = r"^[a-z][a-z0-9-]{0,39}$"
DNS = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"
NAMESPACE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
ENV = r"^(?!MLWRIGHT_)[A-Za-z_][A-Za-z0-9_]*$"
SECRET_KEY = r"^[A-Za-z_][A-Za-z0-9_]*$"
LABEL_KEY = r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
LABEL_VALUE = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
RESOURCE = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$"
NODE = r"^[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*){0,3}$"
MODEL = r"^[^/:@\s][^/:@]{0,127}$"


def named(pattern: str, code: str, message: str, help: str, fix: Callable[[str], str] | None = None) -> object:
    """A validator for text that matches `pattern`; `fix` proposes a text that would."""
    expression = lazy(pattern)

    def check(text: str) -> str:
        if expression.match(text) and not text.endswith("\n"):
            return text
        better = fix(text) if fix else ""
        raise refuse(
            code, message.replace("{text}", text), f"write `{better}`" if better and expression.match(better) else help
        )

    return AfterValidator(check)


def _lower(text: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text).lower()
    return re.sub(r"[^a-z0-9_-]+", "-", spaced).strip("-_")[:40]


def _snake(text: str) -> str:
    return _lower(text).replace("-", "_")


def _dashed(text: str) -> str:
    return _lower(text).replace("_", "-")


def _prefix(text: str) -> str:
    return f"{_dashed(text)[:39]}-"


def _unwrapped(text: str) -> str:
    return text[2:-1] if text.startswith("${") and text.endswith("}") else ""


Name = Annotated[
    str,
    named(
        NAME,
        "NAME001",
        "`{text}` is not a name",
        "names begin with a letter and have lower-case letters, digits, `_` and `-`, at most 40",
        _lower,
    ),
    WithJsonSchema({"type": "string", "pattern": NAME}),
]
"""The name of an entry of a named map."""

ParamName = Annotated[
    str,
    named(
        PARAM,
        "NAME002",
        "`{text}` cannot name a parameter or an output, because it becomes an environment variable",
        "use lower-case letters, digits and `_`, a letter first, at most 40",
        _snake,
    ),
    WithJsonSchema({"type": "string", "pattern": PARAM}),
]
"""The name of a parameter, an output or a loop key: it becomes part of an environment variable's name."""

ProjectName = Annotated[
    str,
    named(
        DNS,
        "NAME003",
        "`{text}` cannot name a project: every object's name begins with it",
        "use lower-case letters, digits and `-`, a letter first, at most 40",
        _dashed,
    ),
    WithJsonSchema({"type": "string", "pattern": DNS}),
]
"""A DNS-1123 label that leaves room for what is appended to it."""

NamePrefix = Annotated[
    str,
    named(
        PREFIX,
        "NAME003",
        "no object's name can begin with `{text}`",
        "use lower-case letters, digits and `-`, a letter first, at most 40",
        _prefix,
    ),
    WithJsonSchema({"type": "string", "pattern": PREFIX}),
]
"""What the names of objects begin with, a `-` at its end included."""

NamespaceName = Annotated[
    str,
    named(
        NAMESPACE,
        "NAME004",
        "`{text}` is not the name of a Kubernetes namespace",
        "use lower-case letters, digits and `-`, at most 63",
        _dashed,
    ),
    WithJsonSchema({"type": "string", "pattern": NAMESPACE}),
]

EnvName = Annotated[
    str,
    named(
        ENV,
        "NAME005",
        "`{text}` cannot be set as an environment variable",
        "use letters, digits and `_`, no digit first; names that begin with MLWRIGHT_ are the launcher's",
        lambda text: re.sub(r"[^A-Za-z0-9_]", "_", text),
    ),
    WithJsonSchema({"type": "string", "pattern": ENV}),
]

SecretKey = Annotated[
    str,
    named(
        SECRET_KEY,
        "NAME006",
        "`{text}` cannot be a key of a secret, because programs see it as an environment variable",
        "use letters, digits and `_`, no digit first",
        lambda text: re.sub(r"[^A-Za-z0-9_]", "_", text),
    ),
    WithJsonSchema({"type": "string", "pattern": SECRET_KEY}),
]

LabelKey = Annotated[
    str,
    named(LABEL_KEY, "NAME007", "`{text}` is not a Kubernetes label key", "write `team` or `example.com/team`"),
    WithJsonSchema({"type": "string", "pattern": LABEL_KEY}),
]

LabelValue = Annotated[
    str,
    named(
        LABEL_VALUE,
        "NAME008",
        "`{text}` is not a Kubernetes label value",
        "use letters, digits, `_`, `.` and `-`, at most 63; put longer text under `annotations`",
    ),
    WithJsonSchema({"type": "string", "pattern": LABEL_VALUE}),
]

ResourceName = Annotated[
    str,
    named(RESOURCE, "NAME009", "`{text}` is not the name of an extended resource", "write `vendor.example/device`"),
    WithJsonSchema({"type": "string", "pattern": RESOURCE}),
]

NodePath = Annotated[
    str,
    named(
        NODE,
        "NAME010",
        "`{text}` is not the path of a step or a section",
        "write its place in this file without `${ }`: `steps.features`, `training`, `serving.online`",
        _unwrapped,
    ),
    WithJsonSchema({"type": "string", "pattern": NODE}),
]
"""Where a node stands in the project file, such as `steps.features` or `models.ranker.training`."""

ModelName = Annotated[
    str,
    named(
        MODEL, "NAME011", "`{text}` cannot name a registered model", "leave out `/`, `:`, `@` and spaces at the start"
    ),
    WithJsonSchema({"type": "string", "pattern": MODEL}),
]

Alias = Annotated[
    str,
    named(
        r"^(?!(?i:latest|v\d+)$)[a-z][a-z0-9_-]{0,39}$",
        "NAME012",
        "`{text}` cannot be an alias of a model version",
        "write `champion` or `challenger`; `latest` and `v3` mean something else to MLflow",
        _lower,
    ),
    WithJsonSchema({"type": "string", "pattern": r"^(?!(latest|v\d+)$)[a-z][a-z0-9_-]{0,39}$"}),
]
