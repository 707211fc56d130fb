"""The generations of an index on a cluster: made, filled beside the one in use, switched to, cleared away.

The control document decides; aliases and indices follow it, and any process mends what a dead one left between two
steps. The order of a switch: the document says that generation 3 is in use and 2 retires; the alias is moved in one
step; the document forgets 2; its indices go. Every generation the document names gets every write, so wherever a
process dies, searches see all that was acknowledged.
"""

import os
import socket
from collections.abc import Iterable
from dataclasses import replace
from uuid import uuid4

import elasticsearch

from core.clock import Clock
from core.errors import SearchUnavailable
from search.elastic_client import GONE, Cluster, Json
from search.elastic_control import LEASE, LONG_DEAD, Control, Lock, State, mine
from search.elastic_names import OTHER, IndexNames
from search.elastic_schema import places_index, template
from search.fields import format_mark
from search.page import OLD_FORMAT

NAMES_A_REQUEST = 30
"""Index names that go into one address: the server takes 4 kB of it."""


class Generations:
    """The generations of one index. Raises the client's errors and SearchUnavailable."""

    def __init__(self, cluster: Cluster, names: IndexNames, replicas: str, clock: Clock, *, shards: int = 1) -> None:
        self._cluster = cluster
        self._client = cluster.client
        self._names = names
        self._replicas, self._shards = replicas, shards
        self._clock = clock
        self._checked: set[int] = set()
        self.control = Control(cluster, names, replicas)

    # for writers

    def ready(self) -> State:
        """The state to write by: the first generation is made where there is none, what was cut off is mended."""
        state = self.control.read()
        if state is None:
            if self.read_indices():
                raise SearchUnavailable(OLD_FORMAT)
            state = self.control.begin(State(in_use=1, last=1))
        if state.in_use is None:
            raise SearchUnavailable("索引还没有建成，请运行 fengsui reindex 重建")
        return self._mended(state)

    def _mended(self, state: State) -> State:
        """The state after what a dead process began is ended or cleared away."""
        lock, now = state.lock, self._clock()
        if state.retiring is not None and not (lock and lock.alive(now)):
            return self._settle()
        if lock is not None and state.building is not None and not lock.alive(now, LONG_DEAD):
            self.abandon(state.building, lock.token)
            return self.control.read() or state
        return state

    def lives(self, number: int) -> bool:
        """Whether the document names this generation."""
        state = self.control.read()
        return state is not None and number in state.live

    def check_format(self, number: int) -> None:
        """Raises SearchUnavailable when the generation was made with other fields than ours."""
        if number in self._checked:
            return
        marks = self.formats(self._names.month(number, OTHER))
        if any(mark != format_mark() for mark in marks.values()):
            raise SearchUnavailable(OLD_FORMAT)
        if marks:
            self._checked.add(number)

    def formats(self, index: str) -> dict[str, str | None]:
        """The marks of the indices behind a name; empty where there is none."""
        asking = self._client.options(ignore_status=GONE).indices
        found = self._cluster.ask(lambda: asking.get_mapping(index=index)).body
        mappings = {key: one["mappings"] for key, one in found.items() if isinstance(one, dict) and "mappings" in one}
        return {key: one.get("_meta", {}).get("format") for key, one in mappings.items()}

    def make(self, number: int) -> None:
        """The indices a generation has from the start; those that are there stay."""
        places = places_index(self._names.places_door(number), self._replicas, self._shards)
        self._create(self._names.places(number), places)
        self.open_month(number, OTHER)

    def open_month(self, number: int, month: str) -> None:
        """Make a month, from the template. Searches see it when its generation is the one in use."""
        names, state = self._names, self.control.read()
        pattern = template(names.months(number), self._replicas, self._shards)
        self._cluster.ask(lambda: self._client.indices.put_index_template(name=names.generation(number), **pattern))
        aliases: Json = {names.door(number, month): {}}
        if _seen(state, number):
            aliases[names.name] = {}
        self._create(names.month(number, month), {"aliases": aliases})
        state = self.control.read()
        # The switch may have come between: whoever sees the other's step last adds the alias.
        if names.name not in aliases and _seen(state, number):
            index, alias = names.month(number, month), names.name
            self._cluster.ask(lambda: self._client.indices.put_alias(index=index, name=alias))
        # Or the generation may have been cleared away between our look and our step: what we made is nobody's.
        if state is None or number not in state.live:
            self._sweep()

    def _create(self, index: str, body: Json) -> None:
        try:
            self._cluster.ask(lambda: self._client.indices.create(index=index, **body))
        except elasticsearch.BadRequestError as error:
            if error.error != "resource_already_exists_exception":  # another process was quicker
                raise

    def read_indices(self) -> list[str]:
        """The indices behind the alias that searches read."""
        asking = self._client.options(ignore_status=GONE).indices
        answer = self._cluster.ask(lambda: asking.get_alias(name=self._names.name))
        return sorted(index for index, found in answer.body.items() if isinstance(found, dict) and "aliases" in found)

    # for a rebuild

    def begin(self) -> tuple[int, str]:
        """Take the lock and make a new generation: its number, and the token of the lock.

        Raises SearchUnavailable while another rebuild lives, naming who and since when.
        """
        token, now = uuid4().hex, self._clock()
        lock = Lock(f"{socket.gethostname()}:{os.getpid()}", token, now, now)

        def turn(state: State) -> State:
            held = state.lock
            if held and held.token != token and held.alive(now):
                wait = f"若它已不在，{LEASE.total_seconds():.0f} 秒无动静后可重新运行"
                raise SearchUnavailable(f"索引正在重建（{held.told()}），请等它结束；{wait}")
            if held and held.token == token:
                return state
            return replace(state, building=state.last + 1, last=state.last + 1, lock=lock)

        if self.control.read() is None:
            self.control.begin(State())
        state = self.control.change(turn)
        number = state.building or state.last
        if state.retiring is not None:
            self._settle()
        self._sweep()
        self.make(number)
        return number, token

    def finish(self, number: int, token: str) -> None:
        """Use the generation from now on. Raises SearchUnavailable when another rebuild took over."""
        self._cluster.ask(lambda: self._client.indices.refresh(index=self._names.months(number)))

        def turn(state: State) -> State:
            mine(state, token)
            if state.in_use == number:
                return state
            return replace(state, in_use=number, building=None, retiring=state.in_use)

        self.control.change(turn)
        self._settle()
        self.control.change(lambda state: replace(state, lock=None) if _holds(state, token) else state)

    def abandon(self, number: int, token: str) -> None:
        """Give the lock back and clear the half-built generation away; the one in use stays."""

        def turn(state: State) -> State:
            if not _holds(state, token):
                return state
            return replace(state, building=None if state.building == number else state.building, lock=None)

        self.control.change(turn)
        self._sweep()

    def _settle(self) -> State:
        """Let searches read what the document says is in use, and only that. May be repeated by anyone."""
        self._point()
        state = self.control.change(lambda state: replace(state, retiring=None))
        self._point()  # a month that was made between the two
        self._sweep()
        return state

    def _point(self) -> None:
        state = self.control.read()
        if state is None or state.in_use is None:
            return
        alias, months = self._names.name, self._names.months(state.in_use)
        turns: list[Json] = [{"add": {"index": months, "alias": alias}}]
        for index in self.read_indices():
            if self._names.number_of(index) != state.in_use:
                turns.append({"remove": {"index": index, "alias": alias, "must_exist": False}})
        self._cluster.ask(lambda: self._client.indices.update_aliases(actions=turns))

    def _sweep(self) -> None:
        """Delete the indices and templates of generations the document does not name."""
        names = self._names
        found = self._listed(names.every_month) + self._listed(names.every_place)
        old = self._listed(names.before_months)
        state = self.control.read()  # after the listing: what was made since is named by it
        if state is None:
            return
        dead = [index for index in found if names.number_of(index) not in (None, *state.live)]
        if state.in_use is not None:
            dead += old
        self._delete(dead)
        templates = self._client.options(ignore_status=GONE).indices
        for number in {names.number_of(index) for index in dead} - {None}:
            templates.delete_index_template(name=names.generation(number or 0))
        if old and state.in_use is not None:
            templates.delete_index_template(name=names.name)

    def _listed(self, pattern: str) -> list[str]:
        answer = self._cluster.ask(
            lambda: self._client.indices.get_settings(index=pattern, name="index.uuid", expand_wildcards="all")
        )
        return sorted(answer.body)

    def _delete(self, indices: Iterable[str]) -> None:
        """One that another process deletes in that moment fails the whole request: then the others go one by one."""
        wanted = list(indices)
        client = self._client.options(ignore_status=GONE)
        for start in range(0, len(wanted), NAMES_A_REQUEST):
            some = wanted[start : start + NAMES_A_REQUEST]
            if client.indices.delete(index=some, ignore_unavailable=True).meta.status != GONE:
                continue
            for index in some:
                client.indices.delete(index=index, ignore_unavailable=True)


def _seen(state: State | None, number: int) -> bool:
    """Whether searches read this generation, and no other beside it."""
    return state is not None and state.in_use == number and state.retiring is None


def _holds(state: State, token: str) -> bool:
    return state.lock is not None and state.lock.token == token
