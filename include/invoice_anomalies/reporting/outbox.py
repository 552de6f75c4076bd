"""Where messages go when there is no mail server: files that a mail client and a browser open."""

import base64
import os
import tempfile
from pathlib import Path

from invoice_anomalies.files import disk_full_errors
from invoice_anomalies.reporting.message import Message


def write_to_outbox(message: Message, outbox: Path, sender: str) -> Path:
    """Write the message as .eml, with an .html beside it that shows its images; return the path of the .eml.

    The name holds the digest: the same message is written once, and what stands there is left as it is. Raises
    StorageFullError where there is no room left.
    """
    with disk_full_errors(outbox):
        outbox.mkdir(parents=True, exist_ok=True)
        day = message.extract_date.isoformat() if message.extract_date else "undated"
        mail_file = outbox / f"{day}_{message.kind}_{message.digest[:8]}.eml"
        page_file = mail_file.with_suffix(".html")
        if not page_file.exists():
            _write(page_file, _self_contained(message).encode())
        if not mail_file.exists():
            _write(mail_file, message.as_email(sender).as_bytes())
    return mail_file


def _self_contained(message: Message) -> str:
    html = message.html
    for cid, png in message.images.items():
        # Quotes in values are escaped, so a value cannot spell this attribute.
        html = html.replace(f'src="cid:{cid}"', f'src="data:image/png;base64,{base64.b64encode(png).decode()}"')
    return html


def _write(path: Path, content: bytes) -> None:
    """Write a whole file or none, also when the process is killed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o640)  # mkstemp gives 0600; a colleague of the same group may read the outbox
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
