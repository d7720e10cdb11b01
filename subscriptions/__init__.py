"""Who wants what: residents, their topics, areas and languages; audiences.

In come a resident's choices from the conversation; out goes, for a notice, the audience:
the ids of the residents it concerns with what is needed to choose each one's variant.
"""
