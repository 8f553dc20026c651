"""Checks of Kubernetes objects say what is wrong; they never fail themselves, whatever an object looks like."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlwright.diag import Diagnostic
from mlwright.diag.codes import CODES
from mlwright.emit.kube.settle import settle
from mlwright.emit.shared import shared
from mlwright.platform import BUILTIN
from mlwright.target import Document, TextFile
from mlwright.testing import programs
from mlwright.verify import verify
from mlwright.verify.manifest import Emitted

OBJECTS = list(
    yaml.safe_load_all("""
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: x, labels: {a: b}, annotations: {a: b}}
spec:
  serviceName: web
  selector: {matchLabels: {app: web}, matchExpressions: [{key: app, operator: In, values: [web]}]}
  volumeClaimTemplates: [{metadata: {name: data}}]
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: default
      imagePullSecrets: [{name: s}]
      initContainers: [{name: i, image: x}]
      containers:
        - name: main
          image: demo
          ports: [{name: http, containerPort: 80}]
          env: [{name: A, value: a}, {name: B, valueFrom: {secretKeyRef: {name: s, key: k}}}]
          envFrom: [{configMapRef: {name: c}}]
          resources: {requests: {cpu: 1}, limits: {cpu: 2}}
          readinessProbe: {httpGet: {port: http}}
          volumeMounts: [{name: c, mountPath: /c, subPath: a}]
      volumes:
        - {name: c, configMap: {name: c, items: [{key: a, path: a}]}}
        - {name: p, projected: {sources: [{secret: {name: s}}]}}
        - {name: v, persistentVolumeClaim: {claimName: v}}
---
{apiVersion: v1, kind: ConfigMap, immutable: true, metadata: {name: c}, data: {a: x,
  plan.json: {steps: [{apiVersion: batch/v1,
  kind: Job, metadata: {name: j}, spec: {template: {spec: {containers: [{name: a}]}}}}]}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80,
  targetPort: http}]}}
---
{apiVersion: argoproj.io/v1alpha1, kind: WorkflowTemplate, metadata: {name: w}, spec: {entrypoint: m,
  podMetadata: {labels: {a: b}},
  templates: [{name: m, metadata: {labels: {c: d}}, dag: {tasks: [{name: t, template: m}]}},
    {name: r, resource: {manifest: "apiVersion: v1\\nkind: Pod\\nmetadata: {name: a}"}}]}}
---
{apiVersion: argoproj.io/v1alpha1, kind: Sensor, metadata: {name: s}, spec: {dependencies: [{eventSourceName: e,
  eventName: x}]}}
---
{apiVersion: argoproj.io/v1alpha1, kind: EventSource, metadata: {name: e}, spec: {webhook: {x: {port: "1"}}}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: n},
  spec: {podSelector: {matchLabels: {app: web}},
  ingress: [{from: [{podSelector: {}}]}]}}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i},
  spec: {rules: [{http: {paths: [{backend: {service: {name: web,
  port: {number: 80}}}}]}}]}}
---
{apiVersion: monitoring.coreos.com/v1, kind: ServiceMonitor, metadata: {name: m}, spec: {selector: {},
  endpoints: [{port: http}]}}
---
{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: s}, spec: {target: {name: s},
  data: [{secretKey: k}]}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: r}, roleRef: {kind: Role, name: r},
  subjects: [{kind: ServiceAccount, name: a}]}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {cpu: 1}}}
""")
)
JUNK: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "text",
    "{{x}}",
    [],
    {},
    ["a"],
    [1],
    [None],
    [[]],
    {"a": None},
    {"name": 1},
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


PLACES = [(position, path) for position, item in enumerate(OBJECTS) for path in places(item)]


Changes = list[tuple[tuple[int, tuple[Any, ...]], Any]]
CHANGES = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(JUNK)), min_size=1, max_size=4)


def changed(changes: Changes) -> list[dict[str, Any]]:
    objects = copy.deepcopy(OBJECTS)
    for (position, path), junk in changes:
        holder: Any = objects[position]
        try:
            for part in path[:-1]:
                holder = holder[part]
            if isinstance(holder, dict) == isinstance(path[-1], str):  # keys are text
                holder[path[-1]] = copy.deepcopy(junk)
        except (LookupError, TypeError):
            continue  # another change took its place away
    return objects


def emitted(objects: list[dict[str, Any]]) -> list[tuple[str, list[Document | TextFile]]]:
    return [("kubernetes", [Document(path=f"{number}.yaml", data=data) for number, data in enumerate(objects)])]


def found(documents: Emitted) -> list[Diagnostic]:
    return list(verify(documents, programs.project(), BUILTIN["argo"]).findings)


@settings(max_examples=120)
@given(CHANGES)
def test_any_value_anywhere_is_a_finding_or_nothing(changes: Changes) -> None:
    for item in found(emitted(changed(changes))):
        assert item.code in CODES and item.message


def parted(data: dict[str, Any]) -> dict[str, Any]:
    """The object made of shared parts, but for what has objects in it."""
    if data.get("kind") in ("ConfigMap", "WorkflowTemplate"):
        return data
    return {key: shared(item) if isinstance(item, (dict, list)) else item for key, item in data.items()}


@settings(max_examples=120)
@given(CHANGES)
def test_what_is_wrong_in_a_shared_part_is_told_of_each_object_that_has_it(changes: Changes) -> None:
    objects = changed(changes)
    parts = [parted(data) for data in objects]
    twice = found(emitted([*objects, *copy.deepcopy(objects)]))
    assert Counter(found(emitted([*parts, *parts]))) == Counter(twice)
    assert Counter(found(emitted([*parts, *parts]))) == Counter(twice)  # with what the first time has kept


def waiting(value: Any, key: str = "") -> Any:
    """The object with names that wait for a digest: that of the ConfigMap, and all that refers to it."""
    if isinstance(value, dict):
        return {name: waiting(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [waiting(item) for item in value]
    return "c@hash" if key == "name" and value == "c" else value


@settings(max_examples=120)
@given(CHANGES)
def test_whatever_is_wrong_is_seen_before_names_are_settled(changes: Changes) -> None:
    documents = emitted([waiting(data) for data in changed(changes)])
    before, after = found(documents), found(settle(documents))
    assert {item.code for item in after} <= {item.code for item in before}
