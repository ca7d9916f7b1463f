"""The sweeps over devices, and the mail to the office about what did not come right by itself."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from procrastinate import App, JobContext

from booking.messages.sending import Backoff
from coop import mail
from coop.database import Connection, Pool, run
from coop.errors import MoyaiError
from coop.messages import translate
from coop.queries import load
from coop.register import NotFounded, cooperative
from coop.settings import Settings
from telemetry.devices.accounts import broker_of, forget_ended
from telemetry.devices.alerts import MAIL, watch_devices, watch_signals
from telemetry.devices.listing import Alert

log = logging.getLogger("telemetry.devices")

SQL = load("telemetry.devices")
PAGE = "/devices"


def register(app: App) -> None:
    """Add the sweeps and the mail to the tasks of `app`."""

    @app.periodic(cron="* * * * *")
    @app.task(name="telemetry.watch_devices", queueing_lock="telemetry.watch_devices", pass_context=True)
    def sweep_devices(context: JobContext, timestamp: int) -> None:
        """Who is silent or rejected, and accounts whose time is over."""
        del timestamp
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        sweep(pool, settings, datetime.now(UTC))

    @app.periodic(cron="10 19 * * *")
    @app.task(name="telemetry.watch_signals", queueing_lock="telemetry.watch_signals", pass_context=True)
    def sweep_signals(context: JobContext, timestamp: int) -> None:
        """The character of each machine's signal."""
        del timestamp
        _once_founded(context.additional_context["pool"], lambda conn: watch_signals(conn, datetime.now(UTC)))

    @app.task(name=MAIL, pass_context=True, retry=Backoff())
    def mail_alerts(context: JobContext, person_id: str, alerts: list[int]) -> None:
        """Tell one person of the office."""
        pool, settings = context.additional_context["pool"], context.additional_context["settings"]
        send_mail(pool, settings, UUID(person_id), alerts, datetime.now(UTC))


def sweep(pool: Pool, settings: Settings, now: datetime) -> None:
    """All that is due about devices by `now`; safe to run twice."""
    run(pool, lambda conn: watch_devices(conn, now))
    if settings.mqtt_admin_url:
        try:
            run(pool, lambda conn: forget_ended(conn, broker_of(settings), now))
        except MoyaiError as away:  # the broker is looked for again at the next sweep
            log.warning("accounts.waits code=%s", away.code)


def send_mail(pool: Pool, settings: Settings, person_id: UUID, alert_ids: list[int], now: datetime) -> None:
    """One mail about those of the alerts that are still open; raises `MailServerAway` to be tried again."""
    if not settings.smtp_url:
        return
    letter = run(pool, lambda conn: _letter(conn, settings, person_id, alert_ids))
    if letter is None:
        return
    try:
        mail.send(settings.smtp_url, mail.compose(letter, now))
    except mail.AddressRefused:
        log.warning("mail.refused person=%s", person_id)


def sentence(alert: Alert, locale: str, zone: ZoneInfo) -> str:
    """What an alert says, in one sentence; the page of devices says the same."""
    detail = dict(alert.detail)
    if "last_at" in detail:
        detail["last_at"] = f"{datetime.fromisoformat(detail['last_at']).astimezone(zone):%m/%d %H:%M}"
    for name in ("before_watts", "recent_watts"):
        if name in detail:
            detail[name] = f"{detail[name]:.0f}"
    if "booked_seconds" in detail:
        detail["hours"] = f"{detail.pop('booked_seconds') / 3600:.1f}"
    machine_id = alert.machine_id or detail.pop("machine_id", None)
    subject = " · ".join(each for each in (machine_id, alert.device_id) if each)
    return translate(f"telemetry.alert.{alert.kind}", locale, subject=subject, **detail)


def _letter(conn: Connection, settings: Settings, person_id: UUID, alert_ids: list[int]) -> mail.Letter | None:
    person = conn.execute(SQL["reader"], {"id": person_id}).fetchone()
    alerts = [Alert(*row) for row in conn.execute(SQL["alerts_by_id"], {"ids": alert_ids})]
    if person is None or not alerts:
        return None
    name, address, locale = person
    house = cooperative(conn)
    link = f"{settings.base_url}{PAGE}"
    lines = [sentence(each, locale, house.time_zone) for each in alerts]
    what_to_do = translate("telemetry.alert.mail.do", locale, link=link)
    items = "".join(f"<li>{escape(each)}</li>" for each in lines)
    ids = ",".join(map(str, alert_ids))
    return mail.Letter(
        from_name=house.name,
        from_address=settings.mail_from,
        to_name=name,
        to_address=address,
        subject=translate("telemetry.alert.mail.subject", locale, count=len(lines)),
        text="\n".join([*(f"- {each}" for each in lines), "", what_to_do]),
        html=f"<ul>{items}</ul><p>{escape(what_to_do)}</p>",
        message_id=str(uuid5(NAMESPACE_URL, f"telemetry.alert:{ids}:{person_id}")),
    )


def _once_founded(pool: Pool, work: Callable[[Connection], None]) -> None:
    try:
        run(pool, work)
    except NotFounded:
        log.debug("devices.waits for=cooperative")
