"""Files of definitions, and the cache of them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlwright.verify import crds

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.dev}
spec:
  group: example.dev
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          description: A widget.
          type: object
          properties:
            spec:
              type: object
              description: What it is.
              properties:
                description: {type: string, description: Prose of its own.}
                operator: {type: string, enum: [=, "!="]}
                since: {type: string, default: 2020-01-01}
    - {name: v1beta1, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
"""


def folder(tmp_path: Path, **files: str) -> Path:
    place = tmp_path / "crds"
    place.mkdir(exist_ok=True)
    for name, text in files.items():
        (place / f"{name}.yaml").write_text(text, encoding="utf-8")
    return place


def test_definitions_are_read_in_any_layout_without_their_prose(tmp_path: Path) -> None:
    deep = tmp_path / "crds" / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "all.yml").write_text(f"kind: Namespace\n---{DEFINITION}\n---\n{DEFINITION.replace('Widget', 'Gadget')}")
    found = crds.read(tmp_path / "crds", None)
    assert sorted(found.kinds) == [("example.dev", "Gadget"), ("example.dev", "Widget")]
    versions = found.kinds["example.dev", "Widget"]
    assert {name: item.served for name, item in versions.items()} == {"v1": True, "v1beta1": False}
    schema = versions["v1"].load()
    assert schema is not None
    assert "description" not in schema and "description" not in schema["properties"]["spec"]
    fields = schema["properties"]["spec"]["properties"]
    assert fields["description"] == {"type": "string"}
    assert fields["operator"]["enum"] == ["=", "!="] and fields["since"]["default"] == "2020-01-01"
    assert versions["v1beta1"].load() is None  # it takes anything


def test_lists_and_json_are_read_too(tmp_path: Path) -> None:
    import yaml

    items = [yaml.safe_load(DEFINITION.replace("=, ", "").replace("2020-01-01", "a"))]
    place = folder(tmp_path)
    (place / "list.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))
    assert list(crds.read(place, None).kinds) == [("example.dev", "Widget")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("kind: CustomResourceDefinition\nspec: {{ .Values.x }}\n: :", "while parsing|expected|found|unhashable"),
        (
            DEFINITION.replace("extensions.k8s.io/v1", "extensions.k8s.io/v1beta1"),
            "only apiextensions.k8s.io/v1 is read",
        ),
        (DEFINITION.replace("  group: example.dev\n", ""), "a definition in it has no 'group'"),
        ("kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1", "has no 'spec'"),
    ],
)
def test_a_file_that_is_no_definition_is_named_with_the_reason(tmp_path: Path, text: str, why: str) -> None:
    import re

    place = folder(tmp_path, bad=text, good=DEFINITION)
    found = crds.read(place, tmp_path / "cache")
    assert list(found.kinds) == [("example.dev", "Widget")]
    ((file, reason),) = found.unreadable
    assert file.endswith("bad.yaml") and re.search(why, reason), reason


def test_a_cached_file_is_not_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, cache = folder(tmp_path, a=DEFINITION), tmp_path / "cache"
    first = crds.read(place, cache)
    monkeypatch.setattr(crds, "_parse", None)
    again = crds.read(place, cache)
    assert first == again
    assert (
        again.kinds["example.dev", "Widget"]["v1"].load()
        == crds.Version(
            group="", kind="", name="", served=True, spread=False, file=first.kinds["example.dev", "Widget"]["v1"].file
        ).load()
    )


def test_a_changed_file_is(tmp_path: Path) -> None:
    place, cache = folder(tmp_path, a=DEFINITION), tmp_path / "cache"
    crds.read(place, cache)
    folder(tmp_path, a=DEFINITION.replace("Widget", "Gadget"))
    assert list(crds.read(place, cache).kinds) == [("example.dev", "Gadget")]


@pytest.mark.parametrize("damage", ["index.json", "all", "text"])
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: str) -> None:
    place, cache = folder(tmp_path, a=DEFINITION), tmp_path / "cache"
    crds.read(place, cache)
    (entry,) = cache.iterdir()
    if damage == "text":
        (entry / "index.json").write_text("{")
    for file in [*entry.iterdir()] if damage == "all" else [entry / damage] if damage != "text" else []:
        file.unlink()
    found = crds.read(place, cache).kinds["example.dev", "Widget"]["v1"]
    assert (found.load() or {})["properties"]["spec"]["type"] == "object"


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = crds.read(folder(tmp_path, a=DEFINITION), tmp_path / "file" / "cache")
    assert (found.kinds["example.dev", "Widget"]["v1"].load() or {})["type"] == "object"


def test_many_readers_at_once_leave_one_whole_entry(tmp_path: Path) -> None:
    place, cache = folder(tmp_path, a=DEFINITION), tmp_path / "cache"
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: crds.read(place, cache), range(32)))
    assert all(item == results[0] for item in results)
    assert len(list(cache.iterdir())) == 1


def test_the_cache_is_where_the_user_has_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert crds.cache_folder() == tmp_path / "mlwright" / "crds"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert crds.cache_folder() == tmp_path / "home" / ".cache" / "mlwright" / "crds"


def test_a_folder_without_definitions_has_none(tmp_path: Path) -> None:
    assert not crds.has_some(folder(tmp_path, a="kind: Namespace"))
    assert crds.has_some(folder(tmp_path, b=DEFINITION))
