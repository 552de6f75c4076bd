"""The result of scoring."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from invoice_anomalies.detection.checks import CheckResult
from invoice_anomalies.detection.profiles.model_input import ModelInput


@dataclass(frozen=True)
class ScoringResult:
    """Field scores and scores of invoices, in the order given.

    errors: field scores, a column a field. scores: score, threshold, history_tier and history_rows. `history`, `given`
    and `found` (results by check, whose related invoices are positions in the history followed by the invoices) are
    kept for the explanations.
    """

    invoices: pd.DataFrame
    history: pd.DataFrame
    given: ModelInput
    errors: pd.DataFrame
    scores: pd.DataFrame
    found: dict[str, CheckResult]

    def flagged(self, budget: int | None = None) -> npt.NDArray[np.intp]:
        """Row positions of the invoices above the threshold, worst first, at most `budget` of them; shape (rows,)."""
        score = self.scores["score"].to_numpy()
        above = np.flatnonzero(score >= self.scores["threshold"].to_numpy())
        ranked: npt.NDArray[np.intp] = above[np.argsort(-score[above], kind="stable")]
        return ranked[:budget]
