import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RequestType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REQUEST_TYPE_UNSPECIFIED: _ClassVar[RequestType]
    REQUEST_TYPE_INITIAL: _ClassVar[RequestType]
    REQUEST_TYPE_UPDATE: _ClassVar[RequestType]
    REQUEST_TYPE_TERMINATION: _ClassVar[RequestType]
    REQUEST_TYPE_EVENT: _ClassVar[RequestType]

class IdentityKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IDENTITY_KIND_UNSPECIFIED: _ClassVar[IdentityKind]
    IDENTITY_KIND_USERNAME: _ClassVar[IdentityKind]
    IDENTITY_KIND_CODE: _ClassVar[IdentityKind]
    IDENTITY_KIND_DID: _ClassVar[IdentityKind]
    IDENTITY_KIND_EXTENSION: _ClassVar[IdentityKind]
    IDENTITY_KIND_TRUNK: _ClassVar[IdentityKind]
    IDENTITY_KIND_IP: _ClassVar[IdentityKind]
    IDENTITY_KIND_ANI: _ClassVar[IdentityKind]
    IDENTITY_KIND_VIRTUAL: _ClassVar[IdentityKind]

class AccessCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCESS_CODE_UNSPECIFIED: _ClassVar[AccessCode]
    ACCESS_CODE_OUTGOING: _ClassVar[AccessCode]
    ACCESS_CODE_INCOMING: _ClassVar[AccessCode]
    ACCESS_CODE_FORWARDED: _ClassVar[AccessCode]

class Measure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEASURE_UNSPECIFIED: _ClassVar[Measure]
    MEASURE_SECONDS: _ClassVar[Measure]
    MEASURE_OCTETS: _ClassVar[Measure]
    MEASURE_MESSAGES: _ClassVar[Measure]

class FinalUnitAction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FINAL_UNIT_ACTION_UNSPECIFIED: _ClassVar[FinalUnitAction]
    FINAL_UNIT_ACTION_TERMINATE: _ClassVar[FinalUnitAction]
    FINAL_UNIT_ACTION_REDIRECT: _ClassVar[FinalUnitAction]
    FINAL_UNIT_ACTION_RESTRICT_ACCESS: _ClassVar[FinalUnitAction]

class BalanceClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BALANCE_CLASS_UNSPECIFIED: _ClassVar[BalanceClass]
    BALANCE_CLASS_SUFFICIENT: _ClassVar[BalanceClass]
    BALANCE_CLASS_LOW: _ClassVar[BalanceClass]
    BALANCE_CLASS_EXHAUSTED: _ClassVar[BalanceClass]
REQUEST_TYPE_UNSPECIFIED: RequestType
REQUEST_TYPE_INITIAL: RequestType
REQUEST_TYPE_UPDATE: RequestType
REQUEST_TYPE_TERMINATION: RequestType
REQUEST_TYPE_EVENT: RequestType
IDENTITY_KIND_UNSPECIFIED: IdentityKind
IDENTITY_KIND_USERNAME: IdentityKind
IDENTITY_KIND_CODE: IdentityKind
IDENTITY_KIND_DID: IdentityKind
IDENTITY_KIND_EXTENSION: IdentityKind
IDENTITY_KIND_TRUNK: IdentityKind
IDENTITY_KIND_IP: IdentityKind
IDENTITY_KIND_ANI: IdentityKind
IDENTITY_KIND_VIRTUAL: IdentityKind
ACCESS_CODE_UNSPECIFIED: AccessCode
ACCESS_CODE_OUTGOING: AccessCode
ACCESS_CODE_INCOMING: AccessCode
ACCESS_CODE_FORWARDED: AccessCode
MEASURE_UNSPECIFIED: Measure
MEASURE_SECONDS: Measure
MEASURE_OCTETS: Measure
MEASURE_MESSAGES: Measure
FINAL_UNIT_ACTION_UNSPECIFIED: FinalUnitAction
FINAL_UNIT_ACTION_TERMINATE: FinalUnitAction
FINAL_UNIT_ACTION_REDIRECT: FinalUnitAction
FINAL_UNIT_ACTION_RESTRICT_ACCESS: FinalUnitAction
BALANCE_CLASS_UNSPECIFIED: BalanceClass
BALANCE_CLASS_SUFFICIENT: BalanceClass
BALANCE_CLASS_LOW: BalanceClass
BALANCE_CLASS_EXHAUSTED: BalanceClass

class SubscriptionId(_message.Message):
    __slots__ = ("kind", "value")
    KIND_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    kind: IdentityKind
    value: str
    def __init__(self, kind: _Optional[_Union[IdentityKind, str]] = ..., value: _Optional[str] = ...) -> None: ...

class UsedUnits(_message.Message):
    __slots__ = ("seconds", "octets_in", "octets_out", "messages")
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    OCTETS_IN_FIELD_NUMBER: _ClassVar[int]
    OCTETS_OUT_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    seconds: int
    octets_in: int
    octets_out: int
    messages: int
    def __init__(self, seconds: _Optional[int] = ..., octets_in: _Optional[int] = ..., octets_out: _Optional[int] = ..., messages: _Optional[int] = ...) -> None: ...

class ServiceUsage(_message.Message):
    __slots__ = ("service", "rating_group", "used_total", "used_delta", "requested_units", "starts")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    RATING_GROUP_FIELD_NUMBER: _ClassVar[int]
    USED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    USED_DELTA_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_UNITS_FIELD_NUMBER: _ClassVar[int]
    STARTS_FIELD_NUMBER: _ClassVar[int]
    service: str
    rating_group: int
    used_total: UsedUnits
    used_delta: UsedUnits
    requested_units: int
    starts: bool
    def __init__(self, service: _Optional[str] = ..., rating_group: _Optional[int] = ..., used_total: _Optional[_Union[UsedUnits, _Mapping]] = ..., used_delta: _Optional[_Union[UsedUnits, _Mapping]] = ..., requested_units: _Optional[int] = ..., starts: _Optional[bool] = ...) -> None: ...

class ChargeRequest(_message.Message):
    __slots__ = ("session_id", "request_number", "type", "subscription_ids", "secret", "calling", "called", "access_code", "event_time", "buffered", "end_cause", "services", "network")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_IDS_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    CALLING_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    ACCESS_CODE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    BUFFERED_FIELD_NUMBER: _ClassVar[int]
    END_CAUSE_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    request_number: int
    type: RequestType
    subscription_ids: _containers.RepeatedCompositeFieldContainer[SubscriptionId]
    secret: str
    calling: str
    called: str
    access_code: AccessCode
    event_time: _timestamp_pb2.Timestamp
    buffered: bool
    end_cause: str
    services: _containers.RepeatedCompositeFieldContainer[ServiceUsage]
    network: str
    def __init__(self, session_id: _Optional[str] = ..., request_number: _Optional[int] = ..., type: _Optional[_Union[RequestType, str]] = ..., subscription_ids: _Optional[_Iterable[_Union[SubscriptionId, _Mapping]]] = ..., secret: _Optional[str] = ..., calling: _Optional[str] = ..., called: _Optional[str] = ..., access_code: _Optional[_Union[AccessCode, str]] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., buffered: _Optional[bool] = ..., end_cause: _Optional[str] = ..., services: _Optional[_Iterable[_Union[ServiceUsage, _Mapping]]] = ..., network: _Optional[str] = ...) -> None: ...

class ChargeBatch(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[ChargeRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[ChargeRequest, _Mapping]]] = ...) -> None: ...

class ServiceGrant(_message.Message):
    __slots__ = ("service", "rating_group", "result_code", "reason", "measure", "granted_units", "validity_s", "threshold_units", "final_unit_action", "affordable_units", "used_units", "charged_micros", "reserved_micros", "session")
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    RATING_GROUP_FIELD_NUMBER: _ClassVar[int]
    RESULT_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    GRANTED_UNITS_FIELD_NUMBER: _ClassVar[int]
    VALIDITY_S_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_UNITS_FIELD_NUMBER: _ClassVar[int]
    FINAL_UNIT_ACTION_FIELD_NUMBER: _ClassVar[int]
    AFFORDABLE_UNITS_FIELD_NUMBER: _ClassVar[int]
    USED_UNITS_FIELD_NUMBER: _ClassVar[int]
    CHARGED_MICROS_FIELD_NUMBER: _ClassVar[int]
    RESERVED_MICROS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    service: str
    rating_group: int
    result_code: int
    reason: str
    measure: Measure
    granted_units: int
    validity_s: int
    threshold_units: int
    final_unit_action: FinalUnitAction
    affordable_units: int
    used_units: int
    charged_micros: int
    reserved_micros: int
    session: str
    def __init__(self, service: _Optional[str] = ..., rating_group: _Optional[int] = ..., result_code: _Optional[int] = ..., reason: _Optional[str] = ..., measure: _Optional[_Union[Measure, str]] = ..., granted_units: _Optional[int] = ..., validity_s: _Optional[int] = ..., threshold_units: _Optional[int] = ..., final_unit_action: _Optional[_Union[FinalUnitAction, str]] = ..., affordable_units: _Optional[int] = ..., used_units: _Optional[int] = ..., charged_micros: _Optional[int] = ..., reserved_micros: _Optional[int] = ..., session: _Optional[str] = ...) -> None: ...

class ChargeAnswer(_message.Message):
    __slots__ = ("session_id", "request_number", "result_code", "reason", "services", "balance_class", "balance_micros", "currency", "account", "request_gap")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    RESULT_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    BALANCE_CLASS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_GAP_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    request_number: int
    result_code: int
    reason: str
    services: _containers.RepeatedCompositeFieldContainer[ServiceGrant]
    balance_class: BalanceClass
    balance_micros: int
    currency: str
    account: str
    request_gap: bool
    def __init__(self, session_id: _Optional[str] = ..., request_number: _Optional[int] = ..., result_code: _Optional[int] = ..., reason: _Optional[str] = ..., services: _Optional[_Iterable[_Union[ServiceGrant, _Mapping]]] = ..., balance_class: _Optional[_Union[BalanceClass, str]] = ..., balance_micros: _Optional[int] = ..., currency: _Optional[str] = ..., account: _Optional[str] = ..., request_gap: _Optional[bool] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ("field", "description")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    field: str
    description: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class RequestFailure(_message.Message):
    __slots__ = ("session_id", "request_number", "status_code", "message", "field_violations")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    request_number: int
    status_code: int
    message: str
    field_violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    def __init__(self, session_id: _Optional[str] = ..., request_number: _Optional[int] = ..., status_code: _Optional[int] = ..., message: _Optional[str] = ..., field_violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ...) -> None: ...

class ReAuth(_message.Message):
    __slots__ = ("session_id", "service", "reason")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    service: str
    reason: str
    def __init__(self, session_id: _Optional[str] = ..., service: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class Abort(_message.Message):
    __slots__ = ("session_id", "service", "reason")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    service: str
    reason: str
    def __init__(self, session_id: _Optional[str] = ..., service: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("grace_s",)
    GRACE_S_FIELD_NUMBER: _ClassVar[int]
    grace_s: int
    def __init__(self, grace_s: _Optional[int] = ...) -> None: ...

class ServerMessage(_message.Message):
    __slots__ = ("answers", "failures", "re_auths", "aborts", "go_away")
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    RE_AUTHS_FIELD_NUMBER: _ClassVar[int]
    ABORTS_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[ChargeAnswer]
    failures: _containers.RepeatedCompositeFieldContainer[RequestFailure]
    re_auths: _containers.RepeatedCompositeFieldContainer[ReAuth]
    aborts: _containers.RepeatedCompositeFieldContainer[Abort]
    go_away: GoAway
    def __init__(self, answers: _Optional[_Iterable[_Union[ChargeAnswer, _Mapping]]] = ..., failures: _Optional[_Iterable[_Union[RequestFailure, _Mapping]]] = ..., re_auths: _Optional[_Iterable[_Union[ReAuth, _Mapping]]] = ..., aborts: _Optional[_Iterable[_Union[Abort, _Mapping]]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ...) -> None: ...

class CheckBalanceRequest(_message.Message):
    __slots__ = ("subscription_ids", "secret", "service", "calling", "called", "access_code", "requested_units", "network")
    SUBSCRIPTION_IDS_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    CALLING_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    ACCESS_CODE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_UNITS_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    subscription_ids: _containers.RepeatedCompositeFieldContainer[SubscriptionId]
    secret: str
    service: str
    calling: str
    called: str
    access_code: AccessCode
    requested_units: int
    network: str
    def __init__(self, subscription_ids: _Optional[_Iterable[_Union[SubscriptionId, _Mapping]]] = ..., secret: _Optional[str] = ..., service: _Optional[str] = ..., calling: _Optional[str] = ..., called: _Optional[str] = ..., access_code: _Optional[_Union[AccessCode, str]] = ..., requested_units: _Optional[int] = ..., network: _Optional[str] = ...) -> None: ...

class CheckBalanceAnswer(_message.Message):
    __slots__ = ("result_code", "reason", "enough_credit", "balance_class", "balance_micros", "currency", "account")
    RESULT_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ENOUGH_CREDIT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_CLASS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    result_code: int
    reason: str
    enough_credit: bool
    balance_class: BalanceClass
    balance_micros: int
    currency: str
    account: str
    def __init__(self, result_code: _Optional[int] = ..., reason: _Optional[str] = ..., enough_credit: _Optional[bool] = ..., balance_class: _Optional[_Union[BalanceClass, str]] = ..., balance_micros: _Optional[int] = ..., currency: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...

class EnquirePriceRequest(_message.Message):
    __slots__ = ("subscription_ids", "secret", "service", "calling", "called", "access_code", "requested_units", "event_time", "network")
    SUBSCRIPTION_IDS_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    CALLING_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    ACCESS_CODE_FIELD_NUMBER: _ClassVar[int]
    REQUESTED_UNITS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    subscription_ids: _containers.RepeatedCompositeFieldContainer[SubscriptionId]
    secret: str
    service: str
    calling: str
    called: str
    access_code: AccessCode
    requested_units: int
    event_time: _timestamp_pb2.Timestamp
    network: str
    def __init__(self, subscription_ids: _Optional[_Iterable[_Union[SubscriptionId, _Mapping]]] = ..., secret: _Optional[str] = ..., service: _Optional[str] = ..., calling: _Optional[str] = ..., called: _Optional[str] = ..., access_code: _Optional[_Union[AccessCode, str]] = ..., requested_units: _Optional[int] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., network: _Optional[str] = ...) -> None: ...

class EnquirePriceAnswer(_message.Message):
    __slots__ = ("result_code", "reason", "price_micros", "currency", "affordable_units", "measure", "steps_json")
    RESULT_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PRICE_MICROS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    AFFORDABLE_UNITS_FIELD_NUMBER: _ClassVar[int]
    MEASURE_FIELD_NUMBER: _ClassVar[int]
    STEPS_JSON_FIELD_NUMBER: _ClassVar[int]
    result_code: int
    reason: str
    price_micros: int
    currency: str
    affordable_units: int
    measure: Measure
    steps_json: str
    def __init__(self, result_code: _Optional[int] = ..., reason: _Optional[str] = ..., price_micros: _Optional[int] = ..., currency: _Optional[str] = ..., affordable_units: _Optional[int] = ..., measure: _Optional[_Union[Measure, str]] = ..., steps_json: _Optional[str] = ...) -> None: ...

class ChargedEvent(_message.Message):
    __slots__ = ("session_id", "request_number", "service")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    request_number: int
    service: str
    def __init__(self, session_id: _Optional[str] = ..., request_number: _Optional[int] = ..., service: _Optional[str] = ...) -> None: ...

class RefundRequest(_message.Message):
    __slots__ = ("request_id", "subscription_ids", "debit_request_id", "event")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_IDS_FIELD_NUMBER: _ClassVar[int]
    DEBIT_REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    subscription_ids: _containers.RepeatedCompositeFieldContainer[SubscriptionId]
    debit_request_id: str
    event: ChargedEvent
    def __init__(self, request_id: _Optional[str] = ..., subscription_ids: _Optional[_Iterable[_Union[SubscriptionId, _Mapping]]] = ..., debit_request_id: _Optional[str] = ..., event: _Optional[_Union[ChargedEvent, _Mapping]] = ...) -> None: ...

class RefundAnswer(_message.Message):
    __slots__ = ("result_code", "reason", "refunded_micros", "balance_micros", "currency", "account")
    RESULT_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REFUNDED_MICROS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    result_code: int
    reason: str
    refunded_micros: int
    balance_micros: int
    currency: str
    account: str
    def __init__(self, result_code: _Optional[int] = ..., reason: _Optional[str] = ..., refunded_micros: _Optional[int] = ..., balance_micros: _Optional[int] = ..., currency: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...

class DirectDebitRequest(_message.Message):
    __slots__ = ("request_id", "subscription_ids", "secret", "service", "calling", "called", "access_code", "event_time", "buffered", "units", "note", "network")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SUBSCRIPTION_IDS_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    CALLING_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    ACCESS_CODE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    BUFFERED_FIELD_NUMBER: _ClassVar[int]
    UNITS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    NETWORK_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    subscription_ids: _containers.RepeatedCompositeFieldContainer[SubscriptionId]
    secret: str
    service: str
    calling: str
    called: str
    access_code: AccessCode
    event_time: _timestamp_pb2.Timestamp
    buffered: bool
    units: int
    note: str
    network: str
    def __init__(self, request_id: _Optional[str] = ..., subscription_ids: _Optional[_Iterable[_Union[SubscriptionId, _Mapping]]] = ..., secret: _Optional[str] = ..., service: _Optional[str] = ..., calling: _Optional[str] = ..., called: _Optional[str] = ..., access_code: _Optional[_Union[AccessCode, str]] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., buffered: _Optional[bool] = ..., units: _Optional[int] = ..., note: _Optional[str] = ..., network: _Optional[str] = ...) -> None: ...

class DirectDebitAnswer(_message.Message):
    __slots__ = ("result_code", "reason", "debited_units", "charged_micros", "balance_class", "balance_micros", "currency", "account")
    RESULT_CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DEBITED_UNITS_FIELD_NUMBER: _ClassVar[int]
    CHARGED_MICROS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_CLASS_FIELD_NUMBER: _ClassVar[int]
    BALANCE_MICROS_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    result_code: int
    reason: str
    debited_units: int
    charged_micros: int
    balance_class: BalanceClass
    balance_micros: int
    currency: str
    account: str
    def __init__(self, result_code: _Optional[int] = ..., reason: _Optional[str] = ..., debited_units: _Optional[int] = ..., charged_micros: _Optional[int] = ..., balance_class: _Optional[_Union[BalanceClass, str]] = ..., balance_micros: _Optional[int] = ..., currency: _Optional[str] = ..., account: _Optional[str] = ...) -> None: ...
