"""Entities that are one under several numbers: those whose names say the same."""

import re
import unicodedata

import numpy as np
import pandas as pd

from invoice_anomalies.contract import Contract
from invoice_anomalies.detection.checks.duplicates.invoice_numbers import Hashes, Numbers
from invoice_anomalies.detection.features.features import Codes

LEGAL_FORMS = frozenset(
    (
        "ab", "ag", "and", "as", "aps", "bv", "bvba", "co", "company", "corp", "corporation", "cv", "ev", "et", "gbr",
        "gmbh", "inc", "incorporated", "kft", "kg", "kgaa", "lda", "limited", "llc", "llp", "lp", "ltd", "ltda", "mbh",
        "nv", "ohg", "oy", "oyj", "plc", "pte", "pty", "pvt", "sa", "sarl", "sas", "sdn", "sl", "slu", "spa", "spk",
        "spzoo", "sp", "srl", "sro", "the", "und",
    )
)  # fmt: skip
SHORTEST_SLIP = 6
"""Letters of the longer words that a name must have for one slip in them to be a slip."""
SHORTEST_WORD = 4
"""Letters of a word in which a slip may be; shorter words and numbers must be the same: Plant 1 is not Plant 2."""
LARGEST_CLUSTER = 5
"""Different names within one slip of each other beyond which they are a pattern, and not slips."""


def cluster_vendor_names(invoices: pd.DataFrame, contract: Contract, entity: Codes) -> Codes:
    """Number the entities so that similarly named ones are one; shape (rows,), -1 where an invoice has none.

    entity: shape (rows,), entity codes. Case, accents, punctuation, legal forms and the order of words do not count,
    nor does one slip in a longer word. Without a field for the name, every entity stands for itself.
    """
    if contract.entity_name is None or contract.entity_name == contract.entity:
        return entity
    names = invoices[contract.entity_name]
    told = np.flatnonzero((entity >= 0) & names.notna().to_numpy())
    codes, first = np.unique(entity[told], return_index=True)
    exact, loose = _keys(names.iloc[told[first]].astype(str).tolist())
    cluster = np.arange(int(entity.max(initial=-1)) + 2)  # the last one stands for no entity
    cluster[codes] = _joined(codes, exact, loose)
    cluster[-1] = -1
    return cluster[entity]


def _keys(names: list[str]) -> tuple[list[str], list[str]]:
    """The words of each name that must be the same, and the longer words, in which there may be a slip."""
    exact, loose = [], []
    for name in names:
        plain = name.casefold()
        if not plain.isascii():
            characters = unicodedata.normalize("NFKD", plain)
            plain = "".join(character for character in characters if not unicodedata.combining(character))
        # Dots belong to abbreviations: S.A. is SA.
        words = re.findall(r"[^\W_]+", plain.replace(".", "").replace("'", ""))
        words = sorted([word for word in words if word not in LEGAL_FORMS] or words)
        long = [len(word) >= SHORTEST_WORD and word.isalpha() for word in words]
        exact.append(" ".join(word for word, slips in zip(words, long, strict=True) if not slips))
        loose.append("".join(word for word, slips in zip(words, long, strict=True) if slips))
    return exact, loose


def _joined(entities: Codes, exact: list[str], loose: list[str]) -> Codes:
    """The smallest entity code of each entity's cluster; entities, returns: shape (entities,)."""
    same = pd.Series([f"{part}|{rest}" for part, rest in zip(exact, loose, strict=True)], dtype="str")
    fixed = pd.util.hash_array(pd.Series(exact, dtype="str").to_numpy(object)).astype(np.uint64)
    given = same.str.len().to_numpy() > 1  # a name of punctuation alone is none
    name, distinct = pd.factorize(same)
    name = np.where(given, name, len(distinct) + np.arange(len(name)))
    member, block = _slips(Numbers.read(pd.Series(loose, dtype="str")), fixed, name)
    member = np.concatenate([np.arange(len(name)), member])
    block = np.concatenate([name, block + len(distinct) + len(name)])
    cluster = entities.copy()
    while True:
        smallest = np.full(int(block.max(initial=0)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(smallest, block, cluster[member])
        joined = cluster.copy()
        np.minimum.at(joined, member, smallest[block])
        if (joined == cluster).all():
            return cluster
        cluster = joined


def _slips(texts: Numbers, fixed: Hashes, name: Codes) -> tuple[Codes, Codes]:
    """Block names within one slip of each other: positions of names, and the block of each; shape (entries,) both.

    fixed: hash of the words that must be the same, name: codes of equal names; shape (names,) each.
    """
    if not len(texts.length):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    present = texts.codes >= 0
    code = np.where(present, texts.codes, 0)
    long = present & (texts.length[code] >= SHORTEST_SLIP)
    row, position = np.nonzero(texts.is_canonical[code] & long[:, None])
    keys = np.concatenate([texts.without[code[row], position], texts.whole[code[long]]])
    rows = np.concatenate([row, np.flatnonzero(long)])
    block, _ = pd.factorize(keys ^ (fixed[rows] * np.uint64(0xBF58476D1CE4E5B9)))
    met = pd.DataFrame({"block": block, "row": rows, "name": name[rows]})
    names = met.drop_duplicates(["block", "name"]).groupby("block").size()
    met = met[met["block"].map(names).between(2, LARGEST_CLUSTER)]
    return met["row"].to_numpy(np.int64), met["block"].to_numpy(np.int64)
