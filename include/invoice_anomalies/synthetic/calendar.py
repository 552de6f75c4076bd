"""When invoices are booked: the working week, the end of the month, the year, and each vendor's own rhythm."""

import numpy as np
from numpy.typing import NDArray

from invoice_anomalies.synthetic.vendors import Vendor

Days = NDArray[np.datetime64]
Floats = NDArray[np.float64]

WEEKDAY_WEIGHTS = np.array([1.15, 1.0, 1.0, 1.0, 0.95, 0.04, 0.02])
MONTH_WEIGHTS = np.array([0.95, 1.0, 1.05, 1.0, 1.0, 1.05, 0.95, 0.75, 1.05, 1.05, 1.1, 1.15])
MONTH_END = 3
"""Working days at the end of a month on which the books are closed."""
MONTH_END_WEIGHT = 1.8
OFF_RHYTHM = 0.02
"""What is left of a vendor's invoices on a day outside of its rhythm."""
REFERENCE_YEAR = np.arange(np.datetime64("2026-01-01"), np.datetime64("2027-01-01"))
WORKING_DAYS = 261


def weekdays(days: Days) -> NDArray[np.int64]:
    """Day of the week, 0 = Monday, in the shape of `days`."""
    return np.asarray((days.astype("datetime64[D]").astype(np.int64) + 3) % 7)  # 1970-01-01 was a Thursday


def months(days: Days) -> NDArray[np.int64]:
    """Month of the year, 0 = January, in the shape of `days`."""
    return np.asarray(days.astype("datetime64[M]").astype(np.int64) % 12)


def years(days: Days) -> NDArray[np.int64]:
    """Calendar year, in the shape of `days`."""
    return np.asarray(days.astype("datetime64[Y]").astype(np.int64) + 1970)


def day_of_year(days: Days) -> NDArray[np.int64]:
    """Days since the first of January, in the shape of `days`."""
    return np.asarray((days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64))


def at_month_end(days: Days) -> NDArray[np.bool_]:
    """Tell the last MONTH_END working days of each month (and the weekend days between and after them)."""
    next_month = (days.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return np.asarray(np.busday_count(days, next_month) <= MONTH_END)


def expected_rows(vendors: list[Vendor], days: Days, rows_per_day: float) -> Floats:
    """Expected invoices of each vendor on each day, shape (days, vendors).

    rows_per_day is the mean over the working days of a year and all vendors. Vendors with contracts take theirs
    off that; the others share the rest by their volume. A day's numbers do not depend on the other days asked for.
    """
    contracts = np.array([len(vendor.contracts) for vendor in vendors])
    volume = np.array([0.0 if vendor.contracts else vendor.volume for vendor in vendors])
    left = max(rows_per_day - contracts.sum() * 12 / WORKING_DAYS, 0.1 * rows_per_day)
    usual = _weights(vendors, REFERENCE_YEAR).sum(axis=0) / WORKING_DAYS
    rate = left * volume / max(volume.sum(), 1e-9) / usual
    return np.asarray(np.where(contracts > 0, contracts * contract_days(vendors, days), rate * _weights(vendors, days)))


def contract_days(vendors: list[Vendor], days: Days) -> NDArray[np.bool_]:
    """Tell the day of each month on which a vendor's invoices dated the 1st are booked, shape (days, vendors)."""
    lags = np.array([vendor.lag for vendor in vendors])
    firsts = days.astype("datetime64[M]").astype("datetime64[D]")
    booked = np.busday_offset(firsts[:, None] + lags[None, :], 0, roll="forward")
    return np.asarray(booked == days[:, None])


def _weights(vendors: list[Vendor], days: Days) -> Floats:
    rhythm = np.array([vendor.rhythm for vendor in vendors])[None, :]
    weekday = np.array([vendor.weekday for vendor in vendors])[None, :]
    closing = at_month_end(days)[:, None]
    in_rhythm = np.select(
        [rhythm == "weekly", rhythm == "month_end"],
        [weekdays(days)[:, None] == weekday, np.broadcast_to(closing, (len(days), len(vendors)))],
        default=True,
    )
    common = WEEKDAY_WEIGHTS[weekdays(days)] * MONTH_WEIGHTS[months(days)]
    weights = common[:, None] * np.where(in_rhythm, 1.0, OFF_RHYTHM) * np.where(closing, MONTH_END_WEIGHT, 1.0)
    return np.asarray(weights)
