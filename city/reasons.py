"""Reasons: faults of a city's folder, and the parts that are left out."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "hint.near": " (did you mean '{near}'?)",
            "hint.such-as": " (such as {name})",
            "hint.longitude-first": "; longitude comes first",
            "file.shift-jis": "is read as Shift_JIS; please save it as UTF-8.",
            "foreign.hazards": (
                "災害種別: the digits 2, 3, 4, 5 and 7 are read by the state's order of hazards. "
                "Only 1 (flood), 6 (fire) and 8 (volcano) are confirmed. {n} rows have others: "
                "look at sites that you know."
            ),
            "foreign.not-public": "{n} rows are not for the public and are left out.",
            "foreign.states": (
                "The file says that {open} sites are open and {full} full. That is not taken in "
                "here; staff say it on the page of evacuation sites in a disaster."
            ),
            "part.both-days": "the days of both",
            "part.closure": "the closure",
            "part.column": "{column}",
            "part.department": "the department",
            "part.department-named": "the department '{code}'",
            "part.district": "the district",
            "part.every-site": "every site's {column}",
            "part.exception": "the exception",
            "part.file": "the file",
            "part.it": "it",
            "part.its-id": "its ID",
            "part.japanese-name": "the Japanese name",
            "part.key": "'{key}'",
            "part.call-up": "the call-up rule",
            "part.call-up-named": "the call-up rule '{code}'",
            "part.disaster-rule": "the disaster rule",
            "part.disaster-rule-named": "the disaster rule '{code}'",
            "part.account": "the account",
            "part.account-named": "the account '{code}'",
            "part.kind-of-report": "the kind of report",
            "part.kind-of-report-named": "the kind of report '{code}'",
            "part.language": "the language '{language}'",
            "part.name-in": "the name in '{language}'",
            "part.owner": "the owner",
            "part.river": "the river",
            "part.zone": "the zone",
            "part.outline": "the district's outline",
            "part.question": "the question",
            "part.rest-of-file": "the rest of the file",
            "part.row": "the row",
            "part.second": "the second one",
            "part.site": "the site",
            "part.source": "the source",
            "part.source-named": "the source '{code}'",
            "part.that": "that",
            "part.thing": "the thing",
            "part.this": "this",
        },
        "The file cannot be read.": {
            "file.unreadable": "cannot be read: {error}.",
            "file.too-large": "is larger than {limit} bytes.",
            "tiles.wrong": "cannot be used as map tiles: {error}.",
            "file.encoding": "is neither UTF-8 nor Shift_JIS.",
            "file.not-json": "is not JSON: {error}.",
            "file.not-toml": "is not TOML: {error}.",
            "toml.by-hand": "'{name}' is written so that only a person can change it in the file.",
            "file.nested": "is nested too deeply to be GeoJSON.",
        },
        "It is not written as CSV files are.": {
            "csv.broken": "is not CSV: {error}.",
            "csv.broken-often": "is broken so often.",
            "csv.cells": "has {cells} cells for {columns} columns.",
        },
        "A column is missing.": {
            "csv.no-column": "the column '{column}' is missing{hint}.",
        },
        "The same is there more than once.": {
            "csv.column-twice": "the column '{column}' is there more than once.",
            "twice.kind": "the kind '{code}' is there more than once.",
            "twice.thing": "'{name}' is there more than once.",
            "twice.site": "the site '{code}' is there more than once.",
            "twice.site-differs": "the site '{code}' is there more than once, with other words.",
            "twice.district": "the district '{code}' is there more than once.",
            "twice.district-days": (
                "'{one}' and '{other}' are both the district '{code}' and differ."
            ),
            "twice.account": "the account '{name}' is there more than once.",
            "twice.language": "the language '{language}' is there more than once.",
            "twice.danger-word": "'{word}' stands under {other} and under {which}.",
            "twice.area-district": (
                "the district '{district}' is in more than one of the kind's areas."
            ),
            "twice.code": "the code '{code}' is there more than once in {part}.",
        },
        "No hazard is set, so nobody would be sent there.": {
            "site.no-hazard": "{name}: no 災害種別 is set, so nobody would be sent there.",
        },
        "An outline or a district is not written as GeoJSON needs it.": {
            "outline.no-collection": "must be a GeoJSON FeatureCollection.",
            "outline.no-feature": "every entry of features must be a Feature.",
            "outline.no-properties": "a district needs properties with code and names.",
            "outline.no-name": "{code}: names must be an object with at least 'ja'.",
            "outline.no-polygon": (
                "{code}: the geometry must be a Polygon or MultiPolygon, not {kind}."
            ),
            "outline.no-coordinates": "{code}: the geometry has no coordinates.",
            "outline.no-ring": "{code}: a polygon has no ring.",
            "outline.short-ring": "{code}: a ring needs at least 4 positions.",
            "outline.no-position": "{code}: a position is [longitude, latitude], not {value}.",
            "outline.elsewhere": "{code}: {value} is not in Japan{hint}.",
            "outline.open-ring": "{code}: a ring must end where it begins.",
            "outline.empty-ring": "{code}: a ring encloses nothing.",
            "outline.no-district": "has no district.",
        },
        "A hazard zone is not written as it must be.": {
            "zone.no-hazard": "'{name}' is no hazard{hint}.",
            "zone.depth": "depth_m is a number of metres up to {most}.",
        },
        "A river is not written as it must be.": {
            "river.names": "a river needs properties with names, at least 'ja'.",
            "river.geometry": "{name}: the geometry must be lines of positions in Japan.",
        },
        "The emblem cannot be used.": {
            "emblem.no-svg": "is no SVG drawing: {error}.",
            "emblem.forbidden": "has '{what}', which an emblem must not have: it only draws.",
            "emblem.no-view-box": "needs a viewBox, so that it fits every page.",
            "emblem.no-png": "is no PNG picture: {error}.",
            "emblem.size": "is {size} pixels; it must be a square of {least} to {most}.",
        },
        "An owner is not written as it must be.": {
            "owner.no-properties": "an owner needs properties with code and names.",
            "owner.names": "{code}: names must be an object with at least 'ja'.",
            "owner.kinds": "{code}: kinds must be a list of kinds of reports.",
            "owner.no-kind": "{code}: there is no kind of report '{kind}'{hint}.",
            "owner.metres": "{code}: metres is a number up to {most}.",
            "owner.body": "{code}: body is one of {known}.",
            "owner.road-class": "{code}: road_class is one of {known}.",
            "owner.everything": "{code}: without a geometry it needs kinds.",
            "owner.mail": "{code}: mail is one address, or it is left out.",
            "owner.open311": (
                "{code}: open311 has url (https://…, without a slash at its end), and may have "
                "jurisdiction, key_setting (TODOKE_…), services (our code to theirs), format "
                "(json or xml) and closes."
            ),
            "owner.no-department": "{code}: there is no department '{department}'{hint}.",
            "owner.department-nowhere": (
                "{code}: an entry with a department needs lines or polygons."
            ),
            "owner.geometry": (
                "{code}: the geometry must be null, or lines or polygons of positions in Japan."
            ),
        },
        "A question and answer must have both, and a file name with a language.": {
            "faq.name-language": "must be named with one of our languages{hint}.",
            "faq.name": "must be named with at most {most} of A-Z, 0-9 and '-'.",
            "faq.no-question": "must begin with the question: '# …'.",
            "faq.long-question": "the question is longer than {most} characters.",
            "faq.no-answer": "has a question but no answer.",
            "faq.long-answer": "the answer is longer than {most} characters.",
            "faq.asked": "has over {most} sentences, or one of over {longest} characters.",
        },
        "It is none of the languages.": {
            "language.unknown": "'{language}' is not one of our languages{hint}.",
            "language.unknown-of": "{code}: '{language}' is not one of our languages{hint}.",
            "language.not-of-city": "'{language}' is none of the city's languages{hint}.",
            "words.name-language": "must be named by one of our languages{hint}.",
        },
        "Todoke does not know what this is.": {
            "file.unknown": "is not a file we know{hint}.",
            "key.elsewhere": "{key} belong into {where}.",
            "key.unknown": "{name} is not a key we know{hint}.",
            "csv.unknown-column": "the column '{column}' is unknown{hint}.",
            "words.unknown-table": "has '{name}', which is none of {tables}.",
        },
        "It names something that is not there.": {
            "there.no-kind": "'{kind}' is not a 分別区分{hint}.",
            "there.no-district": "'{district}' is not a district{hint}.",
            "there.no-district-named": (
                "'{area}' is not a district{hint}. area_names.csv can say which one it is."
            ),
            "there.no-centre": "the centre '{centre}' is not in center.csv{hint}.",
            "there.no-medium": "there is no medium '{medium}'{hint}.",
            "media.emergency-unsent": (
                "by the rules of line, {topic} of level {level} does not go by LINE."
            ),
            "there.no-topic": "there is no topic '{topic}'{hint}.",
            "there.no-department": "there is no department '{department}'{hint}.",
            "there.no-owner": "owners.geojson has no other office '{owner}'{hint}.",
            "there.no-telegram-topic": (
                "its telegrams are told on the topic '{topic}', which the city does not have."
            ),
        },
        "The certificate cannot be used.": {
            "certificate.outside": (
                "the certificate '{name}' is not a path within the city's folder."
            ),
            "certificate.unreadable": "the certificate '{name}' cannot be read: {error}.",
            "certificate.too-large": "the certificate '{name}' is larger than {limit} bytes.",
            "certificate.private-key": (
                "the certificate '{name}' comes with a private key, "
                "which belongs to its owner alone."
            ),
            "certificate.no-pem": (
                "the certificate '{name}' is no certificate in PEM form "
                "(-----BEGIN CERTIFICATE-----)."
            ),
            "certificate.short-key": (
                "the certificate '{name}' has an RSA key of {bits} bits; {least} are needed."
            ),
            "certificate.odd-key": (
                "the certificate '{name}' has a key that is neither RSA nor of an elliptic curve."
            ),
            "certificate.expired": (
                "the certificate '{name}' expired on {day}; what it signed is set aside."
            ),
            "certificate.not-yet": (
                "the certificate '{name}' is valid from {day} only; what it signed is set aside."
            ),
            "certificate.unused": "only a source of kind 'cap' has signatures to check.",
        },
        "Something that it needs is empty or missing.": {
            "missing.folder": "is not a folder.",
            "missing.telegrams": "no source of kind 'jma' is left: no warnings.",
            "missing.kind-name": "needs a コード and a name in ja.",
            "missing.start": "隔週 needs 起点, a day on which it is collected.",
            "missing.thing": "品目 is empty.",
            "missing.privacy": (
                "privacy_url is missing; whoever follows is to be told the city's page about "
                "personal data."
            ),
            "missing.target": "needs a type and a name.",
            "missing.site-name": "名称 (the name) is empty.",
            "missing.place-name": "名称 (the name) is empty.",
            "missing.ja": "{name} must have 'ja'.",
            "missing.name": "the name in '{language}' is empty.",
            "missing.japanese": "languages must have 'ja', in which the city itself speaks.",
            "missing.call-up": "a call-up rule needs an intensity or a level.",
            "missing.choices": "a question of choices needs at least 2 of them.",
            "missing.area-office": "an area needs a department or an owner.",
            "missing.area-districts": "an area needs districts.",
            "missing.closed-texts": (
                "a message with hours needs closed_texts: what residents are told at other times."
            ),
            "missing.hours": "closed_texts are of use with hours only.",
            "missing.days": "hours need days.",
            "missing.url": "a source of kind '{kind}' needs an url.",
            "missing.how-grave": "a disaster rule needs a level (3 to 5) or an intensity.",
            "missing.secret": "a webhook needs secret_setting, to check who is calling.",
            "missing.senders": "a mail source needs senders, whose mail alone is taken.",
            "missing.hosts": (
                "a mail source needs hosts: "
                "the names by which your mail server signs what it checked."
            ),
            "missing.key": "{name} is missing.",
        },
        "A value is not written as it must be.": {
            "value.weekday": "曜日 is one or more of {days}, not '{value}'.",
            "value.week": "週 is 毎週, 隔週 or weeks such as 1・3, not '{value}'.",
            "value.months": "月 is months such as 4・6・8, not '{value}'.",
            "value.change": "扱い is 休止, 振替 or 収集, not '{value}'.",
            "value.moved": "振替日 belongs to 振替, not to '{value}'.",
            "value.long": "終了日 is at most {most} days after 開始日, not {last}.",
            "value.backwards": "終了日 {last} is before 開始日 {first}.",
            "value.day": "'{value}' is not a day such as 2026-12-31.",
            "value.collection-day": "'{value}' says no day of collection.",
            "value.month": "'{value}' is no month.",
            "value.closure": "a closure goes from one day to a later one, not '{value}'.",
            "value.flag": "{column} is 1 or empty, not '{value}'.",
            "value.degrees": "{column} is degrees between {least} and {most}, not '{value}'.",
            "value.position": "緯度 and 経度 are degrees within Japan, not '{value}'.",
            "value.persons": "想定収容人数 is a number of persons, not '{value}'.",
            "value.web": "URL must begin with http:// or https://, not '{value}'.",
            "value.district-code": (
                "a district's code is 1 to 32 of a-z, 0-9 and hyphen, not {value}."
            ),
            "value.name-length": "{code}: the name in '{language}' must be 1 to 100 characters.",
            "value.code": "a code is 1 to 32 of a-z, 0-9 and hyphen, not '{value}'.",
            "value.jma-code": "a code in jma.{key} has {digits} digits, not '{value}'.",
            "value.intensity": "an intensity is one of {allowed}, not '{value}'.",
            "value.most-questions": "a kind of report has at most {most} questions.",
            "value.most-choices": "a question has at most {most} choices.",
            "value.choices-unused": "only a question of the type one-of or several-of has choices.",
            "value.phone": "a telephone number has digits and hyphens, not '{value}'.",
            "value.day-name": "a day is one of {allowed}, not '{value}'.",
            "value.same-times": "hours must not end when they begin.",
            "value.day-of-year": "season.{key} is a day such as 12-01, not '{value}'.",
            "value.off-backwards": "off_until {last} is before off_from {first}.",
            "value.long-text": "the text in '{language}' is longer than {most} characters.",
            "value.mail": "'{value}' is not a mail address.",
            "value.setting": "secret_setting names an environment variable, not '{value}'.",
            "value.liff-id": "a LIFF id is such as 1234567890-AbcdEfgh, not '{value}'.",
            "value.age": "'{value}' is not an age such as 2か月, 1歳6か月, 3歳, 年長 or 小6.",
            "value.days-before": "何日前 is 0 to {most}, not '{value}'.",
            "value.host": "'{value}' is not a host name.",
            "value.rule-of-all": "this rule takes everything, so none after it is used.",
            "value.empty-entry": "an empty entry in {key} would fit everything.",
            "value.no-address": "'{value}' is not an address.",
            "value.scheme": "'{value}' must be an address that begins with {scheme}://.",
            "value.password": "an address must not carry a password; use secret_setting.",
            "value.built-in-danger-word": (
                "'{word}' is one of Todoke's own words and cannot be taken away. Write the longer "
                "phrase in which nothing is dangerous."
            ),
            "value.danger-word": (
                "a word of danger has 2 to {most} characters, not '{value}'; one is enough where "
                "it is no Latin letter."
            ),
            "value.most-danger-words": "danger_words has at most {most} words of a language.",
            "value.retention": "retention.{key} is at least 1 day, not {days}.",
            "value.wrong": "{name}: {error}, not {value}.",
            "value.list": "{name} must be a list of texts.",
        },
    }
)
