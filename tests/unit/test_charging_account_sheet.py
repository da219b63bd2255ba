"""Account sheets: CSV lines to orders, every bad line with its place."""

from collections.abc import Sequence

import pytest

from ocs.charging.account_sheet import parse_account_sheet
from ocs.charging.administration import AccountOrder
from ocs.errors import InputError
from ocs.ports import IdentityKind
from ocs.quota.account import AccountKind

KINDS = "username, code, did, extension, trunk, ip, ani, virtual"
HEADER = "account,balance,plan,identity kind,value,secret\n"


def orders_of(text: str) -> Sequence[AccountOrder]:
    """The orders of a sheet without errors."""
    sheet = parse_account_sheet(text.splitlines(keepends=True), "a.csv")
    assert not sheet.errors
    return sheet.orders


def errors_of(text: str) -> list[str]:
    """Every error of a sheet, as lines."""
    return [str(error) for error in parse_account_sheet(text.splitlines(keepends=True), "a.csv").errors]


def test_line_becomes_an_order() -> None:
    """One line is one account with one identity."""
    (order,) = orders_of(HEADER + "alice,10.50,retail,username,al,pw\n")

    (identity,) = order.identities
    assert (order.place, order.profile.name, order.plan) == ("a.csv:2", "alice", "retail")
    assert order.opening_micros == 10_500_000
    assert (identity.kind, identity.value, identity.secret) == (IdentityKind.USERNAME, "al", "pw")


@pytest.mark.parametrize(
    "text",
    [
        "alice,10.5,retail,username,al,pw\n",
        "\n\nalice;10.5;retail;username;al;pw\n",
        "Value\tSecret\tIdentity_Kind\tPLAN\tBalance\tAccount\nal\tpw\tUsername\tretail\t10.5\talice\n",
        "name,kind,identity,password,balance,plan\nalice,username,al,pw,10.5,retail\n",
        'account,balance,plan,identity kind,value,secret\n"alice"," 10.5 ","retail","username","al","pw"\n',
    ],
)
def test_header_and_delimiter_are_found_out(text: str) -> None:
    """Columns stand in any order, case and spacing, or in the usual order without a header."""
    (order,) = orders_of(text)

    assert (order.profile.name, order.plan, order.opening_micros) == ("alice", "retail", 10_500_000)
    assert [(one.value, one.secret) for one in order.identities] == [("al", "pw")]


def test_more_lines_are_more_identities() -> None:
    """Lines of one account add up; what they say of the account is blank or the same."""
    lines = "a,5,retail,username,al,pw\na,,,ani,+1 202 555 0100,\na,5,retail,ip,192.0.2.1,\n"

    (order,) = orders_of(HEADER + lines)

    assert [one.value for one in order.identities] == ["al", "12025550100", "192.0.2.1/32"]
    assert order.opening_micros == 5_000_000


def test_other_columns_describe_the_account() -> None:
    """Parent, kind, limit, currency and zone are known too; blank cells are defaults."""
    text = (
        "account,parent,account kind,credit limit,currency,zone\n"
        "a,top,Postpaid,20,eur,Europe/Prague\n"
        "b,,,,,\n"
    )

    first, second = orders_of(text)

    assert (first.parent, first.profile.kind, first.profile.credit_limit_micros) == (
        "top",
        AccountKind.POSTPAID,
        20_000_000,
    )
    assert (first.profile.currency, first.profile.zone) == ("EUR", "Europe/Prague")
    assert (second.parent, second.profile.kind, second.profile.currency) == ("", AccountKind.PREPAID, "")
    assert second.identities == ()


def test_every_bad_line_is_listed() -> None:
    """Each bad line is named with its column and value."""
    text = (
        HEADER + "a,ten,,,,\n"
        ",5,,,,\n"
        "b,5,,user,x,\n"
        "c,5,,username,,\n"
        "d,5,,,,pw\n"
        "e,5,,ani,nobody,\n"
        "f,1,,username,f,,,\n"
        "g,1,,,,\n"
        "g,2,,ani,5,\n"
        "h,1,,,lonely,\n"
    )

    assert errors_of(text) == [
        "a.csv:2: balance: 'ten' is not a decimal number such as 12.50",
        "a.csv:3: account: is empty",
        f"a.csv:4: identity kind: 'user' is no kind of identity; there are {KINDS}",
        "a.csv:5: value: '' is empty or longer than 100 characters",
        "a.csv:6: secret: belongs to no identity: kind and value are empty",
        "a.csv:7: value: 'nobody' is not a telephone number",
        "a.csv:8: has 8 cells, the sheet has 6 columns",
        "a.csv:10: balance: '2' is not what a.csv:9 says of the account",
        f"a.csv:11: identity kind: '' is no kind of identity; there are {KINDS}",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "a.csv: has no accounts"),
        (HEADER, "a.csv: has no accounts"),
        ("account,blance\n", "a.csv:1: no such column 'blance'; there are account, balance"),
        ("account,kind,identity kind\n", "a.csv:1: column 'identity kind' stands there twice"),
        (HEADER + 'a,"5,,,\n', "a.csv:2: is not CSV: unexpected end of data"),
    ],
)
def test_unreadable_sheet_says_where(text: str, error: str) -> None:
    """What cannot be read at all names file and line."""
    with pytest.raises(InputError) as caught:
        errors_of(text)

    assert str(caught.value).startswith(error)


def test_unknown_kind_of_account_is_a_bad_cell() -> None:
    """An account is prepaid or postpaid."""
    (error,) = errors_of("account,account kind\na,gratis\n")

    assert error == "a.csv:2: account kind: 'gratis' is neither prepaid nor postpaid"


def test_lines_are_counted_through_quoted_line_breaks() -> None:
    """A cell with a line break in it does not shift the places behind it."""
    (error,) = errors_of(HEADER + '"a\nb",1,,,,\nc,x,,,,\n')

    assert error.startswith("a.csv:4: balance")
