"""The recogniser: what it finds, what it reads, what it refuses, and that nothing heavy loads before it is asked."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from config.lexicon import load_lexicon, load_registry_csv
from config.recogniser import recogniser_folder
from core.errors import ConfigError, UsageError
from nlp.analyze import Analyzer
from nlp.recogniser import ModelCard, load_recogniser, read_card
from nlp.recogniser.bio import spans_of, to_bio
from nlp.recogniser.features import features
from nlp.recogniser.unlisted import RULE
from nlp.segment import Segmenter
from tests.command_line import run_here
from training.crf import train_crf
from training.examples import Example, read_examples
from training.folds import cross_validate, figures, fold_of

PROJECT = Path(__file__).resolve().parent.parent
CONFIG = PROJECT / "config"
SHIPPED = CONFIG / "models" / "firms"


@pytest.fixture(scope="module")
def lexicon():
    return load_lexicon(CONFIG)


@pytest.fixture(scope="module")
def asking(lexicon):
    return Analyzer(lexicon, (), recogniser_folder(CONFIG))


@pytest.fixture(scope="module")
def small_model(tmp_path_factory):
    texts = [
        f"记者联系{name}的人，对方没有回应" for name in ("青禾电缆", "恒瑞灯饰", "磊达建材", "安宁车业", "宏宇玩具") * 4
    ]
    examples = [Example(text, ((4, 8),), group=text) for text in texts]
    folder = tmp_path_factory.mktemp("model")
    train_crf(examples, folder, Segmenter().cut, title="small")
    return folder


def names_by_model(analyzer: Analyzer, text: str) -> list[str]:
    return [mention.text for mention in analyzer.analyze("", text).mentions if mention.rule == RULE]


def test_a_short_name_in_a_sentence_of_risk_is_found(asking):
    assert names_by_model(asking, "电动自行车起火一事，鹏岚车业相关负责人昨日称正在核实。") == ["鹏岚车业"]


def test_without_a_model_it_is_not(lexicon):
    assert not names_by_model(Analyzer(lexicon, ()), "电动自行车起火一事，鹏岚车业相关负责人昨日称正在核实。")


def test_sentences_without_product_or_risk_word_are_not_read(asking):
    assert names_by_model(asking, "鹏岚车业相关负责人昨日出席了座谈。") == []


def test_sentences_that_name_a_registered_firm_are_not_read(lexicon):
    registry = load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")
    analyzer = Analyzer(lexicon, registry, SHIPPED)
    listed = registry[0].name
    assert names_by_model(analyzer, f"{listed}的涂料不合格，鹏岚车业相关负责人称与其无关。") == []


def test_a_description_is_not_a_name(asking):
    assert names_by_model(asking, "我在吉安县敦厚镇超市买的电水壶漏电。") == []


def test_offsets_count_characters_of_the_original(asking):
    text = "😭电动自行车　起火一事，鹏岚车业相关负责人昨日称正在核实。"
    (mention,) = [m for m in asking.analyze("", text).mentions if m.rule == RULE]
    assert text[mention.start : mention.end] == "鹏岚车业"
    assert mention.id_or_norm == "NIL:鹏岚车业"
    assert 0.5 <= mention.confidence <= 1


def test_the_shipped_model_is_small_and_its_card_has_figures():
    size = sum(path.stat().st_size for path in SHIPPED.iterdir())
    card = read_card(SHIPPED)
    assert size < 15_000_000
    assert card.seed is not None
    assert card.figures["f1"] > 0.7


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "a", "\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace"), "公司" * 300]
)
def test_any_sentence_can_be_read(small_model, text):
    (spans,) = load_recogniser(small_model, Segmenter().cut).find([text])
    assert all(0 <= span.start < span.end <= len(text) for span in spans)


def test_starting_up_loads_no_model_library():
    heavy = "'pycrfsuite', 'onnxruntime', 'transformers', 'tokenizers', 'torch'"
    program = (
        "import sys, pathlib, cli, commands.reading, commands.model, commands.assemble, nlp.recogniser\n"
        "from config.lexicon import load_lexicon; from nlp.analyze import Analyzer\n"
        f"Analyzer(load_lexicon(pathlib.Path({str(CONFIG)!r})), (), pathlib.Path({str(SHIPPED)!r}))\n"
        f"print([name for name in ({heavy}) if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- labels ----------------------------------------------------------------------------------------------------------


def test_labels_go_there_and_back():
    tags = to_bio(9, [(0, 2), (2, 4), (6, 9)])
    assert [(s.start, s.end) for s in spans_of(tags, [1.0] * 9, ("FIRM",))] == [(0, 2), (2, 4), (6, 9)]


def test_a_span_is_as_sure_as_its_least_sure_character():
    (span,) = spans_of(["B-FIRM", "I-FIRM", "O"], [0.9, 0.6, 0.1], ("FIRM",))
    assert span.score == pytest.approx(0.6)


def test_types_that_are_no_firms_are_left_out_and_end_a_firm():
    spans = spans_of(["B-ORG", "I-ORG", "I-PER", "I-ORG"], [1.0] * 4, ("ORG",))
    assert [(s.start, s.end) for s in spans] == [(0, 2), (3, 4)]


def test_every_character_has_features():
    assert len(features("鹏岚车业着火", ["鹏岚", "车业", "着火"])) == 6


# -- model folders ---------------------------------------------------------------------------------------------------


def test_a_folder_without_card_is_refused(tmp_path, lexicon):
    with pytest.raises(ConfigError, match=r"recogniser\.json"):
        Analyzer(lexicon, (), tmp_path)


@pytest.mark.parametrize(
    "card", ['{"kind": "pickle"}', '{"kind": "crf", "code": "x"}', '{"kind": "crf", "threshold": 2}', "["]
)
def test_a_wrong_card_is_refused(tmp_path, card):
    (tmp_path / "recogniser.json").write_text(card)
    with pytest.raises(ConfigError):
        read_card(tmp_path)


def test_a_file_that_is_no_crfsuite_model_is_refused(tmp_path):
    (tmp_path / "recogniser.json").write_text(ModelCard(kind="crf").model_dump_json())
    with pytest.raises(ConfigError, match="missing"):
        load_recogniser(tmp_path, list)
    (tmp_path / "model.crfsuite").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ConfigError, match="not a CRFsuite model"):
        load_recogniser(tmp_path, list)


def test_the_choice_is_a_folder_or_none(tmp_path):
    assert recogniser_folder(tmp_path) is None
    (tmp_path / "models").mkdir()
    choice = tmp_path / "models" / "recogniser.yml"
    choice.write_text("model: null\n")
    assert recogniser_folder(tmp_path) is None
    choice.write_text("model: mine\n")
    assert recogniser_folder(tmp_path) == tmp_path / "models" / "mine"
    choice.write_text("modle: mine\n")
    with pytest.raises(ConfigError, match="modle"):
        recogniser_folder(tmp_path)


# -- training --------------------------------------------------------------------------------------------------------


def test_a_trained_model_finds_what_it_has_not_seen(small_model):
    model = load_recogniser(small_model, Segmenter().cut)
    (spans,) = model.find(["记者联系泰和五金的人，对方没有回应"])
    assert [(span.start, span.end) for span in spans] == [(4, 8)]


def test_training_twice_gives_the_same_file(small_model, tmp_path):
    again = [Example("记者联系青禾电缆的人", ((4, 8),), group=str(at)) for at in range(5)]
    for name in ("a", "b"):
        train_crf(again, tmp_path / name, Segmenter().cut, title="same")
    assert (tmp_path / "a" / "model.crfsuite").read_bytes() == (tmp_path / "b" / "model.crfsuite").read_bytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"text": "青禾电缆回应", "spans": [[0, 4]]}\n'),
        (
            "b.jsonl",
            '{"text": "青禾电缆回应", "label": {"FIRM": {"青禾电缆": [[0, 3]]}, "name": {"回应": [[4, 5]]}}}\n',
        ),
        ("c.bio", "青 B-FIRM\n禾 I-FIRM\n电 I-FIRM\n缆 I-FIRM\n回\tO\n应\tB-PER\n\n"),
    ],
)
def test_three_formats_mean_the_same(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    (example,) = read_examples(path)
    assert (example.text, example.spans) == ("青禾电缆回应", ((0, 4),))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"text": "青禾", "spans": [[0, 9]]}', "line 1: span 0-9"),
        ("a.jsonl", '{"text": "青禾电缆", "spans": [[0, 3], [2, 4]]}', "overlaps"),
        ("a.jsonl", '{"words": 1}', "line 1"),
        ("a.bio", "青 B-FIRM\n禾电 I-FIRM\n", "line 2"),
        ("a.bio", "青 O\n", "no labelled firm"),
    ],
)
def test_wrong_data_is_refused_with_its_line(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        read_examples(path)


def test_a_group_is_never_split_over_folds():
    assert len({fold_of(Example(str(at), (), group="one")) for at in range(20)}) == 1


def test_figures_are_strict(small_model):
    model = load_recogniser(small_model, Segmenter().cut)
    right = Example("记者联系青禾电缆的人，对方没有回应", ((4, 8),))
    assert figures(model, [right])["f1"] == 1
    assert figures(model, [Example(right.text, ((4, 7),))])["f1"] == 0
    values = cross_validate([right] * 3, lambda _: model, folds=[fold_of(right)])
    assert values["f1_user"] == 1


def test_the_command_line_trains_and_shows(tmp_path):
    rows = [{"text": f"记者联系{name}的人", "spans": [[4, 8]]} for name in ("青禾电缆", "恒瑞灯饰", "磊达建材")]
    data = tmp_path / "data.jsonl"
    data.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    trained = run_here("model", "train", str(data), "--out", str(tmp_path / "m"))
    assert trained.returncode == 0, trained.stderr
    done = run_here("model", "show", str(tmp_path / "m"), "--json")
    assert json.loads(done.stdout)["kind"] == "crf"


# -- the transformer path --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def onnx_model():
    return load_recogniser(PROJECT / "tests" / "models" / "tiny_onnx", list)


def test_a_converted_model_finds_firms_without_torch(onnx_model):
    assert "torch" not in sys.modules
    (spans,) = onnx_model.find(["记者联系鹏岚车业的人，对方没有回应"])
    assert [(span.start, span.end) for span in spans] == [(4, 8)]


def test_a_batch_reads_as_single_sentences_do(onnx_model):
    texts = ["记者联系鹏岚车业的人，对方没有回应", "", "天气不错", "恒瑞灯饰生产的灯不合格。"]
    together = onnx_model.find(texts)
    alone = [onnx_model.find([text])[0] for text in texts]
    assert [[(s.start, s.end) for s in spans] for spans in together] == [[(s.start, s.end) for s in x] for x in alone]
    assert np.allclose([s.score for x in together for s in x], [s.score for x in alone for s in x], atol=0.1)


def test_a_sentence_longer_than_the_model_takes_is_cut(onnx_model):
    assert onnx_model.find(["消息" * 2000])


def test_it_can_be_selected_in_place_of_the_default(lexicon):
    analyzer = Analyzer(lexicon, (), PROJECT / "tests" / "models" / "tiny_onnx")
    assert "鹏岚车业" in names_by_model(analyzer, "电动自行车起火一事，记者联系鹏岚车业的人，对方没有回应。")


def test_a_broken_onnx_file_is_refused(tmp_path):
    source = PROJECT / "tests" / "models" / "tiny_onnx"
    for path in source.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(ConfigError, match="not a model"):
        load_recogniser(tmp_path, list)


def test_converting_without_torch_says_what_to_install(tmp_path):
    done = run_here("model", "convert", str(tmp_path), "--out", str(tmp_path / "o"))
    assert done.returncode == 2
    assert "training/requirements.txt" in done.stderr or "not a token-classification folder" in done.stderr
