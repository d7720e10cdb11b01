"""All sentences of notices, in English; the catalogues have the other languages.

One constant is one message: a whole sentence or line. Its placeholders are names, numbers and
times, never parts of a sentence. Advice follows the Cabinet Office's guideline on evacuation
information (避難情報に関するガイドライン, 2021) and the Meteorological Agency's explanations of its
warnings.

A new sentence is a constant here and an entry in each ``feeds/locales/<language>.po``; the tests
name the languages in which it is missing. Names of warnings are in ``feeds/texts/data/terms``.
"""

from __future__ import annotations

# Titles, by status.
TITLE_ISSUED = "{name} – {place}"
TITLE_RAISED = "Raised: {name} – {place}"
TITLE_LOWERED = "Lowered: {name} – {place}"
TITLE_LIFTED = "Lifted: {name} – {place}"
TITLE_WITHDRAWN = "Withdrawn: {name} – {place}"
TITLE_CORRECTED = "Corrected: {name} – {place}"
TITLE_UPDATE = "Update: {name} – {place}"
TITLE_STILL = "Still in force: {name} – {place}"
TITLE_ELSEWHERE = "Not for your district: {name}"
TITLE_STILL_HERE = "Still in effect in your district: {name}"
TITLE_QUAKE = "Earthquake: seismic intensity {intensity} – {place}"
TITLE_QUAKE_UPDATE = "Earthquake update: seismic intensity {intensity} – {place}"
TITLE_ARTICLE = "{topic}: {title}"

# What changed.
LINE_ISSUED = "New announcement: {name}"
LINE_RAISED = "The danger has grown. Before: {previous}. Now: {name}"
LINE_LOWERED = "The danger has become smaller. Before: {previous}. Now: {name}"
LINE_LIFTED = "No longer in effect: {name}"
LINE_WITHDRAWN = "Cancelled: {name}. Ignore the earlier message."
STILL_IN_FORCE = "What was announced before it is still in effect. Stay careful."
STILL_IN_FORCE_NAMED = "This is still in effect: {name}. Stay careful."
LINE_CORRECTED = "The earlier announcement had an error. This is the right one: {name}"
LINE_UPDATE = "New details: {name}"
NO_LONGER_FLOODING = (
    "{name}: it stays in force because of landslides. It is no longer in force for flooding."
)
NO_LONGER_LANDSLIDES = (
    "{name}: it stays in force because of flooding. It is no longer in force for landslides."
)
NOW_ALSO_FLOODING = "{name}: it was in force for landslides. Now it is for flooding too."
NOW_ALSO_LANDSLIDES = "{name}: it was in force for flooding. Now it is for landslides too."
NO_LONGER_THERE = "{name}: it stays in force in {still}. It is no longer in force in {place}."
NOW_THERE = "Now in {place}: {name}"
TOLD_WRONGLY = "Our earlier message was not for the districts you chose. We are very sorry."
WHO_IT_IS_FOR = "It is for {place}. If you are not there, you do not need to do anything."
NOT_ABOUT_YOU = "This is not about the districts you chose. You do not need to do anything."
STILL_HOLDS = "What we told you before still holds for your district. Please keep following it."

# Where, when, who.
PLACE = "Place: {place}"
RIVER = "River: {river}"
VOLCANO = "Volcano: {volcano}"
TIME = "Time: {time} (Japan time)"
UNTIL = "In effect until: {time} (Japan time)"
SHELTERS = "Evacuation sites: {url}"
MORE = "More: {url}"
THE_REST = "There is more. Tap here to read all of it."
SEVERAL_FROM = "{count} notices from {city}"
SOURCE = "Source: {source}"
SOURCE_OFFICE = "Source: {source} ({office})"
CHECK = "Is this message true? Check it: {address}"
AGENCY = "Japan Meteorological Agency"

# An earthquake's facts.
INTENSITY = "Seismic intensity here: {intensity} (the scale goes up to 7)"
UNCONFIRMED = (
    "No report has come from this city yet. The intensity is thought to be {intensity} or more."
)
INTENSITY_OR_MORE = "{intensity} or more"
MAX_INTENSITY = "Greatest intensity anywhere: {intensity}"
INTENSITY_5_LOWER = "5 Lower"
INTENSITY_5_UPPER = "5 Upper"
INTENSITY_6_LOWER = "6 Lower"
INTENSITY_6_UPPER = "6 Upper"
ORIGIN_TIME = "Time of the earthquake: {time} (Japan time)"
HYPOCENTRE = "Hypocentre: {hypocentre}"
MAGNITUDE = "Magnitude: {magnitude}"
MAGNITUDE_OVER = "Magnitude: more than {magnitude}. This is a giant earthquake."
MAGNITUDE_UNKNOWN = "Magnitude: not known"
DEPTH = "Depth: about {depth} km"
DEPTH_OR_MORE = "Depth: {depth} km or more"
VERY_SHALLOW = "Depth: very shallow"
DEPTH_UNKNOWN = "Depth: not known"
LONG_PERIOD_CLASS = "Long-period ground motion class: {number} (the scale goes up to 4)"
NO_TSUNAMI = "There is no danger of a tsunami from this earthquake."
SLIGHT_SEA_CHANGE = "The sea level may change a little, but no damage is expected."
TSUNAMI_IN_EFFECT = "A tsunami warning or advisory is in effect. Leave the coast now."
TSUNAMI_POSSIBLE = "A tsunami may come. Stay away from the coast."
TSUNAMI_ELSEWHERE = (
    "A tsunami warning or advisory is in effect for some coasts of Japan. This city has no coast."
    " Do not go to the sea."
)
TSUNAMI_POSSIBLE_ELSEWHERE = (
    "A tsunami may come to a coast. This city has no coast. Do not go to the sea."
)
TSUNAMI_UNDER_STUDY = "The agency is checking whether a tsunami will come to Japan."
NO_TSUNAMI_JAPAN = "No tsunami from this earthquake will affect Japan."
TSUNAMI_PACIFIC = "A tsunami may form in the Pacific Ocean."
TSUNAMI_INDIAN_OCEAN = "A tsunami may form in the Indian Ocean."
TSUNAMI_NEAR_SOURCE = "A tsunami may form in the sea near the hypocentre."
SMALL_TSUNAMI_NEAR_SOURCE = (
    "A small tsunami may form in the sea near the hypocentre, but no damage is expected."
)
EEW_ISSUED = "The agency issued an Earthquake Early Warning for this earthquake."
EEW_NOT_FELT = (
    "The agency issued an Earthquake Early Warning for this earthquake, but no intensity of 1 or"
    " more was observed."
)
EEW_WEAK = (
    "The agency issued an Earthquake Early Warning for this earthquake, but no strong shaking was"
    " observed."
)

# A tsunami's facts.
COAST = "Coast: {coast}"
HEIGHT = "Expected height: {height}"
HEIGHT_METRES = "{metres} m"
HEIGHT_OVER = "more than {metres} m"
HEIGHT_OR_MORE = "{metres} m or more"
HEIGHT_ABOUT = "about {metres} m"
HEIGHT_UNDER = "less than {metres} m"
HEIGHT_HUGE = "huge"
HEIGHT_HIGH = "high"
HEIGHT_SLIGHT = "very small"
HEIGHT_MEASURING = "still being measured"
OBSERVED_HEIGHT = "Greatest height seen so far: {height}"
ARRIVAL = "Expected arrival: {time} (Japan time)"
ARRIVING = "The tsunami is arriving now."
ARRIVAL_AT_ONCE = "The tsunami will arrive at any moment."
ARRIVED = "The first wave has arrived."
HIGH_TIDE = "When the tsunami meets the high tide, it becomes higher."
HIGHER_IN_PLACES = "In some places the tsunami may be higher than the height given."
MAY_GROW = "The tsunami may still become higher."
MAY_HAVE_ARRIVED = "In some places the tsunami may have arrived already."
HIGHEST_LATER = "The highest wave may come hours after the first."
LIKE_2011 = "A tsunami like that of the Great East Japan Earthquake of 2011 is coming."
SEEN_OFFSHORE = "A high tsunami has been seen offshore."

# A river's facts.
OVERFLOW = "The river has overflowed."

# A typhoon's facts.
TITLE_TYPHOON = "{name}: Typhoon No. {number}"
TITLE_DEPRESSION = "{name}: a tropical depression that is becoming a typhoon"
TYPHOON_CENTRE = "Centre at {time} (Japan time): {place}"
AT_DISTANCE = "about {distance} km to the {direction} of {place}"
AT_DEGREES = "latitude {latitude}° north, longitude {longitude}° east"
SIZE_LARGE = "Size: large"
SIZE_VERY_LARGE = "Size: very large"
STRENGTH_STRONG = "Strength: strong"
STRENGTH_VERY_STRONG = "Strength: very strong"
STRENGTH_VIOLENT = "Strength: violent, the strongest class"
TYPHOON_WIND = "Greatest wind: {wind} metres a second. Gusts: {gust} metres a second"
TYPHOON_MOVES = "Moving: {direction}, {speed} km an hour"
TYPHOON_MOVES_ABOUT = "Moving: {direction}, about {speed} km an hour"
TYPHOON_SLOW = "Moving slowly: {direction}"
TYPHOON_STAYS = "It is hardly moving."

# Rain and snow that fell.
RAIN_FALLEN = "Rain in one hour: {amount}"
SNOW_FALLEN = "Snow in {hours} hours: {amount}"
ABOUT = "about {amount}"
OR_MORE = "{amount} or more"
ABOUT_OR_MORE = "about {amount} or more"

# An early notice's facts.
EARLY_HIGH = "Possibility that a warning is needed: high. {danger}"
EARLY_MIDDLE = "Possibility that a warning is needed: medium. {danger}"
EARLY_EXPECTED = "A warning may be needed. {danger}"

# What to do: evacuation levels.
LEVEL_2 = "Check the hazard map: where would you go, and which way would you take?"
LEVEL_3 = (
    "Older people, people with disabilities, small children and those who help them: leave"
    " dangerous places now. Everybody else: get ready to leave."
)
LEVEL_4 = "Everybody in a dangerous place: leave it now."
LEVEL_5 = (
    "Your life is in danger. Protect yourself right now. If it is dangerous to go outside, move"
    " to the safest place where you are."
)
NOT_AN_ORDER = (
    "This comes from the weather agency. It is not the city's evacuation order; the city announces"
    " that separately. If you feel in danger, do not wait for it."
)
AFTER_RAIN = (
    "Rivers and slopes may stay dangerous for a while. If the city told people to leave, do not"
    " go back until the city says so."
)

# What to do: water and slopes.
HEAVY_RAIN = (
    "Dangerous places: low ground, underpasses, basements, the banks of rivers and streams. If you"
    " cannot leave, go to an upper floor."
)
LANDSLIDE = (
    "Dangerous places: near slopes, cliffs and mountain streams. If you cannot leave, go to an"
    " upper room on the side away from the slope."
)
FLOOD = (
    "Dangerous places: along rivers and on low ground. If you cannot leave, go to an upper floor"
    " of a strong building. Never go to look at the river."
)
STORM_SURGE = (
    "Dangerous places: the coast, river mouths and low ground near the sea. If you cannot leave,"
    " go to an upper floor of a strong building."
)
RECORD_RAIN = (
    "Rain as strong as this is seen only once in years. Floods and landslides may happen soon. If"
    " you are in a dangerous place, move to a safe one now."
)
RAIN_BAND = (
    "Very heavy rain keeps falling on the same places. The danger to life is rising fast. If you"
    " are in a dangerous place, move to a safe one now."
)
RAIN_BAND_SOON = (
    "Very heavy rain may soon keep falling on the same places. Get ready now. If you are in a"
    " dangerous place, leave early."
)

# What to do: wind, snow and the rest of the weather.
ONCE_IN_DECADES = "A disaster like this comes only once in decades. Protect your life first."
STORM = "Stay indoors and away from windows. Things may fly through the air, and trees may fall."
GALE = "The wind is strong. Bring in what it could blow away. Take care when you walk or drive."
BLIZZARD = (
    "In snow and strong wind you may not see ahead. Go out only if you must. If your car is stuck,"
    " keep snow away from the exhaust pipe."
)
HIGH_WAVES = "The waves are high. Stay away from the sea, harbours and breakwaters."
HEAVY_SNOW = (
    "Go out or drive only if you must. Watch for snow falling from roofs. Never clear snow from a"
    " roof alone."
)
THUNDER = (
    "When you hear thunder, go into a building or a car at once. Stay away from trees and poles."
    " Sudden heavy rain, gusts and hail are possible."
)
SNOW_MELT = "Melting snow can cause floods and landslides. Stay away from rivers and slopes."
DENSE_FOG = "It is hard to see ahead. Drive slowly, with your lights on."
DRY_AIR = "Fires start easily and spread fast. Be careful with fire."
AVALANCHE = "Snow may slide down. Stay away from steep slopes with snow."
LOW_TEMPERATURE = "It will be unusually cold. Keep warm, and protect water pipes and crops."
FROST = "Frost may damage crops. Protect your plants."
ICING = "Ice or snow may stick to electric wires and trees. Stay away from wires that hang down."
TORNADO = (
    "If the sky turns dark, you hear thunder or feel a cold wind, go into a strong building at"
    " once. Stay away from windows."
)
TORNADO_SEEN = (
    "A tornado has been seen. Go into a strong building now. Stay on a low floor, away from"
    " windows."
)
TYPHOON = (
    "A typhoon may come near. Bring in what the wind could blow away, prepare water and food, and"
    " check where you would go."
)
EARLY_NOTICE = "A warning may come in the next days. Follow the news and prepare early."
FOLLOW_NEWS = "Follow the news and what the city announces."

# What to do: earthquakes and tsunami.
QUAKE_VERY_STRONG = (
    "Keep yourself safe first. Strong shaking may come again. When it stops, turn off stoves and"
    " heaters. If a fire grows, get out. Leave damaged buildings, and stay away from walls and"
    " cliffs."
)
QUAKE_STRONG = (
    "Strong shaking may come again. Protect your head. Stay away from things that may fall, from"
    " walls and from cliffs."
)
QUAKE_LIGHT = "Check that you and those around you are safe. It may shake again."
QUAKE_COAST = "If you are by the sea, leave the coast at once and go to high ground."
QUAKE_AT_SEA = "If you have travelled to the sea, go to high ground at once."
LONG_PERIOD = (
    "Tall buildings may sway slowly for a long time. Hold on to something. Stay away from"
    " furniture that may move or fall."
)
TSUNAMI_MAJOR = (
    "A huge tsunami is coming. Leave the coast and the riverside now. Go to ground as high as you"
    " can, or to a tsunami evacuation building. Do not stop."
)
TSUNAMI_WARNING = (
    "Leave the coast and the riverside now. Go to high ground or to a tsunami evacuation building."
)
TSUNAMI_ADVISORY = "Get out of the sea and leave the coast now."
TSUNAMI_STAY = (
    "Tsunami come again and again. Do not go to look at the sea. Do not go back until this is"
    " lifted."
)
TSUNAMI_FORECAST = (
    "The sea level may change a little. No damage is expected, but take care in and near the sea."
)
AFTER_TSUNAMI = "The sea may still rise and fall for a while. Take care near it."
GREAT_QUAKE_STUDY = (
    "Experts are checking whether a great earthquake has become more likely. Be ready to protect"
    " yourself, and wait for the next news."
)
GREAT_QUAKE_WARNING = (
    "A great earthquake is more likely than usual. If you live where you could not escape a"
    " tsunami in time, follow your city's instructions and stay somewhere safe for about a week."
)
GREAT_QUAKE_ADVISORY = (
    "A great earthquake is more likely than usual for about a week. Check your supplies, your"
    " furniture and where you would go."
)
BE_PREPARED = "An earthquake can happen at any time. Check your supplies and where you would go."

# What to do: volcanoes.
VOLCANO_1 = "The volcano is quiet, but it is active. Take care near the crater."
VOLCANO_2 = "Do not go near the crater."
VOLCANO_3 = "Do not climb the mountain. Stay out of the closed area."
VOLCANO_4 = (
    "Older people and all who need time: leave the danger area now. Everybody else there: get"
    " ready to leave."
)
VOLCANO_5 = "Everybody in the danger area: leave it now."
ERUPTION = (
    "The volcano has erupted. If you are near it, leave the mountain or go into a strong building,"
    " and protect your head."
)
ASH_FALL = (
    "Ash may fall. Stay indoors and close the windows. Outside, wear a mask and protect your"
    " eyes. Drive slowly."
)
FALLING_STONES = "Small stones may fall. Go into a strong building."

# Drills, free text, translations.
DRILL = "[DRILL]"
DRILL_NOTE = "This is a drill. It is not a real announcement."
DRILL_ADVICE = (
    "You do not need to do anything now. You can use this drill to check where you would go and"
    " which way you would take."
)
TEXT_LANGUAGE = "Language of the text below: {name}"
ARTICLE_IN_JAPANESE = "This article is in Japanese."
MACHINE_TRANSLATED = "A machine translated this text. It may contain mistakes."

SURVEYS = "Survey"
SURVEY_ANSWER = "Answer the survey"
SURVEY_ANONYMOUS = "Anonymous: the city does not learn who answered what."
SURVEY_NAMED = (
    "Not anonymous: the city sees your answers together with your number in this account."
)
SURVEY_UNTIL = "You can answer until {day}."
SURVEY_HOW = "Answer in the city's LINE account: press the button, or write “{word}”."

TOPIC_CONTEXT = "topic"
TOPICS: dict[str, str] = {
    "evacuation": "Evacuation",
    "weather": "Weather",
    "earthquake": "Earthquakes",
    "tsunami": "Tsunami",
    "fire": "Fire",
    "lifeline": "Water, electricity, gas",
    "crime": "Crime prevention",
    "child-watch": "Children's safety",
    "traffic": "Traffic safety",
    "transit": "Trains and buses",
    "roadworks": "Roadworks",
    "collection": "Rubbish collection",
    "childcare": "Children and parents",
    "health": "Health",
    "events": "Events",
    "business": "Business and work",
    "consultation": "Advice and help",
    "city-news": "News from the city",
}
"""Topics of the sample city by code; a city's own names come before them."""

STATUS_CONTEXT = "status"
STATUSES: dict[str, str] = {
    "issued": "Issued",
    "raised": "Raised",
    "lowered": "Lowered",
    "continued": "Continued",
    "lifted": "Lifted",
    "cancelled": "Withdrawn",
    "corrected": "Corrected",
}


def all_messages() -> list[tuple[str | None, str]]:
    """Return every message as (context, msgid), in the order of this file."""
    plain: list[tuple[str | None, str]] = [
        (None, value)
        for name, value in globals().items()
        if name.isupper() and isinstance(value, str) and not name.endswith("_CONTEXT")
    ]
    topics = [(TOPIC_CONTEXT, message) for message in TOPICS.values()]
    statuses = [(STATUS_CONTEXT, message) for message in STATUSES.values()]
    return [*plain, *topics, *statuses]
