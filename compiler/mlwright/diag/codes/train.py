"""TRAIN: training jobs that Kubeflow's controllers run."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="TRAIN001",
        title="a framework that is retired upstream",
        explanation=(
            "Apache MXNet was archived in 2023, and Kubeflow's training operator has no MXJob since its release 1.9; "
            "Trainer never had a runtime for it. Move the program to PyTorch or JAX (Gluon models are close to "
            "`torch.nn`), or start it by MPI, which asks no framework: `launcher: mpirun` without `framework`."
        ),
        bad="training: {framework: mxnet, distributed: {nodes: 4}}",
        good="training: {framework: pytorch, distributed: {nodes: 4, launcher: torchrun}}",
    ),
    Code(
        code="TRAIN002",
        title="a role that the framework does not have",
        explanation=(
            "Groups of nodes beside the workers mean something to a framework only where it knows them: TensorFlow "
            "has `ps`, `chief` and `evaluator`, Paddle has `ps`. The nodes of every other framework are alike: leave "
            "`roles` out and count all of them in `nodes`. A training runtime that ops list has groups of its own, "
            "to which a step adds none."
        ),
        bad="training: {framework: pytorch, distributed: {nodes: 4, roles: {ps: {nodes: 1}}}}",
        good="training: {framework: tensorflow, distributed: {nodes: 4, roles: {ps: {nodes: 1}}}}",
    ),
    Code(
        code="TRAIN003",
        title="a launcher of another framework",
        explanation=(
            "`torchrun`, `accelerate` and `deepspeed` start processes that find each other by PyTorch's variables. "
            "Programs of other frameworks look for theirs, and each process would train alone. Leave `launcher` out: "
            "the nodes find each other as the framework does. `mpirun` starts programs of every framework."
        ),
        bad="training: {framework: jax, distributed: {nodes: 4, launcher: torchrun}}",
        good="training: {framework: jax, distributed: {nodes: 4}}",
    ),
    Code(
        code="TRAIN004",
        title="a number of nodes that cannot change",
        severity="warning",
        explanation=(
            "With `nodes: {min: 2, max: 8}` a job may start with two nodes and grow. Kubeflow's Trainer 2 has no such "
            "jobs: its releases up to 2.1 had a field for it that did nothing, later ones have none. It starts with "
            "`max` nodes, all of them or none. The training operator (`kubeflow: {training_operator: ...}` in the "
            "platform file) has them for PyTorch and Paddle."
        ),
        bad="training: {framework: pytorch, distributed: {nodes: {min: 2, max: 8}, launcher: torchrun}}",
        good="training: {framework: pytorch, distributed: {nodes: 8, launcher: torchrun}}",
    ),
    Code(
        code="TRAIN005",
        title="a framework that nothing here runs",
        explanation=(
            "The framework of a step on several nodes decides how these find each other. It is one that mlwright "
            "knows (pytorch, deepspeed, jax, xgboost, lightgbm, tensorflow, paddle, mpi), or the name of a training "
            "runtime that the platform file lists under `runtimes`. Without `framework` the launcher decides."
        ),
        bad="training: {framework: pytroch, distributed: {nodes: 4}}",
        good="training: {framework: pytorch, distributed: {nodes: 4}}",
    ),
    Code(
        code="TRAIN006",
        title="pods that the namespace does not admit",
        severity="warning",
        explanation=(
            "The training operator adds a container of its own to the pods of some jobs: one that waits for the first "
            "node to the other nodes of a PyTorchJob, one that fetches kubectl to the launcher of an MPIJob. It gives "
            "them no security context, so a namespace with `pod_security: restricted` refuses these pods. Ops can "
            "correct the first by a template (`--pytorch-init-container-template-file`); for the second, the "
            "namespace has to be `baseline`. Kubeflow's Trainer 2 adds nothing to pods."
        ),
        bad="training: {distributed: {nodes: 4, launcher: mpirun}}  # where ops run the training operator",
        good="pod_security: baseline  # in the platform file",
    ),
    Code(
        code="TRAIN007",
        title="what a training runtime decides itself",
        severity="warning",
        explanation=(
            "A step whose `framework` names a runtime of the platform file runs in that runtime's pods. It brings "
            "its program, volumes, account and node selector; the scheduler, the gang, the priority and the runtime "
            "class are the runtime's, and a placement cannot change them. Ask ops for a runtime that has them, or "
            "for none: then the project has a runtime of its own, with all of the placement."
        ),
        bad="training: {framework: pytorch, placement: gang, distributed: {nodes: 4}}  # ops list a runtime `pytorch`",
        good="training: {distributed: {nodes: 4, launcher: torchrun}, placement: gang}",
    ),
    Code(
        code="TRAIN008",
        title="a data cache that nothing starts",
        explanation=(
            "Data of `cache://SCHEMA/TABLE` is served by pods that a runtime of Kubeflow's Trainer starts before the "
            "nodes (`torch-distributed-with-cache`). The step's `framework` has to name a runtime that the platform "
            "file lists with `initializers: [dataset]`, and the program gets the address (`access: uri`). What the "
            "cache needs to know (METADATA_LOC, IAM_ROLE, CLUSTER_SIZE) are keys of the data's `secret`."
        ),
        bad="data: {events: {source: 'cache://sales/events'}}  # in an environment without such a runtime",
        good="data: {events: {source: 's3://acme/events'}}",
    ),
    Code(
        code="TRAIN009",
        title="two models where a runtime fetches one",
        severity="warning",
        explanation=(
            "A training runtime with initializers fetches one dataset and one model before its nodes start. On Hugging "
            "Face, `hf://ORGANISATION/NAME` is a model and `hf://datasets/ORGANISATION/NAME` a dataset, as its own "
            "programs write it; Trainer's examples leave `datasets/` out. Where a step reads several models, no "
            "initializer is used for them: each node's launcher downloads them, as everywhere else."
        ),
        bad="data: {texts: {source: 'hf://tatsu-lab/alpaca'}, weights: {source: 'hf://meta-llama/Llama-3.2-1B'}}",
        good="data: {texts: {source: 'hf://datasets/tatsu-lab/alpaca'}, weights: {source: 'hf://meta-llama/Llama-3.2-1B'}}",
    ),
)
