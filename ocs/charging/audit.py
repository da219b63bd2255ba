"""The audit log's entries: who changed what, from what to what. Secrets are never among it.

Owns how a change is written down. Does not own the log (`ocs.ports.AuditStore`) or which use case makes which
change.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ocs.ports import AuditEntry


class Command(NamedTuple):
    """An operator's command, as the audit log names it."""

    actor: str
    "Who gave it."
    at_ms: int
    request_id: str | None = None
    "Names it for its repetitions; None: it has no name."
    request_digest: str = ""
    "Of its body."

    def entry(
        self,
        action: str,
        target: str,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> AuditEntry:
        """The entry of one change; None: it was not there, or is gone."""
        return AuditEntry(
            number=0,
            at_ms=self.at_ms,
            actor=self.actor,
            action=action,
            target=target,
            before=_text(before),
            after=_text(after),
            request_id=self.request_id,
            request_digest=self.request_digest,
        )


def _text(record: Mapping[str, Any] | None) -> str:
    return "" if record is None else json.dumps(record, ensure_ascii=False, separators=(",", ":"))
