"""Japanese text is read correctly, whatever encoding it declares."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.encodings import decode_document

TEXT = "髙﨑市の㈱①から②へ。表ソ能の道路を通行止めにします。"
EUC_TEXT = b"\xb9\xe2\xad\xa1\xad\xea\xc9\xbd\xfc\xe2"
"""高①㈱表 and the 髙 that Microsoft added, as EUC-JP."""


@pytest.mark.parametrize("real", ["utf-8", "cp932"])
@pytest.mark.parametrize(
    "declared", [None, "UTF-8", "Shift_JIS", "EUC-JP", "ISO-8859-1", "punycode", "unicode_escape"]
)
def test_characters_beyond_the_standard_survive_every_wrong_label(
    real: str, declared: str | None
) -> None:
    assert decode_document(TEXT.encode(real), declared) == TEXT
    document = f'<?xml version="1.0" encoding="{declared}"?>{TEXT}'
    assert decode_document(document.encode(real), "iso-8859-1") == document


@pytest.mark.parametrize("declared", [None, "UTF-8", "Shift_JIS", "EUC-JP"])
def test_euc_jp_and_iso_2022_jp_have_microsofts_characters_too(declared: str | None) -> None:
    assert decode_document(EUC_TEXT, declared) == "高①㈱表髙"
    seven_bits = b"\x1b$B" + bytes(byte & 0x7F for byte in EUC_TEXT) + b"\x1b(B!"
    assert decode_document(seven_bits, declared) == "高①㈱表髙!"


def test_a_short_word_is_read_as_it_is_declared() -> None:
    # One character of EUC-JP that would also be UTF-8, a letter that nobody uses.
    assert decode_document("表".encode("euc_jp"), "EUC-JP") == "表"
    assert decode_document("表".encode(), "EUC-JP") == "表"


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
def test_a_character_cut_in_the_middle_spoils_nothing_else(encoding: str) -> None:
    cut = "<d>図書館からのお知らせです".encode(encoding)[:-1] + b"</d>"
    assert decode_document(cut, "Shift_JIS") == "<d>図書館からのお知らせで</d>"


def test_broken_escapes_of_iso_2022_jp_spoil_no_more_than_their_line() -> None:
    word = "不審者".encode("iso2022_jp")
    opened, closed = b"\x1b$B", b"\x1b(B"
    assert decode_document(word.removesuffix(closed) + b"\nabc\n" + word) == "不審者\nabc\n不審者"
    lost = word.replace(b"\x1b", b"")
    assert decode_document(lost + b" 110", "iso-2022-jp") == "不審者 110"
    # Half-width katakana, which mail must not have and has.
    assert decode_document(b"\x1b(I6^=\x1b(B" + opened + b"4I" + closed) == "ｶﾞｽ管"


@pytest.mark.slow
@pytest.mark.parametrize("piece", [b"$B", b"$B!!", b"$", b"(B", b"\x1b$B", b"\x1b(", b"\xe3"])
def test_endless_nonsense_is_read_in_no_time(piece: bytes) -> None:
    # What is quadratic here takes minutes of the processor, whoever else uses it.
    started = time.process_time()
    decode_document((piece * 150_000)[:290_000], "iso-2022-jp")
    assert time.process_time() - started < 10


def test_utf_16_is_known_by_its_mark() -> None:
    assert decode_document(TEXT.encode("utf-16")) == TEXT


@given(st.binary(max_size=300), st.sampled_from([None, "shift_jis", "iso-2022-jp", "nonsense"]))
def test_no_bytes_break_it(data: bytes, charset: str | None) -> None:
    assert isinstance(decode_document(data, charset), str)


@given(st.text("ぁあいうえお通行止断水図書館公園。、ー", min_size=4, max_size=50))
def test_japanese_is_read_in_whichever_encoding_undeclared(text: str) -> None:
    for encoding in ("utf-8", "cp932", "iso2022_jp"):
        assert decode_document(text.encode(encoding)) == text
