"""The score: what counts as alerted, late, missed, harmless and wrongly accused."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.clock import iso_beijing
from demo.flat import flat
from demo.score import Score, Truth, main, render, score
from demo.story import PACK, token_of

DAY_ZERO = date(2026, 11, 23)
TRUTH = Truth(PACK, DAY_ZERO)


def alert(*documents: str, level: int, **more: Any) -> dict[str, Any]:
    """An alert raised when its last document came out."""
    first_at = iso_beijing(max(TRUTH.moment(document) for document in documents))
    line = {"id": "A1", "level": level, "state": "new", "first_at": first_at, "updated_at": first_at}
    return {**line, "enterprises": [], "territory": "", "documents": list(documents), **more}


def judged(*lines: dict[str, Any], names: dict[str, str] | None = None) -> Score:
    return score(lines, day_zero=DAY_ZERO, names=names)


def whats(*lines: dict[str, Any]) -> list[str]:
    return [violation.what for violation in judged(*lines).violations]


def test_an_alert_at_the_last_moment_is_in_time() -> None:
    battery = judged(alert("a1-0051", "a1-0070", level=1, enterprises=["ENT0043"])).incidents[0]
    assert battery.alerted.ok
    assert battery.first_alert == TRUTH.moment("a1-0070")
    assert (battery.firms_named, battery.documents_in_alerts, battery.share) == (("ENT0043",), 2, 1.0)


def test_a_later_or_lower_alert_is_late_or_missed() -> None:
    water = "a1-0120"
    late = judged(alert(water, level=2)).incidents[2].alerted
    assert late.late == timedelta(days=1, minutes=40)
    assert judged(alert("a1-0108", level=1)).incidents[2].alerted.at is None


def test_the_history_tells_when_a_level_was_reached() -> None:
    steps = [{"story_at": iso_beijing(TRUTH.moment(key)), "level": n} for key, n in (("a2-0224", 3), ("a2-0230", 4))]
    grown = judged(alert("a2-0224", "a2-0230", level=4, history=steps)).incidents[4]
    assert [due.ok for due in grown.escalations] == [True, True]
    assert all(due.certain for due in grown.escalations)


def test_without_history_a_level_that_was_reached_later_is_not_certain() -> None:
    line = alert("a2-0224", level=4, updated_at="2026-11-20T00:00:00+08:00")
    assert [due.certain for due in judged(line).incidents[4].escalations] == [False, False]


def test_territories_told_and_forgotten_are_listed() -> None:
    told = judged(alert("a1-0113", level=2, territory="361128", territories=["361128", "361100"])).incidents[2]
    assert (told.told, told.not_told) == (("361128", "361100"), ("361127", "442000"))


def test_documents_are_known_by_pack_id_address_or_map() -> None:
    address = f"http://127.0.0.1:18600/emergency/sgkb/202610/{token_of('a1-0113')}.html"
    by_map = judged(alert("a1-0113", level=2) | {"documents": ["d1", "d2"]}, names={"d1": address})
    assert by_map.incidents[2].documents_in_alerts == 1
    assert by_map.unmapped_documents == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (alert("a1-0022", level=1), ["harmless"]),  # a plan
        (alert("a1-0001", level=1), ["harmless"]),  # level 0, in no list of traps
        (alert("a1-0022", "a1-0113", level=2), []),  # a real risk is in it
        (alert("a2-0217", "a2-0222", level=2), []),
        (alert("a2-0220", level=4), ["too_high"]),  # wrong place, unconfirmed
        (alert("a2-0127", level=2), ["not_withdrawn"]),
        (alert("a2-0127", level=2, state="closed"), []),
        (alert("a2-0127", "a2-0132", level=2), []),
        (alert("a1-0256", level=2, enterprises=["ENT0129"]), ["not_withdrawn", "wrong_firm"]),
        (alert("a1-0256", level=2, enterprises=["ENT0129"], state="dismissed"), []),
        (alert("a1-0256", level=1, enterprises=["ENT0129"]), []),  # lowered
        (alert("a1-0248", "a1-0256", level=3, enterprises=["ENT0043", "ENT0129"]), ["also_named"]),
        (alert("a1-0075", "a1-0306", level=2, enterprises=["ENT0140"]), []),
    ],
)
def test_alerts_that_should_not_stand_so_are_counted(line: dict[str, Any], expected: list[str]) -> None:
    assert whats(line) == expected


def test_a_revised_page_counts_once_under_its_first_id() -> None:
    assert judged(alert("a2-0231", level=4)).incidents[4].documents_in_alerts == 1
    assert TRUTH.resolve("a2-0231") == "a2-0224"


def test_no_alerts_at_all_miss_everything_and_break_nothing() -> None:
    empty = judged()
    assert (empty.alerted, empty.violations, empty.alerts_by_level) == (0, (), {})
    assert render(empty).count("MISSED") == 6 + sum(len(incident.escalations) for incident in empty.incidents)


def test_the_command_reads_lines_and_a_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines, names = tmp_path / "alerts.jsonl", tmp_path / "ids.jsonl"
    lines.write_text(json.dumps(alert("a1-0113", level=2) | {"documents": ["d1"]}) + "\n", encoding="utf-8")
    rows = [{"id": "d1", "url": f"http://x/{token_of('a1-0113')}"}, {"id": "d2", "url": "http://x/"}]
    names.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main([str(lines), "--map", str(names), "--day0", DAY_ZERO.isoformat()]) == 0
    assert "incidents alerted in time: 1 of 6" in capsys.readouterr().out


def test_the_flat_pack_carries_no_annotation_and_revisions_keep_their_address() -> None:
    rows = list(flat(DAY_ZERO))
    assert len(rows) == 675
    assert {key for row in rows for key in row} == {"id", "source", "source_type", "url", "title", "text", "published"}
    assert [row["published"] for row in rows] == sorted(row["published"] for row in rows)
    by_id = {row["id"]: row for row in rows}
    assert by_id["a1-0113"]["url"] == by_id["a1-0162"]["url"]
    assert datetime.fromisoformat(by_id["a1-0113"]["published"]).isoformat() == "2026-10-26T07:20:00+08:00"
