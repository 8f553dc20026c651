"""Versions of registered models: what an alias points at, as an entry of the lock."""

from __future__ import annotations

import runpy
import urllib.parse
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, cast

import mlwright
from mlwright import ir
from mlwright.passes.lock import LockedModel
from mlwright.remote.client import Client, MissingError, RefusedError, Version, tags
from mlwright.remote.http import RemoteError

READY = "READY"
DIGEST = "mlwright.digest"
_STORES = frozenset({"s3", "gs", "azure"})


class VersionError(RemoteError):
    """A version that cannot be served; the text says why and what there is instead."""


def entry(client: Client, version: Version, tracking: ir.Tracking) -> LockedModel:
    """The lock's entry for a version. Raises VersionError for one that is not ready, RemoteError where the server does
    not say what is needed; `digest` is empty where nobody recorded it and the server does not list the files."""
    if version.status != READY:
        what = f"version {version.version} of {version.model} is {version.status or 'in no state'}, not {READY}"
        raise VersionError(f"{what}: {known(client, version.model)}")
    return LockedModel(
        version=version.version,
        model_id=version.model_id,
        run_id=version.run_id,
        source=version.source,
        uri=_physical(client.download_uri(version.model, version.version), tracking),
        digest=_digest(client, version),
    )


def pick(client: Client, model: str, number: str) -> Version:
    """Version `number` of a model. Raises VersionError, which says what versions there are."""
    try:
        return client.version(model, number)
    except RefusedError as error:
        if not isinstance(error, MissingError) and error.code != "INVALID_PARAMETER_VALUE":
            raise
        raise VersionError(f"there is no version {number} of {model}: {known(client, model)}") from error


def known(client: Client, model: str) -> str:
    """In words, the versions that a model has with their aliases, or that there is none."""
    try:
        aliases: dict[str, list[str]] = {}
        for alias, version in client.model(model).aliases.items():
            aliases.setdefault(version, []).append(f"@{alias}")
        found = [*client.versions(model)]
    except MissingError:
        return f"{client.url} has no model of that name"
    if not found:
        return "it has no version yet"
    shown = [_shown(version, aliases.get(version.version, ())) for version in found[:10]]
    more = f" and {len(found) - 10} more" if len(found) > 10 else ""
    return f"there is {', '.join(shown)}{more}"


def _shown(version: Version, aliases: Iterable[str]) -> str:
    said = [*sorted(aliases), *([version.status] if version.status != READY else [])]
    return f"{version.version} ({' '.join(said)})" if said else version.version


def _digest(client: Client, version: Version) -> str:
    """What was recorded when the files were written, else the digest of their list."""
    if version.tags.get(DIGEST):
        return version.tags[DIGEST]
    if version.model_id:
        recorded = tags(client.logged_model(version.model_id).get("info", {})).get(DIGEST)
        if recorded:
            return recorded
    try:
        files = [(item.path, item.size) for item in client.artifacts(version)]
        if "MLmodel" not in {path for path, _ in files}:
            return ""
        return _listing()(files, client.file(version.model, version.version, "MLmodel"))
    except RefusedError:
        return ""


@cache
def _listing() -> Callable[[list[tuple[str, int]], bytes], str]:
    """`listing_digest` of the shipped programs, which is what they hold a downloaded model to."""
    values: dict[str, Any] = runpy.run_path(str(Path(mlwright.__file__).with_name("runtime") / "values.py"))
    return cast("Callable[[list[tuple[str, int]], bytes], str]", values["listing_digest"])


def _physical(uri: str, tracking: ir.Tracking) -> str:
    """Where the files are in the object store that the tracking server keeps them in, where the spec says which."""
    parts = urllib.parse.urlsplit(uri)
    if parts.scheme != "mlflow-artifacts" or tracking.artifacts.type not in _STORES or not tracking.artifacts.uri:
        return uri
    return f"{tracking.artifacts.uri}/{parts.path.lstrip('/')}"
