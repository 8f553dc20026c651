"""`tracking.project`: what becomes of it, and what it cannot be."""

from __future__ import annotations

import pytest

from tests.unit.passes.understood import IMAGE, codes, program

STEP = IMAGE + "steps: {a: {command: [echo]}}\nenvironments: {here: {platform: compose}}\n"


def test_the_requirements_file_goes_with_the_program() -> None:
    text = STEP + "tracking: {project: {type: python, requirements: deps/r.txt}}\n"
    made = program(text, **{"deps/r.txt": b"numpy==2\n  # more\nscipy>=1 ; python_version > '3'\n"})
    assert made.tracking.project.requirements == "numpy==2\n  # more\nscipy>=1 ; python_version > '3'\n"


@pytest.mark.parametrize("line", ["-r base.txt", "-e .", "./wheel.whl", "/opt/x.whl", "--find-links=x", "a @ file:b"])
def test_a_requirement_that_is_another_file_is_refused(line: str) -> None:
    text = STEP + "tracking: {project: {type: python, requirements: r.txt}}\n"
    assert codes(text, **{"r.txt": f"numpy\n{line}\n".encode()}) == ["MLP002"]


def test_a_requirements_file_has_to_be_there_and_text() -> None:
    text = STEP + "tracking: {project: {type: python, requirements: r.txt}}\n"
    assert codes(text) == ["SPEC040"]
    assert codes(text, **{"r.txt": b"\xff"}) == ["SPEC040"]


def test_without_it_there_is_none() -> None:
    assert program(STEP).tracking.project.type == "none"


def test_an_environment_on_local_never_has_one() -> None:
    databricks = "tracking: {server: {type: databricks}, project: {type: system}}\n"
    local = STEP.replace("platform: compose", "platform: local, allow_remote_writes: true") + databricks
    assert codes(local) == []
    assert codes(local.replace("platform: local", "platform: compose")) == ["MLP001"]
