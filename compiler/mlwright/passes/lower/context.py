"""What lowering works with: the environment's facts, the names in scope, and the findings so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal, TypeVar

from mlwright import ir
from mlwright.diag import Bag, Diagnostic, Label
from mlwright.passes.lock import Lock
from mlwright.passes.lower.scope import Scope, Unresolved, resolve
from mlwright.platform import Profile
from mlwright.record import dataclass, replace
from mlwright.source.files import FileMissing, FileTree, NotAFile, Unreadable
from mlwright.source.references import RefSpan, grammar, parse, under
from mlwright.source.suggest import closest
from mlwright.source.tree import Node, at
from mlwright.span import Path

Source = TypeVar("Source")
Made = TypeVar("Made")

RUN_TEXT = frozenset(
    {"params", "data", "data_uri", "outputs", "step_output", "metric", "secret", "storage", "registry", "each", "trial"}
    | {"run", "event"}
)
"""Kinds of references that a program's command and environment may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Shared by all of lowering; `bag` collects findings, everything else is read only.

    `tree` is the environment's merged tree; `folder` the spec's folder and `environment` the environment's name.
    `nodes` are the ids that `needs` may name; `stands_in` maps a training without a retrain to its tuning. `made` is
    what `once` has made.
    """

    tree: Node
    files: FileTree
    folder: str
    environment: str
    profile: Profile
    lock: Lock
    scope: Scope
    nodes: frozenset[str] = frozenset()
    stands_in: Mapping[str, str] = field(default_factory=dict)
    bag: Bag = field(default_factory=Bag)
    made: dict[tuple[str, int], Any] = field(default_factory=dict)

    def once(self, what: str, source: Source, make: Callable[[Source], Made]) -> Made:
        """`make(source)`, once for each part of the spec: many nodes have the same one from `defaults`."""
        key = (what, id(source))
        if key not in self.made:
            self.made[key] = make(source), source  # which is kept, so that nothing else gets its identity
        found: Made = self.made[key][0]
        return found

    def inside(self, own: str, each: frozenset[str] = frozenset()) -> Context:
        """The same context, for the texts of the step with id `own`."""
        return replace(self, scope=replace(self.scope, own=own, each=each))

    def origin(self, path: Path) -> ir.Origin:
        """Where the value at `path` came from: the base file, an overlay, or nowhere (the default)."""
        node = at(self.tree, path)
        if node is None:
            return ir.Origin(path=path, kind="default")
        if node.layer:
            return ir.Origin(path=path, kind="overlay", by=node.layer)
        return ir.Origin(path=path)

    def given(self, path: Path) -> bool:
        """Whether the spec says anything at `path`."""
        return at(self.tree, path) is not None

    def error(self, code: str, message: str, path: Path, help: str = "", on: Literal["value", "key"] = "value") -> None:
        self.bag.add(Diagnostic(code=code, message=message, at=Label(path=path, on=on), help=help))

    def file(self, path: str, at_path: Path, what: str, *, folder: bool = False) -> bool:
        """Whether a file (or folder) named in the spec is there; reported where it is not."""
        full = self._full(path)
        if not self.files.exists(full):
            self.error("SPEC040", f"{what} `{path}` does not exist", at_path, "paths are relative to the project file")
        elif not folder and self.files.isdir(full):
            self.error("SPEC040", f"{what} `{path}` is a folder, not a file", at_path, "name a file in it")
        else:
            return True
        return False

    def text(self, path: str, at_path: Path, what: str) -> str:
        """The text of a file named in the spec; empty, and reported, where it cannot be had."""
        if not self.file(path, at_path, what):
            return ""
        try:
            return self.files.read(self._full(path)).decode("utf-8")
        except (FileMissing, NotAFile, Unreadable, UnicodeDecodeError) as problem:
            self.error("SPEC040", f"{what} `{path}` cannot be read: {problem}", at_path, "it must be text in UTF-8")
            return ""

    def _full(self, path: str) -> str:
        return (f"{self.folder}/{path}" if self.folder not in ("", ".") else path).removeprefix("./")

    def template(self, text: str, path: Path, kinds: frozenset[str] = RUN_TEXT) -> ir.Template:
        """`text` as a template; what does not resolve, or must not stand here, is reported and left out."""
        if "${" not in text:
            return (text,) if text else ()
        return tuple(
            part if isinstance(part, str) else ir.Ref(part.path) for part in self.parts(text, path, kinds) if part
        )

    def parts(self, text: str, path: Path, kinds: frozenset[str] = RUN_TEXT) -> list[str | RefSpan]:
        """Like `template`, with the places of the references."""
        pieces, found = parse(text)
        self.bag.extend(under(found, path))
        kept: list[str | RefSpan] = []
        for piece in pieces:
            if isinstance(piece, str) or self.typed(piece, path, kinds):
                kept.append(piece)
        return kept

    def typed(self, ref: RefSpan, path: Path, kinds: frozenset[str] = RUN_TEXT) -> str:
        """The type of what `ref` points at, "" after reporting why it points at nothing."""
        reference = grammar(ref.path)
        where = Label(path=path, chars=(ref.start, ref.end))
        if isinstance(reference, Diagnostic):
            self.bag.add(replace(reference, at=where))
            return ""
        if reference.kind in ("metadata", "environment"):
            return "string"
        if reference.kind not in kinds:
            self.bag.add(
                Diagnostic(
                    code="REF013",
                    message=f"`${{{ref.path}}}` cannot stand here",
                    at=where,
                    help=f"here go: {', '.join(sorted(_SHAPES[kind] for kind in kinds if kind in _SHAPES))}",
                )
            )
            return ""
        outcome = resolve(reference, self.scope)
        if isinstance(outcome, Unresolved):
            self.bag.add(Diagnostic(code=outcome.code, message=outcome.message, at=where, help=outcome.help))
            return ""
        return outcome

    def whole(self, text: str, path: Path, kinds: frozenset[str]) -> RefSpan | None:
        """`text` as exactly one reference of these kinds, None when it is anything else."""
        pieces, found = parse(text)
        if len(pieces) == 1 and isinstance(pieces[0], RefSpan) and not found:
            return pieces[0] if self.typed(pieces[0], path, kinds) else None
        return None

    def unknown_node(self, name: str, path: Path) -> None:
        """Report a `needs` or `run` entry that names no node."""
        near = closest(name, sorted(self.nodes))
        self.error(
            "REF011",
            f"there is no step `{name}`",
            path,
            f"did you mean `{near}`?" if near else f"steps: {', '.join(sorted(self.nodes)) or 'none'}",
        )


_SHAPES = {
    "params": "${params.NAME}",
    "data": "${data.NAME}",
    "data_uri": "${data.NAME.uri}",
    "outputs": "${outputs.NAME}",
    "step_output": "${steps.STEP.outputs.NAME}",
    "metric": "${STEP.metrics.NAME}",
    "secret": "${secrets.NAME.KEY}",
    "storage": "${storage.NAME}",
    "registry": "${registry.MODEL@ALIAS}",
    "each": "${each.KEY}",
    "event": "${event.body.KEY}",
}
