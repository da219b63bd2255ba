"""All rates of a tariff, read fast: what they say is told apart from where it holds, and told once.

Runs on its own, too: a server that takes in a million rates while it answers requests must not share its
interpreter with the reading, because a request would wait at every step of it. So `read_apart` has this file
run by a second interpreter, and only puts the finished chunks together. The file uses nothing but the
standard library, so that this interpreter is there in a few hundredths of a second.
"""

import marshal
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

CHUNK: Final = 1_000
"Rates at a time: whoever puts them together holds up others for less than a millisecond."

REMEMBERED_MAX: Final = 65_536
"Different things said that are remembered; what is said again later is told again."

NICENESS: Final = 5
"The second interpreter stands back where processors are scarce."

Chunk = tuple[list[tuple[Any, ...]], list[str], list[int]]
"The fields of an `ocs.rating.index.RateChunk`."

_LENGTH_OCTETS: Final = 4


def read(connection: sqlite3.Connection, statement: str, *arguments: int | str) -> Iterator[Chunk]:
    """Yield the rows of a statement, the first column of which is the destination."""
    numbers: dict[tuple[Any, ...], int] = {}
    told = 0
    rows = connection.execute(statement, arguments)
    while batch := rows.fetchmany(CHUNK):
        said: list[tuple[Any, ...]] = []
        chunk_numbers: list[int] = []
        for row in batch:
            columns = row[1:]
            number = numbers.get(columns)
            if number is None:
                if len(numbers) >= REMEMBERED_MAX:
                    numbers.clear()
                number = numbers[columns] = told
                told += 1
                said.append(columns)
            chunk_numbers.append(number)
        yield said, [row[0] for row in batch], chunk_numbers


def read_apart(path: Path, statement: str, tariff_id: int) -> Iterator[Chunk]:
    """`read`, done by an interpreter of its own.

    Raises:
        sqlite3.OperationalError: it failed; with the last line that it said.
    """
    arguments = [str(path), statement, str(tariff_id)]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter on this very file
        [sys.executable, "-I", "-S", __file__, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: we let go of it when we stop
    )
    with process:
        assert process.stdout is not None, "it is a pipe"
        assert process.stderr is not None, "it is a pipe"
        try:
            while head := process.stdout.read(_LENGTH_OCTETS):
                # Written a moment ago by the same program on the other end.
                yield marshal.loads(process.stdout.read(int.from_bytes(head, "big")))  # noqa: S302
        except BaseException:
            process.kill()
            raise
        complaint = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise sqlite3.OperationalError(complaint.rpartition("\n")[2] or f"exit code {process.returncode}")


def main() -> None:
    """Write the chunks of ``PATH STATEMENT TARIFF_ID`` to standard output."""
    path, statement, tariff_id = sys.argv[1:]
    os.nice(NICENESS)
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    output = sys.stdout.buffer
    for chunk in read(connection, statement, int(tariff_id)):
        octets = marshal.dumps(chunk)
        output.write(len(octets).to_bytes(_LENGTH_OCTETS, "big"))
        output.write(octets)
    connection.close()


if __name__ == "__main__":
    main()
