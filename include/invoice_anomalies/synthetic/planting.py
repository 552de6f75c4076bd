"""Plant anomalies in clean invoices, and say where they are."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from invoice_anomalies.synthetic.anomalies import KINDS, fitting

KEY = ["vendor_id", "invoice_number"]
LABELS = [*KEY, "kind", "fields"]
ADDING = "duplicate_rekeyed"
"""The kind that adds an invoice instead of changing one."""
RENUMBERING = ("identifier_wrong", ADDING)
TRIES = 50

Planted = tuple[pd.DataFrame, pd.DataFrame]


def plant(
    invoices: pd.DataFrame,
    share: float,
    seed: int,
    kinds: Iterable[str] | Mapping[str, float] | None = None,
    book: pd.DataFrame | None = None,
) -> Planted:
    """Plant anomalies in a share of the invoices; return the invoices with them, and their labels.

    kinds: names of KINDS, planted in turn (all by default), or a mapping of names to weights. book: the invoices that
    tell what is usual, and of which duplicates are made; by default those at hand. The labels have a row for each
    anomaly: its key as delivered, `kind`, and `fields`, the fields that may rightly be blamed, joined by "|".
    A share above zero plants one anomaly at least. Raises ValueError for unknown kinds.
    """
    wanted = kinds if isinstance(kinds, Mapping) else dict.fromkeys(KINDS if kinds is None else kinds, 1.0)
    if unknown := sorted(set(wanted) - set(KINDS)):
        raise ValueError(f"{', '.join(unknown)} is no kind of anomaly; choose from {', '.join(KINDS)}")
    if not 0 <= share <= 0.5:
        raise ValueError(f"share must be between 0 and 0.5, not {share}")
    total = max(round(share * len(invoices)), 1) if share > 0 and len(invoices) and wanted else 0
    return plant_counts(invoices, _counts(wanted, total), seed, book)


def plant_counts(
    invoices: pd.DataFrame, counts: Mapping[str, int], seed: int, book: pd.DataFrame | None = None
) -> Planted:
    """Plant so many anomalies of each kind, in different invoices. A kind that finds too few fitting invoices has
    fewer, and the labels say so."""
    rng = np.random.default_rng([seed, 2])
    rows = invoices.reset_index(drop=True)
    # Every vendor at hand must be in the book, be it with these invoices only.
    book = rows if book is None else pd.concat([book, rows]).drop_duplicates(KEY)
    book = book.sort_values("posting_date", kind="stable", ignore_index=True)
    free = np.ones(len(rows), dtype=bool)
    keys = set(_keys(rows)) | set(_keys(book)) if any(counts.get(kind) for kind in RENUMBERING) else set()
    added, labels = [], []
    for kind in sorted(counts, key=lambda kind: int(fitting(kind, rows).sum())):
        places = np.flatnonzero(free & fitting(kind, rows))
        chosen = np.sort(rng.choice(places, size=min(counts[kind], len(places)), replace=False))
        if not len(chosen):
            continue
        wrong, blamed = _made(kind, rows.iloc[chosen], book, rng, keys)
        labels.append(wrong[KEY].assign(kind=kind, fields=blamed))
        if kind == ADDING:
            added.append(wrong)
        else:
            free[chosen] = False
            rows.iloc[chosen] = wrong
    together = pd.concat([rows, *added]).sort_values("posting_date", kind="stable", ignore_index=True)
    known = pd.concat(labels, ignore_index=True) if labels else pd.DataFrame(columns=LABELS, dtype="str")
    return together, known[LABELS].sort_values(KEY, ignore_index=True)


def _made(
    kind: str, rows: pd.DataFrame, book: pd.DataFrame, rng: np.random.Generator, keys: set[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """Make the anomalies; where one would have the key of another invoice, make it anew."""
    wrong, blamed = KINDS[kind](rows, book, rng)
    if kind not in RENUMBERING:
        return wrong, blamed
    for _ in range(TRIES):
        new = _keys(wrong)
        clash = pd.Series([key in keys for key in new], index=wrong.index) | new.duplicated()
        if not clash.any():
            keys.update(new)
            return wrong, blamed
        wrong = pd.concat([wrong[~clash], KINDS[kind](rows[clash], book, rng)[0]]).loc[rows.index]
    raise ValueError(f"no free invoice numbers are left for {kind}; plant fewer or use more vendors")


def _keys(invoices: pd.DataFrame) -> pd.Series:
    return invoices["vendor_id"] + "|" + invoices["invoice_number"]


def _counts(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """Share the total out by weight, largest remainders first."""
    sum_of_weights = sum(weights.values())
    exact = {kind: total * weight / sum_of_weights for kind, weight in weights.items()}
    counts = {kind: int(share) for kind, share in exact.items()}
    by_remainder = sorted(exact, key=lambda kind: counts[kind] - exact[kind])
    for kind in by_remainder[: total - sum(counts.values())]:
        counts[kind] += 1
    return counts
