"""The figures of the service, day by day: kept, summed, hidden where small, drawn, exported.

In comes what the daily count (``app.figures``) found; it holds no persons. Out go the page of
figures, the printable month and the CSV. Pages read these rows alone.
"""
