"""Normalise letters: forms that people leave out, double or type differently become equal.

Width, case and kana are normalised in every language. Accents of Latin letters are removed, because
people leave them out. Vowel signs of Thai, Burmese, Khmer and Devanagari stay, because words differ
by them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from core import text as typed

KEPT = 500
"""Characters of a message that are looked at."""
_EDGES = " \t\r\n　.,!?！？。、，．・…~～「」『』()（）[]【】\"'“”"
_KATAKANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_PLAIN = str.maketrans({"đ": "d", "ð": "d", "ø": "o", "ł": "l", "ß": "ss", "ı": "i"})
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_SURELY_VIETNAMESE = re.compile("[\u0309\u031b\u0323đ]")
_VIETNAMESE = re.compile("[\u0300-\u0303\u0306\u0309\u031b\u0323đ]")

TRADITIONAL = (
    "難災報險護滅車員傷倒們這裡裏話號點時間開關壞燈電氣風雨圖語簡體繁個資訊設區數據來對應當會說讀寫請謝歡"
    "樂愛後從東門問題幫給還過進遠運達邊選錯長陽陰隊際雙離頭願類飛飯養館馬驚體麼麵黃齊龍國園圓團場塊墳"
    "壓處復徑徵態懷戶擊擔據擇換損撈擋攝斷無條樓樣機檢歲歸殘殺毀氾沒淚淨減測滾漲濕灣為煙熱燒爐爺狀獎環"
    "產畫發盡盪確禮種穩窗紅級紙細終組結絕統經綠網線緊總縣織繼續罰罷義習聯聲職聽腦臟舊與藥蟲衛補裝複見"
    "規視覺親觀訂計記許訪詢試該詳認誤課調談證識警譯變讓豬貝負財貨費貼買賣賞賠賴質賬贈贓趕跡踐輕輛輪轉"
    "辦邏郵鄉鄰醫釋鈴銀銷鍋鎖鎮鐘鐵鏡閉閒閱陣除陸階雖雜雲靈靜響頁順預領顧顯餐餘驗鬆魚鳥鹽麗啟喪單嗎嘆噴"
    "囪囑圍堅墜壘壯夠夥奪奮婦媽學寧實寬審尋導屍層屬島嶺幣幹庫廁廚廢廣廳彈彎彙憂憑戰拋掃掛揚搶擁擠攔敗"
    "敵暫曉曬樹橋欄歐殼毆渦濃濟濤瀉灑災爛牆獨獲現琺瑣瘋療癢監盤眾矯礙稅窮競筆築節範簽籃糧紀約納純紛紮"
    "絲綁編緩縮繩纏羅羨聖脫腫膠臉舉艙艦蓋蘋蘇蘭術衝衹裂褲襪訓託診誰諮貓賓跌踏躲軟較載輸農遊遞遷遺鄧釘"
    "針釣鋁錄錢鍵鑰閃陳隨險隱雞頂項須頻顏飲飽駕騎騙騷鬥鬧鮮麥齡齒沖淹燙遲樁墻檔鄭榮營蔥薦蝦觸誌據衣"
    "傳颱囉幾檯腳壺燭罵嚇嚴搖餓慮憶擴稱臨螢霧頓颳餵獄療瞭確縫託鋪閘滯髮襲挾"
    "並內強極淺週動嘯滿於將濫緯滯脅側準儘勢勁駛桿乾積溫凍況練註撥訴適儲刪協畢攜帶帳張責執飛複專鬱"
    "參雙濱慘懇慶憐慣慮憲懶應擾擬攝敘擔擇攬晝暈樸殮殼漁漸潔澤濁瀏煉燦爭牽犧狹猶瑪甦異痺瘡發盜睜瞞"
    "矚碼磚禍禪稱穀窺竄籤紋紐純紗紹絞絡絨絮綜綱緻緬緯縱罵羈翹聳脈腎腸腦膚臍艱芻莊莖萬葉蔣蔔薑蠟蠻"
    "衆複訊訌訖託討訝訟詐詠詢誇誠誕誘誤誦誼諒論諧諾謀謂謎謙講謠謹譜譴讚豎豐貞貢販貧貫貯貶貸貿賀賄"
    "賊賓賦賭賺購贊贏趙踴蹤躍軌軍軒輔輝輩輸轄轎轟辭遙遼遲鄭醜釀釐針鈍鈔鈕鉗鉛鉤銅銘銳鋒鋪鋸鋼錘錦"
    "錫鍊鍛鎚鏈鏟鑄鑑鑽閃閏閣閥闆闊闖陣陸隸雛韓頌頒頓頰頸頹額顆顛飄飢飩飼餃餅餓餘饅饒馴駐駱騰驅驕"
    "驗驟髒鬆鬍鮑鯊鴉鴨鵝鷹麥黨"
    "剛創劃劑勝勞匯卻厭吳喚嚐嚨塗塵壩夢夾奧妝孫宮寶屆峽師廟彌徹戲採揀搗撿斃書枴棄棟楊業槍標櫃"
    "櫥權決溝澆濺瀝獸疊癱皺睏礦祕禦竈籠糞繞聞臘薩藍蘆蝕蠅蠍襯覽蹟迴隻鴿鹹龜洩別亂鞦韆佈製捨鬚"
    "臺麽妳牠繳潰癒舖甕鐮槓蓆渾緒繡纖螞蟻謊賽邁釦鈉鎂鋰鋅鎳顫駁鱗黴鼴勸噸墮屢嶄嶇巔廂慚撲擺擲"
    "傘嬰兒綿鍬攪窩涼爾寵墊蠟縫帳旣曠檳濘熒犢瓊畝瞼硤篩簾罈聾膽蔭蘿蠶醬鈣鏽韌顱驢鯨鷗麩黏齋"
)
SIMPLIFIED = (
    "难灾报险护灭车员伤倒们这里里话号点时间开关坏灯电气风雨图语简体繁个资讯设区数据来对应当会说读写请谢欢"
    "乐爱后从东门问题帮给还过进远运达边选错长阳阴队际双离头愿类飞饭养馆马惊体么面黄齐龙国园圆团场块坟"
    "压处复径征态怀户击担据择换损捞挡摄断无条楼样机检岁归残杀毁泛没泪净减测滚涨湿湾为烟热烧炉爷状奖环"
    "产画发尽荡确礼种稳窗红级纸细终组结绝统经绿网线紧总县织继续罚罢义习联声职听脑脏旧与药虫卫补装复见"
    "规视觉亲观订计记许访询试该详认误课调谈证识警译变让猪贝负财货费贴买卖赏赔赖质账赠赃赶迹践轻辆轮转"
    "办逻邮乡邻医释铃银销锅锁镇钟铁镜闭闲阅阵除陆阶虽杂云灵静响页顺预领顾显餐余验松鱼鸟盐丽启丧单吗叹喷"
    "囱嘱围坚坠垒壮够伙夺奋妇妈学宁实宽审寻导尸层属岛岭币干库厕厨废广厅弹弯汇忧凭战抛扫挂扬抢拥挤拦败"
    "敌暂晓晒树桥栏欧壳殴涡浓济涛泻洒灾烂墙独获现珐琐疯疗痒监盘众矫碍税穷竞笔筑节范签篮粮纪约纳纯纷扎"
    "丝绑编缓缩绳缠罗羡圣脱肿胶脸举舱舰盖苹苏兰术冲只裂裤袜训托诊谁咨猫宾跌踏躲软较载输农游递迁遗邓钉"
    "针钓铝录钱键钥闪陈随险隐鸡顶项须频颜饮饱驾骑骗骚斗闹鲜麦龄齿冲淹烫迟桩墙档郑荣营葱荐虾触志据衣"
    "传台啰几台脚壶烛骂吓严摇饿虑忆扩称临荧雾顿刮喂狱疗了确缝托铺闸滞发袭挟"
    "并内强极浅周动啸满于将滥纬滞胁侧准尽势劲驶杆干积温冻况练注拨诉适储删协毕携带账张责执飞复专郁"
    "参双滨惨恳庆怜惯虑宪懒应扰拟摄叙担择揽昼晕朴殓壳渔渐洁泽浊浏炼灿争牵牺狭犹玛苏异痹疮发盗睁瞒"
    "瞩码砖祸禅称谷窥窜签纹纽纯纱绍绞络绒絮综纲致缅纬纵骂羁翘耸脉肾肠脑肤脐艰刍庄茎万叶蒋卜姜蜡蛮"
    "众复讯讧讫托讨讶讼诈咏询夸诚诞诱误诵谊谅论谐诺谋谓谜谦讲谣谨谱谴赞竖丰贞贡贩贫贯贮贬贷贸贺贿"
    "贼宾赋赌赚购赞赢赵踊踪跃轨军轩辅辉辈输辖轿轰辞遥辽迟郑丑酿厘针钝钞钮钳铅钩铜铭锐锋铺锯钢锤锦"
    "锡链锻锤链铲铸鉴钻闪闰阁阀板阔闯阵陆隶雏韩颂颁顿颊颈颓额颗颠飘饥饨饲饺饼饿余馒饶驯驻骆腾驱骄"
    "验骤脏松胡鲍鲨鸦鸭鹅鹰麦党"
    "刚创划剂胜劳汇却厌吴唤尝咙涂尘坝梦夹奥妆孙宫宝届峡师庙弥彻戏采拣捣捡毙书拐弃栋杨业枪标柜"
    "橱权决沟浇溅沥兽叠瘫皱困矿秘御灶笼粪绕闻腊萨蓝芦蚀蝇蝎衬览迹回只鸽咸龟泄别乱秋千布制舍须"
    "台么你它缴溃愈铺瓮镰杠席浑绪绣纤蚂蚁谎赛迈扣钠镁锂锌镍颤驳鳞霉鼹劝吨堕屡崭岖巅厢惭扑摆掷"
    "伞婴儿绵锹搅窝凉尔宠垫蜡缝帐既旷槟泞荧犊琼亩睑硖筛帘坛聋胆荫萝蚕酱钙锈韧颅驴鲸鸥麸粘斋"
)
"""Pairs of traditional and simplified characters: people mix them, and Japanese has some of each.
"""
JAPANESE = "険検験発図読売対応気壊関広済帰権営覧労児圧戦単悪歩県経続総薬訳変転軽辺遅鉄録隠霊黒齢"
_IN_CHINESE = "险检验发图读卖对应气坏关广济归权营览劳儿压战单恶步县经续总药译变转轻边迟铁录隐灵黑龄"
_SAME_HAN = (
    str.maketrans(TRADITIONAL, SIMPLIFIED)
    | str.maketrans(JAPANESE, _IN_CHINESE)
    | str.maketrans("丟滷喺著", "丢卤在着")
)
_SAME_BRAHMIC = str.maketrans(
    {
        # Devanagari: signs that sound alike and are often confused.
        "\u0901": None, "\u0902": None, "\u093c": None, "\u0940": "\u093f", "\u0942": "\u0941",
        "श": "स", "ष": "स",
        # Khmer: the two subscripts that look alike. Burmese: the digit that looks like a letter.
        "ដ": "ត", "\u1040": "ဝ", "\u104a": " ", "\u104b": " ", "\u17d4": " ",
        "ー": None, "〜": None, "~": None, "～": None,
        "\u200b": None, "\u200c": None, "\u200d": None, "ʼ": "'", "’": "'",
    }
)  # fmt: skip


_SAME_IN_TAIWAN = frozenset(
    "回面板布卷志台里后只干周胡谷范姜郁朴松采准制别系余御丰丑卜舍须游托征致云它你衣"
)
"""Characters that Taiwan writes too, although the table has them for another one."""
_TO_TRADITIONAL = {
    ord(simple): full
    for full, simple in zip(TRADITIONAL, SIMPLIFIED, strict=True)
    if simple not in _SAME_IN_TAIWAN
}
_AS_IN_TAIWAN = {
    "发胶": "髮膠", "洗发": "洗髮", "头发": "頭髮", "干": "乾", "泡面": "泡麵", "方便面": "泡麵",
    "面包": "麵包", "杂志": "雜誌", "冲浪": "衝浪", "台灯": "檯燈", "手表": "手錶", "剃须": "剃鬚",
    "体重秤": "體重計", "缝纫": "縫紉", "游戏": "遊戲",
}  # fmt: skip


def traditional(text: str) -> str:
    """Return a Chinese name in traditional characters."""
    for simple, full in _AS_IN_TAIWAN.items():
        text = text.replace(simple, full)
    return text.translate(_TO_TRADITIONAL)


def kept_text(text: str, limit: int = KEPT) -> str:
    """Return what a person typed in a form for storage, at most ``limit`` characters."""
    return typed.clean(typed.clean(text)[:limit])


def fold(text: str) -> str:
    """Return text for comparison: width, case, kana, accents on Latin letters and edges gone."""
    folded = unicodedata.normalize("NFKC", kept_text(text)).casefold()
    folded = without_accents(folded.translate(_KATAKANA))
    return re.sub(r"\s+", " ", folded).strip(_EDGES)


def without_accents(text: str) -> str:
    """Return text with the accents of Latin letters gone; other scripts keep their marks."""
    kept: list[str] = []
    latin = False
    for character in unicodedata.normalize("NFD", text):
        if not unicodedata.combining(character):
            latin = character < "\u0250"
        elif latin:
            continue
        kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept)).translate(_PLAIN)


@dataclass(frozen=True)
class Heard:
    """A text in the form for comparison.

    ``words`` are the words of scripts with spaces, ``marked`` the same with Vietnamese marks.
    ``packed`` is the text without spaces, for scripts without spaces.
    """

    words: tuple[str, ...]
    marked: tuple[str, ...]
    packed: str


_WORD = re.compile(r"[a-z0-9а-яёөү\u00c0-\u024f\u1e00-\u1eff\u0300-\u036f]+")


@lru_cache(maxsize=20_000)
def hear(text: str) -> Heard:
    """Return ``text`` in the form for comparison; patterns and messages use the same form."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    plain = "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() and c > "\u007f" and c != "\u1040" else c
        for c in plain
    )
    found = _WORD.findall(plain)
    words = tuple(_squeezed(_latin(word)) for word in found)
    marked = tuple(_tone_last(word) for word in found)
    if _SURELY_VIETNAMESE.search(unicodedata.normalize("NFD", plain)):
        # A writer who uses marks uses all of them: a word without marks is another word.
        marked = tuple(marks or word for marks, word in zip(marked, found, strict=True))
    return Heard(words, marked, _packed(plain))


def _packed(plain: str) -> str:
    folded = unizawgyi(plain).translate(_KATAKANA).translate(_SAME_HAN)
    folded = unicodedata.normalize("NFD", folded)
    folded = without_accents_nfd(folded).translate(_SAME_BRAHMIC)
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN")


def without_accents_nfd(text: str) -> str:
    """Return decomposed text without the marks on Latin letters, still decomposed."""
    kept, latin = [], False
    for character in text:
        if not unicodedata.combining(character):
            latin = character < "\u0250"
        elif latin:
            continue
        kept.append(character)
    return "".join(kept)


_LETTERS = "абвгдеёжзийклмноөпрстуүфхцчшщъыьэюя"
_IN_LATIN = "a b v g d e yo j z i i k l m n o o p r s t u u f h ts ch sh sh _ i _ e yu ya"
_CYRILLIC = dict(zip(_LETTERS, _IN_LATIN.split(), strict=True))


def _latin(word: str) -> str:
    """Return a word in plain Latin letters, Mongolian as people write it on a Latin keyboard."""
    plain = without_accents(word)
    if not plain.isascii():
        plain = "".join(_CYRILLIC.get(c, c) for c in plain).replace("_", "")
    return plain


def _squeezed(word: str) -> str:
    """Return a word with each run of one letter as one: ``helpppp``, ``mesage``.

    Two ``u`` stay: in Vietnamese without accents only they distinguish "save" from "old".
    """
    return word if word.isdecimal() else re.sub(r"([^\W\du])\1+|(u)u{2,}", r"\1\2", word)


def _tone_last(word: str) -> str:
    """Return a word with its tone behind it: people set it on different vowels."""
    parts = unicodedata.normalize("NFD", word)
    if not _VIETNAMESE.search(parts):
        return ""
    tones = "".join(c for c in parts if c in _TONES)
    return "".join(c for c in parts if c not in _TONES) + tones


_ZAWGYI_RULES = tuple(
    (re.compile(old), new)
    for old, new in (
        ("\u103a", "\u0001"), ("\u1039", "\u103a"), ("\u103d", "\u103e"), ("\u103c", "\u103d"),
        ("[\u103b\u107e-\u1084]", "\u103c"), ("[\u0001\u107d]", "\u103b"),
        ("\u1033", "\u102f"), ("\u1034", "\u1030"), ("[\u1094\u1095]", "\u1037"),
        ("\u105a", "\u102b\u103a"), ("\u1064", "\u1004\u103a\u1039"), ("\u106b", "\u100a"),
        ("\u106a", "\u1009"), ("\u108f", "\u1014"), ("\u1090", "\u101b"),
        ("\u1088", "\u103e\u102f"),
        ("\u1087", "\u103e"), ("\u108a", "\u103d\u103e"), ("[\u1089]", "\u103e\u1030"),
        # The vowel and the ra that Zawgyi puts before the consonant go behind it.
        ("\u1031(\u103c?)([\u1000-\u1021])([\u103b-\u103e]*)", "\\2\\1\\3\u1031"),
        ("\u103c([\u1000-\u1021])", "\\1\u103c"),
    )
)  # fmt: skip


def unizawgyi(text: str) -> str:
    """Return Burmese in the old Zawgyi encoding as Unicode; other text unchanged."""
    if not _looks_zawgyi(text):
        return text
    for old, new in _ZAWGYI_RULES:
        text = old.sub(new, text)
    return text


def _looks_zawgyi(text: str) -> bool:
    if not re.search("[\u1000-\u109f]", text):
        return False
    return bool(
        re.search("(?:^|[^\u1000-\u1021\u103b-\u103e\u1039])\u1031", text)
        or re.search("[\u1060-\u1097\u1033\u1034]", text)
        or re.search("\u1039(?![\u1000-\u1021])", text)
        # Unicode stacks no two such letters: Zawgyi's asat before another syllable.
        or re.search("[\u101a\u101b\u101d\u101e\u101f\u1021\u1004]\u1039", text)
    )
