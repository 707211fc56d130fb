"""Secrets are marked and everything that speaks is made to: no log, error, answer of a command or repr says one."""

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.channels import load_channels
from config.settings import Settings
from core.errors import FengsuiError
from reports.papers.rephrase import Rephraser
from tests.command_line import run_here

MARK = "S3CR3T-nobody-may-see"
NOWHERE = "127.0.0.1:1"
"""Nothing listens there."""
GOOD = {
    "FENGSUI_DATABASE_URL": f"postgresql+psycopg://fengsui:{MARK}@{NOWHERE}/fengsui?connect_timeout=1",
    "FENGSUI_ELASTICSEARCH_URL": f"http://{NOWHERE}",
    "FENGSUI_ELASTICSEARCH_USER": "fengsui",
    "FENGSUI_ELASTICSEARCH_PASSWORD": MARK,
    "FENGSUI_SMTP_URL": f"smtp://fengsui:{MARK}@{NOWHERE}",
    "FENGSUI_OIDC_SECRET": MARK,
    "FENGSUI_SECOND_FACTOR_KEY": MARK,
    "FENGSUI_REPHRASE_URL": f"http://{NOWHERE}/v1",
    "FENGSUI_REPHRASE_KEY": MARK,
    "FENGSUI_BACKUP_KEY": MARK,
    "FENGSUI_METRICS_TOKEN": MARK,
}
WRONG = {
    "FENGSUI_DATABASE_URL": (
        f"postgresql:/fengsui:{MARK}@{NOWHERE}/x", f"postgresql+psycopg://fengsui:a/{MARK}@{NOWHERE}/x",
        f"postgresql+psycopg://fengsui:{MARK}#@{NOWHERE}:{MARK}/x", f"nonsense://fengsui:{MARK}@{NOWHERE}/x", MARK,
        f"postgresql+psycopg://fengsui@{NOWHERE}/x?password={MARK}&connect_timeout=1",
    ),
    "FENGSUI_ELASTICSEARCH_URL": (f"http://fengsui:{MARK}@{NOWHERE}", f"ftp://{MARK}", f"http://a:{MARK}@[::1", MARK),
    "FENGSUI_ELASTICSEARCH_API_KEY": (f"{MARK}\n", f"{MARK}:"),
    "FENGSUI_SMTP_URL": (
        f"smtp://fengsui:{MARK}@", f"http://fengsui:{MARK}@{NOWHERE}", f"smtp://u:{MARK}@host:{MARK}", MARK,
        f"smtps://u:{MARK}@[::1", f"smtp://u:a b{MARK}@{NOWHERE}",
    ),
    "FENGSUI_SECOND_FACTOR_KEY": (MARK,),
    "FENGSUI_OTLP_URL": (f"https://u:{MARK}@collector.example",),
    "FENGSUI_REPHRASE_URL": (f"ftp://u:{MARK}@host", f"http://u:{MARK}@[::1", f"https://u:{MARK}@api.example.com/v1"),
}  # fmt: skip
COMMANDS = (
    ("doctor",), ("doctor", "--json"), ("migrate",), ("alerts", "--json"), ("search", "起火", "--json"),
    ("user", "list"), ("digest",), ("mail", "status"),
)  # fmt: skip
CHANNELS = """
channels:
  group: {kind: wecom, title: 群, address: "https://HOST/send?key=MARK"}
  hook: {kind: webhook, title: 钩子, address: "https://a.example/MARK", secret: "MARK", headers: {X-Key: "MARK"}}
  sms: {kind: sms, title: 短信, address: "https://a.example/?k=MARK&p={phone}&t={text}", ok: "OK"}
""".replace("MARK", MARK)


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What was said; at the end it is read, with every log line and file that came with it."""
    monkeypatch.setenv("FENGSUI_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FENGSUI_LOG_LEVEL", "DEBUG")
    caplog.set_level(logging.DEBUG)
    found: list[str] = []
    yield found
    found += [caplog.text, *(str(record.__dict__) for record in caplog.records)]
    found += [
        path.read_text(errors="replace") for path in (tmp_path / "data").rglob("*") if path.suffix in (".log", ".txt")
    ]
    leaks = [text[max(0, text.find(MARK) - 200) : text.find(MARK) + 60] for text in found if MARK in text]
    assert leaks == [], "\n".join(leaks)


def run(told: list[str], *words: str) -> None:
    try:
        ended = run_here(*words)
        told += [ended.stdout, ended.stderr]
    except Exception as problem:  # noqa: BLE001 whatever it is, its traceback would stand on a terminal
        told.append("".join(traceback.format_exception(problem)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_says_a_secret_when_nothing_answers(
    told: list[str], words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    run(told, *words)
    assert any(told), "nothing was said at all"


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_no_mistake_in_a_setting_is_told_with_the_secret_in_it(
    told: list[str], name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    run(told, "doctor", "--json")
    try:
        settings = Settings()
        if settings.rephrase_url:
            told.append(repr(Rephraser(settings.rephrase_url, "m", settings.rephrase_key)))
    except (FengsuiError, ValueError) as problem:
        told.append("".join(traceback.format_exception(problem)))


def test_settings_show_no_secret_however_they_are_written(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    told += [repr(settings), str(settings), f"{settings!r:>20}", str(settings.model_dump()), settings.model_dump_json()]
    told += [repr(settings.elastic_access), str(vars(settings.elastic_access).keys())]


@pytest.mark.parametrize("hole", ["a.example", "a b", "[::1", "a.example:port"])
@pytest.mark.parametrize("pattern", ["code", "(", "[", "\\\\8"])
def test_channels_show_no_key_right_or_wrong(told: list[str], tmp_path: Path, hole: str, pattern: str) -> None:
    (tmp_path / "channels.yml").write_text(CHANNELS.replace("HOST", hole).replace("OK", pattern), encoding="utf-8")
    try:
        found = load_channels(tmp_path)
        told += [repr(found), str({name: one.model_dump_json() for name, one in found.items()})]
    except FengsuiError as problem:
        told.append("".join(traceback.format_exception(problem)))
    assert any(told)
