"""Experiments of the examples against Katib's rules and typed models, as they are in the golden output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contract.katib import generator, typed
from tests.contract.katib.rules import problems

GOLDEN = Path(__file__).parents[1] / "golden"


def experiments() -> Iterator[Any]:
    for path in sorted(GOLDEN.glob("*/*/*/configmap-*-operator.yaml")):
        text = path.read_text(encoding="utf-8")
        if "kind: Experiment" not in text and '"Experiment"' not in text:
            continue
        for entry in json.loads(yaml.safe_load(text)["data"]["step.json"])["objects"]:
            if entry["manifest"]["kind"] == "Experiment":
                yield pytest.param(entry["manifest"], id="-".join(path.relative_to(GOLDEN).parts[:2]))


@pytest.mark.parametrize("experiment", [*experiments()])
def test_an_experiment_of_an_example_is_what_katib_takes(experiment: Any) -> None:
    assert list(problems(experiment)) == []
    assert typed.lost(experiment) == []
    spaces = {one["name"]: one["feasibleSpace"] for one in experiment["spec"]["parameters"]}
    values = {name: space["list"][0] if "list" in space else space["min"] for name, space in spaces.items()}
    assert "${" not in json.dumps(generator.run_spec(experiment, "t-1", values))


def test_every_algorithm_is_in_an_example() -> None:
    chosen = {case.values[0]["spec"]["algorithm"]["algorithmName"] for case in experiments()}
    known = {"random", "grid", "tpe", "multivariate-tpe", "bayesianoptimization", "cmaes", "sobol", "hyperband", "pbt"}
    assert chosen == known
