"""Commands of the person at the terminal."""

from typing import TYPE_CHECKING

from ocs.cli.books import Books, operator

if TYPE_CHECKING:
    from ocs.charging.audit import Command


def command_of(books: Books) -> "Command":
    """A command of this person, given now."""
    from ocs.charging.audit import Command

    return Command(actor=operator(), at_ms=books.clock.now_ms())
