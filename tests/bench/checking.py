"""The part of `make bench` about `mlwright check`: what it costs where nothing changed, and where it compiles."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

MLWRIGHT = str(Path(sys.executable).parent / "mlwright")
ENVIRONMENT = {
    name: text for name, text in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "CI", "MLWRIGHT_DEBUG")
}
PROJECTS = 1000
ROUNDS = 10
STARTS = 6.0
EACH = 0.5
"""At most so many times `python -c pass`, and so many milliseconds for each project."""


def show(work: Path, examples: Path) -> None:
    """Measure and print; `work` is an empty place, `examples` the folder of the examples."""
    ignored = shutil.ignore_patterns(".mlwright", "manifests", "__pycache__")
    small, large, many = work / "small", work / "large", work / "many"
    shutil.copytree(examples / "minimal", small, ignore=ignored)
    shutil.copytree(examples / "breast-cancer", large, ignore=ignored)
    for folder in (small, large):
        seconds("compile", str(folder))
    for number in range(PROJECTS):
        shutil.copytree(small, many / f"p{number:04}")
    compile_large, check_large = ("compile", str(large)), ("check", "--full", str(large))
    cases = ((), ("check", str(small)), ("check", str(many)), compile_large, check_large)
    taken: dict[tuple[str, ...], list[float]] = {case: [] for case in cases}
    for number in range(ROUNDS + 1):
        for case in cases:
            if case is compile_large:
                shutil.rmtree(large / "manifests")
            spent = seconds(*case)
            if number:
                taken[case].append(spent * 1000)
    start, one, all_, compiled, checked = (statistics.median(taken[case]) for case in cases)
    print(f"\n{'check':<44} {'ms':>8} {'at most':>8}")
    for name, spent, most in (
        ("python -c pass", start, 0.0),
        ("check of one project, nothing changed", one, STARTS * start + EACH),
        (f"check of {PROJECTS} projects, nothing changed", all_, STARTS * start + EACH * PROJECTS),
        ("compile of breast-cancer, five environments", compiled, 0.0),
        ("check --full of the same", checked, compiled),
    ):
        print(f"{name:<44} {spent:>8.1f} {f'{most:.1f}' if most else '':>8}", flush=True)


def seconds(*words: str) -> float:
    """Seconds of one cold process: a command of ours, or Python that does nothing."""
    command = [MLWRIGHT, *words] if words else [sys.executable, "-c", "pass"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    spent = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} exited {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return spent
