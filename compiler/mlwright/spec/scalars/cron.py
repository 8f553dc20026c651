"""Schedules in five cron fields, and time zones."""

from __future__ import annotations

import os
import re
from typing import Any, ClassVar

from mlwright.record import dataclass
from mlwright.regex import lazy
from mlwright.spec.scalars.refusal import Scalar, refuse

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number + 1 for number, name in enumerate(_MONTHS)}),
    ("day of the week", 0, 6, {name: number for number, name in enumerate(_DAYS)}),
)
_ZONES = ("/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo")
_NO_ZONES = ("localtime", "posixrules", "Factory")
_LONGEST = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_MACROS = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_ZONE = lazy(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")
EXAMPLE = "write five fields, minute hour day month weekday: `0 3 * * 1` is Monday at three"


@dataclass(frozen=True, slots=True)
class Cron(Scalar):
    """Five fields; each of `values` is the sorted numbers that it matches (Sunday is 0)."""

    json: ClassVar[dict[str, Any]] = {"type": "string", "pattern": r"^\s*\S+(\s+\S+){4}\s*$"}
    text: str
    values: tuple[tuple[int, ...], ...]

    @classmethod
    def parse(cls, value: object) -> Cron:
        if not isinstance(value, str):
            raise refuse("CRON001", "a schedule is expected here", EXAMPLE)
        parts = list(re.finditer(r"\S+", value))
        if len(parts) != 5:
            raise _wrong_count(value, len(parts))
        values = tuple(_field(part, *field) for part, field in zip(parts, _FIELDS, strict=True))
        if parts[4][0] == "*" and not any(day <= _LONGEST.get(month, 31) for month in values[3] for day in values[2]):
            raise refuse("CRON004", f"`{value}` names a day that no month has: it would never start", EXAMPLE)
        return cls(value, values)


def _wrong_count(text: str, count: int) -> Exception:
    if text.strip() in _MACROS:
        return refuse("CRON001", f"`{text}` is not understood by every platform", f"write `{_MACROS[text.strip()]}`")
    if count in (6, 7):
        rest = " ".join(text.split()[1:6])
        return refuse("CRON002", f"a schedule has five fields, this has {count}", f"without seconds it is `{rest}`")
    return refuse("CRON001", f"a schedule has five fields, this has {count}", EXAMPLE)


def _field(part: re.Match[str], name: str, low: int, high: int, names: dict[str, int]) -> tuple[int, ...]:
    found: set[int] = set()
    offset = part.start()
    for item in part[0].split(","):
        chars = (offset, offset + len(item))
        offset += len(item) + 1
        match = re.fullmatch(r"(?:(\*)|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:/(\d+))?", item)
        if match is None:
            help = "write `*`" if "?" in item else EXAMPLE
            raise refuse("CRON003", f"`{item}` is not a {name} of a schedule", help, chars)
        star, first, last, step = match.groups()
        start = low if star else _number(first, name, low, high, names, chars)
        # `5/15` means from 5 to the end, as everywhere else
        end = _number(last, name, low, high, names, chars) if last else high if star or step else start
        if end < start:
            raise refuse("CRON003", f"`{item}` runs backwards", f"write `{first}-{high},{low}-{last}`", chars)
        if step is not None and int(step) == 0:
            raise refuse("CRON003", f"`{item}` has a step of zero", "a step is at least 1", chars)
        found.update(range(start, end + 1, int(step or 1)))
    return tuple(sorted(found))


def _number(text: str, name: str, low: int, high: int, names: dict[str, int], chars: tuple[int, int]) -> int:
    number = names.get(text.upper(), int(text) if text.isdigit() else -1)
    if low <= number <= high:
        return number
    help = "Sunday is 0" if text == "7" and high == 6 else f"{_a(name)} is {low} to {high}"
    raise refuse(
        "CRON003", f"`{text}` is not {_a(name)}", f"{help}{', or one of ' + ' '.join(names) if names else ''}", chars
    )


@dataclass(frozen=True, slots=True)
class TimeZone(Scalar):
    """A name of the IANA time zone database, such as `Europe/Berlin`."""

    json: ClassVar[dict[str, Any]] = {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"}
    text: str

    @classmethod
    def parse(cls, value: object) -> TimeZone:
        if value == "UTC":
            return cls("UTC")
        if not isinstance(value, str) or not _ZONE.fullmatch(value) or not _known(value):
            shown = f"`{value}` is" if isinstance(value, str) else "this is"
            raise refuse("CRON005", f"{shown} not the name of a time zone", _closest(value))
        return cls(value)


def _known(name: str) -> bool:
    if any(_is_zone(os.path.join(folder, name)) for folder in _ZONES):
        return name not in _NO_ZONES
    from zoneinfo import ZoneInfo, available_timezones  # it takes long to import

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return not available_timezones()  # a machine without the database cannot tell
    return name not in _NO_ZONES


def _is_zone(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"TZif"
    except OSError:
        return False


def _closest(value: object) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    if isinstance(value, str):
        zones = available_timezones()
        tails = {zone.rsplit("/", 1)[-1].lower(): zone for zone in sorted(zones, reverse=True) if "/" in zone}
        wanted = value.rsplit("/", 1)[-1].replace(" ", "_").lower()
        near = get_close_matches(value, zones, 1, 0.7) or [
            tails[name] for name in get_close_matches(wanted, tails, 1, 0.7)
        ]
        if near:
            return f"did you mean `{near[0]}`?"
    return "write an IANA name, such as `Europe/Berlin` or `UTC`"


def _a(name: str) -> str:
    return f"an {name}" if name.startswith("h") else f"a {name}"
