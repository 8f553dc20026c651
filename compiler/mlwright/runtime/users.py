#!/usr/bin/env python3
"""Makes the pipelines' user at the tracking server, as its administrator: `python3 -S users.py`.

The administrator is MLFLOW_TRACKING_USERNAME and _PASSWORD, the user MLWRIGHT_USER_NAME and _PASSWORD. May be repeated:
a user who is there keeps everything, and gets the password only where it has another.
"""

from __future__ import annotations

import sys

from server import Server
from values import BAD_INPUT, ServerError, StepError, environment, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping


def ensure(env: Mapping[str, str]) -> str:
    """Makes the user, or gives it the password; what was done."""
    name, password = env.get("MLWRIGHT_USER_NAME", ""), env.get("MLWRIGHT_USER_PASSWORD", "")
    for variable, value in (("MLWRIGHT_USER_NAME", name), ("MLWRIGHT_USER_PASSWORD", password)):
        if not value:
            raise StepError(BAD_INPUT, "%s is not set" % variable)
    admin = Server(env)
    admin.send("GET", "/health")  # waits for the server, which a request that makes something must not
    try:
        admin.call("POST", "users/create", {"username": name, "password": password})
        return "made the user %s" % name
    except ServerError as error:
        if error.error != "RESOURCE_ALREADY_EXISTS":
            raise
    user = Server(dict(env, MLFLOW_TRACKING_USERNAME=name, MLFLOW_TRACKING_PASSWORD=password))
    try:
        user.call("GET", "users/get", username=name)
        return "the user %s is there" % name
    except ServerError as error:
        if error.status != 401:
            raise
    admin.call("PATCH", "users/update-password", {"username": name, "password": password})
    return "gave the user %s its password" % name


def main() -> int:
    """The command line: 0, or an exit code with one line that says why."""
    try:
        say(ensure(environment()))
    except StepError as problem:
        say(str(problem))
        return problem.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
