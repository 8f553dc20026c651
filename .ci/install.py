"""Makes `.venv` hold what one lock file lists, and this checkout in editable form.

usage: python3 .ci/install.py core|local|test|dev|kfp|examples

`kfp` is an environment of its own, `.venv-kfp`: Kubeflow's SDK alone. So is `examples`, with what the larger examples
train with.
Does nothing when the lock file (or a larger one) was installed before and nothing it depends on has changed.
An environment that was copied or moved here from another folder, or whose Python is gone, is made anew.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

LOCKS = ("core", "local", "test", "dev")
"""Each is a superset of the one before."""
ALONE = ("kfp", "examples")
"""Those that are in environments of their own."""
WITHOUT = ("kfp",)
"""Those that do not have this checkout."""

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"


def main(arguments: list[str]) -> int:
    """Exit code 0, or 2 when this Python or the request cannot be used."""
    if sys.version_info < (3, 11):
        print(f"mlwright needs Python 3.11 or newer, and this is {sys.version.split()[0]}:", file=sys.stderr)
        print("say which one to use, for example `make demo PYTHON=python3.12`", file=sys.stderr)
        return 2
    if len(arguments) != 1 or arguments[0] not in (*LOCKS, *ALONE):
        print(f"usage: .ci/install.py {'|'.join((*LOCKS, *ALONE))}", file=sys.stderr)
        return 2
    lock = arguments[0]
    venv = ROOT / f".venv-{lock}" if lock in ALONE else VENV
    enough = [lock] if lock in ALONE else LOCKS[LOCKS.index(lock) :]
    if not _usable(venv):
        shutil.rmtree(venv, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(venv))
    elif any(_stamp(venv, name).is_file() and _stamp(venv, name).read_text() == _digest(name) for name in enough):
        return 0
    print(f"installing .ci/{lock}.txt into {venv.name} (the first time takes a few minutes)", flush=True)
    pip = (str(_python(venv)), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-input")
    _run(*pip, "--require-hashes", "-r", str(ROOT / ".ci" / f"{lock}.txt"))
    if lock not in WITHOUT:
        _run(*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    _stamp(venv, lock).write_text(_digest(lock))
    return 0


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


def _usable(venv: Path) -> bool:
    """True when it was made for this very folder (its scripts hold the path) and its Python still starts."""
    script = venv / "bin" / "pip"
    if not script.is_file() or str(_python(venv).parent) not in script.read_text(errors="replace"):
        return False
    return subprocess.run([str(_python(venv)), "-c", "import pip"], capture_output=True, check=False).returncode == 0


def _stamp(venv: Path, lock: str) -> Path:
    return venv / f".installed-{lock}"


def _digest(lock: str) -> str:
    """What the installation depends on: the lock file and, but for the SDK, the entry points and the version."""
    files = [ROOT / ".ci" / f"{lock}.txt"]
    if lock not in WITHOUT:
        files += [ROOT / "pyproject.toml", ROOT / "compiler" / "mlwright" / "__init__.py"]
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False)
    if done.returncode != 0:
        sys.exit(f"failed with exit code {done.returncode}: {' '.join(command)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
