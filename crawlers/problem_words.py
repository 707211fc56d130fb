"""Problems of a run in the words of the desk. They are noted in English, for logs and JSON; people read Chinese first.

A problem may hold another one ("http://…: the answer is no JSON: …"): each known phrase is put into Chinese where it
stands, and what is not known stays as it is.
"""

import re
from collections.abc import Callable

from core.durations import duration_words, parse_duration

SPAN = re.compile(r"\b\d+[wdhms]\b")


def _age_words(told: re.Match[str]) -> str:
    age, limit = (SPAN.sub(lambda span: duration_words(parse_duration(span[0])), one) for one in told.groups())
    return f"最新一行是 {age} 前的，应不超过 {limit}"


PHRASES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    # what the run says at its end
    (r"0 rows; expect\.min_items allows that, and it proves nothing", "列表 0 行；min_items 容许，但不能说明正常"),
    (r"(\d+) rows, at least (\d+) expected", r"列表读出 \1 行，至少应有 \2 行"),
    (r"0 rows, (\d+) the last time", r"列表读出 0 行，上次有 \1 行"),
    (r"newest row is (\w+) old, (\w+) expected", _age_words),
    (r"(\d+) of (\d+) pages could not be read", r"\2 页中 \1 页没有读成"),
    (r"robots\.txt forbids (\d+) of (\d+) pages", r"robots.txt 禁止访问 \2 页中的 \1 页"),
    (r"(\d+) new rows are left for later: too much waits to be read",
     r"待研读过多，\1 行新内容留待以后再取"),
    (r"(\d+) new rows beyond max_items \((\d+)\) are left: the next runs go on with them",
     r"超过 max_items（\2）的 \1 行新内容留待以后各次接着取"),
    (r"the site wants no visit before ([\d: -]+)", r"对方要求 \1 之前不再访问"),
    (r"a date that cannot be read or is not plausible \(kept in (\w+)\)", r"日期读不出或不合理（原文留在 \1）"),
    (r"a page that robots\.txt keeps from us was left out", "robots.txt 不许访问的页面，略过"),
    (r", first (?=['\"])", "，例如 "),
    (r"cut short: timeout", "到了单次时限（max_time），中途停下"),
    (r"cut short: errorcount", "差错太多，中途停下"),
    (r"cut short: ", "中途停下："),
    (r"list_url: (\S+) has no address: write it into (\S+)", r"list_url：\1 没有地址，请写进 \2"),
    (r"file_import needs a data folder", "file_import 需要数据目录"),
    (r"a document could not be saved: ", "有文档没能入库："),
    # lists
    (r"no row matches (.+)", r"列表页没有一行符合 \1"),
    (r"page (\d+) of the list repeats earlier rows", r"列表第 \1 页重复前面的行"),
    (r"page (\d+) of (\S+) repeats page 1", r"\2 第 \1 页重复第 1 页"),
    (r": the paging is not understood", "，翻页方式不对"),
    (r"selector for (\S+) found nothing: ", r"\1 的选择器什么也没找到："),
    (r"the answer is no JSON: .*", "回应不是 JSON"),
    (r"the gateway's answer is no JSON: .*", "网关的回应不是 JSON"),
    (r"the answer is no object and no list", "回应既不是对象也不是列表"),
    (r"the column page does not say (.+?)(?=;|$)", r"栏目页上没有 \1"),
    (r"; the ids of the source's file are used instead", "；改用配置里的编号"),
    (r"the column has more rows and names no dataproxy\.jsp \(key: proxy\)",
     "栏目还有更多行，但页面没有给出 dataproxy.jsp（配置 proxy）"),
    (r"nothing matches lookup\.regex: the page does not name its records", "页面上没有 lookup.regex 要找的编号"),
    (r"(.+) makes no address", r"\1 拼不成地址"),
    (r"success or cache expected", "success 或 cache expected"),
    (r"(\S+) is (.{1,82}), (.+) expected", r"\1 为 \2，应为 \3"),
    (r"a record without title and text was left out", "没有标题和正文的记录，略过"),
    (r"a record without an id was left out", "没有编号的记录，略过"),
    (r"no record has an id", "没有一条记录有编号"),
    (r"no report in the index \(element (.+?)\)", r"索引里没有报告（元素 \1）"),
    (r"no element (.+)", r"没有元素 \1"),
    (r"shape: custom needs items and map", "shape: custom 需要写 items 和 map"),
    # feeds
    (r"this is an HTML page", "这是网页，不是订阅文件"),
    (r"this is no feed", "这不是订阅文件"),
    (r"no entries", "没有条目"),
    (r"(\d+) of (\d+) entries ", r"\2 条中有 \1 条"),
    (r"have a date in the future or before 1990, (?:such as )?", "日期在将来或 1990 年以前，如 "),
    (r"have a date that cannot be read, such as ", "日期读不出，如 "),
    (r"have no date", "没有日期"),
    (r"have no link", "没有链接"),
    (r"have neither title nor text", "没有标题和正文"),
    (r"the answer is empty", "回应是空的"),
    (r"JSON, but no JSON Feed: version or items are missing", "是 JSON，但不是 JSON Feed：没有 version 或 items"),
    (r"a tag is longer than (\d+) characters", r"有标签长过 \1 字"),
    (r"(\d+) items are no objects", r"\1 条不是对象"),
    (r"malformed: (\d+) control characters, left out", r"格式有误：\1 个控制字符，略去"),
    (r"malformed: (\d+) characters before the feed, left out", r"格式有误：文件前面有 \1 个多余字符，略去"),
    (r"malformed: ", "格式有误："),
    (r"more than (\d+) tags and references: the rest is not read", r"标签和引用超过 \1 个，其余不读"),
    (r"more than (\d+) entries: the rest is not read", r"条目超过 \1 个，其余不读"),
    (r"longer than (\d+) bytes: the rest is not read", r"超过 \1 字节，其余不读"),
    (r"longer than (\d+) characters: the rest is not read", r"超过 \1 字，其余不读"),
    (r"looks like gzip and cannot be unpacked: .*", "像是 gzip，但解不开"),
    (r"unpacks to more than (\d+) times its size: not read", r"解压后超过原大小 \1 倍，不读"),
    (r"the declared charset (\S+) is not known, read as (\S+)", r"声明的编码 \1 不认识，按 \2 读"),
    (r"the declared charset (\S+) does not fit, read as (\S+)", r"声明的编码 \1 不符，按 \2 读"),
    (r"no known charset is declared, read as (\S+)", r"没有声明编码，按 \1 读"),
    (r"(\d+) pieces in another charset than the rest, or encoded twice: read as such",
     r"\1 处编码与其余不同或被编码两次，已分别还原"),
    (r"(\d+) characters are lost: their bytes are broken, replaced by U\+FFFD",
     r"\1 个字符的字节已坏，以 U+FFFD 代替"),
    (r"pages with broken characters, read as (\S+)", r"页面有坏字符，按 \1 读"),
    # pages
    (r"dead link: ", "死链："),
    (r"(\S+) is missing \((.*)\): counted as withdrawn when it is missing at the next look, too",
     r"\1 不在了（\2）；下次查看仍不在即记为撤下"),
    (r", and it was never seen otherwise: the link may be wrong", "，并且从来没有见到过：链接可能不对"),
    (r"the page says “(.*?)”", r"页面写着“\1”"),
    (r"redirected to an error page \((.*?)\)", r"转到了出错页（\1）"),
    (r"redirected to the front page", "转到了首页"),
    (r"redirected to the page of its column", "转到了栏目页"),
    (r"the page has no title", "页面没有标题"),
    (r"the page has no text", "页面没有正文"),
    (r"no title found", "没有找到标题"),
    (r"no date found", "没有找到日期"),
    (r"no body found", "没有找到正文"),
    (r"the page cannot be parsed safely: ", "页面不能安全解析："),
    (r"more than (\d+) elements stand inside each other", r"元素层层嵌套超过 \1 层"),
    (r"it takes too long or too much memory \(nested or unclosed tags, or attributes, by the thousand\)",
     "太费时间或内存（成千的嵌套、未闭合标签或属性）"),
    (r"it takes too long", "太费时间"),
    (r"a date before 1990 or in the future is not taken", "日期在 1990 年以前或在将来，未采用"),
    (r"attachment (\S+): ", r"附件 \1："),
    # files that are dropped
    (r"no row of headers with (.+)", r"没有含 \1 的表头行"),
    (r"no row has (.+)", r"没有一行有 \1"),
    (r"folder (.+) is not below the data folder", r"目录 \1 不在数据目录之下"),
    (r"(\d+) rows bear the id of an earlier row and take its place, first (.+) \(key: map\.id\)",
     r"\1 行与前面的行编号相同，取代了前面的行，例如 \2（配置 map.id）"),
    (r"has no sheet (.+) \(key: sheet\)", r"没有工作表 \1（配置 sheet）"),
    (r"larger than max_size \((\d+) bytes\)", r"超过 max_size（\1 字节）"),
    (r"more than (\d+) rows \(max_rows\): the rest is not imported", r"超过 \1 行（max_rows），其余未导入"),
    (r"is no JSON: .*", "不是 JSON"),
    (r"no list of records at (.+) \(key: items\)", r"\1 处没有记录列表（配置 items）"),
    (r"is no list of records", "不是记录列表"),
    (r"holds several lists \((.+)\): say which one \(key: items\)", r"有几个列表（\1），请用 items 写明是哪一个"),
    # answers
    (r"challenge page: nothing but a script", "验证页：只有脚本"),
    (r"challenge page: ", "验证页："),
    (r"HTTP (401|403|405|412|418|444|451|521)\b", r"HTTP \1 拒绝访问"),
    (r"HTTP (404|410)\b", r"HTTP \1 没有这个页面"),
    (r"HTTP 429\b", "HTTP 429 访问过频"),
    (r"HTTP (5\d\d)\b(?! 拒绝)", r"HTTP \1 对方服务器出错"),
    (r"HTTP 304 to a question without conditions", "没有带条件却回答 HTTP 304"),
    (r"(.+?), asks to come back in (\d+) s", r"\1，要求 \2 秒后再来"),
    (r" after (\d+) retries", r"，重试 \1 次"),
    (r"longer than (\d+) bytes \(max_size\)", r"超过 \1 字节（max_size）"),
    (r"more than (\d+) bytes of headers", r"报文头超过 \1 字节"),
    (r"robots\.txt of (\S+) is unreachable \((.*)\): nothing is fetched", r"\1 的 robots.txt 取不到（\2），什么都不取"),
    (r"robots\.txt of (\S+) cannot be read \((.*)\): nothing is fetched", r"\1 的 robots.txt 读不懂（\2），什么都不取"),
    (r"an HTML page stands there", "那里是一个网页"),
    (r"no rules stand there", "里面没有规则"),
    (r"robots\.txt forbids ", "robots.txt 禁止访问 "),
    (r"redirects without end, last to ", "没完没了地跳转，最后到 "),
    (r"redirects to what is no address: ", "跳转到的不是地址："),
    (r"redirects in a circle, to ", "循环跳转，到 "),
    (r"redirected in a circle", "循环跳转"),
    (r"redirects to (.*): only http and https are fetched", r"跳转到 \1：只取 http 和 https"),
    (r": only http and https are fetched", "：只取 http 和 https"),
    (r": no plain web address \(host, and port where it has one, without user or zone\)",
     "：不是普通的网址（主机名，可带端口，不带用户名）"),
    (r"(\S+) cannot be resolved: .*?(?=[；;)）]|$)", r"\1 解析不到地址"),
    (r"(\S+) is a private address \((.*?)\); allow_private does not name it",
     r"\1 是内网地址（\2），allow_private 没有列出"),
    (r"(\S+) turned into a private address \((.*?)\)", r"\1 变成了内网地址（\2）"),
    (r"Getting \S+ took longer than ([\d.]+) seconds\.?", r"\1 秒内没有取完"),
    (r"Connection was refused by other side[^;,，；]*", "对方拒绝连接"),
    (r"Connection (?:was closed cleanly|lost|to the other side was lost in a non-clean fashion)[^;,，；]*", "连接中断"),
    (r"the archive cannot be written \((.*)\): the page is not stored and is fetched again later; "
     r"free space, or check who may write there",
     r"存档写不进去（\1）：页面没有入库，以后再取；请腾出磁盘空间，或检查写权限"),
    (r"cannot be read: ", "读不出："),
)  # fmt: skip
KNOWN = tuple((re.compile(pattern), words) for pattern, words in PHRASES)


def in_chinese(problem: str) -> str:
    """`problem` of a run as people read it; what is not known stays in English."""
    said = problem
    for pattern, words in KNOWN:
        said = pattern.sub(words, said)
    return said
