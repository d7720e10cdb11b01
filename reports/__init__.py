"""Photo reports of damage, their review and their answers.

From a photo, a place and a kind it makes a numbered report for the responsible department. When
staff answer, it gives the words for the resident in their language.
"""
