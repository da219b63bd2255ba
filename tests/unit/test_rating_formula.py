"""Formulas: reading and writing. What they cost is in test_rating_price.py."""

import pytest

from ocs.errors import InputError
from ocs.rating.formula import ConnectFee, Cut, Formula, Interval, Percent, Surcharge


def test_every_kind_of_element_is_read() -> None:
    """In order, with prices in nanos, amounts in micros and percentages in millionths."""
    assert Formula.parse("+connect;+0.5;60x1@1.80;+5.5%;cut;*x30@0.000000001").elements == (
        ConnectFee(),
        Surcharge(500_000),
        Interval(60, 1, 1_800_000_000),
        Percent(55_000),
        Cut(),
        Interval(None, 30, 1),
    )


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("60x1@1.80;2x60@1.80;+0.5;7x60@1.80;cut", "60x1@1.80;2x60@1.80;+0.50;7x60@1.80;cut"),
        (" 1X60 @ 0.1 ; + CONNECT ;CUT", "1x60@0.10;+connect;cut"),
        ("*x60@1", "*x60@1.00"),
        ("1x60@0;+05.50%", "1x60@0.00;+5.5%"),
        ("1x60@0;+0.0001%;+100%", "1x60@0.00;+0.0001%;+100%"),
        ("1x60@0.123456789;+0.000001", "1x60@0.123456789;+0.000001"),
    ],
)
def test_the_canonical_text_means_the_same(text: str, canonical: str) -> None:
    """Blanks and capitals go, numbers are written one way, and the elements stay."""
    formula = Formula.parse(text)

    assert str(formula) == canonical
    assert Formula.parse(canonical) == formula


@pytest.mark.parametrize(
    ("text", "cut_s"),
    [
        ("*x60@1", None),
        ("cut;*x60@1", 0),
        ("2x60@1;cut;*x60@1", 120),
        ("2x60@1;+1;3x10@1", 150),
        ("2x60@1;+1;3x10@1;cut", 150),
        ("2x60@1;+1;*x10@1", None),
    ],
)
def test_where_a_formula_disconnects(text: str, cut_s: int | None) -> None:
    """At its cut, or where it ends when its last interval is counted."""
    assert Formula.parse(text).cut_s == cut_s


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "not an element"),
        ("+1", 1, "no interval"),
        ("cut", 1, "no interval"),
        ("1x60@1;", 8, "not an element"),
        ("1x60@1;;cut", 8, "not an element"),
        ("1x60@1; wait", 9, "not an element"),
        ("1x60", 1, "not an element"),
        ("0x60@1", 1, "not a count"),
        ("-1x60@1", 1, "not a count"),
        ("x60@1", 1, "not a count"),
        ("1x0@1", 3, "not whole seconds"),
        ("1x1.5@1", 3, "not whole seconds"),
        ("1x*@1", 3, "not whole seconds"),
        ("1x60@", 6, "not a decimal"),
        ("1x60@1,5", 6, "not a decimal"),
        ("1x60@0.0000000001", 6, "more than 9 decimal places"),
        ("1x60@-1", 6, "below 0"),
        ("1x60@1;+", 8, "not a decimal"),
        ("1x60@1;+-1", 8, "not an amount"),
        ("1x60@1;++1", 8, "not an amount"),
        ("1x60@1;-1", 8, "not an element"),
        ("1x60@1;+0.0000001", 8, "more than 6 decimal places"),
        ("1x60@1;+5.00001%", 8, "more than 4 decimal places"),
        ("1x60@1;+-5%", 8, "not an amount"),
        ("1x60@1;cut;1x60@1;cut", 19, "second cut"),
        ("*x60@1;+1", 8, "nothing can follow"),
        ("*x60@1;*x60@1", 8, "nothing can follow"),
    ],
)
def test_a_malformed_formula_names_the_column(text: str, column: int, reason: str) -> None:
    """The place is the element, or the part of it that is wrong."""
    with pytest.raises(InputError) as caught:
        Formula.parse(text, "peak formula")

    assert caught.value.place == f"peak formula, column {column}"
    assert reason in caught.value.reason
