"""The made-up company: its vendors, and the invoices that it books on any range of days."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from invoice_anomalies.synthetic import calendar
from invoice_anomalies.synthetic.numbers import invoice_numbers, order_numbers
from invoice_anomalies.synthetic.trades import TAX_PERCENT
from invoice_anomalies.synthetic.vendors import REFERENCE_DAY, WHEEL, draw_vendors

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COLUMNS = (
    "vendor_id", "vendor_name", "invoice_number", "invoice_date", "posting_date", "due_date", "currency",
    "net_amount", "tax_amount", "gross_amount", "tax_code", "payment_terms", "cost_center", "gl_account",
    "purchase_order", "description",
)  # fmt: skip
FIRST_DAY = date(2015, 2, 1)
"""The default contract takes dates from 2015 on, and an invoice is written up to a week before it is booked."""
MOST_LAG = 8
CHANCES = 8
"""Independent uniform draws that each invoice gets."""


@dataclass(frozen=True)
class Draws:
    """What chance decides about each invoice, in order of posting; all arrays have one element, or row, an invoice."""

    day: Ints
    """Place of the posting date in the range of days."""
    vendor: Ints
    ordinal: Ints
    """Place among the invoices of its vendor and day."""
    chance: Floats
    """Shape (invoices, CHANCES), uniform on [0, 1)."""
    normal: Floats
    """Standard normal."""


class Company:
    """A made-up company. With the same seed, vendors and rows_per_day a day has the same invoices in every range."""

    def __init__(self, seed: int = 7, vendors: int = 120) -> None:
        self.seed = seed
        self.vendors = draw_vendors(seed, vendors)
        self._wheels = {
            name: np.array([getattr(vendor, name) for vendor in self.vendors], dtype=object)
            for name in ("currencies", "tax_codes", "terms", "cost_centers", "gl_accounts", "texts", "ordered")
        }

    def invoices(self, start: date, end: date, rows_per_day: float = 120) -> pd.DataFrame:
        """Make the invoices booked from start to end, both included, without anomalies, in order of posting.

        rows_per_day is the mean over the working days of a year. Returns the typed columns of the default contract.
        Raises ValueError for a range that ends before it starts or starts before FIRST_DAY.
        """
        if not FIRST_DAY <= start <= end:
            raise ValueError(f"the range {start} to {end} must not end before it starts, nor start before {FIRST_DAY}")
        days = np.arange(np.datetime64(start), np.datetime64(end) + 1)
        expected = calendar.expected_rows(self.vendors, days, rows_per_day)
        # The capacity comes from a fixed year, so that an invoice's number does not depend on the range asked for.
        usual = calendar.expected_rows(self.vendors, calendar.REFERENCE_YEAR, rows_per_day)
        capacity = np.ceil(3 * usual.max(axis=0) + 3).astype(np.int64)
        return self._columns(days, self._draw(days, expected, capacity), capacity)

    def _draw(self, days: calendar.Days, expected: Floats, capacity: Ints) -> Draws:
        """Draw each day from its own generator, so that a day is the same in every range."""
        contracts = np.array([len(vendor.contracts) for vendor in self.vendors])
        bursty = np.array([vendor.rhythm == "irregular" for vendor in self.vendors])
        drawn = []
        for place, day in enumerate(days):
            rng = np.random.default_rng([self.seed, 1, int(day.astype(np.int64))])
            bursts = np.where(bursty, rng.gamma(0.4, 1 / 0.4, size=len(self.vendors)), 1.0)
            by_volume = np.minimum(rng.poisson(expected[place] * bursts), capacity)
            counts = np.where(contracts > 0, expected[place].astype(np.int64), by_volume)
            vendor = np.repeat(np.arange(len(counts)), counts)
            ordinal = np.arange(len(vendor)) - np.repeat(np.cumsum(counts) - counts, counts)
            order = rng.permutation(len(vendor))
            chance, normal = rng.random((len(vendor), CHANCES)), rng.standard_normal(len(vendor))
            drawn.append((np.full(len(vendor), place), vendor[order], ordinal[order], chance, normal))
        return Draws(*(np.concatenate(parts) for parts in zip(*drawn, strict=True)))

    def _columns(self, days: calendar.Days, draws: Draws, capacity: Ints) -> pd.DataFrame:
        chance = self._settle_contracts(draws)
        posted = days[draws.day]
        written = self._written(posted, draws.vendor, chance[:, 0])
        tax_code = self._spin("tax_codes", draws.vendor, chance[:, 1])
        terms = self._spin("terms", draws.vendor, chance[:, 2]).astype(np.int64)
        ordered = self._spin("ordered", draws.vendor, chance[:, 3]).astype(bool)
        net, tax = self._amounts(draws, written, tax_code)
        agreed = np.array([bool(vendor.contracts) for vendor in self.vendors])[draws.vendor]
        delayed = (posted - written).astype(np.int64) * capacity[draws.vendor]
        slot = np.where(agreed, 0, delayed) + draws.ordinal
        columns = {
            "vendor_id": np.array([vendor.vendor_id for vendor in self.vendors], dtype=object)[draws.vendor],
            "vendor_name": np.array([vendor.name for vendor in self.vendors], dtype=object)[draws.vendor],
            "invoice_number": invoice_numbers(self.vendors, draws.vendor, written, slot, capacity * (MOST_LAG + 1)),
            "invoice_date": written,
            "posting_date": posted,
            "due_date": written + terms.astype("timedelta64[D]"),
            "currency": self._spin("currencies", draws.vendor, chance[:, 4]),
            "net_amount": net / 100,
            "tax_amount": tax / 100,
            "gross_amount": (net + tax) / 100,
            "tax_code": tax_code,
            "payment_terms": np.array([f"NET{days}" for days in range(100)], dtype=object)[terms],
            "cost_center": self._spin("cost_centers", draws.vendor, chance[:, 5]),
            "gl_account": self._spin("gl_accounts", draws.vendor, chance[:, 6]),
            "purchase_order": pd.Series(order_numbers(written, chance[:, 3])).where(ordered),
            "description": self._described(draws.vendor, written, chance[:, 7]),
        }
        return typed(pd.DataFrame(columns, columns=list(COLUMNS)))

    def _settle_contracts(self, draws: Draws) -> Floats:
        """Replace chance by the number of the contract: the rent of the second office is always charged alike."""
        contracts = np.array([len(vendor.contracts) for vendor in self.vendors])[draws.vendor]
        settled = (draws.ordinal + 0.5) / np.maximum(contracts, 1)
        return np.asarray(np.where(contracts[:, None] > 0, settled[:, None], draws.chance))

    def _written(self, posted: calendar.Days, vendor: Ints, chance: Floats) -> calendar.Days:
        """Date the invoices: the first of the month for contracts, else the vendor's lag, give or take a day."""
        usual = np.array([vendor.lag for vendor in self.vendors])[vendor]
        by_contract = np.array([bool(vendor.contracts) for vendor in self.vendors])[vendor]
        weekends = np.array([vendor.bills_on_weekends for vendor in self.vendors])[vendor]
        lag = np.maximum(usual + np.select([chance < 0.1, chance > 0.85], [-1, 1], default=0), 0)
        written = posted - lag.astype("timedelta64[D]")
        written = np.where(weekends, written, np.busday_offset(written, 0, roll="backward"))
        return np.asarray(np.where(by_contract, posted.astype("datetime64[M]").astype("datetime64[D]"), written))

    def _amounts(self, draws: Draws, written: calendar.Days, tax_code: NDArray[np.object_]) -> tuple[Ints, Ints]:
        """Return the net amounts and the tax on them, both in cents."""
        of = {
            name: np.array([getattr(vendor, name) for vendor in self.vendors])[draws.vendor]
            for name in ("log_net", "spread", "season", "trend", "unit_price")
        }
        since = (written - np.datetime64(REFERENCE_DAY)).astype(np.int64) / 365.25
        # The yearly wave peaks in the middle of January.
        wave = 1 + of["season"] * np.cos(2 * np.pi * (since - 14 / 365.25))
        net = np.exp(of["log_net"] + of["spread"] * draws.normal) * wave * (1 + of["trend"]) ** since
        price = of["unit_price"]
        net = np.where(price > 0, np.maximum(np.rint(net / np.where(price > 0, price, 1)), 1) * price, net)
        most = max(1, *(len(vendor.contracts) for vendor in self.vendors))
        agreed = np.array([[*vendor.contracts, *[0.0] * most][:most] for vendor in self.vendors])
        fixed = agreed[draws.vendor, np.minimum(draws.ordinal, most - 1)]
        rises = (1 + np.maximum(of["trend"], 0) / 4) ** (calendar.years(written) - REFERENCE_DAY.year)
        net = np.where(fixed > 0, np.round(fixed * rises), net)
        cents = np.maximum(np.rint(net * 100), 100).astype(np.int64)
        percent = pd.Series(tax_code).map(TAX_PERCENT).to_numpy(dtype=np.int64)
        return cents, (cents * percent + 50) // 100

    def _spin(self, wheel: str, vendor: Ints, chance: Floats) -> NDArray[np.object_]:
        return np.asarray(self._wheels[wheel][vendor, (chance * WHEEL).astype(np.int64)])

    def _described(self, vendor: Ints, written: calendar.Days, chance: Floats) -> NDArray[np.object_]:
        month, texts = pd.factorize(written.astype("datetime64[M]").astype("datetime64[s]"))
        names = pd.DatetimeIndex(texts).strftime("%B %Y").to_numpy(dtype=object)
        template, templates = pd.factorize(self._spin("texts", vendor, chance))
        table = np.array([[text.format(month=name) for name in names] for text in templates], dtype=object)
        return np.asarray(table.reshape(len(templates), len(names))[template, month])


def typed(invoices: pd.DataFrame) -> pd.DataFrame:
    """Give the columns the types of validated invoices: float64, datetime64[us] and str."""
    for name in invoices.columns:
        if invoices[name].dtype == object:
            invoices[name] = invoices[name].astype("str")
        elif invoices[name].dtype.kind == "M":
            invoices[name] = invoices[name].astype("datetime64[us]")
    return invoices
