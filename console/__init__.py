"""The staff's web pages: write, check, confirm, send and follow an alert; review reports.

A page reads a form of a signed-in person and calls the package that decides (``alerts``,
``reports``). It shows the result, or why there is none, in the reader's language.
"""
