"""All tables. A changed table needs a new numbered migration in store/migrations/versions.

Times are stored as UTC (`Moment`); lists and records as JSON text that Chinese people can read.
"""

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime; naive ones are refused, so that no zone is ever guessed here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    # SQLite keeps text. A document meets a hundred of these; what SQLAlchemy puts together is three times slower.

    def bind_processor(self, dialect: Dialect) -> Any:
        return _to_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return _from_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return moment.astimezone(UTC)


@lru_cache(maxsize=1000)  # the same one goes into many rows
def _to_text(moment: datetime | None) -> str | None:
    """As SQLAlchemy's own DateTime writes it, so that texts compare as times do: 2026-11-20 08:05:00.000000."""
    return None if moment is None else _utc(moment).replace(tzinfo=None).isoformat(" ", "microseconds")


@lru_cache(maxsize=30_000)  # a list of all alerts holds 20,000; the same object each time also spares its hash
def _from_text(kept: str | None) -> datetime | None:
    return None if kept is None else datetime.fromisoformat(f"{kept}+00:00")


def moment_of(told: str | datetime | None) -> datetime | None:
    """A `Moment` of a row that was read without being made one: SQLite says text."""
    return _from_text(told) if told is None or isinstance(told, str) else _utc(told)


class Json(TypeDecorator[Any]):
    """Any JSON value as readable text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# SQLite only counts up by itself in a plain INTEGER key.
Serial = BigInteger().with_variant(Integer, "sqlite")

facts = Table(
    "facts", metadata,
    Column("key", Text, primary_key=True, comment="profile, registry_sha256, story day zero, ..."),
    Column("value", Text, nullable=False),
)  # fmt: skip

TO_READ = text("stage IN ('fetched', 'deduped', 'analysed')")
"""Said in these words by who claims: a database uses an index of some rows only where a question names them."""

documents = Table(
    "documents", metadata,
    Column("seq", Serial, primary_key=True, comment="order of arrival"),
    Column("id", Text, nullable=False, comment="stable over revisions"),
    Column("revision", Integer, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("canonical_url", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("raw", Json, nullable=False, comment="title, text, fields, tables, leftover, ... as fetched"),
    Column("author", Text),
    Column("origin", Text),
    Column("fields", Json, nullable=False),
    Column("tables", Json, nullable=False),
    Column("attachments", Json, nullable=False),
    Column("flags", Json, nullable=False),
    Column("published", Moment),
    Column("event_time", Moment, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    Column("stored_at", Moment, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("archive", Json, comment="WARC file, offset, length, sha256"),
    Column("repost_of", Text),
    Column("withdrawn_at", Moment),
    Column("stage", Text, nullable=False, comment="see store.documents"),
    Column(
        "priority", Integer, nullable=False, server_default="1",
        comment="which is read first, smaller first: 0 may tell of people harmed, 1 everything else",
    ),
    Column("claimed_by", Text),
    Column("claimed_until", Moment),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("moved_at", Moment, comment="when a step last moved it on, by the machine's clock"),
    Column("is_risk", Boolean),
    Column("level", Integer),
    Column("score", Float),
    Column("product", Text),
    Column("enterprise", Text),
    Column("jurisdiction", Text),
    Column("stance", Text),
    Column("analysis", Json),
    Column("analysis_version", Text),
    UniqueConstraint("id", "revision"),
    Index("ix_documents_stage", "stage", "seq"),
    Index(
        "ix_documents_turn", "stage", "priority", "event_time", "seq", sqlite_where=TO_READ, postgresql_where=TO_READ
    ),
    Index("ix_documents_moved", "stage", "moved_at"),
    Index("ix_documents_event_time", "event_time"),
    Index("ix_documents_source_url", "source", "canonical_url"),
    Index("ix_documents_source_external", "source", "external_id"),
    Index("ix_documents_content_hash", "content_hash"),
    Index("ix_documents_repost_of", "repost_of"),
    Index("ix_documents_risk", "is_risk", "latest", "event_time"),
    Index("ix_documents_enterprise", "enterprise", "event_time"),
    Index("ix_documents_product", "product", "event_time", "latest", "is_risk", "enterprise", "jurisdiction"),
    Index("ix_documents_jurisdiction", "jurisdiction", "event_time"),
    Index("ix_documents_firm", "enterprise", "latest", "is_risk", "event_time", "level", "jurisdiction"),
    Index("ix_documents_title", "title").ddl_if(dialect="sqlite"),
    Index("ix_documents_counted", "source", "latest", "stage", "is_risk", "event_time", "repost_of", "withdrawn_at"),
)  # fmt: skip

sentence_hashes = Table(
    "sentence_hashes", metadata,
    Column("hash", BigInteger, primary_key=True),
    Column("document", Text, primary_key=True),
    Column("event_time", Moment, nullable=False),
    Index("ix_sentence_hashes_document", "document"),
)  # fmt: skip

minhash_bands = Table(
    "minhash_bands", metadata,
    Column("band", BigInteger, primary_key=True),
    Column("document", Text, primary_key=True),
    Column("event_time", Moment, nullable=False),
    Index("ix_minhash_bands_document", "document"),
)  # fmt: skip

addresses = Table(
    "addresses", metadata,
    Column("source", Text, primary_key=True),
    Column("url", Text, primary_key=True, comment="as requested"),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("body_sha256", Text),
    Column("seen_at", Moment, nullable=False),
    Column("gone_at", Moment),
)  # fmt: skip

OPEN_RUN = text("status IN ('waiting', 'running')")
"""One at a time for a source; the rest of the table is history."""

runs = Table(
    "runs", metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("status", Text, nullable=False, comment="waiting | running | interrupted, or as crawlers.run ends it"),
    Column("reason", Text, nullable=False, comment="schedule | hand | restart"),
    Column("asked_at", Moment, nullable=False),
    Column("due_at", Moment, comment="when its turn was; null for one that somebody asked for"),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("claimed_by", Text),
    Column("held_until", Moment, comment="lease of a running one"),
    Column("new", Integer, nullable=False, server_default="0"),
    Column("changed", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("gone", Integer, nullable=False, server_default="0"),
    Column("items", Integer, nullable=False, server_default="0", comment="rows seen on its lists"),
    Column("not_modified", Integer, nullable=False, server_default="0", comment="lists that were as last time"),
    Column("problems", Json, nullable=False),
    Index("ix_runs_source", "source", "asked_at"),
    Index("ix_runs_status", "status"),
    Index("ix_runs_asked_at", "asked_at"),
    Index("ux_runs_open", "source", unique=True, sqlite_where=OPEN_RUN, postgresql_where=OPEN_RUN),
)  # fmt: skip

source_pulses = Table(
    "source_pulses", metadata,
    Column("source", Text, primary_key=True),
    Column("every", Float, nullable=False, comment="seconds: the file's interval that pace began with"),
    Column("pace", Float, nullable=False, comment="seconds: the interval as it is now"),
    Column("next_at", Moment, nullable=False, comment="when it is due"),
    Column("why", Text, nullable=False, comment="why then"),
    Column("run_at", Moment, nullable=False, comment="end of its last run"),
    Column("first_read_at", Moment, comment="since when its history is told"),
    Column("read_at", Moment, comment="last time its lists were read, or said that nothing changed"),
    Column("ok_at", Moment, comment="last time rows were read and all was well"),
    Column("news_at", Moment, comment="last time something new was found"),
    Column("newest", Moment, comment="date of the youngest row it ever showed"),
    Column("rows", Integer, nullable=False, comment="rows on its lists when they were last read well"),
    Column("trouble", Text, nullable=False, comment="status of the last run that told something; ok: none"),
    Column("trouble_why", Text, nullable=False),
    Column("failures", Integer, nullable=False, comment="runs in a row that were not ok"),
    Column("hours", Json, nullable=False, comment="24 numbers: at what hours of Beijing something new came, fading"),
    Index("ix_source_pulses_next_at", "next_at"),
)  # fmt: skip

source_days = Table(
    "source_days", metadata,
    Column("source", Text, primary_key=True),
    Column("day", Integer, primary_key=True, comment="ordinal, of Beijing"),
    Column("found", Integer, nullable=False, server_default="0", comment="new documents dated on this day"),
    Column("reads", Integer, nullable=False, server_default="0", comment="runs that read it on this day"),
    Column("gap", Float, nullable=False, server_default="0", comment="longest time without news that ended on it, s"),
)  # fmt: skip

source_states = Table(
    "source_states", metadata,
    Column("id", Serial, primary_key=True),
    Column("source", Text, nullable=False),
    Column("was", Text, comment="null: it was never judged before"),
    Column("state", Text, nullable=False, comment="well | silent | surging | layout_changed | blocked | failed"),
    Column("at", Moment, nullable=False),
    Column("why", Text, nullable=False),
    Index("ix_source_states_source", "source", "id"),
    Index("ix_source_states_at", "at"),
)  # fmt: skip

holds = Table(
    "holds", metadata,
    Column("source", Text, primary_key=True),
    Column("until", Moment, nullable=False, comment="the site wants no visit before"),
    Column("why", Text, nullable=False),
)  # fmt: skip

jobs = Table(
    "jobs", metadata,
    Column("id", Text, primary_key=True),
    Column("what", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("next_at", Moment),
    Column("last_at", Moment),
    Column("last_status", Text),
    Column("last_note", Text),
    Column("misfires", Integer, nullable=False, server_default="0"),
)  # fmt: skip

processes = Table(
    "processes", metadata,
    Column("name", Text, primary_key=True, comment="role, or role@place: store/processes.py"),
    Column("pid", Integer, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("beat_at", Moment, nullable=False),
    Column("note", Text),
    Column("host", Text),
    Column("instance", Text, comment="tells it from any other that bore the name"),
    Column("measures", Json, comment="what it measured since it started: core.measures"),
)  # fmt: skip

enterprises = Table(
    "enterprises", metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("region_code", Text, nullable=False),
    Column("entry", Json, nullable=False, comment="the whole core.records.RegistryEntry"),
    Column("updated_at", Moment, nullable=False),
    Column("uscc", Text, nullable=False, server_default=""),
    Column("parent_id", Text, nullable=False, server_default=""),
    Column("address", Text, nullable=False, server_default=""),
    Column("person", Text, nullable=False, server_default=""),
    Index("ix_enterprises_name", "name"),
    Index("ix_enterprises_uscc", "uscc"),
    Index("ix_enterprises_parent", "parent_id"),
    Index("ix_enterprises_address", "address"),
    Index("ix_enterprises_person", "person"),
)  # fmt: skip

firm_facts = Table(
    "firm_facts", metadata,
    Column("id", Text, primary_key=True, comment="of what makes it the same: store.firm_facts"),
    Column("firm", Text, nullable=False, comment="registry id or NIL:<name>"),
    Column("kind", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("day", Date),
    Column("until", Date),
    Column("state", Text, nullable=False, comment="empty, suspended or withdrawn"),
    Column("state_since", Date),
    Column("product", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("batch", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("ix_firm_facts_firm", "firm", "kind"),
    Index("ix_firm_facts_number", "number"),
    Index("ix_firm_facts_day", "kind", "day"),
    Index("ix_firm_facts_updated", "updated_at"),
    Index("ix_firm_facts_model", "model"),
    Index("ix_firm_facts_batch", "batch"),
)  # fmt: skip

firm_ties = Table(
    "firm_ties", metadata,
    Column("one", Text, primary_key=True, comment="registry id or NIL:<name>"),
    Column("kind", Text, primary_key=True),
    Column("other", Text, primary_key=True),
    Column("product", Text, primary_key=True, comment="empty: of no product in particular"),
    Column("since", Date),
    Column("until", Date),
    Column("document", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("ix_firm_ties_other", "other"),
)  # fmt: skip

firm_changes = Table(
    "firm_changes", metadata,
    Column("number", Integer, primary_key=True),
    Column("firm", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("source", Text, nullable=False, comment="the imported file"),
    Column("changes", Json, nullable=False, comment="field: [before, after]"),
    Index("ix_firm_changes_firm", "firm"),
)  # fmt: skip

told_goods = Table(
    "told_goods", metadata,
    Column("document", Text, primary_key=True),
    Column("position", Integer, primary_key=True, comment="place of the row in its document"),
    Column("outcome", Text, nullable=False, comment="failed | passed | recalled | recalled_abroad | unsaid"),
    Column("day", Date),
    Column("number", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("brand", Text, nullable=False),
    Column("models", Json, nullable=False),
    Column("batches", Json, nullable=False),
    Column("items", Text, nullable=False, comment="what failed, or the hazard"),
    Column("source", Text, nullable=False),
    Column("parties", Json, nullable=False, comment="[part, name, registry id or empty]"),
    Index("ix_told_goods_outcome", "outcome", "day"),
)  # fmt: skip

told_keys = Table(
    "told_keys", metadata,
    Column("key", Text, primary_key=True, comment="f:<id>, n:<name>, m:<model>, b:<batch>, #:<number>: core.told"),
    Column("document", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("grave", Integer, nullable=False, comment="1: failed or recalled"),
    Column("day", Date),
    Index("ix_told_keys_found", "key", "grave", "day", "document", "position"),
    Index("ix_told_keys_document", "document"),
)  # fmt: skip

mirror_items = Table(
    "mirror_items", metadata,
    Column("document", Text, primary_key=True, comment="a recall abroad"),
    Column("day", Date),
    Column("number", Text, nullable=False),
    Column("maker", Text, nullable=False, comment="as the recall names it"),
    Column("product", Text, nullable=False),
    Column("models", Json, nullable=False),
    Column("candidates", Json, nullable=False, comment="[firm, name, region, score, reasons], best first"),
    Column("score", Float, nullable=False),
    Column("exact", Boolean, nullable=False),
    Column("state", Text, nullable=False, comment="open | confirmed | not_ours | none (no candidate)"),
    Column("firm", Text, nullable=False, comment="whom a person confirmed"),
    Column("looked_at", Moment, nullable=False),
    Index("ix_mirror_items_state", "state", "score"),
)  # fmt: skip

mirror_steps = Table(
    "mirror_steps", metadata,
    Column("number", Serial, primary_key=True),
    Column("document", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False, comment="confirm | not_ours | undo"),
    Column("firm", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("once", Text, nullable=False, unique=True),
    Index("ix_mirror_steps_document", "document"),
)  # fmt: skip

cluster_rows = Table(
    "cluster_rows", metadata,
    Column("document", Text, primary_key=True, comment="an independent signal"),
    Column("at", Moment, nullable=False, comment="event time"),
    Column("product", Text, nullable=False),
    Column("territory", Text, nullable=False),
    Column("spots", Text, nullable=False, comment="weak spots it tells of, `,a,b,` or empty"),
    Index("ix_cluster_rows_counted", "product", "territory", "at", "spots"),
)  # fmt: skip

cluster_firms = Table(
    "cluster_firms", metadata,
    Column("territory", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("firms", Integer, nullable=False),
    Column("licensed", Integer, nullable=False, comment="those with a valid paper or a licence number"),
)  # fmt: skip

signal_cards = Table(
    "signal_cards", metadata,
    Column("document", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("at", Moment, nullable=False, comment="event time"),
    Column("until", Moment, comment="replaced or withdrawn; null while it counts"),
    Column("facts", Json, nullable=False, comment="what rules need, see alerts.cards"),
    Index("ix_signal_cards_at", "at"),
)  # fmt: skip

signal_keys = Table(
    "signal_keys", metadata,
    Column("key", Text, primary_key=True, comment="f:<firm>, m:<family>|<label number>, p:<family>|<place>, ..."),
    Column("document", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Index("ix_signal_keys_key_at", "key", "at"),
    Index("ix_signal_keys_document", "document"),
)  # fmt: skip

events = Table(
    "events", metadata,
    Column("id", Text, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False, comment="SJ-<year>-<serial>: 1, 2, 3, ... within the year"),
    Column("title", Text, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("level", Integer, nullable=False),
    Column("documents", Integer, nullable=False),
    Column("origins", Integer, nullable=False, comment="documents that carry a text of their own"),
    Column("facts", Json, nullable=False, comment="firms, accidents, scenes, products, territories: see nlp.events"),
    Column("merged_into", Text, comment="its documents went there; the old address leads on"),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("year", "serial"),
    Index("ix_events_last_at", "last_at"),
    Index("ix_events_merged_into", "merged_into"),
)  # fmt: skip

event_documents = Table(
    "event_documents", metadata,
    Column("document", Text, primary_key=True),
    Column("event", Text, ForeignKey("events.id"), nullable=False),
    Column("at", Moment, nullable=False),
    Column("risk", Boolean, nullable=False),
    Column("held", Boolean, nullable=False, server_default=false(), comment="put there by hand: stays there"),
    Column("like", Text, comment="the document that brought it here; null for the one that began the event"),
    Column("points", Float, nullable=False),
    Column("why", Json, nullable=False),
    Column("traits", Json, nullable=False, comment="what it is compared by, see nlp.event_traits"),
    Index("ix_event_documents_event", "event", "at"),
)  # fmt: skip

event_keys = Table(
    "event_keys", metadata,
    Column("key", Text, primary_key=True, comment="f:<firm>, m:<label>, p:<family>|<place>, ..."),
    Column("at", Moment, primary_key=True),
    Column("document", Text, primary_key=True),
    Index("ix_event_keys_document", "document"),
)  # fmt: skip

event_parted = Table(
    "event_parted", metadata,
    Column("event", Text, ForeignKey("events.id"), primary_key=True),
    Column("other", Text, ForeignKey("events.id"), primary_key=True),
    comment="split by hand: never brought together again by the machine; both directions",
)  # fmt: skip

findings = Table(
    "findings", metadata,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("window_start", Moment, nullable=False),
    Column("window_end", Moment, nullable=False),
    Column("fired_at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Column("numbers", Json, nullable=False),
    Column("documents", Json, nullable=False),
    Column("alert", Text),
    Column("created_at", Moment, nullable=False),
    Column("withdrawn_at", Moment, comment="a late document or a revision took its ground away"),
    Index("ix_findings_rule_key", "rule", "key", "fired_at"),
    Index("ix_findings_key", "key", "fired_at"),
    Index("ix_findings_alert", "alert"),
)  # fmt: skip

alerts = Table(
    "alerts", metadata,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False, unique=True, comment="YJ-2026-0001"),
    Column("subject", Text, nullable=False, comment="what findings are grouped by"),
    Column("level", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("title", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("products", Json, nullable=False),
    Column("enterprises", Json, nullable=False),
    Column("issues", Json, nullable=False),
    Column("territory", Text, nullable=False),
    Column("territories", Json, nullable=False),
    Column("documents", Json, nullable=False),
    Column("findings", Json, nullable=False),
    Column("unconfirmed", Boolean, nullable=False, server_default=false()),
    Column("origins", Integer, nullable=False, server_default="0"),
    Column("late", Integer, nullable=False, server_default="0", comment="seconds; 0: it was opened in time"),
    Column("details", Json, nullable=False),
    Column("assignee", Text, comment="account that works on it; null: nobody yet"),
    Index("ix_alerts_assignee", "assignee"),
    Index("ix_alerts_subject", "subject", "updated_at"),
    Index("ix_alerts_state", "state", "due_at"),
    Index("ix_alerts_counted", "state", "level", "late"),
    Index("ix_alerts_first_at", "first_at"),
    Index("ix_alerts_created_at", "created_at", "id"),
)  # fmt: skip

alert_documents = Table(
    "alert_documents", metadata,
    Column("alert", Text, ForeignKey("alerts.id"), primary_key=True),
    Column("document", Text, primary_key=True),
    Index("ix_alert_documents_document", "document"),
)  # fmt: skip

alert_history = Table(
    "alert_history", metadata,
    Column("alert", Text, ForeignKey("alerts.id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="1, 2, 3, ... within the alert"),
    Column("at", Moment, nullable=False),
    Column("story_at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("details", Json, nullable=False),
    Column("once", Text, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_alert_history_action", "action", "at"),
    Index("ix_alert_history_story_at", "story_at"),
)  # fmt: skip

alert_watch = Table(
    "alert_watch", metadata,
    Column("alert", Text, ForeignKey("alerts.id"), primary_key=True),
    Column("silence", Text, comment="the silence that mutes it now"),
    Column("under", Text, comment="the alert that rules over it now"),
    Column("owed", Text, comment="opened | raised | reopened: what is told when it may speak again"),
    Column("level", Integer, nullable=False, server_default="0", comment="the one people were told of"),
    Column("since", Moment, comment="when somebody was first told; null: nobody is waited for"),
    Column("repeats", Integer, nullable=False, server_default="0"),
    Column("repeat_at", Moment, comment="null: none is due"),
    Column("steps", Integer, nullable=False, server_default="0", comment="posts of the chain told after the first"),
    Column("step_at", Moment, comment="null: nobody is left in the chain"),
    Column("ended", Boolean, nullable=False, server_default=false(), comment="those who were told know of its end"),
    comment="what the clock does to alerts: muted, reminded of, passed on; see alerts.watch",
)  # fmt: skip

silences = Table(
    "silences", metadata,
    Column("id", Text, primary_key=True, comment="JM-2026-0001"),
    Column("matchers", Json, nullable=False, comment="all must hold, see config.matchers"),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("territory", Text, nullable=False, comment="region code it is cut to; 000000 is no cut"),
    Column("created_at", Moment, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("expired_at", Moment, comment="ended early; a silence is never changed otherwise"),
    Column("expired_by", Text),
    Column("expired_why", Text),
    Column("replaces", Text, comment="the silence it was made instead of"),
    Column("once", Text, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_silences_ends_at", "ends_at"),
)  # fmt: skip

deliveries = Table(
    "deliveries", metadata,
    Column("id", Text, primary_key=True, comment="idempotency key: channel, recipient, alert, history number"),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("alert", Text),
    Column("entry", Text, comment="the ledger entry it tells of"),
    Column("level", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("what", Text, nullable=False, server_default="", comment="opened, raised, ...: what it tells of its alert"),
    Column("state", Text, nullable=False,
           comment="waiting | sending | handing | sent | failed | unsure | replaced | withdrawn | bounced"),
    Column("created_at", Moment, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("claimed_by", Text),
    Column("claimed_until", Moment),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", Moment),
    Column("details", Json, nullable=False, server_default="{}",
           comment="pictures: {name in the mail: sha256}; thread: delivery it follows; from: first day of a digest"),
    Column("receipt_at", Moment, comment="the signed link in the mail was pressed"),
    Index("ix_deliveries_due", "state", "next_at"),
    Index("ix_deliveries_counted", "channel", "state"),
    Index("ix_deliveries_recipient", "recipient", "created_at"),
    Index("ix_deliveries_alert", "alert"),
    Index("ix_deliveries_entry", "entry"),
    Index("ix_deliveries_created_at", "created_at", "id"),
)  # fmt: skip

delivery_attempts = Table(
    "delivery_attempts", metadata,
    Column("delivery", Text, ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("outcome", Text, nullable=False, comment="sent | retry | refused | crashed"),
    Column("answer", Text, nullable=False),
    Column("seconds", Float, nullable=False),
)  # fmt: skip

mail_addresses = Table(
    "mail_addresses", metadata,
    Column("address", Text, primary_key=True),
    Column("failing_at", Moment, comment="since when mails to it are refused for good; null: they are not"),
    Column("failing_kind", Text, comment="refused | bounced"),
    Column("failing_answer", Text),
    Column("failing_delivery", Text),
    Column("no_digest_at", Moment, comment="the digest was turned off by its link; null: it comes"),
    Column("lowest", Integer, nullable=False, server_default="0", comment="mails of alerts below it are turned off"),
    Column("lowest_at", Moment),
    comment="what is known of an address beside routes.yml: whether it takes mail, what its owner turned off",
)  # fmt: skip

mail_pictures = Table(
    "mail_pictures", metadata,
    Column("sha256", Text, primary_key=True),
    Column("png", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
    comment="pictures of mails, kept so that a mail that is sent again is the same one",
)  # fmt: skip

users = Table(
    "users", metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False, comment="argon2 hash; empty until set"),
    Column("role", Text, nullable=False, comment="viewer | officer | supervisor | admin"),
    Column("territory", Text, nullable=False, comment="region code; 000000 is all"),
    Column("display_name", Text, nullable=False),
    Column("theme", Text, nullable=False, server_default="auto"),
    Column("language", Text, nullable=False, server_default="zh", comment="zh | en"),
    Column("active", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("locked_until", Moment),
    Column("details", Json, nullable=False),
    Column("signed_in_at", Moment, comment="when a session was last opened"),
)  # fmt: skip

sessions = Table(
    "sessions", metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user", Text, ForeignKey("users.name"), nullable=False),
    Column("csrf", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("how", Text, nullable=False, server_default="password", comment="password | code | link | oidc"),
    Column("address", Text, nullable=False, server_default=""),
    Column("agent", Text, nullable=False, server_default=""),
    Index("ix_sessions_user", "user"),
)  # fmt: skip

second_factors = Table(
    "second_factors", metadata,
    Column("user", Text, ForeignKey("users.name"), primary_key=True),
    Column("secret", Text, nullable=False, comment="encrypted (store/vault.py)"),
    Column("confirmed_at", Moment, comment="null: not in use yet"),
    Column("last_step", BigInteger, nullable=False, comment="of the newest code that was used"),
    Column("failures", Integer, nullable=False),
    Column("locked_until", Moment),
)  # fmt: skip

recovery_codes = Table(
    "recovery_codes", metadata,
    Column("user", Text, ForeignKey("users.name"), primary_key=True),
    Column("slot", Integer, primary_key=True, autoincrement=False, comment="the first sign of the code"),
    Column("hash", Text, nullable=False, comment="argon2"),
    Column("used_at", Moment),
)  # fmt: skip

identities = Table(
    "identities", metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True, comment="what the issuer calls this person, for ever"),
    Column("user", Text, ForeignKey("users.name"), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
)  # fmt: skip

tokens = Table(
    "tokens", metadata,
    Column("token_hash", Text, primary_key=True),
    Column("purpose", Text, nullable=False, comment="see store.tokens.Purpose"),
    Column("user", Text),
    Column("note", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("used_at", Moment),
    Column("revoked_at", Moment),
    Column("details", Json, nullable=False),
)  # fmt: skip

saved_searches = Table(
    "saved_searches", metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, ForeignKey("users.name"), nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False, comment="parameters of /search; relative times stay relative"),
    Column("shared", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("owner", "name"),
)  # fmt: skip

watches = Table(
    "watches", metadata,
    Column("search", Text, ForeignKey("saved_searches.id"), primary_key=True),
    Column("user", Text, ForeignKey("users.name"), primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False, comment="what was stored later is new to this person"),
    Index("ix_watches_user", "user"),
)  # fmt: skip

recent_queries = Table(
    "recent_queries", metadata,
    Column("user", Text, ForeignKey("users.name"), primary_key=True),
    Column("text", Text, primary_key=True),
    Column("asked_at", Moment, nullable=False),
)  # fmt: skip

audit = Table(
    "audit", metadata,
    Column("number", Serial, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("details", Json, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("ix_audit_at", "at"),
    Index("ix_audit_actor_number", "actor", "number"),
    Index("ix_audit_action_number", "action", "number"),
)  # fmt: skip

audit_head = Table(
    "audit_head", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False, comment="always 1"),
    Column("base_number", BigInteger, nullable=False, comment="the last row that was pruned; 0: none"),
    Column("base_hash", Text, nullable=False),
    Column("number", BigInteger, nullable=False, comment="the newest row; as base where there is none"),
    Column("hash", Text, nullable=False),
)  # fmt: skip

canaries = Table(
    "canaries", metadata,
    Column("id", Text, primary_key=True, comment="YYYYMMDDhhmmss of planting, UTC"),
    Column("planted_at", Moment, nullable=False),
    Column("alerted_at", Moment),
    Column("reached_at", Moment, comment="seen in the feed"),
    Column("failed_at", Moment),
    Column("stage", Text, nullable=False, comment="planted | fetched | read | alerted | reached"),
    Column("note", Text, nullable=False),
    Index("ix_canaries_planted_at", "planted_at"),
)  # fmt: skip

desk_rules = Table(
    "desk_rules", metadata,
    Column("serial", Serial, primary_key=True, comment="order of changes over all rules"),
    Column("rule", Text, nullable=False, comment="desk_1, desk_2, ...; never given again"),
    Column("number", Integer, nullable=False, comment="version: 1, 2, 3, ... within the rule"),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False, comment="created | changed | off | on | deleted"),
    Column("state", Text, nullable=False, comment="on | off | deleted"),
    Column("territory", Text, nullable=False, comment="region code it is cut to; 000000 is no cut"),
    Column("definition", Json, nullable=False, comment="the words of the rule, as in a rule file"),
    Column("since", BigInteger, nullable=False, comment="documents.seq that had arrived when it was made"),
    Column("counted", BigInteger, comment="documents.seq up to which earlier ones are counted in; null: none"),
    Column("once", Text, unique=True, comment="idempotency key of the form that caused it"),
    Column("note", Text, nullable=False, server_default="", comment="why it was changed"),
    UniqueConstraint("rule", "number", name="uq_desk_rules_rule_number"),
)  # fmt: skip

lab_runs = Table(
    "lab_runs", metadata,
    Column("id", Text, primary_key=True),
    Column("rule", Text, nullable=False, comment="id of the rule, or the name of a detector"),
    Column("state", Text, nullable=False, comment="waiting | running | done | failed"),
    Column("actor", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("held_until", Moment, comment="lease of a running one"),
    Column("asked", Json, nullable=False, comment="past, budget, recall floor"),
    Column("result", Json, comment="as `rules test --past --json` prints it"),
    Column("error", Text),
    Column("once", Text, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_lab_runs_rule", "rule", "asked_at"),
    Index("ix_lab_runs_state", "state", "asked_at"),
)  # fmt: skip

rankings = Table(
    "rankings", metadata,
    Column("serial", Serial, primary_key=True, comment="the newest one holds"),
    Column("at", Moment, nullable=False),
    Column("active", Boolean, nullable=False, comment="whether the measurement allowed its use"),
    Column("measured", Json, nullable=False, comment="gain, interval, marks: see alerts.reranking_measure"),
    Column("model", Json, nullable=False, comment="weights and what its features lean on"),
)  # fmt: skip

lead_times = Table(
    "lead_times", metadata,
    Column("notice", Text, primary_key=True, comment="document id"),
    Column("at", Moment, nullable=False),
    Column("source", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("jurisdiction", Text),
    Column("type", Text, nullable=False, comment="see alerts.notices"),
    Column("firm", Text),
    Column("product", Text),
    Column("signal", Text, comment="document id of the first one; null: there was none"),
    Column("signal_at", Moment),
    Column("signal_source", Text),
    Column("signal_kind", Text),
    Column("signal_title", Text),
    Column("signal_jurisdiction", Text),
    Column("alert", Text, comment="id of the first one; null: there was none"),
    Column("alert_at", Moment),
    Index("ix_lead_times_at", "at"),
    comment="of official notices; counted anew by the hour",
)  # fmt: skip

day_counts = Table(
    "day_counts", metadata,
    Column("key", Text, primary_key=True, comment="w:<rule>|<values>; t:<rule>|<values>: summed over its keys"),
    Column("day", Integer, primary_key=True, comment="Beijing day of event time, ordinal"),
    Column("value", Text, primary_key=True, comment="empty for origins; else the source or event"),
    Column("n", Integer, nullable=False),
)  # fmt: skip

day_documents = Table(
    "day_documents", metadata,
    Column("key", Text, primary_key=True),
    Column("document", Text, primary_key=True),
    Column("day", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("value", Text, nullable=False),
    Index("ix_day_documents_document", "document"),
    Index("ix_day_documents_key_day", "key", "day"),
)  # fmt: skip

counted_keys = Table(
    "counted_keys", metadata,
    Column("key", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("parent", Text, nullable=False, comment="t:<rule>|<values but the last>"),
    Column("first_day", Integer, nullable=False),
    Column("last_day", Integer, nullable=False),
    Column("due", Moment, comment="when a silence may begin that the watermark has not reached yet"),
    Index("ix_counted_keys_first", "rule", "first_day"),
    Index("ix_counted_keys_due", "rule", "due"),
    Index("ix_counted_keys_parent", "parent", "first_day"),
)  # fmt: skip

counted_rules = Table(
    "counted_rules", metadata,
    Column("rule", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("since", BigInteger, nullable=False, comment="documents.seq that had arrived when it came"),
    Column("since_at", Moment, comment="how far the story had come then; null: nowhere"),
    Column("counted", BigInteger, nullable=False, comment="documents.seq up to which earlier ones are counted in"),
    Column("again_from", Integer, comment="days from here on are judged again, key by key; null: all are"),
    Column("again_key", Text, nullable=False, comment="the last key that was judged again"),
)  # fmt: skip

day_pools = Table(
    "day_pools", metadata,
    Column("rule", Text, primary_key=True),
    Column("month", Integer, primary_key=True, comment="12 x year + month - 1: for judging its days"),
    Column("content", Json, nullable=False, comment="factors of all keys together, number of keys"),
)  # fmt: skip

day_chances = Table(
    "day_chances", metadata,
    Column("rule", Text, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("p", Float, nullable=False),
)  # fmt: skip

source_times = Table(
    "source_times", metadata,
    Column("source", Text, primary_key=True),
    Column("newest", Moment, comment="latest event time of a dated document"),
    Column("hours", Json, nullable=False, comment="hours from publication to arrival of its last documents"),
)  # fmt: skip

moments = Table(
    "moments", metadata,
    Column("name", Text, primary_key=True, comment="watermark: never goes back"),
    Column("at", Moment, nullable=False),
)  # fmt: skip

outages = Table(
    "outages", metadata,
    Column("since", Moment, primary_key=True, comment="last beat of the worker before"),
    Column("until", Moment, nullable=False, comment="when it worked again"),
)  # fmt: skip

hot_lines = Table(
    "hot_lines", metadata,
    Column("platform", Text, primary_key=True),
    Column("name", Text, primary_key=True, comment="the title without signs, width and case"),
    Column("title", Text, nullable=False, comment="as last seen"),
    Column("url", Text, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("sightings", Integer, nullable=False),
    Column("rank", Integer, nullable=False, comment="at its last sighting; 1 is the top"),
    Column("peak_rank", Integer, nullable=False),
    Column("heat", BigInteger, comment="at its last sighting; null: no number"),
    Column("heat_text", Text, nullable=False, comment="as the platform writes it: 261.9万"),
    Column("peak_heat", BigInteger),
    Index("ix_hot_lines_last_seen", "last_seen"),
)  # fmt: skip

ledger_entries = Table(
    "ledger_entries", metadata,
    Column("id", Text, primary_key=True, comment="YH-2026-0001"),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False, comment="1, 2, 3, ... within the year"),
    Column("state", Text, nullable=False, comment="see store.ledger.HazardState"),
    Column("level", Integer, nullable=False, comment="1 to 4"),
    Column("title", Text, nullable=False, comment="the hazard in a sentence"),
    Column("origin", Text, nullable=False, comment="how it was found: self | check | spotcheck | ... (ledger.words)"),
    Column("alert", Text, comment="the alert it came from"),
    Column("product", Text, nullable=False, comment="id; empty: not known"),
    Column("model", Text, nullable=False, comment="model and batch"),
    Column("firm", Text, nullable=False, comment="registry id, NIL:<name>, or empty"),
    Column("uscc", Text, nullable=False),
    Column("issue", Text, nullable=False, comment="id; empty: not known"),
    Column("territory", Text, nullable=False, comment="where the hazard lies"),
    Column("unit", Text, nullable=False, comment="the territory whose bureau answers for it; empty: not dispatched"),
    Column("person", Text, nullable=False, comment="who answers there, typed by a person"),
    Column("measures", Text, nullable=False),
    Column("case_number", Text, nullable=False, comment="of the case or the transfer, typed by a person"),
    Column("remark", Text, nullable=False),
    Column("found_on", Date, nullable=False),
    Column("due_on", Date, nullable=False, comment="overdue is computed from it, never stored"),
    Column("step_due_on", Date, comment="until when the next step is due; null: none runs"),
    Column("done_on", Date, comment="when the rectification was reported done"),
    Column("look_on", Date, comment="when it is to be looked at again after its end; null: not chosen or done"),
    Column("closed_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("year", "serial"),
    Index("ix_ledger_entries_state", "state", "due_on"),
    Index("ix_ledger_entries_alert", "alert"),
    Index("ix_ledger_entries_firm", "firm", "product"),
    Index("ix_ledger_entries_list", "state", "due_on", "level", "territory", "unit", "product", "issue", "firm",
          "closed_at", "look_on", "created_at", "step_due_on", "year", "serial", "id"),
)  # fmt: skip

ledger_rows = Table(
    "ledger_rows", metadata,
    Column("entry", Text, ForeignKey("ledger_entries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="1, 2, 3, ... within the entry"),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("state", Text, nullable=False, comment="the entry's after it"),
    Column("reason", Text, nullable=False, comment="a code of ledger.words; empty where none is asked for"),
    Column("note", Text, nullable=False),
    Column("details", Json, nullable=False),
    Column("once", Text, unique=True, comment="idempotency key of the form that caused it"),
    Column("undoes", Integer, comment="number of the row of this entry that it takes back"),
    Index("ix_ledger_rows_action", "action", "at"),
)  # fmt: skip

ledger_proofs = Table(
    "ledger_proofs", metadata,
    Column("entry", Text, ForeignKey("ledger_entries.id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="that of the history row it came with"),
    Column("kind", Text, nullable=False, comment="report | recheck | retest | case | goods | other"),
    Column("name", Text, nullable=False, comment="of the file, as uploaded"),
    Column("type", Text, nullable=False, comment="by its bytes: pdf, png, jpg, docx, xlsx, ofd"),
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False),
)  # fmt: skip

supervisions = Table(
    "supervisions", metadata,
    Column("id", Text, primary_key=True, comment="DB-2026-0001"),
    Column("kind", Text, nullable=False, comment="territory | firm"),
    Column("subject", Text, nullable=False, comment="region code or firm"),
    Column("territory", Text, nullable=False, comment="whose officers see it"),
    Column("title", Text, nullable=False),
    Column("document", Text, nullable=False, comment="number of the notice, typed by a person"),
    Column("began_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("terms", Text, nullable=False, comment="on what it ends"),
    Column("entries", Json, nullable=False, comment="the ledger entries it is about"),
    Column("author", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ended_on", Date, comment="null: it is in force; never changed otherwise"),
    Column("ended_by", Text),
    Column("ended_why", Text),
    Column("once", Text, unique=True, comment="idempotency key of the form that caused it"),
)  # fmt: skip

shift_log = Table(
    "shift_log", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("shift", Moment, nullable=False, comment="start of the shift it belongs to"),
    Column("office", Text, nullable=False, comment="region code of the desk"),
    Column("kind", Text, nullable=False, comment="left | note | given | taken"),
    Column("author", Text, nullable=False),
    Column("at", Moment, nullable=False, comment="story time"),
    Column("alert", Text, nullable=False, comment="what a note is about; empty for none"),
    Column("text", Text, nullable=False),
    Column("once", Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_shift_log_shift", "shift", "office"),
    Index("ix_shift_log_author", "author", "kind", "at"),
)  # fmt: skip

missed_reviews = Table(
    "missed_reviews", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("at", Moment, nullable=False, comment="story time"),
    Column("author", Text, nullable=False),
    Column("office", Text, nullable=False, comment="region code of the desk"),
    Column("asked", Text, nullable=False, comment="as it was put: address, id or title"),
    Column("document", Text, nullable=False, comment="empty: it never came in"),
    Column("title", Text, nullable=False),
    Column("stage", Text, nullable=False, comment="key of the stage where it was lost; empty: it was not"),
    Column("answer", Json, nullable=False, comment="stages and proposals as they were told then"),
    Column("note", Text, nullable=False),
    Column("once", Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_missed_reviews_office", "office", "number"),
)  # fmt: skip

alert_reads = Table(
    "alert_reads", metadata,
    Column("user", Text, primary_key=True),
    Column("alert", Text, ForeignKey("alerts.id"), primary_key=True),
    Column("number", Integer, nullable=False, comment="newest history row that was seen; 0: marked unread"),
)  # fmt: skip

alert_mentions = Table(
    "alert_mentions", metadata,
    Column("user", Text, primary_key=True, comment="account named in a note"),
    Column("alert", Text, ForeignKey("alerts.id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="history row of the note"),
)  # fmt: skip

alert_files = Table(
    "alert_files", metadata,
    Column("alert", Text, ForeignKey("alerts.id"), primary_key=True),
    Column("number", Integer, primary_key=True, comment="that of the history row it came with"),
    Column("name", Text, nullable=False, comment="of the file, as uploaded"),
    Column("type", Text, nullable=False, comment="by its bytes: pdf, png, jpg, docx, xlsx, ofd"),
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False),
)  # fmt: skip

NOT_ENDED = text("ended_at IS NULL")

sensitive_periods = Table(
    "sensitive_periods", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("kind", Text, nullable=False, comment="event | firm"),
    Column("subject", Text, nullable=False, comment="event id; registry id or NIL:<name>"),
    Column("territory", Text, nullable=False, comment="region code of who declared it; 000000: sees all"),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment, nullable=False, comment="it runs before this moment"),
    Column("ended_at", Moment, comment="null: it runs, or its end is not put down yet"),
    Column("ended_by", Text, comment="system: its time was over"),
    Column("once", Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_sensitive_periods_ended", "ended_at", "until"),
    Index("ux_sensitive_periods_open", "kind", "subject", unique=True, sqlite_where=NOT_ENDED,
          postgresql_where=NOT_ENDED),
)  # fmt: skip

event_moves = Table(
    "event_moves", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("kind", Text, nullable=False, comment="merge | split"),
    Column("event", Text, ForeignKey("events.id"), nullable=False, comment="the one that stays"),
    Column("other", Text, ForeignKey("events.id"), nullable=False,
           comment="merge: the one that went into it; split: the new one"),
    Column("documents", Json, nullable=False, comment="what moved, each with whether it was held"),
    Column("parted", Boolean, nullable=False, comment="whether the two were held apart before"),
    Column("actor", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("undone_by", Text),
    Column("undone_at", Moment),
    Index("ix_event_moves_event", "event"),
    Index("ix_event_moves_other", "other"),
)  # fmt: skip

weekly_cells = Table(
    "weekly_cells", metadata,
    Column("serial", Serial, primary_key=True),
    Column("week", Text, nullable=False, comment="2026-W47"),
    Column("territory", Text, nullable=False, comment="whose table it is"),
    Column("column", Text, nullable=False),
    Column("row", Text, nullable=False, comment="product id, other or total"),
    Column("number", Integer, nullable=False, comment="1, 2, 3, ... within the cell"),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("value", Text, comment="as typed, made canonical; null: taken back"),
    Column("system", Text, comment="what the system said then; null: nothing"),
    Column("reason", Text, nullable=False),
    Column("once", Text, nullable=False, comment="idempotency key of the form, which may write many cells"),
    UniqueConstraint("week", "territory", "column", "row", "number", name="uq_weekly_cells_number"),
    Index("ix_weekly_cells_once", "once"),
    comment="append-only: what people wrote into the weekly table",
)  # fmt: skip

weekly_acts = Table(
    "weekly_acts", metadata,
    Column("week", Text, primary_key=True),
    Column("territory", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1, 2, 3, ... within the table"),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False, comment="sign | reopen"),
    Column("reason", Text, nullable=False),
    Column("frozen", Json, comment="the table as it was signed"),
    Column("hash", Text, nullable=False, comment="SHA-256 of frozen"),
    Column("once", Text, nullable=False, unique=True),
)  # fmt: skip

watchlists = Table(
    "watchlists", metadata,
    Column("id", Text, primary_key=True, comment="GZ-2026-0001"),
    Column("name", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("territory", Text, nullable=False, comment="it acts on signals of this region code and below; 000000: all"),
    Column("shared", Text, nullable=False, comment="lowest role that sees it; empty: its owner alone"),
    Column("level", Integer, nullable=False, comment="an alert stands at least as high; 0: no floor"),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment, comment="null: it is in force"),
    Column("ended_by", Text),
    Column("once", Text, unique=True, comment="idempotency key of the form that caused it"),
)  # fmt: skip

watched_firms = Table(
    "watched_firms", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("list", Text, ForeignKey("watchlists.id"), nullable=False),
    Column("firm", Text, nullable=False, comment="registry id or NIL:<name>"),
    Column("name", Text, nullable=False, comment="as it was given"),
    Column("reason", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("until", Moment, comment="it counts before this moment; null: without an end"),
    Column("removed_at", Moment, comment="null: it stands on the list"),
    Column("removed_by", Text),
    Column("removed_why", Text),
    Index("ix_watched_firms_firm", "firm"),
    Index("ix_watched_firms_list", "list", "removed_at", "number"),
    comment="never changed, only taken off: a signal is judged by what stood on a list when it came",
)  # fmt: skip

firm_grades = Table(
    "firm_grades", metadata,
    Column("firm", Text, primary_key=True, comment="registry id or NIL:<name>"),
    Column("day", Date, nullable=False, comment="computed for"),
    Column("grade", Text, nullable=False),
    Column("points", Float, nullable=False),
    Column("product", Text, nullable=False, comment="whose row of the points table counted; empty: the default"),
    Column("territory", Text, nullable=False, comment="the firm's region code; empty: not known"),
    Column("next_on", Date, comment="when time alone changes it; null: it does not"),
    Index("ix_firm_grades_grade", "grade", "points"),
    Index("ix_firm_grades_next", "next_on"),
    Index("ix_firm_grades_territory", "territory", "grade", "points"),
    comment="the computed grade of each firm that has a record",
)  # fmt: skip

firm_grade_changes = Table(
    "firm_grade_changes", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("firm", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("before", Text, nullable=False, comment="empty: the first one"),
    Column("grade", Text, nullable=False),
    Column("points", Float, nullable=False),
    Column("why", Text, nullable=False, comment="the weightiest reasons then"),
    Index("ix_firm_grade_changes_firm", "firm"),
    Index("ix_firm_grade_changes_day", "day", "before", "grade"),
    comment="append-only: a row where a grade became another one",
)  # fmt: skip

firm_grade_overrides = Table(
    "firm_grade_overrides", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("firm", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="appeal | override"),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment, nullable=False, comment="it stands before this moment"),
    Column("ended_at", Moment, comment="null: it was not taken back"),
    Column("ended_by", Text),
    Column("once", Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_firm_grade_overrides_firm", "firm"),
)  # fmt: skip

report_marks = Table(
    "report_marks", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("item", Text, nullable=False, comment="id of config/reporting.yml"),
    Column("period", Text, nullable=False, comment="its day by rule: 2026-11-10"),
    Column("territory", Text, nullable=False, comment="region code of the office that owes it"),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("done", Boolean, nullable=False, comment="false: taken back"),
    Column("proof", Text, nullable=False, comment="by what one can tell"),
    Column("once", Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_report_marks_item", "item", "period", "territory"),
    comment="append-only: the newest row of an item, period and territory holds",
)  # fmt: skip

report_calls = Table(
    "report_calls", metadata,
    Column("item", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("territory", Text, primary_key=True),
    Column("to", Text, nullable=False, comment="region code of the office that was told"),
    Column("at", Moment, nullable=False),
    comment="what was overdue and told to the office above: once",
)  # fmt: skip

papers = Table(
    "papers", metadata,
    Column("id", Text, primary_key=True, comment="GW-2026-0001"),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False, comment="within the year; below 0: thrown away"),
    Column("kind", Text, nullable=False, comment="see reports/papers/kinds.py"),
    Column("territory", Text, nullable=False, comment="region code of the bureau whose paper it is"),
    Column("subject", Text, nullable=False, comment="what it is about: alert:<id>, event:<id>, week:2026-W47, ..."),
    Column("title", Text, nullable=False),
    Column("content", Json, nullable=False, comment="the paper as it was read from the records"),
    Column("made_at", Moment, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("corrects", Text, comment="id of the signed paper that this one corrects"),
    Column("signed_at", Moment, comment="null: a draft"),
    Column("signed_by", Text),
    Column("once", Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    Column("dropped_at", Moment, comment="null: it stands"),
    Column("dropped_by", Text),
    UniqueConstraint("year", "serial", name="uq_papers_serial"),
    Index("ix_papers_territory", "territory", "made_at"),
    Index("ix_papers_subject", "subject", "kind"),
)  # fmt: skip

paper_values = Table(
    "paper_values", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("paper", Text, ForeignKey("papers.id"), nullable=False),
    Column("key", Text, nullable=False, comment="the field"),
    Column("value", Text, nullable=False, comment="empty: taken back"),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("once", Text, nullable=False, comment="idempotency key of the form, which may write many fields"),
    Index("ix_paper_values_paper", "paper", "number"),
    Index("ix_paper_values_once", "once"),
    comment="append-only: what people wrote into the fields of a paper",
)  # fmt: skip

paper_files = Table(
    "paper_files", metadata,
    Column("paper", Text, ForeignKey("papers.id"), primary_key=True),
    Column("name", Text, primary_key=True, comment="paper.docx, table.xlsx, pack.zip"),
    Column("body", LargeBinary, nullable=False, comment="the bytes that were signed"),
    Column("sha256", Text, nullable=False),
    comment="a signed paper, frozen",
)  # fmt: skip

handed_in = Table(
    "handed_in", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("kind", Text, nullable=False, comment="of config/intake/"),
    Column("source", Text, nullable=False, comment="the system it came from"),
    Column("external_id", Text, nullable=False, comment="the caller's own id"),
    Column("revision", Integer, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("hash", Text, nullable=False, comment="of what the row says"),
    Column("day", Date, nullable=False, comment="Beijing day it tells of"),
    Column("territory", Text, nullable=False, comment="region code; empty: not told"),
    Column("product", Text, nullable=False, comment="product id of the lexicon; empty: none known"),
    Column("firm", Text, nullable=False, comment="registry id or NIL:<name>; empty: not told"),
    Column("outcome", Text, nullable=False, comment="passed | failed | empty"),
    Column("online", Boolean, comment="empty: not told"),
    Column("rural", Boolean, comment="empty: not told"),
    Column("site", Text, nullable=False, comment="maker | dealer | empty: of an inspection"),
    Column("found", Integer, nullable=False, comment="hazards found"),
    Column("fixed", Integer, nullable=False, comment="hazards put right"),
    Column("done", Boolean, nullable=False),
    Column("document", Text, nullable=False, comment="the document it became; empty: none"),
    Column("body", Json, nullable=False, comment="masked, without private columns"),
    Column("at", Moment, nullable=False, comment="handed in"),
    Column("actor", Text, nullable=False),
    Column("archive", Text, nullable=False, comment="WARC file, offset and length of what was handed in"),
    UniqueConstraint("kind", "source", "external_id", "revision"),
    Index(
        "ix_handed_in_counted", "kind", "latest", "day", "territory", "product", "outcome", "online", "rural", "site",
        "found", "fixed", "done", "firm",
    ),
    Index("ix_handed_in_firm", "firm", "kind"),
    comment="rows of other systems: append-only, the latest revision holds",
)  # fmt: skip

sampling_targets = Table(
    "sampling_targets", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("product", Text, nullable=False),
    Column("territory", Text, nullable=False, comment="region code"),
    Column("firm", Text, nullable=False, comment="registry id or NIL:<name>; empty: none in particular"),
    Column("event", Text, nullable=False, comment="number of the event that weighed most"),
    Column("do", Text, nullable=False, comment="accept | decline"),
    Column("note", Text, nullable=False),
    Column("reason", Text, nullable=False, comment="why it was suggested, as it was shown"),
    Column("office", Text, nullable=False, comment="region code of who decided"),
    Column("actor", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("once", Text, nullable=False, unique=True, comment="idempotency key of the form that caused it"),
    Index("ix_sampling_targets_at", "at"),
    comment="append-only: what people decided of suggested sampling targets",
)  # fmt: skip

legal_holds = Table(
    "legal_holds", metadata,
    Column("number", Serial, primary_key=True, comment="order of writing"),
    Column("kind", Text, nullable=False, comment="document | alert | event | firm"),
    Column("subject", Text, nullable=False, comment="id of it"),
    Column("reason", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("until", Moment, comment="it holds before this moment; null: until it is ended"),
    Column("ended_at", Moment),
    Column("ended_by", Text),
    Index("ix_legal_holds_subject", "kind", "subject"),
    comment="never changed, only ended: what retention and erasure leave alone",
)  # fmt: skip

archive_changes = Table(
    "archive_changes", metadata,
    Column("file", Text, primary_key=True, comment="within the archive"),
    Column("at", Moment, nullable=False),
    Column("why", Text, nullable=False, comment="expired | erased"),
    Column("records", Integer, nullable=False, comment="that were blanked; -1: the whole file is gone"),
    comment="files of the archive that were changed on purpose: no damage, not to be put back",
)  # fmt: skip
