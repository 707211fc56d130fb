"""通知记录: what was sent to whom, each try with its answer, and why one still waits."""

from fastapi import APIRouter
from starlette.responses import Response

from web.deliveries import FILTERS, OUTCOMES, PAGE_SIZE, Log, read_asked
from web.names import CHANNELS, DELIVERY_STATES
from web.visit import Here

router = APIRouter(include_in_schema=False)


@router.get("/deliveries")
def show_deliveries(visit: Here) -> Response:
    """The log, of alerts this viewer sees, with its filters in the address."""
    asked = read_asked(visit.request.query_params)
    with visit.services.store.read() as db:
        log = Log(db, visit.me, asked, visit.services.clock())
        found = log.found()
        start = (asked.page - 1) * PAGE_SIZE
        lines = log.lines(found[start : start + PAGE_SIZE])
        choices = {name: log.choices(name) for name in FILTERS if name != "alert"}
    number = next((line.number for line in lines if line.alert == asked.alert), asked.alert)
    labels = {
        "state": lambda key: DELIVERY_STATES[key][0],
        "channel": lambda key: CHANNELS.get(key, key),
        "alert": lambda key: number,
    }
    return visit.page(
        "deliveries.html", asked=asked, lines=lines, total=len(found), all=len(log.rows), choices=choices,
        FILTERS=FILTERS, OUTCOMES=OUTCOMES, first_row=start + 1, last_row=start + len(lines),
        label=lambda name, value: labels[name](value) if name in labels else value,
    )  # fmt: skip
