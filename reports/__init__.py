"""What is broken: photo reports, their review, their answers.

In come a photo, a place and a kind from the conversation; out go a numbered report for the
department that mends it and, when staff answer, words for the resident in their language.
"""
