import datetime

from ocs.grpc.pb import charging_pb2 as _charging_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from ocs.grpc.pb import rating_pb2 as _rating_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AccountKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_KIND_UNSPECIFIED: _ClassVar[AccountKind]
    ACCOUNT_KIND_PREPAID: _ClassVar[AccountKind]
    ACCOUNT_KIND_POSTPAID: _ClassVar[AccountKind]

class AccountStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCOUNT_STATUS_UNSPECIFIED: _ClassVar[AccountStatus]
    ACCOUNT_STATUS_ACTIVE: _ClassVar[AccountStatus]
    ACCOUNT_STATUS_SUSPENDED: _ClassVar[AccountStatus]
    ACCOUNT_STATUS_BLOCKED: _ClassVar[AccountStatus]
    ACCOUNT_STATUS_CLOSED: _ClassVar[AccountStatus]

class ResetCycle(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESET_CYCLE_UNSPECIFIED: _ClassVar[ResetCycle]
    RESET_CYCLE_NEVER: _ClassVar[ResetCycle]
    RESET_CYCLE_DAILY: _ClassVar[ResetCycle]
    RESET_CYCLE_WEEKLY: _ClassVar[ResetCycle]
    RESET_CYCLE_MONTHLY: _ClassVar[ResetCycle]
    RESET_CYCLE_BILLING_DAY: _ClassVar[ResetCycle]

class DiscountCounting(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISCOUNT_COUNTING_UNSPECIFIED: _ClassVar[DiscountCounting]
    DISCOUNT_COUNTING_UNITS: _ClassVar[DiscountCounting]
    DISCOUNT_COUNTING_MONEY: _ClassVar[DiscountCounting]

class DiscountOwner(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISCOUNT_OWNER_UNSPECIFIED: _ClassVar[DiscountOwner]
    DISCOUNT_OWNER_ACCOUNT: _ClassVar[DiscountOwner]
    DISCOUNT_OWNER_ADD_ON: _ClassVar[DiscountOwner]
    DISCOUNT_OWNER_PLAN: _ClassVar[DiscountOwner]
    DISCOUNT_OWNER_CUSTOMER: _ClassVar[DiscountOwner]

class GrantMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GRANT_MODE_UNSPECIFIED: _ClassVar[GrantMode]
    GRANT_MODE_WHOLE: _ClassVar[GrantMode]
    GRANT_MODE_SLICE: _ClassVar[GrantMode]

class ExpiryCharge(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPIRY_CHARGE_UNSPECIFIED: _ClassVar[ExpiryCharge]
    EXPIRY_CHARGE_LAST_REPORT: _ClassVar[ExpiryCharge]
    EXPIRY_CHARGE_GRANTED: _ClassVar[ExpiryCharge]
    EXPIRY_CHARGE_ELAPSED: _ClassVar[ExpiryCharge]

class Requirement(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REQUIREMENT_UNSPECIFIED: _ClassVar[Requirement]
    REQUIREMENT_AUTO: _ClassVar[Requirement]
    REQUIREMENT_NO: _ClassVar[Requirement]
    REQUIREMENT_YES: _ClassVar[Requirement]

class ApiRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    API_ROLE_UNSPECIFIED: _ClassVar[ApiRole]
    API_ROLE_CHARGING: _ClassVar[ApiRole]
    API_ROLE_READ: _ClassVar[ApiRole]
    API_ROLE_ADMIN: _ClassVar[ApiRole]

class SessionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_STATE_UNSPECIFIED: _ClassVar[SessionState]
    SESSION_STATE_OPEN: _ClassVar[SessionState]
    SESSION_STATE_CLOSED: _ClassVar[SessionState]
    SESSION_STATE_EXPIRED: _ClassVar[SessionState]
    SESSION_STATE_REFUNDED: _ClassVar[SessionState]

class EntryKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENTRY_KIND_UNSPECIFIED: _ClassVar[EntryKind]
    ENTRY_KIND_PAYMENT: _ClassVar[EntryKind]
    ENTRY_KIND_CHARGE: _ClassVar[EntryKind]
    ENTRY_KIND_REFUND: _ClassVar[EntryKind]
    ENTRY_KIND_ADJUSTMENT: _ClassVar[EntryKind]
    ENTRY_KIND_TRANSFER: _ClassVar[EntryKind]
    ENTRY_KIND_RESET: _ClassVar[EntryKind]
    ENTRY_KIND_BONUS: _ClassVar[EntryKind]
    ENTRY_KIND_EXPIRY: _ClassVar[EntryKind]

class ExportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPORT_FORMAT_UNSPECIFIED: _ClassVar[ExportFormat]
    EXPORT_FORMAT_CSV: _ClassVar[ExportFormat]
    EXPORT_FORMAT_JSON_LINES: _ClassVar[ExportFormat]
ACCOUNT_KIND_UNSPECIFIED: AccountKind
ACCOUNT_KIND_PREPAID: AccountKind
ACCOUNT_KIND_POSTPAID: AccountKind
ACCOUNT_STATUS_UNSPECIFIED: AccountStatus
ACCOUNT_STATUS_ACTIVE: AccountStatus
ACCOUNT_STATUS_SUSPENDED: AccountStatus
ACCOUNT_STATUS_BLOCKED: AccountStatus
ACCOUNT_STATUS_CLOSED: AccountStatus
RESET_CYCLE_UNSPECIFIED: ResetCycle
RESET_CYCLE_NEVER: ResetCycle
RESET_CYCLE_DAILY: ResetCycle
RESET_CYCLE_WEEKLY: ResetCycle
RESET_CYCLE_MONTHLY: ResetCycle
RESET_CYCLE_BILLING_DAY: ResetCycle
DISCOUNT_COUNTING_UNSPECIFIED: DiscountCounting
DISCOUNT_COUNTING_UNITS: DiscountCounting
DISCOUNT_COUNTING_MONEY: DiscountCounting
DISCOUNT_OWNER_UNSPECIFIED: DiscountOwner
DISCOUNT_OWNER_ACCOUNT: DiscountOwner
DISCOUNT_OWNER_ADD_ON: DiscountOwner
DISCOUNT_OWNER_PLAN: DiscountOwner
DISCOUNT_OWNER_CUSTOMER: DiscountOwner
GRANT_MODE_UNSPECIFIED: GrantMode
GRANT_MODE_WHOLE: GrantMode
GRANT_MODE_SLICE: GrantMode
EXPIRY_CHARGE_UNSPECIFIED: ExpiryCharge
EXPIRY_CHARGE_LAST_REPORT: ExpiryCharge
EXPIRY_CHARGE_GRANTED: ExpiryCharge
EXPIRY_CHARGE_ELAPSED: ExpiryCharge
REQUIREMENT_UNSPECIFIED: Requirement
REQUIREMENT_AUTO: Requirement
REQUIREMENT_NO: Requirement
REQUIREMENT_YES: Requirement
API_ROLE_UNSPECIFIED: ApiRole
API_ROLE_CHARGING: ApiRole
API_ROLE_READ: ApiRole
API_ROLE_ADMIN: ApiRole
SESSION_STATE_UNSPECIFIED: SessionState
SESSION_STATE_OPEN: SessionState
SESSION_STATE_CLOSED: SessionState
SESSION_STATE_EXPIRED: SessionState
SESSION_STATE_REFUNDED: SessionState
ENTRY_KIND_UNSPECIFIED: EntryKind
ENTRY_KIND_PAYMENT: EntryKind
ENTRY_KIND_CHARGE: EntryKind
ENTRY_KIND_REFUND: EntryKind
ENTRY_KIND_ADJUSTMENT: EntryKind
ENTRY_KIND_TRANSFER: EntryKind
ENTRY_KIND_RESET: EntryKind
ENTRY_KIND_BONUS: EntryKind
ENTRY_KIND_EXPIRY: EntryKind
EXPORT_FORMAT_UNSPECIFIED: ExportFormat
EXPORT_FORMAT_CSV: ExportFormat
EXPORT_FORMAT_JSON_LINES: ExportFormat

class CreditReset(_message.Message):
    __slots__ = ("cycle", "balance_micros")
    CYCLE_FIELD_NUMBER: _ClassVar[int]
    BALANCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    cycle: ResetCycle
    balance_micros: int
    def __init__(self, cycle: _Optional[_Union[ResetCycle, str]] = ..., balance_micros: _Optional[int] = ...) -> None: ...

class Account(_message.Message):
    __slots__ = ("name", "kind", "currency", "status", "parent_account", "plan", "credit_limit_micros", "time_zone", "activate_time", "expire_time", "max_sessions", "max_service_sessions", "daily_spend_limit_micros", "low_balance_threshold_micros", "credit_reset", "balance_micros", "reserved_micros", "available_micros", "open_sessions", "etag")
    class MaxServiceSessionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PARENT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    CREDIT_LIMIT_MICROS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_SERVICE_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    DAILY_SPEND_LIMIT_MICROS_FIELD_NUMBER: _ClassVar[int]
    LOW_BALANCE_THRESHOLD_MICROS_FIELD_NUMBER: _ClassVar[int]
    CREDIT_RESET_FIELD_NUMBER: _ClassVar[int]
    BALANCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    RESERVED_MICROS_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_MICROS_FIELD_NUMBER: _ClassVar[int]
    OPEN_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: AccountKind
    currency: str
    status: AccountStatus
    parent_account: str
    plan: str
    credit_limit_micros: int
    time_zone: str
    activate_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    max_sessions: int
    max_service_sessions: _containers.ScalarMap[str, int]
    daily_spend_limit_micros: int
    low_balance_threshold_micros: int
    credit_reset: CreditReset
    balance_micros: int
    reserved_micros: int
    available_micros: int
    open_sessions: int
    etag: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[AccountKind, str]] = ..., currency: _Optional[str] = ..., status: _Optional[_Union[AccountStatus, str]] = ..., parent_account: _Optional[str] = ..., plan: _Optional[str] = ..., credit_limit_micros: _Optional[int] = ..., time_zone: _Optional[str] = ..., activate_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., max_sessions: _Optional[int] = ..., max_service_sessions: _Optional[_Mapping[str, int]] = ..., daily_spend_limit_micros: _Optional[int] = ..., low_balance_threshold_micros: _Optional[int] = ..., credit_reset: _Optional[_Union[CreditReset, _Mapping]] = ..., balance_micros: _Optional[int] = ..., reserved_micros: _Optional[int] = ..., available_micros: _Optional[int] = ..., open_sessions: _Optional[int] = ..., etag: _Optional[str] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ("name", "kind", "value", "secret", "has_secret", "max_sessions", "plan", "cost_centre", "etag", "payback_tariff", "primary")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    HAS_SECRET_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    COST_CENTRE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    PAYBACK_TARIFF_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: _charging_pb2.IdentityKind
    value: str
    secret: str
    has_secret: bool
    max_sessions: int
    plan: str
    cost_centre: str
    etag: str
    payback_tariff: str
    primary: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[_charging_pb2.IdentityKind, str]] = ..., value: _Optional[str] = ..., secret: _Optional[str] = ..., has_secret: _Optional[bool] = ..., max_sessions: _Optional[int] = ..., plan: _Optional[str] = ..., cost_centre: _Optional[str] = ..., etag: _Optional[str] = ..., payback_tariff: _Optional[str] = ..., primary: _Optional[str] = ...) -> None: ...

class TariffAssignment(_message.Message):
    __slots__ = ("service", "access_code", "tariff")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_CODE_FIELD_NUMBER: _ClassVar[int]
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    service: str
    access_code: _charging_pb2.AccessCode
    tariff: str
    def __init__(self, service: _Optional[str] = ..., access_code: _Optional[_Union[_charging_pb2.AccessCode, str]] = ..., tariff: _Optional[str] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("name", "tariffs", "override_tariff", "bill_by_ani", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TARIFFS_FIELD_NUMBER: _ClassVar[int]
    OVERRIDE_TARIFF_FIELD_NUMBER: _ClassVar[int]
    BILL_BY_ANI_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    tariffs: _containers.RepeatedCompositeFieldContainer[TariffAssignment]
    override_tariff: str
    bill_by_ani: bool
    etag: str
    def __init__(self, name: _Optional[str] = ..., tariffs: _Optional[_Iterable[_Union[TariffAssignment, _Mapping]]] = ..., override_tariff: _Optional[str] = ..., bill_by_ani: _Optional[bool] = ..., etag: _Optional[str] = ...) -> None: ...

class Tariff(_message.Message):
    __slots__ = ("name", "currency", "off_peak_periods", "off_peak_when", "connect_fee_micros", "connect_fee_on_zero", "grace_seconds", "free_seconds", "post_call_surcharge_ppm", "round_decimals", "round_mode", "default_prices", "rate_count", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    OFF_PEAK_PERIODS_FIELD_NUMBER: _ClassVar[int]
    OFF_PEAK_WHEN_FIELD_NUMBER: _ClassVar[int]
    CONNECT_FEE_MICROS_FIELD_NUMBER: _ClassVar[int]
    CONNECT_FEE_ON_ZERO_FIELD_NUMBER: _ClassVar[int]
    GRACE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    FREE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    POST_CALL_SURCHARGE_PPM_FIELD_NUMBER: _ClassVar[int]
    ROUND_DECIMALS_FIELD_NUMBER: _ClassVar[int]
    ROUND_MODE_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_PRICES_FIELD_NUMBER: _ClassVar[int]
    RATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    currency: str
    off_peak_periods: _containers.RepeatedScalarFieldContainer[str]
    off_peak_when: _rating_pb2.OffPeakWhen
    connect_fee_micros: int
    connect_fee_on_zero: bool
    grace_seconds: int
    free_seconds: int
    post_call_surcharge_ppm: int
    round_decimals: int
    round_mode: _rating_pb2.RoundMode
    default_prices: _rating_pb2.PriceSet
    rate_count: int
    etag: str
    def __init__(self, name: _Optional[str] = ..., currency: _Optional[str] = ..., off_peak_periods: _Optional[_Iterable[str]] = ..., off_peak_when: _Optional[_Union[_rating_pb2.OffPeakWhen, str]] = ..., connect_fee_micros: _Optional[int] = ..., connect_fee_on_zero: _Optional[bool] = ..., grace_seconds: _Optional[int] = ..., free_seconds: _Optional[int] = ..., post_call_surcharge_ppm: _Optional[int] = ..., round_decimals: _Optional[int] = ..., round_mode: _Optional[_Union[_rating_pb2.RoundMode, str]] = ..., default_prices: _Optional[_Union[_rating_pb2.PriceSet, _Mapping]] = ..., rate_count: _Optional[int] = ..., etag: _Optional[str] = ...) -> None: ...

class Destination(_message.Message):
    __slots__ = ("name", "description", "country", "country_code", "mcc", "mnc", "group", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_CODE_FIELD_NUMBER: _ClassVar[int]
    MCC_FIELD_NUMBER: _ClassVar[int]
    MNC_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    country: str
    country_code: str
    mcc: str
    mnc: str
    group: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., country: _Optional[str] = ..., country_code: _Optional[str] = ..., mcc: _Optional[str] = ..., mnc: _Optional[str] = ..., group: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DestinationGroup(_message.Message):
    __slots__ = ("name", "prefixes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    name: str
    prefixes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., prefixes: _Optional[_Iterable[str]] = ...) -> None: ...

class DiscountLevel(_message.Message):
    __slots__ = ("upto", "off_ppm")
    UPTO_FIELD_NUMBER: _ClassVar[int]
    OFF_PPM_FIELD_NUMBER: _ClassVar[int]
    upto: int
    off_ppm: int
    def __init__(self, upto: _Optional[int] = ..., off_ppm: _Optional[int] = ...) -> None: ...

class DiscountLadder(_message.Message):
    __slots__ = ("levels",)
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    levels: _containers.RepeatedCompositeFieldContainer[DiscountLevel]
    def __init__(self, levels: _Optional[_Iterable[_Union[DiscountLevel, _Mapping]]] = ...) -> None: ...

class DiscountRule(_message.Message):
    __slots__ = ("title", "prefixes", "counting", "ladders", "reset_cycle", "billing_day", "prorates", "rollover_periods", "group")
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    COUNTING_FIELD_NUMBER: _ClassVar[int]
    LADDERS_FIELD_NUMBER: _ClassVar[int]
    RESET_CYCLE_FIELD_NUMBER: _ClassVar[int]
    BILLING_DAY_FIELD_NUMBER: _ClassVar[int]
    PRORATES_FIELD_NUMBER: _ClassVar[int]
    ROLLOVER_PERIODS_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    title: str
    prefixes: _containers.RepeatedScalarFieldContainer[str]
    counting: DiscountCounting
    ladders: _containers.RepeatedCompositeFieldContainer[DiscountLadder]
    reset_cycle: ResetCycle
    billing_day: int
    prorates: bool
    rollover_periods: int
    group: str
    def __init__(self, title: _Optional[str] = ..., prefixes: _Optional[_Iterable[str]] = ..., counting: _Optional[_Union[DiscountCounting, str]] = ..., ladders: _Optional[_Iterable[_Union[DiscountLadder, _Mapping]]] = ..., reset_cycle: _Optional[_Union[ResetCycle, str]] = ..., billing_day: _Optional[int] = ..., prorates: _Optional[bool] = ..., rollover_periods: _Optional[int] = ..., group: _Optional[str] = ...) -> None: ...

class DiscountAssignment(_message.Message):
    __slots__ = ("owner", "account", "plan", "since_time")
    OWNER_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    SINCE_TIME_FIELD_NUMBER: _ClassVar[int]
    owner: DiscountOwner
    account: str
    plan: str
    since_time: _timestamp_pb2.Timestamp
    def __init__(self, owner: _Optional[_Union[DiscountOwner, str]] = ..., account: _Optional[str] = ..., plan: _Optional[str] = ..., since_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DiscountPlan(_message.Message):
    __slots__ = ("name", "rules", "assignments", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENTS_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    rules: _containers.RepeatedCompositeFieldContainer[DiscountRule]
    assignments: _containers.RepeatedCompositeFieldContainer[DiscountAssignment]
    etag: str
    def __init__(self, name: _Optional[str] = ..., rules: _Optional[_Iterable[_Union[DiscountRule, _Mapping]]] = ..., assignments: _Optional[_Iterable[_Union[DiscountAssignment, _Mapping]]] = ..., etag: _Optional[str] = ...) -> None: ...

class NumberRules(_message.Message):
    __slots__ = ("strip_prefixes", "international_prefixes", "national_prefix", "country_code", "national_digits_max")
    STRIP_PREFIXES_FIELD_NUMBER: _ClassVar[int]
    INTERNATIONAL_PREFIXES_FIELD_NUMBER: _ClassVar[int]
    NATIONAL_PREFIX_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_CODE_FIELD_NUMBER: _ClassVar[int]
    NATIONAL_DIGITS_MAX_FIELD_NUMBER: _ClassVar[int]
    strip_prefixes: _containers.RepeatedScalarFieldContainer[str]
    international_prefixes: _containers.RepeatedScalarFieldContainer[str]
    national_prefix: str
    country_code: str
    national_digits_max: int
    def __init__(self, strip_prefixes: _Optional[_Iterable[str]] = ..., international_prefixes: _Optional[_Iterable[str]] = ..., national_prefix: _Optional[str] = ..., country_code: _Optional[str] = ..., national_digits_max: _Optional[int] = ...) -> None: ...

class GrantPolicy(_message.Message):
    __slots__ = ("mode", "slice_s", "slice_octets", "slice_messages", "margin_s", "margin_octets", "max_grant_s", "max_grant_octets", "max_grant_messages", "min_grant_s", "min_grant_octets", "interim_interval_s", "session_max_s", "expiry_charge", "final_unit_action")
    MODE_FIELD_NUMBER: _ClassVar[int]
    SLICE_S_FIELD_NUMBER: _ClassVar[int]
    SLICE_OCTETS_FIELD_NUMBER: _ClassVar[int]
    SLICE_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MARGIN_S_FIELD_NUMBER: _ClassVar[int]
    MARGIN_OCTETS_FIELD_NUMBER: _ClassVar[int]
    MAX_GRANT_S_FIELD_NUMBER: _ClassVar[int]
    MAX_GRANT_OCTETS_FIELD_NUMBER: _ClassVar[int]
    MAX_GRANT_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    MIN_GRANT_S_FIELD_NUMBER: _ClassVar[int]
    MIN_GRANT_OCTETS_FIELD_NUMBER: _ClassVar[int]
    INTERIM_INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    SESSION_MAX_S_FIELD_NUMBER: _ClassVar[int]
    EXPIRY_CHARGE_FIELD_NUMBER: _ClassVar[int]
    FINAL_UNIT_ACTION_FIELD_NUMBER: _ClassVar[int]
    mode: GrantMode
    slice_s: int
    slice_octets: int
    slice_messages: int
    margin_s: int
    margin_octets: int
    max_grant_s: int
    max_grant_octets: int
    max_grant_messages: int
    min_grant_s: int
    min_grant_octets: int
    interim_interval_s: int
    session_max_s: int
    expiry_charge: ExpiryCharge
    final_unit_action: _charging_pb2.FinalUnitAction
    def __init__(self, mode: _Optional[_Union[GrantMode, str]] = ..., slice_s: _Optional[int] = ..., slice_octets: _Optional[int] = ..., slice_messages: _Optional[int] = ..., margin_s: _Optional[int] = ..., margin_octets: _Optional[int] = ..., max_grant_s: _Optional[int] = ..., max_grant_octets: _Optional[int] = ..., max_grant_messages: _Optional[int] = ..., min_grant_s: _Optional[int] = ..., min_grant_octets: _Optional[int] = ..., interim_interval_s: _Optional[int] = ..., session_max_s: _Optional[int] = ..., expiry_charge: _Optional[_Union[ExpiryCharge, str]] = ..., final_unit_action: _Optional[_Union[_charging_pb2.FinalUnitAction, str]] = ...) -> None: ...

class Gateway(_message.Message):
    __slots__ = ("name", "address", "secret", "has_secret", "dialect", "identity_order", "number_rules", "grant_policy", "time_zone", "require_message_authenticator", "limit_proxy_state", "authorize_without_password", "coa_port", "return_codes", "disabled", "etag", "coa_address", "coa_disabled")
    class ReturnCodesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    HAS_SECRET_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ORDER_FIELD_NUMBER: _ClassVar[int]
    NUMBER_RULES_FIELD_NUMBER: _ClassVar[int]
    GRANT_POLICY_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_MESSAGE_AUTHENTICATOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PROXY_STATE_FIELD_NUMBER: _ClassVar[int]
    AUTHORIZE_WITHOUT_PASSWORD_FIELD_NUMBER: _ClassVar[int]
    COA_PORT_FIELD_NUMBER: _ClassVar[int]
    RETURN_CODES_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    COA_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    COA_DISABLED_FIELD_NUMBER: _ClassVar[int]
    name: str
    address: str
    secret: str
    has_secret: bool
    dialect: str
    identity_order: _containers.RepeatedScalarFieldContainer[_charging_pb2.IdentityKind]
    number_rules: NumberRules
    grant_policy: GrantPolicy
    time_zone: str
    require_message_authenticator: Requirement
    limit_proxy_state: Requirement
    authorize_without_password: bool
    coa_port: int
    return_codes: _containers.ScalarMap[str, int]
    disabled: bool
    etag: str
    coa_address: str
    coa_disabled: bool
    def __init__(self, name: _Optional[str] = ..., address: _Optional[str] = ..., secret: _Optional[str] = ..., has_secret: _Optional[bool] = ..., dialect: _Optional[str] = ..., identity_order: _Optional[_Iterable[_Union[_charging_pb2.IdentityKind, str]]] = ..., number_rules: _Optional[_Union[NumberRules, _Mapping]] = ..., grant_policy: _Optional[_Union[GrantPolicy, _Mapping]] = ..., time_zone: _Optional[str] = ..., require_message_authenticator: _Optional[_Union[Requirement, str]] = ..., limit_proxy_state: _Optional[_Union[Requirement, str]] = ..., authorize_without_password: _Optional[bool] = ..., coa_port: _Optional[int] = ..., return_codes: _Optional[_Mapping[str, int]] = ..., disabled: _Optional[bool] = ..., etag: _Optional[str] = ..., coa_address: _Optional[str] = ..., coa_disabled: _Optional[bool] = ...) -> None: ...

class ApiKey(_message.Message):
    __slots__ = ("name", "title", "roles", "gateway", "expire_time", "create_time", "revoke_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    title: str
    roles: _containers.RepeatedScalarFieldContainer[ApiRole]
    gateway: str
    expire_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    revoke_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., title: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[ApiRole, str]]] = ..., gateway: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoke_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Reservation(_message.Message):
    __slots__ = ("account", "reserved_micros", "debited_micros")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    RESERVED_MICROS_FIELD_NUMBER: _ClassVar[int]
    DEBITED_MICROS_FIELD_NUMBER: _ClassVar[int]
    account: str
    reserved_micros: int
    debited_micros: int
    def __init__(self, account: _Optional[str] = ..., reserved_micros: _Optional[int] = ..., debited_micros: _Optional[int] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("name", "account", "gateway", "session_key", "subscription_id", "service", "access_code", "calling", "called", "state", "start_time", "update_time", "expire_time", "end_time", "end_cause", "measure", "used_units", "granted_units", "final_grant", "reservations")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    SESSION_KEY_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_CODE_FIELD_NUMBER: _ClassVar[int]
    CALLING_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    END_CAUSE_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    USED_UNITS_FIELD_NUMBER: _ClassVar[int]
    GRANTED_UNITS_FIELD_NUMBER: _ClassVar[int]
    FINAL_GRANT_FIELD_NUMBER: _ClassVar[int]
    RESERVATIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    account: str
    gateway: str
    session_key: str
    subscription_id: _charging_pb2.SubscriptionId
    service: str
    access_code: _charging_pb2.AccessCode
    calling: str
    called: str
    state: SessionState
    start_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    end_cause: str
    measure: _charging_pb2.Measure
    used_units: int
    granted_units: int
    final_grant: bool
    reservations: _containers.RepeatedCompositeFieldContainer[Reservation]
    def __init__(self, name: _Optional[str] = ..., account: _Optional[str] = ..., gateway: _Optional[str] = ..., session_key: _Optional[str] = ..., subscription_id: _Optional[_Union[_charging_pb2.SubscriptionId, _Mapping]] = ..., service: _Optional[str] = ..., access_code: _Optional[_Union[_charging_pb2.AccessCode, str]] = ..., calling: _Optional[str] = ..., called: _Optional[str] = ..., state: _Optional[_Union[SessionState, str]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_cause: _Optional[str] = ..., measure: _Optional[_Union[_charging_pb2.Measure, str]] = ..., used_units: _Optional[int] = ..., granted_units: _Optional[int] = ..., final_grant: _Optional[bool] = ..., reservations: _Optional[_Iterable[_Union[Reservation, _Mapping]]] = ...) -> None: ...

class LedgerEntry(_message.Message):
    __slots__ = ("name", "kind", "amount_micros", "balance_micros", "book_time", "session", "request_id", "overrun_micros", "note")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MICROS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    BOOK_TIME_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OVERRUN_MICROS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: EntryKind
    amount_micros: int
    balance_micros: int
    book_time: _timestamp_pb2.Timestamp
    session: str
    request_id: str
    overrun_micros: int
    note: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., amount_micros: _Optional[int] = ..., balance_micros: _Optional[int] = ..., book_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., session: _Optional[str] = ..., request_id: _Optional[str] = ..., overrun_micros: _Optional[int] = ..., note: _Optional[str] = ...) -> None: ...

class Cdr(_message.Message):
    __slots__ = ("name", "account", "session", "gateway", "session_key", "revision", "subscription_id", "service", "access_code", "calling", "called", "start_time", "end_time", "record_time", "end_cause", "measure", "used_units", "billed_units", "granted_units", "octets_in", "octets_out", "charged_micros", "overrun_micros", "currency", "tariff", "destination", "steps_json", "legs")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    SESSION_KEY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ACCESS_CODE_FIELD_NUMBER: _ClassVar[int]
    CALLING_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    RECORD_TIME_FIELD_NUMBER: _ClassVar[int]
    END_CAUSE_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    USED_UNITS_FIELD_NUMBER: _ClassVar[int]
    BILLED_UNITS_FIELD_NUMBER: _ClassVar[int]
    GRANTED_UNITS_FIELD_NUMBER: _ClassVar[int]
    OCTETS_IN_FIELD_NUMBER: _ClassVar[int]
    OCTETS_OUT_FIELD_NUMBER: _ClassVar[int]
    CHARGED_MICROS_FIELD_NUMBER: _ClassVar[int]
    OVERRUN_MICROS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    STEPS_JSON_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    account: str
    session: str
    gateway: str
    session_key: str
    revision: int
    subscription_id: _charging_pb2.SubscriptionId
    service: str
    access_code: _charging_pb2.AccessCode
    calling: str
    called: str
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    record_time: _timestamp_pb2.Timestamp
    end_cause: str
    measure: _charging_pb2.Measure
    used_units: int
    billed_units: int
    granted_units: int
    octets_in: int
    octets_out: int
    charged_micros: int
    overrun_micros: int
    currency: str
    tariff: str
    destination: str
    steps_json: str
    legs: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., account: _Optional[str] = ..., session: _Optional[str] = ..., gateway: _Optional[str] = ..., session_key: _Optional[str] = ..., revision: _Optional[int] = ..., subscription_id: _Optional[_Union[_charging_pb2.SubscriptionId, _Mapping]] = ..., service: _Optional[str] = ..., access_code: _Optional[_Union[_charging_pb2.AccessCode, str]] = ..., calling: _Optional[str] = ..., called: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., record_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_cause: _Optional[str] = ..., measure: _Optional[_Union[_charging_pb2.Measure, str]] = ..., used_units: _Optional[int] = ..., billed_units: _Optional[int] = ..., granted_units: _Optional[int] = ..., octets_in: _Optional[int] = ..., octets_out: _Optional[int] = ..., charged_micros: _Optional[int] = ..., overrun_micros: _Optional[int] = ..., currency: _Optional[str] = ..., tariff: _Optional[str] = ..., destination: _Optional[str] = ..., steps_json: _Optional[str] = ..., legs: _Optional[_Iterable[str]] = ...) -> None: ...

class AuditEntry(_message.Message):
    __slots__ = ("name", "change_time", "actor", "action", "resource", "before_json", "after_json", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    BEFORE_JSON_FIELD_NUMBER: _ClassVar[int]
    AFTER_JSON_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    change_time: _timestamp_pb2.Timestamp
    actor: str
    action: str
    resource: str
    before_json: str
    after_json: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., action: _Optional[str] = ..., resource: _Optional[str] = ..., before_json: _Optional[str] = ..., after_json: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ListApiKeysRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListApiKeysResponse(_message.Message):
    __slots__ = ("api_keys", "next_page_token")
    API_KEYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    api_keys: _containers.RepeatedCompositeFieldContainer[ApiKey]
    next_page_token: str
    def __init__(self, api_keys: _Optional[_Iterable[_Union[ApiKey, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateApiKeyRequest(_message.Message):
    __slots__ = ("api_key",)
    API_KEY_FIELD_NUMBER: _ClassVar[int]
    api_key: ApiKey
    def __init__(self, api_key: _Optional[_Union[ApiKey, _Mapping]] = ...) -> None: ...

class CreateApiKeyResponse(_message.Message):
    __slots__ = ("api_key", "key_text")
    API_KEY_FIELD_NUMBER: _ClassVar[int]
    KEY_TEXT_FIELD_NUMBER: _ClassVar[int]
    api_key: ApiKey
    key_text: str
    def __init__(self, api_key: _Optional[_Union[ApiKey, _Mapping]] = ..., key_text: _Optional[str] = ...) -> None: ...

class RevokeApiKeyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListSessionsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "account", "gateway", "state", "session_key")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SESSION_KEY_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    account: str
    gateway: str
    state: SessionState
    session_key: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., account: _Optional[str] = ..., gateway: _Optional[str] = ..., state: _Optional[_Union[SessionState, str]] = ..., session_key: _Optional[str] = ...) -> None: ...

class ListSessionsResponse(_message.Message):
    __slots__ = ("sessions", "next_page_token")
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[Session]
    next_page_token: str
    def __init__(self, sessions: _Optional[_Iterable[_Union[Session, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetSessionRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class TerminateSessionRequest(_message.Message):
    __slots__ = ("name", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class TopUpAccountRequest(_message.Message):
    __slots__ = ("name", "amount_micros", "request_id", "note", "bonus")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MICROS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    BONUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    amount_micros: int
    request_id: str
    note: str
    bonus: bool
    def __init__(self, name: _Optional[str] = ..., amount_micros: _Optional[int] = ..., request_id: _Optional[str] = ..., note: _Optional[str] = ..., bonus: _Optional[bool] = ...) -> None: ...

class TransferMoneyRequest(_message.Message):
    __slots__ = ("source", "target", "amount_micros", "request_id", "note")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MICROS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    source: str
    target: str
    amount_micros: int
    request_id: str
    note: str
    def __init__(self, source: _Optional[str] = ..., target: _Optional[str] = ..., amount_micros: _Optional[int] = ..., request_id: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class TransferMoneyResponse(_message.Message):
    __slots__ = ("source_entry", "target_entry")
    SOURCE_ENTRY_FIELD_NUMBER: _ClassVar[int]
    TARGET_ENTRY_FIELD_NUMBER: _ClassVar[int]
    source_entry: LedgerEntry
    target_entry: LedgerEntry
    def __init__(self, source_entry: _Optional[_Union[LedgerEntry, _Mapping]] = ..., target_entry: _Optional[_Union[LedgerEntry, _Mapping]] = ...) -> None: ...

class AdjustBalanceRequest(_message.Message):
    __slots__ = ("name", "amount_micros", "request_id", "note")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_MICROS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    name: str
    amount_micros: int
    request_id: str
    note: str
    def __init__(self, name: _Optional[str] = ..., amount_micros: _Optional[int] = ..., request_id: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class ListLedgerEntriesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "from_time", "until_time", "kind", "session")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    kind: EntryKind
    session: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[_Union[EntryKind, str]] = ..., session: _Optional[str] = ...) -> None: ...

class ListLedgerEntriesResponse(_message.Message):
    __slots__ = ("ledger_entries", "next_page_token")
    LEDGER_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ledger_entries: _containers.RepeatedCompositeFieldContainer[LedgerEntry]
    next_page_token: str
    def __init__(self, ledger_entries: _Optional[_Iterable[_Union[LedgerEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ExportLedgerEntriesRequest(_message.Message):
    __slots__ = ("parent", "format", "from_time", "until_time")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    parent: str
    format: ExportFormat
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, parent: _Optional[str] = ..., format: _Optional[_Union[ExportFormat, str]] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExportLedgerEntriesResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class ListCdrsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "account", "gateway", "from_time", "until_time", "overrun")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    OVERRUN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    account: str
    gateway: str
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    overrun: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., account: _Optional[str] = ..., gateway: _Optional[str] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., overrun: _Optional[bool] = ...) -> None: ...

class ListCdrsResponse(_message.Message):
    __slots__ = ("cdrs", "next_page_token")
    CDRS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    cdrs: _containers.RepeatedCompositeFieldContainer[Cdr]
    next_page_token: str
    def __init__(self, cdrs: _Optional[_Iterable[_Union[Cdr, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ExportCdrsRequest(_message.Message):
    __slots__ = ("format", "account", "gateway", "from_time", "until_time")
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    format: ExportFormat
    account: str
    gateway: str
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, format: _Optional[_Union[ExportFormat, str]] = ..., account: _Optional[str] = ..., gateway: _Optional[str] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExportCdrsResponse(_message.Message):
    __slots__ = ("chunk",)
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    def __init__(self, chunk: _Optional[bytes] = ...) -> None: ...

class ListAuditEntriesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "resource", "actor", "from_time", "until_time")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    UNTIL_TIME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    resource: str
    actor: str
    from_time: _timestamp_pb2.Timestamp
    until_time: _timestamp_pb2.Timestamp
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., resource: _Optional[str] = ..., actor: _Optional[str] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListAuditEntriesResponse(_message.Message):
    __slots__ = ("audit_entries", "next_page_token")
    AUDIT_ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    audit_entries: _containers.RepeatedCompositeFieldContainer[AuditEntry]
    next_page_token: str
    def __init__(self, audit_entries: _Optional[_Iterable[_Union[AuditEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "prefix", "under", "status")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    UNDER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    prefix: str
    under: str
    status: AccountStatus
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., prefix: _Optional[str] = ..., under: _Optional[str] = ..., status: _Optional[_Union[AccountStatus, str]] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[Account]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[Account, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetAccountRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateAccountRequest(_message.Message):
    __slots__ = ("account", "account_id", "opening_micros", "request_id", "validate_only")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    OPENING_MICROS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    account: Account
    account_id: str
    opening_micros: int
    request_id: str
    validate_only: bool
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., account_id: _Optional[str] = ..., opening_micros: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateAccountRequest(_message.Message):
    __slots__ = ("account", "update_mask", "request_id", "validate_only")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    account: Account
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    def __init__(self, account: _Optional[_Union[Account, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteAccountRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class ListIdentitiesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "kind", "value")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    kind: _charging_pb2.IdentityKind
    value: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., kind: _Optional[_Union[_charging_pb2.IdentityKind, str]] = ..., value: _Optional[str] = ...) -> None: ...

class ListIdentitiesResponse(_message.Message):
    __slots__ = ("identities", "next_page_token")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    identities: _containers.RepeatedCompositeFieldContainer[Identity]
    next_page_token: str
    def __init__(self, identities: _Optional[_Iterable[_Union[Identity, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetIdentityRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateIdentityRequest(_message.Message):
    __slots__ = ("parent", "identity", "request_id", "validate_only")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    identity: Identity
    request_id: str
    validate_only: bool
    def __init__(self, parent: _Optional[str] = ..., identity: _Optional[_Union[Identity, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateIdentityRequest(_message.Message):
    __slots__ = ("identity", "update_mask", "request_id", "validate_only")
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    identity: Identity
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    def __init__(self, identity: _Optional[_Union[Identity, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteIdentityRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class ListPlansRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListPlansResponse(_message.Message):
    __slots__ = ("plans", "next_page_token")
    PLANS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    plans: _containers.RepeatedCompositeFieldContainer[Plan]
    next_page_token: str
    def __init__(self, plans: _Optional[_Iterable[_Union[Plan, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetPlanRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreatePlanRequest(_message.Message):
    __slots__ = ("plan", "plan_id", "request_id", "validate_only")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    plan_id: str
    request_id: str
    validate_only: bool
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ..., plan_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdatePlanRequest(_message.Message):
    __slots__ = ("plan", "update_mask", "request_id", "validate_only")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeletePlanRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class ListTariffsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListTariffsResponse(_message.Message):
    __slots__ = ("tariffs", "next_page_token")
    TARIFFS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tariffs: _containers.RepeatedCompositeFieldContainer[Tariff]
    next_page_token: str
    def __init__(self, tariffs: _Optional[_Iterable[_Union[Tariff, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetTariffRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateTariffRequest(_message.Message):
    __slots__ = ("tariff", "tariff_id", "request_id", "validate_only")
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    TARIFF_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    tariff: Tariff
    tariff_id: str
    request_id: str
    validate_only: bool
    def __init__(self, tariff: _Optional[_Union[Tariff, _Mapping]] = ..., tariff_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateTariffRequest(_message.Message):
    __slots__ = ("tariff", "update_mask", "request_id", "validate_only")
    TARIFF_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    tariff: Tariff
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    def __init__(self, tariff: _Optional[_Union[Tariff, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteTariffRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class GetRateRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateRateRequest(_message.Message):
    __slots__ = ("parent", "rate", "request_id", "validate_only")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    rate: _rating_pb2.Rate
    request_id: str
    validate_only: bool
    def __init__(self, parent: _Optional[str] = ..., rate: _Optional[_Union[_rating_pb2.Rate, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateRateRequest(_message.Message):
    __slots__ = ("rate", "update_mask", "request_id", "validate_only")
    RATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    rate: _rating_pb2.Rate
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    def __init__(self, rate: _Optional[_Union[_rating_pb2.Rate, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteRateRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class ListDestinationsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "prefix", "group")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    prefix: str
    group: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., prefix: _Optional[str] = ..., group: _Optional[str] = ...) -> None: ...

class ListDestinationsResponse(_message.Message):
    __slots__ = ("destinations", "next_page_token")
    DESTINATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    destinations: _containers.RepeatedCompositeFieldContainer[Destination]
    next_page_token: str
    def __init__(self, destinations: _Optional[_Iterable[_Union[Destination, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDestinationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateDestinationRequest(_message.Message):
    __slots__ = ("destination", "destination_id", "request_id", "validate_only")
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    destination: Destination
    destination_id: str
    request_id: str
    validate_only: bool
    def __init__(self, destination: _Optional[_Union[Destination, _Mapping]] = ..., destination_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateDestinationRequest(_message.Message):
    __slots__ = ("destination", "update_mask", "request_id", "validate_only")
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    destination: Destination
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    def __init__(self, destination: _Optional[_Union[Destination, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteDestinationRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class ListDestinationGroupsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDestinationGroupsResponse(_message.Message):
    __slots__ = ("destination_groups", "next_page_token")
    DESTINATION_GROUPS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    destination_groups: _containers.RepeatedCompositeFieldContainer[DestinationGroup]
    next_page_token: str
    def __init__(self, destination_groups: _Optional[_Iterable[_Union[DestinationGroup, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDestinationGroupRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListDiscountPlansRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDiscountPlansResponse(_message.Message):
    __slots__ = ("discount_plans", "next_page_token")
    DISCOUNT_PLANS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    discount_plans: _containers.RepeatedCompositeFieldContainer[DiscountPlan]
    next_page_token: str
    def __init__(self, discount_plans: _Optional[_Iterable[_Union[DiscountPlan, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDiscountPlanRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateDiscountPlanRequest(_message.Message):
    __slots__ = ("discount_plan", "discount_plan_id", "request_id", "validate_only")
    DISCOUNT_PLAN_FIELD_NUMBER: _ClassVar[int]
    DISCOUNT_PLAN_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    discount_plan: DiscountPlan
    discount_plan_id: str
    request_id: str
    validate_only: bool
    def __init__(self, discount_plan: _Optional[_Union[DiscountPlan, _Mapping]] = ..., discount_plan_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateDiscountPlanRequest(_message.Message):
    __slots__ = ("discount_plan", "update_mask", "request_id", "validate_only")
    DISCOUNT_PLAN_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    discount_plan: DiscountPlan
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    def __init__(self, discount_plan: _Optional[_Union[DiscountPlan, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteDiscountPlanRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class AssignDiscountPlanRequest(_message.Message):
    __slots__ = ("name", "assignment")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    assignment: DiscountAssignment
    def __init__(self, name: _Optional[str] = ..., assignment: _Optional[_Union[DiscountAssignment, _Mapping]] = ...) -> None: ...

class WithdrawDiscountPlanRequest(_message.Message):
    __slots__ = ("name", "assignment")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ASSIGNMENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    assignment: DiscountAssignment
    def __init__(self, name: _Optional[str] = ..., assignment: _Optional[_Union[DiscountAssignment, _Mapping]] = ...) -> None: ...

class ListGatewaysRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListGatewaysResponse(_message.Message):
    __slots__ = ("gateways", "next_page_token")
    GATEWAYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    gateways: _containers.RepeatedCompositeFieldContainer[Gateway]
    next_page_token: str
    def __init__(self, gateways: _Optional[_Iterable[_Union[Gateway, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetGatewayRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CreateGatewayRequest(_message.Message):
    __slots__ = ("gateway", "gateway_id", "request_id", "validate_only")
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    gateway: Gateway
    gateway_id: str
    request_id: str
    validate_only: bool
    def __init__(self, gateway: _Optional[_Union[Gateway, _Mapping]] = ..., gateway_id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateGatewayRequest(_message.Message):
    __slots__ = ("gateway", "update_mask", "request_id", "validate_only")
    GATEWAY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    gateway: Gateway
    update_mask: _field_mask_pb2.FieldMask
    request_id: str
    validate_only: bool
    def __init__(self, gateway: _Optional[_Union[Gateway, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteGatewayRequest(_message.Message):
    __slots__ = ("name", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...
