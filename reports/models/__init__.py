"""Tables of the reports, their photos, and the work on them."""

from reports.models.api_key import LONGEST_KEY_NAME, ApiKey
from reports.models.danger import Danger, Triage
from reports.models.exchange import (
    LONGEST_ADDRESS,
    LONGEST_WEBHOOK_NAME,
    Forward,
    ForwardWay,
    PhotoAddress,
    Sending,
    Webhook,
    WebhookMessage,
)
from reports.models.kind import KINDS_IN_FORCE, KINDS_PROPOSED, KindVersion
from reports.models.report import (
    AT_ONCE,
    IS_OPEN,
    NORMAL,
    ROAD_CLASSES,
    SOON,
    WHEN_THERE_IS_TIME,
    Addition,
    CameBy,
    Follower,
    Photo,
    PhotoRole,
    RepairWatch,
    Report,
    ReportCounter,
    ReportUpdate,
)
from reports.models.saved_filter import LONGEST_FILTER, LONGEST_FILTER_NAME, SavedFilter
from reports.models.search import SEARCH_POSTGRESQL, SEARCH_SQLITE
from reports.models.team import MorningMail, Team, TeamAccount, TeamKind

__all__ = [
    "AT_ONCE",
    "IS_OPEN",
    "KINDS_IN_FORCE",
    "KINDS_PROPOSED",
    "LONGEST_ADDRESS",
    "LONGEST_FILTER",
    "LONGEST_FILTER_NAME",
    "LONGEST_KEY_NAME",
    "LONGEST_WEBHOOK_NAME",
    "NORMAL",
    "ROAD_CLASSES",
    "SEARCH_POSTGRESQL",
    "SEARCH_SQLITE",
    "SOON",
    "WHEN_THERE_IS_TIME",
    "Addition",
    "ApiKey",
    "CameBy",
    "Danger",
    "Follower",
    "Forward",
    "ForwardWay",
    "KindVersion",
    "MorningMail",
    "Photo",
    "PhotoAddress",
    "PhotoRole",
    "RepairWatch",
    "Report",
    "ReportCounter",
    "ReportUpdate",
    "SavedFilter",
    "Sending",
    "Team",
    "TeamAccount",
    "TeamKind",
    "Triage",
    "Webhook",
    "WebhookMessage",
]
