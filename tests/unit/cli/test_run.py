"""`mlwright run` where it starts nothing: what it refuses, where it points, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlwright import cli
from mlwright.runner import plan

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: probe}
params:
  degree: {type: int, default: 2, min: 1, max: 9}
  seed: {type: int}
secrets:
  lake: {keys: [TOKEN]}
steps:
  fetch:
    image: probe:1
    command: [python, fetch.py]
    env: {TOKEN: "${secrets.lake.TOKEN}"}
training:
  image: probe:1
  command: [python, train.py, "--degree=${params.degree}", "--seed=${params.seed}"]
  metrics: {auc: {goal: maximize, pattern: "auc=(\\\\S+)"}}
tuning:
  objective: auc
  algorithm: ALGORITHM
  space: {degree: {min: 1, max: 5}}
  trials: {max: 2}
pipelines:
  main: {run: [training, steps.fetch]}
  retrain_all: {run: [training]}
environments:
  local: {platform: local, default: true}
  compose: {platform: compose}
  prod: {platform: platforms/prod.yaml, namespace: ml}
"""
PLATFORM = 'apiVersion: mlwright.dev/v1\nkind: Platform\nkubernetes: "1.36"\norchestrator: argo\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that would run with `--param seed=1` and a token; nothing here may start it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LAKE__TOKEN", raising=False)
    (tmp_path / "mlproject.yaml").write_text(SPEC.replace("ALGORITHM", "random"))
    (tmp_path / "platforms").mkdir()
    (tmp_path / "platforms" / "prod.yaml").write_text(PLATFORM)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *words: str, code: int = 2) -> str:
    """What a command line that starts nothing says; no line is wider than 80 columns."""
    assert cli.main(["run", *words]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(len(line) <= 80 for line in shown.err.splitlines())
    assert not Path(".mlwright").exists()
    return shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--pipeline", "mian"), ("RUN001", "no pipeline `mian`", "mlproject.yaml:23:1", "did you mean `main`?")),
        (("--pipeline", "x"), ("RUN001", "no pipeline `x`", "pipelines: main, retrain-all")),
        (("--param", "degre=3"), ("RUN002", "no parameter `degre`", "mlproject.yaml:4:1", "did you mean `degree`?")),
        (("--param", "lambda=3"), ("RUN002", "no parameter `lambda`", "declared: degree, seed")),
        (("--param", "degree=12"), ("RUN002", "more than the declared maximum 9", "mlproject.yaml:5:3")),
        (("--param", "degree=0"), ("RUN002", "less than the declared minimum 1", "mlproject.yaml:5:3")),
        (("--param", "degree=many"), ("RUN002", "--param degree=many: not an int", "mlproject.yaml:5:3")),
        (("--param", "degree="), ("RUN002", "--param degree=: not an int", "mlproject.yaml:5:3")),
        (("--param", "degree"), ("RUN002", "takes NAME=VALUE, not `degree`", "--param degree=VALUE")),
        (("--param", "=3"), ("RUN002", "takes NAME=VALUE, not `=3`", "--param NAME=VALUE")),
        ((), ("RUN003", "parameter `seed` has no value", "mlproject.yaml:6:3", "--param seed=VALUE")),
        (("--param", "seed=1"), ("RUN004", "steps.fetch needs a secret", "mlproject.yaml:10:3", "LAKE__TOKEN=")),
        (("--env", "prod"), ("RUN007", "is for platforms/prod.yaml", "mlproject.yaml:29:20", "`local` or `compose`")),
        (("--env", "pord"), ("no environment 'pord'", "did you mean 'prod'?")),
        (("--max-trials", "0"), ("--max-trials", "'0' is not a number of trials", "at least 1")),
        (("--max-trials", "two"), ("--max-trials", "'two' is not a number of trials")),
        (("--max-trials",), ("--max-trials", "expected one argument")),
        (("--max-trial", "2"), ("unrecognized arguments: --max-trial", "did you mean --max-trials?")),
        (("a", "b"), ("unrecognized arguments: b",)),
    ],
)
def test_a_request_that_makes_no_sense_is_refused_at_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    shown = refused(capsys, *words)
    assert all(text in shown for text in said), shown


def test_the_carets_are_under_what_is_meant(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "--param", "degree=12").splitlines() == [
        "error[RUN002]: --param degree=12: more than the declared maximum 9",
        " --> mlproject.yaml:5:3",
        "  |",
        "5 |   degree: {type: int, default: 2, min: 1, max: 9}",
        "  |   ^^^^^^",
        "  |",
        "  = help: write a whole number from 1 to 9, such as `--param degree=2`",
        "",
        "1 error",
    ]


def test_a_run_to_resume_that_is_not_there(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE__TOKEN", "t")
    shown = refused(capsys, "--param", "seed=1", "--resume", "3f2a")
    assert "error[RUN014]: there is no single run `3f2a` to resume" in shown
    assert "nothing has run here yet" in shown


def test_a_missing_extra_says_what_to_install(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE__TOKEN", "t")
    monkeypatch.setattr(plan.importlib.util, "find_spec", lambda name: None)  # type: ignore[attr-defined]
    shown = refused(capsys, "--param", "seed=1")
    assert "error[RUN006]: mlflow and optuna are not installed" in shown
    assert "help: pip install 'mlwright[local]'" in shown


def test_a_project_with_an_error_starts_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mlproject.yaml").write_text(SPEC.replace("ALGORITHM", "rnadom"))
    assert "mlproject.yaml:20:14" in refused(capsys, code=1)


def test_a_folder_without_a_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "there is no mlproject.yaml here" in refused(capsys)


def test_a_folder_of_several_projects_names_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (folder / "all" / name).mkdir(parents=True)
        (folder / "all" / name / "mlproject.yaml").write_text(SPEC)
    said = " ".join(refused(capsys, "all").split())
    assert said == "mlwright run: all has 2 projects, name one: all/a/mlproject.yaml, all/b/mlproject.yaml"


def test_warnings_are_shown_and_notes_about_emitted_files_are_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SPEC.replace("ALGORITHM", "random").replace(
        "[python, train.py,", "[python, train.py, '${outputs.m}', '${outputs.t}',"
    )
    (folder / "mlproject.yaml").write_text(
        text.replace("  metrics:", "  outputs: {m: {type: mlflow-model}, t: {type: file}}\n  metrics:").replace(
            "main: {run: [", "main: {run: [registry, "
        )
        + "registry: {model: m, from: '${training.outputs.m}'}\n"
        + "serving: {online: {image: x:1, model: '${registry.m@champion}', binding: locked}}\n"
    )
    shown = refused(capsys, "--env", "compose")
    assert "RUN003" in shown
    assert "warning[STEP003]" in shown
    assert "note[" not in shown
