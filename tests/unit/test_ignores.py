"""`# mlwright: ignore[CODE]`: which findings it leaves out, where it may stand, and when nothing needed it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlwright import api, cli
from mlwright.diag import Diagnostic
from mlwright.source import ignores

HEAD = "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: probe}\n"
UNREAD = """\
steps:
  a:
    image: probe:1
    command: [python, a.py, --out, "${outputs.x}"]
    outputs: {x: {type: file}}{end}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "mlproject.yaml") -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text, newline="")


def unread(end: str = "", above: str = "") -> str:
    return HEAD + UNREAD.replace("{end}", end).replace("    outputs", f"{above}    outputs")


def codes(found: tuple[Diagnostic, ...]) -> list[str]:
    return [item.code for item in found]


def validated(*paths: str, **options: object) -> list[str]:
    return codes(api.validate(paths, **options).diagnostics)  # type: ignore[arg-type]


IGNORE = "# mlwright: ignore[STEP003]"


@pytest.mark.parametrize(
    ("end", "above"),
    [
        (f"  {IGNORE}", ""),
        (f"  {IGNORE} read by a person", ""),
        ("  #mlwright:ignore[ STEP003 ]: why", ""),
        (f"  # noted by ops {IGNORE}", ""),
        ("", f"    {IGNORE}\n"),
        ("", f"{IGNORE}\n    # why that is,\n# at length\n"),
    ],
)
def test_a_comment_at_the_end_of_the_line_or_alone_above_it_leaves_the_finding_out(end: str, above: str) -> None:
    write(unread())
    assert validated() == ["STEP003"]
    write(unread(end, above))
    assert validated() == []
    assert validated(strict=True) == []


def test_the_same_with_the_line_ends_of_windows() -> None:
    write(unread("", f"    {IGNORE}\n").replace("\n", "\r\n"))
    assert validated() == []


@pytest.mark.parametrize("above", [f"    {IGNORE}\n\n", f"    {IGNORE}\n    env: {{A: b}}\n"])
def test_a_comment_alone_speaks_of_the_next_line_only(above: str) -> None:
    write(unread("", above))
    assert sorted(validated()) == ["IGN003", "STEP003"]


@pytest.mark.parametrize(
    "step",
    [
        'command: [echo, "# mlwright: ignore[NOPE]"]',
        "command: [echo, '# mlwright: ignore[NOPE]']",
        "command: |\n      # mlwright: ignore[NOPE]\n      echo x\n",
        "command: >-\n      echo\n\n      # mlwright: ignore\n",
        'command: "echo\n      # mlwright: ignore[NOPE]"',
        "command: [echo, 'x# mlwright: ignore[NOPE]']",
        "command: [echo, ok]  # mlwright: compiles this, and a person reads it",
        "command: [echo, ok]  # see mlwright",
    ],
)
def test_what_only_looks_like_a_comment_says_nothing(step: str) -> None:
    write(f"{HEAD}steps:\n  a:\n    image: probe:1\n    {step}\n")
    assert validated() == []


def test_a_comment_beside_the_sign_of_a_block_is_a_comment() -> None:
    write(f"{HEAD}steps:\n  a:\n    image: probe:1\n    command: |  # mlwright: ignore[NOPE]\n      echo x\n")
    assert validated() == ["IGN001"]


@pytest.mark.parametrize(
    "text", ["ignore", "ignore STEP003", "ignore[]", "ignore[STEP003", "ignroe[STEP003]", "ignore[,]"]
)
def test_a_comment_without_a_list_of_codes_is_reported(text: str) -> None:
    write(unread(f"  # mlwright: {text}"))
    assert sorted(validated()) == ["IGN002", "STEP003"]


def test_several_codes_are_each_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    write(unread("  # mlwright: ignore[STEP003, step003, REF001]"))
    cli.main(["validate"])
    shown = capsys.readouterr().out
    assert "did you mean `STEP003`?" in shown and "no `REF001` in local" in shown
    assert "nothing reads" not in shown


def test_an_error_stays_and_the_comment_is_told_so() -> None:
    write(f'{HEAD}steps:\n  a: {{image: "p:1", command: ["${{params.x}}"]}}  # mlwright: ignore[REF011]\n')
    result = api.validate()
    assert sorted(codes(result.diagnostics)) == ["IGN004", "REF011"]
    assert result.failed


def test_a_finding_of_another_code_on_the_line_stays() -> None:
    write(unread("  # mlwright: ignore[OWN008]"))
    assert sorted(validated()) == ["IGN003", "STEP003"]


def test_nothing_is_called_unused_while_there_are_errors() -> None:
    write(unread("  # mlwright: ignore[OWN008]") + '  b: {image: "p:1", command: ["${params.x}"]}\n')
    assert "IGN003" not in validated()


SPOT = """\
    resources: {disk: 10Gi}  # mlwright: ignore[OWN008] the laptop is large enough
environments:
  local: {platform: compose}
  prod: {platform: kubernetes}
"""


def test_what_only_one_environments_target_says_is_left_out_and_not_unused_for_the_other() -> None:
    text = f'{HEAD}steps:\n  a:\n    image: "p:1"\n    command: [echo]\n'
    write(text + SPOT.replace("  # mlwright", " # "))
    assert validated() == ["OWN008"]
    write(text + SPOT)
    assert validated() == validated(env="prod") == validated(env="local") == []
    assert codes(api.compile(["mlproject.yaml"]).diagnostics) == []
    assert codes(api.compile(["mlproject.yaml"], envs=["prod"]).diagnostics) == []


def test_what_no_environment_has_is_unused_for_all_and_not_asked_for_one() -> None:
    write(
        f'{HEAD}steps:\n  a:\n    image: "p:1"\n    command: [echo]\n'
        + SPOT.replace("resources: {disk: 10Gi}", "env: {A: b}")
    )
    assert validated() == ["IGN003"]
    assert codes(api.compile(["mlproject.yaml"]).diagnostics) == ["IGN003"]
    assert validated(env="prod") == [] == codes(api.compile(["mlproject.yaml"], envs=["prod"]).diagnostics)
    assert "in local, prod" in api.validate().diagnostics[0].message
    assert validated(strict=True) == ["IGN003"]
    assert api.validate(strict=True).failed


def test_an_extended_file_may_have_comments_which_are_judged_when_its_folder_is_searched() -> None:
    base = UNREAD.replace("{end}", f"  {IGNORE}")
    write(base, "shared/base.yaml")
    write(HEAD + "extends: ../shared/base.yaml\n", "a/mlproject.yaml")
    write(HEAD + "extends: ../shared/base.yaml\nsteps: {a: {outputs: {x: {type: file}}}}\n", "b/mlproject.yaml")
    assert validated("a") == []
    assert validated("b") == ["STEP003"]  # the finding is in this file: the comment there is not about it
    assert validated(".") == ["STEP003"]
    write(HEAD + "steps: {c: {image: 'p:1', command: [echo]}}\n", "a/mlproject.yaml")
    assert validated("b/mlproject.yaml") == validated("b") == ["STEP003"]
    found = api.validate(["."]).diagnostics
    assert [(item.code, item.span.file if item.span else "") for item in found if item.code == "IGN003"] == [
        ("IGN003", "shared/base.yaml")
    ]


def test_a_platform_file_may_have_comments() -> None:
    write(HEAD + "training: {image: 'p:1', command: [echo]}\nenvironments: {prod: {platform: platform.yaml}}\n")
    text = "apiVersion: mlwright.dev/v1\nkind: Platform\norchestrator: kubernetes\nkubernetes: '1.99'"
    write(text, "platform.yaml")
    assert validated() == ["PLAT004"]
    write(text + "  # mlwright: ignore[PLAT004] tried by ops\n", "platform.yaml")
    assert validated() == validated(".") == []
    write(text.replace("1.99", "1.34") + "  # mlwright: ignore[PLAT004] tried by ops\n", "platform.yaml")
    assert (validated(), validated(".")) == ([], ["IGN003"])


def test_a_file_that_says_nothing_to_mlwright_is_not_read_a_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("this file was scanned")

    monkeypatch.setattr(yaml, "scan", refuse)
    assert ignores.read({"mlproject.yaml": unread().encode(), "data.csv": b"# mlwright: ignore[X]"}) is ignores.NOTHING
    with pytest.raises(AssertionError):
        ignores.read({"mlproject.yaml": b"a: 1 # mlwright: ignore[X]"})


def test_what_is_no_yaml_has_no_comments() -> None:
    assert (
        ignores.read({"a.yaml": b"a: ' # mlwright: ignore[X]\n", "b.yaml": b"\xff\xfe# mlwright: x"}) is ignores.NOTHING
    )
