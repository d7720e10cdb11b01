"""How it goes out: rendering, the outbox, rate limits, LINE, e-mail, web push, public feeds.

In comes a notice that policy decided to send; it is rendered into variants, planned into
batches with a retry key each and sent at the speed LINE allows. Out goes the record of who
was sent what, and when.
"""
