"""The daily summary: what came in, what of it was fit, what was flagged, and how that compares with other nights."""

from collections.abc import Sequence
from datetime import date

from invoice_anomalies.anomaly import Anomaly
from invoice_anomalies.contract import Contract
from invoice_anomalies.reporting.anomalies import card, largest
from invoice_anomalies.reporting.message import Message
from invoice_anomalies.reporting.night import NightCounts, PastNight
from invoice_anomalies.reporting.plot import trend_plot
from invoice_anomalies.reporting.rendering import render
from invoice_anomalies.reporting.still_open import invoices_open, open_in_short, open_in_words
from invoice_anomalies.text import count, long_date, money, moneys, one_line, web_address

NIGHTS = 30
MOST_REASONS = 8
OLD_MODEL_DAYS = 21  # three weekly trainings missed


def summary_message(
    contract: Contract,
    extract_date: date,
    counts: NightCounts,
    series: Sequence[PastNight],
    anomalies: Sequence[Anomaly],
) -> Message:
    """Write the summary of an extract date.

    series: the nights to plot, this one among them, in any order; the last 30 are shown.
    anomalies: the night's, best first; `report.top` of them are listed.
    """
    nights = sorted(series, key=lambda night: night.extract_date)[-NIGHTS:]
    headline, verdict = _verdict(counts)
    cards = [
        card(anomaly, contract) for anomaly in sorted(anomalies, key=lambda a: a.rank_of_day)[: contract.report.top]
    ]
    text, html = render(
        "summary",
        preheader=verdict,
        headline=headline,
        verdict=verdict,
        good=counts.state in ("loaded", "no extract"),
        day=long_date(extract_date),
        still_open=open_in_words(counts.still_open),
        tiles=_tiles(counts),
        at_risk=[money(amount, currency) for currency, amount in sorted(counts.at_risk.items())],
        model=_model(counts, extract_date),
        problems=[one_line(problem) for problem in counts.problems],
        warnings=[*_doubts(counts, extract_date), *(one_line(warning) for warning in counts.warnings)],
        cards=cards,
        largest=largest(anomalies, len(cards)),
        not_shown=max(0, (counts.flagged or 0) - len(cards)),
        reasons=[(one_line(reason, 160), f"{rows:,}") for reason, rows in counts.quarantine_reasons[:MOST_REASONS]],
        more_reasons=max(0, len(counts.quarantine_reasons) - MOST_REASONS),
        nights=nights,
        data_docs=counts.data_docs,
        data_docs_link=web_address(counts.data_docs),
        data_set=contract.name,
    )
    images = {"trend": trend_plot(nights, extract_date)} if nights else {}
    in_short = "; ".join(filter(None, [_in_short(counts), open_in_short(counts.still_open)]))
    subject = f"Invoices of {extract_date.isoformat()}: {in_short}"
    return Message("summary", extract_date, subject, text, html, tuple(contract.report.recipients), images)


def _verdict(counts: NightCounts) -> tuple[str, str]:
    """Headline and one line below it."""
    if counts.state == "missing":
        return (
            "No extract arrived",
            "Nothing was loaded and nothing scored. Ask for the extract, then run the night again.",
        )
    if counts.state == "no extract":
        rest = "" if counts.still_open else " There is nothing to do."
        return "No extract that day", f"None was expected: {counts.why_no_extract}.{rest}"
    if counts.state == "refused":
        return "The night was refused", "The extract is not what the contract says; nothing of it was loaded."
    if counts.scored is None:
        return "Loaded, not scored", f"{count(counts.loaded or 0, 'invoice')} loaded, but no model has judged them yet."
    if not counts.flagged:
        stands_out = f"None of the {count(counts.scored or 0, 'scored invoice')} stands out."
        waiting = invoices_open(counts.still_open)
        return (f"Nothing new to check, {waiting:,} still open" if waiting else "Nothing to check"), stands_out
    risk, judged = moneys(counts.at_risk), counts.flagged - counts.to_check
    share = f"{counts.flagged / max(counts.scored, 1):.1%} of the {count(counts.scored, 'scored invoice')} flagged"
    parts = [
        f"{risk} at risk" if risk and counts.to_check else "",
        share,
        f"{judged:,} judged already" if judged else "",
    ]
    headline = f"{count(counts.to_check, 'invoice')} to check" if counts.to_check else "Every flagged invoice is judged"
    return headline, "; ".join(filter(None, parts)) + "."


def _in_short(counts: NightCounts) -> str:
    if counts.state == "missing":
        return "no extract arrived"
    if counts.state == "no extract":
        return "no extract that day, and none expected"
    if counts.state == "refused":
        return "refused, nothing loaded"
    if counts.scored is None:
        return f"{counts.loaded or 0:,} loaded, not scored"
    if not counts.to_check:
        return "all judged" if counts.flagged else "nothing new to check" if counts.still_open else "nothing to check"
    risk = moneys(counts.at_risk)
    return f"{counts.to_check:,} to check" + (f", {risk} at risk" if risk else "")


def _tiles(counts: NightCounts) -> list[tuple[str, str]]:
    came, fit = counts.state in ("loaded", "refused"), counts.state == "loaded"
    numbers = [
        ("in the extract", counts.rows_in if came else None),
        ("loaded", counts.loaded if fit else None),
        ("quarantined", counts.quarantined if fit else None),
        ("scored", counts.scored if fit else None),
        ("flagged", counts.flagged if fit else None),
    ]
    return [(name, "–" if number is None else f"{number:,}") for name, number in numbers]


def _model(counts: NightCounts, extract_date: date) -> str:
    if counts.model_version is None:
        return "no model has judged this night"
    if counts.model_trained_until is None:
        return counts.model_version
    age = (extract_date - counts.model_trained_until).days
    return f"{counts.model_version}, trained on invoices up to {counts.model_trained_until}, {count(age, 'day')} before"


def _doubts(counts: NightCounts, extract_date: date) -> list[str]:
    """What does not add up: nothing may be dropped in silence."""
    doubts: list[str] = []
    if counts.state != "loaded":
        return doubts
    loaded, quarantined = counts.loaded or 0, counts.quarantined or 0
    if counts.rows_in is not None and counts.rows_in != loaded + quarantined:
        doubts.append(
            f"{counts.rows_in:,} rows came in, but {loaded:,} loaded and {quarantined:,} quarantined make another sum."
        )
    if counts.scored is not None and counts.scored != loaded:
        doubts.append(
            f"{loaded:,} invoices are loaded, but {counts.scored:,} are scored: run score_invoices for this night."
        )
    if counts.model_trained_until and (extract_date - counts.model_trained_until).days > OLD_MODEL_DAYS:
        doubts.append("The model is old: see why train_autoencoder has promoted none since.")
    return doubts
