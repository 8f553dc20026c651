"""Makes the nodes of a plan happen in a cluster, for the state machine in order.py. Whatever it knows is in the cluster
or on the tracking server, so that another one goes on where this one was killed.
"""

from __future__ import annotations

import time

from child import Signals
from children import Objects
from cluster import Cluster
from decide import decide
from items import INDEX
from manifests import INDEX as BY_INDEX
from manifests import Maker, obstacle
from mirror import Mirror
from order import Ended, Schedule
from program import Outcome
from tracking import Tracking
from values import UNREACHABLE, StepError, say, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from order import Outcome as Word

    Doc = Dict[str, Any]

NODE = "mlwright.node."
"""With a node's id: a tag of the root run that says how the node ended."""
TICK = 1.0
LOOK = 20.0
"""Seconds between two looks at pods that do not start; MLWRIGHT_LOOK."""
STATES: Dict[str, Word] = {"succeeded": "finished", "skipped": "skipped", "stopped": "stopped", "failed": "failed"}


class Child:
    """A node that was started: how many items it has (0: none, it is one), and those that run or ended."""

    def __init__(self, node: Doc) -> None:
        self.node, self.items = node, 0
        self.waiting: List[int] = []
        self.running: Dict[int, Objects] = {}
        self.ended: Dict[int, Tuple[str, str]] = {}
        self.began = time.monotonic()


class Executor:
    """Starts nodes as objects, and tells how they ended. `ledger` is what earlier conductors of this run wrote down."""

    def __init__(
        self,
        nodes: List[Doc],
        schedule: Schedule,
        env: Dict[str, str],
        tracking: Tracking,
        signals: Signals,
        cluster: Cluster,
        maker: Maker,
    ) -> None:
        self.nodes = {str(node["id"]): node for node in nodes}
        self.schedule, self.env, self.tracking, self.signals = schedule, env, tracking, signals
        self.cluster, self.maker = cluster, maker
        self.mirror = Mirror(cluster, maker.selector)
        self.root, self.resumed = "", False
        self.ledger: Dict[str, str] = {}
        self.children: Dict[str, Child] = {}
        self.leaving: List[Tuple[Objects, bool]] = []
        self.looked, self.pause, self.obstacles = time.monotonic(), seconds(env, "MLWRIGHT_LOOK", LOOK), ""
        self.over: List[Ended] = []

    def open(self, root: str, tags: Dict[str, str], resumed: bool) -> None:
        """The root run, and what it says of nodes that have ended."""
        self.root, self.resumed = root, resumed
        self.ledger = {name[len(NODE) :]: said for name, said in tags.items() if name.startswith(NODE)}

    # The state machine's side

    def start(self, job: str) -> None:
        """Makes the objects of a node, unless it has ended already or is not to run."""
        child = Child(self.nodes[job])
        said = self.ledger.get(job)
        if said is not None:
            word, _, reason = said.partition(": ")
            self.over.append(Ended(job, _word(word), reason))
            self.leaving += [(o, word == "failed") for o in self._all(child) if len(child.node["objects"]) > 1]
            return
        if child.node.get("run_if") in ("failed", "always") and not child.node.get("needs"):
            # What `${run.status}` is from now on: all the others have ended.
            self.tracking.log(self.root, {"mlwright.outcome": "failed" if self.schedule.failed else "succeeded"})
        try:
            found = self._begin(child)
        except StepError as problem:
            if problem.code == UNREACHABLE:
                raise
            found = ("failed", str(problem))
        if found:
            self._end(child, *found)
        else:
            self.children[job] = child

    def wait(self) -> Tuple[Ended, ...]:
        """What has ended, after a moment at the latest."""
        if not self.over:
            self.mirror.changed.wait(TICK)
            self.mirror.changed.clear()
            self._obstacles()
            for child in list(self.children.values()):
                found = self._look(child)
                if found:
                    del self.children[child.node["id"]]
                    self._end(child, *found)
        self.leaving = [(objects, failed) for objects, failed in self.leaving if not objects.tidy(failed)]
        ended, self.over = tuple(self.over), []
        return ended

    def close(self) -> None:
        """Waits until what the nodes needed is gone."""
        while self.leaving:
            self.wait()
            time.sleep(0.2)
        self.mirror.stop()

    def _obstacles(self) -> None:
        """Says what keeps pods of the run from starting, once for each reason."""
        if time.monotonic() < self.looked + self.pause:
            return
        self.looked = time.monotonic()
        try:
            pods, _ = self.cluster.list("v1", "Pod", self.maker.selector)
        except StepError as problem:
            pods, said = [], str(problem)
        else:
            said = "; ".join(filter(None, map(obstacle, pods)))
        if said and said != self.obstacles:
            say(said)
        self.obstacles = said

    # One node

    def _begin(self, child: Child) -> Optional[Tuple[Word, str]]:
        """Starts a node; how it ended where there is nothing to start."""
        node = child.node
        indexed = bool(node.get("items") and node["items"]["indexed"])
        single = None if node.get("items") and not indexed else self._objects(child, "")
        if single is not None and single.there():
            single.resume()
            say("%s: goes on, %s" % (node["id"], single.what))
            child.running[0] = single
            return None
        seen = self._seen(node) if self.resumed else None
        if seen:
            return seen
        decided = decide(node["step"], self.env, self.signals) if node.get("step") else 0
        if isinstance(decided, Outcome):
            return _word(decided.status), decided.reason
        if single is not None:
            spec, more = None, None
            if decided:
                spec = {"completions": decided, "parallelism": int(node["items"]["max_parallel"] or decided)}
                more = {INDEX: BY_INDEX}
                spec["parallelism"] = min(spec["parallelism"], decided)
            single.make(more, spec)
            child.running[0] = single
            say("%s: started, %s%s" % (node["id"], single.what, " (%d items)" % decided if decided else ""))
            return None
        child.items = decided
        child.waiting = list(range(child.items))
        self._more(child)
        return None

    def _seen(self, node: Doc) -> Optional[Tuple[Word, str]]:
        """What the tracking server knows of a node that an earlier conductor decided on, or whose objects are gone."""
        runs = self.tracking.newest(str(node["id"]))
        if len(runs) != 1 or runs[0].tags.get("mlwright.item") or runs[0].state == "running":
            return None
        return STATES[runs[0].state], runs[0].tags.get("mlwright.reason", "")

    def _objects(self, child: Child, suffix: str) -> Objects:
        node = child.node
        timeout = float(node.get("timeout") or 0)
        return Objects(self.cluster, self.mirror, self.maker, node["objects"], suffix, timeout)

    def _all(self, child: Child) -> List[Objects]:
        """What an earlier conductor may have left of a node; of items that have objects of their own nothing is."""
        items = child.node.get("items")
        return [] if items and not items["indexed"] else [self._objects(child, "")]

    def _more(self, child: Child) -> None:
        """Starts items that have objects of their own, as many as may run at once."""
        limit = int(child.node["items"]["max_parallel"]) or child.items
        while child.waiting and len(child.running) < limit:
            index = child.waiting.pop(0)
            objects = self._objects(child, "-%d" % index)
            if objects.there():
                objects.resume()
            else:
                objects.make({INDEX: str(index)})
            child.running[index] = objects
            say("%s: item %d of %d, %s" % (child.node["id"], index + 1, child.items, objects.what))

    def _look(self, child: Child) -> Optional[Tuple[Word, str]]:
        """How a node ended; None while it runs."""
        try:
            for index, objects in list(child.running.items()):
                state, reason = objects.look()
                if state != "running":
                    self.leaving.append((child.running.pop(index), state == "failed"))
                    child.ended[index] = (state, reason)
            if child.waiting:
                self._more(child)
        except StepError as problem:
            if problem.code == UNREACHABLE:
                raise
            self.leaving += [(objects, True) for objects in child.running.values()]
            return "failed", str(problem)
        if child.running:
            return None
        bad = [index for index in sorted(child.ended) if child.ended[index][0] == "failed"]
        if not bad:
            return "finished", ""
        reason = child.ended[bad[0]][1]
        return "failed", "%d of %d items: %s" % (len(bad), child.items, reason) if child.items else reason

    def _end(self, child: Child, word: Word, reason: str) -> None:
        """Writes down how a node ended, after what its programs said on the tracking server."""
        node = str(child.node["id"])
        if child.running or child.ended:
            word, reason = self._said(node, word, reason)
        self.ledger[node] = word + (": " + reason if reason else "")
        self.tracking.log(self.root, {NODE + node: self.ledger[node]})
        say("%s: %s%s after %.0f s" % (node, word, " (%s)" % reason if reason else "", time.monotonic() - child.began))
        self.over.append(Ended(node, word, reason))

    def _said(self, node: str, word: Word, reason: str) -> Tuple[Word, str]:
        if word == "finished":
            return STATES.get(self.tracking.state(node), "finished"), reason
        runs = self.tracking.newest(node)
        for run in runs:
            if run.state == "running":
                lost = {"mlwright.reason": reason, "mlwright.retrying": "false"}
                self.tracking.close(run.id, "FAILED", lost)
        said = [run.tags["mlwright.reason"] for run in runs if run.state == "failed" and "mlwright.reason" in run.tags]
        return word, said[0] if said else reason


def _word(text: str) -> Word:
    words: Dict[str, Word] = {"cached": "cached", "finished": "finished", "killed": "killed"}
    return words.get(text) or STATES.get(text, "failed")
