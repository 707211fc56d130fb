"""Every decision can be shown with its rule, words and numbers."""

import contextlib
import json
import math
from pathlib import Path

import pytest

from cli import main
from config.lexicon import load_lexicon, load_registry_csv
from nlp.analyze import Analyzer
from nlp.explain import explain

CONFIG = Path(__file__).resolve().parent.parent / "config"
TEXT = "江西云骓智能科技有限公司生产的电动自行车电池鼓包起火，致2人受伤，未发现人员死亡。"


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    return Analyzer(load_lexicon(CONFIG), load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv"))


def test_the_numbers_of_the_card_sum_to_the_score(analyzer):
    found = analyzer.analyze("", TEXT)
    score = explain(analyzer, "", TEXT, found)["score"]
    points = score["base"] + sum(row["points"] for row in score["card"]) + score["wording"]["points"]
    assert points == pytest.approx(score["points"], abs=0.01)
    assert 1 / (1 + math.exp(-points)) == pytest.approx(found.score, abs=0.005)


def test_every_mention_names_its_rule_and_a_denied_one_its_reason(analyzer):
    told = explain(analyzer, "", TEXT, analyzer.analyze("", TEXT))
    assert all(mention["rule"] for mention in told["mentions"])
    death = next(mention for mention in told["mentions"] if mention["text"] == "死亡")
    assert death["not_counted_because"] == "negation"


def test_open_namesakes_show_their_candidates(analyzer):
    shown = explain(analyzer, "", "鑫茂隆的电线起火。", analyzer.analyze("", "鑫茂隆的电线起火。"))
    open_links = [mention for mention in shown["mentions"] if mention.get("candidates")]
    assert all(mention["id_or_norm"] is None and mention["confidence"] < 0.8 for mention in open_links)


def test_level_place_and_counts_are_told(analyzer):
    told = explain(analyzer, "", TEXT, analyzer.analyze("", TEXT))
    assert (told["level"]["level"], told["level"]["why"]) == (2, told["level"]["factors"][0]["why"])
    assert [factor["factor"] for factor in told["level"]["factors"]] == ["severity", "likelihood", "reach"]
    assert told["jurisdiction"].startswith("管辖：")
    assert told["counts"]["injured"] == 2


def test_each_factor_of_the_level_quotes_its_sentence_masked(analyzer):
    text = "昨晚电动自行车爆炸，造成2人重伤，家属电话13812345678。市监局已查封该批电动自行车，产品流向5个省。"
    factors = explain(analyzer, "", text, analyzer.analyze("", text))["level"]["factors"]
    assert [factor["grade"] for factor in factors] == [3, 2, 3]
    assert "造成2人重伤" in factors[0]["reason"]
    assert "1381234" not in factors[0]["reason"]
    assert "市监局已查封该批电动自行车" in factors[1]["reason"]


def test_a_headline_is_explained_by_its_own_card(analyzer):
    told = explain(analyzer, "充电宝充电时爆燃", "", analyzer.analyze("充电宝充电时爆燃", ""))
    assert told["card"] == "headlines.yaml"
    assert told["score"]["reasons"]


def test_the_command_adds_the_explanation_only_when_asked(tmp_path, capsys):
    file = tmp_path / "texts.jsonl"
    file.write_text(json.dumps({"id": "1", "text": TEXT}, ensure_ascii=False) + "\n", encoding="utf-8")
    command = ["analyze", str(file), "--registry", str(CONFIG / "lexicons" / "enterprises_demo.csv")]
    answers = []
    for extra in ([], ["--explain"]):
        with contextlib.suppress(SystemExit):
            main([*command, *extra])
        answers.append(json.loads(capsys.readouterr().out))
    assert "explain" not in answers[0]
    assert answers[1]["explain"]["score"]["card"]
