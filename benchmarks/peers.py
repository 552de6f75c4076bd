"""The detectors that a user would try first, on the same invoices as this project.

Each peer is a function of a contract and a history that returns a judge: a function from later invoices to an Opinion.
Its settings are those of its documentation or of common practice, the better of what was tried, and the same for every
data set.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.encodings import Encoding, Features, FloatArray, as_numbers
from benchmarks.measures import Opinion, Rows
from invoice_anomalies.contract import Contract

Judge = Callable[[pd.DataFrame], Opinion]
Peer = Callable[[Contract, pd.DataFrame], Judge]

SEED = 20
TREES = 200
NEIGHBOURS = 20
SVM_SHARE = 0.01
"""Share of the history that the one-class SVM takes for outliers; a tenth did worse without the past."""
MOST_LEARNED = 10_000
"""Invoices, drawn at random, that LOF and the SVM learn from: both take time by the square of them. On all 139,622
payments LOF is also worse (AP .04 instead of .15): their many equal invoices are neighbours at no distance."""
HIDDEN = (64, 32, 64)
EPOCHS = 20
BATCH = 256


def isolation_forest(contract: Contract, history: pd.DataFrame, with_past: bool = False) -> Judge:
    """Isolation Forest (Liu et al. 2008), scikit-learn's."""
    from sklearn.ensemble import IsolationForest

    encoding = Encoding(contract, history, with_past)
    forest = IsolationForest(n_estimators=TREES, random_state=SEED).fit(encoding.learned.values)
    return lambda invoices: Opinion(-forest.score_samples(encoding.encode(invoices).values))


def ecod(contract: Contract, history: pd.DataFrame, with_past: bool = False) -> Judge:
    """ECOD (Li et al. 2022), PyOD's; it sums an error for each column, so that it can blame a field."""
    from pyod.models.ecod import ECOD

    encoding = Encoding(contract, history, with_past)
    model = ECOD().fit(encoding.learned.values)

    def judge(invoices: pd.DataFrame) -> Opinion:
        features = encoding.encode(invoices)
        scores = model.decision_function(features.values)
        return Opinion(scores, _field_errors(contract, features, model.O[-len(invoices) :], invoices))

    return judge


def lof(contract: Contract, history: pd.DataFrame, with_past: bool = False) -> Judge:
    """Local outlier factor (Breunig et al. 2000), scikit-learn's, on standardised columns."""
    from sklearn.neighbors import LocalOutlierFactor

    return _by_distance(contract, history, with_past, LocalOutlierFactor(n_neighbors=NEIGHBOURS, novelty=True))


def one_class_svm(contract: Contract, history: pd.DataFrame, with_past: bool = False) -> Judge:
    """One-class SVM (Schölkopf et al. 2001), scikit-learn's, radial kernel, on standardised columns."""
    from sklearn.svm import OneClassSVM

    return _by_distance(contract, history, with_past, OneClassSVM(nu=SVM_SHARE, gamma="scale"))


def vendor_median(contract: Contract, history: pd.DataFrame) -> Judge:
    """The rule of thumb: how many times the amount is above or below the entity's median.

    In units of the entity's own spread it did worse: many entities always charge the same.
    """
    amount, entity = str(contract.amount), contract.entity
    logs = pd.Series(np.arcsinh(as_numbers(history[amount])))
    medians = logs.groupby(history[entity]).median() if entity else pd.Series(dtype=float)

    def judge(invoices: pd.DataFrame) -> Opinion:
        now = invoices[entity] if entity else pd.Series("", index=invoices.index)
        expected = now.map(medians).astype(float).fillna(float(logs.median())).to_numpy()
        scores = np.nan_to_num(np.abs(np.arcsinh(as_numbers(invoices[amount]).to_numpy()) - expected))
        errors = pd.DataFrame(0.0, index=invoices.index, columns=list(contract.detected)).assign(**{amount: scores})
        return Opinion(scores, errors, lambda rows: pd.DataFrame({amount: np.sinh(expected[rows])}))

    return judge


def plain_autoencoder(contract: Contract, history: pd.DataFrame) -> Judge:
    """A dense autoencoder on min-max scaled numbers and dates and one-hot levels; score: mean absolute error."""
    import keras

    encoding = Encoding(contract, history, logarithms=False)
    low, high = encoding.learned.values.min(axis=0), encoding.learned.values.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    scaled = ((encoding.learned.values - low) / width).astype(np.float32)
    keras.utils.set_random_seed(SEED)
    columns = scaled.shape[1]
    model = keras.Sequential([keras.Input((columns,)), *(keras.layers.Dense(units, "relu") for units in HIDDEN)])
    model.add(keras.layers.Dense(columns))
    model.compile("adam", "mae")
    stop = keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    model.fit(scaled, scaled, epochs=EPOCHS, batch_size=BATCH, validation_split=0.1, verbose=0, callbacks=[stop])

    def judge(invoices: pd.DataFrame) -> Opinion:
        features = encoding.encode(invoices)
        now = ((features.values - low) / width).astype(np.float32)
        rebuilt = np.asarray(model(now))
        off = np.abs(rebuilt - now).astype(float)

        def expected(rows: Rows) -> pd.DataFrame:
            values = rebuilt[rows] * width + low
            read = {name: encoding.value_of(name, values[:, at]) for at, name in enumerate(features.owners)}
            return pd.DataFrame({name: column for name, column in read.items() if column is not None})

        return Opinion(off.mean(axis=1), _field_errors(contract, features, off, invoices), expected)

    return judge


def pyod_autoencoder(contract: Contract, history: pd.DataFrame) -> Judge:
    """PyOD's AutoEncoder, as it comes, on the plain encoding."""
    from pyod.models.auto_encoder import AutoEncoder

    encoding = Encoding(contract, history)
    model = AutoEncoder(random_state=SEED, verbose=0).fit(encoding.learned.values)
    return lambda invoices: Opinion(model.decision_function(encoding.encode(invoices).values))


def peers() -> dict[str, Peer]:
    """The peers that can run here, by the name in the table."""
    found: dict[str, Peer] = {
        "Isolation Forest": isolation_forest,
        "Isolation Forest, past": _with_past(isolation_forest),
        "LOF": lof,
        "LOF, past": _with_past(lof),
        "one-class SVM": one_class_svm,
        "one-class SVM, past": _with_past(one_class_svm),
        "vendor median": vendor_median,
        "plain autoencoder": plain_autoencoder,
    }
    if importlib.util.find_spec("pyod"):
        found |= {"ECOD": ecod, "ECOD, past": _with_past(ecod)}
        if importlib.util.find_spec("torch"):
            found["PyOD AutoEncoder"] = pyod_autoencoder
    return found


def _with_past(peer: Callable[[Contract, pd.DataFrame, bool], Judge]) -> Peer:
    return lambda contract, history: peer(contract, history, True)


def _by_distance(contract: Contract, history: pd.DataFrame, with_past: bool, model: Any) -> Judge:
    """Fit a scikit-learn model that compares distances: on standardised columns, of MOST_LEARNED invoices."""
    from sklearn.preprocessing import StandardScaler

    encoding = Encoding(contract, history, with_past)
    learned = encoding.learned.values
    scaler = StandardScaler().fit(learned)
    drawn = np.random.default_rng(SEED).permutation(len(learned))[:MOST_LEARNED]
    model.fit(scaler.transform(learned[drawn]))
    return lambda invoices: Opinion(-model.score_samples(scaler.transform(encoding.encode(invoices).values)))


def _field_errors(contract: Contract, features: Features, errors: FloatArray, invoices: pd.DataFrame) -> pd.DataFrame:
    fields = list(contract.detected)
    return pd.DataFrame(features.by_field(errors, fields), index=invoices.index, columns=fields)
