"""Projects that tests make pages of."""

from __future__ import annotations

from collections.abc import Sequence

from mlwright import build as building
from mlwright import registry
from mlwright.analysis import Recording, analyse
from mlwright.build import Built
from mlwright.review.page import Compiled
from mlwright.source.files import Disk, FileTree


class Texts:
    """A file tree of texts."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def read(self, path: str) -> bytes:
        return self._texts[path].encode()

    def size(self, path: str) -> int:
        return len(self.read(path))

    def exists(self, path: str) -> bool:
        return path in self._texts

    def isdir(self, path: str) -> bool:
        return any(name.startswith(f"{path}/") for name in self._texts)

    def files(self, folder: str) -> Sequence[str]:  # type: ignore[override]
        return ()

    def walk(self, folder: str, name: str = "") -> Sequence[str]:  # type: ignore[override]
        return ()


def compiled(spec: str, files: FileTree | None = None, envs: Sequence[str] = ()) -> Compiled:
    """A project at one revision, as `report` and `diff` have it."""
    targets, tree = registry.installed(), Recording(files or Disk("."))
    outcome = analyse(tree, spec, targets, envs=envs)
    assert not outcome.usage_error
    built: list[Built] = []
    for one in outcome.environments:
        if one.ready and one.profile is not None and not one.profile.local:
            built.append(building.build(one, targets, folder=building.folder(one, None), files=tree))
    return Compiled(outcome=outcome, built=tuple(built), files=tree)


BEFORE = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
defaults:
  steps:
    image: "acme/demo:1"
steps:
  prepare:
    command: [python, prepare.py, --out, "${outputs.table}"]
    outputs: {table: {type: dataset}}
training:
  command: [python, train.py, --data, "${steps.prepare.outputs.table}", --out, "${outputs.model}"]
  outputs: {model: {type: model}}
  resources: {cpu: 1, memory: 2Gi}
environments:
  dev: {platform: compose}
  prod:
    platform: kubernetes
    training: {resources: {cpu: 4, memory: 8Gi}}
"""
AFTER = BEFORE.replace("demo:1", "demo:2").replace("cpu: 4, memory: 8Gi", "cpu: 8, memory: 32Gi")


def demo(text: str) -> Compiled:
    """A small project of two environments."""
    return compiled("mlproject.yaml", Texts({"mlproject.yaml": text}))
