"""Metrics that a program prints or writes: matched, re-printed as NAME=VALUE, logged without slowing the program."""

from __future__ import annotations

import json
import os

from tracking import Tracking, now
from values import BAD_INPUT, LINE_LIMIT, StepError, raw, reduced, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import Any, Callable, Dict, Iterable, List, Tuple

    Doc = Dict[str, Any]
    Reading = Tuple[str, float]


class Metrics:
    """Readings of the declared metrics: matched in lines, kept, logged in the background in batches."""

    def __init__(self, doc: Doc, tracking: Tracking, run_id: str, heard: Callable[[str, float], None]) -> None:
        import re
        import threading

        self.declared: Doc = doc.get("metrics") or {}
        self.source: Doc = doc.get("metrics_from") or {"type": "stdout"}
        self.tracking, self.run_id, self.heard = tracking, run_id, heard
        self.series: Dict[str, List[float]] = {name: [] for name in self.declared}
        self.patterns: List[Tuple[str, re.Pattern[str]]] = []
        for name, declared in self.declared.items():
            number = r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf))(?![\w.])"
            pattern = declared.get("pattern") or r"(?<![\w|.-])%s\s*=\s*%s" % (re.escape(name), number)
            try:
                self.patterns.append((name, re.compile(pattern)))
            except re.error as error:
                raise StepError(BAD_INPUT, "metrics.%s.pattern is not a pattern: %s" % (name, error)) from None
        self.waiting: List[Doc] = []
        self.lock = threading.Lock()
        self.warned: set[str] = set()

    def match(self, line: bytes) -> List[Reading]:
        """The readings in (the first 4 KiB of) one printed line."""
        found: List[Reading] = []
        text = line.decode("utf-8", "replace")
        for name, pattern in self.patterns:
            for hit in pattern.finditer(text):
                word = hit.group(1) if pattern.groups else hit.group(0)
                try:
                    found.append((name, float(word)))
                except (TypeError, ValueError):
                    if name not in self.warned:
                        self.warned.add(name)
                        say("metric %s: the pattern matched %r, which is not a number" % (name, word))
        return found

    def json_line(self, line: bytes) -> List[Reading]:
        """The readings in one line of a JSON-lines file: its members that are declared metrics, also in quotes."""
        try:
            said = json.loads(line)
        except ValueError:
            return []
        found: List[Reading] = []
        for name in self.declared if isinstance(said, dict) else ():
            value = said.get(name)
            if isinstance(value, (int, float, str)) and not isinstance(value, bool):
                try:
                    found.append((name, float(value)))
                except ValueError:
                    continue
        return found

    def add(self, readings: Iterable[Reading]) -> None:
        """Keeps readings and queues those with a pattern of their own; `finish` logs the others if MLflow has none."""
        with self.lock:
            for name, value in readings:
                step = len(self.series[name])
                self.series[name].append(value)
                if self.declared[name].get("pattern") or self.source.get("type") == "file":
                    self.waiting.append(point(name, value, step))
        for name, value in readings:
            self.heard(name, value)

    def flush(self) -> None:
        """Logs what waits; on failure it goes on waiting."""
        with self.lock:
            batch, self.waiting = self.waiting, []
        if batch and self.run_id:
            try:
                self.tracking.log(self.run_id, metrics=batch)
            except StepError:
                with self.lock:
                    self.waiting = batch + self.waiting
                raise

    def finish(self) -> Dict[str, float]:
        """Logs the rest and gives the reduced value of every declared metric that has one."""
        self.flush()
        run = self.tracking.get(self.run_id)
        unlogged = [n for n in self.declared if self.series[n] and n not in run.metrics]
        points = [point(n, v, i) for n in unlogged for i, v in enumerate(self.series[n])]
        if points:
            self.tracking.log(run.id, metrics=points)
        final: Dict[str, float] = dict(run.metrics)
        for name, declared in self.declared.items():
            series = self.series[name]
            if not series and name in run.metrics:
                series = self.tracking.history(run.id, name)
            value = reduced(series, str(declared.get("reduce") or "last"), declared.get("goal"))
            if value is not None:
                final[name] = value
        return final


def point(name: str, value: float, step: int) -> Doc:
    """A metric reading in the form that MLflow logs; not-a-numbers as text."""
    return {"key": name, "value": value if value - value == 0 else str(value), "timestamp": now(), "step": step}


class Tee:
    """Copies the child's streams to ours byte for byte, and prints `NAME=VALUE` after lines that hold a metric."""

    def __init__(self, metrics: Metrics) -> None:
        import threading

        self.metrics = metrics
        self.reads = bool(metrics.patterns) and metrics.source.get("type", "stdout") == "stdout"
        self.lock = threading.Lock()
        self.line_start = True
        self.late = b""

    def write(self, target: int, data: bytes) -> None:
        """All of `data` to descriptor `target`; a reader that went away is ignored."""
        if not data:
            return
        with self.lock:
            _write(target, data)
            if target == 1:
                self.line_start = data.endswith((b"\n", b"\r"))
                if self.line_start and self.late:
                    _write(1, self.late)
                    self.late = b""

    def announce(self, readings: Iterable[Reading], line: bytes = b"") -> None:
        """Prints `NAME=VALUE` on stdout at the next start of a line, unless `line` says just that already."""
        import re

        words = b""
        for name, value in readings:
            if not re.search(
                rb"(?<![\w|-])%s=%s(?![\w.+-])" % (re.escape(raw(name)), re.escape(raw(repr(value)))), line
            ):
                words += raw("%s=%r\n" % (name, value))
        with self.lock:
            if self.line_start:
                _write(1, words)
            else:
                self.late += words

    def pump(self, source: int, target: int) -> None:
        """Copies until end of file; lines end at newline or carriage return."""
        head = b""
        while True:
            try:
                chunk = os.read(source, 65536)
            except OSError:
                return
            if not chunk:
                break
            if not self.reads:
                self.write(target, chunk)
                continue
            scan = chunk.replace(b"\r", b"\n")
            begin = written = 0
            while True:
                end = scan.find(b"\n", begin)
                if end < 0:
                    head += scan[begin : begin + LINE_LIMIT - len(head)]
                    break
                line, head = head + scan[begin : min(end, begin + LINE_LIMIT - len(head))], b""
                begin = end + 1
                readings = self.metrics.match(line) if line else []
                if readings:
                    self.write(target, chunk[written:begin])
                    written = begin
                    self.metrics.add(readings)
                    self.announce(readings, line)
            self.write(target, chunk[written:])
        if head and self.reads:
            readings = self.metrics.match(head)
            self.metrics.add(readings)
            self.announce(readings, head)

    def end(self) -> None:
        """Prints what waited for the start of a line."""
        with self.lock:
            if self.late:
                _write(1, b"\n" + self.late)
                self.late = b""


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(target, view) :]
        except OSError:
            return


class Follower:
    """Reads what a growing file gains (`metrics_from: {type: file}`)."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.offset = os.path.getsize(path) if os.path.isfile(path) else 0
        self.rest = b""

    def lines(self, last: bool = False) -> List[bytes]:
        """The lines that are complete since the last call; `last` takes an unfinished one too."""
        try:
            with open(self.path, "rb") as stream:
                if os.fstat(stream.fileno()).st_size < self.offset:
                    self.offset, self.rest = 0, b""
                stream.seek(self.offset)
                data = stream.read()
        except OSError:
            data = b""
        self.offset += len(data)
        lines = (self.rest + data).split(b"\n")
        self.rest = b"" if last else lines.pop()
        return [line[:LINE_LIMIT] for line in lines if line]
