"""The plan that `conduct.py` runs a pipeline by where no engine is installed, and the document of `operate.py`, which
makes one operator's objects for an engine: complete manifests, and where in them a name of the run stands.

For the target that calls `plan`:
- `manifests[node]` are the complete objects of a node; the first decides how the node ends (a Job, or an operator's
  object such as a TrainJob). Other Jobs are made after it, everything else before it; all are removed at its end.
- Each run has objects of its own names: `<Job of the conductor>-<name>`, for `operate.py` `<project>-<digest of the
  run>-<name>`, at most 50 characters, so that what controllers append fits.
  A manifest says so by holding `name(...)` and `text(...)` instead of plain text
  wherever a name of the run stands: `metadata.name` always, `spec.subdomain`, a Service's selector, addresses.
- Every list `env` that has an entry MLWRIGHT_RUN gets the run's id there, and what the conductor itself was given to
  pass on (MLWRIGHT_PARAM_*, MLWRIGHT_EVENT, MLWRIGHT_GIT_*).
- `for_each` on one node is one Job with `completionMode: Indexed`: the conductor sets `completions`, `parallelism` and
  MLWRIGHT_ITEM from the index. Every other `for_each` gets its objects once for each item, with MLWRIGHT_ITEM=<index>.
- The launcher makes the attempts that `retries` allows. A Job's `backoffLimit` is for pods that were lost:
  `POD_FAILURES` tells the two apart.
- The conductor's own Job: `backoffLimit: 6`, `restartPolicy: Never`, `podFailurePolicy: CONDUCTOR_FAILURES`, the
  variables of `CONDUCTOR_ENV` beside those of the tracking server, the rights of `rules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from mlwright import ir
from mlwright.emit import pipeline as pipelines
from mlwright.emit import stepdoc
from mlwright.emit.shared import KINDS, shared

Manifest = dict[str, Any]

_SELF: Mapping[str, str] = {
    "MLWRIGHT_RUN": "metadata.labels['batch.kubernetes.io/controller-uid']",
    "MLWRIGHT_JOB": "metadata.labels['batch.kubernetes.io/job-name']",
    "MLWRIGHT_POD": "metadata.name",
    "MLWRIGHT_NAMESPACE": "metadata.namespace",
}
CONDUCTOR_ENV: Mapping[str, dict[str, Any]] = shared(
    {name: {"fieldRef": {"fieldPath": path}} for name, path in _SELF.items()}
)
"""`valueFrom` of the variables that tell the conductor which Job it is."""
OPERATOR_ENV: Mapping[str, dict[str, Any]] = {
    name: CONDUCTOR_ENV[name] for name in ("MLWRIGHT_POD", "MLWRIGHT_NAMESPACE")
}
"""The same for `operate.py`, whose pod is an engine's; MLWRIGHT_RUN comes from the engine."""

EXPERIMENT = "Experiment"
"""The kind that is a whole search with a controller of its own."""
_LOST = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
POD_FAILURES: Manifest = shared(
    {
        "rules": [
            _LOST,
            {
                "action": "FailJob",
                "onExitCodes": {"containerName": "main", "operator": "NotIn", "values": [69, 137, 143]},
            },
        ]
    }
)
"""`podFailurePolicy` of a step's Job: an evicted pod is not counted, a killed one or one without a tracking server is
tried again, and whatever else the launcher said after its attempts is final."""
ITEM_FAILURES: Manifest = shared(
    {
        "rules": [
            _LOST,
            {
                "action": "FailIndex",
                "onExitCodes": {"containerName": "main", "operator": "NotIn", "values": [69, 137, 143]},
            },
        ]
    }
)
"""The same where each index is an item (`backoffLimitPerIndex`): the other items go on."""
CONDUCTOR_FAILURES: Manifest = shared(
    {
        "rules": [
            _LOST,
            {"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [1, 64, 75]}},
        ]
    }
)
"""`podFailurePolicy` of the conductor: 1 the pipeline failed, 64 a wrong plan, 75 another run is at work."""


_HOLDERS = (dict, list, tuple)


class RunText(str):
    """Text that is another one in each run. What it is as `str` stands in the committed manifest; `parts` say how the
    conductor makes it: texts as they are, and names (`{"name": N}`) as `<conductor's Job>-N`, shortened where needed.
    """

    parts: tuple[ir.Json, ...]


def name(written: str, of_run: str, limit: int = 0) -> RunText:
    """The name of an object of the run: `<Job>-<of_run>`, `written` in the committed manifest. `limit`: its most
    characters, where a controller appends more to it than to most."""
    found = RunText(written)
    found.parts = ({"name": of_run, **({"limit": limit} if limit else {})},)
    return found


def text(*pieces: str) -> RunText:
    """A text with names of the run in it: `text("http://", service, ":8090")`."""
    found = RunText("".join(pieces))
    found.parts = tuple(part for piece in pieces for part in _parts(piece))
    return found


def plan(
    project: ir.Project,
    pipeline: ir.Pipeline,
    manifests: Mapping[str, Sequence[Manifest]],
    places: stepdoc.Places,
    *,
    lease: str,
) -> stepdoc.Document:
    """The plan of one pipeline. `manifests` has all its nodes; `lease` names the Lease that keeps a second run away."""
    wanted = set(pipeline.nodes)
    nodes = [node for node in project.nodes if node.id in wanted]
    return {
        **stepdoc.head(project, "conduct", "run", pipeline.name),
        "lease": lease,
        "concurrency": pipeline.schedule.concurrency,
        "nodes": [_node(project, pipeline, node, nodes, manifests[node.id], places) for node in nodes],
    }


def operation(
    project: ir.Project,
    node: ir.Task | ir.Search,
    manifests: Sequence[Manifest],
    places: stepdoc.Places,
    *,
    trials: bool = False,
    on_stop: Literal["delete", "leave"] = "delete",
) -> stepdoc.Document:
    """The document of `operate.py`, which makes the objects of one node (the first decides) and follows them.

    Of a search these are a Katib Experiment, which finds the trials itself; or the search's Jobs; or, with `trials`,
    what one trial is: then the program is one of the search's workers and makes them for each trial that it is given
    (MLWRIGHT_SEARCH_URL).
    """
    document: stepdoc.Document = {
        **stepdoc.head(project, "operate", node.id, node.name),
        "timeout": _timeout(node) if isinstance(node, ir.Task) else 0,
        "on_stop": on_stop,
        "document": None,
        "trial": None,
        "training": "",
        "objects": [_object(manifest, main=manifest is manifests[0]) for manifest in _in_order(manifests)],
    }
    if isinstance(node, ir.Search):
        if not trials and manifests[0]["kind"] != EXPERIMENT:
            return document
        return {**document, "trial": stepdoc.trial_document(project, node, places), "training": node.training}
    if node.contract == "launcher" and not node.for_each.keys:
        document["document"] = stepdoc.step_document(project, node, places)
    return document


def rules(manifests: Iterable[Manifest], program: Literal["conduct", "operate"] = "conduct") -> list[Manifest]:
    """The rules of the Role that a program needs in its namespace to make these manifests, one for each API group."""
    wanted: dict[str, set[str]] = {"batch": {"jobs"}} if program == "conduct" else {}
    for manifest in manifests:
        group = str(manifest["apiVersion"]).rpartition("/")[0]
        wanted.setdefault(group, set()).add(resource(str(manifest["kind"])))
    verbs = ["get", "list", "watch", "create", "patch", "delete"]
    found = [
        {"apiGroups": [group], "resources": sorted(kinds), "verbs": verbs} for group, kinds in sorted(wanted.items())
    ]
    found.append({"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]})
    if program == "conduct":
        verbs = ["get", "create", "update"]
        found.append({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": verbs})
    return found


def resource(kind: str) -> str:
    """The plural by which the API knows a kind, as `runtime/cluster.py` makes it."""
    word = kind.lower()
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def _node(
    project: ir.Project,
    pipeline: ir.Pipeline,
    node: ir.Node,
    nodes: Sequence[ir.Node],
    manifests: Sequence[Manifest],
    places: stepdoc.Places,
) -> stepdoc.Document:
    task = node if isinstance(node, ir.Task) else None
    loop = bool(task and task.for_each.keys)
    document: stepdoc.Document = {
        "id": node.id,
        "name": node.name,
        "needs": [{"step": need.node, "optional": need.optional} for need in pipelines.needs(node, nodes)],
        "run_if": task.run_if if task else "succeeded",
        "timeout": _timeout(task) if task else 0,
        "step": None,
        "items": None,
        "objects": [_object(manifest, main=manifest is manifests[0]) for manifest in _in_order(manifests)],
    }
    if task and (loop or task.when is not None):
        document["step"] = _decided(project, pipeline, task, places)
    if task and loop:
        indexed = manifests[0].get("spec", {}).get("completionMode") == "Indexed" and task.distributed.nodes_max == 1
        document["items"] = {"max_parallel": task.for_each.max_parallel, "indexed": indexed}
    return document


def _decided(project: ir.Project, pipeline: ir.Pipeline, task: ir.Task, places: stepdoc.Places) -> stepdoc.Document:
    """The step's document for deciding on it before anything starts, with the pipeline's values of parameters."""
    document = stepdoc.step_document(project, task, places)
    params = document["params"]
    assert isinstance(params, dict)
    given = {key: value for key, value in pipeline.params if key in params}
    return {
        **document,
        "params": {**params, **{key: {**_mapping(params[key]), "default": given[key]} for key in given}},
    }


def _mapping(value: ir.Json) -> stepdoc.Document:
    assert isinstance(value, dict)
    return value


def _timeout(task: ir.Task) -> float:
    """Seconds that the conductor gives a step which no launcher ends; 0: no limit of its own."""
    return task.timeout * (task.retries.limit + 1) if task.contract == "bare" else 0


def _in_order(manifests: Sequence[Manifest]) -> list[Manifest]:
    """What has to be there before the first, the first, what comes after it."""
    first, *others = manifests
    return [
        *(manifest for manifest in others if manifest["kind"] != "Job"),
        first,
        *(manifest for manifest in others if manifest["kind"] == "Job"),
    ]


def _object(manifest: Manifest, *, main: bool) -> stepdoc.Document:
    found = _run_texts(manifest, (), {})
    assert "/metadata/name" in found, f"{manifest['kind']} {manifest['metadata']['name']} has no name of the run"
    return {
        "main": main,
        "names": [{"at": at, "parts": [*value.parts]} for at, value in found.items()],
        "manifest": manifest,
    }


def _run_texts(value: Any, at: tuple[str, ...], found: dict[str, RunText]) -> dict[str, RunText]:
    """The texts of the run in `value`, by their place (a JSON pointer), put into `found`."""
    if isinstance(value, dict):
        for key, item in value.items():
            if type(item) is str or type(item) in KINDS:
                continue
            if isinstance(item, _HOLDERS):
                _run_texts(item, (*at, key), found)
            elif isinstance(item, RunText):
                found[_pointer(*at, key)] = item
    else:
        for index, item in enumerate(value):
            if type(item) is str or type(item) in KINDS:
                continue
            if isinstance(item, _HOLDERS):
                key = item.get("name", "") if isinstance(item, dict) else ""
                _run_texts(item, (*at, f"name={key}" if key else str(index)), found)
            elif isinstance(item, RunText):
                found[_pointer(*at, str(index))] = item
    return found


def _pointer(*parts: str) -> str:
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts)


def _parts(piece: str) -> tuple[ir.Json, ...]:
    return piece.parts if isinstance(piece, RunText) else (piece,)
