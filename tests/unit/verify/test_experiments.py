"""Trials of Katib's Experiments: words that its shell would change, and what it fills in."""

from __future__ import annotations

import pytest

from mlwright.ir import Origin
from mlwright.platform import BUILTIN
from mlwright.testing import programs
from mlwright.verify import verify
from tests.unit.verify.kit import emitted, said

SOUND = """
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: tuning}
spec:
  metricsCollectorSpec: {collector: {kind: StdOut}}
  trialTemplate:
    primaryContainerName: main
    trialParameters: [{name: lr, reference: lr}]
    trialSpec:
      apiVersion: batch/v1
      kind: Job
      spec:
        template:
          spec:
            restartPolicy: Never
            containers:
            - {name: main, image: x, command: [python3, -S], args: [/mlwright/step.py, --a=b],
               env: [{name: A, value: "${trialParameters.lr}"}]}
            - {name: other, image: x, command: [sh, -c, "echo $HOME"]}
"""
TRAIN = """
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: tuning}
spec:
  metricsCollectorSpec: {collector: {kind: StdOut}}
  trialTemplate:
    primaryContainerName: node
    trialParameters: [{name: lr, reference: lr}]
    trialSpec:
      apiVersion: trainer.kubeflow.org/v1alpha1
      kind: TrainJob
      spec: {runtimeRef: {name: torch}, trainer: {command: [python3, "${trialParameters.lr}"]}}
"""


def test_inert_words_and_filled_parameters_are_fine() -> None:
    assert said(SOUND) == []


@pytest.mark.parametrize("item", ["two words", "$HOME", "a;b", "", "it's", "ü", "a*b", "$(X)", "{a}"])
def test_a_word_that_a_shell_would_change_is_found(item: str) -> None:
    (found,) = said(SOUND.replace("--a=b", f'"{item}"'))
    assert found.startswith("VER020 Katib has a shell start the trials of Experiment tuning, which would change")
    assert f"`{item}`" in found


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_words_for_a_shell_are_left_to_it(shell: str) -> None:
    assert said(SOUND.replace("[python3, -S]", f'[{shell}, -c, "time python3 $X"]')) == []
    assert said(SOUND.replace("[python3, -S]", f'[/bin/{shell}, -ec, "time python3 $X"]'))


def test_no_shell_stands_before_a_program_that_is_scraped() -> None:
    assert said(SOUND.replace("--a=b", '"two words"').replace("StdOut", "PrometheusMetric")) == []


def test_a_container_without_words_of_its_own_is_found() -> None:
    (found,) = said(SOUND.replace("command: [python3, -S], args: [/mlwright/step.py, --a=b],\n", "\n"))
    assert "ask the registry" in found


def test_the_trainer_of_a_trainjob_is_the_primary_container() -> None:
    def ours(text: str) -> list[str]:
        return [line for line in said(text) if line.startswith("VER02")]

    assert ours(TRAIN) == []
    (found,) = ours(TRAIN.replace("command: [python3,", 'command: ["python3 -S",'))
    assert "would change the word `python3 -S`" in found


def test_what_is_not_filled_in_and_what_nobody_asks_for_is_found() -> None:
    first, second = said(SOUND.replace("${trialParameters.lr}", "${trialParameters.rate}"))
    assert "no trial of Experiment tuning asks for its parameter `lr`" in first
    assert "ask for `rate`, which is none of their parameters" in second


def test_a_name_of_the_trials_own_is_found() -> None:
    (found,) = said(SOUND.replace("kind: Job\n", "kind: Job\n      metadata: {name: a}\n"))
    assert "the name that Katib gives them" in found


def test_a_kind_that_katib_does_not_follow_is_a_warning() -> None:
    (found,) = said(SOUND.replace("batch/v1", "kubeflow.org/v1").replace("kind: Job", "kind: JAXJob"))
    assert found.startswith("VER021 Katib follows no JAXJob")


def test_another_experiment_is_nobody_s_business() -> None:
    assert said(SOUND.replace("kubeflow.org/v1beta1", "argoproj.io/v1alpha1").replace("--a=b", '"a b"')) == []


def test_a_finding_is_at_the_line_of_the_specification() -> None:
    origins = {("spec", "trialTemplate", "trialSpec"): Origin(path=("tuning",))}
    text = SOUND.replace("--a=b", '"a b"')
    (found,) = verify(emitted(text, origins), programs.project(), BUILTIN["argo"]).findings
    assert (found.at.path, found.severity) == (("tuning",), "error")
    origins = {("spec",): Origin(path=("objects", "mine"))}
    (found,) = verify(emitted(text, origins), programs.project(), BUILTIN["argo"]).findings
    assert found.severity == "warning"
