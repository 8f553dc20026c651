"""Values of secrets: the process environment, then `.env` beside the spec. They are never printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mlwright import ir
from mlwright.emit.environment import secret_variable

_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "$": "$", "\\": "\\"}


def collect(project: ir.Project, environ: Mapping[str, str], dotenv: Path) -> dict[tuple[str, str], str]:
    """Every value that is there, by (secret, key)."""
    beside = read(dotenv)
    found: dict[tuple[str, str], str] = {}
    for secret in project.secrets:
        for key in secret.keys:
            name = secret_variable(secret.name, key)
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


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == '"':
        return _ESCAPE.sub(lambda hit: _ESCAPES.get(hit[1], hit[0]), value[1:-1])
    return value.split(" #", 1)[0].rstrip()
