"""Delivery: the engine that sends by any medium, and a package for each medium.

A notice to be sent is rendered into variants by its medium, planned into batches with a retry key
each, and sent at the pace that the medium allows. The result is the record of who was sent what,
and when.
"""
