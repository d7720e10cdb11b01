"""How people write of harm and danger, language by language: patterns for ``reports.danger_words``.

The context of a word is what stands before and behind it in its clause. English and its like say
fear and denial before the word ("could be hurt", "nobody was hurt"), Japanese and its like behind
it (けがをしそう, けが人はいません). A fear must stand near its word, with nothing between them that
tells of the past: an unread fear wakes somebody for nothing, an unread cry wakes nobody.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patterns:
    """How one language speaks.

    Parameters
    ----------
    hurt
        Somebody came to harm, unless it is feared or denied. The context is that of a group, if
        the pattern has one: what happened, after the person to whom it did.
    now
        As ``hurt``, also when it is feared: somebody is trapped, unconscious or bleeding.
    danger
        Somebody may come to harm.
    feared_before, feared_after, denied_before, denied_after
        What makes fear or denial of ``hurt``, from the word's beginning or end on.
    """

    hurt: str
    danger: str
    now: str = ""
    feared_before: str = ""
    feared_after: str = ""
    denied_before: str = ""
    denied_after: str = ""


def _spoken(*parts: str) -> str:
    return "|".join(parts)


_PERSON_JA = (
    "(?:人|ひと|方|おじいさん|おばあさん|お年寄り|老人|男性|女性|男の人|女の人|男の子|"
    "女の子|子ども|"
    "子供|こども|赤ちゃん|母|父|妻|夫|息子|娘|友達|作業員)が"
)
_HAPPENS_JA = "(?:人|者)?(?:[をがにもは]|など)?"
_WILL_JA = f"{_HAPPENS_JA}(?:する|なる|出る|でる|起きる|起こる|おきる|おこる|ある|れる|[ぐくぶ])"
_JA = Patterns(
    # Not what only sounds so: いけがき, かけがえ, けがれ, a line that is ひかれていない, じこく.
    hurt=_spoken(
        "負傷|怪我|ケガ|けが(?![きえれ])|転ん|転び(?:まし|ち)|転倒|ころん|ころび(?:まし|ち)|"
        "つまず[いきく]|(?<!自)事故|じこ(?![くしめ])|はねられ|(?<![線ン][がはも])ひかれ|轢かれ|"
        "出血|骨折|はまった|落ちた人|挟ま[れっ]|はさま[れっ]|溺れ|おぼれ|亡くなっ",
        f"{_PERSON_JA}[^。、]{{0,10}}(落ち[たまて]|おち[たまて])",
        "落ちて(?:しまい|動け|出られ|けが)",
    ),
    now=_spoken(
        # An ambulance that cannot pass a narrow road is not on its way to anybody.
        "救急(?!車?[がもはの]{0,2}(?:通|入|とお|はい))|下敷|したじき|生き埋め|閉じ込められ|"
        "とじこめられ",
        "血が出|血が止|血を流|血だらけ|(?<![うみこまいしたとかくふもちき])ちがで[てま]",
        "意識(?:が(?:ない|なく|あり)|不明|を失)",
        f"{_PERSON_JA}[^。、]{{0,10}}(倒れて|たおれて|埋まって|流され)",
    ),
    danger=(
        "ひかれそう|"
        "危険|危な|あぶな|アブナ|きけん|キケン|落ちそう|おちそう|倒れそう|たおれそう|"
        "転びそう|ころびそう|"
        "転ぶ(?:前|かも|の|と|おそれ|恐れ)|崩れ|くずれ|陥没|かんぼつ|穴が大き|大きな(?:穴|あな)|"
        "おおきなあな|感電|電線|でんせん|火花|漏電|ガス|煙|火事|かじ(?:だ|です|に)|燃え|もえて|"
        "通れな|通行できな|冠水|水があふれ|土砂|"
        "倒木|子ども|子供|こども|通学路|車いす|車椅子|ベビーカー"
    ),
    feared_after=_spoken(
        # Not what somebody heard (したそうです, したらしい) or sees (痛そう, しているかも).
        f"{_HAPPENS_JA}(?:し|起き|おき|起こり|なり|出|で|され|れ|ま|り|き|ち|でしまい)?そう",
        f"{_HAPPENS_JA}(?:し|起き|起こし|なり|り|れ)?かね[なま]",
        f"{_WILL_JA}(?:前|まえ|うち|の?かも|だろう|でしょう|のでは|んじゃ|と思|と大|と困|"
        f"と危|とこま|"
        "可能|恐れ|おそれ|危険|心配|ことも|のが?(?:心配|怖|こわ|不安)|か(?:も|心配|不安))",
        "(?:[をがに]?(?:し|起き|起こっ|おき|なっ|あっ|出|で)?)?[ただ]ら(?!し[いく])",
        f"{_HAPPENS_JA}(?:す|な|きれ|出|で|あ|起き|こ|く)?れば",
        f"{_HAPPENS_JA}(?:し|起き|おき|起こら|なら|出|で|され|れ|こ)?(?:ない(?:か(?!ら)|"
        f"よう|うち|と)|"
        "ませんよう|なければ|なけれ)",
        "に?(?:なり[そかま]|な(?:る|らな)|つなが[りるら])",
        "(?:[がをのも]|する|に遭う|や事故|など|等)*(?:防止|対策|予防|恐れ|おそれ|危険|可能|"
        "心配|不安|"
        "もと|元に|原因)",
    ),
    denied_after=(
        "(?:人|者)?(?:は|も|が|を|に|など|では)?(?:まだ)?"
        "(?:(?:した|している|してる|出た|起きた|起こった|あった|なった|された|れた)?(?:人|"
        "ひと|者|こと)?"
        "(?:は|も|が)?(?:まだ|誰も|だれも|一人も)?)?"
        "(?:い(?:ない(?!か)|ません|なかった)|な(?:い(?![かよう])|くて|し(?!て)|かった)|"
        "ありません|"
        "して(?:い)?(?:ない|ません|なかった)|出て(?:い)?(?:ない|ません)|"
        "起きて(?:い)?(?:ない|ません)|れて(?:い)?(?:ない|ません))"
    ),
)
_NEARBY_EN = (
    r"(?:(?!(?:and(?! (?:get|be|seriously|badly))|but|was|were|is|are|has|have|had|because)\b)"
    r"[\w'’]+ ){0,5}$"
)
_SELF_EN = (
    r"\b(?:i|we|he|she|they|child|kid|boy|girl|baby|son|daughter|mother|mom|mum|father|dad|wife|"
    r"husband|friend|somebody|someone|people|person|man|woman|lady|cyclist|worker)"
)
_EN = Patterns(
    hurt=_spoken(
        r"injur(?:ed|y|ies|ing)\b|hurt(?:s|ing)?\b|(?<!by )accidents?\b|crash(?:ed|es)?\b|"
        r"tripp(?:ed|ing)\b|"
        r"trip(?:s)? (?:on|over)\b|ambulance\b|(?:broke|broken|fractured) (?:my|his|her|their)\b|"
        r"fell (?:off|into|down|over)\b|hit by\b|(?:run|ran|runs) over\b|"
        r"(?:was|were|been|be|get|got) killed\b|drown(?:ed|ing)?\b",
        rf"{_SELF_EN[2:]}(?: just| has| have)? (fell|fallen|died)\b",
    ),
    now=_spoken(
        r"trapped\b|pinned (?:under|down)\b|unconscious\b|not breathing\b|passed out\b|"
        r"bleeding\b|"
        r"(?:can['’]?t|cannot|can not|unable to) get out\b|buried alive\b",
        rf"{_SELF_EN[2:]}(?: is| are| am|['’]m|['’]s|['’]re| got| was)? stuck\b",
    ),
    danger=(
        r"danger|unsafe|hazard|about to (?:fall|collapse)|collaps|sinkhole|cave[- ]in|caved|"
        r"huge hole|deep hole|electric|live wire|power line|spark|gas\b|smoke|"
        r"fire\b(?! (?:hydrant|station|extinguisher|engine|department))|flames|blocked|"
        r"cannot pass|"
        r"can['’]?t pass|flood|landslide|fallen tree|child|kids|school|wheelchair|stroller|"
        r"(?:could|might|may|will|going to|can) (?:easily )?(?:fall|trip|slip|drown)\b"
    ),
    feared_before=_spoken(
        rf"\b(?:(?:will|would|could|can)(?!['’]?t|not| you| some| any| we)|(?<!in )may|"
        rf"might|going to|gonna|about to|bound to|"
        rf"likely to|before|until|till|unless|in case|if|prevent|avoid|risk|risks|"
        rf"potential|possible)(?: of)? {_NEARBY_EN}",
        rf"['’]ll {_NEARBY_EN}",
        r"\b(?:before|until|till|unless|in case|if) (?:any|some)\w*(?: else)? (?:is|gets|"
        r"are|was) (?:\w+ ){0,2}$",
        r"\b(?:worr\w+|scared|afraid|fear\w*|concern\w*)(?: of| about| for)? (?:an? |more )?$",
        r"\bcauses? (?:an? |more )?$",
        r"\b(?:almost|nearly|narrowly) (?:\w+ ){0,4}$",
        r"\b(?:hope|hopefully|pray|so|make sure)(?: that)? (?:nobody|no[- ]?one) (?:\w+ ){0,3}$",
    ),
    feared_after=(
        r" (?:is |are )?(?:just )?(?:waiting to happen|(?:will|could|can|may|might|going to|"
        r"about to|"
        r"bound to) (?:happen|occur)|risk|hazard|prevention|prone)\b"
    ),
    denied_before=_spoken(
        r"\b(?:nobody|no[- ]?one|none)(?: (?:is|was|were|are|got|gets|has|have|had|been|yet|"
        r"seems?|"
        r"to|be|else|of us|here|there|so|far|seriously|badly|or|injured|hurt))* $",
        r"\bno (?:(?:serious|major|visible|reported|people|person|more|other|one|"
        r"injuries or) )*$",
        r"(?:\bnot|\bnever|n['’]?t|\bwithout)(?: (?:been|had|have|be|any|an?|seriously|"
        r"badly|really|"
        r"get|got|see|seen|anyone|anybody|yet|there|getting))* $",
    ),
)
_PERSON_ZH = (
    "(?:人|孩子|小孩|孩|老人|老太太|他|她|我|妈妈|爸爸|媽媽|爸爸|奶奶|爷爷|爺爺|行人|学生|學生)"
)
_ZH = Patterns(
    hurt=_spoken(
        "受(?:了)?(?:重|轻|輕)?(?:伤|傷)|摔(?:倒|伤|傷|断|斷|了)|跌(?:倒|伤|傷|断|斷|了)|"
        "车祸|車禍|"
        "救护车|救護車|绊倒|絆倒|流血|負傷|転倒|出血|事故|骨折|救急",
        f"{_PERSON_ZH}[^。]{{0,10}}((?:被|让|讓)[^。]{{0,3}}撞)|"
        f"{_PERSON_ZH}[^。]{{0,4}}((?:掉|跌|摔|落)(?:进|進|到|入|下))|死了人|撞(?:死|伤|傷)",
    ),
    now=_spoken(
        "被困|困在里|困在裡|昏倒|昏迷|晕倒|暈倒|失去意识|失去意識|不省人事",
        f"{_PERSON_ZH}[^。]{{0,6}}被[^。]{{0,3}}(?:压|壓|砸|夹|夾|埋)",
        f"{_PERSON_ZH}[^。]{{0,10}}(?:出不来|出不來|爬不出|上不来|上不來)",
    ),
    danger=(
        "危险|危險|快要?倒|快要?掉|倒塌|塌|大坑|深坑|触电|"
        "觸電|电线|電線|火花|漏电|漏電|煤气|瓦斯|天然气味|"
        "燃气|冒烟|冒煙|着火|著火|火灾|火災|过不去|過不去|堵住|积水|積水|淹|山体滑坡|土石|倒树|"
        "孩子|小孩|儿童|兒童|学校|學校|轮椅|輪椅"
    ),
    feared_before=(
        "(?:(?<![社开開议議町])[会會](?![儿兒议議])|可能|也许|也許|容易|(?<!恐)怕|担心|擔心|以免|"
        "免得|避免|防止|预防|預防|万一|萬一|差点|差點|险些|險些|小心|迟早|遲早|要是|如果)"
        "[^已了]{0,8}$"
    ),
    feared_after=(
        "(?:的)?(?:风险|風險|危险|危險|隐患|隱患|可能)|(?:之|以)?前(?!面)|怎么办|怎麼辦|"
        "就(?:糟|晚|麻)"
    ),
    denied_before=(
        "(?:没有|沒有|没|沒|无|無|未)(?:人员|人員|任何|有人|人|发生|發生|出现|出現|造成|"
        "什么|什麼|"
        "交通|因此|再)*$"
    ),
)
_PERSON_KO = (
    "(?:사람|할머니|할아버지|아이|어린이|남자|여자|분|노인|어머니|아버지|학생|아기|아들|딸)"
)
_KO = Patterns(
    hurt=_spoken(
        "다쳤|다친|다쳐|다치셨|부상|사고|출혈|구급차|골절|걸려 넘어|사람이 넘어",
        "(?<!나무가 )(?<!간판이 )(?<!전봇대가 )(?<!울타리가 )넘어(?:져서|졌|지셨)",
        "(?:팔|다리|뼈|손목|발목|손가락|갈비뼈)[이가을를]? ?부러|차에 치(?:였|여|인)",
        f"{_PERSON_KO}[^.]{{0,10}}(빠졌|빠져|떨어졌|떨어져|치였|치여)",
    ),
    now=_spoken(
        "갇혔|갇혀|(?<!커)피가 (?:나|흐|많이)|피를 흘|의식을 잃|의식이 없|숨을 안 쉬",
        f"{_PERSON_KO}[^.]{{0,8}}(?:깔려|깔렸|쓰러져|쓰러졌|끼여|끼었|끼어)",
    ),
    danger=(
        "위험|무너|쓰러질|떨어질|함몰|싱크홀|큰 구멍|깊은 구멍|감전|전선|불꽃|누전|가스|연기|"
        "화재|불이 났|막혔|지나갈 수 없|침수|물이 넘|산사태|"
        "쓰러진 나무|아이|어린이|학교|휠체어|유모차|"
        "다칠|다치기|다치면|다치겠|넘어질|넘어지기|넘어지면|"
        "(?:도로|길|땅|바닥|지반)[이가]? ?(?:푹 )?(?:꺼졌|꺼지|꺼진|내려앉)"
    ),
    feared_before="(?:하마터면|혹시라도)[^.]{0,8}$",
    feared_after=(
        "[가를은는]? ?(?:날|나기|나면|생길|생기기|일어날|일어나기|위험|우려|가능|예방|방지|될|"
        "을 입을|당할)|로 이어질"
    ),
    denied_after=(
        "(?:자)?(?: ?(?:사람|분|이|곳|적|일))?(?:은|는|이|가|도)? ?(?:전혀 |아직 |아무도 |"
        "한 명도 )?"
        "(?:없(?!어졌)|나지 않|아니)"
    ),
)
_PERSON_VI = r"(?:người|mẹ|bố|bà|ông|cụ|bé|trẻ|tôi|anh|chị|em)"
_NEARBY_VI = r"\b(?:(?!(?:đã|vừa|rồi|nhưng|và|nên)\b)\w+ ){0,6}$"
_VI = Patterns(
    hurt=_spoken(
        r"bị thương|tai nạn|té (?:ngã|xe)|ngã xe|vấp|cấp cứu|gãy (?:chân|tay|xương)",
        rf"{_PERSON_VI}\b[^.]{{0,20}}\b(ngã)\b(?! (?:tư|ba|rẽ|năm))",
        rf"{_PERSON_VI}\b[^.]{{0,10}}\b(bị (?:xe|ô tô)[^.]{{0,8}} (?:tông|đâm|cán|đụng))",
        rf"{_PERSON_VI}\b[^.]{{0,12}}\b((?:rơi|té|lọt) (?:xuống|vào))",
    ),
    now=r"mắc kẹt|bị kẹt(?! xe)|kẹt (?:dưới|trong)|bất tỉnh|ngất|chảy máu|chết đuối",
    danger=(
        r"nguy hiểm|sắp (?:đổ|rơi|sập)|sập|sụt|hố lớn|hố to|"
        r"hố sâu|điện giật|dây điện|tia lửa|rò điện|"
        r"khí ga|mùi gas?\b|khói|đang cháy|bốc cháy|cháy nổ|hỏa hoạn|không qua được|"
        r"tắc đường|ngập|sạt lở|cây đổ|trẻ em|"
        r"trường học|xe lăn|xe nôi"
    ),
    feared_before=(
        rf"\b(?:sẽ|có thể(?! (?:đến|cử|giúp))|sợ(?! quá)|lo|e rằng|e là|dễ|trước khi|"
        rf"nguy cơ|kẻo|tránh|suýt|nếu|lỡ|coi chừng|"
        rf"khả năng|phòng ngừa) {_NEARBY_VI}"
    ),
    denied_before=(
        r"\b(?:không|chưa|chẳng|ko)(?: (?:có|ai|người|nào|một|hề|xảy ra|bị|vụ|gây ra|thấy))* $"
    ),
)
_NEARBY_PT = (
    r"(?:(?!(?:e|mas|já|foi|ficou|ficaram|está|estão|porque|quando)\b)[\w-]+ ){0,5}(?:se )?$"
)
_PERSON_PT = (
    r"(?:eu|mãe|pai|pessoas?|alguém|criança|filh[oa]|senhora?|idos[oa]|homem|mulher|ele|ela|"
    r"ciclista|"
    r"menin[oa]|avó|amig[oa])"
)
_PT = Patterns(
    hurt=_spoken(
        r"ferid[oa]s?\b|ferimento|ferir\b|machuc(?!a\b)|acident|tropec|atropel(?!l)|fratur",
    ),
    now=_spoken(
        r"desmai|inconscient|não consegu(?:e|em|o) sair|soterrad|não respira|afogad",
        rf"{_PERSON_PT}\b[^.]{{0,15}}\bpres[oa]s?\b",
        r"quebr(?:ei|ou) (?:o|a|os|minha|meu|uma?) (?:braço|perna|pé|mão|dedo|tornozelo|"
        r"punho|joelho)",
        r"(?<!quase )(?<!quase se )(?<!quase me )(?:feriu|machucou|machuquei|tropec(?:ei|ou)|"
        r"atropelou)\b",
        rf"{_PERSON_PT}\b[^.]{{0,15}}(?<!quase )\b(caí|caiu|caíram)\b",
    ),
    danger=(
        r"perig|vai cair|prestes a|desab|desmoron|afund|cedeu|buraco (?:grande|enorme|"
        r"fundo)|choque|"
        r"fio elétrico|fios? caíd|faísca|gás|fumaça|fogo|incêndio|bloquead|não dá para passar|"
        r"alag|inund|deslizamento|árvore caída|criança|escola|cadeira de rodas|carrinho de bebê|"
        r"machuqu|tropec(?:e|em)\b|pode(?:m)? cair"
    ),
    feared_before=(
        r"\b(?:vai|vão|irá|irão|pode(?! (?:vir|mandar|ajudar|enviar))|podem|poderia|"
        r"poderiam|possa|antes|medo|receio|risco|perigo|"
        r"evitar?|evitem|prevenir|quase|caso|para não|talvez|chance|possibilidade|causar|"
        r"provocar|"
        rf"acontecer|aconteça|ocorra|houver|cuidado)(?: d[eoa])? {_NEARBY_PT}"
    ),
    feared_after=r" (?:pode(?:m|ria)?|vai|vão) (?:acontecer|ocorrer)",
    denied_before=(
        r"\b(?:ninguém|nenhuma?|sem|não|nunca|nem)(?: (?:houve|há|tem|teve|se|foi|ficou|"
        r"está|estão|"
        r"uma?|nenhuma?|gravemente|aconteceu|pessoas?|ainda|vi))* $"
    ),
)
_NEARBY_ES = (
    r"(?:(?!(?:y|pero|ya|está|están|fue|fueron|resultó|hay|porque|"
    r"cuando)\b)[\w-]+ ){0,5}(?:se )?$"
)
_PERSON_ES = (
    r"(?:abuel[oa]|madre|padre|mamá|papá|niñ[oa]|personas?|alguien|señora?|mujer|hombre|hij[oa]|"
    r"ella|ciclista|gente|espos[oa]|anciano)"
)
_ES = Patterns(
    hurt=_spoken(
        r"herid[oa]s?\b|heri(?:r|rse|ó)\b|lesion|lastim(?:o|e|ad|ar|ó|é|aron)|accidente|"
        r"accidentad|"
        r"tropez|tropecé\b|ambulancia|atropell|fractur",
    ),
    now=_spoken(
        r"atrapad|inconscient|desmay|sangr(?:a|e)|no pued(?:e|en|o) salir|sepultad|no respira|"
        r"ahogad",
        r"(?<!casi )(?:me (?:caí|rompí|quebré|lastimé|tropecé)|se (?:lastimó|hirió|tropezó))\b",
        rf"{_PERSON_ES}\b[^.]{{0,15}}(?<!casi )(?<!casi se )\b(cayó|cayeron)\b",
        r"(?:rompió|quebró) (?:el|la|un|una|su) (?:brazo|pierna|pie|mano|tobillo|cadera|"
        r"rodilla|dedo)",
    ),
    danger=(
        r"peligr|a punto de|derrumb|hundi|hoyo (?:grande|"
        r"enorme|profundo)|socavón|electrocut|cable|(?:huele|olor) a gas|fuga de gas|"
        r"chispa|humo|fuego|incendio|bloquead|no se puede pasar|inund|deslizamiento|"
        r"deslave|árbol caído|niñ[oa]|escuela|silla de ruedas|carriola|cochecito|pued(?:e|"
        r"en) caer"
    ),
    feared_before=(
        r"\b(?:va|van|puede(?! (?:venir|mandar|ayudar|enviar))|pueden|pueda|podría|podrían|"
        r"antes|miedo|temo|riesgo|peligro|evitar?|eviten|"
        r"prevenir|casi|si alguien|para que no|quizás?|tal vez|causar|provocar|ocasionar|"
        r"ocurra|haya|"
        rf"suceda|posible|cuidado)(?: a| del?)? {_NEARBY_ES}"
    ),
    feared_after=r" (?:pued[ea]n?|va|van a) (?:ocurrir|pasar|suceder)",
    denied_before=(
        r"\b(?:nadie|ning[uú]n[oa]?|sin|no|nunca|ni|tampoco)(?: (?:hubo|hay|ha|han|habido|"
        r"se|fue|está|"
        r"están|resultó|salió|una?|ning[uú]na?|gravemente|ocurrió|personas?|he|visto|es))* $"
    ),
)
_PERSON_ID = (
    r"(?:orang|saya|anak|ibu|bapak|nenek|kakek|dia|adik|istri|suami|pengendara|warga|"
    r"pejalan kaki|"
    r"laki-laki|perempuan)"
)
_ID = Patterns(
    hurt=_spoken(
        r"terluka|luka-luka|cedera|kecelakaan|terjatuh|tersandung|ambulans|"
        r"patah (?:tulang|tangan|kaki|lengan)|(?:tangan|kaki|lengan)\b[^.]{0,8}\bpatah",
        rf"{_PERSON_ID}\b[^.]{{0,12}}\b(jatuh\b|tertabrak|ditabrak|terlindas|tertimpa)",
    ),
    now=_spoken(
        r"terjebak(?! macet)|terjepit|pingsan|(?:tak|tidak) sadar|tidak bisa keluar|berdarah",
        rf"{_PERSON_ID}\b[^.]{{0,12}}\bterperosok|{_PERSON_ID}\b[^.]{{0,12}}\btenggelam",
    ),
    danger=(
        r"bahaya|berbahaya|hampir (?:jatuh|roboh)|mau roboh|"
        r"roboh|runtuh|amblas|ambles|lubang (?:besar|dalam)|bau gas\b|"
        r"tersetrum|kabel listrik|percikan|asap\b|api\b|kebakaran|tidak bisa lewat|banjir|"
        r"longsor|pohon tumbang|anak|sekolah|kursi roda|kereta bayi"
    ),
    feared_before=(
        r"\b(?:nanti|(?<!tidak )(?<!tak )bisa(?! (?:tolong|kirim|datang|bantu))|dapat|takut|"
        r"khawatir|sebelum|jangan sampai|kalau|jika|"
        r"hampir|nyaris|rawan|akan|mungkin|potensi|berpotensi|risiko|berisiko|mencegah|"
        r"menghindari|"
        r"supaya tidak|agar tidak) (?:(?!(?:dan|tapi|tetapi|sudah|telah|tadi|"
        r"karena)\b)\w+ ){0,5}$"
    ),
    denied_before=(
        r"\b(?:tidak|tak|belum|bukan|tanpa|nggak|gak)(?: (?:ada|yang|orang|korban|pernah|terjadi|"
        r"satu|pun|sampai|mengalami))* $"
    ),
)
_PERSON_TL = r"(?:bata|lalaki|babae|tao|anak|matanda|nanay|tatay|lolo|lola|ale|mama)"
_TL = Patterns(
    hurt=r"aksidente|disgrasya|ambulansya",
    now=_spoken(
        r"nasugat|nasaktan|nasasaktan|naaksidente|nadisgrasya|nadapa|nadulas|natalisod|"
        r"natapilok|dumudugo|"
        r"duguan|naipit|nakulong|nakakulong|walang malay|nawalan ng malay|hinimatay|"
        r"hindi makalabas|"
        r"nalunod|nalulunod|nabalian|nabali[^.]{0,6} (?:braso|paa|buto|kamay|binti)",
        rf"(?:nahulog|nalaglag) (?:ako|siya|(?:ang|na|si) {_PERSON_TL})",
        rf"(?:may|ako|siya|{_PERSON_TL}ng?)(?: ang| ay)? na(?:bangga|sagasaan)\b|"
        rf"na(?:bangga|sagasaan) (?:ng|ako|siya|ang {_PERSON_TL})",
    ),
    danger=(
        r"delikado|mapanganib|peligro|babagsak|malapit nang|gumuho|guho|malaking butas|malalim|"
        r"kuryente|kable|amoy gas|usok|sunog|apoy|hindi madaanan|nakaharang|baha\b|"
        r"natumbang puno|mga bata|may bata|eskwela|paaralan|wheelchair|"
        r"masaktan|masasaktan|masugatan|masusugatan|maaksidente|madisgrasya|madapa|madulas|"
        r"matalisod|"
        r"maipit|masagasaan|mabangga|mahulog"
    ),
    feared_before=(
        r"\b(?:baka|magkaroon|magka|magkaka|maging|bago|takot|natatakot|maiwasan|iwasan|pwede|"
        r"pwedeng|puwede|puwedeng|posible|muntik|kung|sanhi)"
        r"(?:-| (?:(?!(?:at|pero|kasi|dahil)\b)\w+ ){0,4})$"
    ),
    denied_before=(
        r"\b(?:wala(?:ng)?|hindi)(?: (?:pa|pang|naman|namang|ibang|tao|taong|rin|po|pong|"
        r"siyang|akong|"
        r"nangyaring))* $"
    ),
)
_PERSON_TH = "(?:คน|แม่|พ่อ|ยาย|เด็ก|ลูก|ฉัน|ผม|เขา|ชาย|หญิง)"
_TH = Patterns(
    hurt=_spoken(
        "บาดเจ็บ|เจ็บตัว|อุบัติเหตุ|หกล้ม|ลื่นล้ม|รถล้ม|สะดุด|ตกลงไป|รถพยาบาล|กระดูกหัก|(?:แขน|ขา|ข้อมือ|ข้อเท้า)หัก",
        f"{_PERSON_TH}[^ ]{{0,15}}(ล้ม)|{_PERSON_TH}[^ ]{{0,8}}((?:ถูก|โดน)รถ)",
    ),
    now=_spoken(
        "เลือด|หมดสติ|สลบ|ไม่รู้สึกตัว|คนจมน้ำ|เด็กจมน้ำ|ออกมาไม่ได้|ติดอยู่(?:ใต้|ข้างใน)",
        f"{_PERSON_TH}[^ ]{{0,8}}ติด(?:อยู่)?(?:ใต้|ในรถ|ในบ้าน|ในหลุม|ข้างใน)",
    ),
    danger=(
        "อันตราย|กำลังจะ(?:ล้ม|พัง|ตก)|จะพัง|ถล่ม|พังลง|ทรุด|หลุมใหญ่|หลุมลึก|ไฟดูด|ไฟฟ้า|สายไฟ|"
        "ประกายไฟ|แก๊ส|ก๊าซ|ควัน|ไฟไหม้|ผ่านไม่ได้|กีดขวาง|"
        "น้ำท่วม|ดินถล่ม|ต้นไม้ล้ม|เด็ก|โรงเรียน|"
        "รถเข็น"
    ),
    feared_before=(
        "(?:(?<!น่า)จะ|อาจ|กลัว(?!มาก)|ก่อน(?:ที่|มี|เกิด)|เสี่ยง|เกรง|ระวัง|ป้องกัน|หลีกเลี่ยง|เกือบ|ถ้า|"
        "หาก|เดี๋ยว)[^ ]{0,14}$"
    ),
    denied_before="(?:ไม่|ไร้)(?:มี|ใคร|คน|ผู้|เกิด|เคย|ได้|รับ|ราย|ไหน|การ|ใด)*$",
)
_PERSON_NE = "(?:मान्छे|मानिस|बच्चा|आमा|बुबा|बुढा|बालक|छोरा|छोरी)"
_NE = Patterns(
    hurt=_spoken(
        "घाइते|चोट|दुर्घटना|लडेर|लडेँ|लडें|लड्यो|मान्छे लड|एम्बुलेन्स|हड्डी भाँचि|(?:हात|खुट्टा)[^।]{0,6}भाँचि",
        f"ठक्कर (?:दियो|खा|लाग)|{_PERSON_NE}[^।]{{0,15}}(खस(?:्यो|े))",
    ),
    now=_spoken(
        "बेहोस|रगत|निस्कन सके|थिचिएको|थिचिए",
        f"{_PERSON_NE}[^।]{{0,12}}(?:फसे|पुरि|डुबे)",
    ),
    danger=(
        "खतरा|खतरनाक|जोखिम|खस्न लाग|ढल्न लाग|भत्कि|भासि|"
        "ठूलो खाल्डो|गहिरो|करेन्ट|बिजुली|तार|झिल्का|"
        "ग्यास|धुवाँ|आगो|आगलागी|जान सकिँदैन|बन्द छ|बाढी|"
        "पहिरो|रूख ढल|बच्चा|बालबालिका|विद्यालय|स्कुल|"
        "ह्विलचेयर|लड्न सक|लड्ला|लडिन|खस्न सक"
    ),
    feared_before="झन्डै[^।]{0,15}$",
    feared_after=(
        " ?(?:लाग्न|हुन|पर्न|बन्न|लाग्नु|हुनु) ?(?:सक|अघि|भन्दा|अगाडि|नदि|बाट)| ?(?:लाग्ने|हुने|पर्ने)(?![लह])|"
        "को (?:डर|खतरा|जोखिम|सम्भावना)| ?(?:होला|लाग्ला|नहोस्|नलागोस्)"
    ),
    denied_after=(
        "(?: ?(?:भएको|भएका|लागेको|लागेका|मान्छे|मानिस|कोही|पनि|परेको|कसैलाई))*"
        " ?(?:छैन|भएन|लागेन|होइन|भएका छैन)"
    ),
)
_PERSON_KM = "(?:មនុស្ស|ក្មេង|ខ្ញុំ|អ្នក|ម្តាយ|ឪពុក|យាយ|បុរស|ស្ត្រី|កុមារ)"
_KM = Patterns(
    hurt=_spoken(
        "រងរបួស|របួស|គ្រោះថ្នាក់ចរាចរ|ដួលម៉ូតូ|ជំពប់|រថយន្តសង្គ្រោះ|បាក់(?:ឆ្អឹង|ដៃ|ជើង)",
        f"{_PERSON_KM}[^។]{{0,8}}(ដួល)|{_PERSON_KM}[^។]{{0,8}}(ត្រូវ(?:ឡាន|ម៉ូតូ|រថយន្ត)[^។]{{0,3}}បុក)",
        f"{_PERSON_KM}[^។]{{0,8}}(ធ្លាក់(?:ប្រឡាយ|ក្នុង|ចូល|ទឹក|រណ្តៅ))",
    ),
    now=_spoken(
        "សន្លប់|ឈាម|ចេញមិនរួច|លង់ទឹក",
        f"{_PERSON_KM}[^។]{{0,10}}ជាប់(?:នៅ)?(?:ក្រោម|ក្នុង)",
    ),
    danger=(
        "គ្រោះថ្នាក់(?!ចរាចរ)|ជិត(?:រលំ|ដួល|ធ្លាក់)|រលំ|បាក់|ស្រុត|"
        "រន្ធធំ|រន្ធជ្រៅ|ឆក់|ខ្សែភ្លើង|ផ្កាភ្លើង|ហ្គាស|"
        "ផ្សែង|ភ្លើងឆេះ|អគ្គិភ័យ|ឆ្លងកាត់មិនបាន|លិចទឹក|"
        "ទឹកជំនន់|បាក់ដី|ដើមឈើរលំ|កុមារ|ក្មេង|សាលារៀន|"
        "រទេះរុញ"
    ),
    feared_before=(
        "(?:ខ្លាច(?!ណាស់)|(?<!មិន)អាច|(?<!ហ្)នឹង|មុនពេល|មុននឹង|ប្រយ័ត្ន|បារម្ភ|ក្រែង|ជៀសវាង|ការពារ|"
        "ងាយ)[^។]{0,15}$"
    ),
    denied_before=("(?:គ្មាន|មិន|អត់)(?:មាន|អ្នក|នរណា|ណា|ជន|មនុស្ស|ទាន់|បាន|ការ|រង|គេ| )*$"),
)
_MY = Patterns(
    hurt=_spoken(
        "ဒဏ်ရာ|မတော်တဆ|ချော်လဲ|လူလဲကျ|လူနာတင်ကား|အရိုးကျိုး|(?:လက်(?!ရန်း)|ခြေ)[^။]{0,4}ကျိုး|ယာဉ်တိုက်မှု|ကားတိုက်",
        "(?:ကလေး|လူ|အဘွား|အဘိုး|အမေ|အဖေ)[^။]{0,18}(ပြုတ်ကျ)",
    ),
    now="ပိတ်မိ|ပိမိ|ညပ်နေ|သွေးထွက်|သတိလစ်|သတိမေ့|ရေနစ်",
    danger=(
        "အန္တရာယ်|ပြိုကျ|ပြိုတော့|လဲတော့|ကျွံ|ချိုင့်ကြီး|"
        "နက်|ဓာတ်လိုက်|ဓာတ်ကြိုး|မီးကြိုး|မီးပွား|ဂက်စ်|"
        "ဓာတ်ငွေ့|မီးခိုး|မီးလောင်|သွား၍မရ|သွားလို့မရ|ပိတ်နေ|"
        "ရေကြီး|ရေလျှံ|မြေပြို|သစ်ပင်လဲ|ကလေး|ကျောင်း|"
        "ဘီးတပ်ကုလားထိုင်"
    ),
    feared_after="(?:ရ|ဖြစ်|ကျ|ခံရ|မှု| |သွား)*(?:နိုင်|မှာ|မည်|လိမ့်|တော့မ|မ(?:ရ|ဖြစ်|လဲ|ကျ)ခင်|ခင်)",
    denied_after=(
        "(?:ရသူ|ရတဲ့သူ|ရရှိ|ရ|သူ|မှု|လူ| |တာ|တွေ|ဘယ်သူမှ|တစ်ယောက်မှ|က|လည်း)*(?:မရှိ|မရ(?!ခင်)|မဖြစ်(?!ခင်)|မဟုတ်)"
    ),
)
_PERSON_MN = r"(?:хүн|хүүхэд|би|ээж|аав|эмээ|өвөө|эмэгтэй|эрэгтэй|охин|хүү)"
_MN = Patterns(
    hurt=_spoken(
        r"бэртэл|бэртээд|гэмтсэн хүн|осол(?!той)|ослын|бүдэр|түргэн тусламж|яс\w* хугар|"
        r"дайруул|мөргүүл|(?:гар|хөл)\w* (?:\w+ )?хугал|(?:өвдөг|өвдг|гар|хөл|толгой|"
        r"нуруу)\w* гэмтээ",
        rf"{_PERSON_MN}\b[^.]{{0,15}}\b(уна(?:сан|ж|лаа|ад))",
    ),
    now=_spoken(
        r"бэртсэн|(?:дайруул|мөргүүл)сэн|дайруулсан|ухаан(?:гүй| ?алд)|цус|гарч чадахгүй|"
        r"хавчуулагд|живж|живсэн",
        rf"{_PERSON_MN}\b[^.]{{0,10}}\bдарагд",
    ),
    danger=(
        r"аюул|унах гэж|нурах|нурсан|цөмөр|том нүх|гүн нүх|цахилгааны утас|"
        r"утас тасар|оч үсэр|гал |хийн үнэр|хий алд|утаа|"
        r"түймэр|явах боломжгүй|хаагдсан|үер|усанд автсан|хөрс гул|мод унасан|хүүхэд|сургууль|"
        r"тэргэнцэр|осолтой|бэртэх|бэртэж магадгүй|унаж магадгүй"
    ),
    feared_before=r"\b(?:арай|бараг)(?: л)? (?:\w+ ){0,4}$",
    feared_after=(
        r"\w*(?: (?:гарах|болох|гарч|учрах|унаж|болж|гаргаж|гарахаас))? ?(?:вий|болзошгүй|"
        r"магадгүй|"
        r"аюул|эрсдэл|өмнө|сэргийл)|\w* (?:гарах|болох|учрах)"
    ),
    denied_after=(
        r"\w*(?: (?:хүн|юм|зүйл|осол|нь|одоогоор))* (?:байхгүй|байгаагүй|алга|үгүй|гараагүй|"
        r"болоогүй|биш)"
    ),
)

PATTERNS = {
    "ja": _JA,
    "en": _EN,
    "zh": _ZH,
    "ko": _KO,
    "vi": _VI,
    "pt": _PT,
    "es": _ES,
    "id": _ID,
    "tl": _TL,
    "th": _TH,
    "ne": _NE,
    "km": _KM,
    "my": _MY,
    "mn": _MN,
}
"""By the language's name before its first hyphen; the parts of a pattern are whole ideas."""
SHARED = frozenset({"事故", "骨折", "救急", "出血", "負傷", "転倒"})
"""Words of both: read as Japanese where kana stand beside them, else as Chinese."""
SPACED = frozenset({"en", "vi", "pt", "es", "id", "tl", "mn"})
"""A word of these counts from its beginning: "gas" is not in "vegas"."""
UNACCENTED = frozenset({"pt", "es"})
"""Read without accents, as many type."""
