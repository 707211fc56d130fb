"""Finding firms by any name: for programs one by one or in batches, for the box of the desk while somebody types."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from enterprises.match import Candidate, Matcher
from store.registry import firms_coded
from web.bearer import FirmReader
from web.language.catalogue import load_catalogue
from web.language.choice import ENGLISH
from web.visit import Here, Refused, without_nul

router = APIRouter(prefix="/api")
suggestions = APIRouter(prefix="/api", include_in_schema=False)
Name = Annotated[str, Field(min_length=1, max_length=200)]
Region = Annotated[str, Field(max_length=6, pattern=r"^\d*$", description="region code that is preferred")]
SHORTEST, SUGGESTED = 2, 8


class CandidateOut(BaseModel):
    """A firm that may be meant. score: 0-1.  namesakes: other firms that the name fits as well."""

    id: str
    name: str
    score: float
    why: str
    region: str
    namesakes: int


class MatchOut(BaseModel):
    """What was found for one name, best first. namesakes: as of the first candidate."""

    query: str
    candidates: list[CandidateOut]
    namesakes: int


class MatchesOut(BaseModel):
    """One answer a name, in the order of the names."""

    matches: list[MatchOut]


class MatchQuery(BaseModel):
    """What a GET takes."""

    model_config = ConfigDict(extra="forbid")

    name: list[Name] = Field(min_length=1, max_length=20)
    region: Region = ""
    limit: int = Field(5, ge=1, le=20)


class MatchIn(BaseModel):
    """What a POST takes."""

    model_config = ConfigDict(extra="forbid")

    names: list[Name] = Field(min_length=1, max_length=500)
    region: Region = ""
    limit: int = Field(5, ge=1, le=20)


class SuggestionOut(BaseModel):
    """A firm that the box offers. where: the name of its region."""

    id: str
    name: str
    why: str
    where: str


class SuggestionsOut(BaseModel):
    """Firms, best first. note: what to mind, empty where there is nothing."""

    suggestions: list[SuggestionOut]
    note: str = ""


@router.get("/match")
def match_names(visit: FirmReader, asked: Annotated[MatchQuery, Query()]) -> MatchesOut:
    """Firms by up to 20 names: full, short, former, misspelt, English, pinyin, initials, brand or credit code."""
    return _matches(visit.services.matchers.matcher(), asked.name, asked.region, asked.limit)


async def posted_names(request: Request, visit: FirmReader) -> MatchIn:
    """The body. Raises Refused, RequestValidationError."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise Refused(415, "请求体须为 JSON：请加请求头 Content-Type: application/json。")
    try:
        asked = MatchIn.model_validate_json(await request.body())
    except ValidationError as problem:
        errors = [{**error, "loc": ("body", *error["loc"])} for error in problem.errors()]
        raise RequestValidationError(errors) from None
    without_nul(asked.names)
    return asked


BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": MatchIn.model_json_schema()}},
    }
}


@router.post("/match", openapi_extra=BODY)
def match_batch(visit: FirmReader, asked: Annotated[MatchIn, Depends(posted_names)]) -> MatchesOut:
    """Firms by up to 500 names at once; nothing is changed."""
    return _matches(visit.services.matchers.matcher(), asked.names, asked.region, asked.limit)


@suggestions.get("/match/suggest")
def suggest(visit: Here, q: str = "") -> SuggestionsOut:
    """What the box offers, from the second character on; firms of the viewer's own territory first."""
    text = q.strip()[:100]
    if len(text) < SHORTEST:
        return SuggestionsOut(suggestions=[])
    region = "" if visit.me.everywhere else visit.me.user.territory
    found = visit.services.matchers.matcher().match(text, region=region, limit=SUGGESTED)
    name_of = visit.names.region
    said = load_catalogue().told if visit.language == ENGLISH else str
    shown = [
        SuggestionOut(id=one.id, name=one.name, why=said(one.why), where=name_of(one.region) if one.region else "")
        for one in found
    ]
    if not shown:
        with visit.services.store.read() as db:
            coded = firms_coded(db, text, limit=SUGGESTED)
        shown = [
            SuggestionOut(
                id=one.id,
                name=one.name,
                why=said(f"信用代码 {one.uscc}"),
                where=name_of(one.region_code) if one.region_code else "",
            )
            for one in coded
        ]
    return SuggestionsOut(suggestions=shown, note=said(namesake_note(found)))


def namesake_note(found: list[Candidate]) -> str:
    """A warning where other firms fit as well as the first."""
    alike = found[0].namesakes if found else 0
    return f"同名提示：另有 {alike} 家同样相符，请看属地和信用代码。" if alike else ""


def _matches(matcher: Matcher, names: list[str], region: str, limit: int) -> MatchesOut:
    matches = []
    for name in names:
        found = matcher.match(name, region=region, limit=limit)
        candidates = [CandidateOut(**one.__dict__) for one in found]
        matches.append(MatchOut(query=name, candidates=candidates, namesakes=found[0].namesakes if found else 0))
    return MatchesOut(matches=matches)
