"""Run the rules with Great Expectations on a frame, and write the night's Data Docs.

With gx_expectations.py all that knows Great Expectations. Its pages get a frame that loads nothing from another host:
GX's own loads styles and scripts from seven, and its site copies 4 MB of pictures and fonts for each night.
"""

import copy
import html
import logging
import shutil
import uuid
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.render.renderer.site_builder import SiteBuilder
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from invoice_anomalies.files import delete_abandoned, disk_full_errors, replace_folder
from invoice_anomalies.validation.data_docs import ASSETS, PAGES, POLICY, Run, Story, page, write_assets
from invoice_anomalies.validation.rules import Rule, RuleFailure

SITE = "night"
INDEX = "index.html"
WHOLE = "night"  # the title of a night that is checked at once


class NightSuite:
    """A GX context of a night's own that lives in memory: checks frames, and writes the night's Data Docs.

    docs: folder of the night's Data Docs.
    """

    def __init__(self, name: str, docs: Path) -> None:
        self._name = name
        self._docs = docs.absolute()
        # Its pages are made beside it: two tries at once would sweep away each other's.
        self._making = self._docs.with_name(f".{docs.name}.{uuid.uuid4().hex[:12]}")
        self._suites: dict[tuple[int, ...], Any] = {}
        with _quiet():
            # Its own defaults would make a temporary folder for Data Docs, and count usage where that is built in.
            self._context = gx.get_context(
                mode="ephemeral",
                project_config=DataContextConfig(
                    store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
                    data_docs_sites={SITE: _site(self._making)},
                    analytics_enabled=False,
                    progress_bars=ProgressBarsConfig(globally=False),
                ),
            )
            self._source = self._context.data_sources.add_pandas(name=name)

    def check(self, rules: Sequence[Rule], frame: pd.DataFrame, title: str = WHOLE, part: str = "") -> "SuiteReport":
        """Run the rules whose columns the frame has, summarised.

        frame: index 0..rows-1. title: what is checked, for the Data Docs; part: which of several that have this title.
        """
        self._forget()
        frame = _in_nanoseconds(frame)
        rules = [rule for rule in rules if set(rule.columns) <= set(frame.columns)]
        name = self._name if title == WHOLE else f"{self._name}, {title}"
        with _quiet():
            suite = self._suite(name, rules)
            asset = self._source.add_dataframe_asset(part or title)
            definition = gx.ValidationDefinition(
                name=f"{name} {part}".strip(), data=asset.add_batch_definition_whole_dataframe("extract"), suite=suite
            )
            result = self._context.validation_definitions.add(definition).run(
                batch_parameters={"dataframe": frame}, result_format="SUMMARY"
            )
        return SuiteReport([_failure(each) for each in result.results if not each.success], frame, asset)

    def publish(self, story: Story) -> str:
        """Write the Data Docs of all that was checked, and the story of the night as their first page; return its path.

        Raises StorageFullError.
        """
        with _quiet():
            self._escape_values()
            with disk_full_errors(self._docs.parent):
                delete_abandoned(self._docs.parent, f".{self._docs.name}.*")
                try:
                    self._making.mkdir(parents=True)
                    self._context.build_data_docs()
                    text = page(story, self._docs.name, self._runs(), self._suite_pages())
                    (self._making / INDEX).write_text(text, encoding="utf-8", errors="replace")
                    write_assets(self._docs.parent / ASSETS)
                    replace_folder(self._making, self._docs)
                finally:
                    shutil.rmtree(self._making, ignore_errors=True)
        return str(self._docs / INDEX)

    def _runs(self) -> list[Run]:
        """The validations in the order in which they were made, with the paths that GX gives their pages."""
        store = self._context.validation_results_store
        runs = []
        for key in sorted(store.list_keys(), key=lambda key: key.run_id.run_time):
            result, suite = store.get(key), key.expectation_suite_identifier.name
            path = Path("validations", *suite.split("."), *key.run_id.to_tuple(), f"{key.batch_identifier}.html")
            runs.append(
                Run(
                    title=f"{suite}: {key.batch_identifier.removeprefix(f'{self._name}-')}",
                    path=quote(path.as_posix()),
                    success=bool(result.success),
                    kept=result.statistics["successful_expectations"],
                    rules=result.statistics["evaluated_expectations"],
                    time=f"{key.run_id.run_time:%Y-%m-%d %H:%M:%S}",
                )
            )
        return runs

    def _suite_pages(self) -> list[tuple[str, str]]:
        names = sorted(key.name for key in self._context.expectations_store.list_keys())
        return [(name, quote(Path("expectations", *name.split(".")).as_posix() + ".html")) for name in names]

    def _escape_values(self) -> None:
        """Escape what came in the extract: GX writes samples of it into its pages as if it were HTML."""
        store = self._context.validation_results_store
        for key in store.list_keys():
            results = store.get(key)
            for each in results.results:
                each.result, each.exception_info = _escaped(each.result), _escaped(each.exception_info)
            store.set(key, results)

    def _forget(self) -> None:
        """Let go of the frames that were checked: GX keeps each of them for as long as its context lives."""
        manager = self._source.get_execution_engine().batch_manager
        manager.batch_data_cache.clear()
        manager.reset_batch_cache()

    def _suite(self, name: str, rules: Sequence[Rule]) -> Any:
        ids = tuple(id(rule) for rule in rules)
        if ids not in self._suites:
            expectations = [copy.copy(rule.expectation) for rule in rules]
            self._suites[ids] = self._context.suites.add(gx.ExpectationSuite(name, expectations=expectations))
        return self._suites[ids]


@dataclass(frozen=True)
class SuiteReport:
    """What GX found in one frame; asset: GX's name for the frame."""

    failures: list[RuleFailure]
    frame: pd.DataFrame
    asset: Any

    def broken_rows(self, rules: Iterable[Rule]) -> dict[int, list[int]]:
        """Positions of the rows that break each of these rules, by the rule's index.

        Complete results cost much more than summaries, so they are asked for failed rules alone.
        """
        expectations = [copy.copy(rule.expectation) for rule in rules]
        if not expectations:
            return {}
        with _quiet():
            batch = self.asset.batch_definitions[0].get_batch({"dataframe": self.frame})
            result = batch.validate(
                gx.ExpectationSuite("rows", expectations=expectations),
                result_format={"result_format": "COMPLETE", "exclude_unexpected_values": True},
            )
        return {_rule_index(each): list(each.result.get("unexpected_index_list") or []) for each in result.results}


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return html.escape(value)
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_escaped(each) for each in value]
    return value


def _rule_index(result: Any) -> int:
    return int(result.expectation_config.meta["rule"])


def _failure(result: Any) -> RuleFailure:
    observed = (result.result or {}).get("observed_value")
    return RuleFailure(_rule_index(result), observed, _error(result.exception_info))


def _error(info: dict[str, Any]) -> str:
    # GX puts the exception at the top, or below the name of each metric that failed.
    for each in (info, *(value for value in info.values() if isinstance(value, dict))):
        if each.get("raised_exception"):
            return str(each.get("exception_message") or "unknown error").splitlines()[0]
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep GX's notes to its developers and its tracebacks out of the log; what failed is in the result."""
    logger = logging.getLogger("great_expectations")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _in_nanoseconds(values: pd.DataFrame) -> pd.DataFrame:
    """The frame with its dates in nanoseconds where they can be.

    GX compares them a hundred times faster than other units; they reach from 1677 to 2262.
    """
    values = values.copy(deep=False)
    for name in values.select_dtypes("datetime"):
        if values[name].dropna().between(pd.Timestamp.min, pd.Timestamp.max).all():
            values[name] = values[name].astype("datetime64[ns]")
    return values


class OfflinePage(DefaultJinjaPageView):  # type: ignore[misc]
    """GX's view with the templates of this project before its own."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.env.loader = ChoiceLoader([FileSystemLoader(PAGES), *([self.env.loader] if self.env.loader else [])])
        self.env.globals["policy"] = POLICY


class OfflineSite(SiteBuilder):  # type: ignore[misc]
    """GX's pages of suites and validations; the index is written by the project."""

    def build(self, resource_identifiers: Any = None, build_index: bool = True) -> tuple[Any, dict[str, Any]]:
        """Write the pages, without an index and without GX's pictures and fonts."""
        for section in self.site_section_builders.values():
            section.build(resource_identifiers=resource_identifiers)
        return self.get_resource_url(only_if_exists=False), {}


def _site(docs: Path) -> dict[str, Any]:
    """The configuration of the site in this folder, as GX reads it."""
    view = {"module_name": __name__, "class_name": OfflinePage.__name__}
    return {
        "module_name": __name__,
        "class_name": OfflineSite.__name__,
        "site_section_builders": {"expectations": {"view": view}, "validations": {"view": view}, "profiling": "None"},
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs.absolute())},
    }
