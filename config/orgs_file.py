"""The shape of lexicons/orgs.yaml and orgs_more.yaml, key by key. What their words mean is read in config/orgs.py."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1, max_length=200)]
Names = tuple[Text, ...]
Code = Annotated[str, Field(pattern=r"^\d{6}$", description="a region code, in quotes")]
Push = Literal["immediate_working_hours", "immediate", "immediate_24x7"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LevelNames(_Part):
    """What the bureaus of each level are called."""

    national: Text
    province: Text
    prefecture: Text
    county: Text
    station: str = ""


class OfficeEntry(_Part):
    """An office that is neither a bureau nor a division."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    name: Text
    aliases: Names = ()
    note: str = ""


class DivisionEntry(OfficeEntry):
    """A division of the province's bureau. roles: what it does, in words."""

    roles: Names = ()
    verified: str = ""


class ProvinceBureau(_Part):
    """lead_by_scheme: licence scheme of a product to the division that leads."""

    name: Text
    short: Names = ()
    code: Code
    contact_division: Text
    divisions: tuple[DivisionEntry, ...]
    lead_by_scheme: dict[str, Text] = Field(default_factory=dict)


class DirectCounties(_Part):
    """Counties that are told directly, with a copy to their prefecture."""

    codes: tuple[Code, ...] = ()
    note: str = ""
    verified: str = ""


class NewArea(_Part):
    """An area with a bureau of its own that stands beside the prefectures."""

    code: Code
    note: str = ""
    verified: str = ""


class Bureaus(_Part):
    """rule: how bureaus are named, `{name}市场监督管理局` first.  Every further key is a new area."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, NewArea]

    rule: Text
    direct_counties: DirectCounties = DirectCounties()

    @property
    def areas(self) -> dict[str, NewArea]:
        """The new areas by their key."""
        return dict(self.__pydantic_extra__ or {})


class Way(_Part):
    """Where a special case goes. to: a code, or words.  rule, note: why, as people read it."""

    to: Text
    copies: Names = Field(default=(), alias="copy")
    rule: str = ""
    note: str = ""


class RoutingEntry(_Part):
    """Who owns a matter. owner_order: tried in turn."""

    owner_order: Names = Field(min_length=1)
    unresolved_region: Way
    multi_prefecture: Way
    outside_province: Way
    national: Way
    dealer_case: Way


class LevelEntry(_Part):
    """Who is told at a level. to, copy: words; what stands in parentheses is a note, `人工…` asks for a person."""

    level: int = Field(ge=1, le=4)
    name: Text
    color: str = ""
    to: Names = Field(min_length=1)
    copies: Names = Field(default=(), alias="copy")
    digest: Literal["daily"] | None = None
    push: Push | None = None
    ack_hours: float = Field(gt=0)
    extra: Names = ()
    human_confirm: bool = False


class CopyRule(_Part):
    """Who else is told, and what is to be done, when the words of `when` hold."""

    when: Text
    copies: Names = Field(default=(), alias="copy")
    action: str = ""
    source: str = ""
    note: str = ""


class Asked(_Part):
    """What a word of `when` asks of an alert; one of them is enough.

    level: that one or a higher.  issues: one of them is asserted.  schemes: of the product.  goods: one of these words
    is in the name of the product (of what the titles tell, where no product is known), and none of `not_goods`.
    text: one of these words stands in a title or text.
    """

    level: int = Field(default=0, ge=0, le=4)
    issues: Names = ()
    schemes: Names = ()
    goods: Names = ()
    not_goods: Names = ()
    text: Names = ()


class MoreFile(_Part):
    """orgs_more.yaml: offices, words and further rules."""

    version: int = 1
    offices: tuple[OfficeEntry, ...] = ()
    words: dict[str, Asked] = Field(default_factory=dict)
    copy_rules: tuple[CopyRule, ...] = ()


class OrgsFile(MoreFile):
    """orgs.yaml."""

    levels: LevelNames
    province_bureau: ProvinceBureau
    bureaus: Bureaus
    routing: RoutingEntry
    alerts: tuple[LevelEntry, ...]
    calendar: tuple[dict[str, Any], ...] = ()
    note_on_dates: str = ""
