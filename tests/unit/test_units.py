"""Money and prices as text: exact, strict, and the same there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.errors import InputError
from ocs.units import format_decimal, format_money, format_price, parse_decimal, parse_money, parse_price


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0", 0),
        ("12", 12_000_000),
        ("12.50", 12_500_000),
        ("-3.000001", -3_000_001),
        ("+0.1", 100_000),
        (" 7.1200000000 ", 7_120_000),
        ("000.5", 500_000),
    ],
)
def test_amounts_are_exact(text: str, micros: int) -> None:
    """A decimal is read exactly; zeros beyond the last place kept do no harm."""
    assert parse_money(text) == micros


@pytest.mark.parametrize(
    "text", ["", ".5", "5.", "1,5", "1e3", "0x1", "--1", "1 2", "1.0000001", "nan", "١٢", "1" * 13]
)
def test_anything_else_is_refused_with_its_place(text: str) -> None:
    """What is not an exact decimal of the unit is an error that names the place and the value."""
    with pytest.raises(InputError) as caught:
        parse_money(text, "line 3, column 'balance'")

    assert caught.value.place == "line 3, column 'balance'"
    assert repr(text) in caught.value.reason


@pytest.mark.parametrize(
    ("micros", "text"), [(0, "0.00"), (110_000, "0.11"), (101_670, "0.10167"), (-3_000_000, "-3.00")]
)
def test_amounts_are_shown_with_two_places_or_more(micros: int, text: str) -> None:
    """People see cents, and more places only where there are any."""
    assert format_money(micros) == text


@given(st.integers(min_value=-(2**62), max_value=2**62), st.integers(min_value=0, max_value=9))
def test_decimals_round_trip(value: int, places: int) -> None:
    """Whatever is written is read back as the same number, as far as 12 digits before the point go."""
    if abs(value) < 10 ** (12 + places):
        assert parse_decimal(format_decimal(value, places=places), places=places) == value


def test_prices_keep_nine_places() -> None:
    """A price per minute may be as small as a billionth."""
    assert parse_price("0.000000001") == 1
    assert format_price(parse_price("0.015")) == "0.015"
