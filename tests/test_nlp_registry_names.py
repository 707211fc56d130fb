"""A compiled registry answers like one in memory, and refuses a broken file."""

import json
from pathlib import Path

import pytest

from cli import main
from config.lexicon import load_lexicon, load_registry_csv
from core.errors import ConfigError
from core.records import RegistryEntry
from nlp.analyze import Analyzer
from nlp.registry_names import CompiledNames, compile_registry

CONFIG = Path(__file__).resolve().parent.parent / "config"
TEXTS = [
    "江西光明线缆有限公司生产的电线经抽查导体电阻不合格。",
    "疾风狐电动自行车起火，赣翼车业回应。",
    "鑫茂隆的电线起火。",
    "丰城市一疾风狐店里改装电池，丰城市监管人员查封。",
]


@pytest.fixture(scope="module")
def registry() -> tuple[RegistryEntry, ...]:
    return load_registry_csv(CONFIG / "lexicons" / "enterprises_demo.csv")


@pytest.fixture(scope="module")
def compiled(registry, tmp_path_factory) -> Path:
    file: Path = tmp_path_factory.mktemp("registry") / "registry.bin"
    compile_registry(registry, file)
    return file


def test_the_compiled_registry_reads_texts_like_the_one_in_memory(registry, compiled):
    lexicon = load_lexicon(CONFIG)
    built, opened = Analyzer(lexicon, registry), Analyzer(lexicon, CompiledNames(compiled))
    for text in TEXTS:
        assert opened.analyze("", text) == built.analyze("", text)


def test_every_entry_comes_back_as_it_was(registry, compiled):
    names = CompiledNames(compiled)
    assert len(names.entries) == len(registry)
    assert all(names.entries[entry.id] == entry for entry in registry)
    assert names.entries.get("ENT9999") is None


def test_an_empty_registry_can_be_compiled_too(tmp_path):
    compile_registry((), tmp_path / "none.bin")
    names = CompiledNames(tmp_path / "none.bin")
    assert (names.find_all("任何文字"), len(names.entries)) == ([], 0)


@pytest.mark.parametrize("damage", ["missing", "cut", "foreign"])
def test_a_broken_file_is_refused_by_name(compiled, tmp_path, damage):
    file = tmp_path / "registry.bin"
    if damage == "cut":
        file.write_bytes(compiled.read_bytes()[:-100])
    elif damage == "foreign":
        file.write_bytes(b"PK\x03\x04" * 100)
    with pytest.raises(ConfigError, match=r"registry\.bin"):
        CompiledNames(file)


def run(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as stop:
        main(list(words))
    return stop.value.code


def test_the_commands_compile_a_registry_and_read_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    compiled, texts = tmp_path / "firms.bin", tmp_path / "texts.jsonl"
    texts.write_text('{"id": "1", "title": "", "text": "炽锂的电池又起火了"}\n', encoding="utf-8")
    csv, data = str(CONFIG / "lexicons" / "enterprises_demo.csv"), ("--data", str(tmp_path / "data"))
    assert run("enterprises", "compile", "--registry", csv, "--out", str(compiled), "--json", *data) == 0
    assert json.loads(capsys.readouterr().out)["firms"] == 300
    assert run("analyze", str(texts), "--registry", str(compiled), *data) == 0
    [mention] = [m for m in json.loads(capsys.readouterr().out)["mentions"] if m["type"] in ("brand", "enterprise")]
    assert mention["id_or_norm"] == "ENT0291"
    compiled.write_bytes(b"FSREG000" + compiled.read_bytes()[8:])
    assert run("analyze", str(texts), "--registry", str(compiled), *data) not in (0, None)
    assert "compile it again" in capsys.readouterr().err
