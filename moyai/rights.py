"""Who may call which route: the one table. A route that is not here does not start, and a test walks every row.

A role here opens the door; what of it the viewer may see is decided by the projections behind it.
"""

from coop.identity import Role
from coop.rights import ANYONE, SIGNED_IN, Table

OFFICE = frozenset({Role.OFFICE})
OFFICE_AND_OPERATOR = frozenset({Role.OFFICE, Role.OPERATOR})
BOOKS = frozenset({Role.ENGINEER, Role.MEMBER_MANAGER, Role.OPERATOR, Role.OFFICE})
REVIEWS = frozenset({Role.OFFICE, Role.DIRECTOR, Role.AUDITOR})
PAYS = REVIEWS | {Role.ENGINEER, Role.MEMBER_MANAGER}

RIGHTS: Table = {
    # the roof
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
    ("GET", "/api/v1/openapi.json"): ANYONE,
    # coop
    ("POST", "/api/v1/session"): ANYONE,
    ("DELETE", "/api/v1/session"): ANYONE,
    ("GET", "/api/v1/me"): SIGNED_IN,
    ("GET", "/api/v1/tokens"): SIGNED_IN,
    ("POST", "/api/v1/tokens"): SIGNED_IN,
    ("DELETE", "/api/v1/tokens/{token_id}"): SIGNED_IN,
    ("GET", "/api/v1/members"): SIGNED_IN,
    ("GET", "/api/v1/members/{member_id}"): SIGNED_IN,
    ("GET", "/api/v1/machines"): SIGNED_IN,
    ("GET", "/api/v1/machines/{machine_id}"): SIGNED_IN,
    # booking
    ("POST", "/api/v1/reservations"): BOOKS,
    ("GET", "/api/v1/reservations"): SIGNED_IN,
    ("GET", "/api/v1/reservations/{reservation_id}"): SIGNED_IN,
    ("PATCH", "/api/v1/reservations/{reservation_id}"): BOOKS,
    ("DELETE", "/api/v1/reservations/{reservation_id}"): BOOKS,
    ("GET", "/api/v1/machines/{machine_id}/free"): SIGNED_IN,
    ("POST", "/api/v1/series/preview"): BOOKS,
    ("POST", "/api/v1/series"): BOOKS,
    ("GET", "/api/v1/series/{series_id}"): SIGNED_IN,
    ("GET", "/api/v1/reservations/{reservation_id}/series"): SIGNED_IN,
    ("POST", "/api/v1/reservations/{reservation_id}/series/preview"): BOOKS,
    ("PATCH", "/api/v1/reservations/{reservation_id}/series"): BOOKS,
    ("DELETE", "/api/v1/reservations/{reservation_id}/series"): BOOKS,
    ("POST", "/api/v1/feeds"): SIGNED_IN,
    ("GET", "/api/v1/feeds"): SIGNED_IN,
    ("DELETE", "/api/v1/feeds/{feed_id}"): SIGNED_IN,
    ("GET", "/feeds/{secret}.ics"): ANYONE,  # who has the secret address reads with its person's rights
    ("GET", "/api/v1/machines/{machine_id}/freebusy.ics"): SIGNED_IN,
    ("GET", "/api/v1/me/messages"): SIGNED_IN,
    ("PUT", "/api/v1/me/messages"): SIGNED_IN,
    ("GET", "/api/v1/me/push"): SIGNED_IN,
    ("POST", "/api/v1/me/push"): SIGNED_IN,
    ("DELETE", "/api/v1/me/push/{browser_id}"): SIGNED_IN,
    ("GET", "/api/v1/webhooks"): OFFICE,
    ("POST", "/api/v1/webhooks"): OFFICE,
    ("DELETE", "/api/v1/webhooks/{webhook_id}"): OFFICE,
    ("GET", "/api/v1/webhooks/{webhook_id}/deliveries"): OFFICE,
    # telemetry
    ("GET", "/api/v1/machines/{machine_id}/states"): SIGNED_IN,
    ("GET", "/api/v1/usage"): SIGNED_IN,
    ("POST", "/api/v1/usage/{usage_id}/decision"): OFFICE_AND_OPERATOR,
    ("GET", "/api/v1/findings"): OFFICE_AND_OPERATOR,
    ("GET", "/api/v1/devices"): SIGNED_IN,
    # billing
    ("GET", "/api/v1/periods"): REVIEWS,
    ("GET", "/api/v1/periods/{month}"): REVIEWS,
    ("POST", "/api/v1/periods/{month}/draft"): OFFICE,
    ("POST", "/api/v1/periods/{month}/close"): OFFICE,
    ("GET", "/api/v1/periods/{month}/verify"): REVIEWS,
    ("GET", "/api/v1/statements"): PAYS,
    ("GET", "/api/v1/statements/{statement_id}"): PAYS,
    ("GET", "/api/v1/statements/{statement_id}/lines/{n}/explain"): PAYS,
    ("GET", "/api/v1/tariffs"): SIGNED_IN,
    ("POST", "/api/v1/tariffs"): OFFICE,
    ("POST", "/api/v1/costs"): OFFICE,
    # dashboards
    ("GET", "/"): SIGNED_IN,
    ("GET", "/today/cards"): SIGNED_IN,
    ("GET", "/today/cards/{machine_id}"): SIGNED_IN,
    ("GET", "/events"): SIGNED_IN,
    ("GET", "/machines/{machine_id}/reserve"): BOOKS,
    ("POST", "/machines/{machine_id}/reserve"): BOOKS,
    ("GET", "/reservations"): SIGNED_IN,
    ("POST", "/reservations/{reservation_id}/cancel"): BOOKS,
    ("GET", "/utilisation"): SIGNED_IN,
    ("GET", "/utilisation.{form}"): SIGNED_IN,
    ("GET", "/me"): SIGNED_IN,
    ("GET", "/sign-in"): ANYONE,
    ("POST", "/sign-in"): ANYONE,
    ("POST", "/sign-out"): ANYONE,
    ("GET", "/language/{locale}"): ANYONE,
    ("GET", "/design"): ANYONE,
}
