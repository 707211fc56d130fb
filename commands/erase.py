"""Erasing a person: erase-person."""

import getpass
import json
from typing import Annotated

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import existing_store
from config.keeping import load_keeping
from core.clock import system_clock
from core.errors import UsageError
from keeping.erase import Eraser, Found, unfinished
from keeping.handed_files import HandedPlaces
from keeping.person import Person

MOST_SHOWN = 50
AFTER = (
    "上传的佐证材料、图片、PDF、打不开的压缩文件和已签公文的文件不逐字查找，请人工核对",
    "已导出、已发出的不在系统内；更早的备份里还有，随 --keep 轮换删去，由其恢复后须再做一次",
)


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("erase-person")(erase_person)


def erase_person(
    name: Annotated[str, typer.Option("--name", help="姓名")] = "",
    phone: Annotated[str, typer.Option("--phone", help="电话号码，数字")] = "",
    number: Annotated[str, typer.Option("--id", help="身份证号")] = "",
    left_out: Annotated[
        list[str] | None, typer.Option("--except", help="同名他人的文档，不动；可多次 (a namesake's documents)")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="依据，如申请编号；记入审计日志，勿写个人信息")] = "",
    do: Annotated[bool, typer.Option("--do", help="真的删除；不加只列出 (without it nothing is changed)")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """按人删除个人信息（个人信息保护法第四十七条）：先列出，--do 掩去 (finds a person everywhere; --do masks).

    What an open case rests on stays and is told. The audit log keeps a salted hash, never the data.
    """
    person = Person.typed(name, phone, number)
    if do and not reason.strip():
        raise UsageError("--do 要写明依据：--reason，如申请编号")
    if person.masked(reason) != reason:
        raise UsageError("--reason 里不要写这个人的信息：它会留在审计日志里")
    settings = settings_of(data, profile, log_level="WARNING")
    store, now, who = existing_store(settings), system_clock(), getpass.getuser()
    closed_days = load_keeping(settings.config).retention.closed_alerts
    places = HandedPlaces.of(settings)
    eraser = Eraser(store, settings.data_dir, person, closed_days, frozenset(left_out or ()), places)
    found = eraser.erase(now, by=who, reason=reason.strip()) if do else eraser.find(now)
    if as_json:
        print(json.dumps({"done": do, **vars(found)}, ensure_ascii=False, default=vars))
        return
    print(f"{settings.data_dir}（{settings.profile}）：")
    for line in _words(found, done=do):
        print(line)
    with store.read() as db:
        for one in unfinished(db):
            print("；".join(one.fault))


def _words(found: Found, *, done: bool) -> list[str]:
    told = [f"正在写的存档文件没有看：{name}；次日再做一次" for name in found.unread]
    told += [f"报送文件没有读：{name}；读过后再做一次，不会读的请人工删去" for name in found.files.waiting]
    told += [f"报送文件不能逐字查找：{count} 个 {kind}，请人工核对" for kind, count in found.files.unsearched.items()]
    if found.nothing:
        return ["读过的里面没有找到" if told else "没有找到", *told, *AFTER]
    verb = "已掩去" if done else "会掩去"
    free = [one for one in found.documents if not one.held]
    held = [one for one in found.documents if one.held]
    files = f"存档页 {found.pages} 页，报送文件 {found.files.masked} 个"
    lines = [f"{verb}文档 {len(free)} 件，{files}，其他记录 {found.rows.total()} 行"]
    lines += [f"  {one.document} {one.title[:40]}（{'、'.join(one.where)}）" for one in free[:MOST_SHOWN]]
    lines += [f"  …另 {len(free) - MOST_SHOWN} 件，用 --json 看全"] if len(free) > MOST_SHOWN else []
    lines += [f"  {table} {count} 行" for table, count in sorted(found.rows.items())]
    if held:
        lines.append(f"依法保存而不动：文档 {len(held)} 件，存档页 {found.held_pages} 页；解除后再做")
        lines += [f"  {one.document} {one.title[:40]}：{one.held[0]}" for one in held[:MOST_SHOWN]]
    if found.cases:
        lines.append(
            "办案材料不动：" + "，".join(f"{table} {count} 行" for table, count in sorted(found.cases.items()))
        )
    return [*lines, *told, *AFTER, *([] if done else ["以上只是列出；执行：加 --do --reason 依据"])]
