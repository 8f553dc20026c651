"""The steps of the project as jobs that `runtime/project.py` starts: documents, parameters, edges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from mlwright.emit import pipeline, stepdoc
from mlwright.ir import Gates, Json, Node, Origin, Param, Project, Registration, Search, Task
from mlwright.target import Document
from mlwright_mlflow.places import Places

MAIN = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry point: the jobs that it runs, in order, and the parameters that reach them."""

    name: str
    jobs: tuple[str, ...]
    params: tuple[tuple[Param, Json], ...]
    origin: Origin


class Jobs:
    """All jobs of a project, by name, with their documents."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.documents: dict[str, Document] = {}
        self.by_name: dict[str, dict[str, Json]] = {}
        self._places = Places(project)
        closing = pipeline.closing(project.nodes)
        self.nodes = {node.id: node for node in project.nodes if _starts(node)}
        self._closing = closing
        for node in self.nodes.values():
            self._job(node)

    def entries(self) -> Iterable[Entry]:
        """`main` and the other pipelines, then every step with what it needs."""
        taken: set[str] = set()
        first = pipeline.default(self.project.pipelines)
        for one in self.project.pipelines:
            name = MAIN if one.name == first else f"pipeline-{one.name}"
            taken.add(name)
            yield self._entry(name, [self.nodes[node].name for node in self._ordered(one.nodes)], dict(one.params), one)
        for node in self.nodes.values():
            name, count = node.name, 1
            while name in taken:
                count += 1
                name = f"{node.name}-{count}"
            taken.add(name)
            tuned = isinstance(node, Task) and bool(node.tuned)
            without = {node.tuning} if isinstance(node, Task) and tuned else set()
            before = [self.nodes[step].name for step in self._ordered(self._needed(node, without)) if step != node.id]
            yield self._entry(name, [*before, f"{node.name}-alone" if tuned else node.name], {}, node)

    def plan(self, entries: Iterable[Entry], folder: str) -> dict[str, Json]:
        """`project.json`: what `runtime/project.py` reads."""
        return {
            **stepdoc.head(self.project, "project", "run", self.project.name),
            "folder": folder,
            "secrets": {secret.name: list(secret.keys) for secret in self.project.secrets},
            "jobs": dict(self.by_name),
            "entries": {entry.name: list(entry.jobs) for entry in entries},
        }

    def _entry(self, name: str, jobs: list[str], values: dict[str, Json], source: object) -> Entry:
        reach = {str(param) for job in jobs for param in _list(self.by_name[job]["params"])}
        params = tuple((p, values.get(p.name, p.default)) for p in self.project.params if p.name in reach)
        return Entry(name=name, jobs=tuple(jobs), params=params, origin=source.origin)  # type: ignore[attr-defined]

    def _needed(self, node: Node, without: set[str]) -> set[str]:
        """The node and everything before it, but for `without` and what only that needs."""
        found: set[str] = set()
        waiting = [node.id]
        while waiting:
            step = waiting.pop()
            if step in self.nodes and step not in found and step not in without:
                found.add(step)
                waiting += [need.node for need in self.nodes[step].needs]
        return found

    def _ordered(self, steps: Iterable[str]) -> list[str]:
        """In the project's order, with what waits for the rest of the run at the end."""
        wanted = set(steps)
        order = [step for step in self.nodes if step in wanted]
        return sorted(order, key=lambda step: step in self._closing)

    def _job(self, node: Node) -> None:
        project = self.project
        match node:
            case Task():
                whole = pipeline.one_node(node)
                self._add(node.name, node, "step", stepdoc.step_document(project, whole, self._places), _params(node))
                if node.tuned:
                    alone = replace(whole, tuned=())
                    document = stepdoc.step_document(project, alone, self._places)
                    self._add(f"{node.name}-alone", node, "step", document, _params(alone))
            case Search():
                self._add(node.name, node, "search", stepdoc.search_document(project, node, host="127.0.0.1"), [])
                trial = replace(node, trial=pipeline.one_node(node.trial))
                document = stepdoc.trial_document(project, trial, self._places)
                searched = {dimension.param for dimension in node.space}
                params = [name for name in _params(node.trial) if name not in searched]
                self.by_name[node.name] |= {
                    "trial": self._document(f"{node.name}-trial", document, node.trial.origin),
                    "workers": node.parallel,
                    "params": list(params),
                }
            case Gates():
                self._add(node.name, node, "gate", stepdoc.gate_document(project, node), [])
            case Registration():
                self._add(node.name, node, "register", stepdoc.register_document(project, node), [])
            case _:
                assert_never(node)

    def _add(self, name: str, node: Node, program: str, document: dict[str, Json], params: list[str]) -> None:
        job: dict[str, Json] = {
            "step": node.id,
            "program": program,
            "document": self._document(name, document, node.origin),
            "params": list(params),
            "needs": [need.node for need in node.needs if need.node in self.nodes],
            "run_if": node.run_if if isinstance(node, Task) else "succeeded",
        }
        self.by_name[name] = {**job, "closing": True} if node.id in self._closing else job

    def _document(self, name: str, data: dict[str, Json], origin: Origin) -> str:
        path = f"steps/{name}.json"
        self.documents[path] = Document(path=path, data=data, origins={(): origin})
        return path


def _starts(node: Node) -> bool:
    """A step without a command runs what only its image knows."""
    return not isinstance(node, Task) or bool(node.container.argv or node.container.script)


def _params(task: Task) -> list[str]:
    fixed = {name for name, _ in task.values}
    return [name for name in task.params if name not in task.tuned and name not in fixed]


def _list(value: Json) -> list[Json]:
    assert isinstance(value, list)
    return value
