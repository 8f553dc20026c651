"""Where a finding is for who does not know the working directory: paths from the repository's root."""

from __future__ import annotations

import posixpath

from mlwright.record import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`root` is the repository's folder, absolute; `folder` is where files of spans are relative to, absolute too."""

    root: str
    folder: str

    def of(self, file: str) -> str:
        """`file` from the root, with `/`; the absolute path of one that is not below it."""
        full = posixpath.normpath(posixpath.join(self.folder, file))
        root = self.root.rstrip("/") + "/"
        return full[len(root) :] if full.startswith(root) else full
