"""`main.py doctor`: checks every prerequisite of a start. Changes nothing, prints no secrets.

The packages are checked first (`packages`), by what needs none of them.
"""
