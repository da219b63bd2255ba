"""Between `proto/rating.proto` and rating: questions, filters and sheet options in; prices and rates out.

Does not own what any of them means (`ocs.rating`, `ocs.charging.quotation`) or the calls (`ocs.grpc.rating`).
Everything here raises `InputError` that names the field.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from google.protobuf.timestamp_pb2 import Timestamp

from ocs.charging.master_data import check_zone
from ocs.charging.outcome import OutcomeCode
from ocs.charging.quotation import Question, Quotation
from ocs.errors import InputError
from ocs.grpc.pb import rating_pb2 as pb
from ocs.grpc.resource import id_of, instant_of, name_of
from ocs.grpc.validation import ACCESS_CODES, UNITS_MAX
from ocs.rating.destination import ANY, DEFAULT, parse_mobile_network
from ocs.rating.directory import DestinationInfo
from ocs.rating.explanation import Explanation, StepKind, exact_text
from ocs.rating.period import Period
from ocs.rating.schedule import Schedule
from ocs.rating.search import RateFilter
from ocs.rating.selection import RatingRefusal
from ocs.rating.sheet import ImportMode, ImportPlan, PastMode, Sheet, SheetFormat, Step
from ocs.rating.tariff import PriceSet, Rate
from ocs.units import SERVICES, VOICE, AccessCode

T = TypeVar("T")

NUMBER_DIGITS_MAX = 64
PERIOD_CHARACTERS_MAX = 1000
INSTANTS_MAX = 100
SECONDS_MAX = int(datetime(9000, 1, 1, tzinfo=UTC).timestamp())
LOOK_AHEAD_S = int(timedelta(days=731).total_seconds())
"How far the next change of a period is looked for."

REFUSALS: Mapping[RatingRefusal, OutcomeCode] = {
    RatingRefusal.NO_RATE: OutcomeCode.NO_RATE,
    RatingRefusal.FORBIDDEN: OutcomeCode.DESTINATION_FORBIDDEN,
}
FLAGS: Mapping[int, bool | None] = {
    pb.FLAG_FILTER_UNSPECIFIED: None,
    pb.FLAG_FILTER_SET: True,
    pb.FLAG_FILTER_UNSET: False,
}
MODES: Mapping[int, ImportMode] = {
    pb.IMPORT_MODE_UNSPECIFIED: ImportMode.ADD,
    pb.IMPORT_MODE_ADD: ImportMode.ADD,
    pb.IMPORT_MODE_REPLACE: ImportMode.REPLACE,
}
PASTS: Mapping[int, PastMode] = {
    pb.PAST_ROWS_UNSPECIFIED: PastMode.NOW,
    pb.PAST_ROWS_NOW: PastMode.NOW,
    pb.PAST_ROWS_SKIP: PastMode.SKIP,
}
FORMATS: Mapping[int, SheetFormat] = {
    pb.SHEET_FORMAT_UNSPECIFIED: SheetFormat.CSV,
    pb.SHEET_FORMAT_CSV: SheetFormat.CSV,
    pb.SHEET_FORMAT_XLSX: SheetFormat.XLSX,
}
_STEP_KINDS: Mapping[StepKind, pb.PriceStepKind] = {
    StepKind.USAGE: pb.PRICE_STEP_KIND_USAGE,
    StepKind.SURCHARGE: pb.PRICE_STEP_KIND_SURCHARGE,
    StepKind.DISCOUNT: pb.PRICE_STEP_KIND_DISCOUNT,
}
_STATUSES = ("discontinued", "forbidden", "hidden", "payback", "special")
_NOWHERE = DestinationInfo(prefix="")
_SHEET_PLACE = re.compile(r"line (\d+)(?:, column '(.*)')?", re.DOTALL)


def member(table: Mapping[int, T], number: int, place: str) -> T:
    """What an enum's number stands for."""
    if number not in table:
        raise InputError(place, f"{number} is not a value of this field")
    return table[number]


def digits_of(text: str, place: str) -> str:
    """A telephone number or a part of one; it may be empty."""
    if text and not (text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS_MAX):
        raise InputError(place, f"{text[:80]!r} is not up to {NUMBER_DIGITS_MAX} digits")
    return text


def zone_of(text: str, place: str = "time_zone") -> ZoneInfo:
    """A time zone; UTC when none is named."""
    check_zone(text or "UTC", place)
    return ZoneInfo(text or "UTC")


def seconds_of(timestamp: Timestamp, place: str) -> int:
    """Epoch seconds of an instant that calendars and time zones can be asked about."""
    if not 0 <= timestamp.seconds < SECONDS_MAX:
        raise InputError(place, f"{timestamp.seconds} s is not between 1970 and 9000")
    return timestamp.seconds


def asked_seconds(message: Any, field: str) -> int | None:
    """Epoch seconds in a field; None when it is absent."""
    return seconds_of(getattr(message, field), field) if message.HasField(field) else None


# ---------------------------------------------------------------------------------- quotes


def to_question(message: pb.QuoteRequest, *, now_s: int) -> Question:
    """What shall be priced."""
    service = SERVICES.get(message.service or VOICE.name)
    if service is None:
        raise InputError("service", f"{message.service!r} is not a service of this server")
    access_code = member(ACCESS_CODES, message.access_code, "access_code")
    called = digits_of(message.called, "called")
    if service.destination is None and not called and access_code is not AccessCode.INCOMING:
        raise InputError("called", f"is needed: {service.name} is priced by the called number")
    if not 0 <= message.units < UNITS_MAX:
        raise InputError("units", f"{message.units} is not within 0..{UNITS_MAX - 1}")
    start_s = asked_seconds(message, "start_time")
    return Question(
        service=service,
        units=message.units,
        at_s=now_s if start_s is None else start_s,
        access_code=access_code,
        called=called,
        calling=digits_of(message.calling, "calling"),
        network=parse_mobile_network(message.network),
    )


def to_quote_response(quotation: Quotation) -> pb.QuoteResponse:
    """The price of every payer, or why there is none."""
    code = OutcomeCode.SUCCESS if quotation.refusal is None else REFUSALS[quotation.refusal]
    prices = [to_price(line.explanation) for line in quotation.lines]
    return pb.QuoteResponse(result_code=code.result_code, reason=code.reason, prices=prices)


def to_price(explained: Explanation) -> pb.Price:
    """A price with its steps."""
    is_default = explained.destination == DEFAULT
    return pb.Price(
        tariff=name_of("tariffs", explained.tariff),
        rate=""
        if is_default
        else rate_name(explained.tariff, explained.destination, explained.effective_from_s),
        destination="" if is_default else explained.destination,
        effective_time=instant_of(explained.effective_from_s),
        payback=explained.payback,
        price_set=explained.price_set,
        price_set_reason=explained.reason,
        used_units=explained.used_units,
        billed_units=explained.billed_units,
        billed_unit=explained.billed_unit,
        steps=[
            pb.PriceStep(
                kind=_STEP_KINDS[step.kind],
                text=step.text,
                price_set=step.price_set,
                blocks=step.blocks,
                billed_units=step.billed_units,
                amount=exact_text(step.amount),
            )
            for step in explained.steps
        ],
        exact=exact_text(explained.exact),
        rounding=explained.rounding,
        charge_micros=explained.charge_micros,
        currency=explained.currency,
    )


# ---------------------------------------------------------------------------------- rates


def to_filter(message: pb.SearchRatesRequest, *, now_s: int) -> RateFilter:
    """What rates must satisfy."""
    at_s = asked_seconds(message, "effective_at")
    number = digits_of(message.number, "number")
    return RateFilter(
        number=number,
        prefix=digits_of(message.prefix, "prefix"),
        destination=message.destination,
        country=message.country,
        mcc=message.mcc,
        mnc=message.mnc,
        group=message.group,
        effective_at_s=now_s if number and at_s is None else at_s,
        effective_before_s=asked_seconds(message, "effective_before"),
        effective_after_s=asked_seconds(message, "effective_after"),
        **{status: member(FLAGS, getattr(message, status), status) for status in _STATUSES},
    )


def rate_name(tariff: str, destination: str, effective_from_s: int) -> str:
    """The name of a rate; any number is written as a word, because `|` stands in no name."""
    word = "any" if destination == ANY else destination
    return f"{name_of('tariffs', tariff)}/rates/{word}-{effective_from_s}"


def to_rate_message(tariff: str, rate: Rate, info: DestinationInfo | None) -> pb.Rate:
    """A rate, with what the directory says of its destination."""
    place = info or _NOWHERE
    return pb.Rate(
        name=rate_name(tariff, rate.destination, rate.effective_from_s),
        destination=rate.destination,
        effective_time=instant_of(rate.effective_from_s),
        peak=_to_price_set(rate.peak),
        off_peaks=[
            pb.OffPeak(prices=_to_price_set(one.prices), period=_period_text(one.period))
            for one in rate.off_peak
        ],
        payback=rate.payback,
        hidden=rate.hidden,
        discontinued=rate.discontinued,
        forbidden=rate.forbidden,
        description=place.description,
        country=place.country,
        country_code=place.iso,
        mcc=place.mcc,
        mnc=place.mnc,
        group=place.group,
    )


def _to_price_set(prices: PriceSet) -> pb.PriceSet:
    return pb.PriceSet(
        first_interval_s=prices.first_interval_s,
        next_interval_s=prices.next_interval_s,
        first_price_nanos=prices.first_price_nanos,
        next_price_nanos=prices.next_price_nanos,
        rounding=prices.rounding,
        unit_price_nanos=prices.unit_price_nanos,
        formula=prices.formula,
        route_category=prices.route_category,
        preference=prices.preference,
        huntstop=prices.huntstop,
    )


def _period_text(period: str | None) -> str:
    """Empty stands for the tariff's own period, so one that always holds says so in another way."""
    return "" if period is None else period or "hr{0-23}"


# ---------------------------------------------------------------------------------- sheets


def tariff_of(parent: str) -> str:
    """The tariff that a request works on."""
    return id_of(parent, "tariffs", "parent")


def to_import_response(sheet: Sheet, plan: ImportPlan, *, imported: bool) -> pb.ImportSheetResponse:
    """What an import changed or would change."""
    counts = plan.counts
    errors = [*sheet.errors, *plan.errors]
    return pb.ImportSheetResponse(
        imported=imported,
        rows=sheet.row_count,
        created_rates=counts[Step.NEW],
        changed_rates=counts[Step.CHANGED],
        discontinued_rates=counts[Step.DISCONTINUED],
        removed_rates=counts[Step.REMOVED],
        unchanged_rows=counts[Step.UNCHANGED],
        skipped_rows=counts[Step.SKIPPED],
        dearer_rates=plan.moves.up,
        cheaper_rates=plan.moves.down,
        errors=[to_sheet_error(error) for error in errors[:1000]],
        error_count=sheet.error_count + counts[Step.UNPRICED],
    )


def to_sheet_error(error: InputError) -> pb.SheetError:
    """A bad row; what is not of one row keeps its place in the reason."""
    found = _SHEET_PLACE.search(error.place)
    if found is None:
        return pb.SheetError(reason=str(error))
    return pb.SheetError(line=int(found[1]), column=found[2] or "", reason=error.reason)


# ---------------------------------------------------------------------------------- periods


def probe_period(message: pb.TestOffPeakPeriodRequest, *, now_s: int) -> pb.TestOffPeakPeriodResponse:
    """What a period says of some instants, or what is wrong with it."""
    zone = zone_of(message.time_zone)
    if not 1 <= len(message.period) <= PERIOD_CHARACTERS_MAX:
        raise InputError("period", f"has {len(message.period)} characters: 1 to {PERIOD_CHARACTERS_MAX}")
    if len(message.instants) > INSTANTS_MAX:
        raise InputError("instants", f"{len(message.instants)} of them: up to {INSTANTS_MAX}")
    try:
        period = Period.parse(message.period)
    except InputError as error:
        column = error.place.rpartition(" ")[2]
        return pb.TestOffPeakPeriodResponse(error_column=int(column), error=error.reason)
    schedule = Schedule((period,))
    instants = [seconds_of(instant, "instants") for instant in message.instants] or [now_s]
    tests = [_probe(schedule, at_s, zone) for at_s in instants]
    return pb.TestOffPeakPeriodResponse(valid=True, tests=tests)


def _probe(schedule: Schedule, at_s: int, zone: ZoneInfo) -> pb.PeriodTest:
    now_set, until_s = schedule.stretch(at_s, zone)
    found = pb.PeriodTest(
        instant=instant_of(at_s),
        local_time=datetime.fromtimestamp(at_s, zone).isoformat(),
        off_peak=bool(now_set),
    )
    while until_s < at_s + LOOK_AHEAD_S:
        next_set, end_s = schedule.stretch(until_s, zone)
        if next_set != now_set:
            found.next_change_time.seconds = until_s
            break
        until_s = end_s
    return found
