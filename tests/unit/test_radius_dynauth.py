"""CoA and Disconnect requests without a network, and the deadlines that make them."""

import pytest
from radius_vectors import NOW_MS, SECRET, gateway

import ocs.radius.cutoff
import ocs.radius.dynauth
from ocs.radius.codec import (
    Code,
    Secret,
    decode,
    encode_attribute,
    encode_reply,
    is_message_authentic,
    is_request_authentic,
)
from ocs.radius.cutoff import ATTEMPTS_MAX, RETRY_MS, Cutoffs, Target
from ocs.radius.dynauth import Datagram, DynauthClient, Order, Verdict

HOST, PORT = "192.0.2.10", 3799
SESSION = encode_attribute(44, b"s1")


class Story:
    """A client, what it sent, and what it concluded."""

    def __init__(self, sockets: int = 1) -> None:
        self.client = DynauthClient(sockets)
        self.verdicts: list[tuple[Verdict, int]] = []

    def submit(self, code: Code = Code.DISCONNECT_REQUEST, attributes: bytes = SESSION) -> Datagram | None:
        """Ask for a request to the usual gateway."""
        order = Order(code, HOST, PORT, SECRET, attributes, lambda *verdict: self.verdicts.append(verdict))
        return self.client.submit(order, NOW_MS)

    def sent(self, code: Code = Code.DISCONNECT_REQUEST) -> Datagram:
        """A request that must have been made."""
        datagram = self.submit(code)
        assert datagram is not None
        return datagram

    def answer(
        self, asked: Datagram, code: Code, cause: int | None = None, *, secret: str = SECRET, host: str = HOST
    ) -> bool:
        """The gateway's answer; whether it was taken."""
        attributes = b"" if cause is None else encode_attribute(101, cause.to_bytes(4))
        octets = encode_reply(code, decode(asked.octets), attributes, Secret(secret))
        return self.client.receive_datagram(octets, socket=asked.socket, host=host, port=PORT)


def test_a_request_names_the_session_and_is_signed() -> None:
    """Authenticator, Message-Authenticator, Event-Timestamp: RFC 5176 sections 2.3, 3.4 and 6.3."""
    datagram = Story().sent()
    packet = decode(datagram.octets)

    assert (datagram.host, datagram.port) == (HOST, PORT)
    assert packet.code is Code.DISCONNECT_REQUEST
    assert packet.get(44) == b"s1"
    assert packet.get(55) == (NOW_MS // 1000).to_bytes(4)
    assert is_request_authentic(packet, Secret(SECRET))
    assert is_message_authentic(packet, Secret(SECRET))


@pytest.mark.parametrize(
    ("code", "answer", "cause", "verdict"),
    [
        (Code.DISCONNECT_REQUEST, Code.DISCONNECT_ACK, None, (Verdict.ACKNOWLEDGED, 0)),
        (Code.DISCONNECT_REQUEST, Code.DISCONNECT_NAK, 503, (Verdict.GONE, 503)),
        (Code.DISCONNECT_REQUEST, Code.DISCONNECT_NAK, 506, (Verdict.REFUSED, 506)),
        (Code.DISCONNECT_REQUEST, Code.DISCONNECT_NAK, None, (Verdict.REFUSED, 0)),
        (Code.COA_REQUEST, Code.COA_ACK, None, (Verdict.ACKNOWLEDGED, 0)),
        (Code.COA_REQUEST, Code.COA_NAK, 401, (Verdict.REFUSED, 401)),
    ],
)
def test_what_an_answer_means(
    code: Code, answer: Code, cause: int | None, verdict: tuple[Verdict, int]
) -> None:
    """An unknown session has ended, whatever else the gateway thinks of the request."""
    story = Story()

    assert story.answer(story.sent(code), answer, cause)
    assert story.verdicts == [verdict]
    assert story.client.pending == 0
    assert story.client.next_timeout_ms() is None


ERROR_CAUSES = [201, 202, *range(401, 408), *range(501, 509)]
"Of RFC 5176 section 3.5."


@pytest.mark.parametrize("cause", ERROR_CAUSES)
def test_only_an_unknown_session_is_over(cause: int) -> None:
    """Whatever else a gateway refuses for, the session may go on there: it will be asked again.

    To an Authorize-Only CoA, 507 says that the gateway does as it was asked.
    """
    disconnect, coa = Story(), Story()
    disconnect.answer(disconnect.sent(), Code.DISCONNECT_NAK, cause)
    coa.answer(coa.sent(Code.COA_REQUEST), Code.COA_NAK, cause)

    over = {503: Verdict.GONE}
    assert disconnect.verdicts == [(over.get(cause, Verdict.REFUSED), cause)]
    assert coa.verdicts == [({**over, 507: Verdict.ACKNOWLEDGED}.get(cause, Verdict.REFUSED), cause)]


def test_answers_that_are_none_change_nothing() -> None:
    """A wrong secret, another host, the other kind's code, an unknown identifier, no packet at all."""
    story = Story()
    asked = story.sent()

    assert not story.answer(asked, Code.DISCONNECT_ACK, secret="other")
    assert not story.answer(asked, Code.DISCONNECT_ACK, host="192.0.2.11")
    assert not story.answer(asked, Code.COA_ACK)
    assert not story.answer(
        asked._replace(octets=asked.octets[:1] + b"\x77" + asked.octets[2:]), Code.DISCONNECT_ACK
    )
    assert not story.client.receive_datagram(b"?", socket=0, host=HOST, port=PORT)
    assert story.verdicts == []
    assert story.client.pending == 1


def test_retransmissions_are_the_same_octets_ever_further_apart() -> None:
    """After 2, 6, 14 and 30 s; then the request is given up (RFC 5080 section 2.2.1)."""
    story = Story()
    asked = story.sent()
    sent_s = []

    while (at_ms := story.client.next_timeout_ms()) is not None:
        assert story.client.handle_timeout(at_ms - 1) == []
        for datagram in story.client.handle_timeout(at_ms):
            assert datagram == asked
            sent_s.append((at_ms - NOW_MS) / 1000)

    assert sent_s == [2, 6, 14]
    assert story.verdicts == [(Verdict.TIMED_OUT, 0)]
    assert not story.answer(asked, Code.DISCONNECT_ACK)


def test_identifiers_are_unique_towards_a_gateway() -> None:
    """256 per socket; when all are under way the order is not taken, and an answer frees one."""
    story = Story(sockets=2)
    asked = [story.sent() for _ in range(512)]

    assert len({(datagram.socket, datagram.octets[1]) for datagram in asked}) == 512
    assert story.submit() is None
    assert story.verdicts == [(Verdict.NOT_SENT, 0)]
    assert story.answer(asked[300], Code.DISCONNECT_ACK)
    again = story.sent()
    assert (again.socket, again.octets[1]) == (asked[300].socket, asked[300].octets[1])


def test_requests_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also over many gateways; so is what is remembered of them."""
    monkeypatch.setattr(ocs.radius.dynauth, "PENDING_MAX", 3)
    story = Story()
    for number in range(10):
        order = Order(
            Code.COA_REQUEST,
            f"192.0.2.{number}",
            PORT,
            SECRET,
            b"",
            lambda *verdict: story.verdicts.append(verdict),
        )
        story.client.submit(order, NOW_MS)

    assert story.client.pending == 3
    assert story.verdicts == [(Verdict.NOT_SENT, 0)] * 7
    story.client.handle_timeout(NOW_MS + 10**6)
    for number in range(10):
        order = Order(Code.COA_REQUEST, f"198.51.100.{number}", PORT, SECRET, b"", lambda *_: None)
        story.client.submit(order, NOW_MS)
        story.client._pending.clear()
    assert len(story.client._next_identifier) <= 3


def test_what_does_not_fit_a_packet_is_not_sent() -> None:
    """A packet holds 4096 octets."""
    story = Story()

    assert story.submit(attributes=SESSION * 1200) is None
    assert story.verdicts == [(Verdict.NOT_SENT, 0)]


# ------------------------------------------------------------------------------------------------ deadlines


def target(key: str = "s1") -> Target:
    """A session of the usual gateway."""
    return Target(gateway(), key, HOST, SESSION)


def due(cutoffs: Cutoffs, now_ms: int) -> list[tuple[str, int]]:
    """Keys and attempts of sessions whose time has come."""
    return [(found.session_key, attempts) for found, attempts in cutoffs.take_due(now_ms)]


def test_sessions_are_due_at_their_latest_deadline() -> None:
    """A new report moves the deadline, a cancelled one never comes."""
    cutoffs = Cutoffs()
    for key, at_ms in (("a", 300), ("b", 100), ("c", 200), ("a", 50), ("b", 400)):
        assert cutoffs.set(target(key), at_ms)
    cutoffs.cancel(7, "c")

    assert len(cutoffs) == 2
    assert cutoffs.next_timeout_ms() == 50
    assert due(cutoffs, 49) == []
    assert due(cutoffs, 399) == [("a", 0)]
    assert due(cutoffs, 400) == [("b", 0)]
    assert cutoffs.next_timeout_ms() is None


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_session_is_ended_until_it_is_known_to_be_over(verdict: Verdict) -> None:
    """Acknowledged or unknown there: over. Anything else: again in half a minute, ten times."""
    cutoffs = Cutoffs()
    now_ms = 0
    cutoffs.set(target(), now_ms)
    rounds = 0

    while (found := cutoffs.take_due(now_ms)) != []:
        rounds += 1
        for session, attempts in found:
            cutoffs.learn(session, attempts, verdict, now_ms)
        now_ms += RETRY_MS

    assert rounds == (1 if verdict in (Verdict.ACKNOWLEDGED, Verdict.GONE) else ATTEMPTS_MAX + 1)


def test_a_session_that_was_granted_more_meanwhile_is_left_alone() -> None:
    """The attempt that was under way is not repeated."""
    cutoffs = Cutoffs()
    cutoffs.set(target(), 0)
    ((session, attempts),) = cutoffs.take_due(0)

    cutoffs.cancel(7, "s1")
    cutoffs.learn(session, attempts, Verdict.TIMED_OUT, 0)

    assert len(cutoffs) == 0


def test_a_newer_deadline_stands() -> None:
    """Learning of the earlier attempt does not move it."""
    cutoffs = Cutoffs()
    cutoffs.set(target(), 0)
    ((session, attempts),) = cutoffs.take_due(0)

    cutoffs.set(target(), 99)
    cutoffs.learn(session, attempts, Verdict.TIMED_OUT, 0)

    assert cutoffs.next_timeout_ms() == 99


def test_deadlines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the next report must do; a session that is planned can still be moved."""
    monkeypatch.setattr(ocs.radius.cutoff, "CUTOFFS_MAX", 1)
    cutoffs = Cutoffs()

    assert cutoffs.set(target("a"), 5)
    assert not cutoffs.set(target("b"), 5)
    assert cutoffs.set(target("a"), 6)
