"""Kubernetes objects written as YAML in tests, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import yaml

from mlwright.ir import Origin
from mlwright.platform import BUILTIN, Profile
from mlwright.span import Path
from mlwright.target import Document
from mlwright.testing import programs
from mlwright.verify import verify
from mlwright.verify.manifest import Emitted

AT = Origin(path=("steps", "a"))


def emitted(text: str, origins: Mapping[Path, Origin] = MappingProxyType({})) -> Emitted:
    """One document for each object of a YAML text; `origins` of further places in every one of them."""
    documents = []
    for position, data in enumerate(item for item in yaml.safe_load_all(text) if item):
        documents.append(Document(path=f"{position}.yaml", data=data, origins={(): AT, **origins}))
    return [("kubernetes", documents)]


def said(text: str, profile: Profile = BUILTIN["argo"], **project: Any) -> list[str]:
    """Every finding about the objects of a YAML text as `CODE message; help`."""
    found = verify(emitted(text), programs.project(**project), profile).findings
    return [f"{item.code} {item.message}; {item.help}" for item in found]


def deployment(container: str = "", *, name: str = "web", labels: str = "{app: web}", pod: str = "") -> str:
    """A Deployment; `container` and `pod` are further fields in flow style, each followed by a comma."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {labels}}}
  template:
    metadata: {{labels: {labels}}}
    spec: {{{pod} containers: [{{{container} name: main, image: demo, ports: [{{name: http, containerPort: 80}}]}}]}}
"""
