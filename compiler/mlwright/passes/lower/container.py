"""Containers: image, command, environment, resources, mounts, security."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.passes.lower.context import RUN_TEXT, Context
from mlwright.passes.shell import expand
from mlwright.source.references import Reference as Grammar
from mlwright.source.references import RefSpan, grammar
from mlwright.source.suggest import closest
from mlwright.span import Path
from mlwright.spec import container as spec

_AUTOMATIC = {"params": "PARAM", "outputs": "OUTPUT", "data": "DATA"}


def container(context: Context, source: spec.Container, path: Path) -> ir.Container:
    """The container at `path`; its references resolved in the context's scope."""
    argv: tuple[ir.Template, ...] = ()
    script, variables = "", dict[str, ir.Template]()
    if isinstance(source.command, str):
        script, variables = _script(context, source.command, (*path, "command"))
    elif source.command is not None:
        argv = tuple(context.template(word, (*path, "command", index)) for index, word in enumerate(source.command))
    env = {name: context.template(text, (*path, "env", name)) for name, text in source.env.items()}
    return ir.Container(
        image=context.once("image", source.image, partial(image, context)),
        argv=argv,
        script=script,
        args=tuple(context.template(word, (*path, "args", index)) for index, word in enumerate(source.args)),
        env=tuple(sorted({**variables, **env}.items())),
        resources=context.once("resources", source.resources, resources),
        mounts=tuple(
            _mount(context, target, mount, (*path, "mounts", target)) for target, mount in source.mounts.items()
        ),
        placement=_known(context, "placements", source.placement, (*path, "placement")),
        identity=_known(context, "identities", source.identity, (*path, "identity")),
        labels=tuple(sorted(source.labels.items())),
        annotations=tuple(sorted(source.annotations.items())),
        security=_security(source.security),
    )


def image(context: Context, source: spec.Image | None) -> ir.Image:
    """The image with its digest from the reference or the lock; what is built on this machine has none there."""
    if source is None:
        return ir.Image()
    locked = context.lock.images.get(source.ref.text)
    build = source.build
    here = build is not None and context.profile.orchestrator == "compose"
    return ir.Image(
        ref=source.ref.text,
        digest=source.ref.digest or (locked.digest if locked and not here else ""),
        entrypoint=locked.entrypoint if locked else (),
        cmd=locked.cmd if locked else (),
        pull_policy=source.pull_policy or "",
        build_context=build.context if build else "",
        dockerfile=build.dockerfile if build else "",
        build_args=tuple(sorted(build.args.items())) if build else (),
        build_target=build.target if build else "",
    )


def resources(source: spec.Resources | None) -> ir.Resources:
    """Amounts in the IR's units; memory is its own limit where none is given."""
    if source is None:
        return ir.Resources()
    limits = source.limits
    memory = source.memory.bytes if source.memory else 0
    gpu = source.gpu
    return ir.Resources(
        cpu=source.cpu.milli if source.cpu else 0,
        memory=memory,
        disk=source.disk.bytes if source.disk else 0,
        gpu=ir.Gpu(count=gpu.count, model=gpu.model, memory=gpu.memory.bytes if gpu.memory else 0) if gpu else ir.Gpu(),
        cpu_limit=limits.cpu.milli if limits and limits.cpu else 0,
        memory_limit=limits.memory.bytes if limits and limits.memory else memory,
        extended=tuple(sorted(source.extended.items())),
    )


def references(source: ir.Container, *more: ir.Template) -> Iterable[str]:
    """The paths of all references in a container's texts and in `more`, each once, in order."""
    seen: dict[str, None] = {}
    for template in (*source.argv, *source.args, *(value for _, value in source.env), *more):
        for part in template:
            if isinstance(part, ir.Ref):
                seen[part.path] = None
    return seen


def _script(context: Context, text: str, path: Path) -> tuple[str, dict[str, ir.Template]]:
    """Shell text with variables for references, and the environment that gives those variables."""
    parts = context.parts(text, path)
    variables: dict[str, ir.Template] = {}
    owners: dict[str, str] = {}

    def name(ref: RefSpan) -> str:
        variable = variable_of(grammar(ref.path))
        other = owners.setdefault(variable, ref.path)
        if other != ref.path:
            context.error(
                "STEP091",
                f"`{other}` and `{ref.path}` would both be the environment variable {variable}",
                path,
                "rename one of them: `-` and `.` both become `_`",
            )
        variables[variable] = (ir.Ref(ref.path),)
        return variable

    script, misplaced = expand(parts, name)
    for item in misplaced:
        context.bag.add(_misplaced(item.reference, item.quoting, path))
    return script, variables


def variable_of(reference: Grammar | Diagnostic) -> str:
    """The environment variable that carries a reference into a shell script."""
    assert not isinstance(reference, Diagnostic)
    if prefix := _AUTOMATIC.get(reference.kind):
        return f"MLWRIGHT_{prefix}_{_upper(reference.name)}"
    if reference.kind in ("step_output", "metric"):
        return f"MLWRIGHT_INPUT_{_upper(reference.node.rpartition('.')[2])}_{_upper(reference.name)}"
    return f"MLWRIGHT_{_upper(reference.path)}"


def _upper(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", text.upper())


_WHERE = {
    "single": "inside single quotes, where the shell expands nothing",
    "comment": "inside a comment",
    "here-document": "inside a here-document",
}


def _misplaced(ref: RefSpan, quoting: str, path: Path) -> Diagnostic:
    return Diagnostic(
        code="STEP092",
        message=f"`${{{ref.path}}}` stands {_WHERE[quoting]}",
        at=Label(path=path, chars=(ref.start, ref.end)),
        help="use double quotes there, or the list form of the command, which needs no quoting at all",
    )


def _mount(context: Context, target: str, source: spec.Mount, path: Path) -> ir.Mount:
    if source.memory is not None:
        return ir.Mount(target=target, kind="memory", size=source.memory.bytes, read_only=source.read_only)
    if source.disk is not None:
        return ir.Mount(target=target, kind="disk", size=source.disk.bytes, read_only=source.read_only)
    assert source.source is not None
    kinds: frozenset[str] = frozenset({"storage", "data"})
    if "${" in source.source:
        ref = context.whole(source.source, path, kinds)
        if ref is None:
            if not context.bag.failed:
                context.error("REF014", "one whole reference is expected here", path, "write `${storage.NAME}`")
            return ir.Mount(target=target, kind="file")
        head, _, name = ref.path.partition(".")
        return ir.Mount(
            target=target, kind="storage" if head == "storage" else "data", source=name, read_only=source.read_only
        )
    relative = source.source.removeprefix("./")
    context.file(relative, path, "the file", folder=True)
    return ir.Mount(target=target, kind="file", source=relative, read_only=True)


def _known(context: Context, section: str, name: str | None, path: Path) -> str:
    """A name that the platform file defines; on a laptop such names mean nothing and are kept for the report."""
    if name is None or context.profile.orchestrator == "compose":
        return name or ""
    names = context.profile.names(section)
    if name not in names:
        near = closest(name, sorted(names))
        listed = f"did you mean `{near}`? its {section}" if near else f"its {section}"
        here = (section,) if names else ("orchestrator",)
        singular = "identity" if section == "identities" else section[:-1]
        context.bag.add(
            Diagnostic(
                code="PLAT002",
                message=f"platform `{context.profile.name}` defines no {singular} `{name}`",
                at=Label(path=path),
                related=(
                    context.profile.label(context.environment, here, f"its {section}" if names else f"no {section}"),
                ),
                help=f"{listed}: {', '.join(sorted(names)) or 'none'}; ops add them to the platform file",
            )
        )
    return name


def _security(source: spec.Security | None) -> ir.Security:
    if source is None:
        return ir.Security()
    return ir.Security(
        run_as_user=source.run_as_user,
        run_as_root=source.run_as_root.reason if source.run_as_root else "",
        read_only_root=bool(source.read_only_root_filesystem),
    )


def used_kinds(paths: Iterable[str]) -> Mapping[str, list[str]]:
    """Reference paths by kind."""
    kinds: dict[str, list[str]] = {}
    for path in paths:
        reference = grammar(path)
        assert not isinstance(reference, Diagnostic)
        kinds.setdefault(reference.kind, []).append(path)
    return kinds


__all__ = ["RUN_TEXT", "container", "image", "references", "resources", "used_kinds", "variable_of"]
