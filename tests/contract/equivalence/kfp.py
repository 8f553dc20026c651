"""As much of Kubeflow Pipelines as it takes to run what the target writes: its graphs, and each container as a process.

Not the engine: that is Go programs for a cluster. The rules are those of its driver and its compiler to Argo
(`argocompiler/dag.go`): a graph starts nothing new after a failure, a task that starts however another ended is a hook
of that one, which has one hook at most, all numbers are doubles, a pod that failed is made anew as `retryPolicy` says.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
Json = dict[str, Any]
_CONDITION = re.compile(r"inputs\.parameter_values\['([^']+)'\] == '([^']*)'")


@dataclass(kw_only=True)
class Run:
    """One run of a PipelineVersion. `objects` are what was compiled, `given` typed values of parameters."""

    objects: Mapping[tuple[str, str], Any]
    version: Json
    server: str
    folder: Path
    given: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[tuple[str, str], str] = field(default_factory=dict)
    uid: str = field(default_factory=lambda: str(uuid.uuid4()))
    pods: list[str] = field(default_factory=list)

    def run(self) -> str:
        """The state of the whole run."""
        self.spec = self.version["pipelineSpec"]
        self.configs = self.version["platformSpec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        declared = self.spec["root"].get("inputDefinitions", {}).get("parameters", {})
        unknown = set(self.given) - set(declared)
        assert not unknown, unknown
        values = {name: self.given.get(name, one.get("defaultValue")) for name, one in declared.items()}
        for name, one in declared.items():
            assert values[name] is not None or one.get("isOptional"), f"{name} is required"
        return self._graph(self.spec["root"]["dag"]["tasks"], _doubles(values))

    def _graph(self, tasks: Json, inputs: Json) -> str:
        """The state of a graph: rounds of tasks whose upstream tasks have ended."""
        states: dict[str, str] = {}
        outputs: dict[str, Json] = {}
        plain = {name: task for name, task in tasks.items() if not _is_late(task)}
        hooks = {up: name for name in sorted(set(tasks) - set(plain)) for up in tasks[name]["dependentTasks"]}
        assert plain, "the engine refuses a graph of hooks alone"

        def start(name: str) -> None:
            given = tasks[name].get("inputs", {}).get("parameters", {})
            values = {key: self._value(source, inputs, outputs, states) for key, source in given.items()}
            states[name], outputs[name] = self._task(name, tasks[name], values)

        while len(states.keys() & plain.keys()) < len(plain):
            waiting = {name: task for name, task in plain.items() if name not in states}
            ready = {n: t for n, t in waiting.items() if all(up in states for up in t.get("dependentTasks", ()))}
            assert ready, f"a circle among {sorted(waiting)}"
            broken = any(state == "FAILED" for state in states.values())
            for name, task in ready.items():
                if broken or not all(states[up] == "SUCCEEDED" for up in task.get("dependentTasks", ())):
                    states[name] = "OMITTED"
                    continue
                start(name)
                if name in hooks:
                    start(hooks[name])
        return "FAILED" if "FAILED" in states.values() else "SUCCEEDED"

    def _value(self, source: Json, inputs: Json, outputs: Mapping[str, Json], states: Mapping[str, str]) -> Any:
        if "runtimeValue" in source:
            constant = source["runtimeValue"]["constant"]
            return constant.replace("{{$.pipeline_job_uuid}}", self.uid) if isinstance(constant, str) else constant
        if "componentInputParameter" in source:
            return inputs.get(source["componentInputParameter"])
        if "taskOutputParameter" in source:
            wanted = source["taskOutputParameter"]
            return outputs[wanted["producerTask"]][wanted["outputParameterKey"]]
        state = states[source["taskFinalStatus"]["producerTask"]]
        return {"state": "FAILED" if state == "OMITTED" else state, "pipelineTaskName": "x"}

    def _task(self, name: str, task: Json, values: Json) -> tuple[str, Json]:
        condition = task.get("triggerPolicy", {}).get("condition")
        if condition:
            match = _CONDITION.fullmatch(condition)
            assert match, condition
            if values[match[1]] != match[2]:
                return "SKIPPED", {}
        component = self.spec["components"][task["componentRef"]["name"]]
        if iterator := task.get("parameterIterator"):
            items = iterator["items"]
            found = json.loads(items["raw"]) if "raw" in items else values[items["inputParameter"]]
            found = json.loads(found) if isinstance(found, str) else found
            turns = [self._component(name, task, component, {**values, iterator["itemInput"]: one}) for one in found]
            return next((turn for turn in turns if turn[0] == "FAILED"), ("SUCCEEDED", {}))
        return self._component(name, task, component, values)

    def _component(self, name: str, task: Json, component: Json, values: Json) -> tuple[str, Json]:
        declared = component.get("inputDefinitions", {}).get("parameters", {})
        assert set(values) <= set(declared), f"{name} takes no {sorted(set(values) - set(declared))}"
        if "dag" in component:
            return self._graph(component["dag"]["tasks"], values), {}
        state: tuple[str, Json] = ("FAILED", {})
        for attempt in range(1 + int(task.get("retryPolicy", {}).get("maxRetryCount", 0))):
            state = self._pod(component, values, attempt)
            if state[0] == "SUCCEEDED":
                break
        return state

    def _pod(self, component: Json, values: Json, attempt: int) -> tuple[str, Json]:
        label = component["executorLabel"]
        self.pods.append(label)
        root = self.folder / f"{len(self.pods)}-{label}"
        container, config = self.spec["deploymentSpec"]["executors"][label]["container"], self.configs.get(label, {})
        for mount in (*config.get("emptyDirMounts", ()), *config.get("pvcMount", ())):
            (root / mount["mountPath"][1:]).mkdir(parents=True, exist_ok=True)
        for volume in config.get("configMapAsVolume", ()):
            self._files(volume, root)
        given, outputs = self._input(component, values, root)
        env = self._environment(container, config, root, attempt)
        words = [self._word(word, root, given) for word in (*container["command"][1:], *container["args"])]
        done = subprocess.run([sys.executable, *words], env=env, stdout=subprocess.PIPE, timeout=300, check=False)
        if done.returncode:
            return "FAILED", {}
        return "SUCCEEDED", {name: path.read_text("utf-8") for name, path in outputs.items()}

    def _files(self, volume: Json, root: Path) -> None:
        """A ConfigMap as a folder; that of the programs is the real folder."""
        place = root / volume["mountPath"][1:]
        if volume["mountPath"] == "/mlwright/runtime":
            programs = self.objects["ConfigMap", volume["configMapName"]]["data"]
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            for name, text in programs.items():
                (place / name).write_text(text, encoding="utf-8")
            return
        place.mkdir(parents=True, exist_ok=True)
        for name, text in self.objects["ConfigMap", volume["configMapName"]]["data"].items():
            (place / name).write_text(text.replace('"/mlwright/', f'"{root}/mlwright/'), encoding="utf-8")

    def _input(self, component: Json, values: Json, root: Path) -> tuple[str, dict[str, Path]]:
        """The executor input, and where values that come out will be."""
        definitions = component.get("outputDefinitions", {})
        files = {name: root / "outputs" / name for name in definitions.get("parameters", {})}
        artifacts = {
            name: {"artifacts": [{"name": name, "type": one["artifactType"], "uri": f"x://{name}", "metadata": {}}]}
            for name, one in definitions.get("artifacts", {}).items()
        }
        outputs = {
            "parameters": {name: {"outputFile": str(path)} for name, path in files.items()},
            "artifacts": artifacts,
            "outputFile": str(root / "outputs" / "metadata.json"),
        }
        inputs = {"parameterValues": {name: value for name, value in values.items() if value is not None}}
        return json.dumps({"inputs": inputs, "outputs": outputs}, ensure_ascii=False), files

    def _word(self, word: str, root: Path, given: str) -> str:
        """An argument after the engine filled in its one placeholder; Argo and Kubernetes find nothing to fill in."""
        word = word.replace('"/mlwright/', f'"{root}/mlwright/')
        if word.startswith("/mlwright/"):
            return f"{root}{word}"
        assert word == "{{$}}" or ("{{" not in word and "$(" not in word), word
        return word.replace("{{$}}", given)

    def _environment(self, container: Json, config: Json, root: Path, attempt: int) -> dict[str, str]:
        env: dict[str, str] = {}
        for one in container.get("env", ()):
            assert "{{" not in one["value"], one
            env[one["name"]] = _expanded(one["value"], env).replace("/mlwright/", f"{root}/mlwright/")
        for secret in config.get("secretAsEnv", ()):
            for key in secret["keyToEnv"]:
                env[key["envVar"]] = self.secrets[secret["secretName"], key["secretKey"]]
        for one in config.get("fieldPathAsEnv", ()):
            env[one["name"]] = f"run.step({attempt})" if attempt else "run.step"
        return {**env, "MLFLOW_TRACKING_URI": self.server, "PATH": os.environ["PATH"]}


def _is_late(task: Json) -> bool:
    return bool(task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED")


def _doubles(values: Json) -> Json:
    """Values after they were `google.protobuf.Value`: of numbers there are doubles only."""

    def one(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return int(float(value)) if float(value).is_integer() and abs(value) < 1e21 else float(value)

    return {name: one(value) for name, value in values.items()}


def _expanded(text: str, env: Mapping[str, str]) -> str:
    """As a kubelet does: `$(NAME)` is a variable before this one, `$$` a dollar."""
    return re.sub(r"\$\$|\$\((\w+)\)", lambda match: "$" if match[0] == "$$" else env.get(match[1], match[0]), text)
