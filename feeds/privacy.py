"""Leaving out of a message what points at a person or a household."""

from __future__ import annotations

import re

from feeds import limits
from feeds.wording import clean

_WEB = re.compile(r"https?://\S+")
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
_GAP = r"[-‐－ー()（）\s]{0,2}"
_PHONE = re.compile(rf"(?<![\d#])(?:\+81[-\s]?|0|０)\d{{1,4}}{_GAP}\d{{1,4}}{_GAP}\d{{3,4}}(?!\d)")
_LABELS = (
    *("氏名", "名前", "被害者", "保護者", "担当", "担当者", "連絡先", "送信者", "差出人", "通報者"),
    *("生年月日", "電話", "電話番号", "ＴＥＬ", "TEL", "ＦＡＸ", "FAX", "メール", "メールアドレス"),
    *("E-?mail", "住所", "本籍", "車番", "車両番号", "ナンバー", "学校名", "児童名", "生徒名"),
)
_LABELLED = re.compile(
    rf"^[ \t　・●■◆○◇【\[(（]*(?:{'|'.join(_LABELS)})[】\])）]*\s*[:：＝=].*$", re.IGNORECASE
)
_KANJI_NAME = r"[一-龥々]{1,4}[ 　]?[一-龥々ぁ-んァ-ヶ]{0,4}"
_KANA_NAME = r"[ぁ-んァ-ヶー]{1,8}"
_TITLED = re.compile(
    rf"(?P<name>{_KANJI_NAME})(?P<title>さん|くん|君|ちゃん|容疑者|被告|氏)(?!名)"
    rf"|(?P<kana>{_KANA_NAME})(?P<kana_title>くん|君|ちゃん|容疑者)"
)
_NOBODY = re.compile(
    r"(皆|みな|者|員|係|客|住民|市民|児童|生徒|学生|男性|女性|運転手|先生|警察官|赤|じい|ばあ|坊|"
    r"息子|娘|親子|住人|老人|友人|主人|隣人|知人|病人|本人)$"
    # One character is a kinship word alone or behind a particle (近所の奥さん), not in 花子さん.
    r"|(?:^|[ぁ-ん])(子|父|母|兄|姉|弟|妹|親|孫|祖父|祖母|嫁|奥|隣|方|人)$"
)
"""Words before さん and the like that name nobody."""
_LOT = re.compile(
    r"(?P<chome>[0-9０-９一二三四五六七八九十]{1,4}丁目)"
    r"[0-9０-９]{1,4}(?:番地?|[-－‐ー])?(?:の?[0-9０-９]{1,4})?号?"
)


def without_personal_data(text: str) -> str:
    """Return ``text`` without what points at a person or a household.

    Lines that give a name, a telephone number, an address or a number plate go; so do mail
    addresses, telephone numbers (110 and 119 stay), links, names before さん or 容疑者, and lot
    numbers behind a 丁目. What remains is the what, where and when. A rule cannot find every
    name there is, which is why such mail waits for a person unless the city decides otherwise.
    """
    lines = []
    for line in text.split("\n"):
        if _LABELLED.match(line):
            continue
        line = _WEB.sub("", line)
        line = _ADDRESS.sub("", line)
        line = _PHONE.sub("", line)
        line = _LOT.sub(lambda found: found["chome"], line)
        line = _TITLED.sub(_anonymous, line)
        lines.append(line.rstrip())
    return clean("\n".join(lines), limits.MAX_SUMMARY_CHARACTERS)


def _anonymous(found: re.Match[str]) -> str:
    name, title = found["name"] or found["kana"], found["title"] or found["kana_title"]
    return found.group() if _NOBODY.search(name) else "（氏名）" + title
