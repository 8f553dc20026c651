"""Katib's algorithm names give valid, repeatable draws; what cannot run is refused with the way out."""

from __future__ import annotations

import importlib.util
from itertools import product
from typing import Any

import pytest
import samplers
from samplers import ALGORITHMS, Asked, Proposer, Told, Unsuitable, seed_of
from searchspace import dimension

SPACE: dict[str, dict[str, Any]] = {
    "lr": {"type": "float", "min": 0.0001, "max": 0.3, "distribution": "log_uniform"},
    "depth": {"type": "int", "values": [4, 6, 8]},
    "rate": {"type": "float", "min": 0.0, "max": 1.0, "step": 0.25},
    "units": {"type": "int", "min": 8, "max": 64, "distribution": "normal"},
    "scale": {"type": "float", "min": 0.01, "max": 10, "distribution": "log_normal"},
    "mode": {"type": "string", "values": ["plain", 'quoted"', "a b"]},
    "flag": {"type": "bool", "values": [True, False]},
}
HERE = [name for name, algorithm in ALGORITHMS.items() if all(map(importlib.util.find_spec, algorithm.packages))]


def proposer(name: str, seed: int = 7, history: list[Asked | Told] | None = None, **settings: Any) -> Proposer:
    space = [dimension(key, declared) for key, declared in SPACE.items()]
    if name == "grid":
        space = [declared for declared in space if 0 < declared.count() < 10]
    return Proposer(name, settings, space, maximize=True, seed=seed, history=history or [])


def drive(search: Proposer, trials: int) -> list[dict[str, str]]:
    """Asks two ahead and tells a value that grows with lr, as two workers would."""
    asked: list[dict[str, float]] = []
    for number in range(trials):
        asked.append(search.ask())
        if number:
            search.tell(number - 1, float(number % 5))
    return [search.values(raw) for raw in asked]


@pytest.mark.parametrize("name", HERE)
def test_every_algorithm_stays_inside_the_space(name: str) -> None:
    for params in drive(proposer(name), 25):
        if name != "grid":
            assert 0.0001 <= float(params["lr"]) <= 0.3
            assert 8 <= int(params["units"]) <= 64
            assert 0.01 <= float(params["scale"]) <= 10
        assert params["depth"] in ("4", "6", "8")
        assert params["rate"] in ("0.0", "0.25", "0.5", "0.75", "1.0")
        assert params["mode"] in ("plain", 'quoted"', "a b")
        assert params["flag"] in ("true", "false")


@pytest.mark.parametrize("name", HERE)
def test_the_same_seed_gives_the_same_draws(name: str) -> None:
    assert drive(proposer(name), 25) == drive(proposer(name), 25)


@pytest.mark.parametrize("name", [name for name in HERE if name != "sobol"])  # a sequence without chance
def test_another_seed_gives_other_draws(name: str) -> None:
    assert drive(proposer(name), 10) != drive(proposer(name, seed=8), 10)


def test_random_draws_do_not_depend_on_results() -> None:
    search, eager = proposer("random"), proposer("random")
    drawn = [search.values(search.ask()) for _ in range(25)]
    assert drawn == drive(eager, 25)


def test_random_with_a_seed_gives_these_parameters() -> None:
    lr = dimension("lr", {"type": "float", "min": 0, "max": 1})
    depth = dimension("depth", {"type": "int", "values": [4, 6, 8]})
    search = Proposer("random", {}, [lr, depth], maximize=True, seed=7)
    drawn = [search.values(search.ask()) for _ in range(4)]
    assert [(round(float(params["lr"]), 4), params["depth"]) for params in drawn] == [
        (0.0763, "8"),
        (0.4384, "8"),
        (0.978, "6"),
        (0.5011, "4"),
    ]


def test_a_grid_covers_the_product_and_nothing_twice() -> None:
    search = proposer("grid")
    assert search.limit == 3 * 5 * 3 * 2
    drawn = [search.values(search.ask()) for _ in range(search.limit)]
    expected = product(
        ("4", "6", "8"), ("0.0", "0.25", "0.5", "0.75", "1.0"), ("plain", 'quoted"', "a b"), ("true", "false")
    )
    assert sorted(tuple(params.values()) for params in drawn) == sorted(expected)


def test_a_grid_takes_the_end_calmly() -> None:
    search = Proposer("grid", {}, [dimension("x", {"type": "int", "values": [1, 2]})], maximize=True, seed=0)
    for number in range(2):
        search.ask()
        search.tell(number, 1.0)


def test_a_grid_takes_the_points_that_katib_takes_when_it_is_cut_short() -> None:
    # What Katib 0.19 draws: Optuna's GridSampler over the same lists, names sorted, seed = random_state.
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    lists: dict[str, Any] = {"depth": [4, 6, 8], "flag": ["a", "b"], "units": list(range(8, 33, 8))}
    study = optuna.create_study(sampler=optuna.samplers.GridSampler(lists, seed=11))
    spaces = {name: optuna.distributions.CategoricalDistribution(values) for name, values in lists.items()}
    katib = [{name: str(value) for name, value in study.ask(spaces).params.items()} for _ in range(6)]
    space = [
        dimension("flag", {"type": "string", "values": ["a", "b"]}),
        dimension("units", {"type": "int", "min": 8, "max": 32, "step": 8}),
        dimension("depth", {"type": "int", "values": [4, 6, 8]}),
    ]
    search = Proposer("grid", {}, space, maximize=True, seed=11)
    assert [search.values(search.ask()) for _ in range(6)] == katib


@pytest.mark.parametrize("name", HERE)
def test_a_restarted_search_goes_on_where_it_was(name: str) -> None:
    unbroken, history = proposer(name), []
    for number in range(24):
        history.append(Asked(unbroken.ask()))
        if number:
            unbroken.tell(number - 1, float(number % 5))
            history.append(Told(number - 1, float(number % 5)))
    restarted = proposer(name, history=history)
    if ALGORITHMS[name].repeats:
        assert restarted.ask() == unbroken.ask()
    else:
        assert restarted.ask() not in [event.raw for event in history if isinstance(event, Asked)]


def test_a_history_of_another_seed_is_adopted_without_drawing_it_again() -> None:
    other = proposer("random", seed=1)
    history: list[Asked | Told] = [Asked(other.ask()) for _ in range(3)]
    history.append(Told(1, 0.5))
    search = proposer("random", seed=2, history=history)
    again = search.ask()
    assert again not in [event.raw for event in history if isinstance(event, Asked)]
    search.tell(0, None)
    search.tell(3, 1.0)


def test_algorithms_that_learn_end_up_better_than_chance() -> None:
    def late(name: str) -> float:
        space = [dimension(key, {"type": "float", "min": -5, "max": 5}) for key in ("x", "y")]
        search = Proposer(name, {}, space, maximize=False, seed=3)
        results = []
        for number in range(60):
            raw = search.ask()
            results.append((raw["x"] - 1) ** 2 + (raw["y"] + 2) ** 2)
            search.tell(number, results[-1])
        return sum(results[-20:])

    assert late("tpe") < late("random")
    assert late("multivariate-tpe") < late("random")
    assert late("cmaes") < late("random")


def test_sobol_is_the_sequence_from_its_first_point() -> None:
    space = [dimension(key, {"type": "float", "min": 0, "max": 1}) for key in ("x", "y")]
    search = Proposer("sobol", {}, space, maximize=True, seed=1)
    assert [tuple(search.ask().values()) for _ in range(4)] == [(0.0, 0.0), (0.5, 0.5), (0.75, 0.25), (0.25, 0.75)]


def test_settings_have_katibs_names_and_may_be_text() -> None:
    tpe = {"random_state": "4", "gamma": "0.3", "prior_weight": "2.0", "n_EI_candidates": "12", "n_startup_trials": 3}
    assert proposer("tpe", **tpe).ask()
    assert proposer("multivariate-tpe", n_startup_trials="5", n_ei_candidates=9, random_state=1).ask()
    assert proposer("cmaes", sigma="0.4", restart_strategy="ipop", random_state=1).ignored == ("restart_strategy",)
    assert proposer("cmaes", restart_strategy="None").ignored == ()
    assert proposer("multivariate-tpe", n_startup_trials=5.0).ask()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("pbt", {}, "pbt runs on Katib only"),
        ("enas", {}, "enas runs on Katib only"),
        ("darts", {}, "darts runs on Katib only"),
        ("annealing", {}, "unknown algorithm 'annealing'"),
        ("random", {"n_startup_trials": 3}, "unknown setting n_startup_trials of random"),
        ("sobol", {"random_state": 3}, "unknown setting random_state of sobol"),
        ("tpe", {"gamma": "zero"}, "gamma of tpe must be a number above 0"),
        ("tpe", {"gamma": 0}, "gamma of tpe must be a number above 0"),
        ("tpe", {"n_EI_candidates": 0}, "n_EI_candidates of tpe"),
        ("multivariate-tpe", {"n_startup_trials": -1}, "n_startup_trials"),
        ("cmaes", {"sigma": -1}, "sigma of cmaes"),
    ],
)
def test_what_cannot_run_is_refused(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(Unsuitable, match=message):
        proposer(name, **settings)


@pytest.mark.parametrize("seed", [-1, "x", 1.5, 2**32])
def test_a_wrong_seed_is_refused(seed: object) -> None:
    with pytest.raises(Unsuitable, match="random_state"):
        seed_of("random", {"random_state": seed})


def test_without_random_state_every_search_has_its_own_seed() -> None:
    assert seed_of("random", {"random_state": "12"}) == 12
    assert seed_of("random", {}) != seed_of("random", {})


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    missing = {"cmaes", "torch"}
    monkeypatch.setattr(samplers.importlib.util, "find_spec", lambda name: None if name in missing else found(name))
    with pytest.raises(Unsuitable, match="pip install cmaes"):
        proposer("cmaes")
    with pytest.raises(Unsuitable, match="pip install torch"):
        proposer("bayesianoptimization")


def test_bayesian_optimization_starts_with_random_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    # Optuna's GPSampler needs torch only after its first trials.
    monkeypatch.setattr(samplers.importlib.util, "find_spec", lambda name: name)
    search = proposer("bayesianoptimization", base_estimator="GP", acq_func="EI", n_initial_points="5")
    assert search.ignored == ("base_estimator", "acq_func")
    drawn = drive(search, 5)
    assert all(0.0001 <= float(params["lr"]) <= 0.3 for params in drawn)


def test_cmaes_needs_two_numeric_parameters() -> None:
    with pytest.raises(Unsuitable, match="at least two numeric"):
        Proposer("cmaes", {}, [dimension("x", {"type": "float", "min": 0, "max": 1})], maximize=True, seed=1)


def test_an_empty_space_and_an_endless_grid_are_refused() -> None:
    with pytest.raises(Unsuitable, match="empty"):
        Proposer("random", {}, [], maximize=True, seed=1)
    wide = [dimension(name, {"type": "int", "min": 1, "max": 2000}) for name in ("x", "y")]
    with pytest.raises(Unsuitable, match="4000000 points"):
        Proposer("grid", {}, wide, maximize=True, seed=1)
