"""The rival without a server: SQLite FTS5, one table of bigrams for the text and plain tables for the fields.

FTS5's own trigram tokenizer cannot find words of two characters, which most Chinese words are; so the text is cut into
the bigrams of Chinese characters by us and a phrase of them is asked for. Relevance is FTS5's bm25. Facets and bars are
GROUP BY over the rowids found. Wildcards inside a word are not expressed (they find what begins so).
"""

import json
import re
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from search.backend import SearchRequest, Sort
from search.histogram import choose_bars
from search.page import hits_of
from search.records import IndexEntry, row_of
from search.text import Segmenter, fold, words_of
from search.where import (
    AllOf,
    AnyOf,
    Between,
    Everything,
    Exists,
    Fits,
    Not,
    Nothing,
    OneOf,
    Phrase,
    Where,
    Wild,
    WildText,
    Words,
)  # fmt: skip

SINGLE = ("id", "source", "kind", "url", "event_time", "stored_at", "level", "score", "is_risk", "repost_of", "stance",
          "time_order", "level_order")  # fmt: skip
MANY = ("products", "enterprises", "issues", "regions", "territory", "flags")
RUNS = re.compile(r"[^\W_]+")
ORDERS = {Sort.NEWEST: "time_order desc", Sort.OLDEST: "time_order", Sort.LEVEL: "level_order desc"}


def bigrams(text: str) -> str:
    """Pairs of characters of each run that is not ASCII, whole runs of the others."""
    tokens: list[str] = []
    for run in RUNS.findall(fold(text)):
        tokens += [run] if run.isascii() or len(run) == 1 else [run[at : at + 2] for at in range(len(run) - 1)]
    return " ".join(tokens)


class Fts5:
    """Engine on SQLite."""

    def __init__(self, file: Path, words: Segmenter) -> None:
        self._file = file
        self._words = words
        self._db = sqlite3.connect(file, timeout=60, isolation_level=None)
        self._db.executescript(
            f"""
            pragma journal_mode=wal; pragma synchronous=normal;
            create table if not exists docs(rowid integer primary key, {", ".join(SINGLE)}, shown);
            create table if not exists vals(doc integer, field text, value, primary key(doc, field, value))
                without rowid;
            create index if not exists by_value on vals(field, value);
            create virtual table if not exists fts using fts5(title, body, content='', tokenize="unicode61");
            create index if not exists by_time on docs(time_order);
            create index if not exists by_level on docs(level_order);
            create unique index if not exists by_id on docs(id);
            """
        )

    def load(self, entries: Sequence[IndexEntry]) -> None:
        """New ones only: FTS5 without content cannot replace."""
        self._db.execute("begin immediate")
        with self._db:
            for entry in entries:
                row = row_of(entry)
                values = [row.get(name) for name in SINGLE]
                blob = json.dumps({name: row.get(name) for name in ("title", "body", *SINGLE)}, ensure_ascii=False)
                marks = ",".join("?" * (len(SINGLE) + 1))
                doc = self._db.execute(f"insert into docs({','.join(SINGLE)}, shown) values({marks})", [*values, blob])
                rowid = doc.lastrowid
                self._db.execute(
                    "insert into fts(rowid, title, body) values(?,?,?)",
                    (rowid, bigrams(entry.title), bigrams(entry.body)),
                )
                pairs = [(rowid, name, value) for name in MANY for value in row.get(name, ())]
                self._db.executemany("insert or ignore into vals values(?,?,?)", pairs)

    def settle(self) -> None:
        """A commit is visible at once."""

    def page(self, request: SearchRequest) -> int:
        db = self._db
        condition, values = self._sql(request.everything_asked())
        db.execute("create temp table if not exists found(doc integer primary key)")
        db.execute("delete from found")
        db.execute(f"insert into found select rowid from docs where {condition}", values)
        total: int = db.execute("select count(*) from found").fetchone()[0]
        joined = "found cross join docs on docs.rowid = found.doc"  # in this order: few are found
        order = ORDERS.get(request.sort, "time_order desc")
        more = f"where time_order < {request.after}" if request.after else ""
        hits = db.execute(f"select shown from {joined} {more} order by {order} limit ? offset ?",
                          (request.size, request.offset)).fetchall()  # fmt: skip
        hits_of([(0.0, json.loads(shown)) for (shown,) in hits], request.where, self._words)
        for name in request.facets:
            if name in MANY:
                db.execute(f"select value, count(*) n from found cross join vals using(doc) where field = '{name}' "
                           "group by value order by n desc limit 1000").fetchall()  # fmt: skip
            else:
                db.execute(f"select {name}, count(*) n from {joined} group by 1 order by n desc limit 1000").fetchall()
        first, last = db.execute(f"select min(event_time), max(event_time) from {joined}").fetchone()
        if total:
            width = choose_bars(first, last).width
            db.execute(f"select event_time / {width}, level, count(*) from {joined} group by 1, 2").fetchall()
        return total

    def _sql(self, where: Where) -> tuple[str, list[Any]]:
        """A condition on docs."""
        match where:
            case Everything():
                return "1", []
            case Nothing():
                return "0", []
            case Words(text, fields):
                return self._match([_phrase(word) for word in words_of(text, self._words)], fields)
            case Phrase(text, fields):
                return self._match([_phrase(text)], fields)
            case WildText(parts, fields):
                return self._match([f'"{"".join(parts)}"*'], fields)
            case AllOf(parts) | AnyOf(parts):
                made = [self._sql(part) for part in parts]
                word = " and " if isinstance(where, AllOf) else " or "
                return f"({word.join(sql for sql, _ in made)})", [value for _, values in made for value in values]
            case Not(part):
                sql, values = self._sql(part)
                return f"not ({sql})", values
            case Fits():
                return "0", []  # regular expressions are not asked for here
            case _:
                return self._field(where)

    def _field(self, where: OneOf | Wild | Between | Exists) -> tuple[str, list[Any]]:
        name = where.field
        test, values = _test(where)
        if name in MANY:
            inside = test.format("value")
            return f"rowid in (select doc from vals where field = '{name}' and {inside})", values
        return test.format(name), values

    def _match(self, phrases: list[str], fields: tuple[str, ...]) -> tuple[str, list[Any]]:
        """Each phrase in one of the fields."""
        if not any(phrases):
            return "0", []
        asked = " and ".join(f"{{{' '.join(fields)}}} : {phrase}" for phrase in phrases if phrase)
        return "rowid in (select rowid from fts where fts match ?)", [asked]

    def size(self) -> int:
        self._db.execute("pragma wal_checkpoint(truncate)")
        return self._file.stat().st_size

    def close(self) -> None:
        self._db.close()


def _phrase(text: str) -> str:
    cut = bigrams(text)
    single = len(cut) == 1 and not cut.isascii()
    return f'"{cut}"{"*" if single else ""}' if cut else ""


def _test(where: OneOf | Wild | Between | Exists) -> tuple[str, list[Any]]:
    match where:
        case OneOf(_, values):
            return f"{{}} in ({','.join('?' * len(values))})", list(values)
        case Wild(_, parts):
            return "{} glob ?", ["*".join(parts)]
        case Between(_, low, high, with_low, with_high):
            edges = [("{} >= ?" if with_low else "{} > ?", low), ("{} <= ?" if with_high else "{} < ?", high)]
            kept = [(sql, value) for sql, value in edges if value is not None]
            return " and ".join(sql for sql, _ in kept).replace("{}", "{0}"), [value for _, value in kept]
        case Exists():
            return "{} is not null", []
