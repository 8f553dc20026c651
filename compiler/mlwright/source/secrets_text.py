"""Texts that look like secrets. Whoever reports one says where it is and of what kind, never what it is."""

from __future__ import annotations

import re
from functools import lru_cache

from mlwright.regex import lazy

_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("an AWS access key", lazy(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", lazy(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{40,})")),
    ("a GitLab token", lazy(r"\bglpat-[A-Za-z0-9_-]{20,}")),
    ("a Hugging Face token", lazy(r"\bhf_[A-Za-z0-9]{30,}")),
    ("a Slack token", lazy(r"\bxox[abeprs]-[A-Za-z0-9-]{10,}")),
    ("a Databricks token", lazy(r"\bdapi[0-9a-f]{32}\b")),
    ("a Google API key", lazy(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("an API key", lazy(r"\bsk-(?:[a-z]{1,12}[0-9]{0,4}-){0,3}[A-Za-z0-9_]{20,}")),
    ("a private key", lazy(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----")),
    ("a signed token", lazy(r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\.")),
    (
        "an address with a password",
        lazy(r"\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@]{0,100}:[^\s/:@$]{1,200}@", re.IGNORECASE),
    ),
)
_NAME = lazy(
    r"(?:^|[_-])(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|APIKEY"
    r"|(?:API|ACCESS|SECRET|PRIVATE|AUTH|ACCOUNT|STORAGE|SIGNING|ENCRYPTION|MASTER|SUBSCRIPTION)[_-]KEY)$",
    re.IGNORECASE,
)
_KEY = lazy(r"[_-]KEY$", re.IGNORECASE)
# Tokens of a language model's vocabulary, and keys of a table: the same words, and no secret.
_HARMLESS = lazy(
    r"(?:^|[_-])(?:EOS|BOS|PAD|UNK|CLS|SEP|MASK|STOP|START|END|IMAGE|MAX|MIN|NUM|SPECIAL)[_-]TOKEN$", re.IGNORECASE
)
_PLAIN = lazy(r"(?:true|false|none|null|yes|no|\d{1,3}|/.*|\./.*|<[^>]*>)?", re.IGNORECASE | re.DOTALL)


@lru_cache(maxsize=4096)
def shape(text: str) -> tuple[str, tuple[int, int]] | None:
    """What kind of secret stands in `text`, and where (code points); None when none is seen."""
    for what, pattern in _SHAPES:
        if found := pattern.search(text):
            return what, found.span()
    return None


@lru_cache(maxsize=4096)
def names_secret(name: str, value: str) -> bool:
    """Whether `name` says that `value`, a text without references, is a secret: `DB_PASSWORD`, `API_KEY`."""
    if _PLAIN.fullmatch(value.strip()) or _HARMLESS.search(name):
        return False
    if _NAME.search(name):
        return True
    # `SORT_KEY: customer_id` names a column; what looks drawn at random does not.
    return (
        bool(_KEY.search(name)) and len(value) >= 16 and bool(re.search(r"\d", value) and re.search(r"[A-Za-z]", value))
    )


_ASSIGNED = lazy(  # bounded, so that a long line costs no more than its length
    r"""(?<![A-Za-z0-9_-])-{0,2}([A-Za-z_][A-Za-z0-9_-]{0,60})"""
    r"""(?=["']?(?:[ \t]{0,20}[:=,][ \t]{0,20}|[ \t]{1,20})["']?([^\s"',{}\[\]$-][^\s"',{}\[\]]{0,200}))"""
)
_SECRETS_NAME = lazy(r"[a-z]+(?:-[a-z]+)*")
_KEY_BLOCK = lazy(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)(.*?)(?=-----END|\Z)", re.DOTALL)


def conceal(text: str) -> str:
    """`text` with everything in it that looks like a secret as `*`, of the same length: for showing source lines."""
    text = _KEY_BLOCK.sub(lambda found: found[1] + re.sub(r"\S", "*", found[2]), text)
    for what, pattern in _SHAPES:
        if what != "a private key":
            text = pattern.sub(lambda found: re.sub(r"[^\s]", "*", found[0]), text)

    for found in _ASSIGNED.finditer(text):
        named = found[1] == "secret" and _SECRETS_NAME.fullmatch(found[2])  # the language's field, which has a name
        if not named and names_secret(found[1], found[2]):
            start, end = found.span(2)
            text = text[:start] + "*" * (end - start) + text[end:]
    return text
