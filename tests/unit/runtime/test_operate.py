"""One operator's objects for an engine: made once, followed, removed; trials of a search as objects."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from api import serving
from clusters import Cluster, fitting, own, service, until

Json = dict[str, Any]

PODS = "/api/v1/namespaces/ml/pods"
TRAIN = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/ml/trainjobs"
WORKFLOW = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "name": "w", "uid": "u-1", "controller": True}


def train(**more: Any) -> Json:
    env = [{"name": "MLWRIGHT_RUN", "value": ""}]
    manifest = {"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {"name": "churn-train"}}
    manifest["spec"] = {"trainer": {"env": env}}
    return {"main": True, "names": [own("/metadata/name", "train")], "manifest": manifest | more}


class Engine(Cluster):
    """`operate.py` in a pod of a Workflow."""

    def document(self, *objects: Json, **fields: Any) -> Json:
        head = {k: v for k, v in self.pipeline.document("train").items() if k != "image_digest"}
        return fitting({**head, "kind": "operate", "objects": list(objects) or [train()], **fields})

    def begin(self, document: Json, **env: str) -> Any:
        return self.start(document, "operate.py", MLWRIGHT_POD="pod", **env)

    def operate(self, document: Json, **env: str) -> int:
        return self.ended(self.begin(document, **env))

    @property
    def trains(self) -> list[str]:
        return [path for path in self.api.objects if path.startswith(TRAIN)]

    def condition(self, path: str, kind: str, **status: Any) -> None:
        said = {"type": kind, "status": "True", "reason": "Why", "message": "because"}
        self.api.change(path, status={"conditions": [said], **status})

    def after(self, kind: str) -> None:
        """Ends the TrainJob as soon as it is there."""

        def work() -> None:
            until(lambda: self.trains)
            time.sleep(0.3)
            self.condition(self.trains[0], kind)

        threading.Thread(target=work, daemon=True).start()


@pytest.fixture
def engine(pipeline: Any) -> Iterator[Engine]:
    with serving() as api:
        api.add(PODS, {"metadata": {"name": "pod", "ownerReferences": [WORKFLOW]}})
        yield Engine(api, pipeline)


@pytest.mark.parametrize(("kind", "code"), [("Complete", 0), ("Succeeded", 0), ("Failed", 1)])
def test_an_object_is_made_for_the_run_and_ends_as_its_condition_says(engine: Engine, kind: str, code: int) -> None:
    engine.after(kind)
    assert engine.operate(engine.document(), MLWRIGHT_PARAM_LR="0.1") == code, engine.said
    made = engine.api.objects[engine.trains[0]]
    assert made["metadata"]["name"].startswith("churn-") and made["metadata"]["name"].endswith("-train")
    assert made["metadata"]["ownerReferences"] == [{k: v for k, v in WORKFLOW.items() if k != "controller"}]
    assert made["spec"]["trainer"]["env"] == [
        {"name": "MLWRIGHT_RUN", "value": engine.pipeline.run},
        {"name": "MLWRIGHT_PARAM_LR", "value": "0.1"},
    ]
    assert ("Why: because" in engine.said) is bool(code)


def test_who_is_started_again_takes_over_what_is_there(engine: Engine) -> None:
    document = engine.document()
    process = engine.begin(document)
    until(lambda: engine.trains)
    process.kill()
    process.wait()
    engine.after("Complete")
    assert engine.operate(document) == 0
    assert len([path for path in engine.api.made if path.startswith(TRAIN)]) == 1


def test_another_attempt_of_the_engine_is_another_attempt(engine: Engine) -> None:
    document = engine.document()
    engine.after("Failed")
    assert engine.operate(document) == 1
    process = engine.begin(document)
    until(lambda: len([path for path in engine.api.made if path.startswith(TRAIN)]) == 2)
    engine.condition(engine.trains[0], "Complete")
    assert engine.ended(process) == 0, engine.said
    assert "failed before: another attempt" in engine.said


def test_a_failure_that_nobody_was_told_of_is_told_first(engine: Engine) -> None:
    document = engine.document()
    process = engine.begin(document)
    until(lambda: engine.trains)
    process.kill()
    process.wait()
    engine.condition(engine.trains[0], "Failed")
    assert engine.operate(document) == 1
    assert len([path for path in engine.api.made if path.startswith(TRAIN)]) == 1


@pytest.mark.parametrize(("on_stop", "left"), [("delete", 0), ("leave", 1)])
def test_a_signal_removes_the_objects_or_leaves_them(engine: Engine, on_stop: str, left: int) -> None:
    process = engine.begin(engine.document(on_stop=on_stop))
    until(lambda: engine.trains)
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert engine.ended(process) == 143
    assert len(engine.trains) == left


def test_what_an_object_needs_is_made_before_it_and_gone_after_it(engine: Engine) -> None:
    engine.after("Complete")
    assert engine.operate(engine.document(service("train"), train())) == 0
    made = [path.split("/")[-2] for path in engine.api.made]
    assert made == ["services", "trainjobs"]
    assert [path.split("/")[-2] for path in engine.api.deleted] == ["services"]


def test_a_step_that_is_skipped_makes_nothing(engine: Engine) -> None:
    step = engine.pipeline.document("train", command={"argv": [["x"]]}, when={"lit": False})
    assert engine.operate(engine.document(document=step)) == 0
    assert engine.api.made == []
    assert engine.pipeline.only(step="steps.train")["tags"]["mlwright.status"] == "skipped"


def test_each_item_has_an_object_of_its_own(engine: Engine) -> None:
    engine.after("Complete")
    assert engine.operate(engine.document(), MLWRIGHT_ITEM="2") == 0
    made = engine.api.objects[engine.trains[0]]
    assert made["metadata"]["name"].endswith("-train-2")
    assert {"name": "MLWRIGHT_ITEM", "value": "2"} in made["spec"]["trainer"]["env"]


def test_a_pod_that_is_not_there_is_said(engine: Engine) -> None:
    engine.api.remove(f"{PODS}/pod")
    assert engine.operate(engine.document()) == 64
    assert "MLWRIGHT_POD must name the pod that this is, not 'pod'" in engine.said


# Searches

SPACE = {"lr": {"type": "float", "min": 0.0, "max": 1.0}, "kind": {"type": "string", "values": ["a", "b c"]}}


def trial(engine: Engine, **fields: Any) -> Json:
    document = engine.pipeline.document("t", command={"argv": [["x"]]})
    objective = {"metric": "auc", "goal": "maximize", "reduce": "best"}
    params = {name: {"type": declared["type"]} for name, declared in SPACE.items()}
    more = {"kind": "trial", "step": "steps.train.trial", "tuning": "steps.train", "objective": objective}
    return {**document, **more, "space": SPACE, "params": params, "retrain": True, **fields}


class Search(ThreadingHTTPServer):
    """A search of two trials that has the second one stopped."""

    def __init__(self, tuning: str) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.tuning, self.asked, self.told, self.reported = tuning, 0, [], []  # type: ignore[var-annotated]

    def answer(self, path: str, body: Json) -> Json:
        if path == "/ask":
            self.asked += 1
            params = {"lr": "0.5", "kind": "b c"}
            more = {"trial": self.asked, "params": params, "tuning_run": self.tuning}
            return more if self.asked <= 2 else {"done": True}
        if path == "/report":
            self.reported.append((body["trial"], body["value"]))
        if path == "/tell":
            self.told.append({key: body.get(key) for key in ("trial", "status", "value")})
        return {"ok": True, "stop": body.get("trial") == 2}


class _Answers(BaseHTTPRequestHandler):
    server: Search

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = json.dumps(self.server.answer(self.path, body)).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: Any) -> None:
        return


def test_a_worker_makes_the_objects_of_each_trial_and_tells_what_their_launcher_logged(engine: Engine) -> None:
    tuning = engine.pipeline.make_run({"mlwright.kind": "tuning", "mlwright.step": "steps.train"}, "RUNNING")
    search = Search(tuning)
    threading.Thread(target=search.serve_forever, daemon=True).start()
    document = engine.document(trial=trial(engine), training="training")
    tags = {"mlwright.kind": "trial", "mlwright.step": "steps.train.trial"}
    address = {"MLWRIGHT_SEARCH_URL": f"http://127.0.0.1:{search.server_port}", "MLWRIGHT_HEARTBEAT": "0.5"}
    address["JOB_COMPLETION_INDEX"] = "1"
    for worker in ("0", "1"):
        labels = {"mlwright.dev/run": engine.pipeline.run, "mlwright.dev/worker": worker}
        engine.api.add(TRAIN, {"metadata": {"name": f"of-{worker}", "labels": labels}})
    process = engine.begin(document, **address)
    until(lambda: f"{TRAIN}/of-1" in engine.api.deleted)
    engine.api.remove(f"{TRAIN}/of-0")  # another worker's: it was left alone
    until(lambda: engine.trains)
    (first,) = engine.trains
    assert first.endswith("-train-t1")
    env = {entry["name"]: entry["value"] for entry in engine.api.objects[first]["spec"]["trainer"]["env"]}
    assert (env["MLWRIGHT_TRIAL"], env["MLWRIGHT_PARAM_LR"], env["MLWRIGHT_PARAM_KIND"]) == ("1", "0.5", "1")
    engine.pipeline.make_run({**tags, "mlwright.trial": "1"}, "FINISHED", {"auc": 0.75})
    until(lambda: search.reported)
    engine.condition(first, "Complete")
    code = engine.ended(process)
    assert code == 0, engine.said
    assert search.told == [
        {"trial": 1, "status": "succeeded", "value": 0.75},
        {"trial": 2, "status": "failed", "value": None},
    ]
    assert search.reported[0] == (1, 0.75)
    assert engine.trains == [first]  # the second was stopped before it had a run: no value, and no object any more
    search.shutdown()
    search.server_close()


def test_a_katib_experiment_is_a_tuning_run_with_its_best_parameters(engine: Engine) -> None:
    path = "/apis/kubeflow.org/v1beta1/namespaces/ml/experiments"
    manifest = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment", "metadata": {"name": "churn-train"}}
    wanted = {"main": True, "names": [own("/metadata/name", "train")], "manifest": {**manifest, "spec": {}}}
    document = engine.document(wanted, trial=trial(engine, retrain=False), training="training")
    process = engine.begin(document)
    until(lambda: any(name.startswith(path) for name in engine.api.objects))
    (found,) = [name for name in engine.api.objects if name.startswith(path)]
    tuning = engine.pipeline.only(kind="tuning")
    assert tuning["status"] == "RUNNING"
    tags = {"mlwright.kind": "trial", "mlwright.step": "steps.train.trial", "mlwright.trial": "x-abc"}
    engine.pipeline.make_run(tags, "FINISHED", {"auc": 0.9})
    best = {
        "bestTrialName": "x-abc",
        "parameterAssignments": [{"name": "lr", "value": "0.25"}, {"name": "kind", "value": "1"}],
        "observation": {"metrics": [{"name": "auc", "latest": "0.7", "max": "0.9", "min": "0.1"}]},
    }
    engine.condition(found, "Succeeded", currentOptimalTrial=best, trialsSucceeded=4)
    assert engine.ended(process) == 0, engine.said
    tuning = engine.pipeline.only(kind="tuning")
    assert (tuning["status"], tuning["metrics"]) == ("FINISHED", {"best.auc": 0.9})
    assert tuning["params"] == {"best.lr": "0.25", "best.kind": "b c"}
    stood_in = engine.pipeline.only(step="training")
    assert (stood_in["status"], stood_in["tags"]["mlwright.trial"]) == ("FINISHED", "x-abc")
    assert engine.operate(document) == 0
    assert len(engine.pipeline.runs(kind="tuning")) == 1


def test_an_experiment_without_a_best_trial_fails(engine: Engine) -> None:
    document = engine.document(trial=trial(engine), training="training")
    engine.after("Succeeded")
    assert engine.operate(document) == 1
    assert engine.pipeline.only(kind="tuning")["status"] == "FAILED"
    assert "no trial succeeded with a value" in engine.pipeline.only(kind="tuning")["tags"]["mlwright.reason"]


def test_a_trial_that_was_stopped_early_is_not_the_best_and_its_run_says_so(engine: Engine) -> None:
    path = "/apis/kubeflow.org/v1beta1/namespaces/ml/experiments"
    manifest = {"apiVersion": "kubeflow.org/v1beta1", "kind": "Experiment", "metadata": {"name": "churn-train"}}
    wanted = {"main": True, "names": [own("/metadata/name", "train")], "manifest": {**manifest, "spec": {}}}
    process = engine.begin(engine.document(wanted, trial=trial(engine), training="training"))
    until(lambda: any(name.startswith(path) for name in engine.api.objects))
    (found,) = [name for name in engine.api.objects if name.startswith(path)]
    tags = {"mlwright.kind": "trial", "mlwright.step": "steps.train.trial"}
    params = {"lr": "0.5", "kind": "a"}
    for name, status, value in (("x-1", "FINISHED", 0.7), ("x-2", "KILLED", 0.9), ("x-3", "FINISHED", 0.8)):
        engine.pipeline.make_run({**tags, "mlwright.trial": name}, status, {"auc": value}, params)
    best = {
        "bestTrialName": "x-2",
        "parameterAssignments": [{"name": "lr", "value": "0.25"}],
        "observation": {"metrics": [{"name": "auc", "latest": "0.9", "max": "0.9", "min": "0.9"}]},
    }
    status = {"currentOptimalTrial": best, "earlyStoppedTrialList": ["x-2"], "succeededTrialList": ["x-1", "x-3"]}
    engine.condition(found, "Succeeded", **status)
    assert engine.ended(process) == 0, engine.said
    tuning = engine.pipeline.only(kind="tuning")
    assert (tuning["params"], tuning["metrics"]) == ({"best.lr": "0.5", "best.kind": "a"}, {"best.auc": 0.8})
    assert tuning["tags"]["mlwright.best_trial"] == "x-3"
    stopped = engine.pipeline.only(trial="x-2")
    assert (stopped["status"], stopped["tags"]["mlwright.status"]) == ("FINISHED", "stopped")
