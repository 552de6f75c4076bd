"""How much of an extract is held at a time: pieces of bytes, blocks of text, chunks of rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import pandas as pd

from invoice_anomalies.extract.rows import Cells


@dataclass(frozen=True)
class Limits:
    """What is held of an extract at a time.

    chunk_rows: rows of a chunk. chunk_bytes: of its values; a chunk of very long rows has fewer of them.
    block_characters: of the text of a CSV file that are parsed at a time.
    piece_bytes: read of a CSV file at a time. unpacked_bytes: of a piece of a gzip file, however well it was packed.
    """

    chunk_rows: int = 200_000
    chunk_bytes: int = 256 << 20
    block_characters: int = 16 << 20
    piece_bytes: int = 1 << 20
    unpacked_bytes: int = 4 << 20


LIMITS = Limits()


def split(blocks: Iterable[Cells], limits: Limits) -> Iterator[Cells]:
    """Regroup blocks into chunks of as many rows as the limits allow, or fewer where these would be too large.

    The last chunk has what is left; there is one, without rows, where the file has none.
    """
    kept: list[Cells] = []
    rows = size = 0
    empty, given = None, False
    for block in blocks:
        if block.rows.empty:
            empty = empty or block
            continue
        kept.append(block)
        rows, size = rows + len(block.rows), size + int(block.rows.memory_usage(index=False).sum())
        while rows and (rows >= limits.chunk_rows or size >= limits.chunk_bytes):
            whole = _joined(kept)
            given = True
            yield _between(whole, 0, limits.chunk_rows)
            kept = [_between(whole, limits.chunk_rows, rows)]
            left = len(kept[0].rows)
            rows, size = left, size * left // rows
    if rows or (not given and empty):
        yield _joined(kept) if rows else cast(Cells, empty)


def _joined(blocks: list[Cells]) -> Cells:
    if len(blocks) == 1:
        return blocks[0]
    surplus = {line: sentence for block in blocks for line, sentence in block.surplus.items()}
    return Cells(blocks[0].header, pd.concat([block.rows for block in blocks]), surplus)


def _between(cells: Cells, first: int, end: int) -> Cells:
    rows = cells.rows.iloc[first:end]
    lines = set(rows.index) if cells.surplus else set()
    return Cells(cells.header, rows, {line: text for line, text in cells.surplus.items() if line in lines})
