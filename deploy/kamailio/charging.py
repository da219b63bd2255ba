# ruff: noqa: INP001 - a script of its own, not part of a package
"""Kamailio's routes: each call is authorised, watched and charged by the charging system, over gRPC.

A worker asks before it relays an INVITE, and puts what becomes of the call into a queue. One process of its
own reads it, renews grants and reports ends: no worker waits for a report, and none is lost while the
charging system is away. Kamailio itself ends a call whose granted seconds are over.

gRPC does not survive a fork: each process makes its channel when it first needs it, never before.
"""

import functools
import json
import math
import os
import time
from typing import Any

import grpc
import KSR
from google.protobuf.timestamp_pb2 import Timestamp

from ocs.client import Client, RequestFailedError, RetryPolicy
from ocs.client import charging_pb2 as pb

ASK_S = 2.0
"How long a caller waits for the charging system before the call is refused."
REPORT_S = 5.0
SUCCESS = 2001
SIP_CODES = {4010: 403, 4012: 402, 5030: 404}
"Result code of RFC 8506 section 9 -> status of SIP; 503 for any other, because it is not the caller's fault."
USELESS = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS}
"Sending the same again would fare no better."
TICK_S = 1
"Kamailio's dialog timer looks once a second, so a call ends up to this earlier or later than it is told."
LEAD_S = 3
"A grant is renewed so long before its end, or earlier if it says so."
LOST_S = 10
"""After a last grant is over the dialog has ended. Once in a long while the dialog module does not say so:
then the call is taken to have ended with its grant."""
QUEUE = "calls"


def mod_init() -> "Routes":
    """Called once, before Kamailio forks."""
    return Routes()


@functools.cache
def client() -> Client:
    """This process's client of the charging system."""
    return Client.connect(
        KSR.pv.get("$def(CHARGING)"),
        api_key=os.environ.get("OCS_API_KEY", ""),
        retry=RetryPolicy(attempt_timeout_s=1.0),
        channels=1,
    )


def question(session: str, call: dict[str, Any], **fields: Any) -> pb.ChargeRequest:
    """A request about a call."""
    return pb.ChargeRequest(
        session_id=session,
        subscription_ids=[
            pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value=call["calling"]),
            pb.SubscriptionId(kind=pb.IDENTITY_KIND_ANI, value=call["calling"]),
        ],
        calling=call["calling"],
        called=call["called"],
        **fields,
    )


class Routes:
    """What Kamailio calls. The state is the reporting process's; in workers it stays empty."""

    def __init__(self) -> None:
        self.calls: dict[str, dict[str, Any]] = {}
        "Session -> what is known of the call, until its end was reported."

    def child_init(self, _rank: int) -> int:
        """Called in each process after the fork; the channel is made later still, at its first request."""
        return 0

    def ksr_request_route(self, _msg: object) -> int:
        """One SIP request."""
        method = KSR.pv.get("$rm")
        if KSR.maxfwd.process_maxfwd(10) < 0:
            KSR.sl.sl_send_reply(483, "Too Many Hops")
        elif KSR.siputils.has_totag() > 0:
            self.relay_in_dialog(method)
        elif method == "CANCEL":
            if KSR.tm.t_check_trans() > 0:
                KSR.tm.t_relay()
        elif method == "INVITE":
            # Repeated INVITEs end here; the transaction answers them.
            if KSR.tm.t_newtran() > 0:
                self.authorise()
        elif method != "ACK":
            KSR.sl.sl_send_reply(405, "Method Not Allowed")
        return 1

    def ksr_reply_route(self, _msg: object) -> int:
        """One SIP reply: Kamailio wants to be told that it may go on."""
        return 1

    def ksr_onsend_route(self, _msg: object) -> int:
        """One message before it leaves: likewise."""
        return 1

    def relay_in_dialog(self, method: str) -> None:
        """Pass on what belongs to a call; the dialog module takes note."""
        if KSR.rr.loose_route() > 0:
            KSR.dialog.dlg_manage()
            KSR.tm.t_relay()
        elif method != "ACK":
            KSR.sl.sl_send_reply(404, "Not Here")
        elif KSR.tm.t_check_trans() > 0:
            KSR.tm.t_relay()

    def authorise(self) -> None:
        """Ask whether the caller may have this call; relay it or refuse it."""
        # With CSeq, because a caller may try again under the same Call-ID: that is another call.
        session = f"{KSR.pv.get('$ci')};{KSR.pv.get('$ft')};{KSR.pv.get('$cs')}"
        call = {"calling": KSR.pv.get("$fU") or "anonymous", "called": KSR.pv.get("$rU") or ""}
        try:
            request = question(
                session, call, type=pb.REQUEST_TYPE_INITIAL, services=[pb.ServiceUsage(service="voice")]
            )
            answer = client().charging.charge(request, timeout_s=ASK_S)
        except RequestFailedError as error:
            KSR.err(f"{session} is refused without an answer: {error}\n")
            KSR.tm.t_reply(503, "Service Unavailable")
            return
        if answer.result_code != SUCCESS:
            KSR.tm.t_reply(SIP_CODES.get(answer.result_code, 503), answer.reason.replace("_", " "))
            return

        KSR.pv.seti("$avp(granted_s)", timer_s(answer.services[0].granted_units))
        KSR.pv.seti("$dlg_ctx(timeout_bye)", 1)
        KSR.dialog.dlg_manage()
        KSR.pv.sets("$dlg_var(session)", session)
        KSR.pv.sets("$dlg_var(call)", json.dumps(call))
        KSR.rr.record_route()
        KSR.pv.sets("$du", KSR.pv.get("$def(CARRIER)"))
        if KSR.tm.t_relay() < 0:
            KSR.tm.t_reply(500, "Not Relayed")
            tell(session, {**call, "ended": time.time()})

    def ksr_dialog_event(self, _msg: object, event: str) -> int:
        """The call was answered (dialog:start), ended (dialog:end) or came to nothing (dialog:failed)."""
        session, now = KSR.pv.get("$dlg_var(session)"), time.time()
        call = json.loads(KSR.pv.get("$dlg_var(call)"))
        if event == "dialog:start":
            call |= {"answered": now, "dialog": [KSR.pv.get("$dlg(h_entry)"), KSR.pv.get("$dlg(h_id)")]}
        elif event in {"dialog:end", "dialog:failed"}:
            call |= {"ended": now}
        else:
            # Other steps of the dialog come here too.
            return 1
        tell(session, call)
        return 1

    def ksr_report(self, _msg: object, _module: str) -> int:
        """Every 200 ms, in a process of its own: take what is new, report what is due."""
        while KSR.mqueue.mq_fetch(QUEUE) > 0:
            call = self.calls.setdefault(KSR.pv.get(f"$mqk({QUEUE})"), {"number": 0})
            call |= {"due": 0.0, **json.loads(KSR.pv.get(f"$mqv({QUEUE})"))}
        for session, call in list(self.calls.items()):
            if call["due"] <= time.time() and not self.report(session, call):
                break
        return 1

    def report(self, session: str, call: dict[str, Any]) -> bool:
        """Report a call, and renew its grant unless it has ended. False: there is no answer now."""
        # What was sent without an answer is sent again as it was, before anything else is.
        request = call["unanswered"] = call.get("unanswered") or next_report(session, call)
        try:
            answer = client().charging.charge(request, timeout_s=REPORT_S)
        except RequestFailedError as error:
            KSR.err(f"{session} cannot be reported: {error}\n")
            if error.code in USELESS:
                del self.calls[session]
            return False
        call |= {"number": request.request_number, "unanswered": None}
        if request.type == pb.REQUEST_TYPE_TERMINATION:
            del self.calls[session]
        elif "ended" not in call:
            renew(call, request.services[0].used_total.seconds, answer)
        return True


def next_report(session: str, call: dict[str, Any]) -> pb.ChargeRequest:
    """The start of an answered call, what it has used by now, or its end."""
    number, now = call["number"] + 1, time.time()
    ended = call.get("ended")
    if ended is None and now >= call.get("lost", math.inf):
        ended = call["lost"] - LOST_S
    answered = call.get("answered", ended)
    starts = number == 1 and "answered" in call
    if ended:
        kind, at_s, used_s = pb.REQUEST_TYPE_TERMINATION, ended, round(ended - answered)
    else:
        # In between never more than was used; at the end the nearest whole second.
        kind, at_s, used_s = pb.REQUEST_TYPE_UPDATE, answered if starts else now, int(now - answered)
    used = pb.UsedUnits(seconds=max(0, used_s))
    return question(
        session,
        call,
        request_number=number,
        type=kind,
        event_time=Timestamp(seconds=int(at_s)),
        # It may have to wait here until the charging system is back.
        buffered=True,
        services=[pb.ServiceUsage(service="voice", starts=starts, used_total=used)],
    )


def tell(session: str, facts: dict[str, Any]) -> None:
    """Tell the reporting process about a call."""
    KSR.mqueue.mq_add(QUEUE, session, json.dumps(facts))


def renew(call: dict[str, Any], used_s: int, answer: pb.ChargeAnswer) -> None:
    """Let a call last as long as the new grant says, and ask again in time. Nothing granted: it ends now."""
    grant, now = answer.services[0], time.time()
    granted_s = grant.granted_units if grant.result_code == SUCCESS else 0
    ends_at = call["answered"] + used_s + granted_s
    KSR.dialog.dlg_set_timeout_id(timer_s(ends_at - now), *call["dialog"])
    call["due"] = min(ends_at - max(LEAD_S, grant.threshold_units), now + grant.validity_s)
    if granted_s == 0 or grant.final_unit_action:
        call["due"] = call["lost"] = ends_at + LOST_S


def timer_s(left_s: float) -> int:
    """What the dialog timer must be told so that a call lasts no longer than this."""
    return max(1, int(left_s) - TICK_S)
