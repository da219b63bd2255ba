"""`ocs.v1.Rating` over a real channel and real stores: quotes, searches, sheets, periods, and who may ask."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from admin_plant import send_all
from contract.backend import SqliteBackend
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc
from world import EPOCH_MS, World, voice_prices

from ocs.grpc.access import AccessControl, KeyRing, NewKey, make_key
from ocs.grpc.client import RequestFailedError, failed_error, key_metadata
from ocs.grpc.pb import rating_pb2 as pb
from ocs.grpc.pb.rating_pb2_grpc import RatingStub
from ocs.grpc.rating import SERVICE, RatingServicer
from ocs.grpc.server import GrpcServer
from ocs.ports import ApiRole
from ocs.rating.destination import ANY
from ocs.rating.directory import DestinationInfo
from ocs.rating.tariff import OffPeak, PriceSet

EPOCH_S = EPOCH_MS // 1000
KEYS = {
    role: make_key(title=f"{role.value} key", roles=[role], gateway="gw", created_at_ms=0) for role in ApiRole
}
SHEET = b"Destination,Price\n44,0.20\n49,0.30\n"


class Client:
    """The methods of the service, with one key."""

    def __init__(self, channel: grpc.aio.Channel, key: NewKey) -> None:
        self._stub: Any = RatingStub(channel)  # type: ignore[no-untyped-call]  # generated
        self._metadata = key_metadata(key.text)

    async def __call__(self, method: str, request: Any) -> Any:
        """Make a call; a failure is the server's own. Streams are lists, either way."""
        open_call = getattr(self._stub, method)
        try:
            if isinstance(request, list):
                call = open_call(metadata=self._metadata)
                await send_all(call, request)
            else:
                call = open_call(request, metadata=self._metadata)
            return [part async for part in call] if method == "ExportSheet" else await call
        except grpc.aio.AioRpcError as error:
            raise failed_error(error) from error

    async def refused(self, method: str, request: Any) -> RequestFailedError:
        """Make a call that must fail."""
        with pytest.raises(RequestFailedError) as caught:
            await self(method, request)
        return caught.value


Tell = Callable[[World, Callable[[ApiRole], Client]], Awaitable[None]]


@pytest.fixture(params=["memory", "sqlite"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Tell], None]:
    """Plays a story against a server with tariffs retail and sms, and alice, who has 10.00."""

    async def run(tell: Tell) -> None:
        stores = None
        if request.param == "sqlite":
            opened = SqliteBackend(tmp_path).open()
            stores = (opened.ledger, opened.catalog)
        world = World(stores=stores)
        await describe(world)
        async with world, serving(world) as channel:
            await tell(world, lambda role: Client(channel, KEYS[role]))

    return lambda tell: asyncio.run(run(tell))


async def describe(world: World) -> None:
    """What there is to ask about."""
    off_peak = (OffPeak(prices=voice_prices("0.05"), period="hr{6pm-5am}"),)
    await world.tariff(
        "retail", {"44": voice_prices("0.10"), "4420": voice_prices("0.08"), ANY: voice_prices("1")}
    )
    await world.tariff("sms", {"MSG": PriceSet(unit_price_nanos=50_000_000)})
    terms = {found.name: found for found in await world.catalog.load_tariffs()}
    chunks = [chunk async for chunk in world.catalog.stream_rates(terms["retail"].id)]
    (london,) = [rate for chunk in chunks for rate in chunk if rate.destination == "4420"]
    changed = type(london)(
        destination="4420", peak=london.peak, off_peak=off_peak, effective_from_s=EPOCH_S + 60
    )
    await world.catalog.write_rates(terms["retail"].id, [changed])
    await world.catalog.save_destinations(
        [
            DestinationInfo(
                prefix="44", description="United Kingdom", country="United Kingdom", iso="GB", group="Europe"
            )
        ]
    )
    await world.account("alice", "10", plan="retail")


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[grpc.aio.Channel]:
    """A server whose callers show keys."""
    access = AccessControl(
        ring=KeyRing(key.record for key in KEYS.values()),
        gateway_named=lambda _: world.gateway,
        clock=world.clock,
    )
    await world.begin()
    server = GrpcServer(
        world.engine,
        world.clock,
        access.gateway_for,
        normalise_number=lambda number, _: number,
        rating=RatingServicer(world.ledger, world.catalog, world.clock, access.permit),
    )
    await server.start(["127.0.0.1:0"])
    try:
        async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
            yield channel
    finally:
        await server.stop(0)


def sheet(content: bytes = SHEET, **options: Any) -> list[pb.ImportSheetRequest]:
    """The messages of an import into retail, in small parts."""
    usual: dict[str, Any] = {"parent": "tariffs/retail", "request_id": "import-1"}
    first = pb.ImportSheetRequest(options=pb.ImportSheetOptions(**(usual | options)))
    parts = [content[start : start + 7] for start in range(0, len(content), 7)]
    return [first, *(pb.ImportSheetRequest(chunk=part) for part in parts)]


def at(seconds: int) -> Timestamp:
    """So many seconds into the story."""
    return Timestamp(seconds=EPOCH_S + seconds)


# ------------------------------------------------------------------------------------------------ quotes


def test_quote_by_tariff_and_for_an_account_is_the_same_price(play: Callable[[Tell], None]) -> None:
    """Two started minutes to Britain at 0.10, with the steps that add up to it."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        ask = client(ApiRole.READ)
        by_tariff = await ask("Quote", pb.QuoteRequest(tariff="tariffs/retail", called="441", units=61))
        for_alice = await ask("Quote", pb.QuoteRequest(account="accounts/alice", called="441", units=61))

        assert by_tariff == for_alice
        (price,) = by_tariff.prices
        assert (by_tariff.result_code, price.charge_micros, price.exact) == (2001, 200_000, "0.20")
        assert (price.tariff, price.rate) == ("tariffs/retail", "tariffs/retail/rates/44-0")
        assert sum(float(step.amount) for step in price.steps) == pytest.approx(0.2)
        assert (price.used_units, price.billed_units, price.billed_unit, price.currency) == (
            61,
            120,
            "s",
            "USD",
        )

    play(tell)


def test_quote_that_has_no_price_says_why(play: Callable[[Tell], None]) -> None:
    """A destination without a rate and a service outside the plan are answers; a stranger is an error."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        ask = client(ApiRole.READ)
        none = await ask("Quote", pb.QuoteRequest(tariff="tariffs/sms", called="441"))
        unknown = await ask.refused("Quote", pb.QuoteRequest(account="accounts/bob", called="441"))
        bad = await ask.refused("Quote", pb.QuoteRequest(service="fax", units=-1, called="+44"))

        assert (none.result_code, none.reason, list(none.prices)) == (5031, "cld_blocked", [])
        assert unknown.code is grpc.StatusCode.NOT_FOUND
        assert bad.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in bad.failure.field_violations] == ["called"]

    play(tell)


# ------------------------------------------------------------------------------------------------ search


def names(response: pb.SearchRatesResponse) -> list[str]:
    """Which rates were found."""
    return [rate.name.removeprefix("tariffs/") for rate in response.rates]


ALL = [
    "retail/rates/any-0",
    "retail/rates/44-0",
    "retail/rates/4420-0",
    f"retail/rates/4420-{EPOCH_S + 60}",
    "sms/rates/MSG-0",
]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ALL),
        ({"parent": "tariffs/retail"}, ALL[:4]),
        ({"number": "44201"}, [ALL[2], ALL[4]][:1]),
        ({"number": "44201", "effective_at": at(60)}, [ALL[3]]),
        ({"prefix": "4420"}, ALL[2:4]),
        ({"destination": "m*"}, [ALL[4]]),
        ({"country": "gb"}, ALL[1:4]),
        ({"group": "EUROPE"}, ALL[1:4]),
        ({"mcc": "234"}, []),
        ({"effective_after": at(0)}, [ALL[3]]),
        ({"effective_before": at(0), "prefix": "4420"}, [ALL[2]]),
        ({"effective_at": at(60), "prefix": "4420"}, [ALL[3]]),
        ({"special": pb.FLAG_FILTER_SET}, [ALL[0], ALL[4]]),
        ({"special": pb.FLAG_FILTER_UNSET, "parent": "tariffs/sms"}, []),
        ({"hidden": pb.FLAG_FILTER_SET}, []),
    ],
)
def test_search_filters(
    play: Callable[[Tell], None], filters: dict[str, Any], expected: Sequence[str]
) -> None:
    """Every filter must hold; specials come first, then prefixes, versions by date, tariffs by name."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        request = pb.SearchRatesRequest(**({"parent": "tariffs/-"} | filters))

        assert names(await client(ApiRole.READ)("SearchRates", request)) == list(expected)

    play(tell)


def test_pages_add_up_to_the_whole(play: Callable[[Tell], None]) -> None:
    """Pages of one and of two across tariffs; a token of another request is refused."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        ask = client(ApiRole.READ)

        async def pages(size: int) -> list[list[str]]:
            request = pb.SearchRatesRequest(parent="tariffs/-", page_size=size)
            found = []
            while True:
                response = await ask("SearchRates", request)
                found.append(names(response))
                request.page_token = response.next_page_token
                if not request.page_token:
                    return found

        assert await pages(1) == [[name] for name in ALL]
        assert await pages(2) == [ALL[:2], ALL[2:4], ALL[4:]]
        assert await pages(5) == [ALL]
        first = await ask("SearchRates", pb.SearchRatesRequest(parent="tariffs/-", page_size=1))
        for token in (first.next_page_token, "x", "!!"):
            other = pb.SearchRatesRequest(parent="tariffs/retail", page_size=1, page_token=token)
            refused = await ask.refused("SearchRates", other)
            assert [violation.field for violation in refused.failure.field_violations] == ["page_token"]

    play(tell)


def test_search_shows_every_field_of_a_rate(play: Callable[[Tell], None]) -> None:
    """Prices, off-peak periods and what the directory says of the destination."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        request = pb.SearchRatesRequest(parent="tariffs/retail", number="44207", effective_at=at(60))
        (rate,) = (await client(ApiRole.READ)("SearchRates", request)).rates

        assert (rate.destination, rate.country, rate.country_code, rate.description) == (
            "4420",
            "United Kingdom",
            "GB",
            "United Kingdom",
        )
        assert rate.effective_time == at(60)
        assert (rate.peak.first_interval_s, rate.peak.next_price_nanos) == (60, 80_000_000)
        assert [(one.period, one.prices.next_price_nanos) for one in rate.off_peaks] == [
            ("hr{6pm-5am}", 50_000_000)
        ]

    play(tell)


# ------------------------------------------------------------------------------------------------ sheets


async def price_of(ask: Client, number: str) -> int:
    """What a minute to a number costs now, micros."""
    quoted = await ask("Quote", pb.QuoteRequest(tariff="tariffs/retail", called=number, units=60))
    return int(quoted.prices[0].charge_micros)


def test_import_is_shown_then_made_once_and_audited(play: Callable[[Tell], None]) -> None:
    """A dry run writes nothing; an import is repeated by its id, another body under it is refused."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        ask = client(ApiRole.ADMIN)
        shown = await ask("ImportSheet", sheet(validate_only=True, request_id=""))
        assert (shown.imported, shown.rows, shown.created_rates, shown.changed_rates) == (False, 2, 1, 1)
        assert (shown.dearer_rates, shown.cheaper_rates) == (1, 0)
        assert await price_of(ask, "491") == 1_000_000

        made = await ask("ImportSheet", sheet())
        again = await ask("ImportSheet", sheet())
        other = await ask.refused("ImportSheet", sheet(SHEET.replace(b"0.30", b"0.40")))

        assert made.imported
        assert again == made
        assert other.code is grpc.StatusCode.ALREADY_EXISTS
        assert await price_of(ask, "491") == 300_000
        (entry,) = await world.catalog.list_audit()
        assert (entry.actor, entry.action, entry.target) == ("admin key", "import", "tariffs/retail")
        assert entry.request_id == "import-1"

    play(tell)


def test_same_import_sent_twice_at_once_is_made_once(play: Callable[[Tell], None]) -> None:
    """Both get the answer of the one that was made."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        ask = client(ApiRole.ADMIN)
        one, other = await asyncio.gather(ask("ImportSheet", sheet()), ask("ImportSheet", sheet()))

        assert one == other
        assert one.imported
        assert len(await world.catalog.list_audit()) == 1

    play(tell)


def test_bad_rows_are_all_listed_and_nothing_is_written(play: Callable[[Tell], None]) -> None:
    """Unless the good ones are wanted all the same."""
    content = b"Destination,Price\n44,abc\nNOWHERE,1\n49,0.30\n"

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        ask = client(ApiRole.ADMIN)
        refused = await ask("ImportSheet", sheet(content))
        assert (refused.imported, refused.error_count) == (False, 2)
        assert [(error.line, error.column) for error in refused.errors] == [(2, "Price"), (3, "Destination")]
        assert "abc" in refused.errors[0].reason
        assert await price_of(ask, "491") == 1_000_000

        made = await ask("ImportSheet", sheet(content, skip_bad=True))
        assert (made.imported, made.created_rates, made.error_count) == (True, 1, 2)
        assert await price_of(ask, "491") == 300_000

    play(tell)


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        (sheet(request_id=""), "request_id"),
        (sheet()[1:], "options"),
        ([], "options"),
        ([sheet()[0], *sheet()], "options"),
        (sheet(parent="retail"), "parent"),
        (sheet(mode=9), "options.mode"),
        (sheet(time_zone="Mars/Base"), "options.time_zone"),
        (sheet(format=pb.SHEET_FORMAT_XLSX), "options.format"),
        (sheet(b"a,b\n1,2\n"), "sheet line 1"),
    ],
)
def test_malformed_import_names_the_field(
    play: Callable[[Tell], None], messages: list[pb.ImportSheetRequest], field: str
) -> None:
    """And writes nothing."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        refused = await client(ApiRole.ADMIN).refused("ImportSheet", messages)

        assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in refused.failure.field_violations] == [field]
        assert await world.catalog.list_audit() == []

    play(tell)


@pytest.mark.parametrize("form", [pb.SHEET_FORMAT_CSV, pb.SHEET_FORMAT_XLSX])
def test_exported_sheet_reads_back_unchanged(play: Callable[[Tell], None], form: "pb.SheetFormat") -> None:
    """Every version, in either format."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        parts = await client(ApiRole.READ)(
            "ExportSheet", pb.ExportSheetRequest(parent="tariffs/retail", format=form)
        )
        content = b"".join(part.chunk for part in parts)
        back = await client(ApiRole.ADMIN)("ImportSheet", sheet(content, format=form))

        assert (back.rows, back.error_count) == (4, 0), back
        assert (back.created_rates, back.changed_rates, back.discontinued_rates) == (0, 0, 0)

    play(tell)


def test_export_of_what_is_not_there_is_refused(play: Callable[[Tell], None]) -> None:
    """An unknown tariff and an unknown column, before anything is sent."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        ask = client(ApiRole.READ)
        unknown = await ask.refused("ExportSheet", pb.ExportSheetRequest(parent="tariffs/none"))
        column = await ask.refused(
            "ExportSheet", pb.ExportSheetRequest(parent="tariffs/retail", columns=["Colour"])
        )

        assert unknown.code is grpc.StatusCode.NOT_FOUND
        assert column.code is grpc.StatusCode.INVALID_ARGUMENT

    play(tell)


# ------------------------------------------------------------------------------------------------ periods


def test_period_says_when_it_holds(play: Callable[[Tell], None]) -> None:
    """On the wall clock of the zone, with the next change; a fault is named by its column."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        ask = client(ApiRole.READ)
        prague = pb.TestOffPeakPeriodRequest(
            period="hr{6pm-5am}", time_zone="Europe/Prague", instants=[at(0), at(10 * 3600)]
        )
        night, day = (await ask("TestOffPeakPeriod", prague)).tests
        faulty = await ask("TestOffPeakPeriod", pb.TestOffPeakPeriodRequest(period="hr{25}"))
        never = await ask("TestOffPeakPeriod", pb.TestOffPeakPeriodRequest(period="none"))

        assert (night.off_peak, night.local_time) == (True, "2026-01-01T01:00:00+01:00")
        assert night.next_change_time == at(5 * 3600)
        assert (day.off_peak, day.next_change_time) == (False, at(17 * 3600))
        assert (faulty.valid, faulty.error_column) == (False, 4)
        assert "25" in faulty.error
        assert never.valid
        assert not never.tests[0].HasField("next_change_time")

    play(tell)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"period": ""}, "period"),
        ({"period": "x" * 1001}, "period"),
        ({"period": "none", "time_zone": "Mars/Base"}, "time_zone"),
        ({"period": "none", "instants": [Timestamp(seconds=-1)]}, "instants"),
        ({"period": "none", "instants": [at(0)] * 101}, "instants"),
    ],
)
def test_period_out_of_bounds_is_refused(
    play: Callable[[Tell], None], fields: dict[str, Any], place: str
) -> None:
    """The field is named."""

    async def tell(world: World, client: Callable[[ApiRole], Client]) -> None:
        refused = await client(ApiRole.READ).refused(
            "TestOffPeakPeriod", pb.TestOffPeakPeriodRequest(**fields)
        )

        assert [violation.field for violation in refused.failure.field_violations] == [place]

    play(tell)


# ------------------------------------------------------------------------------------------------ who may


def requests() -> Iterator[tuple[str, Any, set[ApiRole]]]:
    """A call of each method, and the roles that may make it."""
    reading = {ApiRole.READ, ApiRole.ADMIN}
    yield "Quote", pb.QuoteRequest(tariff="tariffs/retail", called="44"), reading
    yield "SearchRates", pb.SearchRatesRequest(parent="tariffs/-"), reading
    yield "ImportSheet", sheet(), {ApiRole.ADMIN}
    yield "ExportSheet", pb.ExportSheetRequest(parent="tariffs/retail"), reading
    yield "TestOffPeakPeriod", pb.TestOffPeakPeriodRequest(period="none"), reading


def test_every_method_asks_for_its_roles() -> None:
    """All methods by all roles, and without a key."""
    assert {method for method, _, _ in requests()} == {
        one.name for one in pb.DESCRIPTOR.services_by_name["Rating"].methods
    }

    async def run() -> None:
        world = World()
        await describe(world)
        async with world, serving(world) as channel:
            for method, request, allowed in requests():
                for role, key in KEYS.items():
                    if role in allowed:
                        await Client(channel, key)(method, request)
                    else:
                        denied = await Client(channel, key).refused(method, request)
                        assert denied.code is grpc.StatusCode.PERMISSION_DENIED, (method, role)
                stranger = make_key(title="", roles=[], created_at_ms=0)
                unknown = await Client(channel, stranger).refused(method, request)
                assert unknown.code is grpc.StatusCode.UNAUTHENTICATED, method

    asyncio.run(run())


def test_health_knows_the_service() -> None:
    """It goes with the store like charging does."""

    async def run() -> None:
        world = World()
        async with world, serving(world) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            found = await stub.Check(health_pb2.HealthCheckRequest(service=SERVICE))

            assert found.status == health_pb2.HealthCheckResponse.SERVING

    asyncio.run(run())
