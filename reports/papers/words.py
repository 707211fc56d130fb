"""Words that no paper of ours uses (they judge, overstate, or belong to somebody else), and what is said instead.

Quotations keep theirs inside “ ” or 《 》.
"""

import re

NEVER: tuple[tuple[str, str], ...] = (
    (r"(?:特别重大|重大|较大|一般|[一二三四ⅠⅡⅢⅣ]级)(?:生产安全)?事故", "内部风险级别：橙"),
    (r"(?<!非)生产安全事故等级", "内部风险级别"),
    (r"发布.{0,6}预警", "形成内部预警（橙）"),
    (r"违法企业|黑作坊|黑名单|制假窝点|造假窝点", "涉嫌…，或写明名单及文号"),
    (r"(?:伪劣|问题|缺陷|假冒)产品", "被反映的产品；检验结论为不合格的产品"),
    (r"致(?:[一二三四五六七八九十\d]+)人(?:死亡|死|受伤|伤)", "网传/据××报道“…”，待核实"),
    (r"(?<!关)系(?!统).{0,12}引起", "原因待认定"),
    (r"证实|坐实|铁证", "经核查；有材料显示"),
    (r"辟谣|谣言", "××通报称不属实"),
    (r"民意|广大网民|全网|刷屏", "采集到的×条中×条"),
    (r"首次|唯一|杜绝|零风险|或将", "本系统自×日以来未见；带区间的数"),
    (r"AI认为|模型认为|人工智能认为", "系统初步识别，待核实"),
    (r"减少.{0,4}倍|约[\d.]+.{0,3}左右", "写明差数"),
)  # fmt: skip
QUOTED = re.compile("“[^“”]*”|《[^《》]*》")
FOUND = tuple((re.compile(pattern), instead) for pattern, instead in NEVER)
INFORMER = "举报人"


def forbidden(text: str, *, outward: bool = False) -> list[tuple[str, str]]:
    """The words of a text that must not stand there, each with what to say instead. outward: it leaves the bureau."""
    own = QUOTED.sub("“”", text)
    found = [(hit[0], instead) for pattern, instead in FOUND for hit in pattern.finditer(own)]
    if outward and INFORMER in text:
        found.append((INFORMER, "反映人"))
    return found


def our_word(text: str) -> str:
    """A name of our own tables as papers call it: governments issue warnings, a bureau's own ones are internal."""
    return text.replace("发布预警", "形成内部预警")
