"""kill -9 in the middle of a restore and of an erasure: what was there, or what is to be there, and a sentence that
says what to do. Each is killed at every step that changes the disk, in a fork of its own."""

import os
import shutil
import signal
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, update

from commands.backup import target_of
from config.settings import Settings
from core.records import ArchiveRef
from crawlers import archive_blank
from crawlers.archive import Archive, read_record
from crawlers.archive_members import members
from keeping import erase as erasing
from keeping import moving
from keeping.backup import Source, back_up
from keeping.restore import choose, restore_all
from store.database import Store
from store.schema import alert_documents, documents
from tests.command_line import run_here
from tests.desk_server import NOW
from tests.kept_folder import files_of, fill_folder, rows_of

MADE_AGAIN = ("index", "fengsui.db", "fengsui.db-wal", "fengsui.db-shm", "run.lock", "keep.lock")


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'fengsui.db'}"


def whole(data: Path) -> tuple[dict[str, bytes], dict[str, list[tuple[object, ...]]]]:
    """Files and rows; what was only fetched is nobody's yet."""
    files = {name: body for name, body in files_of(data, without=MADE_AGAIN).items() if not name.startswith(".")}
    return files, rows_of(url(data))


def killed_at(step: int, steps: list[tuple[object, str]], do: Callable[[], object]) -> bool:
    """Run in a fork, killed before the step of that number; whether there was one. steps: functions that count."""
    child = os.fork()
    if child == 0:
        left = [step]
        with pytest.MonkeyPatch.context() as patch:
            for owner, name in steps:
                whole = getattr(owner, name)

                def counted(*args: object, _whole: Callable[..., object] = whole, **more: object) -> object:
                    if left[0] == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
                    left[0] -= 1
                    return _whole(*args, **more)

                patch.setattr(owner, name, counted)
            code = 1
            try:
                do()
                code = 0
            finally:
                os._exit(code)
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_a_restore_that_is_killed_leaves_what_was_or_is_gone_on_with(tmp_path: Path) -> None:
    data, to = fill_folder(tmp_path / "data"), tmp_path / "backup"
    (data / "second_factor.key").unlink()
    settings = Settings(profile="demo", data=data)
    back_up(Source(Store(url(data)), data, settings.config, "demo"), to, now=NOW)
    backed = whole(data)
    (data / "later.txt").write_text("came after the backup")
    (data / "proofs").rename(data / "proofs-by-mistake")
    here = whole(data)
    outcomes: list[str] = []
    step = 0
    template = tmp_path / "template"
    shutil.copytree(data, template)

    def restore() -> None:
        target = target_of(settings)
        restore_all(to, choose(to, None, target), target, now=NOW, force=True)

    steps = [(Path, "rename"), (Path, "replace"), (moving, "sync_folder")]
    while killed_at(step, steps, restore):
        begun = moving.unfinished(data)
        if begun is None:
            outcomes.append("as before" if whole(data) == here else "restored")
        else:
            outcomes.append("to be gone on with")
            told = run_here("audit", "verify", "--data", str(data))
            assert told.returncode == 2
            assert "恢复没有做完" in told.stderr
            assert f"fengsui restore {to}" in told.stderr
            done = run_here("restore", str(to), "--data", str(data))
            assert done.returncode == 0, done.stderr
            assert "已接着做完" in done.stdout
        if outcomes[-1] != "as before":
            assert whole(data) == backed
            kept = next(data.glob(".before-*"))
            assert (kept / "later.txt").read_text() == "came after the backup"
        else:  # and it may be asked for again
            assert run_here("restore", str(to), "--data", str(data), "--force").returncode == 0
        assert whole(data) == backed
        shutil.rmtree(data)
        shutil.copytree(template, data)
        step += 1 if step < 2 else 3  # each step costs half a second of CPU
    assert outcomes[0] == "as before"
    assert outcomes.count("to be gone on with") > 3


NAME, PHONE = "张三丰", "13912345678"
PAGE = f"<p>{NAME} {PHONE}</p>".encode()


def named_in(data: Path, store: Store) -> list[ArchiveRef]:
    """Three pages that name the person, of documents no case rests on; a fourth behind them that does not."""
    archive, made = Archive(data / "archive", started=NOW), []
    with store.write() as db:
        held = select(alert_documents.c.document)
        query = select(documents.c.seq).where(documents.c.id.not_in(held), documents.c.repost_of.is_(None)).limit(4)
        for number, seq in enumerate(db.execute(query).scalars().all()):
            body = PAGE if number < 3 else b"<p>nobody</p>"
            ref = archive.write_response(f"https://x.example/{seq}", 200, [("Content-Type", "text/html")], body, NOW)
            values = {"archive": vars(ref), "raw": {}, "text": f"投诉人{NAME}" if number < 3 else "无"}
            db.execute(update(documents).where(documents.c.seq == seq).values(**values))
            made.append(ref)
    archive.close()
    store.close()
    return made


def half_written(handle: int, raw: bytes, at: int, _write: Callable[[int, bytes, int], int] = os.pwrite) -> int:
    """What a machine that goes down leaves of a record."""
    _write(handle, raw[: len(raw) // 2], at)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def pages_with(data: Path, wanted: bytes) -> int:
    """Records of the archive that hold it; every record is read."""
    found = 0
    for path in (data / "archive").glob("*/*.warc.gz"):
        raw = path.read_bytes()
        spots = list(members(path))
        assert sum(length for _, length in spots) == len(raw), "a file ends in the middle of a record"
        found += sum(wanted in zlib.decompressobj(31).decompress(raw[at : at + length]) for at, length in spots)
    return found


KILLS: tuple[tuple[object, str, Callable[..., int] | None, int], ...] = (
    (archive_blank, "pwrite", half_written, 0), (erasing.Eraser, "_archive", None, 0),
    (erasing, "note_change", None, 1), (erasing, "blank", None, 0), (archive_blank, "sync_folder", None, 1),
    (erasing, "set_fact", None, 2),
)  # fmt: skip
"""Where: before the pages, between the rows and the page, in the middle of a record, before the last word."""


@pytest.mark.parametrize(("owner", "name", "instead", "step"), KILLS, ids=[f"{one[1]} {one[3]}" for one in KILLS])
def test_an_erasure_that_is_killed_is_told_and_done_again(
    tmp_path: Path, owner: object, name: str, instead: Callable[..., int] | None, step: int
) -> None:
    data = fill_folder(tmp_path / "data")
    refs = named_in(data, Store(url(data)))
    words = ("erase-person", "--name", NAME, "--phone", PHONE, "--data", str(data))
    told = (*words, "--do", "--reason", "申请 1 号")

    def erase() -> None:
        with pytest.MonkeyPatch.context() as patch:
            if instead is not None:
                patch.setattr(os, name, instead)
            run_here(*told)

    assert killed_at(step, [] if instead else [(owner, name)], erase)
    with Store(url(data)).read() as db:
        assert not db.execute(select(documents.c.seq).where(documents.c.text.contains(NAME))).all()
        (begun,) = erasing.unfinished(db)
    assert begun.reason == "申请 1 号"
    assert NAME not in str(begun)
    assert "没有做完" in run_here("doctor", "--data", str(data)).stdout
    assert run_here(*told).returncode == 0
    assert "没有做完" not in run_here(*words).stdout
    assert pages_with(data, PHONE.encode()) == 0
    assert read_record(data / "archive", refs[3])[1] == b"<p>nobody</p>"  # what lies behind is still found
    with Store(url(data)).read() as db:
        assert erasing.erasures(db) == 1


def test_an_erasure_that_is_killed_before_its_first_word_is_written_changed_nothing(tmp_path: Path) -> None:
    data = fill_folder(tmp_path / "data")
    named_in(data, Store(url(data)))
    before = whole(data)
    words = ("erase-person", "--name", NAME, "--data", str(data), "--do", "--reason", "申请 1 号")
    assert killed_at(0, [(erasing, "set_fact")], lambda: run_here(*words))
    assert whole(data) == before
