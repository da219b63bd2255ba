"""A compiled tariff: the longest prefix in force."""

from collections.abc import Iterable, Sequence

import pytest

from ocs.errors import InputError
from ocs.rating import index
from ocs.rating.destination import DEFAULT
from ocs.rating.index import RateChunk, Tariff, Version
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms
from ocs.units import DATA, VOICE

TERMS = TariffTerms(id=1, name="retail")

JANUARY, FEBRUARY, MARCH = 1_767_225_600, 1_769_904_000, 1_772_323_200


def price(nanos: int) -> PriceSet:
    """A price set known by its price."""
    return PriceSet(first_price_nanos=nanos, next_price_nanos=nanos)


def rate(destination: str, nanos: int = 1, from_s: int = 0, **flags: bool) -> Rate:
    """A rate known by its price."""
    return Rate(destination=destination, effective_from_s=from_s, peak=price(nanos), **flags)


def build(*rates: Rate) -> Tariff:
    """Compile rates."""
    return Tariff.build(TERMS, rates)


def found(tariff: Tariff, number: str, at_s: int = JANUARY) -> str | None:
    """The destination that a number finds."""
    match = tariff.find(number, at_s)
    return None if match is None else match.destination


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("442012345678", "4420"),
        ("441212345678", "44"),
        ("4420", "4420"),
        ("442", "44"),
        ("4", "|"),
        ("33123456789", "|"),
        ("", "|"),
        ("anonymous", "|"),
        ("44" + "0" * 30, "44"),
        ("|", "|"),
        ("voiceonnet", "VOICEONNET"),
        ("MSG", None),
    ],
)
def test_the_longest_prefix_wins(number: str, expected: str | None) -> None:
    """A number finds the longest prefix that covers it, else any-number; a special name finds only itself."""
    tariff = build(rate("44"), rate("4420"), rate("|"), rate("VOICEONNET"))
    assert found(tariff, number) == expected


def test_without_any_number_an_unknown_number_finds_nothing() -> None:
    """Nothing is guessed."""
    assert found(build(rate("44")), "33123456789") is None
    assert found(build(), "44") is None


@pytest.mark.parametrize(
    ("at_s", "nanos"),
    [(JANUARY - 1, None), (JANUARY, 5), (FEBRUARY - 1, 5), (FEBRUARY, 8), (MARCH - 1, 8), (MARCH, 9)],
)
def test_the_newest_version_not_in_the_future_applies(at_s: int, nanos: int | None) -> None:
    """Versions of a destination follow each other at their very second, in whatever order they were given."""
    tariff = build(rate("44", 8, FEBRUARY), rate("44", 5, JANUARY), rate("44", 9, MARCH))
    match = tariff.find("442012345678", at_s)
    assert (match and match.peak.first_price_nanos) == nanos
    assert len(tariff) == 3


def test_a_rate_of_the_future_leaves_the_shorter_prefix_in_force() -> None:
    """A longer prefix counts only once it is effective."""
    tariff = build(rate("44"), rate("4420", from_s=FEBRUARY))
    assert found(tariff, "442012345678", JANUARY) == "44"
    assert found(tariff, "442012345678", FEBRUARY) == "4420"


def test_a_discontinued_rate_is_as_if_absent() -> None:
    """A shorter prefix takes over from the second of the discontinuation on, until the rate comes back."""
    tariff = build(
        rate("44"), rate("4471", 3), rate("4471", 3, FEBRUARY, discontinued=True), rate("4471", 4, MARCH)
    )
    assert [found(tariff, "4471555", at_s) for at_s in (FEBRUARY - 1, FEBRUARY, MARCH)] == [
        "4471",
        "44",
        "4471",
    ]
    assert found(build(rate("|", discontinued=True)), "44") is None


def test_a_forbidden_rate_matches() -> None:
    """Forbidding is the caller's to act on: no shorter prefix takes over."""
    match = build(rate("44"), rate("44900", forbidden=True)).find("449001", JANUARY)
    assert match is not None
    assert match.forbidden


def test_of_two_rates_for_one_destination_and_instant_the_later_counts() -> None:
    """As when a store writes over a record."""
    tariff = build(rate("44", 1), rate("44", 2), rate("49", 1), rate("49", 3, JANUARY), rate("49", 2))
    match = tariff.find("44", 0)
    assert match == rate("44", 2)
    assert [version.peak for version in tariff.history("49")] == [price(2), price(3)]
    assert len(tariff) == 3


def test_special_destinations_match_exactly() -> None:
    """No prefix search, in any case of letters; an unknown name is a mistake of the caller."""
    tariff = build(rate("MSG"), rate("|"), rate("44"), rate("WiFi", from_s=FEBRUARY))
    assert tariff.special("msg", JANUARY) == rate("MSG")
    assert tariff.special("MSGN", JANUARY) is None
    assert tariff.special("wifi", JANUARY) is None
    assert tariff.special("44", JANUARY) == rate("44")
    assert tariff.special("4420", JANUARY) is None
    with pytest.raises(InputError, match="neither a prefix"):
        tariff.special("ANYTHING", JANUARY)


@pytest.mark.parametrize(
    ("destination", "expected"),
    [("VOICEONNET", True), ("INCOMINGNRX", True), ("MSGN", True), ("INCOMING", False), ("44", False)],
)
def test_a_tariff_says_whether_on_net_matters(*, destination: str, expected: bool) -> None:
    """The engine finds out who is called only where that changes the price."""
    assert build(rate(destination)).has_on_net is expected


def test_rates_come_back_as_they_were_given() -> None:
    """Special destinations first, then prefixes as text, then by instant."""
    off_peak = (OffPeak(prices=price(3), period="hr{18-5}"), OffPeak(prices=price(4)))
    full = Rate(
        destination="4420", effective_from_s=7, peak=price(2), off_peak=off_peak, payback=True, hidden=True
    )
    rates = [rate("MSG"), rate("1", 5), rate("1", 6, 10, discontinued=True), rate("44", forbidden=True), full]
    tariff = build(*reversed(rates))
    assert list(tariff.rates()) == rates
    assert list(tariff.destinations()) == ["MSG", "1", "44", "4420"]
    assert tariff.history("2") == ()
    assert len(tariff) == 5


def test_rates_that_say_the_same_are_kept_once() -> None:
    """That is what makes a million of them fit: equal versions and price sets are one object."""
    tariff = build(*(rate(f"44{number}", 5) for number in range(100)), rate("33", 5, JANUARY))
    assert len({id(tariff.history(destination)[0]) for destination in tariff.destinations()}) == 2
    assert len({id(version.peak) for name in tariff.destinations() for version in tariff.history(name)}) == 1


def test_chunks_of_a_store_are_decoded_once_for_all_that_are_equal() -> None:
    """Only the destination differs in most rates of a tariff; a later one of the same key counts."""
    decoded: list[Sequence[int]] = []

    def decode(columns: Sequence[int]) -> Version:
        decoded.append(columns)
        return Version.of(rate("", columns[1], columns[0]))

    chunks = [
        RateChunk([(0, 5), (0, 6)], ["44", "49", "33"], [0, 0, 1]),
        RateChunk([(9, 5)], ["44", "442012345", "33"], [2, 0, 0]),
    ]
    tariff = Tariff.build_chunks(TERMS, iter(chunks), decode)
    assert list(tariff.rates()) == [
        rate("33", 5), rate("44", 5), rate("44", 5, 9), rate("442012345", 5), rate("49", 5)
    ]  # fmt: skip
    assert len(tariff) == 5
    assert decoded == [(0, 5), (0, 6), (9, 5)]


def test_a_tariff_is_taken_apart_in_small_steps() -> None:
    """No step lets go of more than one shard or one compiled rate, and nothing is left."""
    tariff = build(rate("1"), rate("44"), *(rate(f"44{number:04d}") for number in range(0, 10_000, 7)))
    before = len(list(tariff.destinations()))
    tariff.applied(rate("44"), VOICE)
    steps = 0
    largest = 0
    for _ in tariff.dismantle():
        left = len(list(tariff.destinations()))
        largest, before, steps = max(largest, before - left), left, steps + 1
    assert largest < 20
    assert steps == 102
    assert not tariff._compiled.fresh


def test_a_rate_is_compiled_once_per_service_and_instant() -> None:
    """Sessions share what is compiled."""
    tariff = build(rate("44", 5), rate("44", 8, FEBRUARY), rate("NETACCESS"))
    now, later, data = (
        tariff.find("44", JANUARY),
        tariff.find("44", FEBRUARY),
        tariff.special("NETACCESS", JANUARY),
    )
    assert now is not None
    assert later is not None
    assert data is not None
    applied = tariff.applied(now, VOICE)
    assert applied.rate == now
    assert applied.service is VOICE
    assert tariff.applied(now, VOICE) is applied
    assert tariff.applied(later, VOICE).rate == later
    assert tariff.applied(data, DATA).service is DATA


def test_compiled_rates_are_bounded_and_those_in_use_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many destinations are called, a tariff keeps fewer than two generations of compiled rates."""
    monkeypatch.setattr(index, "APPLIED_MAX", 10)
    rates = [rate(f"44{number:03d}") for number in range(100)]
    tariff = build(*rates, rate("33"))
    busy = tariff.applied(rate("33"), VOICE)
    for one in rates:
        tariff.applied(one, VOICE)
        assert tariff.applied(rate("33"), VOICE) is busy
    kept = tariff._compiled
    assert len(kept.fresh) <= 10
    assert len(kept.old) <= 10


def test_the_default_price_is_a_match_of_its_own() -> None:
    """It has a name that no destination can have, and no lookup by number finds it."""
    tariff = Tariff.build(TariffTerms(id=1, name="retail", default_rate=price(7)), ())
    assert tariff.find("44", JANUARY) is None
    assert tariff.default is not None
    assert tariff.default.destination == DEFAULT
    assert tariff.default.rate.peak == price(7)
    assert build().default is None


def test_building_takes_an_iterator() -> None:
    """No list of all rates is needed."""

    def rates() -> Iterable[Rate]:
        for number in range(10):
            yield rate(str(number))

    assert len(Tariff.build(TERMS, rates())) == 10
