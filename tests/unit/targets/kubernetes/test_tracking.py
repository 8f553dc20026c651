"""The tracking server in a cluster: its schema first, its files, its own databases, its users, its host."""

from __future__ import annotations

import fnmatch
from typing import Any

import pytest
from tests.unit.targets.kubernetes.environments import FULL, INGRESS, PLAIN, built, codes, container, env, objects, pod

USERS = """\
secrets:
  user: {keys: [username, password]}
  boss: {keys: [username, password]}
  db: {keys: [uri], name: mlflow-database}
  cloud: {keys: [AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY]}
"""
BASIC = "tracking: {auth: {type: basic, secret: user, admin: boss}%s}\n"
EXTERNAL = "backend_store: {type: postgres, secret: db}, artifacts: {type: s3, uri: 's3://acme/ml', secret: cloud}"


def server(found: dict[str, Any]) -> Any:
    return found["Deployment/demo-mlflow"]


def test_the_schema_is_brought_up_to_date_before_the_server_starts() -> None:
    body = server(objects("tracking: {server: {type: deployed}}\n"))
    (upgrade,) = pod(body)["initContainers"]
    assert upgrade["args"] == ["-ec", 'mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"']
    assert env(upgrade)["MLFLOW_BACKEND_STORE_URI"] == env(container(body))["MLFLOW_BACKEND_STORE_URI"]


def test_files_of_the_server_are_in_a_volume_that_no_two_pods_use_at_a_time() -> None:
    found = objects("tracking: {artifacts: {type: volume, size: 50Gi, class: fast}}\n")
    claim = found["PersistentVolumeClaim/demo-mlflow"]["spec"]
    assert claim["resources"] == {"requests": {"storage": "50Gi"}} and claim["storageClassName"] == "fast"
    assert server(found)["spec"]["strategy"] == {"type": "Recreate"}
    mounts = {mount["name"]: mount["mountPath"] for mount in container(server(found))["volumeMounts"]}
    assert mounts["files"] == "/mlflow"
    assert {mount["name"] for mount in pod(server(found))["initContainers"][0]["volumeMounts"]} >= {"files"}


def test_artifacts_in_a_volume_that_exists_are_not_made_again() -> None:
    found = objects(
        USERS + "tracking: {backend_store: {type: postgres, secret: db}, artifacts: {type: volume, claim: old}}\n"
    )
    assert not [name for name in found if name.startswith("PersistentVolumeClaim/")]
    assert {"name": "artifacts", "persistentVolumeClaim": {"claimName": "old"}} in pod(server(found))["volumes"]


def test_a_server_without_files_is_replaced_without_a_gap_and_has_no_volume() -> None:
    found = objects(f"{USERS}tracking: {{{EXTERNAL}}}\n", FULL)
    assert server(found)["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert not [name for name in found if name.startswith("PersistentVolumeClaim/")]
    variables = env(container(server(found)))
    assert variables["MLFLOW_BACKEND_STORE_URI"] == "mlflow-database/uri"
    assert variables["AWS_SECRET_ACCESS_KEY"] == "demo-cloud/AWS_SECRET_ACCESS_KEY"


@pytest.mark.parametrize(
    ("type", "port", "driver"), [("postgres", 5432, "postgresql+psycopg2"), ("mysql", 3306, "mysql+pymysql")]
)
def test_a_database_of_its_own_keeps_name_and_volume_and_its_password_is_a_secret(
    type: str, port: int, driver: str
) -> None:
    found = objects(f"tracking: {{backend_store: {{type: {type}}}}}\n")
    store = found["StatefulSet/demo-mlflow-database"]
    assert pod(store)["securityContext"]["runAsUser"] == 999
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "demo-mlflow-database"}} in pod(store)["volumes"]
    assert "PersistentVolumeClaim/demo-mlflow-database" in found
    entries = container(server(found))["env"]
    address = f"{driver}://mlflow:$(MLWRIGHT_SERVER_DATABASE_PASSWORD)@demo-mlflow-database:{port}/mlflow"
    names = [entry["name"] for entry in entries]
    assert next(entry for entry in entries if entry["name"] == "MLFLOW_BACKEND_STORE_URI")["value"] == address
    assert names.index("MLWRIGHT_SERVER_DATABASE_PASSWORD") < names.index("MLFLOW_BACKEND_STORE_URI")
    assert env(container(store))[f"{'POSTGRES' if type == 'postgres' else 'MARIADB'}_PASSWORD"] == (
        "demo-mlflow-server/database-password"
    )


def test_an_object_store_of_its_own_has_its_bucket_before_the_server_starts() -> None:
    found = objects("tracking: {artifacts: {type: s3}}\n")
    upgrade, bucket = pod(server(found))["initContainers"]
    assert (upgrade["name"], bucket["args"]) == ("upgrade", ["/mlwright/bucket/bucket.py"])
    assert env(bucket)["MLFLOW_S3_ENDPOINT_URL"] == "http://demo-mlflow-objects:8333"
    volumes = {volume["name"] for volume in pod(server(found))["volumes"]}
    assert {mount["name"] for one in (upgrade, bucket) for mount in one["volumeMounts"]} <= volumes
    assert "MLFLOW_BACKEND_STORE_URI" not in env(bucket)


def test_probes_ask_below_the_static_prefix() -> None:
    box = container(server(objects("tracking: {options: {static_prefix: /ml}}\n")))
    paths = {box[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert paths == {"/ml/health"}


def test_the_server_answers_to_its_names_in_the_cluster_to_its_host_and_to_nobody_else() -> None:
    text = (
        "tracking: {server: {type: deployed, expose: {host: mlflow.example.com}}, "
        "options: {allowed_hosts: [x.example.com]}}\n"
    )
    allowed = env(container(server(objects(text, INGRESS))))["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")

    def answers(host: str) -> bool:
        return any(fnmatch.fnmatchcase(host, pattern) for pattern in allowed)

    for host in (
        "demo-mlflow:5000",
        "demo-mlflow.ml:5000",
        "demo-mlflow.ml.svc:5000",
        "demo-mlflow.ml.svc.cluster.local:5000",
    ):
        assert answers(host)
    assert all(answers(host) for host in ("localhost:12345", "mlflow.example.com", "x.example.com"))
    assert not any(answers(host) for host in ("10.1.2.3:5000", "demo-mlflow.evil.example:5000", "evil.example.com"))


def test_prometheus_may_call_by_the_address_of_the_pod_and_logs_in_as_the_administrator() -> None:
    text = USERS + BASIC % ", options: {prometheus: true}"
    found = objects(text, FULL)
    allowed = env(container(server(found)))["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert "10.*:5000" in allowed and "192.168.*:5000" not in allowed
    monitor = found["ServiceMonitor/demo-mlflow"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["path"] == "/metrics" and endpoint["basicAuth"]["password"] == {
        "name": "demo-boss",
        "key": "password",
    }
    assert endpoint["port"] in {port["name"] for port in found["Service/demo-mlflow"]["spec"]["ports"]}
    assert (
        monitor["spec"]["selector"]["matchLabels"].items() <= found["Service/demo-mlflow"]["metadata"]["labels"].items()
    )
    assert monitor["metadata"]["labels"]["release"] == "kps"


def test_without_the_operator_nothing_is_written_for_prometheus() -> None:
    found = objects(USERS + BASIC % ", options: {prometheus: true}")
    assert not [name for name in found if name.startswith("ServiceMonitor/")]


def test_users_are_made_by_a_job_that_another_password_file_does_not_start_again() -> None:
    found = objects(USERS + BASIC % "")
    job = found["Job/demo-mlflow-users-*"]
    assert "ttlSecondsAfterFinished" not in job["spec"]
    assert env(container(job))["MLWRIGHT_USER_PASSWORD"] == "demo-user/password"
    assert env(container(job))["MLFLOW_TRACKING_PASSWORD"] == "demo-boss/password"
    ini = found["ConfigMap/demo-mlflow-config-*"]["data"]["basic_auth.ini"]
    assert "default_permission = READ" in ini and "password" not in ini
    again = objects(USERS + BASIC % ", options: {workers: 3}")
    assert again["Job/demo-mlflow-users-*"]["metadata"]["name"] == job["metadata"]["name"]


def test_no_user_needs_no_job() -> None:
    assert not [name for name in objects("tracking: {server: {type: deployed}}\n") if name.startswith("Job/")]


def test_garbage_is_collected_by_the_clock_or_by_hand_and_on_the_node_of_the_files() -> None:
    by_hand = objects("tracking: {options: {gc: {older_than: 30d}}}\n")["CronJob/demo-mlflow-gc"]
    assert by_hand["spec"]["suspend"] is True
    inner = by_hand["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (term,) = inner["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert term["labelSelector"]["matchLabels"]["app.kubernetes.io/name"] == "mlflow"
    text = f"{USERS}tracking: {{{EXTERNAL}, options: {{gc: {{older_than: 30d, schedule: '0 4 * * 0'}}}}}}\n"
    clocked = objects(text, FULL)["CronJob/demo-mlflow-gc"]["spec"]
    assert (clocked["suspend"], clocked["schedule"]) == (False, "0 4 * * 0")
    assert "affinity" not in clocked["jobTemplate"]["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    ("gc", "schedule", "older_than"),
    [
        ("", "0 4 * * *", "60d"),
        ("options: {gc: {older_than: 7d, schedule: '0 5 * * 0'}}", "0 5 * * 0", "7d"),
    ],
)
def test_deleted_runs_go_when_ops_say_so_unless_the_project_does(gc: str, schedule: str, older_than: str) -> None:
    found = objects(f"tracking: {{{gc}}}\n", PLAIN + "retention: {artifacts: 60d}\n")["CronJob/demo-mlflow-gc"]["spec"]
    assert (found["suspend"], found["schedule"]) == (False, schedule)
    (script,) = found["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["args"][1:]
    assert f"--older-than {older_than} " in script


def test_a_retention_of_runs_alone_removes_nothing_from_the_server() -> None:
    assert "CronJob/demo-mlflow-gc" not in objects("tracking: {}\n", PLAIN + "retention: {runs: 7d}\n")


def test_users_of_mlflow_are_all_the_log_in_that_a_host_needs() -> None:
    text = USERS + BASIC % ", server: {type: deployed, expose: {host: mlflow.example.com, auth: required}}"
    found = objects(text, INGRESS)
    (rule,) = found["Ingress/demo-mlflow"]["spec"]["rules"]
    assert rule["http"]["paths"][0]["backend"]["service"] == {"name": "demo-mlflow", "port": {"name": "http"}}
    assert found["Ingress/demo-mlflow"]["spec"]["ingressClassName"] == "nginx"
    assert "Deployment/demo-mlflow-proxy" not in found


def test_a_server_elsewhere_leaves_nothing_here() -> None:
    found = objects("tracking: {server: {type: external, url: 'https://mlflow.example.com'}}\n")
    assert not [name for name in found if "mlflow" in name]


def test_databricks_is_refused() -> None:
    refused = codes("tracking: {server: {type: databricks, host: 'https://x.cloud.databricks.com'}}\n", PLAIN)
    assert refused == {"OWN003 server"}


def test_the_keys_of_the_server_are_told_where_nothing_makes_them() -> None:
    made = built(USERS + BASIC % ", backend_store: {type: postgres}")
    header = made.files["kubernetes/kustomization.yaml"].decode()
    assert "demo-mlflow-server --from-literal=database-password=... --from-literal=session-key=..." in header
