"""Templates and styles keep the design's rules (docs of the desk, section 11)."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parent.parent / "web"
TEMPLATES = sorted((WEB / "templates").glob("*.html"))


def said(html: str) -> str:
    """A template without its own statements and comments: what can reach a reader, plus markup."""
    return re.sub(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", "", html, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_style_or_script_inside_a_template(path: Path) -> None:
    html = path.read_text(encoding="utf-8")
    assert "style=" not in html
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]*\ssrc=)", html)
    assert not re.search(r"\son[a-z]+=", html)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_word_the_desk_does_not_use(path: Path) -> None:
    text = said(path.read_text(encoding="utf-8")).replace("<!doctype", "")
    for word in ("！", "!", "成功", "请您", "抱歉", "工单", "黑名单"):
        assert word not in text


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_only_drawn_charts_skip_escaping(path: Path) -> None:
    for name in re.findall(r"\{\{\s*([^}]*?)\|safe\s*\}\}", path.read_text(encoding="utf-8")):
        assert re.fullmatch(
            r'(preview\.)?chart(\.drawn)?|marks|days|picture|runs\(state\)|sparks\.get\(alert\.id, ""\)', name
        )


def test_no_literal_colour_outside_the_tokens() -> None:
    css = (WEB / "static" / "desk.css").read_text(encoding="utf-8")
    found = re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\([^)]*\)", css)
    assert found == ["rgba(10, 16, 15, .45)"]  # the dialog's backdrop lies over every theme


@pytest.mark.parametrize("path", sorted(WEB.rglob("*.py")), ids=lambda path: str(path.relative_to(WEB)))
def test_sentences_in_code_keep_the_same_words(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace("。！？", "")  # where sentences end, as a pattern
    for word in ("！", "成功", "请您", "抱歉"):
        assert word not in text
