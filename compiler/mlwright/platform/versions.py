"""Systems by version: which API version each kind of object has, what came with which release, what we write for.

Kinds are ours to choose where two systems share a name: `Gateway` is the Gateway API's, `Experiment` is Katib's. Only
a `PodGroup` is either of Volcano or of the scheduler plugins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from mlwright.record import dataclass


@dataclass(frozen=True, slots=True)
class Served:
    """`kinds` have `api_version` in `system` from release `since` on; "" is from the oldest that we write for."""

    system: str
    since: str
    api_version: str
    kinds: tuple[str, ...]


_EXTERNAL = ("ExternalSecret", "ClusterExternalSecret", "SecretStore", "ClusterSecretStore")
_QUEUES = ("ClusterQueue", "LocalQueue", "ResourceFlavor", "Topology", "Workload", "WorkloadPriorityClass")

SERVED = (
    Served("kubernetes", "", "v1", (
        "ConfigMap", "LimitRange", "Namespace", "PersistentVolume", "PersistentVolumeClaim", "Pod", "ResourceQuota",
        "Secret", "Service", "ServiceAccount",
    )),
    Served("kubernetes", "", "apps/v1", ("DaemonSet", "Deployment", "StatefulSet")),
    Served("kubernetes", "", "autoscaling/v2", ("HorizontalPodAutoscaler",)),
    Served("kubernetes", "", "batch/v1", ("CronJob", "Job")),
    Served("kubernetes", "", "coordination.k8s.io/v1", ("Lease",)),
    Served("kubernetes", "", "networking.k8s.io/v1", ("Ingress", "IngressClass", "NetworkPolicy")),
    Served("kubernetes", "", "node.k8s.io/v1", ("RuntimeClass",)),
    Served("kubernetes", "", "policy/v1", ("PodDisruptionBudget",)),
    Served("kubernetes", "", "rbac.authorization.k8s.io/v1", (
        "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
    )),
    Served("kubernetes", "", "scheduling.k8s.io/v1", ("PriorityClass",)),
    Served("kubernetes", "", "storage.k8s.io/v1", ("StorageClass",)),
    Served("argo_workflows", "", "argoproj.io/v1alpha1", (
        "ClusterWorkflowTemplate", "CronWorkflow", "Workflow", "WorkflowTaskResult", "WorkflowTemplate",
    )),
    Served("argo_events", "", "argoproj.io/v1alpha1", ("EventBus", "EventSource", "Sensor")),
    Served("argo_cd", "", "argoproj.io/v1alpha1", ("AppProject", "Application", "ApplicationSet")),
    Served("gateway_api", "", "gateway.networking.k8s.io/v1", ("Gateway", "GatewayClass", "HTTPRoute")),
    Served("gateway_api", "1.1", "gateway.networking.k8s.io/v1", ("GRPCRoute",)),
    Served("gateway_api", "", "gateway.networking.k8s.io/v1beta1", ("ReferenceGrant",)),
    Served("istio", "", "networking.istio.io/v1", ("DestinationRule", "ServiceEntry", "Sidecar", "VirtualService")),
    Served("istio", "", "security.istio.io/v1", (
        "AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication",
    )),
    Served("kueue", "", "kueue.x-k8s.io/v1beta1", _QUEUES),
    Served("kueue", "0.15", "kueue.x-k8s.io/v1beta2", _QUEUES),
    Served("keda", "", "keda.sh/v1alpha1", (
        "ClusterTriggerAuthentication", "ScaledJob", "ScaledObject", "TriggerAuthentication",
    )),
    Served("prometheus_operator", "", "monitoring.coreos.com/v1", ("PodMonitor", "PrometheusRule", "ServiceMonitor")),
    Served("external_secrets", "", "external-secrets.io/v1beta1", _EXTERNAL),
    Served("external_secrets", "0.16", "external-secrets.io/v1", _EXTERNAL),
    Served("sealed_secrets", "", "bitnami.com/v1alpha1", ("SealedSecret",)),
    Served("jobset", "", "jobset.x-k8s.io/v1alpha2", ("JobSet",)),
    Served("volcano", "", "scheduling.volcano.sh/v1beta1", ("PodGroup",)),
    Served("scheduler_plugins", "", "scheduling.x-k8s.io/v1alpha1", ("PodGroup",)),
    Served("kubeflow.pipelines", "", "pipelines.kubeflow.org/v2beta1", ("Pipeline", "PipelineVersion")),
    Served("kubeflow.katib", "", "kubeflow.org/v1beta1", ("Experiment", "Suggestion", "Trial")),
    Served("kubeflow.trainer", "", "trainer.kubeflow.org/v1alpha1", (
        "ClusterTrainingRuntime", "TrainJob", "TrainingRuntime",
    )),
    Served("kubeflow.training_operator", "", "kubeflow.org/v1", (
        "JAXJob", "MPIJob", "PaddleJob", "PyTorchJob", "TFJob", "XGBoostJob",
    )),
    Served("kubeflow.kserve", "", "serving.kserve.io/v1beta1", ("InferenceService",)),
    Served("kubeflow.kserve", "", "serving.kserve.io/v1alpha1", (
        "ClusterServingRuntime", "ClusterStorageContainer", "InferenceGraph", "ServingRuntime", "TrainedModel",
    )),
    Served("kubeflow.kserve", "0.16", "serving.kserve.io/v1alpha1", ("LLMInferenceService",)),
    Served("kubeflow.kserve", "0.17", "serving.kserve.io/v1alpha2", ("LLMInferenceService",)),
    Served("knative", "", "serving.knative.dev/v1beta1", ("DomainMapping",)),
    Served("kubeflow.notebooks", "", "kubeflow.org/v1", ("Notebook",)),
    Served("kubeflow.notebooks", "2.0", "kubeflow.org/v1beta1", ("Workspace",)),
    Served("kubeflow.profiles", "", "kubeflow.org/v1", ("Profile",)),
    Served("kubeflow.profiles", "", "kubeflow.org/v1alpha1", ("PodDefault",)),
)  # fmt: skip
"""Of several rows with one kind, the last whose release has come."""

FEATURES: Mapping[str, tuple[str, str]] = {
    "job_success_policy": ("kubernetes", "1.31"),
    "workflow_pending_timeout": ("argo_workflows", "4.1"),
    "trainjob_runtime_patches": ("kubeflow.trainer", "2.2"),
    "kfp_exit_hooks": ("kubeflow.pipelines", "2.5"),
    "kfp_kubernetes_store": ("kubeflow.pipelines", "2.14"),
    "kfp_security_context": ("kubeflow.pipelines", "2.16"),
    "kserve_standard_mode": ("kubeflow.kserve", "0.16"),
    "kserve_canary": ("kubeflow.kserve", "0.20"),
    "kserve_language_models": ("kubeflow.kserve", "0.16"),
    "kserve_log_storage": ("kubeflow.kserve", "0.16"),
    "kserve_graph_mapping": ("kubeflow.kserve", "0.20"),
}
"""What came with a release: name -> (system, the first release that has it without being asked to)."""


@dataclass(frozen=True, slots=True)
class Known:
    """`oldest` is the first release whose objects are as we write them, "" where every one is that runs on
    Kubernetes `oldest`; `why` says what it brought; `newest` is the last that was looked at."""

    newest: str
    oldest: str = ""
    why: str = ""


KNOWN: Mapping[str, Known] = {
    "kubernetes": Known("1.36", "1.29", "init containers that run beside the program"),
    "argo_workflows": Known("4.1", "3.6", "`schedules`, `mutexes` and `semaphores`"),
    "argo_events": Known("1.9"),
    "argo_cd": Known("3.5", "3.0", "tracking by annotations: by labels, it would delete runs"),
    "mlflow": Known("3.17"),
    "kueue": Known("0.19", "0.9", "topologies"),
    "istio": Known("1.30", "1.22", "its APIs in version v1"),
    "gateway_api": Known("1.6", "1.0", "HTTPRoute in version v1"),
    "prometheus_operator": Known("0.93"),
    "external_secrets": Known("2.9", "0.5", "ExternalSecret in version v1beta1"),
    "sealed_secrets": Known("0.39"),
    "keda": Known("2.20", "2.0", "the group keda.sh"),
    "knative": Known("1.23", "1.0", "DomainMapping"),
    "jobset": Known("0.12", "0.2", "JobSet in version v1alpha2"),
    "volcano": Known("1.15"),
    "scheduler_plugins": Known("0.35", "0.25", "the group scheduling.x-k8s.io"),
    "kubeflow.pipelines": Known("2.17", "2.0", "the second pipeline language"),
    "kubeflow.katib": Known("0.19"),
    "kubeflow.trainer": Known("2.3", "2.0", "TrainJob; version 1 is `training_operator`"),
    "kubeflow.training_operator": Known("1.9"),
    "kubeflow.kserve": Known("0.21", "0.15", "KEDA, and copies that nothing scales"),
    "kubeflow.notebooks": Known("2.0"),
    "kubeflow.profiles": Known("2.0"),
    "kubeflow.dashboard": Known("2.0"),
}
"""Every system that a platform file may list."""


def listing(system: str) -> str:
    """What ops type to list a system: `keda: "2.20"`, `kubeflow: {katib: "0.19"}`."""
    above, _, last = system.rpartition(".")
    text = f'{last}: "{KNOWN[system].newest}"'
    return f"{above}: {{{text}}}" if above else text


@cache
def numbers(version: str) -> tuple[int, ...]:
    """`v4.1.2` as (4, 1, 2)."""
    return tuple(int(number) for number in re.findall(r"\d+", version))


@cache
def reaches(version: str, wanted: str) -> bool:
    """Whether `version` is `wanted` or later; what is left out counts as 0: `4` is 4.0."""
    size = max(len(numbers(version)), len(numbers(wanted)))
    have, want = ((*numbers(text), *[0] * size)[:size] for text in (version, wanted))
    return have >= want


def within(version: str, newest: str) -> bool:
    """Whether `version` is a release of `newest`'s line or earlier: 1.36.4 is within 1.36."""
    return numbers(version)[: len(numbers(newest))] <= numbers(newest)


@cache
def _rows(kind: str) -> tuple[Served, ...]:
    return tuple(row for row in SERVED if kind in row.kinds)


def api_version(kind: str, systems: Mapping[str, str], system: str = "") -> str:
    """The `apiVersion` of `kind` where `systems` run, of `system` if it is named. Raises LookupError where none of
    them has it."""
    found = ""
    for row in _rows(kind):
        if system and row.system != system:
            continue
        if row.system in systems and reaches(systems[row.system], row.since or "0"):
            found = row.api_version
    if not found:
        raise LookupError(f"no system of this platform has {kind}")
    return found
