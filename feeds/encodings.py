"""Decode bytes from Japan, whatever encoding they declare.

Shift_JIS, EUC-JP and ISO-2022-JP are read as Microsoft writes them, with the characters beyond
the standard (①, ㈱, 髙) that web sites and mail have always used.
"""

from __future__ import annotations

import codecs
import re

_NAMES = {
    **dict.fromkeys(("shift_jis", "shiftjis", "sjis", "x_sjis", "windows_31j", "ms932"), "cp932"),
    **dict.fromkeys(("cp932", "ms_kanji", "csshiftjis", "shift_jisx0213"), "cp932"),
    **dict.fromkeys(("euc_jp", "x_euc_jp", "eucjp", "ujis", "cp51932"), "euc_jp"),
    **dict.fromkeys(("utf_8", "utf8"), "utf-8"),
}
"""Declared encodings that are believed. Others, above all Latin-1, are never right for the high
bytes of a Japanese site. Some of Python's codecs also need hours for a few megabytes (punycode).
"""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARATION = re.compile(rb"^\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']", re.I)
_SIGNS = frozenset("§¨°±´¶×÷")
_ODD = 0.2
"""Share of rare characters above which a text was decoded with the wrong encoding."""
_DAMAGED = 0.2
"""Share of characters that may be broken in a text that is yet read in the right encoding."""
_CUT = re.compile(r"\ufffd(?=\s*(?:<|\]\]>|…|\.\.\.|&hellip;|$))")


def decode_document(data: bytes, charset: str | None = None) -> str:
    """Return the text of a document, even if its declared encoding is wrong.

    A byte order mark and escape sequences are certain, and hardly anything is valid UTF-8 by
    chance. After these, the declared encoding is tried (of the XML declaration, or the ``charset``
    of the transport), then the encodings in use in Japan. A character that is cut in the middle,
    such as the last of a summary, is left out.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    xml = _DECLARATION.match(data[:200])
    labels = (xml.group(1).decode("ascii") if xml else None, charset)
    names = [label.lower().replace("-", "_") for label in labels if label]
    if b"\x1b" not in data and "iso_2022_jp" in names and len(data) < _LONGEST_WITHOUT_ESCAPES:
        data = _LOST_ESCAPE.sub(b"\x1b\\1\\2\x1b\\3", data)
    if _ESCAPE.search(data):
        return decode_jis(data)
    declared = [_NAMES[name] for name in names if name in _NAMES]
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if (not broken or broken <= _DAMAGED * sum(character > "\x7f" for character in text)) and (
        not declared or "utf-8" in declared or _oddness(text) < _ODD
    ):
        return _CUT.sub("", text)
    read = [text]
    for encoding in dict.fromkeys((*declared, "cp932", "euc_jp")):
        text = data.decode(encoding, _ERRORS if encoding == "euc_jp" else "replace")
        if _oddness(text) < _ODD:
            return _CUT.sub("", text)
        read.append(text)
    return _CUT.sub("", min(read, key=_oddness))


def _oddness(text: str) -> float:
    """Return the share of rare characters among those outside ASCII.

    EUC-JP read as Shift_JIS is half-width katakana from end to end.
    """
    beyond = [character for character in text[:20_000] if character > "\x7f"]
    odd = sum(
        c == "\ufffd"
        or "\uff61" <= c <= "\uff9f"
        or "\ue000" <= c <= "\uf8ff"
        or (c <= "\u07ff" and c not in _SIGNS)
        for c in beyond
    )
    return odd / len(beyond) if beyond else 0.0


def _beyond_standard(error: UnicodeError) -> tuple[str, int]:
    """Read two bytes of EUC-JP that the standard leaves free as Microsoft fills them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    pair = error.object[error.start : error.start + 2]
    if len(pair) == 2 and min(pair) >= 0xA1:
        return _two_bytes(bytes(byte & 0x7F for byte in pair)), error.start + 2
    return "\ufffd", error.start + 1


_ERRORS = "todoke-beyond-euc-jp"
codecs.register_error(_ERRORS, _beyond_standard)

_ESCAPE = re.compile(rb"\x1b(\$[@B]|\$\([A-Z]|\([BIJ])")
_LOST_ESCAPE = re.compile(rb"(\$[@B])((?:[\x21-\x7e]{2}){1,80}?)(\([BJ])")
"""A line of mail has no more characters."""
_LONGEST_WITHOUT_ESCAPES = 300_000


def decode_jis(data: bytes) -> str:
    """Return the text of ISO-2022-JP, even if its escapes are broken.

    Every line begins in ASCII, as the standard says, so a lost escape damages only its line. The
    additions of JIS X 0213 are not used.
    """
    return "\n".join(_jis_line(line) for line in data.replace(b"\r\n", b"\n").split(b"\n"))


def _jis_line(line: bytes) -> str:
    made, at, double, half = [], 0, False, False
    for found in [*_ESCAPE.finditer(line), None]:
        piece = line[at : found.start() if found else len(line)]
        if double:
            made.append(_two_bytes(piece))
        elif half:
            made.append(bytes(byte | 0x80 for byte in piece).decode("cp932", "replace"))
        else:
            made.append(piece.decode("cp932", "replace"))
        if found:
            at = found.end()
            double, half = found[1].startswith(b"$"), found[1] == b"(I"
    return "".join(made)


def _two_bytes(piece: bytes) -> str:
    """Return the characters of rows and cells of JIS X 0208, through Shift_JIS, which has all of
    them.
    """
    shifted = bytearray()
    at = 0
    while at < len(piece):
        first, second = piece[at], piece[at + 1] if at + 1 < len(piece) else 0
        if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
            # A blank or a stray byte between characters; a lone one at the end is lost.
            if first == 0x20:
                shifted += b" "
            at += 1
            continue
        row = (first - 0x21) // 2 + (0x81 if first < 0x5F else 0xC1)
        odd_cell = second + (0x1F if second < 0x60 else 0x20)
        shifted += bytes((row, odd_cell if first % 2 else second + 0x7E))
        at += 2
    return shifted.decode("cp932", "replace")
