"""Which rate prices a request: rating section 2 as tables."""

from typing import Any

import pytest

from ocs.rating.destination import CALLED_BY_NAME, DEFAULT, SPECIAL
from ocs.rating.index import Tariff
from ocs.rating.selection import OnNet, RatingRefusal, select_rate
from ocs.rating.tariff import PriceSet, Rate, TariffTerms
from ocs.units import DATA, FAX, MESSAGES, VOICE, WIFI, AccessCode, Service, format_price, parse_price

JANUARY, FEBRUARY = 1_767_225_600, 1_769_904_000


def tariff(prices: str, *, default: str | None = None, name: str = "retail") -> Tariff:
    """A tariff from text: ``44 0.05, 4420 0.03``."""
    rates = []
    for part in filter(None, prices.split(",")):
        destination, price = part.split()
        rates.append(Rate(destination=destination, peak=price_set(price)))
    terms = TariffTerms(id=1, name=name, default_rate=None if default is None else price_set(default))
    return Tariff.build(terms, rates)


def price_set(price: str) -> PriceSet:
    """One price for all units."""
    nanos = parse_price(price)
    return PriceSet(first_price_nanos=nanos, next_price_nanos=nanos, unit_price_nanos=nanos)


def select(
    plan: Tariff,
    called: str = "",
    *,
    override: Tariff | None = None,
    service: Service = VOICE,
    access_code: AccessCode = AccessCode.OUTGOING,
    at_s: int = JANUARY,
    **more: Any,
) -> str:
    """The destination and price that a request gets, or the refusal."""
    more.setdefault("calling", "15550001")
    applied = select_rate(
        plan, override, service=service, access_code=access_code, called=called, at_s=at_s, **more
    )
    if isinstance(applied, RatingRefusal):
        return applied.value
    assert applied.service is service
    return f"{applied.rate.destination} {format_price(applied.rate.peak.next_price_nanos)}"


@pytest.mark.parametrize(
    ("story", "override", "number", "expected"),
    [
        ("D1", "1204 0.01", "12033768900", "12 0.02"),
        ("D2", "1204 0.01", "120456777844", "1204 0.01"),
        ("D3", "1204 0.01", "420998764456", "420 0.20"),
        ("D4", "1204 0.01, 12 0.015", "120456777844", "1204 0.01"),
        ("D5", "1204 0.01, 12 0.015", "12033768900", "12 0.015"),
        ("a longer match of the plan's own tariff wins", "1 0.001", "12033768900", "12 0.02"),
        ("any-number of the override loses to a prefix", "| 0.001", "12033768900", "12 0.02"),
        ("and wins where nothing else matches", "| 0.001", "33123456789", "| 0.001"),
        ("an empty override changes nothing", "", "12033768900", "12 0.02"),
    ],
)
def test_of_two_tariffs_the_longer_match_wins(story: str, override: str, number: str, expected: str) -> None:
    """On a tie the override wins; what it does not have is the plan's."""
    plan = tariff("12 0.02, 420 0.20, | 0.90")
    assert select(plan, number, override=tariff(override, name="override")) == expected


K_TARIFF = "VOICEONNETRX 0.00, VOICEONNET 0.01, 44 0.05, 4420 0.03, | 0.50"


@pytest.mark.parametrize(
    ("story", "prices", "number", "on_net", "expected"),
    [
        ("K1", K_TARIFF, "442012345678", OnNet.CUSTOMER, "VOICEONNETRX 0.00"),
        ("K2", K_TARIFF, "442012345678", OnNet.PLATFORM, "VOICEONNET 0.01"),
        ("K3", K_TARIFF, "442012345678", OnNet.NO, "4420 0.03"),
        ("K4", K_TARIFF, "441212345678", OnNet.NO, "44 0.05"),
        ("K5", K_TARIFF, "33123456789", OnNet.NO, "| 0.50"),
        ("K6", "VOICEONNET 0.01, 4420 0.03", "442012345678", OnNet.CUSTOMER, "VOICEONNET 0.01"),
        ("K7", "44 0.05", "33123456789", OnNet.NO, "no_rate"),
        ("same reseller", "VOICEONNETR 0.02, VOICEONNET 0.01", "44", OnNet.RESELLER, "VOICEONNETR 0.02"),
        ("same reseller, platform price", K_TARIFF, "44", OnNet.RESELLER, "VOICEONNET 0.01"),
        ("same customer, reseller price", "VOICEONNETR 0.02", "44", OnNet.CUSTOMER, "VOICEONNETR 0.02"),
        ("other reseller", "VOICEONNETR 0.02, 44 0.05", "44", OnNet.PLATFORM, "44 0.05"),
        ("other customer", "VOICEONNETRX 0.02, 44 0.05", "44", OnNet.RESELLER, "44 0.05"),
        ("on-net without such prices", "44 0.05", "442012345678", OnNet.CUSTOMER, "44 0.05"),
        ("nobody dials a price", "VOICEONNETRX 0.00, | 0.50", "VOICEONNETRX", OnNet.NO, "| 0.50"),
    ],
)
def test_special_before_prefix_most_specific_first(
    story: str, prices: str, number: str, on_net: OnNet, expected: str
) -> None:
    """On-net calls have their own prices, the nearer the party the earlier; then the number decides."""
    assert select(tariff(prices), number, on_net=on_net) == expected
    assert select(tariff(prices), number, on_net=on_net, access_code=AccessCode.FORWARDED) == expected
    assert select(tariff(prices), number, on_net=on_net, service=FAX) == expected


def versions(*rates: Rate) -> Tariff:
    """A tariff of rates."""
    return Tariff.build(TariffTerms(id=1, name="retail"), rates)


def test_e1_and_e2_the_start_of_the_session_picks_the_version() -> None:
    """One second before the change is the old price, the second itself the new one."""
    plan = versions(
        Rate(destination="44", effective_from_s=JANUARY, peak=price_set("0.05")),
        Rate(destination="44", effective_from_s=FEBRUARY, peak=price_set("0.08")),
    )
    assert select(plan, "4420", at_s=FEBRUARY - 30) == "44 0.05"
    assert select(plan, "4420", at_s=FEBRUARY) == "44 0.08"
    assert select(plan, "4420", at_s=JANUARY - 1) == "no_rate"


def test_e3_a_discontinued_rate_gives_way_to_the_shorter_prefix() -> None:
    """From the instant of the discontinuation on."""
    plan = versions(
        Rate(destination="44", peak=price_set("0.05")),
        Rate(destination="4471", peak=price_set("0.30")),
        Rate(destination="4471", effective_from_s=FEBRUARY, discontinued=True),
    )
    assert select(plan, "4471", at_s=FEBRUARY - 1) == "4471 0.30"
    assert select(plan, "4471", at_s=FEBRUARY) == "44 0.05"


def test_e4_a_forbidden_rate_refuses() -> None:
    """No shorter prefix, no any-number, no default price takes over; also from an override, also on-net."""
    plan = versions(
        Rate(destination="44", peak=price_set("0.05")),
        Rate(destination="44900", forbidden=True),
        Rate(destination="VOICEONNET", forbidden=True),
        Rate(destination="|", peak=price_set("0.50")),
    )
    assert select(plan, "449001") == "forbidden"
    assert select(plan, "449011") == "44 0.05"
    assert select(plan, "44", on_net=OnNet.PLATFORM) == "forbidden"
    assert select(tariff("44 0.05"), "449001", override=plan) == "forbidden"
    assert select(plan, "449001", override=tariff("44900 0.09")) == "44900 0.09"


def test_e5_a_hidden_rate_prices_as_any_other() -> None:
    """Hiding is for price lists."""
    assert select(versions(Rate(destination="44", peak=price_set("0.05"), hidden=True)), "4420") == "44 0.05"


def test_e6_incoming_payback_is_found_under_incoming() -> None:
    """The rate carries the mark; what it credits is the price's business."""
    plan = versions(Rate(destination="INCOMING", peak=price_set("0.02"), payback=True))
    applied = select_rate(
        plan, None, service=VOICE, access_code=AccessCode.INCOMING, called="44", calling="1", at_s=JANUARY
    )
    assert not isinstance(applied, RatingRefusal)
    assert applied.is_payback


INCOMING_TARIFF = "INCOMINGNRX 0.01, INCOMINGNR 0.02, INCOMINGN 0.03, INCOMING 0.04, 44 0.05, 1778 0.06"


@pytest.mark.parametrize(
    ("story", "prices", "on_net", "bill_by_ani", "expected"),
    [
        ("same customer", INCOMING_TARIFF, OnNet.CUSTOMER, False, "INCOMINGNRX 0.01"),
        ("same reseller", INCOMING_TARIFF, OnNet.RESELLER, False, "INCOMINGNR 0.02"),
        ("same platform", INCOMING_TARIFF, OnNet.PLATFORM, False, "INCOMINGN 0.03"),
        ("from outside", INCOMING_TARIFF, OnNet.NO, False, "INCOMING 0.04"),
        ("same customer, plain price", "INCOMING 0.04", OnNet.CUSTOMER, False, "INCOMING 0.04"),
        ("same customer, reseller price", "INCOMINGNR 0.02", OnNet.CUSTOMER, False, "INCOMINGNR 0.02"),
        ("by the called number", "44 0.05, 1778 0.06", OnNet.NO, False, "44 0.05"),
        ("by the caller's number", "44 0.05, 1778 0.06", OnNet.NO, True, "1778 0.06"),
        ("an unlisted caller", "1800 0.05, | 0.07", OnNet.NO, True, "| 0.07"),
        ("outgoing names are not looked at", "VOICEONNETRX 0.01", OnNet.CUSTOMER, False, "no_rate"),
    ],
)
def test_incoming_calls_have_names_of_their_own(
    *, story: str, prices: str, on_net: OnNet, bill_by_ani: bool, expected: str
) -> None:
    """The nearest name first, then INCOMING, then the called number, or the caller's if the plan says so."""
    chosen = select(
        tariff(prices),
        "442012345678",
        calling="17785550001",
        access_code=AccessCode.INCOMING,
        on_net=on_net,
        bill_by_ani=bill_by_ani,
    )
    assert chosen == expected


def test_outgoing_calls_are_never_billed_by_the_caller() -> None:
    """Bill by ANI is about incoming calls."""
    assert select(tariff("44 0.05, 1778 0.06"), "4420", calling="1778555", bill_by_ani=True) == "44 0.05"


@pytest.mark.parametrize(
    ("service", "prices", "expected"),
    [
        (DATA, "NETACCESS 0.01, | 0.50", "NETACCESS 0.01"),
        (DATA, "WiFi 0.01, 44 0.02, | 0.50", "no_rate"),
        (WIFI, "WiFi 0.02, NETACCESS 0.01", "WiFi 0.02"),
        (MESSAGES, "MSG 0.03, | 0.50", "MSG 0.03"),
        (MESSAGES, "44 0.02, | 0.50", "no_rate"),
    ],
)
def test_service_names_match_only_themselves(service: Service, prices: str, expected: str) -> None:
    """Neither the number, nor any-number, nor the default price is a price of data."""
    assert select(tariff(prices, default="0.99"), "442012345678", service=service) == expected
    incoming = select(tariff(prices), "442012345678", service=service, access_code=AccessCode.INCOMING)
    assert incoming == expected


@pytest.mark.parametrize(
    ("story", "prices", "network", "on_net", "expected"),
    [
        ("on-net", "MSGN 0.01, MSG 0.02, 25501 0.03", "25501", OnNet.PLATFORM, "MSGN 0.01"),
        ("same customer", "MSGN 0.01, MSG 0.02", "", OnNet.CUSTOMER, "MSGN 0.01"),
        ("on-net without its price", "MSG 0.02", "", OnNet.PLATFORM, "MSG 0.02"),
        ("off-net", "MSGN 0.01, MSG 0.02", "", OnNet.NO, "MSG 0.02"),
        ("by network", "25501 0.03, 255 0.04, MSG 0.02", "25501", OnNet.NO, "25501 0.03"),
        ("by country", "25501 0.03, 255 0.04, MSG 0.02", "25506", OnNet.NO, "255 0.04"),
        ("another country", "25501 0.03, 255 0.04, MSG 0.02", "23410", OnNet.NO, "MSG 0.02"),
        ("three-digit network codes are whole", "31041 0.03, MSG 0.02", "310410", OnNet.NO, "MSG 0.02"),
        ("network not known", "255 0.04, MSG 0.02", "", OnNet.NO, "MSG 0.02"),
    ],
)
def test_messages_are_priced_by_network_before_msg(
    story: str, prices: str, network: str, on_net: OnNet, expected: str
) -> None:
    """On-net first, then MCC+MNC, then MCC alone, then MSG."""
    assert select(tariff(prices), "255123", service=MESSAGES, network=network, on_net=on_net) == expected


@pytest.mark.parametrize("name", CALLED_BY_NAME)
def test_a_called_name_matches_only_itself(name: str) -> None:
    """Voicemail, IVR, emergency calls, recordings: named by the gateway's rules instead of a number."""
    plan = tariff(f"{name} 0.01, | 0.50", default="0.99")
    assert select(plan, name) == f"{name} 0.01"
    assert select(plan, name.lower()) == f"{name} 0.01"
    assert select(tariff("| 0.50", default="0.99"), name) == "no_rate"


def test_every_special_destination_is_reached_by_some_request() -> None:
    """No price can be entered that nothing ever uses."""
    plan = tariff(",".join(f"{name} 0.01" for name in SPECIAL))
    reached = set()
    for service in (VOICE, DATA, WIFI, MESSAGES):
        for on_net in OnNet:
            for access_code in (AccessCode.OUTGOING, AccessCode.INCOMING):
                for called in ("44", *CALLED_BY_NAME):
                    chosen = select(plan, called, service=service, on_net=on_net, access_code=access_code)
                    reached.add(chosen.split()[0])
    assert reached == set(SPECIAL)


def test_the_default_price_comes_last() -> None:
    """After any-number of both tariffs; the override's own before the plan's."""
    assert select(tariff("44 0.05", default="0.99"), "4420") == "44 0.05"
    assert select(tariff("| 0.50", default="0.99"), "33") == "| 0.50"
    assert select(tariff("44 0.05", default="0.99"), "33") == f"{DEFAULT} 0.99"
    assert select(tariff("| 0.50"), "33", override=tariff("", default="0.88")) == "| 0.50"
    assert select(tariff("", default="0.99"), "33", override=tariff("", default="0.88")) == f"{DEFAULT} 0.88"
    assert select(tariff("", default="0.99"), "33", override=tariff("44 0.05")) == f"{DEFAULT} 0.99"


def test_names_of_both_tariffs_are_asked_in_the_order_of_names() -> None:
    """The plan's more specific name beats the override's less specific one; on a tie the override wins."""
    plan = tariff("VOICEONNETRX 0.01, VOICEONNET 0.02")
    override = tariff("VOICEONNET 0.03, 4420 0.04")
    assert select(plan, "4420", override=override, on_net=OnNet.CUSTOMER) == "VOICEONNETRX 0.01"
    assert select(plan, "4420", override=override, on_net=OnNet.PLATFORM) == "VOICEONNET 0.03"
    assert select(plan, "4420", override=override, on_net=OnNet.NO) == "4420 0.04"


def test_a_chosen_rate_is_compiled_once() -> None:
    """Selecting again gives the same object, from the tariff that owns the rate."""
    plan, override = tariff("44 0.05"), tariff("4420 0.03", name="override")
    arguments: dict[str, Any] = {
        "service": VOICE,
        "access_code": AccessCode.OUTGOING,
        "calling": "1",
        "at_s": JANUARY,
    }
    first = select_rate(plan, override, called="442011111", **arguments)
    second = select_rate(plan, override, called="442022222", **arguments)
    assert not isinstance(first, RatingRefusal)
    assert first is second
    assert first.terms.name == "override"
