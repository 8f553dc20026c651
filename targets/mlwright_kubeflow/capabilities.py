"""What this target can express, field by field; everything that is not listed is exact."""

from __future__ import annotations

from mlwright.target import STEPS, Capability, each, one

_TUNING = ("tuning", "models.*.tuning")
_TRIALS = ("tuning.trial", "models.*.tuning.trial")
_BOUNDS = "Katib does not bound it: a trial takes the nearest value of the range"
_READ = "Katib alone reads them there; MLflow has what the program logs itself"
_RESUMED = "each run has an Experiment of its own: one that has ended goes on when someone raises its `maxTrialCount`"

SEARCH: tuple[Capability, ...] = (
    *(one(f"{place}.space.*.{key}", "emulated", _BOUNDS) for place in _TUNING for key in ("mean", "sigma")),
    *each(_TUNING, "space.*.distribution", "emulated", _BOUNDS, "normal", "log_normal"),
    *each(_TUNING, "resume", "emulated", _RESUMED, "volume", "running"),
    *each(_TRIALS, "metrics_from", "emulated", _READ, "tensorboard", "prometheus"),
    *each(_TRIALS, "retries", "emulated", "the launcher tries again inside the pod; lost pods are made anew 3 times"),
    *each(_TRIALS, "resources.gpu.memory", "ignored", "Kubernetes asks for whole GPUs, whatever their memory"),
)
"""Searches that Katib makes."""

_STEPS = tuple(place for place in STEPS if not place.endswith(".trial"))

TRAINING: tuple[Capability, ...] = (
    *each(_STEPS, "retries", "emulated", "the launcher tries again inside the pods; lost pods are made anew 3 times"),
    *each(_STEPS, "contract", "emulated", "no metrics, no run id, parameters are their defaults", "bare"),
    *each(_STEPS, "metrics_from", "emulated", _READ, "tensorboard", "prometheus"),
    *each(_STEPS, "resources.gpu.memory", "ignored", "Kubernetes asks for whole GPUs, whatever their memory"),
)
"""Steps that Trainer or the training operator runs. What a release of theirs cannot do has codes: TRAIN002-007."""

_JOB = "Kubeflow's pods cannot have it: the step is a Job, which a small pod follows"

PIPELINES: tuple[Capability, ...] = (
    *each(_STEPS, "identity", "emulated", _JOB),
    *each(_STEPS, "security.run_as_root", "emulated", _JOB),
    *each(_STEPS, "security.read_only_root_filesystem", "emulated", _JOB),
    *each(_STEPS, "resources.disk", "emulated", _JOB),
    Capability(
        field="pipelines.*.schedule.concurrency",
        support="emulated",
        why="Kubeflow Pipelines ends no run for the next one: the next one waits",
        values=("replace",),
    ),
    Capability(
        field="storage.artifacts",
        support="emulated",
        why="files go through the tracking server: Kubeflow Pipelines carries none of ours",
        values=("s3", "gs", "azure"),
    ),
)
"""Graphs that Kubeflow Pipelines orders."""

_BOUND = "KServe bounds what has no limit: one processor, or what is asked for where that is more"

SERVING: tuple[Capability, ...] = (
    one("serving.*.log.sample", "ignored", "KServe keeps all of them"),
    one("serving.*.health.startup", "emulated", "KServe calls a Deployment failed after 10 minutes; its pods go on"),
    one("serving.*.resources.cpu", "emulated", _BOUND),
    one("serving.*.resources.gpu.memory", "ignored", "Kubernetes asks for whole GPUs, whatever their memory"),
)
"""Endpoints and routes on KServe."""

TABLE: tuple[Capability, ...] = (*PIPELINES, *SEARCH, *TRAINING, *SERVING)
