"""`examples/tabular-automl` for real: searched, trained, gated and served; and its trees, killed and bred."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.projects import Example, states, values

pytestmark = [pytest.mark.server, pytest.mark.slow]

GOOD = ["--lr=0.1", "--depth=2", "--child=5", "--l2=1"]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """With the table that its first step makes."""
    example = Example.copied("tabular-automl", tmp_path_factory.mktemp("projects"))
    example.python_run("prepare.py", "--seed=7", "--out", "table.csv", "--rows", "rows")
    return example


def train(*words: str, out: str = "none") -> list[str]:
    save = "false" if out == "none" else "true"
    return ["train.py", "--data", "table.csv", f"--save={save}", "--out", out, *words]


def test_the_whole_life_cycle_succeeds_and_the_model_is_served(example: Example) -> None:
    summary = example.run("--max-trials", "3")
    assert set(states(summary).values()) == {"finished"}
    assert {"steps.table", "tuning", "evaluation.gates", "registry", "serving.online"} <= set(states(summary))


def test_training_that_was_killed_goes_on_to_the_same_model(example: Example, tmp_path: Path) -> None:
    whole = values("val_rmse", example.python_run(*train("--blocks=40", *GOOD)))
    assert len(whole) == 40
    example.killed_after("block 3 ", *train("--blocks=40", *GOOD), MLWRIGHT_CHECKPOINT_DIR=str(tmp_path))
    said = example.python_run(*train("--blocks=40", *GOOD), MLWRIGHT_CHECKPOINT_DIR=str(tmp_path))
    assert "goes on after block" in said
    assert values("val_rmse", said) == whole


def test_a_trial_goes_on_from_the_trial_that_it_descends_from(example: Example, tmp_path: Path) -> None:
    env = {"MLWRIGHT_CHECKPOINT_DIR": str(tmp_path)}
    parent = values("val_rmse", example.python_run(*train("--blocks=3", *GOOD), **env, MLWRIGHT_TRIAL_NAME="a"))
    said = example.python_run(
        *train("--blocks=2", "--lr=0.05", "--depth=2", "--child=5", "--l2=1"), **env, MLWRIGHT_TRIAL_NAME="b"
    )
    assert "goes on after block 3 of a" in said
    child = values("val_rmse", said)
    assert len(child) == 2, "a trial is judged by its own blocks"
    assert child[0] < parent[-1]


def test_a_model_that_has_learned_too_little_does_not_pass_its_gate(example: Example) -> None:
    example.python_run(*train("--blocks=1", "--lr=0.001", "--depth=1", "--child=1", "--l2=1", out="weak"))
    said = example.python_run("evaluate.py", "--model", "weak", "--data", "table.csv", "--rows=442")
    assert values("explained", said)[0] < example.floor("useful")
