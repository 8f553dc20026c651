"""Text with references in it, conditions, paths inside the repository, patterns for metrics."""

from __future__ import annotations

from typing import Annotated

from mlwright.record import dataclass
from mlwright.spec.declaration import AfterValidator, BeforeValidator, WithJsonSchema
from mlwright.spec.scalars.refusal import refuse
from mlwright.spec.scalars.uri import check_path


@dataclass(frozen=True, slots=True)
class Template:
    """Marks text in which references stand; `condition` marks an expression of the `when` language."""

    condition: bool = False


Text = Annotated[str, Template()]
"""Text with references, kept as written; `source.references.parse` reads it."""


def _condition(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


Condition = Annotated[
    str, BeforeValidator(_condition), Template(condition=True), WithJsonSchema({"type": ["string", "boolean"]})
]
"""A condition of the `when` language, kept as written; `true` and `false` are text too."""


def _not_empty(text: str) -> str:
    if not text.strip():
        raise refuse("SPEC014", "this text is empty", "write something, or leave the field out")
    return text


Line = Annotated[str, AfterValidator(_not_empty), WithJsonSchema({"type": "string", "minLength": 1})]
"""Text that says something: not empty, not only spaces."""

RelativePath = Annotated[str, AfterValidator(check_path), WithJsonSchema({"type": "string", "minLength": 1})]
"""A POSIX path relative to the project file's folder."""


def _mount_target(text: str) -> str:
    if not text.startswith("/") or text == "/" or ".." in text.split("/") or ":" in text or "," in text:
        raise refuse(
            "URI007", f"`{text}` is not a place to mount", "write an absolute path inside the container: `/data`"
        )
    return text


MountTarget = Annotated[str, AfterValidator(_mount_target), WithJsonSchema({"type": "string", "pattern": "^/.+"})]

Pattern = Annotated[str, AfterValidator(_not_empty), WithJsonSchema({"type": "string", "format": "regex"})]
"""A regular expression with one group; a pass holds it to the RE2 subset."""
