"""MD4 (RFC 1320) and DES (FIPS 46-3) for MS-CHAP alone: current OpenSSL builds no longer offer them.

Both are broken as ciphers and must not be used for anything new.
"""

import struct
from collections.abc import Callable
from typing import Final

_WORD: Final = 0xFFFFFFFF


_Round = tuple[Callable[[int, int, int], int], int, tuple[int, ...], tuple[int, ...]]


def md4(message: bytes) -> bytes:
    """The MD4 digest, 16 octets."""
    padded = message + b"\x80" + bytes((55 - len(message)) % 64) + struct.pack("<Q", len(message) * 8)
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for at in range(0, len(padded), 64):
        words = struct.unpack_from("<16I", padded, at)
        state = [(old + new) & _WORD for old, new in zip(state, _md4_block(state, words), strict=True)]
    return struct.pack("<4I", *state)


_MD4_ROUNDS: Final[tuple[_Round, ...]] = (
    (lambda x, y, z: (x & y) | (~x & z), 0, (3, 7, 11, 19), tuple(range(16))),
    (
        lambda x, y, z: (x & y) | (x & z) | (y & z),
        0x5A827999,
        (3, 5, 9, 13),
        (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
    ),
    (
        lambda x, y, z: x ^ y ^ z,
        0x6ED9EBA1,
        (3, 9, 11, 15),
        (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15),
    ),
)
"Per round: function, constant, shifts, order of words (RFC 1320 section 3.4)."


def _md4_block(state: list[int], words: tuple[int, ...]) -> tuple[int, int, int, int]:
    a, b, c, d = state
    for function, constant, shifts, order in _MD4_ROUNDS:
        for step, index in enumerate(order):
            total = (a + function(b, c, d) + words[index] + constant) & _WORD
            shift = shifts[step % 4]
            a, b, c, d = d, ((total << shift) | (total >> (32 - shift))) & _WORD, b, c
    return a, b, c, d


def des_encrypt(block: bytes, key: bytes) -> bytes:
    """Encrypt 8 octets with a key of 7 octets, to which the unused parity bits are added."""
    assert len(block) == 8, len(block)
    assert len(key) == 7, len(key)
    bits = _permute(int.from_bytes(block), _INITIAL, 64)
    left, right = bits >> 32, bits & _WORD
    for subkey in _des_subkeys(key):
        left, right = right, left ^ _des_round(right, subkey)
    return _permute(right << 32 | left, _FINAL, 64).to_bytes(8)


def _permute(value: int, table: tuple[int, ...], width: int) -> int:
    """The bits of `value`, of which bit 1 is the leftmost of `width`, in the table's order."""
    result = 0
    for position in table:
        result = result << 1 | (value >> (width - position) & 1)
    return result


def _des_subkeys(key: bytes) -> list[int]:
    bits = int.from_bytes(key)
    with_parity = 0
    for shift in range(49, -7, -7):
        with_parity = with_parity << 8 | (bits >> shift & 0x7F) << 1
    halves = _permute(with_parity, _KEY_HALVES, 64)
    left, right = halves >> 28, halves & 0xFFFFFFF
    subkeys = []
    for turn in _KEY_TURNS:
        left = (left << turn | left >> (28 - turn)) & 0xFFFFFFF
        right = (right << turn | right >> (28 - turn)) & 0xFFFFFFF
        subkeys.append(_permute(left << 28 | right, _KEY_CHOICE, 56))
    return subkeys


def _des_round(right: int, subkey: int) -> int:
    mixed = _permute(right, _EXPANSION, 32) ^ subkey
    result = 0
    for box, shift in zip(_BOXES, range(42, -6, -6), strict=True):
        six = mixed >> shift & 0x3F
        row = six >> 4 & 2 | six & 1
        result = result << 4 | int(box[row * 16 + (six >> 1 & 0xF)], 16)
    return _permute(result, _ROUND_ORDER, 32)


def _columns(*starts: int) -> tuple[int, ...]:
    """Eight bits each, from the start upwards from the end of the block in steps of eight."""
    return tuple(start - 8 * step for start in starts for step in range(8))


_INITIAL: Final = _columns(58, 60, 62, 64, 57, 59, 61, 63)
_FINAL: Final = tuple(_INITIAL.index(position) + 1 for position in range(1, 65))
_EXPANSION: Final = tuple((4 * group + bit - 1) % 32 + 1 for group in range(8) for bit in range(6))
_ROUND_ORDER: Final = (
    *(16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10),
    *(2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25),
)
_KEY_HALVES: Final = (
    *(
        57,
        49,
        41,
        33,
        25,
        17,
        9,
        1,
        58,
        50,
        42,
        34,
        26,
        18,
        10,
        2,
        59,
        51,
        43,
        35,
        27,
        19,
        11,
        3,
        60,
        52,
        44,
        36,
    ),
    *(
        63,
        55,
        47,
        39,
        31,
        23,
        15,
        7,
        62,
        54,
        46,
        38,
        30,
        22,
        14,
        6,
        61,
        53,
        45,
        37,
        29,
        21,
        13,
        5,
        28,
        20,
        12,
        4,
    ),
)
_KEY_CHOICE: Final = (
    *(14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2),
    *(41, 52, 31, 37, 47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32),
)
_KEY_TURNS: Final = (1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1)
_BOXES: Final = (
    "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
    "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
    "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
    "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
    "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
    "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
    "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
    "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
)
"Substitution boxes, row by row, one hexadecimal digit per entry."
