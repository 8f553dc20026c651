"""Objects that are kept in a repository and do their work once."""

from __future__ import annotations

import pytest

from mlwright.ir import Origin
from mlwright.platform import BUILTIN
from mlwright.testing import programs
from mlwright.verify import verify
from tests.unit.verify.kit import emitted, said

TEMPLATE = "template: {spec: {containers: [{name: main, image: x}]}}"


def job(name: str = "train-0123456789", spec: str = "", metadata: str = "") -> str:
    return f"{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name} {metadata}}}, spec: {{{spec} {TEMPLATE}}}}}"


def test_a_job_called_after_its_content_is_fine() -> None:
    assert said(job()) == []


def test_a_job_that_removes_itself_would_run_again() -> None:
    (found,) = said(job(spec="ttlSecondsAfterFinished: 60,"))
    assert found.startswith("VER018 Job train removes itself when it is done (`spec.ttlSecondsAfterFinished`)")


def test_so_would_a_workflow() -> None:
    text = (
        "{apiVersion: argoproj.io/v1alpha1, kind: Workflow, metadata: {name: train-0123456789}, "
        "spec: {ttlStrategy: {secondsAfterCompletion: 60}}}"
    )
    assert said(text)[0].startswith("VER018 Workflow")
    assert said(text.replace("kind: Workflow", "kind: WorkflowTemplate")) == []


def test_what_a_schedule_or_a_plan_starts_may_remove_itself_under_any_name() -> None:
    inner = f"{{spec: {{ttlSecondsAfterFinished: 60, {TEMPLATE}}}}}"
    cron = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '* * * * *', jobTemplate: %s}}"
    assert said(cron % inner) == []
    plan = "{apiVersion: v1, kind: ConfigMap, metadata: {name: plan}, data: {plan.json: {step: %s}}}"
    assert said(plan % job("train", "ttlSecondsAfterFinished: 60,")) == []


def test_so_is_one_whose_name_waits_for_its_digest() -> None:
    assert said(job("train@hash")) == []
    (found,) = said(job(f"{'t' * 53}@hash"))
    assert found.startswith("VER010 the name of Job t") and "has 64 characters" in found


@pytest.mark.parametrize("name", ["train", "train-012345678", "train-0123456789a", "train-ABCDEF0123", "0123456789"])
def test_a_job_whose_name_stays_can_never_change(name: str) -> None:
    assert any(line.startswith(f"VER019 Job {name}") for line in said(job(name)))


def test_an_immutable_configmap_has_to_be_called_after_its_content_too() -> None:
    text = "{apiVersion: v1, kind: ConfigMap, immutable: true, metadata: {name: plan}, data: {}}"
    assert said(text)[0].startswith("VER019 ConfigMap plan cannot be changed once it is applied")
    assert said(text.replace("name: plan", "name: plan-00112233aa")) == []
    assert said(text.replace("immutable: true", "immutable: false")) == []


def test_a_hook_is_made_anew_by_what_runs_it() -> None:
    hook = ", annotations: {argocd.argoproj.io/hook: PreSync}"
    assert said(job("upgrade", "ttlSecondsAfterFinished: 60,", hook)) == []


def test_the_name_of_an_added_object_is_its_authors_affair() -> None:
    added = emitted(job("mine"), {(): Origin(path=("objects", "extras"))})
    assert list(verify(added, programs.project(), BUILTIN["argo"]).findings) == []
