"""The images of our own programs, and the Dockerfile of the one that has Optuna."""

from __future__ import annotations

from mlwright.ir import Image, Project, Search
from mlwright.platform import Profile

PYTHON = "python:3.12-slim-bookworm"
NOTEBOOK = "quay.io/jupyter/minimal-notebook:python-3.12"
"""What runs where a notebook names no image: Jupyter's own, made for any user id."""

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


def dockerfile(project: Project) -> str:
    """The Dockerfile of the tools image, with what the project's algorithms need."""
    gaussian = any(isinstance(node, Search) and node.algorithm == "bayesianoptimization" for node in project.nodes)
    return DOCKERFILE.replace("USER ", f"{GAUSSIAN}USER ") if gaussian else DOCKERFILE


def configured(platform: Profile) -> str:
    """The platform's own tools image, if any."""
    return platform.tools


def small(project: Project, platform: Profile) -> str:
    """An image with `python3` for our standard-library programs; the tracking server's, when that is pulled anyway."""
    return configured(platform) or (pinned(project.tracking.image) if project.tracking.beside else PYTHON)


def pinned(image: Image) -> str:
    """The image's reference with its digest, where it is known."""
    return f"{image.ref}@{image.digest}" if image.digest and "@" not in image.ref else image.ref
