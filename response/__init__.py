"""The disaster as it runs.

Staff say which evacuation sites are open and what is in force; residents say that they are safe and
what they need. It gives the conversation, the public pages and the desk one answer to each.
"""
