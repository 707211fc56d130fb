"""Each command that README, docs and the desk's help name is one that the program has, with options that it takes."""

import importlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import typer

import cli
from config.settings import PROJECT

PAGES = sorted(
    [*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md"), *PROJECT.glob("deploy/*.md"), *PROJECT.glob("web/help/*.md")]
)
QUOTED = re.compile(r"`([^`\n]+)`")
CALL = re.compile(r"(?:^(?:[A-Z_]+=\S+ )*fengsui|bin/fengsui|python -m cli) ([a-z][a-z|\\-]*)(.*)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


@cache
def command(name: str) -> Any:
    """As the program itself makes it; None where it has none of that name."""
    for module, names in cli.GROUPS.items():
        if name in names:
            app = typer.Typer()
            app.callback()(lambda: None)
            importlib.import_module(module).register(app)
            return vars(typer.main.get_command(app))["commands"][name]
    return None


def below(one: Any) -> Mapping[str, Any]:
    """The commands of a group."""
    found: Mapping[str, Any] = getattr(one, "commands", {})
    return found


def options_of(one: Any) -> set[str]:
    own = {option for parameter in one.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return own | {"--help"} | {option for each in below(one).values() for option in options_of(each)}


def calls(text: str) -> Iterator[tuple[str, str]]:
    """Names of a command, and what follows: quoted in a line, or a line of a fenced block."""
    for number, part in enumerate(text.split("```")):
        lines = part.splitlines()
        pieces = lines if number % 2 else [quoted for line in lines for quoted in QUOTED.findall(line)]
        for piece in pieces:
            for one in re.split(r"; |&& ", piece):
                if found := CALL.search(one):
                    yield found[1].replace("\\", ""), found[2].partition("#")[0]


def mistakes(name: str, rest: str) -> Iterator[str]:
    one = command(name)
    if one is None:
        yield f"no command {name}"
        return
    words = rest.split()
    if below(one) and words and re.fullmatch(r"[a-z][a-z|-]*", words[0]):
        unknown = [word for word in words[0].split("|") if word not in below(one)]
        yield from (f"{name} has no {word}" for word in unknown)
        one = below(one).get(words[0], one)
    yield from (f"{name} takes no {option}" for option in OPTION.findall(rest) if option not in options_of(one))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_tells_to_type_can_be_typed(page: Any) -> None:
    told = [
        wrong
        for names, rest in calls(page.read_text(encoding="utf-8"))
        for name in names.split("|")
        for wrong in mistakes(name, rest)
    ]
    assert told == []
