"""Which secrets a step is given, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlwright import ir
from mlwright.emit.environment import secret_variable
from mlwright.remote.secrets import collect, read

__all__ = ["collect", "exported", "read", "used"]


def used(document: ir.Json, project: ir.Project) -> tuple[tuple[str, str], ...]:
    """The (secret, key) pairs that one step document needs: named whole, by reference, or for its data."""
    if not isinstance(document, dict):
        return ()
    keys = {secret.name: secret.keys for secret in project.secrets}
    pairs: dict[tuple[str, str], None] = {}
    whole = [*_strings(document.get("secrets")), *_data_secrets(document.get("data"))]
    for name in whole:
        pairs.update(dict.fromkeys((name, key) for key in keys.get(name, ())))
    for path in _references(document):
        head, _, rest = path.partition(".")
        name, _, key = rest.partition(".")
        if head == "secrets" and key:
            pairs[name, key] = None
    return tuple(pairs)


def exported(pairs: tuple[tuple[str, str], ...], values: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """What the launcher is given for them: `MLWRIGHT_SECRET_<SECRET>__<KEY>`."""
    return {f"MLWRIGHT_SECRET_{secret_variable(*pair)}": values[pair] for pair in pairs if pair in values}


def _strings(value: ir.Json) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _data_secrets(data: ir.Json) -> list[str]:
    if not isinstance(data, dict):
        return []
    names = []
    for item in data.values():
        secret = item.get("secret") if isinstance(item, dict) and item.get("access") != "path" else None
        if isinstance(secret, str):
            names.append(secret)
    return names


def _references(value: ir.Json) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("ref")
        if isinstance(reference, str):
            yield reference
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
