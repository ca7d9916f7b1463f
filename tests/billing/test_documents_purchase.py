"""What the cooperative buys from the owner of a hosted machine, on paper."""

from decimal import Decimal

from billing.costs.edit import add_hosting
from billing.costs.model import Hosting
from billing.documents import store
from billing.documents.model import Kind, Recipient
from coop.database import Connection
from tests.billing import ground
from tests.billing.ground import NOVEMBER, OFFICE
from tests.billing.papers import issue_month, october, words


def test_the_owner_of_a_hosted_machine_gets_a_purchase_statement(conn: Connection) -> None:
    """m03 scans an hour and a half for 13,500 yen on the CT of m02, of which the cooperative keeps a tenth."""

    def hosted() -> None:
        hosting = Hosting(ground.name("hosting"), "ct-1", "m02", Decimal(10), resolution="第9号")
        add_hosting(conn, OFFICE, "2026-10", hosting, NOVEMBER)

    october(conn, hosted)
    store.add_recipient(conn, Recipient("m02", "m02製作所", invoice_number="T1234567890123"), NOVEMBER)
    *_, bought = issue_month(conn)
    assert (bought.kind, bought.member_id, bought.statement_id) == (Kind.PURCHASE, "m02", None)
    assert (bought.net_yen, bought.tax_yen, bought.total_yen) == (12_150, 1_215, 13_365)
    said = words(store.kept(conn, bought, "ja")[0])
    assert all(part in said for part in ("仕入明細書", "m02製作所御中", "T1234567890123", "X線CT", "13,500円", "10%"))
    assert "2週間以内に誤りのある旨のご連絡がない場合" in said
