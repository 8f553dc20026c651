"""Container image references: `registry/repository:tag@sha256:...`."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.spec.scalars.refusal import Scalar, refuse

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_HOST = lazy(r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::\d+)?")
_REPOSITORY = lazy(rf"{_PART}(?:/{_PART})*")
_TAG = lazy(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = lazy(r"sha256:[0-9a-f]{64}")
EXAMPLE = "write `ghcr.io/acme/churn:1.4.2` or `ghcr.io/acme/churn@sha256:...`"


@dataclass(frozen=True, slots=True)
class ImageRef(Scalar):
    """`registry` is empty for the engine's default; `tag` and `digest` (`sha256:` and 64 hex digits) where given."""

    json: ClassVar[dict[str, Any]] = {"type": "string", "minLength": 1, "pattern": r"^[^\s/][^\s]*$"}
    text: str
    registry: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, value: object) -> ImageRef:
        if not isinstance(value, str):
            raise refuse("IMG001", "an image reference is expected here", EXAMPLE)
        rest, _, digest = value.partition("@")
        registry, rest = _split_registry(rest)
        repository, colon, tag = rest.partition(":")
        _check(value, repository, tag if colon else None, digest)
        return cls(value, registry, repository, tag, digest)


def _split_registry(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost") and _HOST.fullmatch(first):
        return first, rest
    return "", text


def _check(text: str, repository: str, tag: str | None, digest: str) -> None:
    if "://" in text:
        bare = text.split("://", 1)[1]
        raise refuse("IMG002", f"`{text}` is an address, not an image reference", f"leave the scheme out: `{bare}`")
    if text != text.strip() or not text or re.search(r"\s", text):
        raise refuse("IMG001", f"`{text}` is not an image reference", EXAMPLE)
    if not _REPOSITORY.fullmatch(repository):
        if repository != repository.lower() and _REPOSITORY.fullmatch(repository.lower()):
            fixed = text.replace(repository, repository.lower(), 1)
            raise refuse("IMG003", f"`{repository}` has capital letters, which no registry accepts", f"write `{fixed}`")
        raise refuse("IMG001", f"`{text}` is not an image reference", EXAMPLE)
    if tag is not None and not _TAG.fullmatch(tag):
        raise refuse(
            "IMG004", f"`{tag}` is not an image tag", "a tag has letters, digits, `_`, `.` and `-`, at most 128"
        )
    if "@" in text and not _DIGEST.fullmatch(digest):
        raise refuse("IMG005", f"`{digest}` is not an image digest", "a digest is `sha256:` and 64 hexadecimal digits")
