"""Rounding: exact numerators to money, once, and money back to the greatest numerator it covers.

Owns: the one place where an exact price becomes an amount (rating section 4), and how a measured duration
becomes whole seconds. Does not own the price itself (`ocs.rating.run`).
"""

from typing import Final

from ocs.rating.tariff import RoundMode
from ocs.units import MILLIS_PER_SECOND, Micros

MICRO_DECIMALS: Final = 6
"Decimals of a currency unit that a micro has."


class Rounding:
    """Rounds numerators over one fixed denominator to a whole number of steps of 10^-decimals.

    All three modes are one floor division: for a numerator >= 0 they differ in what is added before it.
    """

    __slots__ = ("_bias", "_divisor", "_step")

    def __init__(self, *, decimals: int, mode: RoundMode, denominator: int) -> None:
        assert 0 <= decimals <= MICRO_DECIMALS, decimals
        assert denominator > 0, denominator
        assert denominator % 2 == 0, "an odd denominator has no half"
        self._step = int(10 ** (MICRO_DECIMALS - decimals))
        self._divisor = denominator * self._step
        if mode is RoundMode.HALF_AWAY_FROM_ZERO:
            self._bias = self._divisor // 2
        elif mode is RoundMode.AWAY_FROM_ZERO:
            self._bias = self._divisor - 1
        else:
            self._bias = 0

    def amount(self, numerator: int) -> Micros:
        """Round `numerator` / denominator micros, >= 0, to an amount."""
        return Micros((numerator + self._bias) // self._divisor * self._step)

    def limit(self, funds_micros: int) -> int:
        """The greatest numerator whose amount is at most `funds_micros`; negative when there is none."""
        return (funds_micros // self._step + 1) * self._divisor - 1 - self._bias


def whole_seconds(count: int, *, per_second: int = MILLIS_PER_SECOND, up: bool = False) -> int:
    """Make a duration in milliseconds, or another part of the second, whole seconds.

    Halves are rounded up; with `up` every started second counts (rating section 4).
    """
    bias = per_second - 1 if up else per_second // 2
    return (count + bias) // per_second
