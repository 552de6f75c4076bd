"""The picture of the last nights in the daily summary."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from statistics import median
from typing import Any

from invoice_anomalies.reporting.night import PastNight
from invoice_anomalies.text import MONTHS

WIDTH, HEIGHT = 5.0, 3.1  # inches; so small that 10 points are still read on a phone, where it is shrunk to 340 pixels
DOTS_PER_INCH = 240  # sharp at the 660 pixels of a desktop, also on a fine screen
QUIET, LINE = "#566474", "#d9e0e8"
LOADED, LOADED_TODAY, QUARANTINED, FLAGGED, TODAY = "#b9cbe3", "#3d6ba8", "#e39a23", "#e58e87", "#b42318"
MOST_TICKS = 6
HISTORY_TIMES = 10.0  # times the median of the others from which a night is a history: beside it, nights are no bars


def trend_plot(nights: Sequence[PastNight], extract_date: date) -> bytes:
    """Draw invoices loaded and quarantined (above) and flagged (below) by night; return a PNG below 100 kB.

    nights: at least one, in order of date. The night of the summary is drawn darker; nights that were refused or
    did not come are marked. An earlier night that was a whole history is left out, and the picture says so.
    """
    # The object interface: pyplot keeps figures alive, and is not safe in threads.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    left_out = histories(nights, extract_date)
    nights = [night for night in nights if night not in left_out]
    xs = range(len(nights))
    today = [night.extract_date == extract_date for night in nights]

    loaded = [night.loaded if night.state == "loaded" else 0 for night in nights]
    quarantined = [night.quarantined if night.state == "loaded" else 0 for night in nights]
    above.bar(xs, loaded, color=[LOADED_TODAY if t else LOADED for t in today], width=0.8, label="loaded")
    above.bar(xs, quarantined, bottom=loaded, color=QUARANTINED, width=0.8, label="quarantined")
    _title(above, [("loaded", LOADED_TODAY), ("quarantined", QUARANTINED)])
    _mark_absent(above, nights)
    _caption(above, left_out)

    flagged = [night.flagged or 0 for night in nights]
    below.bar(xs, flagged, color=[TODAY if t else FLAGGED for t in today], width=0.8)
    _title(below, [("flagged", TODAY)])
    for axes, tops in ((above, [a + b for a, b in zip(loaded, quarantined, strict=True)]), (below, flagged)):
        _frame(axes, max([*tops, 1]))
    step = -(-len(nights) // MOST_TICKS)
    shown = list(xs)[::-1][::step][::-1]  # counted from the last night, so that it always has its date
    below.set_xticks(shown, [f"{_day(nights[i].extract_date)}" for i in shown])
    return _png(figure)


def histories(nights: Sequence[PastNight], extract_date: date) -> list[PastNight]:
    """The nights with far more invoices than the others, but for the one of the summary: histories loaded at once."""
    found = []
    for night in nights:
        others = [other.loaded for other in nights if other is not night and other.state == "loaded" and other.loaded]
        if night.extract_date != extract_date and others and night.loaded > HISTORY_TIMES * median(others):
            found.append(night)
    return found


def _caption(axes: Any, left_out: Sequence[PastNight]) -> None:
    """Say at the upper right which nights are not in the picture."""
    if not left_out:
        return
    last, invoices = left_out[-1].extract_date, sum(night.loaded for night in left_out)
    which = f"{_day(last)}" if len(left_out) == 1 else f"{len(left_out)} nights"
    axes.annotate(
        f"left out: {which} ({invoices:,} invoices)", (1.0, 1.0), xycoords="axes fraction", xytext=(0, 5),
        textcoords="offset points", color=QUIET, fontsize=9, ha="right",
    )  # fmt: skip


def _title(axes: Any, parts: list[tuple[str, str]]) -> None:
    """A legend that is read as a title: each word in the colour of its bars."""
    x = 0.0
    for word, colour in parts:
        text = axes.annotate(
            word, (x, 1.0), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points",
            color=colour, fontsize=10, fontweight="bold",
        )  # fmt: skip
        extent = text.get_window_extent(axes.figure.canvas.get_renderer())
        x += extent.width / axes.get_window_extent().width + 0.03


def _mark_absent(axes: Any, nights: Sequence[PastNight]) -> None:
    for x, night in enumerate(nights):
        if night.state != "loaded":
            axes.annotate(
                night.state, (x, 0), xytext=(0, 4), textcoords="offset points", rotation=90,
                ha="center", va="bottom", color=TODAY, fontsize=9,
            )  # fmt: skip


def _frame(axes: Any, top: int) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(0, top * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    axes.tick_params(length=0, labelsize=10, colors=QUIET)
    axes.grid(axis="y", color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)


def _day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def _png(figure: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})  # no version in it: equal data, equal bytes
    return buffer.getvalue()
