"""I am safe; I need: a household's answer in a disaster, in a few taps.

Each tap is kept at once, so that an answer counts even if the phone dies after the first one. A
button carries the answer that it belongs to; an older answer's button shows the last one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

from bot import messages
from bot.dialogues.kinds import (
    SAFETY,
    DialogueOutcome,
    DialogueState,
    Incoming,
    Known,
    Photographed,
    Pressed,
    Said,
    TellCity,
)
from bot.dialogues.report import refusal as photo_refusal
from bot.dialogues.words import listed
from bot.messages import Message
from bot.understanding import UNKNOWN
from city.city import name_in
from feeds.evacuation import safe_sites
from feeds.texts import drill_mark, moment
from response.household_names import CONDITIONS, NEEDS, WHEREABOUTS
from response.households import MOST_PHOTOS, MOST_WORDS, AnswerPhoto, Household, Told
from response.models import Condition, Need, Whereabouts
from response.shelters import choose

NEEDS_STEP = "needs"
MOST_COUNTED = 6
"""The last button of the numbers means so many or more."""
MOST_SITES = 6
OPEN_FOR = timedelta(hours=12)
"""How long words that are typed belong to an answer in progress."""
SHARE = "https://line.me/R/share?text="
"""LINE's address that opens the share screen with a text.

Source: https://developers.line.biz/en/docs/line-login/using-line-url-scheme/
"""


def begin(condition: Condition, state: DialogueState, known: Known) -> DialogueOutcome:
    """Keep how somebody is, and ask how many they are."""
    told = Told(known.event_id, condition)
    area = known.preferences.areas[0] if known.preferences.areas else None
    asked = how_many(known, known.event_id, drill=known.in_drill)
    effect = TellCity(told, drill=known.in_drill, area=area)
    # Who needs help may write or send a photo at once.
    following = _outside(state)
    if condition in (Condition.CANNOT_MOVE, Condition.IN_NEED):
        following = following.over(SAFETY, NEEDS_STEP, origin=known.event_id)
    return DialogueOutcome(following, (asked,), (effect,), matters=True)


def offer(known: Known) -> Message:
    """Let somebody in danger tell the city too; the numbers to call come before."""
    words = known.say(
        "You can also tell the city. Staff see it when they can; if you are in danger, call."
    )
    offered = (Condition.CANNOT_MOVE, Condition.IN_NEED, Condition.SAFE)
    tiles = [
        messages.tile(messages.press(known.say(CONDITIONS[one]), "safe", how=one.value))
        for one in offered
    ]
    return _card(known, known.say("Tell the city"), messages.columns(tiles, 1), words)


def step(state: DialogueState, event: Incoming, known: Known) -> DialogueOutcome | None:
    """Answer what belongs to an answer in progress; None if the event means something else."""
    match event:
        case Pressed("safe", values):
            how = values.get("how", Condition.SAFE.value)
            if known.asks_safety and how in set(Condition):
                return begin(Condition(how), state, known)
        case Pressed(do, values) if do.startswith("safe-"):
            last = known.household
            if last is None:
                return None
            if last.drill and known.asks_safety and not known.in_drill:
                # The card is the drill's, and it is real now.
                return DialogueOutcome(_outside(state), (offer(known),), matters=True)
            if values.get("o") != last.origin:
                return DialogueOutcome(_outside(state), (summary(last, known),))
            return _pressed(do, values, state, last, known)
        case Photographed() if known.household is not None and _goes_on(state, known):
            return _photo(state, event, known.household, known)
        case Said(text) if _goes_on(state, known) and known.household is not None:
            if text and known.meaning(text).intent == UNKNOWN:
                return _in_words(state, event, known.household, known)
    return None


def _goes_on(state: DialogueState, known: Known) -> bool:
    """Whether an answer is in progress: of this disaster or drill, and not of days ago."""
    last = known.household
    return (
        state.name == SAFETY
        and last is not None
        and last.origin == state.data.get("origin")
        and last.drill == known.in_drill
        and known.now - last.told_at < OPEN_FOR
    )


def words_in_danger(state: DialogueState, event: Said, known: Known) -> tuple[TellCity, ...]:
    """Keep a cry for help that came while we asked what somebody needs."""
    if not event.text or not _goes_on(state, known):
        return ()
    return (_tells(str(state.data["origin"]), words=event.text, words_message=event.message_id),)


def _pressed(
    do: str, values: Mapping[str, str], state: DialogueState, last: Household, known: Known
) -> DialogueOutcome | None:
    match do, values:
        case "safe-people", {"n": number} if number in _NUMBERS:
            asked = _where(known, last)
            return _kept(_going_on(state, last), asked, _tells(last.origin, people=int(number)))
        case "safe-where", {"at": place} if place in set(Whereabouts):
            effect = _tells(last.origin, whereabouts=Whereabouts(place))
            site = _which_site(known, last) if place == Whereabouts.SHELTER else None
            if site is not None:
                return _kept(_going_on(state, last), site, effect)
            return _kept(_asking(state, last), _what_needed(known, last), effect)
        case "safe-site", {"site": code}:
            known_site = any(site.code == code for site in known.shelters)
            effects = (_tells(last.origin, shelter=code),) if known_site else ()
            return _kept(_asking(state, last), _what_needed(known, last), *effects)
        case "safe-need", {"what": what, "on": on} if what in set(Need):
            need = Need(what)
            effect = _tells(last.origin, need=(need, on == "1"))
            needs = last.needs - {need} | ({need} if on == "1" else frozenset())
            shown = _what_needed(known, replace(last, needs=frozenset(needs)))
            return _kept(_asking(state, last), shown, effect)
        case "safe-change", _:
            asked = how_many(known, last.origin, drill=last.drill)
            return DialogueOutcome(_outside(state), (asked,))
        case "safe-done", _:
            return DialogueOutcome(_outside(state), (summary(last, known),), matters=True)
    return None


_NUMBERS = frozenset(str(number) for number in range(1, MOST_COUNTED + 1))


def _kept(state: DialogueState, asked: Message, *effects: TellCity) -> DialogueOutcome:
    return DialogueOutcome(state, (asked,), effects)


def _tells(origin: str, **parts: object) -> TellCity:
    return TellCity(replace(Told(origin), **parts))  # type: ignore[arg-type]


def _outside(state: DialogueState) -> DialogueState:
    return state.ended() if state.name == SAFETY else state


def _going_on(state: DialogueState, last: Household) -> DialogueState:
    """Who needs help may write or send a photo at any step."""
    if last.condition in (Condition.CANNOT_MOVE, Condition.IN_NEED):
        return _asking(state, last)
    return _outside(state)


def _photo(
    state: DialogueState, event: Photographed, last: Household, known: Known
) -> DialogueOutcome:
    """Keep a photo with the answer; a photo that cannot be kept is said so."""
    picture = event.picture
    if picture is None:
        said = photo_refusal(event.refusal, known)
        return DialogueOutcome(state, (said, _what_needed(known, last)), matters=True)
    if last.photos >= MOST_PHOTOS:
        full = known.say(
            "An answer holds {limit} photos. This one was not kept.", limit=MOST_PHOTOS
        )
        return DialogueOutcome(state, (messages.text(full), _what_needed(known, last)))
    photo = AnswerPhoto(
        picture.sha256, picture.width, picture.height, picture.size, picture.message_id
    )
    count = last.photos + 1
    thanks = known.say(
        "Thank you for the photo ({count} of {limit}).", count=count, limit=MOST_PHOTOS
    )
    mark_ = drill_mark(known.language) if last.drill else ""
    asked = () if event.more else (_what_needed(known, last),)
    effect = _tells(last.origin, photo=photo)
    return DialogueOutcome(
        state, (messages.text(f"{mark_}{thanks}"), *asked), (effect,), matters=True
    )


def _asking(state: DialogueState, last: Household) -> DialogueState:
    return _outside(state).over(SAFETY, NEEDS_STEP, origin=last.origin)


def _in_words(state: DialogueState, event: Said, last: Household, known: Known) -> DialogueOutcome:
    words = event.text[:MOST_WORDS]
    effect = _tells(last.origin, words=words, words_message=event.message_id)
    shown = summary(replace(last, words=words), known)
    return DialogueOutcome(state.ended(), (shown,), (effect,), matters=True)


def how_many(known: Known, origin: str, *, drill: bool, title: str = "") -> Message:
    """Ask how many they are; ``title`` says what was kept."""
    tiles = [
        messages.tile(
            messages.press(
                f"{number}+" if number == MOST_COUNTED else str(number),
                "safe-people",
                n=number,
                o=origin,
            )
        )
        for number in range(1, MOST_COUNTED + 1)
    ]
    title = title or known.say("The city has noted it.")
    words = known.say("How many of you are there?")
    done = messages.tile(messages.press(known.say("That is all"), "safe-done", o=origin))
    return _card(known, title, [*messages.columns(tiles, 3), done], words, drill=drill)


def _where(known: Known, last: Household) -> Message:
    tiles = [
        messages.tile(messages.press(known.say(name), "safe-where", at=place.value, o=last.origin))
        for place, name in WHEREABOUTS.items()
    ]
    parts = messages.columns(tiles, 1)
    return _card(known, known.say("Where are you?"), parts, "", drill=last.drill)


def _which_site(known: Known, last: Household) -> Message | None:
    """Ask at which site they are; None if we do not know which are near."""
    home = known.home
    if home is None:
        return None
    safe, _ = safe_sites(known.shelters, known.hazards)
    near = choose(safe, known.shelter_states, home, most=MOST_SITES)
    tiles = [
        messages.tile(
            messages.press(
                site_name(one.site.code, known)[:20],
                "safe-site",
                site=one.site.code,
                o=last.origin,
            )
        )
        for one in near
    ]
    other = messages.press(known.say("Another one"), "safe-site", site="", o=last.origin)
    parts = messages.columns([*tiles, messages.tile(other)], 1)
    return _card(known, known.say("At which site?"), parts, "", drill=last.drill)


def site_name(code: str, known: Known) -> str:
    """An evacuation site's name in the resident's script."""
    site = next((site for site in known.shelters if site.code == code), None)
    if site is None:
        return code
    return site.name if known.language.startswith("ja") else site.english or site.name


def _what_needed(known: Known, last: Household) -> Message:
    rows = [
        messages.switch(
            known.say(name),
            need in last.needs,
            messages.press(
                known.say(name),
                "safe-need",
                what=need.value,
                on=int(need not in last.needs),
                o=last.origin,
            ),
        )
        for need, name in NEEDS.items()
    ]
    done = messages.press(known.say("That is all"), "safe-done", o=last.origin)
    words = known.say("Tap all that you need, write it here, or send a photo.")
    title = known.say("What do you need?")
    parts = [*rows, messages.tile(done, strong=True)]
    return _card(known, title, parts, words, drill=last.drill, quick=_cameras(known))


def _cameras(known: Known) -> tuple[messages.Action, ...]:
    return (
        messages.camera(known.say("Take a photo")),
        messages.camera_roll(known.say("Choose a photo")),
    )


def summary(last: Household, known: Known) -> Message:
    """The answer as the city has it, with a ready text for the family."""
    words = known.say(
        "The city has your answer. It is kept for {days} days, and only those who help see it. "
        "If something changes, write again.",
        days=known.city.retention.safety_answers,
    )
    if last.condition in (Condition.CANNOT_MOVE, Condition.IN_NEED):
        words += "\n" + known.say("If you are in danger, call 119.")
    footer = [
        messages.tile(
            messages.uri(known.say("Tell your family"), _share(last, known)), strong=True
        ),
        messages.tile(messages.press(known.say("Change the answer"), "safe-change", o=last.origin)),
    ]
    parts = [messages.fact(name, value) for name, value in facts(last, known) if value]
    title = known.say(CONDITIONS[last.condition])
    return _card(known, title, parts, words, drill=last.drill, footer=footer)


def facts(last: Household, known: Known) -> list[tuple[str, str]]:
    """What a household said and sent, by name."""
    photos = str(last.photos) if last.photos else ""
    return [*_said(last, known), (known.say("Photos"), photos)]


def _said(last: Household, known: Known) -> list[tuple[str, str]]:
    people = f"{last.people}{'+' if last.people == MOST_COUNTED else ''}" if last.people else ""
    where = known.say(WHEREABOUTS[last.whereabouts]) if last.whereabouts else ""
    if last.shelter:
        where = f"{where}: {site_name(last.shelter, known)}"
    needs = [known.say(name) for need, name in NEEDS.items() if need in last.needs]
    needs += [last.words] if last.words else []
    return [
        (known.say("People"), people),
        (known.say("Where"), where),
        (
            known.say("Needs"),
            listed(needs, known.language),
        ),
    ]


def in_short(last: Household, known: Known) -> str:
    """The answer in one line, for the resident's stored data."""
    said = [known.say(CONDITIONS[last.condition]), *(value for _, value in _said(last, known))]
    mark_ = drill_mark(known.language) if last.drill else ""
    return mark_ + listed([one for one in said if one], known.language)


def _share(last: Household, known: Known) -> str:
    mark_ = drill_mark(known.language) if last.drill else ""
    words = known.say(CONDITIONS[last.condition])
    city = name_in(known.city.name, known.language)
    return SHARE + quote(f"{mark_}{words} ({moment(last.told_at, known.language)}, {city})")


def _card(
    known: Known,
    title: str,
    parts: list[messages.Part],
    intro: str,
    *,
    drill: bool | None = None,
    footer: list[messages.Part] | None = None,
    quick: tuple[messages.Action, ...] = (),
) -> Message:
    """A card; in a drill its title says so."""
    in_drill = known.in_drill if drill is None else drill
    marked = f"{drill_mark(known.language)}{title}" if in_drill else title
    return messages.card(marked, parts, intro=intro, footer=footer or (), quick=quick)
