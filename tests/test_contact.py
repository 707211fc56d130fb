"""Whom the sites that are crawled can write to."""

from pathlib import Path

import pytest

from config.contact import contact_mistake
from config.settings import Settings
from tests.command_line import Finished, run_here


def fengsui(*words: str, contact: str) -> Finished:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FENGSUI_CONTACT", contact)
        return run_here(*words)


@pytest.mark.parametrize("command", [["check"], ["crawl", "samr_news"], ["run", "--port", "0"], ["crawler"]])
def test_live_asks_no_site_without_saying_who_we_are(command: list[str], tmp_path: Path) -> None:
    refused = fengsui(*command, "--profile", "live", "--data", str(tmp_path / "data"), contact="")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "FENGSUI_CONTACT：正式运行要写明联系方式" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_live_with_a_contact_passes_the_check(tmp_path: Path) -> None:
    passed = fengsui("check", "--profile", "live", "--data", str(tmp_path), contact="desk@bureau.example.org")
    assert passed.returncode == 0, passed.stderr


@pytest.mark.parametrize(
    "contact", ["desk@bureau.example.org", "mailto:a.b@c.cn", "https://bureau.example.org/bot.html"]
)
def test_mail_addresses_and_pages_will_do(contact: str) -> None:
    assert contact_mistake(contact, "live") is None


@pytest.mark.parametrize(
    "contact", ["市监局", "0791-12315", "desk@localhost", "a@b.cn\r\nX-Evil: 1", "https://x.cn/) (", "x" * 300]
)
def test_what_nobody_could_write_to_is_refused_in_the_demo_too(contact: str) -> None:
    mistake = contact_mistake(contact, "demo")
    assert mistake is not None
    assert "不是邮件地址" in mistake


def test_the_demo_needs_none() -> None:
    assert Settings(profile="demo", contact="").site_contact.startswith("mailto:")
