"""The embedded index: written by any process, killed at any moment, rebuilt beside itself."""

import json
import multiprocessing
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from core.errors import SearchUnavailable
from search.backend import SearchBackend, SearchRequest, Sort
from search.embedded import EmbeddedBackend
from search.embedded_writer import MANY
from search.packing import LEARN_FROM, Packer
from search.records import Row
from search.where import OneOf
from tests.search_documents import entry, words

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def index(tmp_path: Path) -> EmbeddedBackend:
    return EmbeddedBackend(tmp_path / "index", words)


def found(backend: SearchBackend) -> list[str]:
    return [hit.id for hit in backend.search(SearchRequest(size=1000, sort=Sort.OLDEST)).hits]


def title_of(backend: SearchBackend, known: str) -> str:
    hits = backend.search(SearchRequest(OneOf("id", (known,)))).hits
    return hits[0].title.text


def test_an_index_nobody_wrote_is_empty_and_well(index: EmbeddedBackend, tmp_path: Path) -> None:
    result = index.search(SearchRequest())
    assert (result.total, result.hits, result.histogram) == (0, (), None)
    assert index.count() == 0
    assert index.health().well
    assert not (tmp_path / "index").exists()


def test_the_same_id_is_written_once(index: EmbeddedBackend) -> None:
    index.index([entry("a", "旧"), entry("b")])
    index.index([entry("a", "新"), entry("a", "更新")])
    assert index.count() == 2
    assert title_of(index, "a") == "更新"


def test_an_older_version_never_wins(index: EmbeddedBackend) -> None:
    index.index([entry("a", "第三版", version=3)])
    index.index([entry("a", "第二版", version=2)])
    assert title_of(index, "a") == "第三版"
    index.index([entry("b", "第五版", version=5), entry("b", "第四版", version=4)])
    assert title_of(index, "b") == "第五版"
    index.index([entry("a", "第三版，重新分析", version=3)])
    assert title_of(index, "a") == "第三版，重新分析"


def test_what_was_deleted_is_gone_and_may_come_back(index: EmbeddedBackend) -> None:
    index.index([entry("a", version=2), entry("b")])
    index.delete(["a", "unknown"])
    assert found(index) == ["b"]
    index.index([entry("a", version=1)])
    assert index.count() == 2


def test_a_reader_sees_what_another_wrote_at_once(index: EmbeddedBackend, tmp_path: Path) -> None:
    reader = EmbeddedBackend(tmp_path / "index", words)
    assert reader.count() == 0
    for number in range(3):
        index.index([entry(f"d{number}")])
        assert reader.count() == number + 1


def _write_some(root: Path, name: str) -> None:
    backend = EmbeddedBackend(root, words)
    for number in range(10):
        backend.index([entry(f"{name}{number}")])


def test_processes_that_write_together_take_turns_and_lose_nothing(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_some, args=(tmp_path, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    _write_some(tmp_path, "c")
    for writer in writers:
        writer.join()
    assert sorted(found(EmbeddedBackend(tmp_path, words))) == sorted(f"{n}{i}" for n in "abc" for i in range(10))


def test_a_process_killed_while_it_writes_loses_nothing_it_had_finished(tmp_path: Path) -> None:
    script = "import sys; from tests.test_search_embedded import write_for_ever; write_for_ever(*sys.argv[1:])"
    for round_ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), str(round_)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        finished = [writer.stdout.readline().strip() for _ in range(round_ + 1)]
        writer.send_signal(signal.SIGKILL)
        finished += writer.stdout.read().split()
        writer.wait()
        after = EmbeddedBackend(tmp_path, words)
        assert set(finished) <= set(found(after))
        after.index([entry(f"after-{round_}")])
        assert f"after-{round_}" in found(after)


def write_for_ever(root: str, round_: str) -> None:
    """Child of the test above: names each entry once it is written."""
    backend = EmbeddedBackend(Path(root), words)
    number = 0
    while True:
        backend.index([entry(f"{round_}-{number}", "起火" * 50)])
        print(f"{round_}-{number}", flush=True)
        number += 1


def _stay(root: Path, name: str, line: Connection) -> None:
    """Child of the tests below: writes, then lives on until it is told to write again."""
    backend = EmbeddedBackend(root, words)
    for number in range(2):
        backend.index([entry(f"{name}{number}")])
        line.send("written")
        line.recv()


@pytest.mark.parametrize("killed", [False, True])
def test_a_process_that_wrote_and_lives_on_keeps_nobody_from_writing(tmp_path: Path, killed: bool) -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    other = spawn.Process(target=_stay, args=(tmp_path, "other", theirs))
    other.start()
    assert ours.recv() == "written"
    if killed:
        other.kill()
        other.join()
    mine = EmbeddedBackend(tmp_path, words)
    mine.index([entry("mine")])
    expected = ["mine", "other0"]
    if not killed:
        ours.send("go on")
        assert ours.recv() == "written"
        ours.send("enough")
        other.join()
        expected.append("other1")
    assert sorted(found(mine)) == expected


def test_many_small_writes_leave_few_segments(index: EmbeddedBackend, tmp_path: Path) -> None:
    other = EmbeddedBackend(tmp_path / "index", words)
    for number in range(120):
        (other if number % 20 == 0 else index).index([entry(f"d{number}")])
    index.close()
    other.index([entry("last")])
    other.close()
    [meta] = tmp_path.glob("index/g*/meta.json")
    assert len(json.loads(meta.read_text())["segments"]) <= MANY + 2
    assert index.count() == 121


def test_a_write_that_fails_half_way_writes_nothing(index: EmbeddedBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    index.index([entry("before")])
    whole = Packer.pack

    def full_disk(self: Packer, row: Row) -> bytes:
        if row["id"] == "second":
            raise OSError("no space left on device")
        return whole(self, row)

    monkeypatch.setattr(Packer, "pack", full_disk)
    with pytest.raises(SearchUnavailable, match="no space left"):
        index.index([entry("first"), entry("second")])
    index.index([entry("after")])
    assert sorted(found(index)) == ["after", "before"]


def test_what_was_written_before_and_after_the_dictionary_is_read_alike(index: EmbeddedBackend, tmp_path: Path) -> None:
    reader = EmbeddedBackend(tmp_path / "index", words)
    texts = {f"d{number:04d}": f"第{number}号电动自行车𠮷🔥在充电时起火" * 3 for number in range(LEARN_FROM + 50)}
    known = list(texts)
    for part in (known[:20], known[20:-50], known[-50:]):
        index.index([entry(one, "起火", texts[one]) for one in part])
        reader.count()
    assert list(tmp_path.glob("index/g*/DICTIONARY"))
    for backend in (reader, EmbeddedBackend(tmp_path / "index", words)):
        hits = backend.search(SearchRequest(OneOf("id", (known[0], known[-1])))).hits
        assert {hit.id: hit.fields["body"] for hit in hits} == {one: texts[one] for one in (known[0], known[-1])}


def test_a_rebuilt_index_is_one_that_is_written_to(index: EmbeddedBackend) -> None:
    with index.rebuild() as builder:
        builder.index([entry("a"), entry("a", "第二版", version=2), entry("a", "第一版")])
    index.index([entry("b"), entry("a", "旧", version=1)])
    assert sorted(found(index)) == ["a", "b"]
    assert title_of(index, "a") == "第二版"


def test_a_rebuild_is_unseen_until_it_is_whole(index: EmbeddedBackend) -> None:
    index.index([entry("old"), entry("kept", "旧")])
    with index.rebuild() as builder:
        builder.index([entry("kept", "新"), entry("added")])
        assert sorted(found(index)) == ["kept", "old"]
    assert sorted(found(index)) == ["added", "kept"]
    assert title_of(index, "kept") == "新"


def test_what_arrives_during_a_rebuild_is_in_both(index: EmbeddedBackend, tmp_path: Path) -> None:
    index.index([entry("a"), entry("b"), entry("c")])
    intake = EmbeddedBackend(tmp_path / "index", words)
    with index.rebuild() as builder:
        builder.index([entry("a"), entry("b")])
        intake.index([entry("late")])
        intake.delete(["b"])
        intake.index([entry("a", "改", version=2)])
        assert sorted(found(intake)) == ["a", "c", "late"]
        builder.index([entry("c")])
    assert sorted(found(intake)) == ["a", "c", "late"]
    assert title_of(intake, "a") == "改"


def fail_half_way(backend: EmbeddedBackend) -> None:
    """A rebuild whose source fails."""
    with backend.rebuild() as builder:
        builder.index([entry("half")])
        raise RuntimeError("the store went away")


def test_a_rebuild_that_fails_leaves_the_old_index_and_the_next_one_works(index: EmbeddedBackend) -> None:
    index.index([entry("old")])
    with pytest.raises(RuntimeError):
        fail_half_way(index)
    assert found(index) == ["old"]
    with index.rebuild() as builder:
        builder.index([entry("new")])
    assert found(index) == ["new"]


def test_two_rebuilds_do_not_mix(index: EmbeddedBackend, tmp_path: Path) -> None:
    other = EmbeddedBackend(tmp_path / "index", words)
    with index.rebuild(), pytest.raises(SearchUnavailable, match="正在重建"), other.rebuild():
        pass


def test_searches_go_on_while_the_index_is_replaced(index: EmbeddedBackend) -> None:
    index.index([entry(f"d{number}") for number in range(20)])
    totals: set[int] = set()
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            totals.add(index.search(SearchRequest()).total)

    reader = threading.Thread(target=search)
    reader.start()
    for _ in range(5):
        with index.rebuild() as builder:
            builder.index([entry(f"d{number}") for number in range(20)])
    done.set()
    reader.join()
    assert totals == {20}


def _formats(root: Path) -> Sequence[Path]:
    return list(root.glob("index/g*/FORMAT"))


def test_an_index_of_an_old_format_asks_for_a_rebuild(index: EmbeddedBackend, tmp_path: Path) -> None:
    index.index([entry("a")])
    for mark in _formats(tmp_path):
        mark.write_text("before")
    later = EmbeddedBackend(tmp_path / "index", words)
    for use in (later.count, lambda: later.search(SearchRequest()), lambda: later.index([entry("b")])):
        with pytest.raises(SearchUnavailable, match="fengsui reindex"):
            use()
    assert later.health().remedy == "fengsui reindex"
    with later.rebuild() as builder:
        builder.index([entry("a")])
    assert found(later) == ["a"]


def test_a_lost_dictionary_is_told_not_raised_raw(index: EmbeddedBackend, tmp_path: Path) -> None:
    index.index([entry(f"d{number}", "起火") for number in range(LEARN_FROM)])
    for dictionary in tmp_path.glob("index/g*/DICTIONARY"):
        dictionary.unlink()
    later = EmbeddedBackend(tmp_path / "index", words)
    with pytest.raises(SearchUnavailable, match="fengsui reindex"):
        later.search(SearchRequest())
    assert (later.health().well, later.health().remedy) == (False, "fengsui reindex")


def test_a_broken_index_is_told_not_raised_raw(index: EmbeddedBackend, tmp_path: Path) -> None:
    index.index([entry("a")])
    for meta in tmp_path.glob("index/g*/meta.json"):
        meta.write_text("{")
    with pytest.raises(SearchUnavailable, match="fengsui reindex"):
        EmbeddedBackend(tmp_path / "index", words).search(SearchRequest())


@pytest.mark.parametrize("name", ["", "../elsewhere", "g1", "\ufffd"])
def test_a_damaged_note_of_the_generation_is_told_and_a_rebuild_repairs_it(
    index: EmbeddedBackend, tmp_path: Path, name: str
) -> None:
    index.index([entry("a")])
    index.close()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "index" / "CURRENT").write_text(name)
    later = EmbeddedBackend(tmp_path / "index", words)
    for use in (later.count, lambda: later.search(SearchRequest()), lambda: later.index([entry("b")])):
        with pytest.raises(SearchUnavailable, match="fengsui reindex"):
            use()
    assert later.health().remedy == "fengsui reindex"
    with later.rebuild() as builder:
        builder.index([entry("a"), entry("b")])
    assert sorted(found(later)) == ["a", "b"]
    assert (tmp_path / "elsewhere").exists()


def test_an_entry_that_cannot_be_stored_is_refused_alone_with_the_reason(index: EmbeddedBackend) -> None:
    odd = [replace(entry("half"), title="半\ud800个"), entry("huge", revision=1 << 70)]
    refused = index.index([entry("before"), *odd, entry("after")])
    assert {no.id: no.reason for no in refused} == {
        "half": "title 里有半个字符，存不下",
        "huge": "revision 的数超过 64 位，存不下",
    }
    with index.rebuild() as builder:
        assert {no.id for no in builder.index([entry("before"), *odd, entry("after")])} == {"half", "huge"}
    assert {hit.id for hit in index.search(SearchRequest()).hits} == {"before", "after"}
