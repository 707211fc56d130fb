"""Turns what pydantic refused into sentences an operator can act on: `file: key: what (accepted: ...)`."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError


def mistakes_of(file: str, error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One sentence a mistake. file: as the operator knows it (`sources/live/x.yml`). model: what was validated."""
    return [f"{file}: {_key(item['loc'])}: {_what(item, model)}" for item in error.errors()]


def _key(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "(whole file)"


def _what(item: Any, model: type[BaseModel]) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        owner = _model_at(model, item["loc"][:-1])
        keys = ", ".join(sorted(_accepted_keys(owner))) if owner else "see docs"
        return f"unknown key (accepted: {keys})"
    if kind == "missing":
        return "is missing"
    hidden = bool(model.model_config.get("hide_input_in_errors"))  # a key may stand where another thing was meant to
    if kind in {"literal_error", "enum"}:
        given = "what is given" if hidden else repr(item["input"])
        return f"{given} is not one of the accepted values (accepted: {item['ctx']['expected']})"
    message = item["msg"].removeprefix("Value error, ")
    return message if hidden or "accepted" in message else f"{message} (given: {str(item['input'])[:60]!r})"


def _accepted_keys(model: type[BaseModel]) -> Iterator[str]:
    for name, info in model.model_fields.items():
        if info.exclude is not True:
            yield info.alias or name


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The nested model that `path` leads to; numbers and mapping keys are stepped over."""
    found: type[BaseModel] | None = model
    for part in path:
        if found is None:
            return None
        names = {info.alias or name: info for name, info in found.model_fields.items()}
        if str(part) in names:
            found = next(_models_in(names[str(part)].annotation), None)
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
