"""How often things happen in the whole book, by class: what an entity's own rates are shrunk to.

In training they are those of the book up to each invoice's night. What was learned from it then serves all nights to
come: the invoices of a chunk and their past say little of the book, and are looked at only where they must be.
"""

from dataclasses import dataclass, field

import numpy as np

from invoice_anomalies.detection.checks.base import Learned
from invoice_anomalies.detection.checks.timeline import Mask, Past
from invoice_anomalies.detection.features.features import Codes, FloatArray


@dataclass
class Book:
    """Sums over the book at hand, night by night, or learned ones; `sums`, shape (classes,), are to be learned.

    night: shape (rows,), in the order of a Timeline. classes: by name, codes that mean the same in every book, (rows,).
    """

    night: Codes
    classes: dict[str, Codes]
    learned: Learned = field(default_factory=dict)
    sums: Learned = field(default_factory=dict)
    _pasts: dict[str, Past] = field(default_factory=dict)

    @property
    def at_hand(self) -> bool:
        """Whether the sums are of the book at hand, of which the invoices in question are a part."""
        return not self.learned

    def known(self, name: str, values: FloatArray | Mask, at: Codes | None = None, by: str = "all") -> FloatArray:
        """Sum what was known of an invoice's class, without the invoice itself; for all rows or those at `at`.

        name: that of the sum; values: shape (rows,); by: the name of the classes.
        """
        codes = self.classes[by]
        if self.learned:
            sums = self.learned[f"{by}/{name}"]
            codes = codes if at is None else codes[at]
            return np.where(codes < len(sums), sums[np.minimum(codes, len(sums) - 1)], 0.0)
        self.sums[f"{by}/{name}"] = np.bincount(codes, values, 1).astype(float)
        if by not in self._pasts:
            self._pasts[by] = Past(codes, self.night)
        return self._pasts[by].known(values, slice(None) if at is None else at)
