"""Shared by all packages: settings, database, clock, work queue, languages, audit trail.

It reads the environment and gives typed values to the other packages. It imports no other package.
"""
