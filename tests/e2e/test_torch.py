"""The examples that train with PyTorch, in an environment of its own: `make e2e-examples`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e.projects import ROOT, Example, states, values

PYTHON = ROOT / ".venv-examples" / "bin" / "python"
pytestmark = [
    pytest.mark.examples,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not PYTHON.exists(), reason="there is no .venv-examples: `make e2e-examples` makes it"),
]

ALGORITHMS = ["random", "multivariate-tpe", "bayesianoptimization", "cmaes", "sobol", "grid", "hyperband"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_finds_a_model_that_passes_its_gates(algorithm: str, tmp_path: Path) -> None:
    summary = Example.copied("tabular-automl", tmp_path, PYTHON).run("--env", f"local-{algorithm}")
    assert set(states(summary).values()) == {"finished"}
    trials = {"hyperband": 23}.get(algorithm, 8)
    assert summary["nodes"]["tuning"]["detail"].startswith(f"{trials}/{trials} trials, ")


class Vision:
    """Words of the programs of `examples/vision-distributed`."""

    @staticmethod
    def train(epochs: int, out: str = "none", rate: str = "0.01") -> list[str]:
        save = "false" if out == "none" else "true"
        spread = [
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node=2",
            "train.py",
            "--data",
            "split.npz",
        ]
        sizes = [f"--lr={rate}", "--width=4", "--dropout=0.2", f"--epochs={epochs}", "--batch=32", "--seed=7"]
        return [*spread, *sizes, f"--save={save}", "--out", out]

    @staticmethod
    def evaluate(model: str) -> list[str]:
        return ["evaluate.py", "--model", model, "--data", "split.npz", "--count=900"]


@pytest.fixture(scope="module")
def vision(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """With the pictures as its first step splits them."""
    example = Example.copied("vision-distributed", tmp_path_factory.mktemp("projects"), PYTHON)
    example.python_run("prepare.py", "--images", "sample/parts.npz", "--seed=7", "--out", "split.npz", "--count", "n")
    return example


def test_two_processes_train_what_is_served_with_its_challenger(vision: Example) -> None:
    summary = vision.run()
    assert set(states(summary).values()) == {"finished"}
    assert {"tuning", "serving.online", "serving.online.variants.challenger"} <= set(states(summary))
    (log,) = vision.folder.glob(".mlwright/runs/*/training/log.txt")
    assert "2 process(es) on cpu" in log.read_text()


def test_distributed_training_that_was_killed_goes_on_to_the_same_model(vision: Example, tmp_path: Path) -> None:
    whole = vision.python_run(*Vision.train(5, "whole"))
    assert len(values("val_accuracy", whole)) == 5
    kept = {"MLWRIGHT_CHECKPOINT_DIR": str(tmp_path)}
    vision.killed_after("epoch 2 ", *Vision.train(5), **kept)
    said = vision.python_run(*Vision.train(5, "resumed"), **kept)
    assert "goes on after epoch" in said
    assert values("val_accuracy", said) == values("val_accuracy", whole)
    assert vision.python_run(*Vision.evaluate("resumed")) == vision.python_run(*Vision.evaluate("whole"))


def test_a_network_that_has_learned_too_little_does_not_pass_its_gates(vision: Example) -> None:
    vision.python_run(*Vision.train(1, "weak", rate="0.0001"))
    assert values("test_accuracy", vision.python_run(*Vision.evaluate("weak")))[0] < vision.floor("floor")


@pytest.fixture(scope="module")
def language(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return Example.copied("llm-finetune", tmp_path_factory.mktemp("projects"), PYTHON)


def tune(epochs: int, out: str) -> list[str]:
    """The words of `examples/llm-finetune`'s training."""
    source = ["train.py", "--base", "sample/model", "--tickets", "sample/tickets.jsonl"]
    return [
        *source,
        "--lr=0.003",
        f"--epochs={epochs}",
        "--batch=16",
        "--length=128",
        "--zero=0",
        "--seed=7",
        "--out",
        out,
    ]


def test_a_language_model_is_tuned_registered_and_answers_as_openai_would(language: Example) -> None:
    summary = language.run()
    assert set(states(summary).values()) == {"finished"}
    assert '"role": "assistant", "content": "delivery"' in summary["endpoints"]["serving.chat"]["response"]


def test_tuning_that_was_killed_goes_on_to_the_same_weights(language: Example, tmp_path: Path) -> None:
    whole = language.python_run(*tune(3, "whole"))
    kept = {"MLWRIGHT_CHECKPOINT_DIR": str(tmp_path)}
    language.killed_after("epoch 1 ", *tune(3, "none"), **kept)
    said = language.python_run(*tune(3, "resumed"), **kept)
    assert values("val_loss", said) == values("val_loss", whole)
    weights = "model.safetensors"
    assert (language.folder / "resumed" / weights).read_bytes() == (language.folder / "whole" / weights).read_bytes()


def test_a_language_model_that_has_learned_too_little_does_not_pass_its_gate(language: Example) -> None:
    language.python_run(*tune(1, "weak"))
    said = language.python_run("evaluate.py", "--model", "weak", "--tickets", "sample/tickets.jsonl")
    assert values("routed", said)[0] < language.floor("floor")
