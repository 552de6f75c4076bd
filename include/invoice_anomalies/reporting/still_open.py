"""What earlier nights have left to check: a night without anomalies is no reason to do nothing."""

from collections.abc import Sequence

from invoice_anomalies.anomaly import StillOpen
from invoice_anomalies.text import count, long_date, moneys, one_line


def invoices_open(still_open: Sequence[StillOpen]) -> int:
    """How many invoices of earlier nights are open."""
    return sum(one.invoices for one in still_open)


def open_in_short(still_open: Sequence[StillOpen]) -> str:
    """`12 open from earlier nights, EUR 883,944 + USD 1,200`; empty where nothing is."""
    if not invoices_open(still_open):
        return ""
    return ", ".join(filter(None, [f"{invoices_open(still_open):,} open from earlier nights", _money(still_open)]))


def open_in_words(still_open: Sequence[StillOpen]) -> str:
    """A sentence: how many, how much in each currency, since when; empty where nothing is open."""
    number = invoices_open(still_open)
    if not number:
        return ""
    oldest = long_date(min(one.oldest for one in still_open))
    since = f"of {oldest}" if number == 1 else f"the oldest of {oldest}"
    parts = [f"Still open from earlier nights: {count(number, 'invoice')}", _money(still_open), since]
    return ", ".join(filter(None, parts)) + "."


def _money(still_open: Sequence[StillOpen]) -> str:
    return moneys({one_line(one.currency or "", 12): one.amount for one in still_open if one.amount})
