"""Endpoints on KServe: who serves the model, under which mode, what stands before it, who reaches it."""

from __future__ import annotations

import pytest
from tests.unit.targets.kubeflow.served import (
    DIRECT,
    FULL,
    INGRESS,
    KNATIVE,
    KSERVE,
    LOCKED,
    TWO,
    analysed,
    codes,
    container,
    objects,
    predictor,
    version,
)
from tests.unit.targets.kubernetes.environments import locked

LAKE = """\
secrets: {lake: {keys: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}}
storage: {w: {type: s3, uri: "s3://acme/ml", secret: lake}}
"""
MODE = "serving.kserve.io/deploymentMode"


def test_the_projects_image_fetches_the_locked_version_and_becomes_mlflows_server() -> None:
    found = objects(LOCKED % "", KSERVE, "champion")
    box = container(predictor(found))
    assert (box["name"], box["image"]) == ("kserve-container", "demo:1")
    assert [*box["command"], *box["args"]] == ["python3", "-S", "/mlwright/runtime/serve.py", "/mlwright/step.json"]
    document = found["ConfigMap/demo-online-*"]["data"]["step.json"]
    assert f'"model_id": "m-{"1" * 32}"' in document and f"sha256:{'1' * 64}" in document
    assert box["startupProbe"]["httpGet"] == {"path": "/ping", "port": 8080, "scheme": "HTTP"}
    assert box["startupProbe"]["failureThreshold"] * box["startupProbe"]["periodSeconds"] == 600
    assert box["securityContext"]["readOnlyRootFilesystem"] is True
    assert predictor(found)["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("platform", "release", "mode"),
    [
        (KSERVE, "0.15", "RawDeployment"),
        (KSERVE, "0.16", "Standard"),
        (KSERVE, "0.21", "Standard"),
        (KNATIVE, "0.15", "Serverless"),
        (KNATIVE, "0.20", "Knative"),
    ],
)
def test_the_deployment_mode_is_always_written_by_the_name_that_the_release_has(
    platform: str, release: str, mode: str
) -> None:
    found = objects(LOCKED % "", version(platform, release), "champion")
    assert found["InferenceService/demo-online"]["metadata"]["annotations"][MODE] == mode


@pytest.mark.parametrize("locked", [(), ("champion",)])
def test_what_kserve_can_do_is_not_refused_before_a_version_is_locked(locked: tuple[str, ...]) -> None:
    text = LOCKED % ", transformer: {image: t, command: [t]}, batcher: {max_size: 3}"
    assert not [item for item in codes(text, KSERVE, *locked) if item.startswith("OWN")]


def test_kserve_exposes_nothing_by_itself_and_the_service_is_called_as_anywhere() -> None:
    found = objects(LOCKED % "", KSERVE, "champion")
    labels = found["InferenceService/demo-online"]["metadata"]["labels"]
    assert labels["networking.kserve.io/visibility"] == "cluster-local"
    service = found["Service/demo-online"]["spec"]
    assert (service["ports"][0]["port"], service["ports"][0]["targetPort"]) == (8080, 8080)
    assert service["selector"].items() <= predictor(found)["labels"].items()


def test_what_knative_refuses_of_a_pod_is_left_out_and_its_user_moves_to_the_container() -> None:
    found = objects(LOCKED % ", health: {startup: 20m}", KNATIVE, "champion")
    pod = predictor(found)
    assert not {"securityContext", "terminationGracePeriodSeconds", "restartPolicy", "deploymentStrategy"} & set(pod)
    box = container(pod)
    assert box["ports"] == [{"name": "http1", "containerPort": 8080, "protocol": "TCP"}]
    assert box["securityContext"]["runAsUser"] == 65532 and box["securityContext"]["runAsNonRoot"] is True
    assert box["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    notes = found["InferenceService/demo-online"]["metadata"]["annotations"]
    assert notes["serving.knative.dev/progress-deadline"] == "1500s"
    assert not [name for name in found if name.startswith("Service/")]


@pytest.mark.parametrize(
    ("asked", "limits"),
    [
        ("", {"cpu": "1", "memory": "2Gi"}),
        (", resources: {cpu: 500m, memory: 4Gi}", {"cpu": "1", "memory": "4Gi"}),
        (", resources: {cpu: 4, memory: 1Gi}", {"cpu": "4", "memory": "1Gi"}),
        (", resources: {cpu: 1500m}", {"cpu": "1500m"}),
        (", resources: {cpu: 2, limits: {cpu: 3}}", {"cpu": "3"}),
    ],
)
def test_what_is_asked_for_is_never_above_a_limit_that_kserve_would_add(asked: str, limits: dict[str, str]) -> None:
    box = container(predictor(objects(LOCKED % asked, KSERVE, "champion")))
    assert box["resources"]["limits"] == limits


def test_a_server_of_kserves_own_loads_a_model_from_its_store() -> None:
    found = objects(DIRECT % ", resources: {cpu: 2, memory: 1Gi}, args: [--workers=2], env: {A: b}")
    part = predictor(found, "demo-scores")
    model = part["model"]
    assert (model["modelFormat"], model["storageUri"]) == ({"name": "xgboost"}, "s3://acme/scores")
    assert (model["protocolVersion"], model["args"]) == ("v1", ["--workers=2"])
    assert model["env"] == [{"name": "A", "value": "b"}]
    assert model["resources"]["limits"] == {"cpu": "2", "memory": "1Gi"}
    assert "containers" not in part and "volumes" not in part
    assert part["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert "runtime" not in model


@pytest.mark.parametrize(
    ("format", "protocol", "version", "port"),
    [
        ("sklearn", "open-inference-v1", "v1", 8080),
        ("lightgbm", "open-inference-v2", "v2", 8080),
        ("tensorflow", "grpc", "grpc-v1", 9000),
        ("pytorch", "grpc", "grpc-v2", 7070),
        ("triton", "grpc", "grpc-v2", 9000),
        ("onnx", "open-inference-v2", "v2", 8080),
        ("paddle", "open-inference-v1", "v1", 8080),
        ("pmml", "open-inference-v1", "v1", 8080),
    ],
)
def test_the_protocol_is_said_in_kserves_words(format: str, protocol: str, version: str, port: int) -> None:
    found = objects(f'serving: {{m: {{model: "s3://b/m", format: {format}, protocols: [{protocol}]}}}}\n')
    model = predictor(found, "demo-m")["model"]
    assert model["protocolVersion"] == version
    assert found["Service/demo-m"]["spec"]["ports"][0]["targetPort"] == port
    assert [item["containerPort"] for item in model.get("ports", [{"containerPort": 8080}])] == [port]


def test_format_version_and_runtime_are_those_of_the_specification() -> None:
    found = objects(DIRECT.replace("format: xgboost", '"format": "sklearn:1", runtime: kserve-mlserver') % "")
    model = predictor(found, "demo-scores")["model"]
    assert (model["modelFormat"], model["runtime"]) == ({"name": "sklearn", "version": "1"}, "kserve-mlserver")


def test_mlflows_own_server_in_the_projects_image_is_a_runtime_where_kserve_fetches_the_model() -> None:
    more = 'storage: direct, image: "acme/churn:1", request_timeout: 90s'
    found = objects(f'serving: {{m: {{model: "s3://b/m", format: mlflow, {more}}}}}\n')
    model = predictor(found, "demo-m")["model"]
    assert model["runtime"] == "demo-m" and model["modelFormat"] == {"name": "mlflow", "version": "3"}
    runtime = found["ServingRuntime/demo-m"]["spec"]
    (box,) = runtime["containers"]
    assert (box["image"], box["command"]) == ("acme/churn:1", ["mlflow"])
    assert box["args"][:3] == ["models", "serve", "-m"] and box["args"][3] == "/mnt/models"
    assert box["args"][-2:] == ["-t", "90"] and box["readinessProbe"]["httpGet"]["path"] == "/ping"
    assert {volume["name"] for volume in runtime["volumes"]} >= {mount["name"] for mount in box["volumeMounts"]}
    assert predictor(found, "demo-m")["securityContext"]["runAsUser"] == 65532


def test_a_server_of_the_users_own_finds_the_model_that_kserve_fetched() -> None:
    more = 'storage: direct, image: "x:1", command: [serve, --at=/mnt/models], port: 9000'
    box = container(predictor(objects(f'serving: {{m: {{model: "gs://b/m", {more}}}}}\n'), "demo-m"))
    assert {"name": "STORAGE_URI", "value": "gs://b/m"} in box["env"]
    assert (box["command"], box["args"]) == (["serve"], ["--at=/mnt/models"])
    assert box["ports"][0]["containerPort"] == 9000


def test_an_image_that_brings_its_model_starts_as_it_is() -> None:
    box = container(predictor(objects('serving: {m: {image: "x:1", command: [serve], env: {A: b}}}\n'), "demo-m"))
    assert (box["image"], box["command"]) == ("x:1", ["serve"])
    assert {"name": "A", "value": "b"} in box["env"]
    assert "STORAGE_URI" not in {entry["name"] for entry in box["env"]}


def test_transformer_and_explainer_are_pods_of_their_own_and_the_transformer_answers() -> None:
    text = LOCKED % (
        ", transformer: {command: [python, transform.py], port: 8081, replicas: 2}"
        ', explainer: {image: "e:1", command: [python, explain.py], resources: {cpu: 2}}'
    )
    found = objects(text, KSERVE, "champion")
    spec = found["InferenceService/demo-online"]["spec"]
    box = container(spec["transformer"])
    assert box["image"] == "demo:1" and box["args"] == ["transform.py", "--http_port", "8081"]
    assert spec["transformer"]["minReplicas"] == spec["transformer"]["maxReplicas"] == 2
    assert container(spec["explainer"])["image"] == "e:1"
    names = {key: spec[key]["labels"]["app.kubernetes.io/name"] for key in ("predictor", "transformer", "explainer")}
    assert names == {"predictor": "online", "transformer": "online-transformer", "explainer": "online-explainer"}
    service = found["Service/demo-online"]["spec"]
    assert service["selector"]["app.kubernetes.io/name"] == "online-transformer"
    assert service["ports"][0]["targetPort"] == 8081


def test_batches_and_kept_requests_go_through_kserves_agent() -> None:
    found = objects(DIRECT % ', batcher: {max_size: 32, max_latency: 50ms, timeout: 60s}, log: {to: "http://c.ml/"}')
    part = predictor(found, "demo-scores")
    assert part["batcher"] == {"maxBatchSize": 32, "maxLatency": 50, "timeout": 60}
    assert part["logger"] == {"mode": "all", "url": "http://c.ml/"}
    assert found["Service/demo-scores"]["spec"]["ports"][0]["targetPort"] == 9081


def test_requests_are_kept_in_a_bucket_by_the_secret_of_its_storage() -> None:
    found = objects(LAKE + DIRECT % ', log: {to: "${storage.w}/logs", mode: request}')
    logger = predictor(found, "demo-scores")["logger"]
    assert (logger["mode"], logger["url"]) == ("request", "s3://acme")
    assert logger["storage"] == {
        "path": "/ml/logs",
        "parameters": {"type": "s3", "format": "json"},
        "key": "demo-lake",
    }


def test_limits_of_requests_are_kserves_fields() -> None:
    part = predictor(objects(LOCKED % ", concurrency: 4, request_timeout: 90s", KSERVE, "champion"))
    assert (part["containerConcurrency"], part["timeout"]) == (4, 90)


def test_the_secret_of_a_storage_opens_it_for_kserve_and_says_where_it_is() -> None:
    text = (
        "secrets: {keys: {keys: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}}\n"
        "tracking: {artifacts: {type: s3, uri: s3://mlflow/store, endpoint: http://minio.lab:9000, "
        "region: eu-1, path_style: true, secret: keys}}\n"
        'serving: {m: {model: "s3://mlflow/store/1/models/m-1/artifacts", format: sklearn}}\n'
    )
    found = objects(text)
    account = found["ServiceAccount/demo-m-models"]
    assert predictor(found, "demo-m")["serviceAccountName"] == "demo-m-models"
    assert account["secrets"] == [{"name": "demo-keys"}] and account["automountServiceAccountToken"] is False
    notes = account["metadata"]["annotations"]
    assert notes["serving.kserve.io/s3-endpoint"] == "minio.lab:9000" and notes["serving.kserve.io/s3-usehttps"] == "0"
    assert notes["serving.kserve.io/s3-region"] == "eu-1"
    assert notes["serving.kserve.io/s3-usevirtualbucket"] == "false"


def test_a_token_opens_models_of_hugging_face() -> None:
    text = "secrets: {hub: {keys: [HF_TOKEN]}}\n" + DIRECT.replace("s3://acme/scores", "hf://acme/m") % (
        ', env: {HF_TOKEN: "${secrets.hub.HF_TOKEN}"}'
    )
    found = objects(text)
    model = predictor(found, "demo-scores")["model"]
    assert model["env"][0]["valueFrom"]["secretKeyRef"] == {"name": "demo-hub", "key": "HF_TOKEN"}
    assert found["ServiceAccount/demo-scores-models"]["secrets"] == [{"name": "demo-hub"}]


def test_an_identity_of_the_platform_stays_who_the_pods_are() -> None:
    platform = f"{KSERVE}identities: {{reader: {{service_account: lake-reader}}}}\n"
    found = objects(LAKE + DIRECT.replace("s3://acme/scores", "${storage.w}/m") % ", identity: reader", platform)
    assert predictor(found, "demo-scores")["serviceAccountName"] == "lake-reader"
    notes = found["InferenceService/demo-scores"]["metadata"]["annotations"]
    assert notes["serving.kserve.io/storageSecretName"] == "demo-lake"


def test_a_volume_is_an_address_too() -> None:
    text = "storage: {w: {type: volume, claim: models}}\n" + DIRECT.replace("s3://acme/scores", "${storage.w}/scores")
    assert predictor(objects(text % ""), "demo-scores")["model"]["storageUri"] == "pvc://models/scores"


def test_a_host_leads_to_the_service_before_the_pods() -> None:
    found = objects(LOCKED % ", expose: {host: m.example.com, path: /m}", FULL, "champion")
    route = found["HTTPRoute/demo-online-host"]["spec"]
    assert route["rules"][0]["backendRefs"][0]["name"] == "demo-online"
    assert route["rules"][0]["filters"][0]["type"] == "URLRewrite"
    assert objects(LOCKED % ", expose: {host: m.example.com}", INGRESS, "champion")["Ingress/demo-online-host"]


def test_knative_maps_a_host_to_the_part_that_answers() -> None:
    found = objects(LOCKED % ", expose: {host: m.example.com, tls_secret: m-tls}", KNATIVE, "champion")
    mapping = found["DomainMapping/m.example.com"]["spec"]
    assert mapping["ref"] == {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "name": "demo-online-predictor",
    }
    assert mapping["tls"] == {"secretName": "m-tls"}


def test_a_log_in_before_knative_calls_the_endpoint_by_its_own_name() -> None:
    platform = f'{KNATIVE}ingress: {{class: nginx}}\nauth_proxy: {{issuer: "https://l.example.com", secret: o}}\n'
    found = objects(LOCKED % ", expose: {host: m.example.com, auth: required}", platform, "champion")
    box = found["Deployment/demo-online-proxy"]["spec"]["template"]["spec"]["containers"][0]
    env = {entry["name"]: entry.get("value") for entry in box["env"]}
    assert env["OAUTH2_PROXY_UPSTREAMS"] == "http://demo-online-predictor.ml.svc.cluster.local"
    assert env["OAUTH2_PROXY_PASS_HOST_HEADER"] == "false"


@pytest.mark.parametrize(
    ("platform", "address"),
    [
        (KSERVE, "http://demo-online.ml.svc.cluster.local:8080/invocations"),
        (f"{KSERVE}cluster_domain: lab.internal\n", "http://demo-online.ml.svc.lab.internal:8080/invocations"),
        (KNATIVE, "http://demo-online-predictor.ml.svc.cluster.local/invocations"),
    ],
)
def test_the_smoke_test_asks_where_the_endpoint_answers(platform: str, address: str) -> None:
    files = {"request.json": "{}"}
    found = objects(LOCKED % ", smoke_test: {request: request.json}", platform, "champion", **files)
    args = found["Job/demo-online-smoke-*"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[1] == address


def test_a_model_of_kserves_server_is_asked_by_the_name_of_its_inference_service() -> None:
    found = objects(DIRECT % ", smoke_test: {request: request.json}", **{"request.json": "{}"})
    args = found["Job/demo-scores-smoke-*"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[1] == "http://demo-scores.ml.svc.cluster.local:8080/v1/models/demo-scores:predict"


def test_another_version_is_asked_anew() -> None:
    files = {"request.json": "{}"}
    text = LOCKED % ", smoke_test: {request: request.json}"
    one = objects(text, KSERVE, "champion", **files)["Job/demo-online-smoke-*"]["metadata"]["name"]
    other = objects(text, KSERVE, "challenger", "champion", **files)["Job/demo-online-smoke-*"]["metadata"]["name"]
    assert one != other


def test_an_edge_platform_needs_neither_mesh_nor_gateway() -> None:
    text = LOCKED % ", resources: {cpu: 250m, memory: 256Mi, limits: {cpu: 500m}}, replicas: 1"
    found = objects(
        text, KSERVE.replace("orchestrator: argo", "orchestrator: argo\ncluster_domain: edge.local"), "champion"
    )
    assert {name.partition("/")[0] for name in found} == {"ConfigMap", "InferenceService", "Service"}
    assert container(predictor(found))["resources"]["limits"] == {"cpu": "500m", "memory": "256Mi"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (LOCKED % ", storage: direct, image: x", "KSERVE001 model"),
        (LOCKED % ", format: sklearn, protocols: [open-inference-v1]", "KSERVE001 model"),
        (DIRECT.replace("s3://", "abfss://") % "", "KSERVE001 model"),
        (DIRECT % ", protocols: [mlflow]", "KSERVE003 0"),
        (LOCKED % ", protocols: [grpc]", "KSERVE003 0"),
        (LOCKED % ", protocols: [open-inference-v2]", "SERVE005 0"),
        (LOCKED % ", batcher: {max_size: 3}", "KSERVE004 batcher"),
        (DIRECT % ", parallel: {tensor: 2}", "KSERVE006 parallel"),
        (LOCKED % ", replicas: {min: 0, max: 2, target: {cpu: 3}}", "KUBE007 min"),
        (LOCKED % TWO.replace("10", "mirror"), "KSERVE007 traffic"),
    ],
)
def test_what_kserve_cannot_do_is_refused_at_its_line(text: str, code: str) -> None:
    assert code in codes(text, f'{KSERVE}keda: "2.20"\n', "champion", "challenger")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (DIRECT % ', transformer: {image: t, command: [t], env: {A: "x${secrets.k.K}"}}', "KUBE009 A"),
        (DIRECT % ', transformer: {image: t, command: [t, "${run.status}"]}', "SERVE008 1"),
        (DIRECT % ', explainer: {image: t, command: [t, "${registry.m@champion}"]}', "SERVE008 1"),
        (DIRECT % ", transformer: {image: t, command: [t], placement: nowhere}", "PLAT002 placement"),
        (DIRECT % ", transformer: {image: t, command: [t], env: {PYTHONPATH: /app}}", "KSERVE008 PYTHONPATH"),
    ],
)
def test_what_is_beside_a_model_is_checked_as_endpoints_are(text: str, code: str) -> None:
    assert code in codes("secrets: {k: {keys: [K]}}\n" + text)


def test_a_reference_to_the_model_is_the_folder_that_kserve_fills() -> None:
    lock = locked("champion").replace("mlflow-artifacts:/1", "s3://acme/1")
    text = LOCKED % ', format: sklearn, protocols: [open-inference-v1], env: {AT: "${registry.m@champion}"}'
    found, _ = analysed(text, KSERVE, lock=lock)
    assert found.ready
    made = objects(text, KSERVE, lock=lock)
    model = predictor(made)["model"]
    assert model["env"] == [{"name": "AT", "value": "/mnt/models"}]
    assert model["storageUri"] == f"s3://acme/1/models/m-{'1' * 32}/artifacts"
