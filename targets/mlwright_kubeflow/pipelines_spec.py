"""A pipeline in Kubeflow's intermediate representation: components, tasks, executors, and the platform's part.

The graph's main part is a component of its own, so that what waits for the whole rest, and the program that closes the
run, start however it ended (an exit handler). The tracking server carries data; what tasks have as outputs is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, assert_never

from mlwright.emit import json, stepdoc
from mlwright.emit import pipeline as pipelines
from mlwright.emit.kube import asking
from mlwright.emit.kube.environment import canonical
from mlwright.emit.kube.objects import Objects
from mlwright.ir import Gates, Json, Node, Origin, Output, Param, Pipeline, Registration, Search, Task
from mlwright.span import Path
from mlwright.target import Part
from mlwright_kubeflow import pipelines_pods as pods

Spec = dict[str, Any]

SCHEMA, SDK = "2.1.0", "kfp-2.17.3"
"""The language's version, and the SDK whose output ours is held to."""
RUN, ITEM, STATUS, EVENT = "mlwright-run", "mlwright-item", "mlwright-status", "mlwright-event"
ANSWER = "Output"
_CHANNEL = "pipelinechannel--"
_ID = "{{$.pipeline_job_uuid}}"
_LATE = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
_LOST = {"maxRetryCount": 3, "backoffDuration": "10s", "backoffFactor": 2.0, "backoffMaxDuration": "600s"}
"""For lost pods: the launcher makes the attempts of `retries`, and a second start after a failure ends at once."""
_TYPES = {"string": "STRING", "int": "NUMBER_INTEGER", "float": "NUMBER_DOUBLE", "bool": "BOOLEAN", "json": "STRING"}
_SHOWN = {"dataset": "system.Dataset", "model": "system.Model", "mlflow-model": "system.Model"}


class Graph:
    """One pipeline on its way into the language. `spec` and `platform` are its two documents."""

    def __init__(self, objects: Objects, pipeline: Pipeline) -> None:
        self.objects, self.pipeline = objects, pipeline
        wanted = set(pipeline.nodes)
        self.nodes = [node for node in objects.project.nodes if node.id in wanted]
        self.parts: list[Part] = []
        self.origins: dict[Path, Origin] = {}
        self._components: Spec = {}
        self._executors: Spec = {}
        self._configs: Spec = {}
        self._declared = {param.name: param for param in objects.project.params}
        self._inputs = {name: self._input(self._declared[name]) for name in self._taken(self.nodes) if name != EVENT}
        if pipeline.triggers:
            self._inputs[EVENT] = {"parameterType": "STRING", "defaultValue": "{}", "isOptional": True}
        self._asked = asking.asked(self.nodes, self._small)
        self._numbers = iter(range(2, 10000))
        self._names = {node.name for node in self.nodes}
        self._root = self._graph()

    def spec(self) -> Spec:
        """The PipelineSpec."""
        project, pipeline = self.objects.project, self.pipeline
        description = plain(project.description)
        return {
            "schemaVersion": SCHEMA,
            "sdkVersion": SDK,
            "pipelineInfo": {
                "name": self.objects.name(pipeline.name),
                "displayName": f"{project.name}: {pipeline.name}",
                **({"description": description} if description else {}),
            },
            "root": {
                "dag": {"tasks": self._root},
                **({"inputDefinitions": {"parameters": self._inputs}} if self._inputs else {}),
            },
            "components": self._components,
            "deploymentSpec": {"executors": self._executors},
        }

    def platform(self) -> Spec:
        """The PlatformSpec."""
        keep = int(self.objects.context.platform.keep_runs)
        config = {"pipelineConfig": {"resourceTtlOnCompletion": keep}} if keep else {}
        return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": self._configs}, **config}}}

    def _small(self, task: Task) -> bool:
        """Whether a step's pod in the graph is a small one, which decides itself whether there is something to do."""
        return task.contract == "launcher" and pods.outside(self.objects, task)

    # The two halves of a run

    def _graph(self) -> Spec:
        """The tasks of the root: the main part, those that wait for it, the end.

        A task that starts however others ended depends on one alone: of several, the engine waits for any."""
        late = self._late()
        main = [node for node in self.nodes if node.id not in late]
        start = self._free("start")
        tasks = {start: self._program(start, self._root_pod("start"), self.pipeline.origin, "StartExecutor")}
        for node in main:
            needs = [self._name(need.node) for need in pipelines.needs(node, self.nodes)]
            tasks |= self._node(node, needs or [start], inside=True)
        handler = self._free("exit-handler-1")
        inputs = self._taken(main)
        self._components[f"comp-{handler}"] = self._dag(tasks, inputs)
        root = {handler: self._task(handler, f"comp-{handler}", self._pass(inputs, inside=False))}
        return root | self._after(handler, [node for node in self.nodes if node.id in late], inside=False)

    def _after(self, before: str, late: Sequence[Node], *, inside: bool) -> Spec:
        """What starts when the task `before` has ended, however it did: the nodes one after another, then the end.

        Newer engines make hooks of such tasks. A task has one, and a hook has none: what comes after it, too, is in a
        graph that is the hook."""
        if not late:
            finish = self._free("finish")
            made = self._program(finish, self._root_pod("finish"), self.pipeline.origin, "FinishExecutor", status=True)
            made["inputs"]["parameters"][STATUS] = {"taskFinalStatus": {"producerTask": before}}
            return {finish: {**made, **_ended(before)}}
        first, rest = late[0], late[1:]
        if not self.objects.context.platform.has("kfp_exit_hooks"):
            made = self._node(first, [before], inside=inside, late=True)
            return made | self._after(first.name, rest, inside=inside)
        tasks = self._node(first, [], inside=True, late=True)
        for key in ("dependentTasks", "triggerPolicy"):
            del tasks[first.name][key]
        tasks |= self._after(first.name, rest, inside=True)
        name, taken = self._free(f"{first.name}-last"), self._taken(late)
        self._components[f"comp-{name}"] = self._dag(tasks, taken)
        return {name: {**self._task(name, f"comp-{name}", self._pass(taken, inside=inside)), **_ended(before)}}

    def _late(self) -> set[str]:
        """What starts though something failed, and what comes after it."""
        found = pipelines.closing(self.nodes)
        for node in self.nodes:
            if (isinstance(node, Task) and node.run_if != "succeeded") or any(n.node in found for n in node.needs):
                found.add(node.id)
        return found

    def _root_pod(self, kind: str) -> pods.Pod:
        document = stepdoc.root_document(self.objects.project, self.pipeline, kind)
        if kind == "finish":
            bare = {node.id for node in self.nodes if isinstance(node, Task) and node.contract == "bare"}
            document |= {"nodes": [id for id in self.pipeline.nodes if id not in bare], "ended": True}
        return pods.root(self.objects, self.pipeline, document, kind)

    # Nodes

    def _node(self, node: Node, needs: Sequence[str], *, inside: bool, late: bool = False) -> Spec:
        """The tasks of a node, by name."""
        match node:
            case Task():
                made = self._step(node, inside=inside, late=late)
            case Search():
                pod = pods.operator(self.objects, self.pipeline, node)
                self._leaf(node.name, pod, node.origin, node.id, self._taken([node]))
                made = self._start(node.name, self._taken([node]), inside=inside, retry=True)
            case Gates() | Registration():
                made = self._program(node.name, pods.program(self.objects, node), node.origin, "Executor", node.id)
                made["retryPolicy"] = dict(_LOST)
            case _:
                assert_never(node)
        more = {"triggerPolicy": dict(_LATE)} if late else {}
        return {node.name: {**made, "dependentTasks": list(dict.fromkeys(needs)), **more}}

    def _step(self, task: Task, *, inside: bool, late: bool) -> Spec:
        """The task of a step: one pod, one for each item, or a graph of its own that decides first.

        Late, all items run in one container: the engine has no graph that starts however others ended."""
        taken = self._taken([task])
        loop = bool(task.for_each.keys) and task.contract == "launcher" and not late
        count = len(pipelines.items(task)) if pipelines.items(task) != [None] else 0
        pod = pods.step(self.objects, self.pipeline, task)
        outputs = {} if loop else _outputs(task)
        self._leaf(task.name, pod, task.origin, task.id, taken, item=loop, outputs=outputs)
        if late or (task.id not in self._asked and not (loop and count)):
            return self._start(task.name, taken, inside=inside, retry=True)
        if task.id not in self._asked:
            item = f"{_CHANNEL}loop-item-param-{next(self._numbers)}"
            body = self._loop_body(task, taken, {item: {"parameterType": "STRING"}}, item)
            raw = json.canonical([str(index) for index in range(count)])
            return self._loop(task, body, self._pass(taken, inside=inside), {"raw": raw}, item)
        return self._after_asking(task, taken, loop=loop, inside=inside)

    def _after_asking(self, task: Task, taken: Sequence[str], *, loop: bool, inside: bool) -> Spec:
        """A graph of two: a pod that asks, and what it says is to start. A step that is skipped ends well that way."""
        ask = self._free(f"{task.name}-items")
        answer = {"parameters": {ANSWER: {"parameterType": "LIST" if loop else "STRING"}}}
        asks = pods.items(self.objects, self.pipeline, task)
        self._leaf(ask, asks, task.origin, task.id, taken, outputs=answer, kind="ItemsExecutor")
        channel = f"{_CHANNEL}{ask}-{ANSWER}"
        said = {channel: {"taskOutputParameter": {"producerTask": ask, "outputParameterKey": ANSWER}}}
        tasks = {ask: self._start(ask, taken, inside=True)}
        given = {**said, **self._pass(taken, inside=True)}
        if loop:
            item = f"{channel}-loop-item"
            extra = {channel: {"parameterType": "LIST"}, item: {"parameterType": "STRING"}}
            body = self._loop_body(task, taken, extra, item)
            name = self._free(f"for-loop-{next(self._numbers)}")
            tasks[name] = self._loop(task, body, given, {"inputParameter": channel}, item, name)
        else:
            name = self._free(f"condition-{next(self._numbers)}")
            inner = {task.name: self._start(task.name, taken, inside=True, retry=True)}
            extra = {channel: {"parameterType": "STRING"}}
            self._components[f"comp-{name}"] = self._dag(inner, taken, extra)
            tasks[name] = self._task(name, f"comp-{name}", given)
            tasks[name]["triggerPolicy"] = {"condition": f"inputs.parameter_values['{channel}'] == 'yes'"}
        tasks[name]["dependentTasks"] = [ask]
        whole = f"comp-{self._free(f'{task.name}-all')}"
        self._components[whole] = self._dag(tasks, taken)
        return self._task(task.name, whole, self._pass(taken, inside=inside))

    def _loop_body(self, task: Task, taken: Sequence[str], extra: Spec, item: str) -> str:
        """The component of one turn of a loop; its name."""
        one = self._start(task.name, taken, inside=True, retry=True)
        one["inputs"]["parameters"][ITEM] = {"componentInputParameter": item}
        name = f"comp-{self._free(f'{task.name}-item')}"
        self._components[name] = self._dag({task.name: one}, taken, extra)
        return name

    def _loop(self, task: Task, body: str, given: Spec, items: Spec, item: str, name: str = "") -> Spec:
        made = self._task(name or task.name, body, given)
        made["parameterIterator"] = {"itemInput": item, "items": items}
        if task.for_each.max_parallel:
            made["iteratorPolicy"] = {"parallelismLimit": task.for_each.max_parallel}
        return made

    def _program(
        self, name: str, pod: pods.Pod, origin: Origin, kind: str, node: str = "", *, status: bool = False
    ) -> Spec:
        """The task of a program of ours that takes no parameters."""
        self._leaf(name, pod, origin, node or f"pipelines.{self.pipeline.name}", [], kind=kind, status=status)
        return self._start(name, [], inside=True)

    # The language's own pieces

    def _leaf(
        self,
        name: str,
        pod: pods.Pod,
        origin: Origin,
        node: str,
        taken: Iterable[str],
        *,
        item: bool = False,
        status: bool = False,
        outputs: Spec | None = None,
        kind: str = "Executor",
    ) -> None:
        """A component that is a container."""
        label = f"exec-{name}"
        parameters = {
            RUN: {"parameterType": "STRING"},
            **({ITEM: {"parameterType": "STRING"}} if item else {}),
            **({STATUS: {"parameterType": "TASK_FINAL_STATUS", "isOptional": True}} if status else {}),
            **self._typed(taken),
        }
        self._components[f"comp-{name}"] = {
            "executorLabel": label,
            "inputDefinitions": {"parameters": parameters},
            **({"outputDefinitions": outputs} if outputs else {}),
        }
        self._executors[label] = {"container": pod.container}
        self._configs[label] = pod.config
        for part, at in ((kind, ("deploymentSpec", "executors", label)), (f"{kind}Config", ("platform", label))):
            self.parts.append(Part(node=node, kind=part, at=at))
            self.origins[at] = origin

    def _start(self, name: str, taken: Iterable[str], *, inside: bool, retry: bool = False) -> Spec:
        """The task of a container."""
        given: Spec = {RUN: {"runtimeValue": {"constant": _ID}}, **self._pass(taken, inside=inside, own=True)}
        made = self._task(name, f"comp-{name}", given)
        return {**made, "cachingOptions": {"enableCache": False}, **({"retryPolicy": dict(_LOST)} if retry else {})}

    def _task(self, name: str, component: str, given: Spec) -> Spec:
        return {
            "taskInfo": {"name": name},
            "componentRef": {"name": component},
            **({"inputs": {"parameters": dict(given)}} if given else {}),
        }

    def _dag(self, tasks: Spec, taken: Iterable[str], extra: Spec | None = None) -> Spec:
        """A component that is a graph: it takes what its tasks do."""
        parameters = {**{f"{_CHANNEL}{name}": one for name, one in self._typed(taken).items()}, **(extra or {})}
        inputs = {"inputDefinitions": {"parameters": parameters}} if parameters else {}
        return {"dag": {"tasks": tasks}, **inputs}

    def _typed(self, names: Iterable[str]) -> Spec:
        """Parameters below the root: their types, and whether there may be none."""
        return {
            name: {
                "parameterType": self._inputs[name]["parameterType"],
                **({"isOptional": True} if _absent(self._inputs[name]) else {}),
            }
            for name in names
        }

    def _pass(self, names: Iterable[str], *, inside: bool, own: bool = False) -> Spec:
        """Parameters handed down: to a container under their own names, to a graph as its channels."""
        mark = _CHANNEL if inside else ""
        return {f"{'' if own else _CHANNEL}{name}": {"componentInputParameter": f"{mark}{name}"} for name in names}

    # Parameters and names

    def _taken(self, nodes: Iterable[Node]) -> list[str]:
        """The parameters that nodes take from outside, in the order of their declaration."""
        found: set[str] = set()
        nodes = list(nodes)
        for node in nodes:
            if isinstance(node, Search):
                found |= set(pipelines.taken(node.trial)) - {dimension.param for dimension in node.space}
            elif isinstance(node, Task):
                found |= set(pipelines.taken(node))
        event = [EVENT] if self.pipeline.triggers and any(isinstance(node, Search | Task) for node in nodes) else []
        return [*(name for name in self._declared if name in found), *event]

    def _input(self, param: Param) -> Spec:
        """A parameter of the pipeline. What the engine would change is left out: the step's document has it."""
        given = dict(self.pipeline.params)
        has = param.name in given or not param.required
        value = given.get(param.name, param.default)
        if param.type == "json":
            value = canonical(value)
        return {
            "parameterType": _TYPES[param.type],
            **({"defaultValue": value} if has and value is not None and inert(value) else {}),
            **({"isOptional": True} if has else {}),
            **({"description": plain(param.description)} if param.description else {}),
        }

    def _free(self, name: str) -> str:
        """`name`, or the next one like it that nothing has."""
        found, number = name, 2
        while found in self._names:
            found, number = f"{name}-{number}", number + 1
        self._names.add(found)
        return found

    def _name(self, node: str) -> str:
        return next(one.name for one in self.nodes if one.id == node)


def _ended(task: str) -> Spec:
    """The fields of a task that starts however `task` ended."""
    return {"dependentTasks": [task], "triggerPolicy": dict(_LATE)}


def _absent(given: Spec) -> bool:
    return "isOptional" in given and "defaultValue" not in given


def inert(value: Json) -> bool:
    """Whether a value arrives as it is: Argo, which the engine runs on, fills in `{{...}}`, Kubernetes `$(...)`."""
    return not isinstance(value, str) or ("{{" not in value and "$(" not in value)


def plain(text: str) -> str:
    """A description in which nothing is filled in."""
    return text.replace("{{", "{ {").replace("$(", "$ (")


def _outputs(task: Task) -> Spec:
    """What is shown of a step: its metrics, its values, and where its files are."""
    values = {output.name: {"parameterType": "STRING"} for output in task.outputs if not _is_file(output)}
    files = {output.name: _SHOWN.get(output.type, "system.Artifact") for output in task.outputs if _is_file(output)}
    if task.metrics and task.contract == "launcher":
        files["metrics" if "metrics" not in {*values, *files} else "step-metrics"] = "system.Metrics"
    artifacts = {
        name: {"artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}} for name, title in files.items()
    }
    found = {"parameters": values, "artifacts": artifacts}
    return {key: value for key, value in found.items() if value}


def _is_file(output: Output) -> bool:
    return output.type not in _TYPES
