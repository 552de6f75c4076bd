"""The fixed invoices of the golden file: a history, nights with every kind of anomaly planted in them, and a book.

Planted are the kinds of the sample company, and by hand what they leave out: slips of a typist that the explanations
name, empty fields, copies, split sums, bursts, new entities and texts that are not harmless.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.synthetic import Company, plant
from tests.trained_detector import as_nights

BEGIN, TRAINED, KNOWN, END = date(2025, 11, 24), date(2026, 4, 30), date(2026, 5, 15), date(2026, 5, 19)
BOOK = date(2026, 3, 2), date(2026, 3, 27)
VENDORS, ROWS_PER_DAY = 40, 36
TEXTS = ("vendor_id", "invoice_number", "purchase_order", "description", "cost_center", "payment_terms")
DATES = ("invoice_date", "due_date")
AMOUNTS = ("net_amount", "tax_amount", "gross_amount")

Row = dict[str, Any]
Slip = Callable[[Row, pd.DataFrame], Row | list[Row]]
"""Of an invoice, with what was booked before, makes the one that is wrong, or several."""


def history(contract: Contract, last: date = KNOWN) -> pd.DataFrame:
    """Invoices of all nights up to the last, with the anomalies that nobody found in them."""
    clean = Company(seed=3, vendors=VENDORS).invoices(BEGIN, KNOWN, ROWS_PER_DAY)
    planted, _ = plant(clean, 0.004, seed=3)
    return as_nights(contract, planted[planted["posting_date"] <= pd.Timestamp(last)])


def nights(contract: Contract) -> pd.DataFrame:
    """Two nights after the history, with every kind of anomaly."""
    clean = Company(seed=3, vendors=VENDORS).invoices(BEGIN, END, ROWS_PER_DAY)
    past = history(contract).drop(columns="extract_date")
    later = clean[clean["posting_date"] > pd.Timestamp(KNOWN)].reset_index(drop=True)
    planted, _ = plant(later, 0.3, seed=11, book=past)
    by_hand = _by_hand(past, planted, (*SLIPS, NO_AMOUNT))
    return as_nights(contract, pd.concat([planted, by_hand], ignore_index=True)).pipe(_unique)


def book(contract: Contract) -> pd.DataFrame:
    """A month of another company, with every kind of anomaly."""
    clean = Company(seed=5, vendors=25).invoices(*BOOK, 30)
    planted, _ = plant(clean, 0.06, seed=13)
    by_hand = _by_hand(planted[planted["posting_date"] < pd.Timestamp(2026, 3, 23)], planted, SLIPS)
    return as_nights(contract, pd.concat([planted, by_hand], ignore_index=True)).pipe(_unique)


def at_once(invoices: pd.DataFrame) -> pd.DataFrame:
    """The same invoices as one extract that holds all of them."""
    return invoices.assign(extract_date=invoices["extract_date"].max())


def _unique(invoices: pd.DataFrame) -> pd.DataFrame:
    """Number equal keys, as a warehouse would have none, in the order of their nights."""
    invoices = invoices.set_axis(invoices.index.fillna("(no key)")).sort_values("extract_date", kind="stable")
    again = invoices.groupby(level=0).cumcount().to_numpy()
    keys = [f"{key}#{count}" if count else key for key, count in zip(invoices.index, again, strict=True)]
    return invoices.set_axis(pd.Index(keys, name="invoice_key"))


def _by_hand(past: pd.DataFrame, night: pd.DataFrame, slips: Sequence[Slip]) -> pd.DataFrame:
    """What the sample's kinds leave out: each slip in an invoice of a vendor with a long past."""
    vendors = past["vendor_id"].value_counts().index
    day = night["posting_date"].max()
    templates = [past[past["vendor_id"] == vendor].iloc[-1].to_dict() for vendor in vendors]
    made: list[Row] = []
    for place, slip in enumerate(slips):
        row = _renumbered(templates[place % 12], place, day)
        changed = slip(dict(row), past)
        made += changed if isinstance(changed, list) else [changed]
    return pd.DataFrame(made)[list(night.columns)].astype(night.dtypes.to_dict())


def _renumbered(row: Row, place: int, day: pd.Timestamp) -> Row:
    """The invoice once more, of today, with a number that comes next."""
    number = str(row["invoice_number"])
    digits = [at for at, sign in enumerate(number) if sign.isdigit()][-2:]
    kept = list(number)
    for at, digit in zip(digits, f"{(int(''.join(number[at] for at in digits)) + place + 7) % 100:02d}", strict=False):
        kept[at] = digit
    shift = day - row["posting_date"]
    return row | {
        "invoice_number": "".join(kept),
        "posting_date": day,
        "invoice_date": row["invoice_date"] + shift,
        "due_date": row["due_date"] + shift,
    }


def _priced(row: Row, net: float, factor: float | None = None) -> Row:
    rate = row["tax_amount"] / row["net_amount"] if factor is None else factor
    tax = round(net * rate, 2)
    return row | {"net_amount": net, "tax_amount": tax, "gross_amount": round(net + tax, 2)}


def _opposite_sign(row: Row, past: pd.DataFrame) -> Row:
    return row | {name: -row[name] for name in AMOUNTS}


def _transposed(row: Row, past: pd.DataFrame) -> Row:
    text = f"{row['gross_amount']:.2f}"
    at = next((at for at in range(len(text) - 4) if text[at] != text[at + 1] and text[at + 1] != "0"), 0)
    return row | {"gross_amount": float(text[:at] + text[at + 1] + text[at] + text[at + 2 :])}


def _with(**values: Any) -> Slip:
    return lambda row, past: row | values


def _number(change: Callable[[str], str]) -> Slip:
    return lambda row, past: row | {"invoice_number": change(row["invoice_number"])}


def _moved(name: str, years: int = 0, months: int = 0, days: int = 0) -> Slip:
    offset = pd.DateOffset(years=years, months=months, days=days)
    return lambda row, past: row | {name: row[name] + offset}


def _scaled(name: str, factor: float) -> Slip:
    return lambda row, past: row | {name: round(row[name] * factor, 2)}


def _swapped(row: Row, past: pd.DataFrame) -> Row:
    day = row["invoice_date"].replace(day=8, month=5)
    return row | {"invoice_date": day.replace(day=day.month, month=day.day)}


def _copy(row: Row, past: pd.DataFrame, **changes: Any) -> Row:
    """The vendor's invoice before the last, again."""
    own: Row = past[past["vendor_id"] == row["vendor_id"]].iloc[-2].to_dict()
    return own | {"posting_date": row["posting_date"]} | changes


def _copied(change: Callable[[str], str]) -> Slip:
    def slip(row: Row, past: pd.DataFrame) -> Row:
        copy = _copy(row, past)
        return copy | {"invoice_number": change(copy["invoice_number"])}

    return slip


def _copied_to_another(row: Row, past: pd.DataFrame) -> list[Row]:
    """A copy for a vendor of the same name under another number."""
    copy = _copy(row, past)
    return [copy | {"vendor_id": "V99001", "vendor_name": f"{copy['vendor_name']} Ltd"}]


def _exchanged(number: str) -> str:
    at = next(at for at in range(len(number) - 1, 0, -1) if number[at] != number[at - 1])
    return number[: at - 1] + number[at] + number[at - 1] + number[at + 1 :]


def _copied_thrice(row: Row, past: pd.DataFrame) -> list[Row]:
    copy = _copy(row, past)
    return [copy | {"invoice_number": copy["invoice_number"] + end} for end in ("", "-A", "B")]


def _split(row: Row, past: pd.DataFrame) -> list[Row]:
    """Three invoices just below a limit, which all together exceed it."""
    parts = [_priced(row, net, 0.0) for net in (4_980.0, 4_950.0, 4_991.5)]
    return [part | {"invoice_number": f"{row['invoice_number']}-{at}"} for at, part in enumerate(parts, start=1)]


def _burst(row: Row, past: pd.DataFrame) -> list[Row]:
    nets = np.round([*np.linspace(100.0, 400.0, 13), 71_000.0], 2).tolist()
    return [_priced(row, net) | {"invoice_number": f"{row['invoice_number']}{at:02d}"} for at, net in enumerate(nets)]


def _newcomers(row: Row, past: pd.DataFrame) -> list[Row]:
    """Vendors that were never seen: one with an invoice, one with a burst of them."""
    one = row | {"vendor_id": "V99002", "vendor_name": "Ny Leverantör AB"}
    many = [
        _priced(row, 900.0 + 11.1 * at)
        | {"vendor_id": "V99003", "vendor_name": "A <b>new</b> vendor", "invoice_number": f"N-{at:03d}"}
        for at in range(7)
    ]
    return [one | {"invoice_number": "2026/0001", "invoice_date": pd.Timestamp(2026, 5, 17)}, *many]


NO_AMOUNT = _with(net_amount=3.2e15, tax_amount=0.0, gross_amount=3.2e15)
SLIPS: tuple[Slip, ...] = (
    _opposite_sign,
    _transposed,
    _with(net_amount=10_000.0, tax_amount=0.0, gross_amount=10_000.0),
    _with(net_amount=300.0, tax_amount=60.0, gross_amount=360.0),
    _with(net_amount=0.0, tax_amount=0.0, gross_amount=0.0),
    _scaled("tax_amount", 10.0),
    _scaled("gross_amount", 0.01),
    _scaled("net_amount", 1_000.0),
    _scaled("gross_amount", 1.3),
    _with(net_amount=np.nan),
    _with(tax_amount=np.nan, gross_amount=np.nan),
    _swapped,
    _moved("invoice_date", years=-1),
    _moved("invoice_date", years=-3),
    _moved("invoice_date", days=40),
    _moved("invoice_date", days=-75),
    _moved("invoice_date", days=-1),
    _with(invoice_date=pd.Timestamp(2026, 5, 1)),
    _with(invoice_date=pd.Timestamp(2026, 3, 8)),
    _moved("due_date", months=6),
    _moved("due_date", years=1),
    _moved("due_date", days=2),
    _with(invoice_date=pd.NaT),
    _with(due_date=pd.NaT),
    _with(purchase_order=None, description=None),
    _with(purchase_order="PO 12", description="x"),
    _with(cost_center=None, gl_account=None),
    _with(cost_center="C\u202e9999", payment_terms="<NET>"),
    _with(currency="XXX"),
    _with(tax_code="Z00", payment_terms="NET90"),
    _number(str.lower),
    _number(lambda number: f"{number} "),
    _number(lambda number: number + "7"),
    _number(lambda number: number[:-1]),
    _number(lambda number: number[:-1] + "O"),
    _number(lambda number: number.replace("-", "/").replace("2026", "26-26")),
    _number(lambda number: "9" * len(number)),
    _number(lambda number: "".join("1" if sign.isdigit() else sign for sign in number)),
    _number(lambda number: "".join("0" if sign.isdigit() else sign for sign in number)),
    _number(lambda number: "".join("8" if sign.isdigit() else sign for sign in number)),
    _number(lambda number: "=cmd|' /C calc'!A0"),
    _with(invoice_number=None),
    _with(vendor_id=None, vendor_name=None),
    _with(description="Überweisung " * 12),
    _copied(lambda number: number),
    _copied(_exchanged),
    _copied(_exchanged),
    _copied(lambda number: f"{number[:-2]}/{number[-2:]}"),
    _copied(lambda number: number.replace("-", "") + " "),
    _copied(lambda number: number[:2] + number[3:]),
    _copied(lambda number: f"{number}-2"),
    _copied(lambda number: f"0{number}"),
    _copied(lambda number: number[:-1]),
    _copied(lambda number: f"{number[:-1]}{(int(number[-1]) + 1) % 10}" if number[-1].isdigit() else f"{number}1"),
    _copied_to_another,
    _copied_thrice,
    lambda row, past: _copy(row, past, gross_amount=row["gross_amount"] + 100.0),
    _split,
    _burst,
    _newcomers,
)
