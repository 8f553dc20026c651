"""How patches address Kubernetes objects, and what they must leave alone."""

from __future__ import annotations

from mlwright.target import KnownField, ListKeys, Protected

LIST_KEYS: ListKeys = {
    ("**", "volumeMounts"): "mountPath",
    ("**", "volumeDevices"): "devicePath",
    ("**", "containers", "*", "ports"): "containerPort",
    ("**", "initContainers", "*", "ports"): "containerPort",
    ("**", "model", "ports"): "containerPort",
    ("**", "autoScaling", "metrics"): "type",
    ("spec", "ports"): "port",
    ("**", "topologySpreadConstraints"): "topologyKey",
    ("**", "hostAliases"): "ip",
    ("**", "ownerReferences"): "uid",
    ("spec", "endpoints"): "port",
    ("spec", "groups", "*", "rules"): "alert",
    ("spec", "data"): "secretKey",
    ("spec", "podTemplate", "volumes", "*"): "mountPath",
    ("spec", "plugins"): "kind",
    ("**", "configMapAsVolume"): "mountPath",
    ("**", "pvcMount"): "mountPath",
    ("**", "emptyDirMounts"): "mountPath",
    ("**", "secretAsEnv"): "secretName",
    ("**", "imagePullSecret"): "secretName",
}
"""Keys of lists, where it is not `name`; the merge keys that the API server itself goes by."""

_PODS = ("Job", "CronJob", "Deployment")
_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "mlwright.dev/node", "mlwright.dev/environment")
_STORES = ("DatabaseStatefulSet", "ObjectsStatefulSet")
_EVERY = (
    *_PODS,
    *_STORES,
    *("VariantDeployment", "VariantService", "ProxyDeployment", "ProxyService", "UsersJob", "SmokeJob"),
    *("ConfigMap", "Service", "ServiceAccount", "PersistentVolumeClaim", "NetworkPolicy", "Role", "RoleBinding"),
    *("Ingress", "HTTPRoute", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ServiceMonitor", "PrometheusRule"),
    *("PeerAuthentication", "AuthorizationPolicy", "Profile", "Notebook", "Workspace"),
    *("TrainJob", "TrainingRuntime", "PyTorchJob", "TFJob", "MPIJob", "XGBoostJob", "PaddleJob", "JAXJob"),
    *("InferenceService", "VariantInferenceService", "InferenceGraph", "LLMInferenceService", "ServingRuntime"),
    *("RouterService", "DomainMapping"),
    *("PodDefault", "MlflowPodDefault", "PipelinesPodDefault", "Experiment"),
    *("Pipeline", "PipelineVersion", "SubmitJob"),
    *("ScaledObject", "WorkflowTemplate", "CronWorkflow", "Workflow", "EventSource", "Sensor", "ExternalSecret"),
)
_STARTS = "the launcher starts every program"
_KSERVE = ("InferenceService", "VariantInferenceService")
_MODE = "serving.kserve.io/deploymentMode"
_EXECUTORS = ("Executor", "ItemsExecutor", "StartExecutor", "FinishExecutor")
"""The containers of a pipeline in Kubeflow's own language."""
_TEMPLATES = {
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Deployment": ("spec", "template"),
}

PROTECTED: tuple[Protected, ...] = (
    *(
        Protected(kind=kind, path=path, why="it identifies what mlwright made")
        for kind in _EVERY
        for path in (
            *(("kind",), ("apiVersion",), ("metadata", "name"), ("metadata", "namespace")),
            *(("metadata", "labels", name) for name in _LABELS),
        )
    ),
    *(
        Protected(kind=kind, path=("spec", "selector"), why="its pods are found by it")
        for kind in ("Deployment", "VariantDeployment", "ProxyDeployment", *_STORES)
    ),
    *(
        Protected(kind=kind, path=("spec", "predictor", *path), why=why)
        for kind in _KSERVE
        for path, why in (
            (("containers", "*", "command"), _STARTS),
            (("containers", "*", "args"), _STARTS),
            (("containers", "*", "name"), "KServe knows the model's container by it"),
            *((("labels", name), "its Service finds pods by it") for name in _LABELS),
        )
    ),
    *(
        Protected(
            kind=kind, path=("metadata", "annotations", _MODE), why="Services and hosts are written for this mode"
        )
        for kind in (*_KSERVE, "InferenceGraph")
    ),
    Protected(kind="Profile", path=("spec", "owner"), why="its controller leaves a namespace of somebody else alone"),
    Protected(
        kind="Notebook",
        path=("spec", "template", "spec", "containers", "*", "name"),
        why="the controller knows the notebook by it",
    ),
    *(
        Protected(kind="TrainJob", path=("spec", *path), why=_STARTS)
        for path in (("trainer", "command"), ("trainer", "args"), ("runtimeRef",))
    ),
    *(
        Protected(kind=kind, path=(*template, "spec", "containers", "*", word), why=_STARTS)
        for kind, template in _TEMPLATES.items()
        for word in ("command", "args")
    ),
    *(
        Protected(kind="Experiment", path=("spec", "trialTemplate", key), why="Katib finds by it what a trial says")
        for key in ("trialParameters", "primaryContainerName", "primaryPodLabels", "successCondition")
    ),
    *(
        Protected(kind="TrialJob", path=(*_TEMPLATES["Job"], "spec", "containers", "*", word), why=_STARTS)
        for word in ("name", "command", "args")
    ),
    *(Protected(kind="TrialTrainJob", path=("spec", "trainer", word), why=_STARTS) for word in ("command", "args")),
    *(
        Protected(kind=kind, path=("container", word), why=_STARTS)
        for kind in _EXECUTORS
        for word in ("command", "args")
    ),
)

_FIELDS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("image",), "image"),
    (("resources",), "resources"),
    (("securityContext", "runAsUser"), "security.run_as_user"),
    (("securityContext", "readOnlyRootFilesystem"), "security.read_only_root_filesystem"),
)

_SEARCH = {
    "objective": "tuning.objective",
    "algorithm": "tuning.algorithm",
    "earlyStopping": "tuning.early_stopping",
    "parameters": "tuning.space",
    "parallelTrialCount": "tuning.trials.parallel",
    "maxTrialCount": "tuning.trials.max",
    "maxFailedTrialCount": "tuning.trials.max_failed",
    "resumePolicy": "tuning.resume",
    "metricsCollectorSpec": "tuning.trial.metrics_from",
}

KNOWN_FIELDS: tuple[KnownField, ...] = (
    tuple(
        KnownField(kind=kind, path=(*template, "spec", "containers", "*", *path), field=field)
        for kind, template in {**_TEMPLATES, "Notebook": ("spec", "template")}.items()
        for path, field in _FIELDS
    )
    + tuple(
        KnownField(kind=kind, path=("spec", "predictor", *path), field=field)
        for kind in _KSERVE
        for path, field in (
            *((("containers", "*", *path), field) for path, field in _FIELDS),
            (("minReplicas",), "replicas.min"),
            (("maxReplicas",), "replicas.max"),
            (("containerConcurrency",), "concurrency"),
            (("timeout",), "request_timeout"),
            (("batcher",), "batcher"),
            (("model", "storageUri"), "model"),
            (("model", "runtime"), "runtime"),
            (("model", "resources"), "resources"),
        )
    )
    + tuple(KnownField(kind="Experiment", path=("spec", key), field=field) for key, field in _SEARCH.items())
)
