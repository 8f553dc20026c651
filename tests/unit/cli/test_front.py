"""The front of the command line: what it imports, what it prints and how it exits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from mlwright import __version__, cli

HEAVY = ("pydantic", "pydantic_core", "yaml", "mlflow", "optuna", "jinja2", "rich", "asyncio", "importlib.metadata")


def run(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in an environment without colour settings."""
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "MLWRIGHT_DEBUG")}
    command = [sys.executable, "-m", "mlwright", *words]
    return subprocess.run(command, capture_output=True, text=True, env=clean | (env or {}), check=False)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A command `probe` whose `execute` a test may replace."""
    module = SimpleNamespace(configure=lambda parser: parser.add_argument("--strict"), execute=lambda args: 0)
    monkeypatch.setitem(sys.modules, "mlwright.cli.probe", module)  # type: ignore[misc]
    monkeypatch.setattr(cli, "COMMANDS", {"probe": "a command of this test"})
    return module  # type: ignore[return-value]


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["valdate"], ["explain", "--help"]])
def test_the_front_imports_nothing_heavy(words: list[str]) -> None:
    script = f"import sys; from mlwright.cli import main; main({words}); print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = done.stderr.splitlines()[-1].split()
    assert "mlwright.cli" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_help_lists_every_command_and_the_exit_codes() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(f"  {name} " in done.stdout for name in cli.COMMANDS)
    assert "130 interrupted" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_a_module_with_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = cli.module(name)
    assert callable(module.configure)
    assert callable(module.execute)
    assert cli.main(["help", name]) == cli.main([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: mlwright {name}")


def test_version_is_the_packages_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"mlwright {__version__}\n"


def test_no_command_at_all_is_a_usage_error_that_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage: mlwright COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["valdate"], "there is no command `valdate`: did you mean `mlwright validate`?"),
        (["complie", "x"], "did you mean `mlwright compile`?"),
        (["--hepl"], "there is no option `--hepl`: did you mean `mlwright --help`?"),
        (["zzz"], "`mlwright --help` lists the commands"),
        ([""], "there is no command ``"),
        (["validate", "--evn", "prod"], "(did you mean --env?)"),
        (["validate", "--strickt"], "(did you mean --strict?)"),
        (["tracking", "plann"], "(did you mean plan?)"),
        (["validate", "--format", "jsn"], "(did you mean json?)"),
        (["validate", "--env"], "expected one argument"),
        (["validate", "--format", "xml"], "invalid choice: 'xml'"),
        (["compile", "--emit", "raport"], "'raport' is neither of report, map"),
        (["schema", "extra"], "unrecognized arguments: extra"),
        (["explain", "NOPE999"], "there is no code 'NOPE999'"),
    ],
)
def test_a_wrong_command_line_exits_2_and_says_what_was_meant(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert expected in captured.err
    assert captured.out == ""


def test_a_commands_exit_code_is_the_programs(command: ModuleType) -> None:
    command.execute = lambda args: 1  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == 1


def test_an_abbreviated_option_is_refused(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["probe", "--stri", "x"]) == 2
    assert "did you mean --strict?" in capsys.readouterr().err


def test_a_bug_exits_3_asks_for_a_report_and_hides_the_traceback(
    command: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLWRIGHT_DEBUG", raising=False)
    command.execute = lambda args: {}["missing"]  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == 3
    said = capsys.readouterr().err
    assert "KeyError: 'missing'" in said
    assert "report" in said
    assert "Traceback" not in said


def test_debug_shows_the_traceback_of_a_bug(
    command: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLWRIGHT_DEBUG", "1")
    command.execute = lambda args: {}["missing"]  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == 3
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_ctrl_c_exits_130_without_a_traceback(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    command.execute = interrupted  # type: ignore[attr-defined]
    assert cli.main(["probe"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_stops_reading_changes_neither_exit_code_nor_stderr(tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    script = f"'{sys.executable}' -m mlwright explain 2>'{errors}' | head -n 0; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert errors.read_text() == ""


def test_what_the_terminal_cannot_encode_is_shown_as_an_escape() -> None:
    done = run("stücklist", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 2
    assert "st\\xfccklist" in done.stderr
