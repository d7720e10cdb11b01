"""A city's folder, read and checked: rules, districts, shelters, collection days, questions.

It reads a city's files (``city.toml``, GeoJSON, CSV, Markdown) and gives typed values to the other
packages, and every fault with its file and line.
"""
