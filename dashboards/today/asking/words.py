"""The words of quick requests, in Japanese and English, as patterns of plain (NFKC, folded) text."""

from datetime import time

DAYS = (
    (r"明々後日|明明後日|しあさって", 3),
    (r"明後日|あさって|day after tomorrow", 2),
    (r"(?:今日|本日|きょう)中?|\btoday\b|\btonight\b", 0),
    (r"明日|あした|あす|翌日|\btomorrow\b|\btmrw\b", 1),
)
"""The longer words first: 明日 is in 明明後日 no more than "tomorrow" in "day after tomorrow"."""

WEEKDAYS = tuple(
    (rf"\(?{kanji}曜日?\)?|\({kanji}\)|\b{short}[a-z]*\b", number)
    for number, (kanji, short) in enumerate(
        zip("月火水木金土日", ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), strict=True)
    )
)

MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}

PARTS_OF_DAY = (
    (r"朝一番?|朝いち|first thing", (time(0), time(10))),
    (r"午前中?|\bmorning\b|\bforenoon\b|\bam\b", (time(0), time(12))),
    (r"午後|昼から|\bafternoon\b|\bpm\b", (time(12), time(18))),
    (r"夕方|夕刻|\bevening\b", (time(16), time(20))),
    (r"夜|\bat night\b|\bnight\b", (time(18), time.max)),
    (r"朝", (time(0), time(12))),
    (r"昼休み|お昼|昼|\blunch(?:time)?\b", (time(11), time(14))),
)

SERVICES = {
    "attended": (
        r"立ち?会い?(?:あり|付き?|で)?|付き添い|オペレータ(?:ー)?(?:付き?|立会い?)?",
        r"with (?:an |the )?(?:operator|help|instructor)|attended|assisted",
    ),
    "commissioned": (r"依頼測定|お?任せ|測ってほしい|依頼", r"commission(?:ed)?|measured for (?:me|us)"),
}

KINDS = {
    "cmm": (r"三次元測定機|三次元|3次元(?:測定機)?", r"cmm|coordinate measuring machine"),
    "ct": (r"x線ct(?:装置)?|x線|ct", r"x-?ray"),
    "roundness": (r"真円度(?:測定機)?|円筒度", r"roundness"),
    "contour": (r"粗さ(?:計|測定機)?|表面粗さ|輪郭(?:形状)?(?:測定機)?", r"roughness|contour"),
    "projector": (r"投影機", r"(?:profile )?projector"),
    "vision": (r"画像(?:測定機|測定)?", r"vision|video"),
    "hardness": (r"硬さ(?:計|試験機?)?|硬度(?:計)?", r"hardness"),
    "machining": (r"5軸|マシニング(?:センタ(?:ー)?)?", r"machining(?: cent(?:re|er))?|5-axis"),
    "edm": (r"ワイヤ(?:ー)?(?:放電)?(?:加工機)?|放電", r"edm|wire"),
    "height": (r"ハイトゲージ|ハイト|定盤", r"height(?: gauge)?"),
}

FILLERS = (
    r"\([月火水木金土日]\)",  # beside a date
    r"お願い(?:します|いたします)?|使いたい(?:です)?|使える(?:ところ|機械)?|使います?|予約(?:したい|して|する)?",
    r"空いて(?:いる|る)?(?:ところ|時間)?|空き|ありますか|ある|したい(?:です)?|ください|です|ます|どれでも|なんでも",
    r"測定機|測定|機械|ところ|くらい|ぐらい|ほど|から|まで|だけ|で|に|を|は|の",
    r"\b(?:please|i|we|need|want|would|like|to|book|reserve|use|get|me|us|a|an|the|for|on|at|in|of|from|any|some|free)\b",
    r"\b(?:slot|time|machine|about|around|next|this|whatever|anything|available|and|until|with)\b",
)
