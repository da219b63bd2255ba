"""A request costs the same after many others, and whoever shares its account; memory has a bound.

Ratios of processor time only: what a request takes depends on the machine. Full size: `benchmarks/scale.py`.
"""

import asyncio
from pathlib import Path

import pytest
from crowd import many_requests, one_and_many

TIME_RATIO_MAX = 1.6
"Far above what a busy machine makes of equal work, far below what anything that grows would come to."
GROWTH_MIB_MAX = 100
"The database's own page cache fills up to 80."


@pytest.mark.slow
def test_the_last_requests_cost_as_much_as_the_first(tmp_path: Path) -> None:
    """Whole calls over twice as many accounts as are kept in memory, in five laps."""
    laps = asyncio.run(many_requests(tmp_path, accounts=1000, requests=100_000, laps=5))

    assert sum(lap.requests for lap in laps) == 100_000
    assert laps[-1].cpu_s < TIME_RATIO_MAX * laps[0].cpu_s, laps
    assert laps[-1].resident_mib < laps[0].resident_mib + GROWTH_MIB_MAX, laps


@pytest.mark.slow
def test_one_account_with_many_sessions_is_as_fast_as_many_accounts(tmp_path: Path) -> None:
    """Reports of thousands of open sessions: all of one account, or each of another."""
    one, many = asyncio.run(one_and_many(tmp_path, sessions=3000, rounds=4))

    assert one.requests == many.requests
    assert one.cpu_s < TIME_RATIO_MAX * many.cpu_s, (one, many)
