"""The protocol over HTTP: what workers see, and that nothing they send can stop the search."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from samplers import Proposer
from searchservice import BODY_LIMIT, Server, Service
from searchspace import dimension
from trials import Ledger, Rules


class Live:
    """A served search over one float parameter, and everything it journalled and said."""

    def __init__(self, **rules: Any) -> None:
        self.journal: list[Mapping[str, Any]] = []
        self.lines: list[str] = []
        self.ledger = Ledger(Rules(**{"maximize": True, "max_trials": 4, "parallel": 2, **rules}))
        space = [dimension("lr", {"type": "float", "min": 0, "max": 1})]
        self.service = Service(
            self.ledger,
            Proposer("random", {}, space, maximize=True, seed=1),
            tuning_run="run",
            objective="auc",
            heartbeat=0.05,
            journal=self.journal.append,
            say=self.lines.append,
        )
        self.server = Server("127.0.0.1", 0)
        self.server.service = self.service
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=5)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text.startswith(b"{") else {}

    def post(self, path: str, **request: Any) -> dict[str, Any]:
        code, answer = self.send("POST", path, json.dumps(request).encode())
        assert code == 200, answer
        return answer


@pytest.fixture
def live() -> Iterator[Live]:
    served = Live()
    yield served
    served.server.shutdown()
    served.server.server_close()


def test_a_worker_asks_reports_and_tells_until_it_is_done(live: Live) -> None:
    for number in range(4):
        trial = live.post("/ask", worker="a")
        assert trial["trial"] == number and trial["tuning_run"] == "run" and 0 <= float(trial["params"]["lr"]) <= 1
        assert live.post("/report", worker="a", trial=number, step=0, value=number / 10) == {"stop": False}
        assert live.post("/heartbeat", worker="a", trial=number) == {"ok": True, "stop": False}
        told = {"worker": "a", "trial": number, "status": "succeeded", "value": number / 10, "run_id": f"r{number}"}
        assert live.post("/tell", **told) == live.post("/tell", **told) == {"ok": True}
    assert live.post("/ask", worker="a") == live.post("/ask", worker="b") == {"done": True}
    _, status = live.send("GET", "/status")
    assert status["done"] and not status["failed"] and status["running"] == 0 and status["max"] == 4
    assert status["best"] == {"number": 3, "params": status["trials"][3]["params"], "value": 0.3, "run_id": "r3"}
    assert [trial["status"] for trial in status["trials"]] == ["succeeded"] * 4


def test_every_finished_trial_is_one_line_with_the_best_so_far(live: Live) -> None:
    for number, value in enumerate((0.5, 0.25)):
        live.post("/ask", worker="a")
        live.post("/tell", worker="a", trial=number, status="succeeded", value=value, run_id="")
    live.post("/ask", worker="a")
    live.post("/tell", worker="a", trial=2, status="failed", value=None, run_id="", reason="exit code 3\nand more")
    assert [line.split(" lr=")[0] for line in live.lines] == [
        "trial 0 succeeded auc=0.5",
        "trial 1 succeeded auc=0.25",
        "trial 2 failed",
    ]
    assert live.lines[1].endswith("(best 0.5, trial 0)")
    assert live.lines[2].endswith("(best 0.5, trial 0): exit code 3 and more")


def test_the_journal_is_written_before_the_answer(live: Live) -> None:
    live.post("/ask", worker="a")
    live.post("/ask", worker="a")
    assert len(live.journal) == 1 and live.journal[0]["trials"][0]["status"] == "running"
    live.post("/tell", worker="a", trial=0, status="succeeded", value=1, run_id="")
    assert live.journal[-1]["trials"][0]["status"] == "succeeded"


def test_workers_beyond_the_limit_wait(live: Live) -> None:
    answers = [live.post("/ask", worker=worker) for worker in "abc"]
    assert [answer.get("trial") for answer in answers] == [0, 1, None]
    assert 0 < answers[2]["wait"] <= 2


def test_many_workers_at_once_get_different_trials() -> None:
    live = Live(max_trials=40, parallel=40)
    answers: list[dict[str, Any]] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(live.post("/ask", worker=f"w{n}"))) for n in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["trial"] for answer in answers) == list(range(40))
    assert len(live.journal[-1]["trials"]) == 40
    live.server.shutdown()
    live.server.server_close()


def test_a_silent_worker_loses_its_trial_and_a_living_one_does_not(live: Live) -> None:
    live.post("/ask", worker="silent")
    live.post("/ask", worker="alive")
    end = time.monotonic() + 5
    while live.ledger.trials[0].status == "running" and time.monotonic() < end:
        live.post("/heartbeat", worker="alive", trial=1)
        live.service.drop_silent_workers()
        time.sleep(0.01)
    assert [trial.status for trial in live.ledger.trials] == ["failed", "running"]
    assert "silent" in live.ledger.trials[0].reason and live.journal[-1]["trials"][0]["status"] == "failed"
    assert live.post("/report", worker="silent", trial=0, step=0, value=1.0) == {"stop": True}
    assert live.post("/heartbeat", worker="silent", trial=0) == {"ok": True, "stop": True}
    assert live.post("/tell", worker="silent", trial=0, status="succeeded", value=1.0, run_id="") == {"ok": True}
    assert live.ledger.trials[0].status == "failed"
    assert live.post("/ask", worker="silent")["trial"] == 2, "who comes back gets a new trial"


def test_a_worker_whose_heartbeat_waits_for_the_draw_of_another_is_not_silent(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.post("/ask", worker="alive")
    draws, draw = live.service._draws, live.service._draws.ask
    monkeypatch.setattr(draws, "ask", lambda: (time.sleep(0.5), draw())[1])
    asking = threading.Thread(target=lambda: live.post("/ask", worker="other"))
    beating = threading.Thread(target=lambda: live.post("/heartbeat", worker="alive", trial=0))
    asking.start()
    time.sleep(0.05)
    beating.start()
    while asking.is_alive():
        live.service.drop_silent_workers()
        time.sleep(0.01)
    beating.join()
    assert [trial.status for trial in live.ledger.trials] == ["running", "running"]


def test_a_goal_ends_the_running_trials() -> None:
    live = Live(stop_at=0.5)
    live.post("/ask", worker="a")
    live.post("/ask", worker="b")
    live.post("/tell", worker="a", trial=0, status="succeeded", value=0.6, run_id="")
    assert live.post("/heartbeat", worker="b", trial=1) == {"ok": True, "stop": True}
    assert live.post("/report", worker="b", trial=1, step=0, value=0.1) == {"stop": True}
    assert live.service.waiting_for_workers()
    assert live.post("/tell", worker="b", trial=1, status="stopped", value=0.1, run_id="") == {"ok": True}
    assert live.post("/ask", worker="a") == live.post("/ask", worker="b") == {"done": True}
    assert not live.service.waiting_for_workers() and live.service.dismissed() == 2
    live.server.shutdown()
    live.server.server_close()


HOSTILE = [
    ("POST", "/ask", b"", 400),
    ("POST", "/ask", b"{", 400),
    ("POST", "/ask", b"\xff\xfe", 400),
    ("POST", "/ask", b"[]", 400),
    ("POST", "/ask", b"[" * 100_000, 400),
    ("POST", "/ask", b"{}", 400),
    ("POST", "/ask", b'{"worker": ""}', 400),
    ("POST", "/ask", b'{"worker": 7}', 400),
    ("POST", "/ask", b'{"worker": "' + b"w" * 300 + b'"}', 400),
    ("POST", "/ask", b'{"worker": "' + b"w" * BODY_LIMIT + b'"}', 413),
    ("POST", "/report", b'{"worker": "a", "trial": 9, "step": 0, "value": 1}', 404),
    ("POST", "/report", b'{"worker": "b", "trial": 0, "step": 0, "value": 1}', 409),
    ("POST", "/report", b'{"worker": "a", "trial": 0, "step": -1, "value": 1}', 400),
    ("POST", "/report", b'{"worker": "a", "trial": 0, "step": 0.5, "value": 1}', 400),
    ("POST", "/report", b'{"worker": "a", "trial": 0, "step": 0}', 400),
    ("POST", "/report", b'{"worker": "a", "trial": 0, "step": 0, "value": "1"}', 400),
    ("POST", "/report", b'{"worker": "a", "trial": true, "step": 0, "value": 1}', 400),
    ("POST", "/report", b'{"worker": "a", "trial": ' + b"9" * 5000 + b', "step": 0, "value": 1}', 400),
    ("POST", "/tell", b'{"worker": "a", "trial": 0, "status": "won", "value": 1}', 400),
    ("POST", "/tell", b'{"worker": "a", "trial": 0, "status": [], "value": 1}', 400),
    ("POST", "/tell", b'{"worker": "a", "trial": 0, "status": "succeeded", "value": 1, "run_id": {}}', 400),
    ("POST", "/tell", b'{"worker": "b", "trial": 0, "status": "succeeded", "value": 1}', 409),
    ("POST", "/heartbeat", b'{"worker": "a", "trial": null}', 400),
    ("POST", "/heartbeat", b'{"worker": "b", "trial": 0}', 409),
    ("POST", "/status", b"{}", 405),
    ("GET", "/ask", b"", 405),
    ("GET", "/../../etc/passwd", b"", 404),
    ("PUT", "/ask", b"{}", 501),
]


@pytest.mark.parametrize(("method", "path", "body", "code"), HOSTILE)
def test_a_hostile_request_is_refused_and_changes_nothing(
    live: Live, method: str, path: str, body: bytes, code: int
) -> None:
    live.post("/ask", worker="a")
    assert live.send(method, path, body)[0] == code
    assert [trial.status for trial in live.ledger.trials] == ["running"]
    assert live.send("GET", "/healthz") == (200, {"ok": True})
    assert live.post("/ask", worker="a")["trial"] == 0


def test_values_that_are_no_numbers_stop_nothing(live: Live) -> None:
    live.post("/ask", worker="a")
    for step, text in enumerate((b"NaN", b"Infinity", b"-Infinity", b"1" * 400)):
        body = b'{"worker": "a", "trial": 0, "step": %d, "value": %s}' % (step, text)
        assert live.send("POST", "/report", body) == (200, {"stop": False})
    assert live.send("POST", "/tell", b'{"worker": "a", "trial": 0, "status": "succeeded", "value": NaN}')[0] == 200
    assert live.ledger.trials[0].status == "failed"
    assert live.send("GET", "/status")[1]["trials"][0]["value"] is None


def test_a_request_of_a_web_page_is_refused(live: Live) -> None:
    body = b'{"worker": "page"}'
    assert live.send("POST", "/ask", body, Origin="http://evil.example")[0] == 403
    assert live.ledger.trials == []


def test_clients_that_hang_up_or_talk_nonsense_harm_nobody(live: Live, capfd: pytest.CaptureFixture[str]) -> None:
    for noise in (
        b"",
        b"\x00\x01\x02\r\n\r\n",
        b"POST /ask HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST /ask HTTP/1.1\r\n",
    ):
        with socket.create_connection(("127.0.0.1", live.server.server_port), timeout=5) as connection:
            connection.sendall(noise)
    with socket.create_connection(("127.0.0.1", live.server.server_port), timeout=5) as connection:
        connection.sendall(b"POST /ask HTTP/1.1\r\nContent-Length: 20\r\n\r\n{")
        assert live.post("/ask", worker="a")["trial"] == 0
    assert "Traceback" not in capfd.readouterr().err


def test_a_failing_sampler_answers_500_and_the_search_lives(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> dict[str, float]:
        raise RuntimeError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr(live.service._draws, "ask", broken)
        assert live.send("POST", "/ask", b'{"worker": "a"}')[0] == 500
    assert live.post("/ask", worker="a")["trial"] == 0


def test_workers_stay_until_the_result_is_stored() -> None:
    """An engine starts what comes after the search when its workers are gone, and ends the search itself."""
    live = Live(stop_at=0.5)
    live.service.concluded = False
    live.post("/ask", worker="a")
    live.post("/tell", worker="a", trial=0, status="succeeded", value=0.6, run_id="")
    assert "wait" in live.post("/ask", worker="a") and live.service.dismissed() == 0
    live.service.concluded = True
    assert live.post("/ask", worker="a") == {"done": True}
    live.server.shutdown()
    live.server.server_close()
