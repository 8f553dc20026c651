"""`mlwright promote` against a real tracking server, and the way of a project from an empty registry to a rollback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.remote.distribution import Distribution
from tests.unit.remote.registered import RUNTIME, Models, listing

from mlwright import ir
from mlwright.remote.client import Client
from mlwright.remote.versions import VersionError, entry

pytestmark = pytest.mark.server

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
defaults: {steps: {image: {ref: "demo:1", build: {context: .}}}}
training: {command: [train, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
evaluation:
  command: [evaluate, "${training.outputs.model}"]
  metrics: {auc: {goal: maximize}}
  gates: {better: {metric: auc, versus: champion}}
registry: {model: MODEL, from: "${training.outputs.model}", on_pass: {alias: challenger}}
serving:
  online:
    model: "${registry.MODEL@champion}"
    binding: locked
    variants: {next: {model: "${registry.MODEL@challenger}", traffic: 10}}
environments:
  prod: {platform: compose, default: true, tracking: TRACKING}
  stage: {platform: compose, tracking: TRACKING}
  dev: {platform: compose, tracking: TRACKING, serving: {online: {binding: run}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    models: Models
    model: str
    say: Callable[..., tuple[int, str]]

    @property
    def champion(self) -> str:
        return f"{self.model}@champion"

    def locked(self, environment: str = "prod") -> dict[str, str]:
        data: Any = yaml.safe_load(Path("mlproject.lock").read_text(encoding="utf-8"))
        entries = data["environments"].get(environment, {"models": {}})["models"]
        return {key.rpartition("@")[2]: entry["version"] for key, entry in entries.items()}


@pytest.fixture
def place(mlflow_server: str, images: Distribution, say: Callable[..., tuple[int, str]]) -> Place:
    model = f"m-{uuid.uuid4().hex[:10]}"
    tracking = f'{{server: {{type: external, url: "{mlflow_server}"}}}}'
    Path("mlproject.yaml").write_text(SPEC.replace("MODEL", model).replace("TRACKING", tracking), encoding="utf-8")
    return Place(models=Models(address=mlflow_server), model=model, say=say)


def test_the_challenger_becomes_champion_in_the_lock_alone(place: Place) -> None:
    place.models.version(place.model, "champion", "challenger")
    assert place.say("lock", "--env", "prod")[0] == 0
    place.models.version(place.model, "challenger")
    code, said = place.say("promote", place.champion)
    assert (code, said.splitlines()) == (
        0,
        [
            f"{place.champion} in prod: version 1 -> 2 (which @challenger points at)",
            "  serving.online                serves version 2 instead of 1, 90 % of requests",
            "  evaluation.gates.better       compares with version 2 instead of 1, at its next run",
            "  serving.online.variants.next  still serves version 1, 10 % of requests",
            "mlproject.lock: changed. Next: mlwright compile --env prod, then commit both",
            "registry: @champion is where it was; --apply moves it",
        ],
    )
    assert place.locked() == {"champion": "2", "challenger": "1"}
    assert place.models.aliases(place.model) == {"champion": "1", "challenger": "2"}
    code, said = place.say("promote", place.champion)
    assert (code, "version 2, as before" in said, "mlproject.lock: nothing to change" in said) == (0, True, True)


def test_what_the_gates_found_of_both_versions_is_said(place: Place) -> None:
    for value, alias in ((0.9, "champion"), (0.95, "challenger")):
        run = uuid.uuid4().hex
        made = place.models.version(place.model, alias, mlwright_run=run)
        home = place.models.rest("GET", "runs/get", run_id=made["run_id"])["run"]["info"]["experiment_id"]
        tags = {"mlwright.run": run, "mlwright.step": "evaluation"}
        tags["mlwright.gate.better"] = json.dumps({"passed": True, "value": value})
        pairs = [{"key": key, "value": text} for key, text in tags.items()]
        place.models.rest("POST", "runs/create", {"experiment_id": home, "tags": pairs})
    assert place.say("promote", place.champion, "--version", "1")[0] == 0
    code, said = place.say("promote", place.champion)
    assert (code, "  auc 0.9 -> 0.95, better\n" in said) == (0, True), said
    assert "  auc 0.95 -> 0.9, worse\n" in place.say("promote", place.champion, "--version", "1")[1]


def test_a_version_that_is_not_ready_is_refused(place: Place) -> None:
    place.models.version(place.model, "champion")
    client = Client(url=place.models.address)
    version = replace(client.version(place.model, "1"), status="PENDING_REGISTRATION")
    with pytest.raises(VersionError, match=r"is PENDING_REGISTRATION, not READY: there is 1 \(@champion\)"):
        entry(client, version, ir.Tracking(origin=ir.Origin(path=())))


def test_the_first_promotion_needs_no_lock(place: Place) -> None:
    place.models.version(place.model, "challenger")
    code, said = place.say("promote", place.champion)
    assert (code, f"{place.champion} in prod: version 1, the first (which" in said) == (0, True)
    assert place.locked() == {"champion": "1"}


def test_apply_moves_the_alias_and_marks_what_is_locked(place: Place) -> None:
    for _ in range(3):
        place.models.version(place.model, "challenger")
    mark = "mlwright.locked"
    assert place.say("promote", place.champion, "--version", "1", "--apply")[0] == 0
    assert place.say("promote", place.champion, "--version", "1", "--apply", "--env", "stage")[0] == 0
    assert place.models.tags(place.model, "1")[mark] == "prod,stage"
    code, said = place.say("promote", place.champion, "--version", "2", "--apply")
    assert (code, "registry: @champion points at version 2, read back" in said) == (0, True)
    assert place.models.aliases(place.model) == {"champion": "2", "challenger": "3"}
    assert [place.models.tags(place.model, str(number)).get(mark) for number in (1, 2, 3)] == ["stage", "prod", None]
    assert place.say("promote", place.champion, "--version", "2", "--apply", "--env", "stage")[0] == 0
    assert [place.models.tags(place.model, str(number)).get(mark) for number in (1, 2)] == [None, "prod,stage"]


def test_what_was_promoted_in_the_lock_first_can_be_applied_later(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.models.version(place.model, "challenger")
    assert place.say("promote", place.champion)[0] == 0
    code, said = place.say("promote", place.champion, "--version", "2", "--apply")
    assert (code, "mlproject.lock: nothing to change" in said) == (0, True)
    assert place.models.aliases(place.model)["champion"] == "2"
    assert place.models.tags(place.model, "2")["mlwright.locked"] == "prod"


def test_a_version_that_another_alias_locks_keeps_its_mark(place: Place) -> None:
    place.models.version(place.model, "champion", "challenger")
    place.models.version(place.model)
    assert place.say("promote", f"{place.model}@challenger", "--version", "1", "--apply")[0] == 0
    assert place.say("promote", place.champion, "--version", "1", "--apply")[0] == 0
    assert place.say("promote", place.champion, "--version", "2", "--apply")[0] == 0
    assert place.models.tags(place.model, "1")["mlwright.locked"] == "prod"


def test_a_version_that_does_not_exist_is_refused_with_those_that_do(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.models.version(place.model, "challenger")
    code, said = place.say("promote", place.champion, "--version", "9", "--apply")
    assert code == 1
    assert f"there is no version 9 of {place.model}: there is 2 (@challenger), 1 (@champion)" in said
    assert place.models.aliases(place.model)["champion"] == "1"
    assert not Path("mlproject.lock").exists()


def test_a_model_without_versions_is_refused(place: Place) -> None:
    code, said = place.say("promote", place.champion)
    assert (code, "has no model of that name" in said) == (1, True)
    place.models.rest("POST", "registered-models/create", {"name": place.model})
    code, said = place.say("promote", place.champion, "--version", "1")
    assert (code, "it has no version yet" in said) == (1, True)


def test_the_alias_that_registration_gives_needs_a_version(place: Place) -> None:
    place.models.version(place.model, "challenger")
    code, said = place.say("promote", f"{place.model}@challenger")
    assert (code, "with --version: there is 1 (@challenger)" in said) == (1, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["champion"], "write for example churn@champion"),
        (["MODEL@champion", "--version", "newest"], "is not the number of a version"),
        (["MODEL@champoin"], "did you mean MODEL@champion?"),
        (["MODEL@champion", "--env", "pord"], "did you mean 'prod'?"),
        (["MODEL@champion", "--env", "dev"], "--apply moves the alias there"),
    ],
)
def test_a_request_that_makes_no_sense_is_said(place: Place, words: list[str], said: str) -> None:
    code, shown = place.say("promote", *(word.replace("MODEL", place.model) for word in words))
    assert (code, said.replace("MODEL@", f"{place.model}@") in shown) == (2, True), shown


def test_without_a_default_environment_one_has_to_be_named(place: Place) -> None:
    text = Path("mlproject.yaml").read_text(encoding="utf-8").replace(", default: true", "")
    Path("mlproject.yaml").write_text(text, encoding="utf-8")
    code, said = place.say("promote", place.champion)
    assert (code, "choose an environment with --env: prod, stage, dev" in said) == (2, True)


def test_where_the_registry_decides_apply_moves_the_alias_and_the_lock_stays_away(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.models.version(place.model, "challenger")
    code, said = place.say("promote", place.champion, "--env", "dev", "--apply")
    assert (code, Path("mlproject.lock").exists()) == (0, False)
    assert "serving.online           serves what the run registers, as before (binding: run)\n" in said
    assert "evaluation.gates.better  compares with version 2 instead of 1, at its next run\n" in said
    assert place.models.aliases(place.model)["champion"] == "2"
    assert "mlwright.locked" not in place.models.tags(place.model, "2")


def test_a_server_that_does_not_answer_changes_nothing(place: Place) -> None:
    code, said = place.say("promote", place.champion, "--tracking-uri", "http://127.0.0.1:9")
    assert (code, "cannot reach http://127.0.0.1:9" in said) == (1, True)
    assert not Path("mlproject.lock").exists()


def manifests() -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in sorted(Path("manifests/prod/compose").rglob("*")) if path.is_file()
    }


def fetched(place: Place, document: dict[str, Any], folder: Path) -> tuple[int, str]:
    """The exit code of the launcher's serve program with this document, and what it finds in the model's folder."""
    inside = folder / "served"
    changed = {**document, "folder": str(inside), "command": {"argv": [["cat"], [f"{inside}/weights"]]}}
    (folder / "serve.json").write_text(json.dumps(changed), encoding="utf-8")
    env = {**os.environ, "MLFLOW_TRACKING_URI": place.models.address, "MLWRIGHT_RUN": "r"}
    words = [sys.executable, "-S", str(RUNTIME / "serve.py"), str(folder / "serve.json")]
    done = subprocess.run(words, capture_output=True, text=True, env=env, timeout=100)
    return done.returncode, done.stdout


def test_from_an_empty_registry_to_a_rollback(place: Place, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *identity, *words], check=True, capture_output=True, cwd=tmp_path)

    text = Path("mlproject.yaml").read_text(encoding="utf-8")
    variants = text[text.index("    variants:") : text.index("environments:")]
    Path("mlproject.yaml").write_text(text.replace(variants, ""), encoding="utf-8")
    git("init", "-q", "-b", "main")

    assert place.say("compile", "--env", "prod")[0] == 0
    nothing = manifests()
    assert not [path for path in nothing if "online" in path], "nothing is served before there is a version"

    weights = {"MLmodel": b"flavors: {}\n", "weights": b"weights of 1"}
    first = place.models.version(place.model, "champion", "challenger", files=weights)
    code, said = place.say("lock", "--update", "--env", "prod")
    assert (code, "mlproject.lock: 2 added" in said) == (0, True), said
    assert place.say("compile", "--env", "prod")[0] == 0
    served = manifests()
    compose = yaml.safe_load(served["manifests/prod/compose/compose.yaml"])
    assert "online" in compose["services"]
    document = yaml.safe_load(served["manifests/prod/compose/steps/online.json"])
    wanted = {"version": "1", "model_id": first["model_id"], "digest": listing(weights)}
    assert wanted.items() <= document["model"].items()
    assert fetched(place, document, tmp_path) == (0, "weights of 1")
    damaged = {**document, "model": {**document["model"], "digest": "sha256:" + "0" * 64}}
    assert fetched(place, damaged, tmp_path)[0] == 66, "what is served is held to the lock's digest"
    git("add", "mlproject.yaml", "mlproject.lock", "manifests")
    git("commit", "-qm", "serve")

    second = place.models.version(place.model, "challenger", mlwright_digest="sha256:" + "2" * 64)
    assert place.say("promote", place.champion, "--apply")[0] == 0
    assert place.say("compile", "--env", "prod")[0] == 0
    promoted = manifests()
    assert promoted.keys() == served.keys()
    changed = [path for path in served if served[path] != promoted[path]]
    folder = "manifests/prod/compose/"
    assert changed == [f"{folder}compose.yaml", f"{folder}steps/evaluation-gates.json", f"{folder}steps/online.json"]
    new = {
        number: {line.strip() for path in changed for line in lines[path].decode().splitlines()}
        for number, lines in ((1, served), (2, promoted))
    }
    pinned = {
        f'"version": "{second["version"]}",',
        f'"model_id": "{second["model_id"]}",',
        f'"uri": "{second["place"]}",',
        f'"digest": "sha256:{"2" * 64}"',
    }
    only = {line for line in new[2] - new[1] if "mlwright.revision" not in line}
    assert only == pinned, "a promotion changes the version, and nothing else"
    git("commit", "-qam", "promote")

    git("revert", "--no-edit", "HEAD")
    assert manifests() == served
    assert place.say("compile", "--env", "prod") == (0, "nothing to change\n")
    assert manifests() == served
