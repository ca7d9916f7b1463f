"""How readings are kept: in chunks, in columns, in hours and days, in files, and for how long.

Promises: nothing of a month is dropped before the month is closed; what was dropped stays in the hours and days, and is
never derived anew.
"""
