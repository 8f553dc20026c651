"""`.ci/install.py`: what `make` calls first, with nothing installed for real."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Checkout:
    """A small tree with a space in its name, and a log of the commands that the script would have run."""

    def __init__(self, module: ModuleType, root: Path) -> None:
        self.module = module
        self.root = root
        self.ran: list[str] = []
        for name in ("core", "local", "test", "dev", "kfp", "examples"):
            self.write(f".ci/{name}.txt", name)
        self.write("pyproject.toml", "[project]")
        self.write("compiler/mlwright/__init__.py", "")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *command: str) -> None:
        """Stands in for the subprocess: makes what `python -m venv` would make."""
        self.ran.append("venv" if "venv" in command else "lock" if "-r" in command else "checkout")
        if "venv" in command:
            folder = Path(command[-1]).name
            self.write(f"{folder}/bin/pip", f"#!{self.root}/{folder}/bin/python")

    def make(self, lock: str) -> list[str]:
        """What one call of the script runs."""
        self.ran.clear()
        assert self.module.main([lock]) == 0
        return list(self.ran)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    spec = importlib.util.spec_from_file_location("venv_script", ROOT / ".ci" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "a check out"
    made = Checkout(module, root)
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "VENV", root / ".venv")
    monkeypatch.setattr(module, "_run", made.run)
    answer = subprocess.CompletedProcess[str]([], 0)
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: answer)
    return made


def test_the_first_time_makes_the_environment_and_installs_lock_and_checkout(checkout: Checkout) -> None:
    assert checkout.make("local") == ["venv", "lock", "checkout"]


def test_the_second_time_does_nothing(checkout: Checkout) -> None:
    checkout.make("test")
    assert checkout.make("test") == []


def test_a_larger_lock_file_serves_for_a_smaller_one(checkout: Checkout) -> None:
    checkout.make("test")
    assert checkout.make("local") == []


def test_a_smaller_lock_file_does_not_serve_for_a_larger_one(checkout: Checkout) -> None:
    checkout.make("local")
    assert checkout.make("test") == ["lock", "checkout"]


@pytest.mark.parametrize("file", [".ci/local.txt", "pyproject.toml", "compiler/mlwright/__init__.py"])
def test_a_changed_lock_entry_point_or_version_installs_again(file: str, checkout: Checkout) -> None:
    checkout.make("local")
    checkout.write(file, "changed")
    assert checkout.make("local") == ["lock", "checkout"]


def test_an_environment_from_another_folder_is_made_anew(checkout: Checkout) -> None:
    checkout.make("local")
    checkout.write(".venv/bin/pip", "#!/somewhere/else/.venv/bin/python")
    assert checkout.make("local") == ["venv", "lock", "checkout"]


def test_an_environment_without_pip_is_made_anew(checkout: Checkout) -> None:
    checkout.write(".venv/lib/left", "over")
    assert checkout.make("core") == ["venv", "lock", "checkout"]
    assert not (checkout.root / ".venv/lib/left").exists()


@pytest.mark.parametrize(("lock", "installed"), [("kfp", ["lock"]), ("examples", ["lock", "checkout"])])
def test_an_environment_of_its_own_leaves_the_usual_one_alone(
    lock: str, installed: list[str], checkout: Checkout
) -> None:
    checkout.make("dev")
    assert checkout.make(lock) == ["venv", *installed]
    assert checkout.make(lock) == []
    assert (checkout.root / f".venv-{lock}").is_dir()
    assert checkout.make("dev") == []


@pytest.mark.parametrize("words", [[], ["prod"], ["local", "dev"]])
def test_an_unknown_lock_file_is_refused(
    words: list[str], checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert checkout.module.main(words) == 2
    assert "core|local|test|dev" in capsys.readouterr().err


def test_an_old_python_is_refused_with_what_to_type(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checkout.module.sys, "version_info", (3, 9, 2))
    assert checkout.module.main(["local"]) == 2
    assert "make demo PYTHON=" in capsys.readouterr().err
    assert checkout.ran == []
