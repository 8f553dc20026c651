"""The comment of a pull request: one of it, whoever else writes there, and whatever GitHub answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.action.rest import GitHub, github

from mlwright.remote.comment import PATIENCE, Issue, NoRightError
from mlwright.remote.http import Http, RemoteError

MARKER = "<!-- mlwright:review -->"
BODY = f"{MARKER}\n### Plan: 1 to add"
PERSON = {"login": "eve", "type": "User"}


@pytest.fixture
def server() -> Iterator[GitHub]:
    """An empty pull request."""
    with github() as state:
        yield state


@pytest.fixture
def slept() -> list[float]:
    """How long was waited."""
    return []


def issue(server: GitHub, slept: list[float], token: str = "a-token") -> Issue:
    return Issue(
        http=Http(server.url), repository="acme/churn", number=7, token=token, sleep=lambda wait: slept.append(wait)
    )


def test_the_first_time_it_is_created_then_updated_then_left_alone(server: GitHub, slept: list[float]) -> None:
    mine = issue(server, slept)
    assert mine.put(MARKER, BODY) == "created"
    assert mine.put(MARKER, BODY + "2") == "updated"
    assert mine.put(MARKER, BODY + "2") == "unchanged"
    assert [one["body"] for one in server.comments] == [BODY + "2"]
    assert server.methods() == ["GET", "POST", "GET", "PATCH", "GET"]
    assert slept == []


def test_what_github_does_to_line_ends_is_no_change(server: GitHub, slept: list[float]) -> None:
    server.add(BODY.replace("\n", "\r\n"))
    assert issue(server, slept).put(MARKER, BODY + "\n") == "unchanged"


def test_where_there_is_nothing_to_say_none_is_created_but_an_old_one_is_brought_up_to_date(
    server: GitHub, slept: list[float]
) -> None:
    assert issue(server, slept).put(MARKER, BODY, create=False) == "absent"
    server.add(MARKER + "\nold")
    assert issue(server, slept).put(MARKER, BODY, create=False) == "updated"


def test_it_is_found_behind_hundreds_of_others(server: GitHub, slept: list[float]) -> None:
    for number in range(250):
        server.add(f"comment {number}", PERSON)
    server.add(MARKER + "\nold")
    assert issue(server, slept).put(MARKER, BODY) == "updated"
    assert server.methods() == ["GET", "GET", "GET", "PATCH"]
    assert server.comments[250]["body"] == BODY


def test_spare_ones_are_removed_and_those_of_another_key_stay(server: GitHub, slept: list[float]) -> None:
    other = "<!-- mlwright:review ml/fraud -->\nhers"
    for body in (MARKER + "\n1", other, MARKER + "\n2", f"see {MARKER}", MARKER + "\n3"):
        server.add(body)
    assert issue(server, slept).put(MARKER, BODY) == "updated"
    assert [one["body"] for one in server.comments] == [BODY, other, f"see {MARKER}"]


@pytest.mark.parametrize(("association", "done"), [("NONE", "created"), ("MEMBER", "updated")])
def test_a_marker_of_a_stranger_is_nothing_to_write_to(
    association: str, done: str, server: GitHub, slept: list[float]
) -> None:
    server.add(MARKER + "\nnot yours", PERSON, association)
    assert issue(server, slept).put(MARKER, BODY) == done


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "Resource not accessible by integration"), (404, "Not Found"), (401, "Bad credentials")],
)
def test_a_token_without_the_right_is_told_apart(status: int, message: str, server: GitHub, slept: list[float]) -> None:
    server.first = [(status, {}, message)]
    with pytest.raises(NoRightError, match=message):
        issue(server, slept).put(MARKER, BODY)
    assert slept == []


def test_a_token_that_may_look_and_not_write_is_told_apart(server: GitHub, slept: list[float]) -> None:
    server.read_only = True
    with pytest.raises(NoRightError, match="not accessible"):
        issue(server, slept).put(MARKER, BODY)
    assert server.methods() == ["GET", "POST"]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_that_has_a_bad_moment_is_asked_again(status: int, server: GitHub, slept: list[float]) -> None:
    server.first = [(status, {}, "<html>Unicorn!</html>")] * 2
    assert issue(server, slept).put(MARKER, BODY) == "created"
    assert slept == [2.0, 4.0]


def test_a_server_that_stays_down_is_an_error_after_a_while(server: GitHub, slept: list[float]) -> None:
    server.first = [(503, {}, "<html>Unicorn!</html>")] * 9
    with pytest.raises(RemoteError, match="503"):
        issue(server, slept).put(MARKER, BODY)
    assert sum(slept) <= PATIENCE


def test_a_secondary_rate_limit_says_how_long_to_wait(server: GitHub, slept: list[float]) -> None:
    server.first = [(403, {"Retry-After": "7"}, "You have exceeded a secondary rate limit")]
    assert issue(server, slept).put(MARKER, BODY) == "created"
    assert slept == [7.0]


def test_a_rate_limit_that_ends_soon_is_waited_for(server: GitHub, slept: list[float]) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 20)}
    server.first = [(403, headers, "API rate limit exceeded for installation")]
    assert issue(server, slept).put(MARKER, BODY) == "created"
    assert 15 < slept[0] <= 20


def test_a_rate_limit_that_takes_an_hour_is_not(server: GitHub, slept: list[float]) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 3600)}
    server.first = [(429, headers, "API rate limit exceeded for installation")]
    with pytest.raises(RemoteError, match="too long for a comment"):
        issue(server, slept).put(MARKER, BODY)
    assert slept == []


def test_a_comment_that_may_have_been_written_is_not_written_twice(server: GitHub, slept: list[float]) -> None:
    mine = issue(server, slept)
    assert mine.put(MARKER, BODY, create=False) == "absent"
    server.first = []
    original = mine.http.send

    def once_lost(method: str, *rest: object, **more: object) -> object:
        if method == "POST" and "POST" not in server.methods():
            server.first = [(0, {}, "")]
        return original(method, *rest, **more)  # type: ignore[arg-type]

    mine.http.send = once_lost  # type: ignore[assignment]
    with pytest.raises(RemoteError, match="cannot reach"):
        mine.put(MARKER, BODY)
    assert server.methods().count("POST") == 1


def test_a_lost_look_is_looked_again(server: GitHub, slept: list[float]) -> None:
    server.first = [(0, {}, "")]
    assert issue(server, slept).put(MARKER, BODY) == "created"


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [(200, "<html>a proxy's page", "no JSON"), (301, "Moved", "301"), (422, "Invalid", "422")],
)
def test_an_answer_that_makes_no_sense_is_an_error(
    status: int, text: str, said: str, server: GitHub, slept: list[float]
) -> None:
    server.first = [(status, {}, text)]
    with pytest.raises(RemoteError, match=said):
        issue(server, slept).put(MARKER, BODY)


def test_the_token_is_in_no_message(server: GitHub, slept: list[float]) -> None:
    with pytest.raises(NoRightError) as caught:
        issue(server, slept, token="ghs_" + "x" * 36).put(MARKER, BODY)
    assert "ghs_" not in str(caught.value)
