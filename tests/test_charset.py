"""Bytes to text: the bytes decide, what is broken is named, and nothing turns into other characters."""

import pytest

from crawlers.charset import decode_page

TEXT = "近日，安澜县市场监督管理局对城关镇一家五金店进行检查，发现该店销售的电热水袋没有中文标识，责令停止销售。"
TRADITIONAL = "消費者委員會公布測試結果，幼童使用時有機會翻側受傷，建議停止使用。"


def page(body: bytes, declared: str = "") -> bytes:
    meta = f'<meta charset="{declared}">' if declared else ""
    return f"<html><head>{meta}<title>x</title></head><body>".encode() + body + b"</body></html>"


@pytest.mark.parametrize(
    ("real", "declared", "header"),
    [
        ("utf-8", "gb2312", ""),
        ("utf-8", "", "text/html; charset=GBK"),
        ("gb18030", "", ""),
        ("gb18030", "utf-8", ""),
        ("gb18030", "iso-8859-1", ""),
        ("gb18030", "gbk", "text/html; charset=utf-8"),
        ("gb18030", "", "text/html; charset=ISO-8859-1"),
        ("utf-8", "utf-16", ""),
        ("utf-8", "utf8mb4", ""),
        ("utf-16-le", "", ""),
        ("utf-16-be", "utf-16", ""),
    ],
)
def test_chinese_is_read_whatever_is_declared(real: str, declared: str, header: str) -> None:
    whole = page(b"@", declared).decode().replace("@", TEXT).encode(real)
    assert TEXT in decode_page(whole, content_type=header or None).text


@pytest.mark.parametrize(
    ("text", "real"),
    [
        (TRADITIONAL, "big5"),
        ("Rappel de poêles à gaz – brûlures, danger d’incendie", "cp1252"),
        ("ヒーターの自主回収について、発火のおそれがあります", "cp932"),
        ("ゲーム三昧な正月。ずっとプレイしている", "euc_jp"),
    ],
)
def test_what_nobody_declares_is_told_by_how_it_reads(text: str, real: str) -> None:
    decoded = decode_page(page(text.encode(real)))
    assert text in decoded.text
    assert any(decoded.encoding in problem for problem in decoded.problems())


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("declared", ["", "utf-8", "gbk"])
@pytest.mark.parametrize("places", [1, 3, 5])
def test_broken_bytes_cost_their_characters_and_no_more(encoding: str, declared: str, places: int) -> None:
    broken = TEXT
    for place in range(places):
        at = 5 + 9 * place
        broken = broken[:at] + "\0" + broken[at + 1 :]
    decoded = decode_page(page(broken.encode(encoding).replace(b"\0", b"\xff"), declared))
    assert decoded.encoding == encoding
    assert broken.replace("\0", "\ufffd") in decoded.text
    assert decoded.replaced == places
    assert any("U+FFFD" in problem for problem in decoded.problems())


def test_a_lost_byte_does_not_shift_the_rest_of_a_gbk_page() -> None:
    at = len("近日，安澜县".encode("gbk"))
    data = TEXT.encode("gbk")
    decoded = decode_page(page(data[:at] + data[at + 1 :], "gbk"))
    assert TEXT[7:] in decoded.text


@pytest.mark.parametrize(("page_in", "piece_in"), [("utf-8", "gbk"), ("gbk", "utf-8")])
def test_a_piece_in_another_charset_is_read_as_such(page_in: str, piece_in: str) -> None:
    data = page(TEXT.encode(page_in) + "广告：点击领取优惠券".encode(piece_in) + TEXT.encode(page_in), page_in)
    decoded = decode_page(data)
    assert f"{TEXT}广告：点击领取优惠券{TEXT}" in decoded.text
    assert decoded.mended == 1


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Caf\xe9 und R\xfcckruf: " + "召回公告".encode(), "Café und Rückruf: 召回公告"),
        ("起火".encode() + b"\xed\xa0\xbd\xed\xb4\xa5", "起火🔥"),
        ("召回公告…".encode().decode("latin-1").encode(), "召回公告…"),
        ("it’s".encode().decode("cp1252").encode(), "it’s"),
    ],
)
def test_pieces_of_western_text_halved_emoji_and_what_was_encoded_twice_are_mended(data: bytes, text: str) -> None:
    assert text in decode_page(page(data, "utf-8")).text


@pytest.mark.parametrize("text", ["MARCHÉ» «É", "NÃO", "20 °C, 5 µm, £5", "Ørsted åbner"])
def test_sound_text_is_left_alone(text: str) -> None:
    decoded = decode_page(page(text.encode(), "utf-8"))
    assert text in decoded.text
    assert list(decoded.problems()) == []


def test_a_declared_charset_that_fits_is_believed_even_for_one_word() -> None:
    assert "联通" in decode_page(page("联通".encode("gbk"), "gbk")).text
    assert "Отзыв игрушек" in decode_page(page("Отзыв игрушек".encode("koi8-r"), "koi8-r")).text
