"""Seeded mutation of bytes: what an attacker or a broken device makes of a message."""

import random
from collections.abc import Iterator, Sequence

#: Pieces that decoders stumble over: numbers at their limits, lengths that lie, text that is none, deep nesting.
PIECES = (
    b"\x00", b"\xff", b"\x80" * 9 + b"\x01", b"\xff" * 9 + b"\x01", b"\x80\x80\x80\x80\x08", b"\xfe\xff\xff\xff\x0f", b"\x01",
    b"\xed\xa0\x80", b"\xc3\x28", b"\xf8\x88\x80\x80\x80", b"\xc0\x80", b"NaN", b"Infinity", b"-1", b"1e999", b"9" * 400, b"null",
    b'"', b"\\ud800", b"[" * 300, b"{" * 300, b"\r", b"\n", b",", b";", b"\t", b"#", b"\x1b[31m", b"\xef\xbb\xbf", b"%s%n", b"1970",
)  # fmt: skip


def mutate(seeds: Sequence[bytes], rng: random.Random) -> bytes:
    """One message: mostly a seed with one to four changes, sometimes bytes of no origin."""
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(200))
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(7):
            case 0 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 1 if data:
                data[at % len(data)] = rng.randrange(256)
            case 2:
                del data[at : at + rng.randrange(1, 12)]
            case 3:
                data[at:at] = rng.choice(PIECES)
            case 4:
                data = data[:at]
            case 5:
                other = rng.choice(seeds)
                cut = rng.randrange(len(other) + 1)
                data[at:] = other[cut:]
            case _:
                piece = rng.choice(PIECES)
                data[at : at + len(piece)] = piece
    return bytes(data)


def mutants(seeds: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """So many of them."""
    rng = random.Random(seed)
    return (mutate(seeds, rng) for _ in range(count))
