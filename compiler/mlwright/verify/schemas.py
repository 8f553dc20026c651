"""`--crds`: every object, and every object inside of one, against the schemas of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

from mlwright.diag import Diagnostic
from mlwright.span import Path, dotted
from mlwright.verify import core, crds, structure
from mlwright.verify.finding import finding
from mlwright.verify.manifest import POD_PATCH, Manifest, is_open, parsed
from mlwright.verify.rules import Expressions

EXTRA = "pip install 'mlwright[crds]'"


class UnusableError(RuntimeError):
    """There is nothing to check against; the text says why."""


class Definitions:
    """What a folder of CRD files says, read once for all environments, when first asked for."""

    def __init__(self, folder: str, cache: FilePath | None) -> None:
        self.folder, self._cache = folder, cache

    @cached_property
    def crds(self) -> crds.Crds:
        """The definitions."""
        return crds.read(FilePath(self.folder), self._cache)

    def of(self, kubernetes: str) -> Schemas:
        """The schemas of a cluster of this version with these resources."""
        return Schemas(self, core.read(kubernetes), kubernetes)


def definitions(folder: str, cache: FilePath | None = None) -> Definitions:
    """The definitions in a folder; `cache` is the user's where none is given. Raises UnusableError where there are
    none, and where what they are read with is not installed."""
    if not core.is_installed():
        raise UnusableError(f"--crds needs the schemas of Kubernetes: {EXTRA}")
    if not FilePath(folder).is_dir():
        made = f"mkdir {folder}; kubectl get crds -o yaml > {folder}/all.yaml"
        raise UnusableError(f"there is no folder {folder} with CRD files; from a cluster: {made}")
    if not crds.has_some(FilePath(folder)):
        raise UnusableError(f"there is no CustomResourceDefinition in {folder} or below it")
    return Definitions(folder, cache or crds.cache_folder())


class Schemas:
    """A cluster's kinds; schemas are read when an object asks for them."""

    def __init__(self, found: Definitions, core_definitions: Mapping[str, Any], kubernetes: str) -> None:
        self._found, self._core, self._kubernetes = found, core_definitions, kubernetes
        self._core_kinds = core.kinds(core_definitions)
        self._read: dict[tuple[str, str, str], structure.Schema | None] = {}

    def note(self, manifests: list[Manifest]) -> str:
        """What was checked, in one line."""
        kinds = [item for item in manifests if self._versions(item.group, item.kind)]
        free = [item.kind for item in kinds if self._is_free(item)]
        told = (
            f"{len(kinds) - len(free)} objects checked against Kubernetes {self._kubernetes} and {self._found.folder}"
        )
        named = ", ".join(sorted(set(free)))
        return f"{told}; the definitions of {named} take anything ({len(free)})" if free else told

    def _is_free(self, manifest: Manifest) -> bool:
        version = manifest.api.rpartition("/")[2]
        served = version in self._versions(manifest.group, manifest.kind)
        return served and self._schema(manifest.group, version, manifest.kind) is None

    @cached_property
    def _rules(self) -> structure.Rules | None:
        import importlib.util

        return Expressions() if importlib.util.find_spec("celpy") else None

    def check(self, manifests: list[Manifest]) -> Iterator[Diagnostic]:
        """VER001 to VER003 what schemas say, VER004 a version that is not served, VER005 a kind without a schema, once
        each; VER006 files that are not readable."""
        told: set[tuple[str, str]] = set()
        for manifest in manifests:
            yield from self._pod_patches(manifest)
            group, version, kind = manifest.group, manifest.api.rpartition("/")[2], manifest.kind
            served = self._versions(group, kind)
            if not served:
                if (group, kind) not in told:
                    told.add((group, kind))
                    yield self._unknown(manifest)
            elif version not in served:
                yield _not_served(manifest, [f"{group}/{name}".lstrip("/") for name in served], self._kubernetes)
            else:
                yield from self._scope(manifest, self._found.crds.kinds.get((group, kind), {}).get(version))
                if (schema := self._schema(group, version, kind)) is not None:
                    yield from self._against(manifest, schema)
        for file, why in self._found.crds.unreadable if manifests else ():
            yield Diagnostic(
                code="VER006",
                severity="warning",
                message=f"{file} is not read: {why}",
                help="correct the file, or take it out of the folder",
            )

    def _scope(self, manifest: Manifest, version: crds.Version | None) -> Iterator[Diagnostic]:
        if version is not None and version.spread and "namespace" in manifest.metadata:
            path = (*manifest.at, "metadata", "namespace")
            message = f"{manifest} is in a namespace, and its kind is of the whole cluster"
            yield finding("VER002", manifest, path, message, "remove `metadata.namespace`", on_key=True)

    def _versions(self, group: str, kind: str) -> list[str]:
        own = self._found.crds.kinds.get((group, kind), {})
        return [*(name for name, item in own.items() if item.served), *self._core_kinds.get((group, kind), {})]

    def _schema(self, group: str, version: str, kind: str) -> structure.Schema | None:
        key = (group, version, kind)
        if key not in self._read:
            metadata = self._core.get(core.METADATA, {})
            own = self._found.crds.kinds.get((group, kind), {}).get(version)
            made: structure.Schema | None = None
            if own is None:
                root = self._core[self._core_kinds[group, kind][version]]
                made = structure.Schema(root=root, definitions=self._core, closed=False, metadata=metadata)
            else:
                loaded = own.load()
                if loaded is not None:
                    made = structure.Schema(root=loaded, definitions=self._core, closed=True, metadata=metadata)
            self._read[key] = made
        return self._read[key]

    def _against(self, manifest: Manifest, schema: structure.Schema) -> Iterator[Diagnostic]:
        data = manifest.data
        if manifest.kind == "ConfigMap" and isinstance(content := data.get("data"), dict):
            written = {key: "" if isinstance(value, dict) else value for key, value in content.items()}
            data = {**data, "data": written}  # documents in it are text once they are written
        found = structure.check(schema, data, self._rules, open=is_open if manifest.outer else _is_never_open)
        for problem in found:
            yield _finding(manifest, data, problem)

    def _pod_patches(self, manifest: Manifest) -> Iterator[Diagnostic]:
        for place in manifest.places_of(POD_PATCH):
            data = parsed(place.value) if isinstance(place.value, str) else None
            if isinstance(data, dict):
                root = {"$ref": core.POD}
                schema = structure.Schema(root=root, definitions=self._core, closed=False, metadata={}, partial=True)
                base = place.path[len(manifest.at) :]
                for problem in structure.check(schema, data, None, open=is_open):
                    yield _finding(manifest, data, problem, base)

    def _unknown(self, manifest: Manifest) -> Diagnostic:
        return finding(
            "VER005",
            manifest,
            (*manifest.at, "kind"),
            f"{manifest} is not checked: neither Kubernetes {self._kubernetes} nor a file in {self._found.folder} says "
            f"what a {manifest.kind} of {manifest.api} is",
            "put the CustomResourceDefinition of the release that runs there into the folder",
            severity="warning",
        )


def _finding(manifest: Manifest, data: Any, problem: structure.Problem, base: Path = ()) -> Diagnostic:
    """What a schema says of `data`, which is at `base` in the object."""
    path: Path = (*manifest.at, *base, *problem.path)
    where = f"{dotted(base)}!{dotted(problem.path)}" if base else dotted(problem.path)
    if problem.kind == "field":
        return finding("VER001", manifest, path, f"{manifest} has no field `{where}`", problem.help, on_key=True)
    code = "VER002" if problem.kind == "value" else "VER003"
    value = _at(data, problem.path)
    shown = f" (`{value}`)" if isinstance(value, (str, int, float)) and len(str(value)) <= 40 else ""
    subject = f"`{where}`{shown} of {manifest}" if where else str(manifest)
    if problem.kind == "rule":
        return finding(code, manifest, path, f"{subject} breaks a rule: {problem.what}", problem.help)
    return finding(code, manifest, path, f"{subject} {problem.what}", problem.help)


def _not_served(manifest: Manifest, served: list[str], kubernetes: str) -> Diagnostic:
    return finding(
        "VER004",
        manifest,
        (*manifest.at, "apiVersion"),
        f"{manifest} is of `{manifest.api}`, which a cluster with these definitions (Kubernetes {kubernetes}) lacks",
        f"it serves {', '.join(served)}: set the version that runs there in the platform file",
    )


def _at(data: Any, path: Path) -> Any:
    try:
        for part in path:
            data = data[part]
    except (LookupError, TypeError):
        return None
    return data


def _is_never_open(text: str) -> bool:
    return False
