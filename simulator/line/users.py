"""The people on the other side: LINE users, whether they follow the account, and their chats."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

_LANGUAGES: tuple[str | None, ...] = ("ja", None, "en", "zh-Hans", "vi", "pt", "my", "fr")
_LANGUAGE_WEIGHTS = (80, 8, 4, 3, 2, 1, 1, 1)
Standing = Literal["stranger", "friend", "blocked"]
Side = Literal["user", "account", "notice"]


@dataclass(frozen=True, slots=True)
class ChatItem:
    """One thing in a chat, as the phone shows it.

    Parameters
    ----------
    side
        Who sent it; ``notice`` for events without a sender (followed, blocked, unsent).
    at
        Milliseconds since 1970.
    message
        For the account's side a message as it was sent to LINE; for the user's side a message in
        the form of a webhook.
    """

    id: str
    side: Side
    at: int
    message: dict[str, Any]
    request_id: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "side": self.side,
            "at": self.at,
            "message": self.message,
            "requestId": self.request_id,
        }


@dataclass(slots=True)
class User:
    """A LINE user with an account here."""

    user_id: str
    name: str
    language: str | None = None
    picture_url: str | None = None
    status_message: str | None = None
    standing: Standing = "stranger"
    rich_menu_id: str | None = None
    chat: list[ChatItem] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "userId": self.user_id,
            "name": self.name,
            "language": self.language,
            "pictureUrl": self.picture_url,
            "standing": self.standing,
            "messages": len(self.chat),
        }


ChatListener = Callable[[str, str, dict[str, Any]], None]


class Users:
    """All users.

    Parameters
    ----------
    any_user
        Takes every well-formed id that has no account here for a follower.
    """

    def __init__(self, *, any_user: bool = False) -> None:
        self.any_user = any_user
        self.people: dict[str, User] = {}
        self.blocked: set[str] = set()
        self.rejected: set[str] = set()
        self._friends: dict[str, None] = {}
        self._languages: dict[str, str | None] = {}
        self._listeners: list[ChatListener] = []

    def add_user(
        self,
        name: str,
        language: str | None = "ja",
        *,
        user_id: str | None = None,
        picture_url: str | None = None,
        follows: bool = False,
    ) -> str:
        """Create a user and return the id; ``follows`` makes a friend without any webhook."""
        made = user_id or "U" + secrets.token_hex(16)
        self.people[made] = User(made, name, language, picture_url)
        if follows:
            self.set_standing(made, "friend")
        self.tell(made, "user", self.people[made].as_json())
        return made

    def add_friends(self, number: int, seed: int = 1) -> list[str]:
        """Make friends who never wrote, without any webhook or chat; return their ids.

        The same seed makes the same people. Some have told LINE no language.
        """
        dice = random.Random(f"friends {seed}")  # noqa: S311 - the same people every time
        made = [f"U{dice.getrandbits(128):032x}" for _ in range(number)]
        spoken = dice.choices(_LANGUAGES, _LANGUAGE_WEIGHTS, k=number)
        self._friends.update(dict.fromkeys(made))
        self._languages.update(zip(made, spoken, strict=True))
        return made

    def befriend(self, user_ids: list[str]) -> None:
        """Make friends of ids that need no account here, without any webhook."""
        self._friends.update(dict.fromkeys(user_ids))

    def language_of(self, user_id: str) -> str | None:
        """The language in the profile of a friend without an account here."""
        return self._languages.get(user_id, "ja")

    def get(self, user_id: str) -> User:
        """Return a user.

        Raises
        ------
        KeyError
            There is none with that id.
        """
        return self.people[user_id]

    def set_standing(self, user_id: str, standing: Standing) -> None:
        """Follow, block or forget, without any webhook."""
        user = self.people.get(user_id)
        if user is not None:
            user.standing = standing
        self.blocked.discard(user_id)
        self._friends.pop(user_id, None)
        if standing == "blocked":
            self.blocked.add(user_id)
        elif standing == "friend":
            self._friends[user_id] = None
        if user is not None:
            self.tell(user_id, "user", user.as_json())

    def block_silently(self, user_ids: list[str]) -> None:
        """Block for ids that need no account here, as for a crowd in a test."""
        for user_id in user_ids:
            self.set_standing(user_id, "blocked")

    def reject(self, user_id: str) -> None:
        """Have LINE refuse (400) every request that names this user."""
        self.rejected.add(user_id)

    def exists(self, user_id: str) -> bool:
        """Whether LINE knows such a user."""
        return self.any_user or user_id in self.people or user_id in self._friends

    def follows(self, user_id: str) -> bool:
        """Whether a message to the user arrives."""
        if user_id in self._friends:
            return True
        if not self.any_user or user_id in self.blocked:
            return False
        user = self.people.get(user_id)
        return user is None or user.standing == "friend"

    def followers(self) -> list[str]:
        """Ids of all followers with an account here, in the order they came."""
        return list(self._friends)

    def put(self, user_id: str, item: ChatItem) -> None:
        """Put something into a user's chat."""
        self.people[user_id].chat.append(item)
        self.tell(user_id, "item", item.as_json())

    def take_back(self, user_id: str, message_id: str) -> bool:
        """Remove a message the user takes back; whether it was there."""
        user = self.people[user_id]
        for index, item in enumerate(user.chat):
            if item.id == message_id and item.side == "user":
                del user.chat[index]
                self.tell(user_id, "removed", {"id": message_id})
                return True
        return False

    def listen(self, listener: ChatListener) -> Callable[[], None]:
        """Call ``listener(user_id, kind, data)`` on every change; returns how to stop it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, user_id: str, kind: str, data: dict[str, Any]) -> None:
        """Tell all listeners."""
        for listener in self._listeners:
            listener(user_id, kind, data)

    def clear(self) -> None:
        """Forget everybody."""
        self.people.clear()
        self.blocked.clear()
        self.rejected.clear()
        self._friends.clear()
        self._languages.clear()
        self.tell("", "reset", {})
