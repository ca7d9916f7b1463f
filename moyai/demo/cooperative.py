"""The example cooperative: 多摩川口精密機械協同組合, invented, in a Tokyo ward."""

from zoneinfo import ZoneInfo

from coop.identity import Role
from coop.register import Cooperative
from moyai.demo.machines import MACHINES
from moyai.demo.members import FACTORIES
from moyai.demo.model import Example, MonthlyCost, Person

EXAMPLE = Example(
    cooperative=Cooperative(
        slug="demo",
        name="多摩川口精密機械協同組合",
        time_zone=ZoneInfo("Asia/Tokyo"),
        invoice_number="T3999905000100",
        address="東京都（架空）",
    ),
    machines=MACHINES,
    factories=FACTORIES,
    staff=(
        Person("jimu@kumiai.example", "今井 佳代", "イマイ カヨ", Role.OFFICE, None),
        Person("riji@kumiai.example", "髙橋 誠一郎", "タカハシ セイイチロウ", Role.DIRECTOR, None),
        Person("kanji@kumiai.example", "服部 清", "ハットリ キヨシ", Role.AUDITOR, None),
        Person("sokutei@kumiai.example", "江﨑 学", "エザキ マナブ", Role.OPERATOR, None),
        Person("sangyo@ward.example", "区役所 産業振興課", "クヤクショ サンギョウシンコウカ", Role.WARD, None),
    ),
    shared_pool=(
        MonthlyCost("room", "測定室・加工室 家賃", 286_000),
        MonthlyCost("air_conditioning", "恒温空調 電力", 148_700),
        MonthlyCost("insurance", "機械保険", 37_300),
    ),
)
