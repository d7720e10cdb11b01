// The control API of the simulator, and the stream of changes.

const PREFIX = "/_simulator/";

async function call(method, path, body) {
  const answer = await fetch(PREFIX + path, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.message || `HTTP ${answer.status}`);
  return content;
}

export const state = () => call("GET", "state");
export const user = (id) => call("GET", `users/${id}`);
export const addUser = (name, language) => call("POST", "users", { name, language });
export const act = (id, what, wish = {}) => call("POST", `users/${id}/${what}`, wish);
export const ledger = (limit) => call("GET", `ledger?newest=1&limit=${limit}`);
export const summary = () => call("GET", "ledger/summary?brief=1");
export const stats = () => call("GET", "stats?seconds=1");
export const webhook = () => call("GET", "webhook");
export const setFaults = (spec) => call("PUT", "faults", { spec });
export const map = () => call("GET", "map");
export const contentUrl = (messageId) => `${PREFIX}contents/${messageId}`;
export const photoUrl = (name) => `${PREFIX}photos/${name}`;
export const menuImageUrl = (menuId) => `${PREFIX}richmenus/${menuId}/image`;

/** Send a file; `set` says which of several photos it is: `{ id, index, total }`. */
export async function upload(id, file, kind, set) {
  const query = new URLSearchParams({ kind, name: file.name });
  if (set) {
    query.set("set", set.id);
    query.set("index", set.index);
    query.set("total", set.total);
  }
  const answer = await fetch(`${PREFIX}users/${id}/media?${query}`, {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  });
  if (!answer.ok) throw new Error((await answer.json()).message);
}

/** Call `listener(kind, userId, data)` on every change; `again()` whenever a connection begins. */
export function listen(listener, again) {
  const source = new EventSource(`${PREFIX}stream`);
  for (const kind of ["user", "item", "removed", "richmenu", "loading", "reset"]) {
    source.addEventListener(kind, (event) => {
      const { userId, data } = JSON.parse(event.data);
      listener(kind, userId, data);
    });
  }
  source.addEventListener("ready", again);
  return () => source.close();
}
