"""Templates in places where only Compose can fill them in: what starts without the launcher."""

from __future__ import annotations

from mlwright.emit import json as texts
from mlwright.emit.places import Places, data_path
from mlwright.emit.trackserver import SESSION_KEY
from mlwright.ir import Json, Template
from mlwright_compose.book import Book
from mlwright_compose.secrets import required
from mlwright_compose.stores import OWN
from mlwright_compose.text import Interpolated, escaped

_SESSION = "MLFLOW_FLASK_SERVER_SECRET_KEY"


def word(book: Book, template: Template) -> Interpolated:
    """The text of a template: parameters are their defaults, secrets come from `.env`."""
    parts = (escaped(part) if isinstance(part, str) else _value(book, part.path) for part in template)
    return Interpolated("".join(parts))


def _value(book: Book, path: str) -> str:
    if path in OWN:
        return OWN[path]
    if path == SESSION_KEY:
        book.variables[_SESSION] = "any long random text; signs the server's session cookies"
        return f"${{{_SESSION}:?set {_SESSION} in .env}}"
    head, _, rest = path.partition(".")
    if head == "secrets":
        secret, _, key = rest.partition(".")
        return required(book, secret, key)
    if head == "storage":
        return escaped(Places(book.project).storage(rest))
    if head == "params":
        param = next(param for param in book.project.params if param.name == rest)
        variable = f"MLWRIGHT_PARAM_{rest.upper()}"
        return f"${{{variable}:?set {variable}}}" if param.required else escaped(_text(param.default))
    if head == "data":
        name, _, suffix = rest.partition(".")
        source = next(source for source in book.project.data if source.name == name)
        return escaped(data_path(source) if source.local and not suffix else source.source)
    raise AssertionError(path)  # a check has refused everything else


def _text(value: Json) -> str:
    return value if isinstance(value, str) else texts.canonical(value)
