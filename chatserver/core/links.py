"""What a client, a chat application or a browser would make a link of, and a text without it."""

import html
import re

from chatserver.core.normal_form import normal_form

PARTS_MAX = 20
"""Links taken out of one word, one after the other; a word with more is dropped."""

# Scripts that set no spaces between words: a sentence must not be held back as one word.
UNSPACED_RANGES = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff66-\uffdc"
INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)

_TLDS = (
    "com|net|org|io|in|co|uk|us|ai|app|dev|info|biz|edu|gov|mil|int|eu|de|fr|nl|ch|at|it|es|pt|se|no|dk|fi|ie|be|pl|cz|"
    "ru|cn|jp|kr|sg|hk|au|nz|ca|br|mx|za|ae|me|ly|gl|to|tv|cc|gg|gd|is|sh|fm|am|xyz|online|site|tech|jobs|careers|work|"
    "cloud|link|click|page|web|blog|shop|store|live|pro|top|vip|icu|club|name|mobi|example|test|local|onion|рф|भारत|中国|"
    "zip|mov|bank|finance|money|loans?|capital|insurance|world|global|today|email|chat|social|network|digital|support|help|"
    "services?|solutions|systems|center|company|agency|group|team|ltd|inc|llc|media|news|space|website|host|download|stream|"
    "win|bid|date|men|rest|fun|life|guru|expert|academy|school|university|training|education|foundation|international|"
    "consulting|partners|ventures|wtf|lol|su|tk|ml|ga|cf|gq|pw|ws|nu|la|vc|ms|mn|st|ir|il|tr|gr|ua|ro|hu|id|th|vn|ph|my|"
    "pk|bd|lk|np|sa|qa|om|kw|bh|jo|lb|eg|ng|ke|gh|tz|ug|ma|tn|ar|cl|pe|ve|uy|tw|mo|kz|uz|az|by|lt|lv|ee|bg|hr|rs|si|sk|lu|"
    "li|mt|cy|im|je|asia|рус|москва|онлайн|сайт|укр|বাংলা|ভারত|இந்தியா|భారత్|ಭಾರತ|ഭാരതം|ભારત|ਭਾਰਤ|بھارت|السعودية|امارات|"
    "公司|网络|中文网|网址|在线|中國|台灣|香港|新加坡|한국|みんな|コム|xn--[a-z0-9-]{2,59}"
)
# Of a host with more names, or an address with a longer one, the last of them go: a word made to be slow must not be.
_LINK = re.compile(
    r"(?:(?:[a-z][a-z0-9+.-]{0,30})?(?::|&#0*58;?|&colon;|%3a)//|(?:https?|ftps?|wss?)(?::|&#0*58;?|&colon;|%3a)(?=\S))\S*"
    r"|(?:java|vb)script\s*(?::|&#0*58;?|&colon;|%3a)\S*"
    r"|(?<![^\W_])(?:file|mailto|tel|sms|data|intent|whatsapp|skype|blob|about|chrome|magnet|bitcoin|"
    r"ethereum|geo|xmpp|sips?|callto|facetime(?:-audio)?|steam|zoommtg|ldaps?|view-source|cid|viber|tg|itms(?:-apps)?|"
    r"ms-[a-z-]{2,30}|web\+[a-z]{2,30})"
    r"\s*(?::|&#0*58;?|&colon;|%3a)(?=\S)\S*"
    r"|www\d{0,3}\.[^\W_]\S*"
    r"|[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)+\S*"
    r"|(?<![^\W_])//[\w-]+(?:\.[\w-]+)+\S*"
    r"|\\\\[\w.-]+\\\S*|(?<![\w.-])localhost(?::\d|/)\S*"
    r"|(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+|/)\S*"
    r"|(?<![^\W_])(?:[^\W_][\w-]{0,62}\.){1,10}(?:[^\W\d_]{2,24})(?::\d{1,5})?[/?#]\S*"
    rf"|(?<![^\W_])(?:[^\W_][\w-]{{0,62}}\.){{1,10}}(?:{_TLDS})(?!(?!-?[{UNSPACED_RANGES}])-?[^\W_])(?::\d{{1,5}})?",
    re.IGNORECASE,
)
_SIGNS_OF_ALL_LINKS = frozenset(":&%/.@]\\")
_TRAILING = re.compile(r"[.,;:!?)\]}>'\"*_`|]+$")
_EMPTY_PAIR = re.compile(r"\(\)|<>|\[\]|\"\"|``")
# Degrees, products and libraries that only look like domains.
_KEPT = frozenset(
    {
        "asp.net",
        "vb.net",
        "ado.net",
        "ml.net",
        "b.com",
        "m.com",
        "i.t",
        "socket.io",
        "draw.io",
        "b.tech",
        "m.tech",
        "s.no",
        "pvt.ltd",
        "co.ltd",
    }
)
# A browser takes it for the point in a name of a host.
FULL_STOPS = frozenset("。｡")
HOST_ENDS = re.compile(rf"(?:{_TLDS})(?![^\W_])", re.IGNORECASE)


def without_links(word: str) -> str:
    if word.isascii():
        # Every form of a link has one of these.
        if _SIGNS_OF_ALL_LINKS.isdisjoint(word):
            return word
    else:
        plain = normal_form(INVISIBLE.sub("", word)).replace("。", ".")
        if _LINK.search(plain):
            word = plain
    if "&" in word:
        plain = html.unescape(word)
        if _LINK.search(plain):
            word = plain
    for _ in range(PARTS_MAX):
        freed = _LINK.sub(_removed, word)
        if freed == word:
            break
        word = _EMPTY_PAIR.sub("", freed)
    else:
        return ""
    # A target whose label lies further back than a bracket may reach is taken apart.
    return word.replace("](", "] (")


def _removed(found: re.Match[str]) -> str:
    link = found[0]
    trailing = _TRAILING.search(link)
    core = link[: trailing.start()] if trailing else link
    parts = core.lower().split("/")
    # "B.Tech/M.Tech", "Node.js/React": degrees and libraries side by side; no host ends in .js.
    if all(
        part in _KEPT or part.endswith(".js") or (place and part.isalnum() and parts[0].endswith(".js"))
        for place, part in enumerate(parts)
    ):
        return link
    after = trailing[0] if trailing else ""
    return after.replace(")", "", max(0, core.count("(") - core.count(")")))
