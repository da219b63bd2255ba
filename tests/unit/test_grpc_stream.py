"""What one stream keeps under way, and what it lets go, without a socket."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.stream import SessionStream
from ocs.grpc.translation import Translator
from ocs.ports import Gateway

GATEWAY = Gateway(id=1, name="kam1")


class StillClock:
    """A clock that stands still."""

    def now_ms(self) -> int:
        """Always the same instant."""
        return 1_800_000_000_000


class HoldingService:
    """Keeps every reply until the test gives it."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Remember whom to answer."""
        self.replies.append(reply)

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """Never has an answer."""
        return NoAnswer.UNAVAILABLE

    def end_gateway_sessions(self, gateway_id: int, at_ms: int, reply: Callable[[bool], None]) -> None:
        """There are no sessions."""

    def answer_all(self) -> None:
        """Answer as a commit does: everything that waits, at the same moment."""
        replies, self.replies = self.replies, []
        for reply in replies:
            reply(Outcome(code=OutcomeCode.SUCCESS))


class SlowReader:
    """A peer that reads one message whenever the test lets it."""

    def __init__(self) -> None:
        self.messages: list[pb.ServerMessage] = []
        self.reads = asyncio.Semaphore(0)

    async def write(self, message: pb.ServerMessage) -> None:
        """Wait until the peer reads."""
        await self.reads.acquire()
        self.messages.append(message)


def stream_to(service: HoldingService, reader: SlowReader, *, window: int) -> SessionStream:
    """A stream of the gateway."""
    translator = Translator(normalise_number=lambda number, _: number)
    return SessionStream(service, StillClock(), translator, reader.write, gateway_id=1, window=window)


def batch(count: int) -> list[pb.ChargeRequest]:
    """UPDATEs of as many sessions."""
    return [
        pb.ChargeRequest(
            session_id=f"call-{n}", type=pb.REQUEST_TYPE_UPDATE, services=[pb.ServiceUsage(service="voice")]
        )
        for n in range(count)
    ]


async def given(*batches: Iterable[pb.ChargeRequest]) -> AsyncIterator[Iterable[pb.ChargeRequest]]:
    """The client's half of a stream."""
    for one in batches:
        yield one


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_answers_of_one_commit_travel_in_one_message() -> None:
    """However many requests were decided together, the client gets one message."""

    async def run() -> None:
        service, reader = HoldingService(), SlowReader()
        reader.reads.release()
        stream = stream_to(service, reader, window=100)
        running = asyncio.create_task(stream.run(given(batch(30)), lambda: GATEWAY))
        await settle()
        service.answer_all()
        await running

        (message,) = reader.messages
        assert [answer.session_id for answer in message.answers] == [f"call-{n}" for n in range(30)]

    asyncio.run(run())


def test_window_bounds_what_is_read_for_a_client_that_does_not_read() -> None:
    """Answered but unread counts as open: nothing piles up for a slow reader."""

    async def run() -> None:
        service, reader = HoldingService(), SlowReader()
        stream = stream_to(service, reader, window=4)
        running = asyncio.create_task(stream.run(given(batch(10)), lambda: GATEWAY))
        await settle()
        assert len(service.replies) == 4

        service.answer_all()
        await settle()
        assert service.replies == []

        for _ in range(3):
            reader.reads.release()
            await settle()
            service.answer_all()
        reader.reads.release()
        await running
        assert sum(len(message.answers) for message in reader.messages) == 10

    asyncio.run(run())


def test_notices_beyond_the_window_are_dropped_and_counted() -> None:
    """A client that never reads cannot make the server's memory grow."""

    async def run() -> None:
        reader = SlowReader()
        stream = stream_to(HoldingService(), reader, window=3)
        for n in range(5):
            stream.ask_for_report(f"call-{n}", "voice", "money_arrived")
            stream.end_session(f"call-{n}", "voice", "operator")

        reader.reads.release()
        running = asyncio.create_task(stream.run(given(batch(1)), lambda: GATEWAY))
        await settle()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        assert stream.notices_dropped == 7
        (message,) = reader.messages
        assert len(message.re_auths) + len(message.aborts) == 3

    asyncio.run(run())


def test_answer_after_the_end_of_a_stream_goes_nowhere() -> None:
    """The client broke the stream off: the commit's reply finds nobody and does no harm."""

    async def run() -> None:
        service, reader = HoldingService(), SlowReader()
        reader.reads.release()
        stream = stream_to(service, reader, window=4)
        running = asyncio.create_task(stream.run(given(batch(1)), lambda: GATEWAY))
        await settle()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        service.answer_all()
        await settle()

        assert reader.messages == []

    asyncio.run(run())


def test_each_batch_is_admitted_anew() -> None:
    """A client whose key was revoked is refused from its next message on; the stream itself stays."""

    async def run() -> None:
        service, reader = HoldingService(), SlowReader()
        for _ in range(4):
            reader.reads.release()
        denied = pb.RequestFailure(status_code=16, message="revoked")
        admissions = iter((GATEWAY, denied))
        stream = stream_to(service, reader, window=100)
        running = asyncio.create_task(stream.run(given(batch(1), batch(2)), lambda: next(admissions)))
        await settle()
        service.answer_all()
        await running

        failures = [failure for message in reader.messages for failure in message.failures]
        assert [(failure.session_id, failure.message) for failure in failures] == [
            ("call-0", "revoked"),
            ("call-1", "revoked"),
        ]
        assert sum(len(message.answers) for message in reader.messages) == 1

    asyncio.run(run())
