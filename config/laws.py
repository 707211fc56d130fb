"""Which articles may apply to a hazard: config/laws.yml. Proposals for a person, never decisions."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.ledger import Origin
from config.mistakes import mistakes_of
from config.yaml_text import yaml_of
from core.errors import ConfigError

FILE = "laws.yml"


class Article(BaseModel):
    """One article, or a run of them. basis: whether its text was read for the file, or written from memory."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9_]{2,30}$")
    law: str = Field(min_length=2, max_length=60)
    article: str = Field(min_length=3, max_length=40)
    about: str = Field(min_length=2, max_length=100)
    issues: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()
    basis: Literal["read", "memory"]

    @property
    def title(self) -> str:
        """《产品质量法》第四十九条."""
        return f"《{self.law}》{self.article}"

    def may_apply(self, issue: str, origin: str) -> bool:
        """Whether it is proposed for a hazard of that kind."""
        return issue in self.issues or origin in self.origins


class _Laws(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    articles: tuple[Article, ...] = ()


def load_laws(config_dir: Path, *, issues: Collection[str]) -> tuple[Article, ...]:
    """Reads <config_dir>/laws.yml; without it nothing is proposed. Raises ConfigError with all mistakes."""
    path = config_dir / FILE
    try:
        given = yaml_of(path.read_text(encoding="utf-8")) if path.exists() else {}
        found = _Laws.model_validate(given or {}).articles
    except ValidationError as error:
        raise ConfigError(mistakes_of(FILE, error, _Laws)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError([f"{FILE}: (whole file): is not YAML in UTF-8: {' '.join(str(error).split())}"]) from None
    mistakes = [
        f"{FILE}: articles.{place}.issues: {issue} is no issue (accepted: ids of lexicons/issues.yaml)"
        for place, one in enumerate(found)
        for issue in one.issues
        if issue not in issues
    ]
    ids = [one.id for one in found]
    mistakes += [f"{FILE}: articles: id {one} is there twice" for one in sorted({x for x in ids if ids.count(x) > 1})]
    if mistakes:
        raise ConfigError(mistakes)
    return found
