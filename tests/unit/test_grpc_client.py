"""When the client tries again, and what it reports in the end."""

from itertools import islice

import grpc
import pytest

from ocs.grpc.client import RequestFailedError, RetryPolicy, key_metadata, may_retry, telling_failure
from ocs.grpc.status import failure_of


def failed(code: grpc.StatusCode) -> RequestFailedError:
    """A failure with this status."""
    return RequestFailedError(failure_of(code, "because"))


@pytest.mark.parametrize("code", grpc.StatusCode)
def test_only_what_may_fare_better_is_tried_again(code: grpc.StatusCode) -> None:
    """Full, away or slow: again; anything else is final. The next try must begin in time."""
    again = code in {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }

    assert may_retry(failed(code), now=1.0, ends_at=2.0) is again
    assert not may_retry(failed(code), now=2.0, ends_at=2.0)


def test_pauses_grow_to_a_bound_and_are_spread() -> None:
    """Full jitter: clients that failed together do not come back together."""
    policy = RetryPolicy(first_delay_s=0.1, delay_s_max=0.4)
    runs = [list(islice(policy.delays_s(), 5)) for _ in range(200)]

    for position, bound in enumerate((0.1, 0.2, 0.4, 0.4, 0.4)):
        delays = [run[position] for run in runs]
        assert 0 <= min(delays) < max(delays) <= bound
        assert max(delays) > bound / 2


def test_reason_is_reported_rather_than_the_deadline() -> None:
    """The last try is cut short by the caller's time; what failed before says more."""
    away, late = failed(grpc.StatusCode.UNAVAILABLE), failed(grpc.StatusCode.DEADLINE_EXCEEDED)
    malformed = failed(grpc.StatusCode.INVALID_ARGUMENT)

    assert telling_failure(away, late) is away
    assert telling_failure(None, late) is late
    assert telling_failure(away, malformed) is malformed


def test_key_travels_as_a_bearer_token() -> None:
    """Without a key nothing is shown."""
    assert key_metadata("ocs_1_2") == (("authorization", "Bearer ocs_1_2"),)
    assert key_metadata("") == ()


def test_failure_reads_as_status_and_text() -> None:
    """What a person sees in a traceback or a log."""
    assert str(failed(grpc.StatusCode.ALREADY_EXISTS)) == "ALREADY_EXISTS: because"
