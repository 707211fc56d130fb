"""The 27 sources of the pack: where each one lies on the demo site, in whose shape and in what encoding it speaks.

The families are those of the sources table in pack/README.md; titles, columns and themes are ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.records import Kind


@dataclass(frozen=True)
class Look:
    """How a site's pages read. declared: the charset its pages claim. style: one of the templates of its family."""

    declared: str = "utf-8"
    header_charset: bool = True
    style: str = "plain"
    nav: tuple[str, ...] = ("首页", "新闻", "专题", "服务", "关于我们")
    footer: str = "版权所有 未经授权不得转载"


@dataclass(frozen=True)
class SampleSource:
    """One source of the pack. root: its path on the site, no slash at the end. channel: its column or list there."""

    id: str
    title: str
    family: str
    kind: Kind
    root: str
    channel: str = ""
    charset: str = "utf-8"
    page_size: int = 15
    look: Look = field(default_factory=Look)


GOV_NAV = ("网站首页", "机构概况", "政务公开", "政务服务", "互动交流", "专题专栏")
GOV_FOOTER = "主办单位：示例机构 网站标识码：0000000000 联系我们 网站地图 本站为演示数据"
GOV = Look(nav=GOV_NAV, footer=GOV_FOOTER)
GOV_GB = Look(declared="gb2312", nav=GOV_NAV, footer=GOV_FOOTER)

_ALL = (
    SampleSource(
        "jx_amr_notice", "江西省市场监督管理局 通知公告", "jx_querylist", Kind.NOTICE, "/jxamr", "tzgg", look=GOV
    ),
    SampleSource(
        "jx_amr_spotcheck",
        "江西省市场监督管理局 监督抽查",
        "jx_querylist",
        Kind.SPOTCHECK,
        "/jxamr",
        "cpzljdcc",
        look=GOV,
    ),
    SampleSource("nc_amr", "南昌市市场监督管理局", "jpaas_unit", Kind.NOTICE, "/ncscjg", "xxgk/tzgg", look=GOV),
    SampleSource("gz_amr", "赣州市市场监督管理局", "hanweb_jpage", Kind.NOTICE, "/gzscjg", "col22493", look=GOV),
    SampleSource(
        "yc_amr", "宜春市市场监督管理局", "trs_static", Kind.NOTICE, "/ycscjg", "gsgg", "gb18030", 8, look=GOV_GB
    ),
    SampleSource(
        "recall_centre",
        "缺陷产品召回信息(示例)",
        "trs_static",
        Kind.RECALL,
        "/recall",
        "xfpzh/xfpgnzh",
        page_size=8,
        look=Look(style="recall", nav=("首页", "消费品召回", "汽车召回", "缺陷线索报告"), footer=GOV_FOOTER),
    ),
    SampleSource(
        "samr_news",
        "总局要闻(示例)",
        "jpaas_unit",
        Kind.NEWS,
        "/samr",
        "xw/zj",
        look=Look(style="samr", nav=GOV_NAV, footer=GOV_FOOTER),
    ),
    SampleSource("emergency", "事故快报(示例)", "html_list", Kind.NEWS, "/emergency", "sgkb", look=GOV),
    SampleSource(
        "consumer_assoc",
        "消费者协会消费提示(示例)",
        "html_list",
        Kind.NEWS,
        "/xiaoxie",
        "xfts",
        look=Look(style="plain", nav=("首页", "消费提示", "比较试验", "投诉指南", "维权案例")),
    ),
    SampleSource("ganjiang_daily", "赣江日报", "rss", Kind.NEWS, "/ganjiang", "news", look=Look(style="summary")),
    SampleSource("quality_observer", "质量观察报", "rss", Kind.NEWS, "/zlgc", "all", look=Look(style="full")),
    SampleSource(
        "hongcheng_evening",
        "洪城晚报网",
        "html_list",
        Kind.NEWS,
        "/hcwb",
        "bdxw",
        "gb18030",
        look=Look(
            declared="gb2312",
            header_charset=False,
            style="paper",
            nav=("首页", "本地新闻", "民生", "社会", "文娱", "数字报"),
        ),
    ),
    SampleSource("national_wire", "国讯社", "atom", Kind.NEWS, "/gxs", "wire", look=Look(style="wire")),
    SampleSource("finance_front", "财经前线", "rss", Kind.NEWS, "/cjqx", "kx", look=Look(style="titles")),
    SampleSource(
        "cable_industry",
        "线缆行业网",
        "html_list",
        Kind.NEWS,
        "/xlhy",
        "zixun",
        "gb18030",
        look=Look(
            declared="gbk", style="industry", nav=("首页", "行业资讯", "企业库", "供求信息", "铜价行情", "会员中心")
        ),
    ),
    SampleSource("ebike_watch", "电动车观察", "rss", Kind.NEWS, "/ddcgc", "feed", look=Look(style="full")),
    SampleSource("county_media", "县融媒联播", "json_api", Kind.NEWS, "/xrm", "news"),
    SampleSource("complaint_board", "消诉网", "json_api", Kind.COMPLAINT, "/xiaosu", "feed"),
    SampleSource(
        "ask_jiangxi",
        "问政赣鄱",
        "html_list",
        Kind.COMPLAINT,
        "/wenzheng",
        "threads",
        look=Look(style="board", nav=("首页", "我要留言", "最新留言", "办理回复", "满意度")),
    ),
    SampleSource("export_12315", "12315 导出表", "file_import", Kind.COMPLAINT, "/none", charset="gb18030"),
    SampleSource("hot_list", "热搜榜", "hotlist", Kind.HOTLIST, "/hot", "jxhot"),
    SampleSource("microblog", "微帖", "json_api", Kind.SOCIAL, "/weitie", "timeline", page_size=20),
    SampleSource(
        "gan_forum",
        "赣人论坛",
        "html_list",
        Kind.FORUM,
        "/ganren",
        "forum-36",
        look=Look(style="forum", nav=("首页", "论坛", "同城", "二手", "相亲", "签到")),
    ),
    SampleSource("video_titles", "短视频标题", "json_api", Kind.SOCIAL, "/duanpian", "aweme", page_size=12),
    SampleSource("cpsc_like", "US recall notices (sample)", "json_api", Kind.RECALL_FOREIGN, "/cpsc", "Recall"),
    SampleSource(
        "safety_gate_like", "EU weekly alerts (sample)", "xml_report", Kind.RECALL_FOREIGN, "/safety-gate", "xml/en"
    ),
    SampleSource("shop_reviews", "电商评价抽样", "json_api", Kind.REVIEW, "/shop", "comments"),
)
SOURCES: Mapping[str, SampleSource] = {source.id: source for source in _ALL}
