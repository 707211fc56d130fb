"""`fengsui source`: the catalogue of sources, one tried without saving, a new one sniffed."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar, get_args

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.source_site import answering, held_until
from commands.source_words import trial_json, trial_lines
from commands.tables import plain, table_lines
from config.settings import Profile, Settings
from config.sources import KEY_FORM, SourceConfig, load_source, load_sources
from core.clock import system_clock
from core.durations import format_duration
from core.errors import StoreError, UsageError
from core.records import Kind
from crawlers.runner import run_reactor
from crawlers.sniff.draft import POLITE, Wishes, check_key, key_of, refuse_taken, write_draft
from crawlers.sniff.session import sniff_site
from crawlers.sniff.sniffer import NothingFits
from crawlers.trial_run import Bench, Trial, try_source
from crawlers.urls import host_of

INTERRUPTED = 130
EVIDENCE = tuple(get_args(SourceConfig.model_fields["evidence"].annotation))
HEADER = ("键", "名称", "族", "类", "级", "地区", "间隔", "启用", "证据", "署名")
T = TypeVar("T")
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="pages fetched, rows shown")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(
        help="信源：目录、试采、嗅探新栏目 (sources: the catalogue, a trial without saving, a draft for a new one)",
        no_args_is_help=True,
    )
    group.command("list")(list_command)
    group.command("try")(try_command)
    group.command("new")(new)
    app.add_typer(group, name="source")


def list_command(
    evidence: Annotated[str | None, typer.Option("--evidence", help=f"only this mark: {', '.join(EVIDENCE)}")] = None,
    enabled: Annotated[bool, typer.Option("--enabled", help="only those that are crawled")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """信源目录与证据标记的件数 (every source of the profile; --json: a line each)."""
    settings = settings_of(data, profile, log_level="WARNING")
    if evidence is not None and evidence not in EVIDENCE:
        raise UsageError(f"--evidence: {evidence!r} is unknown (accepted: {', '.join(EVIDENCE)})")
    found = [
        source
        for source in load_sources(settings.config, settings.profile, base=settings.source_base)
        if evidence in (None, source.evidence) and (source.enabled or not enabled)
    ]
    for line in map(_as_json, found) if as_json else _catalogue(found):
        print(line)


def _as_json(source: SourceConfig) -> str:
    names = ("key", "title", "family", "kind", "tier", "region", "enabled", "evidence", "attribution", "note")
    shown = {name: getattr(source, name) for name in names}
    return json.dumps(
        {**shown, "every": format_duration(source.every), "addresses": source.addresses}, ensure_ascii=False
    )


def _catalogue(sources: list[SourceConfig]) -> Iterator[str]:
    rows = [
        (
            source.key,
            source.title,
            source.family,
            source.kind,
            str(source.tier),
            source.region or "—",
            format_duration(source.every),
            "是" if source.enabled else "否",
            source.evidence,
            source.attribution or "—",
        )
        for source in sources
    ]
    yield from table_lines(HEADER, rows, widest={1: 36, 9: 40})
    total = Counter(source.evidence for source in sources)
    running = Counter(source.evidence for source in sources if source.enabled)
    marks = "，".join(f"{mark} {total[mark]}（启用 {running[mark]}）" for mark in EVIDENCE if total[mark])
    yield f"共 {len(sources)} 个信源" + (f"：{marks}" if marks else "")


def try_command(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE.yml", help="a source of the profile, or a source file")],
    limit: LimitOption = 10,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """试采一次，什么都不保存 (fetches once as the crawler would and shows what it would collect; nothing is kept).

    Exit 0 the source is well, 1 it would not be (no rows, blocked, changed, failed), 2 wrong use, 130 interrupted.
    """
    settings = settings_of(data, profile, log_level="ERROR")
    file = source_file(settings, name)
    named = name if file == Path(name) else f"sources/{settings.profile}/{file.name}"
    source = load_source(file, config_dir=settings.config, name=named, base=settings.source_base)
    with TemporaryDirectory(prefix="fengsui-try-") as kept, answering(settings, source, Path(kept)) as found:
        source = load_source(file, config_dir=settings.config, name=named, base=found.source_base)
        bench = bench_of(found, source.key, Path(kept), limit)
        trial = until_stopped(lambda: try_source(source, bench))
        show_trial(trial, as_json=as_json)
    raise typer.Exit(0 if trial.well else 1)


def new(
    url: Annotated[str, typer.Argument(metavar="URL", help="a column, a site, a feed or a JSON address")],
    key: Annotated[str | None, typer.Option("--key", help="name of the source; default: after the address")] = None,
    title: Annotated[str | None, typer.Option("--title", help="default: what the page calls itself")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help=f"one of {', '.join(Kind)}; default: guessed")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="default: drafts in the data folder")] = None,
    allow_private: Annotated[
        list[str] | None, typer.Option("--allow-private", help="a private host that may be asked, again for more")
    ] = None,
    delay: Annotated[float, typer.Option("--delay", min=0, help="seconds between two requests")] = POLITE,
    limit: LimitOption = 5,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """嗅探一个栏目，写出停用的草稿和所存页面，再试采 (sniffs a column; writes a draft that is off, and tries it).

    Nothing is overwritten. Exit 0 the draft collects well, 1 nothing fits or it would not, 2 wrong use.
    """
    settings = settings_of(data, profile, log_level="ERROR")
    folder = out or settings.data_dir / "drafts"
    wishes = _wishes(url, key, title, kind, allow_private, delay)
    refuse_taken(wishes.key, folder)
    with TemporaryDirectory(prefix="fengsui-new-") as kept:
        bench = bench_of(settings, wishes.key, Path(kept), limit)
        work = until_stopped(lambda: sniff_and_try(url, wishes, bench, folder, tell_step(as_json)))
    show_new(work, as_json=as_json)
    raise typer.Exit(0 if work.trial is not None and work.trial.well else 1)


@dataclass(frozen=True)
class NewSource:
    """What came of `source new`. seen: why there is no draft, where there is none."""

    steps: list[str]
    files: tuple[Path, ...] = ()
    trial: Trial | None = None
    seen: str = ""


async def sniff_and_try(url: str, wishes: Wishes, bench: Bench, folder: Path, say: Callable[[str], None]) -> NewSource:
    """Sniff, write the draft, try it."""
    steps: list[str] = []

    def told(sentence: str) -> None:
        steps.append(sentence)
        say(sentence)

    try:
        draft, _ = await sniff_site(url, wishes, bench, told)
    except NothingFits as problem:
        return NewSource(steps, seen=str(problem))
    files = write_draft(draft, steps, folder)
    return NewSource(steps, files, await try_source(draft.source, bench))


def tell_step(as_json: bool) -> Callable[[str], None]:
    """Prints each step as it is taken, numbered; to stderr where stdout is for JSON."""
    numbers = count(1)
    return lambda sentence: typer.echo(f"{next(numbers)}. {plain(sentence)}", err=as_json)


def show_new(work: NewSource, *, as_json: bool) -> None:
    """The files and the trial, or what was seen instead."""
    if as_json:
        told: dict[str, Any] = {"steps": work.steps, "files": [str(file) for file in work.files]}
        told |= {"trial": trial_json(work.trial) if work.trial else None, "seen": work.seen}
        print(json.dumps(told, ensure_ascii=False))
        return
    if work.trial is None:
        typer.echo(f"没有写草稿。{plain(work.seen)}", err=True)
        return
    print(f"草稿 {work.files[0]}，所存页面 {work.files[1]}")
    show_trial(work.trial, as_json=False)
    print("核实后把 enabled 改为 true、写上 evidence，移入 config/sources/<profile>/")


def _wishes(
    url: str, key: str | None, title: str | None, kind: str | None, allow_private: list[str] | None, delay: float
) -> Wishes:
    if not url.lower().startswith(("http://", "https://")) or not host_of(url):
        raise UsageError(f"{url}: no web address (accepted: https://…, http://…)")
    if kind is not None and kind not in set(Kind):
        raise UsageError(f"--kind: {kind!r} is unknown (accepted: {', '.join(Kind)})")
    if title is not None and not title.strip():
        raise UsageError("--title: is empty")
    return Wishes(
        key=check_key(key) if key is not None else key_of(url),
        title=title,
        kind=Kind(kind) if kind else None,
        allow_private=tuple(allow_private or ()),
        delay=delay,
    )


def source_file(settings: Settings, name: str) -> Path:
    """The file that `name` means: a path to one, or a source of the profile. Raises UsageError with near names."""
    if name.endswith((".yml", ".yaml")) or "/" in name:
        if not Path(name).is_file():
            raise UsageError(f"{name}: no such file")
        return Path(name)
    folder = settings.config / "sources"
    file = folder / settings.profile / f"{name}.yml"
    if KEY_FORM.fullmatch(name) and file.is_file():
        return file
    for other in get_args(Profile):
        if KEY_FORM.fullmatch(name) and (folder / other / f"{name}.yml").is_file():
            raise UsageError(f"{name} is a source of the profile {other}: add --profile {other}")
    known = sorted(path.stem for path in (folder / settings.profile).glob("*.yml"))
    near = get_close_matches(name, known, n=5, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}" if near else "see: fengsui source list"
    raise UsageError(f"no source {name!r} in profile {settings.profile} ({hint})")


def bench_of(settings: Settings, key: str, folder: Path, limit: int) -> Bench:
    """What a trial needs; progress goes to stderr."""
    try:
        held = held_until(settings, key)
    except StoreError as problem:
        typer.echo(f"{problem}；不知道对方是否要求暂停访问，照常试采", err=True)
        held = None
    return Bench(
        folder=folder,
        data=settings.data_dir,
        contact=settings.site_contact,
        clock=system_clock,
        limit=limit,
        held=held,
        tell=lambda seconds, read: typer.echo(f"已用 {seconds:.0f} 秒，读出 {read} 条…", err=True),
    )


def until_stopped(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` on the reactor to its end. Raises typer.Exit when a signal comes first."""

    async def main(stop: asyncio.Event) -> T:
        working = asyncio.ensure_future(work())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            working.cancel()
            await asyncio.wait({working}, timeout=3)
            typer.echo("已中断；什么都没有保存", err=True)
            raise typer.Exit(INTERRUPTED)
        stopped.cancel()
        return working.result()

    return run_reactor(main)


def show_trial(trial: Trial, *, as_json: bool) -> None:
    """As one JSON object, or as a table with the verdict below it."""
    if as_json:
        print(json.dumps(trial_json(trial), ensure_ascii=False))
        return
    for line in trial_lines(trial):
        print(line)
