"""The mail with which a case goes to another office, in Japanese."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path

from city.city import City, Owner
from core import mail
from core.clock import in_japan
from core.mail_settings import MAIL_ADDRESS, SmtpSettings
from reports.models import Forward, Report
from reports.photos import photo_path

MAP = "https://maps.gsi.go.jp/#18/{latitude:.6f}/{longitude:.6f}/&base=std&ls=std&disp=1&vs=c1j0"
"""地理院地図: https://maps.gsi.go.jp/help/howto.html"""
MOST_ATTACHED = 7_000_000
"""Bytes of pictures; many servers refuse mails above 10 MB, and base64 makes a third more."""


def subject_of(city: City, report: Report) -> str:
    """Return the subject of the mail."""
    kind, place = city.kind_name(report.category, "ja"), _district(city, report)
    return f"【{city.name['ja']} 通報 {report.number}】{kind} {place}".strip()


def text_of(
    city: City,
    owner: Owner,
    report: Report,
    *,
    words: str,
    pictures: int,
    reply_to: str,
    left_out: int = 0,
) -> str:
    """Return what the other office reads.

    Parameters
    ----------
    pictures
        How many go along.
    left_out
        How many were chosen and are too large for a mail.
    """
    facts = [
        ("番号", report.number),
        ("種類", city.kind_name(report.category, "ja")),
        ("受付", _moment(report.created_at)),
        ("場所", " ".join(filter(None, (_district(city, report), report.address, report.road)))),
    ]
    if report.latitude is not None and report.longitude is not None:
        facts.append(("緯度・経度", f"{report.latitude:.6f}, {report.longitude:.6f}"))
        where = MAP.format(latitude=report.latitude, longitude=report.longitude)
        facts.append(("地図", where))
    shown = f"{pictures} 枚（添付）" if pictures else "" if left_out else "なし"
    more = f"ほか {left_out} 枚（容量のため添付していません）" if left_out else ""
    facts.append(("写真", "、".join(filter(None, (shown, more)))))
    department = city.department(report.department)
    signed = [city.name["ja"]]
    if department is not None:
        signed.append(f"{department.names['ja']} {department.phone}".strip())
    answers = [f"このメールへの返信は {reply_to} に届きます。"] if reply_to else []
    return "\n".join(
        [
            f"{owner.names['ja']} 御中",
            "",
            "次の通報がありました。貴所の管理と思われるため、お送りします。",
            "",
            *(f"{name}：{value or '–'}" for name, value in facts),
            "",
            "内容：",
            words or "（なし）",
            "",
            *answers,
            "お問い合わせの際は、上の番号をお知らせください。",
            "",
            *signed,
        ]
    )


async def made(
    smtp: SmtpSettings,
    media_dir: Path,
    city: City,
    owner: Owner,
    report: Report,
    forward: Forward,
    photos: Sequence[str],
) -> EmailMessage:
    """Return the whole mail: the same in every attempt, with the same Message-ID.

    Parameters
    ----------
    photos
        Those of the forward's pictures that are still there.
    """
    pictures, left_out = await asyncio.to_thread(_pictures, media_dir, photos)
    reply_to = forward.reply_to if MAIL_ADDRESS.fullmatch(forward.reply_to) else ""
    text = text_of(
        city,
        owner,
        report,
        words=forward.words,
        pictures=len(pictures),
        reply_to=reply_to,
        left_out=left_out,
    )
    mailed = mail.message(
        smtp,
        to=forward.address,
        subject=subject_of(city, report),
        text=text,
        key=forward.key,
        now=forward.created_at,
    )
    # Somebody reads and answers it: it is no notice of a machine.
    del mailed["Auto-Submitted"], mailed["X-Auto-Response-Suppress"]
    if reply_to:
        mailed["Reply-To"] = reply_to
    for place, picture in enumerate(pictures, 1):
        name = f"{report.number}-{place}.jpg"
        mailed.add_attachment(picture, maintype="image", subtype="jpeg", filename=name)
    return mailed


def _pictures(media_dir: Path, wanted: Sequence[str]) -> tuple[list[bytes], int]:
    """Return the pictures that are still there, as many as a mail takes, and how many more."""
    found: list[bytes] = []
    left_out = 0
    for sha256 in wanted:
        path = photo_path(media_dir, sha256)
        if not path.is_file():
            continue
        content = path.read_bytes()
        if sum(map(len, found)) + len(content) <= MOST_ATTACHED:
            found.append(content)
        else:
            left_out += 1
    return found, left_out


def _district(city: City, report: Report) -> str:
    district = city.district_by_code.get(report.area or "")
    return district.names["ja"] if district else ""


def _moment(at: datetime) -> str:
    there = in_japan(at)
    return f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}"
