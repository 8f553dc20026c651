"""Patches of an Experiment and of its trials, which are inside of a document inside of a ConfigMap."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from tests.unit.targets.kubeflow.test_katib_breadth import LR, PLATFORM, project
from tests.unit.targets.kubernetes.environments import built, codes

ON = PLATFORM.replace(", SYSTEM", "").replace("{RUNTIMES}", "{}")


def patched(kind: str, merge: str) -> str:
    return project(LR) + f"patches: {{p: {{why: x, on: {{node: tuning, kind: {kind}}}, merge: {merge}}}}}\n"


def experiment(text: str) -> Any:
    files = built(text, ON).files
    (path,) = [path for path in files if path.endswith("-tuning-operator.yaml")]
    step = json.loads(yaml.safe_load(files[path])["data"]["step.json"])
    return next(one["manifest"] for one in step["objects"] if one["manifest"]["kind"] == "Experiment")


def test_a_trial_and_its_search_can_be_patched() -> None:
    text = patched("TrialJob", "{spec: {template: {metadata: {annotations: {a: b}}, spec: {hostNetwork: false}}}}")
    trial = experiment(text)["spec"]["trialTemplate"]["trialSpec"]["spec"]["template"]
    assert (trial["metadata"]["annotations"], trial["spec"]["hostNetwork"]) == ({"a": "b"}, False)
    assert experiment(patched("Experiment", "{spec: {trialTemplate: {retain: true}}}"))["spec"]["trialTemplate"][
        "retain"
    ]


@pytest.mark.parametrize(
    ("kind", "merge"),
    [
        ("TrialJob", "{spec: {template: {spec: {containers: [{name: main, command: [sh]}]}}}}"),
        ("TrialJob", "{spec: {template: {spec: {containers: [{name: main, args: [a]}]}}}}"),
        ("Experiment", "{spec: {trialTemplate: {primaryContainerName: other}}}"),
        ("Experiment", "{spec: {trialTemplate: {trialParameters: [{name: lr, reference: x}]}}}"),
        ("Experiment", "{metadata: {name: other}}"),
    ],
)
def test_what_a_trial_is_known_by_is_left_alone(kind: str, merge: str) -> None:
    assert {code.split()[0] for code in codes(patched(kind, merge), ON)} == {"PATCH004"}


def test_a_patch_of_what_the_language_has_is_told_of_its_field() -> None:
    made = built(patched("Experiment", "{spec: {maxTrialCount: 5}}"), ON)
    (found,) = [one for one in made.findings if one.code.startswith("PATCH")]
    assert "tuning.trials.max" in f"{found.message} {found.help}"
    assert experiment(patched("Experiment", "{spec: {maxTrialCount: 5}}"))["spec"]["maxTrialCount"] == 5
