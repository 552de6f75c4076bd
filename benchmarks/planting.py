"""Plant labelled anomalies into real invoices: the protocols of the detection benchmark.

`plant_payments` puts five kinds of mistake into vendors whose past is long and steady enough for a reader to agree
that each is one. `shift_fields` moves single fields, mostly outside of what occurs. Both plant only in the invoices to
be judged, never in the history.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.contract.fields import NUMERIC_TYPES

LEAST_HISTORY = 20
"""Invoices in the history that a vendor must have."""
STEADY = 0.5
"""Largest robust spread of a steady vendor: 1.4826 times the median absolute deviation of ln(amount)."""
OFF_MEDIAN = 30.0
"""An unusual amount is so many times above or below its vendor's median."""
ORDINARY = (0.01, 0.99)
"""Quantiles of the whole book between which an unusual amount lies, so that it is ordinary elsewhere."""
SHIFTS = (100.0, 0.01)
DAYS_MOVED = (366, 1100)
MOVED_BACK = 0.8
RESENT_DAYS = (2, 30)
DONORS = 256
"""Invoices of others that are tried for each borrowed value."""
KINDS = ("amount_shifted", "amount_unusual", "date_moved", "duplicate_rekeyed", "identifier_foreign")

FACTORS = (5.0, 20.0)
MULTIPLIED = 0.8
"""Share of the number shifts that multiply; the others divide."""
YEARS_MOVED = (25, 60)
LEVELS_MOVED = (200, 900)
TRIES = 50

Rng = np.random.Generator


@dataclass(frozen=True)
class Planted:
    """Invoices with anomalies, and what is known about them.

    truth: index of the invoices; `kind`, and `fields`, those that may rightly be blamed, joined by "|"; both "" where
    nothing was planted. clean: the changed invoices as they were; an added invoice is not among them.
    """

    invoices: pd.DataFrame
    truth: pd.DataFrame
    clean: pd.DataFrame


@dataclass(frozen=True)
class Ledger:
    """The fields of a contract that the kinds of `plant_payments` change, and the frames they look at."""

    contract: Contract
    history: pd.DataFrame
    window: pd.DataFrame
    book: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "book", pd.concat([self.history, self.window]))

    @property
    def vendor(self) -> str:
        return str(self.contract.entity)

    @property
    def amount(self) -> str:
        return str(self.contract.amount)

    @property
    def date(self) -> str:
        return self.contract.of_type("date")[0]

    @property
    def number(self) -> str:
        return self.contract.of_type("identifier")[0]

    def vendors(self) -> pd.DataFrame:
        """Medians and robust spreads of the vendors to plant in: LEAST_HISTORY invoices or more, and STEADY."""
        logs = np.log(self.history[self.amount])
        by_vendor = logs.groupby(self.history[self.vendor])
        middle = by_vendor.median()
        off = (logs - self.history[self.vendor].map(middle)).abs()
        spread = 1.4826 * off.groupby(self.history[self.vendor]).median()
        fitting = (by_vendor.size() >= LEAST_HISTORY) & (spread < STEADY)
        vendors: pd.DataFrame = pd.DataFrame({"median": np.exp(middle), "spread": spread})[fitting]
        return vendors


Kind = Callable[[Ledger, pd.DataFrame, Rng], pd.Series]
"""From the ledger and candidate invoices to the wrong values, missing where none could be made; one field each."""


def plant_payments(contract: Contract, history: pd.DataFrame, window: pd.DataFrame, share: float, seed: int) -> Planted:
    """Plant the five KINDS evenly into a share of the window's invoices.

    history, window: typed frames with `extract_date` and an index of unique texts. Re-sent invoices come beside the
    others, on their own later night; all other kinds change one field and leave the night as it was.
    """
    rng = np.random.default_rng([seed, 3])
    ledger = Ledger(contract, history, window)
    vendors = ledger.vendors()
    each = round(share * len(window) / len(KINDS))
    steady = window[window[ledger.vendor].isin(vendors.index)]
    order = steady.iloc[rng.permutation(len(steady))]
    changed, labels = window.copy(), []
    for name, (blamed, make) in _CHANGES.items():
        # Far more candidates than wanted: some vendors offer nothing to make the mistake with.
        candidates = order.iloc[: 20 * each]
        values = make(ledger, candidates, rng).dropna().iloc[:each]
        column = getattr(ledger, blamed)
        changed.loc[values.index, column] = values.astype(changed[column].dtype)
        labels.append(pd.DataFrame({"kind": name, "fields": column}, index=values.index))
        order = order.drop(values.index)
    known = pd.concat(labels)
    added = _duplicates(ledger, vendors.index, known.index, each, rng)
    resent = pd.DataFrame({"kind": "duplicate_rekeyed", "fields": ledger.number}, index=added.index)
    together = pd.concat([changed, added]).sort_values("extract_date", kind="stable")
    truth = pd.concat([known, resent]).reindex(together.index, fill_value="")
    return Planted(together, truth, window.loc[known.index])


def amount_shifted(ledger: Ledger, rows: pd.DataFrame, rng: Rng) -> pd.Series:
    """Amounts times or divided by 100; never below a cent."""
    amounts = rows[ledger.amount]
    factor = np.where(amounts < 1.0, max(SHIFTS), rng.choice(SHIFTS, size=len(rows)))
    return (amounts * factor).round(2)


def amount_unusual(ledger: Ledger, rows: pd.DataFrame, rng: Rng) -> pd.Series:
    """Amounts of other vendors' invoices, OFF_MEDIAN times off the own vendor's median, up or down as they come."""
    amounts, vendors = ledger.book[ledger.amount].to_numpy(), ledger.book[ledger.vendor].to_numpy(object)
    drawn = rng.integers(len(amounts), size=(len(rows), DONORS))
    donated = amounts[drawn]
    median = rows[ledger.vendor].map(ledger.vendors()["median"]).to_numpy()[:, None]
    low, high = np.quantile(amounts, ORDINARY)
    fits = (np.maximum(donated / median, median / donated) >= OFF_MEDIAN) & (low <= donated) & (donated <= high)
    fits &= vendors[drawn] != rows[ledger.vendor].to_numpy(object)[:, None]
    return pd.Series(_first(donated, fits, np.nan), index=rows.index, dtype=float)


def date_moved(ledger: Ledger, rows: pd.DataFrame, rng: Rng) -> pd.Series:
    """Dates by more than a year off, mostly back."""
    days = rng.integers(DAYS_MOVED[0], DAYS_MOVED[1], size=len(rows), endpoint=True)
    sign = np.where(rng.random(len(rows)) < MOVED_BACK, -1, 1)
    return rows[ledger.date] + pd.to_timedelta(days * sign, unit="D")


def identifier_foreign(ledger: Ledger, rows: pd.DataFrame, rng: Rng) -> pd.Series:
    """Numbers of other vendors' invoices, in a shape that the own vendor never used."""
    codes, texts = pd.factorize(ledger.book[ledger.number])
    shape_codes, _ = pd.factorize(pd.Series([shape(text) for text in texts]))
    shapes, numbers = shape_codes[codes], ledger.book[ledger.number].to_numpy(object)
    used = pd.Series(shapes).groupby(ledger.book[ledger.vendor].to_numpy(object)).agg(set).to_dict()
    drawn = rng.integers(len(numbers), size=(len(rows), DONORS))
    own = [used[vendor] for vendor in rows[ledger.vendor]]
    fits = np.array([[found not in kept for found in line] for kept, line in zip(own, shapes[drawn], strict=True)])
    return pd.Series(_first(numbers[drawn], fits, None), index=rows.index, dtype="str")


_CHANGES: dict[str, tuple[str, Kind]] = {
    "identifier_foreign": ("number", identifier_foreign),
    "amount_unusual": ("amount", amount_unusual),
    "amount_shifted": ("amount", amount_shifted),
    "date_moved": ("date", date_moved),
}
"""Kinds that change one field, those with fewer fitting invoices first."""


def _duplicates(ledger: Ledger, vendors: pd.Index, changed: pd.Index, count: int, rng: Rng) -> pd.DataFrame:
    """Re-send unchanged invoices of the window or the weeks before it, one character of the number changed."""
    first, last = ledger.window["extract_date"].min(), ledger.window["extract_date"].max()
    book = ledger.book[ledger.book[ledger.vendor].isin(vendors) & ~ledger.book.index.isin(changed)]
    book = book.iloc[rng.permutation(len(book))]
    days = pd.to_timedelta(rng.integers(RESENT_DAYS[0], RESENT_DAYS[1], size=len(book), endpoint=True), unit="D")
    again = book["extract_date"] + days
    fits = again.between(first, last) & (book[ledger.number].str.len() > 0)
    added = book[fits].iloc[: 2 * count].copy()
    added[ledger.date] = added["extract_date"] = again[fits].iloc[: 2 * count]
    added[ledger.number] = pd.Series([rekeyed(text, rng) for text in added[ledger.number]], added.index, dtype="str")
    # A number that the vendor already has would be another invoice's, not a mistyped one.
    taken = set(ledger.book[ledger.vendor] + "|" + ledger.book[ledger.number])
    added = added[[key not in taken for key in added[ledger.vendor] + "|" + added[ledger.number]]].iloc[:count]
    return added.set_axis([f"{key}|again" for key in added.index])


def shape(text: str) -> str:
    """Reduce a number to its shape: 9 for each digit, A for each letter, the rest as it is."""
    return "".join("9" if sign.isdigit() else "A" if sign.isalpha() else sign for sign in text)


def rekeyed(text: str, rng: Rng) -> str:
    """Change one character, a digit into a digit and a letter into a letter; a text of other signs gets a digit."""
    places = [place for place, sign in enumerate(text) if sign.isalnum()] or [len(text) - 1]
    place = places[int(rng.integers(len(places)))]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if text[place].isalpha() else "0123456789"
    others = [sign for sign in letters if sign != text[place].upper()]
    return f"{text[:place]}{others[int(rng.integers(len(others)))]}{text[place + 1 :]}"


def shift_fields(
    contract: Contract, history: pd.DataFrame, window: pd.DataFrame, names: Sequence[str], share: float, seed: int
) -> Planted:
    """Shift one field of a share of the window's invoices, in turn.

    Numbers are multiplied, one in five divided, by FACTORS, and stay whole and at least 1 where the history's are: most
    end outside of what occurs, and the rest nobody can find. Dates move by YEARS_MOVED to outside of the history's
    range, categories that are numbers grow by LEVELS_MOVED to one that never occurs.
    """
    rng = np.random.default_rng([seed, 4])
    changed, labels = window.copy(), {}
    order = iter(rng.permutation(len(window)))
    for turn in range(round(share * len(window))):
        name = names[turn % len(names)]
        value = None
        while value is None:  # most invoices fit, so that the window does not run out
            row = next(order)
            value = _shifted(contract.fields[name].type, window[name].iloc[row], history[name], rng)
        changed.loc[window.index[row], name] = value
        labels[window.index[row]] = {"kind": f"{name}_shifted", "fields": name}
    known = pd.DataFrame.from_dict(labels, orient="index")
    return Planted(changed, known.reindex(window.index, fill_value=""), window.loc[known.index])


def _shifted(kind: str, value: Any, past: pd.Series, rng: Rng) -> Any:
    """Another value, None where no try gave a fitting one."""
    if kind in NUMERIC_TYPES:
        factor = rng.uniform(*FACTORS)
        found = value * factor if rng.random() < MULTIPLIED else value / factor
        found = max(float(round(found)), 1.0) if (past % 1 == 0).all() else round(found, 2)
        return found if found != value else None
    for _ in range(TRIES):
        if kind == "date":
            found = value + pd.DateOffset(years=int(rng.integers(*YEARS_MOVED, endpoint=True) * rng.choice([-1, 1])))
            fits = not past.min() <= found <= past.max()
        else:
            found = str(int(value) + int(rng.integers(*LEVELS_MOVED, endpoint=True)))
            fits = not (past == found).any()
        if fits:
            return found
    return None


def _first(values: npt.NDArray[Any], fits: npt.NDArray[np.bool_], otherwise: object) -> list[object]:
    """The first fitting value of each line, or another where none fits."""
    chosen = fits.argmax(axis=1)
    return [line[at] if ok[at] else otherwise for line, at, ok in zip(values, chosen, fits, strict=True)]
