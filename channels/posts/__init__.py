"""Posts by the city's other accounts: a notice in the length of each network, sent by Apprise.

In: a notice, and an account with its limit. Out: one text that is whole, and what the network's
answer means.
"""
