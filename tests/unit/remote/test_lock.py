"""`mlwright lock` against a real tracking server and a registry that speaks the distribution API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.unit.remote.distribution import Distribution
from tests.unit.remote.registered import FILES, Models, listing

from mlwright import api

pytestmark = pytest.mark.server

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
defaults: {steps: {image: "HOST/train:1"}}
training: {command: [train, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
registry: {model: MODEL, from: "${training.outputs.model}", on_pass: {alias: challenger}}
serving: {online: {model: "${registry.MODEL@champion}", image: "HOST/serve:1", binding: locked}}
environments:
  prod: {platform: compose, tracking: {server: {type: external, url: "SERVER"}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A project whose servers are there: `model` is a name that is new to the tracking server."""

    models: Models
    images: Distribution
    model: str
    say: Callable[..., tuple[int, str]]

    def write(self, text: str = SPEC) -> None:
        for old, new in (("HOST", self.images.host), ("MODEL", self.model), ("SERVER", self.models.address)):
            text = text.replace(old, new)
        Path("mlproject.yaml").write_text(text, encoding="utf-8")

    @property
    def lock(self) -> str:
        return Path("mlproject.lock").read_text(encoding="utf-8")

    def data(self) -> Any:
        return yaml.safe_load(self.lock)


@pytest.fixture
def place(mlflow_server: str, images: Distribution, say: Callable[..., tuple[int, str]]) -> Place:
    found = Place(models=Models(address=mlflow_server), images=images, model=f"m-{uuid.uuid4().hex[:10]}", say=say)
    found.write()
    for name in ("train", "serve"):
        images.image(name, "1", Entrypoint=["python"], Cmd=[name])
    return found


def test_an_alias_and_the_images_become_entries_that_say_everything(place: Place) -> None:
    made = place.models.version(place.model, "champion", mlwright_digest="sha256:" + "d" * 64)
    train = place.images.image("train", "1", Entrypoint=["python"], Cmd=["train"])
    serve = place.images.image("serve", "1", Cmd=["serve"])
    python = place.images.image("library/python", "3.12-slim-bookworm", Cmd=["python3"])
    code, said = place.say("lock")
    assert (code, said.splitlines()[-1]) == (0, "mlproject.lock: 4 added")
    uri = made["place"]
    assert place.lock == (
        "# yaml-language-server: $schema=./schemas/lock.v1.schema.json\n"
        "# Written by `mlwright lock` and `mlwright promote`. Rolling back is reverting a commit of this file.\n"
        "environments:\n"
        "  prod:\n"
        "    models:\n"
        f"      {place.model}@champion:\n"
        '        version: "1"\n'
        f"        model_id: {made['model_id']}\n"
        f"        run_id: {quoted(made['run_id'])}\n"
        f"        source: models:/{made['model_id']}\n"
        f"        uri: {uri}\n"
        f"        digest: sha256:{'d' * 64}\n"
        "images:\n"
        f"  {quoted(place.images.host + '/serve:1')}:\n"
        f"    digest: {serve}\n"
        "    cmd:\n"
        "      - serve\n"
        f"  {quoted(place.images.host + '/train:1')}:\n"
        f"    digest: {train}\n"
        "    entrypoint:\n"
        "      - python\n"
        "    cmd:\n"
        "      - train\n"
        "  python:3.12-slim-bookworm:\n"
        f"    digest: {python}\n"
        "    cmd:\n"
        "      - python3\n"
    )
    schema = json.loads(Path(__file__).parents[3].joinpath("schemas/lock.v1.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(place.data())


def quoted(text: str) -> str:
    from mlwright.emit.yaml import scalar

    return scalar(text)


def test_what_is_locked_stays_until_update_and_check_says_that_it_has_moved_on(place: Place) -> None:
    place.models.version(place.model, "champion")
    assert place.say("lock")[0] == 0
    first = place.lock
    assert place.say("lock", "--check") == (0, "mlproject.lock: current\n")
    place.models.version(place.model, "champion")
    place.images.image("train", "1", Cmd=["newer"])
    assert place.say("lock") == (0, "mlproject.lock: nothing to add; --update follows what has moved on\n")
    code, said = place.say("lock", "--check")
    assert (code, place.lock) == (1, first)
    assert f"  ~ {place.model}@champion: version 1 -> version 2\n" in said
    assert said.splitlines()[-1] == "mlproject.lock: 2 moved on (mlwright lock --update)"
    code, said = place.say("lock", "--update")
    assert (code, said.splitlines()[-1]) == (0, "mlproject.lock: 2 moved")
    assert place.data()["environments"]["prod"]["models"][f"{place.model}@champion"]["version"] == "2"
    assert place.say("lock", "--check")[0] == 0


def test_a_file_that_says_it_already_is_not_touched(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.say("lock")
    before = Path("mlproject.lock").stat()
    assert place.say("lock", "--update")[0] == 0
    after = Path("mlproject.lock").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_an_alias_that_nobody_has_yet_is_said_and_is_no_failure(place: Place) -> None:
    code, said = place.say("lock")
    assert code == 0
    assert said.startswith(
        f"prod, at {place.models.address}:\n  . {place.model}@champion: no version has this alias yet"
    )
    assert "environments" not in place.data()
    assert place.say("lock", "--check")[0] == 0


def test_an_alias_that_is_gone_keeps_its_entry_and_check_objects(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.say("lock")
    before = place.lock
    place.models.rest("DELETE", "registered-models/alias", {"name": place.model, "alias": "champion"})
    code, said = place.say("lock", "--update")
    assert (code, place.lock) == (0, before)
    assert f"  ! {place.model}@champion stays version 1: " in said
    assert place.say("lock", "--check")[0] == 1


def test_a_server_that_does_not_answer_leaves_entries_as_they_were(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.say("lock")
    before = place.lock
    place.images.trouble[:] = [404] * 20
    code, said = place.say("lock", "--update", "--tracking-uri", "http://127.0.0.1:9")
    assert (code, place.lock) == (1, before)
    assert f"  ! {place.model}@champion stays version 1: cannot reach http://127.0.0.1:9" in said
    assert "3 gone from the registry, 1 could not be asked for" in said
    assert place.say("lock", "--check", "--tracking-uri", "http://127.0.0.1:9")[0] == 1


def test_what_can_be_resolved_is_written_though_something_else_cannot(place: Place) -> None:
    code, said = place.say("lock", "--tracking-uri", "http://127.0.0.1:9")
    assert code == 1
    assert f"  ! {place.model}@champion is not locked: cannot reach http://127.0.0.1:9" in said
    assert sorted(place.data()) == ["images"]


def test_entries_that_nothing_uses_are_dropped_and_other_environments_stay(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.say("lock")
    kept = place.lock
    entry = '      old@champion:\n        version: "4"\n'
    head, models, rest = kept.partition("    models:\n")
    stage = "  stage:\n    models:\n" + entry
    Path("mlproject.lock").write_text(head + models + entry + rest.replace("images:\n", stage + "images:\n"), "utf-8")
    code, said = place.say("lock", "--env", "prod")
    assert (code, said.splitlines()[-1]) == (0, "mlproject.lock: 1 dropped")
    assert place.data()["environments"]["stage"]["models"]["old@champion"]["version"] == "4"
    assert place.say("lock")[0] == 0
    assert place.lock == kept


def test_check_says_what_is_missing_and_what_is_too_much(place: Place) -> None:
    place.models.version(place.model, "champion")
    code, said = place.say("lock", "--check")
    assert (code, Path("mlproject.lock").exists()) == (1, False)
    assert said.splitlines()[-1] == "mlproject.lock: 4 added (mlwright lock --update)"
    place.say("lock")
    place.write(SPEC.replace(', image: "HOST/serve:1"', ""))
    code, said = place.say("lock", "--check")
    assert (code, said.splitlines()[-1]) == (1, "mlproject.lock: 1 no longer used (mlwright lock --update)")


def test_a_version_without_a_recorded_digest_gets_that_of_its_list_of_files(place: Place) -> None:
    for logged in (True, False):
        place.models.version(place.model, "champion", logged=logged)
        assert place.say("lock", "--update")[0] == 0
        entry = place.data()["environments"]["prod"]["models"][f"{place.model}@champion"]
        assert entry["digest"] == listing(FILES)
        assert ("model_id" in entry) is logged


def test_files_that_the_server_does_not_list_are_locked_without_a_digest(place: Place) -> None:
    made = place.models.version(place.model)
    body = {"name": place.model, "source": "s3://elsewhere/model", "run_id": made["run_id"]}
    place.models.rest("POST", "model-versions/create", body)
    place.models.point(place.model, "champion", "2")
    code, said = place.say("lock")
    assert code == 0
    assert f"  + {place.model}@champion = version 2: its files cannot be listed: no digest\n" in said
    entry = place.data()["environments"]["prod"]["models"][f"{place.model}@champion"]
    assert (entry["uri"], "digest" in entry) == ("s3://elsewhere/model", False)


def test_the_uri_is_in_the_object_store_where_the_spec_says_which(place: Place) -> None:
    store = (
        'tracking: {server: {type: deployed, image: "HOST/serve:1"}, artifacts: {type: s3, uri: "s3://acme/mlflow/"}}'
    )
    made = place.models.version(place.model, "champion")
    place.write(SPEC.replace('tracking: {server: {type: external, url: "SERVER"}}', store))
    code, said = place.say("lock", "--tracking-uri", place.models.address)
    assert code == 0, said
    entry = place.data()["environments"]["prod"]["models"][f"{place.model}@champion"]
    assert entry["uri"] == "s3://acme/mlflow/" + made["place"].removeprefix("mlflow-artifacts:/")


def test_an_image_that_is_built_here_is_said_and_not_asked_for(place: Place) -> None:
    place.write(SPEC.replace('image: "HOST/train:1"', 'image: {ref: "HOST/train:1", build: {context: .}}'))
    place.models.version(place.model, "champion")
    place.images.asked.clear()
    code, said = place.say("lock")
    assert code == 0
    assert f"  . {place.images.host}/train:1: built where it runs: it has no digest in a registry\n" in said
    assert not any("/train/" in path for _, path, _ in place.images.asked)


def test_on_a_cluster_an_image_that_is_built_is_asked_for_once_it_is_pushed(place: Place) -> None:
    text = SPEC.replace('image: "HOST/train:1"', 'image: {ref: "HOST/train:2", build: {context: .}}')
    place.write(text.replace("platform: compose", "platform: kubernetes"))
    code, said = place.say("lock")
    assert code == 0
    assert f"  . {place.images.host}/train:2: not pushed yet (" in said
    digest = place.images.image("train", "2")
    assert place.say("lock")[0] == 0
    assert place.data()["images"][f"{place.images.host}/train:2"]["digest"] == digest


STEPS = """\
evaluation:
  command: [evaluate, "${training.outputs.model}"]
  metrics: {auc: {goal: maximize}}
  gates: {better: {metric: auc, versus: best}}
steps:
  score: {command: [score, "${registry.MODEL@scorer}", "${registry.OTHER@champion}"]}
"""


def test_on_a_cluster_what_steps_read_and_gates_compare_with_is_locked_too(place: Place) -> None:
    place.write(
        (SPEC + STEPS).replace("platform: compose", "platform: kubernetes").replace("OTHER", f"{place.model}-x")
    )
    place.models.version(place.model, "champion", "scorer", "best")
    place.models.version(f"{place.model}-x", "champion")
    assert place.say("lock")[0] == 0
    found = place.data()["environments"]["prod"]["models"]
    assert [key.removeprefix(place.model) for key in found] == ["-x@champion", "@best", "@champion", "@scorer"]


def test_here_a_projects_own_models_are_looked_up_when_they_are_wanted(place: Place) -> None:
    place.write((SPEC + STEPS).replace("OTHER", f"{place.model}-x"))
    place.models.version(place.model, "champion", "scorer", "best")
    place.models.version(f"{place.model}-x", "champion")
    assert place.say("lock")[0] == 0, "though compile would say REG001: locking is what mends it"
    found = place.data()["environments"]["prod"]["models"]
    assert [key.removeprefix(place.model) for key in found] == ["-x@champion", "@champion"]
    assert not api.validate().failed


def test_what_a_container_without_a_command_starts_is_known_after_locking(place: Place) -> None:
    place.write(SPEC + 'steps: {report: {image: "HOST/serve:1", args: [now]}}\n')
    assert {item.code for item in api.validate().diagnostics if item.severity == "error"} == {"LOCK004"}
    assert place.say("lock")[0] == 0
    assert not api.compile().failed
    step = json.loads(Path("manifests/prod/compose/steps/report.json").read_text("utf-8"))
    assert step["command"] == {"argv": [["python"], ["now"]]}
    digest = place.data()["images"][f"{place.images.host}/serve:1"]["digest"]
    assert step["image_digest"] == digest
    compose = yaml.safe_load(Path("manifests/prod/compose/compose.yaml").read_text("utf-8"))
    assert compose["services"]["report"]["image"] == f"{place.images.host}/serve:1@{digest}"
    python = place.data()["images"]["python:3.12-slim-bookworm"]["digest"]
    assert compose["services"]["start"]["image"] == f"python:3.12-slim-bookworm@{python}", "ours are pinned as well"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("environments: [prod]\n", "LOCK001"),
        ("<<<<<<< HEAD\nimages: {}\n=======\n>>>>>>> x\n", "LOCK003"),
        ("images: {a\n", "YAML"),
    ],
)
def test_a_damaged_lock_is_never_written_over(place: Place, text: str, code: str) -> None:
    place.models.version(place.model, "champion")
    Path("mlproject.lock").write_text(text, encoding="utf-8")
    for words in (["lock"], ["lock", "--update"], ["promote", f"{place.model}@champion", "--version", "1"]):
        exit_code, said = place.say(*words)
        assert (exit_code, place.lock) == (1, text)
        assert f"error[{code}" in said


def test_a_project_that_cannot_be_understood_is_not_locked(place: Place) -> None:
    place.write(SPEC.replace("training.outputs.model", "training.outputs.modle"))
    code, said = place.say("lock")
    assert (code, Path("mlproject.lock").exists()) == (1, False)
    assert "did you mean" in said and "mlproject.lock: not looked at" in said


def test_a_folder_means_every_project_below_it(place: Place) -> None:
    place.models.version(place.model, "champion")
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "mlproject.yaml").write_bytes(Path("mlproject.yaml").read_bytes())
    Path("mlproject.yaml").unlink()
    code, said = place.say("lock", ".")
    assert code == 0
    assert [line for line in said.splitlines() if line.endswith("4 added")] == [
        "a/mlproject.lock: 4 added",
        "b/mlproject.lock: 4 added",
    ]
    assert Path("a/mlproject.lock").read_bytes() == Path("b/mlproject.lock").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "there is no file `nowhere`"),
        (["--env", "pord"], "did you mean 'prod'?"),
        (["--update", "--check"], "not allowed with"),
        (["--tracking-uri", "ftp://x"], "is not the http(s) address of an MLflow server"),
    ],
)
def test_a_request_that_makes_no_sense_is_said(place: Place, words: list[str], said: str) -> None:
    code, shown = place.say("lock", *words)
    assert (code, said in shown) == (1 if words == ["nowhere"] else 2, True), shown


def test_an_environment_without_a_server_is_said(place: Place) -> None:
    own = 'tracking: {server: {type: deployed, image: "HOST/serve:1"}}'
    place.write(SPEC.replace('compose, tracking: {server: {type: external, url: "SERVER"}}', f"kubernetes, {own}"))
    code, said = place.say("lock", "--env", "prod")
    assert (code, "give --tracking-uri or MLFLOW_TRACKING_URI" in said) == (2, True), said
    code, said = place.say("lock")
    assert (code, "is not locked: " in said and "--tracking-uri" in said) == (1, True)


def test_an_environment_of_run_has_no_lasting_server_and_that_is_no_failure(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.write(SPEC + "  here: {platform: local, default: true}\n")
    code, said = place.say("lock")
    assert code == 0, said
    assert f"  . {place.model}@champion is not locked: the environment here (platform local) has" in said
    assert place.say("lock", "--check")[0] == 0
    code, said = place.say("lock", "--env", "here")
    assert (code, "name one with --tracking-uri" in said) == (2, True)
    assert place.say("lock", "--env", "here", "--tracking-uri", place.models.address)[0] == 0
    assert sorted(place.data()["environments"]) == ["here", "prod"]


def test_a_schema_that_is_kept_elsewhere_stays_named(place: Place) -> None:
    place.models.version(place.model, "champion")
    place.say("lock")
    named = place.lock.replace("./schemas/", "../../schemas/")
    Path("mlproject.lock").write_text(named, encoding="utf-8")
    assert place.say("lock", "--check")[0] == 0
    place.models.version(place.model, "champion")
    assert place.say("lock", "--update")[0] == 0
    assert place.lock.splitlines()[:2] == named.splitlines()[:2]


def test_a_reason_that_everything_has_is_given_once(place: Place) -> None:
    place.write(SPEC.replace("binding: locked", 'binding: locked, variants: {b: {model: "${registry.MODEL@b}"}}'))
    code, said = place.say("lock", "--tracking-uri", "http://127.0.0.1:9")
    assert (code, said.count("cannot reach")) == (1, 1)
    assert said.splitlines()[0].startswith("prod: cannot reach http://127.0.0.1:9")
    assert f"  ! {place.model}@b is not locked\n" in said


def test_a_model_of_another_project_is_promoted_to_what_its_alias_is(place: Place) -> None:
    place.write((SPEC + STEPS).replace("OTHER", f"{place.model}-x"))
    place.models.version(f"{place.model}-x", "champion")
    code, said = place.say("promote", f"{place.model}-x@champion")
    assert (code, "version 1, the first (which @champion points at)\n  steps.score  reads version 1\n" in said) == (
        0,
        True,
    )
    assert list(place.data()["environments"]["prod"]["models"]) == [f"{place.model}-x@champion"]


def test_machines_get_every_entry(place: Place) -> None:
    place.models.version(place.model, "champion")
    code, said = place.say("lock", "--check", "--format", "json")
    (found,) = json.loads(said)
    assert (code, found["lock"], found["differs"]) == (1, "mlproject.lock", True)
    (alias,) = [item for item in found["entries"] if item["environment"]]
    assert (alias["state"], alias["after"], alias["uses"]) == ("added", "1", ["serving.online"])


def test_two_branches_that_lock_different_models_merge(place: Place, tmp_path: Path) -> None:
    import subprocess

    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *identity, *words], check=True, capture_output=True, cwd=tmp_path)

    two = SPEC.replace(
        "serving: {online",
        'serving: {second: {model: "${registry.MODEL@beta}", binding: locked, image: "HOST/serve:1"}, online',
    )
    place.write(two)
    for _ in range(3):
        place.models.version(place.model, "champion", "beta")
    for alias in ("champion", "beta"):
        place.models.point(place.model, alias, "1")
    place.say("lock")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    for branch, alias, number in (("a", "champion", "2"), ("b", "beta", "3")):
        git("checkout", "-q", "-b", branch, "main")
        assert place.say("promote", f"{place.model}@{alias}", "--version", number)[0] == 0
        git("commit", "-qam", branch)
    git("merge", "-q", "-m", "both", "a")
    found = place.data()["environments"]["prod"]["models"]
    assert {key.rpartition("@")[2]: entry["version"] for key, entry in found.items()} == {"champion": "2", "beta": "3"}
    merged = place.lock
    assert place.say("lock")[0] == 0
    assert place.lock == merged
