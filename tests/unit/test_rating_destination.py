"""Reading destinations."""

import pytest

from ocs.errors import InputError
from ocs.rating.destination import CALLED_BY_NAME, DEFAULT, SPECIAL, is_special, parse_destination


def test_special_destinations_are_those_of_the_specification() -> None:
    """The names and their spelling are fixed: stored rates depend on them."""
    assert " ".join(SPECIAL) == (
        "| VOICEONNET VOICEONNETR VOICEONNETRX INCOMING INCOMINGN INCOMINGNR INCOMINGNRX "
        "UM UMIVR UMIVRCALLTRACE EMERGENCY CallRecording SpeechToText WiFi NETACCESS MSG MSGN"
    )
    assert set(CALLED_BY_NAME) < set(SPECIAL)


@pytest.mark.parametrize("name", SPECIAL)
def test_special_destinations_are_read_in_any_case(name: str) -> None:
    """Whatever the case on input, the spelling that is kept is the specification's."""
    for text in (name, name.lower(), name.upper(), f" {name} "):
        assert parse_destination(text) == name
    assert is_special(name.lower())


@pytest.mark.parametrize("text", ["1", "44", "380441234567", "00", "1" * 20, " 44 "])
def test_prefixes_are_digits(text: str) -> None:
    """One to twenty digits are a prefix, leading zeros kept."""
    assert parse_destination(text) == text.strip()
    assert not is_special(text)


@pytest.mark.parametrize(
    "text", ["", " ", "+44", "44 20", "44-49", "4a", "1" * 21, "٤٤", "VOICE", "*98", DEFAULT]
)
def test_anything_else_is_refused_with_its_place_and_value(text: str) -> None:
    """No rate can be stored under what is no destination, nor under the name of the default price."""
    with pytest.raises(InputError) as refused:
        parse_destination(text, "line 3")
    assert refused.value.place == "line 3"
    assert repr(text) in refused.value.reason
    assert not is_special(text)
