"""Sessions, payments, ledger and session detail records over `ocs.v1.Admin`.

Does not own what a payment is (`ocs.charging.administration`) or how files are laid out
(`ocs.charging.book_file`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from ocs.charging.administration import Administration
from ocs.charging.audit import Command
from ocs.charging.book_file import FileForm, cdr_facts, entry_facts, write_lines
from ocs.charging.naming import Names
from ocs.charging.posting import OPENING_KEY
from ocs.charging.service import ChargingService
from ocs.charging.termination import terminate
from ocs.errors import InputError, NotFoundError
from ocs.grpc.access import Caller
from ocs.grpc.admin_resource import Method, command_of
from ocs.grpc.fact import enum_word, to_message
from ocs.grpc.pb import admin_pb2 as pb
from ocs.grpc.resource import check_request_id, id_of, page_position, page_size_of, page_token
from ocs.ports import CatalogStore, Cdr, CdrPlace, Clock, LedgerStore
from ocs.quota.account import AccountProfile
from ocs.quota.ledger import EntryKind, LedgerEntry
from ocs.quota.session import Session, SessionState
from ocs.units import MILLIS_PER_SECOND, SERVICES

NOTE_CHARACTERS_MAX: Final = 200
RECORDS_PER_READ: Final = 1000
CHUNK_OCTETS: Final = 64 * 1024
_NANOS_PER_MILLI: Final = 1_000_000
EVERYBODY: Final = "-"
NUMBER_DIGITS_MAX: Final = 20

FORMS: Mapping[int, FileForm] = {
    pb.EXPORT_FORMAT_UNSPECIFIED: FileForm.CSV,
    pb.EXPORT_FORMAT_CSV: FileForm.CSV,
    pb.EXPORT_FORMAT_JSON_LINES: FileForm.JSON_LINES,
}


class BookMethods:
    """Methods on the books, by name."""

    def __init__(
        self,
        service: ChargingService,
        ledger: LedgerStore,
        catalog: CatalogStore,
        administration: Administration,
        clock: Clock,
    ) -> None:
        self._service = service
        self._ledger = ledger
        self._catalog = catalog
        self._administration = administration
        self._clock = clock
        self.methods: Mapping[str, Method] = {
            "ListSessions": self._list_sessions,
            "GetSession": self._get_session,
            "TopUpAccount": self._top_up,
            "AdjustBalance": self._adjust,
            "TransferMoney": self._transfer,
            "TerminateSession": self._terminate,
            "ListLedgerEntries": self._list_entries,
            "ListCdrs": self._list_cdrs,
        }
        self.streams: Mapping[str, Callable[[Any], AsyncIterator[Message]]] = {
            "ExportLedgerEntries": self._export_entries,
            "ExportCdrs": self._export_cdrs,
        }

    # ------------------------------------------------------------------------------ sessions

    async def _list_sessions(self, request: pb.ListSessionsRequest, _: Caller) -> Message:
        size = page_size_of(request)
        names = Names(self._catalog)
        gateway_id = await _gateway_id(request.gateway, names)
        position = page_position(request)
        if request.session_key and gateway_id is None:
            raise InputError("gateway", "is needed with session_key")
        word = enum_word(pb.SessionState.DESCRIPTOR, request.state, "state")
        state = SessionState[word.upper()] if word else None
        account_id = await self._account_id(request.account)
        if request.session_key:
            assert gateway_id is not None, "it was checked"
            loaded = await self._ledger.load((), [(gateway_id, request.session_key)])
            found: Sequence[Session] = [
                one
                for one in loaded.sessions.values()
                if account_id in (None, one.account_id) and state in (None, one.state)
            ]
        else:
            found = await self._ledger.list_sessions(
                account_id=account_id,
                gateway_id=gateway_id,
                state=state,
                only_open=False,
                before_id=None if position is None else int(position[0]),
                limit=size + 1,
            )
        response = pb.ListSessionsResponse()
        for session in found[:size]:
            to_message(await session_facts(session, names), response.sessions.add())
        if len(found) > size:
            response.next_page_token = page_token(request, (found[size - 1].session_id,))
        return response

    async def _get_session(self, request: pb.GetSessionRequest, _: Caller) -> Message:
        session = await self._ledger.find_session(_number(request.name, "sessions", "name"))
        if session is None:
            raise NotFoundError(f"{request.name} does not exist")
        return to_message(await session_facts(session, Names(self._catalog)), pb.Session())

    async def _terminate(self, request: pb.TerminateSessionRequest, caller: Caller) -> Message:
        session = await terminate(
            self._service,
            self._ledger,
            self._catalog,
            session_id=_number(request.name, "sessions", "name"),
            cause=request.reason,
            command=Command(caller.title, self._clock.now_ms()),
        )
        return to_message(await session_facts(session, Names(self._catalog)), pb.Session())

    # ------------------------------------------------------------------------------ payments

    async def _top_up(self, request: pb.TopUpAccountRequest, caller: Caller) -> Message:
        check_request_id(request.request_id)
        _check_note(request.note)
        if request.amount_micros <= 0:
            raise InputError("amount_micros", f"{request.amount_micros}: a payment is above 0")
        posting = await self._administration.treasury.pay(
            id_of(request.name, "accounts", "name"),
            request.amount_micros,
            key=request.request_id,
            note=request.note,
            is_bonus=request.bonus,
            command=self._command(request, caller),
        )
        return to_message(entry_message_facts(request.name, posting.entry), pb.LedgerEntry())

    async def _adjust(self, request: pb.AdjustBalanceRequest, caller: Caller) -> Message:
        check_request_id(request.request_id)
        _check_note(request.note)
        if not request.note:
            raise InputError("note", "is needed: why the balance is corrected")
        if not request.amount_micros:
            raise InputError("amount_micros", "0 corrects nothing")
        posting = await self._administration.treasury.adjust(
            id_of(request.name, "accounts", "name"),
            request.amount_micros,
            key=request.request_id,
            note=request.note,
            command=self._command(request, caller),
        )
        return to_message(entry_message_facts(request.name, posting.entry), pb.LedgerEntry())

    async def _transfer(self, request: pb.TransferMoneyRequest, caller: Caller) -> Message:
        check_request_id(request.request_id)
        _check_note(request.note)
        if request.amount_micros <= 0:
            raise InputError("amount_micros", f"{request.amount_micros}: a transfer is above 0")
        made = await self._administration.treasury.transfer(
            id_of(request.source, "accounts", "source"),
            id_of(request.target, "accounts", "target"),
            request.amount_micros,
            key=request.request_id,
            note=request.note,
            command=self._command(request, caller),
        )
        response = pb.TransferMoneyResponse()
        to_message(entry_message_facts(request.source, made.given.entry), response.source_entry)
        to_message(entry_message_facts(request.target, made.taken.entry), response.target_entry)
        return response

    def _command(self, request: Any, caller: Caller) -> Command:
        return command_of(request, caller, self._clock.now_ms())

    # ------------------------------------------------------------------------------ ledger

    async def _list_entries(self, request: pb.ListLedgerEntriesRequest, _: Caller) -> Message:
        size = page_size_of(request)
        name = id_of(request.parent, "accounts", "parent")
        position = page_position(request)
        word = enum_word(pb.EntryKind.DESCRIPTOR, request.kind, "kind")
        session_id = _number(request.session, "sessions", "session") if request.session else None
        profile = await self._administration.account(name)
        after = 0 if position is None else int(position[0])
        page: list[LedgerEntry] = []
        while len(page) <= size:
            entries = await self._ledger.list_entries(
                profile.id,
                after_number=after,
                from_ms=_instant_ms(request, "from_time"),
                until_ms=_instant_ms(request, "until_time"),
                limit=RECORDS_PER_READ,
            )
            page += [
                entry
                for entry in entries
                if word in ("", entry.kind) and session_id in (None, entry.session_id)
            ]
            if len(entries) < RECORDS_PER_READ:
                break
            after = entries[-1].number
        response = pb.ListLedgerEntriesResponse()
        for entry in page[:size]:
            to_message(entry_message_facts(request.parent, entry), response.ledger_entries.add())
        if len(page) > size:
            response.next_page_token = page_token(request, (page[size - 1].number,))
        return response

    async def _export_entries(self, request: pb.ExportLedgerEntriesRequest) -> AsyncIterator[Message]:
        form = _form(request)
        bounds = (_instant_ms(request, "from_time"), _instant_ms(request, "until_time"))
        name = id_of(request.parent, "accounts", "parent")
        profiles = (
            self._everybody() if name == EVERYBODY else _single(await self._administration.account(name))
        )
        header = True
        async for profile in profiles:
            after = 0
            while True:
                entries = await self._ledger.list_entries(
                    profile.id,
                    after_number=after,
                    from_ms=bounds[0],
                    until_ms=bounds[1],
                    limit=RECORDS_PER_READ,
                )
                facts = [entry_facts(profile.name, entry) for entry in entries]
                text = await asyncio.to_thread(write_lines, facts, form, LedgerEntry, header=header)
                header = False
                for chunk in _chunks(text):
                    yield pb.ExportLedgerEntriesResponse(chunk=chunk)
                if len(entries) < RECORDS_PER_READ:
                    break
                after = entries[-1].number

    async def _everybody(self) -> AsyncIterator[AccountProfile]:
        last = ""
        while profiles := await self._catalog.list_accounts(after=last, limit=RECORDS_PER_READ):
            for profile in profiles:
                yield profile
            last = profiles[-1].name

    # ------------------------------------------------------------------------------ session detail records

    async def _list_cdrs(self, request: pb.ListCdrsRequest, _: Caller) -> Message:
        size = page_size_of(request)
        names = Names(self._catalog)
        position = page_position(request)
        after = None if position is None else CdrPlace(*(int(part) for part in position))
        account_id = await self._account_id(request.account)
        gateway_id = await _gateway_id(request.gateway, names)
        page: list[Cdr] = []
        while len(page) <= size:
            found = await self._ledger.page_cdrs(
                account_id=account_id,
                gateway_id=gateway_id,
                from_ms=_instant_ms(request, "from_time") or 0,
                until_ms=_instant_ms(request, "until_time"),
                after=after,
                newest_first=True,
                limit=size + 1 if not request.overrun else RECORDS_PER_READ,
            )
            page += [cdr for cdr in found if cdr.overrun_micros or not request.overrun]
            if len(found) < RECORDS_PER_READ:
                break
            after = _place(found[-1])
        response = pb.ListCdrsResponse()
        for cdr in page[:size]:
            to_message(await cdr_message_facts(cdr, names), response.cdrs.add())
        if len(page) > size:
            response.next_page_token = page_token(request, _place(page[size - 1]))
        return response

    async def _export_cdrs(self, request: pb.ExportCdrsRequest) -> AsyncIterator[Message]:
        form = _form(request)
        names = Names(self._catalog)
        account_id = await self._account_id(request.account)
        gateway_id = await _gateway_id(request.gateway, names)
        after: CdrPlace | None = None
        header = True
        while True:
            found = await self._ledger.page_cdrs(
                account_id=account_id,
                gateway_id=gateway_id,
                from_ms=_instant_ms(request, "from_time") or 0,
                until_ms=_instant_ms(request, "until_time"),
                after=after,
                limit=RECORDS_PER_READ,
            )
            facts = [
                cdr_facts(
                    cdr,
                    account=await names.account(cdr.account_id),
                    gateway=await names.gateway(cdr.gateway_id),
                )
                for cdr in found
            ]
            text = await asyncio.to_thread(write_lines, facts, form, Cdr, header=header)
            header = False
            for chunk in _chunks(text):
                yield pb.ExportCdrsResponse(chunk=chunk)
            if len(found) < RECORDS_PER_READ:
                return
            after = _place(found[-1])

    async def _account_id(self, name: str) -> int | None:
        if not name:
            return None
        return (await self._administration.account(id_of(name, "accounts", "account"))).id


async def session_facts(session: Session, names: Names) -> dict[str, Any]:
    """A session as facts of its message."""
    return {
        "name": f"sessions/{session.session_id}",
        "account": f"accounts/{await names.account(session.account_id)}",
        "gateway": f"gateways/{await names.gateway(session.gateway_id)}",
        "session_key": session.session_key,
        "subscription_id": _subscription(session.identity_kind, session.identity_value),
        "service": session.service,
        "access_code": session.access_code,
        "calling": session.calling,
        "called": session.called,
        "state": SessionState(session.state).name,
        "start_time": session.started_at_ms or None,
        "update_time": session.updated_at_ms or None,
        "expire_time": session.expires_at_ms if session.is_open else None,
        "end_time": session.ended_at_ms or None,
        "end_cause": session.end_cause,
        "measure": _measure(session.service),
        "used_units": session.used_units,
        "granted_units": session.granted_units,
        "final_grant": bool(session.final_grant),
        "reservations": [
            {
                "account": f"accounts/{await names.account(one.account_id)}",
                "reserved_micros": one.reserved_micros,
                "debited_micros": one.debited_micros,
            }
            for one in session.reservations
        ],
    }


def entry_message_facts(account: str, entry: LedgerEntry) -> dict[str, Any]:
    """A ledger entry as facts of its message; `account` is the name of the resource."""
    return {
        "name": f"{account}/entries/{entry.number}",
        "kind": EntryKind(entry.kind).value,
        "amount_micros": entry.amount_micros,
        "balance_micros": entry.balance_micros,
        "book_time": entry.at_ms,
        "session": None if entry.session_id is None else f"sessions/{entry.session_id}",
        "request_id": None if entry.request_key == OPENING_KEY else entry.request_key,
        "overrun_micros": entry.overrun_micros,
        "note": entry.note,
    }


async def cdr_message_facts(cdr: Cdr, names: Names) -> dict[str, Any]:
    """A session detail record as facts of its message."""
    return {
        "name": f"cdrs/{cdr.session_id}-{cdr.account_id}",
        "account": f"accounts/{await names.account(cdr.account_id)}",
        "session": f"sessions/{cdr.session_id}",
        "gateway": f"gateways/{await names.gateway(cdr.gateway_id)}",
        "session_key": cdr.session_key,
        "revision": cdr.revision,
        "subscription_id": _subscription(cdr.identity_kind, cdr.identity_value),
        "service": cdr.service,
        "access_code": cdr.access_code,
        "calling": cdr.calling,
        "called": cdr.called,
        "start_time": cdr.started_at_ms or None,
        "end_time": cdr.ended_at_ms or None,
        "record_time": cdr.recorded_at_ms,
        "end_cause": cdr.end_cause,
        "measure": _measure(cdr.service),
        "used_units": cdr.used_units,
        "billed_units": cdr.billed_units,
        "granted_units": cdr.granted_units,
        "octets_in": cdr.octets_in,
        "octets_out": cdr.octets_out,
        "charged_micros": cdr.charged_micros,
        "overrun_micros": cdr.overrun_micros,
        "currency": cdr.currency,
        "tariff": f"tariffs/{cdr.tariff}" if cdr.tariff else None,
        "destination": cdr.destination,
        "steps_json": cdr.explanation,
        "legs": cdr.legs.split(",") if cdr.legs else [],
    }


def _subscription(kind: str, value: str) -> dict[str, str] | None:
    return {"kind": kind, "value": value} if kind else None


def _measure(service: str) -> str | None:
    known = SERVICES.get(service)
    return None if known is None else known.measure.name


async def _gateway_id(name: str, names: Names) -> int | None:
    """The id in a filter; None when it asks for none."""
    return await names.gateway_id(id_of(name, "gateways", "gateway")) if name else None


def _place(cdr: Cdr) -> CdrPlace:
    return CdrPlace(cdr.recorded_at_ms, cdr.session_id, cdr.account_id)


def _number(name: str, collection: str, place: str) -> int:
    """The number in a name such as ``sessions/17``."""
    text = id_of(name, collection, place)
    if not (text.isascii() and text.isdigit() and len(text) < NUMBER_DIGITS_MAX and int(text) < 2**63):
        raise InputError(place, f"{name[:80]!r} is not a name such as {collection}/17")
    return int(text)


def _instant_ms(request: Any, field: str) -> int | None:
    if not request.HasField(field):
        return None
    instant = getattr(request, field)
    return int(instant.seconds) * MILLIS_PER_SECOND + int(instant.nanos) // _NANOS_PER_MILLI


def _check_note(note: str) -> None:
    if len(note) > NOTE_CHARACTERS_MAX or not note.isprintable():
        raise InputError("note", f"up to {NOTE_CHARACTERS_MAX} printable characters")


def _form(request: Any) -> FileForm:
    if request.format not in FORMS:
        raise InputError("format", f"{request.format} is not a value of this field")
    return FORMS[request.format]


def _chunks(text: bytes) -> Iterable[bytes]:
    return (text[start : start + CHUNK_OCTETS] for start in range(0, len(text), CHUNK_OCTETS))


async def _single(profile: AccountProfile) -> AsyncIterator[AccountProfile]:
    yield profile
