"""Addresses of data and artifacts: each scheme has its own shape."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.spec.scalars.refusal import Scalar, refuse

_SCHEME = lazy(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?(.*)", re.S)
_SHAPES = {
    "s3": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", "s3://BUCKET/PATH"),
    "gs": (r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/.*)?", "gs://BUCKET/PATH"),
    "abfss": (
        r"[a-z0-9-]{3,63}@[a-z0-9]{3,24}\.dfs\.core\.[a-z.]+(/.*)?",
        "abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH",
    ),
    "https": (r"[A-Za-z0-9.-]+(:\d+)?([/?#].*)?", "https://HOST/PATH"),
    "http": (r"[A-Za-z0-9.-]+(:\d+)?([/?#].*)?", "http://HOST/PATH"),
    "file": (r"/.+", "file:///ABSOLUTE/PATH"),
    "pvc": (r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(/.*)?", "pvc://CLAIM/PATH"),
    "hf": (r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+(:[A-Za-z0-9._/-]+)?(/.*)?", "hf://ORGANISATION/NAME"),
    "cache": (r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+", "cache://SCHEMA/TABLE"),
    "oci": (
        r"[a-z0-9.-]+(:\d+)?/[a-z0-9._/-]+(:[A-Za-z0-9._-]+)?(@sha256:[0-9a-f]{64})?",
        "oci://REGISTRY/REPOSITORY:TAG",
    ),
    "git": (r"[A-Za-z0-9.-]+(:\d+)?/.+", "git://HOST/PATH"),
    "git+https": (r"[A-Za-z0-9.-]+(:\d+)?/.+", "git+https://HOST/PATH"),
    "git+ssh": (r"([A-Za-z0-9_.-]+@)?[A-Za-z0-9.-]+(:\d+)?/.+", "git+ssh://git@HOST/PATH"),
    "ssh": (r"([A-Za-z0-9_.-]+@)?[A-Za-z0-9.-]+(:\d+)?/.+", "ssh://git@HOST/PATH"),
}
_PATTERNS = {scheme: lazy(shape, re.S) for scheme, (shape, _) in _SHAPES.items()}
_INSTEAD = {
    "s3a": "s3", "s3n": "s3", "gcs": "gs", "abfs": "abfss", "wasb": "abfss", "wasbs": "abfss", "az": "abfss",
    "azure": "abfss", "huggingface": "hf", "docker": "oci",
}  # fmt: skip
SCHEMES = ("s3", "gs", "abfss", "https", "http", "file", "pvc", "hf", "oci", "git")


@dataclass(frozen=True, slots=True)
class Uri(Scalar):
    """An address of a known `scheme`; `authority` is its bucket, host, or claim; `path` has no leading `/`."""

    json: ClassVar[dict[str, Any]] = {"type": "string", "pattern": r"^([a-z][a-z0-9+]*://|\$\{)"}
    text: str
    scheme: str
    authority: str
    path: str

    @classmethod
    def parse(cls, value: object) -> Uri:
        if not isinstance(value, str):
            raise refuse("URI001", "an address is expected here", "write for example `s3://acme-ml/churn`")
        match = _SCHEME.fullmatch(value)
        if match is None or match[2] is None:
            raise refuse("URI001", f"`{value}` is not an address", f"write a scheme first: {', '.join(SCHEMES)}")
        scheme, rest = match[1], match[3]
        _check(value, scheme, rest)
        authority, _, path = rest.partition("/")
        return cls(value, scheme, authority, path)


@dataclass(frozen=True, slots=True)
class Location(Scalar):
    """An address, or (`uri` None) a path relative to the project file's folder."""

    json: ClassVar[dict[str, Any]] = {"type": "string", "minLength": 1}
    text: str
    uri: Uri | None

    @classmethod
    def parse(cls, value: object) -> Location:
        if not isinstance(value, str) or not value:
            raise refuse("URI001", "an address or a path is expected here", "write `s3://acme/x.csv` or `data/x.csv`")
        if "${" in value:
            return cls(value, None)
        return cls(value, Uri.parse(value)) if "://" in value else cls(check_path(value), None)


@dataclass(frozen=True, slots=True)
class Repository(Scalar):
    """A git repository: `https://host/path`, `ssh://git@host/path` or `git@host:path`."""

    json: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": r"^((https|ssh|git|git\+https|git\+ssh|file)://|[^/\s]+@[^/\s]+:)",
    }
    text: str

    @classmethod
    def parse(cls, value: object) -> Repository:
        if isinstance(value, str):
            if re.fullmatch(r"[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^\s]+", value) and "://" not in value:
                return cls(value)
            if Uri.parse(value).scheme in ("https", "ssh", "git", "git+https", "git+ssh", "file", "oci"):
                return cls(value)
        raise refuse("URI005", f"`{value}` is not a git repository", "write `https://git.example.com/acme/churn`")


def check_path(text: str) -> str:
    """`text` when it is a POSIX path relative to the project file; raises URI004 otherwise."""
    if text.startswith(("/", "~")):
        raise refuse(
            "URI004", f"`{text}` is a path of one machine", "write a path relative to this file, or a `file://` address"
        )
    if "\\" in text or re.match(r"[A-Za-z]:", text):
        raise refuse(
            "URI004", f"`{text}` is a path of one system", f"write it with `/`: `{text.replace(chr(92), '/')}`"
        )
    if not text or "\0" in text or "\n" in text:
        raise refuse(
            "URI004", "a path is expected here", "write a path relative to this file, for example `data/x.csv`"
        )
    return text


def _check(text: str, scheme: str, rest: str) -> None:
    if scheme not in _SHAPES:
        lower = scheme.lower()
        better = lower if lower in _SHAPES else _INSTEAD.get(lower, "")
        known = f"did you mean `{better}://`?" if better else f"known schemes are {', '.join(SCHEMES)}"
        raise refuse("URI002", f"`{scheme}://` is not a scheme that can be read", known, (0, len(scheme)))
    if re.match(r"[^/@]*:[^/@]*@", rest):
        raise refuse("URI006", "a password stands in this address", "put it under `secrets` and name it with `secret:`")
    if not _PATTERNS[scheme].fullmatch(rest) or re.search(r"\s", rest):
        raise refuse("URI003", f"`{text}` is not a complete `{scheme}` address", f"its shape is `{_SHAPES[scheme][1]}`")
