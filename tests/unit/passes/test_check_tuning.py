from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.passes.algorithms import ALGORITHMS, EARLY_STOPPING
from mlwright.passes.check_algorithm import check_algorithm
from mlwright.passes.check_search import check_search
from mlwright.passes.check_space import check_space
from tests.unit.passes.factory import (
    codes,
    container,
    environment,
    only,
    param,
    place,
    project,
    ref,
    registration,
    search,
    task,
    training,
)

LR = ir.Dimension(param="lr", type="float", min=0.1, max=0.9)
DEPTH = ir.Dimension(param="depth", type="int", min=1, max=9)
KIND = ir.Dimension(param="kind", type="string", values=("a", "b"))
CLUSTER = environment("prod.yaml")


def tuned(*space: ir.Dimension, platform: str = "prod.yaml", **fields: Any) -> ir.Project:
    return project(search(*space, **fields), environment=environment(platform))


def with_settings(algorithm: str, *space: ir.Dimension, **settings: Any) -> ir.Project:
    return tuned(*space, algorithm=algorithm, settings=tuple(settings.items()))


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("random", {"random_state": 7}),
        ("random", {"random_state": "7"}),
        ("tpe", {"gamma": 0.25, "prior_weight": 1.0, "n_EI_candidates": 24, "random_state": 0, "n_startup_trials": 10}),
        ("multivariate-tpe", {"n_startup_trials": 5, "n_ei_candidates": 24}),
        ("bayesianoptimization", {"base_estimator": "GP", "acq_func": "EI", "acq_optimizer": "lbfgs"}),
        ("bayesianoptimization", {"base_estimator": "RF", "acq_optimizer": "sampling"}),
        ("sobol", {}),
        ("hyperband", {"r_l": 2.5, "resource_name": "epochs", "eta": 3}),
    ],
)
def test_settings_that_the_algorithm_takes_are_fine(algorithm: str, settings: dict[str, Any]) -> None:
    assert codes(check_algorithm, with_settings(algorithm, **settings)) == []


@pytest.mark.parametrize(
    ("algorithm", "settings", "code"),
    [
        ("sobol", {"random_state": 1}, "TUNE012"),
        ("random", {"seed": 1}, "TUNE012"),
        ("random", {"random_state": "seven"}, "TUNE013"),
        ("random", {"random_state": -1}, "TUNE013"),
        ("random", {"random_state": 1.5}, "TUNE013"),
        ("random", {"random_state": True}, "TUNE013"),
        ("random", {"random_state": None}, "TUNE013"),
        ("random", {"random_state": [1]}, "TUNE013"),
        ("tpe", {"gamma": 0}, "TUNE013"),
        ("tpe", {"gamma": 1}, "TUNE013"),
        ("tpe", {"gamma": float("nan")}, "TUNE013"),
        ("tpe", {"gamma": 10**400}, "TUNE013"),
        ("bayesianoptimization", {"base_estimator": "XGB"}, "TUNE013"),
        ("bayesianoptimization", {"base_estimator": "RF", "acq_optimizer": "lbfgs"}, "TUNE016"),
        ("hyperband", {"r_l": 2}, "TUNE014"),
        ("hyperband", {"resource_name": "lr"}, "TUNE014"),
        ("hyperband", {"r_l": 1, "resource_name": "lr"}, "TUNE013"),
        ("hyperband", {"r_l": 1e300, "resource_name": "lr"}, "TUNE013"),
        ("hyperband", {"r_l": 9, "resource_name": "lr", "eta": 1}, "TUNE013"),
        ("pbt", {"n_population": 40}, "TUNE014"),
    ],
)
def test_settings_that_cannot_work_are_found(algorithm: str, settings: dict[str, Any], code: str) -> None:
    space = (ir.Dimension(param="lr", type="float", min=0.1, max=0.9, step=0.1),)
    assert codes(check_algorithm, with_settings(algorithm, *space, **settings)) == [code]


def test_a_misspelt_setting_is_corrected() -> None:
    finding = only(check_algorithm, with_settings("tpe", n_startup_trial=3))
    assert finding.at.path == ("tuning", "algorithm", "settings", "n_startup_trial")
    assert finding.help == "did you mean `n_startup_trials`?"


@pytest.mark.parametrize("name", ["enas", "darts"])
@pytest.mark.parametrize("platform", ["local", "prod.yaml"])
def test_architecture_search_is_refused_everywhere(name: str, platform: str) -> None:
    assert codes(check_algorithm, tuned(algorithm=name, platform=platform)) == ["TUNE010"]


@pytest.mark.parametrize("platform", ["local", "compose"])
def test_katibs_own_algorithm_is_refused_on_this_machine(platform: str) -> None:
    finding = next(iter(check_algorithm(tuned(algorithm="pbt", platform=platform))))
    assert finding.code == "TUNE011"
    assert finding.related[0].path == ("environments", "dev", "platform")


@pytest.mark.parametrize(
    ("algorithm", "space", "found"),
    [
        ("grid", (LR,), ["TUNE015"]),
        ("grid", (ir.Dimension(param="lr", type="float", min=0.1, max=0.9, step=0.1), DEPTH, KIND), []),
        ("cmaes", (LR, DEPTH), []),
        ("cmaes", (LR,), ["TUNE015"]),
        ("cmaes", (LR, DEPTH, KIND), ["TUNE015"]),
        ("sobol", (LR,), []),
        ("sobol", (LR, KIND), ["TUNE015"]),
        ("tpe", (LR, DEPTH, KIND), []),
        ("random", (KIND,), []),
    ],
)
def test_the_space_fits_the_algorithm(algorithm: str, space: tuple[ir.Dimension, ...], found: list[str]) -> None:
    assert codes(check_algorithm, tuned(*space, algorithm=algorithm)) == found


def test_early_stopping_has_two_settings() -> None:
    assert codes(check_algorithm, tuned(early_stopping="medianstop")) == []
    bad = (("min_trials_required", 0), ("start_steps", 4))
    assert codes(check_algorithm, tuned(early_stopping="medianstop", early_stopping_settings=bad)) == [
        "TUNE013",
        "TUNE012",
    ]


def test_unknown_names_are_the_schemas_business() -> None:
    assert codes(check_algorithm, tuned(algorithm="nope", early_stopping="nope")) == []


def test_every_setting_is_named_once() -> None:
    for settings in (*(a.settings for a in ALGORITHMS.values()), *EARLY_STOPPING.values()):
        assert len({setting.name.lower() for setting in settings}) == len(settings)


# The space


def spaced(dimension: ir.Dimension, declared: ir.Param | None = None, **fields: Any) -> ir.Project:
    trial = training("train", ref(f"params.{dimension.param}"), **fields)
    return project(search(dimension, trial=trial), params=(declared or param(dimension.param, dimension.type),))


def ranged(**fields: Any) -> ir.Dimension:
    values: dict[str, Any] = {"param": "lr", "type": "float", "min": 0.1, "max": 0.9} | fields
    return ir.Dimension(**values)


def test_a_plain_range_is_fine() -> None:
    assert codes(check_space, spaced(ranged(step=0.1))) == []


@pytest.mark.parametrize(
    "made",
    [
        container("train", ("--lr=", ir.Ref("params.lr"))),
        container("train", args=(ref("params.lr"),)),
        container("train", env=(("LR", ref("params.lr")),)),
        ir.Container(script="train $MLWRIGHT_PARAM_LR"),
    ],
)
def test_a_searched_parameter_may_reach_the_program_in_any_text(made: ir.Container) -> None:
    assert codes(check_space, project(search(trial=training(container=made)))) == []


@pytest.mark.parametrize(
    "made",
    [
        container("train"),
        container("train", "lr"),
        container("train", ref("params.lr2")),
        ir.Container(),
        ir.Container(script="train $MLWRIGHT_PARAM_LR_2"),
    ],
)
def test_a_searched_parameter_that_reaches_no_program_is_an_error(made: ir.Container) -> None:
    finding = only(check_space, project(search(trial=training(container=made))))
    assert (finding.code, finding.at.path) == ("TUNE020", ("tuning", "space", "lr"))
    assert "${params.lr}" in finding.help


def test_a_parameter_is_searched_or_fixed() -> None:
    finding = only(check_space, spaced(ranged(), values=(("lr", 0.5),)))
    assert finding.code == "TUNE027"
    assert finding.related[0].path == ("tuning", "trial", "params", "lr")


def test_an_undeclared_parameter_is_lowerings_business() -> None:
    assert codes(check_space, project(search(), params=())) == []


@pytest.mark.parametrize(
    ("type", "values", "found"),
    [
        ("int", (4, 6, 8), []),
        ("int", (4, 6.5), ["TUNE021"]),
        ("int", (4, True), ["TUNE021"]),
        ("int", ("4",), ["TUNE021"]),
        ("float", (1, 0.5), []),
        ("float", (1, 1.0), ["TUNE024"]),
        ("float", (0.1, "x"), ["TUNE021"]),
        ("float", (10**400, 1.5), []),
        ("bool", (True, False), []),
        ("bool", ("true",), ["TUNE021"]),
        ("string", ("a", "b"), []),
        ("string", ("a", "a"), ["TUNE024"]),
        ("string", (1,), ["TUNE021"]),
        ("json", ({"a": 1}, [1]), []),
        ("json", ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ["TUNE024"]),
    ],
)
def test_listed_values_are_of_the_parameters_type_and_different(
    type: ir.ValueType, values: tuple[Any, ...], found: list[str]
) -> None:
    assert codes(check_space, spaced(ir.Dimension(param="p", type=type, values=values))) == found


@pytest.mark.parametrize(
    ("fields", "code", "key"),
    [
        ({"type": "int", "min": 1.5, "max": 3}, "TUNE021", "min"),
        ({"type": "int", "min": 1, "max": 9, "step": 0.5}, "TUNE021", "step"),
        ({"step": 2}, "TUNE023", "step"),
        ({"step": -0.1}, "TUNE023", "step"),
        ({"min": 0.0, "distribution": "log_uniform"}, "TUNE025", "min"),
        ({"min": -1.0, "distribution": "log_normal"}, "TUNE025", "min"),
        ({"distribution": "normal", "mean": 3.0, "sigma": 1.0}, "TUNE026", "mean"),
        ({"distribution": "log_normal", "mean": 0.5, "sigma": 1.0}, "TUNE026", "mean"),
        ({"distribution": "normal", "mean": 0.5}, "TUNE026", "sigma"),
        ({"distribution": "normal", "sigma": -1.0}, "TUNE026", "sigma"),
    ],
)
def test_ranges_that_cannot_be_are_found_at_their_key(fields: dict[str, Any], code: str, key: str) -> None:
    finding = only(check_space, spaced(ranged(**fields)))
    assert (finding.code, finding.at.path) == (code, ("tuning", "space", "lr", key))


@pytest.mark.parametrize(
    "fields",
    [
        {"distribution": "normal"},
        {"distribution": "normal", "mean": 0.5, "sigma": 0.1},
        {"distribution": "log_normal", "mean": -1.0, "sigma": 0.1},
        {"distribution": "log_uniform"},
        {"step": 0.8},
    ],
)
def test_ranges_that_can_be_are_fine(fields: dict[str, Any]) -> None:
    assert codes(check_space, spaced(ranged(**fields))) == []


def test_only_numbers_have_a_range() -> None:
    assert codes(check_space, spaced(ranged(type="string"))) == ["TUNE021"]


@pytest.mark.parametrize(
    ("declared", "dimension", "keys"),
    [
        (param(min=0.2), ranged(), ["min"]),
        (param(max=0.5), ranged(), ["max"]),
        (param(min=0.1, max=0.9), ranged(), []),
        (param(choices=(0.1, 0.2)), ir.Dimension(param="lr", type="float", values=(0.1, 0.3)), ["values"]),
        (param(min=0.2), ir.Dimension(param="lr", type="float", values=(0.1, 0.3)), ["values"]),
    ],
)
def test_the_space_stays_inside_the_parameters_own_bounds(
    declared: ir.Param, dimension: ir.Dimension, keys: list[str]
) -> None:
    findings = list(check_space(spaced(dimension, declared)))
    assert [finding.at.path[3] for finding in findings] == keys
    assert {finding.code for finding in findings} <= {"TUNE022"}
    assert all(finding.related[0].path[:2] == ("params", "lr") for finding in findings)


# Trials


@pytest.mark.parametrize(("key", "fields"), [("parallel", {"parallel": 11}), ("max_failed", {"max_failed": 11})])
def test_no_more_trials_at_once_or_failed_than_there_are(key: str, fields: dict[str, Any]) -> None:
    finding = only(check_search, tuned(**fields))
    assert (finding.code, finding.at.path) == ("TUNE030", ("tuning", "trials", key))
    assert codes(check_search, tuned(parallel=10, max_failed=10)) == []


def test_a_grid_that_ends_early_is_a_warning() -> None:
    grid = (ir.Dimension(param="lr", type="float", min=0.1, max=0.3, step=0.1), KIND)
    finding = only(check_search, tuned(*grid, algorithm="grid"))
    assert (finding.code, finding.severity, finding.help[:14]) == ("TUNE031", "warning", "write `max: 6`")
    assert codes(check_search, tuned(*grid, algorithm="grid", max_trials=6)) == []
    assert codes(check_search, tuned(*grid, algorithm="random")) == []
    assert codes(check_search, tuned(LR, algorithm="grid")) == []


def stopping(metric: ir.Metric, source: ir.MetricsFrom = ir.MetricsFrom()) -> ir.Project:  # noqa: B008
    return tuned(trial=training(metrics=(metric,), metrics_from=source), early_stopping="medianstop")


def test_early_stopping_needs_values_while_a_trial_runs() -> None:
    silent = ir.Metric(name="auc", goal="maximize")
    finding = only(check_search, stopping(silent))
    assert (finding.code, finding.severity, finding.at.path) == ("TUNE032", "warning", ("tuning", "early_stopping"))
    assert codes(check_search, stopping(silent, ir.MetricsFrom(type="file", path="/m", format="text"))) == ["TUNE032"]
    assert codes(check_search, stopping(silent, ir.MetricsFrom(type="file", path="/m", format="json"))) == []
    assert codes(check_search, stopping(ir.Metric(name="auc", pattern=r"auc=(\S+)"))) == []


def test_without_a_final_training_trials_have_what_is_used() -> None:
    model = (ir.Output(name="model", type="mlflow-model"),)
    reader = task("steps.b", "cat", ref("training.outputs.log"), inputs=("training.outputs.log",))
    assert codes(check_search, project(search(retrain=False, trial=training(outputs=model)), registration())) == []
    findings = list(check_search(project(search(retrain=False), registration(), reader)))
    assert [finding.code for finding in findings] == ["TUNE033", "TUNE033"]
    assert ["`log`" in findings[0].message, "`model`" in findings[1].message] == [True, True]
    assert codes(check_search, project(search(), registration(), reader)) == []


def test_places_are_those_of_the_model_they_belong_to() -> None:
    inner = search(parallel=11, origin=ir.Origin(path=("models", "ranker", "tuning")))
    assert place(check_search, project(inner)) == ("models", "ranker", "tuning", "trials", "parallel")
