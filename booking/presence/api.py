"""Coming, leaving and staying away over HTTP: check-in, alternatives, badges, and what a machine asks of its people."""

from datetime import timedelta
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, model_validator

from booking.api import FreeView, ReservationView
from booking.presence import access, check_in, overrun, permits, release, take
from booking.presence import store as store_presence
from booking.presence.edit import change_rule
from booking.presence.interlock import Deny, Form, Interlock, OnLoss
from booking.presence.rules import PresenceRule
from booking.projection import seen
from coop import audit
from coop.api import Wanted
from coop.database import Connection
from coop.door import Entrance

router = APIRouter(tags=["presence"])

Minutes = Annotated[int, Field(ge=0, le=1440)]


class CheckInWanted(Wanted):
    code: str | None = Field(
        default=None, max_length=64, description="From the QR code at the machine; the office needs none."
    )


class TakeWanted(CheckInWanted):
    minutes: int = Field(default=60, ge=1, le=1440, description="For how long, as far as it is free.")


class LeavingWanted(Wanted):
    data_removed: bool | None = Field(default=None, description="One's data is off the machine's PC.")
    probe_back: bool | None = Field(default=None, description="The probe and all accessories are in their place.")


class CodeView(BaseModel):
    url: str = Field(description="What the QR code at the machine says.")
    code: str


class RuleWanted(Wanted):
    early_minutes: Minutes = Field(default=15, description="How long before the start people may come.")
    asks_after_minutes: Minutes = Field(default=10, description="When who did not come is asked.")
    releases_after_minutes: Minutes = Field(default=20, description="When their time is given back.")
    releases: bool = True

    @model_validator(mode="after")
    def asks_before_it_releases(self) -> Self:
        """Nobody is released without having been asked in time."""
        if self.releases_after_minutes <= self.asks_after_minutes:
            raise ValueError("people are asked before they are released")
        return self


class BadgeWanted(Wanted):
    person_id: UUID
    badge: str = Field(min_length=1, max_length=128, description="The badge's number; only a keyed hash is kept.")


class AlternativeView(FreeView):
    machine_id: str


class AccessWanted(Wanted):
    """How to get in. Said in one language only, it serves for both; empty, nothing is said any more."""

    note_ja: str = Field(default="", max_length=300, examples=["鍵は受付。暗証番号は当日お知らせします"])
    note_en: str = Field(default="", max_length=300, examples=["The key is at the reception"])


class AccessView(BaseModel):
    note_ja: str
    note_en: str


class InterlockWanted(Wanted):
    form: Form = Form.MOYAI
    target: str = Field(default="", max_length=128, pattern=r"^[^+#\s]*$", description="Topic prefix of the device.")
    on_network_loss: OnLoss = OnLoss.ENABLE
    needs_check_in: bool = Field(default=False, description="A reservation alone does not permit a start.")


class PermitView(BaseModel):
    machine_id: str
    enable: bool = Field(description="Whether a new start is permitted.")
    reason: Deny | None
    form: Form
    target: str
    on_network_loss: OnLoss
    needs_check_in: bool


@router.post("/machines/{machine_id}/check-in", response_model=ReservationView)
def come(machine_id: str, body: CheckInWanted, door: Entrance) -> Response:
    """Begin one's reservation, at the machine by its code; once more changes nothing. The office needs no code."""
    secret_key = door.request.app.state.settings.secret_key

    def begin(conn: Connection) -> ReservationView:
        begun = check_in.check_in(conn, door.viewer, machine_id, door.now, code=body.code, secret_key=secret_key)
        return ReservationView.of(seen(begun, door.viewer))

    return door.once(begin, asked=body)


@router.post("/machines/{machine_id}/take", response_model=ReservationView)
def take_now(machine_id: str, body: TakeWanted, door: Entrance) -> Response:
    """Reserve what is free now for oneself, and begin it with the code at the machine; once more changes nothing."""
    secret_key, length = door.request.app.state.settings.secret_key, timedelta(minutes=body.minutes)

    def begin(conn: Connection) -> ReservationView:
        taken = take.take(conn, door.viewer, machine_id, door.now, length=length, code=body.code, secret_key=secret_key)
        return ReservationView.of(seen(taken, door.viewer))

    return door.once(begin, asked=body)


@router.post("/reservations/{reservation_id}/check-out", response_model=ReservationView)
def leave(reservation_id: UUID, door: Entrance, body: LeavingWanted | None = None) -> Response:
    """End the use of a machine; what is left of the slot goes to who waits for it."""
    left = None if body is None else check_in.Left(body.data_removed, body.probe_back)

    def end(conn: Connection) -> ReservationView:
        done = check_in.check_out(conn, door.viewer, reservation_id, door.now, left=left)
        return ReservationView.of(seen(done, door.viewer))

    return door.once(end, asked=body)


@router.post("/reservations/{reservation_id}/coming", status_code=204)
def say_coming(reservation_id: UUID, door: Entrance) -> Response:
    """ "I am on my way": the slot is not released."""
    return door.once(lambda conn: release.coming(conn, door.viewer, reservation_id, door.now), status=204)


@router.get("/reservations/{reservation_id}/alternatives")
def list_alternatives(reservation_id: UUID, door: Entrance) -> list[AlternativeView]:
    """The next slots as long as this reservation, on its machine or another of its kind."""
    found = door.run(lambda conn: overrun.alternatives(conn, door.viewer, reservation_id, door.now))
    return [AlternativeView(machine_id=each, starts_at=slot.start, ends_at=slot.end) for each, slot in found]


@router.get("/machines/{machine_id}/check-in-code")
def get_code(machine_id: str, door: Entrance) -> CodeView:
    """What is printed as a QR code and hung up at the machine."""
    settings = door.request.app.state.settings
    code = door.run(lambda conn: check_in.code_of(conn, settings.secret_key, machine_id))
    return CodeView(url=f"{settings.public_url}/m/{machine_id}?code={code}", code=code)


@router.delete("/machines/{machine_id}/check-in-code", status_code=204)
def renew_code(machine_id: str, door: Entrance) -> Response:
    """Make the printed codes of a machine void; a new one is to be hung up."""

    def renew(conn: Connection) -> None:
        store_presence.renew_code(conn, machine_id)
        audit.record(conn, "machine.code_renewed", viewer=door.viewer, subject=f"machine:{machine_id}", now=door.now)

    door.run(renew)
    return Response(status_code=204)


@router.put("/machines/{machine_id}/presence-rule", status_code=204)
def set_rule(machine_id: str, body: RuleWanted, door: Entrance) -> Response:
    """Set when people may come, when who does not come is asked, and when their time is given back."""
    rule = PresenceRule(
        timedelta(minutes=body.early_minutes),
        timedelta(minutes=body.asks_after_minutes),
        timedelta(minutes=body.releases_after_minutes),
        body.releases,
    )

    door.run(lambda conn: change_rule(conn, door.viewer, machine_id, rule, door.now))
    return Response(status_code=204)


@router.get("/machines/{machine_id}/access")
def get_access(machine_id: str, door: Entrance) -> AccessView:
    """Where the key is and how to get in, as those are told who have a reservation."""
    found = door.run(lambda conn: access.access(conn, door.viewer, machine_id))
    return AccessView(note_ja=found.note_ja, note_en=found.note_en)


@router.put("/machines/{machine_id}/access", status_code=204)
def set_access(machine_id: str, body: AccessWanted, door: Entrance) -> Response:
    """Say where the key is and how to get in; told with each confirmation from now on."""
    said = access.Access(body.note_ja.strip(), body.note_en.strip())
    door.run(lambda conn: access.set_access(conn, door.viewer, machine_id, said, door.now))
    return Response(status_code=204)


@router.post("/badges", status_code=204)
def give_badge(body: BadgeWanted, door: Entrance) -> Response:
    """A badge is somebody's from now on."""
    hashed = check_in.badge_hash(door.request.app.state.settings.secret_key, body.badge)
    return door.once(
        lambda conn: check_in.give_badge(conn, door.viewer, hashed, body.person_id, door.now), asked=body, status=204
    )


@router.get("/machines/{machine_id}/permit")
def get_permit(machine_id: str, door: Entrance) -> PermitView:
    """Whether a machine may start now, and if not, why. 404 for a machine that starts without us."""
    interlock, permit = door.run(lambda conn: permits.permit(conn, machine_id, door.now))
    return PermitView(
        machine_id=machine_id,
        enable=permit.enable,
        reason=permit.reason,
        form=interlock.form,
        target=interlock.target,
        on_network_loss=interlock.on_network_loss,
        needs_check_in=interlock.needs_check_in,
    )


@router.put("/machines/{machine_id}/interlock", status_code=204)
def set_interlock(machine_id: str, body: InterlockWanted, door: Entrance) -> Response:
    """From now on a machine starts by our permission: only ever a new start is withheld, by a permissive input."""
    wanted = Interlock(machine_id, body.form, body.target, body.on_network_loss, body.needs_check_in)
    door.run(lambda conn: permits.set_interlock(conn, door.viewer, wanted, door.now))
    return Response(status_code=204)


@router.delete("/machines/{machine_id}/interlock", status_code=204)
def drop_interlock(machine_id: str, door: Entrance) -> Response:
    """From now on a machine starts without us."""
    door.run(lambda conn: permits.drop_interlock(conn, door.viewer, machine_id, door.now))
    return Response(status_code=204)
