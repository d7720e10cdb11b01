"""What each page is for, in a sentence, and the paper that says more.

``docs/design.md`` says how a page shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase as fnmatch
from pathlib import Path

from markupsafe import Markup

from core.languages import mark

PAPERS = Path(__file__).parent.parent / "docs"
"""The project's papers; an installed distribution has none."""
MORE = mark("Read more")


@dataclass(frozen=True)
class Help:
    """A sentence (a message of the catalogue), and a paper in ``docs``."""

    sentence: str
    paper: str


HELP = {
    "/console/": Help(
        mark("What is in force in the city, what is being sent, and what waits for you."),
        "first-hour.md",
    ),
    "/console/account": Help(
        mark("Your password, your one-time codes and where you are signed in."),
        "accounts.md",
    ),
    "/console/alerts": Help(
        mark("Write an alert, have a colleague confirm it, send it, and watch it arrive."),
        "sending.md",
    ),
    "/console/alerts/*/check": Help(
        mark("Look at what each resident will read. Nothing is sent before you confirm it here."),
        "sending.md",
    ),
    "/console/news": Help(
        mark(
            "What the city tells residents on ordinary days. It never goes before an emergency, "
            "and nobody gets it in their quiet hours."
        ),
        "news.md",
    ),
    "/console/news-calendar": Help(
        mark(
            "What goes out on which day: news, the daily digest, reminders. Emergencies are not "
            "planned, and do not count."
        ),
        "news.md",
    ),
    "/console/news/*/check": Help(
        mark("Look at what each resident will read, before it is planned, approved or sent."),
        "news.md",
    ),
    "/console/news/*": Help(
        mark("Write news, with a picture, links, whom it is for and when. Saving sends nothing."),
        "news.md",
    ),
    "/console/surveys": Help(
        mark(
            "Questions to residents: one to ten, answered in LINE with a tap or in words. The city "
            "sees counts, and not who answered."
        ),
        "surveys.md",
    ),
    "/console/surveys/*/results": Help(
        mark("What residents answered so far. Only surveys that were finished count."),
        "surveys.md",
    ),
    "/console/surveys/*/words/*": Help(
        mark("What residents wrote, without who wrote it, in an order by chance."),
        "surveys.md",
    ),
    "/console/surveys/*": Help(
        mark(
            "Write the message, the questions, whom they are for and until when. Saving sends "
            "nothing."
        ),
        "surveys.md",
    ),
    "/console/held": Help(
        mark(
            "Policy held these back. They reach nobody until somebody decides. The gravest are "
            "first."
        ),
        "sources.md",
    ),
    "/console/rules": Help(
        mark(
            "What happens with a telegram or an article by itself. The city's folder is the "
            "base. Decisions of staff lie over it."
        ),
        "sources.md",
    ),
    "/console/rehearsal": Help(
        mark(
            "A past day is replayed to a shadow desk, with invented residents who answer. It "
            "has its own database, its own phones and its own accounts, and cannot reach a real "
            "resident."
        ),
        "rehearsal.md",
    ),
    "/console/templates": Help(
        mark(
            "A template is the city's own words in every language, with blanks for places, "
            "rivers, evacuation sites and times. Whoever writes an alert fills in the blanks "
            "once."
        ),
        "writing.md",
    ),
    "/console/disaster": Help(
        mark(
            "Switch disaster mode on for real or for a drill. Residents are then asked whether "
            "they are safe."
        ),
        "response.md",
    ),
    "/console/shelters": Help(
        mark("Which sites are open, who is there, and what each offers. Residents see it at once."),
        "response.md",
    ),
    "/console/lifelines": Help(
        mark(
            "Residents see it in their language: in the conversation, in the menu, and on the "
            "public page. It goes by itself at its time."
        ),
        "response.md",
    ),
    "/console/people": Help(
        mark(
            "Who is safe, who needs something, and who waits for an answer. The most urgent are "
            "first."
        ),
        "people.md",
    ),
    "/console/dangers": Help(
        mark(
            "Photos of dangers that residents sent. Decide what each is, and give it to a "
            "department."
        ),
        "people.md",
    ),
    "/console/tasks": Help(
        mark("What departments ask of each other during the disaster, until it is done."),
        "response.md",
    ),
    "/console/record": Help(
        mark(
            "What happened and who decided what, in the order of time. Lines are never changed, "
            "only corrected."
        ),
        "response.md",
    ),
    "/console/lalert": Help(
        mark("Type it at the L-Alert terminal as it is here. The words are those of L-Alert."),
        "lalert.md",
    ),
    "/console/call-up": Help(
        mark("Call staff to work, see who comes and when, and call again those who do not answer."),
        "response.md",
    ),
    "/console/call-up/staff": Help(
        mark("Who is called in which team, and who joined with LINE or mail."),
        "response.md",
    ),
    "/console/reports": Help(
        mark("What residents reported. Choose some, decide together, or open one."),
        "reports.md",
    ),
    "/console/reports/inbox": Help(
        mark(
            "New reports, one after another, each with its photo and place: take it, join it or "
            "pass it on."
        ),
        "reports.md",
    ),
    "/console/orders": Help(
        mark(
            "An order is what one team does on one day. Choose cases in the list of reports, or "
            "on the page of a case, and put them on an order."
        ),
        "reports.md",
    ),
    "/console/orders/places": Help(
        mark("Places that patrols look at again and again, such as an underpass or a bridge."),
        "reports.md",
    ),
    "/console/answers": Help(
        mark(
            "What residents read of their reports, in their language. One of each state is said "
            "by itself when nobody chooses other words."
        ),
        "reports.md",
    ),
    "/console/report-alarms": Help(
        mark(
            "A message has the number, the kind, the place and a link, and nothing personal. "
            "Dangerous reports go out at once, at night too, and again until somebody has "
            "opened them."
        ),
        "reports.md",
    ),
    "/console/entry": Help(
        mark("For reports that come by telephone, at the counter or by mail."),
        "reports.md",
    ),
    "/console/entry/spreadsheet": Help(
        mark(
            "Takes in many reports at once. You see what becomes of each row before anything is "
            "saved."
        ),
        "reports.md",
    ),
    "/console/kinds": Help(
        mark(
            "What residents can report, in the order in which they see it. A change holds once "
            "it was looked at and confirmed; reports that are there keep their kind and its "
            "name."
        ),
        "reports.md",
    ),
    "/console/danger-words": Help(
        mark(
            "Words that raise the priority of every report in which they stand, beside those "
            "that Todoke knows in sixteen languages. They hold for reports that come in or "
            "change from then on."
        ),
        "city.md",
    ),
    "/console/danger-words/check": Help(
        mark("Look at what changes, try it with sentences, then confirm."),
        "city.md",
    ),
    "/console/new-kind": Help(
        mark("A new kind is written first. Residents see it once it was looked at and confirmed."),
        "reports.md",
    ),
    "/console/forwards": Help(
        mark(
            "Cases that were sent to another office, and what became of them there. A case is "
            "sent from its own page."
        ),
        "reports.md",
    ),
    "/console/teams": Help(
        mark("Who mends what, and to whom work can be given."),
        "reports.md",
    ),
    "/console/release": Help(
        mark(
            "A photo is published only after somebody has looked at it and hidden faces and "
            "number plates."
        ),
        "reports.md",
    ),
    "/console/figures": Help(
        mark(
            "Who follows, what reached them, what they asked: numbers of each day, without who. "
            "They are of days that have ended."
        ),
        "figures.md",
    ),
    "/console/figures/month/*": Help(
        mark("The figures of a month, to print or to take along. Every table is open."),
        "figures.md",
    ),
    "/console/report-statistics": Help(
        mark("How many reports came, how long they took, and where the same thing breaks again."),
        "reports.md",
    ),
    "/console/questions": Help(
        mark("What residents asked and the conversation did not understand. Answer it once."),
        "understanding.md",
    ),
    "/console/chat": Help(
        mark(
            "Residents who want to talk to a person. One colleague takes a chat and answers; the "
            "conversation keeps quiet meanwhile."
        ),
        "chat-desk.md",
    ),
    "/console/chat/*": Help(
        mark(
            "What you write goes to the resident's phone at once. Nobody here sees their name or "
            "their account. Who read it is in the trail."
        ),
        "chat-desk.md",
    ),
    "/console/questions/answer": Help(
        mark(
            "Write the answer, choose the sentences that ask it, and see what it changes. It is "
            "given at once, without a restart."
        ),
        "understanding.md",
    ),
    "/console/words": Help(
        mark(
            "What residents read of the city: changed here, it is laid over the city's folder and "
            "holds in all places at once, or from a day on. The folder stays the base."
        ),
        "own-words.md",
    ),
    "/console/feeds": Help(
        mark("Where news comes from, when each source last answered, and what was set aside."),
        "sources.md",
    ),
    "/console/audit": Help(
        mark(
            "Who did what, and when. Entries are chained: nobody can change or remove one unseen."
        ),
        "operations.md",
    ),
    "/console/staff": Help(
        mark(
            "Who can sign in, with which roles. An account is switched off or closed, never "
            "deleted."
        ),
        "accounts.md",
    ),
    "/console/moving-in": Help(
        mark("Take in residents with their choices from another product, and undo it."),
        "moving-in.md",
    ),
    "/console/webhooks": Help(
        mark("Programs that hear of every change of a report, with a signature."),
        "webhooks.md",
    ),
    "/console/account/*": Help(
        mark("How you sign in: codes from an app, passkeys, recovery codes."),
        "accounts.md",
    ),
    "/console/alerts/*/spoken": Help(
        mark("The same alert as words to read aloud, for loudspeakers and the radio."),
        "loudspeaker.md",
    ),
    "/console/alerts/*/templates/*": Help(
        mark("Fill in the blanks once; they are filled in in every language."),
        "writing.md",
    ),
    "/console/alerts/*/texts/*": Help(
        mark("What this medium will say, in each language."),
        "media.md",
    ),
    "/console/alerts/*/phones/*": Help(
        mark("What this alert looks like on a phone, in one language."),
        "writing.md",
    ),
    "/console/alerts/*": Help(
        mark("Write what residents read, and say where and how grave it is. Saving sends nothing."),
        "writing.md",
    ),
    "/console/answers/*": Help(
        mark("What residents read when a report's state changes, in each language."),
        "reports.md",
    ),
    "/console/call-up/staff/*": Help(
        mark("Who is called up, and how they are reached."),
        "response.md",
    ),
    "/console/call-up/*": Help(
        mark("Who is coming, when, and who has not answered yet."),
        "response.md",
    ),
    "/console/chains/*": Help(
        mark(
            "One danger from its first message to its end: what was said, by whom, and who got it."
        ),
        "chains.md",
    ),
    "/console/dangers/*": Help(
        mark("A danger that a resident reported, with photo and place."),
        "response.md",
    ),
    "/console/deliveries/*/spoken": Help(
        mark("The same delivery as words to read aloud, for loudspeakers and the radio."),
        "loudspeaker.md",
    ),
    "/console/deliveries/*/stop": Help(
        mark(
            "What stopping means, before it is done: who has it already, and who would not get it."
        ),
        "sending.md",
    ),
    "/console/deliveries/*": Help(
        mark("How far this delivery is, by language, and what hinders it."),
        "sending.md",
    ),
    "/console/disaster/check": Help(
        mark("What changes for residents and staff, before disaster mode is switched on."),
        "response.md",
    ),
    "/console/feeds/items/*": Help(
        mark("One telegram or article as it came, and what was made of it."),
        "sources.md",
    ),
    "/console/held/*": Help(
        mark("Read it, then decide: send it, show it only, or leave it."),
        "sources.md",
    ),
    "/console/kinds/*": Help(
        mark("What residents can report, and what is asked, said and done for it."),
        "city.md",
    ),
    "/console/lifelines/*": Help(
        mark("One place or service: whether it works, and until when."),
        "response.md",
    ),
    "/console/orders/new": Help(
        mark("The work that a team or a contractor is sent to do."),
        "reports.md",
    ),
    "/console/orders/*": Help(
        mark("One work order: its reports, its way, and what the crew did."),
        "reports.md",
    ),
    "/console/people/*": Help(
        mark(
            "One household: who answers it, what it needs, and what was done. Who looks is in "
            "the trail."
        ),
        "people.md",
    ),
    "/console/rehearsal/*": Help(
        mark("A past day, replayed: what the desk did, and who was told when."),
        "rehearsal.md",
    ),
    "/console/release/*": Help(
        mark(
            "Decide whether a photo may be shown to everybody; cover faces and number plates first."
        ),
        "reports.md",
    ),
    "/console/reports/exports/*": Help(
        mark("The file is made in the background; it can be fetched here when it is ready."),
        "reports.md",
    ),
    "/console/reports/together": Help(
        mark(
            "What becomes of each marked case, and who hears it. Nothing is done before you press."
        ),
        "reports.md",
    ),
    "/console/reports/together/*": Help(
        mark("What was done with the marked cases, and what could not be done."), "reports.md"
    ),
    "/console/reports/*/dossier": Help(
        mark("All that is stored of one case, to hand over. Who takes it is in the trail."),
        "reports.md",
    ),
    "/console/reports/*/forward": Help(
        mark("Hand the case to the office that owns the place, and see what it answers."),
        "reports.md",
    ),
    "/console/reports/*": Help(
        mark("One case: what was reported, where, who works on it, and what the reporter hears."),
        "reports.md",
    ),
    "/console/rules/*": Help(
        mark(
            "Other rules that somebody proposes: what they would have sent. A second person "
            "decides."
        ),
        "sources.md",
    ),
    "/console/shelters/site": Help(
        mark("One evacuation site: open or full, who is there, and the link for its staff."),
        "response.md",
    ),
    "/console/staff/*": Help(
        mark("What one person may do, and how they sign in."),
        "accounts.md",
    ),
    "/console/tasks/*": Help(
        mark("One task between departments: who has it, and what was said."),
        "response.md",
    ),
    "/console/teams/*": Help(
        mark("Who is in the team, and what it works on."),
        "reports.md",
    ),
    "/console/templates/*": Help(
        mark("Words in every language with blanks. Each change is a new version."),
        "writing.md",
    ),
    "/console/webhooks/*": Help(
        mark("One program that hears of changes, and what it was told."),
        "webhooks.md",
    ),
    "/console/words/*": Help(
        mark(
            "The city's own words and tables. A change holds at once, or from a day, and can "
            "be undone."
        ),
        "own-words.md",
    ),
}
"""By address; ``*`` stands for anything. The first that fits counts."""


def help_of(path: str) -> Help | None:
    """Return the help of the page at ``path``, or None."""
    return next((found for address, found in HELP.items() if fnmatch(path, address)), None)


def help_line(path: str, say: Callable[[str], str]) -> Markup:
    """Return the sentence of the page at ``path`` and the way to its paper, or ""."""
    found = help_of(path)
    if found is None:
        return Markup("")
    line = Markup('<p class="lead">{}').format(say(found.sentence))
    if (PAPERS / found.paper).is_file():
        line += Markup(' <a href="/console/papers/{}">{}</a>').format(found.paper, say(MORE))
    return line + Markup("</p>")
