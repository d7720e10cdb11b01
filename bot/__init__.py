"""The LINE conversation: webhook, inbox, understanding, dialogues, rich menus.

It turns webhook events into replies to residents.
"""
