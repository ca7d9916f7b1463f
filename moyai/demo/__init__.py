"""The example cooperative, a month of its life, and the reports its machines would have sent.

`EXAMPLE` is the data, `plan_month` decides what everybody booked and what truly happened, `simulate` turns that
into power readings, and `month_messages` into the MQTT messages of the month. Same seed, same bytes.
"""

from moyai.demo.cooperative import EXAMPLE
from moyai.demo.model import Example, Factory, Person, SharedMachine
from moyai.demo.plan import MonthPlan, PlannedUse, Story, plan_month
from moyai.demo.simulator import Trace, messages, month_messages, simulate

__all__ = [
    "EXAMPLE",
    "Example",
    "Factory",
    "MonthPlan",
    "Person",
    "PlannedUse",
    "SharedMachine",
    "Story",
    "Trace",
    "messages",
    "month_messages",
    "plan_month",
    "simulate",
]
