"""What became of a page is told in the history of every alert that rests on it, whatever the rules make of it."""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from core.records import AlertEvent, Document
from store.alert_log import add_history, alerts_of_document, next_history_number

News = Literal["page_changed", "page_gone", "page_back"]
WORDS: dict[News, str] = {
    "page_changed": "页面有改动，存为第 {revision} 版",
    "page_gone": "页面已撤下，存档仍是第 {revision} 版",
    "page_back": "撤下的页面又恢复，存为第 {revision} 版",
}
SYSTEM = "system"


def tell_alerts(db: Connection, document: Document, news: News, now: datetime) -> None:
    """A row in the history of each alert. document: the revision that is now the newest. Telling twice writes once."""
    for alert in alerts_of_document(db, document.id):
        event = AlertEvent(
            alert=alert.id,
            number=next_history_number(db, alert.id),
            at=now,
            story_at=now,
            actor=SYSTEM,
            action="noted",
            level=alert.level,
            state=alert.state,
            note=f"{document.url or document.id}：{WORDS[news].format(revision=document.revision)}",
            details={"reason": news, "document": document.id, "revision": document.revision},
        )
        add_history(db, event, once=f"page:{alert.id}:{document.id}:{document.revision}:{news}")
