"""LINE's own Python library works with the simulator as with LINE."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from linebot.v3 import WebhookParser
from linebot.v3.messaging import (
    ApiClient,
    ApiException,
    Configuration,
    MessagingApi,
    MessagingApiBlob,
    MulticastRequest,
    PushMessageRequest,
    RichMenuRequest,
    TextMessage,
)

from tests.support.line_account import Line, Service
from tests.support.rich_menus import MENU, picture


async def test_the_official_client_sends_asks_and_is_told_why_not(line: Line) -> None:
    simulator = line.simulator
    friend = simulator.users.add_user("花子", follows=True)
    key = str(uuid.uuid4())
    text = TextMessage(text="こんにちは")

    def talk() -> None:
        configuration = Configuration(host=simulator.url, access_token="t")
        with ApiClient(configuration) as api_client:
            api, blob = MessagingApi(api_client), MessagingApiBlob(api_client)
            assert api.get_profile(friend).display_name == "花子"
            sent = api.push_message(PushMessageRequest(to=friend, messages=[text]))
            assert len(sent.sent_messages) == 1
            request = MulticastRequest(to=[friend], messages=[text])
            api.multicast(request, x_line_retry_key=key)
            with pytest.raises(ApiException) as again:
                api.multicast(request, x_line_retry_key=key)
            assert again.value.status == 409
            assert again.value.headers["x-line-accepted-request-id"]
            empty = PushMessageRequest(to=friend, messages=[TextMessage(text="")])
            with pytest.raises(ApiException) as refused:
                api.push_message(empty)
            assert refused.value.status == 400
            assert "messages[0].text" in refused.value.body
            menu = api.create_rich_menu(RichMenuRequest.from_dict(MENU))
            blob.set_rich_menu_image(
                menu.rich_menu_id, body=bytearray(picture()), _headers={"Content-Type": "image/png"}
            )
            api.set_default_rich_menu(menu.rich_menu_id)
            assert api.get_default_rich_menu_id().rich_menu_id == menu.rich_menu_id
            assert api.get_followers().user_ids == [friend]
            assert api.get_message_quota_consumption().total_usage == 2

    await asyncio.to_thread(talk)
    assert simulator.ledger.recipients() == {friend: 2}


async def test_the_official_parser_reads_every_webhook(line: Line, service: Service) -> None:
    simulator = line.simulator
    simulator.webhooks.url = service.url
    user = simulator.users.add_user("花子")
    simulator.phones.follow(user)
    simulator.phones.send_text(user, "こんにちは")
    simulator.phones.send_location(user, 36.0, 140.0)
    simulator.phones.postback(user, "a=1", params={"date": "2026-05-29"})
    simulator.phones.block(user)
    await simulator.webhooks.idle()
    parser = WebhookParser("s")
    kinds = [
        event.type
        for body, signature in zip(service.bodies, service.signatures, strict=True)
        for event in parser.parse(body.decode(), signature)
    ]
    assert kinds == ["follow", "message", "message", "postback", "unfollow"]
