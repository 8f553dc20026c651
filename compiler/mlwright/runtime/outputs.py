"""Outputs of a step: read, uploaded, recorded as tags of its run."""

from __future__ import annotations

import os

from scope import Scope
from tracking import Run
from values import (
    MAX_TAG,
    NO_OUTPUT,
    VALUE_TYPES,
    StepError,
    compact,
    digest,
    file_digest,
    manifest,
    parse,
    path_digest,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

    Doc = Dict[str, Any]


class Outputs:
    """The declared outputs of an attempt that succeeded, to be recorded on its run."""

    def __init__(self, scope: Scope, run: Run) -> None:
        self.scope, self.run = scope, run

    def take(self) -> None:
        """Reads, uploads and records every declared output; exit 65 where one is missing or not what it should be.

        The outputs of a trial are nobody's when the training runs again with the best parameters."""
        if self.scope.doc["kind"] == "trial" and self.scope.doc.get("retrain", True):
            return
        missing = [
            n for n in self.scope.doc.get("outputs") or {} if not os.path.exists(os.path.join(self.scope.outputs, n))
        ]
        if missing:
            hint = "; the program must make a file or folder at ${outputs.%s}" % missing[0]
            raise StepError(NO_OUTPUT, "the declared output %s is missing%s" % (", ".join(missing), hint))
        records = {}
        for name, declared in (self.scope.doc.get("outputs") or {}).items():
            records["mlwright.output." + name] = compact(self._one(name, str(declared["type"])))
        if records:
            self.scope.tracking.log(self.run.id, records)

    def _one(self, name: str, kind: str) -> Doc:
        path = os.path.join(self.scope.outputs, name)
        folder = os.path.isdir(path)
        if not folder and not os.path.isfile(path):
            raise StepError(NO_OUTPUT, "the output %s is neither a file nor a folder" % name)
        if kind in VALUE_TYPES:
            return self._value(name, kind, path)
        if (kind == "file" and folder) or (kind in ("directory", "mlflow-model") and not folder):
            wanted = "a file" if kind == "file" else "a folder"
            raise StepError(NO_OUTPUT, "the output %s (%s) must be %s" % (name, kind, wanted))
        content = manifest(path) if folder else {"files": [], "folders": []}
        mark = "sha256:" + (digest(content) if folder else file_digest(path))
        size = sum(f["size"] for f in content["files"]) if folder else os.path.getsize(path)
        if kind == "mlflow-model":
            self._small(name, size)
            if not os.path.isfile(os.path.join(path, "MLmodel")):
                raise StepError(NO_OUTPUT, "the output %s has no MLmodel file: write it with save_model" % name)
            tags = {
                "mlwright.run": self.scope.tracking.run,
                "mlwright.step": str(self.scope.doc["step"]),
                "mlwright.digest": mark,
            }
            model_id = self.scope.models.log(self.run.experiment, name, self.run.id, path, content, tags)
            return {"kind": "model", "digest": mark, "model_id": model_id}
        if self.scope.store["type"] != "directory":
            self._small(name, size)
            if folder:
                self.scope.artifacts.put_tree(self.run.artifacts, "mlwright/outputs/" + name, path, content)
                self._put_text("mlwright/manifests/%s.json" % name, compact(content))
            else:
                self.scope.artifacts.put(self.run.artifacts, "mlwright/outputs/%s/%s" % (name, name), path)
        return {"kind": "dir" if folder else "file", "digest": mark}

    def _value(self, name: str, kind: str, path: str) -> Doc:
        if os.path.isdir(path) or os.path.getsize(path) > 2**20:
            raise StepError(NO_OUTPUT, "the output %s must be a file of at most 1 MiB that holds one %s" % (name, kind))
        with open(path, "rb") as stream:
            text = stream.read().decode("utf-8", "surrogateescape")
        text = text[:-1] if text.endswith("\n") else text
        try:
            value = parse(text if kind == "string" else text.strip(), kind, "the output " + name)
        except StepError as problem:
            raise StepError(NO_OUTPUT, str(problem)) from None
        record = {"kind": "value", "digest": "sha256:" + digest(value), "value": value}
        if len(compact(record)) > MAX_TAG:
            if self.scope.store["type"] != "directory":
                self.scope.artifacts.put(self.run.artifacts, "mlwright/outputs/%s/%s" % (name, name), path)
            return {"kind": "file", "digest": path_digest(path)}
        return record

    def _small(self, name: str, size: int) -> None:
        if size > self.scope.limit:
            raise StepError(
                NO_OUTPUT,
                "the output %s is %.1f MiB, above max_proxied (%.1f MiB): use storage.artifacts of type volume, s3, gs "
                "or azure, or raise storage.artifacts.max_proxied" % (name, size / 2**20, self.scope.limit / 2**20),
            )

    def _put_text(self, relative: str, text: str) -> None:
        path = os.path.join(self.scope.folder, "upload.json")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
        self.scope.artifacts.put(self.run.artifacts, relative, path)
