"""What `lock` and `promote` share: the servers that they ask, and findings as text."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mlwright.cli import terminal

if TYPE_CHECKING:
    from mlwright.analysis import Analysis
    from mlwright.diag import Diagnostic
    from mlwright.remote.client import Client
    from mlwright.remote.locking import Connect


def configure(parser: argparse.ArgumentParser) -> None:
    """The option that names the tracking server."""
    parser.add_argument(
        "--tracking-uri",
        metavar="URL",
        type=_address,
        help="the MLflow server (default: MLFLOW_TRACKING_URI, else the environment's own)",
    )


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not the http(s) address of an MLflow server")
    return text


def connector(option: str | None) -> Connect:
    """The tracking server of an environment; `option` wins over everything else."""
    from mlwright.remote import address

    def connect(one: Analysis) -> Client:
        assert one.project is not None
        return address.find(one.project, Path(one.folder or ".").resolve(), os.environ, option=option or "")

    return connect


def show(found: Iterable[Diagnostic]) -> None:
    """Errors to standard error, as `validate` shows them."""
    from mlwright import api
    from mlwright.cli import findings

    errors = tuple(item for item in found if item.severity == "error")
    text = findings.text(api.Result(diagnostics=errors), sys.stderr, notes=False)
    if text:
        terminal.warn(text)
