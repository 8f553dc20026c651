"""Files and models behind the tracking server's artifact proxy."""

from __future__ import annotations

import json
import os

from server import Server
from tracking import Run
from values import DISK, NO_OUTPUT, NOT_FOUND, ServerError, StepError, digest, verify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple

    Doc = Dict[str, Any]


class Artifacts:
    """Files behind the tracking server's artifact proxy. A `base` is an `mlflow-artifacts:` address."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def _url(self, base: str, relative: str = "") -> str:
        from urllib.parse import quote, urlsplit

        if not base.startswith("mlflow-artifacts:"):
            raise StepError(
                NOT_FOUND,
                "the artifacts are at %s, not behind the tracking server: start it with --artifacts-destination" % base,
            )
        inside = urlsplit(base).path.strip("/")
        return "/api/2.0/mlflow-artifacts/artifacts/" + quote(inside + ("/" + relative if relative else ""), safe="/")

    def put(self, base: str, relative: str, path: str) -> None:
        """Uploads one file."""
        self.server.send("PUT", self._url(base, relative), file=path, kind="application/octet-stream")

    def get(self, base: str, relative: str, path: str) -> None:
        """Downloads one file; its folder is made."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as stream:
            self.server.send("GET", self._url(base, relative), into=stream)

    def read(self, base: str, relative: str) -> bytes:
        """One small file's bytes."""
        return self.server.send("GET", self._url(base, relative))

    def walk(self, base: str, relative: str = "") -> Iterator[Tuple[str, int]]:
        """(path below base, size) of every file below `relative`."""
        from urllib.parse import quote, urlsplit

        self._url(base)
        inside = urlsplit(base).path.strip("/") + ("/" + relative if relative else "")
        answer = self.server.send("GET", "/api/2.0/mlflow-artifacts/artifacts?path=" + quote(inside, safe=""))
        for entry in json.loads(answer).get("files", []):
            path = (relative + "/" if relative else "") + str(entry["path"]).rstrip("/").split("/")[-1]
            if entry.get("is_dir"):
                for found in self.walk(base, path):
                    yield found
            else:
                yield path, int(entry.get("file_size") or 0)

    def put_tree(self, base: str, relative: str, folder: str, content: Doc) -> None:
        """Uploads the files of a folder's manifest, four at a time, each under its `stored` name."""
        prefix = relative + "/" if relative else ""
        paths = [str(f["path"]) for f in content["files"]]
        _each(lambda p: self.put(base, prefix + stored(p), os.path.join(folder, p)), paths)

    def get_tree(self, base: str, relative: str, folder: str, paths: Sequence[str]) -> None:
        """Downloads these files, which `put_tree` uploaded below `relative`, into a folder."""
        for path in paths:
            if path.startswith("/") or ".." in path.split("/"):
                raise StepError(NOT_FOUND, "an artifact has the unsafe path %r" % path)
        prefix = relative + "/" if relative else ""
        os.makedirs(folder, exist_ok=True)
        _each(lambda p: self.get(base, prefix + stored(p), os.path.join(folder, p)), paths)


def stored(path: str) -> str:
    """The name that a file is stored under: its own, or a digest where MLflow refuses or changes the name."""
    odd = any(c in "#%\\:" or c < " " or c == "\x7f" for c in path)
    return "mlwright-stored-" + digest(path)[:32] if odd else path


def _each(task: Callable[[str], None], paths: Sequence[str]) -> None:
    """Does the task for every path on four threads; the first error is raised after all have ended."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(4, len(paths)) or 1) as pool:
        for done in [pool.submit(task, path) for path in paths]:
            done.result()


def need_space(folder: str, size: int, what: str) -> None:
    """Fails before a download that cannot fit."""
    import shutil

    os.makedirs(folder, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if size > free:
        raise StepError(DISK, "%s needs %.1f MiB but %s has %.1f MiB free" % (what, size / 2**20, folder, free / 2**20))


class Models:
    """Logged models and registered versions over REST."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.artifacts = Artifacts(server)

    def logged(self, model_id: str) -> Doc:
        """A logged model's `info`; None-like failures are `ServerError`."""
        return dict(self.server.call("GET", "logged-models/" + model_id)["model"]["info"])

    def log(self, experiment: str, name: str, run_id: str, folder: str, content: Doc, tags: Mapping[str, str]) -> str:
        """Makes a logged model out of a folder that `save_model` wrote; its id."""
        for file in content["files"]:
            if stored(file["path"]) != file["path"]:
                raise StepError(NO_OUTPUT, "MLflow cannot store the model's file %r: rename it" % file["path"])
        pairs = [{"key": k, "value": v} for k, v in sorted(tags.items()) if v]
        body: Doc = {"experiment_id": experiment, "name": name, "source_run_id": run_id, "tags": pairs}
        info = self.server.call("POST", "logged-models", body)["model"]["info"]
        model_id, status = str(info["model_id"]), "LOGGED_MODEL_UPLOAD_FAILED"
        try:
            self.artifacts.put_tree(info["artifact_uri"], "", folder, content)
            status = "LOGGED_MODEL_READY"
        finally:
            self.server.call("PATCH", "logged-models/" + model_id, {"model_id": model_id, "status": status})
        return model_id

    def version(self, model: str, version: str = "", alias: str = "") -> Optional[Doc]:
        """A registered version by number or alias, its `tags` as a mapping; None when there is none."""
        try:
            if alias:
                answer = self.server.call("GET", "registered-models/alias", name=model, alias=alias)
            else:
                answer = self.server.call("GET", "model-versions/get", name=model, version=version)
        except ServerError as error:
            if error.missing or error.error == "INVALID_PARAMETER_VALUE":
                return None
            raise
        found = dict(answer["model_version"])
        found["tags"] = {t["key"]: t.get("value", "") for t in found.get("tags", [])}
        source = str(found.get("source", ""))
        if not found.get("model_id") and source.startswith("models:/m-"):
            found["model_id"] = source[len("models:/") :]
        return found

    def source(self, version: Doc) -> str:
        """The address of a version's files: `models:/m-...` where it has a logged model."""
        return "models:/" + version["model_id"] if version.get("model_id") else str(version.get("source", ""))

    def locate(self, uri: str) -> Tuple[str, str, str]:
        """(artifact base, path below it, digest or empty) of a `models:`, `runs:` or `mlflow-artifacts:` address."""
        scheme, _, rest = uri.partition(":/")
        rest = rest.lstrip("/")
        if scheme == "mlflow-artifacts":
            return uri, "", ""
        if scheme == "runs":
            run_id, _, path = rest.partition("/")
            return Run(self.server.call("GET", "runs/get", run_id=run_id)["run"]).artifacts, path, ""
        if scheme != "models":
            raise StepError(NOT_FOUND, "%s is not an address of MLflow (models:/, runs:/, mlflow-artifacts:/)" % uri)
        if rest.startswith("m-") and "/" not in rest:
            info = self.logged(rest)
            tags = {t["key"]: t.get("value", "") for t in info.get("tags", [])}
            return str(info["artifact_uri"]), "", tags.get("mlwright.digest", "")
        if "@" in rest:
            name, _, alias = rest.partition("@")
            found = self.version(name, alias=alias)
        else:
            name, _, number = rest.partition("/")
            found = self.version(name, version=number)
        if found is None:
            raise StepError(NOT_FOUND, "there is no model %s in the registry" % uri)
        return self.locate(self.source(found))

    def fetch(self, uri: str, folder: str, expected: str = "") -> str:
        """Downloads a model or artifact folder and holds it to its digest; the digest that was checked, or empty."""
        try:
            base, path, known = self.locate(uri)
            files = list(self.artifacts.walk(base, path))
        except ServerError as error:
            if error.missing:
                raise StepError(NOT_FOUND, "%s was not found: %s" % (uri, error)) from None
            raise
        if not files:
            raise StepError(NOT_FOUND, "%s has no files" % uri)
        need_space(folder, sum(size for _, size in files), uri)
        cut = len(path) + 1 if path else 0
        self.artifacts.get_tree(base, path, folder, [p[cut:] for p, _ in files])
        for wanted in (known, expected):
            verify(folder, wanted, uri)
        return expected or known
