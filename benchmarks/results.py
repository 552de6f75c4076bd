"""The benchmark's results: figures over seeds as aligned tables, a JSON file and a plot."""

import json
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Figures = dict[str, float]

QUALITY = {
    "ap": "AP", "auc": "ROC AUC", "r2k": "R@2k", "recall_1": "R@1%", "recall_5": "R@5%", "recall_10": "R@10%",
}  # fmt: skip
BLAME = {
    "hit1": "hit@1", "hit3": "hit@3", "hit1_all": "hit@1 all", "hit3_all": "hit@3 all", "named1": "named",
    "factor_off": "number", "days_off": "date", "expected_told": "told",
}  # fmt: skip
TIMES = {
    "train_seconds": "train s",
    "score_seconds": "score s",
    "rows_per_second": "rows/s",
    "score_peak_mb": "peak MB",
}
PLAIN = {"factor_off": "x{:.2f}", "days_off": "{:.0f} d", "train_seconds": "{:.1f}", "score_seconds": "{:.2f}",
         "rows_per_second": "{:,.0f}", "score_peak_mb": "{:,.0f}"}  # fmt: skip
"""How figures are written that are no shares."""
FAR_OFF = 100
"""An expected number off by such a factor, or of the wrong sign, is no expectation."""
LEGEND = """\
AP: average precision. R@2k: recall in a list twice as long as the number planted; R@1%: in the most suspicious 1 % of
all. hit@k: the planted field is among the k oddest, of the planted in that list (all: of all planted); named: it is the
one that the explanation names first. number, date: median error of the expected value; told: how often there is one.
rows/s: with all field errors and the explanations of the flagged. peak MB: memory taken while scoring.
The plus-minus is the standard deviation over the seeds."""


@dataclass
class Results:
    """What was measured on one data set: the figures of each seed, by detector."""

    name: str
    history: int
    invoices: int
    planted: int
    runs: dict[str, list[Figures]] = field(default_factory=dict)

    def mean(self, detector: str) -> Figures:
        return {name: statistics.fmean(values) for name, values in self._over_seeds(detector).items()}

    def spread(self, detector: str) -> Figures:
        """Standard deviation over the seeds; zero for a single one."""
        return {
            name: statistics.stdev(values) if len(values) > 1 else 0.0
            for name, values in self._over_seeds(detector).items()
        }

    def kinds(self) -> dict[str, str]:
        """The figures that are the recall of one kind, and their headers."""
        names = {name for runs in self.runs.values() for run in runs for name in run if name.startswith("kind_")}
        return {name: name.removeprefix("kind_") for name in sorted(names)}

    def _over_seeds(self, detector: str) -> dict[str, list[float]]:
        runs = self.runs[detector]
        return {name: [run[name] for run in runs if name in run] for run in runs for name in run}


def tables(results: Results) -> str:
    """The three tables of one data set: quality, blame and time, recall by kind in the list of R@2k."""
    by_quality = sorted(results.runs, key=lambda name: -results.mean(name)["ap"])
    return "\n\n".join(
        [
            f"{results.name}: learned from {results.history:,} invoices, judged {results.invoices:,}, "
            f"{results.planted} of them planted",
            _table(results, by_quality, QUALITY, with_spread=len(results.runs[by_quality[0]]) > 1),
            _table(results, by_quality, BLAME | TIMES),
            _table(results, by_quality, results.kinds()),
        ]
    )


def _table(results: Results, detectors: Sequence[str], columns: Mapping[str, str], with_spread: bool = False) -> str:
    """Aligned columns; headers of several words, or joined by underscores, stand on two lines."""
    parts = {name: header.replace("_", " ").split(" ", 1) for name, header in columns.items()}
    upper = {name: part[0] if len(part) > 1 else "" for name, part in parts.items()}
    lines: list[list[str]] = [["", *upper.values()]] if any(upper.values()) else []
    lines.append(["", *(part[-1] for part in parts.values())])
    for detector in detectors:
        mean, spread = results.mean(detector), results.spread(detector)
        cells = [
            (_written(name, mean[name]) + (f" ±{_share(spread[name])}" if with_spread else "")) if name in mean else "-"
            for name in columns
        ]
        lines.append([detector, *cells])
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    return "\n".join(
        (line[0].ljust(widths[0]) + "".join(f"  {c:>{w}}" for c, w in zip(line[1:], widths[1:], strict=True))).rstrip()
        for line in lines
    )


def _written(name: str, value: float) -> str:
    if name == "factor_off" and value >= FAR_OFF:
        return f">x{FAR_OFF}"
    return PLAIN[name].format(value) if name in PLAIN else _share(value)


def _share(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def write_json(everything: Iterable[Results], seeds: Sequence[int], path: Path) -> None:
    """Everything that was measured, for later comparison."""
    document = {
        "seeds": list(seeds),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "data_sets": {
            results.name: {
                "history": results.history,
                "invoices": results.invoices,
                "planted": results.planted,
                "detectors": {
                    name: {"mean": results.mean(name), "spread": results.spread(name), "runs": runs}
                    for name, runs in results.runs.items()
                },
            }
            for results in everything
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")


def plot(everything: Sequence[Results], path: Path, ours: str) -> None:
    """Average precision and R@2k by detector, one panel a data set; whiskers are the spread over the seeds."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    names = sorted(
        {name for results in everything for name in results.runs},
        key=lambda name: (name == ours, statistics.fmean(r.mean(name)["ap"] for r in everything if name in r.runs)),
    )
    figure = Figure(figsize=(3.6 + 3.2 * len(everything), 1.6 + 0.42 * len(names)), layout="constrained")
    engine = figure.get_layout_engine()
    assert isinstance(engine, ConstrainedLayoutEngine)
    engine.set(w_pad=0.12)
    panels = figure.subplots(1, len(everything), sharey=True, squeeze=False)[0]
    for panel, results in zip(panels, everything, strict=True):
        for shift, (figure_name, header, colour) in zip(
            (0.19, -0.19), (("ap", "average precision", "#1f5a96"), ("r2k", "R@2k", "#e0a030")), strict=True
        ):
            shown = [(at, name) for at, name in enumerate(names) if name in results.runs]
            panel.barh(
                [at + shift for at, _ in shown],
                [results.mean(name)[figure_name] for _, name in shown],
                xerr=[results.spread(name)[figure_name] for _, name in shown],
                height=0.36,
                color=colour,
                label=header,
                error_kw={"elinewidth": 1, "ecolor": "#444444"},
            )
        panel.set(title=f"{results.name}, {results.planted} of {results.invoices:,} planted", xlim=(0, 1))
        panel.grid(axis="x", alpha=0.3)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(names)), names)
    for text in panels[0].get_yticklabels():
        text.set_fontweight("bold" if text.get_text() == ours else "normal")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
