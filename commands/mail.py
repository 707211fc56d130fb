"""`fengsui mail`: mails that came back, addresses that take none or turned something off, a test mail."""

import json
from dataclasses import asdict
from email.policy import SMTP
from pathlib import Path
from typing import Annotated

import typer

from alerts.bounces import changed_at, read_bounces, take_bounces
from alerts.mail_message import TEST, MailWriter
from charts.png import png_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.outgoing import mail_notifier, planner_of
from commands.stores import open_store
from config.lexicon import load_lexicon
from config.mail_access import mail_address
from config.settings import Settings
from core.clock import iso_beijing, system_clock
from core.errors import DeliveryError, UsageError
from core.ids import short_id
from core.records import LEVEL_COLOURS, Notification
from enterprises.registry_import import registry_of
from scheduler import FrequentJob
from store import audit
from store.alert_log import find_alert
from store.database import Store
from store.mail_book import noted_addresses, turn_on

SECONDS = 60
"""How often the mailbox of returned mails is looked at."""
LATE = 86_400.0
"""So much older than the last look a mail may be that is read again: it is moved about, or clocks differ."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="邮件：退信、地址状态、测试 (bounces, addresses, a test mail)", no_args_is_help=True)
    group.command("bounces")(bounces)
    group.command("addresses")(addresses)
    group.command("turn-on")(turn_on_again)
    group.command("test")(try_mail)
    group.command("preview")(preview)
    app.add_typer(group, name="mail")


def bounces(
    path: Annotated[Path, typer.Argument(help="a mail, an mbox, a maildir, or a folder of mails (RFC 3464)")],
    data: DataOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """读入退信，标记未送到的通知和地址 (mark the deliveries that came back). Reading twice changes nothing."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    read = read_bounces(path)
    with store.write() as db:
        taken = take_bounces(db, read, system_clock())
    if as_json:
        print(json.dumps(asdict(taken), ensure_ascii=False))
        return
    print(
        f"邮件 {taken.mails} 封：退信 {taken.bounced} 条，延迟 {taken.delayed} 条，"
        f"已知或非本系统 {taken.known} 条，非退信 {taken.other} 封"
    )


def bounce_jobs(settings: Settings, store: Store) -> list[FrequentJob]:
    """The mailbox of mails that came back as a job of the scheduler: read where something came since the last look."""
    path = settings.mail_returns
    if path is None:
        return []
    seen: tuple[int, ...] = ()
    read_at = 0.0

    def look() -> str:
        nonlocal seen, read_at
        there, now = changed_at(path), system_clock()
        if there == seen:
            return ""
        read = read_bounces(path, since=read_at - LATE)
        with store.write() as db:
            taken = take_bounces(db, read, now)
        seen, read_at = there, now.timestamp()
        return f"退信 {taken.bounced} 条，延迟 {taken.delayed} 条" if taken.bounced or taken.delayed else ""

    return [FrequentJob("bounces", "退信", SECONDS, look)]


def addresses(data: DataOption = None, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """列出收不到邮件、或自行停收的地址 (addresses that take no mail, or turned something off)."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        found = noted_addresses(db)
    for one in found:
        if as_json:
            print(json.dumps(asdict(one), ensure_ascii=False, default=lambda moment: iso_beijing(moment)))
            continue
        kind = "退信" if one.failing_kind == "bounced" else "拒收"
        said = [f"{iso_beijing(one.failing_at)} 起{kind}：{one.failing_answer}"] if one.failing_at else []
        said += ["停收每日摘要"] if one.no_digest_at else []
        said += [f"停收{LEVEL_COLOURS[one.lowest]}色以下预警"] if one.lowest else []
        print(f"{one.address}  {'；'.join(said)}")
    if not found and not as_json:
        print("没有收不到邮件的地址，也没有人停收")


def turn_on_again(
    address: Annotated[str, typer.Argument(help="whose mails were turned off by a link")],
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """恢复某地址停收的邮件 (send everything again to an address that turned mails off)."""
    store = open_store(settings_of(data, profile, log_level="WARNING"))
    now = system_clock()
    with store.write() as db:
        if not turn_on(db, address):
            raise UsageError(f"{address} 没有停收什么；fengsui mail addresses 列出全部")
        audit.note(db, "cli", "mail_on", address, at=now)
    print(f"{address} 恢复接收")


def try_mail(
    address: Annotated[str, typer.Argument(help="whom to send it to")],
    data: DataOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """发一封测试邮件 (send a test mail now). Exit 1 where it is not taken."""
    settings = settings_of(data, profile, log_level="WARNING")
    if settings.smtp_url is None:
        raise UsageError("没有设置 FENGSUI_SMTP_URL")
    try:
        mail_address(address)
    except ValueError as problem:
        raise UsageError(f"{address}: {problem}") from None
    notice, taken = test_notice(address), True
    try:
        answer = mail_notifier(settings, open_store(settings), settings.smtp_url).send(notice, lambda: None)
    except DeliveryError as problem:
        taken, answer = False, str(problem)
    told = {"address": address, "taken": taken, "answer": answer}
    print(json.dumps(told, ensure_ascii=False) if as_json else f"{'已送达' if taken else '未送达'}：{answer}")
    if not taken:
        raise typer.Exit(1)


def preview(
    alert: Annotated[str, typer.Argument(help="number or id, YJ-2026-0001")],
    out: Annotated[Path, typer.Option("--out", help="folder for subject, text, HTML, chart and the .eml")],
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """把某条预警的邮件写成文件，供查看 (write the mail of an alert to look at it; nothing is sent)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store, lexicon = open_store(settings), load_lexicon(settings.config)
    with store.read() as db:
        found = find_alert(db, alert)
        if found is None:
            raise UsageError(f"没有预警 {alert}；fengsui alerts 列出全部")
        planner = planner_of(settings, lexicon, registry_of(store)[0])
        made = planner.written(db, found, "opened")
    notice = Notification(
        "preview", "mail", settings.mail_from, made.subject, made.text, made.html, found.id, found.level,
        details={"drawn": made.drawn},
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    (out / "subject.txt").write_text(made.subject + "\n", encoding="utf-8")
    (out / "alert.txt").write_text(made.text, encoding="utf-8")
    html = made.html
    for name, svg in made.drawn.items():
        if (png := png_of(svg)) is not None:
            (out / f"{name}.png").write_bytes(png)
            html = html.replace(f"cid:{name}", f"{name}.png")
    (out / "alert.html").write_text(html, encoding="utf-8")
    mail = MailWriter(settings.mail_from, lambda _names: {}).message_of(notice)
    (out / "alert.eml").write_bytes(mail.as_bytes(policy=SMTP))
    print(made.subject)


def test_notice(address: str) -> Notification:
    """A mail that only says that mails arrive."""
    now = system_clock()
    text = f"烽燧测试邮件，{iso_beijing(now)[:16].replace('T', ' ')}。收到说明邮件服务器设置可用。\n"
    made = short_id("n", TEST, address, now.isoformat())
    return Notification(made, "mail", address, "[测试] 烽燧", text, "", details={"kind": TEST}, created_at=now)
