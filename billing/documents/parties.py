"""Who issues and who receives: what documents say of the cooperative and of a member."""

from datetime import datetime

from billing.documents import store
from billing.documents.model import Issuer, Recipient
from coop import audit
from coop.database import Connection
from coop.errors import NotFound
from coop.identity import Role, Viewer


def issuer(conn: Connection, viewer: Viewer) -> Issuer:
    """What documents say of the cooperative."""
    viewer.require(Role.OFFICE, Role.DIRECTOR, Role.AUDITOR)
    return store.issuer(conn)


def set_issuer(conn: Connection, viewer: Viewer, said: Issuer, now: datetime) -> Issuer:
    """Let documents say this of the cooperative from now on; what was sent stays as it is."""
    viewer.require(Role.OFFICE)
    store.add_issuer(conn, said, now)
    audit.record(conn, "issuer.changed", viewer=viewer, subject="issuer", now=now)
    return store.issuer(conn)


def recipient(conn: Connection, viewer: Viewer, member_id: str) -> Recipient:
    """What documents say of a member; raises `NotFound` for one that is not the viewer's."""
    if not viewer.sees_money_of(member_id):
        raise NotFound()
    return store.recipient(conn, member_id)


def set_recipient(conn: Connection, viewer: Viewer, said: Recipient, now: datetime) -> Recipient:
    """Let documents say this of a member from now on: by the office, or by the member's own manager.

    Raises `NotFound`.
    """
    if not viewer.has(Role.OFFICE) and viewer.member_id != said.member_id:
        raise NotFound()
    viewer.require(Role.OFFICE, Role.MEMBER_MANAGER)
    store.recipient(conn, said.member_id)
    store.add_recipient(conn, said, now)
    audit.record(conn, "recipient.changed", viewer=viewer, subject=f"member:{said.member_id}", now=now)
    return store.recipient(conn, said.member_id)
