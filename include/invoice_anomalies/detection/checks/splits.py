"""Invoices that were split so that each stays below an approval limit, which all together exceed.

An invoice below a limit is no finding; so many of an entity's invoices of a few days are, for an entity that seldom has
such amounts. An entity that always bills just below the limit has a series.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.base import NOTHING, CheckResult, NoState, StatelessCheck
from invoice_anomalies.detection.checks.surprise import beta_binomial_surprise
from invoice_anomalies.detection.checks.timeline import (
    UNKNOWN_DAY,
    GroupedRunningSums,
    Mask,
    Timeline,
    bulk_nights,
    days_of,
    gathered_over_days,
    nights_of,
)
from invoice_anomalies.detection.features.features import Codes, FloatArray

SMALLEST_PART = 0.5
"""Share of the limit. A sum is split into as few parts as will do; of equal parts, each is at least half a limit."""
MOST_PARTS = 6
"""Parts of one sum: more invoices of such a size in a few days are an entity's way to bill."""
FEWEST_NATS = 2.0
"""Nats from which a group is worth a word: half of all pairs of invoices below a limit are no more than that."""
MOST_AROUND = 200
"""Invoices back and ahead that are looked at to tell how many an entity had in those days."""
PRIOR = 2.0  # invoices that the population's share of such amounts is worth
LEAST_CLOSENESS = -2.0  # nats that one part counts against a split at most, being far below the limit


@dataclass(frozen=True)
class Splits(StatelessCheck):
    """Invoices of one entity within `split_days` that are each below one of the limits, and above it together."""

    contract: Contract
    name: str = "split"
    of_nights: bool = False

    @property
    def field(self) -> str:
        assert self.contract.amount is not None
        return self.contract.amount

    def find(self, invoices: pd.DataFrame, rows: Codes, state: NoState | None = None) -> CheckResult:
        """Check each query row, positions of shape (query,), as the last part, as `Check.find` says.

        Related invoices are the other parts, the latest first.
        """
        ordered = _Invoices.from_frame(invoices, self.contract)
        best = np.zeros(len(invoices))
        details = {name: np.zeros(len(invoices)) for name in ("limit", "count", "total", "days")}
        related: dict[int, Codes] = {}
        query = np.zeros(len(invoices), dtype=bool)
        query[rows] = True
        for limit in self.contract.detection.approval_limits:
            parts = _parts(ordered, limit, self.contract.detection.split_days, query[ordered.position])
            last = ordered.position[parts.last]
            better = parts.surprise > best[last]
            best[last[better]] = parts.surprise[better]
            for name, values in parts.details(limit).items():
                details[name][last[better]] = values[better]
            for index in np.flatnonzero(better):
                related[int(last[index])] = ordered.position[parts.others[index][parts.belongs[index]]]
        found = [related[int(row)] if best[row] else NOTHING for row in rows]
        return CheckResult(best[rows], found, {name: values[rows] for name, values in details.items()})


@dataclass(frozen=True)
class _Invoices:
    """Invoices with entity and amount, by entity and then in order of time, shape (rows,) each.

    position: in the frame; entity, night: codes, nights ascend; day: of the document, or of the night for a document
    without a date, in days since 1970; amount: in its currency.
    """

    position: Codes
    entity: Codes
    night: Codes
    day: Codes
    amount: FloatArray

    @cached_property
    def sums(self) -> GroupedRunningSums:
        """Running sums over each entity."""
        return GroupedRunningSums(self.entity, self.night)

    @classmethod
    def from_frame(cls, invoices: pd.DataFrame, contract: Contract) -> "_Invoices":
        assert contract.entity is not None and contract.amount is not None
        # In a bulk history every part but the last would be followed by another of its night.
        bulk = bulk_nights(nights_of(invoices)) | gathered_over_days(invoices, contract)
        timeline = Timeline.of_documents(invoices, contract, bulk)
        entity = pd.factorize(invoices[contract.entity])[0][timeline.order]
        amount = invoices[contract.amount].to_numpy(float, na_value=np.nan)[timeline.order]
        day = timeline.day
        if contract.invoice_date_field:
            dated = days_of(invoices[contract.invoice_date_field])[timeline.order]
            day = np.where(dated == UNKNOWN_DAY, day, dated)
        order = np.argsort(entity, kind="stable")
        order = order[(entity >= 0)[order] & np.isfinite(amount)[order]]
        return cls(timeline.order[order], entity[order], timeline.night[order], day[order], amount[order])


@dataclass(frozen=True)
class _Parts:
    """Groups of parts, by the last part of each.

    last: indices of invoices, shape (groups,). others: those of earlier candidates, belongs: whether they are parts,
    shape (groups, MOST_PARTS). surprise: in nats, total: in the currency, days: from first to last, shape (groups,).
    """

    last: Codes
    others: Codes
    belongs: Mask
    surprise: FloatArray
    total: FloatArray
    days: FloatArray

    def details(self, limit: float) -> dict[str, FloatArray]:
        """The numbers for the sentence about each group, shape (groups,) each."""
        rows = len(self.last)
        return {
            "limit": np.full(rows, limit),
            "count": 1.0 + self.belongs.sum(axis=1),
            "total": self.total,
            "days": self.days,
        }


def _parts(invoices: _Invoices, limit: float, split_days: int, query: Mask) -> _Parts:
    """Group the invoices below one limit; only groups whose last part is a query row. query: shape (rows,)."""
    below = (invoices.amount >= SMALLEST_PART * limit) & (invoices.amount < limit)
    candidate = np.flatnonzero(below)
    others, near = _earlier(invoices, candidate, split_days)
    # Parts may come in any order: those dated before the last one to come, or those dated after it.
    apart = invoices.day[candidate][:, None] - invoices.day[others]
    sides = [near & (apart >= 0), near & (apart <= 0)]
    before = sides[0].sum(axis=1) >= sides[1].sum(axis=1)
    belongs = np.where(before[:, None], sides[0], sides[1])
    total = invoices.amount[candidate] + np.where(belongs, invoices.amount[others], 0.0).sum(axis=1)
    chosen = (
        query[candidate]
        & belongs.any(axis=1)
        & (near.sum(axis=1) < MOST_PARTS)
        & (total > limit)
        & ~_followed(invoices, candidate, split_days)
    )
    last, others, belongs, total = candidate[chosen], others[chosen], belongs[chosen], total[chosen]
    apart = np.abs(apart[chosen])
    surprise = _surprise(invoices, below, last, belongs.sum(axis=1) + 1.0, split_days)
    surprise += _closeness(invoices.amount[last] / limit)
    surprise += np.where(belongs, _closeness(invoices.amount[others] / limit), 0.0).sum(axis=1)
    days = np.where(belongs, apart, 0).max(axis=1, initial=0) + 1.0
    return _Parts(last, others, belongs, np.where(surprise < FEWEST_NATS, 0.0, surprise), total, days)


def _earlier(invoices: _Invoices, candidate: Codes, split_days: int) -> tuple[Codes, Mask]:
    """The few before each candidate, and whether they are near in time; shape (candidates, MOST_PARTS) both."""
    index = np.arange(len(candidate))[:, None] - np.arange(1, MOST_PARTS + 1)
    others = candidate[np.maximum(index, 0)] if len(candidate) else np.zeros((0, MOST_PARTS), dtype=np.intp)
    near = (index >= 0) & (invoices.entity[others] == invoices.entity[candidate][:, None])
    near &= np.abs(invoices.day[others] - invoices.day[candidate][:, None]) <= split_days
    return others, near


def _followed(invoices: _Invoices, candidate: Codes, split_days: int) -> Mask:
    """Whether another part comes in the same night, which then takes the finding; shape (candidates,)."""
    followed = np.zeros(len(candidate), dtype=bool)
    here, following = candidate[:-1], candidate[1:]
    followed[:-1] = (
        (invoices.entity[here] == invoices.entity[following])
        & (invoices.night[here] == invoices.night[following])
        & (np.abs(invoices.day[here] - invoices.day[following]) <= split_days)
    )
    return followed


def _surprise(invoices: _Invoices, below: Mask, last: Codes, count: FloatArray, split_days: int) -> FloatArray:
    """Surprise at so many amounts of that size among the entity's invoices of these days, given its history; nats.

    The first amount is taken for granted: an amount of that size is no split, but those that follow may be parts.
    below: shape (rows,), whether an amount is of that size. last, count: the last part and the number of parts of each
    group, shape (groups,), and so is the surprise.
    """
    trials = np.maximum(_invoices_around(invoices, last, split_days), count)
    # Of the population, all that came by the end of the night, but for the invoice itself.
    total, total_such = (np.cumsum(np.bincount(invoices.night, of))[invoices.night[last]] - 1.0 for of in (None, below))
    usual = (total_such + 0.5) / (total + 1.0)
    entity = invoices.sums
    such = np.maximum(entity.sum_up_to(below, last) + 1.0 - count, 0.0)
    others = np.maximum(entity.count_up_to()[last] + 1.0 - trials - such, 0.0)
    yes, no = 1.0 + such + PRIOR * usual, others + PRIOR * (1.0 - usual)
    return beta_binomial_surprise(count - 1.0, trials - 1.0, yes, no)


def _invoices_around(invoices: _Invoices, last: Codes, split_days: int) -> FloatArray:
    """Number of the entity's invoices, of any amount, by the end of the last part's night and within split_days of it.

    last: shape (groups,), and so are the numbers.
    """
    found = np.ones(len(last))
    rows = len(invoices.entity)
    for direction in (-1, 1):
        for step in range(1, MOST_AROUND + 1):
            index = last + direction * step
            other = np.clip(index, 0, rows - 1)
            reached = (index == other) & (invoices.entity[other] == invoices.entity[last])
            reached &= invoices.night[other] <= invoices.night[last]
            if not reached.any():
                break
            found += reached & (np.abs(invoices.day[other] - invoices.day[last]) <= split_days)
    return found


def _closeness(share: FloatArray) -> FloatArray:
    """Log-likelihood ratio of a part's share of the limit, in nats: parts crowd below the limit, other amounts do not.

    share: of any shape, and so is the ratio.
    """
    ratio: FloatArray = np.log(np.maximum(4.0 * (share - SMALLEST_PART), 1e-9))
    return np.maximum(ratio, LEAST_CLOSENESS)
