"""One comment of a pull request that is written again and again, through GitHub's REST interface.

It is found by its first line. Only comments of bots and of people with a say in the repository count: anybody else
could write that line, to have a comment of theirs changed or this one lost.
"""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mlwright.remote.http import Answer, Http, RemoteError, UnreachableError

PATIENCE = 60.0
"""Seconds that all waiting together may take; the review is in the summary anyway."""
TRIES = 4
_TRUSTED = ("OWNER", "MEMBER", "COLLABORATOR")
_PAGES = 50


class NoRightError(RemoteError):
    """The token may not do this: usual for pull requests from forks, and no reason to fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """The pull request `number` of `repository` (`owner/name`) at the REST interface of `http`."""

    http: Http
    repository: str
    number: int
    token: str
    sleep: Callable[[float], None] = time.sleep

    def put(self, marker: str, body: str, *, create: bool = True) -> str:
        """Let the one comment that begins with `marker` say `body`: `created`, `updated`, `unchanged` or, where there
        is none and `create` is False, `absent`. Other comments with the marker are removed. Raises RemoteError."""
        mine = sorted(self._comments(marker), key=lambda comment: int(comment["id"]))
        for spare in mine[1:]:
            self._send("DELETE", f"{self._base()}/comments/{int(spare['id'])}")
        if not mine:
            if create:
                self._send("POST", f"{self._base()}/{self.number}/comments", {"body": body})
            return "created" if create else "absent"
        if str(mine[0]["body"]).replace("\r\n", "\n").rstrip() == body.rstrip():
            return "unchanged"
        self._send("PATCH", f"{self._base()}/comments/{int(mine[0]['id'])}", {"body": body})
        return "updated"

    def _base(self) -> str:
        return f"/repos/{urllib.parse.quote(self.repository)}/issues"

    def _comments(self, marker: str) -> Iterator[dict[str, Any]]:
        path = f"{self._base()}/{self.number}/comments?per_page=100"
        for page in range(1, _PAGES + 1):
            answer = self._send("GET", f"{path}&page={page}")
            try:
                found = json.loads(answer.body)
            except ValueError as error:
                raise RemoteError(f"{self.http.url} answered with something that is no JSON: {error}") from error
            for comment in found:
                first = str(comment.get("body") or "").lstrip().split("\n", 1)[0].rstrip()
                if first == marker and _is_trusted(comment):
                    yield comment
            if 'rel="next"' not in answer.headers.get("link", ""):
                return

    def _send(self, method: str, path: str, body: dict[str, str] | None = None) -> Answer:
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self.token}",
            "User-Agent": "mlwright",
            "X-GitHub-Api-Version": "2022-11-28",
            **({"Content-Type": "application/json"} if body is not None else {}),
        }
        data = None if body is None else json.dumps(body).encode()
        left = PATIENCE
        for attempt in range(1, TRIES + 1):
            try:
                answer = self.http.send(method, path, data, headers)
            except UnreachableError as error:
                # What may have been done is not done twice: a second comment would be the worse ending.
                if attempt == TRIES or error.lasting or (error.sent and method == "POST"):
                    raise
                wait = float(2**attempt)
            else:
                if answer.status < 300 or (method == "DELETE" and answer.status == 404):
                    return answer
                refused = _refusal(method, path, answer)
                again = _pause(answer, attempt, method)
                if again is None or attempt == TRIES:
                    raise refused
                wait = again
            if wait > left:
                raise RemoteError(f"{self.http.url} asks to wait {wait:.0f} s: too long for a comment")
            left -= wait
            self.sleep(wait)
        raise AssertionError("unreachable")


def _is_trusted(comment: dict[str, Any]) -> bool:
    user = comment.get("user") or {}
    return user.get("type") == "Bot" or comment.get("author_association") in _TRUSTED


def _pause(answer: Answer, attempt: int, method: str) -> float | None:
    """Seconds after which to try again; None where that does not help."""
    limited = answer.status in (403, 429) and _is_limited(answer)
    if not limited and (answer.status < 500 or (answer.status == 500 and method == "POST")):
        return None
    after = answer.headers.get("retry-after", "")
    if after.isdigit():
        return float(after)
    reset = answer.headers.get("x-ratelimit-reset", "")
    if limited and answer.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(float(reset) - time.time(), 1.0)
    return float(2**attempt)


def _is_limited(answer: Answer) -> bool:
    told = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status == 429 or told or b"rate limit" in answer.body.lower()


def _refusal(method: str, path: str, answer: Answer) -> RemoteError:
    try:
        said = json.loads(answer.body).get("message", "")
    except (ValueError, AttributeError):
        said = ""
    text = f"{method} {path.partition('?')[0]}: {answer.status} {said or answer.reason}"
    if answer.status in (401, 403, 404) and not _is_limited(answer):
        return NoRightError(text)
    return RemoteError(text)
