"""Routine news of staff: written, approved where the city wants it, sent now, at a time, or in the
digest.

It takes what somebody wrote in the console or the shell, with a picture, links and whom it is for.
At its time it makes a notice and its deliveries, each once, or it says in a sentence why not.
"""
