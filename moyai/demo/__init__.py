"""The example cooperative, a month of its life, and the reports its machines would have sent.

`COOPERATIVE` is the data, `plan_month` decides what everybody booked and what truly happened, `simulate` turns that
into power readings, and `month_messages` into the MQTT messages of the month. Same seed, same bytes.
"""
