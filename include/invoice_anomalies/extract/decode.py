"""From the bytes of a CSV file to its text, piece by piece: unpacked, decoded, and refused where it is no such text."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from invoice_anomalies.contract import Contract
from invoice_anomalies.errors import ExtractUnreadableError
from invoice_anomalies.extract.split import Limits

GZIP = b"\x1f\x8b"
KINDS = {
    GZIP: "a gzip file; let its name end in .gz",
    b"PK\x03\x04": "a zip or Excel file; unpack it, or set extract.format to excel",
    b"PAR1": "a Parquet file; set extract.format to parquet",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls); save it as .xlsx and set extract.format to excel",
    b"%PDF": "a PDF file; have the extract delivered as CSV",
    b"\xff\xfe\x00\x00": "text in UTF-32; set extract.encoding to utf-32",
    b"\x00\x00\xfe\xff": "text in UTF-32; set extract.encoding to utf-32",
    b"\xff\xfe": "text in UTF-16; set extract.encoding to utf-16",
    b"\xfe\xff": "text in UTF-16; set extract.encoding to utf-16",
}
TWICE = "a gzip file within the gzip file: it was compressed twice; compress it once"
HEAD = 4096  # bytes by which a file is known
# What no text has but a stray one of; tabs, line ends, page ends and the escapes of Japanese encodings it may have.
CONTROLS = bytes({*range(32), 127} - {*b"\t\n\x0b\f\r\x1a\x1b\x85"})
BINARY_SHARE = 0.05  # of them in the head; compressed data has twice as many
WIDE_SHARE = 0.4  # of zeros among every second byte: western text in UTF-16


def texts(contract: Contract, stream: BinaryIO, where: str, limits: Limits) -> Iterator[str]:
    """Yield the text of a CSV file in pieces of some MB at most, without a byte order mark."""
    pieces: Iterator[bytes] = iter(lambda: stream.read(limits.piece_bytes), b"")
    if where.lower().endswith(".gz"):
        pieces = _unzipped(stream, where, limits.unpacked_bytes)
    return _decoded(contract, pieces, where)


def _unzipped(stream: BinaryIO, where: str, most: int) -> Iterator[bytes]:
    """The bytes of all members of a gzip file, with zeros between and behind them or not.

    most: bytes of a piece, however well it was packed.
    """
    start = stream.read(20)
    if not start.startswith(GZIP):
        raise ExtractUnreadableError(
            f"{where}: expected gzip, as the name ends in .gz; it starts with {start!r}; "
            "compress it, or let its name end in .csv"
        )
    stream.seek(0)
    lines = size = 0
    try:
        with gzip.GzipFile(fileobj=stream) as file:
            # What one read of the file gave, so that lines are counted up to the fault.
            while text := file.read1(most):
                lines, size = lines + text.count(b"\n"), size + len(text)
                yield text
    except EOFError:
        raise ExtractUnreadableError(
            f"{where}: the gzip file ends too early, after {lines} lines of text; it was cut off or is "
            "still being written; have it delivered again"
        ) from None
    except (gzip.BadGzipFile, zlib.error) as problem:
        raise ExtractUnreadableError(
            f"{where}: the gzip file is damaged after {lines} lines of text: {str(problem).rpartition(': ')[2]}; "
            "have it delivered again"
        ) from None
    if not size:
        raise ExtractUnreadableError(f"{where}: the gzip file holds nothing, not even a header; deliver it again")


def _decoded(contract: Contract, pieces: Iterator[bytes], where: str) -> Iterator[str]:
    encoding = contract.extract.encoding
    try:
        # Encodings that are none of text are told only where bytes are decoded.
        b"".decode(encoding)
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise ExtractUnreadableError(
            f"{where}: extract.encoding {encoding!r} is not an encoding of text; use e.g. utf-8, cp1252 or utf-16"
        ) from None
    lines = 0
    first = True
    ended = False
    try:
        for piece in pieces:
            if first:
                _refuse_binary(piece, encoding, where)
            text = decoder.decode(piece)
            if first and text:
                first, text = False, text.removeprefix("\ufeff")
            lines += piece.count(b"\n")
            if text:
                yield text
        ended = True
        if text := decoder.decode(b"", final=True):
            yield text
    except UnicodeDecodeError as problem:
        data, position = problem.object, problem.start
        line = lines + data[:position].count(b"\n") + 1
        cut = ", and the file ends there: it was cut off or is still being written; have it delivered again, or" * ended
        raise ExtractUnreadableError(
            f"{where}, line {line}: expected text in {encoding}; byte 0x{data[position : position + 1].hex()} is not "
            f"({_around(data, position)}){cut or ';'} set extract.encoding to the right one, e.g. "
            f"{_other(data, encoding)}"
        ) from None
    except UnicodeError as problem:
        raise ExtractUnreadableError(
            f"{where}: expected text in {encoding}; it cannot be read as such: {problem}; set extract.encoding to the "
            "right one, e.g. utf-8"
        ) from None


def _refuse_binary(data: bytes, encoding: str, where: str) -> None:
    head = data[:HEAD]
    name = encoding.lower().replace("_", "-")
    kind = next((kind for magic, kind in KINDS.items() if data.startswith(magic)), None)
    if name.startswith(("utf-16", "utf-32")):
        kind = _narrow(head, name)
    elif kind and data.startswith(GZIP) and where.lower().endswith(".gz"):
        kind = TWICE
    elif not kind and (wide := _wide(head)):
        kind = f"text in UTF-16 without a byte order mark; set extract.encoding to {wide}"
    elif not kind and len(head) - len(head.translate(None, CONTROLS)) > BINARY_SHARE * len(head):
        kind = f"a binary file (it starts with {data[:20]!r}); have the extract delivered as CSV"
    if kind:
        raise ExtractUnreadableError(f"{where}: expected CSV text in {encoding}; this is {kind}")


def _wide(head: bytes) -> str | None:
    """The encoding of two bytes a character that western text without a mark is in."""
    half = max(len(head) // 2, 1)
    share = {"utf-16-be": head[::2].count(0) / half, "utf-16-le": head[1::2].count(0) / half}
    likely = max(share, key=lambda name: share[name])
    return likely if share[likely] > WIDE_SHARE and min(share.values()) < BINARY_SHARE else None


def _narrow(head: bytes, name: str) -> str | None:
    """What a file is that is expected in UTF-16 or UTF-32 and cannot be: no mark where one is needed, or no zeros."""
    if 0 not in head:  # every delimiter and line end has one there
        return "text in another encoding: it has no zero bytes; set extract.encoding to the right one, e.g. utf-8"
    if name == "utf-16" and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return f"text without the byte order mark; set extract.encoding to {_wide(head) or 'the right one'}"
    return None


def _around(data: bytes, position: int) -> str:
    line_start = data.rfind(b"\n", 0, position) + 1
    return repr(data[max(line_start, position - 20) : position + 10].split(b"\n")[0])[1:]


def _other(data: bytes, encoding: str) -> str:
    name = codecs.lookup(encoding).name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return "cp1252 or latin-1" if name != "cp1252" else "latin-1"
    return "utf-8" if name != "utf-8" else "cp1252 or latin-1"
