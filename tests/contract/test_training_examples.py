"""The examples of Kubeflow's Trainer and of its training operator, in our language: what they ask for is in the output.

`upstream` is what the original says, at its place in the manifest; what a release does not have is said by a code.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright import api

Json = dict[str, Any]

SPEC = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
defaults: {steps: {image: "registry.example.com/demo:1", resources: {cpu: 1, memory: 2Gi}}}
environments: {prod: {platform: cluster.yaml}}
"""
PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: argo
kubernetes: "1.36"
argo_workflows: "4.1"
jobset: "0.12"
volcano: "1.15"
kueue: "0.19"
pod_security: baseline
placements:
  team: {selector: {node-type: training}, tolerations: [{key: training-workload, operator: Equal, value: "true"}]}
  together: {gang: volcano}
  queued: {queue: training-queue}
identities: {training-sa: {service_account: training-sa}}
"""
THEIRS = """\
runtimes:
  pytorch: {name: torch-distributed}
  deepspeed: {name: deepspeed-distributed}
  jax: {name: jax-distributed}
  xgboost: {name: xgboost-distributed}
  mlx: {name: mlx-distributed}
  flux: {name: flux-distributed}
  torchtune: {name: torchtune-llama3.2-1b, initializers: [dataset, model]}
  cached: {name: torch-distributed-with-cache, initializers: [dataset]}
"""
V2, V1 = 'kubeflow: {trainer: "2.3"}\n', 'kubeflow: {training_operator: "1.9"}\n'
PROGRAM = "command: [python, train.py]"

TRAINER: dict[str, tuple[str, Json]] = {
    "yaml/01-multi-node": (
        f"training: {{{PROGRAM}, framework: pytorch, distributed: {{nodes: 3, launcher: torchrun}}}}",
        {"spec.runtimeRef.name": "torch-distributed", "spec.trainer.numNodes": 3},
    ),
    "yaml/02-runtime-patches": (
        (
            f"training: {{{PROGRAM}, framework: pytorch, distributed: {{nodes: 2, launcher: torchrun}}, "
            "resources: {cpu: 2, memory: 4Gi, limits: {cpu: 4, memory: 8Gi}}, placement: team, identity: training-sa, "
            "labels: {team: ml-platform}}"
        ),
        {
            "spec.trainer.resourcesPerNode.requests": {"cpu": "2", "memory": "4Gi"},
            "spec.trainer.resourcesPerNode.limits": {"cpu": "4", "memory": "8Gi"},
            "PATCH.spec.serviceAccountName": "training-sa",
            "PATCH.spec.nodeSelector": {"node-type": "training"},
            "PATCH.spec.tolerations": [{"key": "training-workload", "operator": "Equal", "value": "true"}],
            "PATCH.metadata.labels.team": "ml-platform",
        },
    ),
    "yaml/03-kueue-integration": (
        f"training: {{{PROGRAM}, framework: pytorch, distributed: {{nodes: 3}}, placement: queued}}",
        {"metadata.labels.kueue\\.x-k8s\\.io/queue-name": "training-queue", "spec.trainer.numNodes": 3},
    ),
    "yaml/04-volcano-integration": (
        f"training: {{{PROGRAM}, distributed: {{nodes: 4, launcher: torchrun}}, placement: together}}",
        {"RUNTIME.spec.podGroupPolicy": {"volcano": {}}, "RUNTIME.spec.mlPolicy.torch": {}, "spec.trainer.numNodes": 4},
    ),
    "deepspeed/text-summarization": (
        (
            f"training: {{{PROGRAM}, framework: deepspeed, distributed: {{nodes: 2, launcher: deepspeed}}, "
            "resources: {gpu: 4}}"
        ),
        {
            "spec.runtimeRef.name": "deepspeed-distributed",
            "spec.trainer.numNodes": 2,
            "spec.trainer.numProcPerNode": 4,
            "spec.trainer.resourcesPerNode.limits.nvidia\\.com/gpu": "4",
        },
    ),
    "jax/image-classification": (
        f"training: {{{PROGRAM}, framework: jax, distributed: {{nodes: 3}}}}",
        {"spec.runtimeRef.name": "jax-distributed", "spec.trainer.numNodes": 3},
    ),
    "xgboost/distributed-training": (
        f"training: {{{PROGRAM}, framework: xgboost, distributed: {{nodes: 2}}}}",
        {"spec.runtimeRef.name": "xgboost-distributed", "spec.trainer.numNodes": 2},
    ),
    "mlx/language-modeling": (
        f"training: {{{PROGRAM}, framework: mlx, distributed: {{nodes: 4, launcher: mpirun}}, resources: {{gpu: 1}}}}",
        {"spec.runtimeRef.name": "mlx-distributed", "spec.trainer.numNodes": 4},
    ),
    "flux/lammps": (
        (
            "training: {command: [lmp, -in, in.reaxc.hns, -nocite], framework: flux, "
            "distributed: {nodes: 2, processes_per_node: 4}, env: {FLUX_VIEW_IMAGE: flux}}"
        ),
        {"spec.runtimeRef.name": "flux-distributed", "spec.trainer.numProcPerNode": 4},
    ),
    "torchtune/llama3_2": (
        (
            "secrets: {hub: {keys: [HF_TOKEN]}}\n"
            'data: {alpaca: {source: "hf://datasets/tatsu-lab/alpaca/data"}, '
            'llama: {source: "hf://meta-llama/Llama-3.2-1B-Instruct", secret: hub}}\n'
            'training: {command: [tune, run, full_finetune_distributed, "checkpoint_dir=${data.llama}", '
            '"dataset=${data.alpaca}"], framework: torchtune, distributed: {nodes: 2}, '
            "resources: {memory: 200Gi, gpu: 1}}"
        ),
        {
            "spec.runtimeRef.name": "torchtune-llama3.2-1b",
            "spec.initializer.dataset.storageUri": "hf://tatsu-lab/alpaca",
            "spec.initializer.model.storageUri": "hf://meta-llama/Llama-3.2-1B-Instruct",
            "spec.initializer.model.env.0.name": "ACCESS_TOKEN",
            "DOCUMENT.data.alpaca.source": "/workspace/dataset/data",
            "DOCUMENT.data.llama.source": "/workspace/model",
        },
    ),
    "pytorch/data-cache": (
        (
            "secrets: {table: {keys: [METADATA_LOC, IAM_ROLE, CLUSTER_SIZE]}}\n"
            'data: {events: {source: "cache://sales/events", access: uri, secret: table}}\n'
            'training: {command: [python, train.py, "${data.events}"], framework: cached, '
            "distributed: {nodes: 8, launcher: torchrun}, resources: {cpu: 3, memory: 8Gi, gpu: 1}}"
        ),
        {
            "spec.runtimeRef.name": "torch-distributed-with-cache",
            "spec.initializer.dataset.storageUri": "cache://sales/events",
            "spec.initializer.dataset.secretRef.name": "demo-table",
            "spec.trainer.numNodes": 8,
        },
    ),
}
OPERATOR: dict[str, tuple[str, Json]] = {
    "pytorch/elastic/echo": (
        (
            f"training: {{{PROGRAM}, framework: pytorch, distributed: {{nodes: {{min: 1, max: 2}}, launcher: torchrun, "
            "max_restarts: 100}}"
        ),
        {
            "kind": "PyTorchJob",
            "spec.elasticPolicy": {"rdzvBackend": "c10d", "minReplicas": 1, "maxReplicas": 2, "maxRestarts": 100},
            "spec.pytorchReplicaSpecs.Worker.replicas": 2,
        },
    ),
    "pytorch/simple": (
        f"training: {{{PROGRAM}, framework: pytorch, distributed: {{nodes: 2}}}}",
        {"spec.pytorchReplicaSpecs.Master.replicas": 1, "spec.pytorchReplicaSpecs.Worker.replicas": 1},
    ),
    "pytorch/deepspeed-demo": (
        (
            f"training: {{{PROGRAM}, framework: deepspeed, distributed: {{nodes: 2, launcher: torchrun}}, "
            "resources: {gpu: 2}}"
        ),
        {"kind": "PyTorchJob", "spec.nprocPerNode": "2"},
    ),
    "tensorflow/dist-mnist": (
        f"training: {{{PROGRAM}, framework: tensorflow, distributed: {{nodes: 4, roles: {{ps: {{nodes: 2}}}}}}}}",
        {
            "kind": "TFJob",
            "spec.tfReplicaSpecs.PS.replicas": 2,
            "spec.tfReplicaSpecs.Worker.replicas": 4,
            "spec.tfReplicaSpecs.Worker.template.spec.containers.0.name": "tensorflow",
        },
    ),
    "tensorflow/distribution_strategy": (
        (
            "storage: {strategy: {type: volume, claim: strategy-volume}}\n"
            f"training: {{{PROGRAM}, framework: tensorflow, distributed: {{nodes: 2}}, "
            'mounts: {/train: "${storage.strategy}"}}'
        ),
        {
            "spec.tfReplicaSpecs.Worker.replicas": 2,
            "spec.tfReplicaSpecs.Worker.template.spec.containers.0.volumeMounts.0.mountPath": "/mlwright/runtime",
        },
    ),
    "mpi/tensorflow-mnist": (
        f"training: {{{PROGRAM}, distributed: {{nodes: 3, launcher: mpirun}}}}",
        {
            "kind": "MPIJob",
            "spec.slotsPerWorker": 1,
            "spec.runPolicy.cleanPodPolicy": "Running",
            "spec.mpiReplicaSpecs.Launcher.replicas": 1,
            "spec.mpiReplicaSpecs.Worker.replicas": 2,
        },
    ),
    "xgboost/xgboost-dist": (
        f"training: {{{PROGRAM}, framework: xgboost, distributed: {{nodes: 3}}}}",
        {
            "kind": "XGBoostJob",
            "spec.xgbReplicaSpecs.Master.replicas": 1,
            "spec.xgbReplicaSpecs.Worker.replicas": 2,
            "spec.xgbReplicaSpecs.Worker.restartPolicy": "ExitCode",
        },
    ),
    "xgboost/lightgbm-dist": (
        f"training: {{{PROGRAM}, framework: lightgbm, distributed: {{nodes: 3}}}}",
        {"kind": "XGBoostJob", "spec.xgbReplicaSpecs.Master.replicas": 1, "spec.xgbReplicaSpecs.Worker.replicas": 2},
    ),
    "paddlepaddle/simple-cpu": (
        (
            "training: {command: [python, -m, paddle.distributed.launch, run_check], framework: paddle, "
            "distributed: {nodes: 2}}"
        ),
        {
            "kind": "PaddleJob",
            "spec.paddleReplicaSpecs.Worker.replicas": 2,
            "spec.paddleReplicaSpecs.Worker.template.spec.containers.0.ports.0.name": "master",
        },
    ),
    "jax/cpu-demo": (
        f"training: {{{PROGRAM}, framework: jax, distributed: {{nodes: 2}}}}",
        {"kind": "JAXJob", "spec.jaxReplicaSpecs.Worker.replicas": 2},
    ),
}
OTHERWISE = {
    "mpi/tensorflow-mnist-elastic": (
        f"training: {{{PROGRAM}, distributed: {{nodes: {{min: 1, max: 3}}, launcher: mpirun}}}}",
        V1,
        "TRAIN004",
    ),
    "mxnet": (f"training: {{{PROGRAM}, framework: mxnet, distributed: {{nodes: 3}}}}", V1, "TRAIN001"),
    "elastic in Trainer 2": (
        f"training: {{{PROGRAM}, framework: pytorch, distributed: {{nodes: {{min: 1, max: 3}}, launcher: torchrun}}}}",
        V2,
        "TRAIN004",
    ),
}


def compiled(folder: Path, example: str, platform: str) -> tuple[list[str], Path]:
    (folder / "mlproject.yaml").write_text(SPEC + example + "\n")
    (folder / "cluster.yaml").write_text(PLATFORM + platform)
    result = api.compile([str(folder / "mlproject.yaml")], envs=["prod"])
    return [f"{item.code} {item.message}" for item in result.diagnostics], folder / "manifests" / "prod"


def at(value: Any, path: str) -> Any:
    for word in path.replace("\\.", "\0").split("."):
        key = word.replace("\0", ".")
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def found(output: Path) -> Json:
    """The job, with the pod template that it patches, its runtime and its step document beside it."""
    texts = {path.name.rpartition("-")[0]: path for path in output.glob("*/configmap-*.yaml")}
    (operation,) = output.glob("*/configmap-demo-training-operator.yaml")
    (document,) = output.glob("*/configmap-demo-training.yaml")
    assert texts
    (wanted,) = json.loads(yaml.safe_load(operation.read_text())["data"]["step.json"])["objects"]
    job: Json = wanted["manifest"]
    if patches := job["spec"].get("runtimePatches"):
        jobs = patches[0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
        job["PATCH"] = jobs[0]["template"]["spec"]["template"]
    for path in output.glob("*/trainingruntime-*.yaml"):
        job["RUNTIME"] = yaml.safe_load(path.read_text())
    job["DOCUMENT"] = json.loads(yaml.safe_load(document.read_text())["data"]["step.json"])
    return job


@pytest.mark.parametrize("name", TRAINER)
def test_trainers_examples(tmp_path: Path, name: str) -> None:
    example, upstream = TRAINER[name]
    said, output = compiled(tmp_path, example, V2 + ("" if "RUNTIME" in str(upstream) else THEIRS))
    assert [each for each in said if each.startswith(("TRAIN", "KUBE"))] == []
    job = found(output)
    assert {path: at(job, path) for path in upstream} == upstream


@pytest.mark.parametrize("name", OPERATOR)
def test_the_operators_examples(tmp_path: Path, name: str) -> None:
    example, upstream = OPERATOR[name]
    said, output = compiled(tmp_path, example, V1)
    assert [each for each in said if each.startswith(("TRAIN", "KUBE"))] == []
    job = found(output)
    assert {path: at(job, path) for path in upstream} == upstream


@pytest.mark.parametrize("name", OTHERWISE)
def test_what_cannot_be_said_so_is_said_with_its_reason(tmp_path: Path, name: str) -> None:
    example, platform, code = OTHERWISE[name]
    said, _ = compiled(tmp_path, example, platform)
    assert [each for each in said if each.startswith(code)], said
