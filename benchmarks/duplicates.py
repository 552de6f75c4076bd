"""Measure the check for duplicates beside splink and a rule of exact matches, on copies of earlier invoices.

    python -m benchmarks.duplicates [sample] [payments] [--seeds 3] [--data FOLDER]

Copies of KINDS come into the nights after a history, each on a later night than its original. All methods see the same
invoices and rank those of the nights; the review budget is 1 % of them. Tables go to the screen.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import average_precision_score

from benchmarks.data_sets import DEFAULT_DATA, SAMPLE_DAYS, SAMPLE_ROWS_PER_DAY, SAMPLE_VENDORS, company, payments_book
from invoice_anomalies.contract import Contract, load_contract
from invoice_anomalies.detection.checks.duplicates.check import Duplicates
from invoice_anomalies.paths import PROJECT

FloatArray = npt.NDArray[np.floating[Any]]
Rng = np.random.Generator

SHARE = 0.005
"""Copies, as a share of the invoices of the nights."""
BUDGET = 0.01
"""Share of the invoices of the nights that somebody reviews."""
DAYS_LATER = (3, 60)
DIGITS = "0123456789"
SPLINK_M = ((0.5, 0.15, 0.25, 0.05, 0.05), (0.9, 0.07, 0.03), (0.85, 0.12, 0.03), (0.6, 0.15, 0.15, 0.1))
"""Share of copies at each level of number, amount, entity and date, chosen by thinking, for lack of labelled copies."""
U_PAIRS = 1_000_000  # random pairs from which splink estimates its u probabilities


@dataclass(frozen=True)
class Trial:
    """A history, and later invoices of which some are copies.

    history, invoices: typed frames with `extract_date`, index unique keys; kind: of the copy, "" for other invoices,
    shape (invoices,).
    """

    contract: Contract
    history: pd.DataFrame
    invoices: pd.DataFrame
    kind: npt.NDArray[np.object_]


def same_number(copy: dict[str, object], contract: Contract, rng: Rng) -> None:
    """Keyed in again as it was."""


def written_otherwise(copy: dict[str, object], contract: Contract, rng: Rng) -> None:
    """The number with zeros before it and blanks for other marks."""
    number = str(contract.invoice_number_field)
    copy[number] = "00" + "".join(letter if letter.isalnum() else " " for letter in str(copy[number]))


def one_character(copy: dict[str, object], contract: Contract, rng: Rng) -> None:
    """Another digit for one of the number."""
    number = str(contract.invoice_number_field)
    text = str(copy[number])
    at = int(rng.choice([position for position, letter in enumerate(text) if letter in DIGITS]))
    copy[number] = text[:at] + str(rng.choice([digit for digit in DIGITS if digit != text[at]])) + text[at + 1 :]


def transposed(copy: dict[str, object], contract: Contract, rng: Rng) -> None:
    """Two neighbouring digits of the number in the other order; those that differ, if there are such."""
    number = str(contract.invoice_number_field)
    text = str(copy[number])
    pairs = [n for n in range(len(text) - 1) if text[n] in DIGITS and text[n + 1] in DIGITS and text[n] != text[n + 1]]
    if not pairs:
        one_character(copy, contract, rng)
        return
    at = int(rng.choice(pairs))
    copy[number] = text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def other_vendor(copy: dict[str, object], contract: Contract, rng: Rng) -> None:
    """Under a vendor number of its own, with the same name."""
    entity = str(contract.entity)
    copy[entity] = f"{copy[entity]}X"


def cents(copy: dict[str, object], contract: Contract, rng: Rng) -> None:
    """The amount up to half a percent off, at least a cent."""
    amount = str(contract.amount)
    off = max(round(abs(float(str(copy[amount]))) * float(rng.uniform(0.0, 0.005)), 2), 0.01)
    copy[amount] = round(float(str(copy[amount])) + off, 2)


def date_moved(copy: dict[str, object], contract: Contract, rng: Rng) -> None:
    """The document dated some days later, the number as it was."""
    day = str(contract.invoice_date_field)
    copy[day] = pd.Timestamp(str(copy[day])) + pd.Timedelta(days=int(rng.integers(1, 30)))


KINDS: dict[str, Callable[[dict[str, object], Contract, Rng], None]] = {
    "same number": same_number,
    "written otherwise": written_otherwise,
    "one character": one_character,
    "transposed": transposed,
    "other vendor": other_vendor,
    "cents": cents,
    "date moved": date_moved,
}


def plant_copies(contract: Contract, history: pd.DataFrame, nights: pd.DataFrame, seed: int) -> Trial:
    """Copy invoices of the last 60 days before each copy's night, in equal shares of all KINDS there can be."""
    rng = np.random.default_rng([seed, 17])
    names = [name for name in KINDS if name != "other vendor" or contract.entity_name]
    everything = pd.concat([history, nights])
    number, amount = str(contract.invoice_number_field), str(contract.amount)
    digits = everything[number].str.count(r"\d").to_numpy(float) >= 4
    first, last = nights["extract_date"].min(), nights["extract_date"].max()
    later = everything["extract_date"] + pd.to_timedelta(rng.integers(*DAYS_LATER, len(everything)), unit="D")
    fits = digits & (later >= first).to_numpy() & (later <= last).to_numpy() & (everything[amount] != 0).to_numpy()
    rows = rng.choice(np.flatnonzero(fits), size=max(len(names), round(SHARE * len(nights))), replace=False)
    copies, kinds = [], []
    for place, row in enumerate(rows.tolist()):
        kind = names[place % len(names)]
        copy = {str(name): value for name, value in everything.iloc[row].items()}
        KINDS[kind](copy, contract, rng)
        copies.append({**copy, "extract_date": later.iloc[row]})
        kinds.append(kind)
    keys = pd.Index([f"copy {n}" for n in range(len(copies))], name=nights.index.name)
    planted = pd.DataFrame(copies, index=keys).astype(nights.dtypes)
    together = pd.concat([nights, planted])
    order = np.argsort(together["extract_date"].to_numpy(), kind="stable")
    kind_of = np.array([""] * len(nights) + kinds, dtype=object)
    return Trial(contract, history, together.iloc[order], kind_of[order])


def this_check(trial: Trial) -> FloatArray:
    """Match weights of the project's check, fitted on the history, in nats; shape (invoices,)."""
    check = Duplicates(trial.contract, str(trial.contract.invoice_number_field))
    state = check.fit(trial.history.reset_index(drop=True))
    everything = pd.concat([trial.history, trial.invoices]).reset_index(drop=True)
    rows = np.arange(len(trial.history), len(everything))
    found: FloatArray = check.find(everything, rows, state).surprisal
    return found


def exact_rule(trial: Trial) -> FloatArray:
    """1.0 for an invoice of which vendor, number and amount were there before, else 0.0; shape (invoices,)."""
    everything = pd.concat([trial.history, trial.invoices])
    keys = [str(trial.contract.entity), str(trial.contract.invoice_number_field), str(trial.contract.amount)]
    again: FloatArray = everything.duplicated(keys).to_numpy()[len(trial.history) :].astype(float)
    return again


def splink(trial: Trial, m_by_em: bool = True) -> FloatArray:
    """Match weights of splink (Fellegi-Sunter with term frequencies, u by random sampling); shape (invoices,), in bits.

    m_by_em: whether m is estimated by expectation maximisation, as splink's guides do, or is that of SPLINK_M. An
    invoice has the weight of its best pair with an earlier invoice; an invoice without a pair has the least of all.
    """
    import splink.comparison_level_library as levels
    import splink.comparison_library as comparisons
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    frame = _for_splink(trial)
    number = comparisons.CustomComparison(
        [
            levels.NullLevel("number"),
            # Without term frequencies: numbers are nearly unique, and a copy would raise the one that it is weighed by.
            levels.ExactMatchLevel("number"),
            levels.ExactMatchLevel("plain"),
            levels.DamerauLevenshteinLevel("plain", 1),
            levels.DamerauLevenshteinLevel("plain", 2),
            levels.ElseLevel(),
        ],
        output_column_name="number",
    )
    amount = comparisons.CustomComparison(
        [
            levels.NullLevel("amount"),
            levels.ExactMatchLevel("amount", term_frequency_adjustments=True),
            levels.PercentageDifferenceLevel("amount", 0.01),
            levels.ElseLevel(),
        ],
        output_column_name="amount",
    )
    entity = comparisons.CustomComparison(
        [
            levels.NullLevel("entity"),
            levels.ExactMatchLevel("entity", term_frequency_adjustments=True),
            levels.ExactMatchLevel("entity_name", term_frequency_adjustments=True),
            levels.ElseLevel(),
        ],
        output_column_name="entity",
    )
    dated = comparisons.CustomComparison(
        [
            levels.NullLevel("dated"),
            levels.ExactMatchLevel("dated"),
            levels.AbsoluteDifferenceLevel("dated", 7),
            levels.AbsoluteDifferenceLevel("dated", 60),
            levels.ElseLevel(),
        ],
        output_column_name="dated",
    )
    compared = [number, amount, entity, dated]
    if not m_by_em:
        for comparison, given in zip(compared, SPLINK_M, strict=True):
            comparison.configure(m_probabilities=list(given))
    rules = [block_on("entity", "amount"), block_on("entity", "plain"), block_on("plain", "amount")]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=compared,
        blocking_rules_to_generate_predictions=rules,
    )
    linker = Linker(DuckDBAPI().register(frame), settings, log_level="ERROR")
    linker.training.estimate_probability_two_random_records_match([block_on("entity", "plain", "amount")], recall=0.5)
    linker.training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=1)
    for rule in rules if m_by_em else ():
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    pairs = linker.inference.predict().as_pandas_dataframe()
    later = pairs[["unique_id_l", "unique_id_r"]].max(axis=1).to_numpy()
    scores = np.full(len(frame), pairs["match_weight"].min() - 1.0 if len(pairs) else 0.0)
    np.maximum.at(scores, later, pairs["match_weight"].to_numpy())
    found: FloatArray = scores[len(trial.history) :]
    return found


def _for_splink(trial: Trial) -> pd.DataFrame:
    """The columns that splink compares; `unique_id` ascends with the night."""
    contract, everything = trial.contract, pd.concat([trial.history, trial.invoices])
    number = everything[str(contract.invoice_number_field)].astype("str")
    plain = number.str.upper().str.replace(r"[\W_]+", "", regex=True).str.replace(r"^0+(?=.)", "", regex=True)
    columns = {
        "unique_id": np.arange(len(everything)),
        "entity": everything[str(contract.entity)].astype(object).to_numpy(),
        "entity_name": everything[contract.entity_name or str(contract.entity)].astype(object).to_numpy(),
        "number": number.astype(object).to_numpy(),
        "plain": plain.astype(object).to_numpy(),
        "amount": everything[str(contract.amount)].to_numpy(float, na_value=np.nan),
        "dated": (everything[str(contract.invoice_date_field)] - pd.Timestamp(1970, 1, 1)).dt.days.to_numpy(),
    }
    return pd.DataFrame(columns)


METHODS: dict[str, Callable[[Trial], FloatArray]] = {
    "this project": this_check,
    "splink, m by EM": splink,
    "splink, m given": partial(splink, m_by_em=False),
    "exact rule": exact_rule,
}


def measure(trial: Trial, scores: FloatArray) -> dict[str, float]:
    """Average precision, and precision and recall at the review budget, in all and by kind; ties rank at random."""
    copied = trial.kind != ""
    shuffled = np.random.default_rng(0).permutation(len(scores))
    listed = shuffled[np.argsort(-scores[shuffled], kind="stable")][: round(BUDGET * len(scores))]
    found = np.zeros(len(scores), dtype=bool)
    found[listed] = True
    figures = {
        "AP": float(average_precision_score(copied, scores)),
        "precision": float(copied[listed].mean()),
        "recall": float(found[copied].mean()),
    }
    kinds = [name for name in KINDS if (trial.kind == name).any()]
    return figures | {name: float(found[trial.kind == name].mean()) for name in kinds}


def compare(trials: Sequence[Trial], methods: Sequence[str] = tuple(METHODS)) -> pd.DataFrame:
    """Figures by method, the means of the trials, with the seconds of one trial."""
    rows = {}
    for name in methods:
        figures = []
        for trial in trials:
            begin = time.perf_counter()
            scores = METHODS[name](trial)
            seconds = time.perf_counter() - begin
            figures.append(measure(trial, scores) | {"seconds": seconds})
        rows[name] = pd.DataFrame(figures).mean()
    return pd.DataFrame(rows).T


def sample_trial(
    seed: int,
    days: tuple[date, date, date] = SAMPLE_DAYS,
    vendors: int = SAMPLE_VENDORS,
    rows_per_day: float = SAMPLE_ROWS_PER_DAY,
) -> Trial:
    """The made-up company; days: first and last of the history, last of the nights."""
    contract = load_contract(PROJECT / "include" / "invoices.yaml")
    return plant_copies(contract, *company(contract, days, vendors, rows_per_day), seed)


def payments_trial(seed: int, data: Path) -> Trial:
    """The payments of a utility company; raises FileNotFoundError where they are not at hand."""
    return plant_copies(*payments_book(data), seed)


def main(arguments: Sequence[str]) -> int:
    """Print a table of figures for each data set; 1 where the data of one is not at hand."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.duplicates", description=main.__doc__)
    parser.add_argument("sets", nargs="*", choices=["sample", "payments", []], help="data sets; both by default")
    parser.add_argument("--seeds", type=int, default=3, help="plantings of copies")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of the payments")
    given = parser.parse_args(arguments)
    missing = 0
    for name in given.sets or ["sample", "payments"]:
        seeds = range(1, given.seeds + 1)
        try:
            trials = [sample_trial(seed) if name == "sample" else payments_trial(seed, given.data) for seed in seeds]
        except FileNotFoundError as problem:
            print(f"{name}: {problem}", file=sys.stderr)
            missing = 1
            continue
        copies = [int((trial.kind != "").sum()) for trial in trials]
        rows = len(trials[0].history)
        print(f"{name}: {copies[0]} copies among {len(trials[0].invoices):,} invoices after {rows:,}")
        print(compare(trials).round(3).to_string(), flush=True)
    return missing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
