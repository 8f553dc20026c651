"""What KServe's own samples ask for, in this language: each field of theirs is in what is written, as they have it.

The samples are those of docs/samples (v0.20), brought to today's form: `predictor.sklearn` is `predictor.model` with a
format. Names are the project's, and canaries are variants (docs/adr/0036-kserve.md).
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.unit.targets.kubeflow.served import FULL, KNATIVE, KSERVE, LOCKED, TWO, codes, objects

SAMPLES: dict[str, tuple[str, str, str]] = {
    "sklearn": (
        'm: {model: "gs://kfserving-examples/models/sklearn/1.0/model", format: sklearn}',
        KSERVE,
        "predictor: {model: {modelFormat: {name: sklearn}, storageUri: gs://kfserving-examples/models/sklearn/1.0/model}}",
    ),
    "sklearn-v2": (
        (
            'm: {model: "gs://seldon-models/sklearn/iris", format: sklearn, runtime: kserve-mlserver, '
            "protocols: [open-inference-v2]}"
        ),
        KSERVE,
        (
            "predictor: {model: {modelFormat: {name: sklearn}, runtime: kserve-mlserver, protocolVersion: v2, "
            "storageUri: gs://seldon-models/sklearn/iris}}"
        ),
    ),
    "xgboost-lightgbm-on-knative": (
        'm: {model: "gs://kfserving-examples/models/lightgbm/iris", format: lightgbm, replicas: {min: 0, max: 3}}',
        KNATIVE,
        "predictor: {minReplicas: 0, maxReplicas: 3, model: {modelFormat: {name: lightgbm}}}",
    ),
    "mlflow": (
        (
            'm: {model: "gs://kfserving-examples/models/mlflow/wine", format: mlflow, storage: direct, '
            "protocols: [open-inference-v2]}"
        ),
        KSERVE,
        (
            "predictor: {model: {modelFormat: {name: mlflow}, protocolVersion: v2, "
            "storageUri: gs://kfserving-examples/models/mlflow/wine}}"
        ),
    ),
    "torchserve-v2": (
        'm: {model: "pvc://model-pv-claim", format: pytorch, protocols: [open-inference-v2]}',
        KSERVE,
        "predictor: {model: {modelFormat: {name: pytorch}, protocolVersion: v2, storageUri: pvc://model-pv-claim}}",
    ),
    "torchserve-gpu": (
        'm: {model: "gs://b/v1", format: pytorch, resources: {gpu: 1, memory: 4Gi}}',
        KSERVE,
        'predictor: {model: {resources: {limits: {memory: 4Gi, nvidia.com/gpu: "1"}}}}',
    ),
    "triton-grpc-with-a-transformer": (
        (
            'm: {model: "gs://kfserving-examples/models/torchscript", format: triton, runtime: "kserve-tritonserver:20.10-py3", '
            'protocols: [grpc], args: [--log-verbose=1], env: {OMP_NUM_THREADS: "1"}, '
            'transformer: {image: "kserve/grpc-image-transformer:latest", command: [python, -m, model], '
            "args: [--model_name, cifar10, --protocol, grpc-v2]}}"
        ),
        KSERVE,
        """
        predictor:
          model:
            modelFormat: {name: triton}
            runtime: kserve-tritonserver
            runtimeVersion: 20.10-py3
            protocolVersion: grpc-v2
            storageUri: gs://kfserving-examples/models/torchscript
            env: [{name: OMP_NUM_THREADS, value: "1"}]
            ports: [{name: h2c, protocol: TCP, containerPort: 9000}]
            args: [--log-verbose=1]
        transformer:
          containers:
            - {name: kserve-container, image: "kserve/grpc-image-transformer:latest", command: [python],
               args: [-m, model, --model_name, cifar10, --protocol, grpc-v2]}
        """,
    ),
    "tensorflow-grpc": (
        'm: {model: "gs://kfserving-samples/models/tensorflow/flowers", format: tensorflow, protocols: [grpc]}',
        KSERVE,
        (
            "predictor: {model: {modelFormat: {name: tensorflow}, protocolVersion: grpc-v1, "
            "ports: [{name: h2c, containerPort: 9000}]}}"
        ),
    ),
    "transformer-with-a-model-of-its-own": (
        (
            'm: {model: "gs://b/v1", format: pytorch, transformer: {image: "kserve/torchserve-image-transformer:latest", '
            'env: {STORAGE_URI: "gs://b/v1"}}}'
        ),
        KSERVE,
        "transformer: {containers: [{name: kserve-container, env: [{name: STORAGE_URI, value: gs://b/v1}]}]}",
    ),
    "explainer": (
        (
            'm: {model: "gs://b/income", format: sklearn, explainer: {image: "acme/alibi:1", '
            "args: [--storage_uri=gs://b/explainer, AnchorTabular], resources: {cpu: 1, memory: 4Gi}}}"
        ),
        KSERVE,
        (
            "explainer: {containers: [{image: acme/alibi:1, args: [--storage_uri=gs://b/explainer, AnchorTabular], "
            "resources: {requests: {memory: 4Gi}}}]}"
        ),
    ),
    "batcher": (
        'm: {model: "gs://b/m", format: pytorch, batcher: {max_size: 32, max_latency: 5s}, request_timeout: 60s}',
        KSERVE,
        "predictor: {timeout: 60, batcher: {maxBatchSize: 32, maxLatency: 5000}}",
    ),
    "logger": (
        'm: {model: "gs://b/m", format: sklearn, log: {to: "http://message-dumper.default/", mode: all}}',
        KSERVE,
        'predictor: {logger: {mode: all, url: "http://message-dumper.default/"}}',
    ),
    "autoscaling-by-concurrency": (
        'm: {model: "gs://b/m", format: tensorflow, replicas: {min: 1, max: 5, target: {concurrency: 1}}, concurrency: 1}',
        KNATIVE,
        "predictor: {scaleTarget: 1, scaleMetric: concurrency, containerConcurrency: 1}",
    ),
    "autoscaling-by-memory": (
        'm: {model: "gs://b/m", format: sklearn, replicas: {min: 1, max: 5, target: {memory: 60}}}',
        KSERVE,
        "predictor: {minReplicas: 1, maxReplicas: 5, scaleMetric: memory, scaleMetricType: Utilization, scaleTarget: 60}",
    ),
    "custom": (
        'm: {image: "kserve/custom-model:latest", args: [--model_name=custom], port: 8080, protocols: [open-inference-v1]}',
        KSERVE,
        (
            "predictor: {containers: [{name: kserve-container, image: kserve/custom-model:latest, "
            "args: [--model_name=custom], ports: [{containerPort: 8080, protocol: TCP}]}]}"
        ),
    ),
    "probes": (
        'm: {model: "gs://b/m", format: sklearn, health: {path: /v2/health/ready, startup: 5m}}',
        KSERVE,
        "predictor: {model: {readinessProbe: {httpGet: {path: /v2/health/ready, port: 8080}}}}",
    ),
    "huggingface": (
        (
            'm: {model: "hf://google-bert/bert-base-uncased", format: huggingface, runtime: kserve-huggingfaceserver, '
            "args: [--task=fill_mask], resources: {cpu: 1, memory: 2Gi}}"
        ),
        KSERVE,
        (
            "predictor: {model: {modelFormat: {name: huggingface}, args: [--task=fill_mask], "
            "storageUri: hf://google-bert/bert-base-uncased}}"
        ),
    ),
    "paddle": (
        'm: {model: "https://zhouti-mcp-edge.cdn.bcebos.com/resnet50.tar.gz", format: paddle}',
        KSERVE,
        (
            "predictor: {model: {modelFormat: {name: paddle}, "
            'storageUri: "https://zhouti-mcp-edge.cdn.bcebos.com/resnet50.tar.gz"}}'
        ),
    ),
    "modelcar": (
        'm: {model: "oci://registry.example.com/iris:v1", format: sklearn}',
        KSERVE,
        "predictor: {model: {storageUri: oci://registry.example.com/iris:v1}}",
    ),
}
LANGUAGE: dict[str, tuple[str, str]] = {
    "single-node": (
        (
            'm: {model: "hf://Qwen/Qwen2.5-7B-Instruct", protocols: [openai], env: {VLLM_LOGGING_LEVEL: DEBUG}, '
            "resources: {cpu: 2, memory: 32Gi, gpu: 1}}"
        ),
        (
            "{model: {uri: hf://Qwen/Qwen2.5-7B-Instruct, name: Qwen/Qwen2.5-7B-Instruct}, replicas: 1, "
            "router: {scheduler: {}, route: {}}, template: {containers: [{name: main, "
            'env: [{name: VLLM_LOGGING_LEVEL, value: DEBUG}], resources: {limits: {memory: 32Gi, nvidia.com/gpu: "1"}}}]}}'
        ),
    ),
    "prefill-and-decode": (
        (
            'm: {model: "hf://Qwen/Qwen2.5-7B-Instruct", protocols: [openai], resources: {gpu: 1, rdma/roce_gdr: 1}, '
            'roles: {prefill: {replicas: 2}}, args: [--kv_transfer_config, \'{"kv_role":"kv_both"}\']}'
        ),
        (
            "{replicas: 1, prefill: {replicas: 2, template: {containers: [{name: main, resources: {limits: "
            '{nvidia.com/gpu: "1", rdma/roce_gdr: "1"}}}]}}, template: {containers: [{name: main, env: '
            '[{name: VLLM_ADDITIONAL_ARGS, value: "--kv_transfer_config \'{\\"kv_role\\":\\"kv_both\\"}\'"}]}]}}'
        ),
    ),
    "experts-over-two-nodes": (
        (
            'm: {model: "hf://Qwen/Qwen3-Coder-30B-A3B-Instruct", protocols: [openai], resources: {gpu: 8}, '
            "parallel: {data: 16, expert: true}}"
        ),
        (
            "{parallelism: {data: 16, dataLocal: 8, expert: true}, worker: {containers: [{name: main, resources: "
            '{limits: {nvidia.com/gpu: "8"}}}]}}'
        ),
    ),
    "adapters": (
        (
            'm: {model: "hf://facebook/opt-125m", protocols: [openai], image: "vllm/vllm-openai-cpu:v0.19.0", engine: vllm, '
            'adapters: {adapter-1: "hf://edbeeching/opt-125m-lora"}}'
        ),
        (
            "{model: {lora: {adapters: [{name: adapter-1, uri: hf://edbeeching/opt-125m-lora}]}}, "
            "template: {containers: [{image: vllm/vllm-openai-cpu:v0.19.0}]}}"
        ),
    ),
}
GRAPHS: dict[str, tuple[str, str]] = {
    "sequence-by-condition": (
        (
            "g: {type: route, mode: sequence, to: [serving.cats, {service: serving.breeds, input: request, "
            "condition: '[@this].#(predictions.0==\"dog\")'}]}"
        ),
        (
            "{root: {routerType: Sequence, steps: [{serviceName: demo-cats, name: cats}, {serviceName: demo-breeds, "
            "name: breeds, data: $request, condition: '[@this].#(predictions.0==\"dog\")'}]}}"
        ),
    ),
    "switch": (
        (
            "g: {type: route, mode: switch, to: [{service: serving.cats, condition: '[@this].#(target==\"blue\")'}, "
            "serving.breeds]}"
        ),
        (
            "{root: {routerType: Switch, steps: [{serviceName: demo-cats, condition: '[@this].#(target==\"blue\")'}, "
            "{serviceName: demo-breeds}]}}"
        ),
    ),
    "ensemble": (
        "g: {type: route, mode: ensemble, to: [serving.cats, serving.breeds]}",
        "{root: {routerType: Ensemble, steps: [{serviceName: demo-cats, name: cats}, {serviceName: demo-breeds}]}}",
    ),
    "splitter": (
        "g: {type: route, mode: split, to: [{service: serving.cats, weight: 20}, {service: serving.breeds, weight: 80}]}",
        (
            "{root: {routerType: Splitter, steps: [{serviceName: demo-cats, weight: 20}, "
            "{serviceName: demo-breeds, weight: 80}]}}"
        ),
    ),
}
MODELS = '  cats: {model: "gs://b/cats", format: pytorch}\n  breeds: {model: "gs://b/breeds", format: pytorch}\n'


def lacking(wanted: Any, there: Any, place: str = "") -> list[str]:
    """What of `wanted` is not in `there`; more may be there."""
    if isinstance(wanted, dict):
        if not isinstance(there, dict):
            return [place]
        return [each for key, value in wanted.items() for each in lacking(value, there.get(key), f"{place}/{key}")]
    if isinstance(wanted, list):
        if not isinstance(there, list) or len(there) < len(wanted):
            return [f"{place}: {there}"]
        if all(isinstance(item, dict) and "name" in item for item in [*wanted, *there]):
            known = {item["name"]: item for item in there}
            return [
                each for item in wanted for each in lacking(item, known.get(item["name"]), f"{place}/{item['name']}")
            ]
        pairs = zip(wanted, there, strict=False)
        return [each for number, (one, other) in enumerate(pairs) for each in lacking(one, other, f"{place}/{number}")]
    return [] if wanted == there else [f"{place}: {there!r}, not {wanted!r}"]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_of_an_inference_service_is_expressed(name: str) -> None:
    text, platform, wanted = SAMPLES[name]
    spec = objects(f"serving:\n  {text}\n", platform)["InferenceService/demo-m"]["spec"]
    assert lacking(yaml.safe_load(wanted), spec) == []


@pytest.mark.parametrize("name", LANGUAGE)
def test_a_sample_of_a_large_language_model_is_expressed(name: str) -> None:
    text, wanted = LANGUAGE[name]
    spec = objects(f"serving:\n  {text}\n", FULL)["LLMInferenceService/demo-m"]["spec"]
    assert lacking(yaml.safe_load(wanted), spec) == []


@pytest.mark.parametrize("name", GRAPHS)
def test_a_sample_of_a_graph_is_expressed(name: str) -> None:
    text, wanted = GRAPHS[name]
    found = objects(f"serving:\n{MODELS}  {text}\n")["InferenceGraph/demo-g-router"]["spec"]["nodes"]
    assert lacking(yaml.safe_load(wanted), found) == []


def test_a_canary_is_a_variant_of_which_both_are_pinned() -> None:
    found = objects(LOCKED % TWO, KSERVE, "champion", "challenger")
    steps = found["InferenceGraph/demo-online-router"]["spec"]["nodes"]["root"]["steps"]
    assert [step["weight"] for step in steps] == [90, 10]
    assert not [body for body in found.values() if "canaryTrafficPercent" in str(body) or "'canary'" in str(body)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('m: {model: "abfss://m@a.dfs.core.windows.net/x", format: sklearn}', "KSERVE001 model"),
        ('m: {model: "gs://b/m", format: tensorflow, protocols: [open-inference-v2]}', "KSERVE003 0"),
        ('m: {model: "gs://b/m", format: spark}', "KSERVE003 format"),
    ],
)
def test_what_kserve_itself_would_refuse_or_never_start_is_said_before(text: str, code: str) -> None:
    assert code in codes(f"serving:\n  {text}\n")
