"""Between messages of resources and their facts (`ocs.charging.resource`), by the messages' descriptors.

Enums are their value's last words in small letters, instants are epoch milliseconds, a message's absent
fields are absent. Facts that a message has no field for are not sent.
"""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from ocs.charging.resource.fact import Facts
from ocs.errors import InputError, InputErrors
from ocs.units import MILLIS_PER_SECOND

M = TypeVar("M", bound=Message)
Field = Any
"A `google.protobuf.descriptor.FieldDescriptor`, of whichever implementation."
Kind = Any
"A `google.protobuf.descriptor.Descriptor`, of whichever implementation."

_TIMESTAMP = "google.protobuf.Timestamp"
_NANOS_PER_MILLI = 1_000_000
_BEFORE_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def to_facts(message: Message) -> dict[str, Any]:
    """The fields that a message has.

    Raises:
        InputErrors: enums with numbers that stand for nothing.
    """
    errors: list[InputError] = []
    facts = _read(message, "", errors)
    if errors:
        raise InputErrors("fields", errors)
    return facts


def _read(message: Message, place: str, errors: list[InputError]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for field, value in message.ListFields():
        where = f"{place}{field.name}"
        if _is_map(field):
            facts[field.name] = dict(value)
        elif field.is_repeated:
            facts[field.name] = [
                _read_value(field, one, f"{where}[{index}]", errors) for index, one in enumerate(value)
            ]
        else:
            facts[field.name] = _read_value(field, value, where, errors)
    return facts


def _read_value(field: Field, value: Any, where: str, errors: list[InputError]) -> Any:
    if field.enum_type is not None:
        found = field.enum_type.values_by_number.get(value)
        if found is None or value == 0:
            errors.append(InputError(where, f"{value} is not a value of this field"))
            return None
        return _word(field.enum_type, found.name)
    if field.message_type is None:
        return value
    if field.message_type.full_name == _TIMESTAMP:
        return value.seconds * MILLIS_PER_SECOND + value.nanos // _NANOS_PER_MILLI
    return _read(value, f"{where}.", errors)


def to_message(facts: Facts, message: M) -> M:
    """Write facts into a message; it is returned."""
    fields = message.DESCRIPTOR.fields_by_name
    for name, value in facts.items():
        field = fields.get(name)
        if field is None or value is None:
            continue
        if _is_map(field):
            getattr(message, name).update(value)
        elif field.is_repeated and field.message_type is not None:
            for one in value:
                to_message(one, getattr(message, name).add())
        elif field.is_repeated:
            getattr(message, name).extend(_written(field, one) for one in value)
        elif field.message_type is None:
            setattr(message, name, _written(field, value))
        elif field.message_type.full_name == _TIMESTAMP:
            seconds, millis = divmod(value, MILLIS_PER_SECOND)
            getattr(message, name).seconds = seconds
            getattr(message, name).nanos = millis * _NANOS_PER_MILLI
        else:
            getattr(message, name).SetInParent()
            to_message(value, getattr(message, name))
    return message


def _written(field: Field, value: Any) -> Any:
    if field.enum_type is None:
        return value
    return field.enum_type.values_by_name[f"{_prefix(field.enum_type)}{str(value).upper()}"].number


def enum_word(kind: EnumDescriptor, number: int, place: str) -> str:
    """What an enum's number stands for; empty when it says nothing.

    Raises:
        InputError: it stands for nothing.
    """
    if number == 0:
        return ""
    found = kind.values_by_number.get(number)
    if found is None:
        raise InputError(place, f"{number} is not a value of this field")
    return _word(kind, found.name)


def _word(kind: EnumDescriptor, name: str) -> str:
    return name.removeprefix(_prefix(kind)).lower()


def _prefix(kind: EnumDescriptor) -> str:
    return _BEFORE_CAPITAL.sub("_", kind.name).upper() + "_"


def _is_map(field: Field) -> bool:
    kind = field.message_type
    return kind is not None and kind.GetOptions().map_entry


def mask_paths(mask: FieldMask, resource: Message, settable: frozenset[str]) -> Sequence[str]:
    """The fields that an update sets: the mask's, all of them for ``*``, the message's without a mask.

    Raises:
        InputErrors: the mask names fields that there are not.
    """
    paths = list(mask.paths)
    if paths == ["*"]:
        return sorted(settable)
    if not paths:
        return sorted(field.name for field, _ in resource.ListFields() if field.name in settable)
    errors = [
        InputError("update_mask", f"there is no field {path!r}")
        for path in paths
        if not _is_path(path.split("."), resource.DESCRIPTOR)
    ]
    if errors:
        raise InputErrors("update_mask", errors)
    return paths


def _is_path(parts: Sequence[str], kind: Kind) -> bool:
    field = kind.fields_by_name.get(parts[0])
    if field is None:
        return False
    if len(parts) == 1:
        return True
    inner = field.message_type
    if inner is None or (field.is_repeated and not _is_map(field)):
        return False
    if _is_map(field):
        return len(parts) == 2
    return _is_path(parts[1:], inner)


def without_fields(message: M, names: Sequence[str]) -> M:
    """A copy without some fields."""
    copy: M = type(message)()
    copy.CopyFrom(message)
    for name in names:
        copy.ClearField(name)
    return copy


def placed(errors: InputError, place: str) -> InputErrors:
    """The same errors with their fields below another one."""
    found = errors.errors if isinstance(errors, InputErrors) else (errors,)
    return InputErrors("request", [InputError(f"{place}.{error.place}", error.reason) for error in found])
