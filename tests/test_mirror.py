"""召回镜像: foreign spellings find the registered firm, doubt stays doubt, and only a person makes it a fact."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alerts.rule_judge import RuleJudge
from config.lexicon import Lexicon
from config.rules import load_rules
from core.facts import Firm, Recall
from core.firms import FactKind
from core.records import Alert, AlertState, Analysis, Document, Kind, RegistryEntry, Signal
from enterprises.latin_names import LatinReader
from enterprises.mirror import Mirror, Mirrored
from enterprises.mirror_queue import fill_queue
from enterprises.told import told_by
from nlp.subjects import Subjects, subjects_of
from pipelines.stages import Pipeline
from store import users
from store.alert_log import findings_of_alert, list_alerts
from store.database import Store
from store.documents import add_revision, find_signals
from store.firm_facts import facts_of
from store.mirror import NOT_OURS, find_item, steps_of_items
from store.registry import save_entries
from store.schema import audit, mirror_items
from store.told import keep_told
from tests.desk_server import CONFIG, make_services
from tests.desk_visits import PASSWORD, signed_in, value_of
from web.app import create_app

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
FIRMS = (
    RegistryEntry("A", "赣州鑫威力电子科技有限公司", brands=("鑫威力",), region_code="360702"),
    RegistryEntry("B", "深圳市鑫伟力贸易有限公司", region_code="440300"),
    RegistryEntry(
        "C", "江西啄木鸟林电器有限公司", region_code="360821", english_names=("Woodpecker Forest Co., Ltd.",)
    ),
    RegistryEntry("D", "抚州农道玩具有限公司", region_code="361002"),
    RegistryEntry("E", "长城乐行车业有限公司", region_code="360102"),
)
BLANK = Analysis(True, 2, 0.9, None, None, "000000", (), (), ("recall",), (), (), (), (), "", "")


def recall(maker: str, **more: Any) -> Recall:
    return Recall(firms=(Firm(maker, "manufacturer"),), origin_country="China", **more)


def document(number: int = 1, **more: Any) -> Document:
    values: dict[str, Any] = {
        "id": f"r{number}", "source": "cpsc", "kind": Kind.RECALL_FOREIGN, "url": f"https://x.example/{number}",
        "canonical_url": f"https://x.example/{number}", "title": "Chargers Recalled Due to Fire Hazard", "text": "",
        "event_time": NOW, "published": NOW, "fetched_at": NOW, "stored_at": NOW, "revision": 1,
        "content_hash": str(number),
    }  # fmt: skip
    return Document(**(values | more))


def answer(lexicon: Lexicon, one: Recall, made: dict[str, str] | None = None) -> Mirrored:
    mirror = Mirror(LatinReader(lexicon.regions))
    mirror.ask(document(), one, None, made or {})
    mirror.look_through(FIRMS)
    return mirror.answers()[0]


@pytest.mark.parametrize(
    ("written", "firm", "exact"),
    [
        ("Ganzhou Xinweili Electronic Technology Co., Ltd.", "A", True),
        ("GANZHOU XIN WEI LI ELECTRONICS TECHNOLOGY CO LTD", "A", True),
        ("Xinweili Technology Co., Ltd., of Ganzhou, China", "A", True),
        ("Shenzhen Xinweili Trading Co., Ltd.", "B", True),
        ("Xinweili Co., Ltd.", "", False),  # two firms sound so
        ("Ganzhou Xinweli Electronic Co., Ltd.", "A", False),  # a letter is lost
        ("Woodpecker Forest Company Limited", "C", True),  # its registered English name
        ("Jiangxi Zhuomuniaolin Electric Appliance Co., Ltd., of Ji'an, China", "C", True),
        ("Fuzhou Nongdao Toys Co., Ltd.", "D", False),  # 抚州 and 福州 are spelt alike
        ("Nanchang Changcheng Yuexing Vehicle Co., Ltd.", "E", True),  # characters of two sounds
        ("Harrow & Pike Cycle Supply", "", False),
        ("Zhejiang Xinweili Electronic Co., Ltd.", "", False),  # no firm of that province
    ],
)
def test_a_foreign_spelling_finds_its_firm(lexicon: Lexicon, written: str, firm: str, exact: bool) -> None:
    found = answer(lexicon, recall(written))
    if firm:
        assert found.candidates[0].firm == firm
    elif "Xinweili Co" in written:
        assert {one.firm for one in found.candidates} == {"A", "B"}
    assert found.exact is exact


def test_reasons_tell_what_agrees_and_what_does_not(lexicon: Lexicon) -> None:
    found = answer(lexicon, recall("Ganzhou Xinweili Toys Co., Ltd.", brand="鑫威力"))
    said = "；".join(found.candidates[0].reasons)
    assert "读音相同" in said
    assert "地名相符：赣州市" in said
    assert "行业不同" in said
    assert "品牌相符" in said


def test_a_model_made_at_home_raises_its_maker(lexicon: Lexicon) -> None:
    found = answer(lexicon, recall("Harrow & Pike", models=("ZML-4820C",)), {"C": "ZML-4820C"})
    assert [one.firm for one in found.candidates] == ["C"]
    assert not found.exact


def test_an_importer_of_goods_from_elsewhere_is_not_looked_for_by_sound(lexicon: Lexicon) -> None:
    found = answer(lexicon, Recall(firms=(Firm("Long Chang Xinweili", "manufacturer"),), origin_country="Vietnam"))
    assert not found.chinese
    assert not found.candidates


class Reads:
    """Stands in for the analyzer: finds nothing of its own."""

    def analyze(self, title: str, text: str, **more: Any) -> Analysis:
        return replace(BLANK, masked_title=title, masked_text=text)

    def subjects(self, *_text: str) -> Subjects:
        return subjects_of(BLANK)


class Desk:
    """A store with one recall that was read, its queue filled, and the signals that rules see."""

    def __init__(self, folder: Path, *, rules: bool = False) -> None:
        """rules: whether the shipped rules judge; else what they would see is kept."""
        self.services = make_services(folder, clock=lambda: NOW)
        self.seen: list[Signal] = []
        self.store: Store = self.services.store
        judge = self._shipped() if rules else self._judge
        self.pipeline = Pipeline(self.store, Reads(), judge, lambda: NOW, "test")  # type: ignore[arg-type]
        one = document(fields={"manufacturer": "Ganzhou Xinweili Electronic Co., Ltd."}, text="Made in China")
        with self.store.write() as db:
            save_entries(db, FIRMS, now=NOW)
            raw = {"title": one.title, "text": one.text, "fields": dict(one.fields), "tables": [], "leftover": ""}
            add_revision(db, one, external_id="", raw=raw)
            for name, territory in (("province", "360000"), ("county", "360981"), ("seat", "360702")):
                users.create_user(
                    db, name, role="officer", territory=territory, display_name=name, password=PASSWORD, now=NOW
                )
        self.pipeline.drain()
        with self.store.write() as db:
            keep_told(db, one.id, told_by(one))
        fill_queue(self.store, self.services.lexicon.regions, clock=lambda: NOW)

    def _shipped(self) -> RuleJudge:
        assert self.services.rule_parts is not None
        firms = {firm.id: firm for firm in FIRMS}
        rules = load_rules(CONFIG)
        return RuleJudge(self.store, replace(self.services.rule_parts, rules=rules, registry=firms.get))

    def _judge(self, db: object, signal: Signal, now: datetime) -> None:
        self.seen.append(signal)

    def firm_of_the_document(self) -> tuple[str | None, str | None]:
        self.pipeline.drain()
        with self.store.read() as db:
            found = find_signals(db, ["r1"])[0].analysis
        return found.primary_enterprise, found.jurisdiction_code

    def recalls_of(self, firm: str) -> list[str]:
        with self.store.read() as db:
            return [fact.document for fact in facts_of(db, [firm])[firm] if fact.kind is FactKind.RECALL]


def recall_alerts(desk: Desk) -> dict[str, Alert]:
    """The open alerts on the recall, by rule, after everything that waits was judged."""
    desk.pipeline.drain()
    with desk.store.read() as db:
        found = [alert for alert in list_alerts(db) if "r1" in alert.documents and alert.state is AlertState.NEW]
    return {alert.rule: alert for alert in found}


def test_a_strong_candidate_is_told_to_its_county_as_unconfirmed_and_a_person_settles_it(tmp_path: Path) -> None:
    """The real engine with the shipped rules, from the arrival of a recall to what a person's word does to it."""
    desk = Desk(tmp_path, rules=True)
    maybe = recall_alerts(desk)
    assert list(maybe) == ["recall_abroad_maybe_home"]
    alert = maybe["recall_abroad_maybe_home"]
    assert (alert.territory, alert.level, alert.enterprises) == ("360702", 1, ())
    assert (
        "待核：所称生产者 Ganzhou Xinweili Electronic Co., Ltd. 疑为名录中的赣州鑫威力电子科技有限公司" in alert.reason
    )
    assert desk.recalls_of("A") == []
    app = create_app(desk.services)
    with signed_in(app, "province") as officer, signed_in(app, "seat") as seat, signed_in(app, "county") as other:
        assert seat.get(f"/alerts/{alert.id}").status_code == 200
        assert seat.get("/documents/r1").status_code == 200, "who is alerted may read what it rests on"
        assert other.get(f"/alerts/{alert.id}").status_code == 404
        page = officer.get("/recalls/mirror").text
        form = {"csrf": value_of(page, "csrf"), "once": "confirm-0002", "firm": "A"}
        assert officer.post("/recalls/mirror/r1/confirm", data=form).status_code == 303
        sure = recall_alerts(desk)
        assert "recall_abroad_home_maker" in {rule for one in sure.values() for rule in rules_of(desk, one)}
        assert [(one.level, one.territory, one.enterprises) for one in sure.values()] == [(2, "360702", ("A",))]
        undo = {"csrf": form["csrf"], "once": "undo-000002"}
        assert officer.post("/recalls/mirror/r1/undo", data=undo).status_code == 303
        none = {"csrf": form["csrf"], "once": "none-000002", "note": "仿冒"}
        assert officer.post("/recalls/mirror/r1/not_ours", data=none).status_code == 303
    assert not recall_alerts(desk), "none of ours: nothing is left to tell"
    desk.store.close()


def rules_of(desk: Desk, alert: Alert) -> set[str]:
    with desk.store.read() as db:
        return {finding.rule for finding in findings_of_alert(db, alert.id)}


def test_only_a_person_makes_it_a_fact_and_may_take_it_back(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    app = create_app(desk.services)
    with signed_in(app, "province") as officer, signed_in(app, "county") as county:
        page = officer.get("/recalls/mirror").text
        assert "赣州鑫威力电子科技有限公司" in page
        assert "唯一相符" in page
        assert desk.recalls_of("A") == []
        assert desk.firm_of_the_document()[0] is None
        assert "鑫威力" not in county.get("/recalls/mirror").text, "a recall abroad is not the county's"
        form = {"csrf": value_of(page, "csrf"), "once": "confirm-0001", "firm": "A"}
        elsewhere = {"csrf": value_of(county.get("/recalls/mirror").text, "csrf"), "once": "county-0001", "firm": "A"}
        assert county.post("/recalls/mirror/r1/confirm", data=elsewhere).status_code == 404
        assert officer.post("/recalls/mirror/r1/confirm", data={**form, "csrf": "x"}).status_code == 403
        assert officer.post("/recalls/mirror/r1/confirm", data=form).status_code == 303
        assert officer.post("/recalls/mirror/r1/confirm", data=form).status_code == 303, "a double click does one thing"
        assert officer.post("/recalls/mirror/r1/not_ours", data={**form, "once": "late-00001"}).status_code == 409
        assert desk.recalls_of("A") == ["r1"]
        assert desk.firm_of_the_document() == ("A", "360702"), "rules see whose it is, and where"
        assert desk.seen[-1].analysis.primary_enterprise == "A"
        done = officer.get("/recalls/mirror?state=confirmed").text
        assert "赣州鑫威力电子科技有限公司" in done
        undo = {"csrf": form["csrf"], "once": "undo-000001"}
        assert officer.post("/recalls/mirror/r1/undo", data=undo).status_code == 303
        assert desk.recalls_of("A") == []
        assert desk.firm_of_the_document()[0] is None
        wrong = {"csrf": form["csrf"], "once": "other-00001", "other": "没有这家公司"}
        assert officer.post("/recalls/mirror/r1/confirm", data=wrong).status_code == 400
        none = {"csrf": form["csrf"], "once": "none-000001", "note": "仿冒"}
        assert officer.post("/recalls/mirror/r1/not_ours", data=none).status_code == 303
    with desk.store.read() as db:
        item = find_item(db, "r1")
        assert item is not None
        assert item.state == NOT_OURS
        assert [step.action for step in steps_of_items(db, ["r1"])["r1"]] == ["confirm", "undo", "not_ours"]
        logged = db.execute(select(audit.c.object).where(audit.c.action == "recall_mirror")).scalars().all()
        assert logged == ["r1"] * 3
    fill_queue(desk.store, desk.services.lexicon.regions, clock=lambda: NOW, again=True)
    with desk.store.read() as db:
        states = set(db.execute(select(mirror_items.c.state).where(mirror_items.c.document == "r1")).scalars())
    assert states == {NOT_OURS}, "what a person decided is not asked again"
    desk.store.close()
