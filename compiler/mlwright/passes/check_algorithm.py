"""The search algorithm: that it exists, has these settings, and fits the space and the platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.algorithms import ALGORITHMS, EARLY_STOPPING, Algorithm, Setting
from mlwright.passes.occurrences import searches
from mlwright.source.suggest import closest
from mlwright.span import Path

_HERE = ("local", "compose")


def check_algorithm(project: ir.Project) -> Iterable[Diagnostic]:
    """TUNE010-016: algorithm, early stopping, their settings, the space they need. Unknown names are the schema's,
    hyperband's schedule is `check_hyperband`'s."""
    for search in searches(project):
        path = (*search.origin.path, "algorithm")
        algorithm = ALGORITHMS.get(search.algorithm)
        if algorithm is None:
            continue
        if algorithm.why:
            yield _refused(search, algorithm.why, path)
            continue
        if algorithm.katib and project.environment.platform in _HERE:
            yield katib_only(search, project.environment)
        yield from _settings(search.algorithm, search.settings, algorithm.settings, path)
        yield from _space(search, algorithm)
        yield from _together(search, path)
        yield from _early_stopping(search)


def _early_stopping(search: ir.Search) -> Iterator[Diagnostic]:
    name, path = search.early_stopping, (*search.origin.path, "early_stopping")
    if name in EARLY_STOPPING:
        yield from _settings(name, search.early_stopping_settings, EARLY_STOPPING[name], path)


def _refused(search: ir.Search, why: str, path: Path) -> Diagnostic:
    return Diagnostic(
        code="TUNE010",
        message=f"`{search.algorithm}` is refused: {why}",
        at=Label(path=(*path, "name")),
        help="search the network's sizes as parameters, with `tpe` or `multivariate-tpe`",
    )


def katib_only(search: ir.Search, environment: ir.Environment) -> Diagnostic:
    """TUNE011: an algorithm that the environment has no Katib for."""
    path = (*search.origin.path, "algorithm")
    other = f"environments.{environment.name}.tuning.algorithm: {{name: tpe, settings: null}}"
    return Diagnostic(
        code="TUNE011",
        message=f"`{search.algorithm}` runs on Katib only, and the environment `{environment.name}` has none",
        at=Label(path=(*path, "name")),
        related=(Label(path=("environments", environment.name, "platform"), text="has no Katib"),),
        help=f"give it another: {other}",
    )


def _settings(
    name: str, given: tuple[tuple[str, ir.Json], ...], known: tuple[Setting, ...], path: Path
) -> Iterator[Diagnostic]:
    by_name = {setting.name.lower(): setting for setting in known}
    for key, value in given:
        setting = by_name.get(key.lower())
        place = (*path, "settings", key)
        if setting is None:
            near = closest(key, [setting.name for setting in known])
            names = ", ".join(setting.name for setting in known)
            listed = f"it has {names}" if names else f"`{name}` has no settings: remove them"
            yield Diagnostic(
                code="TUNE012",
                message=f"`{name}` has no setting `{key}`",
                at=Label(path=place, on="key"),
                help=f"did you mean `{near}`?" if near else listed,
            )
        elif wanted := setting.problem(value):
            message = f"`{key}` of `{name}` is {wanted}"
            yield Diagnostic(code="TUNE013", message=message, at=Label(path=place), help=f"write {wanted}")
    have = {key.lower() for key, _ in given}
    if missing := [setting.name for setting in known if setting.required and setting.name not in have]:
        yield Diagnostic(
            code="TUNE014",
            message=f"`{name}` needs the setting{'s' * (len(missing) > 1)} {', '.join(f'`{key}`' for key in missing)}",
            at=Label(path=(*path, "name")),
            help=f"add `settings: {{{', '.join(f'{key}: ...' for key in missing)}}}`",
        )


def _space(search: ir.Search, algorithm: Algorithm) -> Iterator[Diagnostic]:
    path = (*search.origin.path, "space")
    chosen = Label(path=(*search.origin.path, "algorithm"), text="chosen here")
    for dimension in search.space:
        if algorithm.ranges and dimension.values:
            yield Diagnostic(
                code="TUNE015",
                message=f"`{search.algorithm}` searches ranges of numbers, and `{dimension.param}` is a list of values",
                at=Label(path=(*path, dimension.param, "values")),
                related=(chosen,),
                help="give it `min` and `max`, or choose `tpe`, which takes lists",
            )
        elif algorithm.countable and not dimension.values and not dimension.step and dimension.type != "int":
            yield Diagnostic(
                code="TUNE015",
                message=f"`{search.algorithm}` needs countable values, and `{dimension.param}` has no step",
                at=Label(path=(*path, dimension.param), on="key"),
                related=(chosen,),
                help="add `step`, or a list: `values: [...]`",
            )
    if (count := sum(not dimension.values for dimension in search.space)) < algorithm.least and algorithm.least > 1:
        yield Diagnostic(
            code="TUNE015",
            message=f"`{search.algorithm}` needs at least {algorithm.least} parameters with a range, here are {count}",
            at=Label(path=path, on="key"),
            related=(chosen,),
            help="search one more number, or choose `tpe`",
        )


def _together(search: ir.Search, path: Path) -> Iterator[Diagnostic]:
    settings = {key.lower(): value for key, value in search.settings}
    if settings.get("acq_optimizer") == "lbfgs" and settings.get("base_estimator") in ("RF", "ET", "GBRT"):
        yield Diagnostic(
            code="TUNE016",
            message=f"`acq_optimizer: lbfgs` needs gradients, which `{settings['base_estimator']}` does not have",
            at=Label(path=(*path, "settings", "acq_optimizer")),
            related=(Label(path=(*path, "settings", "base_estimator"), text="a forest of trees"),),
            help="write `acq_optimizer: sampling`, or `base_estimator: GP`",
        )
