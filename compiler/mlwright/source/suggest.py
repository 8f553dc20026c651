"""Did you mean."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like `word`, if one is alike enough; the earliest in alphabetical order among equals."""
    return None if len(word) > 100 else _closest(word, tuple(sorted(set(choices))))


@lru_cache(maxsize=256)  # one mistake is often made many times
def _closest(word: str, choices: tuple[str, ...]) -> str | None:
    best, best_score = None, 0.0
    for choice in choices:
        score = _likeness(word, choice)
        if score > best_score:
            best, best_score = choice, score
    return best


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`did you mean `x`?`, or "" where nothing is alike."""
    found = closest(word, choices)
    return f"did you mean `{found}`?" if found else ""


def _likeness(word: str, choice: str) -> float:
    left, right = (text.lower().replace("-", "_") for text in (word, choice))
    if left == right:
        return 1.0
    if min(len(left), len(right)) >= 3 and (left.startswith(right) or right.startswith(left)):
        return 0.9
    from difflib import SequenceMatcher  # only mistakes pay for it

    score = SequenceMatcher(None, left, right).ratio()
    # Short words are alike by accident: one letter of three may differ at most.
    needed = 0.6 if max(len(left), len(right)) > 3 else 0.66
    return score if score >= needed else 0.0
