"""Katib's algorithms by Optuna's samplers. Optuna is imported only when a proposer is made.

Every argument of a sampler is passed, because Optuna's defaults change between versions while the meaning of an
algorithm's name must not. Settings have Katib's names; what Optuna cannot honour is listed in `Proposer.ignored`.
"""

from __future__ import annotations

import importlib.util
import math
import random
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Mapping, Sequence

from medianstop import whole_number
from searchspace import Axis, Choice, Dimension, Raw, Real, Whole, axis

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.study import Study

GRID_LIMIT = 1_000_000
REFUSED = {
    "pbt": "its populations need Katib's own checkpoints",
    "enas": "it searches networks, which only Katib's own controller does",
    "darts": "it searches networks, which only Katib's own controller does",
}


class Unsuitable(ValueError):
    """An algorithm that cannot run here: unknown, refused, badly set, or its package is missing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """History: a trial was started with these raw draws."""

    raw: Mapping[str, Raw]


@dataclass(frozen=True, slots=True)
class Told:
    """History: trial `number` ended with `value`, None for a failure."""

    number: int
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One of Katib's names: the settings it takes, those it must ignore, the package it needs, its sampler.

    `repeats`: asking again with the same seed and the same history gives the same draws at little cost.
    """

    build: Callable[[Settings, Sequence[Axis], int], BaseSampler]
    settings: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    repeats: bool = True


class Settings:
    """The algorithm's settings, numbers or text alike. Unsuitable on access when one does not parse."""

    def __init__(self, algorithm: str, given: Mapping[str, Any]) -> None:
        self._algorithm = algorithm
        self._given = {key.lower(): value for key, value in given.items()}

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._given

    def whole(self, name: str, default: int, least: int = 1) -> int:
        """A whole number of at least `least`."""
        value = self._given.get(name.lower(), default)
        number = whole_number(value)
        if number is None or number < least:
            raise Unsuitable(f"{name} of {self._algorithm} must be a whole number of at least {least}, not {value!r}")
        return number

    def text(self, name: str) -> str:
        """Text that is not empty."""
        value = self._given.get(name.lower())
        if not isinstance(value, str) or not value:
            raise Unsuitable(f"{name} of {self._algorithm} must be text, not {value!r}")
        return value

    def real(self, name: str, default: float = math.nan) -> float:
        """A number above 0."""
        text = str(self._given.get(name.lower(), default))
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not (math.isfinite(number) and number > 0):
            raise Unsuitable(f"{name} of {self._algorithm} must be a number above 0, not {text!r}")
        return number


def seed_of(algorithm: str, settings: Mapping[str, Any]) -> int:
    """`random_state`, or a fresh seed where none is set."""
    if settings.get("random_state") is None:
        return random.SystemRandom().randrange(2**31)
    seed = Settings(algorithm, settings).whole("random_state", 0, least=0)
    if seed >= 2**32:
        raise Unsuitable(f"random_state of {algorithm} must be below 2^32")
    return seed


class Proposer:
    """Draws parameters for one trial after another. Not thread-safe; trial numbers count up from 0.

    `end` is the word for having drawn all that there is. Unsuitable when the algorithm cannot run on this space or in
    this image.
    """

    end = "grid"

    def __init__(
        self,
        algorithm: str,
        settings: Mapping[str, Any],
        space: Sequence[Dimension],
        *,
        maximize: bool,
        seed: int,
        history: Sequence[Asked | Told] = (),
    ) -> None:
        self._chosen = _chosen(algorithm, settings)
        self.ignored = tuple(
            name
            for name, value in settings.items()
            if name.lower() in self._chosen.ignored and str(value).lower() != "none"
        )
        self.axes = _axes(algorithm, space)
        self.limit = math.prod(dimension.count() for dimension in space) if algorithm == "grid" else None
        if self.limit is not None and self.limit > GRID_LIMIT:
            raise Unsuitable(f"the grid has {self.limit} points; at most {GRID_LIMIT} are possible")
        self._make: Callable[[int], Any] = lambda offset: _study(
            self._chosen, Settings(algorithm, settings), self.axes, maximize, seed + offset
        )
        self._distributions = _distributions(self.axes)
        self._study = self._make(0)
        self._numbers: list[int] = []
        if not (self._chosen.repeats and self._repeat(history)):
            self._adopt(history)

    def ask(self) -> dict[str, Raw]:
        """The raw draws of the next trial, by parameter."""
        trial = self._study.ask(fixed_distributions=self._distributions)
        self._numbers.append(trial.number)
        return dict(trial.params)

    def tell(self, number: int, value: float | None) -> None:
        """Trial `number` ended with `value`; None: it failed."""
        from optuna.trial import TrialState

        # Optuna's own number differs once it has failed in the middle of drawing a trial.
        if value is None:
            self._study.tell(self._numbers[number], state=TrialState.FAIL)
        else:
            self._study.tell(self._numbers[number], value)

    def values(self, raw: Mapping[str, Raw]) -> dict[str, str]:
        """The canonical texts that raw draws stand for."""
        return {axis.name: axis.text(raw[axis.name]) for axis in self.axes}

    def _repeat(self, history: Sequence[Asked | Told]) -> bool:
        for event in history:
            if isinstance(event, Told):
                self.tell(event.number, event.value)
            elif self.ask() != event.raw:
                return False
        return True

    def _adopt(self, history: Sequence[Asked | Told]) -> None:
        # Another seed than before: the same would draw the first trials again.
        from optuna.trial import TrialState, create_trial

        asked = [event.raw for event in history if isinstance(event, Asked)]
        self._study = self._make(len(asked))
        self._numbers = list(range(len(asked)))
        for raw in asked:
            trial = create_trial(state=TrialState.RUNNING, params=dict(raw), distributions=self._distributions)
            self._study.add_trial(trial)
        for event in history:
            if isinstance(event, Told):
                self.tell(event.number, event.value)


def _chosen(name: str, settings: Mapping[str, Any]) -> Algorithm:
    if name in REFUSED:
        raise Unsuitable(f"algorithm {name} runs on Katib only: {REFUSED[name]}")
    if name not in ALGORITHMS:
        raise Unsuitable(f"unknown algorithm {name!r}: one of {', '.join(ALGORITHMS)}")
    chosen = ALGORITHMS[name]
    known = chosen.settings + chosen.ignored
    for key in settings:
        if key.lower() not in known:
            raise Unsuitable(f"unknown setting {key} of {name}: it has {', '.join(known) or 'none'}")
    missing = [package for package in ("optuna", *chosen.packages) if importlib.util.find_spec(package) is None]
    if missing:
        names = " and ".join(missing)
        raise Unsuitable(f"algorithm {name} needs {names}, not in this image: pip install {' '.join(missing)}")
    return chosen


def _axes(algorithm: str, space: Sequence[Dimension]) -> tuple[Axis, ...]:
    if not space:
        raise Unsuitable("the space is empty")
    # Katib's own multivariate-tpe takes every list as unordered.
    unordered = algorithm == "multivariate-tpe"
    axes = tuple(axis(dimension, grid=algorithm == "grid", unordered_lists=unordered) for dimension in space)
    if algorithm == "cmaes" and sum(not d.single() for d in _distributions(axes).values() if hasattr(d, "low")) < 2:
        raise Unsuitable("cmaes needs at least two numeric parameters that vary")
    return axes


def _distributions(axes: Sequence[Axis]) -> dict[str, BaseDistribution]:
    return {axis.name: _distribution(axis.shape) for axis in axes}


def _distribution(shape: Choice | Whole | Real) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(shape, Whole):
        return IntDistribution(low=shape.low, high=shape.high, log=shape.log, step=1)
    if isinstance(shape, Real):
        return FloatDistribution(low=shape.low, high=shape.high, log=shape.log, step=None)
    if shape.ordered:
        return IntDistribution(low=0, high=shape.count - 1, log=False, step=1)
    return CategoricalDistribution(tuple(range(shape.count)))


def _study(chosen: Algorithm, settings: Settings, axes: Sequence[Axis], maximize: bool, seed: int) -> Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # Passing an argument that Optuna deprecates is the point: see the top of this file.
    warnings.filterwarnings("ignore", module="optuna")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = chosen.build(settings, axes, seed)
        return optuna.create_study(sampler=sampler, direction="maximize" if maximize else "minimize")


def _random(_: Settings, __: Sequence[Axis], seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


def _grid(_: Settings, axes: Sequence[Axis], seed: int) -> BaseSampler:
    from optuna.samplers import GridSampler

    class Grid(GridSampler):
        def after_trial(self, *_: Any, **__: Any) -> None:
            """Optuna's would stop `Study.optimize`, which is not in use; the end is the search's to decide."""

    return Grid({axis.name: range(axis.shape.count) for axis in axes if isinstance(axis.shape, Choice)}, seed=seed)


def _tpe(
    settings: Settings, seed: int, *, multivariate: bool, startup: int, gamma: Callable[[int], int]
) -> BaseSampler:
    from optuna.samplers import TPESampler
    from optuna.samplers._tpe.sampler import default_weights

    return TPESampler(
        consider_prior=True,
        prior_weight=settings.real("prior_weight", 1.0),
        consider_magic_clip=True,
        consider_endpoints=False,
        n_startup_trials=settings.whole("n_startup_trials", startup, least=0),
        n_ei_candidates=settings.whole("n_EI_candidates", 24),
        gamma=gamma,
        weights=default_weights,
        seed=seed,
        multivariate=multivariate,
        group=False,
        warn_independent_sampling=False,
        constant_liar=True,
        constraints_func=None,
    )


def _hyperopt_tpe(settings: Settings, _: Sequence[Axis], seed: int) -> BaseSampler:
    # Katib's tpe is Hyperopt's: 20 random trials first, and the best gamma * sqrt(n) trials are the good ones.
    share = settings.real("gamma", 0.25)
    return _tpe(
        settings,
        seed,
        multivariate=False,
        startup=20,
        gamma=lambda trials: min(math.ceil(share * math.sqrt(trials)), 25),
    )


def _multivariate_tpe(settings: Settings, _: Sequence[Axis], seed: int) -> BaseSampler:
    return _tpe(settings, seed, multivariate=True, startup=10, gamma=lambda trials: min(math.ceil(0.1 * trials), 25))


def _sobol(_: Settings, axes: Sequence[Axis], seed: int) -> BaseSampler:
    from optuna.samplers import QMCSampler, RandomSampler

    space = {name: shape for name, shape in sorted(_distributions(axes).items()) if not shape.single()}

    class Sobol(QMCSampler):
        def infer_relative_search_space(self, *_: Any, **__: Any) -> dict[str, BaseDistribution]:
            """The whole space from the first trial on; Optuna's would draw that one at random."""
            return dict(space)

    return Sobol(
        qmc_type="sobol",
        scramble=False,
        seed=seed,
        independent_sampler=RandomSampler(seed=seed),
        warn_asynchronous_seeding=False,
        warn_independent_sampling=False,
    )


def _cmaes(settings: Settings, _: Sequence[Axis], seed: int) -> BaseSampler:
    from optuna.samplers import CmaEsSampler, RandomSampler

    return CmaEsSampler(
        x0=None,
        sigma0=settings.real("sigma") if "sigma" in settings else None,
        n_startup_trials=1,
        independent_sampler=RandomSampler(seed=seed),
        warn_independent_sampling=False,
        seed=seed,
        consider_pruned_trials=False,
        restart_strategy=None,
        popsize=None,
        inc_popsize=-1,
        use_separable_cma=False,
        with_margin=False,
        lr_adapt=False,
        source_trials=None,
    )


def _gaussian_process(settings: Settings, _: Sequence[Axis], seed: int) -> BaseSampler:
    from optuna.samplers import GPSampler, RandomSampler

    return GPSampler(
        seed=seed,
        independent_sampler=RandomSampler(seed=seed),
        n_startup_trials=settings.whole("n_initial_points", 10),
        deterministic_objective=False,
        constraints_func=None,
        warn_independent_sampling=False,
    )


ALGORITHMS = {
    "random": Algorithm(build=_random, settings=("random_state",)),
    "grid": Algorithm(build=_grid, settings=("random_state",)),
    "tpe": Algorithm(
        build=_hyperopt_tpe,
        settings=("random_state", "gamma", "prior_weight", "n_ei_candidates", "n_startup_trials"),
    ),
    "multivariate-tpe": Algorithm(
        build=_multivariate_tpe, settings=("random_state", "n_ei_candidates", "n_startup_trials")
    ),
    # Only the draws of its first rungs: hyperband.py does the rest.
    "hyperband": Algorithm(build=_random, settings=("r_l", "eta", "resource_name")),
    "sobol": Algorithm(build=_sobol, packages=("scipy",)),
    "cmaes": Algorithm(
        build=_cmaes, settings=("random_state", "sigma"), ignored=("restart_strategy",), packages=("cmaes",)
    ),
    "bayesianoptimization": Algorithm(
        build=_gaussian_process,
        settings=("random_state", "n_initial_points"),
        ignored=("base_estimator", "acq_func", "acq_optimizer"),
        packages=("scipy", "torch"),
        repeats=False,
    ),
}
