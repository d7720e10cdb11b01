"""The LINE conversation, the application that joins the rooms, and the command line.

In come webhook events and commands; out go replies to residents and a running service.
"""
