"""Where leftovers are looked for, and which are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlwright.platform.versions import KNOWN, SERVED
from mlwright.remote.cluster import Refused
from mlwright.remote.observe import Left
from mlwright.review.drift import left
from mlwright.review.drift.judge import Wanted
from mlwright.target import Document

GOLDEN = Path(__file__).parents[3] / "golden"


def wanted(kind: str, name: str, api: str = "v1") -> Wanted:
    data = {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "n"}}
    return Wanted(target="kubernetes", document=Document(path="x.yaml", data=data), data=data, keys={})


def found(*objects: tuple[str, str, str]) -> Left:
    return Left(
        objects=tuple((api, kind, {"metadata": {"name": name, "namespace": "n"}}) for api, kind, name in objects),
        unlisted=(),
    )


def test_every_kind_that_examples_emit_is_one_that_is_looked_for() -> None:
    """What is emitted no more is found by the table of what a platform serves, not by the output."""
    table = {kind for row in SERVED for kind in row.kinds} - left._PASSING
    emitted = set()
    for path in GOLDEN.glob("*/*/*/*.yaml"):
        if path.parts[-2] in ("kubernetes", "argo", "kubeflow"):
            emitted.add(yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)).get("kind"))
    assert emitted - table == {
        "Kustomization",
        "Password",
    }  # a generator: it is only looked for where the output has it
    assert KNOWN


def test_a_data_volume_is_not_deleted_without_a_word() -> None:
    (one,), _ = left.extra(found(("v1", "PersistentVolumeClaim", "data")), [])
    assert one.help.endswith("kubectl delete persistentvolumeclaim data -n n; its data goes with it")


def test_a_custom_kind_is_called_unmistakably() -> None:
    (one,), _ = left.extra(found(("argoproj.io/v1alpha1", "CronWorkflow", "nightly")), [])
    assert "kubectl delete cronworkflow.argoproj.io nightly -n n" in one.help


@pytest.mark.parametrize(
    ("name", "told"),
    [("steps-0123456789", False), ("steps-0123456789ab", True), ("other-0123456789", True), ("steps", True)],
)
def test_only_what_is_called_like_something_of_the_output_is_of_an_earlier_version(name: str, told: bool) -> None:
    extra, notes = left.extra(found(("v1", "ConfigMap", name)), [wanted("ConfigMap", "steps-abcdef0123")])
    assert bool(extra) is told
    assert bool(notes) is not told


def test_kinds_without_an_answer_are_named_with_the_reason() -> None:
    for refused, why in (
        (Refused(code=403), "forbidden"),
        (Refused(code=503), "answers 503"),
        (Refused(code=0), "no answer"),
    ):
        _, (note,) = left.extra(Left(objects=(), unlisted=(("Job", refused), ("CronJob", refused))), [])
        assert "CronJob, Job" in note
        assert why in note
