"""Large language models on KServe: by LLMInferenceService, or by the Hugging Face server where there is none."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.unit.targets.kubeflow.served import FULL, KSERVE, analysed, codes, objects, predictor, version

CHAT = 'serving: {chat: {model: "hf://Qwen/Qwen2.5-7B-Instruct", protocols: [openai]%s}}\n'
WITHOUT = f"{KSERVE}kserve: {{language_models: false}}\n"


def language(more: str = "", platform: str = FULL, **files: str) -> Any:
    return objects(CHAT % more, platform, **files)["LLMInferenceService/demo-chat"]


@pytest.mark.parametrize(("release", "api"), [("0.16", "v1alpha1"), ("0.17", "v1alpha2"), ("0.21", "v1alpha2")])
def test_a_model_that_speaks_openai_is_an_object_of_the_api_that_the_release_keeps(release: str, api: str) -> None:
    body = language(platform=version(FULL, release))
    assert body["apiVersion"] == f"serving.kserve.io/{api}"
    assert body["spec"]["model"] == {"uri": "hf://Qwen/Qwen2.5-7B-Instruct", "name": "Qwen/Qwen2.5-7B-Instruct"}
    assert body["spec"]["replicas"] == 1


def test_before_there_was_one_the_hugging_face_server_serves() -> None:
    found = objects(CHAT % ", parallel: {tensor: 2}, resources: {gpu: 2}", version(KSERVE, "0.15"))
    model = predictor(found, "demo-chat")["model"]
    assert model["modelFormat"] == {"name": "huggingface"}
    assert model["args"] == ["--tensor-parallel-size=2"]
    assert model["resources"]["limits"] == {"nvidia.com/gpu": "2"}


def test_adapters_spreading_and_arguments_are_the_specifications() -> None:
    body = language(
        ', adapters: {support: "hf://acme/support"}, parallel: {tensor: 4, pipeline: 2, data: 2, expert: true}, '
        'args: [--max-model-len, "8 k"], resources: {gpu: 4, cpu: 8, memory: 64Gi}, replicas: 3'
    )["spec"]
    assert body["model"]["lora"] == {"adapters": [{"name": "support", "uri": "hf://acme/support"}]}
    assert body["parallelism"] == {"tensor": 4, "pipeline": 2, "data": 2, "dataLocal": 1, "expert": True}
    assert body["replicas"] == 3
    (box,) = body["template"]["containers"]
    assert box["env"] == [{"name": "VLLM_ADDITIONAL_ARGS", "value": "--max-model-len '8 k'"}]
    assert box["resources"]["limits"] == {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "4"}
    assert body["worker"] == body["template"]


@pytest.mark.parametrize(
    ("more", "parallelism", "several"),
    [
        ("parallel: {data: 16, expert: true}, resources: {gpu: 8}", {"data": 16, "dataLocal": 8, "expert": True}, True),
        ("parallel: {data: 8}, resources: {gpu: 8}", {"data": 8, "dataLocal": 8}, False),
        ("parallel: {data: 4, tensor: 2}, resources: {gpu: 4}", {"tensor": 2, "data": 4, "dataLocal": 2}, True),
        ("parallel: {data: 4}", {"data": 4, "dataLocal": 4}, False),
        ("parallel: {pipeline: 2, tensor: 4}, resources: {gpu: 4}", {"tensor": 4, "pipeline": 2}, True),
    ],
)
def test_copies_that_do_not_fit_into_one_pod_have_workers(
    more: str, parallelism: dict[str, Any], several: bool
) -> None:
    spec = language(f", {more}")["spec"]
    assert spec["parallelism"] == parallelism and ("worker" in spec) is several


def test_groups_of_copies_have_their_own_numbers_and_resources() -> None:
    spec = language(
        ", roles: {prefill: {replicas: 2, resources: {gpu: 4}, parallel: {tensor: 4}}, decode: {replicas: 3}}"
    )["spec"]
    assert (spec["replicas"], spec["prefill"]["replicas"]) == (3, 2)
    assert spec["prefill"]["parallelism"] == {"tensor": 4} and "parallelism" not in spec
    (box,) = spec["prefill"]["template"]["containers"]
    assert box["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert spec["router"]["scheduler"] == {}


def test_requests_come_by_the_platforms_gateway_below_the_name_or_by_the_host() -> None:
    router = language()["spec"]["router"]
    assert router["gateway"]["refs"] == [{"name": "public", "namespace": "gateways", "sectionName": "https"}]
    route = language(", expose: {host: chat.example.com, path: /v2}")["spec"]["router"]["route"]["http"]["spec"]
    assert route["hostnames"] == ["chat.example.com"]
    assert route["rules"][0]["backendRefs"][0]["name"] == "demo-chat-inference-pool"
    assert route["rules"][0]["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"] == "/"
    assert "router" not in language(platform=KSERVE)["spec"]


def test_pods_have_the_labels_that_policies_go_by() -> None:
    labels = language()["spec"]["labels"]
    assert labels["app.kubernetes.io/component"] == "endpoint" and labels["app.kubernetes.io/instance"] == "demo-prod"


def test_the_smoke_test_takes_the_certificate_of_the_cluster() -> None:
    found = objects(CHAT % ", smoke_test: {request: r.json}", KSERVE, **{"r.json": "{}"})
    box = found["Job/demo-chat-smoke-*"]["spec"]["template"]["spec"]["containers"][0]
    assert box["args"][1] == "https://demo-chat-kserve-workload-svc.ml.svc.cluster.local:8000/v1/chat/completions"
    assert {"name": "MLWRIGHT_UNVERIFIED", "value": "1"} in box["env"]


def test_the_hugging_face_server_has_openais_paths_below_its_own() -> None:
    found = objects(CHAT % ", smoke_test: {request: r.json}", WITHOUT, **{"r.json": "{}"})
    args = found["Job/demo-chat-smoke-*"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[1] == "http://demo-chat.ml.svc.cluster.local:8080/openai/v1/chat/completions"


def test_a_server_of_the_users_own_may_speak_openai_too() -> None:
    text = 'serving: {chat: {image: "vllm:1", command: [vllm, serve, acme/chat], protocols: [openai], port: 8000}}\n'
    assert predictor(objects(text), "demo-chat")["containers"][0]["command"] == ["vllm"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (", replicas: {min: 1, max: 3}", "KSERVE006 replicas"),
        (", replicas: {min: 0, max: 0}", "SPEC005 max"),
        (", transformer: {command: [t]}", "KSERVE006 transformer"),
        (', variants: {b: {model: "hf://a/b", traffic: 5}}', "KSERVE006 variants"),
        (", batcher: {max_size: 3}", "KSERVE006 batcher"),
        (', log: {to: "http://c/"}', "KSERVE006 log"),
        (", request_timeout: 3s", "KSERVE006 request_timeout"),
        (", roles: {draft: {replicas: 1}}", "KSERVE006 draft"),
        (", expose: {host: c.example.com, auth: required}", "KUBE006 auth"),
    ],
)
def test_what_a_large_language_model_has_not_is_refused(more: str, code: str) -> None:
    assert code in codes(CHAT % more, FULL)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (', adapters: {a: "hf://a/b"}', "KSERVE006 adapters"),
        (", roles: {prefill: {replicas: 1}}", "KSERVE006 roles"),
        (", parallel: {pipeline: 2}", "KSERVE006 parallel"),
    ],
)
def test_what_the_hugging_face_server_cannot_do_is_refused(more: str, code: str) -> None:
    assert code in codes(CHAT % more, WITHOUT)


def test_groups_of_copies_need_a_gateway() -> None:
    assert "KSERVE006 roles" in codes(CHAT % ", roles: {prefill: {replicas: 1}}", KSERVE)


@pytest.mark.parametrize(
    ("more", "level", "told"),
    [
        (", parallel: {data: 4}, resources: {gpu: 2}", "restricted", ["parallel"]),
        (", parallel: {pipeline: 2}, resources: {gpu: 1}", "baseline", ["parallel"]),
        (", parallel: {data: 4}, resources: {gpu: 2}", "privileged", []),
        (", parallel: {data: 2, tensor: 2}, resources: {gpu: 4}", "restricted", []),
        (", resources: {gpu: 1}", "restricted", []),
    ],
)
def test_several_pods_a_copy_need_what_only_a_privileged_namespace_gives(
    more: str, level: str, told: list[str]
) -> None:
    found = codes(CHAT % more, KSERVE.replace("baseline", level))
    assert [each.partition(" ")[2] for each in found if each.startswith("KSERVE009")] == told


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (", parallel: {tensor: 4, pipeline: 2}, resources: {gpu: 4}", ["kserve-config-llm-worker-pipeline-parallel"]),
        (
            ", parallel: {pipeline: 2}, roles: {prefill: {parallel: {pipeline: 2}}, decode: {resources: {gpu: 2}}}",
            ["kserve-config-llm-decode-worker-pipeline-parallel", "kserve-config-llm-prefill-worker-pipeline-parallel"],
        ),
        (", parallel: {tensor: 8}, resources: {gpu: 8}", []),
        (", parallel: {data: 4}, resources: {gpu: 2}", []),
    ],
)
def test_stages_need_a_configuration_that_ops_bring(more: str, named: list[str]) -> None:
    analysis, _ = analysed(CHAT % more, FULL)
    found = [item for item in analysis.findings if item.code == "KSERVE010"]
    assert [name for item in found for name in re.findall("`(kserve-config[^`]+)`", item.help)] == named
    assert all(item.severity == "warning" for item in found)


@pytest.mark.parametrize(
    ("release", "more", "told"),
    [
        ("0.19", "parallel: {tensor: 4}, resources: {gpu: 4}", "--tensor-parallel-size=4 --seed=1"),
        ("0.20", "parallel: {tensor: 4}, resources: {gpu: 4}", "--seed=1"),
        ("0.19", "parallel: {tensor: 4, data: 2}, resources: {gpu: 4}", "--seed=1"),  # workers are told by KServe
        ("0.19", "resources: {gpu: 1}", "--seed=1"),
    ],
)
def test_a_server_of_one_pod_is_told_of_all_its_gpus_where_kserve_does_not_tell_it(
    release: str, more: str, told: str
) -> None:
    body = language(f", args: [--seed=1], {more}", platform=version(FULL, release))
    (box,) = body["spec"]["template"]["containers"]
    assert box["env"] == [{"name": "VLLM_ADDITIONAL_ARGS", "value": told}]
