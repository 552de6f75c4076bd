"""The peers see what a user would show them, and nothing of the future."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from benchmarks.data_sets import DataSet, sample_of
from benchmarks.encodings import Encoding
from benchmarks.peers import Peer, isolation_forest, one_class_svm, vendor_median
from invoice_anomalies.contract import Contract


@pytest.fixture(scope="module")
def sample(contract: Contract) -> DataSet:
    days = (date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 31))
    return sample_of(contract, seed=1, days=days, vendors=20, rows_per_day=30)


def test_every_detected_field_has_columns_and_all_are_finite(sample: DataSet) -> None:
    encoding = Encoding(sample.contract, sample.history, with_past=True)

    features = encoding.encode(sample.invoices)

    assert set(features.owners) == {*sample.contract.detected, sample.contract.entity}
    assert features.values.shape == (len(sample.invoices), encoding.learned.values.shape[1])
    assert np.isfinite(features.values).all() and np.isfinite(encoding.learned.values).all()


def test_the_past_of_a_night_is_what_came_before_it(sample: DataSet) -> None:
    encoding = Encoding(sample.contract, sample.history, with_past=True)
    until = sample.invoices["extract_date"] <= pd.Timestamp(2026, 3, 13)

    alone = encoding.encode(sample.invoices[until]).values
    together = encoding.encode(sample.invoices).values[until.to_numpy()]

    np.testing.assert_allclose(alone, together)


def test_a_value_far_from_its_entitys_past_is_far_in_its_columns(sample: DataSet) -> None:
    encoding = Encoding(sample.contract, sample.history, with_past=True)
    vendor = sample.history["vendor_id"].value_counts().index[0]
    usual = sample.invoices[(sample.invoices["vendor_id"] == vendor) & ~sample.planted].iloc[:1]
    odd = usual.assign(net_amount=usual["net_amount"] * 1000)
    last = [at for at, owner in enumerate(encoding.learned.owners) if owner == "net_amount"][-1]

    near, far = (encoding.encode(rows).values[0, last] for rows in (usual, odd))

    assert abs(near) < 4 < far


def test_the_median_rule_expects_what_the_entity_usually_charges(sample: DataSet) -> None:
    opinion = vendor_median(sample.contract, sample.history)(sample.invoices)
    rows = np.flatnonzero(~sample.planted)

    assert opinion.expected is not None and opinion.errors is not None
    told = opinion.expected(rows)["gross_amount"]

    medians = sample.history.groupby("vendor_id")["gross_amount"].median()
    known = sample.invoices["vendor_id"].iloc[rows].map(medians).to_numpy()
    assert np.nanmedian(np.abs(np.log(told / known))) < 0.01
    assert (opinion.errors.drop(columns="gross_amount") == 0).all(axis=None)


@pytest.mark.parametrize("peer", [isolation_forest, one_class_svm, vendor_median])
def test_a_contract_without_entity_has_peers_too(sample: DataSet, peer: Peer) -> None:
    contract = sample.contract.model_copy(update={"entity": None})

    opinion = peer(contract, sample.history)(sample.invoices)

    assert len(opinion.scores) == len(sample.invoices)
    assert np.isfinite(opinion.scores).all()
