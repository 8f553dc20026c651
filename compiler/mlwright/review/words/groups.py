"""Fields that only make a sentence together: a range, a bound, a schedule, who can reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf

from mlwright.record import dataclass
from mlwright.review.words import clock as clocks
from mlwright.review.words.fields import matches
from mlwright.review.words.frames import CONTAINERS, Frame, Place
from mlwright.review.words.values import edits, listed, names, show
from mlwright.source.tree import Json

Tell = Callable[[Json, Json, str], list[str]]
"""The sentences about a group: its value at base and at head (None: not there), and its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """`rest` is where the group is below its frame, `keys` are the fields of it that `tell` has words for (all of them
    where there are none)."""

    places: tuple[Place, ...]
    rest: tuple[str, ...]
    keys: tuple[str, ...] = ()
    tell: Tell


def times(before: float, after: float) -> str:
    """`about 4x`; "" where there is nothing to compare with."""
    if before <= 0 or after <= 0:
        return ""
    ratio = after / before
    shown = f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"
    return "" if shown == "1" else f"about {shown}x"


def _number(value: Json, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else default


def _part(value: Json, key: str) -> Json:
    return value.get(key) if isinstance(value, dict) else None


def span_of(value: Json) -> str:
    """`4`, or `1..10` for a range; "" for none."""
    low, high = _part(value, "min"), _part(value, "max")
    if low is None and high is None:
        return ""
    return (
        show(low) if low == high else f"{show(low) if low is not None else 1}..{show(high) if high is not None else ''}"
    )


def _nodes(before: Json, after: Json, _: str) -> list[str]:
    old, new = span_of(before) or "1", span_of(after) or "1"
    if old == new:
        return [f"nodes {new}, as before"]
    much = times(_number(_part(before, "min"), 1), _number(_part(after, "min"), 1))
    return [f"nodes {old} -> {new}" + (f", {much} node-hours" if much else "")]


def _replicas(before: Json, after: Json, _: str) -> list[str]:
    def shown(value: Json) -> str:
        low = _part(value, "min")
        high = _part(value, "max")
        low = 1 if low is None else low
        high = max(_number(low, 1), 1.0) if high is None else _number(high, 1)
        return f"{low}" if low == high else f"{low}..{high:g}"

    old, new = shown(before), shown(after)
    return [f"replicas {old} -> {new}" if old != new else f"replicas {new}, as before"]


_BEARS = {
    "concurrency": "{} requests at the same time",
    "rps": "{} requests a second",
    "cpu": "{}% CPU",
    "memory": "{}% memory",
}


def _target(before: Json, after: Json, _: str) -> list[str]:
    def shown(value: Json) -> str:
        items = value.items() if isinstance(value, dict) else ()
        return " and ".join(_BEARS[key].format(show(item)) for key, item in items if key in _BEARS) or "not at all"

    return [f"scales when a replica bears {shown(before)} -> {shown(after)}"]


def reach(value: Json) -> str:
    """Who can reach what has this `expose`: `inside only`, `at HOST/PATH with log-in`."""
    host = _part(value, "host")
    if host is None:
        return "inside only"
    path = str(_part(value, "path") or "/")
    login = "with log-in" if _part(value, "auth") == "required" else "without log-in"
    secret = _part(value, "tls_secret")
    return f"at {host}{path if path != '/' else ''} {login}" + (f", TLS from {secret}" if secret else "")


def _expose(before: Json, after: Json, _: str) -> list[str]:
    old, new = reach(before), reach(after)
    return [f"reachable {old} -> {new}" if old != new else f"reachable {new}, as before"]


def bound(gate: Json) -> str:
    """A gate in words: `test_auc at least 0.85`."""
    said = [f"at least {show(_part(gate, 'min'))}"] if _part(gate, "min") is not None else []
    said += [f"at most {show(_part(gate, 'max'))}"] if _part(gate, "max") is not None else []
    if versus := _part(gate, "versus"):
        worse = _part(gate, "tolerance")
        said.append(f"no worse than {versus}" + (f" by more than {show(worse)}" if worse else ""))
    return f"{show(_part(gate, 'metric'))} {' and '.join(said)}"


def strictness(before: Json, after: Json) -> tuple[bool, bool]:
    """Whether a gate became looser anywhere, and stricter anywhere."""
    pairs = (
        (_number(_part(before, "min"), -inf), _number(_part(after, "min"), -inf)),
        (-_number(_part(before, "max"), inf), -_number(_part(after, "max"), inf)),
        (-_number(_part(before, "tolerance"), 0), -_number(_part(after, "tolerance"), 0)),
        (float(_part(before, "versus") is not None), float(_part(after, "versus") is not None)),
    )
    return any(new < old for old, new in pairs), any(new > old for old, new in pairs)


def _gate(before: Json, after: Json, name: str) -> list[str]:
    looser, stricter = strictness(before, after)
    word = "changed" if looser == stricter else "looser" if looser else "stricter"
    old, new = bound(before), bound(after)
    said = [f"gate {name} {word}: {old} -> {new}"] if old != new else []
    fails = (_part(before, "on_fail") or "fail", _part(after, "on_fail") or "fail")
    if fails[0] != fails[1]:
        old, new = (_ends.get(str(end), show(end)) for end in fails)
        said.append(f"gate {name}, where it does not pass: {old} -> {new}")
    return said


_ends = {"fail": "the run fails", "stop": "the run stops quietly"}


def domain(value: Json) -> tuple[float, float] | None:
    """The bounds of a dimension that is a range."""
    low, high = _part(value, "min"), _part(value, "max")
    return (_number(low, -inf), _number(high, inf)) if low is not None or high is not None else None


def _shape(value: Json) -> str:
    if (values := _part(value, "values")) is not None:
        return "{" + show(values)[1:-1] + "}"
    found = domain(value)
    return f"[{show(found[0])}, {show(found[1])}]" if found else "nothing"


def moved(before: Json, after: Json) -> str:
    """`widened`, `narrowed`, `moved`, or "" where the same values are searched."""
    olds, news = _part(before, "values"), _part(after, "values")
    if isinstance(olds, list) and isinstance(news, list):
        if olds == news:
            return ""
        if all(item in news for item in olds):
            return "widened" if len(news) > len(olds) else "put in another order"
        return "narrowed" if all(item in olds for item in news) else "moved"
    old, new = domain(before), domain(after)
    if old is None or new is None:
        return "moved"
    if old == new:
        return ""
    if new[0] <= old[0] and old[1] <= new[1]:
        return "widened"
    return "narrowed" if old[0] <= new[0] and new[1] <= old[1] else "moved"


def _dimension(before: Json, after: Json, name: str) -> list[str]:
    if before is None or after is None:
        word = f"added: {_shape(after)}" if before is None else f"no longer searched (was {_shape(before)})"
        return [f"search space of {name} {word}" if before is None else f"{name} {word}"]
    how = moved(before, after)
    said = [f"search space of {name} {how} from {_shape(before)} to {_shape(after)}"] if how else []
    for key, default in (("distribution", "uniform"), ("step", None), ("mean", None), ("sigma", None)):
        old, new = _part(before, key), _part(after, key)
        if old != new and not (key == "distribution" and "values" in (*_keys(before), *_keys(after))):
            said.append(
                f"{key} of {name} {show(old if old is not None else default)} -> "
                f"{show(new if new is not None else default)}"
            )
    return said


def _keys(value: Json) -> list[str]:
    return list(value) if isinstance(value, dict) else []


def clock(schedule: Json, zone: bool = True) -> str:
    """A schedule with its words: "`0 3 * * 1` (Mondays at 03:00, Europe/Berlin)"; "" for none."""
    cron = str(_part(schedule, "cron") or "")
    if not cron:
        return ""
    said = [clocks.words(cron), str(_part(schedule, "timezone") or "UTC") if zone else ""]
    beside = ", ".join(filter(None, said))
    return f"`{cron}` ({beside})" if beside else f"`{cron}`"


def _schedule(before: Json, after: Json, _: str) -> list[str]:
    old, new = clock(before), clock(after)
    if not old or not new:
        return [f"starts by itself: {new}"] if new else [f"no longer starts by itself (was {old})"]
    said = []
    if old != new:
        zones = (_part(before, "timezone") or "UTC") != (_part(after, "timezone") or "UTC")
        old, new = clock(before, zones), clock(after, zones)
        rates = clocks.firings(str(_part(before, "cron"))), clocks.firings(str(_part(after, "cron")))
        much = times(*rates)
        how = f", {much} runs ({rates[0]:.3g} -> {rates[1]:.3g} a month)" if much else ""
        said.append(f"schedule {old} -> {new}{how}")
    busy = str(_part(before, "concurrency") or "forbid"), str(_part(after, "concurrency") or "forbid")
    if busy[0] != busy[1]:
        said.append(f"while the last run still runs: {busy[0]} -> {busy[1]}")
    return said


def _image(before: Json, after: Json, _: str) -> list[str]:
    if not isinstance(before, str) or not isinstance(after, str):
        return [f"image set to {after}"] if before is None else [f"image removed (was {before})"]
    old, new = image(before), image(after)
    if old[0] == new[0] and not old[2] and not new[2]:
        return [f"image tag {old[1] or 'latest'} -> {new[1] or 'latest'} of {old[0]}"]
    return [f"image {before} -> {after}"]


def image(ref: str) -> tuple[str, str, str]:
    """The repository, tag and digest of an image reference; "" for what it has not."""
    name, _, digest = ref.partition("@")
    head, colon, tag = name.rpartition(":")
    return (head, tag, digest) if colon and "/" not in tag else (name, "", digest)


def _command(before: Json, after: Json, name: str) -> list[str]:
    if before is None or after is None:
        return [f"{name} {'set to ' + show(after) if before is None else 'removed (was ' + show(before) + ')'}"]
    return [f"{name}: {edits(before, after)}"]


def _need(item: Json) -> str:
    if isinstance(item, dict):
        return f"{item.get('step')}" + (" (optional)" if item.get("optional") else "")
    return str(item)


def _needs(before: Json, after: Json, _: str) -> list[str]:
    if before is None or after is None:
        wanted = after if before is None else before
        items = names([_need(item) for item in wanted]) if isinstance(wanted, list) and wanted else "nothing"
        return [f"needs {items} by name" if before is None else f"needs only what it refers to (was: {items})"]
    if isinstance(before, list) and isinstance(after, list):
        return ["needs: " + listed([_need(item) for item in before], [_need(item) for item in after])]
    return []


def legs(to: Json) -> list[str]:
    """The endpoints of a route, by path."""
    return [str(_part(item, "service") or item) for item in to] if isinstance(to, list) else []


def _route(before: Json, after: Json, _: str) -> list[str]:
    def by_name(to: Json) -> dict[str, Json]:
        return dict(zip(legs(to), to, strict=True)) if isinstance(to, list) else {}

    olds, news = by_name(before), by_name(after)
    said = []
    for name in (*news, *(name for name in olds if name not in news)):
        old, new = olds.get(name), news.get(name)
        weights = _part(old, "weight"), _part(new, "weight")
        if old is None or new is None:
            share = weights[1] if old is None else weights[0]
            word = "added" if old is None else "removed"
            said.append(f"{name} {word}" + (f" with traffic {show(share, 'percent')}" if share is not None else ""))
            continue
        if weights[0] != weights[1]:
            said.append(f"traffic of {name} {show(weights[0], 'percent')} -> {show(weights[1], 'percent')}")
        for key in ("condition", "input", "required"):
            if _part(old, key) != _part(new, key):
                said.append(f"{key} of {name} {show(_part(old, key))} -> {show(_part(new, key))}")
    return said or ["its endpoints: " + listed(legs(before), legs(after))]


_GROUPS: tuple[Group, ...] = (
    Group(places=CONTAINERS, rest=("image", "ref"), tell=_image),
    Group(places=CONTAINERS, rest=("command",), tell=_command),
    Group(places=CONTAINERS, rest=("args",), tell=_command),
    Group(places=CONTAINERS, rest=("needs",), tell=_needs),
    Group(places=CONTAINERS, rest=("distributed", "nodes"), keys=("min", "max"), tell=_nodes),
    Group(places=CONTAINERS, rest=("replicas", "target"), keys=tuple(_BEARS), tell=_target),
    Group(places=CONTAINERS, rest=("replicas",), keys=("min", "max"), tell=_replicas),
    Group(places=CONTAINERS, rest=("expose",), keys=("scope", "host", "path", "auth", "tls_secret"), tell=_expose),
    Group(
        places=CONTAINERS,
        rest=("gates", "*"),
        keys=("metric", "min", "max", "versus", "tolerance", "on_fail"),
        tell=_gate,
    ),
    Group(places=CONTAINERS, rest=("to",), tell=_route),
    Group(
        places=("tuning",),
        rest=("space", "*"),
        keys=("values", "min", "max", "step", "distribution", "mean", "sigma"),
        tell=_dimension,
    ),
    Group(places=("pipeline",), rest=("schedule",), keys=("cron", "timezone", "concurrency"), tell=_schedule),
)


def group_of(frame: Frame) -> tuple[Group, int] | None:
    """The group that the frame's rest belongs to, and how many parts of the rest lead to it."""
    words: tuple[str, ...] = tuple(map(str, frame.rest))
    for group in _GROUPS:
        size = len(group.rest)
        if frame.place not in group.places or not matches(group.rest, words[:size]):
            continue
        if not group.keys or len(words) == size or words[size] in group.keys:
            return group, size
    return None


FACTORS: Mapping[tuple[str, ...], str] = {
    ("resources", "gpu", "count"): "GPU-hours",
    ("trials", "max"): "trials' hours",
}
"""What grows with a number: of a step's GPUs, of a search's trials."""
