"""How people sign in: config/signin.yml."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from config.mistakes import mistakes_of
from config.regions import Regions
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "signin.yml"
RoleId = Literal["viewer", "officer", "supervisor", "admin"]
EVERYWHERE = "000000"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Grant(_Part):
    """Whose claim holds a value gets a role in a territory: a code, or what another claim says."""

    claim: str = Field(min_length=1)
    value: str = Field(min_length=1)
    role: RoleId
    territory: str | None = Field(default=None, pattern=r"^\d{6}$")
    territory_from: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_territory(self) -> Self:
        if (self.territory is None) == (self.territory_from is None):
            raise ValueError("give either territory or territory_from (accepted: one of them)")
        return self

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claim is the value, or a list that has it."""
        held = claims.get(self.claim)
        return self.value in held if isinstance(held, list) else held == self.value


class Oidc(_Part):
    """Another house's sign-in. title: on the button.  grants: the first that fits decides; none: no entry."""

    title: str = Field(min_length=1, max_length=20)
    issuer: str
    client_id: str = Field(min_length=1)
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"
    display_claim: str = "name"
    grants: tuple[Grant, ...] = Field(min_length=1)

    @field_validator("issuer")
    @classmethod
    def _kept_from_listeners(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in LOOPBACK):
            raise ValueError("is no safe address (accepted: https://...)")
        return issuer

    @field_validator("scopes")
    @classmethod
    def _with_openid(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if "openid" not in scopes:
            raise ValueError("openid is missing (accepted: a list with openid)")
        return scopes

    def grant_for(self, claims: Mapping[str, Any]) -> tuple[RoleId, str] | None:
        """Role and territory code for what the provider says of somebody."""
        for grant in self.grants:
            if grant.fits(claims):
                territory = grant.territory or claims.get(grant.territory_from or "")
                return (grant.role, territory) if isinstance(territory, str) and territory else None
        return None


class SignIn(_Part):
    """two_step_for: roles that see nothing but their account page until a second step is set up."""

    two_step_for: tuple[RoleId, ...] = ()
    oidc: Oidc | None = None


def load_sign_in(config_dir: Path, *, regions: Regions | None = None) -> SignIn:
    """The file; none is the same as an empty one. regions: what a territory may be; None: not looked at.

    Raises ConfigError with every mistake.
    """
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        found = SignIn.model_validate(given or {})
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, SignIn)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    if found.oidc and regions is not None and (mistakes := _unknown_places(found.oidc, regions)):
        raise ConfigError(mistakes)
    return found


def _unknown_places(oidc: Oidc, regions: Regions) -> list[str]:
    return [
        f"{FILE}: oidc.grants.{place}.territory: {grant.territory!r} is unknown (accepted: a region code, 000000)"
        for place, grant in enumerate(oidc.grants)
        if grant.territory not in (None, EVERYWHERE) and grant.territory not in regions
    ]
