"""The project's exception tree: malformed input, lost infrastructure, and nothing else.

Expected refusals (no money, unknown user) are returned values, see `ocs.charging.outcome`. Any exception
outside this tree is a bug.

    OcsError
    ├── InputError            somebody gave us bad input: place and reason
    │   └── InputErrors       many of them, found in one pass
    ├── NotFoundError         a named object does not exist
    ├── AlreadyExistsError    the name, or the key with another body, is taken
    ├── ConflictError         a record changed between reading and writing; read again
    ├── InUseError            something still needs what was to be deleted
    └── StoreUnavailableError the database cannot be reached or cannot write; nothing is known to be booked
"""

from collections.abc import Sequence


class OcsError(Exception):
    """Base of every exception that this project raises on purpose."""


class InputError(OcsError):
    """Bad input, whose place a person can find."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(f"{place}: {reason}")
        self.place = place
        "Where: a file and line, a config key, an option, a field."
        self.reason = reason
        "What is wrong, with the offending value."


class InputErrors(InputError):  # noqa: N818 - the plural of InputError
    """Every bad place of one document, in order of appearance."""

    def __init__(self, place: str, errors: Sequence[InputError]) -> None:
        super().__init__(place, f"{len(errors)} error(s)")
        self.errors = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


class NotFoundError(OcsError):
    """A named object does not exist."""


class AlreadyExistsError(OcsError):
    """The name is taken, or an idempotency key was used before with another body."""


class ConflictError(OcsError):
    """A record changed between reading and writing: the caller reads again and decides again."""


class InUseError(OcsError):
    """Something still refers to what was to be deleted, or it is a part of the books' history."""


class StoreUnavailableError(OcsError):
    """The database cannot be reached or cannot write. Nothing of the failed step is acknowledged."""
