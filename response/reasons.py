"""Reasons why something cannot be done in a disaster."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "household.changed": ("This household's case changed meanwhile. Look at it again."),
            "household.left": "The household has left and can no longer be answered.",
            "household.missing": "Nothing is kept of this household any more.",
            "household.no-words": "Write something.",
            "household.nobody": "Choose a person or a department.",
            "household.over": "This household waits for nobody.",
            "household.waits": "This household is waiting already.",
            "call-up.changed": "The answer has changed meanwhile. Look at it and send again.",
            "call-up.ended": "The call-up has ended.",
            "call-up.kind": "Say whether it is a drill or real.",
            "call-up.missing": "There is no such call-up.",
            "call-up.nobody": "Nobody on the list would be called.",
            "call-up.not-called": "This person is not called.",
            "call-up.remind": "A reminder comes after 0 to {most} minutes.",
            "call-up.typed": "Type {word} to send it.",
            "call-up.whom": "Say who is called: everybody, or which departments and teams.",
            "call-up.words": "Write what happened and where to come, in 1 to {most} characters.",
            "mode.drill-in-disaster": "Disaster mode is on for real; a drill cannot begin now.",
            "mode.is-drill": "What is on is a drill.",
            "mode.is-real": "What is on is no drill.",
            "mode.no-area": "'{code}' is not a district of this city.",
            "mode.off": "Disaster mode is not on.",
            "record.empty": "Write what happened.",
            "record.future": "The time of the event is in the future.",
            "record.time": "This is not a time.",
            "record.missing": "The line to be corrected is not in this record.",
            "staff.department": "There is no department '{department}' in city.toml.",
            "staff.file-empty": "The list has no entries.",
            "staff.file-heading": "The first line must name the columns: 氏名, 部署, メール.",
            "staff.file-line": "Line {line}: {why}",
            "staff.file-long": "The list has more than {most} entries.",
            "staff.language": "'{language}' is not a language of this city.",
            "staff.mail": "'{address}' is not a mail address.",
            "staff.missing": "There is no such member of staff.",
            "staff.name": "A name has 1 to {most} characters.",
            "staff.taken": "Somebody else on the list has '{address}'.",
            "staff.team": "A team's name has at most {most} characters.",
            "staff.words": "A message to staff has a title of 1 to {title} characters "
            "and a text of at most {text}.",
            "staff-message.expired": "It was not taken in time.",
            "staff-message.left": "They left the list.",
            "staff-message.no-mail": "No mail server is set (TODOKE_SMTP_URL).",
            "shelter.missing": "There is no evacuation site '{code}' in shelters.csv.",
            "shelter.heads": "A number of people is between 0 and {most}.",
            "task.changed": "Somebody changed this task meanwhile. Look at it again.",
            "task.missing": "This task is no longer there.",
            "task.no-department": "Choose the department that is asked.",
            "task.no-reason": "Write why it is refused.",
            "task.no-title": "Write what is to be done.",
            "task.not-so": "This task is not in a state in which that is possible.",
        }
    }
)
