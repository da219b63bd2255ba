"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SLOW_TIMEOUT_S = 3600
PACKAGE = Path(__file__).parents[1] / "ocs"

# A loaded machine is slow, which is no fault of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Refuse to test compiled modules whose sources have changed since (`make build-fast`)."""
    for compiled in PACKAGE.rglob("*.so"):
        source = compiled.with_name(compiled.name.partition(".")[0] + ".py")
        if source.stat().st_mtime > compiled.stat().st_mtime:
            raise pytest.UsageError(f"{source} is newer than what was compiled of it: make build-fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give slow tests the time to be so; leave out bugs that cannot be planted into compiled modules."""
    if any(PACKAGE.rglob("*.so")):
        left_out = [item for item in items if item.get_closest_marker("plants")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))
