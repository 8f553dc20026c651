"""`mlwright tracking` against a real MLflow server: what it plans, makes, restores, keeps and refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlwright import cli, environment
from mlwright.remote import http, reconcile
from mlwright.remote.client import Client

pytestmark = pytest.mark.server

Tracking = Callable[..., tuple[int, str, str]]
TRAINING = """\
defaults: {steps: {image: "python:3.12-slim"}}
training: {command: [python, train.py, "${outputs.model}"], outputs: {model: {type: mlflow-model}}}
"""


@pytest.fixture
def address(mlflow_server: str) -> str:
    return mlflow_server


@pytest.fixture
def there(address: str) -> Client:
    return Client(url=address)


def experiment(there: Client, name: str) -> dict[str, Any]:
    found: dict[str, Any] = there.call("GET", "experiments/get-by-name", experiment_name=name)["experiment"]
    return found


def tags(item: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in item.get("tags", ())}


def make_version(there: Client, model: str) -> str:
    """A new version of a registered model, which is made where it is missing."""
    if not any(found.name == model for found in there.models(f"name = '{model}'")):
        there.call("POST", "registered-models/create", {"name": model})
    made = there.call("POST", "logged-models", {"experiment_id": "0", "name": "m"})["model"]["info"]
    body = {"name": model, "source": f"models:/{made['model_id']}", "model_id": made["model_id"]}
    return str(there.call("POST", "model-versions/create", body)["model_version"]["version"])


def lock(folder: Path, **pins: str) -> None:
    """A lock with these versions, by `MODEL@ALIAS`, for the environment local."""
    lines = ["environments:", "  local:", "    models:"]
    for key, version in pins.items():
        lines += [f"      {key}:", f'        version: "{version}"']
    (folder / "mlproject.lock").write_text("\n".join(lines) + "\n")


def test_a_plan_says_what_would_be_made_and_makes_nothing(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write("tracking: {experiment: {description: Who leaves, tags: {team: growth}}}\n")
    code, out, _ = tracking("plan", folder)
    assert code == 0
    assert out == (
        f"{name}/local on {there.url}\n"
        f"  + experiment {name}-local\n"
        '      description: "Who leaves"\n'
        '      tags.team: "growth"\n'
        f'      tags.mlwright.managed: "{name}/local"\n'
        "\n"
        "1 to add, 0 to change, 0 to destroy, 0 unchanged\n"
    )
    with pytest.raises(Exception, match="Could not find experiment"):
        experiment(there, f"{name}-local")


def test_apply_makes_it_reads_it_back_and_has_nothing_to_do_the_second_time(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write(
        TRAINING + "registry: {model: NAME, from: '${training.outputs.model}', description: Churn,"
        " model_tags: {team: growth, empty: ''}}\n"
        "tracking: {experiment: {name: 'NAME x', tags: {a: b}, artifact_location: 's3://acme/NAME'},"
        " experiments: {NAME-more: {}}, models: {NAME-batch: {tags: {t: u}}}}\nsteps: {}\n"
    )
    assert tracking("plan", folder, "--detailed-exitcode")[0] == 1
    code, out, err = tracking("apply", folder)
    assert (code, err) == (0, "")
    assert out.endswith("4 added, 0 changed, 0 destroyed, 0 unchanged\n")
    made = experiment(there, f"{name} x")
    assert made["artifact_location"] == f"s3://acme/{name}"
    assert tags(made) == {"a": "b", "mlwright.managed": f"{name}/local", "mlwright.fields": '["tags.a"]'}
    model = there.model(name)
    assert (model.description, model.tags["team"], model.tags["empty"]) == ("Churn", "growth", "")
    assert there.model(f"{name}-batch").tags["t"] == "u"
    code, out, _ = tracking("apply", folder)
    assert (code, out.splitlines()[-1]) == (0, "0 added, 0 changed, 0 destroyed, 4 unchanged")
    assert tracking("plan", folder, "--detailed-exitcode")[0] == 0


def test_what_somebody_changed_is_shown_field_by_field_and_put_right(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write(
        "tracking: {experiment: {description: Ours, tags: {team: growth}}, models: {NAME: {description: M}}}\n"
    )
    tracking("apply", folder)
    id = experiment(there, f"{name}-local")["experiment_id"]
    for key, value in (("mlflow.note.content", "Theirs"), ("team", 'a "b"'), ("more", "kept")):
        there.call("POST", "experiments/set-experiment-tag", {"experiment_id": id, "key": key, "value": value})
    there.call("PATCH", "registered-models/update", {"name": name, "description": "x" * 100})
    code, out, _ = tracking("plan", folder, "--detailed-exitcode")
    assert code == 1
    assert '      description: "Theirs" -> "Ours"\n      tags.team: "a \\"b\\"" -> "growth"\n' in out
    assert f'  ~ model {name}\n      description: "{"x" * 57}..." -> "M"\n' in out
    assert "0 to add, 2 to change, 0 to destroy, 0 unchanged" in out
    assert tracking("apply", folder)[0] == 0
    now = tags(experiment(there, f"{name}-local"))
    assert (now["mlflow.note.content"], now["team"], now["more"]) == ("Ours", "growth", "kept")


def test_an_experiment_that_a_run_made_is_taken_over_as_it_is(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    there.call("POST", "experiments/create", {"name": f"{name}-local", "tags": [{"key": "by", "value": "run"}]})
    folder = write("")
    assert f'tags.mlwright.managed: "{name}/local"' in tracking("plan", folder)[1]
    assert tracking("apply", folder)[0] == 0
    assert tags(experiment(there, f"{name}-local")) == {"by": "run", "mlwright.managed": f"{name}/local"}


def test_a_deleted_experiment_is_restored(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write("tracking: {experiment: {tags: {a: b}}}\n")
    tracking("apply", folder)
    id = experiment(there, f"{name}-local")["experiment_id"]
    there.call("POST", "experiments/delete", {"experiment_id": id})
    assert "  ~ experiment " in (out := tracking("plan", folder)[1])
    assert '      state: "deleted" -> "active"\n' in out
    assert tracking("apply", folder)[0] == 0
    assert experiment(there, f"{name}-local")["lifecycle_stage"] == "active"


def test_another_artifact_location_is_an_error_that_says_what_to_do_and_stops_nothing_else(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    there.call("POST", "experiments/create", {"name": f"{name}-local", "artifact_location": "s3://there/x"})
    folder = write("tracking: {experiment: {artifact_location: 's3://here/x'}, models: {NAME: {}}}\n")
    code, out, _ = tracking("apply", folder)
    assert code == 1
    assert f"  ! experiment {name}-local: failed\n      (artifact_location cannot be changed: it is s3://there/x" in out
    assert "write the one that is there, or give the experiment another name" in out
    assert out.endswith("1 added, 0 changed, 0 destroyed, 0 unchanged, 1 failed\n")
    assert there.model(name).tags["mlwright.managed"] == f"{name}/local"


def test_a_run_that_finds_no_experiment_makes_it_where_the_file_says(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write("tracking: {experiment: {artifact_location: 's3://acme/runs'}}\n")
    assert cli.main(["compile", str(folder)]) == 0
    (steps,) = folder.glob("manifests/*/compose/steps")
    code = (
        "import json, os, sys; sys.path.insert(0, sys.argv[1]); from tracking import Tracking;"
        " Tracking(json.load(open(sys.argv[2])), os.environ).experiment"
    )
    env = {**os.environ, "MLWRIGHT_RUN": "r1", "MLFLOW_TRACKING_URI": there.url}
    words = [str(steps.parent / "runtime"), str(next(steps.glob("a.json")))]
    subprocess.run([sys.executable, "-Sc", code, *words], env=env, check=True)
    assert experiment(there, f"{name}-local")["artifact_location"] == "s3://acme/runs"
    assert tracking("apply", folder)[0] == 0


def test_what_is_no_longer_in_the_file_is_kept_until_it_is_pruned(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    there.call("POST", "experiments/create", {"name": f"{name}-foreign"})
    there.call("POST", "registered-models/create", {"name": f"{name}-foreign"})
    folder = write("tracking: {experiment: {tags: {a: b, c: d}}, experiments: {NAME-more: {}}, models: {NAME: {}}}\n")
    tracking("apply", folder)
    write("tracking: {experiment: {tags: {a: b}}}\n")
    code, out, _ = tracking("plan", folder, "--detailed-exitcode")
    assert code == 0
    assert f"  experiment {name}-more: kept\n      (no longer in the project file: kept (--prune deletes it))" in out
    assert f"    model {name}: kept" in out
    assert "(tags.c is no longer in the project file" in out
    assert tracking("apply", folder)[0] == 0
    assert experiment(there, f"{name}-more")["lifecycle_stage"] == "active"
    code, out, _ = tracking("plan", folder, "--prune", "--detailed-exitcode")
    assert code == 1
    assert out.endswith("0 to add, 1 to change, 2 to destroy, 0 unchanged\n")
    assert '      tags.c: "d" -> (none)\n' in out
    code, out, _ = tracking("apply", folder, "--prune")
    assert (code, out.splitlines()[-1]) == (0, "0 added, 1 changed, 2 destroyed, 0 unchanged")
    assert experiment(there, f"{name}-more")["lifecycle_stage"] == "deleted"
    assert "c" not in tags(experiment(there, f"{name}-local"))
    assert [model.name for model in there.models() if model.name.startswith(name)] == [f"{name}-foreign"]
    assert experiment(there, f"{name}-foreign")["lifecycle_stage"] == "active"
    assert tracking("apply", folder, "--prune")[1].endswith("0 added, 0 changed, 0 destroyed, 1 unchanged\n")


def test_what_another_environment_uses_is_not_pruned(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    text = (
        "environments:\n"
        "  local: {platform: local, default: true, tracking: {models: {NAME: {}}}}\n"
        "  other: {platform: local, tracking: {models: {NAME: {}}}}\n"
    )
    folder = write(text)
    tracking("apply", folder)
    out = tracking("plan", folder, "--env", "other")[1]
    assert f"    model {name}\n      (shared with {name}/local)\n" in out
    write(text.replace("default: true, tracking: {models: {NAME: {}}}", "default: true"))
    code, out, _ = tracking("apply", folder, "--prune")
    assert code == 0
    assert f"    model {name}: kept\n      (the environment other uses it)\n" in out
    assert there.model(name).name == name


@pytest.mark.parametrize("how", ["tag", "lock"])
def test_a_model_with_a_locked_version_is_not_pruned(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str, how: str
) -> None:
    folder = write("tracking: {models: {NAME: {}}}\n")
    tracking("apply", folder)
    make_version(there, name)
    if how == "tag":
        there.tag_version(name, "1", "mlwright.locked", "prod")
    else:
        lock(folder, **{f"{name}@champion": "1"})
    write("")
    code, out, _ = tracking("apply", folder, "--prune")
    assert code == 1
    why = "is locked by prod" if how == "tag" else "is in mlproject.lock"
    assert f"  ! model {name}: failed\n      (not deleted: version 1 {why})\n" in out
    assert there.version(name, "1").version == "1"


def test_a_model_whose_versions_nobody_locked_goes_with_them(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write("tracking: {models: {NAME: {}}}\n")
    tracking("apply", folder)
    make_version(there, name)
    make_version(there, name)
    write("")
    out = tracking("plan", folder, "--prune")[1]
    assert f"  - model {name}\n      (with its 2 versions)\n" in out
    assert tracking("apply", folder, "--prune")[0] == 0
    assert list(there.models(f"name = '{name}'")) == []


def test_aliases_come_from_the_lock_except_one_that_the_pipeline_moves(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write(
        TRAINING + "registry: {model: NAME, from: '${training.outputs.model}', on_pass: {alias: challenger}}\n"
        "steps: {}\n"
    )
    for _ in range(3):
        make_version(there, name)
    there.set_alias(name, "challenger", "3")
    there.set_alias(name, "theirs", "1")
    lock(folder, **{f"{name}@champion": "1", f"{name}@challenger": "2"})
    _, out, _ = tracking("plan", folder)
    assert f'  + alias {name}@champion\n      version: "1"\n' in out
    assert f"    alias {name}@challenger\n" in out
    assert (
        "the pipeline moves it, now it is at version 3; the lock is behind, with version 2: mlwright lock --update"
        in out
    )
    assert tracking("apply", folder)[0] == 0
    assert there.model(name).aliases == {"champion": "1", "challenger": "3", "theirs": "1"}
    there.set_alias(name, "champion", "3")
    lock(folder, **{f"{name}@champion": "2"})
    assert f'  ~ alias {name}@champion\n      version: "3" -> "2"\n' in tracking("plan", folder)[1]
    tracking("apply", folder)
    assert there.version_of(name, "champion").version == "2"
    lock(folder, **{f"{name}@other": "2"})
    assert f"    alias {name}@champion: kept" in tracking("apply", folder)[1]
    assert f"  - alias {name}@champion" in tracking("apply", folder, "--prune")[1]
    assert there.model(name).aliases == {"other": "2", "challenger": "3", "theirs": "1"}
    assert tracking("apply", folder, "--prune")[1].endswith("0 added, 0 changed, 0 destroyed, 3 unchanged\n")


def test_an_alias_of_a_version_that_is_not_there_fails_alone(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write("tracking: {models: {NAME: {aliases: {champion: 7}}}}\n")
    code, out, _ = tracking("apply", folder)
    assert code == 1
    assert f"(the server has no version 7 of {name}: where the lock says so, `mlwright lock --update` reads" in out
    assert there.model(name).aliases == {}


def test_another_projects_objects_are_left_alone(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    mark = [{"key": "mlwright.managed", "value": "somebody/prod"}]
    there.call("POST", "experiments/create", {"name": f"{name}-local", "tags": mark})
    there.call("POST", "registered-models/create", {"name": name, "tags": mark})
    folder = write("tracking: {experiment: {tags: {a: b}}, models: {NAME: {description: ours}}}\n")
    code, out, _ = tracking("apply", folder)
    assert code == 1
    assert out.count("it belongs to somebody/prod: take another name, or remove its tag `mlwright.managed`") == 4
    assert "a" not in tags(experiment(there, f"{name}-local"))
    assert there.model(name).description == ""


def test_all_that_fails_is_said_and_the_rest_is_done(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write(
        "tracking: {experiments: {NAME-ok: {}}, webhooks: {\n"
        "  one: {url: 'https://127.0.0.1:1/x', events: [model_version.created]},\n"
        "  two: {url: 'https://nowhere.invalid/x', events: [model_version.created]}}}\n"
    )
    code, out, _ = tracking("apply", folder)
    assert code == 1
    assert "  ! webhook one: failed" in out
    assert "  ! webhook two: failed" in out
    assert "Webhook URL" in out
    assert out.endswith("2 added, 0 changed, 0 destroyed, 0 unchanged, 2 failed\n")
    assert experiment(there, f"{name}-ok")["name"] == f"{name}-ok"


def test_somebody_who_was_faster_is_no_failure(write: Callable[..., Path], there: Client, name: str) -> None:
    folder = write("tracking: {experiment: {tags: {a: b}}, models: {NAME: {description: d, tags: {c: e}}}}\n")
    _, wanted = environment.tracked([str(folder)], environ={})
    plans = reconcile.plan(there, wanted)
    there.call("POST", "experiments/create", {"name": f"{name}-local"})
    there.call("POST", "registered-models/create", {"name": name, "description": "old"})
    done = reconcile.apply(there, wanted, plans)
    assert {change.action for one in done for change in one.changes} == {"add"}
    assert tags(experiment(there, f"{name}-local"))["a"] == "b"
    assert (there.model(name).description, there.model(name).tags["c"]) == ("d", "e")


Between = Callable[[Callable[[str], tuple[int, bytes] | None]], str]


@pytest.fixture
def between(mlflow_server: str) -> Iterator[Between]:
    """Put a proxy before the server, which answers as told by the path, and passes on what it is told nothing of."""
    started: list[ThreadingHTTPServer] = []

    def starts(answer: Callable[[str], tuple[int, bytes] | None]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, text = answer(self.path) or self.passed_on(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def passed_on(self, body: bytes) -> tuple[int, bytes]:
                headers = {"Content-Type": "application/json"}
                request = urllib.request.Request(
                    mlflow_server + self.path, data=body or None, method=self.command, headers=headers
                )
                try:
                    with urllib.request.urlopen(request) as found:
                        return 200, found.read()
                except urllib.error.HTTPError as error:
                    return error.code, error.read()

            do_GET = do_POST = do_PATCH = do_DELETE = handle_request

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        started.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=started[-1].serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{started[-1].server_port}"

    yield starts
    for httpd in started:
        httpd.shutdown()
        httpd.server_close()


def test_a_server_that_says_yes_and_does_nothing_is_found_out(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str, between: Between
) -> None:
    there.call("POST", "experiments/create", {"name": f"{name}-local"})
    folder = write("tracking: {experiment: {tags: {a: b}}}\n")
    forgetful = between(lambda path: (200, b"{}") if path.endswith("set-experiment-tag") else None)
    code, out, _ = tracking("apply", folder, "--tracking-uri", forgetful)
    assert code == 1
    assert "(the server took it and has not done it: tags.a is not set, tags.mlwright.managed is not set)" in out
    assert out.endswith("0 added, 0 changed, 0 destroyed, 0 unchanged, 1 failed\n")


def test_what_cannot_be_read_back_is_not_said_to_be_done(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str, between: Between
) -> None:
    folder = write("tracking: {experiment: {tags: {a: b}}, models: {NAME: {}}}\n")
    made = threading.Event()

    def falls_over(path: str) -> tuple[int, bytes] | None:
        if path.endswith("registered-models/create"):
            made.set()
        return (500, b'{"message": "disk full"}') if made.is_set() else None

    code, out, _ = tracking("apply", folder, "--tracking-uri", between(falls_over))
    assert code == 1
    assert f"  ! experiment {name}-local: failed\n      (not read back: " in out
    assert f"  ! model {name}: failed\n" in out
    assert "HTTP 500: disk full" in out
    assert experiment(there, f"{name}-local")["lifecycle_stage"] == "active"


def test_all_projects_of_a_folder_are_compared_with_one_reading(
    tracking: Tracking, write: Callable[..., Path], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(12):
        write("tracking: {models: {NAME: {}}}\n", tmp_path / str(n), f"{name}-{n}")
    assert tracking("apply", tmp_path)[1].endswith("24 added, 0 changed, 0 destroyed, 0 unchanged\n")
    asked: list[str] = []
    send = http.Http.send

    def counted(self: http.Http, method: str, path: str, *rest: Any) -> http.Answer:
        asked.append(path.partition("?")[0].rpartition("mlflow/")[2])
        return send(self, method, path, *rest)

    monkeypatch.setattr(http.Http, "send", counted)
    code, out, _ = tracking("plan", tmp_path)
    assert code == 0
    assert out.count(" on http://") == 12
    assert out.endswith("0 to add, 0 to change, 0 to destroy, 24 unchanged\n")
    assert sorted(asked) == ["experiments/search", "registered-models/search", "webhooks"]


def test_the_plan_for_programs_has_every_object(
    tracking: Tracking, write: Callable[..., Path], there: Client, name: str
) -> None:
    folder = write("tracking: {experiment: {tags: {a: b}}}\n")
    code, out, _ = tracking("apply", folder, "--format", "json")
    assert code == 0
    owner = f"{name}/local"
    assert json.loads(out) == {
        "version": 1,
        "applied": True,
        "plans": [
            {
                "project": name,
                "environment": "local",
                "spec": os.path.relpath(folder / "mlproject.yaml"),
                "server": there.url,
                "objects": [
                    {
                        "kind": "experiment",
                        "name": f"{name}-local",
                        "action": "add",
                        "fields": [
                            {"name": "tags.a", "old": None, "new": "b"},
                            {"name": "tags.mlwright.managed", "old": None, "new": owner},
                        ],
                        "notes": [],
                    }
                ],
            }
        ],
        "summary": {"add": 1, "change": 0, "destroy": 0, "unchanged": 0, "kept": 0, "skipped": 0, "failed": 0},
    }


def test_a_server_that_is_away_is_exit_1_with_its_address(
    tracking: Tracking, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLWRIGHT_PATIENCE", "0")
    code, out, err = tracking("plan", write(""), "--tracking-uri", "http://127.0.0.1:1")
    assert (code, out) == (1, "")
    assert err == (
        "mlwright tracking: cannot reach http://127.0.0.1:1: connection refused: nothing listens there;"
        " is the server up, and is that where? --tracking-uri or MLFLOW_TRACKING_URI name another\n"
    )


def test_no_server_is_exit_2(tracking: Tracking, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    code, _, err = tracking("plan", write("environments: {dev: {platform: local}}\n"))
    assert code == 2
    assert "name one with --tracking-uri or MLFLOW_TRACKING_URI" in err


def test_permissions_on_a_server_without_users_fail(tracking: Tracking, write: Callable[..., Path]) -> None:
    folder = write(
        "secrets: {user: {keys: [username, password]}}\n"
        "tracking: {auth: {type: basic, secret: user}, permissions: {ann: {experiments: edit}}}\n"
    )
    code, out, _ = tracking("apply", folder)
    assert code == 1
    assert "(the server knows no users: it was not started with `--app-name basic-auth`, or is older than 3.13)" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("apply", "--detailed-exitcode"), "--detailed-exitcode goes with `plan`"),
        (("destroy",), "invalid choice: 'destroy'"),
        (("plan", "--env", "nope"), "mlproject.yaml has no environment 'nope': there is local"),
        (("plan", "nowhere.yaml"), ""),
        ((), "the following arguments are required: action"),
    ],
)
def test_a_request_without_sense_is_refused(
    tracking: Tracking, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(write(""))
    code, _, err = tracking(*words)
    assert code == (1 if "nowhere.yaml" in words else 2)
    assert said in err


def test_a_project_with_errors_is_not_applied(tracking: Tracking, write: Callable[..., Path], name: str) -> None:
    code, out, err = tracking("apply", write("tracking: {experiment: {tags: {mlwright.managed: me}}}\n"))
    assert (code, out) == (1, "")
    assert "error[CAT003]" in err


def test_targets_need_not_be_installed(tracking: Tracking, write: Callable[..., Path], name: str) -> None:
    folder = write("environments: {prod: {platform: argo}}\n")
    code, out, _ = tracking("plan", folder)
    assert code == 0
    assert f"{name}/prod on " in out


def test_neither_mlflow_nor_its_client_is_needed(write: Callable[..., Path], there: Client) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('mlflow', 'requests', 'urllib3', 'pydantic')));"
        " from mlwright.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["tracking", "plan", str(write("")), "--tracking-uri", there.url]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 to add, 0 to change, 0 to destroy, 0 unchanged\n")


def test_the_page_shows_what_happens(
    tracking: Tracking, tmp_path: Path, there: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs/tracking.md").read_text()
    (tmp_path / "mlproject.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    monkeypatch.chdir(tmp_path)
    shown = page.split("```text\n")[1].split("```")[0].replace("http://127.0.0.1:5000", there.url)
    assert tracking("plan")[1] == shown
    assert tracking("apply")[0] == 0
    second = next(part for part in page.split("`") if part.startswith("0 added"))
    assert tracking("apply")[1].endswith(second + "\n")
