"""The kinds of anomaly that the product claims to find, each one wrong field in an otherwise credible invoice.

A kind is a function of chosen invoices, the book they come from and a generator. It returns the invoices as changed
and, for each, the fields that a reader may rightly blame, joined by "|". The book is sorted by posting date.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from invoice_anomalies.synthetic.trades import TAX_PERCENT

Rng = np.random.Generator
Planted = tuple[pd.DataFrame, pd.Series]
Kind = Callable[[pd.DataFrame, pd.DataFrame, Rng], Planted]
Mask = NDArray[np.bool_]

AMOUNTS = "net_amount|tax_amount|gross_amount"
CATEGORIES = ("cost_center", "gl_account", "currency", "tax_code")
SHIFTS = (10.0, 100.0, 0.01)
OUT_OF_RANGE = 4.0
"""An amount is foreign to a vendor when it is so many times above its largest, or below its smallest, in the book."""
WRONG_PERCENT = (1, 2, 8, 12, 16, 25)
"""Rates of no tax code of the contract, so that the tax itself is to blame and not its code."""
DONORS = 64
"""Invoices of the book that are tried for each borrowed value."""
DUPLICATE_DAYS = (2, 30)
"""Days between an invoice and its second booking."""
SOONEST_CLAIM = 4
"""A wrong due date lies fewer days than this after the invoice."""


def amount_shifted(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Shift the decimal point: all three amounts x10, x100 or /100. To blame: any of the amounts."""
    factor = rng.choice(SHIFTS, size=len(rows))
    factor = np.where((factor < 1) & (rows["net_amount"] < 200), 100.0, factor)
    net, tax = (_cents(rows[name] * factor) for name in ("net_amount", "tax_amount"))
    return _with_amounts(rows, net, tax), _blame(rows, AMOUNTS)


def amount_unusual(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Charge what other vendors charge, and this one never did, with the right tax. To blame: any of the amounts."""
    net = book["net_amount"].to_numpy()
    by_vendor = book.groupby("vendor_id")["net_amount"].agg(["min", "max"]).reindex(rows["vendor_id"])
    donated = net[rng.integers(len(book), size=(len(rows), DONORS))]
    largest, smallest = by_vendor["max"].to_numpy()[:, None], by_vendor["min"].to_numpy()[:, None]
    foreign = (donated > OUT_OF_RANGE * largest) | (donated < smallest / OUT_OF_RANGE)
    borrowed = donated[np.arange(len(rows)), foreign.argmax(axis=1)]
    # Where a vendor charges all that anyone charges, an amount beyond its largest still is unusual.
    chosen = np.where(foreign.any(axis=1), borrowed, largest[:, 0] * OUT_OF_RANGE * rng.uniform(1, 2, size=len(rows)))
    cents = _cents(pd.Series(chosen, index=rows.index))
    percent = rows["tax_code"].map(TAX_PERCENT).to_numpy(dtype=np.int64)
    return _with_amounts(rows, cents, (cents * percent + 50) // 100), _blame(rows, AMOUNTS)


def tax_mismatch(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Charge a tax of no known rate; every other time the sum of the invoice follows. To blame: any of the amounts."""
    net = _cents(rows["net_amount"])
    tax = (net * rng.choice(WRONG_PERCENT, size=len(rows)) + 50) // 100
    wrong = _with_amounts(rows, net, tax)
    follows = rng.permutation(len(rows)) % 2 == 0
    wrong["gross_amount"] = wrong["gross_amount"].where(follows, rows["gross_amount"])
    return wrong, _blame(rows, AMOUNTS)


def date_moved(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Write another year on the invoice, one to three off; the due date stays. To blame: either date."""
    wrong = rows.copy()
    years = rng.integers(1, 4, size=len(rows)) * np.where(rng.random(len(rows)) < 0.8, -1, 1)
    # The contract takes no dates before 2015: such a year would be quarantined instead of judged.
    years = np.where(rows["invoice_date"].dt.year + years < 2016, np.abs(years), years)
    moved = [day + pd.DateOffset(years=int(by)) for day, by in zip(rows["invoice_date"], years, strict=True)]
    wrong["invoice_date"] = pd.Series(moved, index=rows.index, dtype="datetime64[us]")
    return wrong, _blame(rows, "invoice_date|due_date")


def date_swapped(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Swap day and month of the invoice date; the due date stays. To blame: either date."""
    wrong, day = rows.copy(), rows["invoice_date"].dt
    swapped = pd.to_datetime({"year": day.year, "month": day.day, "day": day.month})
    wrong["invoice_date"] = swapped.astype("datetime64[us]")
    return wrong, _blame(rows, "invoice_date|due_date")


def due_date_wrong(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Claim the money within days although the terms give weeks. To blame: the due date or the terms."""
    wrong = rows.copy()
    soon = pd.to_timedelta(rng.integers(0, SOONEST_CLAIM, size=len(rows)), unit="D")
    wrong["due_date"] = (rows["invoice_date"] + soon).astype("datetime64[us]")
    return wrong, _blame(rows, "due_date|payment_terms")


def category_wrong(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Book to a cost centre, account, currency or tax code that the vendor never had. To blame: that field."""
    values, blamed = {name: rows[name].tolist() for name in CATEGORIES}, []
    used = {
        name: book[["vendor_id", name]].drop_duplicates().groupby("vendor_id")[name].agg(set) for name in CATEGORIES
    }
    known = {name: sorted(book[name].unique()) for name in CATEGORIES}
    start = int(rng.integers(len(CATEGORIES)))
    for place, vendor in enumerate(rows["vendor_id"]):
        turn = (start + place) % len(CATEGORIES)
        never = {name: [value for value in known[name] if value not in used[name][vendor]] for name in CATEGORIES}
        # No vendor has all cost centres, so that one field is left in any case.
        name = next(name for name in (*CATEGORIES[turn:], *CATEGORIES[:turn]) if never[name])
        values[name][place] = never[name][int(rng.integers(len(never[name])))]
        blamed.append(name)
    return rows.assign(**values), pd.Series(blamed, index=rows.index, dtype="str")


def identifier_wrong(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Number the invoice in the shape of another vendor's numbers. To blame: the number."""
    wrong = rows.copy()
    donated = book["invoice_number"].to_numpy(dtype=object)[rng.integers(len(book), size=(len(rows), DONORS))]
    own = [shape(number) for number in rows["invoice_number"]]
    foreign = [next((n for n in some if shape(n) != kind), some[0]) for some, kind in zip(donated, own, strict=True)]
    # The last two digits change, so that the other vendor's invoice is not named twice.
    borrowed = [number[:-2] + f"{int(rng.integers(100)):02d}" for number in foreign]
    wrong["invoice_number"] = pd.Series(borrowed, index=rows.index, dtype="str")
    return wrong, _blame(rows, "invoice_number")


def duplicate_rekeyed(rows: pd.DataFrame, book: pd.DataFrame, rng: Rng) -> Planted:
    """Book an invoice of the last weeks again with one character of its number changed. To blame: the number.

    rows only give the days of the second booking: the duplicates come beside them, and they stay as they are.
    """
    posted, days = book["posting_date"].to_numpy(), rows["posting_date"].to_numpy()
    low = np.searchsorted(posted, days - np.timedelta64(DUPLICATE_DAYS[1], "D"))
    high = np.searchsorted(posted, days - np.timedelta64(DUPLICATE_DAYS[0] - 1, "D"))
    # On the first days of a book nothing is old enough; there the same day's invoice comes twice.
    high = np.where(high > low, high, np.searchsorted(posted, days, side="right"))
    again = book.iloc[rng.integers(low, np.maximum(high, low + 1))].set_axis(rows.index)
    again["posting_date"] = rows["posting_date"]
    rekeyed = [_rekeyed(number, rng) for number in again["invoice_number"]]
    again["invoice_number"] = pd.Series(rekeyed, index=rows.index, dtype="str")
    return again, _blame(rows, "invoice_number")


KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        amount_shifted, category_wrong, due_date_wrong, duplicate_rekeyed, tax_mismatch, identifier_wrong,
        date_swapped, amount_unusual, date_moved,
    )
}  # fmt: skip
"""In the order in which they are planted."""


def fitting(kind: str, rows: pd.DataFrame) -> Mask:
    """Tell which invoices a kind can be planted in so that it shows, shape (rows,)."""
    if kind == "date_swapped":
        day = rows["invoice_date"].dt
        return np.asarray((day.day <= 12) & (day.day != day.month))
    if kind == "due_date_wrong":
        return np.asarray(rows["due_date"] - rows["invoice_date"] >= pd.Timedelta(days=14))
    if kind == "tax_mismatch":
        return np.asarray(rows["net_amount"] >= 20)
    return np.ones(len(rows), dtype=bool)


def shape(number: str) -> str:
    """Reduce a number to its shape: A for letters, 9 for digits, the rest as it is; INV-2026-00123 is A-9-9."""
    return re.sub("[A-Za-z]+", "A", re.sub("[0-9]+", "9", number))


def _rekeyed(number: str, rng: Rng) -> str:
    """Change one of the last four digits, as a typist does."""
    places = [place for place, sign in enumerate(number) if sign.isdigit()][-4:]
    place = places[int(rng.integers(len(places)))]
    digit = (int(number[place]) + int(rng.integers(1, 10))) % 10
    return f"{number[:place]}{digit}{number[place + 1 :]}"


def _cents(amounts: pd.Series) -> NDArray[np.int64]:
    return np.asarray(np.rint(amounts.to_numpy() * 100)).astype(np.int64)


def _with_amounts(rows: pd.DataFrame, net: NDArray[np.int64], tax: NDArray[np.int64]) -> pd.DataFrame:
    return rows.assign(net_amount=net / 100, tax_amount=tax / 100, gross_amount=(net + tax) / 100)


def _blame(rows: pd.DataFrame, fields: str) -> pd.Series:
    return pd.Series(fields, index=rows.index, dtype="str")
