from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.diag import Diagnostic
from mlwright.passes.check_algorithm import check_algorithm
from mlwright.passes.check_hyperband import check_hyperband
from tests.unit.passes.factory import environment, project, search

LR = ir.Dimension(param="lr", type="float", min=0.1, max=0.9)
EPOCHS = ir.Dimension(param="epochs", type="int", min=1, max=9)


def by_hyperband(*space: ir.Dimension, platform: str = "local", **fields: Any) -> ir.Project:
    """Nine epochs at most, eta 3: 23 trials."""
    settings = {"r_l": 9, "resource_name": "epochs", **fields.pop("settings", {})}
    values = {"algorithm": "hyperband", "settings": tuple(settings.items()), "max_trials": 23, **fields}
    return project(search(*(space or (LR, EPOCHS)), **values), environment=environment(platform))


def found(program: ir.Project) -> list[str]:
    return [item.code for item in check_hyperband(program)]


def only(program: ir.Project) -> Diagnostic:
    (finding,) = check_hyperband(program)
    return finding


@pytest.mark.parametrize("platform", ["local", "compose"])
@pytest.mark.parametrize("parallel", [1, 9, 23])
def test_it_runs_on_this_machine_with_any_number_of_trials_at_once(platform: str, parallel: int) -> None:
    program = by_hyperband(platform=platform, parallel=parallel)
    assert found(program) == []
    assert list(check_algorithm(program)) == []


def test_katib_starts_the_first_bracket_at_once() -> None:
    program = by_hyperband(platform="prod.yaml", parallel=8)
    assert only(program).code == "TUNE016"
    assert only(program).help == "write `parallel: 9`, or make `r_l` smaller"
    assert found(by_hyperband(platform="prod.yaml", parallel=9)) == []


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ((LR,), "hyperband's resource `epochs` is not in the space"),
        ((LR, ir.Dimension(param="epoch", type="int", min=1, max=9)), "`epochs` is not in the space"),
        ((LR, ir.Dimension(param="epochs", type="float", min=1, max=9)), "`epochs` is of type float"),
        ((LR, ir.Dimension(param="epochs", type="string", values=("1", "3", "9"))), "`epochs` is of type string"),
        ((EPOCHS,), "there is nothing else to search"),
    ],
)
def test_the_resource_is_an_int_beside_other_parameters(space: tuple[ir.Dimension, ...], message: str) -> None:
    finding = only(by_hyperband(*space))
    assert finding.code == "TUNE015"
    assert message in finding.message


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ({"min": 1, "max": 9}, True),
        ({"min": 1, "max": 100}, True),
        ({"min": 1, "max": 9, "step": 2}, True),
        ({"values": (1, 3, 9)}, True),
        ({"min": 1, "max": 8}, False),
        ({"min": 2, "max": 9}, False),
        ({"min": 1, "max": 9, "step": 4}, False),
        ({"values": (1, 5, 9)}, False),
        ({"min": 20, "max": 20}, False),
    ],
)
def test_the_space_has_every_amount_that_trials_get(fields: dict[str, Any], fits: bool) -> None:
    program = by_hyperband(LR, ir.Dimension(param="epochs", type="int", **fields))
    assert found(program) == ([] if fits else ["TUNE022"])
    if not fits:
        assert only(program).help == ("write `values: [1, 3, 9]`" if "values" in fields else "write `min: 1`, `max: 9`")


def test_a_rounding_error_of_katibs_would_start_with_nothing() -> None:
    wide = ir.Dimension(param="epochs", type="int", min=0, max=100)
    program = by_hyperband(LR, wide, settings={"r_l": 49, "eta": 7}, max_trials=63)
    assert [item.help for item in check_hyperband(program) if item.code == "TUNE016"] == ["write `r_l: 50`"]
    program = by_hyperband(LR, wide, settings={"r_l": 50, "eta": 7}, max_trials=63)
    assert "TUNE016" not in found(program)


@pytest.mark.parametrize(
    ("most", "text"),
    [
        (22, "does not come to its end: `max` is 22"),
        (1, "does not come to its end: `max` is 1"),
        (24, "ends after 23: `max` is 24"),
    ],
)
def test_another_number_of_trials_is_a_warning(most: int, text: str) -> None:
    finding = only(by_hyperband(max_trials=most))
    assert (finding.code, finding.severity) == ("TUNE034", "warning")
    assert text in finding.message
    assert finding.help is not None and "`max: 23`" in finding.help


def test_early_stopping_takes_away_what_is_ranked() -> None:
    assert found(by_hyperband(early_stopping="medianstop")) == ["TUNE016"]


@pytest.mark.parametrize(
    "settings", [{"r_l": "nine"}, {"r_l": 1}, {"r_l": -3}, {"r_l": 1e300}, {"r_l": None}, {"eta": 1}, {"eta": "x"}]
)
def test_settings_that_are_wrong_by_themselves_are_found_elsewhere(settings: dict[str, Any]) -> None:
    assert found(by_hyperband(settings=settings)) == []


def test_numbers_may_be_text() -> None:
    assert found(by_hyperband(settings={"r_l": "9", "eta": "3"})) == []
    assert found(by_hyperband(settings={"r_l": 9.0, "eta": 3.0})) == []


def test_other_algorithms_are_none_of_its_business() -> None:
    assert found(by_hyperband(LR, algorithm="tpe", settings={}, early_stopping="medianstop")) == []
