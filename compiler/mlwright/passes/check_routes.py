"""Routes: every endpoint exists, and no route leads back to itself."""

from __future__ import annotations

from collections.abc import Iterable

from mlwright import ir
from mlwright.diag import Diagnostic, Label
from mlwright.source.suggest import closest


def check_routes(project: ir.Project) -> Iterable[Diagnostic]:
    """SERVE010 an unknown endpoint, SERVE011 a cycle (once for each), SERVE012 (warning) an endpoint twice."""
    routes = {route.id: route for route in project.routes}
    known = {service.id for service in project.services} | set(routes)
    for route in project.routes:
        seen: dict[str, int] = {}
        for position, target in enumerate(leg.to for leg in route.legs):
            path = (*route.origin.path, "to", position)
            if target not in known:
                near = closest(target, known - {route.id})
                yield Diagnostic(
                    code="SERVE010",
                    message=f"there is no endpoint `{target}`",
                    at=Label(path=path),
                    help=f"did you mean `{near}`?" if near else f"endpoints: {', '.join(sorted(known - {route.id}))}",
                )
            elif (first := seen.setdefault(target, position)) != position and route.mode != "switch":
                yield Diagnostic(
                    code="SERVE012",
                    message=f"`{target}` is in this route twice",
                    at=Label(path=path),
                    related=(Label(path=(*route.origin.path, "to", first), text="first here"),),
                    help="remove one of them",
                    severity="warning",
                )
    yield from _cycles(routes)


def _cycles(routes: dict[str, ir.Route]) -> Iterable[Diagnostic]:
    done: set[str] = set()
    for start in routes:
        trail: list[str] = []
        # An explicit stack: a chain of routes may be longer than Python's own recursion allows.
        stack = [(start, 0)]
        while stack:
            name, depth = stack.pop()
            del trail[depth:]
            if name in trail:
                cycle = [*trail[trail.index(name) :], name]
                yield Diagnostic(
                    code="SERVE011",
                    message=f"routes lead in a circle: {' -> '.join(cycle)}",
                    at=Label(path=(*routes[cycle[-2]].origin.path, "to")),
                    related=tuple(Label(path=(*routes[node].origin.path, "to"), text="") for node in cycle[:-2]),
                    help="let one of them lead to an endpoint",
                )
                done.update(trail)
                continue
            if name in done or name not in routes:
                continue
            trail.append(name)
            stack += [(leg.to, depth + 1) for leg in reversed(routes[name].legs)]
        done.add(start)
        done.update(trail)
