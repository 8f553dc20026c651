"""Bytes to located tree: the only reader of YAML, strict where `yaml.safe_load` guesses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from mlwright.diag.diagnostic import Bag, Diagnostic, Label
from mlwright.record import replace
from mlwright.regex import lazy
from mlwright.source import syntax
from mlwright.source.decode import MAX_BYTES, decode, too_large
from mlwright.source.files import FileMissing, FileTree, NotAFile, Unreadable
from mlwright.source.scalars import NotANumber, resolve, trap
from mlwright.source.sourcemap import narrow, position
from mlwright.source.tree import Entry, Map, Node, Scalar, Seq
from mlwright.span import Span

__all__ = ["MAX_BYTES", "load", "load_file", "trap"]

MAX_DEPTH = 100
"""Collections inside each other."""
MAX_NODES = 100_000
"""Values of one file, where an alias counts as often as it is used."""
MAX_TEXT = 1024 * 1024
"""Characters of one value."""
MAX_KEYS = 10_000
"""Keys of one mapping."""

_ALIAS, _SCALAR, _MAPPING = yaml.AliasEvent, yaml.ScalarEvent, yaml.MappingStartEvent
_SEQUENCE_END, _MAPPING_END = yaml.SequenceEndEvent, yaml.MappingEndEvent
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNSTORABLE = lazy("[\x00\ud800-\udfff]")
_WORD = lazy(r"[A-Za-z_][A-Za-z0-9_./-]*")
_PROPERTIES = lazy(r"(?:[&!]\S*\s+)+")
_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}


def load(data: bytes, file: str) -> tuple[Node | None, Bag]:
    """The tree of a YAML file and all findings. The tree is None where the text cannot be read as a mapping.

    `file` is what spans and messages call the file. Never raises for any bytes.
    """
    text, bag = decode(data, file)
    if text is None:
        return None, bag
    builder = _Builder(text, file)
    try:
        root = builder.document()
    except _Refused as refused:
        bag.extend(builder.findings)
        bag.add(refused.finding)
        return None, bag
    except yaml.YAMLError as error:
        return None, Bag([syntax.explain(error, text, file)])
    bag.extend(builder.findings)
    return root, bag


def load_file(files: FileTree, path: str, because: Label | None = None) -> tuple[Node | None, Bag]:
    """`load` of a file in `files`; one that is missing, unreadable or too large is a finding.

    `because` is where another file names this one; without it the finding has no place.
    """
    at = because or Label()
    try:
        size = files.size(path)
        if size > MAX_BYTES:
            return None, Bag([too_large(path, size)])
        return load(files.read(path), path)
    except FileMissing:
        help_ = "" if because else "make one with `mlwright init`, or name the folder that has an mlproject.yaml"
        return None, Bag([Diagnostic(code="YAML025", message=f"there is no file `{path}`", at=at, help=help_)])
    except NotAFile:
        message = f"`{path}` is not a file"
        help_ = f"name the file in it: {path.rstrip('/')}/mlproject.yaml" if files.isdir(path) else ""
        return None, Bag([Diagnostic(code="YAML026", message=message, at=at, help=help_)])
    except Unreadable as error:
        return None, Bag([Diagnostic(code="YAML027", message=f"`{path}` cannot be read: {error}", at=at)])


class _Refused(Exception):
    """Reading stops at `finding`: going on could take unbounded time or memory."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _Builder:
    """Builds the tree from parser events, so that depth, size, aliases and duplicates are seen as they come."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.findings = Bag()
        self._events: Iterator[Any] = iter(_LOADER(text).get_event, None)
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._nodes = 0
        self._depth = 0
        self._end = (1, 1)

    def document(self) -> Node | None:
        """The file's one document, or None with a finding."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    span = self._span(event)
                    self._add("YAML007", "a second document starts here", span, help="keep one document per file")
                    return None
                root = self._node(next(self._events))
        if root is None or (isinstance(root, Scalar) and root.text == "" and not root.style):
            span = Span(self.file, 1, 1, 1, 1)
            self._add("YAML008", "this file is empty", span, help="`mlwright init` writes a project to start from")
            return None
        if not isinstance(root, Map):
            self._add("YAML009", *_not_a_mapping(root))
            return None
        return root

    def _node(self, event: Any) -> Node:
        kind, anchor = type(event), event.anchor
        if kind is _ALIAS:
            return self._alias(event)
        start = self._nodes
        self._count(1, event)
        if kind is _SCALAR and anchor is None:
            return self._scalar(event)
        if anchor is not None:
            self._anchors[anchor] = None
        if kind is _SCALAR:
            node: Node = self._scalar(event)
        else:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise self._refused("YAML015", f"more than {MAX_DEPTH} lists and mappings inside each other", event)
            node = self._mapping(event) if kind is _MAPPING else self._sequence(event)
            self._depth -= 1
        if anchor is not None:
            self._anchors[anchor] = (node, self._nodes - start)
        return node

    def _alias(self, event: Any) -> Node:
        span, name = self._span(event), event.anchor
        self._end = (span.end_line, span.end_col)
        if name not in self._anchors:
            self._add("YAML011", f"there is no anchor `&{name}` before this alias", span, help=_anchor_help(name))
            return self._nothing(span)
        known = self._anchors[name]
        if known is None:
            self._add("YAML012", f"the alias `*{name}` is inside the value that it stands for", span)
            return self._nothing(span)
        node, size = known
        self._count(size, event)
        return replace(node, alias=span)

    def _scalar(self, event: Any) -> Scalar:
        text: str = event.value
        style, tag, start, end = event.style or "", event.tag, event.start_mark, event.end_mark
        line, col, raw = start.line + 1, start.column + 1, ""
        self._end = end_line, end_col = end.line + 1, end.column + 1
        if style or line != end_line or event.anchor is not None or tag is not None:
            line, col, raw = self._written(event, line, col)
            raw = "" if raw == text else raw
        span = Span(self.file, line, col, end_line, end_col)
        if len(text) > MAX_TEXT:
            raise self._refused("YAML017", f"a value has more than {MAX_TEXT} characters", event)
        value: str | int | float | bool | None = text
        if not style and tag is None:
            try:
                value = resolve(text)
            except NotANumber as error:
                self._add("YAML018", str(error), span, help="put it in quotes if it is meant as text")
        elif tag is not None:
            value = self._tagged(event, text, span)
        scalar = Scalar(value=value, text=text, span=span, style=style, raw=raw)
        if style == '"' and "\\" in raw and (bad := _UNSTORABLE.search(text)):
            self._unstorable(scalar, bad.start())
        return scalar

    def _written(self, event: Any, line: int, col: int) -> tuple[int, int, str]:
        """Where a value begins, after its anchor and tag, and how it is written."""
        start = event.start_mark.index
        raw = self.text[start : event.end_mark.index]
        if event.anchor is None and event.tag is None:
            return line, col, raw
        properties = _PROPERTIES.match(raw)
        if properties is None:
            return line, col, raw
        line, col = position(self.text, start + properties.end())
        return line, col, raw[properties.end() :]

    def _tagged(self, event: Any, text: str, span: Span) -> str | int | float | bool | None:
        tag = event.tag
        if tag in ("!", _CORE + "str"):
            return text
        expected = _SCALAR_TAGS.get(tag.removeprefix(_CORE)) if tag.startswith(_CORE) else None
        if expected is not None:
            try:
                value = resolve(text)
            except NotANumber:
                value = text
            if type(value) in expected:
                return float(value) if expected[0] is float and isinstance(value, int | float) else value
        self._add("YAML013", *self._bad_tag(event))
        return text

    def _bad_tag(self, event: Any) -> tuple[str, Span, str, str]:
        mark = event.start_mark
        written = re.match(r"(?:&\S+\s+)?(!\S*)", self.text[mark.index : mark.index + 200])
        name = written.group(1) if written else event.tag
        col = mark.column + 1 + (written.start(1) if written else 0)
        span = Span(self.file, mark.line + 1, col, mark.line + 1, col + len(name))
        return f"the tag `{name}` is not allowed", span, "", "remove it, or put the text in quotes if `!` belongs to it"

    def _unstorable(self, scalar: Scalar, index: int) -> None:
        what = "the NUL character" if scalar.text[index] == "\0" else "half of a surrogate pair"
        span = narrow(scalar, index, index + 1)
        help_ = "" if what.startswith("the") else "write the whole character, or its code as \\UXXXXXXXX"
        self._add("YAML019", f"{what} cannot be part of a value", span, help=help_)

    def _sequence(self, event: Any) -> Seq:
        self._collection_tag(event, "seq")
        items: list[Node] = []
        item = next(self._events)
        while type(item) is not _SEQUENCE_END:
            items.append(self._node(item))
            item = next(self._events)
        return Seq(items=tuple(items), span=self._collection_span(event, item))

    def _mapping(self, event: Any) -> Map:
        self._collection_tag(event, "map")
        entries: dict[str, Entry] = {}
        merged: list[tuple[Span, Node]] = []
        key = next(self._events)
        while type(key) is not _MAPPING_END:
            self._pair(key, event, entries, merged)
            if len(entries) > MAX_KEYS:
                raise self._refused("YAML014", f"one mapping has more than {MAX_KEYS} keys", event)
            key = next(self._events)
        span = self._collection_span(event, key)
        return Map(entries=self._with_merged(entries, merged) if merged else entries, span=span)

    def _pair(self, event: Any, parent: Any, entries: dict[str, Entry], merged: list[tuple[Span, Node]]) -> None:
        if type(event) is not _SCALAR:
            key_span = self._span(event)
            key_node = self._node(event)
            braces = self.text.startswith("{{", max(parent.start_mark.index, 0)) and isinstance(key_node, Map)
            self._add("YAML010", *_bad_key(key_span, braces))
            self._node(next(self._events))
            return
        if event.value not in entries and (span := self._word(event)):
            entries[event.value] = Entry(key=event.value, key_span=span, node=self._node(next(self._events)))
            return
        key = self._scalar(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (key, 1)
        value = self._node(next(self._events))
        if key.text == "<<" and not key.style:
            merged.append((key.span, value))
            return
        if not isinstance(key.value, str):
            what = f"`{key.text}`" if key.text else "an empty key"
            help_ = f'put it in quotes: "{key.text}"' if key.text else "write a name before the colon"
            self._add("YAML010", f"{what} is not text, and keys are text", key.span, help=help_)
        elif parent.flow_style and _glued(key, value):
            name, _, rest = key.text.partition(":")
            help_ = f"write `{name}: {rest}`"
            self._add("YAML022", f"`{key.text}` has no space after the colon", key.span, help=help_)
        first = entries.get(key.text)
        if first is not None:
            self._add("YAML003", f"the key `{key.text}` appears twice", key.span, "again", _DUPLICATE, first.key_span)
            return
        entries[key.text] = Entry(key=key.text, key_span=key.span, node=value)

    def _word(self, event: Any) -> Span | None:
        """Where a key stands that is a bare word without anything to say about it, as nearly all are."""
        plain = not event.style and event.anchor is None and event.tag is None
        return (
            self._span(event)
            if plain and _WORD.fullmatch(event.value) and resolve(event.value) is event.value
            else None
        )

    def _with_merged(self, entries: dict[str, Entry], merged: list[tuple[Span, Node]]) -> dict[str, Entry]:
        """Keys of merged maps first; the first map that has a key wins, and a key that is written out beats all."""
        found: dict[str, Entry] = {}
        for key_span, node in merged:
            sources = [item for item in (node.items if isinstance(node, Seq) else (node,)) if isinstance(item, Map)]
            if len(sources) != (len(node.items) if isinstance(node, Seq) else 1):
                span, help_ = node.alias or node.span, "name the anchor of a mapping: `<<: *step`"
                self._add("YAML028", "`<<` merges mappings, and this is none", span, help=help_)
                continue
            for source in sources:
                alias = source.alias or node.alias or key_span
                for key, entry in source.entries.items():
                    if key not in found and key not in entries:
                        found[key] = replace(entry, node=replace(entry.node, alias=alias))
        return found | entries

    def _collection_tag(self, event: Any, expected: str) -> None:
        if event.tag not in (None, "!", _CORE + expected):
            self._add("YAML013", *self._bad_tag(event))

    def _collection_span(self, start: Any, end: Any) -> Span:
        if start.flow_style:
            self._end = (end.end_mark.line + 1, end.end_mark.column + 1)
        # The end mark of a block collection is the next token, maybe many lines below: its last value's end is used.
        return Span(self.file, start.start_mark.line + 1, start.start_mark.column + 1, *self._end)

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        return Span(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _nothing(self, span: Span) -> Scalar:
        return Scalar(value=None, text="", span=span)

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._refused("YAML014", f"more than {MAX_NODES} values, counting what aliases repeat", event)

    def _refused(self, code: str, message: str, event: Any) -> _Refused:
        mark = event.start_mark
        span = Span(self.file, mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)
        return _Refused(Diagnostic(code=code, message=message, at=Label(span=span, text="the limit is passed here")))

    def _add(
        self, code: str, message: str, span: Span, label: str = "", help: str = "", first: Span | None = None
    ) -> None:
        related = (Label(span=first, text="first here"),) if first else ()
        at = Label(span=span, text=label)
        self.findings.add(Diagnostic(code=code, message=message, at=at, related=related, help=help))


_DUPLICATE = "keep one of the two; YAML readers silently take the last"


def _anchor_help(name: str) -> str:
    return f"define it above with `&{name}`, or put the text in quotes if it is not meant as an alias"


def _glued(key: Scalar, value: Node) -> bool:
    """True for `{cpu:1}`: a bare key with the colon inside, and no value."""
    empty = isinstance(value, Scalar) and not value.text and not value.style and value.alias is None
    return empty and not key.style and re.fullmatch(r"[A-Za-z_][\w.-]*:[^:/\s].*", key.text) is not None


def _bad_key(span: Span, braces: bool) -> tuple[str, Span, str, str]:
    if braces:
        message = "`{{` starts a YAML mapping inside a mapping, not a template"
        return message, span, "", 'put the text in quotes: "{{ ... }}"'
    return "a list, a mapping or an alias cannot be a key", span, "", "keys are plain text"


def _not_a_mapping(root: Scalar | Seq) -> tuple[str, Span, str, str]:
    span = root.span
    first = Span(span.file, span.line, span.col, span.line, span.col + 1)
    if isinstance(root, Seq):
        return (
            "this file is a list; a project is a mapping of keys to values",
            first,
            "",
            "start with `kind: MLProject`",
        )
    glued = re.match(r"[\w.-]+(?=:\S)", root.text)
    if glued is not None and not root.style:
        help_ = f"put a space after the colon: `{glued.group()}: ...`"
        return "this file is one text without any key", first, "", help_
    return "this file is one value; a project is a mapping of keys to values", first, "", "start with `kind: MLProject`"
