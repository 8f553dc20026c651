"""Regular expressions that are compiled when they are first used: most runs need few of those that modules name."""

from __future__ import annotations

import re
from typing import Any, cast


def lazy(pattern: str, flags: re.RegexFlag | int = 0) -> re.Pattern[str]:
    """What `re.compile` gives, at the first use of one of its methods. A wrong pattern is found no sooner."""
    return cast("re.Pattern[str]", _Lazy(pattern, flags))


class _Lazy:
    def __init__(self, pattern: str, flags: re.RegexFlag | int) -> None:
        self._source = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, found)  # the next use goes straight to the compiled pattern
        return found
