"""`ocs.v1.Admin` over a real channel and real stores: the catalogue, the books, keys and the audit log."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import pytest
from admin_plant import Tell, run
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from world import EPOCH_MS, World

from ocs.charging.outcome import OutcomeCode
from ocs.grpc.pb import admin_pb2 as pb
from ocs.grpc.pb import charging_pb2, rating_pb2
from ocs.ports import ApiRole, IdentityKind
from ocs.quota.account import AccountStatus

Play = Callable[[Tell], None]
EPOCH_S = EPOCH_MS // 1000
ADMIN = ApiRole.ADMIN
Code = grpc.StatusCode


@pytest.fixture(params=["memory", "sqlite"])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    """Plays a story against each kind of store."""
    return lambda tell: run(request.param, tmp_path, tell)


def mask(*paths: str) -> FieldMask:
    """Fields that an update sets."""
    return FieldMask(paths=paths)


class Noun(NamedTuple):
    """How the standard methods of one noun are tried."""

    singular: str
    plural: str
    field: str
    name: str
    create: dict[str, Any]
    "Fields of the request."
    change: dict[str, Any]
    "Fields of the resource that an update sets."
    wrong: dict[str, Any]
    "Fields of the resource that are refused, one."
    parent: str = ""

    def message(self, **fields: Any) -> Any:
        """A resource."""
        return (rating_pb2.Rate if self.singular == "Rate" else getattr(pb, self.singular))(**fields)

    @property
    def body(self) -> Any:
        """The resource that is created."""
        return self.create[self.field]


VOICE = pb.TariffAssignment(service="voice", tariff="tariffs/retail")
NOUNS = [
    Noun(
        "Account",
        "Accounts",
        "account",
        "accounts/bob",
        {"account_id": "bob", "account": pb.Account(plan="plans/retail", parent_account="accounts/alice")},
        {"credit_limit_micros": 5, "time_zone": "Europe/Prague"},
        {"time_zone": "Mars/Base"},
    ),
    Noun(
        "Identity",
        "Identities",
        "identity",
        "accounts/alice/identities/ani-420123",
        {
            "parent": "accounts/alice",
            "identity": pb.Identity(kind=charging_pb2.IDENTITY_KIND_ANI, value="+420 123", secret="s3cret"),
        },
        {"max_sessions": 2, "cost_centre": "sales"},
        {"plan": "plans/none"},
        parent="accounts/alice",
    ),
    Noun(
        "Plan",
        "Plans",
        "plan",
        "plans/gold",
        {"plan_id": "gold", "plan": pb.Plan(tariffs=[VOICE])},
        {"bill_by_ani": True},
        {"override_tariff": "tariffs/none"},
    ),
    Noun(
        "Tariff",
        "Tariffs",
        "tariff",
        "tariffs/gold",
        {"tariff_id": "gold", "tariff": pb.Tariff(currency="EUR", off_peak_periods=["hr{6pm-5am}"])},
        {"connect_fee_micros": 7, "round_decimals": 0},
        {"round_decimals": 9},
    ),
    Noun(
        "Rate",
        "",
        "rate",
        f"tariffs/retail/rates/49-{EPOCH_S + 60}",
        {
            "parent": "tariffs/retail",
            "rate": rating_pb2.Rate(
                destination="49",
                effective_time=Timestamp(seconds=EPOCH_S + 60),
                peak=rating_pb2.PriceSet(first_price_nanos=5, next_price_nanos=5),
            ),
        },
        {"hidden": True},
        {"peak": rating_pb2.PriceSet(formula="nonsense")},
    ),
    Noun(
        "Destination",
        "Destinations",
        "destination",
        "destinations/4420",
        {"destination_id": "4420", "destination": pb.Destination(description="London", mcc="234", mnc="015")},
        {"country": "United Kingdom", "group": "destinationGroups/Europe"},
        {"mcc": "23"},
    ),
    Noun(
        "DiscountPlan",
        "DiscountPlans",
        "discount_plan",
        "discountPlans/minutes",
        {
            "discount_plan_id": "minutes",
            "discount_plan": pb.DiscountPlan(
                rules=[
                    pb.DiscountRule(
                        title="europe",
                        prefixes=["44", "any"],
                        ladders=[pb.DiscountLadder(levels=[pb.DiscountLevel(upto=6000, off_ppm=1_000_000)])],
                        reset_cycle=pb.RESET_CYCLE_MONTHLY,
                        rollover_periods=2,
                        counting=pb.DISCOUNT_COUNTING_UNITS,
                    )
                ]
            ),
        },
        {
            "rules": [
                pb.DiscountRule(
                    title="all",
                    prefixes=["any"],
                    ladders=[pb.DiscountLadder(levels=[pb.DiscountLevel(off_ppm=100_000)])],
                    counting=pb.DISCOUNT_COUNTING_MONEY,
                    reset_cycle=pb.RESET_CYCLE_NEVER,
                )
            ]
        },
        {"rules": [pb.DiscountRule(title="bad", prefixes=["x!"])]},
    ),
    Noun(
        "Gateway",
        "Gateways",
        "gateway",
        "gateways/sbc",
        {"gateway_id": "sbc", "gateway": pb.Gateway(address="192.0.2.1", secret="s3cret", disabled=True)},
        {"coa_port": 1700, "coa_address": "192.0.2.9", "grant_policy": pb.GrantPolicy(slice_s=30)},
        {"address": "nowhere"},
    ),
]
EVERY_NOUN = pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.singular)


@EVERY_NOUN
def test_a_resource_is_created_read_changed_and_deleted(play: Play, noun: Noun) -> None:
    """Each step shows the whole resource, and leaves one audit entry that says what changed."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        created = await admin(f"Create{noun.singular}", **noun.create)
        assert created.name == noun.name
        assert await admin(f"Get{noun.singular}", name=noun.name) == created

        changed = await admin(
            f"Update{noun.singular}", **{noun.field: noun.message(name=noun.name, **noun.change)}
        )

        for field, value in noun.change.items():
            if isinstance(value, pb.GrantPolicy):
                assert getattr(changed, field).slice_s == value.slice_s
            elif isinstance(value, list):
                assert list(getattr(changed, field)) == value
            else:
                assert getattr(changed, field) == value, field
        assert changed.etag != created.etag
        assert await admin(f"Get{noun.singular}", name=noun.name) == changed
        if noun.plural:
            where = {"parent": noun.parent} if noun.parent else {}
            listed = await admin(f"List{noun.plural}", **where)
            assert changed in next(iter(value for _, value in listed.ListFields()))
        await admin(f"Delete{noun.singular}", name=noun.name)
        if noun.singular == "Rate":  # history stays
            assert (await admin("GetRate", name=noun.name)).discontinued
        else:
            assert (await admin.refused(f"Get{noun.singular}", name=noun.name)).code is Code.NOT_FOUND

        log = (await admin("ListAuditEntries")).audit_entries
        assert [(entry.action, entry.resource, entry.actor) for entry in log] == [
            (action, noun.name, "admin key") for action in ("delete", "update", "create")
        ]
        assert [bool(entry.before_json) for entry in log] == [True, True, False]
        assert [bool(entry.after_json) for entry in log] == [False, True, True]
        before, after = json.loads(log[1].before_json), json.loads(log[1].after_json)
        assert {name for name in before if before[name] != after.get(name)} <= {
            *noun.change,
            "etag",
            "available_micros",
        }

    play(tell)


@EVERY_NOUN
def test_a_command_is_carried_out_once(play: Play, noun: Noun) -> None:
    """Sent again it returns what the first one did; with another body, or another method, it is refused."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        created = await admin(f"Create{noun.singular}", **noun.create, request_id="r1")
        fresh = {noun.field: noun.message(name=noun.name, **noun.change)}
        changed = await admin(f"Update{noun.singular}", **fresh, request_id="r2")

        assert await admin(f"Create{noun.singular}", **noun.create, request_id="r1") == created
        assert await admin(f"Update{noun.singular}", **fresh, request_id="r2") == changed
        assert len((await admin("ListAuditEntries")).audit_entries) == 2
        other = {noun.field: noun.message(name=noun.name)}
        refused = await admin.refused(f"Update{noun.singular}", **other, request_id="r2")
        assert refused.code is Code.ALREADY_EXISTS
        assert (await admin.refused(f"Update{noun.singular}", **fresh, request_id="r1")).code is (
            Code.ALREADY_EXISTS
        )

    play(tell)


@EVERY_NOUN
def test_a_command_that_comes_twice_at_once_is_carried_out_once(play: Play, noun: Noun) -> None:
    """Both callers are told the same."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        both = await asyncio.gather(
            *(admin(f"Create{noun.singular}", **noun.create, request_id="r1") for _ in range(4))
        )
        assert all(one == both[0] for one in both)
        assert len((await admin("ListAuditEntries")).audit_entries) == 1

    play(tell)


@EVERY_NOUN
def test_checking_changes_nothing(play: Play, noun: Noun) -> None:
    """`validate_only` finds what is wrong and tells what would be."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        would_be = await admin(f"Create{noun.singular}", **noun.create, validate_only=True)
        assert (await admin.refused(f"Get{noun.singular}", name=noun.name)).code is Code.NOT_FOUND
        assert await admin(f"Create{noun.singular}", **noun.create) == would_be
        fresh = {noun.field: noun.message(name=noun.name, **noun.change)}
        changed = await admin(f"Update{noun.singular}", **fresh, validate_only=True)
        assert changed != would_be
        assert await admin(f"Get{noun.singular}", name=noun.name) == would_be
        assert len((await admin("ListAuditEntries")).audit_entries) == 1

    play(tell)


@EVERY_NOUN
def test_bad_fields_are_named_and_nothing_is_written(play: Play, noun: Noun) -> None:
    """On creation and on change, with the path of the field in the request."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        body = type(noun.body)()
        body.CopyFrom(noun.body)
        body.MergeFrom(noun.message(**noun.wrong))
        refused = await admin.refused(f"Create{noun.singular}", **{**noun.create, noun.field: body})
        assert refused.code is Code.INVALID_ARGUMENT
        (field,) = noun.wrong
        assert any(name.startswith(f"{noun.field}.{field}") for name, _ in refused.field_violations)

        created = await admin(f"Create{noun.singular}", **noun.create)
        wrong = {noun.field: noun.message(name=noun.name, **noun.wrong)}
        refused = await admin.refused(f"Update{noun.singular}", **wrong)
        assert refused.code is Code.INVALID_ARGUMENT
        assert any(name.startswith(f"{noun.field}.{field}") for name, _ in refused.field_violations)
        for path in ("nonsense", "name.x", "etag"):
            refused = await admin.refused(f"Update{noun.singular}", **wrong, update_mask=mask(path))
            assert refused.code is Code.INVALID_ARGUMENT
            assert refused.field_violations[0][0] == "update_mask"
        assert await admin(f"Get{noun.singular}", name=noun.name) == created
        assert len((await admin("ListAuditEntries")).audit_entries) == 1

    play(tell)


@EVERY_NOUN
def test_an_etag_guards_a_change(play: Play, noun: Noun) -> None:
    """A change of, and the deletion of, a version that is no more are refused with ABORTED."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        created = await admin(f"Create{noun.singular}", **noun.create)
        fresh = noun.message(name=noun.name, etag=created.etag, **noun.change)
        changed = await admin(f"Update{noun.singular}", **{noun.field: fresh})
        assert (await admin.refused(f"Update{noun.singular}", **{noun.field: fresh})).code is Code.ABORTED
        refused = await admin.refused(f"Delete{noun.singular}", name=noun.name, etag=created.etag)
        assert refused.code is Code.ABORTED
        await admin(f"Delete{noun.singular}", name=noun.name, etag=changed.etag)

    play(tell)


@EVERY_NOUN
def test_what_is_taken_and_what_is_not_there(play: Play, noun: Noun) -> None:
    """A second creation is refused; nothing that does not exist is changed or deleted."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        absent = {noun.field: noun.message(name=noun.name, **noun.change)}
        assert (await admin.refused(f"Update{noun.singular}", **absent)).code is Code.NOT_FOUND
        assert (await admin.refused(f"Delete{noun.singular}", name=noun.name)).code is Code.NOT_FOUND
        for name in ("", "nonsense", f"{noun.name}/x", "nonsense/x"):
            refused = await admin.refused(f"Get{noun.singular}", name=name)
            assert refused.code is Code.INVALID_ARGUMENT, name
        await admin(f"Create{noun.singular}", **noun.create)
        assert (await admin.refused(f"Create{noun.singular}", **noun.create)).code is Code.ALREADY_EXISTS

    play(tell)


@pytest.mark.parametrize("singular", ["Identity", "Gateway"])
def test_secrets_are_kept_and_never_shown(play: Play, singular: str) -> None:
    """Neither in answers nor in the audit log; a change that does not name the secret leaves it."""
    noun = next(one for one in NOUNS if one.singular == singular)

    async def secret(world: World) -> str | None:
        if singular == "Gateway":
            return next(one.secret for one in await world.catalog.load_gateways() if one.name == "sbc")
        found = await world.catalog.find_identity(IdentityKind.ANI, "420123")
        assert found is not None
        return found.secret

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        answers = [await admin(f"Create{singular}", **noun.create)]
        assert await secret(world) == "s3cret"
        fresh = noun.message(name=noun.name, **noun.change)
        answers.append(await admin(f"Update{singular}", **{noun.field: fresh}))
        assert await secret(world) == "s3cret"
        fresh = noun.message(name=noun.name, secret="an0ther")
        answers.append(await admin(f"Update{singular}", **{noun.field: fresh}))
        assert await secret(world) == "an0ther"
        assert answers[-1].has_secret
        told = [str(one) for one in answers] + [str(await admin("ListAuditEntries"))]
        assert not [text for text in told if "s3cret" in text or "an0ther" in text]

    play(tell)


def test_what_is_referred_to_stays(play: Play) -> None:
    """The refusal says what needs it."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        for method, name, reason in (
            ("DeletePlan", "plans/retail", "account 'alice'"),
            ("DeleteTariff", "tariffs/retail", "plan 'retail'"),
            ("DeleteAccount", "accounts/alice", "in the books"),
            ("DeleteGateway", "gateways/gw", "disable it first"),
        ):
            refused = await admin.refused(method, name=name)
            assert refused.code is Code.FAILED_PRECONDITION, name
            assert reason in str(refused)
        await world.initial("c1", "alice")
        await admin("UpdateGateway", gateway=pb.Gateway(name="gateways/gw", disabled=True))
        refused = await admin.refused("DeleteGateway", name="gateways/gw")
        assert refused.code is Code.FAILED_PRECONDITION
        assert "in the books" in str(refused)

    play(tell)


# ------------------------------------------------------------------------------------------------ accounts


def test_accounts_are_listed_in_pages_and_filtered(play: Play) -> None:
    """By prefix, by status, below another account; a token is good for its own request only."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        for name in ("bob", "bill", "carol"):
            account = pb.Account(parent_account="accounts/alice" if name != "carol" else "")
            await admin("CreateAccount", account_id=name, account=account)
        suspended = pb.Account(name="accounts/bob", status=pb.ACCOUNT_STATUS_SUSPENDED)
        await admin("UpdateAccount", account=suspended)
        first = await admin("ListAccounts", page_size=3)
        rest = await admin("ListAccounts", page_size=3, page_token=first.next_page_token)
        assert [one.name for one in [*first.accounts, *rest.accounts]] == [
            f"accounts/{name}" for name in ("alice", "bill", "bob", "carol")
        ]
        assert not rest.next_page_token

        async def names(**filters: Any) -> list[str]:
            return [one.name[9:] for one in (await admin("ListAccounts", **filters)).accounts]

        assert await names(prefix="b") == ["bill", "bob"]
        assert await names(under="accounts/alice") == ["bill", "bob"]
        assert await names(status=pb.ACCOUNT_STATUS_SUSPENDED) == ["bob"]
        assert await names(under="accounts/alice", status=pb.ACCOUNT_STATUS_ACTIVE) == ["bill"]
        for bad in ({"page_token": first.next_page_token, "prefix": "b"}, {"page_token": "x"}):
            refused = await admin.refused("ListAccounts", page_size=3, **bad)
            assert refused.field_violations[0][0] == "page_token"
        assert (await admin.refused("ListAccounts", page_size=-1)).code is Code.INVALID_ARGUMENT

    play(tell)


def test_an_account_starts_with_its_opening_balance(play: Play) -> None:
    """Once, however often the command comes."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        order = {
            "account_id": "bob",
            "account": pb.Account(
                plan="plans/retail",
                kind=pb.ACCOUNT_KIND_POSTPAID,
                credit_limit_micros=7,
                max_service_sessions={"voice": 2},
                credit_reset=pb.CreditReset(cycle=pb.RESET_CYCLE_MONTHLY, balance_micros=9),
            ),
            "opening_micros": 5_000_000,
            "request_id": "r1",
        }
        for _ in range(2):
            created = await admin("CreateAccount", **order)
            assert created.balance_micros == 5_000_000
            assert created.available_micros == 5_000_007
        assert await world.balance("bob") == 5_000_000
        stored = await admin("GetAccount", name="accounts/bob")
        assert stored == created
        assert stored.currency == "USD"
        assert stored.max_service_sessions == {"voice": 2}
        entries = await admin("ListLedgerEntries", parent="accounts/bob")
        assert [entry.amount_micros for entry in entries.ledger_entries] == [5_000_000]
        refused = await admin.refused(
            "UpdateAccount", account=pb.Account(name="accounts/bob", parent_account="accounts/alice", kind=1)
        )
        assert refused.field_violations[0][0] == "account.parent_account"

    play(tell)


def test_a_mask_sets_what_it_names(play: Play) -> None:
    """A field that it names and the message leaves out becomes absent; others stay."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        full = pb.Account(name="accounts/alice", max_sessions=0, daily_spend_limit_micros=5)
        stored = await admin("UpdateAccount", account=full)
        assert stored.HasField("max_sessions")
        stored = await admin(
            "UpdateAccount", account=pb.Account(name="accounts/alice"), update_mask=mask("max_sessions")
        )
        assert not stored.HasField("max_sessions")
        assert stored.daily_spend_limit_micros == 5
        policy = pb.Gateway(name="gateways/gw", grant_policy=pb.GrantPolicy(slice_s=30, margin_s=5))
        stored = await admin("UpdateGateway", gateway=policy, update_mask=mask("grant_policy.slice_s"))
        assert stored.grant_policy.slice_s == 30
        assert stored.grant_policy.margin_s != 5

    play(tell)


def test_a_gateway_that_takes_no_orders_stays_so(play: Play) -> None:
    """Whatever else of it changes: believed to be stoppable, it would be told more than is held."""

    async def tell(world: World, client: Any) -> None:
        admin, name = client(ADMIN), "gateways/gw"

        async def change(*fields: str, **values: Any) -> tuple[bool, int]:
            stored = await admin(
                "UpdateGateway", gateway=pb.Gateway(name=name, **values), update_mask=mask(*fields)
            )
            return stored.coa_disabled, stored.coa_port

        assert await change("coa_port", coa_port=1700) == (False, 1700)
        assert await change("coa_disabled", coa_disabled=True) == (True, 0)
        assert await change("dialect", dialect="cisco") == (True, 0)
        assert await change("coa_disabled") == (False, 3799)
        wrong = pb.Gateway(name=name, coa_address="192.0.2.0/24")
        refused = await admin.refused("UpdateGateway", gateway=wrong, update_mask=mask("coa_address"))
        assert refused.field_violations[0][0] == "gateway.coa_address"

    play(tell)


def test_a_block_reaches_the_running_server(play: Play) -> None:
    """What was changed over the API holds for the next call."""

    async def tell(world: World, client: Any) -> None:
        assert (await world.initial("c1", "alice")).code is OutcomeCode.SUCCESS
        blocked = pb.Account(name="accounts/alice", status=pb.ACCOUNT_STATUS_BLOCKED)
        await client(ADMIN)("UpdateAccount", account=blocked)
        await world.engine.follow_changes()
        assert (await world.initial("c2", "alice")).code is not OutcomeCode.SUCCESS
        profile = await world.catalog.find_account("alice")
        assert profile is not None
        assert profile.status is AccountStatus.BLOCKED

    play(tell)


def test_an_identity_says_for_whom_it_stands_and_what_pays_out(play: Play) -> None:
    """Both come back as given, are refused with the field's name, and are taken back by a mask."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        await admin("CreateTariff", tariff_id="received", tariff=pb.Tariff())
        did = pb.Identity(
            kind=charging_pb2.IDENTITY_KIND_DID, value="4420", payback_tariff="tariffs/received"
        )
        created = await admin("CreateIdentity", parent="accounts/alice", identity=did)
        desk = pb.Identity(kind=charging_pb2.IDENTITY_KIND_EXTENSION, value="201", primary="username:alice")
        second = await admin("CreateIdentity", parent="accounts/alice", identity=desk)
        assert (created.payback_tariff, second.primary) == ("tariffs/received", "username:alice")

        desk.value, desk.primary = "202", "alice"
        refused = await admin.refused("CreateIdentity", parent="accounts/alice", identity=desk)
        assert refused.field_violations[0][0] == "identity.primary"
        desk.primary, desk.payback_tariff = "", "tariffs/received"
        refused = await admin.refused("CreateIdentity", parent="accounts/alice", identity=desk)
        assert refused.field_violations[0][0] == "identity.payback_tariff"

        changed = await admin(
            "UpdateIdentity", identity=pb.Identity(name=second.name), update_mask={"paths": ["primary"]}
        )
        assert not changed.primary
        stored = await world.catalog.find_identity(IdentityKind.EXTENSION, "201")
        assert stored is not None
        assert stored.primary_kind is None

    play(tell)


def test_identities_are_found_by_value(play: Play) -> None:
    """Also an address in its network; across all accounts in pages."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        await admin("CreateAccount", account_id="bob", account=pb.Account())
        network = pb.Identity(kind=charging_pb2.IDENTITY_KIND_IP, value="10.0.0.0/8")
        created = await admin("CreateIdentity", parent="accounts/bob", identity=network)
        assert created.name == "accounts/bob/identities/ip-10.0.0.0%2F8"
        assert await admin("GetIdentity", name=created.name) == created
        taken = await admin.refused("CreateIdentity", parent="accounts/alice", identity=network)
        assert taken.field_violations[0][0] == "identity.value"
        found = await admin("ListIdentities", parent="accounts/-", value="10.1.2.3")
        assert list(found.identities) == [created]
        assert not (await admin("ListIdentities", parent="accounts/alice", value="10.1.2.3")).identities
        first = await admin("ListIdentities", parent="accounts/-", page_size=1)
        rest = await admin(
            "ListIdentities", parent="accounts/-", page_size=1, page_token=first.next_page_token
        )
        assert [first.identities[0].name, rest.identities[0].name] == [
            "accounts/alice/identities/username-alice",
            created.name,
        ]
        only = await admin("ListIdentities", parent="accounts/-", kind=charging_pb2.IDENTITY_KIND_IP)
        assert list(only.identities) == [created]
        assert (await admin.refused("ListIdentities", parent="accounts/none")).code is Code.NOT_FOUND
        assert (await admin.refused("ListIdentities")).code is Code.INVALID_ARGUMENT

    play(tell)


def test_a_rate_in_force_is_not_rewritten(play: Play) -> None:
    """It priced sessions: a newer one replaces it, deleting discontinues it from now on."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        past = rating_pb2.Rate(destination="49", peak=rating_pb2.PriceSet(next_price_nanos=5))
        created = await admin("CreateRate", parent="tariffs/retail", rate=past)
        assert created.effective_time.seconds == EPOCH_S
        refused = await admin.refused("UpdateRate", rate=rating_pb2.Rate(name=created.name, hidden=True))
        assert "in force" in str(refused)
        world.pass_seconds(10)
        await admin("DeleteRate", name=created.name)
        assert not (await admin("GetRate", name=created.name)).discontinued
        assert (await admin("GetRate", name=f"tariffs/retail/rates/49-{EPOCH_S + 10}")).discontinued
        nowhere = rating_pb2.Rate(destination="nowhere!")
        refused = await admin.refused("CreateRate", parent="tariffs/retail", rate=nowhere)
        assert refused.field_violations[0][0] == "rate.destination"
        assert (await admin.refused("CreateRate", parent="tariffs/no", rate=past)).code is Code.NOT_FOUND

    play(tell)


def test_discount_plans_are_given_and_taken(play: Play) -> None:
    """To accounts, customers and plans; once; a plan that somebody has stays. Groups are the directory's."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        for prefix, group in (("44", "Europe"), ("1", "America"), ("49", "Europe")):
            entry = pb.Destination(group=f"destinationGroups/{group}")
            await admin("CreateDestination", destination_id=prefix, destination=entry)
        first = await admin("ListDestinationGroups", page_size=1)
        rest = await admin("ListDestinationGroups", page_size=1, page_token=first.next_page_token)
        assert [first.destination_groups[0].name, rest.destination_groups[0].name] == [
            "destinationGroups/America",
            "destinationGroups/Europe",
        ]
        europe = await admin("GetDestinationGroup", name="destinationGroups/Europe")
        assert list(europe.prefixes) == ["44", "49"]
        assert (await admin.refused("GetDestinationGroup", name="destinationGroups/x")).code is Code.NOT_FOUND
        rule = pb.DiscountRule(
            title="europe",
            group=europe.name,
            ladders=[pb.DiscountLadder(levels=[pb.DiscountLevel(upto=60, off_ppm=1_000_000)])],
        )
        made = await admin(
            "CreateDiscountPlan", discount_plan_id="minutes", discount_plan=pb.DiscountPlan(rules=[rule])
        )
        assert list(made.rules[0].prefixes) == ["44", "49"]
        to_alice = pb.DiscountAssignment(owner=pb.DISCOUNT_OWNER_ACCOUNT, account="accounts/alice")
        to_plan = pb.DiscountAssignment(owner=pb.DISCOUNT_OWNER_PLAN, plan="plans/retail")
        for assignment in (to_alice, to_alice, to_plan):
            plan = await admin("AssignDiscountPlan", name=made.name, assignment=assignment)
        assert [(one.owner, one.account, one.plan) for one in plan.assignments] == [
            (pb.DISCOUNT_OWNER_ACCOUNT, "accounts/alice", ""),
            (pb.DISCOUNT_OWNER_PLAN, "", "plans/retail"),
        ]
        assert plan.assignments[0].since_time.seconds == EPOCH_S
        assert (await admin.refused("DeleteDiscountPlan", name=made.name)).code is Code.FAILED_PRECONDITION
        assert (await admin.refused("DeleteAccount", name="accounts/alice")).code is Code.FAILED_PRECONDITION
        await world.engine.follow_changes()
        world.pass_seconds(60)
        await world.initial("c1", "alice", to="441")
        await world.start("c1")
        world.pass_seconds(60)
        await world.stop("c1", 60)
        assert await world.balance("alice") == 10_000_000
        account, plan_owner = pb.DISCOUNT_OWNER_ACCOUNT, pb.DISCOUNT_OWNER_PLAN
        for assignment, place in (
            (pb.DiscountAssignment(account="accounts/alice"), "assignment.owner"),
            (
                pb.DiscountAssignment(owner=plan_owner, account="accounts/alice"),
                "assignment.owner",
            ),
            (
                pb.DiscountAssignment(owner=account, account="accounts/x"),
                "assignment.account",
            ),
            (pb.DiscountAssignment(owner=pb.DISCOUNT_OWNER_PLAN, plan="plans/x"), "assignment.plan"),
        ):
            refused = await admin.refused("AssignDiscountPlan", name=made.name, assignment=assignment)
            assert refused.field_violations[0][0] == place
        for assignment in (to_alice, to_alice, to_plan):
            plan = await admin("WithdrawDiscountPlan", name=made.name, assignment=assignment)
        assert not plan.assignments
        log = (await admin("ListAuditEntries", resource=made.name)).audit_entries
        assert [one.action for one in log] == ["withdraw", "withdraw", "assign", "assign", "create"]
        await admin("DeleteDiscountPlan", name=made.name)

    play(tell)


# ------------------------------------------------------------------------------------------------ the books


def test_payments_are_booked_once_and_audited(play: Play) -> None:
    """Top-up, bonus and adjustment; the entry, the audit entry and the replay agree."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        paid = {"name": "accounts/alice", "amount_micros": 3_000_000, "request_id": "p1", "note": "cash"}
        entry = await admin("TopUpAccount", **paid)
        assert (entry.kind, entry.balance_micros) == (pb.ENTRY_KIND_PAYMENT, 13_000_000)
        assert await admin("TopUpAccount", **paid) == entry
        for other in ({"amount_micros": 4}, {"note": "card"}, {"bonus": True}):
            assert (await admin.refused("TopUpAccount", **{**paid, **other})).code is Code.ALREADY_EXISTS
        bonus = await admin("TopUpAccount", **{**paid, "request_id": "p2", "bonus": True})
        assert bonus.kind == pb.ENTRY_KIND_BONUS
        wrong = {"name": "accounts/alice", "amount_micros": -17_000_000, "request_id": "a1", "note": "fraud"}
        adjusted = await admin("AdjustBalance", **wrong)
        assert (adjusted.kind, adjusted.balance_micros) == (pb.ENTRY_KIND_ADJUSTMENT, -1_000_000)
        assert await admin("AdjustBalance", **wrong) == adjusted
        assert await world.balance("alice") == -1_000_000
        log = (await admin("ListAuditEntries", resource="accounts/alice")).audit_entries
        assert [(one.action, one.request_id) for one in log] == [
            ("adjust", "a1"),
            ("top_up", "p2"),
            ("top_up", "p1"),
        ]
        assert json.loads(log[0].after_json)["amount_micros"] == -17_000_000
        for method, fields, place in (
            ("TopUpAccount", {**paid, "amount_micros": 0}, "amount_micros"),
            ("TopUpAccount", {**paid, "request_id": ""}, "request_id"),
            ("TopUpAccount", {**paid, "note": "x" * 201}, "note"),
            ("AdjustBalance", {**wrong, "amount_micros": 0}, "amount_micros"),
            ("AdjustBalance", {**wrong, "note": ""}, "note"),
        ):
            assert (await admin.refused(method, **fields)).field_violations[0][0] == place
        gone = await admin.refused("TopUpAccount", **{**paid, "name": "accounts/none"})
        assert gone.code is Code.NOT_FOUND
        assert not await world.ledger.verify()

    play(tell)


def test_money_moves_between_accounts_or_not_at_all(play: Play) -> None:
    """Once; within the giver's limit and what its calls hold; in one currency."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        await world.account("bob", "1", plan="retail")
        await world.account("eve", currency="EUR")
        moved = {
            "source": "accounts/alice",
            "target": "accounts/bob",
            "amount_micros": 4_000_000,
            "request_id": "t1",
            "note": "gift",
        }
        first = await admin("TransferMoney", **moved)
        assert first.source_entry.balance_micros == 6_000_000
        assert first.target_entry.balance_micros == 5_000_000
        assert first.target_entry.kind == pb.ENTRY_KIND_TRANSFER
        assert first.target_entry.note == "from alice: gift"
        assert await admin("TransferMoney", **moved) == first
        await world.engine.follow_changes()
        await world.initial("c1", "alice")
        held = 6_000_000 - await world.free("alice")
        assert held > 0
        for change, code in (
            ({"amount_micros": 5}, Code.ALREADY_EXISTS),
            ({"target": "accounts/eve"}, Code.INVALID_ARGUMENT),
            ({"target": "accounts/alice"}, Code.INVALID_ARGUMENT),
            ({"target": "accounts/none"}, Code.NOT_FOUND),
            ({"amount_micros": 0, "request_id": "t2"}, Code.INVALID_ARGUMENT),
            ({"request_id": ""}, Code.INVALID_ARGUMENT),
            ({"amount_micros": 6_000_001 - held, "request_id": "t3"}, Code.INVALID_ARGUMENT),
        ):
            assert (await admin.refused("TransferMoney", **{**moved, **change})).code is code, change
        await admin("TransferMoney", **{**moved, "amount_micros": 6_000_000 - held, "request_id": "t4"})
        assert await world.free("alice") == 0
        log = (await admin("ListAuditEntries", resource="accounts/alice")).audit_entries
        assert [(one.action, one.request_id) for one in log] == [("transfer", "t4"), ("transfer", "t1")]
        assert not await world.ledger.verify()

    play(tell)


def test_transfers_both_ways_at_once_lose_nothing(play: Play) -> None:
    """However they interleave, the sum of both balances stays."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        await world.account("bob", "10", plan="retail")
        names = ["accounts/alice", "accounts/bob"]
        await asyncio.gather(
            *(
                admin(
                    "TransferMoney",
                    source=names[number % 2],
                    target=names[1 - number % 2],
                    amount_micros=1_000 + number,
                    request_id=f"t{number}",
                )
                for number in range(20)
            )
        )
        assert await world.balance("alice") + await world.balance("bob") == 20_000_000
        assert await world.balance("bob") == 10_000_000 - 10
        assert not await world.ledger.verify()

    play(tell)


def test_a_session_is_ended_by_an_operator(play: Play) -> None:
    """What it used stays charged, the rest is free again, and a later report settles the difference."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        await world.initial("c1", "alice")
        await world.start("c1")
        world.pass_seconds(60)
        await world.update("c1", 60)
        (open_,) = (await admin("ListSessions")).sessions
        for reason in ("x" * 65, "a\nb"):
            refused = await admin.refused("TerminateSession", name=open_.name, reason=reason)
            assert refused.field_violations[0][0] == "reason"

        ended = await admin("TerminateSession", name=open_.name, reason="fraud")

        assert (ended.state, ended.end_cause, ended.used_units) == (pb.SESSION_STATE_CLOSED, "fraud", 60)
        assert await admin("TerminateSession", name=open_.name) == ended
        assert await world.free("alice") == await world.balance("alice") == 9_900_000
        (cdr,) = (await admin("ListCdrs")).cdrs
        assert (cdr.end_cause, cdr.charged_micros) == ("fraud", 100_000)
        (logged,) = (await admin("ListAuditEntries")).audit_entries
        assert (logged.action, logged.resource) == ("terminate", open_.name)
        assert json.loads(logged.before_json) == {"state": "open", "used_units": 60}
        assert json.loads(logged.after_json) == {"state": "closed", "end_cause": "fraud"}
        await world.stop("c1", 120)
        assert await world.balance("alice") == 9_800_000
        assert (await admin.refused("TerminateSession", name="sessions/0")).code is Code.NOT_FOUND
        assert not await world.ledger.verify()

    play(tell)


def test_sessions_ledger_and_records_are_listed_and_exported(play: Play) -> None:
    """Filtered, in pages, and as files."""

    async def tell(world: World, client: Any) -> None:
        reader = client(ApiRole.READ)
        for key in ("c1", "c2", "c3"):
            await world.initial(key, "alice")
            await world.start(key, leg="originate")
            if key != "c3":
                world.pass_seconds(60)
                await world.stop(key, 60, leg="answer")
        listed = await reader("ListSessions")
        assert [one.session_key for one in listed.sessions] == ["c3", "c2", "c1"]
        newest = listed.sessions[0]
        assert await reader("GetSession", name=newest.name) == newest
        assert newest.account == "accounts/alice"
        assert newest.gateway == "gateways/gw"
        assert newest.state == pb.SESSION_STATE_OPEN
        assert newest.reservations[0].reserved_micros > 0
        first = await reader("ListSessions", page_size=2, account="accounts/alice")
        rest = await reader(
            "ListSessions", page_size=2, account="accounts/alice", page_token=first.next_page_token
        )
        assert [one.session_key for one in rest.sessions] == ["c1"]
        for filters, keys in (
            ({"state": pb.SESSION_STATE_CLOSED}, ["c2", "c1"]),
            ({"state": pb.SESSION_STATE_OPEN, "gateway": "gateways/gw"}, ["c3"]),
            ({"gateway": "gateways/gw", "session_key": "c2"}, ["c2"]),
            ({"gateway": "gateways/gw", "session_key": "c9"}, []),
        ):
            found = await reader("ListSessions", **filters)
            assert [one.session_key for one in found.sessions] == keys, filters
        assert (await reader.refused("ListSessions", session_key="c1")).code is Code.INVALID_ARGUMENT
        assert (await reader.refused("ListSessions", gateway="gateways/x")).code is Code.NOT_FOUND
        assert (await reader.refused("GetSession", name="sessions/0")).code is Code.NOT_FOUND
        assert (await reader.refused("GetSession", name="sessions/x")).code is Code.INVALID_ARGUMENT

        entries = await reader("ListLedgerEntries", parent="accounts/alice", kind=pb.ENTRY_KIND_CHARGE)
        assert [one.amount_micros for one in entries.ledger_entries] == [-100_000, -100_000]
        assert entries.ledger_entries[0].session == listed.sessions[2].name
        mine = await reader(
            "ListLedgerEntries", parent="accounts/alice", session=listed.sessions[1].name, page_size=1
        )
        assert [one.name for one in mine.ledger_entries] == ["accounts/alice/entries/3"]
        until = Timestamp(seconds=EPOCH_S + 61)
        early = await reader("ListLedgerEntries", parent="accounts/alice", until_time=until)
        assert len(early.ledger_entries) == 2

        cdrs = await reader("ListCdrs", page_size=1)
        older = await reader("ListCdrs", page_size=1, page_token=cdrs.next_page_token)
        assert [cdrs.cdrs[0].session_key, older.cdrs[0].session_key] == ["c2", "c1"]
        assert not older.next_page_token
        assert cdrs.cdrs[0].charged_micros == 100_000
        assert list(cdrs.cdrs[0].legs) == ["originate", "answer"]
        assert json.loads(cdrs.cdrs[0].steps_json)
        assert not (await reader("ListCdrs", overrun=True)).cdrs
        assert not (await reader("ListCdrs", from_time=Timestamp(seconds=EPOCH_S + 999))).cdrs
        assert len((await reader("ListCdrs", account="accounts/alice", gateway="gateways/gw")).cdrs) == 2

        parts = await reader("ExportCdrs", format=pb.EXPORT_FORMAT_CSV)
        lines = b"".join(part.chunk for part in parts).decode().splitlines()
        assert lines[0].startswith("session_id,account,")
        assert len(lines) == 3
        parts = await reader("ExportLedgerEntries", parent="accounts/-", format=pb.EXPORT_FORMAT_JSON_LINES)
        records = [json.loads(line) for line in b"".join(part.chunk for part in parts).splitlines()]
        assert [record["amount"] for record in records] == ["10.00", "-0.10", "-0.10"]
        assert (await reader.refused("ExportCdrs", format=9)).code is Code.INVALID_ARGUMENT

    play(tell)


# ------------------------------------------------------------------------------------------------ keys, audit


def test_keys_are_made_listed_and_revoked(play: Play) -> None:
    """The text is shown once and nothing of it is kept or logged; a revoked key stays listed."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        wanted = pb.ApiKey(
            title="kam1", roles=[pb.API_ROLE_CHARGING, pb.API_ROLE_READ], gateway="gateways/gw"
        )
        made = await admin("CreateApiKey", api_key=wanted)
        plain = await admin("CreateApiKey", api_key=pb.ApiKey(title="ops", roles=[pb.API_ROLE_ADMIN]))
        assert made.key_text.startswith(f"ocs_{made.api_key.name[8:]}_")
        listed = await admin("ListApiKeys", page_size=1)
        rest = await admin("ListApiKeys", page_size=1, page_token=listed.next_page_token)
        assert {one.title for one in [*listed.api_keys, *rest.api_keys]} == {"kam1", "ops"}
        world.pass_seconds(1)
        revoked = await admin("RevokeApiKey", name=made.api_key.name)
        assert revoked.revoke_time.seconds == EPOCH_S + 1
        assert (await admin.refused("RevokeApiKey", name="apiKeys/none")).code is Code.NOT_FOUND
        log = await admin("ListAuditEntries")
        assert [one.action for one in log.audit_entries] == ["revoke", "create", "create"]
        for text in (made.key_text, plain.key_text):
            secret = text.rpartition("_")[2]
            assert secret not in str(log) + str(listed) + str(rest)
        for bad, place in (
            (pb.ApiKey(title="", roles=[pb.API_ROLE_READ]), "api_key.title"),
            (pb.ApiKey(title="x"), "api_key.roles"),
            (pb.ApiKey(title="x", roles=[9]), "api_key.roles[0]"),
            (pb.ApiKey(title="x", roles=[pb.API_ROLE_CHARGING]), "api_key.gateway"),
        ):
            assert (await admin.refused("CreateApiKey", api_key=bad)).field_violations[0][0] == place

    play(tell)


def test_the_audit_log_is_filtered_and_paged(play: Play) -> None:
    """By resource and what is below it, by actor, by time."""

    async def tell(world: World, client: Any) -> None:
        admin = client(ADMIN)
        await admin("CreateAccount", account_id="bob", account=pb.Account())
        world.pass_seconds(10)
        code = pb.Identity(kind=charging_pb2.IDENTITY_KIND_CODE, value="1")
        await admin("CreateIdentity", parent="accounts/bob", identity=code)
        await admin("CreateAccount", account_id="bobby", account=pb.Account())

        async def found(**filters: Any) -> list[str]:
            return [one.resource for one in (await admin("ListAuditEntries", **filters)).audit_entries]

        below = ["accounts/bob/identities/code-1", "accounts/bob"]
        assert await found(resource="accounts/bob") == below
        assert await found(actor="admin key") == ["accounts/bobby", *below]
        assert not await found(actor="somebody else")
        assert await found(until_time=Timestamp(seconds=EPOCH_S + 5)) == ["accounts/bob"]
        assert len(await found(from_time=Timestamp(seconds=EPOCH_S + 5))) == 2
        first = await admin("ListAuditEntries", page_size=2)
        rest = await admin("ListAuditEntries", page_size=2, page_token=first.next_page_token)
        assert [one.resource for one in rest.audit_entries] == ["accounts/bob"]

    play(tell)
