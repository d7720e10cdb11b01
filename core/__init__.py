"""What every room stands on: settings, the city's own data, the database, the clock, languages.

In comes the environment and the city's folder; out go typed values that the other rooms pass on.
This package imports from no other room.
"""
