"""Feeds with something wrong, or odd, or hostile, with what must come of each. Firms and notices are invented."""

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

TITLE = "儿童滑板车召回公告"
TEXT = "因车轮脱落风险，安澜玩具厂召回三百二十一辆，消费者应立即停止使用并联系退货。"
DAY = "2026-05-05 09:30"
DATE = "Tue, 05 May 2026 09:30:00 +0800"
LINK = "http://b.cn/2.html"
URL = "http://b.cn/rss.xml"


@dataclass(frozen=True)
class Case:
    """problem: a word among the problems; "" none at all; None whatever.  title, link, date: None not looked at."""

    name: str
    data: bytes
    problem: str | None = ""
    title: str | None = TITLE
    link: str | None = None
    date: str | None = DAY
    contains: str = ""
    titles: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


def item(title: str = TITLE, link: str = LINK, date: str = DATE, text: str = TEXT, more: str = "") -> str:
    return (
        f"<item><title>{title}</title><link>{link}</link><pubDate>{date}</pubDate>"
        f"<description>{text}</description>{more}</item>"
    )


def rss(
    items: str = "", *, enc: str = "utf-8", head: str | None = None, attrs: str = "", title: str = "岚山通报"
) -> str:
    declaration = f'<?xml version="1.0" encoding="{enc}"?>' if head is None else head
    return (
        f'{declaration}<rss version="2.0"{attrs}><channel><title>{title}</title><link>http://b.cn/</link>'
        f"{items or item()}</channel></rss>"
    )


def feed(items: str = "", **more: str) -> bytes:
    return rss(items, **more).encode()


PLAIN = feed()
GBK = rss(enc="gb2312").encode("gb18030")
RISK = "险".encode()
BIG5 = rss(
    item("兒童學行車回收公告", text="因車輪脫落風險，消費者應立即停止使用並聯絡退貨。"), head="", title="消費者委員會"
)
DC = ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://b.cn/x/"><title>t</title><entry><title type="html">'
    '&lt;b&gt;儿童&lt;/b&gt;滑板车召回公告</title><link rel="alternate" href="../2.html"/><id>urn:2</id>'
    "<published>2026-05-05T09:30:00+08:00</published><updated>2026-06-01T00:00:00Z</updated></entry></feed>"
)
ONE: dict[str, Any] = {
    "id": "2",
    "url": LINK,
    "title": TITLE,
    "content_text": TEXT,
    "date_published": "2026-05-05T09:30:00+08:00",
}


def json_feed(**changes: Any) -> bytes:
    value = {"version": "https://jsonfeed.org/version/1", "title": "岚山", "items": [{**ONE, **changes}]}
    return json.dumps(value, ensure_ascii=False).encode()


CHARSETS = (
    Case("plain", PLAIN, link=LINK, contains="三百二十一辆"),
    Case("GBK that nobody declares", rss(head="").encode("gbk"), "gb18030", contains="三百二十一辆"),
    Case("GBK that says UTF-8", rss().encode("gbk"), "does not fit", contains="三百二十一辆"),
    Case("UTF-8 that says GBK", feed(enc="gbk"), "does not fit", contains="三百二十一辆"),
    Case(
        "UTF-8, header and head say GBK, a byte lost",
        feed(enc="gbk").replace(RISK, RISK[:2]),
        "read as utf-8",
        contains="三百二十一辆",
        headers={"Content-Type": "text/xml; charset=gbk"},
    ),
    Case("a broken byte in UTF-8", PLAIN.replace(RISK, RISK[:2]), "U+FFFD", contains="安澜玩具厂"),
    Case("a broken byte in undeclared UTF-8", feed(head="").replace(RISK, RISK[1:]), "U+FFFD", contains="安澜玩具厂"),
    Case("a broken byte in GBK", GBK.replace("险".encode("gbk"), b"\xff"), "U+FFFD", contains="三百二十一辆"),
    Case("a lost byte in GBK", GBK.replace("险".encode("gbk"), b"\xcf"), "U+FFFD", contains="三百二十一辆"),
    Case(
        "GBK with an item in UTF-8",
        rss(item() + "@@", enc="gbk").encode("gbk").replace(b"@@", item("电饭煲召回").encode()),
        "another charset",
        titles=(TITLE, "电饭煲召回"),
    ),
    Case(
        "UTF-8 with an item in GBK",
        PLAIN.replace(b"</channel>", item("电饭煲召回").encode("gbk") + b"</channel>"),
        "another charset",
        titles=(TITLE, "电饭煲召回"),
    ),
    Case(
        "French in Windows-1252 that says UTF-8",
        rss(item("Rappel de poêles à gaz – brûlures", text="Danger d’incendie"), title="Avis").encode("cp1252"),
        "cp1252",
        title="Rappel de poêles à gaz – brûlures",
        contains="d’incendie",
    ),
    Case(
        "ISO-8859-1 with the quotes of Windows",
        rss(item("The “safe” café", text="x"), enc="iso-8859-1", title="x").encode("cp1252"),
        title="The “safe” café",
    ),
    Case("Big5 that nobody declares", BIG5.encode("big5"), "big5", title="兒童學行車回收公告"),
    Case(
        "Shift_JIS",
        rss(item("ヒーターの自主回収"), enc="Shift_JIS", title="x").replace(TEXT, "発火").encode("cp932"),
        title="ヒーターの自主回収",
    ),
    Case(
        "KOI8-R",
        rss(item("Отзыв игрушек", text="опасность"), enc="koi8-r", title="x").encode("koi8-r"),
        title="Отзыв игрушек",
    ),
    Case("says UTF-16, is UTF-8", feed(enc="utf-16"), "utf-16"),
    Case("UTF-16 LE without a mark", rss(enc="utf-16").encode("utf-16-le")),
    Case("UTF-16 BE without a mark or declaration", rss(head="").encode("utf-16-be")),
    Case("UTF-32 with its mark", rss(enc="utf-32").encode("utf-32"), None),
    Case("a charset of nobody", feed(enc="utf8mb4"), "utf8mb4"),
    Case(
        "a charset of nobody in the header", PLAIN, "chinese-x", headers={"Content-Type": "text/xml; charset=chinese-x"}
    ),
    Case(
        "a page quoted in the text says GBK",
        feed(item(text=f"<![CDATA[<meta charset=gbk><p>{TEXT}</p>]]>")),
        contains="安澜玩具厂",
    ),
    Case(
        "an emoji as two surrogates", PLAIN.replace(RISK, b"\xed\xa0\xbd\xed\xb4\xa5"), "another charset", contains="🔥"
    ),
    Case("encoded twice", feed(item(TITLE.encode().decode("latin-1"))), "twice"),
)

FORMS = (
    Case(
        "HTML entities and a bare ampersand",
        feed(item("A&B&nbsp;&ldquo;安澜&rdquo; 召回&hellip;")),
        "malformed",
        title="A&B “安澜” 召回…",
    ),
    Case(
        "parameters that begin like entities",
        feed(item(link="http://b.cn/?x=1&amp=2&lt=3&copy=4&sect=6")),
        "malformed",
        link="http://b.cn/?x=1&amp=2&lt=3&copy=4&sect=6",
    ),
    Case(
        "an ampersand in CDATA",
        feed(item(link="<![CDATA[http://b.cn/?a=1&copy=2]]>")),
        link="http://b.cn/?a=1&copy=2",
    ),
    Case(
        "an entity of the feed's own",
        feed(item("&firm;召回"), head='<!DOCTYPE rss [<!ENTITY firm "安澜玩具厂">]>'),
        title="安澜玩具厂召回",
    ),
    Case("control characters", PLAIN.replace(RISK, b"\x01\x1b" + RISK), "control", contains="安澜玩具厂"),
    Case(
        "references to control characters", PLAIN.replace(RISK, b"&#11;&#x1f;&#0;" + RISK), "malformed", contains="风险"
    ),
    Case("the signs of Windows as references", feed(item(text="it&#146;s")), contains="it’s"),
    Case(
        "tag soup in the text", feed(item(text=f"<font color=red>{TEXT}<br></font></p>")), "malformed", contains="安澜"
    ),
    Case(
        "a prefix that nobody declared",
        feed(item(date="", more="<dc:date>2026-05-05T09:30+08:00</dc:date>")),
        "malformed",
    ),
    Case(
        "a warning of the server before it",
        b"<br />\n<b>Warning</b>: foo() on line 3<br />\n" + PLAIN,
        "before the feed",
    ),
    Case("cut off in a tag", feed(item() * 30)[:2500], "malformed"),
    Case("cut off in a character", feed(item() * 30)[:2001], "malformed"),
    Case(
        "a script between items",
        feed(item() + "<script>if(a<b&&c){x()}</script>" + item("二")),
        "malformed",
        titles=(TITLE, "二"),
    ),
    Case("a width out of its place", PLAIN.replace(b"<description>", b"<b>x</width></b><description>"), "malformed"),
    Case("gzip", gzip.compress(PLAIN, mtime=0)),
    Case("Atom, relative link, base", ATOM.encode(), link=LINK),
    Case("no title", feed(item("")), title=""),
)

LINKS_AND_DATES = (
    *(
        Case(f"the link {link}", feed(item(link=link)), "no link", link="")
        for link in (
            "JavaScript:alert(1)",
            "java&#10;script:x()",
            "data:text/html,x",
            "vbscript:x",
            "file:///etc/passwd",
        )
    ),
    Case("a link that is a name", feed(item(link="urn:uuid:1")), link="urn:uuid:1"),
    Case("a link in white space", feed(item(link=f"\n  {LINK}\n ")), link=LINK),
    Case("a date in the future", feed(item(date="2031-01-01")), "2031-01-01", date=""),
    Case("the beginning of time", feed(item(date="Thu, 01 Jan 1970 00:00:00 GMT")), "1970-01-01", date=""),
    Case("a date that is none", feed(item(date="soon")), "soon", date=""),
    Case("a day of two digits", feed(item(date="26-03-18")), "26-03-18", date=""),
    Case(
        "a date that is none and one that is",
        feed(item(date="soon", more="<dc:date>2026-05-05T09:30:00+08:00</dc:date>"), attrs=DC),
    ),
    Case("a Chinese date", feed(item(date="2026年5月5日 星期二 上午9:30"))),
    Case("a Chinese locale", feed(item(date="星期二, 05 五月 2026 09:30:00 +0800"))),
    Case("a Java date", feed(item(date="Tue May 05 09:30:00 CST 2026"))),
)

JSON = (
    Case("JSON Feed", json_feed(), link=LINK, contains="安澜玩具厂"),
    Case("JSON Feed in UTF-16", json.dumps(json.loads(json_feed())).encode("utf-16")),
    Case("JSON Feed, a broken byte", json_feed().replace(RISK, RISK[:2]), "U+FFFD", contains="安澜玩具厂"),
    Case("JSON Feed, a line break in a string", json_feed().replace(RISK, RISK + b"\n\t")),
    Case(
        "JSON Feed, what should be text is not",
        json_feed(title=["a"], authors="x", content_html={"a": 1}),
        None,
        title=None,
    ),
    Case("JSON Feed, a date beyond all", json_feed(date_published=1e308), "cannot be read", date=""),
    Case("JSON Feed, a link that runs code", json_feed(url="javascript:x"), "no link", link=""),
)

READ = (*CHARSETS, *FORMS, *LINKS_AND_DATES, *JSON)

HOSTILE = {
    "XXE": feed(head='<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>').replace(RISK, b"&x;"),
    "quadratic entity": feed(item(text="&q;" * 20_000), head=f'<!DOCTYPE r [<!ENTITY q "{"a" * 20_000}">]>'),
    "deep, well-formed": PLAIN.replace(b"<description>", b"<x>" * 30_000 + b"</x>" * 30_000 + b"<description>"),
    "deep, never closed": b"<rss><channel>" + b"<x>" * 50_000 + b"<item><title>a</title>",
    "brackets": b"<rss><channel><item>" + b"<" * 1_000_000,
    "attributes never closed": b"<rss><channel>" + b'<item a="' * 60_000,
    "comments never closed": b"<rss><channel><item><title>x</title>" + b"<!-- " * 200_000,
    "comments before": b"<!---->" * 100_000 + b"<x>",
    "CDATA never closed": b"<rss><channel><item><title>x</title>" + b"<![CDATA[" * 100_000,
    "200,000 attributes": b"<rss><channel><item "
    + b" ".join(b"a%d='1'" % n for n in range(200_000))
    + b"/></channel></rss>",
    "4,000,000 ampersands": b"<rss><channel><item><title>" + b"& " * 4_000_000,
    "200,000 prefixes": b"<rss><channel><item>" + b"".join(b"<p%d:x>" % n for n in range(200_000)),
    "3,000,000 entries": b"<rss version='2.0'><channel>" + b"<item><title>a</title></item>" * 300_000,
    "gzip bomb": gzip.compress(b"<rss>" + b"A" * 50_000_000, mtime=0),
    "the name of a file": b"/etc/passwd<rss >",
}
