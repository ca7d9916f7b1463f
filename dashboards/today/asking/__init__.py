"""What somebody types who wants a machine: 「明日2時間」, "tomorrow 2 hours", 「あさって 9時から 90分 CMM」.

Pure: the words, the moment and the names of the machines in; a wish out, or the words that were not understood.
"""

from dashboards.today.asking.read import Asked, Named, NotInThePast, read
from dashboards.today.asking.reading import NotRead

__all__ = ["Asked", "Named", "NotInThePast", "NotRead", "read"]
