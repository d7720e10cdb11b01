"""The agency's fixed comments (固定付加文) in telegrams of earthquakes and tsunami.

A telegram carries them as codes and as Japanese sentences. For each code of the agency's table
(地震火山関連コード表 62, AdditionalCommentEarthquake) there is either a sentence of ours or a
reason for leaving it out. The words decide and the code helps: the codes 0201 to 0203 and 0210 had
another meaning until 2012, and old samples still use it.

Free comments (自由付加文) are prose in Japanese: tables of what a class or a height means, and
addresses of web pages. They are left out in every language; our advice explains the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from feeds.texts import messages as m
from feeds.texts.terms import comparable_name


@dataclass(frozen=True, kw_only=True)
class Comment:
    """One code of the table.

    Parameters
    ----------
    words
        Words that only this sentence of the table contains.
    sentence
        Our sentence; None if the code is left out, and then ``left_out`` says why.
    inland
        The sentence for a city without a coast, as news. If this is set, the code is about the sea.
    """

    words: str
    sentence: str | None = None
    inland: str | None = None
    left_out: str = ""


def _sea(words: str, sentence: str, inland: str | None = None) -> Comment:
    return Comment(words=words, sentence=sentence, inland=inland or sentence)


_OWN_ADVICE = "Our own advice for the grade says it."
_OWN_FACT = "It is told by a notice of its own."

QUAKE_COMMENTS: dict[str, Comment] = {
    "0201": Comment(words="強い揺れに警戒", left_out="Early warnings alone say it; none is read."),
    "0211": _sea("津波警報等", m.TSUNAMI_IN_EFFECT, m.TSUNAMI_ELSEWHERE),
    "0212": _sea("日本の沿岸では若干の海面変動", m.SLIGHT_SEA_CHANGE),
    "0213": _sea("海面変動が続くと思われますので、海水浴", m.AFTER_TSUNAMI),
    "0214": _sea("海面変動が続くと思われますので、磯釣り", m.AFTER_TSUNAMI),
    "0215": _sea("この地震による津波の心配はありません", m.NO_TSUNAMI),
    "0216": _sea("震源が海底の場合", m.TSUNAMI_POSSIBLE, m.TSUNAMI_POSSIBLE_ELSEWHERE),
    "0217": Comment(words="今後の情報に注意してください", sentence=m.FOLLOW_NEWS),
    "0221": _sea("太平洋の広域に津波発生", m.TSUNAMI_PACIFIC),
    "0222": _sea("太平洋で津波発生", m.TSUNAMI_PACIFIC),
    "0223": _sea("北西太平洋で津波発生", m.TSUNAMI_PACIFIC),
    "0224": _sea("インド洋の広域に津波発生", m.TSUNAMI_INDIAN_OCEAN),
    "0225": _sea("インド洋で津波発生", m.TSUNAMI_INDIAN_OCEAN),
    "0226": _sea("震源の近傍で津波発生", m.TSUNAMI_NEAR_SOURCE),
    "0227": _sea("震源の近傍で小さな津波発生", m.SMALL_TSUNAMI_NEAR_SOURCE),
    "0228": _sea("この規模の地震が海域の浅い領域で発生すると", m.TSUNAMI_NEAR_SOURCE),
    "0229": _sea("日本への津波の有無については現在調査中", m.TSUNAMI_UNDER_STUDY),
    "0230": _sea("日本への津波の影響はありません", m.NO_TSUNAMI_JAPAN),
    "0241": Comment(words="緊急地震速報を発表しています", sentence=m.EEW_ISSUED),
    "0242": Comment(words="この地震の最大震度は2", left_out="The line with the intensity says it."),
    "0243": Comment(words="この地震の最大震度は1", left_out="The line with the intensity says it."),
    "0244": Comment(words="震度1以上は観測されていません", sentence=m.EEW_NOT_FELT),
    "0245": Comment(words="強い揺れは観測されませんでした", sentence=m.EEW_WEAK),
    "0256": Comment(words="震源要素を訂正します", left_out="The title says that it is corrected."),
    "0262": Comment(words="*印は気象庁以外の震度観測点", left_out="No such mark is in our texts."),
    "0263": Comment(words="*印は気象庁以外の長周期", left_out="No such mark is in our texts."),
    "0500": Comment(words="その他の防災上の留意事項", left_out="It has no words of its own."),
}
"""Comments of VXSE51 to 62 by today's code. 0242 and 0243 are about an early warning like 0241 and
repeat its sentence.
"""

TSUNAMI_COMMENTS: dict[str, Comment] = {
    "0101": Comment(words="今後若干の海面変動があるかもしれません。", left_out=_OWN_ADVICE),
    "0102": Comment(words="今後若干の海面変動があるかもしれませんが", left_out=_OWN_ADVICE),
    "0103": Comment(words="海面変動が続くと思われます。", left_out=_OWN_ADVICE),
    "0104": Comment(words="海面変動が続くと思われますので、海水浴", left_out=_OWN_ADVICE),
    "0105": Comment(words="海面変動が続くと思われますので、磯釣り", left_out=_OWN_ADVICE),
    "0107": Comment(words="発表している沿岸はありません", left_out="Each coast hears its own."),
    "0109": Comment(words="一層厳重な警戒が必要", sentence=m.HIGH_TIDE),
    "0110": Comment(words="十分な注意が必要", sentence=m.HIGH_TIDE),
    "0111": Comment(words="観測した津波の高さよりさらに大きな", sentence=m.HIGHER_IN_PLACES),
    "0112": Comment(words="津波の高さは更に高くなる", sentence=m.MAY_GROW),
    "0113": Comment(words="既に津波が到達していると推定", sentence=m.MAY_HAVE_ARRIVED),
    "0114": Comment(words="最大波が観測されるまでに数時間以上", sentence=m.HIGHEST_LATER),
    "0115": Comment(
        words="沖合での観測値であり",
        left_out="Heights measured offshore (VTSE52) are not told, so there is none to qualify.",
    ),
    "0121": Comment(words="<大津波警報>", left_out=_OWN_ADVICE),
    "0122": Comment(words="<津波警報>", left_out=_OWN_ADVICE),
    "0123": Comment(words="<津波注意報>", left_out=_OWN_ADVICE),
    "0124": Comment(words="<津波予報", left_out=_OWN_ADVICE),
    "0131": Comment(words="到達予想時刻から津波が最も高くなるまで", sentence=m.HIGHEST_LATER),
    "0132": Comment(words="「予想される津波の高さ」より高くなる", sentence=m.HIGHER_IN_PLACES),
    "0141": Comment(words="東日本大震災クラスの津波", sentence=m.LIKE_2011),
    "0142": Comment(words="大津波警報・津波警報に切り替え", sentence=m.SEEN_OFFSHORE),
    "0143": Comment(words="大津波警報・津波警報を切り替え", sentence=m.SEEN_OFFSHORE),
    "0144": Comment(words="観測したため大津波警報に切り替え", sentence=m.SEEN_OFFSHORE),
    "0145": Comment(words="観測したため大津波警報を切り替え", sentence=m.SEEN_OFFSHORE),
    "0146": Comment(words="観測したため津波警報に切り替え", sentence=m.SEEN_OFFSHORE),
    "0147": Comment(words="観測したため津波警報を切り替え", sentence=m.SEEN_OFFSHORE),
    "0148": Comment(words="予想される津波の高さを切り替え", sentence=m.SEEN_OFFSHORE),
    "0149": Comment(words="ただちに避難してください。", left_out=_OWN_ADVICE),
    "0150": Comment(words="南海トラフ地震臨時情報を発表", left_out=_OWN_FACT),
}
"""Comments of VTSE41 to 52 by today's code; said where a warning or advisory is in force."""

_MEANT_SOMETHING_ELSE = frozenset({"0201"})
"""Codes of today's table that old telegrams use for another sentence: their words decide."""


def quake_comments(codes: str, text: str) -> list[Comment]:
    """Return the comments that a telegram of an earthquake carries, in the table's order.

    Parameters
    ----------
    codes
        As in ``Code``: several are parted by a space.
    text
        The agency's Japanese sentences.
    """
    found = list(_found(QUAKE_COMMENTS, codes, text))
    # 0244 and 0245 themselves say that an early warning was issued.
    longer = {"0244", "0245"} & set(found)
    return [QUAKE_COMMENTS[code] for code in found if code != "0241" or not longer]


def tsunami_sentences(codes: str, text: str) -> list[str]:
    """Return the comments of a tsunami telegram, each sentence once."""
    comments = [TSUNAMI_COMMENTS[code] for code in _found(TSUNAMI_COMMENTS, codes, text)]
    return list(dict.fromkeys(each.sentence for each in comments if each.sentence))


def _found(table: dict[str, Comment], codes: str, text: str) -> Iterator[str]:
    said, given = comparable_name(text), set(codes.split())
    for code, comment in table.items():
        by_code = code in given and not (said and code in _MEANT_SOMETHING_ELSE)
        if by_code or comparable_name(comment.words) in said:
            yield code
