"""A mailbox behind a real mail server, and how Airflow is told of it."""

import json
import socket
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import Envelope


class Mailbox:
    """A mail server's handler that keeps what it takes; `refuse` holds recipients that it does not know."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.refuse: set[str] = set()
        self.busy = False
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        if self.busy:
            return "451 try again later"
        self.envelopes.append(envelope)
        return "250 OK"

    @property
    def mails(self) -> list[EmailMessage]:
        contents = [envelope.content for envelope in self.envelopes if isinstance(envelope.content, bytes)]
        return [message_from_bytes(content, policy=policy.default) for content in contents]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def smtp_connection(port: int, **extra: Any) -> str:
    """The Airflow connection to a mail server on this machine, without encryption."""
    extras = {"disable_ssl": True, "disable_tls": True, "retry_limit": 0, **extra}
    return json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extras})
