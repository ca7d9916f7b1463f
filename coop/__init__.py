"""The ground that every room stands on.

Promises: settings are read once; one connection is one transaction opened by a door; migrations go forward only and
are safe when two processes start at once; a time interval is half-open and aware; yen are whole and parts sum to the
whole; an error is a code with parameters that every door can say in Japanese and English; whoever acts is a
`Viewer`, and what they did is on the audit trail of the same transaction.

Modules are imported by their own name (`from coop.interval import Interval`); nothing is re-exported here, so that
importing the ground opens no database and reads no environment.
"""
