"""What objects refer to by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlwright.ir import Origin, Secret, Storage
from mlwright.platform import BUILTIN
from mlwright.platform.model import Platform
from mlwright.platform.sections import Identity, Placement
from mlwright.testing import programs
from mlwright.verify import verify
from tests.unit.verify.kit import AT, deployment, emitted, said

CONFIG = "{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {a.json: '{}', b: x}}"
SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: api}, spec: {ports: [{name: http, port: 80}]}}"


def env(source: str) -> str:
    return deployment(f"env: [{{name: A, valueFrom: {{{source}}}}}],")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (env("secretKeyRef: {name: lost, key: k}"), "Secret `lost`"),
        (env("configMapKeyRef: {name: lost, key: k}"), "ConfigMap `lost`"),
        (deployment("envFrom: [{secretRef: {name: lost}}],"), "Secret `lost`"),
        (deployment("envFrom: [{configMapRef: {name: lost}}],"), "ConfigMap `lost`"),
        (deployment(pod="volumes: [{name: v, secret: {secretName: lost}}],"), "Secret `lost`"),
        (deployment(pod="volumes: [{name: v, configMap: {name: lost}}],"), "ConfigMap `lost`"),
        (deployment(pod="volumes: [{name: v, projected: {sources: [{secret: {name: lost}}]}}],"), "Secret `lost`"),
        (
            deployment(pod="volumes: [{name: v, persistentVolumeClaim: {claimName: lost}}],"),
            "PersistentVolumeClaim `lost`",
        ),
        (deployment(pod="serviceAccountName: lost,"), "ServiceAccount `lost`"),
        (deployment(pod="priorityClassName: lost,"), "PriorityClass `lost`"),
        (deployment(pod="imagePullSecrets: [{name: lost}],"), "Secret `lost`"),
        (
            (
                "{apiVersion: argoproj.io/v1alpha1, kind: CronWorkflow, metadata: {name: a}, "
                "spec: {workflowSpec: {workflowTemplateRef: {name: lost}}}}"
            ),
            "WorkflowTemplate `lost`",
        ),
        (
            (
                "{apiVersion: argoproj.io/v1alpha1, kind: Sensor, metadata: {name: a}, spec: {triggers: [{template: "
                "{argoWorkflow: {source: {resource: {apiVersion: argoproj.io/v1alpha1, kind: Workflow, "
                "metadata: {generateName: a-}, spec: {workflowTemplateRef: {name: lost}}}}}}}]}}"
            ),
            "WorkflowTemplate `lost`",
        ),
        (
            (
                "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: a}, "
                "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: lost}}}"
            ),
            "Deployment `lost`",
        ),
        (
            (
                "{apiVersion: keda.sh/v1alpha1, kind: ScaledObject, metadata: {name: a}, "
                "spec: {scaleTargetRef: {name: lost}}}"
            ),
            "Deployment `lost`",
        ),
        (
            (
                "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: a}, "
                "spec: {rules: [{backendRefs: [{name: lost, port: 80}]}]}}"
            ),
            "Service `lost`",
        ),
        (
            (
                "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, spec: {rules: [{http: {paths: "
                "[{backend: {service: {name: lost, port: {number: 80}}}}]}}]}}"
            ),
            "Service `lost`",
        ),
        (
            (
                "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: a}, "
                "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: lost}}"
            ),
            "Role `lost`",
        ),
        (
            (
                "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: a}, "
                "subjects: [{kind: ServiceAccount, name: lost}]}"
            ),
            "ServiceAccount `lost`",
        ),
        (
            "{apiVersion: x.dev/v1, kind: Plan, metadata: {name: a, labels: {kueue.x-k8s.io/queue-name: lost}}}",
            "LocalQueue `lost`",
        ),
    ],
)
def test_what_nobody_makes_is_found_wherever_it_is_named(text: str, what: str) -> None:
    (found,) = said(text)
    assert found.startswith("VER030") and f"needs the {what}, which nobody makes" in found


def test_what_is_made_is_found() -> None:
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: login}, stringData: {k: x}}"
    text = env("secretKeyRef: {name: login, key: k}")
    assert said(f"{text}\n---\n{secret}") == []
    assert said(f"{deployment('envFrom: [{configMapRef: {name: settings}}],')}\n---\n{CONFIG}") == []


def test_a_name_that_is_nearly_right_is_offered() -> None:
    (found,) = said(f"{deployment('envFrom: [{configMapRef: {name: setings}}],')}\n---\n{CONFIG}")
    assert found.endswith("did you mean `settings`?")


def test_another_namespace_has_other_objects() -> None:
    there = CONFIG.replace("name: settings", "name: settings, namespace: y")
    here = deployment("envFrom: [{configMapRef: {name: settings}}],")
    assert said(f"{here.replace('name: web', 'name: web, namespace: y', 1)}\n---\n{there}") == []
    assert said(f"{here.replace('name: web', 'name: web, namespace: x', 1)}\n---\n{there}")[0].startswith("VER030")


def test_a_controller_makes_the_secret_of_an_external_one() -> None:
    text = env("secretKeyRef: {name: login, key: k}")
    made = "{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: %s}, spec: {%s}}"
    assert said(f"{text}\n---\n{made % ('login', 'data: [{secretKey: k}]')}") == []
    assert said(f"{text}\n---\n{made % ('other', 'target: {name: login}, dataFrom: [{}]')}") == []
    assert "the key `k` of the Secret `login`" in said(f"{text}\n---\n{made % ('login', 'data: [{secretKey: j}]')}")[0]


def test_a_key_that_is_not_there_is_refused() -> None:
    wrong = f"{env('configMapKeyRef: {name: settings, key: c}')}\n---\n{CONFIG}"
    (found,) = said(wrong)
    assert found.startswith("VER031 Deployment web needs the key `c` of the ConfigMap `settings`, which has none")
    assert found.endswith("it has a.json, b")
    assert said(wrong.replace("key: c", "key: b")) == []


def test_keys_of_volumes_and_files_that_are_mounted_of_them_are_there() -> None:
    pod = "volumes: [{name: v, configMap: {name: settings, items: [{key: %s, path: p}]}}],"
    assert said(f"{deployment(pod=pod % 'b')}\n---\n{CONFIG}") == []
    assert "needs the key `c`" in said(f"{deployment(pod=pod % 'c')}\n---\n{CONFIG}")[0]
    mount = "volumeMounts: [{name: v, mountPath: /x, subPath: %s}],"
    whole = "volumes: [{name: v, configMap: {name: settings}}],"
    assert said(f"{deployment(mount % 'a.json', pod=whole)}\n---\n{CONFIG}") == []
    (found,) = said(f"{deployment(mount % 'c.json', pod=whole)}\n---\n{CONFIG}")
    assert "VER031 Deployment web mounts the file `c.json` of ConfigMap settings" in found
    assert "mounts the file `b`" in said(f"{deployment(mount % 'b', pod=pod % 'b')}\n---\n{CONFIG}")[0]


def test_ports_of_services_go_by_number_and_name() -> None:
    route = (
        "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: a}, "
        "spec: {rules: [{backendRefs: [{name: api, port: %s}]}]}}"
    )
    assert said(f"{route % 80}\n---\n{SERVICE}") == []
    assert "needs the port `81` of the Service `api`" in said(f"{route % 81}\n---\n{SERVICE}")[0]
    ingress = (
        "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: a}, "
        "spec: {defaultBackend: {}, rules: [{http: {paths: [{backend: {service: {name: api, port: {name: %s}}}}]}}]}}"
    )
    assert said(f"{ingress % 'http'}\n---\n{SERVICE}") == []
    assert "needs the port `web`" in said(f"{ingress % 'web'}\n---\n{SERVICE}")[0]


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://churn-api", ""),
        ("http://churn-api:80/path", ""),
        ("http://churn-api:81", "VER031 Deployment web needs the port `81` of the Service `churn-api`"),
        ("https://churn-api/x", "VER031 Deployment web needs the port `443` of the Service `churn-api`"),
        ("http://churn-apy:80", "VER030 Deployment web needs the Service `churn-apy`, which nobody makes"),
        ("redirect=http://churn-apy", "VER030"),
        ("http://churn-apy.example.com", ""),
        ("http://other-api", ""),
        ("http://churn-apy@host", ""),
    ],
)
def test_an_address_of_the_projects_own_leads_to_a_service(url: str, what: str) -> None:
    there = SERVICE.replace("name: api", "name: churn-api")
    found = said(f"{deployment(f'env: [{{name: URL, value: {url!r}}}],')}\n---\n{there}")
    assert [line[: len(what)] for line in found] == ([what] if what else [])


def test_a_template_of_another_workflow_is_there() -> None:
    other = (
        "{apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate, metadata: {name: lib}, "
        "spec: {templates: [{name: load, container: {image: x}}]}}"
    )
    user = (
        "{apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate, metadata: {name: w}, spec: {entrypoint: main, "
        "templates: [{name: main, dag: {tasks: [{name: t, templateRef: {name: %s, template: %s}}]}}]}}"
    )
    assert said(f"{user % ('lib', 'load')}\n---\n{other}") == []
    assert (
        "needs the template `lead` of the WorkflowTemplate `lib`" in said(f"{user % ('lib', 'lead')}\n---\n{other}")[0]
    )
    assert "needs the WorkflowTemplate `lab`" in said(f"{user % ('lab', 'load')}\n---\n{other}")[0]


def test_events_of_a_sensor_come_from_its_source() -> None:
    source = (
        "{apiVersion: argoproj.io/v1alpha1, kind: EventSource, metadata: {name: hooks}, "
        "spec: {service: {ports: []}, webhook: {landed: {port: '12000'}}}}"
    )
    sensor = (
        "{apiVersion: argoproj.io/v1alpha1, kind: Sensor, metadata: {name: a}, "
        "spec: {dependencies: [{name: d, eventSourceName: %s, eventName: %s}]}}"
    )
    assert said(f"{sensor % ('hooks', 'landed')}\n---\n{source}") == []
    assert "needs the event `lended`" in said(f"{sensor % ('hooks', 'lended')}\n---\n{source}")[0]
    assert "needs the EventSource `hoks`" in said(f"{sensor % ('hoks', 'landed')}\n---\n{source}")[0]


def test_what_is_optional_open_or_always_there_is_not_asked_for() -> None:
    assert said(env("secretKeyRef: {name: lost, key: k, optional: true}")) == []
    assert said(env("secretKeyRef: {name: '{{inputs.parameters.secret}}', key: k}")) == []
    assert said(deployment(pod="serviceAccountName: default, priorityClassName: system-node-critical,")) == []
    assert said(deployment(pod="volumes: [{name: v, configMap: {name: lost, optional: true}}],")) == []


def test_what_the_specification_declares_is_someone_elses() -> None:
    text = env("secretKeyRef: {name: lake-login, key: k}")
    assert said(text, secrets=(Secret(name="lake", keys=("k",), existing="lake-login"),)) == []
    named = env("secretKeyRef: {name: churn-lake, key: k}")
    assert said(named, secrets=(Secret(name="lake", keys=("k",)),)) == []
    claim = deployment(pod="volumes: [{name: v, persistentVolumeClaim: {claimName: imagenet}}],")
    storage = Storage(name="data", type="volume", claim="imagenet", origin=AT)
    assert said(claim, storage=(storage,)) == []
    assert said(claim)[0].startswith("VER030")


def test_so_is_what_the_platform_file_names() -> None:
    written = Platform(
        apiVersion="mlwright.dev/v1",
        kind="Platform",
        orchestrator="argo",
        kubernetes="1.36",
        identities={"reader": Identity(service_account="lake-reader")},
        placements={"spot": Placement(queue="gpu", priority_class="low")},
    )
    profile = replace(BUILTIN["argo"], written=written)
    text = deployment(pod="serviceAccountName: lake-reader, priorityClassName: low,")
    assert said(text, profile) == []
    assert len(said(text)) == 2


def test_in_a_patch_or_an_added_file_it_is_a_warning_at_its_line() -> None:
    text = deployment(pod="serviceAccountName: lost,")
    at = ("patches", "p", "merge", "spec", "template", "spec", "serviceAccountName")
    patched = {("spec", "template", "spec", "serviceAccountName"): Origin(path=at, by="patch")}
    (found,) = verify(emitted(text, patched), programs.project(), BUILTIN["argo"]).findings
    assert (found.severity, found.at.path) == ("warning", at)
    (found,) = verify(emitted(text), programs.project(), BUILTIN["argo"]).findings
    assert (found.severity, found.at.path) == ("error", AT.path)
