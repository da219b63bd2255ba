"""The simulation once more, with equipment that cannot be stopped and asks again by itself, slice by slice.

It keeps to what it was told last, counted from when it asked, with reports or without, and mostly does not
say what it has used. What the auditor asks besides: all that it was ever told is paid for or held.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from simulation.auditor import Auditor, Case
from simulation.equipment import Manners, RadiusGateway, Softswitch
from simulation.scenario import Simulation

from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest, RequestType, Usage
from ocs.ports import Gateway
from ocs.quota.session import ReservationRow, SessionRow, SessionState

ASKS_AHEAD_S = 6
"How long before the end of a grant the next one is asked for."


class RenewalAuditor(Auditor):
    """Watches what equipment was told."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._told: dict[tuple[int, str], tuple[str, int]] = {}
        "User and second until which a call may go on, as its gateway has heard."

    def told(self, gateway_id: int, key: str, user: str, until: int) -> None:
        """A gateway has heard that a call may go on until this second of it."""
        self._told[gateway_id, key] = user, until
        row = self._session((gateway_id, key))
        assert row is not None
        self._check_told(row, list(self._ledger.reservations[row.session_id].values()))

    def _check_session(self, row: SessionRow, reservations: Sequence[ReservationRow]) -> None:
        super()._check_session(row, reservations)
        if row.state != SessionState.OPEN:
            # What is held for it is others' from now on: whoever reopens it gets what there is.
            self._told.pop((row.gateway_id, row.session_key), None)
        self._check_told(row, reservations)

    def _check_told(self, row: SessionRow, reservations: Sequence[ReservationRow]) -> None:
        user, until = self._told.get((row.gateway_id, row.session_key), ("", 0))
        for held, payer in zip(reservations, self._payers.get(user, ()), strict=False):
            covered = held.debited_micros + held.reserved_micros
            due = 0 if payer.voice is None else payer.voice.of(until)
            self._check(
                covered >= due or self._is_short(held.account_id),
                "what was told is held",
                f"{row.session_key} may go on until {until}: {due}, account {held.account_id} has {covered}",
            )

    def _is_short(self, account_id: int) -> bool:
        """Whether there is nothing more to hold: a limit was cut, or a rude call took what others held."""
        floor = self._floors[account_id][-1][1]
        is_cut = len(self._floors[account_id]) > 1
        return is_cut or (floor is not None and self._available(account_id) <= floor)

    def _check_grant(self, request: ChargingRequest, case: Case, answer: Outcome) -> None:
        answer_of_all = Outcome(
            code=answer.code,
            used_units=answer.used_units + answer.presumed_units,
            granted_units=answer.granted_units,
        )
        super()._check_grant(request, case, answer_of_all)


class AskingGateway(RadiusGateway):
    """Asks again before each grant ends, and ends the call with it when it hears nothing or nothing good."""

    async def call(self, user: str) -> None:
        """One call, from its authorisation to its Stop."""
        rng = self._rng
        manners = Manners.draw(rng, rudeness=self.rudeness)
        key, slice_s = self.new_name("a"), rng.choice((15, 20, 35))
        tells, reports = rng.random() < 0.3, rng.random() < 0.5
        until = await self._ask_again(key, user, 0, None, slice_s, used=0)
        if not until:
            return
        await asyncio.sleep(rng.randint(0, 8))
        connected_s = self.now_s()
        if reports and not manners.loses_start:
            self.begin(self.ask(self.request(RequestType.UPDATE, key, user, usage=Usage(), starts=True)))
        number = 0
        while True:
            used = int(self.now_s() - connected_s)
            end = min(manners.talks_s, until)
            if used >= end:
                break
            await asyncio.sleep(max(1, min(end, until - ASKS_AHEAD_S) - used))
            used = int(self.now_s() - connected_s)
            if used >= end:
                break
            if reports and rng.random() < 0.7:
                self.begin(self.ask(self.request(RequestType.UPDATE, key, user, usage=Usage(seconds=used))))
            number += 1
            asking = self._ask_again(key, user, number, used if tells else None, slice_s, used=used)
            try:
                until = max(until, await asyncio.wait_for(asking, max(0, until - used)))
            except TimeoutError:
                continue
        if not manners.loses_stop:
            stop = self.request(RequestType.TERMINATION, key, user, usage=Usage(seconds=used))
            self.begin(self.ask(stop))

    async def _ask_again(
        self, key: str, user: str, number: int, told: int | None, slice_s: int, *, used: int
    ) -> int:
        """Ask for the next slice; the second until which the call may go on, 0 when it was not granted."""
        usage = None if told is None or not number else Usage(seconds=told)
        answer: Outcome | NoAnswer | None = await self.ask(
            self.request(
                RequestType.INITIAL,
                key,
                user,
                usage=usage,
                request_key=f"{key}/{number}",
                slice_units=slice_s,
            )
        )
        if not isinstance(answer, Outcome) or not answer.code.is_success or not answer.granted_units:
            return 0
        until = used + answer.granted_units
        assert isinstance(self._listener, RenewalAuditor)
        self._listener.told(self.gateway.id, key, user, until)
        return until


class RenewalSimulation(Simulation):
    """Every RADIUS gateway asks again by itself, whatever its policy."""

    auditor_type = RenewalAuditor

    def _equipment(
        self, kind: type[RadiusGateway | Softswitch], gateway: Gateway
    ) -> RadiusGateway | Softswitch:
        return super()._equipment(AskingGateway if kind is RadiusGateway else kind, gateway)
