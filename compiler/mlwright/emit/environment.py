"""Environment files that shells and systemd read alike: one `NAME=value` a line."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlwright.regex import lazy

_PLAIN = lazy(r"[A-Za-z0-9_./:@%+,=*-]*")


def variable(name: str) -> str:
    """`lake-eu` as the middle of an environment variable's name: `LAKE_EU`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def secret_variable(secret: str, key: str) -> str:
    """The variable by which the key of a secret is given from outside: `LAKE__AWS_ACCESS_KEY_ID`."""
    return f"{variable(secret)}__{variable(key)}"


def lines(values: Mapping[str, str]) -> list[str]:
    """The file's lines. Both readers take away the backslash before these four characters between double quotes."""
    return [f"{name}={_quoted(text)}" for name, text in values.items()]


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else '"' + re.sub(r'(["\\$`])', r"\\\1", text) + '"'
