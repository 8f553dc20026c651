"""What the protobuf messages of a pipeline do not say: that every name in it is something's, and fits it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Spec = dict[str, Any]

_CONDITION = re.compile(r"inputs\.parameter_values\['([^']+)'\]")
_LATE = "ALL_UPSTREAM_TASKS_COMPLETED"


def problems(spec: Mapping[str, Any], platform: Mapping[str, Any]) -> list[str]:
    """All that does not fit, in words."""
    return [*_Model(spec, platform).problems()]


class _Model:
    def __init__(self, spec: Mapping[str, Any], platform: Mapping[str, Any]) -> None:
        self.root, self.components = spec["root"], spec["components"]
        self.executors = spec["deploymentSpec"]["executors"]
        self.configs = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]

    def problems(self) -> Iterator[str]:
        reached: set[str] = set()
        waiting = [("root", self.root)]
        while waiting:
            name, component = waiting.pop()
            for task in component.get("dag", {}).get("tasks", {}).values():
                called = task["componentRef"]["name"]
                if called in self.components and called not in reached:
                    reached.add(called)
                    waiting.append((called, self.components[called]))
            yield from self._component(name, component)
        yield from (f"nothing starts {name}" for name in self.components.keys() - reached)
        used = {self.components[name].get("executorLabel") for name in reached}
        yield from (f"no component is {name}" for name in self.executors.keys() - used)
        yield from (f"the platform says something of {name}" for name in self.configs.keys() - self.executors.keys())
        for name, executor in self.executors.items():
            yield from _container(name, executor["container"])

    def _component(self, name: str, component: Spec) -> Iterator[str]:
        if "dag" not in component:
            if component.get("executorLabel") not in self.executors:
                yield f"{name} is the executor {component.get('executorLabel')}"
            return
        tasks = component["dag"]["tasks"]
        yield from (f"{name}: {circle} waits for itself" for circle in _circles(tasks))
        for key, task in tasks.items():
            for problem in self._task(key, task, tasks, _inputs(component)):
                yield f"{name}.{key}: {problem}"

    def _task(self, key: str, task: Spec, tasks: Spec, outer: Spec) -> Iterator[str]:
        if task["taskInfo"]["name"] != key:
            yield f"it is called {task['taskInfo']['name']}"
        component = self.components.get(task["componentRef"]["name"])
        if component is None:
            yield f"there is no {task['componentRef']['name']}"
            return
        needs = task.get("dependentTasks", [])
        yield from (f"it waits for {need}" for need in needs if need not in tasks)
        if task.get("triggerPolicy", {}).get("strategy") == _LATE and len(needs) != 1:
            yield "of several tasks, one is enough for it to start"
        if task.get("cachingOptions", {}).get("enableCache", "dag" not in component):
            yield "the engine's cache is on"
        given, wanted = task.get("inputs", {}).get("parameters", {}), _inputs(component)
        item = task.get("parameterIterator", {}).get("itemInput")
        yield from (f"{name} is no input of its component" for name in given.keys() - wanted.keys())
        for name, declared in wanted.items():
            needed = not declared.get("isOptional") and "defaultValue" not in declared
            if needed and name not in given and name != item:
                yield f"{name} is not given"
        for name in given.keys() & wanted.keys():
            kind, wrong = self._source(given[name], needs, tasks, outer)
            if wrong or kind != wanted[name]["parameterType"]:
                yield wrong or f"{name} is {wanted[name]['parameterType']}, and gets {kind}"
        yield from self._control(task, given, wanted)

    def _source(self, given: Spec, needs: list[str], tasks: Spec, outer: Spec) -> tuple[str, str]:
        """The type of what is given, and what is wrong with it."""
        if name := given.get("componentInputParameter"):
            return (outer[name]["parameterType"], "") if name in outer else ("", f"there is no input {name}")
        if output := given.get("taskOutputParameter"):
            producer, key = output["producerTask"], output["outputParameterKey"]
            if producer not in needs:
                return "", f"it reads {producer} and does not wait for it"
            made = self.components[tasks[producer]["componentRef"]["name"]].get("outputDefinitions", {})
            known = made.get("parameters", {})
            return (known[key]["parameterType"], "") if key in known else ("", f"{producer} has no output {key}")
        if status := given.get("taskFinalStatus"):
            wrong = "" if status["producerTask"] in needs else f"it asks how {status['producerTask']} ended"
            return "TASK_FINAL_STATUS", wrong
        return {str: "STRING", bool: "BOOLEAN"}.get(type(given["runtimeValue"]["constant"]), "NUMBER_DOUBLE"), ""

    def _control(self, task: Spec, given: Spec, wanted: Spec) -> Iterator[str]:
        for name in _CONDITION.findall(task.get("triggerPolicy", {}).get("condition", "")):
            if name not in given:
                yield f"its condition is about {name}"
        iterator = task.get("parameterIterator")
        if iterator:
            if iterator["itemInput"] not in wanted:
                yield f"{iterator['itemInput']} is no input of its component"
            source = iterator["items"].get("inputParameter")
            if source and wanted.get(source, {}).get("parameterType") != "LIST":
                yield f"its items are {source}"


def _inputs(component: Spec) -> Spec:
    return dict(component.get("inputDefinitions", {}).get("parameters", {}))


def _circles(tasks: Spec) -> Iterator[str]:
    done: set[str] = set()
    while True:
        ready = {name for name, task in tasks.items() if set(task.get("dependentTasks", ())) & tasks.keys() <= done}
        if ready == done:
            yield from sorted(tasks.keys() - done)
            return
        done = ready


def _container(name: str, container: Spec) -> Iterator[str]:
    """Nothing of the user's is anywhere where something is filled in."""
    for text in _texts(container):
        if text != "{{$}}" and ("{{" in text or "$(" in text):
            yield f"{name} has {text[:60]}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    else:
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _texts(item)
