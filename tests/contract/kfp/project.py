"""A project of every kind of step, and what it is for Kubeflow Pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mlwright import api

Spec = dict[str, Any]
PROJECT = """
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
defaults: {steps: {image: "demo:1"}}
params:
  n: {type: int, default: 3, description: "how many, of {{x}}"}
  lr: {type: float, default: 0.1}
  flag: {type: bool, default: true}
  text: {type: string, default: a}
steps:
  features:
    command: [python, f.py, "${params.n}", "${outputs.rows}", "${outputs.names}", "${outputs.table}"]
    outputs: {rows: {type: int}, names: {type: json}, table: {type: dataset}}
  training:
    needs: [steps.features]
    command: [python, t.py, "${params.lr}", "${params.flag}", "${outputs.model}"]
    outputs: {model: {type: model}}
    metrics: {auc: {goal: maximize, pattern: "auc=(\\\\S+)", sample: "auc=1"}}
    resources: {cpu: "2", memory: 4Gi, gpu: 2}
  report: {needs: [steps.training], for_each: {part: [a, b, c]}, command: [python, r.py, "${each.part}"]}
  scan:
    for_each: {name: "${steps.features.outputs.names}"}
    max_parallel: 2
    command: [python, s.py, "${each.name}"]
  refine:
    needs: [steps.training]
    when: "${params.text} == 'a'"
    command: [python, x.py, "${params.text}"]
    resources: {gpu: 1}
  publish: {needs: [steps.scan, steps.refine], command: [python, p.py]}
environments: {there: {platform: kubeflow, namespace: demo}}
"""


def compiled(folder: Path, text: str, **files: str) -> tuple[Spec, Spec]:
    """Both documents of the only pipeline."""
    (folder / "mlproject.yaml").write_text(text)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    result = api.compile([str(folder / "mlproject.yaml")], envs=["there"])
    assert not result.failed, [item.message for item in result.diagnostics]
    (path,) = (folder / "manifests" / "there" / "kubeflow").glob("pipelineversion-*.yaml")
    spec = yaml.safe_load(path.read_text())["spec"]
    return spec["pipelineSpec"], spec["platformSpec"]
