"""What every example compiles to, to the byte: documents for the environments that can be written, findings for others.

`MLWRIGHT_UPDATE=1` writes the expectations anew: read the difference before committing it. The runtime programs are
shipped verbatim, so only their names are kept here.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from mlwright import api, build
from mlwright.diag.render.text import render

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
EXAMPLES = sorted(
    path.parent.relative_to(ROOT / "examples").as_posix() for path in (ROOT / "examples").rglob("mlproject.yaml")
)
VERBATIM = "runtime"
_IMPORTS = re.compile(r"^[ \t]*(?:from|import) .*$", re.MULTILINE)


@pytest.fixture(autouse=True)
def bare_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runtime programs of nothing but their imports: clusters get their text in a ConfigMap called after that."""
    bare = {name: "\n".join(_IMPORTS.findall(text)) + "\n" for name, text in build._programs().items()}
    monkeypatch.setattr(build, "_programs", lambda: bare)


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an example; the working directory is a copy of it."""
    top = str(request.param).partition("/")[0]
    shutil.copytree(ROOT / "examples" / top, tmp_path / top, ignore=shutil.ignore_patterns(".mlwright", "manifests"))
    monkeypatch.chdir(tmp_path / request.param)
    return str(request.param)


def test_each_environment_gives_what_it_gave(example: str) -> None:
    environments = api.environments()
    assert environments, "the example cannot be read"
    for environment in environments:
        expected = HERE / example / environment
        result = api.compile(envs=[environment])
        made = _made(Path("manifests", environment)) | {"findings.txt": _findings(result)}
        if os.environ.get("MLWRIGHT_UPDATE"):
            shutil.rmtree(expected, ignore_errors=True)
            for path, data in made.items():
                (expected / path).parent.mkdir(parents=True, exist_ok=True)
                (expected / path).write_bytes(data)
        present = _made(expected)
        # Names first: pytest would compare whole folders for minutes.
        others = [name for name in sorted(present.keys() | made.keys()) if present.get(name) != made.get(name)]
        assert others == [], f"{example}, {environment}"


def test_a_second_compile_changes_nothing(example: str) -> None:
    api.compile()
    before = {path: path.stat().st_mtime_ns for path in Path("manifests").rglob("*")}
    assert api.compile().written == ()
    assert {path: path.stat().st_mtime_ns for path in Path("manifests").rglob("*")} == before


def _made(folder: Path) -> dict[str, bytes]:
    """Files below a folder; of what is shipped verbatim, and of the index with its digests of that, only the names."""
    made = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != "index.json":
            verbatim = VERBATIM in path.relative_to(folder).parts
            made[name] = b"" if verbatim else path.read_bytes()
    return made


def _findings(result: api.Result) -> bytes:
    return render(result.diagnostics, result.read, False, 80).encode()
