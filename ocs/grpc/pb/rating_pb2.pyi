import datetime

from ocs.grpc.pb import charging_pb2 as _charging_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OffPeakWhen(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFF_PEAK_WHEN_UNSPECIFIED: _ClassVar[OffPeakWhen]
    OFF_PEAK_WHEN_STARTS: _ClassVar[OffPeakWhen]
    OFF_PEAK_WHEN_FINISHES: _ClassVar[OffPeakWhen]
    OFF_PEAK_WHEN_BOTH: _ClassVar[OffPeakWhen]
    OFF_PEAK_WHEN_SPLIT: _ClassVar[OffPeakWhen]

class RoundMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROUND_MODE_UNSPECIFIED: _ClassVar[RoundMode]
    ROUND_MODE_HALF_AWAY_FROM_ZERO: _ClassVar[RoundMode]
    ROUND_MODE_AWAY_FROM_ZERO: _ClassVar[RoundMode]
    ROUND_MODE_TOWARD_ZERO: _ClassVar[RoundMode]

class FlagFilter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FLAG_FILTER_UNSPECIFIED: _ClassVar[FlagFilter]
    FLAG_FILTER_SET: _ClassVar[FlagFilter]
    FLAG_FILTER_UNSET: _ClassVar[FlagFilter]

class SheetFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHEET_FORMAT_UNSPECIFIED: _ClassVar[SheetFormat]
    SHEET_FORMAT_CSV: _ClassVar[SheetFormat]
    SHEET_FORMAT_XLSX: _ClassVar[SheetFormat]

class ImportMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMPORT_MODE_UNSPECIFIED: _ClassVar[ImportMode]
    IMPORT_MODE_ADD: _ClassVar[ImportMode]
    IMPORT_MODE_REPLACE: _ClassVar[ImportMode]

class PastRows(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PAST_ROWS_UNSPECIFIED: _ClassVar[PastRows]
    PAST_ROWS_NOW: _ClassVar[PastRows]
    PAST_ROWS_SKIP: _ClassVar[PastRows]

class PriceStepKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_STEP_KIND_UNSPECIFIED: _ClassVar[PriceStepKind]
    PRICE_STEP_KIND_USAGE: _ClassVar[PriceStepKind]
    PRICE_STEP_KIND_SURCHARGE: _ClassVar[PriceStepKind]
    PRICE_STEP_KIND_DISCOUNT: _ClassVar[PriceStepKind]
OFF_PEAK_WHEN_UNSPECIFIED: OffPeakWhen
OFF_PEAK_WHEN_STARTS: OffPeakWhen
OFF_PEAK_WHEN_FINISHES: OffPeakWhen
OFF_PEAK_WHEN_BOTH: OffPeakWhen
OFF_PEAK_WHEN_SPLIT: OffPeakWhen
ROUND_MODE_UNSPECIFIED: RoundMode
ROUND_MODE_HALF_AWAY_FROM_ZERO: RoundMode
ROUND_MODE_AWAY_FROM_ZERO: RoundMode
ROUND_MODE_TOWARD_ZERO: RoundMode
FLAG_FILTER_UNSPECIFIED: FlagFilter
FLAG_FILTER_SET: FlagFilter
FLAG_FILTER_UNSET: FlagFilter
SHEET_FORMAT_UNSPECIFIED: SheetFormat
SHEET_FORMAT_CSV: SheetFormat
SHEET_FORMAT_XLSX: SheetFormat
IMPORT_MODE_UNSPECIFIED: ImportMode
IMPORT_MODE_ADD: ImportMode
IMPORT_MODE_REPLACE: ImportMode
PAST_ROWS_UNSPECIFIED: PastRows
PAST_ROWS_NOW: PastRows
PAST_ROWS_SKIP: PastRows
PRICE_STEP_KIND_UNSPECIFIED: PriceStepKind
PRICE_STEP_KIND_USAGE: PriceStepKind
PRICE_STEP_KIND_SURCHARGE: PriceStepKind
PRICE_STEP_KIND_DISCOUNT: PriceStepKind

class PriceSet(_message.Message):
    __slots__ = ("first_interval_s", "next_interval_s", "first_price_nanos", "next_price_nanos", "rounding", "unit_price_nanos", "formula", "route_category", "preference", "huntstop")
    FIRST_INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    NEXT_INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    FIRST_PRICE_NANOS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PRICE_NANOS_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_FIELD_NUMBER: _ClassVar[int]
    UNIT_PRICE_NANOS_FIELD_NUMBER: _ClassVar[int]
    FORMULA_FIELD_NUMBER: _ClassVar[int]
    ROUTE_CATEGORY_FIELD_NUMBER: _ClassVar[int]
    PREFERENCE_FIELD_NUMBER: _ClassVar[int]
    HUNTSTOP_FIELD_NUMBER: _ClassVar[int]
    first_interval_s: int
    next_interval_s: int
    first_price_nanos: int
    next_price_nanos: int
    rounding: int
    unit_price_nanos: int
    formula: str
    route_category: str
    preference: int
    huntstop: bool
    def __init__(self, first_interval_s: _Optional[int] = ..., next_interval_s: _Optional[int] = ..., first_price_nanos: _Optional[int] = ..., next_price_nanos: _Optional[int] = ..., rounding: _Optional[int] = ..., unit_price_nanos: _Optional[int] = ..., formula: _Optional[str] = ..., route_category: _Optional[str] = ..., preference: _Optional[int] = ..., huntstop: _Optional[bool] = ...) -> None: ...

class OffPeak(_message.Message):
    __slots__ = ("prices", "period")
    PRICES_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    prices: PriceSet
    period: str
    def __init__(self, prices: _Optional[_Union[PriceSet, _Mapping]] = ..., period: _Optional[str] = ...) -> None: ...

class Rate(_message.Message):
    __slots__ = ("name", "destination", "effective_time", "peak", "off_peaks", "payback", "hidden", "discontinued", "forbidden", "description", "country", "country_code", "mcc", "mnc", "group", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    PEAK_FIELD_NUMBER: _ClassVar[int]
    OFF_PEAKS_FIELD_NUMBER: _ClassVar[int]
    PAYBACK_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    DISCONTINUED_FIELD_NUMBER: _ClassVar[int]
    FORBIDDEN_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_CODE_FIELD_NUMBER: _ClassVar[int]
    MCC_FIELD_NUMBER: _ClassVar[int]
    MNC_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    destination: str
    effective_time: _timestamp_pb2.Timestamp
    peak: PriceSet
    off_peaks: _containers.RepeatedCompositeFieldContainer[OffPeak]
    payback: bool
    hidden: bool
    discontinued: bool
    forbidden: bool
    description: str
    country: str
    country_code: str
    mcc: str
    mnc: str
    group: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., destination: _Optional[str] = ..., effective_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., peak: _Optional[_Union[PriceSet, _Mapping]] = ..., off_peaks: _Optional[_Iterable[_Union[OffPeak, _Mapping]]] = ..., payback: _Optional[bool] = ..., hidden: _Optional[bool] = ..., discontinued: _Optional[bool] = ..., forbidden: _Optional[bool] = ..., description: _Optional[str] = ..., country: _Optional[str] = ..., country_code: _Optional[str] = ..., mcc: _Optional[str] = ..., mnc: _Optional[str] = ..., group: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class PriceStep(_message.Message):
    __slots__ = ("kind", "text", "price_set", "blocks", "billed_units", "amount")
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PRICE_SET_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    BILLED_UNITS_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    kind: PriceStepKind
    text: str
    price_set: str
    blocks: int
    billed_units: int
    amount: str
    def __init__(self, kind: _Optional[_Union[PriceStepKind, str]] = ..., text: _Optional[str] = ..., price_set: _Optional[str] = ..., blocks: _Optional[int] = ..., billed_units: _Optional[int] = ..., amount: _Optional[str] = ...) -> None: ...

class Price(_message.Message):
    __slots__ = ("tariff", "rate", "destination", "effective_time", "payback", "price_set", "price_set_reason", "used_units", "billed_units", "billed_unit", "steps", "exact", "rounding", "charge_micros", "currency")
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    PAYBACK_FIELD_NUMBER: _ClassVar[int]
    PRICE_SET_FIELD_NUMBER: _ClassVar[int]
    PRICE_SET_REASON_FIELD_NUMBER: _ClassVar[int]
    USED_UNITS_FIELD_NUMBER: _ClassVar[int]
    BILLED_UNITS_FIELD_NUMBER: _ClassVar[int]
    BILLED_UNIT_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    ROUNDING_FIELD_NUMBER: _ClassVar[int]
    CHARGE_MICROS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    tariff: str
    rate: str
    destination: str
    effective_time: _timestamp_pb2.Timestamp
    payback: bool
    price_set: str
    price_set_reason: str
    used_units: int
    billed_units: int
    billed_unit: str
    steps: _containers.RepeatedCompositeFieldContainer[PriceStep]
    exact: str
    rounding: str
    charge_micros: int
    currency: str
    def __init__(self, tariff: _Optional[str] = ..., rate: _Optional[str] = ..., destination: _Optional[str] = ..., effective_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., payback: _Optional[bool] = ..., price_set: _Optional[str] = ..., price_set_reason: _Optional[str] = ..., used_units: _Optional[int] = ..., billed_units: _Optional[int] = ..., billed_unit: _Optional[str] = ..., steps: _Optional[_Iterable[_Union[PriceStep, _Mapping]]] = ..., exact: _Optional[str] = ..., rounding: _Optional[str] = ..., charge_micros: _Optional[int] = ..., currency: _Optional[str] = ...) -> None: ...

class QuoteRequest(_message.Message):
    __slots__ = ("account", "tariff", "service", "access_code", "called", "calling", "start_time", "units", "time_zone", "network")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_CODE_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    CALLING_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    account: str
    tariff: str
    service: str
    access_code: _charging_pb2.AccessCode
    called: str
    calling: str
    start_time: _timestamp_pb2.Timestamp
    units: int
    time_zone: str
    network: str
    def __init__(self, account: _Optional[str] = ..., tariff: _Optional[str] = ..., service: _Optional[str] = ..., access_code: _Optional[_Union[_charging_pb2.AccessCode, str]] = ..., called: _Optional[str] = ..., calling: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., units: _Optional[int] = ..., time_zone: _Optional[str] = ..., network: _Optional[str] = ...) -> None: ...

class QuoteResponse(_message.Message):
    __slots__ = ("result_code", "reason", "prices")
    RESULT_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    result_code: int
    reason: str
    prices: _containers.RepeatedCompositeFieldContainer[Price]
    def __init__(self, result_code: _Optional[int] = ..., reason: _Optional[str] = ..., prices: _Optional[_Iterable[_Union[Price, _Mapping]]] = ...) -> None: ...

class SearchRatesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "number", "prefix", "destination", "country", "mcc", "mnc", "group", "effective_at", "effective_before", "effective_after", "discontinued", "forbidden", "hidden", "payback", "special")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    MCC_FIELD_NUMBER: _ClassVar[int]
    MNC_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AFTER_FIELD_NUMBER: _ClassVar[int]
    DISCONTINUED_FIELD_NUMBER: _ClassVar[int]
    FORBIDDEN_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    PAYBACK_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    number: str
    prefix: str
    destination: str
    country: str
    mcc: str
    mnc: str
    group: str
    effective_at: _timestamp_pb2.Timestamp
    effective_before: _timestamp_pb2.Timestamp
    effective_after: _timestamp_pb2.Timestamp
    discontinued: FlagFilter
    forbidden: FlagFilter
    hidden: FlagFilter
    payback: FlagFilter
    special: FlagFilter
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., number: _Optional[str] = ..., prefix: _Optional[str] = ..., destination: _Optional[str] = ..., country: _Optional[str] = ..., mcc: _Optional[str] = ..., mnc: _Optional[str] = ..., group: _Optional[str] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., effective_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., effective_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., discontinued: _Optional[_Union[FlagFilter, str]] = ..., forbidden: _Optional[_Union[FlagFilter, str]] = ..., hidden: _Optional[_Union[FlagFilter, str]] = ..., payback: _Optional[_Union[FlagFilter, str]] = ..., special: _Optional[_Union[FlagFilter, str]] = ...) -> None: ...

class SearchRatesResponse(_message.Message):
    __slots__ = ("rates", "next_page_token")
    RATES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rates: _containers.RepeatedCompositeFieldContainer[Rate]
    next_page_token: str
    def __init__(self, rates: _Optional[_Iterable[_Union[Rate, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ImportSheetOptions(_message.Message):
    __slots__ = ("parent", "format", "mode", "past_rows", "columns", "time_zone", "skip_bad", "validate_only", "request_id")
    class ColumnsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    PAST_ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    SKIP_BAD_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    parent: str
    format: SheetFormat
    mode: ImportMode
    past_rows: PastRows
    columns: _containers.ScalarMap[str, str]
    time_zone: str
    skip_bad: bool
    validate_only: bool
    request_id: str
    def __init__(self, parent: _Optional[str] = ..., format: _Optional[_Union[SheetFormat, str]] = ..., mode: _Optional[_Union[ImportMode, str]] = ..., past_rows: _Optional[_Union[PastRows, str]] = ..., columns: _Optional[_Mapping[str, str]] = ..., time_zone: _Optional[str] = ..., skip_bad: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class ImportSheetRequest(_message.Message):
    __slots__ = ("options", "chunk")
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    options: ImportSheetOptions
    chunk: bytes
    def __init__(self, options: _Optional[_Union[ImportSheetOptions, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class SheetError(_message.Message):
    __slots__ = ("line", "column", "reason")
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    line: int
    column: str
    reason: str
    def __init__(self, line: _Optional[int] = ..., column: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class ImportSheetResponse(_message.Message):
    __slots__ = ("imported", "rows", "created_rates", "changed_rates", "discontinued_rates", "removed_rates", "unchanged_rows", "skipped_rows", "dearer_rates", "cheaper_rates", "errors", "error_count")
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    CREATED_RATES_FIELD_NUMBER: _ClassVar[int]
    CHANGED_RATES_FIELD_NUMBER: _ClassVar[int]
    DISCONTINUED_RATES_FIELD_NUMBER: _ClassVar[int]
    REMOVED_RATES_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_ROWS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_ROWS_FIELD_NUMBER: _ClassVar[int]
    DEARER_RATES_FIELD_NUMBER: _ClassVar[int]
    CHEAPER_RATES_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    imported: bool
    rows: int
    created_rates: int
    changed_rates: int
    discontinued_rates: int
    removed_rates: int
    unchanged_rows: int
    skipped_rows: int
    dearer_rates: int
    cheaper_rates: int
    errors: _containers.RepeatedCompositeFieldContainer[SheetError]
    error_count: int
    def __init__(self, imported: _Optional[bool] = ..., rows: _Optional[int] = ..., created_rates: _Optional[int] = ..., changed_rates: _Optional[int] = ..., discontinued_rates: _Optional[int] = ..., removed_rates: _Optional[int] = ..., unchanged_rows: _Optional[int] = ..., skipped_rows: _Optional[int] = ..., dearer_rates: _Optional[int] = ..., cheaper_rates: _Optional[int] = ..., errors: _Optional[_Iterable[_Union[SheetError, _Mapping]]] = ..., error_count: _Optional[int] = ...) -> None: ...

class ExportSheetRequest(_message.Message):
    __slots__ = ("parent", "format", "columns", "effective_at", "time_zone")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    EFFECTIVE_AT_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    parent: str
    format: SheetFormat
    columns: _containers.RepeatedScalarFieldContainer[str]
    effective_at: _timestamp_pb2.Timestamp
    time_zone: str
    def __init__(self, parent: _Optional[str] = ..., format: _Optional[_Union[SheetFormat, str]] = ..., columns: _Optional[_Iterable[str]] = ..., effective_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_zone: _Optional[str] = ...) -> None: ...

class ExportSheetResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class TestOffPeakPeriodRequest(_message.Message):
    __slots__ = ("period", "time_zone", "instants")
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    INSTANTS_FIELD_NUMBER: _ClassVar[int]
    period: str
    time_zone: str
    instants: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    def __init__(self, period: _Optional[str] = ..., time_zone: _Optional[str] = ..., instants: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ...) -> None: ...

class PeriodTest(_message.Message):
    __slots__ = ("instant", "local_time", "off_peak", "next_change_time")
    INSTANT_FIELD_NUMBER: _ClassVar[int]
    LOCAL_TIME_FIELD_NUMBER: _ClassVar[int]
    OFF_PEAK_FIELD_NUMBER: _ClassVar[int]
    NEXT_CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    instant: _timestamp_pb2.Timestamp
    local_time: str
    off_peak: bool
    next_change_time: _timestamp_pb2.Timestamp
    def __init__(self, instant: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., local_time: _Optional[str] = ..., off_peak: _Optional[bool] = ..., next_change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TestOffPeakPeriodResponse(_message.Message):
    __slots__ = ("valid", "error_column", "error", "tests")
    VALID_FIELD_NUMBER: _ClassVar[int]
    ERROR_COLUMN_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    TESTS_FIELD_NUMBER: _ClassVar[int]
    valid: bool
    error_column: int
    error: str
    tests: _containers.RepeatedCompositeFieldContainer[PeriodTest]
    def __init__(self, valid: _Optional[bool] = ..., error_column: _Optional[int] = ..., error: _Optional[str] = ..., tests: _Optional[_Iterable[_Union[PeriodTest, _Mapping]]] = ...) -> None: ...
