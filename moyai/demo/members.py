"""The twenty-four member factories of the example and the people who work in them. All names are invented.

Registration numbers begin with 9999, which no registry office has, and carry a valid check digit.
"""

from coop.identity import Role
from coop.register import Member
from moyai.demo.model import Factory, Person

# id, name, kana, registration number, mail domain, then the manager and the engineers as (name, kana, mailbox)
_ROWS: tuple[tuple[str, str, str, str, str, tuple[tuple[str, str, str], ...]], ...] = (
    ("m01", "㈱髙橋精密", "タカハシセイミツ", "T3999901000137", "takahashi-seimitsu", (
        ("髙橋 誠一", "タカハシ セイイチ", "seiichi"), ("小野寺 望", "オノデラ ノゾミ", "onodera"),
        ("木下 翔太", "キノシタ ショウタ", "kinoshita"))),
    ("m02", "山﨑製作所㈲", "ヤマザキセイサクショ", "T7999901000174", "yamazaki-ss", (
        ("山﨑 和夫", "ヤマザキ カズオ", "kazuo"), ("青木 里奈", "アオキ リナ", "aoki"))),
    ("m03", "㈱濵田工業", "ハマダコウギョウ", "T3999901000211", "hamada-kogyo", (
        ("濵田 正樹", "ハマダ マサキ", "masaki"), ("佐々木 健", "ササキ ケン", "sasaki"),
        ("グエン・ティ・ラン", "グエン ティ ラン", "lan"), ("野口 大輔", "ノグチ ダイスケ", "noguchi"))),
    ("m04", "大森金型㈱", "オオモリカナガタ", "T8999901000248", "omori-kanagata", (
        ("大森 久美子", "オオモリ クミコ", "kumiko"), ("土屋 亮", "ツチヤ リョウ", "tsuchiya"))),
    ("m05", "㈱多摩川バルブ", "タマガワバルブ", "T3999901000285", "tamagawa-valve", (
        ("菊地 俊彦", "キクチ トシヒコ", "kikuchi"), ("本間 彩", "ホンマ アヤ", "honma"),
        ("石川 拓也", "イシカワ タクヤ", "ishikawa"))),
    ("m06", "北蒲田研磨工業㈱", "キタカマタケンマコウギョウ", "T8999901000322", "kitakamata-kenma", (
        ("渡邉 隆", "ワタナベ タカシ", "watanabe"), ("岡本 涼", "オカモト リョウ", "okamoto"))),
    ("m07", "㈲吉﨑ばね製作所", "ヨシザキバネセイサクショ", "T4999901000359", "yoshizaki-spring", (
        ("吉﨑 敏子", "ヨシザキ トシコ", "toshiko"), ("村上 悠斗", "ムラカミ ユウト", "murakami"))),
    ("m08", "東糀谷歯車㈱", "ヒガシコウジヤハグルマ", "T8999901000396", "kojiya-gear", (
        ("松永 弘", "マツナガ ヒロシ", "matsunaga"), ("上田 千尋", "ウエダ チヒロ", "ueda"),
        ("宮本 剛", "ミヤモト ツヨシ", "miyamoto"))),
    ("m09", "㈱サンエイ光学部品", "サンエイコウガクブヒン", "T4999901000433", "sanei-optics", (
        ("三枝 英樹", "サエグサ ヒデキ", "saegusa"), ("陳 美玲", "チン ビレイ", "chin"))),
    ("m10", "六郷プレス工業㈱", "ロクゴウプレスコウギョウ", "T8999901000470", "rokugo-press", (
        ("関口 勉", "セキグチ ツトム", "sekiguchi"), ("藤井 真央", "フジイ マオ", "fujii"))),
    ("m11", "髙野ねじ㈱", "タカノネジ", "T5999901000507", "takano-neji", (
        ("髙野 修", "タカノ オサム", "osamu"), ("原 一輝", "ハラ カズキ", "hara"))),
    ("m12", "㈱羽田航空部品", "ハネダコウクウブヒン", "T9999901000544", "haneda-aero", (
        ("長谷川 直人", "ハセガワ ナオト", "hasegawa"), ("中山 香織", "ナカヤマ カオリ", "nakayama"),
        ("島田 陸", "シマダ リク", "shimada"), ("西村 由紀", "ニシムラ ユキ", "nishimura"))),
    ("m13", "㈲池上樹脂型", "イケガミジュシガタ", "T4999901000581", "ikegami-mold", (
        ("池上 徹", "イケガミ トオル", "toru"), ("大西 蓮", "オオニシ レン", "onishi"))),
    ("m14", "㈱ミヤコ試作", "ミヤコシサク", "T1999901000618", "miyako-proto", (
        ("都築 明", "ツヅキ アキラ", "tsuzuki"), ("河合 結衣", "カワイ ユイ", "kawai"),
        ("坂口 海斗", "サカグチ カイト", "sakaguchi"))),
    ("m15", "矢口熱処理㈱", "ヤグチネツショリ", "T5999901000655", "yaguchi-heat", (
        ("矢口 良平", "ヤグチ リョウヘイ", "ryohei"), ("斉藤 圭", "サイトウ ケイ", "saito"))),
    ("m16", "㈱濵口メッキ工業所", "ハマグチメッキコウギョウショ", "T9999901000692", "hamaguchi-mekki", (
        ("濵口 昭", "ハマグチ アキラ", "akira"), ("森田 葵", "モリタ アオイ", "morita"))),
    ("m17", "仲六郷医療機器㈱", "ナカロクゴウイリョウキキ", "T6999901000729", "nakarokugo-med", (
        ("桜井 恵", "サクライ メグミ", "sakurai"), ("田村 陽介", "タムラ ヨウスケ", "tamura"),
        ("古川 沙耶", "フルカワ サヤ", "furukawa"))),
    ("m18", "㈲竹内旋盤", "タケウチセンバン", "T1999901000766", "takeuchi-senban", (
        ("竹内 実", "タケウチ ミノル", "minoru"), ("竹内 颯", "タケウチ ハヤテ", "hayate"))),
    ("m19", "㈱ニシキ計装", "ニシキケイソウ", "T6999901000803", "nishiki-keiso", (
        ("錦織 浩二", "ニシキオリ コウジ", "koji"), ("平野 梓", "ヒラノ アズサ", "hirano"))),
    ("m20", "本羽田鋳造㈱", "ホンハネダチュウゾウ", "T1999901000840", "honhaneda-cast", (
        ("川島 一郎", "カワシマ イチロウ", "kawashima"), ("福田 隼人", "フクダ ハヤト", "fukuda"))),
    ("m21", "㈱エヌケイ電装", "エヌケイデンソウ", "T6999901000877", "nk-denso", (
        ("中川 恵子", "ナカガワ ケイコ", "keiko"), ("久保 智也", "クボ トモヤ", "kubo"))),
    ("m22", "大﨑治工具㈱", "オオサキジコウグ", "T2999901000914", "osaki-jig", (
        ("大﨑 保", "オオサキ タモツ", "tamotsu"), ("内藤 美咲", "ナイトウ ミサキ", "naito"),
        ("荒井 亮太", "アライ リョウタ", "arai"))),
    ("m23", "㈲辻板金製作所", "ツジバンキンセイサクショ", "T6999901000951", "tsuji-bankin", (
        ("辻 政男", "ツジ マサオ", "masao"), ("辻 ひかり", "ツジ ヒカリ", "hikari"))),
    ("m24", "㈱アオバ真空機器", "アオバシンクウキキ", "T2999901000988", "aoba-vacuum", (
        ("青葉 雅之", "アオバ マサユキ", "masayuki"), ("星野 奏", "ホシノ カナデ", "hoshino"),
        ("パク・ジフン", "パク ジフン", "jihoon"))),
)  # fmt: skip


def _factory(
    member_id: str, name: str, kana: str, number: str, domain: str, people: tuple[tuple[str, str, str], ...]
) -> Factory:
    roles = (Role.MEMBER_MANAGER, *(Role.ENGINEER for _ in people[1:]))
    return Factory(
        member=Member(
            member_id,
            name,
            kana,
            address="東京都（架空）",
            invoice_number=number,
            telephone=f"03-0000-01{member_id[1:]}",  # no exchange begins with 0000
        ),
        people=tuple(
            Person(f"{mailbox}@{domain}.example", person, person_kana, role, member_id)
            for role, (person, person_kana, mailbox) in zip(roles, people, strict=True)
        ),
    )


FACTORIES = tuple(_factory(*row) for row in _ROWS)
