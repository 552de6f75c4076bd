"""Numbers of invoices, in each vendor's own shape and sequence, and of the company's purchase orders."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from invoice_anomalies.synthetic import calendar
from invoice_anomalies.synthetic.vendors import Vendor

Ints = NDArray[np.int64]
Texts = NDArray[np.object_]

EPOCH = np.datetime64("2010-01-01")
"""Vendors who do not start at one each year have counted since then."""
HORIZON = 40 * 366
"""Days after which a number may become a digit longer."""
ORDERS_PER_DAY = 40


def invoice_numbers(vendors: list[Vendor], vendor: Ints, written: calendar.Days, slot: Ints, slots: Ints) -> Texts:
    """Number the invoices; unique within a vendor, rising with their dates.

    vendor, written, slot: shape (rows,); slot is the invoice's place among those of its vendor and date, below
    slots[vendor], shape (vendors,). A vendor has other customers, so that its numbers have gaps. Those with contracts
    number them month by month, without gaps; there slot is the number of the contract.
    """
    years, of_year = calendar.years(written), calendar.day_of_year(written)
    since = (written - EPOCH).astype(np.int64)
    texts = np.empty(len(vendor), dtype=object)
    order = np.argsort(vendor, kind="stable")
    edges = np.searchsorted(vendor[order], np.arange(len(vendors) + 1))
    for place, (low, high) in enumerate(pairwise(edges)):
        rows, one = order[low:high], vendors[place]
        yearly = "{year}" in one.scheme or "{yy}" in one.scheme
        if one.contracts:
            billed = len(one.contracts)
            passed = calendar.months(written[rows]) + (0 if yearly else 12 * (years[rows] - 2010))
            count, most = passed * billed + slot[rows], 12 * billed * (1 if yearly else 40)
        else:
            passed = of_year[rows] if yearly else since[rows]
            count, most = passed * slots[place] + slot[rows], slots[place] * (366 if yearly else HORIZON)
        texts[rows] = _written_out(one, years[rows], count + 1, max(4 if yearly else 5, len(str(most))))
    return texts


def _written_out(vendor: Vendor, years: Ints, count: Ints, width: int) -> list[str]:
    """Write the counts in the vendor's scheme: padded with noughts, or from 1000... on where the scheme is bare."""
    bare = vendor.scheme in ("{n}", "{letters}-{n}")
    numbers = count + 10**width if bare else count
    scheme = vendor.scheme.replace("{n}", f"{{n:0{width}d}}").replace("{letters}", vendor.letters)
    write = scheme.format
    return [
        write(n=number, year=year, yy=f"{year % 100:02d}")
        for number, year in zip(numbers.tolist(), years.tolist(), strict=True)
    ]


def order_numbers(written: calendar.Days, chance: NDArray[np.float64]) -> Texts:
    """Number the company's own purchase orders; those of the last sixty days are delivered."""
    since = (written - EPOCH).astype(np.int64) - 60 * ((chance * 997) % 1)
    return np.array([f"45{number:08d}" for number in (since * ORDERS_PER_DAY + 60).astype(np.int64)], dtype=object)
