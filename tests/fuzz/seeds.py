"""What fuzzing begins with: honest inputs, and all that once broke something (tests/hostile/found/<target>/)."""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FOUND = Path(__file__).resolve().parent.parent / "hostile" / "found"
RSS = (
    "<?xml version='1.0' encoding='gb2312'?><rss version='2.0'><channel><title>甲</title><item><title>召回公告</title>"
    "<link>/a.html</link><pubDate>Tue, 05 May 2026 09:30:00 +0800</pubDate><description>&lt;p&gt;三批次&lt;/p&gt;"
    "</description></item></channel></rss>"
)
PAGE = (
    "<html><head><meta charset=gbk><title>通告</title></head><body><h1>通告</h1><div class=info>发布时间：2026-11-20 09:30 "
    "来源：甲 浏览：3</div><p>市监局抽查三批次产品，两批次不合格。</p><table><tr><td colspan=2>甲</td></tr><tr><td>1</td>"
    "<td>2</td></tr></table><script>var a={'title':'通告'};</script></body></html>"
)
BOUNCE = (
    "From: mailer-daemon@a.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n"
    "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\nOriginal-Envelope-Id: n0123456789abcdef\n\n"
    "Final-Recipient: rfc822; a@a.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no\n\n--b--\n"
)
SEEDS: Mapping[str, Sequence[bytes]] = {
    "feed": (
        RSS.encode("gb18030"), RSS.replace("gb2312", "utf-8").encode(),
        b'{"version":"https://jsonfeed.org/version/1.1","title":"a","items":[{"title":"b","date_published":"2026-05-05"}]}',
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="html">a</title><updated>2026-05-05</updated></entry></feed>',
    ),
    "dates": tuple(
        one.encode() for one in (
            "2026-11-20 09:30", "二〇二六年十一月二十日", "3小时前", "昨天 10:00", "Tue, 05 May 2026 09:30:00 +0800", "20261120",
            "1763600000", "5/11/2026", "2026年11月", "11月20日", "前天", "t20261120_1.html",
        )
    ),
    "charset": (PAGE.encode("gbk"), PAGE.encode(), PAGE.encode("utf-16"), "召回".encode("big5"), b"\xef\xbb\xbfa"),
    "query": tuple(
        one.encode() for one in (
            "(起火 or 冒烟) and not 辟谣", "级别>=3 and 产品:电动自行车", "提及:{类型:企业 and 编号:ENT*}", '"燃气 泄漏" 时间:近7天',
            "标题:*起火*", "来源:(a or b)", "时间:2026年第3季度", "分数<0.5",
        )
    ),
    "rows": (
        "企业名称,统一社会信用代码\n甲厂,91361003YX9100005J\n".encode("gbk"), '[{"企业名称":"甲厂","a":[1,{"b":null}]}]'.encode(),
        '{"企业名称":"甲"}\n{"企业名称":"乙"}\n'.encode(), "企业名称;a\n\"甲\n乙\";1\n".encode("utf-16"),
    ),
    "bounce": (BOUNCE.encode(),),
    "page": (PAGE.encode("gbk"), PAGE.encode()),
    "attached": (b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", "甲,乙\n1,2\n".encode(), b"<html><table><tr><td>1</td></tr></table>"),
    "record": (b'{"data":{"list":[{"title":"a","id":1}]}}', b'cb({"a":[1]})', b'{"a":1}\n{"a":2}\n'),
    "matchers": ("level=yellow、firm=~\"云骓.*\"".encode(), b'territory!=360100, rule!~"a|b"'),
}  # fmt: skip


def found_of(target: str) -> list[bytes]:
    """The kept inputs of a target."""
    return [path.read_bytes() for path in sorted((FOUND / target).glob("*"))]


PIECES = (
    b"\0", b"\xff", b"\xed\xa0\x80", b"\xf0\x9f\x94\xa5", b"<", b">", b"&", b'"', b"'", b"[" * 300, b"{" * 300, b"<div>" * 50,
    b"9" * 5000, "²".encode(), "③".encode(), "٣".encode(), "\u202e".encode(), "\ufeff".encode(), b"\r\n", b"\x1a", b"-1",
    b"1e999", b"NaN", b"2026-02-30", b"0000-00-00", b"9999-12-31", b"%00", b"&#0;", b"&#x110000;", b"&#xd800;", b"<![CDATA[",
    b"<!--", b"]]>", b"\\ud800", b"(((", b"=", b",", b";", b"\t", "年".encode(), "月".encode(), "日".encode(),
)  # fmt: skip


def mutations(seeds: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Without end: a seed with some bytes changed, cut, doubled, joined to another's, or with a nasty piece put in."""
    while True:
        made = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(made) + 1)
            match chance.randrange(6):
                case 0 if made:
                    made[place % len(made)] = chance.randrange(256)
                case 1:
                    made[place:place] = chance.choice(PIECES)
                case 2:
                    del made[place : place + chance.randint(1, 20)]
                case 3:
                    made[place:place] = made[place : place + chance.randint(1, 60)] * chance.randint(1, 20)
                case 4:
                    other = chance.choice(seeds)
                    made[place:] = other[chance.randrange(len(other) + 1) :]
                case _:
                    made[place:place] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
        yield bytes(made[:50_000])
