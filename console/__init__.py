"""The staff's web pages: compose, preview, confirm, send and follow an alert; review reports.

In come decisions of people who signed in; out go notices with a person's name on them and
answers to residents. Every act leaves an audit entry.
"""
