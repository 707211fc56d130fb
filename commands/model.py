"""The recogniser of firms that no list has: model show, model train, model convert."""

import importlib
import json
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import typer

from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from config.recogniser import recogniser_folder
from core.errors import UsageError
from nlp.recogniser import read_card

OutOption = Annotated[Path, typer.Option("--out", help="folder of the new model")]
LabelOption = Annotated[
    list[str] | None, typer.Option("--label", help="entity type that is a firm; repeat for several (FIRM)")
]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="识别名录外企业的模型 (the model that finds firms no list has)", no_args_is_help=True)
    for command in (show, train, convert):
        group.command(command.__name__)(command)
    app.add_typer(group, name="model")


def show(
    folder: Annotated[Path | None, typer.Argument(help="a model folder (default: the one in use)")] = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """显示所用模型及其指标 (what the model is, its size, its figures)."""
    settings = settings_of(data, profile, log_level="WARNING")
    chosen = folder or recogniser_folder(settings.config)
    if chosen is None:
        print("null" if as_json else "未使用模型，只用名录与名称规则（config/models/recogniser.yml）")
        return
    card = read_card(chosen)
    size = sum(path.stat().st_size for path in chosen.iterdir() if path.is_file())
    if as_json:
        print(json.dumps({"folder": str(chosen), "bytes": size, **card.model_dump()}, ensure_ascii=False))
        return
    print(f"{card.title or chosen.name}（{card.kind}，{size / 1e6:.1f} MB）  {chosen}")
    print(f"企业类别：{'、'.join(card.labels)}　阈值：{card.threshold}")
    for name, value in card.figures.items():
        print(f"  {name:<24} {value:.3f}")


def train(
    data_file: Annotated[Path, typer.Argument(metavar="DATA", help="labelled sentences: .jsonl, else BIO lines")],
    out: OutOption,
    kind: Annotated[
        str, typer.Option("--kind", help="crf | onnx (transformer; needs training/requirements.txt)")
    ] = "crf",
    base: Annotated[Path | None, typer.Option("--base", help="onnx: Hugging Face folder to fine-tune")] = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, max=100, help="onnx: rounds over the data")] = 4,
    folds: Annotated[bool, typer.Option("--folds", help="crf: first measure on five folds of the data")] = False,
    label: LabelOption = None,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """用可用的标注数据训练模型 (trains a model; `recogniser.yml` then names its folder)."""
    settings_of(data, profile, log_level="WARNING")
    if kind not in ("crf", "onnx"):
        raise UsageError(f"--kind {kind}: accepted are crf and onnx")
    if base and kind == "crf":
        raise UsageError("--base is for --kind onnx: a CRF starts from nothing")
    examples = _part("examples").read_examples(data_file, tuple(label or ("FIRM",)))
    if kind == "crf":
        crf = _part("crf")
        cut = crf.segmenter().cut
        figures = crf.five_folds(examples, cut) if folds else {}
        crf.train_crf(examples, out, cut, title=data_file.name, figures=figures)
    else:
        whole = out / "huggingface"
        _part("transformer").train(examples, whole, base, epochs)
        _part("convert").convert(whole, out)
    print(f"{len(examples)} 句　{out}")


def convert(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Hugging Face token-classification folder")],
    out: OutOption,
    label: LabelOption = None,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """把 Hugging Face 模型转为 ONNX int8 (needs training/requirements.txt)."""
    settings_of(data, profile, log_level="WARNING")
    card = _part("convert").convert(folder, out, tuple(label or ()))
    print(f"企业类别：{'、'.join(card.labels)}　{out}")


def _part(name: Literal["examples", "crf", "transformer", "convert"]) -> ModuleType:
    """A module of training/, loaded only when asked for: torch is not among the system's requirements."""
    try:
        return importlib.import_module(f"training.{name}")
    except ModuleNotFoundError as problem:
        raise UsageError(
            f"{problem.name} is not installed; training a transformer and converting need: "
            "pip install -r training/requirements.txt"
        ) from problem
