"""The Open311 interface as OpenAPI 3.1, for programs that make clients or tests from it.

``tests/reports/test_open311_schema.py`` checks the service against it, in both formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports.open311_formats import MEDIA_TYPES, ONE_OF

Schema = dict[str, Any]
MOMENT: Schema = {"type": "string", "format": "date-time"}
WORDS: Schema = {"type": "string"}
TYPED: Schema = {"type": "string", "pattern": r"^[^\u0000]*$"}
"""What a form may contain; no database keeps a NUL."""
ASKED_MOMENT: Schema = {
    "type": "string",
    "anyOf": [{"format": "date-time"}, {"format": "date"}],
    "description": "W3C date and time, or a date.",
}
_KEYED: dict[str, Schema] = {"api_key": TYPED, "jurisdiction_id": TYPED}
_MEDIA_URL: Schema = {"type": "string", "pattern": "^https?://[!-~]+$", "maxLength": 500}
DEGREES: Schema = {"type": "string", "pattern": r"^-?\d{1,3}(\.\d{1,20})?$"}
NUMBER: Schema = {"type": "string", "pattern": r"^\d{4}-\d{6,}$"}
FIELDS: Mapping[str, Schema] = {
    "service_request_id": NUMBER,
    "status": {"enum": ["open", "closed"]},
    "status_notes": WORDS,
    "service_name": WORDS,
    "service_code": WORDS,
    "description": {"type": ["string", "null"]},
    "agency_responsible": {"type": ["string", "null"]},
    "service_notice": {"type": ["string", "null"]},
    "requested_datetime": MOMENT,
    "updated_datetime": MOMENT,
    "expected_datetime": {"type": ["string", "null"], "format": "date-time"},
    "address": {"type": ["string", "null"]},
    "address_id": {"type": "null"},
    "zipcode": {"type": "null"},
    "lat": {"type": ["number", "null"], "minimum": -90, "maximum": 90},
    "long": {"type": ["number", "null"], "minimum": -180, "maximum": 180},
    "media_url": {"type": ["string", "null"]},
}


def description(url: str) -> dict[str, Any]:
    """Return the description of the interface at ``url``."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Open311 GeoReport v2",
            "version": "2",
            "description": (
                "Reports of damage in the streets. See https://wiki.open311.org/GeoReport_v2. "
                "Every address exists with .json and with .xml at its end."
            ),
        },
        "servers": [{"url": url}],
        "paths": {
            f"{path}.{form}": made
            for path, made_for in _PATHS.items()
            for form in MEDIA_TYPES
            for made in [made_for(form)]
        },
        "components": {"schemas": _schemas()},
    }


def _discovery(form: str) -> Schema:
    return _get("discovery", "Where the interface is.", form, "discovery", (), {404})


def _services(form: str) -> Schema:
    asked = (_JURISDICTION, _LANGUAGE)
    return _get("services", "The kinds of reports.", form, "services", asked, {400, 404})


def _definition(form: str) -> Schema:
    asked = (_in_path("service_code", WORDS), _JURISDICTION, _LANGUAGE)
    said = "What a kind asks for."
    return _get("definition", said, form, "service_definition", asked, {400, 404})


def _requests(form: str) -> Schema:
    asked = (
        _query("service_request_id", WORDS, "Numbers with commas between them."),
        _query("service_code", WORDS, "Codes with commas between them."),
        _query("start_date", ASKED_MOMENT, "Reported since; at most 90 days before end_date."),
        _query("end_date", ASKED_MOMENT, "Reported until."),
        _query("updated_after", ASKED_MOMENT, "Changed after; then start_date need not be given."),
        _query("updated_before", ASKED_MOMENT, "Changed before."),
        _query("status", {"enum": ["open", "closed", "open,closed", "closed,open"]}, "Only these."),
        *_PAGES,
        _EXTENSIONS,
        *(_JURISDICTION, _LANGUAGE, _KEY),
    )
    listed = _get("requests", "Reports, the newest first.", form, "requests", asked, _READING)
    return {**listed, "post": _post(form)}


def _request(form: str) -> Schema:
    asked = (
        _in_path("service_request_id", WORDS),
        *(_EXTENSIONS, _JURISDICTION, _LANGUAGE, _KEY),
    )
    return _get("request", "One report.", form, "requests", asked, _READING)


def _updates(form: str) -> Schema:
    asked = (
        _query("start_date", ASKED_MOMENT, "Since this moment; usually a day before end_date."),
        _query("end_date", ASKED_MOMENT, "Until this moment; usually now."),
        _query("service_request_id", WORDS, "Numbers with commas between them."),
        *_PAGES,
        *(_JURISDICTION, _KEY),
    )
    said = "What became of reports, the oldest first."
    listed = _get("updates", said, form, "updates", asked, _READING)
    return {**listed, "post": _post_update(form)}


def _token(form: str) -> Schema:
    asked = (_in_path("token", WORDS), _JURISDICTION)
    return _get("token", "The number of a token.", form, "token", asked, {400, 403, 404})


_PATHS = {
    "/discovery": _discovery,
    "/services": _services,
    "/services/{service_code}": _definition,
    "/requests": _requests,
    "/requests/{service_request_id}": _request,
    "/servicerequestupdates": _updates,
    "/tokens/{token}": _token,
}
_READING = frozenset({400, 403, 404})


def _post(form: str) -> Schema:
    fields: dict[str, Schema] = {
        **_KEYED,
        "service_code": TYPED,
        "lat": {**DEGREES, "description": "Degrees, WGS 84, together with long."},
        "long": {**DEGREES, "description": "Degrees, WGS 84, together with lat."},
        "address_string": {**TYPED, "maxLength": 500},
        "description": {**TYPED, "maxLength": 4000},
        "media_url": _MEDIA_URL,
        **_not_kept("address_id", "email", "device_id", "account_id"),
        **_not_kept("first_name", "last_name", "phone"),
    }
    sent = {
        "type": "object",
        "properties": fields,
        "required": ["api_key", "service_code"],
        "description": (
            "With lat and long, or address_string. A kind's own questions are answered as "
            "attribute[CODE], and attribute[CODE][] where several values may be given."
        ),
    }
    said = "Report something. The same post again on the same day is the same report."
    return _posting("post_request", said, form, sent, "taken", "The report's number.")


def _post_update(form: str) -> Schema:
    fields: dict[str, Schema] = {
        **_KEYED,
        "service_request_id": {**TYPED, "description": "The number that the report has here."},
        "status": {
            "enum": ["open", "closed", "OPEN", "CLOSED"],
            "description": (
                "Of a report that the program posted: closed says that it is mended, for staff to "
                "look at; open after its completion opens it again. Of an office's case: what the "
                "office says of it."
            ),
        },
        "description": {**TYPED, "maxLength": 2000},
        "media_url": _MEDIA_URL,
        "updated_datetime": {**ASKED_MOMENT, "description": "When the program had it."},
        "update_id": {**TYPED, "description": "The program's own id of the update."},
        **_not_kept("email", "account_id", "title", "first_name", "last_name", "phone"),
    }
    sent = {
        "type": "object",
        "properties": fields,
        "required": ["api_key", "service_request_id"],
        "description": "With one of status, description and media_url, or more.",
    }
    said = (
        "Say more of a report that the program posted, or, with the key of an office, of a case "
        "that it has. The same update again on the same day is the same update."
    )
    return _posting("post_update", said, form, sent, "taken_update", "The update's id.")


def _not_kept(*names: str) -> dict[str, Schema]:
    return {name: {**TYPED, "description": "Taken, and not kept."} for name in names}


def _posting(name: str, said: str, form: str, sent: Schema, answer: str, words: str) -> Schema:
    return {
        "operationId": f"{name}_{form}",
        "summary": said,
        "requestBody": {
            "required": True,
            "content": {"application/x-www-form-urlencoded": {"schema": sent}},
        },
        "responses": {
            "200": _answer(form, answer, words),
            **_errors(form, {400, 403, 404}),
            "429": _too_many(form),
        },
    }


def _too_many(form: str) -> Schema:
    answer = _answer(form, "errors", "Too many posts with this key in an hour.")
    answer["headers"]["Retry-After"] = {"schema": {"type": "integer", "minimum": 1}}
    return answer


def _get(
    name: str,
    summary: str,
    form: str,
    schema: str,
    asked: Iterable[Schema],
    errors: Iterable[int],
) -> Schema:
    return {
        "get": {
            "operationId": f"{name}_{form}",
            "summary": summary,
            "parameters": list(asked),
            "responses": {"200": _answer(form, schema, "As asked."), **_errors(form, errors)},
        }
    }


def _answer(form: str, schema: str, words: str) -> Schema:
    """Return an answer: the same in both formats; ``xml`` in the schemas names the elements."""
    return {
        "description": words,
        "headers": {
            "Access-Control-Allow-Origin": {"required": True, "schema": {"const": "*"}},
            "Cache-Control": {"required": True, "schema": WORDS},
        },
        "content": {MEDIA_TYPES[form]: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _errors(form: str, statuses: Iterable[int]) -> dict[str, Schema]:
    words = {
        400: "Something is wrong or missing; each has its sentence.",
        403: "The key opens nothing.",
        404: "There is no such thing here.",
    }
    return {str(one): _answer(form, "errors", words[one]) for one in sorted(statuses)}


def _in_path(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query(name: str, schema: Schema, words: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": words}


_JURISDICTION = _query("jurisdiction_id", WORDS, "The city's municipality code, or nothing.")
_LANGUAGE = _query("lang", WORDS, "The language of names, such as ja, en, pt.")
_KEY = _query("api_key", WORDS, "With a key a program also reads the reports that it posted.")
_EXTENSIONS = _query(
    "extensions", {"enum": ["true", "false"]}, "Whether extended_attributes are wanted."
)
_UP_TO_1000: Schema = {"type": "integer", "minimum": 1, "maximum": 1000}
_PAGES = (
    _query("page", _UP_TO_1000, "Which page; from 1."),
    _query("page_size", _UP_TO_1000, "How many; usually 1000."),
)


def _schemas() -> dict[str, Schema]:
    return {
        "errors": _list("errors", {"code": {"type": "integer"}, "description": WORDS}),
        "discovery": _object(
            "discovery",
            {
                "changeset": MOMENT,
                "contact": WORDS,
                "key_service": {"type": ["string", "null"]},
                "endpoints": _list(
                    "endpoints",
                    {
                        "specification": WORDS,
                        "url": WORDS,
                        "changeset": MOMENT,
                        "type": {"const": "production"},
                        "formats": _words("formats"),
                    },
                ),
            },
        ),
        "services": _list(
            "services",
            {
                "service_code": WORDS,
                "service_name": WORDS,
                "description": WORDS,
                "metadata": {"type": "boolean"},
                "type": {"const": "realtime"},
                "keywords": {"type": ["string", "null"]},
                "group": WORDS,
            },
        ),
        "service_definition": _object(
            "service_definition",
            {"service_code": WORDS, "attributes": _list("attributes", _ATTRIBUTE)},
        ),
        "requests": _list(
            "service_requests",
            FIELDS,
            extended_attributes=_object(
                "extended_attributes",
                {
                    "state": WORDS,
                    "part_of": {"type": ["string", "null"]},
                    "reporters": {"type": "integer", "minimum": 1},
                    "attributes": _list("attributes", {"code": WORDS, "values": _words("values")}),
                    "media_urls": _words("media_urls"),
                },
            ),
        ),
        "updates": _list(
            "service_request_updates",
            {
                "update_id": WORDS,
                "service_request_id": NUMBER,
                "status": {"enum": ["open", "closed"]},
                "updated_datetime": MOMENT,
                "description": WORDS,
                "media_url": {"type": "null"},
            },
        ),
        "taken": _list(
            "service_requests",
            {
                "service_request_id": NUMBER,
                "service_notice": {"type": ["string", "null"]},
                "account_id": {"type": "null"},
            },
        ),
        "taken_update": _list(
            "service_request_updates", {"update_id": WORDS, "service_request_id": NUMBER}
        ),
        "token": _list("service_requests", {"service_request_id": NUMBER, "token": WORDS}),
    }


def _object(name: str, fields: Mapping[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**fields, **optional},
        "required": list(fields),
        "additionalProperties": False,
        "xml": {"name": name},
    }


def _list(name: str, fields: Mapping[str, Schema], **optional: Schema) -> Schema:
    return _array(name, _object(ONE_OF[name], fields, **optional))


def _words(name: str) -> Schema:
    return _array(name, {**WORDS, "xml": {"name": ONE_OF[name]}})


def _array(name: str, items: Schema) -> Schema:
    return {"type": "array", "items": items, "xml": {"name": name, "wrapped": True}}


_ATTRIBUTE: Mapping[str, Schema] = {
    "variable": {"type": "boolean"},
    "code": WORDS,
    "datatype": {
        "enum": ["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
    },
    "required": {"type": "boolean"},
    "datatype_description": {"type": ["string", "null"]},
    "order": {"type": "integer", "minimum": 1},
    "description": WORDS,
    "values": _list("values", {"key": WORDS, "name": WORDS}),
}
