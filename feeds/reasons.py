"""Reasons: decisions on news, and why something cannot be read."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "news.drill-telegram": "A drill or test telegram is never sent as news.",
            "news.drill": "An exercise or test is never sent as news.",
            "news.no-change": "Nothing residents were told has changed.",
            "news.first-poll": "It was there before this service was.",
            "news.listed-first": "Listed at the first poll.",
            "news.quiet": "It changes nothing in what people should do.",
            "news.below-threshold": (
                "Weaker than the city tells everybody of: only to residents who asked for it."
            ),
            "news.emergency": "An emergency does not wait for the digest.",
            "news.foreign-link": "Its link leads to a host the source does not name.",
            "news.no-level": "What everybody gets needs a level, and it says none.",
            "news.too-old": "It is over {hours} hours old.",
            "news.from-the-future": "It is dated ahead of our clock.",
            "news.flood": "{n} articles to send in one poll; the web site was rebuilt, perhaps.",
            "news.overtaken": "Replaced by newer news.",
            "news.nothing-to-take-back": "There is nothing to take back.",
            "news.taken-back": "Residents were told of what has ended.",
            "news.dropped-by-update": "The update does not speak of it any more.",
            "news.later-message": "A later message takes its place.",
            "news.expired": "It has expired.",
            "news.place-unclear": "Nobody can tell whether it is for here.",
            "news.elsewhere": "It is for places outside the city.",
            "news.not-public": "Not meant for the public.",
            "news.not-concerned": "Nothing in it for this city.",
            "news.same-notice": "The same news as notice {id}.",
            "news.same-item": "The same as item {id} of {source}.",
            "news.listed-twice": "Listed twice in one feed.",
            "news.ruled": "{rules}",
            "news.signed-unchecked": (
                "{why}; it is signed, but the source names no certificate to check it by"
            ),
            "rule.fits": "Rule {number} of {source}: {why}.",
            "rule.other-topic": "No rule fits; everything else of {source} is {topic}.",
            "rule.none": "No rule of {source} fits; somebody has to decide.",
            "rule.word": "word '{word}'",
            "rule.category": "category '{category}'",
            "rule.both": "{category} and {word}",
            "rule.everything": "it takes everything",
            "change.issued": "issued: {what}",
            "change.raised": "raised: {what}",
            "change.lowered": "lowered: {what}",
            "change.continued": "continued: {what}",
            "change.lifted": "lifted: {what}",
            "change.cancelled": "cancelled: {what}",
            "change.corrected": "corrected: {what}",
            "change.none": "none: {what}",
            "change.all": "{changes}",
            "feed.cut": "The feed breaks off in the middle.",
        },
        "A telegram of a kind that Todoke does not know: read it, and tell residents.": {
            "telegram.unknown-kind": "A telegram of the unknown kind '{kind}'.",
            "telegram.unknown-title": "A telegram with the unknown title '{title}'.",
        },
        "The telegram has a code or word that Todoke does not know: read it, and tell them.": {
            "telegram.unknown-code": "{what} with the unknown code '{code}'.",
            "telegram.unknown-flood-code": (
                "The flood forecast '{name}' has the unknown code '{code}'."
            ),
            "telegram.unknown-tag": "A 気象防災速報 has the unknown tag '{tag}'.",
            "telegram.unknown-grade": "The tsunami grade '{name}' has the unknown code '{code}'.",
            "telegram.unknown-ash-code": "The ash forecast '{name}' has the code '{code}'.",
            "telegram.unknown-volcano-code": (
                "The volcanic warning '{name}' has the unknown code '{code}'."
            ),
            "telegram.unknown-warning-code": "The warning '{name}' has the unknown code '{code}'.",
            "telegram.unknown-status": "A warning has the unknown status '{status}'.",
            "telegram.unknown-intensity": "The telegram gives the intensity '{value}'.",
            "telegram.unknown-word": "The telegram says '{value}' in {where}.",
        },
        "The telegram's time cannot be right.": {
            "telegram.dated": "The telegram is dated {moment} UTC.",
            "telegram.bad-time": "The telegram says a time that cannot be read: '{value}'.",
            "telegram.no-zone": "The telegram says a time without its zone: '{value}'.",
            "telegram.impossible-time": "The telegram says a time that cannot be: '{value}'.",
            "telegram.no-time": "The telegram does not say when it was issued.",
        },
        "The telegram lacks something that it must have.": {
            "telegram.no-body": "The telegram says nothing: it has no Body, or an empty one.",
            "telegram.no-intensities": "An intensity flash without intensities.",
            "telegram.no-section": "A flood forecast without a section of a river.",
            "telegram.code-without-name": (
                "The telegram gives a code without a name, or an endless one."
            ),
            "telegram.no-head": "The telegram has no Control or no Head part.",
            "telegram.no-coasts": "A tsunami warning without its coasts.",
            "telegram.no-warning": "A warning without a Warning part.",
            "telegram.silent-on-city": "The telegram names the city and says nothing of it.",
            "telegram.empty": "The telegram is empty.",
        },
        "This is no telegram of the Meteorological Agency.": {
            "telegram.no-telegram": "The document is not a telegram of the Meteorological Agency.",
        },
        "It may harm the machine that reads it, and was not read.": {
            "document.doctype": "The document brings its own document type definition.",
            "feed.entities": "The feed defines entities of its own, which no honest feed does.",
            "feed.doctype": "The feed brings its own document type definition.",
            "feed.too-many-items": "The feed has {items} items, over {limit}.",
            "feed.attributes": "An element has over {limit} attributes.",
            "feed.too-heavy": "The feed takes too much to read: {error}",
            "mail.endless-part": "The message describes one of its parts at endless length.",
            "mail.too-many-parts": "The message has over {limit} parts.",
            "mail.nested": "The message has parts within parts without end.",
            "fetch.parts": "The answer has too many parts.",
            "fetch.bomb": "The answer unpacks to over {limit} bytes.",
        },
        "It is larger than is taken.": {
            "document.too-large": "The document is over {limit} bytes long.",
            "feed.too-large": "The feed is over {limit} bytes long.",
            "mail.head-too-large": "The message's head is over {limit} bytes long.",
            "fetch.too-large": "The answer is {size} bytes long.",
            "fetch.over-size": "The answer is over {limit} bytes long.",
        },
        "The document is broken and cannot be read.": {
            "document.not-xml": "Not well-formed XML: {error}.",
        },
        "This is no feed; perhaps the site shows a page of error.": {
            "feed.no-feed": "This is no RSS or Atom feed; is it an error page?",
            "feed.not-atom": "Not an Atom feed but <{name}>.",
        },
        "The mail is from nobody on the list of senders.": {
            "mail.stranger": "'{sender}' is not on the list of senders.",
            "mail.no-sender": "The message names no sender.",
        },
        "Nothing proves that the mail is from whom it says.": {
            "mail.unproven": "Neither SPF nor DKIM proves that this is from {sender}.",
        },
        "The mail cannot be read.": {
            "mail.empty": "The message is empty.",
            "mail.no-message": "This is no message.",
            "mail.broken": "The message is broken: {error}.",
        },
        "This cannot be read as an alert in the CAP form.": {
            "cap.no-alert": "This is no CAP alert.",
            "cap.lacks": "The CAP alert lacks its identifier, sender or time.",
            "cap.unknown-word": "The CAP alert says what the standard does not know: {error}.",
            "cap.too-many-blocks": "The CAP alert has over {limit} blocks.",
            "cap.nothing-public": "The CAP alert says nothing to the public.",
        },
        "The signature that this source's alerts must have cannot be confirmed.": {
            "signature.none-in-force": "None of the source's certificates is in force today.",
            "signature.stranger": "The signature is by none of the source's certificates.",
            "signature.changed": "The alert was changed after it was signed.",
            "signature.unreadable": "The signature cannot be understood.",
            "signature.missing": "The alert is not signed; this source's alerts must be.",
            "signature.several": "An alert has one signature, directly within it.",
            "signature.partial": "The signature does not cover the whole alert and only that.",
            "signature.of-something-else": (
                "The signature covers something made of the alert, not the alert."
            ),
        },
        "It leads to an address that the source does not name; it was not fetched.": {
            "fetch.too-long": "The address is too long.",
            "fetch.no-address": "Not a proper address: '{url}'.",
            "fetch.scheme": "Only http and https are fetched, not '{url}'.",
            "fetch.user-name": "An address with a user name in it is not fetched.",
            "fetch.private-address": "'{host}' is a private address.",
            "fetch.leads-private": "'{host}' leads to a private address.",
            "fetch.host": "'{host}' is not a host that the source names.",
            "fetch.port": "Port {port} of '{host}' is not one the source names.",
            "fetch.redirects": "More than {limit} redirects.",
            "fetch.redirect-nowhere": "A redirect that leads nowhere.",
            "fetch.redirect-no-address": "A redirect to something that is no address.",
            "fetch.downgrade": "A redirect from https down to http.",
        },
        "The source's server answers with an error.": {
            "fetch.protocol": "Not proper HTTP: {error}.",
            "fetch.status": "The source answered {status}.",
            "fetch.encoding": "Content-Encoding '{encoding}' was not asked for.",
        },
        "The source cannot be reached, or its answer broke off.": {
            "mailbox.slow": "The mail server takes too long.",
            "mailbox.unreached": "The mail server cannot be reached: {error}.",
            "fetch.timeout": "No whole answer within {seconds} s.",
            "fetch.connection": "The connection failed: {error}.",
            "fetch.broke-off": "The answer broke off: {error}.",
            "fetch.damaged": "The compressed answer is damaged.",
            "fetch.compressed-cut": "The compressed answer broke off.",
        },
        "The mailbox cannot be opened: look at its settings.": {
            "mailbox.no-password": "{source}: the mailbox's password is not set.",
            "mailbox.address": "{source}: a mailbox is imaps://user@host/folder.",
            "mailbox.no-folder": "There is no folder '{folder}': {answer}.",
            "mailbox.refused": "The mail server refuses: {error}.",
        },
        "Todoke itself made a mistake in reading this: tell those who maintain it.": {
            "reader.broke": "{error}: {text}",
        },
    }
)
