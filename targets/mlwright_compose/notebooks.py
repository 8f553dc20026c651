"""Notebooks: services under the profile `notebooks`."""

from __future__ import annotations

from typing import Any

from mlwright.emit.secrets import named
from mlwright.emit.tools import NOTEBOOK
from mlwright.ir import Notebook
from mlwright_compose import container as fields
from mlwright_compose import secrets, storage
from mlwright_compose.book import Book
from mlwright_compose.tracking import loopback
from mlwright_compose.words import word


def emit_notebook(book: Book, notebook: Notebook, ports: set[int]) -> None:
    """One notebook server on this machine; its token is JUPYTER_TOKEN, or else printed in its log."""
    box = notebook.container
    name = book.free(notebook.name)
    port = notebook.port
    while port in ports:
        port += 1
    ports.add(port)
    mounts = storage.mounts(book, box, name, notebook.origin)
    own = storage.merged(storage.referred(book, box), mounts, parallel=False)
    body: dict[str, Any] = {
        **(fields.image(book, box.image) if box.image.ref else {"image": NOTEBOOK}),
        "environment": _environment(book, notebook),
        **own,
        "tmpfs": [line for line in fields.scratch(box.security) if line.partition(":")[0] not in _targets(own)],
        "deploy": {"resources": limits} if (limits := fields.resources(box.resources)) else {},
        **fields.security(box.security),
        "profiles": ["notebooks"],
        "depends_on": fields.after(book),
        "ports": [loopback(name, notebook.port, port)],
        "restart": "on-failure",
        "init": True,
        "labels": fields.labels(book, notebook.id, box),
        "annotations": dict(box.annotations),
    }
    if box.script:
        body |= {"entrypoint": ["/bin/sh", "-ec"], "command": [box.script]}
    elif box.argv:
        first, *rest = (word(book, template) for template in (*box.argv, *box.args))
        body |= {"entrypoint": [first], "command": rest}
    elif box.args:
        body |= {"command": [word(book, template) for template in box.args]}
    book.service(name, body, node=notebook.id, kind="Service", origin=notebook.origin)


def _environment(book: Book, notebook: Notebook) -> dict[str, Any]:
    box = notebook.container
    exported = {
        key: secrets.required(book, name, key) for name in box.secrets for key in named(book.project, name).keys
    }
    own = {name: word(book, template) for name, template in box.env}
    return {**fields.tracking(book), **fields.identity(), "JUPYTER_TOKEN": None, **exported, **own}


def _targets(own: dict[str, Any]) -> set[str]:
    return {volume["target"] for volume in own.get("volumes", ())}
