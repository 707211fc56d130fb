"""What the desk is handed: nothing here is looked up by the pages themselves."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Protocol

from sqlalchemy import Connection

from alerts.cap import CapWriter
from alerts.desk_rules import RuleShelf
from alerts.duty import Duty
from alerts.feeds import FeedPage
from alerts.mail_links import MailLinks, mail_links_of
from alerts.router import Router
from alerts.setup import EngineParts
from config.clusters import ClusterRules
from config.intake import Intake
from config.keeping import KeepingRules
from config.laws import Article
from config.ledger import LedgerRules
from config.lexicon import Lexicon
from config.progress import ProgressRules
from config.reporting import Reporting
from config.routes import Routes
from config.rules import DESK_RULE, Rule
from config.settings import Settings
from config.signin import SignIn
from config.sources import SourceConfig
from config.weekly import WeeklyTable
from core.clock import Clock, system_clock
from core.records import Alert
from enterprises.match_file import MatcherShelf
from search.backend import SearchBackend
from search.names import NO_NAMES
from search.names import Names as QueryNames
from search.query import Synonyms
from search.text import Segmenter
from store.database import Store
from store.vault import FILE, Vault

FeedKind = Literal["atom", "rss", "json"]


class Act(Protocol):
    """Moves an alert (alerts/lifecycle.py). Raises UsageError with a Chinese sentence when it may not be done now.

    once: idempotency key of the form; the same key does nothing a second time.  level: for action `level` only.
    territory: to whom, for action `dispatch` only.  reason: a code, for actions `dismiss` and `close` only.
    person: whose it is from now on, for action `assign` only.
    """

    def __call__(
        self,
        db: Connection,
        alert_id: str,
        action: str,
        *,
        actor: str,
        note: str,
        now: datetime,
        once: str,
        level: int | None = None,
        territory: str | None = None,
        reason: str | None = None,
        person: str | None = None,
    ) -> object: ...


class RenderFeed(Protocol):
    """Writes a feed of alerts (alerts/feeds.py), newest update first; the same alerts give the same bytes."""

    def __call__(self, db: Connection, alerts: Sequence[Alert], kind: FeedKind, page: FeedPage = ...) -> bytes: ...

    def items(self, db: Connection, alerts: Sequence[Alert], page: FeedPage = ...) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Services:
    """All that pages need. Sessions and locks run on `clock`; the desk's windows and time limits on `story`.

    Both clocks are the same outside the demo, whose story may run faster than the wall.
    search: None or an index that cannot answer is said on the page; the rest of the desk goes on.
    query_names: what names in a query stand for.  synonyms: other words for a bare word of a query.
    rules: of the files.  rule_parts: what rules are tried and read with; None: none are made here.
    segmenter: cuts texts as the index does; None leaves out what needs it.
    sign_in: what signing in asks for.
    router, routes: say where alerts go and who is mailed; None leaves that out.  channels: titles of those beside mail
    by name.
    ledger: how long hazards may stand and what closing one needs.  weekly: the statistics table of each week.
    reporting: what is owed on which day.  intake: what other systems hand in.
    keeping: when backups are made.
    progress: what sampling and the campaign are held against.
    laws: articles that may apply to a hazard; empty: none is proposed.
    act, render_feed: None leaves that part of the desk out.
    clusters: weak spots and how clusters are counted.
    tiles: region code to column and row on the map of tiles; those that are missing follow the others.
    stopping: set when the process is asked to end, so that live streams close at once.
    """

    store: Store
    settings: Settings
    lexicon: Lexicon
    sources: tuple[SourceConfig, ...] = ()
    rules: tuple[Rule, ...] = ()
    rule_parts: EngineParts | None = None
    search: SearchBackend | None = None
    query_names: QueryNames = NO_NAMES
    synonyms: Synonyms = field(default_factory=dict)
    segmenter: Segmenter | None = None
    router: Router | None = None
    routes: Routes | None = None
    channels: Mapping[str, str] = field(default_factory=dict)
    ledger: LedgerRules = field(default_factory=LedgerRules)
    laws: tuple[Article, ...] = ()
    weekly: WeeklyTable = field(default_factory=WeeklyTable)
    reporting: Reporting = field(default_factory=Reporting)
    intake: Intake = field(default_factory=Intake)
    keeping: KeepingRules = field(default_factory=KeepingRules)
    progress: ProgressRules = field(default_factory=ProgressRules)
    sign_in: SignIn = field(default_factory=SignIn)
    act: Act | None = None
    render_feed: RenderFeed | None = None
    clock: Clock = system_clock
    story: Clock = system_clock
    stopping: threading.Event = field(default_factory=threading.Event)
    clusters: ClusterRules = field(default_factory=ClusterRules)
    tiles: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def demo(self) -> bool:
        """Whether this is sample data."""
        return self.settings.profile == "demo"

    @cached_property
    def cap(self) -> CapWriter:
        """Writes alerts as messages of the Common Alerting Protocol."""
        sender = self.router.orgs.province.name if self.router else "市场监督管理局"
        return CapWriter(self.settings.public_url, self.lexicon, sender, exercise=self.demo)

    @cached_property
    def vault(self) -> Vault:
        """What the secrets of the second step are encrypted with."""
        key = self.settings.second_factor_key
        return Vault(self.settings.data_dir / FILE, key.get_secret_value() if key else "")

    @cached_property
    def mail_links(self) -> MailLinks:
        """Reads the links that stand in mails."""
        return mail_links_of(self.settings)

    @cached_property
    def duty(self) -> Duty:
        """Shifts, working hours and who is on duty."""
        return (self.rule_parts.duty if self.rule_parts else None) or Duty()

    @cached_property
    def matchers(self) -> MatcherShelf:
        """Finds firms of the registry by whatever name people use."""
        return MatcherShelf(self.store, self.settings.data_dir)

    @cached_property
    def source_by_key(self) -> Mapping[str, SourceConfig]:
        """The configured sources."""
        return {source.key: source for source in self.sources}

    @cached_property
    def rule_by_id(self) -> Mapping[str, Rule]:
        """The rules of the files."""
        return {rule.id: rule for rule in self.rules}

    @cached_property
    def shelf(self) -> RuleShelf:
        """The rules made on the desk."""
        return RuleShelf(self.store, self.rule_parts.queries if self.rule_parts else None)

    @cached_property
    def handed_in_titles(self) -> Mapping[str, str]:
        """The titles of what other systems hand in, by the source of its documents."""
        return self.intake.titles

    def find_rule(self, rule_id: str) -> Rule | None:
        """A rule of a file or of the desk; None where it is no longer loaded or cannot be read."""
        if rule_id.startswith(DESK_RULE):
            made = self.shelf.find(rule_id)
            return made.rule if made else None
        return self.rule_by_id.get(rule_id)
