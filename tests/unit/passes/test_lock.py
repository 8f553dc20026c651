"""What the compiler reads from mlproject.lock, and where the pins go."""

from __future__ import annotations

import json

import pytest

from mlwright import ir
from mlwright.emit.stepdoc import gate_document, step_document
from mlwright.passes.lock import read_lock
from mlwright.source.files import Memory
from tests.unit.passes.understood import codes, program, task, understand

DIGEST = "sha256:" + "ab" * 32
WHOLE = """
defaults: {steps: {image: "acme/churn:1"}}
training: {command: [train, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
evaluation:
  command: [evaluate, "${training.outputs.model}"]
  metrics: {auc: {goal: maximize}}
  gates: {floor: {metric: auc, min: 0.5}, champion: {metric: auc, versus: champion}}
registry: {model: churn, from: "${training.outputs.model}", on_pass: {alias: challenger}}
steps: {score: {command: [score, "${registry.churn@champion}", "${registry.base@champion}"]}}
serving:
  online:
    model: "${registry.churn@champion}"
    binding: locked
    variants: {next: {model: "${registry.churn@challenger}", traffic: 10}}
environments: {prod: {platform: compose}}
"""
CHAMPION = {
    "version": "3",
    "model_id": "m-1",
    "run_id": "r",
    "source": "models:/m-1",
    "uri": "mlflow-artifacts:/1/models/m-1/artifacts",
    "digest": DIGEST,
}


class Places:
    """Nothing here is stored or read anywhere."""

    def storage(self, name: str) -> str:
        return name

    def data(self, source: ir.DataSource) -> tuple[str, str]:
        return "path", source.source


def locked(environment: str = "prod", images: object = None, **models: dict[str, str]) -> str:
    """The text of a lock; `_at_` in a name stands for `@`."""
    entries = {name.replace("_at_", "@"): entry for name, entry in models.items()}
    return json.dumps({"environments": {environment: {"models": entries}}, "images": images or {}})


def both(**more: dict[str, str]) -> dict[str, str]:
    return {"mlproject.lock": locked(churn_at_champion=CHAMPION, base_at_champion={"version": "7"}, **more)}


def test_endpoints_steps_and_gates_get_the_version_that_is_locked() -> None:
    project = program(WHOLE, **both())
    assert [(pin.model, pin.version) for pin in task(project, "steps.score").pins] == [("churn", "3"), ("base", "7")]
    (gates,) = [node for node in project.nodes if isinstance(node, ir.Gates)]
    assert {gate.name: gate.version for gate in gates.gates} == {"floor": "", "champion": "3"}
    (online,) = project.services
    assert (online.source.version, online.source.model_id, online.source.digest) == ("3", "m-1", DIGEST)
    assert online.variants == ()


def test_a_step_document_names_the_locked_version_and_what_its_files_must_be() -> None:
    project = program(WHOLE, **both())
    inputs = step_document(project, task(project, "steps.score"), Places())["inputs"]
    assert inputs == {
        "registry.churn@champion": {
            "model": "churn",
            "alias": "champion",
            "version": "3",
            "model_id": "m-1",
            "digest": DIGEST,
        },
        "registry.base@champion": {"model": "base", "alias": "champion", "version": "7"},
    }


def test_without_an_entry_steps_and_gates_look_the_alias_up_when_they_run() -> None:
    project = program(WHOLE, **{"mlproject.lock": locked(base_at_champion={"version": "7"})})
    assert [pin.model for pin in task(project, "steps.score").pins] == ["base"]
    (gates,) = [node for node in project.nodes if isinstance(node, ir.Gates)]
    assert "version" not in json.dumps(gate_document(project, gates)["gates"])
    assert project.services == ()


def test_another_environments_entries_pin_nothing() -> None:
    found = codes(WHOLE, **{"mlproject.lock": locked("stage", churn_at_champion=CHAMPION)})
    assert found == ["REG001"]  # nobody makes `base`, and prod pins none


def test_a_promotion_is_no_other_program() -> None:
    one = program(WHOLE, **both())
    two = program(WHOLE, **both(churn_at_challenger={"version": "4"}))
    assert one.spec_digest == two.spec_digest
    assert [variant.source.version for service in two.services for variant in service.variants] == ["4"]


def test_an_endpoint_that_serves_what_the_run_registers_is_not_pinned() -> None:
    project = program(WHOLE.replace("binding: locked", "binding: run"), **both())
    assert [service.source.version for service in project.services] == [""]


def image(found: ir.Project, node: str) -> ir.Image:
    return task(found, node).container.image


def test_an_image_gets_its_digest_and_what_it_starts() -> None:
    images = {"acme/churn:1": {"digest": DIGEST, "entrypoint": ["tini", "--"], "cmd": ["serve"]}}
    text = WHOLE.replace('"${registry.base@champion}"', "x")
    found = image(program(text, **{"mlproject.lock": locked(images=images)}), "training")
    assert (found.digest, found.entrypoint, found.cmd) == (DIGEST, ("tini", "--"), ("serve",))


def test_an_image_that_is_built_on_this_machine_has_no_digest_there() -> None:
    images = {"acme/churn:1": {"digest": DIGEST}}
    text = WHOLE.replace('"acme/churn:1"', '{ref: "acme/churn:1", build: {context: .}}')
    text = text.replace('"${registry.base@champion}"', "x")
    project = program(text, **{"mlproject.lock": locked(images=images), "Dockerfile": "FROM x\n"})
    assert image(project, "training").digest == ""


STEP = 'steps: {{s: {{image: "acme/tool:2"{more}}}}}\n'
ENTRY = {"acme/tool:2": {"digest": DIGEST, "entrypoint": ["tini", "--"], "cmd": ["serve", "-v"]}}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("", ["tini", "--", "serve", "-v"]),
        (", args: [now]", ["tini", "--", "now"]),
        (", command: [x]", ["x"]),
        (", command: [x], args: [z]", ["x", "z"]),
    ],
)
def test_without_a_command_the_images_own_words_are_started_as_an_engine_would(more: str, words: list[str]) -> None:
    project = program(STEP.format(more=more), **{"mlproject.lock": locked(images=ENTRY)})
    command = step_document(project, task(project, "steps.s"), Places())["command"]
    assert command == {"argv": [[word] for word in words]}


@pytest.mark.parametrize("more", ["", ", args: [now]"])
def test_without_a_command_and_without_an_entry_nobody_knows_what_to_start(more: str) -> None:
    assert codes(STEP.format(more=more)) == ["LOCK004"]
    bare = {"acme/tool:2": {"digest": DIGEST}}
    assert codes(STEP.format(more=more), **{"mlproject.lock": locked(images=bare)}) == ["LOCK004"]


def test_the_tracking_servers_image_is_pinned_too() -> None:
    images = {"ghcr.io/mlflow/mlflow:v3.17.2-full": {"digest": DIGEST}}
    text = WHOLE.replace('"${registry.base@champion}"', "x")
    project = program(text, **{"mlproject.lock": locked(images=images)})
    assert project.tracking.image.digest == DIGEST


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("models: {}\n", "mlproject.lock:1:9"),
        ("environments:\n  prod: {models: {m@a: {version: newest}}}\n", "mlproject.lock:2:34"),
        ("environments:\n  prod: {models: {m@a: {version: '0'}}}\n", "mlproject.lock:2:34"),
        ("environments:\n  prod: {models: {m@a: {version: true}}}\n", "mlproject.lock:2:34"),
        ("environments:\n  prod: {models: {m@a: {version: '1', run_id: [r]}}}\n", "mlproject.lock:2:47"),
        ("images: {x: {digest: sha256:abc}}\n", "mlproject.lock:1:22"),
        ("images: {x: {digest: 'sha256:%s', cmd: run}}\n" % ("0" * 64), "mlproject.lock:1:102"),
    ],
)
def test_what_is_not_a_lock_is_refused_where_it_stands(text: str, place: str) -> None:
    lock, found = read_lock(Memory({"mlproject.lock": text}), "mlproject.lock")
    assert [(item.code, str(item.span)) for item in found] == [("LOCK001", place)]
    assert (dict(lock.models), dict(lock.images)) == ({}, {})


def test_a_version_may_be_written_as_a_number() -> None:
    text = "environments: {p: {models: {m@a: {version: 3}}}}\n"
    lock, found = read_lock(Memory({"mlproject.lock": text}), "mlproject.lock")
    assert (len(found), lock.models["p", "m@a"].version) == (0, "3")


def test_a_damaged_lock_stops_what_depends_on_it_and_hides_nothing_behind_it() -> None:
    found = understand(WHOLE, **{"mlproject.lock": "environments: [prod]\n"})
    assert [item.code for item in found.findings if item.severity == "error"] == ["LOCK001"]
    assert not found.ready


def test_a_folder_in_its_place_is_said() -> None:
    lock, found = read_lock(Memory({"mlproject.lock/x": ""}), "mlproject.lock")
    assert [(item.code, "is a folder" in item.message) for item in found] == [("LOCK001", True)]
    assert not lock.models


def test_an_unfinished_merge_is_said_as_such() -> None:
    text = "environments:\n<<<<<<< HEAD\n  a: {}\n=======\n  b: {}\n>>>>>>> x\n"
    found = understand(WHOLE, **{"mlproject.lock": text})
    assert [(item.code, str(item.span)) for item in found.findings if item.severity == "error"] == [
        ("LOCK003", "mlproject.lock:2:1")
    ]
