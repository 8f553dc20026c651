"""Every Kubernetes object of every example, held to what clusters say: their schemas, and kubectl's own reading.

MLWRIGHT_CRDS names a folder with the CRD files of the systems that examples use.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlwright import api

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"
CLUSTERS = sorted(
    path.parent.relative_to(GOLDEN).as_posix()
    for path in GOLDEN.rglob("findings.txt")
    if any(path.parent.rglob("kustomization.yaml"))
)
"""`<example>/<environment>` of each output that has Kubernetes objects."""
SMALL = "small/prod"
SPEC = """
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: small, owners: [ann@example.com]}
defaults: {steps: {image: "acme/small:1"}}
secrets: {lake: {keys: [token]}}
storage: {scratch: {type: volume, size: 1Gi}}
steps:
  make: {command: [python, make.py, "${outputs.x}"], outputs: {x: {type: file}}, env: {TOKEN: "${secrets.lake.token}"}}
  use: {command: [python, use.py, "${steps.make.outputs.x}"], mounts: {/scratch: "${storage.scratch}"}}
pipelines: {main: {run: [steps.use], schedule: "0 3 * * 1"}}
objects: {extras: {path: extras.yaml}}
environments: {prod: {platform: kubernetes, namespace: ml, start: on_change}}
"""
EXTRAS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extras}\ndata: {a: b}\n"
BESIDE = ("Application", "AppProject")
"""What is applied first and by itself: it applies the rest."""
CRDS = os.environ.get("MLWRIGHT_CRDS", "")

needs_crds = pytest.mark.skipif(not CRDS, reason="MLWRIGHT_CRDS names no folder with CRD files")
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")


@pytest.fixture(params=[SMALL, *CLUSTERS])
def cluster(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """`<example>/<environment>`; the working directory is a copy of the example, or has a small project."""
    if request.param == SMALL:
        (tmp_path / "mlproject.yaml").write_text(SPEC)
        (tmp_path / "extras.yaml").write_text(EXTRAS)
        monkeypatch.chdir(tmp_path)
        return SMALL
    example, _, _ = str(request.param).rpartition("/")
    top = example.partition("/")[0]
    shutil.copytree(ROOT / "examples" / top, tmp_path / top, ignore=shutil.ignore_patterns(".mlwright", "manifests"))
    monkeypatch.chdir(tmp_path / example)
    return str(request.param)


def compiled(cluster: str) -> Path:
    """The folder that the environment's output was written to."""
    environment = cluster.rpartition("/")[2]
    result = api.compile(envs=[environment])
    assert not result.failed, [item.message for item in result.diagnostics]
    return Path("manifests", environment)


def objects(folder: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    """Every object of a folder by type, namespace and name."""
    found = [yaml.safe_load(path.read_text("utf-8")) for path in folder.rglob("*.yaml")]
    return {_identity(item): item for item in found if isinstance(item, dict) and "metadata" in item}


def _identity(item: dict[str, Any]) -> tuple[str, ...]:
    about = item["metadata"]
    return (item["apiVersion"], item["kind"], about.get("namespace", ""), about.get("name", ""))


@needs_crds
def test_every_object_is_what_its_schema_allows(cluster: str) -> None:
    pytest.importorskip("kubernetes_validate", reason="the extra `crds` is not installed")
    environment = cluster.rpartition("/")[2]
    result = api.compile(envs=[environment], crds=CRDS)
    assert [f"{item.code} {item.message}" for item in result.diagnostics if item.code.startswith("VER")] == []
    (note,) = [note for note in result.notes if "checked against Kubernetes" in note]
    assert int(note.removeprefix(f"{environment}: ").partition(" ")[0]) > 0


def test_objects_are_checked_among_themselves_without_any_schema(cluster: str) -> None:
    result = api.compile(envs=[cluster.rpartition("/")[2]])
    assert [f"{item.code} {item.message}" for item in result.diagnostics if item.code.startswith("VER")] == []


@needs_kubectl
def test_kubectl_reads_every_object_as_it_was_meant(cluster: str) -> None:
    folder = compiled(cluster)
    whole = (
        [folder] if (folder / "kustomization.yaml").exists() else [path.parent for path in folder.glob("*/kust*.yaml")]
    )
    read = {}
    for place in whole:
        command = ["kubectl", "kustomize", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
        read |= {_identity(item): item for item in yaml.safe_load_all(done.stdout)}
    assert read == {key: item for key, item in objects(folder).items() if item["kind"] not in BESIDE}
