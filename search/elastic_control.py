"""The one document that says which generation is in use, which one is being built, and who builds it.

Read in real time before and after every write, changed only by compare and swap: two processes that change it at once
take turns, and none acts on what is no longer so.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Self

import elastic_transport
import elasticsearch

from core.clock import Clock, iso_beijing
from core.errors import SearchUnavailable
from search.elastic_client import CONFLICT, GONE, Cluster, Json
from search.elastic_names import IndexNames
from search.elastic_schema import control_index

STATE = "state"
LEASE = timedelta(seconds=60)
"""A builder that has not renewed its lock for so long is taken for dead."""
LONG_DEAD = timedelta(hours=1)
"""After so long any writer clears a half-built generation away, which costs each write as much as the one in use. No
sooner: a writer whose clock is wrong must not end a rebuild that lives."""
BEAT = 10.0
"""Seconds between two renewals."""
ATTEMPTS = 20
"""Times a change is tried while others change the document, too."""


@dataclass(frozen=True)
class Lock:
    """Who rebuilds. who: host and process, for people; token: tells two builders apart; times: aware, UTC."""

    who: str
    token: str
    since: datetime
    renewed: datetime

    def alive(self, now: datetime, within: timedelta = LEASE) -> bool:
        """Whether its holder has shown life within that time; a clock that is ahead counts as life."""
        return now - self.renewed < within

    def told(self) -> str:
        """Who and since when, for people."""
        return f"{self.who}，自 {iso_beijing(self.since)}"


@dataclass(frozen=True)
class State:
    """Numbers of generations. retiring: was in use, is read until the alias is switched, then deleted.

    last: the highest number ever given: none is given twice, so that a late writer of a dead generation cannot reach
    a new one.
    """

    in_use: int | None = None
    building: int | None = None
    retiring: int | None = None
    last: int = 0
    lock: Lock | None = None

    @property
    def live(self) -> tuple[int, ...]:
        """The generations that every write goes to."""
        return tuple(number for number in (self.in_use, self.retiring, self.building) if number is not None)

    @classmethod
    def from_json(cls, found: Json) -> Self:
        lock = found["lock"]
        if lock is not None:
            times = {name: datetime.fromisoformat(lock[name]) for name in ("since", "renewed")}
            lock = Lock(lock["who"], lock["token"], **times)
        return cls(found["in_use"], found["building"], found["retiring"], found["last"], lock)

    def as_json(self) -> Json:
        state: Json = json.loads(json.dumps(asdict(self), default=datetime.isoformat))
        return state


class Control:
    """Reads and changes the state of one index."""

    def __init__(self, cluster: Cluster, names: IndexNames, replicas: str) -> None:
        self._cluster = cluster
        self._index = names.control
        self._replicas = replicas

    def read(self) -> State | None:
        """The state now; None before the first one was made."""
        found = self._get()
        return State.from_json(found["_source"]) if found else None

    def _get(self) -> Json | None:
        client = self._cluster.client.options(ignore_status=GONE)
        found: Json = self._cluster.ask(lambda: client.get(index=self._index, id=STATE)).body
        return found if found.get("found") else None

    def begin(self, first: State) -> State:
        """Make the document as `first`, unless another process already did; the state that counts."""
        client = self._cluster.client
        try:
            self._cluster.ask(lambda: client.indices.create(index=self._index, **control_index(self._replicas)))
        except elasticsearch.BadRequestError as error:
            if error.error != "resource_already_exists_exception":
                raise
        made = client.options(ignore_status=CONFLICT)
        self._cluster.ask(lambda: made.create(index=self._index, id=STATE, document=first.as_json()))
        return self.read() or first

    def change(self, turn: Callable[[State], State]) -> State:
        """Replace the state by `turn` of it, in one step; the new state. `turn` may be called several times."""
        client = self._cluster.client.options(ignore_status=CONFLICT)
        for _attempt in range(ATTEMPTS):
            found = self._get()
            if found is None:
                raise SearchUnavailable("索引的控制文档不见了，请运行 fengsui reindex 重建")
            held = State.from_json(found["_source"])
            wanted = turn(held)
            if wanted == held:
                return held
            swap = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
            write = partial(client.index, index=self._index, id=STATE, document=wanted.as_json(), **swap)
            if self._cluster.ask(write).meta.status != CONFLICT:
                return wanted
        raise SearchUnavailable("索引的控制文档一直在被改写，请稍后再试")

    def renew(self, token: str, now: datetime) -> None:
        """Show that the builder with `token` is alive. Raises SearchUnavailable when another took its place."""

        def turn(state: State) -> State:
            lock = mine(state, token)
            return replace(state, lock=replace(lock, renewed=now))

        self.change(turn)


def mine(state: State, token: str) -> Lock:
    """The lock, if `token` holds it. Raises SearchUnavailable when it does not, or no longer."""
    if state.lock is None or state.lock.token != token:
        raise SearchUnavailable("本次重建停顿过久，已被另一次重建接手；现用索引不受影响")
    return state.lock


@contextmanager
def beating(control: Control, token: str, clock: Clock) -> Iterator[None]:
    """Renew the lock of `token` while the block runs, also while it waits for the store."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            # A beat that is missed is made up by the next; a lock that is lost is told by the next write or the switch.
            with suppress(SearchUnavailable, elasticsearch.ApiError, elastic_transport.TransportError):
                control.renew(token, clock())

    heart = threading.Thread(target=beat, name="rebuild-lock", daemon=True)
    heart.start()
    try:
        yield
    finally:
        over.set()
        heart.join(timeout=BEAT)
