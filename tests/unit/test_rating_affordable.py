"""From money to units: the table of stories."""

from rating_story import Story, measured_per_unit, place_of, rate_of, stories, usage_of

from ocs.rating.affordable import affordable
from ocs.rating.price import charge
from ocs.units import parse_money

DAY_S = 86_400


@stories("affordable")
def test_money_buys_whole_blocks(story: Story) -> None:
    """The greatest total at a block's end, or the cap; 0 when the first block is too dear."""
    scale = measured_per_unit(story)
    reached = affordable(
        rate_of(story),
        parse_money(story["funds"]),
        usage=usage_of(story),
        cap_units=story.get("cap", DAY_S) * scale,
        set_index=story.get("in_set", 0),
        **place_of(story),
    )

    assert reached == story["buys"] * scale


def test_the_answer_does_not_depend_on_what_was_used_as_long_as_it_is_paid_for() -> None:
    """Asking again after every minute gives the same total."""
    story = {"rate": "60/6@0.10", "fee": "0.20"}
    applied, place = rate_of(story), place_of(story)
    funds = charge(applied, (1_000, 0, 0), ended=True, **place)

    totals = {
        affordable(applied, funds, usage=(used, 0, 0), cap_units=DAY_S, **place)
        for used in range(0, 1_003, 60)
    }

    assert totals == {1_002}
