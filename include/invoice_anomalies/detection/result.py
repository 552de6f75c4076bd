"""What a detector says of some invoices."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.checks import CheckResult
from invoice_anomalies.detection.profiles.model_input import Encoded


@dataclass(frozen=True)
class Judgement:
    """Field errors and scores of invoices, in the order given.

    `history`, `encoded` and `collective` (results by check, whose related invoices are positions in the history
    followed by the invoices) are kept for the explanations.
    """

    invoices: pd.DataFrame
    history: pd.DataFrame
    encoded: Encoded
    errors: pd.DataFrame
    scores: pd.DataFrame
    collective: dict[str, CheckResult]

    def flagged(self, budget: int | None = None) -> npt.NDArray[np.intp]:
        """Row positions of the invoices above the threshold, worst first, at most `budget` of them."""
        score = self.scores["score"].to_numpy()
        above = np.flatnonzero(score >= self.scores["threshold"].to_numpy())
        ranked: npt.NDArray[np.intp] = above[np.argsort(-score[above], kind="stable")]
        return ranked[:budget]
