#!/usr/bin/env python3
"""Tells Kubeflow Pipelines what a project runs, and when: `python3 -S submit.py DOCUMENT.json`, in a Job.

Finds each pipeline and version by name (uploads them where the API server keeps them in its database) and starts a
version that has not been started yet, where every change is to run; for a person or an event it starts one in any case.
The schedules become what the document says: recurring runs of the project that it does not list are removed. Run again,
it changes nothing.
Exit codes: 0 done, 1 refused by the API, 64 a wrong document, 69 the API is away.
"""

from __future__ import annotations

import os
import sys
import time

from kfpapi import Api
from program import read_document
from values import UNREACHABLE, StepError, compact, environment, parse, say, seconds, variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence

    Doc = Dict[str, Any]

MARK = "Made by mlwright for %s."
"""The description of a recurring run of ours, by which it is known."""


class Submission:
    """One document on its way to the API."""

    def __init__(self, doc: Doc, env: Mapping[str, str]) -> None:
        self.doc, self.env, self.api = doc, env, Api(str(doc["address"]), env)
        self.namespace = str(doc.get("namespace") or "")
        self.end = time.monotonic() + seconds(env, "MLWRIGHT_PATIENCE", 600.0)
        self._experiment = ""

    def submit(self) -> None:
        """All pipelines, then what is left of those that are gone."""
        wanted: Dict[str, Doc] = {}
        for pipeline in self.doc["pipelines"]:
            found = self._version(pipeline)
            if pipeline.get("start") == "always":
                self._start(pipeline, found, self.env.get("MLWRIGHT_JOB") or str(pipeline["version"]))
            elif pipeline.get("start"):
                self._start(pipeline, found, str(pipeline["version"]))
            if pipeline.get("schedule"):
                wanted[str(pipeline["name"])] = self._recurring(pipeline, found)
        if not self.doc.get("only"):
            self._schedules(wanted)

    # Pipelines and their versions

    def _version(self, pipeline: Doc) -> Doc:
        """The reference of the version that the document names."""
        name, version = str(pipeline["name"]), str(pipeline["version"])
        found = self._awaited("pipeline", name, self._pipelines, self._maker(pipeline))
        id = str(found["pipeline_id"])

        def versions() -> List[Doc]:
            return self.api.all("pipelines/%s/versions" % id, "pipeline_versions")

        upload = (lambda: self._upload(pipeline, id)) if pipeline.get("folder") else None
        made = self._awaited("version", version, versions, upload)
        return {"pipeline_id": id, "pipeline_version_id": str(made["pipeline_version_id"])}

    def _pipelines(self) -> List[Doc]:
        return self.api.all("pipelines", "pipelines", namespace=self.namespace)

    def _maker(self, pipeline: Doc) -> Any:
        if not pipeline.get("folder"):
            return None
        body = {"display_name": pipeline["name"], "description": pipeline.get("description") or ""}
        return lambda: self.api.post("pipelines", dict(body, namespace=self.namespace))

    def _upload(self, pipeline: Doc, id: str) -> Doc:
        texts = []
        for part in ("pipeline.json", "platform.json"):
            with open(os.path.join(str(pipeline["folder"]), part), encoding="utf-8") as stream:
                texts.append(stream.read().rstrip("\n"))
        say("uploading %s" % pipeline["version"])
        content = "\n---\n".join(texts) + "\n"
        return self.api.upload("pipelines/upload_version", content, name=str(pipeline["version"]), pipelineid=id)

    def _awaited(self, what: str, name: str, look: Any, make: Any) -> Doc:
        """What is called `name`: found, made, or waited for where a controller has yet to see the object."""
        pause = 1.0
        while True:
            for one in look():
                if name in (one.get("name"), one.get("display_name")):
                    return dict(one)
            if make is not None:
                made = make()
                say("%s %s is there now" % (what, name))
                return dict(made)
            if time.monotonic() + pause > self.end:
                raise StepError(
                    UNREACHABLE,
                    "%s does not know the %s %s: is the object applied, and does its API server keep pipelines in the "
                    "cluster (kubeflow.pipelines.store in the platform file)?" % (self.api.address, what, name),
                )
            time.sleep(pause)
            pause = min(pause * 2, 15.0)

    # Runs

    @property
    def experiment(self) -> str:
        """The id of the experiment that runs are listed under; made when it is missing."""
        if not self._experiment:
            name = str(self.doc["owner"])
            known = self.api.all("experiments", "experiments", namespace=self.namespace)
            found = [one for one in known if one.get("display_name") == name]
            body = {"display_name": name, "namespace": self.namespace}
            self._experiment = str((found[0] if found else self.api.post("experiments", body))["experiment_id"])
        return self._experiment

    def _start(self, pipeline: Doc, version: Doc, name: str) -> None:
        """A run of this name, unless there is one."""
        known = self.api.all(
            "runs", "runs", namespace=self.namespace, experiment_id=self.experiment, filter=_called(name)
        )
        if any(one.get("display_name") == name for one in known):
            say("run %s was started before" % name)
            return
        given = self._given(pipeline.get("params") or {})
        self.api.post("runs", dict(self._run(version), display_name=name, runtime_config={"parameters": given}))
        say("run %s is started" % name)

    def _given(self, types: Mapping[str, str]) -> Doc:
        """What our variables say of parameters, as the API wants it: numbers and truth values by type, else text."""
        found: Doc = {}
        for name, kind in types.items():
            text = self.env.get("MLWRIGHT_PARAM_" + variable(name))
            if text is not None:
                value = parse(text, kind, "params." + name)
                found[name] = value if kind in ("int", "float", "bool") else text
        if "MLWRIGHT_EVENT" in self.env:
            found["mlwright-event"] = self.env["MLWRIGHT_EVENT"]
        return found

    def _run(self, version: Doc) -> Doc:
        return {
            "experiment_id": self.experiment,
            "pipeline_version_reference": version,
            "runtime_config": {"parameters": {}},
            "service_account": self.doc["account"],
        }

    # Schedules

    def _recurring(self, pipeline: Doc, version: Doc) -> Doc:
        schedule = pipeline["schedule"]
        return dict(
            self._run(version),
            display_name=pipeline["name"],
            description=MARK % self.doc["owner"],
            namespace=self.namespace,
            trigger={"cron_schedule": {"cron": schedule["cron"]}},
            max_concurrency=str(schedule["max_concurrency"]),
            no_catchup=True,
            mode="ENABLE" if schedule["enabled"] else "DISABLE",
        )

    def _schedules(self, wanted: Mapping[str, Doc]) -> None:
        """Recurring runs have no update: what differs is made anew, the old one removed when the new one is there."""
        ours = MARK % self.doc["owner"]
        known = self.api.all("recurringruns", ("recurringRuns", "recurring_runs"), namespace=self.namespace)
        left = dict(wanted)
        gone = []
        for one in known:
            if one.get("description") != ours:
                continue
            name = str(one.get("display_name"))
            if name in left and _same(one, left[name]):
                self._switch(one, left.pop(name))
            else:
                gone.append(one)
        for name, body in left.items():
            self.api.post("recurringruns", body)
            say("schedule %s: %s, %s" % (name, body["trigger"]["cron_schedule"]["cron"], body["mode"].lower()))
        for one in gone:
            self.api.delete("recurringruns/%s" % one["recurring_run_id"])
            say("schedule %s of an earlier version is removed" % one.get("display_name"))

    def _switch(self, known: Doc, wanted: Doc) -> None:
        """Puts a schedule on or off."""
        on = str(known.get("status") or known.get("mode") or "").startswith("ENABLE")
        if on != (wanted["mode"] == "ENABLE"):
            verb = "enable" if wanted["mode"] == "ENABLE" else "disable"
            self.api.post("recurringruns/%s:%s" % (known["recurring_run_id"], verb), None)
            say("schedule %s: %sd" % (known.get("display_name"), verb))


def _called(name: str) -> str:
    """The API's filter for a name."""
    return compact({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def _same(known: Doc, wanted: Doc) -> bool:
    """Whether a recurring run is the one wanted, but for whether it is on."""

    def what(one: Doc) -> Optional[Sequence[Any]]:
        version = one.get("pipeline_version_reference") or {}
        cron = ((one.get("trigger") or {}).get("cron_schedule") or {}).get("cron")
        parameters = (one.get("runtime_config") or {}).get("parameters") or {}
        numbers = (str(one.get("max_concurrency") or ""), bool(one.get("no_catchup")))
        place = (one.get("service_account"), one.get("experiment_id"))
        return (version.get("pipeline_version_id"), cron, compact(parameters), *numbers, *place)

    return what(known) == what(wanted)


def main(argv: Sequence[str]) -> int:
    """The command line."""
    try:
        if len(argv) != 2:
            raise StepError(64, "usage: submit.py DOCUMENT.json")
        Submission(read_document(argv[1], ("submit",)), environment()).submit()
    except StepError as problem:
        say(str(problem))
        return problem.code
    except OSError as problem:
        say(str(problem))
        return 64
    except KeyError as problem:
        say("the document, or an answer of the API, lacks the field %s" % problem)
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
