"""New accounts checked and completed before any is written: ids, parents, roots, canonical identities.

Pure apart from the two look-ups it is given, so that every store refuses the same input in the same words.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from ocs.errors import AlreadyExistsError, InputError, NotFoundError
from ocs.ports import Identity, NewAccount
from ocs.quota.account import AccountProfile
from ocs.storage.identity import canonical_identity
from ocs.units import MAX_MICROS

_LIMITS: Final = (
    "credit_limit_micros",
    "daily_spend_limit_micros",
    "max_sessions",
    "max_voice_sessions",
    "max_data_sessions",
)


def enrol(
    accounts: Sequence[NewAccount],
    *,
    find_account: Callable[[str], AccountProfile | None],
    first_id: int,
) -> tuple[list[AccountProfile], list[Identity]]:
    """Give each new account its id, parent and root; a parent may be an earlier account of the same call.

    Args:
        accounts: what is to be created.
        find_account: an existing account by name.
        first_id: ids count up from here.

    Raises:
        AlreadyExistsError: a name is taken, by an existing account or earlier in the list.
        NotFoundError: a parent does not exist.
        InputError: a malformed identity or profile.
    """
    created: dict[str, AccountProfile] = {}
    identities: list[Identity] = []
    for number, new in enumerate(accounts, first_id):
        name = new.profile.name
        if name in created or find_account(name) is not None:
            raise AlreadyExistsError(f"account {name!r} exists already")
        parent = None
        if new.parent is not None:
            parent = created.get(new.parent) or find_account(new.parent)
            if parent is None:
                raise NotFoundError(f"account {name!r}: its parent {new.parent!r} does not exist")
        profile = replace(
            new.profile,
            id=number,
            parent_id=parent.id if parent else None,
            root_id=parent.root_id if parent else number,
        )
        check_profile(profile)
        created[name] = profile
        identities += (canonical_identity(replace(found, account_id=number)) for found in new.identities)
    return list(created.values()), identities


def check_profile(profile: AccountProfile) -> None:
    """Refuse master data that no store keeps.

    Raises:
        InputError: an empty name, a negative limit or an amount out of range.
    """
    place = f"account {profile.name!r}"
    if not profile.name:
        raise InputError("account", "the name is empty")
    for field in _LIMITS:
        value = getattr(profile, field)
        if value is not None and not 0 <= value < MAX_MICROS:
            raise InputError(place, f"{field} is {value}, expected 0 or more")
    for field in ("low_balance_micros", "reset_amount_micros"):
        value = getattr(profile, field)
        if value is not None and abs(value) >= MAX_MICROS:
            raise InputError(place, f"{field} is {value}, out of range")


def check_replacement(stored: AccountProfile, profile: AccountProfile) -> None:
    """Refuse a replacement that no store keeps.

    Raises:
        InputError: another parent (sessions under way are charged to the old chain), or see `check_profile`.
    """
    check_profile(profile)
    if (profile.parent_id, profile.root_id) != (stored.parent_id, stored.root_id):
        raise InputError(f"account {profile.name!r}", "the parent of an account cannot change")
