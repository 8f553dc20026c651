"""What Argo Workflows 4.1 would say of a set of objects, at its validation and while it runs them.

The rules are those of its validator and of its controller: variables resolve where they stand, what is skipped has no
outputs, every template is used, and whoever submits a template gives it what it needs. Nothing here knows mlwright.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.contract.argo import depends, parts, scope, tags
from tests.contract.argo.scope import Scope, Sibling, leaf, named

Object = Mapping[str, Any]

BODIES = ("container", "script", "dag", "steps", "suspend", "resource", "data", "http", "plugin", "containerSet")
HOLDERS = ("WorkflowTemplate", "ClusterWorkflowTemplate")


def problems(objects: Sequence[Object]) -> list[str]:
    """Everything that is wrong with the workflow objects among these, one text each, with the place."""
    holders = {item["metadata"]["name"]: item for item in objects if item["kind"] in HOLDERS}
    submitters = list(_submitters(objects))
    found = []
    for item in [*holders.values(), *(item for _, item in submitters if "templates" in item["spec"])]:
        found += _Workflow(item, holders, [given for _, given in submitters]).problems()
    for where, item in submitters:
        found += _submission(where, item, holders)
    sources = {item["metadata"]["name"]: item["spec"] for item in objects if item["kind"] == "EventSource"}
    for item in objects:
        if item["kind"] == "Sensor":
            found += _sensor(f"Sensor {item['metadata']['name']}", item["spec"], sources)
        if item["kind"] == "CronWorkflow" and not item["spec"].get("schedules"):
            found.append(f"CronWorkflow {item['metadata']['name']}: no schedules")
    return found


def _submitters(objects: Iterable[Object]) -> Iterator[tuple[str, Object]]:
    """Each object that would start a workflow, as that workflow, with what it is."""
    for item in objects:
        where = f"{item['kind']} {item['metadata'].get('name', '')}".rstrip()
        spec = item.get("spec", {})
        if item["kind"] == "Workflow":
            yield where, item
        elif item["kind"] == "CronWorkflow":
            yield where, {"metadata": {}, "spec": spec["workflowSpec"]}
        elif item["kind"] == "Sensor":
            for trigger in spec.get("triggers", ()):
                for key, operation in (("argoWorkflow", "submit"), ("k8s", "create")):
                    started = trigger["template"].get(key, {})
                    if started.get("operation") == operation and started["source"]["resource"]["kind"] == "Workflow":
                        yield f"{where}, trigger {trigger['template']['name']}", _filled(started)


def _sensor(where: str, spec: Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sensor waits for events that exist, on the bus that they come by, and its triggers read no others."""
    found = []
    known = [dependency["name"] for dependency in spec["dependencies"]]
    for dependency in spec["dependencies"]:
        here = f"{where}, dependency {dependency['name']}"
        source = sources.get(dependency["eventSourceName"])
        if source is None:
            found.append(f"{here}: no EventSource `{dependency['eventSourceName']}`")
            continue
        events = {name for kind in source.values() if isinstance(kind, Mapping) for name in kind}
        if dependency["eventName"] not in events:
            found.append(f"{here}: no event `{dependency['eventName']}`")
        if source.get("eventBusName", "default") != spec.get("eventBusName", "default"):
            found.append(f"{here}: it comes by another bus")
    for trigger in spec["triggers"]:
        template = trigger["template"]
        read = set(re.findall(r"[\w-]+", template.get("conditions", "")))
        for action in template.values():
            for parameter in action.get("parameters", ()) if isinstance(action, Mapping) else ():
                read.add(parameter["src"]["dependencyName"])
        found += [f"{where}, trigger {template['name']}: `{name}` is no dependency" for name in sorted(read - {*known})]
    return found


def _filled(started: Mapping[str, Any]) -> Object:
    """The workflow that a sensor submits: its parameters put a value where they point to."""
    item = started["source"]["resource"]
    spec = dict(item["spec"])
    given = [dict(entry) for entry in spec.get("arguments", {}).get("parameters", ())]
    for parameter in started.get("parameters", ()):
        match = re.fullmatch(r"spec\.arguments\.parameters\.(\d+)\.value", parameter.get("dest", ""))
        if match and int(match[1]) < len(given):
            given[int(match[1])]["value"] = "from the event"
        elif match:
            given.append({"name": f"(missing: {parameter['dest']})", "value": ""})
    return {"metadata": item.get("metadata", {}), "spec": spec | {"arguments": {"parameters": given}}}


def _submission(where: str, item: Object, holders: Mapping[str, Object]) -> list[str]:
    """A started workflow names a template that exists, and gives each parameter that has no value yet."""
    spec = item["spec"]
    reference = spec.get("workflowTemplateRef")
    if reference is None:
        return []
    if reference["name"] not in holders:
        return [f"{where}: no WorkflowTemplate `{reference['name']}`"]
    if spec.get("templates"):
        return [f"{where}: templates beside workflowTemplateRef"]
    target = holders[reference["name"]]["spec"]
    declared = {entry["name"]: entry for entry in target.get("arguments", {}).get("parameters", ())}
    given = {entry["name"]: entry for entry in spec.get("arguments", {}).get("parameters", ())}
    found = [f"{where}: `{name}` is no parameter of {reference['name']}" for name in given if name not in declared]
    for name, entry in declared.items():
        if not parts.has_value(given.get(name, entry)):
            found.append(f"{where}: parameter `{name}` of {reference['name']} gets no value")
    names = {template["name"] for template in target.get("templates", ())}
    for key in ("entrypoint", "onExit"):
        if (name := spec.get(key, target.get(key))) is None and key == "entrypoint":
            found.append(f"{where}: no entrypoint")
        elif name is not None and name not in names:
            found.append(f"{where}: {key} `{name}` is no template")
    return found + scope.problems(spec.get("arguments", {}), Scope(), f"{where}.arguments")


class _Workflow:
    """One object that holds templates."""

    def __init__(self, item: Object, holders: Mapping[str, Object], submitters: Sequence[Object]) -> None:
        self.name = item["metadata"].get("name", "a workflow")
        self.spec = item["spec"]
        self.holders = holders
        self.templates: dict[str, Mapping[str, Any]] = {
            template["name"]: template for template in self.spec.get("templates", ())
        }
        self.starts = [item["spec"]] + [
            given["spec"]
            for given in submitters
            if given["spec"].get("workflowTemplateRef", {}).get("name") == self.name
        ]
        metadata = self.spec.get("workflowMetadata", {})
        outputs = [entry for template in self.templates.values() for entry in parts.outputs_of(template)]
        self.scope = Scope(
            parameters=frozenset(entry["name"] for entry in self.spec.get("arguments", {}).get("parameters", ())),
            labels=frozenset({*metadata.get("labels", ()), *metadata.get("labelsFrom", ())}),
            annotations=frozenset(metadata.get("annotations", ())),
            globals=frozenset(entry["globalName"] for entry in outputs if "globalName" in entry),
        )

    def problems(self) -> list[str]:
        found = parts.twice(self.name, "template", [template["name"] for template in self.spec.get("templates", ())])
        rest = {key: value for key, value in self.spec.items() if key not in ("templates", "hooks", "workflowMetadata")}
        found += scope.problems(rest, self.scope, f"{self.name}: spec")
        for label, entry in self.spec.get("workflowMetadata", {}).get("labelsFrom", {}).items():
            found += scope.expression_problems(entry["expression"], self.scope, f"{self.name}: label {label}")
        for name, hook in self.spec.get("hooks", {}).items():
            found += self._hook(name, hook, self.scope, f"{self.name}: hook {name}")
        found += self._entry()
        for template in self.templates.values():
            found += self._template(template, f"{self.name}: template {template['name']}")
        return found + self._reach()

    # --- from where templates are used

    def _entry(self) -> list[str]:
        found = []
        given = {entry["name"] for entry in self.spec.get("arguments", {}).get("parameters", ())}
        files = {entry["name"] for entry in self.spec.get("arguments", {}).get("artifacts", ())}
        for start in self.starts:
            for key in ("entrypoint", "onExit"):
                if key not in start:
                    continue
                template = self.templates.get(start[key])
                if template is None:
                    found.append(f"{self.name}: {key} `{start[key]}` is no template")
                else:
                    found += parts.need_problems(template, given, files, f"{self.name}: {key} `{start[key]}`")
        return found

    def _reach(self) -> list[str]:
        main = {start["entrypoint"] for start in self.starts if "entrypoint" in start}
        late = {start["onExit"] for start in self.starts if "onExit" in start}
        late |= {hook["template"] for hook in self.spec.get("hooks", {}).values() if "template" in hook}
        for holder in self.holders.values():
            for template in holder["spec"].get("templates", ()):
                main |= {
                    task["templateRef"]["template"]
                    for task in parts.tasks_of(template)
                    if task.get("templateRef", {}).get("name") == self.name
                }
        first, second = self._from(main), self._from(late)
        found = [
            f"{self.name}: template `{name}` is never used" for name in self.templates if name not in first | second
        ]
        for name in sorted(first & self.templates.keys()):
            for path, text in tags.texts(self.templates[name]):
                if re.search(r"\bworkflow\.(status|failures)\b", text):
                    found.append(f"{self.name}: template {name}{path}: the workflow has not ended here: `{text}`")
        return found + [f"{self.name}: template `{name}` runs itself without an end" for name in self._endless()]

    def _from(self, roots: Iterable[str]) -> set[str]:
        seen: set[str] = set()
        todo = list(roots)
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self._uses(name)
        return seen

    def _uses(self, name: str, conditional: bool = True) -> list[str]:
        uses = []
        for task in parts.tasks_of(self.templates.get(name, {})):
            if "template" in task and (conditional or "when" not in task):
                uses.append(task["template"])
            uses += [hook["template"] for hook in task.get("hooks", {}).values() if "template" in hook and conditional]
        return uses

    def _endless(self) -> Iterator[str]:
        for name in self.templates:
            seen: set[str] = set()
            todo = self._uses(name, conditional=False)
            while todo:
                used = todo.pop()
                if used not in seen:
                    seen.add(used)
                    todo += self._uses(used, conditional=False)
            if name in seen:
                yield name

    # --- one template

    def _template(self, template: Mapping[str, Any], where: str) -> list[str]:
        bodies = [body for body in BODIES if body in template]
        if len(bodies) != 1:
            return [f"{where}: it is {' and '.join(bodies) or 'nothing'}"]
        inside = replace(self.scope, template=template)
        found = parts.limit_problems(template, where)
        for side in ("inputs", "outputs"):
            for kind in ("parameters", "artifacts"):
                entries = template.get(side, {}).get(kind, ())
                found += parts.twice(where, f"{side[:-1]} of {kind}", [entry["name"] for entry in entries])
        if "dag" in template:
            found += self._dag(template, inside, where)
        elif "steps" in template:
            found += self._steps(template, inside, where)
        else:
            found += parts.path_problems(template, where) + parts.volume_problems(template, self.spec, where)
        rest = {
            key: value for key, value in template.items() if key not in ("dag", "steps", "outputs", "retryStrategy")
        }
        if leaf(template):
            rest["outputs"] = template.get("outputs", {})
        found += scope.problems(rest, inside, where)
        retry = template.get("retryStrategy", {})
        found += scope.problems(
            {key: value for key, value in retry.items() if key != "expression"}, inside, f"{where}.retryStrategy"
        )
        if "expression" in retry:
            found += scope.expression_problems(
                retry["expression"], replace(inside, retry=True), f"{where}.retryStrategy.expression"
            )
        return found

    def _dag(self, template: Mapping[str, Any], inside: Scope, where: str) -> list[str]:
        tasks = {task["name"]: task for task in template["dag"]["tasks"]}
        found = parts.twice(where, "task", [task["name"] for task in template["dag"]["tasks"]])
        waits: dict[str, depends.Task] = {}
        for name, task in tasks.items():
            here = f"{where}, task {name}"
            try:
                expression = parts.waits(task)
            except ValueError as error:
                found.append(f"{here}: depends: {error}")
                expression = None
            waits[name] = (expression, parts.may_be_skipped(task))
            if expression is not None:
                found += self._waiting(here, expression, tasks)
        uses = {
            "dependencies" if "dependencies" in task else "depends" for task in tasks.values() if parts.waits_for(task)
        }
        if len(uses) > 1:
            found.append(f"{where}: depends and dependencies in one dag")
        if any("depends" in task and "continueOn" in task for task in tasks.values()):
            found.append(f"{where}: continueOn beside depends")
        for target in template["dag"].get("target", "").split():
            if target not in tasks:
                found.append(f"{where}: target `{target}` is no task")
        names = {name: [atom.name for atom in depends.atoms(first)] for name, (first, _) in waits.items() if first}
        if circle := parts.circle(names):
            return [*found, f"{where}: {' waits for '.join(circle)}"]
        for name, task in tasks.items():
            succeeded = depends.succeeded_before(name, waits)
            before = {
                other: self._sibling(tasks[other], other in succeeded)
                for other in parts.ancestors(name, names)
                if other in tasks
            }
            found += self._task(task, replace(inside, siblings=before), f"{where}, task {name}")
        every = {name: self._sibling(task, depends.runs_for_certain(name, waits)) for name, task in tasks.items()}
        return found + self._outputs(template, replace(inside, siblings=every), where)

    def _waiting(self, here: str, expression: depends.Expression, tasks: Mapping[str, Any]) -> list[str]:
        found = []
        for atom in depends.atoms(expression):
            if atom.name not in tasks:
                found.append(f"{here}: depends on `{atom.name}`, which is no task")
                continue
            template = self._used(tasks[atom.name])
            if template.get("daemon") and atom.result == "Succeeded":
                found.append(f"{here}: waits for the end of the daemon `{atom.name}`")
            if atom.result in ("AnySucceeded", "AllFailed") and not parts.loops_of(tasks[atom.name]):
                found.append(f"{here}: {atom.result} of `{atom.name}`, which is no loop")
        return found

    def _steps(self, template: Mapping[str, Any], inside: Scope, where: str) -> list[str]:
        before: dict[str, Sibling] = {}
        found = parts.twice(where, "step", [step["name"] for group in template["steps"] for step in group])
        for group in template["steps"]:
            now = replace(inside, siblings=dict(before), siblings_root="steps")
            for step in group:
                found += self._task(step, now, f"{where}, step {step['name']}")
            before |= {step["name"]: self._sibling(step, not parts.may_be_skipped(step)) for step in group}
        return found + self._outputs(template, replace(inside, siblings=before, siblings_root="steps"), where)

    def _sibling(self, task: Mapping[str, Any], certain: bool) -> Sibling:
        """A loop whose every turn may be skipped is never certain: Argo then has no outputs and no defaults."""
        return Sibling(template=self._used(task), looped=bool(parts.loops_of(task)), certain=certain)

    def _used(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        """The template that a task runs; empty where there is none."""
        if "inline" in task:
            return task["inline"]  # type: ignore[no-any-return]
        if "templateRef" in task:
            holder = self.holders.get(task["templateRef"]["name"], {"spec": {}})
            named_ones = {template["name"]: template for template in holder["spec"].get("templates", ())}
            return named_ones.get(task["templateRef"]["template"], {})
        return self.templates.get(task.get("template", ""), {})

    def _task(self, task: Mapping[str, Any], inside: Scope, where: str) -> list[str]:
        used = self._used(task)
        if not used:
            return [f"{where}: there is no template `{task.get('template') or task.get('templateRef')}`"]
        if len(loops := parts.loops_of(task)) > 1:
            return [f"{where}: {' and '.join(loops)}"]
        found = []
        for loop in loops:
            found += scope.problems(task[loop], inside, f"{where}.{loop}")
        looped = replace(inside, item=bool(loops))
        found += scope.problems(task.get("when", ""), looped, f"{where}.when")
        found += self._arguments(task.get("arguments", {}), used, looped, where)
        own = {**looped.siblings, task["name"]: self._sibling(task, True)}
        for name, hook in task.get("hooks", {}).items():
            found += self._hook(name, hook, replace(looped, siblings=own), f"{where}, hook {name}")
        if "inline" in task:
            found += self._template({"name": task["name"], **task["inline"]}, f"{where}, inline")
        return found

    def _hook(self, name: str, hook: Mapping[str, Any], inside: Scope, where: str) -> list[str]:
        used = self._used(hook)
        found = [] if used else [f"{where}: there is no template `{hook.get('template')}`"]
        if name != "exit" and "expression" not in hook:
            found.append(f"{where}: no expression says when")
        if "expression" in hook:
            found += scope.expression_problems(hook["expression"], inside, f"{where}.expression")
        return found + (self._arguments(hook.get("arguments", {}), used, inside, where) if used else [])

    def _arguments(self, given: Mapping[str, Any], used: Mapping[str, Any], inside: Scope, where: str) -> list[str]:
        """What a task passes is what its template takes, of the right kind, and there when it runs."""
        found = []
        for kind in ("parameters", "artifacts"):
            taken = named(used, "inputs", kind)
            found += parts.twice(where, f"argument of {kind}", [entry["name"] for entry in given.get(kind, ())])
            for entry in given.get(kind, ()):
                here = f"{where}, {kind} {entry['name']}"
                if entry["name"] not in taken:
                    found.append(f"{here}: the template takes no such input")
                    continue
                wanted = taken[entry["name"]]
                optional = "default" in wanted or bool(entry.get("optional") or wanted.get("optional"))
                found += parts.kind_problems(entry, kind, here)
                found += parts.value_problems(entry, replace(inside, has_default=optional), here)
        names = {entry["name"] for entry in given.get("parameters", ())}
        files = {entry["name"] for entry in given.get("artifacts", ())}
        return found + parts.need_problems(used, names, files, where)

    def _outputs(self, template: Mapping[str, Any], inside: Scope, where: str) -> list[str]:
        found = []
        for kind in ("parameters", "artifacts"):
            for entry in template.get("outputs", {}).get(kind, ()):
                here = f"{where}, output {entry['name']}"
                source = entry.get("valueFrom", {}) if kind == "parameters" else entry
                if not any(key in source for key in ("parameter", "expression", "from", "fromExpression")):
                    found.append(f"{here}: it comes from no task")
                optional = "default" in source or bool(entry.get("optional"))
                found += parts.kind_problems(entry, kind, here)
                found += parts.value_problems(entry, replace(inside, has_default=optional), here)
        return found
