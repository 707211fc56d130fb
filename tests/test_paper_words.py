"""A paragraph in other words: a server that speaks the OpenAI protocol may change words, and nothing that counts."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from core.errors import ConfigError
from reports.papers.record import Content, Section, fact, para
from reports.papers.rephrase import MOST_BYTES, Rephraser

SAID = (
    fact("采集到相关信息77条，独立来源22个，转载7条。", "d1", "d2"),
    fact("网传“电池起火”，待核实。", "d3"),
)
GOOD = "共采集相关信息77条，其中独立来源22个、转载7条。〔1〕另有网传“电池起火”，待核实。〔2〕"


class Model(ThreadingHTTPServer):
    """Answers every question with `answer`; keeps what it was asked."""

    answer: str = GOOD
    status: int = 200
    raw: bytes | None = None
    hold: threading.Event | None = None
    asked: list[dict[str, Any]]


class Handler(BaseHTTPRequestHandler):
    server: Model

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append({"path": self.path, "key": self.headers.get("Authorization", ""), **body})
        if self.server.hold is not None:
            self.server.hold.wait(10)
        answer = {"choices": [{"message": {"role": "assistant", "content": self.server.answer}}]}
        sent = self.server.raw if self.server.raw is not None else json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def serving() -> Iterator[Model]:
    server = Model(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        if server.hold is not None:
            server.hold.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with serving() as server:
        yield server


def rephraser(model: Model, *, seconds: float = 5) -> Rephraser:
    return Rephraser(f"http://127.0.0.1:{model.server_port}/v1", "small", seconds=seconds)


def paper(*, marked: bool = True) -> Content:
    section = Section("五、舆情态势", (para(*SAID, rephrase=marked),))
    return Content("flash", "A", "快报", "省局", "2026年11月23日", "2026-11-23 14:32", (section,))


def told(content: Content) -> tuple[Any, ...]:
    return tuple(content.said())


def test_words_change_and_what_a_sentence_rests_on_stays(model: Model) -> None:
    model.answer = GOOD
    made = rephraser(model).paper(paper())
    first, second = told(made)
    assert first.text == "共采集相关信息77条，其中独立来源22个、转载7条。"
    assert (first.rests, second.rests) == (("d1", "d2"), ("d3",))
    [block] = made.sections[0].blocks
    assert getattr(block, "reworded", False)
    asked = model.asked[-1]
    assert asked["path"] == "/v1/chat/completions"
    assert asked["model"] == "small"
    assert "〔1〕" in asked["messages"][1]["content"]


@pytest.mark.parametrize(
    "answer",
    [
        GOOD.replace("77", "78"),
        GOOD.replace("转载7条", "转载七条"),
        GOOD.replace("独立来源22个、转载7条", "转载22个、独立来源7条"),
        GOOD.replace("信息77条，其中独立来源22个、转载7条", "信息7条，其中独立来源22个、转载77条"),
        GOOD.replace("独立来源22个、", ""),
        GOOD.replace("，待核实", ""),
        GOOD.replace("电池起火", "电池爆炸"),
        GOOD.replace("另有网传", "另据媒体证实，网传"),
        GOOD.replace("另有网传", "另有全网热议，网传"),
        GOOD.replace("〔2〕", ""),
        GOOD.replace("〔1〕", "〔2〕"),
        GOOD + "以上情况严重。",
        GOOD.replace("共采集", "未采集"),
        GOOD.replace("共采集", "共采集" + "有关" * 60),
        "",
    ],
)
def test_whatever_changes_more_than_words_is_not_taken(model: Model, answer: str) -> None:
    model.answer = answer
    assert told(rephraser(model).paper(paper())) == SAID


@pytest.mark.parametrize(
    ("status", "raw"),
    [(500, None), (200, b"not json"), (200, b'{"choices": []}'), (200, b'"' + b"x" * MOST_BYTES + b'"'), (302, b"")],
)
def test_a_server_that_answers_wrongly_leaves_the_original(model: Model, status: int, raw: bytes | None) -> None:
    model.answer, model.status, model.raw = GOOD, status, raw
    try:
        assert told(rephraser(model).paper(paper())) == SAID
    finally:
        model.status, model.raw = 200, None


def test_a_server_that_does_not_answer_in_time_leaves_the_original() -> None:
    with serving() as slow:
        slow.hold = threading.Event()
        assert told(rephraser(slow, seconds=0.2).paper(paper())) == SAID
    assert told(Rephraser(f"http://127.0.0.1:{slow.server_port}/v1", "gone", seconds=1).paper(paper())) == SAID


def test_only_marked_paragraphs_are_sent(model: Model) -> None:
    before = len(model.asked)
    assert told(rephraser(model).paper(paper(marked=False))) == SAID
    blank = replace(paper(), sections=(Section("", (para(fact("期限\ue000when\ue001前。", "d1"), rephrase=True),)),))
    assert rephraser(model).paper(blank) == blank
    assert len(model.asked) == before


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "http://8.8.8.8/v1", "ftp://127.0.0.1/v1", "127.0.0.1"])
def test_only_addresses_of_ones_own_network_are_taken(url: str) -> None:
    with pytest.raises(ConfigError, match="本机或内网"):
        Rephraser(url, "m")


@pytest.mark.parametrize(
    "url", ["http://localhost:11434/v1", "http://10.0.0.5/v1", "http://llm:8000/v1", "http://[::1]/v1"]
)
def test_addresses_of_ones_own_network(url: str) -> None:
    assert Rephraser(url, "m").url == url
