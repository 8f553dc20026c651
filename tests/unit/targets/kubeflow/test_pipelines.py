"""Kubeflow Pipelines' objects, as they are compiled."""

from __future__ import annotations

from tests.unit.targets.kubeflow.tenants import PLATFORM, objects

KFP = PLATFORM.replace("orchestrator: argo\n", "orchestrator: kubeflow-pipelines\n")
STEP = 'steps: {make: {image: "app:1", command: [make]}}\npipelines: {nightly: {run: [steps.make]}}\n'


def test_failed_starts_by_hand_stay_to_be_read() -> None:
    spec = objects(STEP, KFP)["CronJob/demo-nightly"]["spec"]
    assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 3)
    assert spec["suspend"] is True
