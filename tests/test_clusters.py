"""聚集: a big county does not glow for its size, a real cluster does, and every number leads to its documents."""

import random
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from scipy.stats import gamma

from config.clusters import ClusterRules, load_clusters
from config.lexicon import Lexicon
from config.settings import PROJECT
from core.errors import ConfigError
from core.records import RegistryEntry
from enterprises.cluster_rows import catch_up
from enterprises.cluster_table import ClustersAsked, cluster_table
from enterprises.clusters import _quantile, shares
from store import users
from store.clusters import ClusterRow, FirmCount, keep_firms, keep_row
from store.database import Store
from store.registry import save_entries
from tests.desk_server import NOW as STORY
from tests.desk_server import make_services
from tests.desk_visits import PASSWORD, signed_in
from web.app import create_app

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
RULES = load_clusters(PROJECT / "config")


def found(observed: list[int], firms: list[int]) -> list[Any]:
    return shares(observed, firms, extra=0.5, interval=0.9)


def test_a_big_county_with_its_share_of_signals_does_not_stand_out() -> None:
    big, *small = found([200, 2, 3, 1, 2], [1000, 10, 12, 8, 11])
    assert not big.stands_out
    assert 0.8 < big.ratio < 1.3
    assert not any(one.stands_out for one in small)


def test_a_small_county_with_four_times_its_share_stands_out_and_one_signal_does_not() -> None:
    every = found([16, 40, 40, 40, 40, 1, 4], [10, 100, 100, 100, 100, 1, 10])
    assert every[0].stands_out
    assert every[0].ratio > 1.5
    assert not every[5].stands_out, "one signal of one firm is nothing yet"


def test_where_nothing_is_known_of_firms_places_are_alike() -> None:
    one, other = found([3, 3], [0, 0])
    assert one.expected == other.expected == 3
    assert not one.stands_out
    assert [share.observed for share in found([0, 0], [5, 5])] == [0, 0]


def test_chance_alone_rarely_stands_out() -> None:
    dice = random.Random(7)
    false = cells = 0
    for _ in range(60):
        firms = [int(10 ** dice.uniform(0, 3)) for _ in range(20)]
        places = dice.choices(range(20), weights=firms, k=400)
        seen = [places.count(place) for place in range(20)]
        false += sum(one.stands_out for one in found(seen, firms))
        cells += 20
    assert false / cells < 0.03


@pytest.mark.parametrize("shape", [1.0, 2.5, 10.0, 150.0])
def test_the_quantiles_are_those_of_the_gamma_distribution(shape: float) -> None:
    for part in (0.05, 0.95):
        assert _quantile(shape, 3.0, part) == pytest.approx(gamma.ppf(part, shape, scale=1 / 3), rel=0.03, abs=0.005)


def test_weak_spots_are_words_of_the_document() -> None:
    assert RULES.spots_in("城乡结合部多家电动车行销售改装电池") == ("urban_fringe", "small_shop")
    assert RULES.spots_in("省局召开会议") == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("weak_spots: {x: {name: 城郊, words: [村]}}", "words"),
        ("weak_spot: {}", "unknown key"),
        ("interval: 2", "interval"),
    ],
)
def test_a_mistake_in_the_words_names_its_key(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "clusters.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        load_clusters(tmp_path)
    assert RULES.version != ClusterRules().version


def fill(store: Store) -> None:
    with store.write() as db:
        for number in range(30):
            place = "360702" if number < 20 else "360102"
            spots = ("small_shop",) if number % 2 else ()
            at = NOW - timedelta(days=number, hours=1)
            keep_row(db, f"d{number}", ClusterRow(f"d{number}", at, "ebike", place, spots))
        keep_firms(db, [FirmCount("360702", "ebike", 5, 0), FirmCount("360102", "ebike", 500, 0)])


def test_counts_go_by_span_spot_and_row(store: Store, lexicon: Lexicon) -> None:
    fill(store)

    def table(**asked: Any) -> dict[str, int]:
        with store.read() as db:
            made = cluster_table(db, lexicon.regions, ClustersAsked(product="ebike", **asked), rules=RULES, now=NOW)
        assert made.based == {"ebike": "firms"}, "nobody is licensed, so all firms count"
        return {code: row[0].share.observed for code, row in made.rows if row[0].share.observed}

    assert table(days=365) == {"360100": 10, "360700": 20}
    assert table(days=10) == {"360700": 10}
    assert table(days=365, spot="small_shop") == {"360100": 5, "360700": 10}
    assert table(days=365, region="360700") == {"360702": 20}


def test_firms_and_documents_are_counted_once_and_again_when_words_change(tmp_path: Path) -> None:
    services = make_services(tmp_path, clock=lambda: STORY)
    store = services.store
    assert "补计文书" in catch_up(store, RULES, Event(), clock=lambda: STORY)
    assert catch_up(store, RULES, Event(), clock=lambda: STORY) == ""
    assert "补计文书" in catch_up(store, ClusterRules(), Event(), clock=lambda: STORY)
    assert "补计文书" in catch_up(store, RULES, Event(), clock=lambda: STORY)
    gone = RegistryEntry("X1", "某厂", region_code="360102", products=("ebike",), status="注销")
    with store.write() as db:
        save_entries(db, [gone], now=STORY)
        for name, territory in (("county", "360981"), ("all", "000000")):
            users.create_user(
                db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=STORY
            )
    app = create_app(services)
    with signed_in(app, "all") as everywhere, signed_in(app, "county") as county:
        page = everywhere.get("/clusters?days=365").text
        link, count = re.findall(r'<td class="q\d"[^>]*><a href="([^"#]+)#list">(\d+)</a>', page)[0]
        listed = everywhere.get(f"/clusters{link.replace('&amp;', '&')}").text
        listed = listed[listed.index('id="list"') :]
        assert listed.count('href="/documents/') == int(count), "the number is the number of its documents"
        own = county.get("/clusters?days=365").text
        rows = re.findall(r'<tr><th scope="row">([^<]+)</th>', own)
        assert rows == ["丰城市"]
        assert "南昌" not in county.get("/clusters.csv?days=365").text
        assert everywhere.get("/clusters?spot=nothing").status_code == 400
    store.close()
