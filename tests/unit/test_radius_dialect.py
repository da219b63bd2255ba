"""Dialect and dictionary files: what an operator may add, and how mistakes are named."""

from pathlib import Path

import pytest
from radius_vectors import as_packet

from ocs.errors import InputError
from ocs.radius.codec import encode_attribute, encode_vendor_attribute
from ocs.radius.dialect import load_dialects
from ocs.radius.dictionary import Attribute, load_dictionary


def write(folder: Path, name: str, text: str) -> Path:
    """A file in the folder."""
    path = folder / name
    path.write_text(text)
    return path


def test_a_folder_adds_a_family_that_extends_a_shipped_one(tmp_path: Path) -> None:
    """Tables are merged key by key, lists are replaced, the folder's dictionaries are found."""
    write(
        tmp_path,
        "dictionary.acme2",
        "VENDOR Acme2 99999\nBEGIN-VENDOR Acme2\nATTRIBUTE Acme2-Id 1 string\nEND-VENDOR Acme2\n",
    )
    write(
        tmp_path,
        "acme2.toml",
        'extends = "cisco"\ndictionaries = ["acme2"]\n[session]\nkey = ["Acme2-Id"]\n'
        '[reply.seconds]\nh323-credit-time = []\nAcme2-Id = ["a", "b"]\n',
    )

    dialects = load_dialects([tmp_path])

    mine, cisco = dialects["acme2"], dialects["cisco"]
    packet = as_packet(encode_vendor_attribute(99999, 1, b"x"))
    assert [reader(packet) for recipe in mine.keys for reader in recipe] == ["x"]
    assert mine.charged_legs == cisco.charged_legs
    assert len(mine.granted_seconds) == len(cisco.granted_seconds) + 1
    assert len(mine.accept) == len(cisco.accept)


def test_a_folder_may_replace_a_shipped_family(tmp_path: Path) -> None:
    """What extends it follows."""
    write(tmp_path, "gnugk.toml", 'extends = "generic"\ndescription = "mine"\n')

    assert load_dialects([tmp_path])["gnugk"].description == "mine"


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("key = 5 5", "x.toml", "line 1"),
        ('extends = "klingon"', "x.toml line 1: extends", "'klingon'"),
        ('extends = "x"', "x.toml line 1: extends", "'x'"),
        ("extends = 5", "x.toml line 1: extends", "5"),
        ('extends = "generic"\nkey = ["User-Name"]', "x.toml line 2: key", "unknown key"),
        (
            'extends = "generic"\n[session]\nkeys = ["User-Name"]',
            "x.toml line 3: session: keys",
            "unknown key",
        ),
        (
            'extends = "generic"\n[session]\nkey = ["Nobody"]',
            "x.toml line 3: session: key: Nobody",
            "no dictionary",
        ),
        (
            'extends = "generic"\n[session]\nkey = "User-Name"',
            "x.toml line 3: session: key",
            "must be a list",
        ),
        ('extends = "generic"\n[session]\nkey = [5]', "x.toml line 3: session: key", "list of texts"),
        ('extends = "generic"\n[session]\nrenews = 1', "x.toml line 3: session: renews", "must be a bool"),
        ('extends = "generic"\nsession = 5', "x.toml line 2: session", "must be a table"),
        (
            'extends = "generic"\n[times]\ndelay_max_s = "1"',
            "x.toml line 3: times: delay_max_s",
            "must be a int",
        ),
        (
            'extends = "generic"\ndictionaries = ["no"]',
            "x.toml line 2: dictionaries: dictionary.no",
            "no such file",
        ),
        ('extends = "generic"\n[[service]]\nname = "tv"', "x.toml line 3: service 1: name", "'tv'"),
        ('extends = "generic"\nservice = ["voice"]', "x.toml line 2: service 1", "must be a table"),
        (
            'extends = "generic"\n[[service]]\nname = "voice"\nif = 1',
            "x.toml line 4: service 1: if",
            "unknown key",
        ),
        (
            'extends = "generic"\n[[service]]\nname = "voice"\nwhen = { User-Name = "a" }',
            "x.toml line 4: service 1: when: User-Name",
            "list of texts",
        ),
        (
            'extends = "generic"\n[renewal]\nasked_in = ["Cisco-AVPair:quota"]',
            "x.toml line 2: renewal",
            "need each other",
        ),
        (
            'extends = "portasip"\n[renewal]\nasked_in = ["Cisco-AVPeer:quota"]',
            "x.toml line 3: renewal: asked_in: Cisco-AVPeer",
            "no dictionary",
        ),
        ('extends = "generic"\n[renewal]\nbase = "x"', "x.toml line 3: renewal: base", "unknown key"),
        ('description = "bare"', "x.toml: service", "at least one"),
        (
            'extends = "generic"\n[session]\nkey = [\n  "Class",\n  # two\n  "Nobody",\n]\nleg = ["Class"]',
            "x.toml line 6: session: key: Nobody",
            "no dictionary",
        ),
        (
            'extends = "generic"\n[[service]]\nname = "voice"\n[[ service ]]\nname = "tv"\n[reply.reject]',
            "x.toml line 5: service 2: name",
            "'tv'",
        ),
        (
            'extends = "generic"\n[reply.accept]\nSession-Timeout = "{x}"',
            "x.toml line 3: reply: accept: Session-Timeout",
            "{x}",
        ),
        (
            'extends = "generic"\ndictionaries = ["wimax"]\n[reply.accept]\nWiMAX-PPAQ = { Class = "a" }',
            "x.toml line 4: reply: accept: Class",
            "no sub-attribute",
        ),
    ],
)
def test_a_mistake_is_named_by_file_and_key(tmp_path: Path, text: str, place: str, reason: str) -> None:
    """Nothing starts with a dialect that means something else than its author thought."""
    write(tmp_path, "x.toml", text)

    with pytest.raises(InputError) as caught:
        load_dialects([tmp_path])

    assert caught.value.place.removeprefix(f"{tmp_path}/") == place
    assert reason in caught.value.reason


def test_an_inherited_mistake_is_named_where_it_stands(tmp_path: Path) -> None:
    """An heir is read first by its name; the line is that of the file which says it."""
    write(tmp_path, "base.toml", 'extends = "generic"\n\n[call]\ncalled = ["Nobody"]\n')
    write(tmp_path, "a.toml", 'extends = "base"\n')

    with pytest.raises(InputError) as caught:
        load_dialects([tmp_path])

    assert caught.value.place == f"{tmp_path}/base.toml line 4: call: called: Nobody"


def test_two_families_cannot_extend_each_other(tmp_path: Path) -> None:
    """The circle is named instead of being walked for ever."""
    write(tmp_path, "a.toml", 'extends = "b"')
    write(tmp_path, "b.toml", 'extends = "a"')

    with pytest.raises(InputError, match="no other dialect"):
        load_dialects([tmp_path])


@pytest.mark.parametrize(
    ("text", "reason"), [("ATTRIBUTE Broken 1 klingon\n", "Illegal type"), ("ATTRIBUTE Broken\n", "tokens")]
)
def test_a_broken_dictionary_is_named_by_line(tmp_path: Path, text: str, reason: str) -> None:
    """Pyrad's complaint, in our form."""
    path = write(tmp_path, "dictionary.x", "# comment\n" + text)

    with pytest.raises(InputError, match=reason) as caught:
        load_dictionary(["x"], [tmp_path])

    assert caught.value.place == f"{path} line 2"


def test_a_dictionary_that_is_no_text_is_named(tmp_path: Path) -> None:
    """Its octets are not UTF-8."""
    path = tmp_path / "dictionary.x"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(InputError) as caught:
        load_dictionary(["x"], [tmp_path])

    assert caught.value.place == str(path)


def test_packets_are_described_by_name() -> None:
    """Known attributes by name, others by vendor and number; what does not fit its type is shown in hex."""
    packet = as_packet(
        encode_attribute(1, b"alice")
        + encode_attribute(27, b"\0\0\0\5")
        + encode_attribute(27, b"\5")
        + encode_attribute(40, b"\0\0\0\3")
        + encode_attribute(250, b"x")
        + encode_attribute(26, b"short")
        + encode_vendor_attribute(9, 102, b"\xff")
        + encode_vendor_attribute(424242, 5, b"v")
    )

    assert load_dictionary(["rfc", "cisco"]).describe(packet) == [
        ("User-Name", "alice"),
        ("Session-Timeout", "5"),
        ("Session-Timeout", "0x05"),
        ("Acct-Status-Type", "Interim-Update"),
        ("Attr-250", "0x78"),
        ("Attr-26", "0x73686f7274"),
        ("h323-credit-time", "0xff"),
        ("Attr-424242-5", "0x76"),
    ]


@pytest.mark.parametrize(
    ("kind", "text", "octets"),
    [
        ("integer", "7", b"\0\0\0\7"),
        ("signed", "-1", b"\xff\xff\xff\xff"),
        ("byte", "1", b"\1"),
        ("integer64", "1", b"\0\0\0\0\0\0\0\1"),
        ("ipaddr", "192.0.2.1", b"\xc0\0\2\1"),
        ("octets", "0xff00", b"\xff\0"),
        ("octets", "text", b"text"),
        ("string", "0xff", b"0xff"),
    ],
)
def test_values_of_each_type(kind: str, text: str, octets: bytes) -> None:
    """Text in, octets out, and back where the text form is the usual one."""
    attribute = Attribute(name="A", type=kind, number=1)

    assert attribute.encode_value(text) == octets
    if text != "text":
        assert attribute.to_text(octets) == text
