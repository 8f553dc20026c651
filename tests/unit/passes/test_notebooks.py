"""A notebook that is like a step: its image and its variables, beneath what the notebook says itself."""

from __future__ import annotations

import pytest

from mlwright import ir, registry
from mlwright.analysis import analyse
from mlwright.source.files import Memory
from tests.unit.passes.understood import HEAD

STEPS = """\
defaults: {steps: {env: {FROM: defaults}}}
steps: {clean: {image: "acme/clean:1", command: [python, a.py], env: {A: clean}}}
training: {image: "acme/train:1", command: [python, train.py], env: {A: train, B: "${params.lr}"}, resources: {gpu: 1}}
params: {lr: 0.5}
"""


def analysed(book: str, text: str = STEPS) -> tuple[ir.Notebook | None, set[str]]:
    spec = f"{HEAD}{text}notebooks: {{n: {{{book}}}}}\nenvironments: {{prod: {{platform: kubernetes}}}}\n"
    found = analyse(Memory({"mlproject.yaml": spec}), "mlproject.yaml", registry.installed()).environments[0]
    codes = {item.code for item in found.findings if item.severity == "error"}
    return (found.project.notebooks[0] if found.project else None), codes


def seen(book: str, text: str = STEPS) -> tuple[str, dict[str, str]]:
    found, codes = analysed(book, text)
    assert found is not None and not codes, codes
    env = {
        name: "".join(part if isinstance(part, str) else f"<{part.path}>" for part in value)
        for name, value in found.container.env
    }
    return found.container.image.ref, env


@pytest.mark.parametrize(
    ("book", "image", "env"),
    [
        ("like: training", "acme/train:1", {"A": "train", "B": "<params.lr>", "FROM": "defaults"}),
        ("like: steps.clean", "acme/clean:1", {"A": "clean", "FROM": "defaults"}),
        (
            "like: training, image: acme/jupyter:1",
            "acme/jupyter:1",
            {"A": "train", "B": "<params.lr>", "FROM": "defaults"},
        ),
        ("like: steps.clean, env: {A: own, C: c}", "acme/clean:1", {"A": "own", "C": "c", "FROM": "defaults"}),
        ("", "", {}),
    ],
)
def test_a_notebook_has_what_its_step_has_and_it_does_not_say(book: str, image: str, env: dict[str, str]) -> None:
    assert seen(book) == (image, env)


def test_nothing_but_image_and_variables_is_taken_over() -> None:
    found, _ = analysed("like: training")
    assert found is not None and not found.container.argv
    assert found.container.resources == ir.Resources()


def test_a_model_s_training_is_a_step_like_any_other() -> None:
    text = "models: {ranker: {training: {image: 'acme/r:1', command: [python, r.py]}}}\n"
    assert seen("like: models.ranker.training", text)[0] == "acme/r:1"


@pytest.mark.parametrize(
    ("book", "code"),
    [
        ("like: train", "BOOK002"),
        ("like: steps.cleen", "BOOK002"),
        ("like: steps", "BOOK002"),
        ("like: registry", "BOOK002"),
        ("like: notebooks.n", "BOOK002"),
        ("like: '${training}'", "REF005"),
        ("like: [training]", "SPEC003"),
    ],
)
def test_what_is_no_step_is_refused(book: str, code: str) -> None:
    assert analysed(book)[1] == {code}


def test_a_variable_that_only_a_run_has_is_told_where_it_stands() -> None:
    text = STEPS.replace("A: train", 'A: "${run.id}"')
    assert analysed("like: training", text)[1] == {"SERVE008"}
