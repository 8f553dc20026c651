"""Secrets: names in `.env`, variables in containers, values nowhere."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright.emit.environment import secret_variable
from mlwright_compose.book import Book
from mlwright_compose.text import Interpolated


def required(book: Book, secret: str, key: str) -> Interpolated:
    """The secret's value from `.env`; Compose stops with the variable's name when it is missing or empty."""
    name = secret_variable(secret, key)
    book.variables.setdefault(name, f"{key} of the secret `{secret}`")
    return Interpolated(f"${{{name}:?set {name} in .env}}")


def environment(book: Book, names: Iterable[str]) -> dict[str, Interpolated]:
    """The variables by which the launcher gets these secrets; it removes them before it starts the program."""
    wanted = set(names)
    return {
        f"MLWRIGHT_SECRET_{secret_variable(secret.name, key)}": required(book, secret.name, key)
        for secret in book.project.secrets
        if secret.name in wanted
        for key in secret.keys
    }


def example(book: Book) -> str:
    """The text of `.env.example`: every variable that must be set, without a value."""
    lines = [
        "# Copy to .env (which no one commits) and fill in. Put a value that has $, # or spaces in 'single quotes'.",
        "",
    ]
    for name in sorted(book.variables):
        lines += [f"# {book.variables[name]}", f"{name}=", ""]
    return "\n".join(lines)
