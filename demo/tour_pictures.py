"""The pictures of docs/tour.md: `python -m demo.tour_pictures` starts the demo in a folder of its own, walks one
incident from today's list to the closed entry in a Chromium, and writes docs/tour/*.png anew. (dev requirements)
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from config.settings import PROJECT

CHROMIUM = "/usr/bin/chromium"
OUT = PROJECT / "docs" / "tour"
WIDE, PHONE = {"width": 1280, "height": 780}, {"width": 390, "height": 780}
COLOURS = 160
PASSWORD = "烽火连三月，家书抵万金"
FIRM = re.compile("云骓智能科技有限公司电动自行车充电器和电池.*死亡")
PDF = {"name": "盖章扫描件.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 scan"}
PEOPLE = (
    ("desk", "officer", "360000", "李值班"),
    ("county", "officer", "360113", "王承办"),
    ("chief", "supervisor", "360000", "陈带班"),
)


@contextmanager
def demo_desk(folder: Path) -> Iterator[str]:
    """The whole demo on a free port; its base address, with the people of the tour in it."""
    command = [sys.executable, "-m", "cli", "run", "--profile", "demo", "--port", "0", "--data", str(folder)]
    system = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        assert system.stdout is not None
        base = system.stdout.readline().partition("/first")[0].strip()
        for name, role, territory, called in PEOPLE:
            who = ["--role", role, "--territory", territory, "--name", called, "--data", str(folder)]
            add = [sys.executable, "-m", "cli", "user", "add", name, *who]
            subprocess.run(
                add, cwd=PROJECT, input=f"{PASSWORD}\n{PASSWORD}\n", text=True, check=True, capture_output=True
            )
        yield base
    finally:
        system.terminate()
        system.wait(60)


def sign_in(browser: Browser, base: str, name: str, *, phone: bool = False) -> Page:
    """A page of somebody's own."""
    context = browser.new_context(viewport=PHONE if phone else WIDE, has_touch=phone, locale="zh-CN")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{base}/signin")
    page.get_by_label("账号").fill(name)
    page.get_by_label("密码", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("navigation", name="主导航")).to_be_visible()
    return page


def shoot(page: Page, name: str) -> None:
    """What is on the screen, in few colours."""
    picture = Image.open(BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(OUT / f"{name}.png", optimize=True)


def opened_step(page: Page, action: str) -> Locator:
    """The form of a step of the ledger, opened."""
    box = page.locator(f"#do-{action}")
    if not box.is_visible():
        page.get_by_text("其他事项", exact=True).click()
    if box.get_attribute("open") is None:
        box.locator("summary").first.click()
    return box


def step(page: Page, action: str, word: str, **fields: str) -> None:
    """Fill the form of a step of the ledger and send it; the page must say that it was taken."""
    box = opened_step(page, action)
    for name, value in fields.items():
        field = box.locator(f"[name={name}]")
        if field.evaluate("el => el.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    if action == "proof":
        box.locator("[name=file]").set_input_files(PDF)  # type: ignore[arg-type]
    box.get_by_role("button", name=word).click()
    expect(page.get_by_role("status").filter(has_text=f"已{word}")).to_be_visible()


def first_look(page: Page, base: str) -> str:
    """Until the alert is there; then today, the list, the alert, its oldest page. Ends on the alert, accepted."""
    row = page.locator(".rows .what").filter(has_text=FIRM).first
    for _ in range(200):
        page.goto(f"{base}/alerts?view=open")
        if row.count():
            break
        page.wait_for_timeout(1000)
    address = f"{base}{row.get_attribute('href')}"
    page.goto(f"{base}/")
    shoot(page, "1-today")
    page.goto(f"{base}/alerts?view=open")
    row.click()
    expect(page.locator("[data-pane]")).to_contain_text(FIRM)
    shoot(page, "2-alerts")
    page.goto(address)
    shoot(page, "3-alert")
    page.get_by_role("region", name="证据").scroll_into_view_if_needed()
    page.get_by_role("region", name="证据").get_by_role("link", name="原文存档").first.click()
    shoot(page, "4-document")
    page.goto(address)
    page.get_by_role("button", name=re.compile("^受理")).click()
    expect(page.get_by_role("region", name="处置经过")).to_contain_text("受理，李值班")
    return address


def walk(browser: Browser, base: str) -> None:
    """Each by whom it belongs to."""
    officer = sign_in(browser, base, "desk")
    first_look(officer, base)
    officer.get_by_role("link", name="列入台账").click()
    shoot(officer, "5-enter")
    officer.get_by_label("属地", exact=True).select_option("360113")
    officer.get_by_role("button", name="列入台账").click()
    officer.wait_for_url(re.compile("/ledger/YH-"))
    entry = officer.url.partition("?")[0]
    step(officer, "dispatch", "派单", unit="360113", person="刘某", note="三日内查清流向")
    county = sign_in(browser, base, "county", phone=True)
    county.goto(entry)
    step(county, "receive", "签收")
    step(county, "visit", "核查属实", note="现场查实，封存同批电池 40 组")
    shoot(county, "6-county")
    step(county, "rectify", "报告整改", note="停止销售，召回 112 组")
    step(county, "recheck", "复查", first="王某", second="赵某", passed="yes")
    for kind in ("report", "recheck", "retest", "goods"):
        step(county, "proof", "上传材料", kind=kind)
    step(county, "apply", "申请销号")
    chief = sign_in(browser, base, "chief")
    chief.goto(entry)
    shoot(chief, "7-lacking")
    step(chief, "waive", "免除静默条件", note="新信号均为同一批次的转述，已核对")
    step(chief, "close", "销号", note="经复查符合销号条件，予以销号")
    shoot(chief, "8-closed")
    chief.goto(f"{base}/help/ledger")
    shoot(chief, "9-help")


def main() -> None:
    """Make all pictures."""
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.glob("*.png"):
        old.unlink()
    with TemporaryDirectory() as folder, sync_playwright() as playwright, demo_desk(Path(folder)) as base:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        walk(browser, base)
        browser.close()
    total = sum(path.stat().st_size for path in OUT.glob("*.png"))
    print(f"{len(list(OUT.glob('*.png')))} pictures, {total / 1024:.0f} KB in {OUT}")


if __name__ == "__main__":
    main()
