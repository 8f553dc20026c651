"""A project, or what changed in projects, as one HTML file that needs nothing else: no server, no network, no fonts.

All that it shows is JSON in a script element that no browser runs; the program sets it as text, so that nothing of a
project is ever taken for HTML. The page's own policy forbids every address and all scripts and styles but its own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from mlwright import __version__
from mlwright.ir import Json
from mlwright.regex import lazy
from mlwright.review.inert import visible
from mlwright.review.model import Review
from mlwright.review.page.data import Compiled, Pair, project_of, review_of
from mlwright.review.page.texts import Texts

__all__ = ["Compiled", "Pair", "render"]

SCRIPTS = ("dom", "list", "diff", "data", "source", "graph", "summary", "app")
"""The parts of the program, in the order in which they use each other."""
_UNSAFE = lazy("[<>\u2028\u2029\ud800-\udfff]")


def render(pairs: Sequence[Pair], review: Review | None = None) -> str:
    """The page: what `pairs` compile to and where each line of it comes from and, with a `review`, what changed. Equal
    input gives equal text."""
    texts = Texts()
    projects: list[Json] = [project_of(pair, review, texts) for pair in pairs]
    name = pairs[0].name if len(pairs) == 1 else f"{len(pairs)} projects"
    title = f"{name}: {review.base} to {review.head or 'the working tree'}" if review else name
    data: dict[str, Json] = {
        "version": __version__,
        "title": title,
        "review": review_of(review) if review else None,
        "projects": projects,
        "texts": texts.all,
    }
    return _assembled(visible(title), json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def _assembled(title: str, data: str) -> str:
    style, script = _part("page.css"), "\n".join(['"use strict";', *(_part(f"{name}.js") for name in SCRIPTS)])
    policy = (
        f"default-src 'none'; script-src 'sha256-{_digest(script)}'; style-src 'sha256-{_digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    body = _part("page.html").split("<!-- data and program -->")
    head = (
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(title)} - mlwright</title>\n<style>{style}</style>"
    )
    shown = f'<script type="application/json" id="data">{_inert(data)}</script>\n<script>{script}</script>'
    return f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n{body[0]}{shown}{body[1]}</html>\n'


def _inert(data: str) -> str:
    """JSON that no HTML parser finds an element, a comment or the end of its own in, and that can be written as UTF-8;
    still the same JSON."""
    return _UNSAFE.sub(lambda hit: f"\\u{ord(hit[0]):04x}", data)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
