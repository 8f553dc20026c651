"""Work in a second process, while this one goes on."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def begin(work: Callable[[], Result]) -> Callable[[], Result]:
    """Begin `work()` in a process of its own; what is returned waits for its result, and has to be called.

    The work must change nothing and its result must be something to pickle. Where no process can be made of this one,
    or it ends without a result, the work is done here, when the result is asked for: it is the same either way.
    """
    if not _is_possible():
        return cache(work)
    import pickle

    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError:  # no more processes, or no memory for one
        os.close(reading)
        os.close(writing)
        return cache(work)
    if child == 0:
        code = 1
        try:
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(work(), stream)
            code = 0
        finally:
            os._exit(code)  # nothing of the parent's is flushed or cleaned up twice
    os.close(writing)

    def result() -> Result:
        with os.fdopen(reading, "rb") as stream:
            data = stream.read()
        _, status = os.waitpid(child, 0)
        if status:
            return work()
        found: Result = pickle.loads(data)
        return found

    return cache(result)


def each(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` of every item: this process goes from the first one on and a second one back from the last, until they
    meet. What `begin` asks of the work holds here too."""
    if len(items) < 2 or not _is_possible():
        return [work(item) for item in items]
    left, tickets = os.pipe()  # who takes a byte out of the pipe does one more item
    os.write(tickets, bytes(len(items)))
    os.close(tickets)

    def from_the_last() -> list[Result]:
        return [work(items[-place]) for place in range(1, len(items) + 1) if os.read(left, 1)]

    theirs = begin(from_the_last)
    ours = [work(item) for item in items if os.read(left, 1)]
    there = theirs()
    os.close(left)
    missing = items[len(ours) : len(items) - len(there)]
    return [*ours, *map(work, missing), *reversed(there)]


def _is_possible() -> bool:
    """Linux, a second processor, and no thread beside this one that could hold a lock which the child waits for."""
    return sys.platform == "linux" and len(os.sched_getaffinity(0)) > 1 and threading.active_count() == 1
