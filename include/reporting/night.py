"""What the daily summary says about a night and about the nights before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Self

from include.reporting.anomalies import Anomaly, money_at_risk
from include.reporting.wording import known

State = Literal["loaded", "refused", "missing"]
AT_RISK = ("open", "confirmed")  # dismissed anomalies are no risk
SEVERAL_CURRENCIES = "mixed"


@dataclass(frozen=True)
class PastNight:
    """One night of the plot; None: not scored."""

    extract_date: date
    state: State = "loaded"
    loaded: int = 0
    quarantined: int = 0
    flagged: int | None = None


@dataclass(frozen=True)
class NightCounts:
    """The counts of one extract date; None where a stage has not run."""

    state: State
    rows_in: int | None = None
    loaded: int | None = None
    quarantined: int | None = None
    scored: int | None = None
    flagged: int | None = None
    at_risk: Mapping[str, float] = field(default_factory=dict)  # by currency
    model_version: str | None = None
    trained_until: date | None = None
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()  # why the night was refused
    reasons: Sequence[tuple[str, int]] = ()  # of the quarantine, with their rows
    data_docs: Sequence[str] = ()
    series: Sequence[PastNight] = ()

    @classmethod
    def of(cls, day: Mapping[str, Any], anomalies: Sequence[Anomaly]) -> Self:
        """Take them from what `warehouse.day_counts` returns.

        anomalies: the night's; they give the money at risk where it is in several currencies, which the views do not add.
        """
        arrived, fit, judged = day["status"] != "missing", day["status"] == "loaded", day.get("scored_at") is not None
        return cls(
            state=day["status"],
            rows_in=day["rows_in"] if arrived else None,
            loaded=day["loaded"] if fit else None,
            quarantined=day["quarantined"] if fit else None,
            scored=day["scored"] if judged else None,
            flagged=day["flagged"] if judged else None,
            at_risk=_at_risk(day, anomalies),
            model_version=day.get("model_version"),
            trained_until=day.get("trained_until"),
            warnings=day["warnings"],
            problems=day["problems"],
            reasons=day["reasons"],
            data_docs=[docs for docs in day["data_docs"] if docs],
            series=[
                PastNight(
                    night["extract_date"],
                    "loaded" if night["success"] else "refused",
                    night["loaded"],
                    night["quarantined"],
                    night["flagged"] if night.get("scored_at") is not None else None,
                )
                for night in day["series"]
            ],
        )


def _at_risk(day: Mapping[str, Any], anomalies: Sequence[Anomaly]) -> dict[str, float]:
    if not day.get("flagged"):
        return {}
    if day.get("currency") == SEVERAL_CURRENCIES:
        return money_at_risk(anomaly for anomaly in anomalies if anomaly.status in AT_RISK)
    amount = day.get("amount_at_risk")
    return {day.get("currency") or "": float(amount)} if amount and known(float(amount)) else {}
