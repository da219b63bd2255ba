"""The person at the terminal, as the audit log names it."""

import getpass
import os
from typing import TYPE_CHECKING

from ocs.cli.books import Books

if TYPE_CHECKING:
    from ocs.charging.audit import Command


def command_of(books: Books) -> "Command":
    """A command of this person, given now."""
    from ocs.charging.audit import Command

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user that the system has no name for, as in containers
        user = f"uid {os.getuid()}"
    return Command(actor=f"{user} (command line)", at_ms=books.clock.now_ms())
