"""Who was told of an alert, and small words that several stages share."""

from datetime import datetime

from sqlalchemy import Connection

from alerts.router import notices
from alerts.why.answer import Evidence, Stage
from alerts.why.world import World
from core.clock import beijing
from core.records import Alert
from store.alert_log import delivery_log

DELIVERED = {"waiting": "待发", "sending": "发送中", "handing": "发送中", "sent": "已送达", "failed": "未送达"}


def clock(moment: datetime) -> str:
    """`2026-11-23 14:32`, Beijing."""
    return f"{beijing(moment):%Y-%m-%d %H:%M}"


def source_name(world: World, key: str) -> str:
    """The title of a source or of what is handed in, its key where it is not configured."""
    source = world.source_by_key.get(key)
    return source.title if source else world.handed_in.get(key, key)


def told_stage(world: World, db: Connection, alert: Alert, now: datetime) -> Stage:
    """The mails of an alert, and for each recipient why it is told or not. The desk and the feeds show every alert."""
    lines = delivery_log(db, alert=alert.id)
    sent = [
        Evidence(f"{line.recipient}：{DELIVERED.get(line.state, line.state)}，{clock(line.created_at)}，{line.subject}")
        for line in lines
    ]
    whom: list[Evidence] = []
    if world.router is not None and world.routes is not None:
        route = world.router.route(db, alert)
        by_digest = world.duty is not None and world.duty.by_digest_alone(alert.level)
        routed = route.sent_by_machine
        for one in notices(alert, world.routes, world.lexicon.regions, lambda: routed, now, by_digest=by_digest):
            whom.append(Evidence(f"{one.recipient.name}：{'发' if one.told else '不发'}，{one.why}"))
        whom.append(Evidence(f"派往 {route.owner.organisation.name}：{route.owner.why[0]}", alert=alert.id))
    told = f"{alert.number} 在席位和订阅中可见，邮件 {len(lines)} 封"
    return Stage("told", "告知", "noted", told, (*sent, *whom))
