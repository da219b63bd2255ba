"""The servicer of `ocs.v1.Rating`: quotes, searches, rate sheets in and out.

Owns the way of one call, files under way and the pages of a search. Does not own what messages mean
(`ocs.grpc.rating_translation`), what a sheet means (`ocs.rating.sheet`) or who may call
(`ocs.grpc.admission`).
Whatever takes long runs in a thread: the event loop belongs to charging.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from hashlib import blake2b
from itertools import islice
from typing import BinaryIO, cast

from google.protobuf.json_format import MessageToDict, Parse

from ocs.charging.audit import Command
from ocs.charging.naming import find_account
from ocs.charging.outcome import OutcomeCode
from ocs.charging.quotation import quote_account, quote_tariff
from ocs.charging.tariff_book import find_terms, import_writes
from ocs.errors import AlreadyExistsError, InputError, NotFoundError
from ocs.grpc.access import Caller
from ocs.grpc.admission import Door, Permit
from ocs.grpc.pb import rating_pb2 as pb
from ocs.grpc.pb import rating_pb2_grpc
from ocs.grpc.peer import Context
from ocs.grpc.rating_translation import (
    FORMATS,
    MODES,
    PASTS,
    asked_seconds,
    member,
    probe_period,
    tariff_of,
    to_filter,
    to_import_response,
    to_question,
    to_quote_response,
    to_rate_message,
    zone_of,
)
from ocs.grpc.resource import check_request_id, id_of, page_position, page_size_of, page_token
from ocs.grpc.tariff_shelf import TariffShelf
from ocs.ports import AuditEntry, CatalogStore, Clock, LedgerStore
from ocs.rating.destination import is_special
from ocs.rating.directory import Directory
from ocs.rating.index import Tariff
from ocs.rating.search import RateFilter, search
from ocs.rating.sheet import (
    EXPORTED,
    ImportPlan,
    Sheet,
    SheetFormat,
    Step,
    find_column,
    parse_sheet,
    plan_import,
    write_sheet,
)
from ocs.rating.sheet_xlsx import MAGIC
from ocs.rating.tariff import Rate
from ocs.units import MILLIS_PER_SECOND

SERVICE = pb.DESCRIPTOR.services_by_name["Rating"].full_name
CHUNK_OCTETS = 64 * 1024
SHEET_OCTETS_MAX = 256 * 1024 * 1024
"A million rates are some 60 MB of CSV."
IN_MEMORY_OCTETS = 1024 * 1024
"A larger file goes to the disk while it is under way."


class RatingServicer(rating_pb2_grpc.RatingServicer):
    """Serves `ocs.v1.Rating`. Methods with capitals are the protocol's."""

    def __init__(self, ledger: LedgerStore, catalog: CatalogStore, clock: Clock, permit: Permit) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock
        self._door = Door(permit, SERVICE)
        self._shelf = TariffShelf(catalog)

    @property
    def _now_s(self) -> int:
        return self._clock.now_ms() // MILLIS_PER_SECOND

    # ------------------------------------------------------------------------------ quotes, periods

    async def Quote(self, request: pb.QuoteRequest, context: Context) -> pb.QuoteResponse:  # noqa: N802 protocol's
        """Price a service for an account or by a tariff."""
        return await self._door.serve(context, "Quote", lambda _: self._quote(request))

    async def _quote(self, request: pb.QuoteRequest) -> pb.QuoteResponse:
        question = to_question(request, now_s=self._now_s)
        zone = zone_of(request.time_zone)
        payer = request.WhichOneof("payer")
        if payer == "tariff":
            name = id_of(request.tariff, "tariffs", payer)
            return to_quote_response(
                await quote_tariff(self._catalog, name, question, zone=zone, funds_micros=None)
            )
        if payer is None:
            raise InputError("payer", "an account or a tariff is needed")
        name = id_of(request.account, "accounts", payer)
        profile = await find_account(self._catalog, name)
        try:
            quotation = await quote_account(self._ledger, self._catalog, profile, question)
        except NotFoundError:
            refused = OutcomeCode.SERVICE_NOT_AVAILABLE
            return pb.QuoteResponse(result_code=refused.result_code, reason=refused.reason)
        return to_quote_response(quotation)

    async def TestOffPeakPeriod(  # noqa: N802 protocol's
        self, request: pb.TestOffPeakPeriodRequest, context: Context
    ) -> pb.TestOffPeakPeriodResponse:
        """Check a period and say when it holds."""
        return await self._door.serve(
            context,
            "TestOffPeakPeriod",
            lambda _: asyncio.to_thread(probe_period, request, now_s=self._now_s),
        )

    # ------------------------------------------------------------------------------ rates

    async def SearchRates(  # noqa: N802 protocol's
        self, request: pb.SearchRatesRequest, context: Context
    ) -> pb.SearchRatesResponse:
        """Find rates, a page at a time."""
        return await self._door.serve(context, "SearchRates", lambda _: self._search(request))

    async def _search(self, request: pb.SearchRatesRequest) -> pb.SearchRatesResponse:
        wanted = to_filter(request, now_s=self._now_s)
        size = page_size_of(request)
        after = page_position(request)
        directory = Directory(await self._catalog.load_destinations())
        page: list[tuple[str, Rate]] = []
        for terms in await self._shelf.named(tariff_of(request.parent)):
            if after is not None and terms.name < str(after[0]):
                continue
            tariff = await self._shelf.tariff(terms)
            skip = _is_after(after) if after is not None and after[0] == terms.name else None
            rates = await asyncio.to_thread(_find, tariff, wanted, directory, skip, size + 1 - len(page))
            page += [(terms.name, rate) for rate in rates]
            if len(page) > size:
                break
        response = pb.SearchRatesResponse(
            rates=[
                to_rate_message(tariff_name, rate, directory.find(rate.destination))
                for tariff_name, rate in page[:size]
            ]
        )
        if len(page) > size:
            tariff_name, last = page[size - 1]
            place = (tariff_name, last.destination, last.effective_from_s)
            response.next_page_token = page_token(request, place)
        return response

    # ------------------------------------------------------------------------------ sheets

    async def ImportSheet(  # noqa: N802 protocol's
        self, request_iterator: AsyncIterator[pb.ImportSheetRequest], context: Context
    ) -> pb.ImportSheetResponse:
        """Read a rate sheet and show what it would change, or change it."""
        return await self._door.serve(
            context, "ImportSheet", lambda caller: self._receive(request_iterator, caller)
        )

    async def _receive(
        self, parts: AsyncIterator[pb.ImportSheetRequest], caller: Caller
    ) -> pb.ImportSheetResponse:
        with _open_file() as file:
            options, digest = await _receive_sheet(parts, file)
            if not options.validate_only:
                check_request_id(options.request_id)
            command = Command(caller.title, self._clock.now_ms(), options.request_id or None, digest)
            return await self._import(options, file, command)

    async def _import(
        self, options: pb.ImportSheetOptions, file: BinaryIO, command: Command
    ) -> pb.ImportSheetResponse:
        terms = await find_terms(self._catalog, tariff_of(options.parent))
        done = None if options.validate_only else await self._find_done(command)
        if done is not None:
            return done
        existing = await self._shelf.tariff(terms)
        sheet, plan = await asyncio.to_thread(_plan, options, file, existing, self._now_s)
        has_errors = bool(sheet.error_count or plan.errors)
        if options.validate_only or (has_errors and not options.skip_bad):
            return to_import_response(sheet, plan, imported=False)
        response = to_import_response(sheet, plan, imported=True)
        audit = command.entry("import", options.parent, after=MessageToDict(response))
        try:
            await self._write(existing, plan, audit)
        except AlreadyExistsError:
            # The same request came twice at once, and the other one was first.
            done = await self._find_done(command)
            if done is None:
                raise
            return done
        return response

    async def _write(self, existing: Tariff, plan: ImportPlan, audit: AuditEntry) -> None:
        if plan.write_count or plan.counts[Step.REMOVED]:
            await self._catalog.write_rates(existing.terms.id, import_writes(existing, plan), audit=audit)
        else:
            await self._catalog.append_audit(audit)

    async def _find_done(self, command: Command) -> pb.ImportSheetResponse | None:
        """What the same import was answered before; None: it was not made yet."""
        assert command.request_id is not None, "it was checked"
        entry = await self._catalog.find_audit(command.request_id)
        if entry is None:
            return None
        if entry.request_digest != command.request_digest:
            raise AlreadyExistsError(f"request {command.request_id!r} was made before with another body")
        return Parse(entry.after, pb.ImportSheetResponse())

    async def ExportSheet(  # noqa: N802 protocol's
        self, request: pb.ExportSheetRequest, context: Context
    ) -> AsyncIterator[pb.ExportSheetResponse]:
        """Write a tariff's rates as a sheet."""
        with _open_file() as file:
            await self._door.serve(context, "ExportSheet", lambda _: self._export(request, file))
            file.seek(0)
            while chunk := await asyncio.to_thread(file.read, CHUNK_OCTETS):
                yield pb.ExportSheetResponse(chunk=chunk)

    async def _export(self, request: pb.ExportSheetRequest, file: BinaryIO) -> None:
        """Make the whole file first, so that what cannot be exported is refused before anything is sent."""
        columns = [find_column(title, "columns") for title in request.columns] or EXPORTED
        at_s = asked_seconds(request, "effective_at")
        form = member(FORMATS, request.format, "format")
        zone = zone_of(request.time_zone)
        terms = await find_terms(self._catalog, tariff_of(request.parent))
        tariff = await self._shelf.tariff(terms)
        directory = Directory(await self._catalog.load_destinations())
        rates = search(tariff, RateFilter(effective_at_s=at_s))
        await asyncio.to_thread(write_sheet, rates, columns, file, form=form, zone=zone, directory=directory)


def _open_file() -> BinaryIO:
    """A file for the time of one call."""
    return cast("BinaryIO", tempfile.SpooledTemporaryFile(IN_MEMORY_OCTETS))


def _is_after(position: Sequence[str | int]) -> Callable[[Rate], bool]:
    """Whether a rate stands behind a position, (tariff, destination, instant), in the order of a search."""
    _, destination, effective_from_s = position
    place = (not is_special(str(destination)), destination, effective_from_s)
    return lambda rate: (not is_special(rate.destination), rate.destination, rate.effective_from_s) > place


def _find(
    tariff: Tariff,
    wanted: RateFilter,
    directory: Directory,
    counts: Callable[[Rate], bool] | None,
    limit: int,
) -> Sequence[Rate]:
    """The first rates that match and count."""
    return list(islice(filter(counts, search(tariff, wanted, directory)), limit))


async def _receive_sheet(
    parts: AsyncIterator[pb.ImportSheetRequest], file: BinaryIO
) -> tuple[pb.ImportSheetOptions, str]:
    """Write the sheet that arrives into `file`; its options, and the digest of both."""
    options: pb.ImportSheetOptions | None = None
    digest = blake2b(digest_size=16, person=b"ImportSheet")
    octets = 0
    async for part in parts:
        if part.WhichOneof("part") == "options":
            if options is not None:
                raise InputError("options", "come once, in the first message")
            options = part.options
            digest.update(options.SerializeToString(deterministic=True))
            continue
        if options is None:
            raise InputError("options", "are needed in the first message")
        octets += len(part.chunk)
        if octets > SHEET_OCTETS_MAX:
            raise InputError("chunk", f"the sheet is above {SHEET_OCTETS_MAX} octets")
        digest.update(part.chunk)
        file.write(part.chunk)
    if options is None:
        raise InputError("options", "are needed in the first message")
    file.seek(0)
    return options, digest.hexdigest()


def _plan(
    options: pb.ImportSheetOptions, file: BinaryIO, existing: Tariff, now_s: int
) -> tuple[Sheet, ImportPlan]:
    """Read the whole sheet and compare it with the tariff."""
    mode = member(MODES, options.mode, "options.mode")
    past = member(PASTS, options.past_rows, "options.past_rows")
    _check_format(options.format, file)
    zone = zone_of(options.time_zone, "options.time_zone").key
    sheet = parse_sheet(file, name="sheet", now_s=now_s, zone=zone, mapping=dict(options.columns))
    return sheet, plan_import(existing, sheet, mode=mode, now_s=now_s, past=past)


def _check_format(asked: "pb.SheetFormat", file: BinaryIO) -> None:
    """InputError when the file is not of the format that it is said to have."""
    is_workbook = file.read(len(MAGIC)) == MAGIC
    file.seek(0)
    if (
        asked != pb.SHEET_FORMAT_UNSPECIFIED
        and (member(FORMATS, asked, "options.format") is SheetFormat.XLSX) != is_workbook
    ):
        raise InputError("options.format", "the file is of the other format: CSV or XLSX")
