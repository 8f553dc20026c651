"""What KServe's own samples ask for, in this language: each field of theirs is in what is written, as they have it.

`kserve/samples.yaml` has them in today's form: `predictor.sklearn` is `predictor.model` with a format. Names are the
project's, and canaries are variants (docs/adr/0036-kserve.md).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.targets.kubeflow.served import FULL, KNATIVE, KSERVE, LOCKED, TWO, codes, objects

SAMPLES = yaml.safe_load((Path(__file__).parent / "kserve" / "samples.yaml").read_text("utf-8"))
PLATFORMS = {"InferenceService": KSERVE, "LLMInferenceService": FULL, "InferenceGraph": KSERVE}
MODELS = {name: {"model": f"gs://b/{name}", "format": "pytorch"} for name in ("cats", "breeds")}
"""What graphs lead to."""


def lacking(wanted: Any, there: Any, place: str = "") -> list[str]:
    """What of `wanted` is not in `there`; more may be there."""
    if isinstance(wanted, dict):
        if not isinstance(there, dict):
            return [place]
        return [each for key, value in wanted.items() for each in lacking(value, there.get(key), f"{place}/{key}")]
    if isinstance(wanted, list):
        if not isinstance(there, list) or len(there) < len(wanted):
            return [f"{place}: {there}"]
        pairs = list(zip(wanted, there, strict=False))
        if all(isinstance(item, dict) and "name" in item for item in [*wanted, *there]):
            known = {item["name"]: item for item in there}
            pairs = [(item, known.get(item["name"])) for item in wanted]
        return [each for number, (one, other) in enumerate(pairs) for each in lacking(one, other, f"{place}/{number}")]
    return [] if wanted == there else [f"{place}: {there!r}, not {wanted!r}"]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, found in SAMPLES.items() for name in found])
def test_a_sample_is_expressed(kind: str, name: str) -> None:
    sample = SAMPLES[kind][name]
    serving = {"m": sample["serving"], **(MODELS if kind == "InferenceGraph" else {})}
    platform = KNATIVE if sample.get("platform") == "knative" else PLATFORMS[kind]
    found = objects(f"serving: {json.dumps(serving)}\n", platform)
    graph = kind == "InferenceGraph"
    spec = found[f"{kind}/demo-m{'-router' if graph else ''}"]["spec"]
    assert lacking(sample["wanted"], spec["nodes"] if graph else spec) == []


def test_what_lacks_is_found() -> None:
    there = {"a": [{"name": "x", "v": 1}], "b": [1, 2], "c": "d"}
    assert lacking({"a": [{"name": "x", "v": 2}]}, there) == ["/a/0/v: 1, not 2"]
    assert lacking({"a": [{"name": "y"}], "b": [1, 3], "c": {"d": 1}}, there) == ["/a/0", "/b/1: 2, not 3", "/c"]


def test_a_canary_is_a_variant_of_which_both_are_pinned() -> None:
    found = objects(LOCKED % TWO, KSERVE, "champion", "challenger")
    steps = found["InferenceGraph/demo-online-router"]["spec"]["nodes"]["root"]["steps"]
    assert [step["weight"] for step in steps] == [90, 10]
    assert not [body for body in found.values() if "canaryTrafficPercent" in str(body) or "'canary'" in str(body)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('m: {model: "abfss://m@a.dfs.core.windows.net/x", format: sklearn}', "KSERVE001 model"),
        ('m: {model: "gs://b/m", format: tensorflow, protocols: [open-inference-v2]}', "KSERVE003 0"),
        ('m: {model: "gs://b/m", format: spark}', "KSERVE003 format"),
    ],
)
def test_what_kserve_itself_would_refuse_or_never_start_is_said_before(text: str, code: str) -> None:
    assert code in codes(f"serving:\n  {text}\n")
