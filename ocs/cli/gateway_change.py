"""What ``ocs gateway set`` changes of a gateway's record: what was given, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ocs.charging.outcome import OutcomeCode
from ocs.cli.console import choose
from ocs.errors import InputError
from ocs.ports import Gateway, GrantMode, NumberRules


@dataclass(frozen=True, kw_only=True)
class GatewayChange:
    """Options as they were typed; None: not given."""

    fields: Mapping[str, Any]
    "Of the record itself."
    grant: Mapping[str, Any]
    numbers: Mapping[str, Any]
    return_codes: Sequence[str]
    "``reason=code``, or ``reason=`` for the usual one."

    def apply(self, gateway: Gateway) -> Gateway:
        """The changed record.

        Raises:
            InputError: an option cannot be what it says, alone or beside what the record says already.
        """
        grant = _given(self.grant)
        if "mode" in grant:
            grant["mode"] = choose(GrantMode, grant["mode"], "--grant")
        return replace(
            gateway,
            **_given(self.fields),
            grant=replace(gateway.grant, **grant),
            numbers=self._change_numbers(gateway.numbers),
            return_codes=self._change_codes(gateway.return_codes),
        )

    def _change_numbers(self, rules: NumberRules) -> NumberRules:
        given = _given(self.numbers)
        if "strip_prefixes" in given:
            parts = given["strip_prefixes"].split(",")
            given["strip_prefixes"] = tuple(part.strip() for part in parts if part.strip())
        changed = replace(rules, **given)
        check_number_rules(changed)
        return changed

    def _change_codes(self, codes: Mapping[str, int]) -> Mapping[str, int]:
        changed = dict(codes)
        reasons = {code.reason for code in OutcomeCode}
        for text in self.return_codes:
            reason, equals, code = text.partition("=")
            if reason not in reasons:
                raise InputError("--return-code", f"{reason!r} is none of {', '.join(sorted(reasons))}")
            if not equals or (code and not (code.isascii() and code.isdigit() and len(code) <= 4)):
                raise InputError("--return-code", f"{text!r} is not REASON=CODE")
            changed.pop(reason, None)
            if code:
                changed[reason] = int(code)
        return changed


def check_number_rules(rules: NumberRules) -> None:
    """Refuse rules that could not do anything, naming the option."""
    if (rules.national_prefix or rules.national_digits_max) and not rules.country_code:
        raise InputError("--country-code", "is needed with --national-prefix and --national-digits")
    for option, digits in (
        ("--country-code", rules.country_code),
        ("--national-prefix", rules.national_prefix),
    ):
        if digits and not (digits.isascii() and digits.isdigit()):
            raise InputError(option, f"{digits!r} is not made of digits")


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
