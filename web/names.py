"""Ids in, words people read out: one place for every label of the desk."""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import Connection, select

from alerts.routing import Route
from config.rules import DESK_RULE, Rule
from core.records import LEVEL_COLOURS, LEVEL_NAMES, LEVEL_ROMAN, Alert, AlertState, Kind
from ledger.words import bureau_of
from store.processes import role_of
from store.schema import enterprises
from web.help_text import Help
from web.history import SYSTEM
from web.services import Services

NIL = "NIL:"
BUREAUS = ("county", "prefecture", "area", "province", "national")
"""Sorts of organisations that a territory stands for."""

KINDS: Mapping[str, str] = {
    Kind.NEWS: "新闻",
    Kind.NOTICE: "公告",
    Kind.SPOTCHECK: "抽查",
    Kind.RECALL: "召回",
    Kind.RECALL_FOREIGN: "境外召回",
    Kind.COMPLAINT: "投诉",
    Kind.SOCIAL: "社交",
    Kind.FORUM: "论坛",
    Kind.HOTLIST: "热榜",
    Kind.REVIEW: "评价",
}

STATES: Mapping[AlertState, tuple[str, str]] = {
    AlertState.NEW: ("待受理", ""),
    AlertState.ACCEPTED: ("已受理", "work"),
    AlertState.DISPATCHED: ("已派单", "work"),
    AlertState.IN_HAND: ("处置中", "work"),
    AlertState.TO_CLOSE: ("待核销", "work"),
    AlertState.CLOSED: ("已办结", "done"),
    AlertState.DISMISSED: ("不构成风险", "done"),
}
"""The word and the mark of a state."""

RUN_STATES: Mapping[str, tuple[str, str]] = {
    "waiting": ("等待", ""),
    "running": ("进行中", "work"),
    "ok": ("正常", "done"),
    "failed": ("失败", "bad"),
    "blocked": ("被拒", "bad"),
    "changed": ("结构改变", "bad"),
    "silent": ("内容陈旧", "bad"),
    "interrupted": ("中断", "warn"),
}

DELIVERY_STATES: Mapping[str, tuple[str, str]] = {
    "waiting": ("待发", ""),
    "sending": ("发送中", "work"),
    "handing": ("发送中", "work"),
    "sent": ("已送达", "done"),
    "failed": ("未送达", "bad"),
    "bounced": ("退信", "bad"),
    "unsure": ("待核", "warn"),
    "replaced": ("未发，已由后一封代替", ""),
    "withdrawn": ("未发，已撤回", ""),
}

CHANNELS: Mapping[str, str] = {
    "mail": "邮件",
    "feed": "订阅",
    "wecom": "企业微信",
    "dingtalk": "钉钉",
    "webhook": "接口",
}

AUDIT_WORDS: Mapping[str, str] = {
    "recall_mirror": "境外召回认定",
    "sign_in": "登录",
    "sign_out": "退出",
    "sign_in_refused": "登录未过",
    "set_password": "设定密码",
    "two_step_on": "启用两步验证",
    "two_step_off": "停用两步验证",
    "two_step_codes": "换发备用码",
    "two_step_refused": "动态码未过",
    "session_end": "退出其他登录",
    "user_create": "新建账号",
    "user_change": "修改账号",
    "user_off": "停用账号",
    "user_on": "启用账号",
    "user_invite": "发登录链接",
    "user_two_step_off": "重置两步验证",
    "user_set_password": "重置密码",
    "user_token_revoke": "作废令牌",
    "create_feed": "新建订阅",
    "create_wall": "新建大屏地址",
    "give_shift": "交班",
    "take_shift": "接班",
    "review_missed": "登记漏报",
    "revoke_feed": "作废地址",
    "create_token": "新建令牌",
    "revoke_token": "作废令牌",
    "alert_act": "办理预警",
    "ledger_act": "办理台账",
    "shift_note": "交班留言",
    "api_act": "接口操作预警",
    "run_source": "立即抓取",
    "index_retry": "重写索引",
    "event_merge": "并入事件",
    "event_split": "拆出事件",
    "event_undo": "撤销并入、拆出",
    "resend": "重发通知",
    "channel_test": "测试通知",
    "mail_heal": "地址已核实",
    "mail_receipt": "邮件回执",
    "mail_off": "停收邮件",
    "mail_on": "恢复接收邮件",
    "silence_add": "新建静默",
    "silence_expire": "解除静默",
    "watchlist_add": "新建关注名单",
    "watchlist_change": "修改关注名单",
    "watchlist_end": "结束关注名单",
    "watch_firm": "列入关注",
    "unwatch_firm": "移出关注",
    "grade_set": "调整风险分级",
    "grade_unset": "撤回分级调整",
    "sensitive_start": "设为敏感期",
    "sensitive_end": "结束敏感期",
    "rule_created": "新建规则",
    "rule_changed": "修改规则",
    "rule_off": "停用规则",
    "rule_on": "启用规则",
    "rule_deleted": "删除规则",
    "rule_lab": "规则回放",
    "alert_mark": "标记预警",
    "export_search": "导出检索",
    "export_figures": "导出分析",
    "export_broken": "导出中断",
    "export_evidence": "导出证据",
    "export_ledger": "导出台账",
    "import_ledger": "导入台账",
    "report_fill": "填报周报",
    "report_confirm": "确认周报草稿",
    "report_sign": "签发周报",
    "report_mark": "登记报送",
    "hand_in": "接收数据",
    "export_data": "导出数据",
    "sampling_target": "抽样建议",
    "export_progress": "导出进展",
    "hold_add": "设保全",
    "hold_end": "解除保全",
    "erase_person": "按人删除",
    "erase_person_done": "按人删除做完",
    "retention": "按保存期限清理",
    "export_all": "导出全部",
    "report_reopen": "重开周报",
    "paper_draft": "起草公文",
    "paper_fill": "填写公文",
    "paper_renew": "公文重新取数",
    "paper_sign": "签发公文",
    "paper_drop": "作废公文草稿",
    "export_paper": "下载公文",
    "export_report": "导出周报",
    "export_dossier": "导出企业档案",
    "supervise": "挂牌督办",
    "supervise_end": "解除督办",
    "save_search": "存检索",
    "rename_search": "检索改名",
    "share_search": "共享检索",
    "unshare_search": "停止共享检索",
    "delete_search": "删去检索",
    "audit_prune": "清理操作记录",
    "audit_rechained": "重建链条",
}

DETAIL_WORDS: Mapping[str, str] = {
    "how": "方式",
    "action": "步骤",
    "rows": "行数",
    "role": "角色",
    "territory": "属地",
    "name": "姓名",
    "format": "格式",
    "query": "检索语句",
    "from": "时间",
    "address": "地址",
    "owner": "所有人",
    "level": "级别",
    "version": "版本",
    "why": "理由",
    "until": "至",
    "asked": "要求",
    "documents": "文档数",
    "reset": "重置密码",
    "all": "全部",
    "purpose": "类别",
    "note": "用途",
    "cells": "格数",
    "column": "栏目",
    "hash": "哈希",
    "day": "截至日",
}
"""Of the details of an audit row."""

CANARY_STAGES: Mapping[str, str] = {
    "planted": "未采到",
    "fetched": "采到，未研读",
    "read": "研读，未预警",
    "alerted": "已预警，未见于订阅",
    "reached": "到达订阅",
}
"""How far a canary came."""
STAGES: Mapping[str, str] = {
    "fetched": "已抓取，待去重",
    "deduped": "已去重，待分析",
    "analysed": "已分析，待判规则",
    "judged": "已判规则，待入索引",
    "indexed": "已完成",
    "quarantined": "已隔离",
    "expiring": "按保存期限已删除",
    "expired": "按保存期限已删除",
    "refused": "索引拒收",
}

QUEUES: Mapping[str, str] = {"runs": "等待抓取", "deliveries": "到时间未发的通知", "lab": "等待规则回放"}

PROCESSES: Mapping[str, str] = {
    "worker": "研读",
    "indexer": "写索引",
    "crawler": "采集",
    "scheduler": "调度",
    "sender": "发送",
    "desk": "网页",
    "demo-site": "示例网站",
}

ROLES_IN_TEXT: Mapping[str, str] = {"producer": "生产者", "dealer": "销售者", "service": "服务者"}


class Names:
    """Labels that come from configuration."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def product(self, product_id: str) -> str:
        """电线电缆 for `cable`."""
        return self._services.lexicon.product_name(product_id)

    def process(self, name: str) -> str:
        """研读 for `worker`; `研读 2` for `worker-2`; `研读 @host-2` for `worker@host-2`."""
        kind = role_of(name)
        place = name.removeprefix(kind).removeprefix("-")
        return f"{PROCESSES.get(kind, kind)} {place}".strip()

    @staticmethod
    def queue(key: str) -> str:
        """已抓取，待去重 for `fetched`."""
        return QUEUES.get(key) or STAGES.get(key, key)

    def issue(self, issue_id: str) -> str:
        """起火 for `fire`."""
        return self._services.lexicon.issue_name(issue_id)

    def addressees(self, alert: Alert, route: Route | None = None) -> tuple[str, ...]:
        """To whom else than proposed it can be handed down: the bureaus it is routed to, its territories, and what
        lies above them at home."""
        regions = self._services.lexicon.regions
        home = regions.province_of(alert.territory)
        chains = [code for each in (alert.territory, *alert.territories) for code in regions.chain(each)]
        known = [code for code in chains if code in regions and regions.province_of(code) == home]
        routed = [one.organisation.code for one in route.everybody if one.organisation.sort in BUREAUS] if route else []
        proposed = route.territory if route else alert.territory
        return tuple(code for code in dict.fromkeys([*routed, alert.territory, *known]) if code != proposed)

    def region(self, code: str | None) -> str:
        """赣县区 for 360704; 属地待定 where nothing is known."""
        return self._services.lexicon.regions.name_of(code) if code else "属地待定"

    def bureau(self, code: str) -> str:
        """章贡区局 for 360702, 省局 for the province; empty for an empty code."""
        return bureau_of(self._services.lexicon.regions, code)

    def source(self, key: str) -> str:
        """The title of a source, its key where it is no longer configured."""
        source = self._services.source_by_key.get(key)
        return source.title if source else self._services.handed_in_titles.get(key, key)

    def rule(self, rule_id: str) -> str:
        """The title of a rule, its id where it is no longer loaded."""
        rule = self._services.find_rule(rule_id)
        return str(rule.title) if rule else rule_id

    def screen(self, screen: Help) -> str:
        """What the screen that a help explains is called."""
        return screen.title

    def ground(self, rule: Rule) -> str:
        """Why a rule was made."""
        return str(rule.why)

    def report(self, title: str) -> str:
        """What the reporting calendar calls a thing that is owed."""
        return title

    def note(self, actor: str, note: str) -> str:
        """What was noted with a step: the system's words or a person's."""
        return note

    def rule_link(self, rule_id: str) -> str:
        """Where a rule is told of."""
        return f"/rules/{rule_id}" if rule_id.startswith(DESK_RULE) else f"/rules#{rule_id}"

    def kind(self, kind: str) -> str:
        """新闻 for `news`."""
        return KINDS.get(kind, kind)

    def level(self, level: int) -> str:
        """橙 for 3."""
        return LEVEL_COLOURS[level]

    def mark(self, level: int) -> str:
        """The letter of a level in its chip: 橙 for 3."""
        return self.level(level)

    def level_in_full(self, level: int) -> str:
        """橙色 Ⅱ级 重大 for 3."""
        return f"{LEVEL_COLOURS[level]}色 {LEVEL_ROMAN[level]} {LEVEL_NAMES[level]}" if level else "未达预警"


class EnglishNames(Names):
    """The same where they have English; sources, firms and what people wrote stay as they are."""

    def __init__(self, services: Services, told: Callable[[str], str]) -> None:
        super().__init__(services)
        self._told = told

    def product(self, product_id: str) -> str:
        """Wire and cable for `cable`."""
        return self._told(super().product(product_id))

    def process(self, name: str) -> str:
        """Reader for `worker`."""
        return self._told(super().process(name))

    def rule(self, rule_id: str) -> str:
        """The title of a rule that came with the system; rules of the desk have the titles people gave them."""
        title = super().rule(rule_id)
        return title if rule_id.startswith(DESK_RULE) else self._told(title)

    def screen(self, screen: Help) -> str:
        """Its English stands with `帮助：`: alone, some of these words mean something else."""
        return self._told(f"帮助：{screen.title}")

    def ground(self, rule: Rule) -> str:
        """Why a rule that came with the system was made."""
        ground = super().ground(rule)
        return ground if rule.id.startswith(DESK_RULE) else self._told(ground)

    def report(self, title: str) -> str:
        """The things that came with the system; what an office added keeps its title."""
        return self._told(title)

    def note(self, actor: str, note: str) -> str:
        """A note of the system; what a person noted stays."""
        return self._told(note) if actor in SYSTEM else note

    def issue(self, issue_id: str) -> str:
        """Fire for `fire`."""
        return self._told(super().issue(issue_id))

    def region(self, code: str | None) -> str:
        """Nanchang for 360100."""
        return self._told(super().region(code))

    def bureau(self, code: str) -> str:
        """Province for the province's bureau."""
        return self._told(super().bureau(code))

    def kind(self, kind: str) -> str:
        """News for `news`."""
        return self._told(super().kind(kind))

    def level(self, level: int) -> str:
        """Orange for 3."""
        return self._told(super().level(level))

    def mark(self, level: int) -> str:
        """O for 3."""
        return self.level(level)[0] if level else "–"

    def level_in_full(self, level: int) -> str:
        """Orange Ⅱ Major for 3."""
        return self._told(super().level_in_full(level))


def firm_names(db: Connection, ids: Iterable[str]) -> dict[str, str]:
    """The names of firms by id, in one look; `NIL:<text>` is a firm in no list and names itself."""
    wanted = {firm for firm in ids if firm}
    found = {firm: firm.removeprefix(NIL) for firm in wanted}
    known = [firm for firm in wanted if not firm.startswith(NIL)]
    for start in range(0, len(known), 500):
        query = select(enterprises.c.id, enterprises.c.name).where(enterprises.c.id.in_(known[start : start + 500]))
        found |= {row[0]: row[1] for row in db.execute(query)}
    return found
