"""What all tests share."""

import pytest
from hypothesis import HealthCheck, settings

SLOW_TIMEOUT_S = 3600

# A loaded machine is slow, which is no fault of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that are known to be slow the time to be so."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))
