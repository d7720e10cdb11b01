"""The part of LINE's API that is about rich menus."""

from __future__ import annotations

from simulator.line import messages as shapes
from simulator.line.answers import Answer, LineError, Request, answer_json, read_json
from simulator.line.recipients import USER_ID
from simulator.line.richmenus import StoredRichMenus
from simulator.line.routes import Names, Route, Router
from simulator.line.users import Users


class MenuApi:
    """Answers for everything under ``/v2/bot/richmenu`` and a user's menu."""

    def __init__(self, rich_menus: StoredRichMenus, users: Users) -> None:
        self._menus = rich_menus
        self._users = users
        # Ids that have no account here may be linked too.
        self._linked: dict[str, str] = {}

    def add_to(self, router: Router) -> None:
        """Add all endpoints."""
        menu, alias = "/v2/bot/richmenu", "/v2/bot/richmenu/alias"
        user, everybody = "/v2/bot/user/{user_id}/richmenu", "/v2/bot/user/all/richmenu"
        for method, path, name, handler in (
            ("POST", menu, "richmenu-create", self._create),
            ("POST", f"{menu}/validate", "richmenu-validate", self._validate),
            ("GET", f"{menu}/list", "richmenu-list", self._list),
            ("POST", f"{menu}/bulk/link", "richmenu-bulk-link", self._bulk_link),
            ("POST", f"{menu}/bulk/unlink", "richmenu-bulk-unlink", self._bulk_unlink),
            ("POST", f"{menu}/batch", "richmenu-batch", self._batch),
            ("POST", alias, "richmenu-alias-create", self._create_alias),
            ("GET", f"{alias}/list", "richmenu-alias-list", self._list_aliases),
            ("GET", f"{alias}/{{alias}}", "richmenu-alias", self._get_alias),
            ("POST", f"{alias}/{{alias}}", "richmenu-alias-update", self._update_alias),
            ("DELETE", f"{alias}/{{alias}}", "richmenu-alias-delete", self._delete_alias),
            ("GET", f"{menu}/{{menu_id}}", "richmenu", self._get),
            ("DELETE", f"{menu}/{{menu_id}}", "richmenu-delete", self._delete),
            ("GET", f"{menu}/{{menu_id}}/content", "richmenu-image", self._get_picture),
            ("POST", f"{menu}/{{menu_id}}/content", "richmenu-image-set", self._put_picture),
            ("GET", everybody, "richmenu-default", self._get_default),
            ("DELETE", everybody, "richmenu-default-clear", self._clear_default),
            ("POST", f"{everybody}/{{menu_id}}", "richmenu-default-set", self._set_default),
            ("GET", user, "richmenu-of-user", self._of_user),
            ("DELETE", user, "richmenu-unlink", self._unlink),
            ("POST", f"{user}/{{menu_id}}", "richmenu-link", self._link),
        ):
            with_body = handler in (
                self._create,
                self._validate,
                self._bulk_link,
                self._bulk_unlink,
                self._batch,
                self._create_alias,
                self._update_alias,
            )
            router.add(method, path, Route(name, handler, takes_json=with_body))

    def clear(self) -> None:
        """Forget who is linked."""
        self._linked.clear()

    def _create(self, request: Request, _names: Names) -> Answer:
        content = read_json(request.body, shapes.RICH_MENU_REQUEST)
        return answer_json({"richMenuId": self._menus.create(content)})

    def _validate(self, request: Request, _names: Names) -> Answer:
        self._menus.validate(read_json(request.body, shapes.RICH_MENU_REQUEST))
        return Answer()

    def _list(self, _request: Request, _names: Names) -> Answer:
        return answer_json({"richmenus": [menu.as_json() for menu in self._menus.menus.values()]})

    def _get(self, _request: Request, names: Names) -> Answer:
        return answer_json(self._menus.get(names["menu_id"]).as_json())

    def _delete(self, _request: Request, names: Names) -> Answer:
        self._menus.delete(names["menu_id"])
        self._changed()
        return Answer()

    def _get_picture(self, _request: Request, names: Names) -> Answer:
        menu = self._menus.get(names["menu_id"])
        if menu.picture is None:
            raise LineError(404, "Not found")
        return Answer(200, menu.picture, menu.picture_type)

    def _put_picture(self, request: Request, names: Names) -> Answer:
        content_type = request.headers.get("content-type", "").split(";")[0].strip()
        self._menus.put_picture(names["menu_id"], request.body, content_type)
        self._changed()
        return Answer()

    def _get_default(self, _request: Request, _names: Names) -> Answer:
        if self._menus.default_id is None:
            raise LineError(404, "no default richmenu")
        return answer_json({"richMenuId": self._menus.default_id})

    def _set_default(self, _request: Request, names: Names) -> Answer:
        self._menus.default_id = self._menus.with_picture(names["menu_id"]).rich_menu_id
        self._changed()
        return Answer()

    def _clear_default(self, _request: Request, _names: Names) -> Answer:
        self._menus.default_id = None
        self._changed()
        return Answer()

    def _create_alias(self, request: Request, _names: Names) -> Answer:
        content = read_json(request.body, shapes.ALIAS_REQUEST)
        self._menus.create_alias(content["richMenuAliasId"], content["richMenuId"])
        return Answer()

    def _list_aliases(self, _request: Request, _names: Names) -> Answer:
        return answer_json(
            {
                "aliases": [
                    {"richMenuAliasId": alias, "richMenuId": menu_id}
                    for alias, menu_id in self._menus.aliases.items()
                ]
            }
        )

    def _get_alias(self, _request: Request, names: Names) -> Answer:
        alias = names["alias"]
        return answer_json({"richMenuAliasId": alias, "richMenuId": self._menus.alias(alias)})

    def _update_alias(self, request: Request, names: Names) -> Answer:
        content = read_json(request.body, shapes.ALIAS_UPDATE_REQUEST)
        self._menus.update_alias(names["alias"], content["richMenuId"])
        self._changed()
        return Answer()

    def _delete_alias(self, _request: Request, names: Names) -> Answer:
        self._menus.delete_alias(names["alias"])
        return Answer()

    def _of_user(self, _request: Request, names: Names) -> Answer:
        linked = self.linked_to(names["user_id"])
        if linked is None:
            raise LineError(404, "the user has no richmenu")
        return answer_json({"richMenuId": linked})

    def _link(self, _request: Request, names: Names) -> Answer:
        menu = self._menus.with_picture(names["menu_id"])
        self._set_linked(self._known(names["user_id"]), menu.rich_menu_id)
        return Answer()

    def _unlink(self, _request: Request, names: Names) -> Answer:
        self._set_linked(self._known(names["user_id"]), None)
        return Answer()

    def _bulk_link(self, request: Request, _names: Names) -> Answer:
        content = read_json(request.body, shapes.BULK_LINK_REQUEST)
        menu = self._menus.with_picture(content["richMenuId"])
        for user_id in content["userIds"]:
            self._set_linked(self._known(user_id), menu.rich_menu_id)
        return Answer(202)

    def _bulk_unlink(self, request: Request, _names: Names) -> Answer:
        for user_id in read_json(request.body, shapes.BULK_UNLINK_REQUEST)["userIds"]:
            self._set_linked(self._known(user_id), None)
        return Answer(202)

    def _batch(self, request: Request, _names: Names) -> Answer:
        """Do at once what LINE does some time after its 202."""
        operations = read_json(request.body, shapes.BATCH_REQUEST)["operations"]
        targets = {
            operation.get("from"): self._menus.with_picture(operation["to"]).rich_menu_id
            for operation in operations
            if operation["type"] == "link"
        }
        ends = {operation.get("from") for operation in operations if operation["type"] == "unlink"}
        everybody = any(operation["type"] == "unlinkAll" for operation in operations)
        for user_id in (*self._users.people, *self._linked):
            linked = self.linked_to(user_id)
            if linked in targets:
                self._set_linked(user_id, targets[linked])
            elif everybody or linked in ends:
                self._set_linked(user_id, None)
        return Answer(202)

    def linked_to(self, user_id: str) -> str | None:
        """The menu linked to a user, without the default menu."""
        user = self._users.people.get(user_id)
        linked = user.rich_menu_id if user is not None else self._linked.get(user_id)
        return linked if linked in self._menus.menus else None

    def _known(self, user_id: str) -> str:
        if USER_ID.fullmatch(user_id) is None or not self._users.exists(user_id):
            raise LineError(400, "The value for the 'userId' parameter is invalid")
        return user_id

    def _set_linked(self, user_id: str, menu_id: str | None) -> None:
        user = self._users.people.get(user_id)
        if user is not None:
            user.rich_menu_id = menu_id
            self._users.tell(user_id, "richmenu", {})
        elif menu_id is None:
            self._linked.pop(user_id, None)
        else:
            self._linked[user_id] = menu_id

    def _changed(self) -> None:
        self._users.tell("", "richmenu", {})
