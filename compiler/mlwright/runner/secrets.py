"""Secrets of a run: the process environment, then `.env` beside the spec. Values are never printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlwright import ir

_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "$": "$", "\\": "\\"}


def variable(secret: str, key: str) -> str:
    """The name under which a value is looked up: `<SECRET>__<KEY>` in upper snake."""
    return f"{_snake(secret)}__{_snake(key)}"


def collect(project: ir.Project, environ: Mapping[str, str], dotenv: Path) -> dict[tuple[str, str], str]:
    """Every value that is there, by (secret, key)."""
    beside = read(dotenv)
    found: dict[tuple[str, str], str] = {}
    for secret in project.secrets:
        for key in secret.keys:
            name = variable(secret.name, key)
            value = environ.get(name, beside.get(name))
            if value is not None:
                found[secret.name, key] = value
    return found


def read(path: Path) -> dict[str, str]:
    """`NAME=VALUE` lines of a `.env` file, as Compose reads them: `export`, comments, single and double quotes."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    values = {}
    for line in text.splitlines():
        name, sign, value = line.strip().removeprefix("export ").partition("=")
        if sign and name.strip() and not name.startswith("#"):
            values[name.strip()] = _unquoted(value.strip())
    return values


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
    return {f"MLWRIGHT_SECRET_{variable(*pair)}": values[pair] for pair in pairs if pair in values}


def _snake(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPE.sub(lambda hit: _ESCAPES.get(hit[1], hit[0]), value[1:-1])
    return value.split(" #", 1)[0].rstrip()


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
