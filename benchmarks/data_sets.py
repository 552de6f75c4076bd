"""The invoices that detection is measured on: two real data sets where they are at hand, and the made-up company.

In each, anomalies are planted only in the invoices to be judged; the history is the same for every seed, so that a
detector need be trained only once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.planting import Planted, plant_payments, shift_fields
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.paths import PROJECT
from invoice_anomalies.synthetic import Company, plant
from invoice_anomalies.validation.parse import parse

DEFAULT_DATA = PROJECT.parent / "shared" / "data"
SPLIT_SEED = 11

PAYMENTS_FILE, PAYMENTS_SHARE = "corporate_payments.csv.gz", 0.01
PAYMENTS_CUT = pd.Timestamp(2010, 10, 1)

RETAIL_FILE, RETAIL_SHARE = "invoices.csv", 0.02
RETAIL_HISTORY, RETAIL_NIGHT = pd.Timestamp(2024, 6, 1), pd.Timestamp(2024, 6, 2)
RETAIL_TRAINED = 0.7
RETAIL_PLANTED = ("amount", "qty", "product_id", "invoice_date")

SAMPLE_SHARE, SAMPLE_CONTAMINATION = 0.02, 0.005
SAMPLE_DAYS = (date(2025, 11, 1), date(2026, 10, 31), date(2027, 2, 28))
SAMPLE_VENDORS, SAMPLE_ROWS_PER_DAY = 120, 64


@dataclass(frozen=True)
class DataSet:
    """A history to learn from, and later invoices of which some are planted.

    history, invoices: typed frames with `extract_date`, index unique invoice keys. truth: index of the invoices,
    `kind` and `fields` (that may rightly be blamed, joined by "|"), "" where nothing was planted. clean: the changed
    invoices as they were before, without the added ones.
    """

    name: str
    contract: Contract
    history: pd.DataFrame
    invoices: pd.DataFrame
    truth: pd.DataFrame
    clean: pd.DataFrame

    @property
    def planted(self) -> np.ndarray:
        """Whether each invoice is planted, shape (invoices,)."""
        return (self.truth["kind"] != "").to_numpy()


def load(name: str, data: Path, seed: int) -> DataSet:
    """Load a data set by name and plant its anomalies; raise FileNotFoundError where it is not at hand."""
    return DATA_SETS[name](data, seed)


def payments(data: Path, seed: int) -> DataSet:
    """Payments to vendors: positive amounts, January to September as history, 1 % planted in October to December.

    Each invoice came in on its true date, also where another was planted.
    """
    contract, history, window = payments_book(data)
    return _set("payments", contract, history, plant_payments(contract, history, window, PAYMENTS_SHARE, seed))


def payments_book(data: Path) -> tuple[Contract, pd.DataFrame, pd.DataFrame]:
    """Payments of positive amounts: contract, history and later invoices, with nothing planted."""
    contract, book = _read("corporate_payments", data / PAYMENTS_FILE)
    book = book[book["amount"] > 0]
    book = book.assign(extract_date=book["invoice_date"]).sort_values("extract_date", kind="stable")
    keys = book["vendor_id"] + "|" + book["invoice_number"] + "|" + book.index.astype(str)
    book = book.set_index(pd.Index(keys, name="invoice_key"))
    return contract, book[book["extract_date"] < PAYMENTS_CUT], book[book["extract_date"] >= PAYMENTS_CUT]


def retail(data: Path, seed: int) -> DataSet:
    """Retail invoices of independent fields: 70 % at random as history, 2 % of the rest with one field shifted."""
    contract, book = _read("retail_invoices", data / RETAIL_FILE)
    contract = with_judged(contract, "product_id")
    book = book.set_index(pd.Index(book.index.astype(str), name="invoice_key"))
    learned = np.random.default_rng(SPLIT_SEED).permutation(len(book)) < RETAIL_TRAINED * len(book)
    history = book[learned].assign(extract_date=RETAIL_HISTORY)
    window = book[~learned].assign(extract_date=RETAIL_NIGHT)
    planted = shift_fields(contract, history, window, RETAIL_PLANTED, RETAIL_SHARE, seed)
    return _set("retail", contract, history, planted)


def sample(data: Path, seed: int) -> DataSet:
    """The made-up company: a year with 0.5 % of unlabelled anomalies as history, four months of nights with 2 %."""
    return sample_of(load_contract(PROJECT / "include" / "invoices.yaml"), seed)


def sample_of(
    contract: Contract,
    seed: int,
    days: tuple[date, date, date] = SAMPLE_DAYS,
    vendors: int = SAMPLE_VENDORS,
    rows_per_day: float = SAMPLE_ROWS_PER_DAY,
) -> DataSet:
    """The made-up company of any size; days: first and last of the history, last of the nights to be judged."""
    book = Company(vendors=vendors).invoices(days[0], days[2], rows_per_day)
    past = book["posting_date"] <= pd.Timestamp(days[1])
    history, _ = plant(book[past], SAMPLE_CONTAMINATION, SPLIT_SEED)
    later = _as_nights(contract, book[~past])
    invoices, labels = plant(book[~past], SAMPLE_SHARE, seed, book=history)
    invoices = _as_nights(contract, invoices)
    labels = labels.set_index(labels["vendor_id"] + "|" + labels["invoice_number"])
    truth = labels[["kind", "fields"]].reindex(invoices.index, fill_value="")
    # A wrong number is a wrong key: what it was is not known by the key, and nothing needs it.
    clean = later.loc[later.index.intersection(labels.index)]
    return _set("sample", contract, _as_nights(contract, history), Planted(invoices, truth, clean))


def company(
    contract: Contract, days: tuple[date, date, date], vendors: int, rows_per_day: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The made-up company's history and later invoices, with nothing planted; days as in `sample_of`."""
    book = Company(vendors=vendors).invoices(days[0], days[2], rows_per_day)
    past = book["posting_date"] <= pd.Timestamp(days[1])
    return _as_nights(contract, book[past]), _as_nights(contract, book[~past])


def with_judged(contract: Contract, *names: str) -> Contract:
    """The same contract with these fields taking part in detection."""
    document = contract.model_dump()
    for name in names:
        document["fields"][name]["detect"] = True
    return Contract.model_validate(document)


DATA_SETS: dict[str, Callable[[Path, int], DataSet]] = {"payments": payments, "retail": retail, "sample": sample}
FILES = {"payments": PAYMENTS_FILE, "retail": RETAIL_FILE}
"""The file that a data set is read from; the others need none."""


@cache
def _read(name: str, path: Path) -> tuple[Contract, pd.DataFrame]:
    """The example contract of this name, and the file's invoices in its types; read once for all seeds."""
    contract = load_contract(PROJECT / "docs" / "contracts" / f"{name}.yaml")
    texts = pd.read_csv(path, dtype=str, keep_default_na=False)
    headers = {contract.header(name): name for name in contract.fields}
    raw = texts.set_axis([headers[str(header)] for header in texts], axis=1)
    return contract, parse(contract, raw).values


def _as_nights(contract: Contract, invoices: pd.DataFrame) -> pd.DataFrame:
    """Typed invoices of the company as the warehouse gives them back: by invoice key, with their extract date."""
    keys = invoices[contract.key[0]].str.cat(invoices[contract.key[1:]], sep="|")
    return invoices.assign(extract_date=invoices["posting_date"]).set_index(pd.Index(keys, name="invoice_key"))


def _set(name: str, contract: Contract, history: pd.DataFrame, planted: Planted) -> DataSet:
    return DataSet(name, contract, history, planted.invoices, planted.truth, planted.clean)
