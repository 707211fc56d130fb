"""Snapshots on a cluster: the months and the places of the generation in use, in a repository of the server.

A restore brings them back under the number of a new generation, beside the one in use, under the lock of rebuilds. Only
when they are whole does the control document name the new generation, so that every write goes to it, too; then what
is newer than the snapshot is sent to be written again, and searches are switched as after a rebuild.
"""

import os
import socket
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import elastic_transport
import elasticsearch

from core.clock import Clock, system_clock
from core.errors import SearchUnavailable, UsageError
from search.elastic_client import GONE, Access, Cluster, Json, cause_of, telling
from search.elastic_control import Lock, State, beating
from search.elastic_generations import Generations
from search.elastic_names import IndexNames
from search.fields import format_mark
from search.snapshots import BeforeSwitch, Snapshot, check_name, find, taken_already

LOOK_SECONDS = 0.5
STUCK_LOOKS = 60
"""Looks at a restore in which nothing moves and something lacks, before it has failed."""


class ElasticSnapshots:
    """Snapshots of the index `name`. repository: its name on the server; made at `location` (a folder that every node
    reaches, inside their path.repo) where it is not there."""

    def __init__(
        self,
        access: Access,
        name: str,
        *,
        replicas: str,
        repository: str,
        location: str,
        shards: int = 1,
        clock: Clock = system_clock,
    ) -> None:
        self._cluster = Cluster(access)
        self._client = self._cluster.client
        self._names = IndexNames(name)
        self._generations = Generations(self._cluster, self._names, replicas, clock, shards=shards)
        self._repository = repository
        self._location = location
        self._clock = clock

    def take(self, name: str, *, now: datetime) -> Snapshot:
        """As Snapshots.take."""
        check_name(name)
        with telling(self._cluster.access):
            state = self._generations.control.read()
            if state is None or state.in_use is None:
                raise SearchUnavailable("还没有索引，没有可做快照的内容")
            self._ready_repository()
            number = state.in_use
            months = self._names.months(number)
            documents = int(self._client.count(index=months)["count"])
            taken = Snapshot(name, now, documents, number, format_mark())
            self._create(taken, [months, self._names.places(number)])
            return self._whole(taken)

    def _ready_repository(self) -> None:
        found = self._client.options(ignore_status=GONE).snapshot.get_repository(name=self._repository)
        if found.meta.status != GONE:
            return
        if not self._location:
            raise UsageError(
                f"Elasticsearch 上没有快照仓库 {self._repository}：给出 FENGSUI_SNAPSHOTS"
                "（各节点 path.repo 内的目录），或请管理员先登记"
            )
        where: Any = {"type": "fs", "settings": {"location": self._location}}
        try:
            self._client.snapshot.create_repository(name=self._repository, repository=where)
        except elasticsearch.ApiError as error:
            if error.status_code >= 500 or error.status_code == 400:
                told = cause_of(error)
                why = told.get("caused_by", told).get("reason", "")
                raise UsageError(
                    f"快照仓库 {self._location} 登记不了（{str(why)[:200]}）；它要在每个节点的 path.repo 之内、"
                    "各节点共用并可写"
                ) from error
            raise

    def _create(self, taken: Snapshot, indices: list[str]) -> None:
        about = {"taken_by": "fengsui", "index": self._names.name, **taken.as_json()}
        try:
            self._client.snapshot.create(
                repository=self._repository, snapshot=taken.name, indices=",".join(indices),
                include_global_state=False, feature_states=["none"], partial=False, metadata=about,
                wait_for_completion=False,
            )  # fmt: skip
        except elasticsearch.BadRequestError as error:
            if error.error in ("snapshot_name_already_in_use_exception", "invalid_snapshot_name_exception"):
                raise taken_already(taken.name) from error
            raise

    def _whole(self, taken: Snapshot) -> Snapshot:
        """Wait until it is whole; however long that takes, each look is short."""
        while True:
            found = self._cluster.ask(
                lambda: self._client.snapshot.get(repository=self._repository, snapshot=taken.name)
            )["snapshots"][0]
            if found["state"] == "SUCCESS":
                return taken
            if found["state"] != "IN_PROGRESS":
                failed = found.get("failures") or [{}]
                why = found.get("reason") or failed[0].get("reason") or found["state"]
                raise SearchUnavailable(f"快照 {taken.name} 没有做完整（{str(why)[:200]}）；换一个名字再做")
            self._cluster.pause(LOOK_SECONDS)

    def all(self) -> tuple[Snapshot, ...]:
        """As Snapshots.all: those of this index, whoever else uses the repository."""
        with telling(self._cluster.access):
            found = self._client.options(ignore_status=GONE).snapshot.get(repository=self._repository, snapshot="*")
        ours = []
        for one in found.body.get("snapshots", ()):
            about = one.get("metadata") or {}
            if about.get("taken_by") == "fengsui" and about.get("index") == self._names.name:
                ours.append(Snapshot.from_json(one["snapshot"], about, whole=one["state"] == "SUCCESS"))
        return tuple(sorted(ours, key=lambda one: one.taken_at, reverse=True))

    def restore(self, name: str, before_switch: BeforeSwitch) -> Snapshot:
        """As Snapshots.restore."""
        with telling(self._cluster.access):
            self._ready_repository()
            wanted = find(self.all(), name)
            number, token = self._reserve()
            try:
                with beating(self._generations.control, token, self._clock):
                    self._bring_back(wanted, number)
                    self._name(number, token)
                    before_switch(wanted.taken_at.astimezone(UTC))
                    self._generations.finish(number, token)
            except BaseException:
                # Of a cluster that is away the lock runs out, and the next rebuild or restore clears up.
                with suppress(SearchUnavailable, elasticsearch.ApiError, elastic_transport.TransportError):
                    self._generations.abandon(number, token)
                raise
        return wanted

    def _reserve(self) -> tuple[int, str]:
        """The lock, and a number that no write goes to yet."""
        token, now = uuid4().hex, self._clock()
        lock = Lock(f"{socket.gethostname()}:{os.getpid()}", token, now, now)

        def turn(state: State) -> State:
            held = state.lock
            if held and held.token == token:
                return state
            if held and held.alive(now):
                raise SearchUnavailable(f"索引正在重建或恢复（{held.told()}），请等它结束")
            return replace(state, building=None, last=state.last + 1, lock=lock)

        control = self._generations.control
        if control.read() is None:
            control.begin(State())
        return control.change(turn).last, token

    def _bring_back(self, wanted: Snapshot, number: int) -> None:
        """Restore the indices under their new numbers, without their aliases, and give them their doors."""
        names, old = self._names, wanted.generation
        kinds = {
            names.months(old): (f"{names.generation(old)}-(.+)", f"{names.generation(number)}-$1"),
            names.places(old): (names.places(old), names.places(number)),
        }
        for indices, (pattern, replacement) in kinds.items():
            self._client.snapshot.restore(
                repository=self._repository, snapshot=wanted.name, indices=indices, include_aliases=False,
                include_global_state=False, rename_pattern=pattern, rename_replacement=replacement,
                wait_for_completion=False,
            )  # fmt: skip
        back = f"{names.months(number)},{names.places(number)}"
        self._wait(back)
        found = self._cluster.ask(lambda: self._client.indices.get_settings(index=back, name="index.uuid"))
        doors = {index: names.door(number, names.month_in(index)) for index in found.body}
        doors[names.places(number)] = names.places_door(number)
        turns: list[Json] = [{"add": {"index": index, "alias": door}} for index, door in doors.items()]
        self._cluster.ask(lambda: self._client.indices.update_aliases(actions=turns))

    def _wait(self, indices: str) -> None:
        """Until every shard is back."""
        stuck = 0
        while True:
            health: Json = self._cluster.ask(lambda: self._client.cluster.health(index=indices)).body
            if health["status"] != "red" and health["active_primary_shards"]:
                return
            stuck = 0 if health["initializing_shards"] else stuck + 1
            if stuck > STUCK_LOOKS:
                raise SearchUnavailable(
                    "快照里有分片恢复不了（仓库里的文件缺失或损坏）；请运行 fengsui reindex 由库重建"
                )
            self._cluster.pause(LOOK_SECONDS)

    def _name(self, number: int, token: str) -> None:
        """From now on every write goes to the restored generation, too."""

        def turn(state: State) -> State:
            if state.lock is None or state.lock.token != token:
                raise SearchUnavailable("本次恢复停顿过久，已被另一次重建接手；现用索引不受影响")
            return replace(state, building=number)

        self._generations.control.change(turn)
