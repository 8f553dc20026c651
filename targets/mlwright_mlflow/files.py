"""A program's environment as files: what is no secret, the names of the secrets, and a script that asks for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from mlwright.emit.environment import lines, secret_variable
from mlwright.emit.trackserver import SESSION_KEY, Job
from mlwright.ir import Ref, Template
from mlwright_mlflow import units

SESSION = "MLFLOW_FLASK_SERVER_SECRET_KEY"

_PATH = f"{units.PREFIX}/bin:/usr/local/bin:/usr/bin:/bin"
_SECRETS = """\
# Values of secrets, for systemd alone: copy this to {config}/{name}.env with mode 0600, and fill it in.
# A value with spaces or quotes stands between double quotes, with a backslash before " \\ $ and `.
"""

Environment = tuple[tuple[str, Template], ...]


def constants(env: Environment) -> str:
    """The part of an environment that is no secret, as a file."""
    known = {name: "".join(str(part) for part in value) for name, value in env if not _ref(value)}
    return "\n".join(lines({"PATH": _PATH, **known})) + "\n"


def script(job: Job, name: str = "secrets") -> str:
    """A program with the secrets of its environment, from the variables of the file `<name>.env`."""
    found = ["#!/bin/sh", "set -eu"]
    for variable, value in job.env:
        if ref := _ref(value):
            found.append(f'export {variable}="${{{_variable(ref)}:?set it in {units.CONFIG}/{name}.env}}"')
    found.append(job.argv[2] if job.argv[:2] == ("sh", "-ec") else f"exec {shlex.join(job.argv)}")
    return "\n".join(found) + "\n"


def secrets(environments: Iterable[Environment], name: str = "secrets") -> str:
    """The names of all secrets of these environments, to be filled in as the file `<name>.env`."""
    found: dict[str, str] = {}
    for _, value in (pair for env in environments for pair in env):
        if ref := _ref(value):
            _, _, rest = ref.path.partition(".")
            secret, _, key = rest.partition(".")
            about = f"`{key}` of the secret `{secret}`"
            about = "any long random text; signs sessions" if ref.path == SESSION_KEY else about
            found.setdefault(_variable(ref), about)
    head = _SECRETS.format(config=units.CONFIG, name=name)
    return head + "".join(f"\n# {about}\n{variable}=\n" for variable, about in found.items())


def _ref(template: Template) -> Ref | None:
    """The reference that a secret's template is; None for text."""
    refs = [part for part in template if isinstance(part, Ref)]
    assert not refs or len(template) == 1, template
    return refs[0] if refs else None


def _variable(ref: Ref) -> str:
    """The variable that has the value of a secret."""
    if ref.path == SESSION_KEY:
        return SESSION
    _, secret, key = ref.path.split(".", 2)
    return secret_variable(secret, key)
