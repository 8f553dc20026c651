"""Which images run our own programs."""

from __future__ import annotations

from typing import Any

from mlwright.emit import tools
from mlwright.emit.json import digest
from mlwright_compose.book import Book


def small(book: Book) -> str:
    """An image with `python3` for our standard-library programs."""
    return tools.small(book.project, book.context.platform)


def search(book: Book) -> dict[str, Any]:
    """The image fields of the search service: the platform's tools image, or one that is built from the output."""
    if image := tools.configured(book.context.platform):
        return {"image": image}
    dockerfile = tools.dockerfile(book.project)
    book.text("tools/Dockerfile", dockerfile)
    book.text("tools/requirements.txt", tools.REQUIREMENTS)
    tag = digest([dockerfile, tools.REQUIREMENTS])[:12]
    return {"image": f"mlwright-tools:{tag}", "build": {"context": "./tools"}, "pull_policy": "build"}


def server_image(book: Book) -> str:
    """The tracking server's image: the one asked for, or the upstream one that has every database driver."""
    return tools.pinned(book.project.tracking.image)
