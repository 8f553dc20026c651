"""Pydantic's errors as diagnostics: the place in the tree, plain words, and what to type instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic_core import ErrorDetails

from mlwright.diag.diagnostic import Diagnostic, Label
from mlwright.source.scalars import trap
from mlwright.source.suggest import did_you_mean
from mlwright.source.tree import Map, Node, Scalar, Seq
from mlwright.spec.base import Model
from mlwright.spec.belongs import belongs, elsewhere
from mlwright.spec.declaration import FieldInfo
from mlwright.spec.shape import Place, aliased, literals, mapping_name, place, tagged

_CODE = re.compile(r"[A-Z]+\d{3}")
_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "`true` or `false`",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "union_tag_not_found": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "above"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "below"),
}
_SHAPES: dict[str, tuple[str, Callable[[str], str]]] = {
    "^/": ("it begins with `/`", lambda text: f"write `/{text}`"),
    "^(/|$)": ("a JSON pointer begins with `/`", lambda text: f"write `/{text.replace('.', '/')}`"),
    r"^[0-9a-fA-F.:]+/\d{1,3}$": (
        "a range of addresses ends in `/` and the number of fixed bits",
        lambda text: f"write `{text}/{128 if ':' in text else 32}` for one address",
    ),
    r"^https?://[^\s/]+": ("an address begins with `https://` or `http://`", lambda text: f"write `https://{text}`"),
    r"^v?\d+(\.\d+)*$": ("a version is numbers with points between", lambda _: 'write for example `"1.36"`'),
    r"^\d+\.\d+(\.\d+)?$": ("a version is numbers with points between", lambda _: 'write for example `"3.17.2"`'),
}


def translate(errors: Iterable[ErrorDetails], tree: Node, root: type[Model]) -> Iterator[Diagnostic]:
    """One diagnostic for each error, labelled with paths of `tree`."""
    for item in errors:
        where = place(item["loc"], tree, root)
        if item["type"] == "too_short" and _has_content(where.node):
            continue  # its items are wrong, each with an error of its own
        yield _one(item["type"], item.get("ctx", {}), item["msg"], where)


def _has_content(node: Node | None) -> bool:
    return (isinstance(node, Seq) and bool(node.items)) or (isinstance(node, Map) and bool(node.entries))


def _one(kind: str, context: dict[str, Any], message: str, where: Place) -> Diagnostic:
    if kind == "extra_forbidden":
        return _unknown(where)
    if kind == "missing" or (kind == "union_tag_not_found" and isinstance(where.node, Map)):
        return _missing(where, kind == "missing")
    if not where.on_key and kind != "NAME010" and _runs_late(where.node):
        return _late(where)
    if _CODE.fullmatch(kind):
        return _own(kind, context, where)
    if kind in ("literal_error", "union_tag_invalid"):
        return _no_choice(kind, where)
    if kind in _BOUNDS:
        return _out_of_bounds(kind, context, where)
    if kind in ("too_short", "string_too_short"):
        help_ = f"write for example `{flow(_example(where.field))}`" if where.field else "write at least one"
        return _at(where, "SPEC014", f"{mapping_name(where.path)} is empty", help_)
    if kind == "string_pattern_mismatch" and context.get("pattern") in _SHAPES:
        rule, fix = _SHAPES[context["pattern"]]
        return _at(where, "SPEC020", f"`{_text(where.node)}` has not the right form: {rule}", fix(_text(where.node)))
    if kind in _KINDS:
        return _wrong_kind(kind, where)
    return _at(where, "SPEC003", message[:1].lower() + message[1:], _write_example(where))


def _at(where: Place, code: str, message: str, help_: str, chars: tuple[int, int] | None = None) -> Diagnostic:
    label = Label(path=where.path, on="key" if where.on_key else "value", chars=chars)
    return Diagnostic(code=code, message=message, at=label, help=help_)


def _unknown(where: Place) -> Diagnostic:
    key, parent = str(where.path[-1]), where.path[:-1]
    fields = list(aliased(where.model)) if where.model else []
    used = f"the keys of {mapping_name(parent)} are {_listed(fields)}"
    near = "" if elsewhere(key) else did_you_mean(key, fields)
    help_ = near or belongs(key, fields) or (f"{used}; `x-{key}` would be a note" if fields else "")
    message = f"`{key}` is not a key of {mapping_name(parent)}"
    if isinstance(where.node, Scalar) and where.node.alias is not None and not help_:
        help_ = "take it out of the anchor"
    return Diagnostic(code="SPEC001", message=message, at=Label(path=where.path, on="key"), help=help_)


def _missing(where: Place, is_key: bool) -> Diagnostic:
    parent, key = (where.path[:-1], str(where.path[-1])) if is_key else (where.path, "type")
    if is_key and isinstance(where.node, Scalar):
        message = f"`{key}` has no value"
        return Diagnostic(
            code="SPEC014", message=message, at=Label(path=where.path, on="key"), help=_write_key(key, where)
        )
    choices = tagged(where.wanted) if not is_key else {}
    help_ = f"write `type:` and one of {', '.join(choices)}" if choices else _write_key(key, where)
    at = Label(path=parent, on="key" if parent and isinstance(parent[-1], str) else "value")
    return Diagnostic(code="SPEC002", message=f"{mapping_name(parent)} needs `{key}`", at=at, help=help_)


def _write_key(key: str, where: Place) -> str:
    example = _example(where.field) if where.field else None
    return f"write `{key}: {flow(example)}`" if example is not None else f"add `{key}:`"


def _own(code: str, context: dict[str, Any], where: Place) -> Diagnostic:
    chars = context.get("chars") if isinstance(where.node, Scalar) else None
    return _at(where, code, str(context.get("message", "")), str(context.get("help", "")), chars)


def _runs_late(node: Node | None) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, str) and "${" in node.value


def _late(where: Place) -> Diagnostic:
    return _at(
        where,
        "SPEC013",
        f"{mapping_name(where.path)} is decided when compiling, so this reference cannot stand here",
        "only `${params.x}`, `${metadata.x}` and `${environment.name}` can; or write the value itself",
    )


def _no_choice(kind: str, where: Place) -> Diagnostic:
    if kind == "union_tag_invalid":
        node = where.node.entries["type"].node if isinstance(where.node, Map) else where.node
        choices = [str(item) for item in tagged(where.wanted)]
        where = Place((*where.path, "type"), node, where.model, where.field, where.wanted)
    else:
        choices = [str(item) for item in literals(where.wanted)]
    if not isinstance(where.node, Scalar):
        return _at(
            where,
            "SPEC003",
            f"one word is expected here, not {_kind(where.node)}",
            f"write one of {', '.join(choices)}",
        )
    near = did_you_mean(where.node.text, choices)
    known = f"write `{choices[0]}`" if len(choices) == 1 else f"write one of {', '.join(choices)}"
    message = f"`{where.node.text}` is not a choice for {mapping_name(where.path)}"
    return _at(where, "SPEC004", message, f"{near} {known}" if near and len(choices) > 1 else near or known)


def _out_of_bounds(kind: str, context: dict[str, Any], where: Place) -> Diagnostic:
    key, words = _BOUNDS[kind]
    message = f"`{_text(where.node)}` is out of bounds: {mapping_name(where.path)} is {words} {context[key]:g}"
    return _at(where, "SPEC005", message, _write_example(where))


def _wrong_kind(kind: str, where: Place) -> Diagnostic:
    wanted = _KINDS[kind]
    if kind == "string_type" and isinstance(where.node, Scalar):
        return _unquoted(where, where.node)
    found = _kind(where.node)
    message = f"{wanted} is expected here, not {found}"
    return _at(where, "SPEC003", message, _retyped(kind, where) or _write_example(where))


def _unquoted(where: Place, node: Scalar) -> Diagnostic:
    if node.value is None:
        return _at(where, "SPEC014", "text is expected here, but there is no value", 'write `""` for empty text')
    why = trap(node) or f"`{node.text}` is {_kind(node)}"
    return _at(where, "SPEC006", f"text is expected here: {why}", f'write `"{node.text}"`')


def _retyped(kind: str, where: Place) -> str:
    node = where.node
    if isinstance(node, Scalar) and isinstance(node.value, str):
        if kind in ("int_type", "float_type") and re.fullmatch(r"[+-]?\d+(\.\d+)?", node.text.strip()):
            return (
                f"write `{node.text.strip()}` without quotes"
                if node.style
                else f"write `{node.text.lstrip('0') or '0'}`"
            )
        if kind == "bool_type" and node.text.lower() in ("yes", "on", "y", "true"):
            return "write `true`"
        if kind == "bool_type" and node.text.lower() in ("no", "off", "n", "false"):
            return "write `false`"
    if kind == "int_type" and isinstance(node, Scalar) and isinstance(node.value, float):
        return f"write `{int(node.value)}`"
    if kind in ("tuple_type", "list_type") and isinstance(node, Scalar) and node.value is not None:
        return f"write `[{node.text}]`"
    if kind in ("tuple_type", "list_type") and isinstance(node, Map):
        return f"write `[{', '.join(node.entries)}]`"
    if kind in ("dict_type", "model_type") and isinstance(node, Seq):
        return "entries have names here: write `name: {...}` instead of `- ...`" if kind == "dict_type" else ""
    return ""


def _write_example(where: Place) -> str:
    example = _example(where.field)
    return "" if example is None else f"write for example `{flow(example)}`"


def _example(field: FieldInfo | None) -> Any:
    return field.examples[0] if field is not None and field.examples else None


def _text(node: Node | None) -> str:
    return node.text if isinstance(node, Scalar) else _kind(node)


def _kind(node: Node | None) -> str:
    if isinstance(node, Map):
        return "a mapping"
    if isinstance(node, Seq):
        return "a list"
    if node is None or node.value is None:
        return "nothing"
    shown = node.text if len(node.text) <= 40 else f"{node.text[:37]}..."
    return f'the text `"{shown}"`' if isinstance(node.value, str) else f"`{shown}`"


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= 12 else f"{', '.join(names[:11])}, ..."


_BARE = re.compile(r"[A-Za-z./][A-Za-z0-9_./@-]*")


def flow(value: object) -> str:
    """A value as one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, str):
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        return value if _BARE.fullmatch(value) and value.lower() not in _WORDS else f'"{text}"'
    return str(value)


_WORDS = ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
