"""`mlwright up`, `down` and `logs` against a `docker` that plays a scenario: command lines, texts, exit codes."""

from __future__ import annotations

import os
import re
import signal
import threading
from pathlib import Path

import pytest

from mlwright import cli
from mlwright.engine import watch
from tests.unit.engine.docker import Docker

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
steps:
  features: {image: "probe:1", command: [python, features.py, "${outputs.rows}"], outputs: {rows: {type: int}}}
  report: {image: "probe:1", command: [python, report.py, "${steps.features.outputs.rows}"]}
environments:
  here: {platform: local, default: true}
  box: {platform: compose}
"""
SECRET = """\
secrets:
  lake: {keys: [TOKEN]}
"""
SCHEDULE = """\
pipelines:
  nightly: {run: [steps.report], schedule: {cron: "0 3 * * *", timezone: Europe/Berlin}}
"""
DONE = {
    "mlflow-upgrade": ["exited:0"],
    "mlflow": ["running:healthy"],
    "prepare": ["exited:0"],
    "start": ["created", "exited:0"],
    "features": ["created", "running", "exited:0"],
    "report": ["created", "created", "created", "exited:0"],
    "finish": ["created", "running", "running", "running", "exited:0"],
}


@pytest.fixture
def folder(tmp_path: Path, docker: object, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project beside a fake engine; looks follow each other at once."""
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr(watch, "LOOK", 0.01)
    monkeypatch.setattr(watch, "QUIET", 0.01)
    (place / "mlproject.yaml").write_text(SPEC)
    return place


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int) -> str:
    """Everything that a command prints; no line of ours is wider than 80 columns."""
    assert cli.main(list(words)) == code
    shown = capsys.readouterr()
    return shown.out + shown.err


def test_a_run_is_compiled_started_and_watched_to_its_end(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.plays(services=DONE)
    lines = said(capsys, "up", code=0).splitlines()
    assert lines[0].startswith("manifests/box: ") and lines[0].endswith(" added")
    assert lines[1] == "docker compose 5.5.0: run default of probe (box, pipeline main)"
    assert "steps.features  started" in lines
    assert any(line.startswith("steps.features  finished in ") for line in lines)
    assert any(line.startswith("Run default of probe (box, pipeline main) succeeded after") for line in lines)
    (up,) = docker.asked("up")
    assert up[0] == "--detach"
    assert set(up[1:]) == set(DONE)
    words, env = next(call for call in docker.calls if "up" in call[0])
    output = str(folder / "manifests/box/compose")
    assert words[:5] == ["compose", "--project-directory", output, "--file", f"{output}/compose.yaml"]
    assert env["MLWRIGHT_RUN"] == "default"
    assert [set(words) for words in docker.asked("rm")] == [{"--force", *DONE} - {"mlflow"}]


def test_a_second_up_says_that_nothing_was_compiled_and_goes_on_with_the_run_that_is_there(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.plays(services=DONE)
    said(capsys, "up", code=0)
    docker.plays(services=DONE, labels="a=b,mlwright.run=main-7,c=d", list=True)
    lines = said(capsys, "up", code=0).splitlines()
    assert lines[:2] == [
        "the output is up to date",
        "docker compose 5.5.0: run main-7 of probe (box, pipeline main)",
    ]


@pytest.mark.parametrize(
    ("words", "env", "run"),
    [
        ((), {}, "default"),
        (("--run", "mine"), {}, "mine"),
        ((), {"MLWRIGHT_RUN": "outside"}, "outside"),
        (("--run", "mine"), {"MLWRIGHT_RUN": "outside"}, "mine"),
        (("--new-run",), {"MLWRIGHT_RUN": "outside"}, "main-2"),
    ],
)
def test_which_run_it_is(
    folder: Path,
    docker: Docker,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    env: dict[str, str],
    run: str,
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    docker.plays(services=DONE)
    said(capsys, "up", *words, code=0)
    assert next(env for words, env in docker.calls if "up" in words)["MLWRIGHT_RUN"].startswith(run)


def test_a_changed_project_is_compiled_first(folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    docker.plays(services=DONE)
    said(capsys, "up", code=0)
    (folder / "mlproject.yaml").write_text(SPEC.replace("report.py", "summary.py"))
    assert re.match(r"manifests/box: \d changed\n", said(capsys, "up", code=0))


def test_a_failed_step_is_shown_with_its_place_its_log_and_what_it_kept_from_starting(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {**DONE, "features": ["created", "exited:66"], "report": ["created"], "finish": ["running", "exited:1"]}
    logs = {"features": ["mlwright: input data.x was not found"]}
    docker.plays(services=failed, logs=logs, up='service "features" didn\'t complete successfully: exit 66')
    shown = said(capsys, "up", code=1)
    assert "error[RUN010]: steps.features failed: exit code 66: an input was not found" in shown
    assert " --> mlproject.yaml:5:3" in shown
    assert "  | mlwright: input data.x was not found\nthe whole log: mlwright logs steps.features" in shown
    assert "steps.report    not started: steps.features failed" in shown
    assert "Go on with       mlwright up --run default" in shown or "Go on with  mlwright up --run default" in shown
    assert docker.asked("up")[1:] == []


def test_what_compose_gives_up_on_is_started_by_us(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    apart = SPEC.replace(', "${steps.features.outputs.rows}"', "")
    (folder / "mlproject.yaml").write_text(apart)
    stuck = {
        **DONE,
        "features": ["created", "exited:1"],
        "report": ["created", "created", "created", "created", "exited:0"],
        "finish": ["created", "running", "running", "running", "running", "running", "exited:1"],
    }
    docker.plays(services=stuck, up='service "features" didn\'t complete successfully: exit 1')
    shown = said(capsys, "up", code=1)
    assert docker.asked("up")[1:] == [["--detach", "--no-deps", "--no-recreate", "report"]]
    assert "steps.report    finished" in shown


@pytest.mark.parametrize(
    ("refusal", "meant"),
    [
        ("Bind for 127.0.0.1:5000 failed: port is already allocated", "MLWRIGHT_PORT_MLFLOW=5001"),
        ("failed to solve: process did not complete successfully: exit code: 1", "an image could not be built"),
        ("something else", "something else"),
    ],
)
def test_what_compose_cannot_start_is_explained(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str], refusal: str, meant: str
) -> None:
    docker.plays(services={"mlflow": ["created"]}, up=refusal)
    shown = said(capsys, "up", code=1)
    assert "error[RUN015]: " in shown
    assert meant in shown
    assert f"  | {refusal}" in shown
    assert "  |  Container" not in shown
    assert "was not started after" in shown
    assert "the whole log: .mlwright/up/box.log" in shown


@pytest.mark.parametrize(
    ("words", "plays", "meant"),
    [
        (("--env", "here"), {}, "the environment 'here' is not for Compose: mlwright run --env here"),
        (("--env", "bxo"), {}, "there is no environment 'bxo': did you mean 'box'?"),
        (("--pipeline", "mian"), {}, "did you mean `main`?"),
        (("--run", "a b"), {}, "'a b' is not a run"),
        (("--run", "a", "--new-run"), {}, "not allowed with argument --run"),
        (("--timeout", "0"), {}, "'0' is not a number of seconds"),
        (("--timeuot", "1"), {}, "did you mean --timeout?"),
        ((), {"version": "docker: unknown command: docker compose"}, "`docker` has no Compose plugin"),
        ((), {"version": "Docker Compose version v2.20.0"}, "2.20.0 is too old"),
        (
            (),
            {"refuses": {"ps": "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"}},
            "the container engine does not answer",
        ),
        (
            (),
            {"refuses": {"ps": "permission denied while trying to connect to the docker API at unix:///x"}},
            "you may not talk to the container engine",
        ),
    ],
)
def test_what_makes_no_sense_or_cannot_start_is_refused_with_2(
    folder: Path,
    docker: Docker,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    plays: dict[str, object],
    meant: str,
) -> None:
    docker.plays(**plays)
    shown = " ".join(said(capsys, "up", *words, code=2).split())
    assert meant in shown
    assert docker.asked("up") == []


def test_a_project_with_errors_starts_nothing(folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mlproject.yaml").write_text(SPEC.replace("features.outputs.rows", "features.outputs.row"))
    assert "did you mean" in said(capsys, "up", code=1)
    assert docker.calls == []


def test_a_project_without_an_environment_for_compose_says_what_to_add(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mlproject.yaml").write_text(SPEC.replace("  box: {platform: compose}\n", ""))
    assert "add one with `platform: compose`" in " ".join(said(capsys, "up", code=2).split())


def test_missing_secrets_are_named_with_where_they_come_from(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = SPEC.replace("steps:\n", f"{SECRET}steps:\n")
    text = text.replace("command: [python, report", 'env: {T: "${secrets.lake.TOKEN}"}, command: [python, report')
    (folder / "mlproject.yaml").write_text(text)
    shown = said(capsys, "up", code=2)
    assert "1 variable has no value:\n  LAKE__TOKEN  TOKEN of the secret `lake`\n" in shown
    assert "Put NAME=VALUE into .env or manifests/box/compose/.env" in shown
    docker.plays(services=DONE)
    (folder / ".env").write_text("LAKE__TOKEN='secret text'\n")
    assert "secret text" not in said(capsys, "up", code=0)
    assert all(words[words.index("--env-file") + 1] == str(folder / ".env") for words, _ in docker.calls)
    (folder / ".env").unlink()
    monkeypatch.setenv("LAKE__TOKEN", "t")
    said(capsys, "up", code=0)


def test_a_closing_service_that_waits_for_what_never_spoke_is_not_waited_for(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENCE", 0.2)
    mute = {**DONE, "features": ["exited:127"], "report": ["created"], "finish": ["running"]}
    docker.plays(services=mute, up='service "features" didn\'t complete successfully: exit 127')
    shown = said(capsys, "up", code=1)
    assert "steps.features failed: exit code 127: the command was not found" in shown
    assert "steps.report    not started: steps.features failed" in shown


def test_waiting_ends_with_the_time_and_the_run_does_not(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.plays(services={**DONE, "features": ["running"], "report": [""], "finish": ["running"]})
    shown = said(capsys, "up", "--timeout", "1", code=1)
    assert "timed out after 1." in shown
    assert "It goes on by itself" in shown
    assert docker.asked("down") == docker.asked("stop") == []


def test_ctrl_c_ends_the_watching_only(folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    docker.plays(services={**DONE, "features": ["running"], "report": [""], "finish": ["running"]})
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        shown = said(capsys, "up", code=130)
    finally:
        timer.cancel()
    assert "Stopped watching run default: its steps go on by themselves." in shown
    assert "mlwright up --run default" in shown and "mlwright down" in shown
    assert docker.asked("down") == []


def test_detached_it_starts_everything_and_returns(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.plays(services={name: ["created"] for name in DONE})
    shown = said(capsys, "up", "--detach", "--build", code=0)
    assert "Started run default: it goes on by itself." in shown
    for _ in range(200):
        if docker.asked("up"):
            break
        threading.Event().wait(0.05)
    assert [set(words) for words in docker.asked("up")] == [{"--detach", "--build", *DONE}]


def test_a_pipeline_is_left_to_its_schedule(folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    text = SPEC.replace("environments:", SCHEDULE + "environments:")
    (folder / "mlproject.yaml").write_text(text)
    shown = said(capsys, "up", "--pipeline", "nightly", "--schedule", code=0)
    assert "docker compose 5.5.0: 4 services for the schedule of nightly" in shown
    assert "nightly starts by itself: 0 3 * * * (Europe/Berlin); its runs are nightly-<time>." in shown
    names = [f"scheduled-nightly-{name}" for name in ("start", "features", "report", "finish")]
    assert docker.asked("up") == [["--detach", *names]]
    docker.plays(up="Bind for 127.0.0.1:5000 failed: port is already allocated")
    assert "port 5000 of this machine is taken" in said(capsys, "up", "--schedule", code=1)
    (folder / "mlproject.yaml").write_text(text.replace("box: {", "box: {mode: development, "))
    refused = " ".join(said(capsys, "up", "--schedule", code=2).split())
    assert "development environments pause schedules" in refused
    (folder / "mlproject.yaml").write_text(SPEC)
    assert "`main` follows no schedule here: give it a `schedule`" in said(capsys, "up", "--schedule", code=2)


def test_down_keeps_the_data_unless_asked(folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    docker.plays(services=DONE, labels="mlwright.run=main-7")
    said(capsys, "up", code=0)
    shown = said(capsys, "down", code=0)
    assert shown.splitlines() == [
        "docker compose 5.5.0: removing 7 containers of probe-box",
        "kept: probe-box_mlflow",
        "to go on with its run: mlwright up --run main-7",
    ]
    assert "removing the data too: probe-box_mlflow" in said(capsys, "down", "--volumes", code=0)
    assert docker.asked("down") == [["--remove-orphans"], ["--remove-orphans", "--volumes"]]
    docker.plays(services=DONE, refuses={"down": "Error response from daemon: volume is in use"})
    assert "mlwright down: Error response from daemon: volume is in use" in said(capsys, "down", code=2)


def test_down_and_logs_work_for_a_spec_that_does_not_compile(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]
) -> None:
    docker.plays(services=DONE)
    said(capsys, "up", code=0)
    (folder / "mlproject.yaml").write_text("kind: [")
    said(capsys, "logs", "steps.features", "--tail", "5", code=0)
    said(capsys, "logs", "training", "features", code=2)
    said(capsys, "down", code=0)
    assert docker.asked("logs") == [["--tail", "5", "--no-log-prefix", "features"]]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("logs", "steps.feature"), "no step or service is called `steps.feature`: did you mean `steps.features`?"),
        (("logs", "zzz"), "no step or service is called `zzz`: there is tracking, pipelines.main, steps.features"),
        (("logs", "--tail", "many"), "'many' is not a number of lines"),
        (("logs", "--env", "bx"), "no Compose output of an environment 'bx' is in ./manifests: did you mean `box`?"),
        (("down", "--env", "here"), "no Compose output of an environment 'here'"),
        (("down", "nowhere"), "nowhere"),
    ],
)
def test_down_and_logs_refuse_what_is_not_there(
    folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], meant: str
) -> None:
    docker.plays(services=DONE)
    said(capsys, "up", code=0)
    assert meant in " ".join(said(capsys, *words, code=2).split())
    assert docker.asked("logs") == docker.asked("down") == []


def test_logs_of_what_was_never_started(folder: Path, docker: Docker, capsys: pytest.CaptureFixture[str]) -> None:
    assert "`mlwright up` makes it" in " ".join(said(capsys, "logs", code=2).split())
    docker.plays(services=DONE)
    said(capsys, "up", code=0)
    docker.plays(services={"mlflow": ["running:healthy"]})
    assert "no container of steps.features is there" in said(capsys, "logs", "steps.features", code=2)
