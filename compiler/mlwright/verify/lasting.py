"""Objects that stay in a repository: applied again and again, and meant to do their work once."""

from __future__ import annotations

from collections.abc import Iterator

from mlwright.diag import Diagnostic
from mlwright.emit.kube.names import DIGITS
from mlwright.regex import lazy
from mlwright.verify.finding import finding, is_users
from mlwright.verify.manifest import Manifest
from mlwright.verify.shape import mapping

_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_HASHED = lazy(rf".*-[0-9a-f]{{{DIGITS}}}")


def check(manifest: Manifest) -> Iterator[Diagnostic]:
    """VER018 removes itself and is made, and runs, again; VER019 can never be changed and has a name that stays."""
    if manifest.outer is not None or any(hook in mapping(manifest.metadata.get("annotations")) for hook in _HOOKS):
        return
    once = {"Job": ("ttlSecondsAfterFinished",), "Workflow": ("ttlStrategy",)}.get(manifest.kind, ())
    for field in once:
        if field in manifest.spec:
            message = (
                f"{manifest} removes itself when it is done (`spec.{field}`), and would then be applied and run again"
            )
            yield finding("VER018", manifest, ("spec", field), message, "remove the field: the object is the record")
    unchanging = once or manifest.data.get("immutable") is True
    if unchanging and not _HASHED.fullmatch(manifest.settled) and not is_users(manifest, ()):
        message = f"{manifest} cannot be changed once it is applied, and its name does not follow its content"
        yield finding("VER019", manifest, ("metadata", "name"), message, "let a digest of the content end its name")
