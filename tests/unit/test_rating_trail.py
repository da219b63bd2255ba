"""Trails of split sessions: bounded, and as good when they are full or gone."""

from collections import OrderedDict
from zoneinfo import ZoneInfo

import pytest

from ocs.rating import trail
from ocs.rating.affordable import affordable
from ocs.rating.applied import AppliedRate
from ocs.rating.price import charge, price
from ocs.rating.tariff import OffPeak, OffPeakWhen, PriceSet, Rate, TariffTerms
from ocs.units import VOICE

UTC = ZoneInfo("UTC")
DAY_S = 86_400


def hourly() -> AppliedRate:
    """A price that changes every hour, by the second."""
    peak = PriceSet(first_interval_s=1, next_interval_s=1, next_price_nanos=10**9)
    night = PriceSet(first_interval_s=1, next_interval_s=1, next_price_nanos=10**8)
    period = "hr{0 2 4 6 8 10 12 14 16 18 20 22}"
    return AppliedRate(
        TariffTerms(id=1, name="hourly", off_peak_when=OffPeakWhen.SPLIT),
        Rate(destination="44", peak=peak, off_peak=(OffPeak(prices=night, period=period),)),
        VOICE,
    )


@pytest.mark.parametrize("kept", [1, 5, 2_048])
def test_a_full_trail_changes_nothing(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """What it does not keep is walked."""
    monkeypatch.setattr(trail, "STANDINGS_MAX", kept)
    rate = hourly()
    for seconds in (3 * DAY_S, 1, 3_600, 3_601, 2 * DAY_S, 5 * 3_600 + 7):
        expected = price(rate, (seconds, 0, 0), start_s=1_800, zone=UTC, ended=True).amount
        assert charge(rate, (seconds, 0, 0), start_s=1_800, zone=UTC, ended=True) == expected
        reached = affordable(rate, expected, usage=(0, 0, 0), start_s=1_800, zone=UTC, cap_units=5 * DAY_S)
        assert reached == seconds


def test_only_so_many_sessions_have_a_trail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest gives way, and is walked anew when it is asked about again."""
    monkeypatch.setattr(trail, "TRAILS_MAX", 3)
    monkeypatch.setattr(trail, "_trails", OrderedDict())
    rate = hourly()
    first = [charge(rate, (DAY_S, 0, 0), start_s=at_s, zone=UTC, ended=True) for at_s in range(10)]

    assert len(trail._trails) == 3
    assert first == [charge(rate, (DAY_S, 0, 0), start_s=at_s, zone=UTC, ended=True) for at_s in range(10)]
