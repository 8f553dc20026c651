"""The table of codes, and the examples of the families that the source stage reports."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from mlwright.diag import Bag
from mlwright.diag.codes import CODES, FAMILIES, Code
from mlwright.source import conditions, overlay, references
from mlwright.source.files import Memory
from mlwright.source.load import load_file
from mlwright.source.tree import Json, plain, walk

LATER = {f"REF{number:03}" for number in range(10, 17)} | {"ENV010", "ENV011", "ENV012"}
"""Reported by lowering, which knows what is declared, and by checks between environments."""

COMMAND = re.compile(r"(mlwright|printf|python|truncate|chmod|mkdir|iconv) ")
MINE = [code for code in CODES.values() if code.code[:3] in ("YAM", "ENV", "REF", "WHE") and code.code not in LATER]


def codes_of(text: str) -> set[str]:
    files = Memory({"mlproject.yaml": text})
    tree, bag = load_file(files, "mlproject.yaml")
    if tree is None or bag.failed:
        return {item.code for item in bag}
    tree, found = overlay.resolve_extends(tree, "mlproject.yaml", files)
    bag.extend(found)
    bag.extend(overlay.findings(tree))
    for name, merged in overlay.environments(overlay.expand(tree)).items():
        known: dict[str, Json] = {"metadata.name": "x", "environment.name": name}
        params = plain(merged)
        assert isinstance(params, dict)
        for param, value in (params.get("params") or {}).items():
            if isinstance(value, dict) and "default" in value:
                known[f"params.{param}"] = value["default"]
        merged, found = references.substitute(merged, known)
        bag.extend(found)
        bag.extend(_condition_findings(merged))
    return {item.code for item in bag}


def _condition_findings(tree: overlay.Node) -> Bag:
    return Bag(
        item
        for path, scalar in walk(tree)
        if path[-1] == "when" and isinstance(scalar.value, str)
        for item in conditions.parse(scalar.value)[1]
    )


@pytest.mark.parametrize("code", [code for code in MINE if code.bad], ids=lambda code: code.code)
def test_the_bad_example_gets_its_code_and_the_good_one_nothing(code: Code) -> None:
    if not COMMAND.match(code.bad):
        assert codes_of(code.bad) == {code.code}
    if not COMMAND.match(code.good):
        assert codes_of(code.good) == set()


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: code.code)
def test_every_code_is_explained(code: Code) -> None:
    assert re.fullmatch(r"[A-Z]+\d{3}", code.code)
    assert code.title and not code.title.endswith(".")
    assert code.explanation.endswith(".") and 60 <= len(code.explanation) <= 800


def test_codes_of_one_family_are_in_order_and_families_too() -> None:
    names = list(CODES)
    prefixes = list(dict.fromkeys(name.rstrip("0123456789") for name in names))
    for prefix in prefixes:
        numbers = [name for name in names if name.rstrip("0123456789") == prefix]
        assert numbers == sorted(numbers)
    assert prefixes[0] == "YAML" and FAMILIES[0] == "yaml"


def test_the_table_is_not_loaded_before_it_is_asked_for() -> None:
    program = "import sys, mlwright.diag.codes as c; assert 'mlwright.diag.codes.yaml' not in sys.modules; len(c.CODES)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_name_of_the_module_is_an_ordinary_error() -> None:
    import mlwright.diag.codes

    with pytest.raises(AttributeError, match="NOTHING"):
        mlwright.diag.codes.NOTHING  # noqa: B018
