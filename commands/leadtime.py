"""How early we were, by hand: leadtime."""

import json
from dataclasses import asdict
from datetime import datetime
from threading import Event
from typing import Annotated, Any

import typer

from alerts.lab.text import hours
from alerts.lead_time import BY, Lead, Line, Span, lead_times, line_of, lines_by
from alerts.notices import NOTICE_WORDS
from commands.lead_jobs import lead_jobs
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store, store_exists
from config.grouping import load_grouping
from config.lexicon import load_lexicon
from core.clock import iso_beijing, parse_published
from core.errors import UsageError
from store.journey import all_sources


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("leadtime")(leadtime)


def leadtime(
    since: Annotated[str | None, typer.Option("--since", help="ISO date or time: notices from then on")] = None,
    until: Annotated[str | None, typer.Option("--until", help="ISO date or time: notices up to then")] = None,
    product: Annotated[str | None, typer.Option("--product", help="id of a product")] = None,
    source: Annotated[str | None, typer.Option("--source", help="key of the source that published the notice")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="count the last year for the desk's page now, as the scheduler does hourly")
    ] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """预警早于官方通报多少 (for each recall, failed check and penalty the first signal, the first alert and the lead in
    hours, negative where the notice came first; --json: a line a notice, then the summary)."""
    settings = settings_of(data, profile, log_level="WARNING")
    lexicon = load_lexicon(settings.config)
    if product is not None and product not in lexicon.products:
        raise UsageError(f"--product: {product!r} is no product (accepted: {', '.join(sorted(lexicon.products))})")
    if not store_exists(settings):
        raise UsageError(f"{settings.data_dir}: nothing is stored there; crawl or ingest first, or give another --data")
    store = open_store(settings)
    if keep:
        [job] = lead_jobs(settings, store)
        print(job.do(Event()))
        return
    with store.read() as db:
        if source is not None and source not in (known := all_sources(db)):
            raise UsageError(f"--source: {source!r} has no document (accepted: {', '.join(sorted(known))})")
        found = lead_times(
            db, since=_moment("--since", since), until=_moment("--until", until), product=product, source=source,
            family=load_grouping(settings.config).family_of,
        )  # fmt: skip
    if as_json:
        for lead in found:
            print(json.dumps(lead_json(lead), ensure_ascii=False))
        print(json.dumps(summary_json(found), ensure_ascii=False))
        return
    for words in _text(found, {key: one.name for key, one in lexicon.products.items()}):
        print(words)


def _moment(option: str, text: str | None) -> datetime | None:
    try:
        return parse_published(text) if text else None
    except ValueError:
        raise UsageError(f"{option}: {text!r} is no ISO date or date-time") from None


def lead_json(lead: Lead) -> dict[str, Any]:
    """A notice as JSON."""
    signal = lead.signal
    return {
        "notice": lead.notice.document, "type": lead.type, "at": iso_beijing(lead.notice.at),
        "source": lead.notice.source, "title": lead.notice.title, "enterprise": lead.firm, "product": lead.product,
        "first_signal": signal.document if signal else None,
        "first_signal_at": iso_beijing(signal.at) if signal else None,
        "signal_lead_hours": _rounded(lead.signal_lead),
        "first_alert": lead.alert,
        "first_alert_at": iso_beijing(lead.alert_at) if lead.alert_at else None,
        "alert_lead_hours": _rounded(lead.alert_lead),
    }  # fmt: skip


def summary_json(found: list[Lead]) -> dict[str, Any]:
    """The figures of all, by product, by source, by sort of notice."""
    return {"summary": asdict(line_of("", found)), **{f"by_{name}": _lines(found, name) for name in BY}}


def _lines(found: list[Lead], name: str) -> list[dict[str, Any]]:
    return [asdict(line) for line in lines_by(found, BY[name])]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _text(found: list[Lead], products: dict[str, str]) -> list[str]:
    if not found:
        return ["这段时间没有官方通报（召回、抽查不合格、处罚）"]
    words = {"product": products, "source": {}, "type": {str(kind): word for kind, word in NOTICE_WORDS.items()}}
    lines = [f"官方通报 {len(found)} 份", *_line("全部", line_of("", found))]
    for name, heading in (("type", "按种类"), ("product", "按产品"), ("source", "按信源")):
        lines.append(heading)
        for line in lines_by(found, BY[name]):
            lines += _line(words[name].get(line.key, line.key) or "未识别", line)
    return lines


def _line(name: str, line: Line) -> list[str]:
    return [
        f"  {name}：通报 {line.notices}",
        f"    首条信号 {_span(line.signal)}",
        f"    首次预警 {_span(line.alert)}",
    ]


def _span(span: Span) -> str:
    told = f"早于 {span.ahead}、同时 {span.same}、晚于 {span.behind}、没有 {span.none}"
    if not span.count:
        return told
    lower, middle, upper = (hours(_rounded(value)) for value in (span.lower, span.median, span.upper))
    return f"{told}；提前 中位 {middle}（{lower} 至 {upper}）"
