"""What a crawl says is wrong is told in Chinese, wherever in the code it is said."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawlers.problem_words import in_chinese

CRAWLERS = Path(__file__).resolve().parent.parent / "crawlers"
SAYING = {
    "problem", "fail", "skip", "page_failed", "page_gone", "block", "never_there", "page_forbidden", "_missing",
    "Refused", "Unreachable", "Blocked", "Forbidden", "SourceChanged", "PageGone", "ArchiveFull", "TooHeavy", "_again",
}  # fmt: skip
OF_A_FILE = {"attached", "sniff"}
"""These speak Chinese themselves."""
ENGLISH = re.compile(r"[a-z]{2,} [a-z]{2,}")


def literal(node: ast.AST) -> str:
    """A text, with a figure in place of what is filled in; empty for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def said(path: Path) -> Iterator[str]:
    """The texts that are handed to one of those that tell."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        to_problems = name == "append" and "problems" in ast.unparse(node.func)
        if name in SAYING or to_problems:
            yield from (text for one in node.args for text in [literal(one)] if ENGLISH.search(text))


PROBLEMS = sorted(
    {text for path in CRAWLERS.rglob("*.py") if not OF_A_FILE & set(path.parts) for text in said(path)}
)  # fmt: skip


def test_the_code_has_problems_to_tell() -> None:
    assert len(PROBLEMS) > 40


@pytest.mark.parametrize("problem", PROBLEMS)
def test_no_problem_is_told_in_english_only(problem: str) -> None:
    assert ENGLISH.search(in_chinese(problem)) is None


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("0 rows, at least 1 expected", "列表读出 0 行，至少应有 1 行"),
        ("newest row is 3d old, 36h expected", "最新一行是 3 天 前的，应不超过 1 天 12 小时"),
        ("https://a.cn/list: no row matches 'ul.news li'", "https://a.cn/list: 列表页没有一行符合 'ul.news li'"),
        ("https://a.cn/: challenge page: 安全验证", "https://a.cn/: 验证页：安全验证"),
        ("HTTP 503, asks to come back in 7200 s", "HTTP 503 对方服务器出错，要求 7200 秒后再来"),
        (
            "robots.txt of https://a.cn is unreachable (a.cn cannot be resolved: Name or service not known): "
            "nothing is fetched",
            "https://a.cn 的 robots.txt 取不到（a.cn 解析不到地址），什么都不取",
        ),
        (
            "3 × a record without title and text was left out, first 'x y'",
            "3 × 没有标题和正文的记录，略过，例如 'x y'",
        ),
        ("历史 3 天", "历史 3 天"),
        ("something that nobody foresaw", "something that nobody foresaw"),
    ],
)
def test_a_problem_is_put_into_chinese_with_its_figures(problem: str, words: str) -> None:
    assert in_chinese(problem) == words


@pytest.mark.parametrize("piece", ["(", "a ", "1 of ", "x is ", "no row matches "])
def test_a_problem_full_of_a_page_s_own_text_takes_no_time(piece: str) -> None:
    assert in_chinese(piece * (500 // len(piece)))
