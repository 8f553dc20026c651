"""A small project on a cluster with every kind of input, compiled in the working directory."""

from __future__ import annotations

import os
from pathlib import Path

from mlwright import api

BASE = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
params: {rate: 0.1}
"""
SPEC = """\
extends: base.yaml
steps:
  fit:
    image: "acme/probe:1"
    command: [python, fit.py, "--rate=${params.rate}"]
    mounts: {/settings: ./settings}
objects:
  more: {path: objects}
environments:
  prod: {platform: platform.yaml}
  staging: {platform: platform.yaml, namespace: probe-staging, params: {rate: 0.2}}
  here: {platform: compose, objects: {more: null}}
"""
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: kubernetes
kubernetes: "1.34"
"""
OBJECT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: NAME}
data: {a: b}
"""


def write(folder: Path) -> None:
    """The project's files."""
    files = {
        "base.yaml": BASE,
        "mlproject.yaml": SPEC,
        "platform.yaml": PLATFORM,
        "settings/one.ini": "a=1\n",
        "objects/one.yaml": OBJECT.replace("NAME", "one"),
        "fit.py": "print(1)\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def compile(*paths: str) -> None:
    """Compile what is at the paths; it has to work."""
    result = api.compile(paths)
    assert not result.usage_error and not result.failed, result


def found(*paths: str, **options: object) -> dict[str, str]:
    """The code of each finding that is more than a note, by the file that it is about."""
    checked = api.check(paths, **options)  # type: ignore[arg-type]
    assert checked.result.usage_error == ""
    items = [item for item in checked.result.diagnostics if item.severity != "note"]
    assert all(item.span is not None and item.help for item in items)
    return {item.message.split(" ", 1)[0]: item.code for item in items}


def edit(path: str | os.PathLike[str], text: str = "# x\n") -> None:
    """Add to a file."""
    with Path(path).open("a", encoding="utf-8") as stream:
        stream.write(text)
