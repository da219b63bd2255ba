"""What all tests share."""

from hypothesis import HealthCheck, settings

# A loaded machine is slow, which is no fault of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
