"""As much of Argo as it takes to run what the target writes: graphs in Argo's order, pods as processes, files by key.

Not Argo: its controller is a Go program for a cluster. The rules are those of its documentation: `depends` over phases,
a graph's phase from its last tasks, the exit handler's failure on a workflow that was a success.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.argo import depends
from tests.servers import free_port

RUNTIME = Path(__file__).parents[4] / "compiler" / "mlwright" / "runtime"
BAD = ("Failed", "Errored")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a task ended; `result` is what its container printed."""

    phase: str
    result: str = ""


@dataclass(kw_only=True)
class Engine:
    """One workflow. `objects` are what was compiled, `folder` holds the pods' files and the artifacts."""

    objects: Mapping[tuple[str, str], Any]
    template: str
    server: str
    folder: Path
    given: Mapping[str, str] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    """Templates whose pods never start."""
    secrets: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Values of Secrets by name and key."""
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    phases: dict[str, str] = field(default_factory=dict)
    pods: list[str] = field(default_factory=list)

    def run(self) -> str:
        """The phase of the whole workflow."""
        spec = self.objects["WorkflowTemplate", self.template]["spec"]
        self.spec = {one["name"]: one for one in spec["templates"]}
        self.variables = {"workflow.uid": self.uid}
        for one in spec.get("arguments", {}).get("parameters", ()):
            self.variables[f"workflow.parameters.{one['name']}"] = self.given.get(one["name"], one.get("value", ""))
        main = self._execute(spec["entrypoint"], {}).phase
        self.variables["workflow.status"] = main
        last = self._execute(spec["onExit"], {}).phase
        return last if main == "Succeeded" else main

    def _execute(self, name: str, inputs: Mapping[str, str]) -> Ended:
        template = self.spec[name]
        scope = {**self.variables, **{f"inputs.parameters.{key}": value for key, value in inputs.items()}}
        if "dag" in template:
            return self._graph(template["dag"]["tasks"], scope)
        return self._pod(name, template, scope)

    def _graph(self, tasks: list[Any], scope: Mapping[str, str]) -> Ended:
        phases: dict[str, str] = {}
        variables, daemons = dict(scope), []
        for task in tasks:  # needs first, as the target writes them
            name = task["name"]
            waits = depends.parse(task["depends"]) if "depends" in task else None
            if waits and not _holds(waits, phases):
                phases[name] = "Omitted"
                continue
            if "when" in task and not _equal(_filled(task["when"], variables)):
                phases[name] = "Skipped"
                continue
            if self.spec[task["template"]].get("daemon"):
                daemons.append(self._daemon(task["template"], variables))
                variables[f"tasks.{name}.ip"], phases[name] = "127.0.0.1", "Daemoned"
                continue
            ended = self._items(task, variables)
            phases[name] = ended.phase
            variables[f"tasks.{name}.outputs.result"] = ended.result
        for process in daemons:
            process.terminate()
            process.wait(60)
        self.phases |= phases
        return Ended(phase=_phase(tasks, phases))

    def _items(self, task: Any, variables: Mapping[str, str]) -> Ended:
        count = _filled(task.get("withSequence", {}).get("count", "-1"), variables)
        ended = []
        for item in range(int(count)) if int(count) >= 0 else [None]:
            scope = {**variables, "item": str(item)}
            given = task.get("arguments", {}).get("parameters", ())
            ended.append(self._execute(task["template"], {one["name"]: _filled(one["value"], scope) for one in given}))
        bad = [one for one in ended if one.phase in BAD]
        return (bad or ended or [Ended(phase="Skipped")])[0]

    def _daemon(self, name: str, scope: Mapping[str, str]) -> subprocess.Popen[bytes]:
        words, env = self._prepared(name, self.spec[name], scope)
        listening = threading.Event()
        process = subprocess.Popen(words, env=env, stdout=subprocess.PIPE)

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                if b"listening" in line:
                    listening.set()

        threading.Thread(target=read, daemon=True).start()
        assert listening.wait(60), "the daemon is not ready"
        return process

    def _pod(self, name: str, template: Any, scope: Mapping[str, str]) -> Ended:
        if name in self.lost:
            return Ended(phase="Errored")
        words, env = self._prepared(name, template, scope)
        done = subprocess.run(words, env=env, stdout=subprocess.PIPE, timeout=300, check=False)
        root = Path(env["ROOT"])
        for artifact in template.get("outputs", {}).get("artifacts", ()):
            kept = self.folder / "store" / _filled(artifact["s3"]["key"], scope)
            shutil.copytree(root / artifact["path"][1:], kept, dirs_exist_ok=True)
        return Ended(phase="Failed" if done.returncode else "Succeeded", result=done.stdout.decode().strip())

    def _prepared(self, name: str, template: Any, scope: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """The words and the variables of a pod whose files are below a folder of its own."""
        self.pods.append(name)
        root = self.folder / f"{len(self.pods)}-{name}"
        for mount in template["container"]["volumeMounts"]:
            if not mount.get("subPath"):
                (root / mount["mountPath"][1:]).mkdir(parents=True, exist_ok=True)
        for artifact in template.get("inputs", {}).get("artifacts", ()):
            place = root / artifact["path"][1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            if "raw" in artifact:
                place.write_text(_filled(artifact["raw"]["data"], scope), encoding="utf-8")
            elif (kept := self.folder / "store" / _filled(artifact["s3"]["key"], scope)).exists():
                shutil.copytree(kept, place)
        config = next(one["configMap"]["name"] for one in template["volumes"] if one["name"] == "document")
        text = self.objects["ConfigMap", config]["data"]["step.json"].replace('"/mlwright/', f'"{root}/mlwright/')
        document = json.loads(text)
        if document["kind"] == "search":
            document["port"] = self.port = free_port()
        path = root / "step.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        words = [word.replace("/mlwright/runtime", str(RUNTIME)) for word in template["container"]["args"]]
        words = [str(path) if word == "/mlwright/step.json" else word for word in words]
        env: dict[str, str] = {}
        for one in template["container"]["env"]:
            if "value" in one:
                env[one["name"]] = _expanded(_filled(one["value"], scope), env)
            elif (ref := one["valueFrom"].get("secretKeyRef")) and (ref["name"], ref["key"]) in self.secrets:
                env[one["name"]] = self.secrets[ref["name"], ref["key"]]
        env = {key: value.replace("/mlwright/", f"{root}/mlwright/") for key, value in env.items()}
        env |= {"MLFLOW_TRACKING_URI": self.server, "ROOT": str(root), "PATH": os.environ["PATH"]}
        if "MLWRIGHT_SEARCH_URL" in env:
            env["MLWRIGHT_SEARCH_URL"] = f"http://127.0.0.1:{self.port}"
        return [sys.executable, *template["container"]["command"][1:], *words], env


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\{\{(.*?)\}\}", lambda tag: variables[tag[1]], text)


def _expanded(text: str, env: Mapping[str, str]) -> str:
    """As a kubelet does: `$(NAME)` is a variable before this one, `$$` a dollar."""
    return re.sub(r"\$\$|\$\((\w+)\)", lambda match: "$" if match[0] == "$$" else env.get(match[1], match[0]), text)


def _equal(when: str) -> bool:
    left, _, right = when.partition(" == ")
    return left == right


def _holds(expression: depends.Expression, phases: Mapping[str, str]) -> bool:
    match expression:
        case depends.Both(left, right):
            return _holds(left, phases) and _holds(right, phases)
        case depends.Either(left, right):
            return _holds(left, phases) or _holds(right, phases)
        case depends.Atom(name, result):
            return phases[name] == result if result else phases[name] in ("Succeeded", "Skipped", "Daemoned")
    raise AssertionError(expression)


def _phase(tasks: list[Any], phases: Mapping[str, str]) -> str:
    """A graph's phase: that of its last tasks, where one that did not run has its ancestors' worst."""
    names = {task["name"]: set(re.findall(r"([\w-]+)\.?\w*", task.get("depends", ""))) & set(phases) for task in tasks}

    def of(name: str) -> str:
        if phases[name] not in ("Omitted", "Skipped"):
            return phases[name]
        above = [of(one) for one in names[name]]
        return next((one for one in above if one in BAD), "Succeeded")

    last = set(names) - {one for needs in names.values() for one in needs}
    return "Failed" if any(of(name) in BAD for name in last) else "Succeeded"
