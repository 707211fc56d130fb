"""Bulk requests that end well: bounded in size, patient with a busy cluster, one bad document harming no other.

Every action is safe to repeat, because versions are external: a request that timed out may have been carried out.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import elastic_transport
import elasticsearch

from core.errors import SearchUnavailable
from search.backend import Refused
from search.elastic_client import CONFLICT, GONE, PASSING, Cluster, Json, cause_of, read_only
from search.elastic_errors import forbidden

MOST_ACTIONS = 500
MOST_BYTES = 5_000_000
"""Of one request: enough that more does not make it faster, far below the server's 100 MB. A proxy may take less; what
it calls too large (413) is halved."""
ATTEMPTS = 6
FIRST_WAIT = 0.5
"""Seconds before what the cluster could not take now is sent again; doubled each time: 16 s in all."""
MOST_TIMEOUTS = 2
SHARD_WAIT = "10s"
"""How long the server waits for a shard that is moving; below our own time limit, so that it answers item by item."""
TOO_LARGE = 413
TOLD = "items.*.status,items.*.error"
"""Of an answer, what we read."""


@dataclass(frozen=True)
class Action:
    """One line of a bulk request, or two. id: of the document."""

    id: str
    body: bytes


def action(kind: str, index: str, known: str, *, source: Json | None = None, **options: object) -> Action:
    """kind: index, create or delete."""
    head = {kind: {"_index": index, "_id": known, **options}}
    lines = [head] if source is None else [head, source]
    # A lone surrogate cannot be written as UTF-8; the server refuses that document alone.
    text = "\n".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
    return Action(known, text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Answer:
    """What became of one action. error: as the server gave it, empty where it was taken."""

    id: str
    status: int
    error: Json

    @property
    def taken(self) -> bool:
        return self.status < 300

    @property
    def conflict(self) -> bool:
        """There is something newer."""
        return self.status == CONFLICT

    @property
    def missing(self) -> bool:
        """There is no such index (or alias)."""
        return self.status == GONE and self.error.get("type") == "index_not_found_exception"

    @property
    def hopeless(self) -> bool:
        """It will never be taken."""
        return self.status >= 400 and self.status not in (CONFLICT, GONE)

    def refused(self) -> Refused:
        return Refused(self.id, reason_of(self.error))


def send(cluster: Cluster, actions: Sequence[Action]) -> list[Answer]:
    """Carry `actions` out; the final answer to each, in order.

    Raises SearchUnavailable when the cluster stays busy or unreachable, or takes no writes: some may be done then.
    """
    answers: list[Answer] = []
    for chunk in _chunks(actions):
        answers.extend(_send_chunk(cluster, chunk))
    return answers


def _chunks(actions: Sequence[Action]) -> Iterator[list[Action]]:
    chunk: list[Action] = []
    size = 0
    for one in actions:
        if chunk and (len(chunk) == MOST_ACTIONS or size + len(one.body) > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += len(one.body)
    if chunk:
        yield chunk


def _send_chunk(cluster: Cluster, chunk: Sequence[Action]) -> list[Answer]:
    """As `send`. What was refused in company is sent once more alone before that counts."""
    answers = _patiently(cluster, chunk)
    if len(chunk) == 1:
        return answers
    return [
        _patiently(cluster, [one])[0] if answer.hopeless and answer.status != TOO_LARGE else answer
        for one, answer in zip(chunk, answers, strict=True)
    ]


def _patiently(cluster: Cluster, chunk: Sequence[Action]) -> list[Answer]:
    answers: dict[int, Answer] = {}
    waiting = list(range(len(chunk)))
    timeouts = 0
    for attempt in range(ATTEMPTS):
        if attempt:
            cluster.pause(FIRST_WAIT * 2 ** (attempt - 1))
        try:
            got = _once(cluster, [chunk[at] for at in waiting])
        except elastic_transport.ConnectionTimeout:
            timeouts += 1
            if timeouts == MOST_TIMEOUTS:
                raise
            continue
        if got is None:
            continue
        answers.update(zip(waiting, got, strict=True))
        waiting = [at for at in waiting if answers[at].status in PASSING]
        if not waiting:
            return [answers[at] for at in range(len(chunk))]
    where = cluster.access.where
    raise SearchUnavailable(f"Elasticsearch（{where}）持续繁忙或有分片不可用，{len(waiting)} 条稍后补写")


def _once(cluster: Cluster, chunk: Sequence[Action]) -> list[Answer] | None:
    """One request; None when the cluster cannot take any now. One that is refused as a whole is halved."""
    try:
        lines: Any = [one.body for one in chunk]  # the client sends bytes as they are
        items = cluster.client.bulk(operations=lines, timeout=SHARD_WAIT, filter_path=TOLD)["items"]
    except elasticsearch.ApiError as error:
        cause = cause_of(error)
        if error.status_code in PASSING and not read_only(cause):
            return None
        if error.status_code not in (400, TOO_LARGE):
            raise
        if len(chunk) == 1:
            return [Answer(chunk[0].id, error.status_code, {"status": f"HTTP {error.status_code}"} | cause)]
        return _halves(cluster, chunk)
    answers = [_answer(one, next(iter(item.values()))) for one, item in zip(chunk, items, strict=True)]
    for answer in answers:
        if block := read_only(answer.error):
            raise SearchUnavailable(f"Elasticsearch（{cluster.access.where}）{block}")
        if answer.error.get("type") == "security_exception":  # about the account, not about this document
            denied = forbidden(str(answer.error.get("reason", "")), cluster.access)
            raise SearchUnavailable(f"Elasticsearch（{cluster.access.where}）{denied}")
    return answers


def _halves(cluster: Cluster, chunk: Sequence[Action]) -> list[Answer]:
    middle = len(chunk) // 2
    return [*_patiently(cluster, chunk[:middle]), *_patiently(cluster, chunk[middle:])]


def _answer(one: Action, item: Json) -> Answer:
    return Answer(one.id, item["status"], item.get("error", {}))


def reason_of(error: Json) -> str:
    """Why a document is not taken: in plain words, then as the server put it."""
    cause = error.get("caused_by", {}).get("reason", "")
    told = " ".join(filter(None, (error.get("status"), error.get("type"), error.get("reason"), cause)))
    words = {
        "immense term": "有一个词过长（单个词最多 32,766 字节）",
        "strict_dynamic_mapping_exception": "含有索引里没有的字段",
        "document_parsing_exception": "有字段的值不合类型",
        "mapper_parsing_exception": "有字段的值不合类型",
        "is too long, must be no longer than 512": "编号过长（最多 512 字节）",
        f"HTTP {TOO_LARGE}": "这一条太大，服务器收不下",
    }
    plain = next((plain for sign, plain in words.items() if sign in told), "服务器不收这一条")
    return f"{plain}：{told}"
