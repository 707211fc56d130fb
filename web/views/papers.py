"""公文: papers drafted from an alert, an event, the ledger, a trace or a week; filled, signed, downloaded."""

from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import APIRouter
from starlette.responses import Response

from core.errors import UsageError
from reports.papers import book
from reports.papers.files import DOCX, TYPES, files_for
from reports.papers.kinds import KINDS, OPTIONS, SUBJECTS, Asked
from reports.papers.shown import shown_paper
from reports.papers.subjects import settled
from store import audit, papers
from web.access import ROLE_NAMES
from web.history import people
from web.inbox import BadAddress
from web.papers import desk_of
from web.visit import Here, Posted, Refused, Visit, once_of, redirect

router = APIRouter(include_in_schema=False)
ROWS = 30
STATES = {"": "全部", "draft": "代拟稿", "signed": "已签发", "dropped": "已作废"}
SAID = {
    "drafted": "已起草，未发送。", "filled": "已记下。", "same": "没有改动。",
    "renewed": "已按现在的记录重新取数，草稿有变的项请重新核对；标“本人改写”的项保留原文字，没有跟着变。",
    "signed": "已签发，文件已封存。", "dropped": "已作废，编号退回；留有记录，不能再改。",
}  # fmt: skip


@router.get("/papers")
def show_papers(visit: Here, kind: str = "", state: str = "", page: int = 1) -> Response:
    """The papers of the viewer's bureau and those below, newest first."""
    if kind not in ("", *KINDS) or state not in STATES or not 1 <= page <= 10_000:
        raise BadAddress(f"文稿种类可用：{'、'.join(KINDS)}；状态可用：draft、signed、dropped；页码为正整数。")
    signed = {"draft": False, "signed": True}.get(state)
    asked: dict[str, Any] = {"codes": visit.me.codes(), "kind": kind, "signed": signed, "dropped": state == "dropped"}
    with visit.services.store.read() as db:
        lines = papers.list_papers(db, **asked, limit=ROWS, offset=(page - 1) * ROWS)
        total = papers.count_papers(db, **asked)
        who = people(db)
    return visit.page(
        "papers.html", lines=lines, total=total, KINDS=KINDS, SUBJECTS=SUBJECTS, kind=kind, state=state, STATES=STATES,
        people=who, page_number=page, pages=max(1, -(-total // ROWS)),
    )  # fmt: skip


@router.get("/papers/new")
def choose_paper(visit: Here, of: str = "", to: str = "", corrects: str = "", kind: str = "") -> Response:
    """What may be drafted of a subject. of: `alert:<id>`, `week:2026-W47`, ...  to: region code of the addressee.

    corrects, kind: a signed paper that the new one corrects.
    """
    return _choice(visit, of, to=to, corrects=corrects[:20], kind=kind)


@router.post("/papers/new")
def draft_paper(visit: Here, form: Posted) -> Response:
    """Draft one, store it, and look at it."""
    _may(visit, "paper_draft")
    kind, subject = str(form.get("kind", "")), str(form.get("of", ""))[:300].strip()
    options = {key: str(form.get(key, ""))[:200].strip() for key in OPTIONS if form.get(key)}
    once = once_of(form)
    territory = _own(visit)
    try:
        with visit.services.store.read() as db:
            desk = desk_of(visit, db, territory)
            if signed := book.open_paper(db, options.get("corrects", "")):
                options = dict(signed.content.options) | options
            about = settled(db, subject)
            before = book.earlier(desk, kind, about, until=options.get("corrects", ""))
            content = book.draft(desk, kind, Asked(about, options, before))
        with visit.services.store.write() as db:
            made = book.keep(
                db, content, subject=about, territory=territory, by=visit.me.name, now=visit.now, once=once,
                corrects=options.get("corrects") or None,
            )  # fmt: skip
            told = {"purpose": KINDS[kind].name, "territory": territory}
            audit.note(db, visit.me.name, "paper_draft", made, at=visit.services.clock(), details=told)
    except UsageError as problem:
        return _choice(
            visit,
            subject,
            to=options.get("to", ""),
            corrects=options.get("corrects", ""),
            wrong=f"没有起草：{problem}。",
            status=400,
        )
    return redirect(f"/papers/{made}?said=drafted")


@router.get("/papers/{paper_id}")
def show_paper(visit: Here, paper_id: str, said: str = "") -> Response:
    """A paper: as it will be printed, its fields, who wrote what."""
    return _paper_page(visit, paper_id, said=SAID.get(said, ""))


@router.get("/papers/{paper_id}/{name}")
def download(visit: Here, paper_id: str, name: str) -> Response:
    """A file of it: of a signed paper the bytes that were signed."""
    kept = _found(visit, paper_id)
    if name not in TYPES:
        raise Refused(404, f"没有文件 {name[:40]}（可用：{'、'.join(TYPES)}）。")
    with visit.services.store.read() as db:
        frozen = papers.find_file(db, kept.row.id, name) if kept.signed else None
    body = frozen.body if frozen else files_for(kept.content, kept.values, signed=kept.signed).get(name)
    if body is None:
        raise Refused(404, f"这件文稿没有文件 {name[:40]}。")
    with visit.services.store.write() as db:
        told = {"format": name.rpartition(".")[2]} | ({"hash": frozen.sha256} if frozen else {})
        audit.note(db, visit.me.name, "export_paper", kept.row.id, at=visit.services.clock(), details=told)
    state = "" if kept.signed else "_已作废" if kept.gone else "_代拟稿"
    word = f"{kept.row.id}_{KINDS[kept.row.kind].name}{state}.{name.rpartition('.')[2]}"
    head = f"attachment; filename=\"{kept.row.id}-{name}\"; filename*=UTF-8''{quote(word, safe='')}"
    return Response(body, media_type=TYPES[name], headers={"Content-Disposition": head})


@router.post("/papers/{paper_id}/fill")
def fill_paper(visit: Here, form: Posted, paper_id: str) -> Response:
    """Write what was typed, or confirm a draft."""
    kept = _mine(visit, paper_id, "paper_draft")
    typed = {key.removeprefix("f_"): str(value) for key, value in form.items() if key.startswith("f_")}
    was = {key.removeprefix("was_"): str(value) for key, value in form.items() if key.startswith("was_")}
    typed = {key: text for key, text in typed.items() if f"ok_{key}" in form or was.get(key) != book.mark(text)}
    said = {key: text for key, text in typed.items() if not _only_drafted(kept, key, text) or f"ok_{key}" in form}
    try:
        with visit.services.store.write() as db:
            changed = book.fill(db, kept, said, by=visit.me.name, now=visit.now, once=once_of(form), was=was)
            if changed:
                labels = [one.label for one in kept.content.fields if one.key in changed]
                told = {"column": "、".join(labels)}
                audit.note(db, visit.me.name, "paper_fill", kept.row.id, at=visit.services.clock(), details=told)
    except UsageError as problem:
        return _paper_page(visit, paper_id, wrong=f"没有记下：{problem}。", typed=typed, status=400)
    return redirect(f"/papers/{kept.row.id}?said={'filled' if changed else 'same'}#fields")


@router.post("/papers/{paper_id}/renew")
def renew_paper(visit: Here, form: Posted, paper_id: str) -> Response:
    """Read the records again; what people wrote stays."""
    kept = _mine(visit, paper_id, "paper_draft")
    once = once_of(form)
    try:
        with visit.services.store.read() as db:
            content = book.again(desk_of(visit, db, kept.row.territory), kept)
        with visit.services.store.write() as db:
            book.renew(db, kept, content, now=visit.now, once=once)
            audit.note(db, visit.me.name, "paper_renew", kept.row.id, at=visit.services.clock())
    except UsageError as problem:
        return _paper_page(visit, paper_id, wrong=f"没有取数：{problem}。", status=409)
    return redirect(f"/papers/{kept.row.id}?said=renewed")


@router.post("/papers/{paper_id}/sign")
def sign_paper(visit: Here, form: Posted, paper_id: str) -> Response:
    """Sign and freeze it."""
    kept = _mine(visit, paper_id, "paper_sign")
    once_of(form)
    try:
        with visit.services.store.write() as db:
            if book.sign(db, kept, by=visit.me.name, now=visit.now, made=str(form.get("seen", ""))):
                told = {"hash": papers.files_of(db, kept.row.id)[DOCX]}
                audit.note(db, visit.me.name, "paper_sign", kept.row.id, at=visit.services.clock(), details=told)
    except UsageError as problem:
        return _paper_page(visit, paper_id, wrong=f"没有签发：{problem}。", status=409)
    return redirect(f"/papers/{kept.row.id}?said=signed")


@router.post("/papers/{paper_id}/drop")
def drop_paper(visit: Here, form: Posted, paper_id: str) -> Response:
    """Throw a draft away."""
    kept = _mine(visit, paper_id, "paper_draft")
    once_of(form)
    try:
        with visit.services.store.write() as db:
            gone = book.drop(db, kept, by=visit.me.name, now=visit.now, made=str(form.get("seen", "")))
            told = {"title": kept.row.title, "territory": kept.row.territory, "after": gone}
            audit.note(db, visit.me.name, "paper_drop", kept.row.id, at=visit.services.clock(), details=told)
    except UsageError as problem:
        return _paper_page(visit, paper_id, wrong=f"没有作废：{problem}。", status=409)
    return redirect(f"/papers/{gone}?said=dropped")


# -- pages -----------------------------------------------------------------------------------------------------------


def _choice(
    visit: Visit, subject: str, *, to: str = "", corrects: str = "", kind: str = "", wrong: str = "", status: int = 200
) -> Response:
    sort, _, name = subject.partition(":")
    if subject and (sort not in SUBJECTS or not name):
        raise BadAddress(f"地址中的 of={subject[:20]} 看不懂。可从这些起草：{'、'.join(SUBJECTS.values())}。")
    offered = [one for one in KINDS.values() if (not subject or sort in one.of) and kind in ("", one.key)]
    return visit.page(
        "paper_new.html", status=status, offered=offered, subject=subject, sort=sort, name=name, SUBJECTS=SUBJECTS,
        OPTIONS=OPTIONS, wrong=wrong, corrects=corrects, to=to if to.isdigit() else "",
    )  # fmt: skip


def _paper_page(
    visit: Visit, paper_id: str, *, said: str = "", wrong: str = "", typed: dict[str, str] | None = None,
    status: int = 200,
) -> Response:  # fmt: skip
    kept = _found(visit, paper_id)
    with visit.services.store.read() as db:
        who = people(db)
        files = papers.files_of(db, kept.row.id)
    mine = kept.row.territory == _own(visit)
    open_yet = mine and not kept.signed and not kept.gone
    return visit.page(
        "paper.html", status=status, kept=kept, row=kept.row, content=kept.content, kind=KINDS[kept.row.kind],
        lines=shown_paper(kept.content, dict(kept.values)), files=files, people=who, said=said, wrong=wrong,
        typed=typed or {}, mine=mine, may_fill=open_yet and visit.me.may("paper_draft"),
        may_sign=open_yet and visit.me.may("paper_sign"), own_words=kept.own_words(),
        refusal=book.refusal(kept, visit.me.name),
        seen=book.seen(kept), mark_of=lambda one: book.mark(book.holds(kept, one)), SUBJECTS=SUBJECTS,
        labels={one.key: one.label for one in kept.content.fields},
        names_of_files=[name for name in TYPES if name in (files or _made(kept))],
        subject_at=_address(kept.row.subject),
    )  # fmt: skip


def _only_drafted(kept: book.Kept, key: str, text: str) -> bool:
    """Whether a field came back as it was drafted: that alone does not mean that somebody looked at it."""
    one = next((one for one in kept.content.fields if one.key == key), None)
    same = one is not None and bool(one.draft) and text.split() == one.drafted.split()
    return same and key not in kept.values


def _made(kept: book.Kept) -> tuple[str, ...]:
    """Files a draft has, without making them."""
    return KINDS[kept.row.kind].files


def _address(subject: str) -> str:
    """The page of what a paper is about; empty where there is none."""
    sort, _, name = subject.partition(":")
    pages = {"alert": "/alerts/", "event": "/events/", "entry": "/ledger/", "week": "/reports/weekly/"}
    if sort == "trace":
        asked = dict(parse_qsl(name))
        firm = asked.pop("firm", "")
        return f"/enterprises/{quote(firm)}/trace" if firm else f"/trace?{urlencode(asked)}"
    return f"{pages[sort]}{quote(name)}" if sort in pages else "/ledger/supervised" if sort == "supervised" else ""


def _own(visit: Visit) -> str:
    """The bureau whose papers the viewer writes."""
    return visit.services.lexicon.regions.home if visit.me.everywhere else visit.me.user.territory


def _found(visit: Visit, paper_id: str) -> book.Kept:
    with visit.services.store.read() as db:
        kept = book.open_paper(db, paper_id)
    if kept is None or not visit.me.sees_code(kept.row.territory):
        raise Refused(404, f"没有文稿 {paper_id[:20]}，或不在您的属地之内。")
    return kept


def _mine(visit: Visit, paper_id: str, action: str) -> book.Kept:
    """A paper of the viewer's own bureau: nobody fills or signs that of another. Raises Refused."""
    _may(visit, action)
    kept = _found(visit, paper_id)
    if kept.row.territory != _own(visit):
        raise Refused(403, "这是下级局的文稿，由该局填写和签发。")
    return kept


def _may(visit: Visit, action: str) -> None:
    if not visit.me.may(action):
        lowest = ROLE_NAMES["officer" if action == "paper_draft" else "supervisor"]
        raise Refused(403, f"这一步由{lowest}及以上角色操作。")
