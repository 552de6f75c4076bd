"""Break lines of an extract in the ways that exports break, so that the quarantine has something to do."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from invoice_anomalies.synthetic.planting import KEY

Line = dict[str, str]

FAULTS: dict[str, tuple[str, Callable[[Line], str]]] = {
    "unparsable_amount": ("gross_amount", lambda line: line["gross_amount"].replace(".", ",") + " EUR?"),
    "missing_vendor": ("vendor_id", lambda line: ""),
    "impossible_date": ("invoice_date", lambda line: f"{line['invoice_date'][:4]}-02-31"),
    "unknown_tax_code": ("tax_code", lambda line: "S99"),
    "missing_amount": ("net_amount", lambda line: "NULL"),
    "malformed_vendor": ("vendor_id", lambda line: line["vendor_id"].lower().replace("v", "v-")),
    "foreign_date_format": ("due_date", lambda line: "/".join(reversed(line["due_date"].split("-")))),
}
"""Name of the fault -> the field it is in, and what stands there instead."""
REPEATED = "repeated_key"
"""A line that comes a second time; the first one is fit."""
BROKEN = ["line", "kind", "field", *KEY]


def break_rows(
    texts: pd.DataFrame, count: int, seed: int, spare: pd.DataFrame | None = None, start: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Break so many lines of an extract in text form; return the extract, and what is broken in it.

    The kinds come in turn, from the start-th on: those of FAULTS, then REPEATED. spare: labels of invoices to leave
    alone. The second frame has a row for each broken line: `line` (in the CSV file, the header is line 1), `kind`,
    `field`, and the key as it was before. Repeated lines come at the end.
    """
    rng = np.random.default_rng([seed, 3])
    lines = texts.reset_index(drop=True)
    spared = set() if spare is None else set(zip(spare[KEY[0]], spare[KEY[1]], strict=True))
    fit = [n for n, key in enumerate(zip(lines[KEY[0]], lines[KEY[1]], strict=True)) if key not in spared]
    chosen = rng.choice(np.array(fit, dtype=np.int64), size=min(count, len(fit)), replace=False)
    kinds = [*FAULTS, REPEATED]
    told: list[tuple[int, str, str, str, str]] = []
    repeated: list[int] = []
    for turn, place in enumerate(chosen.tolist()):
        kind = kinds[(start + turn) % len(kinds)]
        line = lines.iloc[place].to_dict()
        vendor, number = (line[name] for name in KEY)
        if kind == REPEATED:
            field, position = "|".join(KEY), len(lines) + len(repeated)
            repeated.append(place)
        else:
            (field, fault), position = FAULTS[kind], place
            lines.loc[place, field] = fault(line)
        told.append((position + 2, kind, field, vendor, number))
    together = pd.concat([lines, texts.iloc[repeated]], ignore_index=True)
    return together, pd.DataFrame(told, columns=BROKEN).sort_values("line", ignore_index=True)
