"""How people and programs hear of reservations, over HTTP: my channel, my browsers, the office's webhooks."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from booking.messages import channels, webhooks
from booking.messages.confirmation import confirmation
from booking.messages.words import Channel
from coop import push
from coop import webhooks as signing
from coop.api import Wanted
from coop.database import Connection
from coop.door import Door, Entrance
from coop.keys import base64url
from coop.paging import Paged
from coop.settings import Settings

router = APIRouter(tags=["messages"])


class ChannelChoice(Wanted):
    channel: Channel = Field(
        description="`calendar`: look at my calendar and send me nothing but what needs an answer. "
        "`push` without a browser goes by mail."
    )


class ConfirmationView(BaseModel):
    """What a person needs to know; empty or null where nothing is known or asked."""

    site: str
    access: str = Field(description="Where the key is and how to get in; told while the reservation stands.")
    bring_by: datetime | None = Field(description="When the part must lie in the room.")
    helpers: list[str] = Field(description="Who operates, instructs or advises.")
    cancel_until: datetime
    at_most_yen: int | None = Field(description="The most it can cost, tax included.")


class PushKeys(Wanted):
    p256dh: str = Field(max_length=200, description="The browser's public key, base64url")
    auth: str = Field(max_length=100, description="The browser's secret, base64url")


class PushWanted(Wanted):
    """What `PushSubscription.toJSON()` gives."""

    endpoint: str = Field(max_length=2000, examples=["https://push.example/abc"])
    keys: PushKeys
    expirationTime: float | None = Field(default=None, description="Not used.")  # noqa: N815  # the browser's own word


class BrowserView(BaseModel):
    id: UUID
    endpoint: str
    created_at: datetime


class PushView(BaseModel):
    application_server_key: str = Field(description="For `pushManager.subscribe`, base64url")
    browsers: list[BrowserView]


class WebhookWanted(Wanted):
    url: str = Field(max_length=2000, examples=["https://factory.example/moyai"])


class WebhookView(BaseModel):
    id: UUID
    url: str
    created_at: datetime


class WebhookSecret(WebhookView):
    secret: str = Field(description="Checks signatures as in Standard Webhooks: `whsec_…`")


class DeliveryView(BaseModel):
    id: UUID
    event_id: UUID = Field(description="`webhook-id` of every attempt")
    type: str
    created_at: datetime
    attempts: int
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None


@router.get("/reservations/{reservation_id}/confirmation")
def get_confirmation(reservation_id: UUID, door: Entrance) -> ConfirmationView:
    """What is to be known of a reservation of one's own member, as its letter says it."""
    quote = door.request.app.state.quote
    found = door.run(lambda conn: confirmation(conn, door.viewer, reservation_id, quote))
    return ConfirmationView(
        site=found.site,
        access=found.access.note(door.viewer.locale),
        bring_by=found.bring_by,
        helpers=list(found.helpers),
        cancel_until=found.cancel_until,
        at_most_yen=found.at_most_yen,
    )


@router.get("/me/messages")
def get_channel(door: Entrance) -> ChannelChoice:
    """How I hear of my reservations."""
    return ChannelChoice(channel=door.run(lambda conn: channels.channel_of(conn, door.viewer)))


@router.put("/me/messages")
def choose_channel(body: ChannelChoice, door: Entrance) -> ChannelChoice:
    """Choose how I hear of my reservations."""
    door.run(lambda conn: channels.prefer(conn, door.viewer, body.channel))
    return body


@router.get("/me/push")
def get_push(door: Entrance) -> PushView:
    """My browsers that may be pushed to, and the key with which another one subscribes."""
    found = door.run(lambda conn: channels.browsers_of(conn, door.viewer))
    return PushView(
        application_server_key=base64url(push.point(push.sender_key(_settings(door).secret_key).public_key())),
        browsers=[BrowserView.model_validate(each, from_attributes=True) for each in found],
    )


@router.post("/me/push", response_model=BrowserView, status_code=201)
def subscribe(body: PushWanted, door: Entrance) -> Response:
    """Let this browser be pushed to."""

    def subscribed(conn: Connection) -> BrowserView:
        browser = channels.subscribe(
            conn,
            door.viewer,
            body.endpoint,
            p256dh=body.keys.p256dh,
            auth=body.keys.auth,
            private=_settings(door).private_targets,
            now=door.now,
        )
        return BrowserView.model_validate(browser, from_attributes=True)

    return door.once(subscribed, asked=body, status=201)


@router.delete("/me/push/{browser_id}", status_code=204)
def unsubscribe(browser_id: UUID, door: Entrance) -> Response:
    """Push to a browser of mine no more."""
    door.run(lambda conn: channels.unsubscribe(conn, door.viewer, browser_id, door.now))
    return Response(status_code=204)


@router.post("/webhooks", response_model=WebhookView, status_code=201)
def add_webhook(body: WebhookWanted, door: Entrance) -> Response:
    """Tell a program of every reservation from now on; the secret of its signatures is told at `Location`.

    Its address is public and https, and is not redirected.
    """

    def added(conn: Connection) -> WebhookView:
        private = _settings(door).private_targets
        webhook = webhooks.add_webhook(conn, door.viewer, body.url, private=private, now=door.now)
        return WebhookView.model_validate(webhook, from_attributes=True)

    return door.once(added, asked=body, status=201, headers=lambda hook: {"Location": f"/api/v1/webhooks/{hook.id}"})


@router.get("/webhooks")
def get_webhooks(door: Entrance) -> list[WebhookView]:
    """The programs that are told."""
    return [WebhookView.model_validate(each, from_attributes=True) for each in door.run(webhooks.webhooks_told)]


@router.get("/webhooks/{webhook_id}")
def get_webhook(webhook_id: UUID, door: Entrance) -> WebhookSecret:
    """A program that is told, with the secret of its signatures."""
    found = door.run(lambda conn: webhooks.webhook(conn, webhook_id))
    key = signing.signing_key(_settings(door).secret_key, str(found.id))
    return WebhookSecret(id=found.id, url=found.url, created_at=found.created_at, secret=signing.shown(key))


@router.delete("/webhooks/{webhook_id}", status_code=204)
def stop_webhook(webhook_id: UUID, door: Entrance) -> Response:
    """Tell a program no more."""
    door.run(lambda conn: webhooks.stop_webhook(conn, door.viewer, webhook_id, door.now))
    return Response(status_code=204)


@router.get("/webhooks/{webhook_id}/deliveries")
def get_deliveries(webhook_id: UUID, door: Entrance, paging: Paged) -> list[DeliveryView]:
    """What a program was told, newest first, with what became of it."""
    part = paging.slice(datetime, UUID)
    found = door.run(lambda conn: webhooks.deliveries(conn, webhook_id, part))
    page = paging.page(found, lambda last: (last.created_at, last.id))
    return [DeliveryView.model_validate(each, from_attributes=True) for each in page]


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", response_model=DeliveryView)
def resend(webhook_id: UUID, delivery_id: UUID, door: Entrance) -> Response:
    """Send an event once more: the same bytes with the same `webhook-id`, and again until it is taken."""
    return door.once(
        lambda conn: DeliveryView.model_validate(
            webhooks.resend(conn, door.viewer, webhook_id, delivery_id, door.now), from_attributes=True
        )
    )


@router.post("/webhooks/{webhook_id}/ping", response_model=DeliveryView, status_code=201)
def ping(webhook_id: UUID, door: Entrance) -> Response:
    """Send a signed event of type `ping` that tells nothing; what became of it is in the log."""
    return door.once(
        lambda conn: DeliveryView.model_validate(
            webhooks.ping(conn, door.viewer, webhook_id, door.now), from_attributes=True
        ),
        status=201,
    )


def _settings(door: Door) -> Settings:
    settings: Settings = door.request.app.state.settings
    return settings
