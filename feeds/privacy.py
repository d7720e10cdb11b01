"""Remove from a message everything that identifies a person or a household.

The rules follow the way in which police and schools write such mail: labels in brackets or before a
colon, ages and readings in brackets after a name, ranks after an officer's name, lot numbers after
a district. The description of a suspect (about 30 years old, black jacket) stays, because the
message is about it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from feeds import limits
from feeds.wording import plain_text

NAME = "（氏名）"
_K = r"[一-\u9fff々〆\uf900-\ufaff]"
_DASH = r"[-‐‑‒–—―−－ー]"
_BLANK = "[ \u3000]"

# Whole lines.
_LABELS = (
    *("(?:ご|お)?氏名", "お?名前", "ふりがな", "フリガナ", "保護者名?", "通報者名?", "届出人"),
    *("発信者", "送信者", "差出人", "配信者", "ご?担当者?", "担当課", "連絡先", "生年月日"),
    *("(?:お|ご)?問い?合わ?せ先?", "(?:携帯)?電話(?:番号)?", "携帯", "ＴＥＬ", "TEL", "℡", "☎"),
    *("ＦＡＸ", "FAX", "メール(?:アドレス)?", "E-?mail", "Ｅメール", "LINE ?ID", "現?住所", "自宅"),
    *("本籍", "勤務先", "車番", "車両番号", "(?:車両)?ナンバー", "登録番号", "学校名", "校名"),
    *("学年・?組", "(?:児童|生徒|園児|被害者)(?:名|氏名)"),
)
_MARKS = r"[ \t\u3000・●■◆○◇□▼▽★☆※＊*-]*"
_OPEN, _CLOSE = r"[【\[［(（〈＜「『]?", r"[】\]］)）〉＞」』]"
_LABELLED = re.compile(
    rf"^{_MARKS}{_OPEN}{_BLANK}*(?:{'|'.join(_LABELS)})"
    rf"(?:{_BLANK}*{_CLOSE}{_BLANK}*[:：＝=]?|{_BLANK}*[:：＝=…‥]|{_BLANK}+(?=\S)|{_BLANK}*$)"
    r"(?P<value>.*)$",
    re.IGNORECASE,
)
_VICTIM = re.compile(
    rf"^{_MARKS}{_OPEN}{_BLANK}*(?:被害(?:者|児童|生徒)|対象者|被害に遭った方)等?"
    rf"{_BLANK}*[】\]］)）〉＞」』:：＝=…‥ \u3000]+(?P<value>.*)$"
)
_ANYBODY = re.compile(
    r"(?:小|中|高|大|学|生|年|女|男|児|童|徒|性|子|供|ども|成|人|数|複|名|歳|才|代|位|くらい|ほか|前|後|の|"
    r"未就|園|幼|会社員|通|勤|帰|宅|登|下|校|途|利用者|等|及び|と|高齢者|[・,、。()（）～〜~\d\s-])*"
)
"""Everything that may follow 被害者 without identifying a person."""
_SECTION = re.compile(r"^[ \t\u3000]*[【\[［〈＜●■◆○◇□▼▽★☆※・]")
# Words before さん and the like that are no names.
_NOBODY = re.compile(
    r"(?:皆|みな|たく|者|員|係|客|民|児童|生徒|学生|男性|女性|手|先生|官|赤|坊|嬢|息子|娘|親子|人|屋|工|"
    r"じい|ばあ|おじ|おば|にい|ねえ|かあ|とう|叔父|伯父|叔母|伯母|本人|小学生|中学生|高校生|男児|女児|園児|"
    r"幼児|少年|少女|男|女|無職|業|師|士|バイト|パート|ター|役|夫婦|年齢|年代|推定|刑事|交通|地域|生活安全|"
    r"担当|警察|生|不明|在住|元|諸|彼|両|同|ねぇ|おい|そこの|この|あの|ちょっと|校長|教頭|園長|担任|保健|"
    r"引率|医|の|を|が|は|に|も|で)$"
    # One character is a kinship word alone or behind a particle (近所の奥さん), not in 花子さん.
    r"|(?:^|[ぁ-ん])(?:子|父|母|兄|姉|弟|妹|親|孫|祖父|祖母|嫁|奥|隣|方)$"
)
"""Words before さん, an age or a rank that are no names."""
_PLACE = re.compile(
    r"(?:市|区|町|村|県|府|都|道|郡|字|丁目|地区|地内|公園|駅|線|通り|校|園|店|館|所|署|課|番|号|件|回|"
    r"名|分|時|日|月|頃|ころ|位|くらい|代|歳|方面|付近|路上|ほか|など|から|まで|より|概要|特徴|状況)$"
)
_VERBS = re.compile(r"(?:行|聞|書|歩|泣|着|置|働|動|い)$")
"""どこ行くん: no name, but how they ask in Kansai."""


def _named(found: re.Match[str]) -> str:
    """Put a placeholder for the group ``name``, unless it is no name."""
    name = found["name"]
    if _NOBODY.search(name) or _PLACE.search(name):
        return found.group()
    start, end = (at - found.start() for at in found.span("name"))
    return found.group()[:start] + NAME + found.group()[end:]


def _called(found: re.Match[str]) -> str:
    asks = found["title"] == "くん" and re.match(
        "[でだやかのねー？?」、。]|$", found.string[found.end() :]
    )
    return found.group() if asks and _VERBS.search(found["name"]) else _named(found)


_KANJI_NAME = rf"{_K}{{1,4}}{_BLANK}?(?:{_K}|[ぁ-んァ-ヶー]){{0,4}}"
_FOREIGN_NAME = (
    r"[ァ-ヶー]{2,12}(?:[・＝= \u3000][ァ-ヶー]{1,12}){1,4}|[A-Z][A-Za-z]+(?: [A-Z][A-Za-z]+){1,3}"
)
_AGE = (
    rf"{_BLANK}*[(（](?:当時)?(?:\d{{2}}|\d{{1,3}}[歳才])[)）]"
    rf"|{_BLANK}+\d{{1,3}}[歳才](?![代位くぐ前ほか～〜~・-])"
)
_RULES: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # How to leave the sender's own list.
    (
        re.compile(
            r"[^。]*(?:(?:配信|登録|メール)の?(?:停止|解除|変更)|返信(?:は|でき)|退会|空メール)[^。]*。?"
        ),
        "",
    ),
    # Addresses of the net, and telephones.
    (re.compile(r"(?:https?|ｈｔｔｐｓ?)[:：][/／]{2}[!-~！-～]+|www\.[!-~]+", re.I), ""),
    (re.compile(r"[\w.+-]{1,64}[@＠][\w-]{1,64}(?:[.．][\w-]{1,64})+", re.ASCII), ""),
    (re.compile(r"[Ａ-Ｚａ-ｚ０-９．＿－]{1,64}＠[Ａ-Ｚａ-ｚ０-９．－]{3,64}"), ""),
    (re.compile(r"(?<![\w@＠])[@＠][A-Za-z0-9_.]{3,40}"), ""),
    (
        re.compile(
            r"(?:(?:TEL|ＴＥＬ|電話|☎|℡)\s*[:：]?\s*)?(?<![\d#＃])[(（]?(?:\+81[-\s]?|[0０])\d{0,4}"
            rf"(?:{_DASH}|[()（）\s.．・]){{0,2}}\d{{1,4}}(?:{_DASH}|[()（）\s.．・]){{0,2}}\d{{3,4}}(?!\d)",
            re.I,
        ),
        "",
    ),
    # Without its area code; or a postcode.
    (
        re.compile(
            rf"(?:(?:TEL|ＴＥＬ|電話|☎|℡|〒)\s*[:：]?\s*)?"
            rf"(?<!\d)(?<!\d[-－])(?!(?:19|20|１９|２０)\d\d{_DASH})\d{{2,4}}{_DASH}\d{{4}}(?![\d円万千億人名時年頃こmｍ㎡])",
            re.I,
        ),
        "",
    ),
    (re.compile(r"[(（]?\s*内線\s*[:：]?\s*\d{1,6}\s*[)）]?"), ""),
    (re.compile(r"LINE ?ID\s*[:：]\s*[!-~]+", re.I), ""),
    # Labels in the middle of a line.
    (
        re.compile(
            r"(?:氏名|お?名前|現?住所|自宅|生年月日|連絡先|電話番号|保護者名?|学校名)[:：=＝]\s*"
            rf"[^\s、。,，)）]{{1,40}}(?:{_BLANK}{_K}{{1,4}}(?![歳才\d]))?"
        ),
        "",
    ),
    # Births.
    (
        re.compile(
            r"(?:明治|大正|昭和|平成|令和|(?<![A-Za-z])[MTSHR]\.?)?\s*(?:\d{1,4}|元)\s*[年./．-]\s*\d{1,2}"
            r"\s*[月./．-]\s*\d{1,2}\s*日?\s*(?:生まれ|生れ|生(?![徒活存年後物産徳]))",
            re.I,
        ),
        "",
    ),
    # Number plates.
    (
        re.compile(
            rf"(?:{_K}|[ぁ-んァ-ヶ]){{1,4}}{_BLANK}?\d{{2,3}}{_BLANK}?[「（(]?[ぁ-ん][」）)]?{_BLANK}?"
            rf"[\d・.．]{{1,2}}{_DASH}?[\d・.．]{{1,2}}"
        ),
        "（番号）",
    ),
    (
        re.compile(
            r"(?P<word>ナンバー|車番|登録番号)"
            r"(?P<between>(?:プレート)?[はがのを]?[:：「『（( \u3000]*)"
            rf"(?:(?:{_K}|[ぁ-んァ-ヶ]){{1,4}}{_BLANK}?)?(?:\d{_BLANK}?|[・.．]|{_DASH}){{2,9}}"
        ),
        r"\g<word>\g<between>（番号）",
    ),
    # Numbers of lots, houses and rooms; the district stays.
    (
        re.compile(
            rf"(?P<chome>(?:\d|[一二三四五六七八九十]){{1,4}}丁目){_BLANK}?"
            rf"\d{{1,4}}(?:番地?|{_DASH})?(?:の?\d{{1,4}})?(?:号(?![線車])|{_DASH}\d{{1,4}})?(?:の\d{{1,4}})?"
        ),
        r"\g<chome>",
    ),
    (
        re.compile(
            rf"(?<=[一-\u9fffぁ-んァ-ヶー])(?<!第){_BLANK}?(?:"
            rf"(?:\d{{1,4}}{_DASH})?\d{{1,5}}番地(?:の?\d{{1,4}}(?:号(?!線))?|{_DASH}\d{{1,4}})?"
            rf"|\d{{1,4}}の\d{{1,4}}(?:の\d{{1,4}})?(?![人名年月日時分])"
            rf"|\d{{1,5}}番\d{{1,4}}号?|\d{{1,5}}番(?=付近|先|路上|地先|の路上)"
            rf"|(?!(?:19|20|１９|２０)\d\d{_DASH})\d{{1,4}}{_DASH}\d{{1,4}}{_DASH}\d{{1,4}}"
            rf"(?:{_DASH}\d{{1,4}})?"
            rf"|\d{{1,4}}{_DASH}\d{{1,4}}(?=付近|先|路上|地先|の路上|地内|方|において)"
            r"|(?<![道線号駅約])\d{1,5}(?=番?(?:付近|地先|先の?路上)))"
        ),
        "",
    ),
    (
        re.compile(rf"(?:{_BLANK}?[ァ-ヶーA-Za-z]{{2,15}}{_BLANK}?)?{_BLANK}?\d{{1,4}}号室"),
        "",
    ),
    # A victim's school and class; a school as the place of the event stays.
    (
        re.compile(
            rf"(?:(?:(?:{_K}|[ァ-ンー]){{1,6}}|[ぁ-ん]{{2,4}})[市区町村県都府]立)?(?:{_K}|[ァ-ンー]){{1,8}}?"
            r"(?P<kind>小学校|中学校|高校|高等学校|幼稚園|保育園|保育所)"
            r"(?=[\d一二三四五六]{1,2}年|の?(?:女子|男子)?(?:児童|生徒|園児|女児|男児))"
        ),
        r"\g<kind>",
    ),
    (
        re.compile(
            rf"{_K}{{1,5}}(?P<kind>小)(?=[\d一二三四五六]年|の?(?:女子|男子)?(?:児童|女児|男児))"
        ),
        "小学校",
    ),
    (re.compile(rf"(?P<year>[\d一二三四五六]年){_BLANK}?[\d一-九A-ZＡ-Ｚ]組"), r"\g<year>生"),
    # Names.
    (re.compile(rf"(?P<name>{_FOREIGN_NAME})(?=さん|くん|ちゃん|容疑者|氏|{_AGE})"), _named),
    (
        re.compile(rf"(?P<name>{_K}{{1,6}}{_BLANK}?(?:{_K}|[ぁ-んァ-ヶー]){{1,6}})(?:{_AGE})"),
        _named,
    ),
    (
        re.compile(
            rf"(?P<name>{_K}{{1,4}}(?:{_BLANK}{_K}{{1,4}})?[(（]"
            r"[ぁ-んァ-ヶー]{2,6}[ \u3000・][ぁ-んァ-ヶー]{2,8}[)）]|"
            rf"{_K}{{1,4}}{_BLANK}{_K}{{1,4}}[(（][ぁ-んァ-ヶー]{{4,12}}[)）])"
        ),
        NAME,
    ),
    (
        re.compile(
            rf"(?P<name>{_K}{{2,5}}){_BLANK}?"
            r"(?=巡査部長|巡査長|巡査|警部補|警部|警視正|警視(?!庁)|教諭|養護教諭|先生)"
        ),
        _named,
    ),
    # The owner of a house: 田中方, not 前方 or 夕方.
    (
        re.compile(
            rf"(?P<name>{_K}{{2,4}})(?<![前後地夕両双一他東西南北上下親味見仕朝四先当遠行大彼処同側多])"
            r"方(?=において|にて|で|の|へ|に|[、。]|$)"
        ),
        _named,
    ),
    (
        re.compile(
            r"(?:校長|教頭|園長|所長|署長|課長|係長|会長|区長|担任|担当者?|顧問|主任|責任者)"
            rf"(?:{_BLANK}+|[:：])(?P<name>{_K}{{1,4}}(?:{_BLANK}(?:{_K}|[ぁ-ん]){{1,4}})?)"
            rf"(?=$|です|まで|が|は|に|へ|を|、|。|{_BLANK}|[(（])"
        ),
        _named,
    ),
    (
        re.compile(
            rf"(?P<name>{_KANJI_NAME}|(?<![ぁ-んァ-ヶー])[ぁ-んァ-ヶー]{{2,8}})"
            r"(?P<title>さん(?![ぽざ])|くん|君|ちゃん(?!と)|容疑者|被告|受刑者|氏)(?!名)"
        ),
        _called,
    ),
)
"""In this order, so that an address is removed before its numbers can look like something else."""


def without_personal_data(text: str) -> str:
    """Return ``text`` without anything that identifies a person or a household.

    It removes lines with a name, a telephone number, an address or a number plate; after a label
    that is alone on its line, it removes the next line. It removes mail and web addresses,
    telephone numbers (110 and 119 stay), number plates, dates of birth, names before さん, 容疑者,
    an age or an officer's rank, the school of a victim, and numbers of lots and rooms. What
    happened, where and when stays. Rules cannot find every name, so such mail waits for a person
    unless the city decides otherwise.
    """
    text = _HALF_WIDTH.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    lines = []
    below_label = False
    for line in text.split("\n"):
        if below_label and line.strip():
            below_label = False
            if not _SECTION.match(line):
                continue
        if found := _LABELLED.match(line):
            below_label = not found["value"].strip()
            continue
        victim = _VICTIM.match(line)
        if victim and not _ANYBODY.fullmatch(victim["value"]):
            continue
        kept = line
        for pattern, instead in _RULES:
            kept = pattern.sub(instead, kept)
        lines.append(_mended(line, kept).rstrip())
    return plain_text("\n".join(lines), limits.MAX_SUMMARY_CHARACTERS)


_OPENING, _CLOSING = "(（[［【〔〈《「『＜", ")）]］】〕〉》」』＞"
_LABEL = (
    r"(?:電話(?:番号)?|携帯(?:電話)?|直通|代表|TEL|ＴＥＬ|℡|☎|FAX|ＦＡＸ|メール(?:アドレス)?|E-?mail|"
    r"Ｅメール|URL|ＵＲＬ|ホームページ|HP|ＨＰ|現?住所|連絡先|お?問い?合わ?せ先?)"
)
_LEFT_OVER: tuple[tuple[re.Pattern[str], str], ...] = (
    # Brackets around nothing, or around a label with nothing behind it.
    (
        re.compile(
            rf"[{re.escape(_OPENING)}][\s、，,・:：/／]*(?:{_LABEL}[\s、，,・:：/／]*)*"
            rf"[{re.escape(_CLOSING)}]",
            re.I,
        ),
        "",
    ),
    (
        re.compile(
            rf"{_LABEL}{_BLANK}*[:：]{_BLANK}*(?=$|[、。，,{re.escape(_CLOSING)}]|まで|へ)", re.I
        ),
        "",
    ),
    (re.compile(r"[、，,]\s*(?:[、，,]\s*)+"), "、"),
    (re.compile(rf"[、，,・\s]+(?=[。{re.escape(_CLOSING)}])"), ""),
    (re.compile(rf"(?<=[{re.escape(_OPENING)}])\s*[、，,・]\s*"), ""),
    (re.compile(r"^\s*[、，,。]+\s*"), ""),
    (re.compile(r"。\s*[、，,。]+\s*"), "。"),
)
"""The mark in a line at a place where something was removed."""
_DEEPEST = 8
"""Brackets in brackets that are emptied; nobody writes more."""


def _mended(before: str, after: str) -> str:
    """Return a line without the brackets, labels and commas around removed parts."""
    if after == before:
        return after
    after = _without_left_overs(after)
    if not _unmatched(before):
        lone = _unmatched(after)
        after = "".join(sign for at, sign in enumerate(after) if at not in lone)
    return _without_left_overs(after)


def _without_left_overs(line: str) -> str:
    for _ in range(_DEEPEST):
        mended = line
        for pattern, instead in _LEFT_OVER:
            mended = pattern.sub(instead, mended)
        if mended == line:
            break
        line = mended
    return line


def _unmatched(line: str) -> set[int]:
    """Return the positions of brackets without a partner; a half-width one may match a full-width
    one.
    """
    open_ones: list[tuple[int, str]] = []
    lone: set[int] = set()
    for at, sign in enumerate(unicodedata.normalize("NFKC", sign) for sign in line):
        if sign in _PARTNERS:
            open_ones.append((at, _PARTNERS[sign]))
        elif sign in _PARTNERS.values():
            if open_ones and open_ones[-1][1] == sign:
                open_ones.pop()
            else:
                lone.add(at)
    return lone | {at for at, _ in open_ones}


_PARTNERS = {
    unicodedata.normalize("NFKC", one): unicodedata.normalize("NFKC", other)
    for one, other in zip(_OPENING, _CLOSING, strict=True)
}
_HALF_WIDTH = re.compile("[\uff61-\uff9f]+")
