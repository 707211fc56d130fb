"""Personal data in a text, masked in place: the length stays, so offsets of mentions hold.

Masked: mobile and fixed-line numbers, ID and bank card numbers, number plates, e-mail addresses, messenger ids, names
of complainants, home addresses to the room, also where letters and digits are of full width. Kept: public hotlines
(12315, 95xxx, 400/800), firms, officials in office.
"""

import re
from collections.abc import Callable

from nlp.normalize import without_surrogates

_STAR = "*"
_Keep = Callable[["re.Match[str]"], str]
_CARD = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}[ -]?(?:18|19|20)\d{2}[ -]?\d{4}[ -]?\d{3}[0-9Xx](?![0-9A-Za-z])")
_OLD_CARD = re.compile(r"(?<=证)[^0-9\n]{0,6}(\d{15})(?!\d)")
_PAPER = "(?:护照|通行证|回乡证|台胞证|军官证|士兵证|驾驶证|驾照|居留证)"
"""Papers of persons. 办理驾照1000000人 is no number of one."""
_PAPER_LETTERS = re.compile(
    rf"{_PAPER}\s?(?:号码?|编号|证号)?(?:[:：为是(（]|\s){{0,3}}([A-Za-z]{{1,3}}\d{{6,10}}[A-Za-z]?)(?![0-9A-Za-z])"
)
_PAPER_DIGITS = re.compile(
    rf"{_PAPER}(?:\s?(?:号码?|编号|证号)(?:[:：为是]|\s){{0,3}}|[:：])(\d{{6,18}}[Xx]?)(?![0-9A-Za-z])"
)
_MOBILE = re.compile(
    r"(?:(?<![0-9A-Za-z.])|(?<=[Tt][Ee][Ll]))(?:\+?86[- ]?)?1[3-9]\d"
    r"(?:[-—– ]{0,2}[\d*＊]{4}[-—– ]{0,2}|\.\d{4}\.)\d{4}(?![0-9])"
)
_PHONE = re.compile(r"(?<![0-9A-Za-z./-])(?:0\d{2,3}[-—– ]{0,2}|[(（]0\d{2,3}[)）][-—– ]?)[2-8]\d{6,7}(?![0-9])")
_LOCAL = re.compile(r"(?:电话|座机|手机|联系方式)(?:号码?)?(?:[:：为是]|\s){0,2}([2-8]\d{6,7})(?![0-9-])")
_BANK = re.compile(r"(?<![0-9A-Za-z])(?:62|60|4\d|5[1-5]|9[0-9])\d{2}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?![0-9A-Za-z])")
_BANK_SAID = re.compile(r"(?:卡号|账号|帐号|银行卡)(?:[:：为是]|\s)*((?:\d[ -]?){12,19})")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·• ]?"
    r"(?=[A-HJ-NP-Z0-9]*\d)[A-HJ-NP-Z0-9]{5,6}(?![A-Za-z0-9])"
)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}")
_MESSENGERS = "微信号?|QQ号?|WeChat|wechat|vx|VX|qq"
_MESSENGER = re.compile(rf"(?:{_MESSENGERS})(?:[:：是为]|\s){{0,3}}([A-Za-z0-9_-]{{5,20}})")
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳"
    "鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒"
    "屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯管卢莫经房裘缪干解应宗丁宣邓郁单杭洪包诸左"
    "石崔吉龚程嵇邢裴陆荣翁荀羊甄曲家封芮储靳井段富巫乌焦巴弓牧山谷车侯全班仰秋仲伊宫宁仇栾甘厉武符刘景詹束龙叶幸司韶黎乔苍双"
    "闻莘翟谭贡劳姬申扶冉雍桑桂牛寿通边燕尚农温庄晏柴瞿阎慕连习容向古易廖终居衡步都耿满弘国文寇广东欧曾况官游赖聂闵肖付代"
)
_DOUBLE = "欧阳|司马|上官|诸葛|夏侯|皇甫|尉迟|公孙|慕容|长孙|宇文|司徒|令狐|端木"
"""Surnames of two characters; 东方 and 南方 begin firms as well."""
_WHO = "投诉人|举报人|来电人|反映人|联系人|登记人|申请人|消费者|投诉者|当事消费者|诉求人|姓名|户主|车主|收件人|购买人"
_NAME_SAID = re.compile(
    rf"(?:{_WHO})(?:姓名)?(?:[:：为是]|\s){{0,2}}((?:{_DOUBLE}|[{_SURNAMES}])[\u4e00-\u9fff·]{{1,2}})"
    r"(?=[，,。；;、\s（(）)：:\d]|反映|称|电话|手机|先生|女士|$|来电|要求|向|于|的)"
)
_NAME_LABEL = re.compile(rf"(?:{_WHO})(?:姓名)?$")
_TITLED = re.compile(rf"((?:{_DOUBLE})|[{_SURNAMES}])[\u4e00-\u9fff]{{0,2}}(?=先生|女士|小姐)")
_NOT_A_NAME = ("某", "权益", "协会", "委员", "中心", "反映", "投诉", "可以", "应当", "先生", "女士")
_NAME_COMPLAINS = re.compile(
    r"(?:投诉人|举报人|来电人|反映人|投诉者|诉求人|申请人)(?:[:：为是]|\s){0,2}"
    r"(?!通过|经常|时常|常年|常见|曾经|终于|强烈|明确|郑重|单独|单次|单方|应及|应先|应向|向平|向商|向市|于当|于昨|于今|于本"
    r"|和商|和平|全部|全体|全程|平台|安全|连续|连日|连番|高频|高额|高价|多次)"
    rf"((?:{_DOUBLE}|[{_SURNAMES}])[\u4e00-\u9fff·]{{1,2}})(?=投诉|举报|诉称|报案)"
)
"""Behind 消费者 stands anything: 消费者牛奶投诉增多."""
_LIVES = "家住|家庭住址|家庭地址|现住址|住址|居住地址|收货地址|居住在|住在"
_HOME = re.compile(
    rf"(?:{_LIVES})(?:[:：为是]|\s){{0,2}}"
    r"[\u4e00-\u9fff]{2,24}?((?:[0-9０-９一二三四五六七八九十]{1,5}(?:号楼|号|弄|栋|幢|组|单元|室|巷|队)){1,5}(?:\d{1,4}(?:-\d{1,4})?)?)"
)
_LABELLED = re.compile(r"(?:信用代码|执照|许可证|证书|编号|条形码|条码|批号|订单|单号|案号|文号)[^\n，。；]{0,6}$")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ROOM = re.compile(
    r"\d{1,4}(?:号楼|栋|幢|号院)(?:[\dA-Za-z一二三四五六七八九十]{1,3}单元)?[-\d]{0,6}(?:室|房|号)?|(?<=\d单元)\d{3,4}(?:室|号)?|(?<![0-9])\d{3,4}室"
)
_HOTLINE = re.compile(r"^(?:12\d{3}|11\d|9\d{4}|[48]00)")


def mask(text: str) -> str:
    """`text` with personal data replaced by `*`, character by character; the length never changes.

    Lone surrogates become U+FFFD: what leaves here can be written as UTF-8.
    """
    text = without_surrogates(text)
    if not _MAYBE.search(text):
        return text
    masked = plain = text.translate(_NARROW) if _WIDE.search(text) else text
    for pattern, keep in _RULES:
        masked = pattern.sub(keep, masked)
    if plain is text:
        return masked
    return "".join(own if now == was else now for own, was, now in zip(text, plain, masked, strict=True))


def mask_said(text: str, *labels: str) -> str:
    """A value beside its labels, in a field or a cell of a table: `姓名` says what `张三` is."""
    said = next((word for label in labels if _NAME_LABEL.search(word := label.strip().rstrip(":：")[-12:])), None)
    return mask(text) if said is None else mask(f"{said}：{text}")[len(said) + 1 :]


def _is_id(number: str) -> bool:
    """Whether the 18th character checks the first 17 (GB 11643)."""
    digits = [char for char in number.upper() if char.isdigit() or char == "X"]
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, digits, strict=False) if digit != "X")
    return len(digits) == 18 and digits[17] == "10X98765432"[total % 11]


def _never(number: str) -> bool:
    """A label outweighs what looks like a bank card: one number in ten passes Luhn's check by chance."""
    return False


def _unless_labelled(valid: Callable[[str], bool]) -> _Keep:
    """Masks a number that checks; one that does not stays only behind a label of public numbers."""

    def keep(match: "re.Match[str]") -> str:
        before = match.string[max(0, match.start() - 16) : match.start()]
        return match.group() if not valid(match.group()) and _LABELLED.search(before) else _all(match)

    return keep


def _all(match: "re.Match[str]") -> str:
    return _STAR * len(match.group())


def _group(match: "re.Match[str]") -> str:
    start, end = match.start(1) - match.start(), match.end(1) - match.start()
    whole = match.group()
    return whole[:start] + _STAR * (end - start) + whole[end:]


def _number(match: "re.Match[str]") -> str:
    """The first three digits stay, so that a person still sees what was there."""
    whole = match.group()
    if _HOTLINE.match(whole.strip()):
        return whole
    return whole[:3] + _STAR * (len(whole) - 3)


def _name(match: "re.Match[str]") -> str:
    whole, start, end = match.group(), match.start(1) - match.start(), match.end(1) - match.start()
    name = whole[start:end]
    if any(part in name for part in _NOT_A_NAME):
        return whole
    return whole[: start + 1] + _STAR * (end - start - 1) + whole[end:]


def _titled(match: "re.Match[str]") -> str:
    return match.group()[0] + _STAR * (len(match.group()) - 1)


_RULES: tuple[tuple["re.Pattern[str]", _Keep], ...] = (
    (_EMAIL, _all),
    (_CARD, _unless_labelled(_is_id)),
    (_OLD_CARD, _group),
    (_PAPER_LETTERS, _group),
    (_PAPER_DIGITS, _group),
    (_MOBILE, _number),
    (_BANK, _unless_labelled(_never)),
    (_BANK_SAID, _group),
    (_PHONE, _number),
    (_LOCAL, _group),
    (_PLATE, _all),
    (_MESSENGER, _group),
    (_NAME_SAID, _name),
    (_NAME_COMPLAINS, _name),
    (_TITLED, _titled),
    (_HOME, _group),
    (_ROOM, _all),
)
_MAYBE = re.compile(
    rf"[0-9０-９]{{3}}|[@＠]|先生|女士|小姐|{_WHO}|{_LIVES}|{_MESSENGERS}|[A-ZＡ-Ｚ][0-9０-９]|单元|[0-9０-９]室"
)
"""What no text without personal data need be read closer for; whatever a rule above begins with stands here, too."""
_NARROW = {
    wide: chr(wide - 0xFEE0) for wide in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
_NARROW |= {ord("＠"): "@", ord("．"): ".", ord("－"): "-", ord("＿"): "_", ord("＋"): "+"}
"""Letters, digits and signs of full width, which are read as the plain ones."""
_WIDE = re.compile(f"[{''.join(map(chr, _NARROW))}]")
