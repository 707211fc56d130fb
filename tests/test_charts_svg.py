"""Charts: valid markup, escaped texts, numbers where they belong."""

import re
from xml.etree import ElementTree

import pytest

from charts import svg

DRAWN = {
    "trend": svg.trend([1, 5, 2], [1, 1, 1], [3, 3, 3], label="末段 2 条", marks=[(1, 3)], notes=[(1, "5 条")]),
    "bars": svg.bars([[1, 0, 2, 0, 0], [0, 0, 0, 0, 0]], label="分布", links=[("/a", "一"), ("/b", "二")]),
    "spark": svg.spark([0, 1, 4], [2, 2, 2], 3, label="近 3 日"),
    "meter": svg.meter(3, 10, label="3/10"),
    "runs": svg.runs("ozf", label="近 3 次"),
    "lanes": svg.lanes(
        [svg.Lane("预警", dots=[(50, 4, "红")])], label="时间轴", ticks=[(0, "01")], as_of=(100, "今日")
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_every_chart_is_well_formed_and_says_what_it_shows(name: str) -> None:
    tree = ElementTree.fromstring(DRAWN[name])
    assert [node for node in tree.iter() if node.get("aria-label")]
    assert "style=" not in DRAWN[name]


@pytest.mark.parametrize(
    "drawn",
    [
        svg.trend([1], [1], [1], label='"><script>', notes=[(0, "<b>")], unit="<i>"),
        svg.bars([[1]], label="<script>", links=[('/?q="><script>', "<b>")], ticks=[(0, "<b>")]),
        svg.lanes([svg.Lane("<b>", spans=[(0, 5, "valid", "<i>")], dots=[(1, 1, "<b>")])], label="<", ticks=[]),
        svg.runs("", label="<script>"),
    ],
)
def test_texts_from_outside_are_escaped(drawn: str) -> None:
    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert "<i>" not in drawn


def test_an_empty_bar_is_no_link() -> None:
    assert DRAWN["bars"].count("<a ") == 1


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    assert ElementTree.fromstring(svg.bars([[0, 0, 0, 0, 0]] * 3, label="没有"))
    assert ElementTree.fromstring(svg.trend([0, 0], [0, 0], [0, 0], label="没有"))


@pytest.mark.parametrize("most", range(1, 21))
def test_a_chart_of_counts_has_no_half_of_one_on_its_axis(most: int) -> None:
    labels = re.findall(r'<text x="0"[^>]*>([^<]+)<', svg.bars([[most], [1]], label="每日"))
    assert len(labels) == 2
    assert all(float(label).is_integer() for label in labels)
