"""All checks of the resolved program, in the order of the file's sections."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mlwright import ir
from mlwright.diag import Diagnostic
from mlwright.passes.check_alerts import check_alerts
from mlwright.passes.check_algorithm import check_algorithm
from mlwright.passes.check_catalog import check_catalog
from mlwright.passes.check_commands import check_commands
from mlwright.passes.check_distributed import check_distributed
from mlwright.passes.check_endpoints import check_endpoints
from mlwright.passes.check_gates import check_gates
from mlwright.passes.check_hyperband import check_hyperband
from mlwright.passes.check_local import check_local
from mlwright.passes.check_metrics import check_metrics
from mlwright.passes.check_mlflow import check_mlflow
from mlwright.passes.check_names import check_names
from mlwright.passes.check_outputs import check_outputs
from mlwright.passes.check_reach import check_reach
from mlwright.passes.check_registry import check_registry
from mlwright.passes.check_routes import check_routes
from mlwright.passes.check_search import check_search
from mlwright.passes.check_secrets import check_secrets
from mlwright.passes.check_serving import check_serving
from mlwright.passes.check_space import check_space
from mlwright.passes.check_tracking import check_tracking
from mlwright.passes.check_triggers import check_triggers
from mlwright.passes.check_variables import check_variables

Check = Callable[[ir.Project], Iterable[Diagnostic]]
"""Reads the program, changes nothing; labels are paths into the environment's merged tree."""

CHECKS: tuple[Check, ...] = (
    check_reach,
    check_outputs,
    check_metrics,
    check_commands,
    check_distributed,
    check_search,
    check_algorithm,
    check_hyperband,
    check_space,
    check_gates,
    check_registry,
    check_catalog,
    check_serving,
    check_endpoints,
    check_routes,
    check_alerts,
    check_secrets,
    check_tracking,
    check_triggers,
    check_variables,
    check_names,
    check_local,
    check_mlflow,
)
