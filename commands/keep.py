"""How long things are kept: keep, hold."""

import getpass
import json
from datetime import datetime
from typing import Annotated

import typer

from commands.assemble import open_index
from commands.knowledge import knowledge_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import existing_store
from config.keeping import load_keeping
from config.settings import Settings
from core.clock import iso_beijing, system_clock
from keeping.handed_files import HandedPlaces
from keeping.retention import Gone, Keeper
from store import audit
from store.database import Store
from store.hold_subjects import subject_of
from store.holds import add_hold, end_hold, holds_in_force, until_day
from web.machine import bytes_word


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command()(keep)
    group = typer.Typer(help="保全：不因保存期限或按人删除而删 (legal holds)", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_holds)
    group.command("end")(end)
    app.add_typer(group, name="hold")


def keep(
    do: Annotated[bool, typer.Option("--do", help="真的清理；不加只看 (without it nothing is changed)")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """按 config/keeping.yml 的保存期限：什么会删，什么因何保留 (what would go, and why the rest stays)."""
    settings = settings_of(data, profile, log_level="WARNING")
    gone = kept(settings, existing_store(settings), now=system_clock(), do=do)
    if as_json:
        print(json.dumps({"done": do, **vars(gone)}, ensure_ascii=False))
        return
    for line in words_of(gone, done=do):
        print(line)
    if not do:
        print("以上只是查看；执行：fengsui keep --do，或把 retention.daily 设为 true 由每夜的任务执行")


def kept(settings: Settings, store: Store, *, now: datetime, do: bool, seconds: float = float("inf")) -> Gone:
    """Run the rules once. do: else nothing is changed."""
    rules = load_keeping(settings.config).retention
    index = open_index(settings, knowledge_of(settings, store), write=True) if do else None
    places = HandedPlaces.of(settings)
    gone = Keeper(store, settings.data_dir, rules, index, dry=not do, places=places).run(now, seconds=seconds)
    if index is not None:
        index.refresh()
        index.close()
    if do and (gone.documents or gone.raw or gone.pages or gone.files or sum(gone.others.values())):
        details = {
            "documents": dict(gone.documents), "raw": gone.raw, "pages": gone.pages, "files": gone.files,
            "others": dict(gone.others),
        }  # fmt: skip
        with store.write() as db:
            audit.note(db, "system", "retention", "", at=now, details=details)
    return gone


def words_of(gone: Gone, *, done: bool) -> list[str]:
    """What went, for people."""
    verb = "已删" if done else "会删"
    kinds = "，".join(f"{kind} {count}" for kind, count in sorted(gone.documents.items()))
    lines = [f"{verb}文档正文 {gone.documents.total():,} 件" + (f"（{kinds}）" if kinds else "")]
    archive = f"存档页 {gone.pages:,} 页，整个存档文件 {gone.files} 个，{bytes_word(gone.bytes)}"
    lines.append(f"{verb}抓取原样 {gone.raw:,} 件；{archive}")
    lines += [f"{verb}{what} {count:,}" for what, count in gone.others.items() if count]
    if gone.kept:
        told = "，".join(f"{why} {count:,} 件" for why, count in gone.kept.most_common())
        lines.append(f"已到期而保留：{told}")
        lines += [f"  {document}：{why}" for document, why in gone.examples]
    lines += [] if gone.finished else ["时间用完，下次接着清理"]
    return [*lines, *([gone.note] if gone.note else [])]


def add(
    kind: Annotated[str, typer.Argument(help="document | alert | event | firm")],
    subject: Annotated[str, typer.Argument(metavar="ID", help="编号 (id, or the number of an alert)")],
    reason: Annotated[str, typer.Option("--reason", help="理由，记入审计日志")],
    until: Annotated[str | None, typer.Option("--until", help="到哪一天，含当天；不写直到解除 (ISO date)")] = None,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """设保全 (puts a hold)."""
    store, now, who = existing_store(settings_of(data, profile, log_level="WARNING")), system_clock(), getpass.getuser()
    end_at = until_day(until) if until else None
    with store.write() as db:
        subject = subject_of(db, kind, subject).id
        number = add_hold(db, kind, subject, reason=reason, author=who, now=now, until=end_at)
        audit.note(db, who, "hold_add", subject, at=now, details={"kind": kind, "number": number, "reason": reason})
    print(f"已设保全 {number}：{kind} {subject}" + (f"，到 {until}" if until else "，直到解除"))


def list_holds(as_json: JsonOption = False, data: DataOption = None, profile: ProfileOption = None) -> None:
    """列出在效的保全 (those in force)."""
    store = existing_store(settings_of(data, profile, log_level="WARNING"))
    with store.read() as db:
        found = holds_in_force(db, system_clock())
    for one in found:
        if as_json:
            print(json.dumps(vars(one), ensure_ascii=False, default=datetime.isoformat))
        else:
            end_at = f"到 {iso_beijing(one.until)}" if one.until else "直到解除"
            print(f"{one.number}  {one.kind} {one.subject}  {end_at}  {one.author}：{one.reason}")
    if not found and not as_json:
        print("没有在效的保全")


def end(
    number: Annotated[int, typer.Argument(help="保全的编号")], data: DataOption = None, profile: ProfileOption = None
) -> None:
    """解除保全 (ends one)."""
    store, now, who = existing_store(settings_of(data, profile, log_level="WARNING")), system_clock(), getpass.getuser()
    with store.write() as db:
        ended = end_hold(db, number, by=who, now=now)
        audit.note(db, who, "hold_end", ended.subject, at=now, details={"kind": ended.kind, "number": number})
    print(f"已解除保全 {number}：{ended.kind} {ended.subject}")
