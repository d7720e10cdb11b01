"""Settings from the environment (``TODOKE_*``), read once and passed on."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import BadInput
from core.mail_settings import MAIL_ADDRESS, MailBoxSettings, SmtpSettings, mail_box, smtp
from core.relay_settings import RelaySettings, relay
from core.sign_in_settings import HeadSettings, ProviderSettings, provider, trail_head

LINE_API_URL = "https://api.line.me"
LINE_DATA_API_URL = "https://api-data.line.me"
GSI_TILES_URL = "https://cyberjapandata.gsi.go.jp/xyz/pale/{z}/{x}/{y}.png"
"""地理院タイル, 淡色地図: https://maps.gsi.go.jp/development/ichiran.html"""
_PACKAGES = Path(__file__).resolve().parents[1]
SAMPLE_CITY = next(
    filter(Path.is_dir, (_PACKAGES / "core" / "sample_city", _PACKAGES / "deploy" / "city")),
    Path("deploy/city"),
)
"""The sample city: a wheel carries it in ``core``, a checkout has it in ``deploy``."""
SECRET_KEY_LENGTH = 32
"""Characters below which a key is easily guessed."""
TOKEN_LENGTH = 16
_DATABASE = re.compile(r"sqlite(\+\w+)?:///(?!:memory:)[^?].*|postgresql(\+\w+)?://\S+")
_POSTS = re.compile(r"TODOKE_POSTS_[A-Z0-9_]+_URL")
THIS_MACHINE_PROXY = ("127.0.0.1",)
THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})

PUSH_SERVICES = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
)
"""The push services of Chrome, Firefox, Safari and Edge."""

TRANSLATORS: Mapping[str, tuple[str, ...]] = {
    "libretranslate": ("URL",),
    "deepl": ("KEY",),
    "textra": ("USER", "KEY", "SECRET"),
}
"""Machines that translate, and which ``TODOKE_TRANSLATOR_…`` each needs."""


@dataclass(frozen=True, kw_only=True)
class TranslatorSettings:
    """The machine that translates articles, and how it is reached.

    ``url`` is empty where the machine's own address is meant.
    """

    name: str
    url: str = ""
    user: str = ""
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class PushSettings:
    """The key for web push, and the push services that messages may go to.

    Parameters
    ----------
    private_key
        32 bytes in base64url (RFC 8292); ``channels.webpush.vapid`` reads it.
    subject
        ``mailto:`` or ``https:``: where a push service's people reach those who run this.
    services
        Host names, ``*.`` for all below one; or whole origins, which may be inside.
    """

    private_key: str = field(repr=False)
    subject: str
    services: tuple[str, ...] = PUSH_SERVICES


class BadSettings(BadInput):
    """Values of the environment are missing or wrong; ``faults`` has a sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that differs between two installations.

    Rates are requests per second per endpoint, as LINE limits them
    (https://developers.line.biz/en/reference/messaging-api/#rate-limits).
    """

    city: Path
    database_url: str = field(repr=False)
    media_dir: Path
    public_url: str
    line_channel_secret: str = field(repr=False)
    line_channel_access_token: str = field(repr=False)
    line_api_url: str = LINE_API_URL
    line_data_api_url: str = LINE_DATA_API_URL
    line_rate_multicast: int = 200
    line_rate_push: int = 2000
    secret_key: str = field(repr=False)
    secret_keys_old: tuple[str, ...] = field(default=(), repr=False)

    """Earlier keys; one-time codes may still be encrypted with them."""
    translator: TranslatorSettings | None = None
    """None: articles go out in Japanese under a heading in the resident's language."""
    smtp: SmtpSettings | None = None
    """None: no mail is sent."""
    mail_box: MailBoxSettings | None = None
    """None: nobody follows by an empty mail, and returned mail is not read."""
    push: PushSettings | None = None
    """None: nobody can follow by web push."""
    posts: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By variable (``TODOKE_POSTS_<NAME>_URL``): the address of an account of the city's in another
    network, with its secret. ``city.toml`` names the accounts."""
    tiles_url: str = GSI_TILES_URL
    """Where map tiles are fetched from if the city's folder has none; empty: nowhere."""
    speech_command: tuple[str, ...] = ()
    """The program that speaks texts, with its arguments; empty: nothing is spoken."""
    metrics_token: str = field(default="", repr=False)
    """Token of programs that read ``/metrics`` and the details of ``/readyz``; without it only
    programs on this machine may.
    """
    cap_key: Path | None = None
    """PEM file with the private key, and its certificate, that signs CAP messages; None: they are
    not signed.
    """
    trusted_proxies: tuple[str, ...] = THIS_MACHINE_PROXY
    """Addresses and networks whose ``X-Forwarded-For`` is believed."""
    internal_hosts: tuple[str, ...] = ()
    """``HOST:PORT`` in the city's own network that webhooks and forwarded reports may go to. All
    other private addresses are refused.
    """

    sandbox: bool = False
    """Whether this is a second LINE account for staff to try things with (``app.sandbox``)."""
    relay: RelaySettings | None = None
    """Another vendor's service on the same channel; None: no webhook is relayed."""
    provider: ProviderSettings | None = None
    """The city's OIDC provider; None: staff sign in with passwords and passkeys only."""
    trail_head: HeadSettings = field(default_factory=HeadSettings)
    websub_hub: str = ""
    """The WebSub hub that is told when the public feeds change; "": none."""
    plain_dir: Path | None = None
    """Where the pages of an emergency are written for a second web server; None: nowhere."""

    def is_trusted_proxy(self, address: str) -> bool:
        """Whether ``address`` is one whose ``X-Forwarded-For`` is believed."""
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(parsed in ip_network(proxy) for proxy in self.trusted_proxies)

    @property
    def all_secret_keys(self) -> tuple[str, ...]:
        """The secret of now and those before it, this one first."""
        return (self.secret_key, *self.secret_keys_old)

    @property
    def is_postgresql(self) -> bool:
        return self.database_url.startswith("postgresql")

    @classmethod
    def from_environment(
        cls, environment: Mapping[str, str] | None = None, *, sends: bool = True
    ) -> Settings:
        """Read ``TODOKE_*``.

        Parameters
        ----------
        sends
            False for a command that only writes to the database: the secrets may be missing, and
            are then empty.

        Raises
        ------
        BadSettings
            Values are missing or are not what they should be; the message names each variable.
        """
        env = os.environ if environment is None else environment
        faults: list[str] = []
        secret = None if sends else ""

        def read(value: Callable[..., Any], *about: object) -> Any:
            try:
                return value(env, *about)
            except BadInput as error:
                faults.append(str(error))

        made = cls(
            city=read(city_folder),
            database_url=read(database_url),
            media_dir=read(media_dir),
            public_url=read(public_url),
            line_channel_secret=read(_text, "LINE_CHANNEL_SECRET", secret),
            line_channel_access_token=read(_text, "LINE_CHANNEL_ACCESS_TOKEN", secret),
            line_api_url=read(_address, "LINE_API_URL", LINE_API_URL),
            line_data_api_url=read(_address, "LINE_DATA_API_URL", LINE_DATA_API_URL),
            line_rate_multicast=read(_rate, "LINE_RATE_MULTICAST", 200),
            line_rate_push=read(_rate, "LINE_RATE_PUSH", 2000),
            secret_key=read(_text, "SECRET_KEY", secret),
            secret_keys_old=read(secret_keys_old),
            translator=read(translator),
            tiles_url=read(tiles_url),
            smtp=read(smtp),
            mail_box=read(mail_box),
            push=read(push),
            posts=posts(env),
            speech_command=read(speech_command),
            metrics_token=env.get("TODOKE_METRICS_TOKEN", "").strip(),
            cap_key=read(cap_key),
            trusted_proxies=read(trusted_proxies),
            internal_hosts=read(internal_hosts),
            sandbox=read(_yes, "SANDBOX"),
            relay=read(relay),
            provider=read(provider),
            trail_head=read(trail_head),
            websub_hub=read(websub_hub),
            plain_dir=read(plain_dir),
        )
        if faults:
            raise BadSettings(faults)
        return made

    def doubts(self) -> list[str]:
        """Return settings that work but are hardly meant for a city, one sentence each."""
        found = []
        if len(self.secret_key) < SECRET_KEY_LENGTH:
            found.append(
                f"TODOKE_SECRET_KEY is shorter than {SECRET_KEY_LENGTH} characters; "
                "'openssl rand -hex 32' makes a good one."
            )
        public = urlsplit(self.public_url)
        if not self.metrics_token and public.hostname not in THIS_MACHINE:
            found.append(
                "TODOKE_METRICS_TOKEN is not set; only programs on this machine can read /metrics "
                "and the details of /readyz."
            )
        if self.metrics_token and len(self.metrics_token) < TOKEN_LENGTH:
            found.append(
                f"TODOKE_METRICS_TOKEN is shorter than {TOKEN_LENGTH} characters and easily "
                "guessed; 'openssl rand -hex 32' makes a good one."
            )
        if self.city == SAMPLE_CITY and public.hostname not in THIS_MACHINE:
            found.append(
                "TODOKE_CITY is not set, so this is the sample city; "
                "its districts and shelters are invented."
            )
        if public.scheme != "https" and public.hostname not in THIS_MACHINE:
            found.append(
                "TODOKE_PUBLIC_URL does not begin with https://; LINE shows no picture from there."
            )
        if self.smtp is not None and self.mail_box is None and public.hostname not in THIS_MACHINE:
            found.append(
                "TODOKE_MAIL_BOX_URL is not set; returned mail is not read, so addresses that no "
                "longer exist stay (docs/email.md)."
            )
        return found


def city_folder(environment: Mapping[str, str] | None = None) -> Path:
    """``TODOKE_CITY``, for commands that need only the city's folder."""
    env = os.environ if environment is None else environment
    return Path(_text(env, "CITY", str(SAMPLE_CITY)))


def database_url(environment: Mapping[str, str] | None = None) -> str:
    """``TODOKE_DATABASE_URL``, for commands that need only the database.

    Raises
    ------
    BadInput
        It is neither SQLite nor PostgreSQL.
    """
    env = os.environ if environment is None else environment
    url = _text(env, "DATABASE_URL", "sqlite:///var/todoke.sqlite3")
    if _DATABASE.fullmatch(url) is None:
        # Without the address itself, because it may contain a password.
        raise BadInput(
            "TODOKE_DATABASE_URL must be sqlite:///FILE or postgresql://…, "
            f"not {url.partition(':')[0]}:…"
        )
    return url


def media_dir(environment: Mapping[str, str] | None = None) -> Path:
    """``TODOKE_MEDIA_DIR``."""
    env = os.environ if environment is None else environment
    return Path(_text(env, "MEDIA_DIR", "var/media"))


def plain_dir(environment: Mapping[str, str] | None = None) -> Path | None:
    """``TODOKE_PLAIN_DIR``, if pages are written for a second web server.

    Raises
    ------
    BadInput
        It is not an absolute path. From another working directory it would be another place.
    """
    env = os.environ if environment is None else environment
    value = env.get("TODOKE_PLAIN_DIR", "").strip()
    if not value:
        return None
    if not Path(value).is_absolute():
        raise BadInput(f"TODOKE_PLAIN_DIR must be an absolute path, not {value!r}.")
    return Path(value)


@dataclass(frozen=True, kw_only=True)
class StateSettings:
    """Where the state is, for commands that need no LINE account: backup and restore."""

    database_url: str
    media_dir: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> StateSettings:
        """Read the two variables; raises as :meth:`Settings.from_environment`."""
        return cls(database_url=database_url(environment), media_dir=media_dir(environment))


def public_url(environment: Mapping[str, str] | None = None) -> str:
    """``TODOKE_PUBLIC_URL``, without a slash at its end."""
    env = os.environ if environment is None else environment
    return _address(env, "PUBLIC_URL", "http://127.0.0.1:8000")


def cap_key(environment: Mapping[str, str] | None = None) -> Path | None:
    """``TODOKE_CAP_KEY``: the file whose key signs CAP messages."""
    env = os.environ if environment is None else environment
    name = env.get("TODOKE_CAP_KEY", "").strip()
    return Path(name) if name else None


def secret_keys_old(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """``TODOKE_SECRET_KEY_OLD``: earlier keys with commas between them, the newest first."""
    env = os.environ if environment is None else environment
    value = env.get("TODOKE_SECRET_KEY_OLD", "").strip()
    # A key that has a comma in it can be named alone.
    found = (value, *(part.strip() for part in value.split(",")))
    return tuple(dict.fromkeys(part for part in found if part))


def translator(environment: Mapping[str, str] | None = None) -> TranslatorSettings | None:
    """``TODOKE_TRANSLATOR`` and its settings, for code that needs nothing else.

    Raises
    ------
    BadInput
        The translator is not one of ``TRANSLATORS``, or one of its settings is missing.
    """
    env = os.environ if environment is None else environment
    name = _text(env, "TRANSLATOR", " ").strip().lower()
    if not name:
        return None
    if name not in TRANSLATORS:
        known = ", ".join(TRANSLATORS)
        raise BadInput(f"TODOKE_TRANSLATOR is one of {known}, not {name!r}.")
    values = {
        part: env.get(f"TODOKE_TRANSLATOR_{part}", "").strip()
        for part in ("URL", "USER", "KEY", "SECRET")
    }
    missing = [part for part in TRANSLATORS[name] if not values[part]]
    if missing:
        needed = " and ".join(f"TODOKE_TRANSLATOR_{part}" for part in missing)
        raise BadInput(f"TODOKE_TRANSLATOR={name} needs {needed}.")
    return TranslatorSettings(
        name=name,
        url=_address(env, "TRANSLATOR_URL", "") if values["URL"] else "",
        user=values["USER"],
        key=values["KEY"],
        secret=values["SECRET"],
    )


def push(environment: Mapping[str, str] | None = None) -> PushSettings | None:
    """``TODOKE_VAPID_PRIVATE_KEY`` and ``TODOKE_PUSH_SERVICES``: web push.

    The subject is the address of ``TODOKE_MAIL_FROM``, else ``TODOKE_PUBLIC_URL``.

    Raises
    ------
    BadInput
        The key, or one of the services, is not what it should be. The message does not have the
        key.
    """
    env = os.environ if environment is None else environment
    key = env.get("TODOKE_VAPID_PRIVATE_KEY", "").strip().rstrip("=")
    if not key:
        return None
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}", key):
        raise BadInput(
            "TODOKE_VAPID_PRIVATE_KEY must be 32 bytes in base64url; 'todoke vapid-key' makes one."
        )
    services = []
    for part in _text(env, "PUSH_SERVICES", ",".join(PUSH_SERVICES)).split(","):
        if not (part := part.strip().lower().rstrip("/")):
            continue
        if not re.fullmatch(r"(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+|https?://[a-z0-9.:\[\]-]+", part):
            raise BadInput(
                "TODOKE_PUSH_SERVICES is host names with commas between them, such as "
                f"fcm.googleapis.com,*.push.apple.com; {part!r} is none."
            )
        services.append(part)
    address = parseaddr(env.get("TODOKE_MAIL_FROM", "").strip())[1]
    mail = f"mailto:{address}" if MAIL_ADDRESS.fullmatch(address) else ""
    return PushSettings(private_key=key, subject=mail or public_url(env), services=tuple(services))


def posts(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables ``TODOKE_POSTS_<NAME>_URL`` that are set."""
    env = os.environ if environment is None else environment
    found = {name: value.strip() for name, value in env.items() if _POSTS.fullmatch(name)}
    return {name: value for name, value in found.items() if value}


def tiles_url(environment: Mapping[str, str] | None = None) -> str:
    """``TODOKE_TILES_URL``: an address with ``{z}``, ``{x}`` and ``{y}``; "" for ``none``.

    Raises
    ------
    BadInput
        It is no such address.
    """
    env = os.environ if environment is None else environment
    value = _text(env, "TILES_URL", GSI_TILES_URL)
    if value == "none":
        return ""
    parts = urlsplit(value)
    whole = re.fullmatch(r"[^{}]*(\{[zxy]\}[^{}]*){3}", parts.path)
    if parts.scheme not in ("http", "https") or not parts.hostname or not whole:
        raise BadInput(
            "TODOKE_TILES_URL is an address with {z}, {x} and {y} in its path, or none; "
            f"not {value!r}."
        )
    return value


def speech_command(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """``TODOKE_SPEECH_COMMAND``: a program and its arguments, with quotes as in a shell.

    Raises
    ------
    BadInput
        A quote is not closed, or the program is not there.
    """
    env = os.environ if environment is None else environment
    value = env.get("TODOKE_SPEECH_COMMAND", "").strip()
    try:
        parts = tuple(shlex.split(value))
    except ValueError as error:
        raise BadInput(f"TODOKE_SPEECH_COMMAND cannot be read: {error}.") from error
    if parts and shutil.which(parts[0]) is None:
        raise BadInput(f"TODOKE_SPEECH_COMMAND: there is no program {parts[0]!r}.")
    return parts


def websub_hub(environment: Mapping[str, str] | None = None) -> str:
    """``TODOKE_WEBSUB_HUB``: the address of a hub as it is, also with a slash at its end; or "".

    Raises
    ------
    BadInput
        It is no address.
    """
    env = os.environ if environment is None else environment
    value = env.get("TODOKE_WEBSUB_HUB", "").strip()
    if value:
        _address({"TODOKE_WEBSUB_HUB": value}, "WEBSUB_HUB", "")
    return value


def trusted_proxies(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """``TODOKE_TRUSTED_PROXIES``: addresses and networks, separated by commas.

    Raises
    ------
    BadInput
        One of them is no address or network, or it contains all addresses: then anybody could
        pretend to be anybody.
    """
    env = os.environ if environment is None else environment
    found = []
    for part in _text(env, "TRUSTED_PROXIES", THIS_MACHINE_PROXY[0]).split(","):
        try:
            network = ip_network(part.strip())
        except ValueError as error:
            raise BadInput(
                "TODOKE_TRUSTED_PROXIES is addresses or networks with commas between them, such "
                f"as 127.0.0.1,10.0.0.0/24; {part.strip()!r} is none (a network has no bits set "
                "beyond its length)."
            ) from error
        if network.prefixlen == 0:
            raise BadInput("TODOKE_TRUSTED_PROXIES cannot be everybody.")
        found.append(part.strip())
    return tuple(found)


def internal_hosts(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """``TODOKE_INTERNAL_HOSTS``: ``HOST:PORT`` with commas between them.

    Raises
    ------
    BadInput
        One of them has no port, or is not a host.
    """
    env = os.environ if environment is None else environment
    found = []
    for part in env.get("TODOKE_INTERNAL_HOSTS", "").split(","):
        if not (part := part.strip().lower()):
            continue
        if not re.fullmatch(r"([a-z0-9.-]+|\[[0-9a-f:.]+\]):[1-9][0-9]{0,4}", part):
            raise BadInput(
                "TODOKE_INTERNAL_HOSTS is hosts with their ports and commas between them, such as "
                f"gis.city.local:443; {part!r} is none."
            )
        found.append(part)
    return tuple(found)


def reaches_line(environment: Mapping[str, str] | None = None) -> bool:
    """Whether messages go to LINE itself and not to a simulator."""
    env = os.environ if environment is None else environment
    has_token = bool(env.get("TODOKE_LINE_CHANNEL_ACCESS_TOKEN", "").strip())
    return has_token and _address(env, "LINE_API_URL", LINE_API_URL) == LINE_API_URL


def _text(env: Mapping[str, str], name: str, default: str | None = None) -> str:
    value = env.get(f"TODOKE_{name}", "").strip() or default
    if value is None:
        raise BadInput(f"TODOKE_{name} is not set.")
    return value


def _yes(env: Mapping[str, str], name: str) -> bool:
    value = env.get(f"TODOKE_{name}", "").strip().lower()
    if value not in ("", "yes", "no"):
        raise BadInput(f"TODOKE_{name} is yes or no, not {value!r}.")
    return value == "yes"


def _rate(env: Mapping[str, str], name: str, default: int) -> int:
    value = _text(env, name, str(default))
    if not (value.isascii() and value.isdecimal()) or int(value) < 1:
        raise BadInput(f"TODOKE_{name} must be a whole number above 0, not {value!r}.")
    return int(value)


def _address(env: Mapping[str, str], name: str, default: str) -> str:
    value = _text(env, name, default).rstrip("/")
    try:
        parts = urlsplit(value)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # an invalid port
        right = False
    if not right:
        raise BadInput(f"TODOKE_{name} must be an address that begins with https://: {value!r}.")
    return value
