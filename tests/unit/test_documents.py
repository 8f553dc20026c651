"""README, docs and examples: links lead somewhere, commands exist, and projects that readers copy are sound."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gen
from mlwright import api, cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *ROOT.glob(".github/*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("examples/*/*.md"),
    )
    if path.is_file()
)
EXAMPLES = sorted(path.parent for path in ROOT.glob("examples/*/mlproject.yaml"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


GUIDES = [page for page in PAGES if page.parent.name != "reference"]  # the reference shows what is refused, too
ON_PLATFORM = """\
apiVersion: mlwright.dev/v1
kind: MLProject
metadata: {name: demo}
steps: {a: {image: "acme/demo:1", command: [python, a.py]}}
environments: {prod: {platform: platform.yaml}}
"""
WITH_PRICES = """\
apiVersion: mlwright.dev/v1
kind: Platform
orchestrator: kubernetes
kubernetes: "1.36"
images: {tools: "registry.example.com/mlwright-tools:0.1"}
gpus: {a100: {}}
prices: prices.yaml
"""
FILES = {"MLProject": "mlproject.yaml", "Platform": "platform.yaml", "Prices": "prices.yaml"}
WHOLE = [(page, text) for page in GUIDES for text in blocks(page, "yaml") if text.startswith("apiVersion:")]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)]+)\)", page.read_text())]
    local = [target for target in targets if target and "://" not in target]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_is_shown_exists(page: Path) -> None:
    shown = {
        word
        for text in blocks(page, "sh")
        for word in re.findall(r"(?:^|/)mlwright ([a-z][a-z-]*[a-z])", text, re.MULTILINE)
    }
    assert shown <= set(cli.COMMANDS)


@pytest.mark.parametrize(
    "word", re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", (ROOT / "README.md").read_text(), re.MULTILINE)
)
def test_every_make_target_of_the_readme_exists(word: tuple[str, str]) -> None:
    assert re.search(rf"^{word[0] or word[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_readme_says_the_two_commands() -> None:
    assert {"make demo", "make test"} <= set(
        re.findall(r"^make [a-z]+", (ROOT / "README.md").read_text(), re.MULTILINE)
    )


@pytest.mark.parametrize(("page", "text"), WHOLE, ids=[name(page) for page, _ in WHOLE])
def test_a_whole_project_platform_or_price_file_in_a_page_validates(page: Path, text: str, tmp_path: Path) -> None:
    kind = re.search(r"^kind: (\w+)$", text, re.MULTILINE)
    assert kind is not None
    (tmp_path / FILES[kind[1]]).write_text(text)
    if kind[1] != "MLProject":
        (tmp_path / "mlproject.yaml").write_text(ON_PLATFORM)
    if kind[1] == "Prices":
        (tmp_path / "platform.yaml").write_text(WITH_PRICES)
    for file in ("request.json", "Dockerfile"):
        (tmp_path / file).write_text("{}")
    result = api.validate([str(tmp_path)])
    assert result.usage_error == ""
    assert [item for item in result.diagnostics if item.severity != "note"] == []


@pytest.mark.parametrize("example", [path for path in EXAMPLES if path.name != "kitchen-sink"], ids=name)
def test_an_example_has_neither_errors_nor_warnings(example: Path) -> None:
    result = api.validate([str(example)])
    assert result.usage_error == ""
    assert [item for item in result.diagnostics if item.severity != "note"] == []


def test_the_minimal_example_is_under_15_lines() -> None:
    assert len((ROOT / "examples/minimal/mlproject.yaml").read_text().splitlines()) < 15


def test_the_minimal_examples_programs_work_together(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples/minimal", tmp_path / "minimal")
    curve = str(tmp_path / "curve")
    for words in (["train.py", "--degree", "2", "--out", curve], ["evaluate.py", curve]):
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path / "minimal", capture_output=True, text=True, check=True
        )
    assert done.stdout == "error=0.000000\n"


def test_everything_that_is_generated_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert gen.main(["--check"]) == 0, capsys.readouterr().out


def test_a_stale_generated_file_is_named_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gen, "ROOT", tmp_path)
    assert gen.main(["--check"]) == 1
    assert "stale: docs/reference/codes.md" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert gen.main([]) == 0
    assert gen.main(["--check"]) == 0
