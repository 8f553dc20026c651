"""Which images run our own programs, and the Dockerfile of the one that has Optuna."""

from __future__ import annotations

from typing import Any

from mlwright import ir
from mlwright.emit.json import digest
from mlwright_compose.book import Book

PYTHON = "python:3.12-slim-bookworm"

REQUIREMENTS = """\
alembic==1.20.1
cmaes==0.13.1
colorlog==6.12.0
Mako==1.4.3
MarkupSafe==3.0.4
numpy==2.4.6
optuna==5.0.0
packaging==26.3
PyYAML==6.0.3
scipy==1.17.1
SQLAlchemy==2.1.9
tqdm==4.70.1
typing_extensions==4.16.0
"""
"""Optuna, the packages of its samplers, and everything that they need, pinned."""

DOCKERFILE = f"""\
# The image of the `search` service: Optuna and nothing of the project.
FROM {PYTHON}
COPY requirements.txt /requirements.txt
RUN pip install --no-cache-dir --no-deps --only-binary :all: -r /requirements.txt
USER 65532:65532
"""


GAUSSIAN = "RUN pip install --no-cache-dir torch==2.15.0\n"
"""What Optuna's Gaussian process needs beside: about 2 GB, so only where it is asked for."""


def small(book: Book) -> str:
    """An image with `python3` for our standard-library programs; the tracking server's, when that is pulled anyway."""
    tracking = book.project.tracking
    return _configured(book) or (server_image(book) if tracking.beside else PYTHON)


def search(book: Book) -> dict[str, Any]:
    """The image fields of the search service: the platform's tools image, or one that is built from the output."""
    if image := _configured(book):
        return {"image": image}
    gaussian = any(
        isinstance(node, ir.Search) and node.algorithm == "bayesianoptimization" for node in book.project.nodes
    )
    dockerfile = DOCKERFILE.replace("USER ", f"{GAUSSIAN}USER ") if gaussian else DOCKERFILE
    book.text("tools/Dockerfile", dockerfile)
    book.text("tools/requirements.txt", REQUIREMENTS)
    tag = digest([dockerfile, REQUIREMENTS])[:12]
    return {"image": f"mlwright-tools:{tag}", "build": {"context": "./tools"}, "pull_policy": "build"}


def server_image(book: Book) -> str:
    """The tracking server's image: the one asked for, or the upstream one that has every database driver."""
    image = book.project.tracking.image
    return f"{image.ref}@{image.digest}" if image.digest and "@" not in image.ref else image.ref


def _configured(book: Book) -> str:
    images = book.context.platform.settings.get("images")
    tools = images.get("tools") if isinstance(images, dict) else None
    return tools if isinstance(tools, str) else ""
