"""Images under the names that the output uses: pulled where the engine is somebody's, stand-ins where it is ours.

A stand-in is Debian's, PyPI's or our own build of the same program with the variables, users and folders of the real
image. None is ever made on an engine that others use: it would hide the real one there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.e2e.compose.engine import Engine
from tests.e2e.programs import WEED, Missing, done, told

FOLDER = Path(__file__).with_name("images")

_STANDINS = {
    "python": ("python", "debian"),
    "ghcr.io/mlflow/mlflow": ("mlflow", "python"),
    "postgres": ("postgres", "debian"),
    "mariadb": ("mariadb", "debian"),
    "chrislusf/seaweedfs": ("seaweedfs", "debian"),
}
"""By repository: the folder in `images/`, and what it is built from."""

_SUITE = "bookworm"
_PACKAGES = "python3,python3-pip,ca-certificates"
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host", "proxy", "default-timeout")
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def provide(engine: Engine, compose: dict[str, Any], folder: Path) -> None:
    """Make every image of a Compose file, and every base of what it builds, be there."""
    for name in sorted(_names(compose, folder)):
        provided(engine, name)


def _names(compose: dict[str, Any], folder: Path) -> set[str]:
    found = set()
    for service in compose["services"].values():
        build = service.get("build")
        if not build:
            found.add(service["image"])
            continue
        dockerfile = folder / build["context"] / build.get("dockerfile", "Dockerfile")
        found.update(re.findall(r"^FROM +(\S+)", dockerfile.read_text(), re.MULTILINE))
    return found


def provided(engine: Engine, name: str) -> None:
    """Make one image be there."""
    if not engine.private:
        if not _exists(engine, name):
            since = time.monotonic()
            engine.docker("pull", "-q", name)
            told(f"pulled {name}", since)
        return
    repository, _, tag = name.partition("@")[0].rpartition(":")
    if repository not in _STANDINS:
        raise Missing(f"there is no stand-in for the image {name}: add one to {FOLDER}")
    kind, base = _STANDINS[repository]
    engine.docker("tag", _standin(engine, kind, base, tag), name)


def _standin(engine: Engine, kind: str, base: str, tag: str) -> str:
    """The name of a stand-in by its content, built unless it exists."""
    made = _debian(engine) if base == "debian" else _standin(engine, *_STANDINS[base], "")
    folder = FOLDER / kind
    files = [file.name.encode() + file.read_bytes() for file in sorted(folder.iterdir())]
    tag = {"mlflow": tag, "seaweedfs": WEED.version}.get(kind, "")
    name = f"mlwright-e2e/{kind}:{_digest(made.encode(), tag.encode(), *files)}"
    if not _exists(engine, name):
        since = time.monotonic()
        args = ["--build-arg", f"BASE={made}", "--build-arg", f"TAG={tag}"]
        with tempfile.TemporaryDirectory(prefix="mlwright-e2e-image-") as context:
            shutil.copytree(folder, context, dirs_exist_ok=True)
            if kind == "seaweedfs":
                shutil.copy2(WEED.built() / WEED.name, context)
            engine.docker("build", "-q", "-t", name, *args, context)
        told(f"built a stand-in for {kind} {tag}".rstrip(), since)
    return name


def _debian(engine: Engine) -> str:
    """Debian with Python and this machine's way to the package registries, which stays in the cache."""
    pip = _pip_configuration()
    name = f"mlwright-e2e/debian:{_digest(_SUITE.encode(), _PACKAGES.encode(), pip.encode())}"
    if _exists(engine, name):
        return name
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mlwright-e2e-debian-") as place:
        root = Path(place) / "root"
        options = ["--variant=minbase", f"--include={_PACKAGES}"]
        path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
        debootstrap = str(shutil.which("debootstrap", path=path))
        done([debootstrap, *options, _SUITE, str(root), *_mirror()], env=dict(os.environ, PATH=path))
        for file in (root / "var/cache/apt/archives").glob("*.deb"):
            file.unlink()
        shutil.copyfile(_CERTIFICATES, root / _CERTIFICATES[1:])
        (root / "etc/pip.conf").write_text(pip)
        archive = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        done(["docker", "import", "-", name], env=engine.env, stdin=archive.stdout)
        archive.wait()
    told("made Debian from its packages", since)
    return name


def _mirror() -> list[str]:
    """Where this machine's apt gets Debian from; nothing, debootstrap's own choice, elsewhere."""
    command = ["apt-get", "indextargets", "--format", "$(CODENAME) $(SITE)", "Created-By: Packages"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return [line.split()[1] for line in lines if line.startswith(f"{_SUITE} ")][:1]


def _pip_configuration() -> str:
    """What pip is told here about indexes and certificates, as a configuration file."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    found = {}
    for line in lines:
        key, _, value = line.partition("=")
        if key.rpartition(".")[2] in _PIP_KEYS:
            found[key.rpartition(".")[2]] = value.strip("'\"")
    return "\n".join(["[global]", f"cert = {_CERTIFICATES}", *(f"{k} = {v}" for k, v in sorted(found.items()))]) + "\n"


def _exists(engine: Engine, name: str) -> bool:
    return bool(json.loads(engine.docker("image", "inspect", name, check=False) or "[]"))


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
