"""Residents with their topics, areas and languages; audiences.

It stores the choices that residents make in the conversation. For a notice it gives the audience:
the ids of the residents whom it concerns, with what is needed to choose each one's variant.
"""
