"""`make bench`: how long a command takes beside what it cannot be faster than, and how a thousand projects grow.

Every command is a cold process. The rounds are interleaved, so that a slow minute of the machine slows all of them;
each figure is the median of ten. Nothing here asserts: the figures are for README's performance section.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import checking  # beside this file
import cluster
import revisions

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
ROUNDS = 10
SIZES = (100, 500, 1000)
BASE = "import pydantic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One command, and at most how many times the base case it may take (0: no figure to reach)."""

    name: str
    command: tuple[str, ...]
    target: float = 0.0
    accepted: tuple[int, ...] = (0,)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder:  # on the disk that projects are on
        work = Path(folder)
        optimised = "--enable-optimizations" in str(sysconfig.get_config_var("CONFIG_ARGS"))
        built = "an optimised build" if optimised else "a build without --enable-optimizations"
        print(f"Python {sys.version.split()[0]} ({built}), {os.cpu_count()} cores, median of {ROUNDS}\n")
        show(measure(list(cases(work))))
        cluster.show(work / "cluster")  # before others leave many files behind
        print(f"\n{'copies':>8} {'total s':>9} {'ms each':>9} {'peak MiB':>10}   (one process: compile of a folder)")
        for size in SIZES:
            total, peak = copies(work, size)
            print(f"{size:>8} {total:>9.2f} {total / size * 1000:>9.1f} {peak:>10.0f}", flush=True)
        checking.show(work / "checking", ROOT / "examples")
        revisions.show(work / "revisions")
    return 0


def cases(work: Path) -> Iterable[Case]:
    """What is measured; peers only where they are installed."""
    mlwright = str(BIN / "mlwright")
    largest = max((ROOT / "examples").glob("*/mlproject.yaml"), key=lambda path: path.stat().st_size)
    demo = copy(work / "demo")
    yield Case(name="python -c pass", command=(sys.executable, "-c", "pass"))
    yield Case(name=BASE, command=(sys.executable, "-c", "from pydantic import BaseModel"))
    yield Case(name="mlwright --help", command=(mlwright, "--help"))
    name = largest.parent.name
    # The kitchen sink has findings in the environments whose targets are not installed.
    yield Case(name=f"validate {name}", command=(mlwright, "validate", str(largest)), target=4, accepted=(0, 1))
    yield Case(name="compile breast-cancer", command=(mlwright, "compile", str(demo), "--env", "compose"), target=5)
    if shutil.which("kubectl"):
        (work / "kustomization.yaml").write_text("resources: [cm.yaml]\n")
        (work / "cm.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n")
        yield Case(name="kubectl kustomize (1 object)", command=("kubectl", "kustomize", str(work)))
    if shutil.which("docker") and ok(("docker", "compose", "version")) and ok((mlwright, "compile", str(demo))):
        written = next((demo.parent / "manifests").rglob("compose.yaml"))
        yield Case(name="docker compose config", command=("docker", "compose", "-f", str(written), "config", "-q"))


ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""As users start programs: with bytecode."""


def measure(chosen: list[Case]) -> dict[Case, float]:
    """Median seconds of each case, the rounds interleaved, after one unmeasured round that fills the caches."""
    taken: dict[Case, list[float]] = {case: [] for case in chosen}
    for number in range(ROUNDS + 1):
        for case in chosen:
            seconds = once(case)
            if number:
                taken[case].append(seconds)
    return {case: statistics.median(times) for case, times in taken.items()}


def once(case: Case) -> float:
    """Seconds of one cold process; anything but an accepted exit code ends the bench."""
    start = time.perf_counter()
    done = subprocess.run(case.command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    seconds = time.perf_counter() - start
    if done.returncode not in case.accepted:
        sys.exit(f"{case.name} exited {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return seconds


def show(medians: dict[Case, float]) -> None:
    base = next(seconds for case, seconds in medians.items() if case.name == BASE)
    print(f"{'command':<30} {'ms':>7} {'x pydantic':>11} {'at most':>8}")
    for case, seconds in medians.items():
        ratio = seconds / base
        goal = f"{case.target:g}x {'yes' if ratio <= case.target else 'NO'}" if case.target else ""
        print(f"{case.name:<30} {seconds * 1000:>7.1f} {ratio:>10.2f}x {goal:>8}")


def copies(work: Path, size: int) -> tuple[float, float]:
    """Seconds and peak resident MiB of one process that compiles a folder with `size` copies of the example."""
    folder = work / f"copies-{size}"
    for number in range(size):
        copy(folder / f"p{number:04}")
    script = (
        "import json, resource, sys, time; from mlwright import api; start = time.perf_counter();"
        "result = api.compile([sys.argv[1]], envs=['compose']); seconds = time.perf_counter() - start;"
        "assert not result.failed and not result.usage_error, result;"
        "print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    seconds, kibibytes = json.loads(done.stdout)
    return seconds, kibibytes / (1024 * 1024 if sys.platform == "darwin" else 1024)


def copy(folder: Path) -> Path:
    """A copy of the breast-cancer example's sources, without what an earlier run left there."""
    source = ROOT / "examples" / "breast-cancer"
    skip: Callable[[str, list[str]], set[str]] = shutil.ignore_patterns(".mlwright", "manifests", "__pycache__")
    shutil.copytree(source, folder, ignore=skip)
    return folder / "mlproject.yaml"


def ok(command: tuple[str, ...]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
