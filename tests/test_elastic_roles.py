"""The documented roles are enough for the whole life of the index, and each privilege in them is needed."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from config.settings import PROJECT
from core.clock import system_clock
from core.errors import SearchUnavailable
from search.backend import SearchRequest
from search.elastic_client import Access
from search.elastic_snapshots import ElasticSnapshots
from search.elasticsearch import ElasticsearchBackend
from tests.certificates import Authority, make_authority
from tests.search_documents import entry, words
from tests.secured_node import Account, Door, Role, secured

ROLES = PROJECT / "deploy" / "elasticsearch" / "roles"
WRITER, READER, SNAPSHOTS = "fengsui_writer", "fengsui_reader", "fengsui_snapshots"


def role(name: str) -> Any:
    return json.loads((ROLES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@dataclass
class Life:
    """One index through a secured door, by an account with the given roles."""

    door: Door
    ca: Path
    name: str = field(default_factory=lambda: f"fengsui-t{uuid4().hex[:8]}-signals")

    def access(self, roles: dict[str, Role], *, by_key: bool = False) -> Access:
        user = f"u{uuid4().hex[:6]}"
        key = (f"k{user}", "geheim") if by_key else None
        self.door.accounts.append(Account(user, "geheim", roles, key))
        url = f"https://{self.door.address}"
        if key:
            return Access(url, api_key=SecretStr(":".join(key)), ca=self.ca)
        return Access(url, user=user, password=SecretStr("geheim"), ca=self.ca)

    def index(self, access: Access) -> ElasticsearchBackend:
        return ElasticsearchBackend(access, self.name, words, pause=lambda _seconds: None)

    def snapshots(self, access: Access) -> ElasticSnapshots:
        repository = f"r-{self.name}"
        return ElasticSnapshots(access, self.name, replicas="0-1", repository=repository, location=repository)


@pytest.fixture(scope="module")
def door(elasticsearch_url: str, authority: Authority) -> Iterator[Door]:
    with secured(elasticsearch_url, [], authority.server("127.0.0.1")) as opened:
        yield opened
        assert opened.unknown == []


@pytest.fixture
def life(door: Door, authority: Authority) -> Life:
    return Life(door, authority.file)


def nothing_newer(_taken_at: datetime) -> None:
    """All is in the snapshot."""


def live(life: Life, roles: dict[str, Role], *, by_key: bool = False) -> None:
    """Create, index, search, tidy, delete, health, snapshot, rebuild, restore."""
    access = life.access(roles, by_key=by_key)
    index, snapshots = life.index(access), life.snapshots(access)
    try:
        assert index.index([entry("a"), entry("b", day=-90)]) == ()
        index.refresh()
        assert index.search(SearchRequest()).total == index.count() == 2
        health = index.health()
        if not health.well:  # the health never raises: it says
            raise SearchUnavailable(health.detail)
        assert index.index([entry("later", day=-90)]) == ()
        index.refresh()
        assert index.tidy() == 1
        index.delete(["later"])
        snapshots.take("first", now=system_clock())
        with index.rebuild() as builder:
            builder.index([entry("a"), entry("b", day=-90), entry("c")])
        index.delete(["a"])
        index.refresh()
        assert index.count() == 2
        assert [one.name for one in snapshots.all()] == ["first"]
        snapshots.restore("first", nothing_newer)
        index.refresh()
        assert index.count() == 2
    finally:
        index.close()


@pytest.mark.parametrize("by_key", [False, True])
def test_the_whole_life_runs_with_the_documented_roles_alone(life: Life, by_key: bool) -> None:
    live(life, {WRITER: role(WRITER), SNAPSHOTS: role(SNAPSHOTS)}, by_key=by_key)


def without(name: str, privilege: str) -> dict[str, Role]:
    """The documented roles, one privilege taken away."""
    roles = {each: copy.deepcopy(role(each)) for each in (WRITER, SNAPSHOTS)}
    for held in (roles[name].get("cluster", []), *(one["privileges"] for one in roles[name].get("indices", ()))):
        if privilege in held:
            held.remove(privilege)
    assert roles[name] != role(name)
    return roles


@pytest.mark.parametrize(
    ("name", "privilege", "told"),
    [
        (WRITER, "monitor", "缺集群权限 monitor 或 manage（动作 cluster:monitor/health）"),
        (WRITER, "manage_index_templates", "权限 manage_index_templates"),
        (WRITER, "read", "权限 read（动作 indices:data/read/"),
        (WRITER, "write", "write"),
        (WRITER, "manage", "或 manage（动作 indices:admin/"),
        (SNAPSHOTS, "create_snapshot", "create_snapshot"),
        (SNAPSHOTS, "cluster:admin/repository/put", "动作 cluster:admin/repository/put"),
        (SNAPSHOTS, "cluster:admin/snapshot/restore", "动作 cluster:admin/snapshot/restore"),
    ],
)
def test_with_a_privilege_taken_away_it_fails_and_names_it(life: Life, name: str, privilege: str, told: str) -> None:
    with pytest.raises(SearchUnavailable) as refused:
        live(life, without(name, privilege))
    assert "（HTTP 403）；按 docs/elasticsearch.md" in str(refused.value)
    assert told in str(refused.value)


def test_what_an_account_may_not_write_is_no_refusal_of_the_document(life: Life) -> None:
    """A bulk answers such lines one by one; they are written when the role is put right."""
    life.index(life.access({WRITER: role(WRITER)})).index([entry("a")])
    with pytest.raises(SearchUnavailable, match="bulk"):
        life.index(life.access(without(WRITER, "write"))).index([entry("b")])


def test_the_desk_needs_only_to_read(life: Life) -> None:
    life.index(life.access({WRITER: role(WRITER)})).index([entry("a")])
    desk = life.index(life.access({READER: role(READER)}))
    life.index(life.access({WRITER: role(WRITER)})).refresh()
    assert desk.search(SearchRequest()).total == 1
    assert desk.health().well
    with pytest.raises(SearchUnavailable, match="HTTP 403"):
        desk.index([entry("b")])


@pytest.mark.parametrize("privilege", ["monitor", "read", "view_index_metadata"])
def test_the_desk_says_what_it_lacks(life: Life, privilege: str) -> None:
    life.index(life.access({WRITER: role(WRITER)})).index([entry("a")])
    lacking = copy.deepcopy(role(READER))
    for held in (lacking["cluster"], lacking["indices"][0]["privileges"]):
        if privilege in held:
            held.remove(privilege)
    desk = life.index(life.access({READER: lacking}))
    detail = desk.health().detail
    assert f"权限 {privilege}" in detail or f"或 {privilege}" in detail


def test_a_role_of_other_indices_reaches_nothing(life: Life) -> None:
    foreign = copy.deepcopy(role(WRITER))
    foreign["indices"][0]["names"] = ["other-*"]
    with pytest.raises(SearchUnavailable, match=f"缺索引 {life.name}-control 的权限 read"):
        life.index(life.access({WRITER: foreign})).index([entry("a")])


@pytest.mark.parametrize("name", [WRITER, READER, SNAPSHOTS])
def test_the_docs_show_the_roles_as_they_are(name: str) -> None:
    docs = (PROJECT / "docs" / "elasticsearch.md").read_text(encoding="utf-8")
    assert (ROLES / f"{name}.json").read_text(encoding="utf-8").strip() in docs
