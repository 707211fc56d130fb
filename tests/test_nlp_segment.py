"""Words for the index: the same for documents and queries, dictionary words whole."""

from nlp import segment
from nlp.segment import Segmenter


def test_dictionary_words_stay_whole():
    assert "疾风狐" in Segmenter(["疾风狐"]).words("疾风狐牌电动自行车")


def test_width_case_and_script_do_not_matter():
    segmenter = Segmenter()
    assert segmenter.words("電動車ＡＢＣ") == segmenter.words("电动车abc")


def test_punctuation_is_no_word_and_cut_loses_nothing():
    segmenter = Segmenter()
    assert segmenter.words("起火，了！") == ["起火", "了"]
    assert "".join(segmenter.cut("起火，了！\n👏")) == "起火，了！\n👏"


def test_without_the_binding_the_pure_python_segmenter_serves(monkeypatch):
    monkeypatch.setattr(segment, "rjieba", None)
    segmenter = Segmenter(["疾风狐"])
    assert "疾风狐" in segmenter.words("疾风狐牌电动自行车")
    assert segmenter.knows("中国")
    assert not segmenter.knows("疾风狐鼠")
