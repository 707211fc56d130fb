"""Official papers by hand: paper (any kind, from a record), report (weekly, stage, annual). Drafts only: nothing is
stored, signed or sent."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.desk import paper_services
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.settings import Settings
from core.clock import system_clock
from core.errors import FengsuiError, UsageError
from reports.papers import book
from reports.papers.files import files_for
from reports.papers.kinds import KINDS, OPTIONS, SUBJECTS, Asked
from reports.papers.record import Content, lacking
from reports.papers.subjects import settled
from reports.weeks import week_on
from web.papers import desk_for

OutOption = Annotated[Path, typer.Option("--out", help="folder for the files; made if it is not there")]
TerritoryOption = Annotated[str, typer.Option("--territory", help="region code of the bureau; default: the province")]
DayOption = Annotated[str, typer.Option("--date", help="a day of the week or year; default: the last week that ended")]
REPORTS = ("weekly", "stage", "annual")


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("paper")(paper)
    app.command("report")(report)


def paper(
    kind: Annotated[str, typer.Argument(help=f"{' | '.join(KINDS)}")],
    of: Annotated[str, typer.Argument(help=f"what it is about, sort:id; sorts: {', '.join(SUBJECTS)}")],
    out: OutOption,
    territory: TerritoryOption = "",
    to: Annotated[str, typer.Option("--to", help="letter: region code of the bureau it goes to")] = "",
    which: Annotated[str, typer.Option("--round", help="flash: first | next | last")] = "",
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """起草公文：docx 和附表，附依据清单；不存、不签、不发 (drafts an official paper into files).

    For example: fengsui paper flash alert:YJ-2026-0001 --out papers
    """
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} (accepted: {', '.join(KINDS)})", param_hint="KIND")
    settings = settings_of(data, profile, log_level="WARNING")
    options = {key: value for key, value in {"to": to, "round": which}.items() if value and key in OPTIONS}
    _write(settings, kind, of, territory, options, out, as_json=as_json)


def report(
    kind: Annotated[str, typer.Argument(help=" | ".join(REPORTS))],
    out: OutOption,
    day: DayOption = "",
    territory: TerritoryOption = "",
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """工作周报、阶段性总结、全年总结：docx 和统计表 (weekly, stage and annual reports as docx and xlsx)."""
    if kind not in REPORTS:
        raise typer.BadParameter(f"{kind!r} (accepted: {', '.join(REPORTS)})")
    settings = settings_of(data, profile, log_level="WARNING")
    try:
        on = date.fromisoformat(day) if day else None
    except ValueError:
        raise typer.BadParameter(f"{day!r} is no day (accepted: 2026-11-25)", param_hint="--date") from None
    of = f"week:{week_on(on, system_clock()).id}" if kind == "weekly" else f"year:{(on or system_clock().date()).year}"
    _write(settings, kind, of, territory, {}, out, as_json=as_json)


def _write(
    settings: Settings, kind: str, of: str, territory: str, options: dict[str, str], out: Path, *, as_json: bool
) -> None:
    services = paper_services(settings, open_store(settings))
    regions = services.lexicon.regions
    whose = territory or regions.home
    if whose not in regions:
        raise typer.BadParameter(f"{whose!r} is no known region code", param_hint="--territory")
    try:
        with services.store.read() as db:
            desk = desk_for(services, db, whose, now=system_clock())
            about = settled(db, of)
            content = book.draft(desk, kind, Asked(about, options, book.earlier(desk, kind, about)))
    except UsageError as problem:
        raise FengsuiError(str(problem)) from None
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for name, body in files_for(content, {}, signed=False).items():
        place = out / f"{kind}-{name}"
        place.write_bytes(body)
        written.append(str(place))
    _tell(content, written, as_json=as_json)


def _tell(content: Content, written: list[str], *, as_json: bool) -> None:
    left = lacking(content, {})
    if as_json:
        told: dict[str, Any] = {
            "kind": content.kind, "form": content.form, "title": content.title, "to": content.to, "files": written,
            "fields": [{"key": one.key, "label": one.label, "sort": one.sort, "draft": one.drafted} for one in left],
            "sentences": [{"text": one.text, "rests": one.rests} for one in content.said() if one.tells],
            "evidence": [{"key": key, "sha256": one.sha256, "title": one.title}
                         for key, one in content.evidence.items()],
        }  # fmt: skip
        print(json.dumps(told, ensure_ascii=False))
        return
    print(content.title)
    for name in written:
        print(f"  {name}")
    print(f"依据 {len(content.evidence)} 项，待填或待确认 {len(left)} 项：{'、'.join(one.label for one in left)}")
