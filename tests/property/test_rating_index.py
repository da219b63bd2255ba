"""The compiled tariff against the definition of the longest prefix, word for word."""

from hypothesis import given
from hypothesis import strategies as st

from ocs.rating.index import Tariff
from ocs.rating.tariff import PriceSet, Rate, TariffTerms

TERMS = TariffTerms(id=1, name="retail")

digits = st.text(alphabet="01", min_size=1, max_size=9)
rates = st.builds(
    lambda destination, instant, price, discontinued: Rate(
        destination=destination,
        effective_from_s=instant,
        peak=PriceSet(next_price_nanos=price),
        discontinued=discontinued,
    ),
    destination=digits,
    instant=st.integers(0, 3),
    price=st.integers(0, 2),
    discontinued=st.booleans(),
)


def in_force(given_rates: list[Rate], destination: str, at_s: int) -> Rate | None:
    """The newest rate of a destination, the last given one of its instant; None when it is discontinued."""
    newest = None
    for rate in given_rates:
        is_due = rate.destination == destination and rate.effective_from_s <= at_s
        if is_due and (newest is None or rate.effective_from_s >= newest.effective_from_s):
            newest = rate
    return None if newest is None or newest.discontinued else newest


@given(st.lists(rates, max_size=30), digits, st.integers(0, 4))
def test_the_longest_prefix_in_force_is_found(given_rates: list[Rate], number: str, at_s: int) -> None:
    """For prefixes shorter and longer than a shard's, at and between the instants."""
    covering = [in_force(given_rates, number[:length], at_s) for length in range(len(number), 0, -1)]
    expected = next((rate for rate in covering if rate is not None), None)

    assert Tariff.build(TERMS, given_rates).find(number, at_s) == expected


@given(st.lists(rates, max_size=30))
def test_all_rates_are_kept_in_order(given_rates: list[Rate]) -> None:
    """By destination as text, then by instant; of equal keys the last one given."""
    kept = {(rate.destination, rate.effective_from_s): rate for rate in given_rates}
    tariff = Tariff.build(TERMS, given_rates)

    assert list(tariff.rates()) == [rate for _, rate in sorted(kept.items())]
    assert len(tariff) == len(kept)
