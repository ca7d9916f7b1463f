"""Names as banks write them: half-width kana, capital letters, digits and a few signs."""

import unicodedata

import jaconv

from coop.errors import Invalid

KANA = "ｦｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝﾞﾟ"
PLAIN = frozenset(" 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" + KANA)
SYMBOLS = "()-./"
"""What most banks take beside letters, digits and kana."""
_MARKS = ("ﾞ", "ﾟ")
_MARKS_ALONE = str.maketrans("゛゜", "\u3099\u309a")
_AS_BANKS_WRITE = str.maketrans("ｧｨｩｪｫｬｭｮｯｰ‐‑–—―−", "ｱｲｳｴｵﾔﾕﾖﾂ-------")


class CharacterRefused(Invalid):
    """A character that the bank does not take, with the name of its field; nothing is replaced in silence."""

    code = "billing.character_refused"


def as_bank_writes(text: str) -> str:
    """`text` in half-width kana and capitals: small kana are made large, ｰ is -, ﾞ and ﾟ stand by themselves.

    What has no such form (kanji) stays as it is.
    """
    joined = text.translate(_MARKS_ALONE)
    folded = unicodedata.normalize("NFKC", joined).replace("\u3099", "ﾞ").replace("\u309a", "ﾟ")
    half = jaconv.z2h(jaconv.hira2kata(folded), kana=True, ascii=True, digit=True)
    return half.translate(_AS_BANKS_WRITE).upper()


def checked(field: str, text: str, symbols: str = SYMBOLS) -> str:
    """`text` as banks write it; raises `CharacterRefused` with the field for the first character they do not take."""
    written = as_bank_writes(text)
    for character in written:
        if character not in PLAIN and character not in symbols:
            raise CharacterRefused(field=field, character=character)
    return written


def cut(text: str, length: int) -> str:
    """At most `length` characters from the left; ﾞ and ﾟ stay with what they belong to, or both go."""
    kept = text[:length]
    return kept[:-1] if text[length : length + 1].startswith(_MARKS) else kept
