"""Where in a TOML file a key stands: the parser keeps no lines, and an operator looks for one. Pure."""

import re
from collections.abc import Sequence
from typing import Final

_HEADER: Final = re.compile(r"\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY: Final = re.compile(r"""(["']?)([\w.-]+)\1\s*=""")


def find_line(text: str, keys: Sequence[str]) -> int:
    """The line of a key, or of as much of its path as is written; 0 when nothing of it is.

    Args:
        text: of the file.
        keys: from the outermost table on, as error messages name them: the second ``[[service]]`` is
            ``service 2``. What comes behind the last key is looked for in its value.
    """
    found, depth = 0, 0
    table: tuple[str, ...] = ()
    numbers: dict[str, int] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        path, table = _read_line(line.strip(), table, numbers)
        if len(path) > depth and _begins(keys, path):
            found, depth = number, len(path)
    return _find_within(lines, found, keys[depth:]) if found else 0


def _read_line(
    line: str, table: tuple[str, ...], numbers: dict[str, int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The path that a line begins, empty when it begins none, and the table that it is in."""
    header = _HEADER.fullmatch(line)
    if header is not None:
        name = header[1]
        if line.startswith("[["):
            numbers[name] = numbers.get(name, 0) + 1
            name = f"{name} {numbers[name]}"
        table = tuple(part.strip(" \"'") for part in name.split("."))
        return table, table
    key = _KEY.match(line)
    return (() if key is None else (*table, key[2])), table


def _begins(keys: Sequence[str], path: tuple[str, ...]) -> bool:
    """Whether the path leads to the keys; ``service = [...]`` leads to ``service 1``, too."""
    wanted = [key if key == part else key.partition(" ")[0] for key, part in zip(keys, path, strict=False)]
    return len(path) <= len(keys) and tuple(wanted) == path


def _find_within(lines: Sequence[str], start: int, rest: Sequence[str]) -> int:
    """The line, from there to the table's end, in which the last of the rest stands; else the first."""
    if rest:
        for number in range(start, len(lines) + 1):
            line = lines[number - 1].strip()
            if number > start and _HEADER.fullmatch(line):
                break
            if rest[-1] in line:
                return number
    return start
