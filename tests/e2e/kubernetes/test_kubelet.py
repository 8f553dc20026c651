"""The node that runs pods as processes keeps to what pods are promised, so that tests on it mean something."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.kubernetes.kubelet import Kubelet, kubelet
from tests.e2e.kubernetes.plane import Plane, Refused
from tests.e2e.kubernetes.process import Image

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SPACE, BEFORE = "kubelet", "before-kubelet"
PODS = f"/api/v1/namespaces/{SPACE}/pods"
SECURE: dict[str, Any] = {
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "fsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
    "restartPolicy": "Never",
}


@pytest.fixture(scope="module")
def node(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelet]:
    folder = tmp_path_factory.mktemp("image")
    (folder / "program.py").write_text("print('from the image')\n")
    plane.namespace(BEFORE)
    with kubelet(plane, {"image:1": Image(folder=folder, entrypoint=("python3", "program.py"))}) as found:
        plane.namespace(SPACE)
        yield found


def container(script: str = "", **more: Any) -> dict[str, Any]:
    command = {"command": ["python3", "-c", script]} if script else {}
    secured = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return {"name": "main", "image": "image:1", "securityContext": secured, **command, **more}


def made(node: Kubelet, name: str, main: dict[str, Any], **spec: Any) -> str:
    body = {"metadata": {"name": name, "labels": {"app": name}}, "spec": {**SECURE, "containers": [main], **spec}}
    node.plane.ask("POST", PODS, {"apiVersion": "v1", "kind": "Pod", **body})
    return f"{PODS}/{name}"


def ended(node: Kubelet, path: str, within: float = 30) -> dict[str, Any]:
    return node.plane.await_(path, lambda pod: pod["status"]["phase"] in ("Succeeded", "Failed"), within)


def said(node: Kubelet, name: str, *words: str) -> str:
    return node.plane.kubectl("-n", SPACE, "logs", name, *words).stdout


def code(pod: dict[str, Any]) -> int:
    return int(pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"])


def test_a_container_sees_its_user_its_folder_and_nothing_of_this_machine(node: Kubelet, tmp_path: Path) -> None:
    script = (
        "import os; print(os.getuid(), os.getgid(), os.getpid(), os.getcwd(), sorted(os.listdir()),"
        f" os.path.exists({str(tmp_path)!r}), open('/proc/self/status').read().split('CapEff:')[1].split()[0])"
    )
    assert ended(node, made(node, "seen", container(script)))["status"]["phase"] == "Succeeded"
    assert said(node, "seen") == "65532 65532 1 /app ['program.py'] False 0000000000000000\n"


def test_a_pod_of_a_namespace_that_was_there_before_the_node_is_left_alone(node: Kubelet) -> None:
    pods = f"/api/v1/namespaces/{BEFORE}/pods"
    body = {"metadata": {"name": "left"}, "spec": {**SECURE, "containers": [container("pass")]}}
    node.plane.ask("POST", pods, {"apiVersion": "v1", "kind": "Pod", **body})
    ended(node, made(node, "taken", container("pass")))
    assert "nodeName" not in node.plane.ask("GET", f"{pods}/left")["spec"]


def test_an_image_without_a_command_runs_its_entry_point(node: Kubelet) -> None:
    ended(node, made(node, "image", container()))
    assert said(node, "image") == "from the image\n"


def test_variables_and_volumes_hold_what_the_pod_refers_to(node: Kubelet) -> None:
    for kind, name, data in (("ConfigMap", "plain", {"a": "1", "b.json": "{}"}), ("Secret", "hidden", {"KEY": "s3"})):
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
        body |= {"data": data} if kind == "ConfigMap" else {"stringData": data}
        node.plane.ask("POST", f"/api/v1/namespaces/{SPACE}/{kind.lower()}s", body)
    env = [
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "plain", "key": "a"}}},
        {"name": "B", "value": "$(A)-$$(A)-$(NONE)"},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "GONE", "valueFrom": {"secretKeyRef": {"name": "none", "key": "x", "optional": True}}},
    ]
    mounts = [
        {"name": "plain", "mountPath": "/mlwright/plain"},
        {"name": "one", "mountPath": "/mlwright/step.json", "subPath": "b.json"},
        {"name": "work", "mountPath": "/scratch"},
    ]
    volumes: list[dict[str, Any]] = [
        {"name": "plain", "configMap": {"name": "plain"}},
        {"name": "one", "configMap": {"name": "plain", "items": [{"key": "b.json", "path": "b.json"}]}},
        {"name": "work", "emptyDir": {}},
    ]
    script = (
        "import os; e = os.environ; print(e['A'], e['B'], e['APP'], e['KEY'], 'GONE' in e);"
        "print(sorted(os.listdir('/mlwright/plain')), open('/mlwright/step.json').read());"
        "open('/scratch/x', 'w'); print(os.stat('/scratch/x').st_gid)\n"
        "try: open('/mlwright/plain/new', 'w')\n"
        "except OSError as problem: print(problem.strerror)"
    )
    main = container(script, env=env, envFrom=[{"secretRef": {"name": "hidden"}}], volumeMounts=mounts)
    ended(node, made(node, "given", main, volumes=volumes))
    assert said(node, "given").splitlines() == [
        "1 1-$(A)-$(NONE) given s3 False",
        "['a', 'b.json'] {}",
        "65532",
        "Read-only file system",
    ]


def test_a_pod_waits_for_a_secret_that_comes_later(node: Kubelet) -> None:
    env = [{"name": "LATE", "valueFrom": {"secretKeyRef": {"name": "late", "key": "word"}}}]
    path = made(node, "waits", container("import os; print(os.environ['LATE'])", env=env))

    def waiting(pod: dict[str, Any]) -> bool:
        states = [each["state"].get("waiting", {}) for each in pod["status"].get("containerStatuses", ())]
        return any(state.get("reason") == "CreateContainerConfigError" for state in states)

    node.plane.await_(path, waiting)
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "late"}, "stringData": {"word": "here"}}
    node.plane.ask("POST", f"/api/v1/namespaces/{SPACE}/secrets", body)
    ended(node, path)
    assert said(node, "waits") == "here\n"


def test_a_user_without_a_number_is_not_let_in_as_root(node: Kubelet) -> None:
    secured = {key: value for key, value in SECURE["securityContext"].items() if key != "runAsUser"}
    path = made(node, "rootish", container("pass"), securityContext=secured)
    pod = node.plane.await_(path, lambda pod: bool(pod["status"].get("containerStatuses")))
    assert "runAsNonRoot" in pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    node.plane.ask("DELETE", path)


def test_a_read_only_root_can_be_written_in_volumes_alone(node: Kubelet) -> None:
    script = "open('/tmp/x', 'w')\ntry: open('/app/x', 'w')\nexcept OSError as problem: print(problem.strerror)"
    main = container(script, volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}])
    main["securityContext"] = {**main["securityContext"], "readOnlyRootFilesystem": True, "runAsUser": 65532}
    ended(node, made(node, "readonly", main, volumes=[{"name": "tmp", "emptyDir": {}}]))
    assert said(node, "readonly") == "Read-only file system\n"


def test_initial_containers_come_first_and_a_failing_one_ends_the_pod(node: Kubelet) -> None:
    first = {**container("print('first')"), "name": "first"}
    fails = {**container("raise SystemExit(4)"), "name": "fails"}
    pod = ended(node, made(node, "inits", container("print('never')"), initContainers=[first, fails]))
    assert pod["status"]["phase"] == "Failed"
    assert [each["state"]["terminated"]["exitCode"] for each in pod["status"]["initContainerStatuses"]] == [0, 4]
    assert said(node, "inits", "-c", "first") == "first\n"
    assert node.plane.kubectl("-n", SPACE, "logs", "inits", "-c", "main", check=False).returncode


def test_a_job_starts_a_pod_anew_as_often_as_it_says(node: Kubelet) -> None:
    template = {
        "metadata": {"labels": {"job": "again"}},
        "spec": {**SECURE, "containers": [container("raise SystemExit(3)")]},
    }
    body = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "again"}}
    body["spec"] = {"backoffLimit": 0, "template": template}
    node.plane.ask("POST", f"/apis/batch/v1/namespaces/{SPACE}/jobs", body)

    def failed(job: dict[str, Any]) -> bool:
        return any(each["type"] == "Failed" for each in job["status"].get("conditions", ()))

    job = node.plane.await_(f"/apis/batch/v1/namespaces/{SPACE}/jobs/again", failed)
    assert job["status"]["failed"] == 1


def test_a_program_is_started_anew_after_it_failed(node: Kubelet) -> None:
    script = "import os; n = len(os.listdir('/scratch')); open(f'/scratch/{n}', 'w'); raise SystemExit(n < 2)"
    main = container(script, volumeMounts=[{"name": "work", "mountPath": "/scratch"}])
    pod = ended(
        node, made(node, "restarts", main, restartPolicy="OnFailure", volumes=[{"name": "work", "emptyDir": {}}])
    )
    assert (pod["status"]["phase"], pod["status"]["containerStatuses"][0]["restartCount"]) == ("Succeeded", 2)


def test_a_sidecar_starts_first_and_ends_with_the_program(node: Kubelet) -> None:
    beside = {**container("open('/shared/up', 'w'); import time; time.sleep(60)"), "name": "beside"}
    beside |= {"restartPolicy": "Always", "startupProbe": {"exec": {"command": ["test", "-f", "/shared/up"]}}}
    main = container("import os; print(os.listdir('/shared'))")
    for each in (beside, main):
        each["volumeMounts"] = [{"name": "shared", "mountPath": "/shared"}]
    volumes = [{"name": "shared", "emptyDir": {}}]
    spec: dict[str, Any] = {"initContainers": [beside], "volumes": volumes, "terminationGracePeriodSeconds": 1}
    assert ended(node, made(node, "sidecar", main, **spec))["status"]["phase"] == "Succeeded"
    assert said(node, "sidecar", "-c", "main") == "['up']\n"


def test_a_deployment_is_available_and_what_hangs_is_started_anew(node: Kubelet) -> None:
    script = "import os, time; open('/tmp/alive', 'w'); time.sleep(2); os.unlink('/tmp/alive'); time.sleep(60)"
    probe = {"exec": {"command": ["test", "-f", "/tmp/alive"]}}
    main = container(script, readinessProbe=probe, livenessProbe={**probe, "failureThreshold": 2})
    spec: dict[str, Any] = {"securityContext": SECURE["securityContext"], "terminationGracePeriodSeconds": 1}
    spec["containers"] = [main]
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "hangs"}}
    template = {"metadata": {"labels": {"app": "hangs"}}, "spec": spec}
    body["spec"] = {"selector": {"matchLabels": {"app": "hangs"}}, "replicas": 2, "template": template}
    path = f"/apis/apps/v1/namespaces/{SPACE}/deployments"
    node.plane.ask("POST", path, body)
    node.plane.await_(f"{path}/hangs", lambda found: found["status"].get("availableReplicas") == 2)

    def restarted(pods: dict[str, Any]) -> bool:
        return all(pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods["items"])

    pods = node.plane.await_(f"{PODS}?labelSelector=app%3Dhangs", restarted)
    assert len({pod["status"]["podIP"] for pod in pods["items"]}) == 2
    node.plane.ask("DELETE", f"{path}/hangs")


def test_a_deadline_ends_a_pod(node: Kubelet) -> None:
    limits = {"activeDeadlineSeconds": 1, "terminationGracePeriodSeconds": 1}
    pod = ended(node, made(node, "deadline", container("import time; time.sleep(60)"), **limits))
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Failed", "DeadlineExceeded")


def test_a_deleted_pod_may_put_things_in_order_and_is_killed_when_it_does_not(node: Kubelet) -> None:
    place = {"mountPath": "/claim", "name": "claim"}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "notes"}}
    claim["spec"] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    node.plane.ask("POST", f"/api/v1/namespaces/{SPACE}/persistentvolumeclaims", claim)
    volumes = [{"name": "claim", "persistentVolumeClaim": {"claimName": "notes"}}]
    script = (
        "import signal, sys, time\n"
        "def term(*_): open('/claim/ended', 'w'); NEXT\n"
        "signal.signal(signal.SIGTERM, term); open('/claim/NAME', 'w'); time.sleep(60)\ntime.sleep(60)"
    )
    started = node.plane.folder / "claims" / SPACE / "notes"
    for name, after, most in (("tidy", "sys.exit(0)", 4.0), ("stubborn", "pass", 8.0)):
        main = container(script.replace("NEXT", after).replace("NAME", name), volumeMounts=[place])
        path = made(node, name, main, volumes=volumes, terminationGracePeriodSeconds=4)
        node.plane.await_(path, lambda pod, name=name: (started / name).exists())  # type: ignore[misc]
        since = time.monotonic()
        node.plane.ask("DELETE", path)
        while exists(node.plane, path):
            time.sleep(0.1)
        assert time.monotonic() - since < most
        (started / "ended").unlink()
        assert not subprocess.run(["pgrep", "-f", f"/claim/{name}"], capture_output=True, check=False).stdout


def test_a_service_is_found_by_name_once_its_pod_is_ready(node: Kubelet) -> None:
    serve = (
        "import http.server, os, time; time.sleep(1)\n"
        "class Answer(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200); self.end_headers(); self.wfile.write(b'served')\n"
        "http.server.HTTPServer(('0.0.0.0', 18765), Answer).serve_forever()"
    )
    ready = {"httpGet": {"path": "/", "port": "http"}}
    main = container(serve, ports=[{"name": "http", "containerPort": 18765}], readinessProbe=ready)
    made(node, "server", main)
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    service["spec"] = {"selector": {"app": "server"}, "ports": [{"port": 18080, "targetPort": "http"}]}
    node.plane.ask("POST", f"/api/v1/namespaces/{SPACE}/services", service)
    ask = (
        "import time, urllib.request\n"
        "for _ in range(100):\n"
        "    try: print(urllib.request.urlopen('http://web.kubelet.svc:18080/', timeout=2).read()); break\n"
        "    except OSError: time.sleep(0.1)"
    )
    ended(node, made(node, "asks", container(ask)))
    assert said(node, "asks") == "b'served'\n"


def test_a_pod_speaks_to_the_api_server_as_its_account_and_with_no_more_rights(node: Kubelet) -> None:
    script = (
        "import os, ssl, urllib.request, urllib.error\n"
        "place = '/var/run/secrets/kubernetes.io/serviceaccount/'\n"
        "url = 'https://{KUBERNETES_SERVICE_HOST}:{KUBERNETES_SERVICE_PORT}/api/v1/namespaces/kubelet/pods'.format(**os.environ)\n"
        "head = {'Authorization': 'Bearer ' + open(place + 'token').read()}\n"
        "context = ssl.create_default_context(cafile=place + 'ca.crt')\n"
        "try: urllib.request.urlopen(urllib.request.Request(url, headers=head), context=context)\n"
        "except urllib.error.HTTPError as problem: print(problem.code, problem.read().decode())"
    )
    ended(node, made(node, "account", container(script)))
    assert "system:serviceaccount:kubelet:default" in said(node, "account")
    assert said(node, "account").startswith("403 ")


def exists(plane: Plane, path: str) -> bool:
    try:
        plane.ask("GET", path)
    except Refused:
        return False
    return True
