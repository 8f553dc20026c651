"""Compiled output on a control plane: what is sent, what the server makes of it, and the pods that come of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.contract.katib.generator import run_spec
from tests.e2e.kubernetes import kserve
from tests.e2e.kubernetes.plane import Plane, Refused

sys.path.insert(0, str(Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"))

from manifests import Maker

Json = dict[str, Any]
SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
"""Metadata that the server alone writes."""
_SPEC = ("serviceAccountName", "automountServiceAccountToken", "securityContext", "tolerations", "affinity")
_MORE = ("nodeSelector", "priorityClassName", "hostAliases", "imagePullSecrets")
"""With `_SPEC`: what a pod of Argo's takes from its template or from the whole workflow."""
_KNOWN: dict[str, dict[str, dict[str, Json]]] = {}
"""What servers know: by address, group's version and kind."""
TRAINED = ("TrainJob", "PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob")
"""Kinds of training jobs."""
_ELSEWHERE = ("Experiment", "TrainJob", "TrainingRuntime", "ClusterTrainingRuntime")
"""Kinds whose pods are not in one template: a trial is an object of its own, and Trainer's job and runtime are one."""
_WORKFLOWS = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow", "Sensor")


@dataclass(frozen=True, kw_only=True)
class Output:
    """An environment's folder, and its objects as `kubectl kustomize` gives them."""

    plane: Plane
    folder: Path
    documents: tuple[Json, ...] = field(repr=False)

    def apply(self, *words: str) -> str:
        """What `kubectl apply` says to the whole folder; a warning is a failure."""
        command = ("apply", "--server-side", "--field-manager=ops", "--validate=strict")
        done = self.plane.kubectl(*command, *words, "-k", str(self.folder))
        assert not done.stderr, done.stderr
        return done.stdout

    def live(self) -> dict[str, Json]:
        """Every object as the server has it, by its path."""
        return {place: self.plane.ask("GET", place) for place in map(self.place, self.documents)}

    def place(self, document: Json) -> str:
        """The object's path at the API server."""
        return f"{collection(self.plane, document)}/{document['metadata']['name']}"

    def manifests(self) -> Iterator[tuple[str, Json]]:
        """Objects that programs in the cluster will make: whole ones inside of ConfigMaps and of Argo's templates, and
        a trial of each search."""
        for document in self.documents:
            for found in _objects(_embedded(document)):
                metadata = {"namespace": document["metadata"].get("namespace"), **found.get("metadata", {})}
                yield _named(document), {**found, "metadata": metadata}

    def trained(self) -> Iterator[list[Json]]:
        """Each training job with what belongs to it, as the program that starts it makes them: a step's, a trial's."""
        for document in self.documents:
            for plan in _embedded(document):
                if isinstance(plan, dict) and plan.get("kind") == "operate":
                    maker = Maker(f"{plan['project']}-12345678", "run-1", None, {"MLWRIGHT_RUN": "run-1"})
                    made = [maker.make(wanted) for wanted in plan["objects"]]
                    made = [_trial(each) if each["kind"] == "Experiment" else each for each in made]
                    if any(each["kind"] in TRAINED for each in made):
                        yield made

    def applications(self) -> Iterator[Json]:
        """What Argo CD is told of the folder: it is applied elsewhere."""
        for path in sorted(self.folder.glob("*/cd/application*.yaml")):
            yield yaml.safe_load(path.read_text())

    def pods(self) -> Iterator[tuple[str, Json]]:
        """Every pod that will be made, with the object that it comes from."""
        for origin, whole in [*((_named(each), each) for each in self.documents), *self.manifests()]:
            space = whole.get("metadata", {}).get("namespace", "")
            for template in (*_templates(whole), *_workflow_pods(whole), *_served(whole)):
                metadata = {key: template.get("metadata", {}).get(key, {}) for key in ("labels", "annotations")}
                metadata |= {"generateName": "check-", "namespace": space}
                yield origin, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}

    def needed(self) -> Iterator[Json]:
        """What ops provide: accounts, priority and runtime classes that pods name and the output does not make."""
        made = {(each["kind"], each["metadata"]["name"]) for each in self.documents}
        for _, pod in self.pods():
            space, spec = pod["metadata"]["namespace"], pod["spec"]
            for version, kind, key, more in (
                ("v1", "ServiceAccount", "serviceAccountName", {}),
                ("scheduling.k8s.io/v1", "PriorityClass", "priorityClassName", {"value": 1000}),
                ("node.k8s.io/v1", "RuntimeClass", "runtimeClassName", {"handler": "other"}),
            ):
                name = spec.get(key)
                if name and (kind, name) not in made:
                    made.add((kind, name))
                    where = {"namespace": space} if kind == "ServiceAccount" else {}
                    yield {"apiVersion": version, "kind": kind, "metadata": {"name": name, **where}, **more}


def output(plane: Plane, folder: Path) -> Output:
    """The objects of an environment's folder."""
    text = plane.kubectl("kustomize", str(folder)).stdout
    documents = tuple(each for each in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if each)
    return Output(plane=plane, folder=folder, documents=documents)


def collection(plane: Plane, document: Json) -> str:
    """The path of the collection that an object belongs to."""
    version = document["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    known = _KNOWN.setdefault(plane.url, {}).setdefault(root, {})
    if document["kind"] not in known:  # a definition may have come since
        listed = plane.ask("GET", root)["resources"]
        known.update({each["kind"]: each for each in listed if "/" not in each["name"]})
    resource = known.get(document["kind"])
    if not resource:
        raise Refused(f"GET {root}", 404, {"message": f"the API server has no {version} {document['kind']}"})
    space = document["metadata"].get("namespace", "")
    assert bool(space) == resource["namespaced"], f"{_named(document)}: namespace {space!r}"
    return f"{root}/namespaces/{space}/{resource['name']}" if space else f"{root}/{resource['name']}"


def drift(sent: Any, live: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where the server's object is another than what was sent, and how: a default that it filled in (`+`), a value that
    it writes in another way (`~`), one that it dropped (`-`). Lists are compared by position."""
    if isinstance(sent, Mapping) and isinstance(live, Mapping):
        for key in [*sent, *(key for key in live if key not in sent)]:
            inner = f"{path}.{key}" if path else key
            if inner == "status" or (path == "metadata" and key in SERVER):
                continue
            if key not in live:
                yield inner, f"- {json.dumps(sent[key])}"
            elif key not in sent:
                yield inner, f"+ {json.dumps(live[key])}"
            else:
                yield from drift(sent[key], live[key], inner)
    elif isinstance(sent, list) and isinstance(live, list) and len(sent) == len(live):
        for each, other in zip(sent, live, strict=True):
            yield from drift(each, other, f"{path}[]")
    elif sent != live or type(sent) is not type(live):
        yield path, f"~ {json.dumps(sent)} -> {json.dumps(live)}"


def intent(live: Json) -> Json:
    """An object without what controllers report: two that are equal were not written in between."""
    metadata = {
        key: value for key, value in live["metadata"].items() if key not in ("resourceVersion", "managedFields")
    }
    managed = [each for each in live["metadata"].get("managedFields", ()) if each["manager"] == "ops"]
    rest = {key: value for key, value in live.items() if key not in ("status", "metadata")}
    return {**rest, "metadata": metadata, "managed": managed}


def checked(plane: Plane, document: Json) -> list[str]:
    """Why the server would not have an object, or what it warns of."""
    try:
        answer = plane.ask("POST", f"{collection(plane, document)}?dryRun=All&fieldValidation=Strict", document)
    except Refused as problem:
        return [str(problem.status.get("message", problem))]
    return list(answer.get("_warnings", ()))


def _named(document: Json) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def _walked(value: Any) -> Iterator[Json]:
    """Every mapping in a value."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _walked(each)
    elif isinstance(value, list):
        for each in value:
            yield from _walked(each)


def _embedded(document: Json) -> list[Any]:
    """What a ConfigMap's texts and the `manifest` texts of Argo's templates hold."""
    texts = list((document.get("data") or {}).values()) if document["kind"] == "ConfigMap" else []
    texts += [each["manifest"] for each in _walked(document) if isinstance(each.get("manifest"), str)]
    texts += [each["data"] for each in _walked(document) if isinstance(each.get("data"), str)]
    found = []
    for text in texts:
        try:
            found.append(json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text))
        except (ValueError, yaml.YAMLError):
            continue
    return found


def _objects(value: Any) -> Iterator[Json]:
    """Every object in a value. Of an Experiment's trials one is there, as Katib makes it."""
    if isinstance(value, dict):
        if isinstance(value.get("apiVersion"), str) and isinstance(value.get("kind"), str):
            yield value
            if value["kind"] == "Experiment":
                yield _trial(value)
                return
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _trial(experiment: Json) -> Json:
    """The object of a trial, with a point of the search's space."""
    spaces = {each["name"]: each["feasibleSpace"] for each in experiment["spec"]["parameters"]}
    point = {name: space["list"][0] if "list" in space else space["min"] for name, space in spaces.items()}
    made = run_spec(experiment, f"{experiment['metadata']['name']}-0a1b2c3d", point)
    assert "${trial" not in json.dumps(made), made
    return made


def _served(whole: Json) -> list[Json]:
    """The pods of an endpoint on KServe."""
    return [template for _, template in kserve.pods(whole)] if whole.get("kind") == "InferenceService" else []


def _templates(whole: Json) -> Iterator[Json]:
    """Pod templates, wherever they are."""
    for found in _walked(whole) if whole.get("kind") not in _ELSEWHERE else ():
        spec = found.get("spec")
        if isinstance(spec, dict) and isinstance(spec.get("containers"), list):
            yield found


def _workflow_pods(whole: Json) -> Iterator[Json]:
    """The pods of Argo's templates without what the controller adds of its own."""
    if whole.get("kind") not in _WORKFLOWS:
        return
    for spec in _walked(whole):
        for template in spec.get("templates") or () if isinstance(spec.get("templates"), list) else ():
            main = template.get("container") or template.get("script")
            if not main:
                continue
            pod = {
                key: template.get(key) or spec[key] for key in (*_SPEC, *_MORE) if template.get(key) or spec.get(key)
            }
            pod["containers"] = [{"name": "main", **{k: v for k, v in main.items() if k != "source"}}]
            pod["containers"] += template.get("sidecars", [])
            pod["initContainers"] = template.get("initContainers", [])
            pod["volumes"] = [*spec.get("volumes", []), *template.get("volumes", [])]
            pod["restartPolicy"] = "Never"
            metadata = spec.get("podMetadata") or {}
            own = template.get("metadata") or {}
            merged = {key: {**metadata.get(key, {}), **own.get(key, {})} for key in ("labels", "annotations")}
            yield {"metadata": merged, "spec": pod}
