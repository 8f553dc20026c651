"""SARIF: what is written is valid by the published schema, and by what code scanning asks beyond it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlwright import api, cli
from mlwright.diag import Diagnostic, Label
from mlwright.diag.codes import CODES
from mlwright.diag.render import sarif
from mlwright.diag.render.places import Places
from mlwright.span import Span

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMA = json.loads((HERE / "schemas/sarif/sarif-2.1.0.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
PLACES = Places(root="/repo", folder="/repo/ml")


def log(*items: Diagnostic, read: Any = lambda file: None) -> Any:
    made = json.loads(sarif.render(items, PLACES, read, "1.2.3"))
    VALIDATOR.validate(made)
    return made["runs"][0]


def at(line: int, file: str = "mlproject.yaml", **more: Any) -> Label:
    return Label(span=Span(file, line, 2, line, 6), **more)


def test_a_wrong_log_is_refused_by_the_schema() -> None:
    made = json.loads(sarif.render([Diagnostic(code="REF010", message="m", at=at(1))], PLACES, lambda _: None, "1"))
    made["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(made)


@pytest.mark.parametrize("case", sorted(path.name for path in (ROOT / "tests/diagnostics").glob("*[05]-*"))[::6])
def test_every_kind_of_finding_makes_a_valid_log(
    case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / "tests/diagnostics" / case, tmp_path / "ml projects/one")
    monkeypatch.chdir(tmp_path / "ml projects/one")
    cli.main(["validate", "mlproject.yaml", "--format", "sarif", "--notes"])
    made = json.loads(capsys.readouterr().out)
    VALIDATOR.validate(made)
    (run,) = made["runs"]
    found = [item for item in api.validate(["mlproject.yaml"]).diagnostics if item.span]
    assert [result["ruleId"] for result in run["results"]] == [item.code for item in found]
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert (rule["id"], rule["shortDescription"]["text"]) == (result["ruleId"], CODES[result["ruleId"]].title)
        (place,) = result["locations"]  # code scanning refuses a result without one
        assert place["physicalLocation"]["artifactLocation"]["uri"].startswith("ml%20projects/one/")
        assert place["physicalLocation"]["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]


def test_a_region_is_the_span_in_code_points() -> None:
    run = log(Diagnostic(code="REF010", message="m", at=Label(span=Span("a.yaml", 2, 3, 4, 5))))
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 2, "startColumn": 3, "endLine": 4, "endColumn": 5,
    }  # fmt: skip


def test_related_places_are_numbered_and_notes_are_part_of_the_message() -> None:
    related = (at(1, text="first"), Label(text="nowhere"), at(9, "../base.yaml", text="there"))
    (result,) = log(Diagnostic(code="REF010", message="m", at=at(5), related=related, help="h"))["results"]
    assert result["message"]["text"] == "m\nnowhere\nhelp: h"
    assert [(one["id"], one["message"]["text"]) for one in result["relatedLocations"]] == [(1, "first"), (2, "there")]
    assert result["relatedLocations"][1]["physicalLocation"]["artifactLocation"]["uri"] == "base.yaml"


def test_a_finding_without_a_place_is_a_notification_of_the_run() -> None:
    run = log(Diagnostic(code="YAML025", message="there is no file"))
    assert run["results"] == []
    assert run["invocations"][0]["toolExecutionNotifications"] == [
        {"level": "error", "message": {"text": "YAML025: there is no file"}}
    ]


def test_a_file_outside_the_repository_is_named_in_full() -> None:
    (result,) = log(Diagnostic(code="REF010", message="m", at=at(1, "../../else/a b.yaml")))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///else/a%20b.yaml"}


def test_a_fingerprint_does_not_change_when_lines_above_come_and_go() -> None:
    def of(line: int, **more: Any) -> str:
        (result,) = log(Diagnostic(code="REF010", message="m", at=at(line, path=("steps", "a"), **more)))["results"]
        return str(result["partialFingerprints"][sarif.FINGERPRINT])

    assert of(3) == of(30)


def test_a_finding_of_text_that_is_no_document_goes_by_its_line() -> None:
    texts = {1: "x\n  a: [\n", 2: "x\ny\nz\n a: [\n", 3: "x\n  b: [\n"}

    def of(which: int, line: int) -> str:
        finding = Diagnostic(code="YAML001", message="m", at=at(line))
        (result,) = log(finding, read=lambda file: texts[which])["results"]
        return str(result["partialFingerprints"][sarif.FINGERPRINT])

    assert of(1, 2) == of(2, 4) != of(3, 2)


def test_findings_that_say_the_same_have_fingerprints_of_their_own() -> None:
    twice = [Diagnostic(code="REF010", message="m", at=at(line)) for line in (1, 2)]
    other = [
        Diagnostic(code="REF010", message="m", at=at(1, "b.yaml")),
        Diagnostic(code="REF011", message="m", at=at(1)),
    ]
    prints = [result["partialFingerprints"][sarif.FINGERPRINT] for result in log(*twice, *other)["results"]]
    assert len(set(prints)) == 4


def test_a_message_cannot_be_a_link() -> None:
    (result,) = log(Diagnostic(code="REF010", message="see [here](https://evil.example)", at=at(1)))["results"]
    assert result["message"]["text"] == "see [here\\](https://evil.example)"


@given(st.text(), st.text(min_size=1), st.text())
def test_any_text_makes_a_valid_log(message: str, file: str, label: str) -> None:
    item = Diagnostic(code="REF010", message=message, at=at(1, file, text=label), related=(at(2, file, text=label),))
    assert sarif.render([item], PLACES, lambda _: message, "1").isascii()
    log(item, read=lambda _: message)
