"""A stand-in for the LINE Platform, so that Todoke can be tried and tested without an account.

It takes the service's requests to LINE: replies, pushes, multicasts, rich menus, queries about
followers and content. Each is checked against LINE's description. It also takes what people do on
the phone page or through the control API. It gives LINE's answers, signed webhooks to the service,
and a ledger of who received what. The service does not know the difference.

In the same process::

    options = SimulatorOptions(channel_secret="s", channel_access_token="t")
    async with Simulator(options) as simulator:
        resident = simulator.users.add_user("花子", "ja")
        simulator.phones.follow(resident)          # the service gets its webhook
        await simulator.webhooks.idle()
        await simulator.wait_until(lambda: simulator.ledger.deliveries(resident))
        simulator.faults = FaultPlan.parse("5xx-after=1%,drop=1%")
        assert simulator.max_in_window("multicast", seconds=1.0) <= 200

In another process: :func:`run`, and :class:`simulator.line.client.SimulatorClient`, whose
paths :mod:`simulator.line.control` lists.

The phone page (``/``) shows one to three phones; ``?user=U…&user=U…`` chooses whose, ``?lang=en``
the language of the page itself; ``body[data-ready]`` appears once it is drawn. ``/ledger.html``
shows requests, webhooks, counts and faults. For tests in a browser every part has a
``data-testid``, and they will not change:

- the page: ``phone-<1..3>``, ``phone-count-<1..3>``, ``ui-language-<ja|en>``;
- above a phone: ``user-select``, ``new-resident`` (then ``new-resident-name``,
  ``new-resident-language``, ``new-resident-create``), ``block``;
- the chat: ``account-name``, ``chat``, ``message`` (with ``data-kind``, ``data-side`` =
  ``user|account``, ``data-message-id``), ``message-text``, ``notice``, ``quick-replies``,
  ``quick-reply``, ``flex-button``, ``template-button``, ``imagemap-area``;
- under it: ``follow``, ``unblock``, ``input-text``, ``send``, ``photo``, ``sticker``,
  ``menu-plus`` (then ``plus-photo``, ``plus-camera``, ``plus-location``, ``plus-sticker``,
  ``plus-file``), ``to-menu``, ``to-keyboard``, ``rich-menu`` (with ``data-rich-menu-id``),
  ``rich-menu-toggle``, ``rich-menu-area`` (in the order of the areas);
- sheets: ``sheet-<photo|location|date|sticker|call|picture|resident>``, ``sheet-close``,
  ``photo-ready-<name>``, ``photo-upload``, ``photo-file``, ``location-latitude``,
  ``location-longitude``, ``location-address``, ``location-district``, ``location-send``,
  ``date-input``, ``date-ok``, ``sticker-<face>``.
"""

from simulator.line.faults import FaultPlan
from simulator.line.options import SimulatorOptions
from simulator.line.server import Simulator, run

__all__ = ["FaultPlan", "Simulator", "SimulatorOptions", "run"]
