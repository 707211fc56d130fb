"""Who is told what: config/routes.yml."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from config.channels import ChannelConfig
from config.mail_access import mail_address
from config.mistakes import mistakes_of
from config.org_records import Orgs
from config.regions import Regions
from config.yaml_text import yaml_of
from core.durations import Duration
from core.errors import ConfigError
from core.records import LEVEL_IDS

FILE = "routes.yml"
NO_CHANNELS: Mapping[str, ChannelConfig] = {}
ENVIRONMENT = "environment: FENGSUI_MAIL_TO"
CHANNEL = "channel:"
PHONE = re.compile(r"\+?\d{5,15}")
CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


def told_address(text: str) -> str:
    """A mail address, or `channel:NAME` and for a gateway of text messages `channel:NAME:PHONE`."""
    return text if text.startswith(CHANNEL) else mail_address(text)


def channel_of(address: str) -> str:
    """The channel that an address is told by: its name, or mail."""
    return address.split(":")[1] if address.startswith(CHANNEL) else "mail"


Level = Literal["blue", "yellow", "orange", "red"]
MailAddress = Annotated[str, AfterValidator(mail_address)]
Told = Annotated[str, AfterValidator(told_address)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Wishes(_Part):
    """From which level on somebody is mailed, and when the digest comes (HH:MM, Beijing; None: never)."""

    min_level: Level = "blue"
    digest_at: Annotated[str, Field(pattern=CLOCK)] | None = "08:00"

    @field_validator("digest_at", mode="before")
    @classmethod
    def _quoted(cls, given: object) -> object:
        # YAML reads 08:00 as text but 18:30 as the number 1110: that is not what anybody meant.
        if given is not None and not (isinstance(given, str) and re.fullmatch(CLOCK, given)):
            raise ValueError('is no time of day (accepted: in quotes, "08:00"; none: null)')
        return given


class Recipient(Wishes):
    """Somebody who is told: by mail, or by a channel of channels.yml (`channel`, and `phone` where it sends text
    messages), which then stands in `mail` as an address of its own. The digest is for mail.

    territories: region codes, each with all below it; the home province is the province desk and is told of
    everything.  orgs: organisations of orgs.yaml, by name or code (codes once loaded): told of what is routed to them.
    products: ids, none means all.
    """

    name: str = Field(min_length=1, max_length=60)
    mail: Told
    territories: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _by_channel(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "channel" not in given:
            return given
        if "mail" in given:
            raise ValueError("channel: stands beside mail (accepted: one of them; two entries for two ways)")
        rest = {name: value for name, value in given.items() if name not in ("channel", "phone")}
        phone = str(given.get("phone", ""))
        if phone and not PHONE.fullmatch(phone):
            raise ValueError("phone: is no number (accepted: digits in quotes, such as '13800000000')")
        address = ":".join(filter(None, (CHANNEL + str(given["channel"]), phone)))
        return {**rest, "mail": address, "digest_at": None}

    @property
    def lowest(self) -> int:
        """The lowest level that is mailed, 1 to 4."""
        return LEVEL_IDS[self.min_level]

    def concerned(self, territories: Collection[str], products: Collection[str], regions: Regions) -> bool:
        """Whether a matter of these places and products is this recipient's."""
        if self.products and not set(self.products) & set(products):
            return False
        return regions.home in self.territories or any(
            regions.is_within(mine, code) for mine in self.territories for code in territories
        )


class Routes(_Part):
    """The whole file. notify_within: age of the story (event time) up to which a change is mailed."""

    notify_within: Duration = timedelta(days=3)
    province_desk: Wishes = Wishes()
    recipients: tuple[Recipient, ...] = ()


def load_routes(
    config_dir: Path,
    *,
    regions: Regions,
    products: Collection[str],
    mail_to: str = "",
    orgs: Orgs | None = None,
    channels: Mapping[str, ChannelConfig] = NO_CHANNELS,
) -> Routes:
    """The routes; those of `mail_to` (comma separated) stand in them as the province desk.

    orgs: who may be named under `orgs`; None: nobody.  channels: what may be named under `channel`.

    Raises ConfigError with every mistake: `routes.yml: recipients.0.mail: is no mail address (accepted: ...)`.
    """
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        routes = Routes.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, Routes)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    addresses = [one.strip() for one in mail_to.split(",") if one.strip()]
    named, unknown = _with_codes(routes.recipients, orgs)
    wrong = [*_mistakes(routes, regions, products), *_unknown_channels(routes.recipients, channels)]
    mistakes = [*wrong, *unknown, *_bad_addresses(addresses)]
    if mistakes:
        raise ConfigError(mistakes)
    listed = {one.mail for one in routes.recipients}
    desk = [
        Recipient(
            name="省局值班席",
            mail=address,
            territories=(regions.home,),
            min_level=routes.province_desk.min_level,
            digest_at=routes.province_desk.digest_at,
        )
        for address in dict.fromkeys(addresses)
        if address not in listed
    ]
    return routes.model_copy(update={"recipients": (*desk, *named)})


def _with_codes(recipients: Collection[Recipient], orgs: Orgs | None) -> tuple[list[Recipient], list[str]]:
    """The recipients with the codes of their organisations; and what is wrong with the names."""
    named: list[Recipient] = []
    mistakes: list[str] = []
    for place, one in enumerate(recipients):
        codes: list[str] = []
        for number, name in enumerate(one.orgs):
            found = orgs.find(name) if orgs else ()
            if len(found) == 1:
                codes.append(found[0].code)
                continue
            several = f" names {', '.join(f'{each.name} {each.code}' for each in found)}" if found else ""
            mistakes.append(
                f"{FILE}: recipients.{place}.orgs.{number}: {name!r}{several or ' is no known organisation'}"
                " (accepted: a region code of a bureau, an id or name of lexicons/orgs.yaml, such as 'zfjc')"
            )
        named.append(one.model_copy(update={"orgs": tuple(dict.fromkeys(codes))}))
    return named, mistakes


def _mistakes(routes: Routes, regions: Regions, products: Collection[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for place, one in enumerate(routes.recipients):
        where = f"{FILE}: recipients.{place}"
        if not one.territories and not one.orgs:
            yield f"{where}.territories: is missing (accepted: territories, orgs, or both)"
        for number, code in enumerate(one.territories):
            if code not in regions:
                yield (
                    f"{where}.territories.{number}: {code!r} is no known region"
                    " (accepted: a code of lexicons/regions.csv, in quotes, such as '360100')"
                )
        for number, product in enumerate(one.products):
            if product not in products:
                yield (
                    f"{where}.products.{number}: {product!r} is no known product"
                    " (accepted: an id of lexicons/products.yaml, such as 'ebike_power')"
                )
        if one.mail in seen:
            yield f"{where}.mail: {one.mail} is also recipients.{seen[one.mail]} (accepted: one entry an address)"
        seen.setdefault(one.mail, place)


def _unknown_channels(recipients: Collection[Recipient], channels: Mapping[str, ChannelConfig]) -> Iterator[str]:
    for place, one in enumerate(recipients):
        name = channel_of(one.mail)
        if name == "mail":
            continue
        if name not in channels:
            accepted = ", ".join(sorted(channels)) or "none is set up in channels.yml"
            yield f"{FILE}: recipients.{place}.channel: {name!r} is no channel (accepted: {accepted})"
        elif (channels[name].kind == "sms") != (one.mail.count(":") == 2):
            yield f"{FILE}: recipients.{place}.phone: is for channels of kind sms, and needed there"


def _bad_addresses(addresses: Collection[str]) -> Iterator[str]:
    for address in addresses:
        try:
            mail_address(address)
        except ValueError as problem:
            yield f"{ENVIRONMENT}: {address[:60]!r} {problem}"
