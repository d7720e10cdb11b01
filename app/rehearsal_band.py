"""The band on every page of a rehearsal."""

from __future__ import annotations

from app.page_band import Band

REHEARSAL = Band(
    style="/static/rehearsal/rehearsal.css",
    title="【予行演習】",
    html=(
        '<p class="rehearsal-band" role="note" data-testid="rehearsal-band"><strong>'
        "予行演習 REHEARSAL</strong> <span>本物でも訓練配信でもありません。誰にも届きません。"
        '<span lang="en">Neither real nor a drill. It reaches nobody.</span></span></p>'
    ),
)
