"""Platforms: what runs where an environment is applied, and which target owns which node there."""

from mlwright.platform.owned import Owned, owned
from mlwright.platform.owners import TABLE, Asked, Owners, assign
from mlwright.platform.profile import BUILTIN, Profile

__all__ = ["BUILTIN", "TABLE", "Asked", "Owned", "Owners", "Profile", "assign", "owned"]
