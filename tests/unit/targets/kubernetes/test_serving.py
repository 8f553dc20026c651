"""Endpoints in a cluster: what they serve, how many copies, who shares requests, who reaches them, the smoke test."""

from __future__ import annotations

import pytest
from tests.unit.targets.kubernetes.environments import (
    FULL,
    INGRESS,
    PLAIN,
    TRAINED,
    codes,
    container,
    env,
    objects,
    pod,
)

SERVED = TRAINED + 'serving: {online: {model: "${registry.m@champion}"%s}}\n'
VARIANTS = (
    ', variants: {next: {model: "${registry.m@challenger}", traffic: 10, replicas: 1, resources: {cpu: 2}}, '
    'shadow: {model: "${registry.m@shadow}", traffic: mirror}}'
)
ALIASES = ("champion", "challenger", "shadow")


def test_an_endpoint_serves_the_locked_version_and_is_ready_when_the_model_is_loaded() -> None:
    found = objects(SERVED % "", PLAIN, *ALIASES)
    box = container(found["Deployment/demo-online"])
    assert box["image"] == "demo:1" and box["args"] == ["/mlwright/runtime/serve.py", "/mlwright/step.json"]
    document = found["ConfigMap/demo-online-*"]["data"]["step.json"]
    assert f'"model_id": "m-{"1" * 32}"' in document and f"sha256:{'1' * 64}" in document
    assert box["startupProbe"]["httpGet"]["path"] == "/ping"
    assert box["startupProbe"]["failureThreshold"] * box["startupProbe"]["periodSeconds"] == 600
    assert found["Service/demo-online"]["spec"]["ports"][0]["port"] == 8080
    assert box["securityContext"]["readOnlyRootFilesystem"] is True


def test_what_is_not_locked_is_not_served() -> None:
    assert "Deployment/demo-online" not in objects(SERVED % "")


def test_a_new_version_is_another_name_of_its_document_so_that_pods_are_replaced() -> None:
    one = objects(SERVED % "", PLAIN, "champion")
    other = objects(SERVED % "", PLAIN, "challenger", "champion")
    names = [found["ConfigMap/demo-online-*"]["metadata"]["name"] for found in (one, other)]
    assert names[0] != names[1]
    volumes = pod(other["Deployment/demo-online"])["volumes"]
    assert names[1] in [volume.get("configMap", {}).get("name") for volume in volumes]


def test_an_image_of_its_own_starts_with_its_own_words_and_without_the_launcher() -> None:
    text = (
        'serving: {web: {image: "web:1", command: [serve, "--port=$(PORT) ${params.n}"], port: 9000}}\nparams: {n: 3}\n'
    )
    box = container(objects(text)["Deployment/demo-web"])
    assert (box["command"], box["args"]) == (["serve"], ["--port=$$(PORT) 3"])
    assert "tcpSocket" in box["readinessProbe"]


def test_copies_follow_the_processors_and_the_deployment_does_not_say_how_many() -> None:
    found = objects(SERVED % ", replicas: {min: 2, max: 5, target: {memory: 70}}", PLAIN, *ALIASES)
    scaler = found["HorizontalPodAutoscaler/demo-online"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert scaler["metrics"][0]["resource"] == {
        "name": "memory",
        "target": {"type": "Utilization", "averageUtilization": 70},
    }
    body = found["Deployment/demo-online"]["spec"]
    assert "replicas" not in body and body["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert found["PodDisruptionBudget/demo-online"]["spec"]["maxUnavailable"] == 1
    spread = pod(found["Deployment/demo-online"])["topologySpreadConstraints"][0]
    assert spread["labelSelector"]["matchLabels"] == body["selector"]["matchLabels"]


def test_one_copy_has_no_budget_and_nothing_that_scales_it() -> None:
    found = objects(SERVED % "", PLAIN, *ALIASES)
    assert not [name for name in found if name.split("/")[0] in ("PodDisruptionBudget", "HorizontalPodAutoscaler")]
    assert found["Deployment/demo-online"]["spec"]["replicas"] == 1


def test_several_copies_without_a_measure_follow_the_processors() -> None:
    found = objects(SERVED % ", replicas: {min: 1, max: 3}", PLAIN, *ALIASES)
    assert found["HorizontalPodAutoscaler/demo-online"]["spec"]["metrics"][0]["resource"]["name"] == "cpu"


@pytest.mark.parametrize(
    ("target", "counted", "threshold"),
    [("rps: 10", "istio_requests_total", "10"), ("concurrency: 2.5", "istio_request_duration_milliseconds_sum", "2.5")],
)
def test_copies_follow_requests_as_the_mesh_counts_them(target: str, counted: str, threshold: str) -> None:
    found = objects(SERVED % f", replicas: {{min: 1, max: 5, target: {{{target}}}}}", FULL, *ALIASES)
    (trigger,) = found["ScaledObject/demo-online"]["spec"]["triggers"]
    assert (
        counted in trigger["metadata"]["query"]
        and 'destination_service_name="demo-online"' in trigger["metadata"]["query"]
    )
    assert trigger["metadata"]["threshold"] == threshold
    assert 'reporter="destination"' in trigger["metadata"]["query"]


def test_a_sleeping_endpoint_is_woken_by_what_its_callers_count() -> None:
    found = objects(SERVED % ", replicas: {min: 0, max: 5, target: {rps: 10}}", FULL, *ALIASES)
    scaled = found["ScaledObject/demo-online"]["spec"]
    assert scaled["minReplicaCount"] == 0
    assert 'reporter="source"' in scaled["triggers"][0]["metadata"]["query"]


def test_variants_are_deployments_of_their_own_and_share_the_requests_of_the_host() -> None:
    found = objects(SERVED % (VARIANTS + ", expose: {host: m.example.com, path: /m}"), FULL, *ALIASES)
    assert container(found["Deployment/demo-online-next"])["resources"]["requests"]["cpu"] == "2"
    route = found["HTTPRoute/demo-online"]["spec"]
    (rule,) = route["rules"]
    assert [(ref["name"], ref["weight"]) for ref in rule["backendRefs"]] == [
        ("demo-online", 90),
        ("demo-online-next", 10),
    ]
    rewrite, mirror = rule["filters"]
    assert rewrite["urlRewrite"]["path"] == {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    assert mirror["requestMirror"]["backendRef"]["name"] == "demo-online-shadow"
    assert route["hostnames"] == ["m.example.com"] and route["parentRefs"][0]["sectionName"] == "https"


def test_inside_the_cluster_the_mesh_shares_requests_of_the_same_service() -> None:
    found = objects(SERVED % VARIANTS, FULL, *ALIASES)
    assert "HTTPRoute/demo-online" not in found
    route = found["HTTPRoute/demo-online-mesh"]["spec"]
    assert route["parentRefs"] == [{"group": "", "kind": "Service", "name": "demo-online"}]


def test_a_route_shares_requests_by_weight() -> None:
    text = SERVED % "" + (
        '  other: {model: "${registry.m@challenger}"}\n'
        "  both: {type: route, mode: split, expose: {host: b.example.com}, "
        "to: [{service: serving.online, weight: 90}, {service: serving.other, weight: 10}]}\n"
    )
    text = text.replace("serving: {online: ", "serving:\n  online: ").replace('champion}"}}', 'champion}"}')
    found = objects(text, FULL, *ALIASES)
    (rule,) = found["HTTPRoute/demo-both"]["spec"]["rules"]
    assert [(ref["name"], ref["weight"]) for ref in rule["backendRefs"]] == [("demo-online", 90), ("demo-other", 10)]
    assert "selector" not in found["Service/demo-both"]["spec"]


def test_a_log_in_stands_before_what_asks_for_one() -> None:
    found = objects(SERVED % ", expose: {host: m.example.com, auth: required}", FULL, *ALIASES)
    (rule,) = found["HTTPRoute/demo-online"]["spec"]["rules"]
    assert rule["backendRefs"][0]["name"] == "demo-online-proxy"
    proxy = env(container(found["Deployment/demo-online-proxy"]))
    assert proxy["OAUTH2_PROXY_UPSTREAMS"] == "http://demo-online:8080"
    assert proxy["OAUTH2_PROXY_CLIENT_SECRET"] == "oauth2-proxy/client-secret"
    assert proxy["OAUTH2_PROXY_ALLOWED_GROUPS"] == "ml"
    assert found["Service/demo-online-proxy"]["spec"]["ports"][0]["port"] == rule["backendRefs"][0]["port"]


def test_an_ingress_has_the_certificate_and_what_ops_annotate() -> None:
    found = objects(SERVED % ", expose: {host: m.example.com, tls_secret: m-tls}", INGRESS, *ALIASES)
    body = found["Ingress/demo-online"]
    assert body["spec"]["tls"] == [{"hosts": ["m.example.com"], "secretName": "m-tls"}]
    assert body["metadata"]["annotations"]["cert-manager.io/cluster-issuer"] == "lab"


def test_the_smoke_test_is_asked_anew_for_another_version_and_waits_for_the_endpoint() -> None:
    text = SERVED % ", smoke_test: {request: request.json, timeout: 30s}"
    one = objects(text, PLAIN, "champion", **{"request.json": "{}"})
    other = objects(text, PLAIN, "challenger", "champion", **{"request.json": "{}"})
    jobs = [found["Job/demo-online-smoke-*"] for found in (one, other)]
    assert jobs[0]["metadata"]["name"] != jobs[1]["metadata"]["name"]
    assert "annotations" not in jobs[0]["metadata"]
    args = container(jobs[0])["args"]
    assert args[1:2] == ["http://demo-online:8080/invocations"] and args[-2:] == ["30", "630"]
    assert jobs[0]["spec"]["activeDeadlineSeconds"] > 630


def test_argo_cd_runs_the_smoke_test_after_everything_else() -> None:
    text = SERVED % ", smoke_test: {request: request.json}"
    notes = objects(text, FULL, *ALIASES, **{"request.json": "{}"})["Job/demo-online-smoke-*"]["metadata"][
        "annotations"
    ]
    assert notes["argocd.argoproj.io/hook"] == "PostSync"


@pytest.mark.parametrize(
    ("field", "refused"),
    [
        ("transformer: {image: t, command: [t]}", "OWN003 transformer"),
        ("batcher: {max_size: 3}", "OWN003 batcher"),
        ("engine: vllm, format: huggingface", "OWN003 engine"),
    ],
)
def test_what_only_kserve_can_do_is_refused(field: str, refused: str) -> None:
    assert refused in codes(SERVED % f", {field}", PLAIN, *ALIASES)
    assert refused in codes(SERVED % f", {field}", PLAIN), "before a version is locked, too"
