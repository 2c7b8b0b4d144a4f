"""Words of suicide and self-harm in what a seeker writes, in the languages that they write; a table, no model.

Whoever is found gets help at once and a person; so the table looks for somebody who speaks of themselves, and lets
idioms, denials and talk about others pass. It knows words, not people: what it misses the rules of the model and every
admin's eyes are for.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from chatserver.core.normal_form import normal_form

CLAUSE_MAX_CHARACTERS = 400
"""Of a clause that is looked at together; a longer one is read in windows, so that no text is slow to read."""
AROUND_CHARACTERS = 100
"""Of a window, at least, on both sides of where the words begin that it is searched for: the next one begins so much
earlier. More than any words of the table take, and the denial before them."""

# Marks that are typed or left out at will, and joiners: the same word with and without them. Anusvara for chandrabindu.
_LEFT_OUT = re.compile("[\u093c\u09bc\u0a3c\u200b-\u200f\u2060\ufeff\u00ad]")
_ALIKE = str.maketrans({"\u0901": "\u0902", "\u2019": "'", "\u2018": "'", "\u02bc": "'", "`": "'", "\u00b4": "'"})
_CLAUSE = re.compile(r"[.!?;,\n।…]+|\bbut\b|\blekin\b|\bpar\b|लेकिन|पर\s")

_DENIED = re.compile(
    r"(?:\b(?:not|never|no|without|nobody|neither|nor|dont|didnt|wont|wouldnt|isnt|arent|cannot)|n't)"
    r"(?:\s+(?:really|actually|even|ever|at|all|a|any|going|gonna|trying|planning|thinking|want|wanted|wanting|"
    r"wish|have|"
    r"had|having|about|of|to|be|been|feel|feeling|saying|am|would|will|do|i'm|i|here|mean))*\s+$"
)

_SELF = r"my\s?self"
_WISH = (
    r"(?:want(?:ed|ing)?(?: to)?|wanna|wish(?: to| i could)?|going to|gonna|will|i'll|might|may|could|should|"
    r"about to|"
    r"ready to|plan(?:ning)? (?:to|on)|decided to|need to|have to|rather|feel(?:ing)? like|urge to|"
    r"think(?:ing)? (?:of|about)|"
    r"thoughts? (?:of|about)|try(?:ing)? to|tempted to|better (?:to|if i)|just)"
)
_NOT_WANT = (
    r"(?:(?:do|did|does)(?: not|n'?t)|dont|no longer|never|can ?not|can'?t) (?:even |really |"
    r"ever )?(?:want|wanna|wish)(?: to)?"
)
_ENDS = r"(?=\s*(?:$|any ?more$|any longer$|any ?more because|because|if|now|today|tonight|after|this way))"
_AT_WORK = (
    r"(?!\s+(?:to\b|with\b|over\b|for\b|at work|trying|working|studying|preparing|in the foot|some\b|"
    r"off\b|short\b|out\b))"
)

_ENGLISH = (
    rf"\b{_WISH}\s+(?:\w+\s+){{0,2}}?(?:kill(?:ing)?|hang(?:ing)?|shoot(?:ing)?|drown(?:ing)?|poison(?:ing)?|"
    rf"hurt(?:ing)?|harm(?:ing)?|cut(?:ting)?|burn(?:ing)?)\s+{_SELF}\b{_AT_WORK}",
    rf"^\W*(?:i\s+)?kill(?:ing)? {_SELF}\W*$",
    rf"\b(?:been|keep|kept|started) (?:cutting|hurting|harming|burning) {_SELF}\b{_AT_WORK}",
    r"\b(?:wanna|gonna|want to|going to|will|might) kms\b",
    r"\bself[- ]?harm(?:ed|ing)?\b(?! (?:prevention|awareness|policy|research))",
    r"\bend(?:ing)? (?:my (?:own )?life\b(?!\s+as\b|[-\w])|it all\b(?! by\b))",
    r"\btak(?:e|ing) my (?:own life\b|life(?=\W*$|\s+(?:and|because|tonight|today|now|if|soon|after)\b))",
    rf"\b(?:commit(?:ting)?|attempt(?:ing)?|think(?:ing)? (?:of|about)|consider(?:ing)?|contemplat(?:e|ing)|"
    rf"plan(?:ning)?|"
    rf"thoughts? (?:of|about)|choose|choosing|{_WISH}|only) suicide\b"
    r"(?!\s+(?:prevention|hot ?line|help ?line|awareness|squad|research|risk|note|rates?|by))",
    r"^\W*suicide\W*$",
    r"\bsuicide (?:is|seems|looks like|feels like) (?:the|my|an?)\s+(?:only |best |last |easy )?(?:way|option|"
    r"answer|choice|thing|solution)",
    r"\b(?:am|i'm|im|feel|feeling|felt|so|been|getting|become|becoming|having|have|had|get) (?:(?!not |"
    r"never )\w+ )?suicidal\b",
    r"\b(?:i|i'm|im|just|really|honestly|sometimes|id|i'd|also) (?:\w+ ){0,3}?(?:want(?:ed)? to|wanna|wish to|"
    r"wish i could|'?d rather|"
    r"rather|deserve to|ready to|feel like) (?:just )?(?:die\b|be dead\b|dying\b)(?! (?:of|from|laughing|for|"
    r"on (?:this|that) hill))",
    r"^\W*(?:just )?(?:want to|wanna|let me) die\b(?! (?:of|from|laughing|for))",
    r"\bi wish (?:i|i was|i were|i'd) (?:was |were )?(?:dead\b|never (?:been )?born|had never been born)",
    r"\bwish i (?:had )?(?:never|wasn'?t|weren'?t) (?:been )?(?:born|alive)",
    r"\b(?:i'm|im|i am|i'd be|i would be|everyone (?:is|would be)|they(?:'d| would) be) better off (?:dead\b|"
    r"without me\b)",
    r"\bbetter off dead\b", r"\bno reason (?:for me )?to (?:live|be alive|go on living)\b",
    r"\b(?:nothing|nothing left|not worth) (?:to live for|living for)\b", r"\blife is(?:n'?t| not) worth living\b",
    rf"\b{_NOT_WANT} (?:live|exist|be alive|be here|wake up){_ENDS}",
    rf"\b(?:can ?not|can'?t) (?:go on living|live any ?more{_ENDS})",
)  # fmt: skip

_I_DO_HINDI = r"(?:kar|kr)(?:na|ne|ni|u+n?|oo?n?| ?lu+n?g?[aiu]*| ?loo?n?g?[ai]*|u+n?g[ai]|oo?n?g[ai])\b"
_ROMANISED_HINDI = (
    rf"\b(?:suicide|khud ?kh?us?h?i|khud ?kushi|a+t(?:ma|m) ?hat[iy]?ya+) (?:{_I_DO_HINDI}|krna\b)",
    r"\bmar(?:na| ?ja+na) (?:cha+h[au]?t[aei]|cha+ht[ai]|hai mujhe|behtar|hi behtar)",
    r"\bmujhe (?:ab )?(?:mar(?:na| ?ja+na)) (?:hai|he|h)\b", r"\bmar ja+[uo]+n? (?:to|toh) (?:ac+h+a|behtar)",
    r"\bmarne ka (?:man|mann|dil) (?:kar|ho)", r"\bj(?:ee|i)na (?:hi )?(?:nah?i+n?|nhi+) cha+h",
    r"\bj(?:ee|i)ne ka (?:man+|dil) (?:nah?i+n?|nhi+)", r"\b(?:apni )?ja+n de (?:du+n?g?[ai]?|doo?n?g?[ai]?|"
    r"dena cha)",
    r"\bapni ja+n le", r"\b(?:apni )?(?:zindagi|jindagi|life) (?:hi )?(?:khatam|khatm|khtm) kar(?:na|ne|u|lu|"
    r"dun? ?g)",
)  # fmt: skip
_HINDI = (
    r"(?:आत्म ?हत्या|खुद ?कुशी|सुसाइड) (?:कर(?:ना|ने|नी|ूं|ूंगा|ूंगी| लूं| लूंगा| लूंगी)|के (?:विचार|ख्याल))",
    r"^\W*(?:आत्म ?हत्या|खुदकुशी)\W*$", r"मर(?:ना| जाना) (?:ही )?(?:चाहत|बेहतर|है मुझे)",
    r"मुझे (?:अब )?मर(?:ना| जाना) (?:है|चाहिए)", r"मर जाऊं तो", r"मरने का (?:मन|दिल|जी) (?:कर|"
    r"हो)", r"मरने की इच्छा (?:है|हो)",
    r"जीना (?:ही )?नहीं चाहत", r"जीने (?:का (?:मन|दिल|जी)|की इच्छा) नहीं", r"जान दे (?:दूं|देना चाह)", r"अपनी जान ले",
    r"(?:जिंदगी|जिन्दगी|जीवन) (?:ही )?(?:खत्म|समाप्त) कर",
)  # fmt: skip
_MARATHI = (
    r"आत्महत्या कर(?:ायच|ाविशी|ावीशी|णार|ेन|ू)",
    r"मर(?:ायच|ावसे|ावेसे|ावंसं|ावस)[^\s]* (?:आहे|वाटत)",
    r"मला मर(?:ायच|ायला)",
    r"जगायच[^\s]* नाही",
    r"जगाव[^\s]* (?:वाटत )?नाही",
    r"जीव (?:द्यावा|देणार|देईन|देऊ)",
    r"\bmar(?:ayche|aych[ae]|ayla) (?:aahe|ahe)\b",
    r"\bmarav[ae]?s[ae] vatat",
    r"\bjagayche? na+hi\b",
)
_TAMIL = (
    r"தற்கொலை (?:செய்(?:ய|து ?கொள்ள|துக்கொள்ள|வேன்)|பண்ண|எண்ண)",
    r"^\W*தற்கொலை\W*$",
    r"சாக (?:வேண்டும்|விரும்ப)|சாகணும்|சாகலாம்",
    r"செத்து(?:ப்| )?\s?போ(?:க|கணும்|கலாம்|யிட)|செத்துடலாம்",
    r"வாழ(?:வே)? (?:பிடிக்க|விரும்ப|விருப்பம்|ஆசை)[^\s]*\s?(?:வில்லை|ல|இல்லை)",
    r"உயிரை (?:மாய்|விட)",
    r"\b(?:sa+ganum|sagalam|se(?:th|tt?h)u ?(?:pog[ao]|pod?alam|poiduv)|tharkolai (?:pann|sei)|"
    r"vaazha ?pudikk?al|vazha pidikk?al)",
)
_TELUGU = (
    r"ఆత్మహత్య (?:చేసుకో|చేసుకుంటా|చేసుకుందా|ఆలోచన)",
    r"^\W*ఆత్మహత్య\W*$",
    r"(?:చావాలని|చచ్చిపోవాలని|చనిపోవాలని)",
    r"(?:చచ్చిపోతాను|చచ్చిపోతా\b)",
    r"(?:బ్రతకాలని|బతకాలని|జీవించాలని) (?:లేదు|అనిపించ)",
    r"\b(?:cha+vali ani|chachipo(?:vali|thanu|tha)|chanipovali|bra?thakalani ledu|atmahatya chesuko)",
)
_BENGALI = (
    r"আত্মহত্যা (?:কর(?:তে|ব|বো)|ছাড়া)",
    r"^\W*আত্মহত্যা\W*$",
    r"মর(?:তে|ে যেতে) (?:চাই|ইচ্ছ?[াে])(?!\s*না)",
    r"বাঁচতে (?:আর )?(?:চাই না|ইচ্ছ?[াে] কর)|বাঁচার ইচ্ছ?[াে] নেই",
    r"নিজেকে শেষ কর",
    r"\b(?:morte chai|more jete chai|ba+n?chte (?:ar )?chai na|atm[ao]hot+ya korb?)",
)
_OTHERS = (
    # Gujarati, Kannada, Malayalam, Punjabi, Urdu.
    r"(?:આત્મહત્યા|આપઘાત) કર(?:વી|વો|ી લ|ીશ|ું)", r"મર(?:વું|ી જવું) છે", r"જીવવું નથી",
    r"ಆತ್ಮಹತ್ಯೆ ಮಾಡಿಕೊಳ್ಳ", r"ಸಾಯ(?:ಬೇಕು|ಲು ಬಯಸ)", r"ಬದುಕ(?:ಲು ಇಷ್ಟವಿಲ್ಲ|ಬೇಕು ಅನಿಸ)",
    r"ആത്മഹത്യ ചെയ്യ(?:ണം|ാൻ|ും)", r"(?:മരിക്കണം|ചാകണം|മരിക്കാൻ തോന്ന)", r"ജീവിക്കാൻ (?:ആഗ്രഹമില്ല|തോന്നുന്നില്ല)",
    r"ਖੁਦਕੁਸ਼ੀ ਕਰ(?:ਨ|ਨਾ|ਾਂ| ਲਵਾਂ)", r"ਮਰਨਾ ਚਾਹੁੰਦ", r"ਜੀਣਾ ਨਹੀਂ ਚਾਹੁੰਦ",
    r"خودکشی کر(?:نا|نے|وں| لوں)", r"مر(?:نا| جانا) چاہت", r"جینا نہیں چاہت",
)  # fmt: skip


class _Rules(NamedTuple):
    language: str
    """BCP 47, of the help that is given."""
    found: re.Pattern[str]


def _rules(language: str, patterns: tuple[str, ...]) -> _Rules:
    return _Rules(language, re.compile("|".join(f"(?:{_LEFT_OUT.sub('', pattern)})" for pattern in patterns)))


_TABLE = (
    _rules("hi-Latn", _ROMANISED_HINDI), _rules("mr", _MARATHI), _rules("hi", _HINDI), _rules("ta", _TAMIL),
    _rules("te", _TELUGU), _rules("bn", _BENGALI), _rules("en", _OTHERS), _rules("en", _ENGLISH),
)  # fmt: skip


def language_of_distress(text: str) -> str | None:
    """The language in which to help whoever wrote this, or None where nothing in it asks for that."""
    plain = _LEFT_OUT.sub("", normal_form(text)).casefold().translate(_ALIKE)
    for clause in _CLAUSE.split(plain):
        for words, begin, end in _windows(" ".join(clause.split())):
            for language, pattern in _TABLE:
                for found in pattern.finditer(words):
                    if begin <= found.start() < end and not _DENIED.search(words[: found.start()]):
                        return language
    return None


def _windows(clause: str) -> Iterator[tuple[str, int, int]]:
    """Parts of a clause, each with the first place where what is found counts and the one behind the last."""
    for start in range(0, max(len(clause) - 2 * AROUND_CHARACTERS, 1), CLAUSE_MAX_CHARACTERS - 2 * AROUND_CHARACTERS):
        words = clause[start : start + CLAUSE_MAX_CHARACTERS]
        is_last = start + CLAUSE_MAX_CHARACTERS >= len(clause)
        yield (
            words, AROUND_CHARACTERS if start else 0,
            len(words) + 1 if is_last else CLAUSE_MAX_CHARACTERS - AROUND_CHARACTERS,
        )  # fmt: skip
