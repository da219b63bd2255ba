"""Discounts: the table of stories, which rules apply, and what a plan may not say."""

from typing import Any

import pytest
from rating_story import Story, measured_per_unit, place_of, rate_of, stories, usage_of

from ocs.errors import InputError
from ocs.rating.affordable import affordable
from ocs.rating.discount import (
    CountedRule,
    Counting,
    DiscountPlan,
    DiscountRule,
    Ladder,
    Level,
    Owner,
    rules_for,
)
from ocs.rating.price import charge_discounted
from ocs.rating.reset import ResetCycle
from ocs.units import format_money, parse_decimal, parse_money

ALLOWANCE = (Level(6_000, 1_000_000),)


def quantity(value: str | int) -> int:
    """Money as text, units as numbers."""
    return parse_money(value) if isinstance(value, str) else value


def ladder_of(levels: list[list[Any]]) -> Ladder:
    """Levels as the table writes them."""
    return tuple(
        Level(quantity(upto) or None, parse_decimal(str(percent), places=4)) for upto, percent in levels
    )


def rule_of(told: dict[str, Any]) -> CountedRule:
    """A rule as the table writes it."""
    counting = Counting.MONEY if told.get("money") else Counting.UNITS
    if "by_set" in told:
        return CountedRule(
            told["key"], counting, tuple(map(ladder_of, told["by_set"])), tuple(told["counted"])
        )
    return CountedRule(told["key"], counting, (ladder_of(told["levels"]),), (quantity(told["counted"]),))


@stories("discount")
def test_a_session_is_divided_over_its_counters(story: Story) -> None:
    """What it costs, and what it takes from each counter."""
    rules = [rule_of(told) for told in story["rules"]]
    money = {rule.key for rule in rules if rule.counting is Counting.MONEY}
    by_set = {rule.key for rule in rules if len(rule.ladders) > 1}
    amount, taken = charge_discounted(
        rate_of(story), usage_of(story), ended=True, discounts=rules, **place_of(story)
    )

    assert format_money(amount) == story["charge"]
    assert {
        f"{t.key}{t.ladder}" if t.key in by_set else t.key: format_money(t.quantity)
        if t.key in money
        else t.quantity
        for t in taken
    } == story["takes"]


@stories("discount", "buys")
def test_money_buys_more_at_a_discount(story: Story) -> None:
    """Allowances and levels count in."""
    scale = measured_per_unit(story)
    reached = affordable(
        rate_of(story),
        parse_money(story["funds"]),
        usage=usage_of(story),
        cap_units=86_400 * scale,
        discounts=[rule_of(told) for told in story["rules"]],
        **place_of(story),
    )

    assert reached == story["buys"] * scale


@stories("discount")
def test_the_total_does_not_depend_on_where_reports_fell(story: Story) -> None:
    """Every story up to each of its units: the charge never falls, nor does what is taken."""
    if isinstance(story["used"], list) or story["used"] > 700 or story.get("payback"):
        story = story | {"used": 60, "payback": False}
    rules = [rule_of(told) for told in story["rules"]]
    applied, place, scale = rate_of(story), place_of(story), measured_per_unit(story)
    before, counted = 0, 0
    for total in range(story["used"] + 1):
        amount, taken = charge_discounted(
            applied, (total * scale, 0, 0), ended=False, discounts=rules, **place
        )
        assert amount >= before
        assert sum(t.quantity for t in taken) >= counted
        before, counted = amount, sum(t.quantity for t in taken)


def rule(name: str, *prefixes: str, **more: Any) -> DiscountRule:
    """A rule with an allowance for some prefixes."""
    return DiscountRule(name=name, prefixes=prefixes, ladders=(ALLOWANCE,), **more)


PLAN = DiscountPlan(
    name="plan",
    rules=(
        rule("uk", "44"),
        rule("uk mobile", "447", "4475"),
        rule("world", "|"),
        rule("on-net", "VOICEONNET", "VOICEONNETR"),
    ),
)


@pytest.mark.parametrize(
    ("destination", "name"),
    [
        ("44", "uk"),
        ("4420", "uk"),
        ("447", "uk mobile"),
        ("44759", "uk mobile"),
        ("4", "world"),
        ("1", "world"),
        ("|", "world"),
        ("VOICEONNET", "on-net"),
        ("VOICEONNETRX", None),
        ("NETACCESS", None),
        ("default", "world"),
    ],
)
def test_the_longest_group_prefix_of_the_rates_destination_decides(
    destination: str, name: str | None
) -> None:
    """Special destinations match by name alone; | stands for every number."""
    found = PLAN.rule_for(destination)

    assert (found and found.name) == name


def test_a_plan_without_rules_discounts_nothing() -> None:
    """No rule, no discount."""
    assert DiscountPlan(name="empty", rules=()).rule_for("44") is None


def test_rules_come_in_order_of_precedence() -> None:
    """Account, add-on, plan, customer; plans of one owner as given; other destinations' left out."""
    plans = [
        (Owner.CUSTOMER, DiscountPlan(name="c", rules=(rule("r", "44"),))),
        (Owner.PLAN, DiscountPlan(name="p", rules=(rule("r", "44"),))),
        (Owner.ADD_ON, DiscountPlan(name="2", rules=(rule("r", "4"),))),
        (Owner.ADD_ON, DiscountPlan(name="1", rules=(rule("r", "44"),))),
        (Owner.ACCOUNT, DiscountPlan(name="a", rules=(rule("r", "49"),))),
    ]

    assert [plan.name for _, plan, _ in rules_for(plans, "4420")] == ["2", "1", "p", "c"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"prefixes": ()}, "no destination"),
        ({"ladders": ()}, "0 scales"),
        ({"ladders": (ALLOWANCE, ALLOWANCE)}, "2 scales"),
        ({"ladders": ((Level(0, 0),),)}, "threshold 0 is not above 0"),
        ({"ladders": ((Level(5, 0), Level(5, 1)),)}, "threshold 5 is not above 5"),
        ({"ladders": ((Level(None, 0), Level(5, 1)),)}, "nothing follows"),
        ({"ladders": ((Level(5, -1),),)}, "not 0 to 100 %"),
        ({"ladders": ((Level(5, 1_000_001),),)}, "not 0 to 100 %"),
        ({"billing_day": 0}, "billing day 0"),
        ({"billing_day": 32}, "billing day 32"),
        ({"rollover_periods": 4, "reset": ResetCycle.MONTHLY}, "rolls over 4"),
        ({"rollover_periods": -1, "reset": ResetCycle.MONTHLY}, "rolls over -1"),
        ({"rollover_periods": 1}, "without a reset"),
        (
            {"rollover_periods": 1, "reset": ResetCycle.DAILY, "ladders": ((Level(5, 1),),)},
            "only an allowance",
        ),
        (
            {"rollover_periods": 1, "reset": ResetCycle.DAILY, "ladders": ((Level(None, 10**6),),)},
            "only an allowance",
        ),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(fields: dict[str, Any], reason: str) -> None:
    """The rule is named, and what is wrong with it."""
    with pytest.raises(InputError, match=reason) as caught:
        DiscountRule(**{"name": "minutes", "prefixes": ("44",), "ladders": (ALLOWANCE,)} | fields)

    assert caught.value.place == "discount rule minutes"


def test_an_allowance_per_price_set_may_roll_over() -> None:
    """Sets that are not covered are no obstacle."""
    rolling = rule("r", "44", reset=ResetCycle.MONTHLY, rollover_periods=3)
    per_set = DiscountRule(
        name="s",
        prefixes=("44",),
        ladders=((), ALLOWANCE, ALLOWANCE),
        reset=ResetCycle.MONTHLY,
        rollover_periods=1,
    )

    assert (rolling.rollover_periods, per_set.rollover_periods) == (3, 1)
