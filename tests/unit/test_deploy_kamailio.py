"""The script of `deploy/kamailio` where Kamailio says nothing: the rest is played with Kamailio itself."""

import importlib.util
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest

from ocs.client import charging_pb2 as pb

SCRIPT = Path(__file__).parents[2] / "deploy" / "kamailio" / "charging.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, with a Kamailio that takes a dialog's new timeout and no more."""
    kamailio = types.ModuleType("KSR")
    kamailio.dialog = types.SimpleNamespace(dlg_set_timeout_id=lambda *_: 1)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "KSR", kamailio)
    spec = importlib.util.spec_from_file_location("charging_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_last_grant_whose_end_nobody_tells_of_is_reported_as_used_up(script: Any) -> None:
    """Used until the last grant was over, reported ten seconds later; a call that may go on is not ended."""
    now = time.time()
    call = {"calling": "short", "called": "441", "number": 3, "answered": now - 30, "dialog": [1, 2]}
    answer = pb.ChargeAnswer(result_code=2001)
    answer.services.add(result_code=2001, granted_units=5, validity_s=5)
    script.renew(call, 10, answer)
    assert call["due"] < now
    assert script.next_report("s", call).type == pb.REQUEST_TYPE_UPDATE

    answer.services[0].final_unit_action = pb.FINAL_UNIT_ACTION_TERMINATE
    script.renew(call, 10, answer)
    assert call["due"] == pytest.approx(now - 30 + 10 + 5 + 10)
    last = script.next_report("s", call)
    assert last.type == pb.REQUEST_TYPE_TERMINATION
    assert last.services[0].used_total.seconds == 15
