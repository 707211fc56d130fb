"""How a trial is told: as a table with a verdict, or as JSON."""

from collections.abc import Iterator
from typing import Any

from commands.tables import plain, table_lines
from core.clock import beijing, iso_beijing
from crawlers.problem_words import in_chinese
from crawlers.trial_run import Seen, Trial

STATUS_WORDS = {
    "ok": "正常", "changed": "版面变了", "blocked": "对方拒绝访问", "failed": "失败", "silent": "久无新内容",
}  # fmt: skip
HEADER = ("发布时间", "标题", "字数", "字段", "附件", "问题", "网址")


def trial_lines(trial: Trial) -> Iterator[str]:
    """Table, counts and verdict, as people read them."""
    summary = trial.summary
    yield plain(f"{trial.source.key}  {trial.source.title}  {trial.source.family}")
    if trial.rows:
        yield from table_lines(HEADER, [_row(seen) for seen in trial.rows], widest={1: 44, 3: 40})
    more = f"，只列前 {len(trial.rows)} 条" if trial.read > len(trial.rows) else ""
    if not more and trial.limited:
        more = f"（按 --limit 只取了 {trial.read} 条）"
    yield (
        f"列表 {summary.items} 行，读出 {trial.read} 条{more}；请求 {summary.requests} 次，{summary.seconds:.1f} 秒；"
        "没有保存"
    )
    yield f"判断：{verdict_word(trial)}"
    for reason in trial.why:
        yield plain(f"  {in_chinese(reason)}")


def verdict_word(trial: Trial) -> str:
    """The run's status in Chinese and as the code says it."""
    status = trial.summary.status
    if status == "ok" and not trial.well:
        return "不正常 (ok, but no rows)"
    return f"{STATUS_WORDS.get(status, status)} ({status})"


def trial_json(trial: Trial) -> dict[str, Any]:
    """The same for programs. Times with +08:00."""
    summary = trial.summary
    return {
        "source": trial.source.key,
        "family": trial.source.family,
        "status": summary.status,
        "well": trial.well,
        "why": list(trial.why),
        "items": summary.items,
        "read": trial.read,
        "requests": summary.requests,
        "seconds": round(summary.seconds, 2),
        "rows": [_row_json(seen) for seen in trial.rows],
    }


def _row(seen: Seen) -> tuple[str, ...]:
    raw = seen.document
    files = str(len(raw.attachments)) if raw.attachments else ""
    tables = f"表 {len(raw.tables)}" if raw.tables else ""
    return (
        f"{beijing(raw.published):%Y-%m-%d %H:%M}" if raw.published else "—",
        raw.title,
        str(len(raw.text)),
        " ".join(raw.fields),
        " ".join(filter(None, (files, tables))),
        "；".join(map(in_chinese, seen.problems)),
        raw.url or "—",
    )


def _row_json(seen: Seen) -> dict[str, Any]:
    raw = seen.document
    return {
        "published": iso_beijing(raw.published) if raw.published else None,
        "date_source": raw.date_source,
        "title": raw.title,
        "url": raw.url,
        "characters": len(raw.text),
        "fields": dict(raw.fields),
        "tables": len(raw.tables),
        "attachments": list(raw.attachments),
        "problems": list(seen.problems),
    }
