"""Which packets of H.264 need no decoding to be known for a whole key frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.access_units import is_whole_idr_picture

#: The beginning of "avcC": version, profile, lengths of four bytes; then one parameter set.
AVCC = b"\x01\x64\x00\x1f\xff\xe1\x00\x01g\x01\x00\x01h"
TWO_BYTES = AVCC[:4] + b"\xfd" + AVCC[5:]
IDR, SLICE, DELIMITER = b"\x65\x88\x84", b"\x41\x9a\x00", b"\x09\xf0"
#: A message of the user (5) of 300 bytes, whose first byte of the size is 255.
LONG_SEI = b"\x06\x05\xff\x2d" + bytes([1]) * 300 + b"\x80"
#: The same size with a byte that prevents an emulated start code.
ESCAPED_SEI = b"\x06\x05\x04\x00\x00\x03\x01\x02\x80"
ORIENTATION = b"\x06\x2f\x03\x10\x00\x40\x80"
BOTH = b"\x06\x05\x02\x01\x01\x2f\x03\x10\x00\x40\x80"


def packet(*units: bytes, length: int = 4) -> bytes:
    return b"".join(len(unit).to_bytes(length, "big") + unit for unit in units)


@pytest.mark.parametrize(
    ("content", "parameters", "expected"),
    [
        (packet(IDR), AVCC, True),
        (packet(DELIMITER, LONG_SEI, ESCAPED_SEI, IDR, IDR), AVCC, True),
        (packet(IDR, length=2), TWO_BYTES, True),
        (packet(IDR, length=2), AVCC, False),
        (packet(b"\x65\xb8\x40"), AVCC, True),
        (packet(b"\x65\x04\x84"), AVCC, False),  # no type of picture, as after damage
        (packet(b"\x65\x48\x84", IDR), AVCC, False),  # its first macroblocks are missing
        (packet(b"\x65", IDR), AVCC, False),
        (packet(SLICE), AVCC, False),  # a recovery point is no IDR picture
        (packet(ORIENTATION, IDR), AVCC, False),
        (packet(BOTH, IDR), AVCC, False),
        (packet(b"\x06\x05\xff", IDR), AVCC, False),  # its message does not end
        (packet(IDR)[:-1], AVCC, False),
        (packet(IDR) + b"\0", AVCC, False),
        (packet(IDR, b""), AVCC, False),
        (packet(IDR, b"\xe5\x01"), AVCC, False),  # the forbidden bit
        (packet(IDR, b"\x1f\x01"), AVCC, False),  # a type that is not defined
        (packet(IDR), b"", False),
        (packet(IDR), b"\0\0\0\1g\x64\x00\x1f", False),  # start codes
        (b"", AVCC, False),
        (bytes(4_000), AVCC, False),
        (b"<html><body>blocked</body></html>", AVCC, False),
    ],
)
def test_only_a_whole_idr_picture_needs_no_decoding(
    content: bytes, parameters: bytes, expected: bool
):
    assert is_whole_idr_picture(content, parameters) is expected


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_any_bytes_get_an_answer(content: bytes, parameters: bytes):
    is_whole_idr_picture(content, AVCC)
    is_whole_idr_picture(content, parameters)
