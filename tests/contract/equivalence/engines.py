"""One project on every engine: what its programs saw, how its nodes ended, what was decided.

Each engine's output is carried out by a small interpreter of it, which starts the shipped programs as processes; the
tracking server is real and the same for all.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.contract.equivalence import katib, kfp
from tests.e2e.replay import Replay
from tests.unit.runtime.conftest import Pipeline
from tests.unit.targets.argo.engine import Engine

from mlwright import api

Json = dict[str, Any]
WITNESS = Path(__file__).with_name("witness.py")
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
kubernetes: "1.36"
images: {tools: "registry.example.com/tools:1"}
"""
ARGO = PLATFORM + 'orchestrator: argo\nargo_workflows: "4.1"\n'
KATIB = ARGO + 'kubeflow: {katib: "0.19"}\n'
KUBEFLOW = (
    PLATFORM + 'orchestrator: kubeflow-pipelines\nkubeflow: {pipelines: "2.17", katib: "0.19", profiles: "2.0"}\n'
)
PLATFORMS = {"argo.yaml": ARGO, "katib.yaml": KATIB, "kubeflow.yaml": KUBEFLOW}
ENVIRONMENTS = {"run": "local", "compose": "compose", **{name.removesuffix(".yaml"): name for name in PLATFORMS}}
"""Environments of every project, named after their engine, with their platforms."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run. `calls` are the words and variables of every start of the user's program, by step; `states`
    how the runs of each node ended, in order; `root` the pipeline's status; `gates` decisions by gate's name."""

    calls: Mapping[str, list[Json]]
    states: Mapping[str, list[str]]
    root: str
    gates: Mapping[str, Json]

    def words(self, step: str) -> list[list[str]]:
        return sorted(call["words"] for call in self.calls.get(step, []))

    def variables(self, step: str, *names: str) -> list[dict[str, str | None]]:
        """Some variables of each start of a step; with `PREFIX*` all that begin so."""
        found = []
        for call in self.calls.get(step, []):
            env = call["env"]
            wanted = [n for n in env for name in names if name.endswith("*") and n.startswith(name[:-1])]
            found.append({name: env.get(name) for name in sorted({*wanted, *(n for n in names if "*" not in n)})})
        return sorted(found, key=str)


@dataclass(kw_only=True)
class Project:
    """A project in a folder of its own, compiled for all engines. `spec` is the text's tree; RECORD and WITNESS in its
    texts are paths."""

    spec: Json
    name: str
    folder: Path
    server: str
    given: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        for name, text in PLATFORMS.items():
            (self.folder / name).write_text(text)

    def on(self, engine: str) -> Outcome:
        """The outcome on one engine. Nothing of another engine's run is seen."""
        record = self.folder / f"{engine}.jsonl"
        record.write_text("")
        self._write(record)
        pipeline = Pipeline(address=self.server, folder=self.folder, experiment=f"{self.name}-{engine}")
        getattr(self, f"_{engine}")(pipeline)
        (root,) = pipeline.runs(kind="root")
        return _outcome(record, pipeline, root)

    def searched(self, engine: str) -> tuple[katib.Search, str, list[list[str]]]:
        """The search on an engine whose searches are Katib's: it, how it ended, and the words of its trials."""
        record = self.folder / f"{engine}.jsonl"
        record.write_text("")
        self._write(record)
        pipeline = Pipeline(address=self.server, folder=self.folder, experiment=f"{self.name}-{engine}")
        objects = self.objects(engine)
        search = katib.Search(
            objects=objects,
            experiment=katib.experiment(objects, f"{self.name}-tuning-operator"),
            server=self.server,
            folder=self.folder / "trials",
            run=pipeline.run,
        )
        state = search.search()
        return search, state, sorted(json.loads(line)["words"] for line in record.read_text("utf-8").splitlines())

    def has_alias(self, alias: str) -> bool:
        """Whether a version of the model that is called like the project has an alias."""
        pipeline = Pipeline(address=self.server, folder=self.folder)
        try:
            pipeline.rest("GET", "registered-models/alias", name=self.name, alias=alias)
        except urllib.error.HTTPError:
            return False
        return True

    def compiled(self, engine: str) -> Path:
        """The folder of an environment's output."""
        if not (self.folder / "mlproject.yaml").exists():
            self._write(self.folder / "record")
        result = api.compile([str(self.folder / "mlproject.yaml")], envs=[engine])
        assert not result.failed, [(item.code, item.message) for item in result.diagnostics]
        return self.folder / "manifests" / engine

    def objects(self, engine: str) -> dict[tuple[str, str], Any]:
        """The Kubernetes objects of an environment by kind and name."""
        found = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(self.compiled(engine).glob("*/*.yaml"))]
        return {(item["kind"], item["metadata"]["name"]): item for item in found if "metadata" in item}

    def _write(self, record: Path) -> None:
        tree = {
            "apiVersion": "mlwright.dev/v1",
            "kind": "MLProject",
            "metadata": {"name": self.name},
            "defaults": {"steps": {"image": "demo:1"}},
            "tracking": {"server": {"type": "external", "url": self.server}},
            **self.spec,
            "environments": {
                name: {"platform": platform, **({"allow_remote_writes": True} if "." not in platform else {})}
                for name, platform in ENVIRONMENTS.items()
            },
        }
        places = {"WITNESS": str(WITNESS), "RECORD": str(record)}
        text = json.dumps(_placed(tree, places), ensure_ascii=False)
        text = re.sub("[\u0085\u2028\u202e]", lambda found: f"\\u{ord(found[0]):04x}", text)  # refused as they are
        (self.folder / "mlproject.yaml").write_text(text, "utf-8")

    def _run(self, pipeline: Pipeline) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "MLWRIGHT_"))}
        words = [sys.executable, "-m", "mlwright", "run", str(self.folder), "--env", "run"]
        words += [word for name, value in self.given.items() for word in ("--param", f"{name}={value}")]
        done = subprocess.run(
            words,
            env={**kept, **self._named(), "MLFLOW_TRACKING_URI": self.server},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        assert (self.folder / ".mlwright").exists(), done.stdout + done.stderr

    def _compose(self, pipeline: Pipeline) -> None:
        params = {f"MLWRIGHT_PARAM_{name.upper()}": value for name, value in self.given.items()}
        replay = Replay(
            folder=self.compiled("compose") / "compose",
            scratch=self.folder / "scratch",
            server=self.server,
            run=pipeline.run,
            variables={**self._named(), **params},
        )
        replay.scratch.mkdir()
        try:
            replay.up([name for name, body in replay.data["services"].items() if "configs" in body])
        finally:
            replay.down()

    def _argo(self, pipeline: Pipeline) -> None:
        engine = Engine(
            objects=self.objects("argo"),
            template=f"{self.name}-main",
            server=self.server,
            folder=self.folder / "pods",
            given=self.given,
            uid=pipeline.run,
            secrets={(f"{self.name}-{secret}", key): value for (secret, key), value in self.secrets.items()},
        )
        engine.run()

    def _kubeflow(self, pipeline: Pipeline) -> None:
        objects = self.objects("kubeflow")
        (version,) = [item["spec"] for (kind, _), item in objects.items() if kind == "PipelineVersion"]
        declared = version["pipelineSpec"]["root"].get("inputDefinitions", {}).get("parameters", {})
        run = kfp.Run(
            objects=objects,
            version=version,
            server=self.server,
            folder=self.folder / "pods",
            given={name: _typed(value, declared[name]["parameterType"]) for name, value in self.given.items()},
            secrets={(f"{self.name}-{secret}", key): value for (secret, key), value in self.secrets.items()},
            uid=pipeline.run,
        )
        run.run()

    def _named(self) -> dict[str, str]:
        """Secrets by the names under which they come from outside."""
        return {f"{secret}__{key}".upper(): value for (secret, key), value in self.secrets.items()}


def _typed(text: str, kind: str) -> Any:
    """A value as a client of the engine sends it."""
    return text if kind == "STRING" else json.loads(text)


def _placed(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _placed(item, places) for key, item in value.items()}
    if isinstance(value, list):
        return [_placed(item, places) for item in value]
    for name, path in places.items() if isinstance(value, str) else ():
        value = value.replace(name, path)
    return value


def _outcome(record: Path, pipeline: Pipeline, root: Json) -> Outcome:
    calls: dict[str, list[Json]] = {}
    for line in record.read_text("utf-8").splitlines():
        call = json.loads(line)
        calls.setdefault(call["step"], []).append(call)
    states: dict[str, list[str]] = {}
    gates: dict[str, Json] = {}
    for run in pipeline.runs(run=root["tags"]["mlwright.run"]):
        tags = run["tags"]
        if step := tags.get("mlwright.step"):
            states.setdefault(step, []).append(tags.get("mlwright.status") or run["status"])
        for key, value in tags.items():
            if key.startswith("mlwright.gate.") and tags.get("mlwright.kind") == "gate":
                gates[key.removeprefix("mlwright.gate.")] = json.loads(value)
    return Outcome(calls=calls, states=states, root=root["status"], gates=gates)
