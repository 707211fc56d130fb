"""Procrastinate's tables and functions in our database, and our one function over them. PostgreSQL only."""

from importlib import resources
from importlib.metadata import version

from sqlalchemy import Connection, inspect, text

PACKAGE = "procrastinate"
KEPT = "procrastinate_schema"
"""Fact: the last file of the package's own migrations that this database has, and the package's version."""

WAKE = """
create or replace function fengsui_wake(queues text[]) returns void language plpgsql as $$
declare
    queue text;
    job bigint;
begin
    foreach queue in array queues loop
        loop
            insert into procrastinate_jobs (queue_name, task_name, queueing_lock)
                values (queue, 'take_up', queue) on conflict do nothing;
            exit when found;  -- its trigger notifies
            -- One waits already. Nobody may take it before this transaction's rows can be seen: held with others who
            -- add to it, and passed over by who fetches, so they are told once more at the end.
            select id into job from procrastinate_jobs
                where queueing_lock = queue and status = 'todo' for share;
            if found then
                perform pg_notify('procrastinate_queue_v1#' || queue,
                    json_build_object('type', 'job_inserted', 'job_id', job)::text);
                exit;
            end if;  -- taken meanwhile: a new one
        end loop;
    end loop;
end $$
"""


def make_queues(db: Connection) -> None:
    """The schema of the installed release, where it is not there yet."""
    if not inspect(db).has_table("procrastinate_jobs"):
        _run(db, (resources.files(f"{PACKAGE}.sql") / "schema.sql").read_text(encoding="utf-8"))
    db.exec_driver_sql(WAKE)
    _note(db, _steps()[-1])


def keep_queues(db: Connection) -> list[str]:
    """After an update of the package: run its migrations that this database has not seen; which were run.

    A library newer than what made the tables only: an older one finds nothing to do.
    """
    held = db.execute(text("select value from facts where key = :key"), {"key": KEPT}).scalar_one_or_none()
    last, _, release = (held or "").partition(" ")
    if not held or release == version(PACKAGE):
        return []
    missing = [step for step in _steps() if step > last]
    for step in missing:
        _run(db, (resources.files(f"{PACKAGE}.sql.migrations") / step).read_text(encoding="utf-8"))
    if missing:
        _note(db, missing[-1])
    return missing


def sweep_jobs(db: Connection) -> int:
    """Drop jobs whose process died while it held them: what they were about is in our tables. How many."""
    if db.dialect.name != "postgresql":
        return 0
    gone = (
        "delete from procrastinate_jobs where status <> 'todo' and (worker_id is null or worker_id not in"
        " (select id from procrastinate_workers where last_heartbeat > now() - interval '10 minutes'))"
    )
    return db.execute(text(gone)).rowcount


def _steps() -> list[str]:
    files = resources.files(f"{PACKAGE}.sql.migrations").iterdir()
    return sorted(file.name for file in files if file.name.endswith(".sql"))


def _note(db: Connection, step: str) -> None:
    values = {"key": KEPT, "value": f"{step} {version(PACKAGE)}"}
    db.execute(
        text("insert into facts (key, value) values (:key, :value) on conflict (key) do update set value = :value"),
        values,
    )


def _run(db: Connection, script: str) -> None:
    """A script of several statements: sent as one, without parameters."""
    driver = db.connection.driver_connection
    assert driver is not None
    driver.execute(script)
