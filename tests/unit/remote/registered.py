"""Versions on a real tracking server, made over REST as the launcher makes them, without a training."""

from __future__ import annotations

import contextlib
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
FILES = {"MLmodel": b"flavors: {}\n", "data/weights": b"w"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """A tracking server at `address`; every name of a model is new to it."""

    address: str
    experiment: str = field(default_factory=lambda: f"e-{uuid.uuid4().hex[:12]}")

    def rest(self, method: str, path: str, body: dict[str, Any] | None = None, **query: str) -> dict[str, Any]:
        url = f"{self.address}/api/2.0/mlflow/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return dict(json.loads(answer.read() or b"{}"))

    def version(
        self, model: str, *aliases: str, files: dict[str, bytes] | None = None, logged: bool = True, **tags: str
    ) -> dict[str, Any]:
        """A new version with these files and tags (`_` stands for `.`): of a logged model, or of a run's artifacts."""
        with contextlib.suppress(urllib.error.HTTPError):
            self.rest("POST", "experiments/create", {"name": self.experiment})
        home = self.rest("GET", "experiments/get-by-name", experiment_name=self.experiment)["experiment"]
        run = self.rest("POST", "runs/create", {"experiment_id": home["experiment_id"], "run_name": "training"})["run"]
        run_id, place = run["info"]["run_id"], run["info"]["artifact_uri"] + "/model"
        source, model_id = place, ""
        if logged:
            body = {"experiment_id": home["experiment_id"], "name": "model", "source_run_id": run_id}
            info = self.rest("POST", "logged-models", body)["model"]["info"]
            model_id, place = info["model_id"], info["artifact_uri"]
            source = f"models:/{model_id}"
        for name, data in (FILES if files is None else files).items():
            inside = urllib.parse.urlsplit(place).path.strip("/")
            url = f"{self.address}/api/2.0/mlflow-artifacts/artifacts/{inside}/{name}"
            with urllib.request.urlopen(urllib.request.Request(url, data, method="PUT"), timeout=30):
                pass
        if logged:
            done = {"model_id": model_id, "status": "LOGGED_MODEL_READY"}
            self.rest("PATCH", f"logged-models/{model_id}", done)
        with contextlib.suppress(urllib.error.HTTPError):
            self.rest("POST", "registered-models/create", {"name": model})
        pairs = [{"key": key.replace("_", "."), "value": value} for key, value in tags.items()]
        body = {"name": model, "source": source, "run_id": run_id, "tags": pairs}
        if model_id:
            body["model_id"] = model_id
        made = dict(self.rest("POST", "model-versions/create", body)["model_version"])
        for alias in aliases:
            self.point(model, alias, made["version"])
        return made | {"place": place, "model_id": model_id}

    def point(self, model: str, alias: str, version: str) -> None:
        self.rest("POST", "registered-models/alias", {"name": model, "alias": alias, "version": version})

    def aliases(self, model: str) -> dict[str, str]:
        found = self.rest("GET", "registered-models/get", name=model)["registered_model"]
        return {item["alias"]: str(item["version"]) for item in found.get("aliases", ())}

    def tags(self, model: str, version: str) -> dict[str, str]:
        found = self.rest("GET", "model-versions/get", name=model, version=version)["model_version"]
        return {item["key"]: item["value"] for item in found.get("tags", ())}


def listing(files: dict[str, bytes]) -> str:
    """The digest that the launcher would compute of a model with these files, by its own program."""
    if str(RUNTIME) not in sys.path:
        sys.path.insert(0, str(RUNTIME))
    from values import listing_digest  # type: ignore[import-not-found,unused-ignore]

    return str(listing_digest([(name, len(data)) for name, data in files.items()], files["MLmodel"]))
