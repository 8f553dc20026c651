"""What references mean inside one step: parameters, inputs, data, secrets, items, conditions."""

from __future__ import annotations

import json
import os
import time

from artifacts import Artifacts, Models, need_space
from child import Signals
from outside import fetch_data
from ranks import node_rank
from tracking import Run, Tracking
from values import (
    BAD_INPUT,
    MAX_PROXIED,
    NOT_FOUND,
    ServerError,
    StepError,
    canonical,
    compact,
    digest,
    parse,
    plain_text,
    typed,
    variable,
    verify,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

    Json = Any
    Doc = Dict[str, Any]


class Trial:
    """What a search asked for: `number`, canonical parameter texts, the tuning run, who hears objective values."""

    def __init__(self, number: str, params: Mapping[str, str], parent: str) -> None:
        self.number, self.params, self.parent = number, params, parent
        self.report: Callable[[float], None] = lambda value: None
        self.stop: Optional[threading.Event] = None


class Scope:
    """What references mean inside one step, or one trial of it: parameters, inputs, data, secrets, items."""

    def __init__(self, doc: Doc, env: Dict[str, str], tracking: Tracking, signals: Signals, folder: str) -> None:
        self.doc, self.env, self.tracking, self.signals, self.folder = doc, env, tracking, signals, folder
        self.trial: Optional[Trial] = None
        self.params: Dict[str, Json] = {}
        self.outputs = os.path.join(folder, "outputs")
        self.artifacts = Artifacts(tracking.server)
        self.models = Models(tracking.server)
        self.store: Doc = dict(doc.get("artifacts") or {"type": "mlflow"})
        if self.store.get("path"):
            self.store["path"] = os.path.abspath(str(self.store["path"]))
        self.limit = int(self.store.get("max_proxied") or MAX_PROXIED)
        self.leader = node_rank(env) == 0 or int((doc.get("distributed") or {}).get("nodes", 1)) == 1
        self.item = compact(doc["each"]) if doc.get("each") else ""
        self.found: Dict[str, Doc] = {}
        self.paths: Dict[str, str] = {}

    # Values

    def read_params(self) -> None:
        """Parameters by declared type: the trial's, the best values, the environment, the defaults, in this order."""
        best: Dict[str, Dict[str, str]] = {}
        for name, declared in (self.doc.get("params") or {}).items():
            kind, what, key = str(declared["type"]), "parameter " + name, "MLWRIGHT_PARAM_" + variable(name)
            node = str(declared.get("from") or "")
            if self.trial is not None and name in self.trial.params:
                self.params[name] = parse(self.trial.params[name], kind, what)
            elif node:
                if node not in best:
                    best[node] = self._best(node)
                if "best." + name not in best[node]:
                    raise StepError(NOT_FOUND, "%s: %s has no best value for it" % (what, node))
                self.params[name] = parse(best[node]["best." + name], kind, what)
            elif key in self.env:
                self.params[name] = parse(self.env[key], kind, what)
            elif "default" in declared:
                self.params[name] = typed(declared["default"], kind, what)
                parse(canonical(self.params[name], kind), kind, what)
            else:
                raise StepError(BAD_INPUT, "%s has no value: set %s" % (what, key))

    def _best(self, node: str) -> Dict[str, str]:
        runs = self.tracking.finished(node)
        if not runs:
            raise StepError(NOT_FOUND, "%s has no finished run in pipeline run %s" % (node, self.tracking.run))
        return runs[0].params

    def texts(self) -> Dict[str, str]:
        """The parameters as canonical text."""
        return {n: canonical(v, self.doc["params"][n]["type"]) for n, v in self.params.items()}

    def value(self, path: str) -> Json:
        """What a reference means, typed; inputs are fetched only where their path is needed (`text`)."""
        doc, (head, _, rest) = self.doc, path.partition(".")
        if path in (doc.get("inputs") or {}):
            found = self.locate(path)
            return found["value"] if "value" in found else self.fetch(path)
        if head == "params" and rest in self.params:
            return self.params[rest]
        if head == "outputs" and rest in (doc.get("outputs") or {}):
            return os.path.join(self.outputs, rest)
        if head == "data" and rest in (doc.get("data") or {}):
            return self.data(rest)
        if head == "data" and rest.endswith(".uri") and rest[:-4] in (doc.get("data") or {}):
            return doc["data"][rest[:-4]].get("uri") or doc["data"][rest[:-4]]["source"]
        if head == "each" and rest in (doc.get("each") or {}):
            return doc["each"][rest]
        if head == "secrets" and "." in rest:
            secret, _, key = rest.partition(".")
            return self.secret(secret, key)
        known = {
            "run.id": self.tracking.run,
            "run.date": time.strftime("%Y-%m-%d", time.gmtime()),
            "trial.name": self.trial.number if self.trial else "",
            "environment.name": str(doc.get("environment", "")),
            "metadata.name": str(doc.get("project", "")),
        }
        if path in known:
            return known[path]
        if path == "run.status":
            return self.env.get("MLWRIGHT_RUN_STATUS") or self.tracking.outcome()
        if head == "event":
            return self._event(rest)
        raise StepError(BAD_INPUT, "the step document does not say what ${%s} is" % path)

    def _event(self, path: str) -> Json:
        value: Json = {"body": parse(self.env.get("MLWRIGHT_EVENT", "{}"), "json", "MLWRIGHT_EVENT")}
        for part in path.split("."):
            if not isinstance(value, dict) or part not in value:
                raise StepError(BAD_INPUT, "the event that started this run has no %s" % path)
            value = value[part]
        return value

    def text(self, path: str) -> str:
        """What a reference means, as the text that a program receives."""
        head, _, name = path.partition(".")
        if head == "params" and name in self.params:
            return canonical(self.params[name], self.doc["params"][name]["type"])
        value = self.value(path)
        return "" if value is None else plain_text(value)

    def fill(self, parts: Json) -> str:
        """A list of texts and references as one text."""
        parts = parts if isinstance(parts, list) else [parts]
        return "".join(p if isinstance(p, str) else self.text(str(p["ref"])) for p in parts)

    def secret(self, name: str, key: str) -> str:
        """A secret's key: from its own variable, else from the variable of the key's own name."""
        own = "MLWRIGHT_SECRET_%s__%s" % (variable(name), variable(key))
        for source in (own, key):
            if source in self.env:
                return self.env[source]
        raise StepError(BAD_INPUT, "secret %s has no key %s here: set %s" % (name, key, own))

    def true(self, condition: Json) -> bool:
        """Whether a condition holds; its result has to be true or false."""
        result = self._evaluate(condition)
        if not isinstance(result, bool):
            raise StepError(BAD_INPUT, "when: %s is neither true nor false" % compact(result))
        return result

    def _evaluate(self, node: Json) -> Json:
        if isinstance(node, dict):
            return node["lit"] if "lit" in node else self.value(str(node["ref"]))
        word, arguments = node[0], node[1:]
        if word in ("and", "or"):
            decisive = word == "or"
            for argument in arguments:
                if self.true(argument) is decisive:
                    return decisive
            return not decisive
        if word == "not":
            return not self.true(arguments[0])
        left, right = (self._evaluate(a) for a in arguments)
        return compare(word, left, right)

    # Inputs

    def locate(self, path: str) -> Doc:
        """Where an input is, without fetching it: `digest`, and `value` or `records` ([item, run, record])."""
        if path not in self.found:
            self.found[path] = self._locate(path, self.doc["inputs"][path])
        return self.found[path]

    def _locate(self, path: str, wanted: Doc) -> Doc:
        if "model" in wanted:
            return self._locate_model(path, wanted)
        step = str(wanted["step"])
        runs = self.tracking.finished(step)
        if not runs:
            if any(n["step"] == step and n.get("optional") for n in self.doc.get("needs") or []):
                return {"value": None, "digest": "skipped"}
            raise StepError(
                NOT_FOUND, "input %s: %s has no finished run in pipeline run %s" % (path, step, self.tracking.run)
            )
        many = bool(runs[0].tags.get("mlwright.item"))
        if "metric" in wanted:
            how, goal = str(wanted.get("reduce") or "last"), wanted.get("goal")
            values = {
                r.tags.get("mlwright.item", ""): self.tracking.metric(r, wanted["metric"], how, goal) for r in runs
            }
            if None in values.values():
                raise StepError(NOT_FOUND, "input %s: %s logged no metric %s" % (path, step, wanted["metric"]))
            value: Json = values if many else values[""]
            return {"value": value, "digest": digest(value)}
        records: List[Tuple[str, Run, Doc]] = []
        for run in runs:
            tag = run.tags.get("mlwright.output." + wanted["output"])
            if tag is None:
                raise StepError(NOT_FOUND, "input %s: %s has no output %s" % (path, step, wanted["output"]))
            records.append((run.tags.get("mlwright.item", ""), run, json.loads(tag)))
        if not many and records[0][2]["kind"] == "value" and "value" in records[0][2]:
            return {"value": records[0][2]["value"], "digest": records[0][2]["digest"]}
        return {"records": records, "many": many, "digest": digest([[i, r["digest"]] for i, _, r in records])}

    def _locate_model(self, path: str, wanted: Doc) -> Doc:
        if wanted.get("model_id"):
            uri, mark = "models:/" + str(wanted["model_id"]), str(wanted["model_id"])
        else:
            number, alias = str(wanted.get("version") or ""), str(wanted.get("alias") or "")
            version = self.models.version(str(wanted["model"]), number, "" if number else alias)
            if version is None:
                raise StepError(NOT_FOUND, "input %s: the registry has no such model version" % path)
            uri, mark = self.models.source(version), str(version.get("model_id") or version["version"])
        return {"uri": uri, "digest": mark}

    def fetch(self, path: str) -> str:
        """The local path of an input, downloaded once and held to its digest."""
        if path not in self.paths:
            found, wanted = self.locate(path), self.doc["inputs"][path]
            target = os.path.join(self.folder, "inputs", variable(path).lower(), str(wanted.get("output") or "model"))
            if "uri" in found:
                self.models.fetch(found["uri"], target, str(wanted.get("digest") or ""))
            elif found["many"]:
                os.makedirs(target, exist_ok=True)
                for item, run, record in found["records"]:
                    name = os.path.join(target, entry(item))
                    self._fetch_record(path, run, record, str(wanted["output"]), name, link=False)
            else:
                _, run, record = found["records"][0]
                target = self._fetch_record(path, run, record, str(wanted["output"]), target, link=True)
            self.paths[path] = target
        return self.paths[path]

    def _fetch_record(self, what: str, run: Run, record: Doc, name: str, target: str, link: bool) -> str:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        owner = str(record.get("run_id") or run.id)
        if record["kind"] == "value" and "value" in record:
            with open(target, "w", encoding="utf-8") as stream:
                stream.write(plain_text(record["value"]))
            return target
        if record["kind"] == "model":
            self.models.fetch("models:/" + record["model_id"], target, record["digest"])
            return target
        folder = self._folder(what)
        if folder:
            place = os.path.join(folder, owner, "outputs", name)
            if not os.path.exists(place):
                raise StepError(NOT_FOUND, "input %s: %s is gone" % (what, place))
            verify(place, record["digest"], "input " + what)
            if link:
                return place
            os.symlink(place, target)
            return target
        base = (run if owner == run.id else self.tracking.get(owner)).artifacts
        try:
            if record["kind"] == "dir":
                content = json.loads(self.artifacts.read(base, "mlwright/manifests/%s.json" % name))
                need_space(os.path.dirname(target), sum(f["size"] for f in content["files"]), "input " + what)
                self.artifacts.get_tree(base, "mlwright/outputs/" + name, target, [f["path"] for f in content["files"]])
                for empty in content["folders"]:
                    os.makedirs(os.path.join(target, empty), exist_ok=True)
            else:
                self.artifacts.get(base, "mlwright/outputs/%s/%s" % (name, name), target)
        except ServerError as error:
            raise StepError(NOT_FOUND, "input %s cannot be fetched: %s" % (what, error)) from None
        verify(target, record["digest"], "input " + what)
        return target

    def _folder(self, path: str) -> str:
        """Where an input's files are, in folders called after runs; empty: behind the tracking server. An engine that
        carries files itself gives each step's in a folder of its own (`inputs`)."""
        if "inputs" in self.store:
            return str(self.store["inputs"].get(self.doc["inputs"][path]["step"], ""))
        return str(self.store["path"]) if self.store["type"] == "directory" else ""

    def _kept(self, run_id: str, name: str) -> str:
        return os.path.join(str(self.store["path"]), run_id, "outputs", name)

    def data(self, name: str) -> str:
        """The local path (or, with access `uri`, the address) of a data source."""
        wanted = self.doc["data"][name]
        if wanted.get("access", "download") == "uri":
            return str(wanted["source"])
        key = "data." + name
        if key not in self.paths:
            env = dict(self.env)
            for one in [str(wanted["secret"])] if wanted.get("secret") else []:
                env.update(self.exported([one]))
            self.paths[key] = fetch_data(name, str(wanted["source"]), os.path.join(self.folder, "data", name), env)
        return self.paths[key]

    def exported(self, names: Sequence[str]) -> Dict[str, str]:
        """The keys of these secrets under their own names."""
        keys = self.doc.get("secret_keys") or {}
        return {k: self.secret(n, k) for n in names for k in keys.get(n, [])}


def entry(item: str) -> str:
    """The file name of a `for_each` item, given its canonical JSON: its values joined by `-`."""
    values = "-".join(plain_text(v) for _, v in sorted(json.loads(item).items()))
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in values)
    return safe if safe == values and safe.strip(".") else "%s-%s" % (safe[:40].strip("."), digest(item)[:8])


def compare(word: str, left: Json, right: Json) -> bool:
    """A comparison between values of one type; `==` and `!=` between two types are false and true."""

    def number(value: Json) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool)

    if word == "in":
        if isinstance(right, list):
            return any(compare("==", left, r) for r in right)
        if isinstance(right, str) and isinstance(left, str):
            return left in right
        raise StepError(BAD_INPUT, "when: `in` needs a list or a string on its right, not %s" % compact(right))
    same = (number(left) and number(right)) or type(left) is type(right)
    if word in ("==", "!="):
        return (same and left == right) is (word == "==")
    if not same or not (number(left) or isinstance(left, str)):
        raise StepError(BAD_INPUT, "when: cannot compare %s %s %s" % (compact(left), word, compact(right)))
    answers = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
    if word not in answers:
        raise StepError(BAD_INPUT, "when: unknown operator %r" % word)
    return bool(answers[word])
