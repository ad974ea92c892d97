"""Judge a packet of H.264 by its structure, without decoding it (ITU-T H.264; ISO 14496-15)."""

from collections.abc import Iterator
from typing import Final

#: Types of units (ITU-T H.264, table 7-1): the slices of an IDR picture, and extra information.
_IDR, _SEI = 5, 6
#: Types that belong to H.264 itself; the others are extensions, or not defined.
_DEFINED: Final = range(1, 14)
#: Type of a message that turns the picture when it is shown; D.1.27.
_DISPLAY_ORIENTATION: Final = 47


def is_whole_idr_picture(packet: bytes, parameters: bytes) -> bool:
    """Return True if a packet of an MP4 is a key frame whose units fit it, and is shown unturned.

    `parameters` are those of the track (the content of "avcC"). A packet of another content, such
    as zeros or text, does not fit: its beginning would be a length. False means that only decoding
    tells.
    """
    if len(parameters) < 7 or parameters[0] != 1:
        return False
    try:
        units = list(_units(packet, parameters[4] % 4 + 1))
        turns = any(_turns(unit) for unit in units if unit[0] & 0x1F == _SEI)
    except (IndexError, ValueError):
        return False
    has_defined = all(unit[0] < 0x80 and unit[0] & 0x1F in _DEFINED for unit in units)
    slices = [unit for unit in units if unit[0] & 0x1F == _IDR]
    return bool(slices) and _begins_picture(slices[0]) and has_defined and not turns


def _begins_picture(unit: bytes) -> bool:
    """Return True for a slice of type I (2, or 7 if all are) from the first macroblock on; 7.3.3.

    The numbers are codes of Exp-Golomb: 0 is "1", 2 is "011", and 7 is "0001000".
    """
    start = unit[1:2]
    return start == b"\x88" or b"\xb0" <= start <= b"\xbf"


def _units(packet: bytes, length_size: int) -> Iterator[bytes]:
    """Yield the units of a packet, each behind its length.

    Raises:
        ValueError: the lengths do not fit the packet.
    """
    position = 0
    while position < len(packet):
        start = position + length_size
        position = start + int.from_bytes(packet[position:start], "big")
        if not start < position <= len(packet):
            raise ValueError("a unit that does not fit")
        yield packet[start:position]


def _turns(unit: bytes) -> bool:
    """Return True if a unit with extra information has a message about the display; 7.3.2.3.

    Raises:
        IndexError: the unit ends within a message.
    """
    content = unit[1:].replace(b"\0\0\3", b"\0\0")
    position = 0
    # The last byte holds the stop bit.
    while position < len(content) - 1:
        kind, position = _number(content, position)
        size, position = _number(content, position)
        if kind == _DISPLAY_ORIENTATION:
            return True
        position += size
    return False


def _number(content: bytes, position: int) -> tuple[int, int]:
    """Return the number at a position, to which each byte of 255 adds, and what follows it."""
    number = 0
    while content[position] == 0xFF:
        number, position = number + 0xFF, position + 1
    return number + content[position], position + 1
