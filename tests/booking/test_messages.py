"""What people are told: committed with what happened, in their language, by the channel they chose, at least once."""

import base64
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import http_ece
import orjson
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

import booking
from billing.tariffs import quote
from booking.handover import announce_late, hand_over
from booking.messages import sending
from booking.messages import words as messages
from booking.messages.announcing import announce
from booking.messages.words import Facts
from booking.presence import check_in, overrun
from booking.presence.rules import Signal
from booking.services.model import ServiceKind
from coop import database
from coop.identity import Role
from coop.interval import Interval
from coop.keys import base64url
from coop.machines import Machine, OpeningHours, add_machine
from coop.push import point
from coop.settings import Settings
from tests.booking import calendars, services
from tests.booking.posts import Mailbox, mail_server, program, work
from tests.callers import Caller, Callers
from tests.parts.databases import Database

TOKYO = ZoneInfo("Asia/Tokyo")
DAY = datetime.now(TOKYO).date() + timedelta(days=7)


def at(clock: str) -> datetime:
    return datetime.combine(DAY, time.fromisoformat(clock), tzinfo=TOKYO)


class House:
    """A machine, Sato and a manager of m01, an English reader of m02, and their mailboxes."""

    def __init__(self, api: Callers, database_url: str, box: Mailbox) -> None:
        api.member("m01", "佐藤精機")
        api.member("m02", "鈴木製作所")
        with database.transaction(api.pool) as conn:
            hours = [OpeningHours("cmm-1", day, time(0), time.max) for day in range(1, 8)]
            add_machine(conn, Machine("cmm-1", "cmm", "三次元測定機", "CMM Crysta", site="大田 1階"), hours)
        self.api = api
        self.box = box
        self.settings = Settings(
            database_url=database_url,
            secret_key="k" * 32,
            smtp_url=box.url,
            mail_from="moyai@kumiai.example",
            public_url="https://moyai.example",
            private_targets=True,
        )
        self.sato = api.person(Role.ENGINEER, "m01", name="佐藤 <太郎>")
        self.manager = api.person(Role.MEMBER_MANAGER, "m01", name="社長")
        self.smith = api.person(Role.ENGINEER, "m02", name="Smith", locale="en")
        self.office = api.person(Role.OFFICE)

    def book(self, who: Caller, start: str = "10:00", end: str = "12:00", **more: Any) -> dict[str, Any]:
        body = {"machine_id": "cmm-1", "starts_at": at(start).isoformat(), "ends_at": at(end).isoformat()}
        made = who.post("/api/v1/reservations", json=body | {"purpose": "秘密の部品"} | more)
        assert made.status_code == 201, made.text
        view: dict[str, Any] = made.json()
        return view

    def work(self) -> None:
        work(self.settings)

    def jobs(self) -> list[str]:
        with database.transaction(self.api.pool) as conn:
            return [task for (task,) in conn.execute("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'")]


@pytest.fixture
def house(api: Callers, database: Database) -> Any:
    with mail_server() as box:
        yield House(api, database.app_url, box)


def body(letter: Any, kind: str) -> str:
    part = letter.get_body((kind,))
    text: str = part.get_content()
    return text


def calendar(letter: Any) -> calendars.Component:
    (file,) = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    assert file.get_filename() == "reservation.ics"
    read = calendars.read(file.get_payload(decode=True))
    assert file.get_param("method") == read.value("METHOD")
    return read


def test_a_confirmation_says_what_a_person_needs(house: House) -> None:
    with database.transaction(house.api.pool) as conn:
        conn.execute("UPDATE booking.policy SET soak_minutes = 300, cancel_minutes = 1440 WHERE machine_id = 'cmm-1'")
    view = house.book(house.sato)
    house.work()
    (letter,) = house.box.letters
    day = f"{DAY.month}月{DAY.day}日({'月火水木金土日'[DAY.weekday()]})"
    assert letter["Subject"] == f"予約を受け付けました 三次元測定機 {day} 10:00–12:00"
    assert letter["To"].addresses[0].addr_spec == "p1@m01.example"
    assert letter["From"].addresses[0].display_name == "試験協同組合"
    text = body(letter, "plain")
    eve = DAY - timedelta(days=1)
    for line in (
        "機械: 三次元測定機",
        f"日時: {DAY.year}年{day} 10:00–12:00",
        "場所: 大田 1階",
        f"持ち込み(温度ならし): {day} 05:00",
        f"取消しの期限: {eve.month}月{eve.day}日({'月火水木金土日'[eve.weekday()]}) 10:00",
        "https://moyai.example/reservations",
    ):
        assert line in text, line
    assert '<th align="left">機械</th><td>三次元測定機</td>' in body(letter, "html")
    event = calendar(letter).all("VEVENT")[0]
    assert (event.value("UID"), event.value("SEQUENCE")) == (view["uid"], "0")
    assert "秘密" not in letter.as_string() + text + body(letter, "html") + str(event)
    assert house.jobs() == []


def test_a_confirmation_says_where_the_key_is_and_what_it_can_cost(house: House) -> None:
    key = {"note_ja": "鍵は受付", "note_en": "Key at the reception"}
    assert house.office.put("/api/v1/machines/cmm-1/access", json=key).status_code == 204
    tariff = {"machine_id": "cmm-1", "valid_from": "2026-01-01", "basis": "booked", "yen_per_hour": 3_000}
    assert house.office.post("/api/v1/tariffs", json=tariff).status_code == 201
    with database.transaction(house.api.pool) as conn:  # of two versions of the rules, today's counts
        conn.execute("UPDATE booking.policy SET valid = daterange('2000-01-01', current_date - 1), cancel_minutes = 60")
        conn.execute(
            "INSERT INTO booking.policy (machine_id, valid, cancel_minutes, soak_minutes) "
            "VALUES ('cmm-1', daterange(current_date - 1, NULL), 120, 180)"
        )
    mine, theirs = house.book(house.sato), house.book(house.smith, "13:00", "14:30")
    work(house.settings, partial(sending.register, quote=quote.at_most))
    japanese, english = house.box.to("@m01.example")[0], house.box.to("@m02.example")[0]
    for line in ("鍵・入り方: 鍵は受付", "最大の料金: 6,600円(税込)", " 08:00"):
        assert line in body(japanese, "plain"), line
    assert "Key and way in: Key at the reception" in body(english, "plain")
    path = f"/api/v1/reservations/{mine['id']}/confirmation"
    told = house.sato.get(path).json()
    assert (told["access"], told["site"], told["at_most_yen"], told["helpers"]) == ("鍵は受付", "大田 1階", 6_600, [])
    deadlines = [datetime.fromisoformat(told[name]) for name in ("bring_by", "cancel_until")]
    assert deadlines == [at("07:00"), at("08:00")]
    assert house.smith.get(path).status_code == 404
    assert house.smith.get(f"/api/v1/reservations/{theirs['id']}/confirmation").json()["at_most_yen"] == 4_950
    assert house.sato.get("/api/v1/machines/cmm-1/access").status_code == 403
    assert house.office.get("/api/v1/machines/cmm-1/access").json() == key
    house.sato.delete(f"/api/v1/reservations/{mine['id']}")
    assert house.sato.get(path).json()["access"] == "", "who has it no more needs no key"
    house.office.put("/api/v1/machines/cmm-1/access", json={"note_ja": " "})
    assert house.office.get("/api/v1/machines/cmm-1/access").json() == {"note_ja": "", "note_en": ""}


def test_who_only_asked_is_not_told_the_key(house: House) -> None:
    house.office.put("/api/v1/machines/cmm-1/access", json={"note_ja": "鍵は受付"})
    house.office.put("/api/v1/machines/cmm-1/services/self_use", json={"approval_minutes": 600})
    view = house.book(house.sato)
    house.work()
    assert "鍵は受付" not in body(house.box.to("@m01.example")[0], "plain")
    assert house.sato.get(f"/api/v1/reservations/{view['id']}/confirmation").json()["access"] == ""
    house.office.post(f"/api/v1/reservations/{view['id']}/approve", headers={"If-Match": "*"})
    house.work()
    assert "鍵は受付" in body(house.box.to("@m01.example")[1], "plain")


def test_a_move_and_a_cancellation_are_told_in_order(house: House) -> None:
    view = house.book(house.smith)
    path = f"/api/v1/reservations/{view['id']}"
    slot = {"starts_at": at("13:00").isoformat(), "ends_at": at("14:30").isoformat()}
    assert house.smith.patch(path, json=slot, headers={"If-Match": "*"}).status_code == 200
    assert house.smith.delete(path).status_code == 204
    house.work()
    day = f"{DAY:%a} {DAY.day} {DAY:%b}"
    assert [letter["Subject"] for letter in house.box.letters] == [
        f"Reserved CMM Crysta {day}, 10:00–12:00".replace(",", ""),
        f"Reservation moved CMM Crysta {day} 13:00–14:30",
        f"Reservation cancelled CMM Crysta {day} 13:00–14:30",
    ]
    told = [(read.value("METHOD"), read.all("VEVENT")[0]) for read in map(calendar, house.box.letters)]
    assert [(method, event.value("SEQUENCE"), event.value("STATUS")) for method, event in told] == [
        ("REQUEST", "0", "CONFIRMED"),
        ("REQUEST", "1", "CONFIRMED"),
        ("CANCEL", "2", "CANCELLED"),
    ]
    assert {event.value("UID") for _, event in told} == {view["uid"]}
    assert "Cancel until" not in body(house.box.letters[2], "plain")


def test_what_is_rolled_back_is_told_to_nobody_and_what_is_committed_once(house: House) -> None:
    wish = booking.Wish("cmm-1", Interval(at("10:00"), at("12:00")))
    with database.transaction(house.api.pool) as conn:
        booking.reserve(conn, house.sato.viewer, wish, datetime.now(UTC))
        conn.execute("SELECT count(*) FROM procrastinate_jobs")
        raise psycopg.Rollback
    assert house.jobs() == []
    house.book(house.sato)
    refused = house.smith.post(
        "/api/v1/reservations",
        json={"machine_id": "cmm-1", "starts_at": at("11:00").isoformat(), "ends_at": at("13:00").isoformat()},
    )
    assert refused.status_code == 409
    assert house.jobs() == ["booking.spread"]
    house.work()
    assert len(house.box.letters) == 1


def test_nobody_named_means_who_manages_the_member(house: House) -> None:
    house.book(house.office, member_id="m01")
    house.work()
    assert [letter["To"].addresses[0].addr_spec for letter in house.box.letters] == ["p2@m01.example"]


def test_who_helps_is_told_for_whom_and_who_comes_by_whom(house: House) -> None:
    helper = house.api.person(Role.OPERATOR, name="技術 マイスター")
    view = house.book(house.sato)
    with database.transaction(house.api.pool) as conn:
        conn.execute(
            "INSERT INTO booking.resource (id, kind, person_id) VALUES ('meister', 'person', %s)",
            [helper.person_id],
        )
        conn.execute(
            "INSERT INTO booking.claim (reservation_id, resource_id, blocked, need) "
            "VALUES (%s, 'meister', tstzrange(%s, %s), 'operator')",
            [view["id"], at("10:00"), at("10:30")],
        )
    house.work()
    mine, theirs = house.box.to("@m01.example"), house.box.to("@kumiai.example")
    assert "立会い: 技術 マイスター" in body(mine[0], "plain")
    assert "利用者" not in body(mine[0], "plain")
    assert "利用者: 佐藤精機 佐藤 <太郎>" in body(theirs[0], "plain")
    assert "佐藤精機 佐藤 &lt;太郎&gt;" in body(theirs[0], "html")
    assert "秘密" not in theirs[0].as_string() + body(theirs[0], "plain")
    made = helper.post("/api/v1/feeds", json={"of": "person"})
    path = helper.get(made.headers["location"]).json()["url"].removeprefix("http://127.0.0.1:8000")
    (event,) = calendars.read(house.api.nobody.get(path).content).all("VEVENT")
    assert (event.value("SUMMARY"), event.value("DESCRIPTION")) == ("三次元測定機 佐藤 <太郎>", None)


def test_who_helps_no_more_is_told_so(house: House) -> None:
    names = []
    with database.transaction(house.api.pool) as conn:
        hours = [OpeningHours("cmm-2", day, time(0), time.max) for day in range(1, 8)]
        add_machine(conn, Machine("cmm-2", "cmm", "画像測定機", "Vision"), hours)
        for number in (1, 2):
            names.append(f"meister-{number}")
            services.operator(conn, names[-1])
            services.offer(conn, f"cmm-{number}", ServiceKind.ATTENDED, services.unit("operator", names[-1]))
    view = house.book(house.sato, service="attended")
    path = f"/api/v1/reservations/{view['id']}"
    house.work()
    swapped = house.sato.post(f"{path}/swap", json={"machine_id": "cmm-2"}, headers={"If-Match": "*"})
    assert swapped.status_code == 200, swapped.text
    house.work()
    first, second = ([each for each in house.box.letters if str(each["To"]).startswith(name)] for name in names)
    assert [each["Subject"].split()[0] for each in first] == ["予約を受け付けました", "立会いの担当から外れました"]
    assert "三次元測定機" in body(first[1], "plain"), "of the machine that they were to help at"
    assert calendar(first[1]).value("METHOD") == "CANCEL"
    assert calendar(first[1]).all("VEVENT")[0].value("UID") == view["uid"]
    assert calendar(second[0]).value("METHOD") == "REQUEST"
    house.sato.patch(
        path, json={"starts_at": at("14:00").isoformat(), "ends_at": at("15:00").isoformat()}, headers={"If-Match": "*"}
    )
    house.sato.delete(path)
    house.work()
    first, second = ([each for each in house.box.letters if str(each["To"]).startswith(name)] for name in names)
    assert (len(first), len(second)) == (2, 3), "who helps hears of each change, who does not hears nothing more"
    assert calendar(second[2]).value("METHOD") == "CANCEL"


def test_who_comes_after_an_overrun_hears_what_is_free_instead(house: House) -> None:
    house.book(house.sato)
    house.book(house.smith, "12:00", "13:00")
    with database.transaction(house.api.pool) as conn:
        check_in.check_in(conn, house.office.viewer, "cmm-1", at("10:00"))
        check_in.hear(conn, "cmm-1", Signal(running_since=at("11:30")), at("12:01"))
        assert len(overrun.warn(conn, at("12:01"))) == 1
    house.work()
    told = body(house.box.to("@m02.example")[1], "plain")
    assert f"Free instead: CMM Crysta {DAY:%a} {DAY.day} {DAY:%b} 13:00–14:00" in told, told


def test_who_looks_at_the_calendar_gets_no_mail_but_what_needs_an_answer(house: House) -> None:
    assert house.sato.get("/api/v1/me/messages").json() == {"channel": "mail"}
    assert house.sato.put("/api/v1/me/messages", json={"channel": "calendar"}).status_code == 200
    assert house.sato.get("/api/v1/me/messages").json() == {"channel": "calendar"}
    assert house.sato.put("/api/v1/me/messages", json={"channel": "fax"}).status_code == 422
    view = house.book(house.sato)
    house.work()
    assert house.box.letters == []
    with database.transaction(house.api.pool) as conn:
        reservation = booking.find(conn, house.sato.viewer, view["id"])
        announce(conn, "reservation.asked", reservation, datetime.now(UTC), {"answer_by": at("10:20")})
    house.work()
    assert "返事の期限" in body(house.box.letters[0], "plain")


def test_a_mail_server_that_is_away_is_tried_again_and_an_unknown_address_is_not(house: House) -> None:
    house.box.refuses["p1@m01.example"] = "451 later"
    house.book(house.sato)
    house.work()
    assert house.jobs() == ["booking.send_mail"]
    del house.box.refuses["p1@m01.example"]
    due_now(house)
    house.work()
    assert (len(house.box.letters), house.jobs()) == (1, [])
    house.box.refuses["p1@m01.example"] = "550 unknown"
    house.book(house.sato, "13:00", "14:00")
    house.work()
    assert (len(house.box.letters), house.jobs()) == (1, [])


def due_now(house: House) -> None:
    with database.transaction(house.api.pool) as conn:
        conn.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")


def test_without_a_mail_server_nothing_fails(house: House) -> None:
    house.book(house.sato)
    work(Settings(database_url=house.settings.database_url, secret_key="k" * 32))
    assert house.jobs() == []


def test_a_browser_reads_what_is_pushed_and_nobody_else(house: House) -> None:
    browser, auth = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"
    with program() as service:
        keys = {"p256dh": base64url(point(browser.public_key())), "auth": base64url(auth)}
        wanted = {"endpoint": f"{service.url}/push/1", "keys": keys}
        assert subscribe(house, wanted).status_code == 201
        house.sato.put("/api/v1/me/messages", json={"channel": "push"})
        view = house.book(house.sato)
        house.work()
        assert house.box.letters == []
        ((path, headers, sent),) = service.calls
    assert (path, headers["content-encoding"], headers["ttl"]) == ("/push/1", "aes128gcm", "43200")
    said = orjson.loads(http_ece.decrypt(sent, private_key=browser, auth_secret=auth))
    assert said["title"] == "予約を受け付けました"
    assert said["body"].startswith("三次元測定機 ")
    assert (said["url"], said["tag"]) == ("https://moyai.example/reservations", view["id"])
    assert "秘密" not in str(said)
    prove(headers["authorization"], house.sato.get("/api/v1/me/push").json()["application_server_key"], service.url)


def prove(authorization: str, key: str, audience: str) -> None:
    """Check a VAPID header as a push service does (RFC 8292)."""
    token, _, sent_key = authorization.removeprefix("vapid t=").partition(", k=")
    assert sent_key == key
    signed, _, signature = token.rpartition(".")
    raw = decoded(signature)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(key))
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    public.verify(der, signed.encode(), ec.ECDSA(SHA256()))
    claims = orjson.loads(decoded(signed.split(".")[1]))
    assert (claims["aud"], claims["sub"]) == (audience, "mailto:moyai@kumiai.example")
    assert 0 < claims["exp"] - datetime.now(UTC).timestamp() <= 86_400


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def subscribe(house: House, wanted: dict[str, Any]) -> Any:
    """As the API of a house that allows private targets would."""
    settings = house.api.client.app.state.settings  # type: ignore[attr-defined]  # the application behind the client
    house.api.client.app.state.settings = house.settings  # type: ignore[attr-defined]
    try:
        return house.sato.post("/api/v1/me/push", json=wanted)
    finally:
        house.api.client.app.state.settings = settings  # type: ignore[attr-defined]


def test_a_browser_that_is_gone_is_forgotten_and_mail_takes_over(house: House) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with program() as service:
        service.answers = [503, 410]
        keys = {"p256dh": base64url(point(key.public_key())), "auth": base64url(b"0" * 16)}
        subscribe(house, {"endpoint": f"{service.url}/1", "keys": keys})
        house.sato.put("/api/v1/me/messages", json={"channel": "push"})
        house.book(house.sato)
        house.work()
        assert (len(service.calls), house.jobs()) == (1, ["booking.send_push"])
        due_now(house)
        house.work()
    assert house.sato.get("/api/v1/me/push").json()["browsers"] == []
    house.book(house.sato, "13:00", "14:00")
    house.work()
    assert len(house.box.letters) == 1


def test_only_a_public_https_browser_with_real_keys_is_taken(house: House) -> None:
    key = base64url(point(ec.generate_private_key(ec.SECP256R1()).public_key()))
    good = {"p256dh": key, "auth": base64url(b"0" * 16)}
    codes = []
    for endpoint, keys in (
        ("http://push.example/1", good),
        ("https://user@push.example/1", good),
        ("https://push.example/1", good | {"auth": "AAAA"}),
        ("https://push.example/1", good | {"p256dh": base64url(b"\x04" + b"1" * 64)}),
        ("https://push.example/1", good | {"p256dh": "?"}),
    ):
        refused = house.sato.post("/api/v1/me/push", json={"endpoint": endpoint, "keys": keys})
        assert refused.status_code == 422
        codes.append(refused.json()["code"])
    assert codes == ["coop.target_refused"] * 2 + ["booking.push_keys_invalid"] * 3
    taken = house.sato.post("/api/v1/me/push", json={"endpoint": "https://push.example/1", "keys": good}).json()
    assert house.smith.delete(f"/api/v1/me/push/{taken['id']}").status_code == 404
    assert house.sato.delete(f"/api/v1/me/push/{taken['id']}").status_code == 204


def test_a_job_of_a_killed_worker_runs_again_and_is_told_once(house: House) -> None:
    """The worker dies after the event is spread, before its job is done: the second run enters no second message."""
    house.book(house.sato)
    with psycopg.connect(house.settings.database_url, autocommit=True) as conn:
        (event,) = conn.execute("SELECT args FROM procrastinate_jobs").fetchone() or ()
        house.work()
        conn.execute(
            "INSERT INTO procrastinate_jobs (task_name, args, status, queue_name) "
            "VALUES ('booking.spread', %s, 'doing', 'default')",
            [psycopg.types.json.Jsonb(event)],
        )
        conn.execute(
            "INSERT INTO procrastinate_jobs (task_name, args, queue_name) "
            "VALUES ('coop.retry_stalled', '{\"timestamp\": 0}', 'default')"
        )
    house.work()
    house.work()
    assert (len(house.box.letters), house.jobs()) == (1, [])
    with psycopg.connect(house.settings.database_url) as conn:
        assert conn.execute("SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'").fetchone() == (0,)


def test_every_event_has_its_sentence_in_both_languages() -> None:
    facts = Facts("CMM", Interval(at("10:00"), at("12:00")), TOKYO, "https://moyai.example", at_most_yen=12_500)
    assert not messages.is_told("reservation.held")
    for locale, yen in (("ja", "最大の料金: 12,500円(税込)"), ("en", "Costs at most: 12,500 yen (incl. tax)")):
        notice = messages.compose("reservation.created", facts, locale, cooperative="組合")
        assert yen in notice.text
        assert "message." not in notice.text + notice.html


def test_a_slot_over_midnight_names_both_days() -> None:
    overnight = Interval(at("22:00"), at("22:00") + timedelta(hours=4))
    said = messages.span(overnight, TOKYO, "ja")
    tomorrow = DAY + timedelta(days=1)
    assert said.endswith(f"–{tomorrow.month}月{tomorrow.day}日({'月火水木金土日'[tomorrow.weekday()]}) 02:00")


def test_a_request_asks_who_may_approve_it_and_tells_its_person_to_wait(house: House) -> None:
    house.office.put("/api/v1/me/messages", json={"channel": "calendar"})
    with database.transaction(house.api.pool) as conn:
        conn.execute(
            "INSERT INTO booking.service (resource_id, kind, approval_minutes) VALUES ('cmm-1', 'self_use', 600)"
        )
    view = house.book(house.smith)
    assert view["status"] == "pending"
    house.work()
    (asked,) = house.box.to("@kumiai.example")
    assert asked["Subject"].startswith("予約の承認をお願いします")
    assert "利用者: 鈴木製作所 Smith" in body(asked, "plain")
    assert "返事の期限" in body(asked, "plain")
    assert "text/calendar" not in {part.get_content_type() for part in asked.walk()}
    (waiting,) = house.box.to("@m02.example")
    assert waiting["Subject"].startswith("Waiting for approval")
    assert calendar(waiting).all("VEVENT")[0].value("STATUS") == "TENTATIVE"


def test_who_hands_over_has_it_no_more(house: House) -> None:
    colleague = house.api.person(Role.ENGINEER, "m01", name="加藤")
    view = house.book(house.sato)
    with database.transaction(house.api.pool) as conn:
        hand_over(conn, house.sato.viewer, view["id"], colleague.person_id, datetime.now(UTC))
    house.work()
    told = [calendar(letter) for letter in house.box.to("p1@m01.example")]  # in any order: SEQUENCE says which counts
    former = next(each for each in told if each.value("METHOD") == "CANCEL")
    now_holder = calendar(house.box.to("p5@m01.example")[-1])
    assert now_holder.value("METHOD") == "REQUEST"
    assert former.all("VEVENT")[0].value("UID") == now_holder.all("VEVENT")[0].value("UID") == view["uid"]


def test_who_helps_is_not_asked_whether_they_come(house: House) -> None:
    helper = house.api.person(Role.OPERATOR)
    view = house.book(house.sato)
    with database.transaction(house.api.pool) as conn:
        conn.execute(
            "INSERT INTO booking.resource (id, kind, person_id) VALUES ('x', 'person', %s)", [helper.person_id]
        )
        conn.execute(
            "INSERT INTO booking.claim (reservation_id, resource_id, blocked, need) "
            "VALUES (%s, 'x', tstzrange(%s, %s), 'operator')",
            [view["id"], at("10:00"), at("10:30")],
        )
        reservation = booking.find(conn, house.sato.viewer, view["id"])
        announce(conn, "reservation.asked", reservation, datetime.now(UTC))
    house.work()
    assert len(house.box.to("@m01.example")) == 2
    assert len(house.box.to("@kumiai.example")) == 1


def test_who_is_late_is_told_to_who_helps_only(house: House) -> None:
    helper = house.api.person(Role.OPERATOR, name="技術 マイスター")
    view = house.book(house.sato)
    house.work()
    house.box.letters.clear()
    with database.transaction(house.api.pool) as conn:
        conn.execute(
            "INSERT INTO booking.resource (id, kind, person_id) VALUES ('meister', 'person', %s)", [helper.person_id]
        )
        conn.execute(
            "INSERT INTO booking.claim (reservation_id, resource_id, blocked, need) "
            "VALUES (%s, 'meister', tstzrange(%s, %s), 'operator')",
            [view["id"], at("10:00"), at("10:30")],
        )
        announce_late(conn, house.sato.viewer, view["id"], at("10:20"), datetime.now(UTC))
    house.work()
    (letter,) = house.box.letters
    assert "@kumiai.example" in letter["To"]
    assert "到着の見込み" in body(letter, "plain")
