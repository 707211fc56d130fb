"""The chart of a digest: signals of the last days over their expected band, as a sentence and as a picture."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection

from alerts.day_series import day_of, start_of
from alerts.day_trend import HISTORY, Band, counts_by_day, fit
from alerts.digest_day import DayNews, DigestDesk
from alerts.digest_reader import Reader
from charts.png import png_of, trend_svg

DAYS = 14


@dataclass(frozen=True)
class Trend:
    """Signals of each of the last days, the last one over. bands: of each; None: nothing is known of days before."""

    days: tuple[date, ...]
    counts: tuple[int, ...]
    bands: tuple[Band | None, ...]
    levels: tuple[int, ...]

    @property
    def odd(self) -> bool:
        """Whether the last day lies outside of its band."""
        band = self.bands[-1]
        return band is not None and not band.lower <= self.counts[-1] <= band.upper

    @property
    def said(self) -> str:
        """`11-22 风险信号 204 条，常态 121 至 168 条，高于上限`."""
        band, count = self.bands[-1], self.counts[-1]
        told = f"{self.days[-1]:%m-%d} 风险信号 {count} 条"
        if band is None:
            return f"{told}，此前数据不足，不作比较"
        over = "，高于上限" if count > band.upper else "，低于下限" if count < band.lower else ""
        return f"{told}，常态 {band.lower:.0f} 至 {band.upper:.0f} 条{over}"

    def picture(self) -> bytes | None:
        """As PNG; None where it cannot be drawn, and a table says the same."""
        known = [band or Band(0.0, 0.0, 0.0) for band in self.bands]
        over = [i for i, band in enumerate(self.bands) if band is not None and self.counts[i] > band.upper]
        last, band = f"{self.days[-1]:%m-%d} {self.counts[-1]} 条", self.bands[-1]
        count = len(self.days)
        return png_of(
            trend_svg(
                self.counts, [one.expected for one in known], [one.upper for one in known],
                [one.lower for one in known], label=self.said, marks=[(i, self.levels[i]) for i in over],
                note=f"{last}，常态 {band.lower:.0f} 至 {band.upper:.0f}" if band else last, unit=" 条",
                ticks=[(100 * (i + 0.5) / count, f"{self.days[i]:%m-%d}") for i in range(count - 1, -1, -3)],
            )
        )  # fmt: skip


def trend_of(db: Connection, desk: DigestDesk, reader: Reader, news: DayNews) -> Trend | None:
    """The days that are over. None for somebody without a territory, or where there never was a signal."""
    where = reader.documents()
    if where is None:
        return None
    key = ("*" if reader.everywhere else "|".join(sorted(reader.codes)), *sorted(reader.one.products))
    if key not in news.trends:
        news.trends[key] = _read(db, desk, where, news.until)
    found: Trend | None = news.trends[key]
    return found


def _read(db: Connection, desk: DigestDesk, where: ColumnElement[bool], until: datetime) -> Trend | None:
    last = day_of(until) - 1
    end = start_of(last + 1) - timedelta(microseconds=1)
    counted = counts_by_day(db, last - HISTORY, end, where)
    if not counted:
        return None
    bands = fit({day: count for day, (count, _) in counted.items()}, last, desk.calendar)
    days = range(last - DAYS + 1, last + 1)
    shown = [counted.get(day, (0, 0)) for day in days]
    return Trend(
        tuple(map(date.fromordinal, days)),
        tuple(count for count, _ in shown),
        tuple(bands.get(day) for day in days),
        tuple(level for _, level in shown),
    )
