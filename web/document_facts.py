"""What the document page shows of facts: the recall, the rows of a spot check, the attached files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.facts import Recall, SpotCheck
from core.records import AttachedFile, Document
from facts.recalls import recall_of
from facts.spot_checks import QUALIFIED, UNQUALIFIED, spot_checks

LABELS = {
    "recall_no": "召回编号",
    "agency": "发布机构",
    "jurisdiction": "法域",
    "product_name": "产品",
    "category_raw": "类别",
    "brand": "品牌",
    "models": "型号",
    "batches": "批次",
    "barcodes": "条码",
    "production_period": "生产时间",
    "quantity": "数量",
    "quantity_text": "数量原文",
    "defect": "缺陷",
    "hazard_text": "危害",
    "hazard_type": "危害类型",
    "consequence": "后果",
    "measure": "措施",
    "firms": "企业",
    "origin_country": "原产地",
    "injuries": "伤害情况",
    "recall_date": "召回日期",
    "status": "状态",
}
ROLES = {
    "manufacturer": "生产",
    "importer": "进口",
    "distributor": "经销",
    "retailer": "销售",
    "recaller": "召回",
    "firm": "",
}
HAZARDS = {
    "fire": "起火",
    "explosion": "爆炸",
    "electric_shock": "触电",
    "burn": "烫伤灼伤",
    "choking": "哽塞",
    "suffocation": "窒息",
    "strangulation": "勒颈缠绕",
    "entrapment": "夹伤卡住",
    "laceration": "割伤",
    "fall": "跌落倾倒",
    "poisoning": "中毒",
    "chemical": "化学危害",
    "drowning": "溺水",
    "crash": "交通事故",
    "injury": "伤害",
    "microbiological": "微生物",
    "hearing": "听力损伤",
    "environment": "环境危害",
}
RESULTS = {UNQUALIFIED: "不合格", QUALIFIED: "合格", "": "未写明"}
KINDS = {"image": "图片", "html": "网页", "text": "文本", "locked": "加密文件", "other": "类型不明", "": "未取得"}
MOST_ROWS = 200
MOST_NAMES = 60


@dataclass(frozen=True)
class ShownFile:
    """An attached file as a line of the page. kind: for people.  size: bytes."""

    name: str
    kind: str
    size: int
    sha256: str
    problem: str


def recall_rows(document: Document) -> list[tuple[str, str]]:
    """Label and text of each field that the recall has; nothing for other documents."""
    recall = recall_of(document)
    return list(_recall_rows(recall)) if recall else []


def _recall_rows(recall: Recall) -> Iterator[tuple[str, str]]:
    for name, label in LABELS.items():
        value = getattr(recall, name)
        if value in ("", (), None) or (name == "quantity_text" and value == str(recall.quantity)):
            continue
        if name == "firms":
            text = "\n".join(f"{firm.name}（{ROLES[firm.role]}）" if ROLES[firm.role] else firm.name for firm in value)
        elif name == "hazard_type":
            text = "、".join(HAZARDS[hazard] for hazard in value)
        elif isinstance(value, tuple):
            more = f" 等 {len(value)} 个" if len(value) > MOST_NAMES else ""
            text = "、".join(value[:MOST_NAMES]) + more
        else:
            text = f"{value:,}" if isinstance(value, int) else str(value)
        yield label, text


def spot_check_rows(document: Document) -> tuple[SpotCheck, ...]:
    """The rows of the document's spot-check lists."""
    return spot_checks(document.tables, title=document.title, text=document.text)


def shown_files(files: Sequence[AttachedFile]) -> list[ShownFile]:
    """The files as the page lists them."""
    return [
        ShownFile(file.name, KINDS.get(file.kind, file.kind), file.size, file.sha256, file.problem) for file in files
    ]


def table_names(document: Document, files: Sequence[AttachedFile]) -> list[str]:
    """For each table of the document the file it came from, "" for those of the page."""
    named = [file.name for file in files for _ in range(file.tables)]
    own = len(document.tables) - len(named)
    return [""] * max(own, 0) + named[-len(document.tables) :] if document.tables else []
