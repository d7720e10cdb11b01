"""Rich menus: the panel of buttons under a chat, its pictures, aliases and who sees which."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from simulator.line.answers import LineError

MAX_RICH_MENUS = 1_000
MAX_ALIASES = 1_000
# LINE: JPEG or PNG, at most 1 MB.
MAX_PICTURE_BYTES = 1024 * 1024
_PICTURE_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG"}


@dataclass(slots=True)
class RichMenu:
    """A rich menu as it was created, and its picture once uploaded."""

    rich_menu_id: str
    content: dict[str, Any]
    picture: bytes | None = None
    picture_type: str = "image/png"

    def as_json(self) -> dict[str, Any]:
        return {"richMenuId": self.rich_menu_id, **self.content}


class StoredRichMenus:
    """All rich menus of the account."""

    def __init__(self) -> None:
        self.menus: dict[str, RichMenu] = {}
        self.aliases: dict[str, str] = {}
        self.default_id: str | None = None

    def create(self, content: dict[str, Any]) -> str:
        """Create a menu and return its id."""
        if len(self.menus) >= MAX_RICH_MENUS:
            raise LineError(400, "The number of rich menus exceeds the limit")
        self._bounds_inside(content)
        made = f"richmenu-{secrets.token_hex(16)}"
        self.menus[made] = RichMenu(made, content)
        return made

    @staticmethod
    def _bounds_inside(content: dict[str, Any]) -> None:
        size = content["size"]
        for index, area in enumerate(content["areas"]):
            bounds = area["bounds"]
            if (
                bounds["x"] + bounds["width"] > size["width"]
                or bounds["y"] + bounds["height"] > size["height"]
            ):
                raise LineError(
                    400,
                    "The request body has 1 error(s)",
                    [("must be inside the rich menu", f"areas[{index}].bounds")],
                )

    def validate(self, content: dict[str, Any]) -> None:
        """Check the rules that the form does not express."""
        self._bounds_inside(content)

    def get(self, rich_menu_id: str) -> RichMenu:
        """Return a menu; 404 if there is none."""
        menu = self.menus.get(rich_menu_id)
        if menu is None:
            raise LineError(404, "richmenu not found")
        return menu

    def delete(self, rich_menu_id: str) -> None:
        """Delete a menu and everything that points at it."""
        self.get(rich_menu_id)
        del self.menus[rich_menu_id]
        if self.default_id == rich_menu_id:
            self.default_id = None
        self.aliases = {
            alias: target for alias, target in self.aliases.items() if target != rich_menu_id
        }

    def put_picture(self, rich_menu_id: str, picture: bytes, content_type: str) -> None:
        """Take a menu's picture, once; its proportions must be the menu's."""
        menu = self.get(rich_menu_id)
        if menu.picture is not None:
            raise LineError(400, "An image has already been uploaded to the richmenu")
        wanted = _PICTURE_FORMATS.get(content_type)
        if wanted is None:
            raise LineError(415, f"The content type, {content_type}, is not supported")
        if len(picture) > MAX_PICTURE_BYTES:
            raise LineError(413, "Request Entity Too Large")
        try:
            with Image.open(io.BytesIO(picture)) as image:
                form, (width, height) = image.format, image.size
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
            raise LineError(400, "The image could not be read") from error
        size = menu.content["size"]
        if form != wanted:
            raise LineError(400, "The image is not of the content type given")
        if (width, height) != (size["width"], size["height"]):
            raise LineError(400, "The image size does not match the size of the richmenu")
        menu.picture = picture
        menu.picture_type = content_type

    def with_picture(self, rich_menu_id: str) -> RichMenu:
        """Return a menu that can be shown; 400 when its picture is missing."""
        menu = self.get(rich_menu_id)
        if menu.picture is None:
            raise LineError(400, "must upload richmenu image before applying it to user")
        return menu

    def create_alias(self, alias: str, rich_menu_id: str) -> None:
        """Name a menu."""
        self._can_be_named(rich_menu_id)
        if alias in self.aliases:
            raise LineError(400, "conflict richmenu alias id")
        if len(self.aliases) >= MAX_ALIASES:
            raise LineError(400, "The number of rich menu aliases exceeds the limit")
        self.aliases[alias] = rich_menu_id

    def update_alias(self, alias: str, rich_menu_id: str) -> None:
        """Have a name point at another menu."""
        self.alias(alias)
        self._can_be_named(rich_menu_id)
        self.aliases[alias] = rich_menu_id

    def delete_alias(self, alias: str) -> None:
        """Forget a name."""
        self.alias(alias)
        del self.aliases[alias]

    def alias(self, alias: str) -> str:
        """The menu of that name; 404 if there is none."""
        found = self.aliases.get(alias)
        if found is None:
            raise LineError(404, "richmenu alias not found")
        return found

    def _can_be_named(self, rich_menu_id: str) -> None:
        menu = self.menus.get(rich_menu_id)
        if menu is None:
            raise LineError(400, "richmenu not found")
        if menu.picture is None:
            raise LineError(400, "must upload richmenu image before applying it to alias")

    def shown_to(self, linked_id: str | None) -> RichMenu | None:
        """The menu a user sees who is linked to ``linked_id``, if any."""
        for rich_menu_id in (linked_id, self.default_id):
            if rich_menu_id is not None and rich_menu_id in self.menus:
                return self.menus[rich_menu_id]
        return None

    def clear(self) -> None:
        """Forget everything."""
        self.menus.clear()
        self.aliases.clear()
        self.default_id = None
