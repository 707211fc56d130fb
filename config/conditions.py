"""What a rule may wait for: one record a condition type. How it judges is in alerts/conditions/<type>.py."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator, model_validator

from core.durations import Duration
from core.records import Kind

Voice = Literal["official", "media", "complaint", "social"]
Maker = Literal["known", "listed", "home", "china"]
Fact = Literal["firm", "product", "issue", "source", "place"]
"""What of a signal can be listed, counted and compared."""

Count = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
"""Written as numbers: `at_least: yes` would be read as 1."""
Span = Annotated[Duration, Field(gt=timedelta(0))]
"""Of a rule: a window of nothing holds nothing."""

LONGEST_QUERY = 2_000


class Words(BaseModel):
    """The base of all parts of a rule: unknown keys are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Scope(Words):
    """Which signals a rule counts. What is left out does not narrow.

    products: ids, or `key` for the eleven key categories.  regions: codes; a signal below one counts.
    text: one of these words stands in title or text.  maker: known (a firm is named), listed (in the registry), home
    (made in the home province), china (made in China).  hurt, dead: at least so many people, by the text.
    specific: it names a firm, a number on a label or a county; a plan or a survey of a whole province names none.
    query: in the language of the search page, without relative dates.  synonyms: its bare words stand for theirs too.
    """

    products: tuple[str, ...] = ()
    issues: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    voices: tuple[Voice, ...] = ()
    min_level: Count = Field(default=1, ge=0, le=4)
    regions: tuple[str, ...] = ()
    text: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    maker: Maker | None = None
    hurt: Count = Field(default=0, ge=0)
    dead: Count = Field(default=0, ge=0)
    specific: bool = False
    query: str = Field(default="", max_length=LONGEST_QUERY)
    synonyms: bool = True


class AnyCondition(Words):
    """Every signal in scope fires by itself: the safety nets that no statistics may swallow."""

    type: Literal["any"]


class ListCondition(Words):
    """values: of the field; firms by id or name, products and issues by id, sources by key, places by code (all below).

    list: the values are the lines of config/lists/<list>.txt; a change of that file is a change of the rule.
    """

    field: Fact
    values: tuple[str, ...] = ()
    list: str = ""

    @model_validator(mode="after")
    def _has_values(self) -> "ListCondition":
        if not self.values:
            raise ValueError("no values (write values: [...], or list: the name of a file of config/lists)")
        return self


class BlacklistCondition(ListCondition):
    """Every signal whose field holds a listed value fires by itself."""

    type: Literal["blacklist"]


class WhitelistCondition(ListCondition):
    """Every signal whose field holds a value that is not listed fires by itself. missing: one without a value too."""

    type: Literal["whitelist"]
    missing: bool = False


class WatchedCondition(Words):
    """Every signal about a firm that stands on a watch-list of the desk (store/watchlists.py) fires by itself.

    The list's level is a floor: the alert stands at least as high.
    """

    type: Literal["watched"]


class MirroredCondition(Words):
    """Every recall abroad that very likely means a firm of the home province, which nobody has confirmed yet, fires by
    itself: the strong ones of the queue (enterprises/mirror.py, docs/recall_mirror.md).
    """

    type: Literal["mirrored"]


class FrequencyCondition(Words):
    """A window holds at least so many independent origins (and sources, and places)."""

    type: Literal["frequency"]
    window: Span
    at_least: Count = Field(ge=2)
    sources: Count = Field(default=1, ge=1)
    places: Count = Field(default=1, ge=1)


class SpikeCondition(Words):
    """A window holds many more origins than the windows before it."""

    type: Literal["spike"]
    window: Span
    at_least: Count = Field(ge=2)
    ratio: Number = Field(gt=1)
    history: Count = Field(default=7, ge=1, le=60)
    places: Count = Field(default=1, ge=1)


class NewTermCondition(Words):
    """A pair is seen for the first time within the look-back; at_least origins must tell of it."""

    type: Literal["new_term"]
    window: Span
    at_least: Count = Field(default=1, ge=1)
    lookback: Span

    @model_validator(mode="after")
    def _reaches_back(self) -> "NewTermCondition":
        if self.lookback < self.window:
            raise ValueError("lookback: is shorter than window; nothing could have been seen before")
        return self


class CardinalityCondition(Words):
    """The origins of a window name at least so many different values: firms with one defect, places of one firm."""

    type: Literal["cardinality"]
    window: Span
    of: Fact
    at_least: Count = Field(ge=2)


class ResonanceCondition(Words):
    """Origins that do not depend on each other tell the same within a window: from several kinds of voice and sources.

    Reposts are no origins: volume does not count.  voices: kinds among official, media, complaint, social.
    """

    type: Literal["resonance"]
    window: Span
    origins: Count = Field(ge=2)
    voices: Count = Field(default=2, ge=2, le=4)
    sources: Count = Field(default=2, ge=1)


class TierJumpCondition(Words):
    """What voices of `start` told first is told by a voice of `to` within the window.

    tier: only by sources of this tier or a higher one (1 is the highest; tiers stand in the source files).
    """

    type: Literal["tier_jump"]
    window: Span
    start: tuple[Voice, ...] = ("social",)
    to: tuple[Voice, ...] = ("media",)
    tier: Count = Field(default=4, ge=1, le=4)

    @model_validator(mode="after")
    def _apart(self) -> "TierJumpCondition":
        if not self.start or not self.to or set(self.start) & set(self.to):
            raise ValueError("start and to need voices, and none in both")
        return self


class RatioCondition(Words):
    """Of the origins of a window (at_least so many) at least this share belongs to `part`."""

    type: Literal["ratio"]
    window: Span
    at_least: Count = Field(ge=2)
    part: Scope
    share: Number = Field(gt=0, le=1)

    @field_validator("part")
    @classmethod
    def _plain(cls, value: Scope) -> Scope:
        return _without_query(value)


class MetricCondition(Words):
    """A number over the origins of a window: people hurt or dead, or the level of the signals.

    how: their sum, the largest or the mean.  at_least: that much or more.
    """

    type: Literal["metric"]
    window: Span
    of: Literal["hurt", "dead", "level"]
    how: Literal["sum", "max", "mean"]
    at_least: Number = Field(gt=0)


class ChangeCondition(Words):
    """An origin holds another value than the one before it, which is at most a window older."""

    type: Literal["change"]
    window: Span
    of: Fact


class ChainStep(Words):
    """at_least: so many origins of this scope, within `window` of each other (None: within the chain's)."""

    scope: Scope
    at_least: Count = Field(default=1, ge=1, le=1000)
    window: Span | None = None

    @field_validator("scope")
    @classmethod
    def _plain(cls, value: Scope) -> Scope:
        return _without_query(value)


class ChainedCondition(Words):
    """Several things happen on one enterprise (group_by [firm]) or in one matter within the window.

    ordered: one after the other; else in any order.
    """

    type: Literal["chained"]
    window: Span
    steps: tuple[ChainStep, ...] = Field(min_length=2, max_length=4)
    ordered: bool = True


Detector = Literal[
    "calendar_nb", "ears_c1", "ears_c2", "ears_c3", "farrington_flexible", "bayes", "cusum", "glr", "outbreak_p"
]
LONGEST_WINDOW = 60


class AnomalyCondition(Words):
    """A day holds more than is usual for the key, by a detector on its daily counts (Beijing days of event time).

    threshold: of calendar_nb's score (2.5: about 3 false alarms in 1,000 quiet days); budget: instead of it, so many
    false alarms a day over all keys of the rule.  count: origins, or different events or sources a day.
    windows: days, told beside the day that fired.  at_least: fewer in a week are never an alarm.
    correct: benjamini_hochberg holds the share of false alarms among a day's alarms at false_share.
    parameters: of the detector, under the names of `fengsui detect --param`.
    """

    type: Literal["anomaly"]
    detector: Detector = "calendar_nb"
    threshold: Number | None = Field(default=None, gt=0, le=50)
    budget: Number | None = Field(default=None, gt=0, le=10_000)
    count: Literal["origins", "events", "sources"] = "origins"
    windows: tuple[Annotated[Count, Field(ge=1, le=LONGEST_WINDOW)], ...] = Field(default=(1, 3), min_length=1)
    at_least: Count = Field(default=2, ge=1, le=1000)
    correct: Literal["none", "benjamini_hochberg"] = "none"
    false_share: Number = Field(default=0.1, gt=0, lt=1)
    parameters: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_threshold(self) -> "AnomalyCondition":
        given = [name for name in ("threshold", "budget") if getattr(self, name) is not None]
        by_rate = self.correct != "none"
        if len(given) + by_rate > 1:
            raise ValueError("threshold, budget and correct each say what is an alarm; give one of them")
        if self.detector != "calendar_nb" and (given or by_rate):
            what = given[0] if given else "correct"
            raise ValueError(
                f"{what}: goes with calendar_nb; {self.detector} takes its own under parameters (alpha, ...)"
            )
        if "false_share" in self.model_fields_set and not by_rate:
            raise ValueError("false_share: goes with correct: benjamini_hochberg")
        return self


class FlatlineCondition(Words):
    """A key that was seen falls silent: a window holds at most so many documents (copies count, too).

    Time is that of the documents: it passes while others go on.  forget_after: so long after its last document a silent
    key is forgotten.
    """

    type: Literal["flatline"]
    window: Span
    at_most: Count = Field(default=0, ge=0, le=10_000)
    forget_after: Duration = timedelta(days=30)

    @model_validator(mode="after")
    def _in_order(self) -> "FlatlineCondition":
        if not self.window < self.forget_after:
            raise ValueError("window: must be shorter than forget_after")
        return self


def _without_query(scope: Scope) -> Scope:
    if scope.query:
        raise ValueError("a part cannot have a query of its own; write it into the rule's scope")
    return scope


SingleCondition = AnyCondition | BlacklistCondition | WhitelistCondition | WatchedCondition | MirroredCondition
"""Each signal fires by itself."""
WindowCondition = (
    FrequencyCondition
    | SpikeCondition
    | CardinalityCondition
    | ResonanceCondition
    | TierJumpCondition
    | RatioCondition
    | MetricCondition
    | ChangeCondition
    | ChainedCondition
)
"""What a window holds decides."""
SeriesCondition = AnomalyCondition | FlatlineCondition
"""What a key's whole past decides: its daily counts, or how long it has been silent."""
Condition = Annotated[
    SingleCondition | FrequencyCondition | SpikeCondition | NewTermCondition | WindowCondition | SeriesCondition,
    Field(discriminator="type"),
]
"""In the order of CONDITIONS."""

CONDITIONS: dict[str, type[Words]] = {
    "any": AnyCondition,
    "blacklist": BlacklistCondition,
    "whitelist": WhitelistCondition,
    "watched": WatchedCondition,
    "mirrored": MirroredCondition,
    "frequency": FrequencyCondition,
    "spike": SpikeCondition,
    "new_term": NewTermCondition,
    "cardinality": CardinalityCondition,
    "resonance": ResonanceCondition,
    "tier_jump": TierJumpCondition,
    "ratio": RatioCondition,
    "metric": MetricCondition,
    "change": ChangeCondition,
    "chained": ChainedCondition,
    "anomaly": AnomalyCondition,
    "flatline": FlatlineCondition,
}


def parts_of(condition: Condition) -> tuple[Scope, ...]:
    """The scopes inside a condition: each origin is asked which of them it belongs to."""
    match condition:
        case RatioCondition(part=part):
            return (part,)
        case ChainedCondition(steps=steps):
            return tuple(step.scope for step in steps)
    return ()
