"""`ocs backup` while calls are charged, `ocs restore` after a loss: the books of one instant, whole."""

from pathlib import Path

import pytest
from server import ServerProcess
from traffic import Traffic, stock

ACCOUNTS = 40


@pytest.mark.timeout(400)  # eight processes are started, one after the other
def test_a_backup_under_load_is_restored(tmp_path: Path) -> None:
    """What was answered before the backup is in it; it verifies, and a server goes on from it."""
    with ServerProcess(tmp_path) as server:
        stock(server, accounts=ACCOUNTS)
        server.start()
        copy = tmp_path / "copy.db"
        with Traffic(server, accounts=ACCOUNTS) as traffic:
            traffic.wait_for_answers(500)
            receipts = traffic.receipts()
            server.ocs("backup", str(copy))
            traffic.wait_for_answers(500)
            assert "in use by process" in server.ocs("restore", str(copy), code=2)
            server.kill()
            server.database.write_bytes(b"\0" * 8192)  # the disk took it; its log and index are left behind
            told = server.ocs("restore", str(copy))
            assert "what was there before is" in told

            traffic.check(server.database, receipts)
            server.ocs("ledger", "verify")
            server.start()
            traffic.wait_for_answers(500)
        assert server.stop() == 0
        server.ocs("ledger", "verify")
