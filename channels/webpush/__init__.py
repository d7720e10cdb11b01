"""Web push: notifications in residents' browsers, without an account.

In come a notice and the addresses that browsers gave us when somebody signed up. Out goes one
encrypted request a browser, to the push service of its maker (RFC 8030, 8291, 8292).
"""
