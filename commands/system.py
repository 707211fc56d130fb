"""The system as a whole: run, check, migrate, demo-reset."""

import fcntl
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Annotated

import typer

from alerts.duty import unknown_years
from alerts.rule_query import queries_of
from alerts.setup import load_file_rules
from commands.options import DataOption, ProfileOption, settings_of
from commands.outgoing import routes_of
from commands.sample_site import HOST, base_of, free_port, kept_port, port_taken
from commands.stores import open_store
from config.alert_life import load_alert_life
from config.calendar_classes import load_calendar
from config.clusters import load_clusters
from config.contact import contact_mistake
from config.duty import load_duty
from config.elastic_access import warnings_about
from config.grades import load_grades
from config.intake import load_intake
from config.keeping import load_keeping
from config.laws import load_laws
from config.ledger import load_ledger_rules
from config.lexicon import Lexicon, load_lexicon
from config.orgs import Organisation, load_orgs
from config.progress import load_progress
from config.reporting import Item, load_reporting
from config.routes import Recipient
from config.rules import Rule, load_rules
from config.settings import Settings, child_environment
from config.signin import SignIn, load_sign_in
from config.sources import load_sources
from config.tiles import load_tiles
from config.weekly import load_weekly
from core.clock import beijing, system_clock
from core.errors import ConfigError, FengsuiError, StoreError, UsageError
from core.stopping import StopSignals
from demo.story import DEFAULT_SPEED
from pipelines.supervisor import Supervisor, Work
from store.database import Store, get_fact
from store.processes import HOST as HOST_NAME
from store.users import first_admin_token

START_SECONDS = 60.0
LOCK = "run.lock"
LOCK_SECONDS = 30.0


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    for command in (run, check, migrate):
        app.command()(command)
    app.command("demo-reset")(demo_reset)


def run(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="a taken port moves on to a free one; 0: any")
    ] = 8000,
    host: Annotated[str, typer.Option("--host", help="address the desk listens on; in a container 0.0.0.0")] = HOST,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="processes that read texts; a core and 700 MB each")
    ] = 1,
    speed: Annotated[float, typer.Option("--speed", min=1, help="demo: story seconds a real second")] = DEFAULT_SPEED,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """启动整套系统，打印管理员登录地址 (the whole system on one machine; Ctrl-C stops it)."""
    settings = settings_of(data, profile, log_level="WARNING")
    check_config(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with only_one(settings.data_dir):
        store = open_store(settings)
        desk_port = free_port(port)
        here = f"http://{HOST}:{desk_port}"
        if "canary_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"canary_url": here})
        if "public_url" not in settings.model_fields_set:
            settings = settings.model_copy(update={"public_url": here})
        site_port = _site_port(store) if settings.profile == "demo" else 0
        if site_port:
            settings = settings.model_copy(update={"source_base": base_of(site_port)})
        logs = settings.data_dir / "logs"
        told = "演示（示例数据）" if settings.profile == "demo" else "正式"
        print(f"烽燧 {told}：数据在 {settings.data_dir}，日志在 {logs}；正在启动 …", file=sys.stderr)
        works = _processes(settings, store, host, desk_port, site_port, speed, workers)
        stopping = StopSignals(signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # until now they end us at once
        supervisor = Supervisor(child_environment(settings), settings.data_dir, logs, stopping)
        for name, work in works.items():
            supervisor.start(name, work)
        if _answers(f"{here}/healthz", supervisor):
            print("已启动，按 Ctrl-C 停止。在浏览器打开：", file=sys.stderr)
            print(settings.public_url.rstrip("/") + _entry(store), flush=True)
        supervisor.watch()


def _processes(
    settings: Settings, store: Store, host: str, desk_port: int, site_port: int, speed: float, workers: int
) -> dict[str, Work]:
    """What runs, by name. Loads all that they need, once for all of them; the connection is given back."""
    from commands import knowledge
    from commands.crawler import crawler
    from commands.demo_site import demo_site
    from commands.desk import desk
    from commands.indexer import indexer
    from commands.processes import scheduler_process, sender
    from commands.worker import worker

    knowledge.share(settings, store)
    store.close()  # a connection must not be shared with forks
    works: dict[str, Work] = {"desk": partial(desk, host=host, port=desk_port, kept=True)}
    if site_port:
        works["demo-site"] = partial(demo_site, port=site_port, speed=speed, kept=True)
    kept = [("indexer", indexer), ("crawler", crawler), ("scheduler", scheduler_process), ("sender", sender)]
    named = [(called(role, 1, settings), process) for role, process in kept]
    named += [(called("worker", number, settings), worker) for number in range(1, workers + 1)]
    return works | {name: partial(process, name=name, kept=True) for name, process in named}


def called(role: str, number: int, settings: Settings) -> str:
    """What a kept process is called: by its role, numbered from the second on; where machines share one database, by
    its machine, too."""
    place = "" if settings.database.startswith("sqlite") else f"@{HOST_NAME}"
    return f"{role}{place}" + (f"-{number}" if number > 1 else "")


def check(data: DataOption = None, profile: ProfileOption = None) -> None:
    """检查全部配置，一次列出所有错误 (loads every config file and reports all mistakes at once)."""
    counts = check_config(settings_of(data, profile, log_level="WARNING"))
    print("配置无误：" + "，".join(f"{name} {count}" for name, count in counts.items()))


def migrate(data: DataOption = None, profile: ProfileOption = None) -> None:
    """把数据库升级到本版本 (brings the database up to this version)."""
    settings = settings_of(data, profile, log_level="WARNING")
    print(f"{settings.data_dir}：结构版本 {open_store(settings).schema_version()}")


def demo_reset(data: DataOption = None) -> None:
    """清空演示数据 (empties the demo; live data is never touched)."""
    settings = settings_of(data, "demo", log_level="WARNING")
    folder = settings.data_dir
    if not folder.exists():
        print("没有演示数据")
        return
    if settings.database_url:
        raise UsageError("FENGSUI_DATABASE_URL is set: the demo in that database is not ours to delete; drop it there")
    _must_be_demo(settings)
    with only_one(folder):
        shutil.rmtree(folder)
    print(f"已清空 {folder}")


def check_config(settings: Settings) -> dict[str, int]:
    """Load everything an operator edits. Raises one ConfigError with all mistakes; returns how much there is."""
    contact = contact_mistake(settings.contact, settings.profile)
    mistakes = [contact] if contact else []
    lexicon_once = cache(lambda: load_lexicon(settings.config))
    loads: dict[str, Callable[[], object]] = {
        "信源": lambda: load_sources(settings.config, settings.profile),
        "规则": lambda: _rules(settings, lexicon_once),
        "机构": lambda: _organisations(settings, lexicon_once),
        "派送": lambda: _routes(settings, lexicon_once),
        "产品": lambda: lexicon_once().products,
        "聚集": lambda: load_clusters(settings.config).weak_spots,
        "属地图": lambda: load_tiles(settings.config, lexicon_once().regions),
        "值守": lambda: load_duty(settings.config).posts,
        "统领": lambda: load_alert_life(settings.config).inhibit,
        "台账": lambda: load_ledger_rules(settings.config).rectify,
        "条款": lambda: load_laws(settings.config, issues=lexicon_once().issues),
        "分级": lambda: load_grades(settings.config, products=lexicon_once().products).rows,
        "进展": lambda: load_progress(settings.config),
        "接收": lambda: load_intake(settings.config).kinds,
        "报送": lambda: _reporting(settings, lexicon_once()),
        "周报": lambda: load_weekly(settings.config).columns,
        "保存": lambda: load_keeping(settings.config),
        "登录": lambda: _sign_in(settings, lexicon_once),
        "历法": lambda: load_calendar(settings.config).classes,
    }
    counts: dict[str, int] = {}
    for name, load in loads.items():
        try:
            loaded = load()
            counts[name] = len(loaded) if hasattr(loaded, "__len__") else 1
        except ConfigError as problem:
            mistakes.extend(problem.mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    for warning in (*warnings_about(settings.elastic_access), *unknown_years(beijing(system_clock()).date())):
        print(f"fengsui: {warning}", file=sys.stderr)
    return counts


def _rules(settings: Settings, lexicon_once: Callable[[], Lexicon]) -> tuple[Rule, ...]:
    try:
        lexicon = lexicon_once()
    except ConfigError:  # told under its own name; what stands in the files can still be read
        return load_rules(settings.config)
    return load_file_rules(settings.config, lexicon, queries_of(lexicon))


def _reporting(settings: Settings, lexicon: Lexicon) -> tuple[Item, ...]:
    from reports.papers.kinds import KINDS  # loads what writes papers, which no other command of this file needs

    items = load_reporting(settings.config, lexicon.regions).items
    unknown = [one for one in items if one.paper and one.paper not in KINDS]
    if unknown:
        known = ", ".join(KINDS)
        raise ConfigError(
            [f"reporting.yml: items.{one.id}.paper: {one.paper!r} is no kind of paper ({known})" for one in unknown]
        )
    return items


def _sign_in(settings: Settings, lexicon_once: Callable[[], Lexicon]) -> SignIn:
    try:
        regions = lexicon_once().regions
    except ConfigError:  # told under its own name
        return load_sign_in(settings.config)
    return load_sign_in(settings.config, regions=regions)


def _organisations(settings: Settings, lexicon_once: Callable[[], Lexicon]) -> tuple[Organisation, ...]:
    try:
        lexicon = lexicon_once()
    except ConfigError:  # told under its own name
        return ()
    orgs = load_orgs(settings.config, lexicon)
    return (*orgs.divisions, *orgs.offices)


def _routes(settings: Settings, lexicon_once: Callable[[], Lexicon]) -> tuple[Recipient, ...]:
    try:
        lexicon = lexicon_once()
        load_orgs(settings.config, lexicon)
    except ConfigError:  # told under their own names
        return ()
    return routes_of(settings, lexicon).recipients


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the data folder: two systems on one folder would send everything twice.

    Forks hold it with us. Those of a system that was killed end by themselves, and we wait for the last of them.
    """
    with (folder / LOCK).open("a+") as lock:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _locked(lock.fileno()):
            if _alive(folder) or time.monotonic() > deadline:
                raise FengsuiError(f"{folder}: another `fengsui run` uses this data folder; stop it first")
            time.sleep(0.1)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(folder: Path) -> bool:
    """Whether the process that wrote itself into the lock's file still runs."""
    try:
        os.kill(int((folder / LOCK).read_text()), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _site_port(store: Store) -> int:
    port = kept_port(store)
    if free_port(port) != port:
        raise port_taken(port)
    return port


def _entry(store: Store) -> str:
    with store.write() as db:
        secret = first_admin_token(db, now=system_clock())
    store.close()
    return f"/first?token={secret}" if secret else "/"


def _answers(url: str, supervisor: Supervisor) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while not supervisor.stopping.wait(0.1):
        supervisor.look_after()
        try:
            with urllib.request.urlopen(url, timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                print(
                    f"fengsui: the desk did not answer within {START_SECONDS:.0f} s; its log is above", file=sys.stderr
                )
                return False
    return False


def _must_be_demo(settings: Settings) -> None:
    if not (settings.data_dir / "fengsui.db").exists():
        raise UsageError(f"{settings.data_dir}: no Fengsui data here; nothing was deleted")
    store = Store(settings.database)
    try:
        with store.read() as db:
            held = get_fact(db, "profile")
    except StoreError:
        held = None
    finally:
        store.close()
    if held not in (None, "demo"):
        raise UsageError(f"{settings.data_dir}: holds the profile {held!r}, not the demo; nothing was deleted")
