"""A message before it is sent: what it says, to whom, and the digest by which it is recognised."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from invoice_anomalies.text import one_line

SUBJECT_LENGTH = 150  # what phones show is shorter still; longer ones are folded and cut by some clients


@dataclass(frozen=True)
class Message:
    """One mail: a complete plain text, the same as HTML, and the images that the HTML shows.

    images: PNG by content id; the HTML refers to each as `src="cid:<id>"`. identity: the text by which the message is
    recognised, where its own also tells what changes while it stays the same message.
    """

    kind: str
    extract_date: date | None
    subject: str
    text: str
    html: str
    recipients: tuple[str, ...]
    images: Mapping[str, bytes] = field(default_factory=dict)
    identity: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "subject", one_line(self.subject, SUBJECT_LENGTH))
        object.__setattr__(self, "recipients", tuple(self.recipients))

    @property
    def digest(self) -> str:
        """SHA-256 over recipients, subject and text: the same content has the same digest at any time."""
        content = "\0".join([*self.recipients, self.subject, self.identity or self.text])
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def message_id(self) -> str:
        """Message-ID made from the content, so that mail clients show a message sent twice after a crash once."""
        domain = (
            re.sub(r"[^A-Za-z0-9.-]", "-", self.recipients[0].rpartition("@")[2]) if self.recipients else "localhost"
        )
        return f"<{self.digest[:32]}@{domain}>"

    def as_email(self, sender: str) -> EmailMessage:
        """Make the MIME message: multipart/alternative of text and HTML, the images related to the HTML."""
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = self.subject
        mail["From"] = sender
        mail["To"] = ", ".join(self.recipients)
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = self.message_id
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: asks for no out-of-office answers
        # Quoted-printable is safe with every server; 8-bit bodies need one that offers 8BITMIME.
        mail.set_content(self.text, cte="quoted-printable")
        mail.add_alternative(self.html, subtype="html", cte="quoted-printable")
        html_part = mail.get_payload()[1]  # type: ignore[index]
        for cid, png in self.images.items():
            html_part.add_related(  # type: ignore[union-attr]
                png, "image", "png", cid=f"<{cid}>", filename=f"{cid}.png", disposition="inline"
            )
        return mail
