"""The resolved, target-neutral program: frozen dataclasses without sugar; every reference is resolved or a `Ref`."""

from mlwright.ir.catalog import *  # noqa: F403
from mlwright.ir.graph import *  # noqa: F403
from mlwright.ir.project import *  # noqa: F403
from mlwright.ir.service import *  # noqa: F403
from mlwright.ir.tracking import *  # noqa: F403
from mlwright.ir.values import *  # noqa: F403
