"""`mlwright compile --crds DIR`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("kubernetes_validate", reason="the extra `crds` is not installed")

from mlwright import api
from mlwright.ir import Origin
from mlwright.platform import BUILTIN
from mlwright.testing import programs
from mlwright.verify import Checked, core, schemas, verify
from tests.unit.verify.kit import AT, deployment, emitted
from tests.unit.verify.test_crds import DEFINITION

ANY = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  group: example.dev
  names: {kind: Anything}
  scope: Cluster
  versions: [{name: v1, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
"""
RULES = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
spec:
  group: example.dev
  names: {kind: Gate}
  versions:
    - name: v1
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                min: {type: integer}
                max: {type: integer, default: 5}
                run: {type: object, x-kubernetes-preserve-unknown-fields: true}
              x-kubernetes-validations: [{rule: self.min <= self.max, message: min is at most max}]
"""


LACKS = "is of `{}`, which a cluster with these definitions (Kubernetes 1.36) lacks; it serves {}: "
UPGRADE = "set the version that runs there in the platform file"


def checked(tmp_path: Path, text: str, kubernetes: str = "1.36", **origins: Origin) -> Checked:
    place = tmp_path / "crds"
    place.mkdir(exist_ok=True)
    for name, definition in {"widget": DEFINITION, "any": ANY, "rules": RULES}.items():
        (place / f"{name}.yaml").write_text(definition)
    profile = replace(BUILTIN["argo"], systems={"kubernetes": kubernetes})
    found = schemas.definitions(str(place), tmp_path / "cache")
    return verify(emitted(text), programs.project(), profile, found)


def said(tmp_path: Path, text: str, kubernetes: str = "1.36") -> list[str]:
    found = checked(tmp_path, text, kubernetes).findings
    return [f"{item.code} {item.message}; {item.help}" for item in found]


def own(kind: str, spec: str, api: str = "example.dev/v1") -> str:
    return f"{{apiVersion: {api}, kind: {kind}, metadata: {{name: a}}, spec: {spec}}}"


def test_objects_that_their_schemas_know(tmp_path: Path) -> None:
    text = "\n---\n".join(
        [
            deployment(),
            own("Widget", "{description: x, operator: '='}"),
            own("Anything", "{x: 1}"),
            own("Gate", "{min: 5}"),
        ]
    )
    found = checked(tmp_path, text)
    assert list(found.findings) == []
    assert found.notes == (
        f"3 objects checked against Kubernetes 1.36 and {tmp_path}/crds; the definitions of Anything take anything (1)",
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            deployment("imagePullPolcy: Always,"),
            (
                "VER001 Deployment web has no field `spec.template.spec.containers[0].imagePullPolcy`; "
                "did you mean `imagePullPolicy`?"
            ),
        ),
        (
            deployment().replace("spec:\n", "spec:\n  replicas: three\n", 1),
            "VER002 `spec.replicas` (`three`) of Deployment web must be a whole number; ",
        ),
        (
            own("Widget", "{operator: '<'}"),
            "VER002 `spec.operator` (`<`) of Widget a must be one of `=`, `!=`; ",
        ),
        (
            own("Widget", "{descripton: x}"),
            "VER001 Widget a has no field `spec.descripton`; did you mean `description`?",
        ),
        (own("Gate", "{min: 6}"), "VER003 `spec` of Gate a breaks a rule: min is at most max; "),
        (
            own("Widget", "{}", "example.dev/v1beta1"),
            "VER004 Widget a " + LACKS.format("example.dev/v1beta1", "example.dev/v1") + UPGRADE,
        ),
        (
            "{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: a}, spec: {}}",
            "VER004 PodDisruptionBudget a " + LACKS.format("policy/v1beta1", "policy/v1") + UPGRADE,
        ),
        (
            own("Anything", "{}").replace("name: a", "name: a, namespace: x"),
            ("VER002 Anything a is in a namespace, and its kind is of the whole cluster; remove `metadata.namespace`"),
        ),
        (
            own("Widget", "{}").replace("name: a", "name: a, lables: {}"),
            "VER001 Widget a has no field `metadata.lables`; did you mean `labels`?",
        ),
        (
            own("Anything", f"{{inner: {own('Widget', '{descripton: x}')}}}"),
            "VER001 Widget a (inside Anything a) has no field `spec.descripton`; did you mean `description`?",
        ),
        (
            own("Gate", f"{{min: 1, run: {own('Widget', '{operator: <}')}}}"),
            "VER002 `spec.operator` (`<`) of Widget a (inside Gate a) must be one of `=`, `!=`; ",
        ),
    ],
)
def test_objects_that_they_refuse(tmp_path: Path, text: str, what: str) -> None:
    assert said(tmp_path, text) == [what]


def test_objects_in_the_text_of_a_workflow_are_objects(tmp_path: Path) -> None:
    inner = "\\napiVersion: example.dev/v1\\nkind: Widget\\nmetadata: {generateName: a-}\\nspec: {descripton: x}"
    text = (
        "{apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate, metadata: {name: w}, spec: {entrypoint: m, "
        f'templates: [{{name: m, resource: {{action: create, manifest: "{inner}"}}}}]}}}}'
    )
    found = said(tmp_path, text)
    assert "VER001 Widget a- (inside WorkflowTemplate w) has no field `spec.descripton`" in "\n".join(found)
    open_ones = text.replace("descripton: x", "operator: '{{inputs.parameters.o}}'")
    assert not any(line.startswith(("VER001", "VER002")) for line in said(tmp_path, open_ones))
    assert not any("Widget" in line for line in said(tmp_path, text.replace("x}", "{{x}}}")))


@pytest.mark.parametrize(
    ("patch", "what"),
    [
        ('{"containers": [{"name": "main", "resources": {"limits": {"memory": "2Gi"}}}]}', ""),
        ("terminationGracePeriodSeconds: 5", ""),
        ('{"enableServiceLinks": "{{inputs.parameters.links}}"}', ""),
        ("{{inputs.parameters.patch}}", ""),
        (
            '{"containers": [{"name": "main", "resorces": {}}]}',
            "VER001 WorkflowTemplate w has no field `spec.podSpecPatch!containers[0].resorces`",
        ),
        (
            '{"terminationGracePeriodSeconds": "5"}',
            "VER002 `spec.podSpecPatch!terminationGracePeriodSeconds` (`5`) of WorkflowTemplate w",
        ),
    ],
)
def test_a_patch_of_pods_is_a_part_of_a_pod(tmp_path: Path, patch: str, what: str) -> None:
    text = (
        "{apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate, metadata: {name: w}, "
        f"spec: {{podSpecPatch: '{patch}'}}}}"
    )
    found = [line for line in said(tmp_path, text) if not line.startswith("VER005")]
    assert [line[: len(what)] for line in found] == ([what] if what else [])


def test_a_kind_that_nothing_describes_is_named_once(tmp_path: Path) -> None:
    text = (
        f"{own('Gizmo', '{}', 'other.dev/v1')}\n---\n{own('Gizmo', '{}', 'other.dev/v1').replace('name: a', 'name: b')}"
    )
    (found,) = checked(tmp_path, text).findings
    assert (found.code, found.severity) == ("VER005", "warning")
    assert "says what a Gizmo of other.dev/v1 is" in found.message


def test_a_file_that_is_not_readable_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "chart.yaml").write_text("kind: CustomResourceDefinition\nname: {{ .Values.name }}: :")
    (found,) = checked(tmp_path, deployment()).findings
    assert (found.code, found.severity) == ("VER006", "warning") and "chart.yaml is not read" in found.message


def test_documents_inside_a_configmap_are_text_and_objects_in_them_are_not(tmp_path: Path) -> None:
    plan = "{apiVersion: v1, kind: ConfigMap, metadata: {name: p}, data: {plan.json: {steps: [%s]}}}"
    assert said(tmp_path, plan % own("Widget", "{operator: '='}")) == []
    (found,) = said(tmp_path, plan % own("Widget", "{operator: '<'}"))
    assert "Widget a (inside ConfigMap p)" in found


def test_a_finding_is_where_the_value_came_from(tmp_path: Path) -> None:
    at = ("patches", "p", "merge", "spec", "descripton")
    place = tmp_path / "crds"
    place.mkdir()
    (place / "a.yaml").write_text(DEFINITION)
    documents = emitted(own("Widget", "{descripton: x}"), {("spec", "descripton"): Origin(path=at, by="patch")})
    found = verify(documents, programs.project(), BUILTIN["argo"], schemas.definitions(str(place), tmp_path / "c"))
    (one,) = found.findings
    assert (one.at.path, one.at.on) == (at, "key")
    (other,) = verify(
        emitted(own("Widget", "{}").replace("example.dev/v1", "example.dev/v2")),
        programs.project(),
        BUILTIN["argo"],
        schemas.definitions(str(place), tmp_path / "c"),
    ).findings
    assert other.at.path == AT.path


def test_the_schemas_are_those_of_the_platforms_kubernetes(tmp_path: Path) -> None:
    text = deployment(pod="resources: {limits: {cpu: 1}},")  # of the whole pod: from 1.32 on
    assert said(tmp_path, text, "1.36") == []
    assert said(tmp_path, text, "1.30")[0].startswith(
        "VER001 Deployment web has no field `spec.template.spec.resources`"
    )


@pytest.mark.parametrize(("version", "like"), [("1.99", "1.37"), ("1.9", "1.25"), ("v1.31.4", "1.31")])
def test_a_version_without_schemas_of_its_own_has_those_next_to_it(version: str, like: str) -> None:
    assert core.read(version) == core.read(like)


def test_what_cannot_be_used_is_said_before_anything_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mlproject.yaml").write_text("apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: a}\n")
    assert api.compile(crds="nowhere").usage_error.startswith(
        "there is no folder nowhere with CRD files; from a cluster"
    )
    Path("empty").mkdir()
    assert "no CustomResourceDefinition in empty or below it" in api.compile(crds="empty").usage_error
    monkeypatch.setattr(core, "PACKAGE", "kubernetes_validate_that_is_missing")
    assert "pip install 'mlwright[crds]'" in api.compile(crds="empty").usage_error
