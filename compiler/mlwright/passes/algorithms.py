"""Search algorithms and early stopping as Katib names them: their settings, and what they ask of the space."""

from __future__ import annotations

import math
from typing import Literal

from mlwright.ir import Json
from mlwright.record import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting. Numbers are within `low` and `high`, both included unless `above` (then more than `low`) or `below`
    (then less than `high`). `ours`: Katib does not know it, our own search does."""

    name: str
    type: Literal["int", "float", "text", "param"]
    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False
    choices: tuple[str, ...] = ()
    required: bool = False
    ours: bool = False

    def problem(self, value: Json) -> str:
        """What the value must be, where it is not; "" when it is fine. Numbers may be written as text."""
        if self.type in ("text", "param"):
            fine = isinstance(value, str) and bool(value) and (not self.choices or value in self.choices)
            return "" if fine else (f"one of {', '.join(self.choices)}" if self.choices else "text")
        number = _number(value)
        fine = number is not None and self.low <= number <= self.high and not (self.above and number == self.low)
        fine = fine and not (self.below and number == self.high)
        if fine and number is not None and (self.type == "float" or number == int(number)):
            return ""
        return f"a {'whole ' if self.type == 'int' else ''}number{self._range()}"

    def _range(self) -> str:
        if self.low == -math.inf:
            return ""
        if self.high == math.inf:
            return f" above {self.low:g}" if self.above else f" of at least {self.low:g}"
        if self.above and self.below:
            return f" between {self.low:g} and {self.high:g}"
        return f" from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """`ranges`: lists of values are refused, and at least `least` ranges are searched. `countable`: every range needs
    a step. `katib`: runs on Katib only. `why` it is refused everywhere, "" if it is not. `drawn` are the distributions
    that Katib's service draws from; `deaf`: it takes others for `uniform`, else it fails on them."""

    settings: tuple[Setting, ...] = ()
    ranges: bool = False
    least: int = 1
    countable: bool = False
    katib: bool = False
    why: str = ""
    drawn: tuple[str, ...] = ("uniform",)
    deaf: bool = True


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


_SEED = Setting(name="random_state", type="int", low=0, high=2**32 - 1)
_STARTUP = Setting(name="n_startup_trials", type="int", low=0)
_ALL = ("uniform", "log_uniform", "normal", "log_normal")
_NAS = "it searches for a network's architecture, and a project declares parameters, not architectures"

ALGORITHMS: dict[str, Algorithm] = {
    "random": Algorithm(settings=(_SEED,), drawn=_ALL),
    "grid": Algorithm(settings=(_SEED,), countable=True, drawn=_ALL),
    "tpe": Algorithm(
        drawn=_ALL,
        settings=(
            Setting(name="gamma", type="float", low=0, high=1, above=True, below=True),
            Setting(name="prior_weight", type="float", low=0, above=True),
            Setting(name="n_EI_candidates", type="int", low=1),
            replace(_STARTUP, ours=True),
            _SEED,
        ),
    ),
    "multivariate-tpe": Algorithm(
        settings=(_STARTUP, Setting(name="n_ei_candidates", type="int", low=1), _SEED),
        drawn=_ALL[:2],
        deaf=False,
    ),
    "bayesianoptimization": Algorithm(
        drawn=_ALL[:2],
        deaf=False,
        settings=(
            Setting(name="base_estimator", type="text", choices=("GP", "RF", "ET", "GBRT")),
            Setting(name="n_initial_points", type="int", low=1),
            Setting(name="acq_func", type="text", choices=("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps")),
            Setting(name="acq_optimizer", type="text", choices=("auto", "sampling", "lbfgs")),
            _SEED,
        ),
    ),
    "cmaes": Algorithm(
        settings=(
            _SEED,
            Setting(name="sigma", type="float", low=0, above=True),
            Setting(name="restart_strategy", type="text", choices=("ipop", "bipop", "none", "None")),
        ),
        ranges=True,
        least=2,
    ),
    "sobol": Algorithm(ranges=True),
    "hyperband": Algorithm(
        settings=(
            Setting(name="r_l", type="float", low=1, high=2**53, above=True, required=True),
            Setting(name="resource_name", type="param", required=True),
            Setting(name="eta", type="int", low=2),
        ),
    ),
    "pbt": Algorithm(
        settings=(
            Setting(name="suggestion_trial_dir", type="text", required=True),
            Setting(name="n_population", type="int", low=5, required=True),
            Setting(name="truncation_threshold", type="float", low=0, high=1, required=True),
            Setting(name="resample_probability", type="float", low=0, high=1),
        ),
        countable=True,
        katib=True,
    ),
    "enas": Algorithm(why=_NAS),
    "darts": Algorithm(why=_NAS),
}

EARLY_STOPPING: dict[str, tuple[Setting, ...]] = {
    "medianstop": (
        Setting(name="min_trials_required", type="int", low=1),
        Setting(name="start_step", type="int", low=1),
    ),
}
