"""CAP alerts of a water works."""

from __future__ import annotations


def alert(
    number: int = 1,
    *,
    status: str = "Actual",
    kind: str = "Alert",
    references: str = "",
    headline: str = "大穂地区で断水しています",
    signature: str = "",
    sent: str = "2026-06-15T11:50:00+09:00",
) -> bytes:
    refers = f"<references>{references}</references>" if references else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>W{number}</identifier>
<sender>water@city.example</sender><sent>{sent}</sent><status>{status}</status>
<msgType>{kind}</msgType><scope>Public</scope>{refers}
<info><language>en-US</language><category>Infra</category><event>Outage</event>
<urgency>Immediate</urgency><severity>Moderate</severity><certainty>Observed</certainty>
<headline>Water outage</headline></info>
<info><language>ja-JP</language><category>Infra</category><event>断水</event>
<urgency>Immediate</urgency><severity>Moderate</severity><certainty>Observed</certainty>
<expires>2026-06-15T18:00:00+09:00</expires><headline>{headline}</headline>
<description>水道管の破損のためです。</description><instruction>給水車をご利用ください。</instruction>
<area><areaDesc>大穂地区</areaDesc></area></info>{signature}</alert>""".encode()


SIGNATURE = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>'
