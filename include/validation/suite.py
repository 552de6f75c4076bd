"""Run the rules with Great Expectations on a frame, and write the night's Data Docs."""

import copy
import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from include.validation.rules import Rule

SITE = "night"


@dataclass(frozen=True)
class Finding:
    """What GX found for one rule that failed.

    place: the rule's place in the list of rules.
    rows: how many rows broke it (0 for rules about the whole table); first: positions of the first of them.
    observed: what was observed instead, of rules about the whole table.
    error: why it could not be evaluated; "" where it could.
    """

    place: int
    rows: int
    first: list[int]
    observed: Any
    error: str


class NightSuite:
    """One night's rules bound to one frame, in a GX context of its own that lives in memory.

    frame: index 0..rows-1; only rules whose columns it has are run. docs: folder of the night's Data Docs.
    """

    def __init__(self, name: str, rules: Sequence[Rule], frame: pd.DataFrame, docs: Path) -> None:
        import great_expectations as gx
        from great_expectations.data_context.types.base import (
            DataContextConfig,
            InMemoryStoreBackendDefaults,
            ProgressBarsConfig,
        )

        self._rules = [rule for rule in rules if set(rule.columns) <= set(frame.columns)]
        self._frame = frame
        self._name = name
        self._docs = docs.absolute()
        with _quiet():
            # Its own defaults would make a temporary folder for Data Docs, and count usage where that is built in.
            self._context = gx.get_context(
                mode="ephemeral",
                project_config=DataContextConfig(
                    store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                    data_docs_sites={SITE: _site(docs)},
                    analytics_enabled=False,
                    progress_bars=ProgressBarsConfig(globally=False),
                ),
            )
            source = self._context.data_sources.add_pandas(name=name)
            self._batch_definition = source.add_dataframe_asset("night").add_batch_definition_whole_dataframe("extract")

    def run(self) -> tuple[list[Finding], str]:
        """Run all rules once, summarised, and write the Data Docs; return failures and the index page."""
        import great_expectations as gx

        with _quiet():
            suite = self._context.suites.add(
                gx.ExpectationSuite(self._name, expectations=[copy.copy(rule.expectation) for rule in self._rules])
            )
            definition = gx.ValidationDefinition(name=self._name, data=self._batch_definition, suite=suite)
            result = self._context.validation_definitions.add(definition).run(
                batch_parameters={"dataframe": self._frame}, result_format="SUMMARY"
            )
            self._docs.mkdir(parents=True, exist_ok=True)
            self._context.clean_data_docs(SITE)  # the pages of an earlier try
            self._context.build_data_docs()
        return [_finding(each) for each in result.results if not each.success], str(self._docs / "index.html")

    def broken_rows(self, rules: Iterable[Rule]) -> dict[int, list[int]]:
        """Positions of the rows that break each of these rules, by the rule's place.

        Complete results cost much more than summaries, so they are asked for failed rules alone.
        """
        import great_expectations as gx

        expectations = [copy.copy(rule.expectation) for rule in rules]
        if not expectations:
            return {}
        with _quiet():
            batch = self._batch_definition.get_batch({"dataframe": self._frame})
            result = batch.validate(
                gx.ExpectationSuite(f"{self._name}_rows", expectations=expectations),
                result_format={"result_format": "COMPLETE", "exclude_unexpected_values": True},
            )
        return {_place(each): list(each.result.get("unexpected_index_list") or []) for each in result.results}


def _site(docs: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.absolute())},
    }


def _place(result: Any) -> int:
    return int(result.expectation_config.meta["rule"])


def _finding(result: Any) -> Finding:
    details = result.result or {}
    return Finding(
        place=_place(result),
        rows=details.get("unexpected_count") or 0,
        first=list(details.get("partial_unexpected_index_list") or []),
        observed=details.get("observed_value"),
        error=_error(result.exception_info),
    )


def _error(info: dict[str, Any]) -> str:
    # GX puts the exception at the top, or below the name of each metric that failed.
    for each in (info, *(value for value in info.values() if isinstance(value, dict))):
        if each.get("raised_exception"):
            return str(each.get("exception_message") or "unknown error").splitlines()[0]
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep GX's notes to its own developers out of the task's log."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
