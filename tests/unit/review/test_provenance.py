from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlwright import build, registry
from mlwright.analysis import analyse
from mlwright.emit import map as maps
from mlwright.review.layers import parse
from mlwright.review.provenance import Place, Provenance
from mlwright.source.files import Disk
from mlwright.span import dotted
from mlwright.target import Document

ROOT = Path(__file__).parents[3]
PAIRS = [
    (example, environment)
    for example, environments in {
        "breast-cancer": ("compose", "team", "kubernetes", "argo", "kubeflow"),
        "forecasting": ("staging", "prod"),
        "kitchen-sink": ("compose", "azure", "google", "prod"),
        "llm-finetune": ("hub", "mpi"),
        "minimal": ("local",),
        "tabular-automl": ("kubeflow", "kubeflow-pbt"),
        "tracking-server": ("prod",),
        "vision-distributed": ("lab", "prod"),
    }.items()
    for environment in environments
]


@cache
def provenance(example: str, environment: str) -> Provenance:
    """Of one environment of an example; from the root of the repository."""
    files, targets = Disk(str(ROOT)), registry.installed()
    (analysis,) = analyse(files, f"examples/{example}/mlproject.yaml", targets, envs=[environment]).environments
    return Provenance(build.build(analysis, targets, folder=build.folder(analysis, None), files=files), files)


def first(found: Provenance, file: str, pointer: str) -> Place:
    return next(place for place in found.places(file) if place.pointer == pointer)


@pytest.mark.parametrize(("example", "environment"), PAIRS)
def test_every_line_of_every_example_has_a_place(example: str, environment: str) -> None:
    found = provenance(example, environment)
    assert set(found.files) == set(found.built.files)
    for file in found.files:
        for number, line in enumerate(found.text(file).splitlines(), 1):
            place = found.at(file, number)
            assert place is not None or line.startswith("#"), (file, number, line)
            assert place is None or place.line <= number <= place.end


@pytest.mark.parametrize(("example", "environment"), PAIRS)
def test_places_say_what_the_map_says(example: str, environment: str) -> None:
    """Each value of a document: the map's entry is the place's, and its line is where the key or the value stands."""
    found = provenance(example, environment)
    known = maps.build(found.built.emitted)["files"]
    assert isinstance(known, dict)
    for target, items in found.built.emitted:
        for item in items:
            if not isinstance(item, Document):
                continue
            file = f"{target}/{item.path}"
            lines = found.text(file).splitlines()
            for place in found.places(file):
                if place.path and isinstance(place.path[-1], str) and len(place.path[-1]) < 80:
                    assert _plain(place.path[-1]) in _plain(lines[place.line - 1]), (file, place)
                told = known.get(file, {}).get(place.pointer)  # type: ignore[union-attr]
                if told and not place.near:
                    assert told["spec"] == dotted(place.spec), (file, place)  # type: ignore[call-overload]


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isalnum() and char.isascii())


@pytest.mark.parametrize(("example", "environment"), PAIRS)
def test_what_came_from_a_place_leads_back_to_it(example: str, environment: str) -> None:
    found = provenance(example, environment)
    specs = {place.spec for file in found.files for place in found.places(file) if place.spec}
    for spec in sorted(specs, key=str):
        became = found.became(spec)
        assert became, spec
        for place in became:
            assert place.spec[: len(spec)] == spec
            back = found.at(place.file, place.line)
            assert back is not None and back.path[: len(place.path)] == place.path


def test_places_of_a_container_are_the_fields_that_say_so() -> None:
    found = provenance("kitchen-sink", "prod")
    file = "kubeflow/inferenceservice-churn-online.yaml"
    expected = {
        "spec/predictor/minReplicas": "serving.online.replicas.min",
        "spec/predictor/maxReplicas": "serving.online.replicas.max",
        "spec/predictor/containers/0/resources/requests/memory": "serving.online.resources.memory",
        "metadata/labels/cost-center": "metadata.labels.cost-center",
        "metadata/namespace": "environments.prod.namespace.name",
        "spec/predictor/timeout": "serving.online.request_timeout",
    }
    assert {pointer: dotted(first(found, file, pointer).spec) for pointer in expected} == expected
    place = first(found, file, "spec/predictor/minReplicas")
    assert (place.kind, place.name, place.namespace) == ("InferenceService", "churn-online", "churn-prod")
    assert (place.node, place.near, place.value) == ("serving.online", True, 3)


def test_a_value_inside_of_an_embedded_document_has_a_line_of_its_own() -> None:
    found = provenance("kitchen-sink", "prod")
    place = first(found, "argo/configmap-churn-training.yaml", "data/step.json!/distributed/nodes")
    assert found.text(place.file).splitlines()[place.line - 1].strip() == '"nodes": 8,'
    assert dotted(place.spec) == "training.distributed.nodes"
    closing = found.at(place.file, place.end + 4)
    assert closing is not None


def test_a_patch_is_named_and_leads_to_its_own_line() -> None:
    found = provenance("kitchen-sink", "prod")
    place = first(found, "kubeflow/inferenceservice-churn-online.yaml", "spec/predictor/terminationGracePeriodSeconds")
    assert (place.patch, place.near) == ("drain", False)
    assert dotted(place.spec) == "patches.drain.merge.spec.predictor.terminationGracePeriodSeconds"


def test_digests_and_versions_are_pinned_by_the_lock() -> None:
    found = provenance("kitchen-sink", "prod")
    image = first(found, "kubeflow/inferenceservice-churn-online.yaml", "spec/predictor/containers/0/image")
    assert found.pins(image) == ("images.ghcr.io/acme/churn:1.4.2",)
    assert found.pins(first(found, image.file, "spec/predictor/minReplicas")) == ()


def test_a_service_of_compose_is_an_object() -> None:
    found = provenance("minimal", "local")
    services = {
        (place.kind, place.name)
        for place in found.places("compose/compose.yaml")
        if place.path[:1] == ("services",) and len(place.path) == 2
    }
    assert {kind for kind, _ in services} == {"service"} and "mlflow" in {name for _, name in services}


def test_the_column_chooses_between_an_entry_and_its_first_field() -> None:
    found = provenance("kitchen-sink", "prod")
    file = "kubeflow/inferenceservice-churn-online.yaml"
    entry = first(found, file, "spec/predictor/containers/0")
    text = found.text(file).splitlines()[entry.line - 1]
    dash = text.index("-") + 1
    at_dash, after, without = (found.at(file, entry.line, col) for col in (dash, dash + 2, None))
    assert at_dash is not None and at_dash.pointer == "spec/predictor/containers/0"
    assert after == without and without is not None and without.pointer == "spec/predictor/containers/0/name"


def test_a_program_that_is_shipped_as_it_is_comes_from_no_field() -> None:
    found = provenance("minimal", "local")
    (program, *_) = [file for file in found.files if "/runtime/" in file]
    place = found.at(program, 1)
    assert place is not None and place.spec == () and place.origin is None


def test_nothing_became_of_what_is_not_there() -> None:
    assert provenance("minimal", "local").became(("steps", "nowhere")) == ()


def test_a_file_that_is_not_emitted_is_no_key() -> None:
    with pytest.raises(KeyError):
        provenance("minimal", "local").at("compose/nowhere.yaml", 1)


@settings(max_examples=200)
@given(st.data())
def test_no_line_and_no_path_ever_raises(data: st.DataObject) -> None:
    found = provenance(*data.draw(st.sampled_from([("kitchen-sink", "prod"), ("breast-cancer", "compose")])))
    file = data.draw(st.sampled_from(found.files))
    line, col = data.draw(st.integers(-5, 10**6)), data.draw(st.none() | st.integers(-5, 10**6))
    place = found.at(file, line, col)
    if place is not None:
        found.pins(place)
        found.layers(place.spec)
        found.span(place.spec)
    if (path := parse(data.draw(st.text(alphabet="abc.[]019training-", max_size=20)))) is not None:
        found.layers(path)
        found.span(path)
