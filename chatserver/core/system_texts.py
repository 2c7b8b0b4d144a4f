"""The one catalogue of what the system says in a conversation: a code, its parameters, and the words."""

from typing import Any, NamedTuple

EMERGENCY_NUMBER = "112"
HELP_NUMBER = "14416"
"""Tele-MANAS: free, day and night, in some twenty languages; 1-800-891-4416 is the same."""

HANDED_BACK = "handed_back_by_system"
HELP = "help_in_distress"
HELP_AGAIN = "help_in_distress_again"
HELP_CODES = (HELP, HELP_AGAIN)

_ELSEWHERE = (
    "If you are not in India, call your local emergency number or a crisis line near you, or somebody you trust."
)

_HELP = {
    "en": (
        "I am sorry that you are going through this. This is an automatic message, but people can help "
        "you, and you do not have to carry it alone. If you are in danger, call 112 now. In India, "
        "Tele-MANAS answers day and night, free and in many languages, on 14416 or 1-800-891-4416. "
        f"{_ELSEWHERE} Our team is told at once, and a person will see this ahead of everything else."
    ),
    "hi": (
        "मुझे दुख है कि आप इस दौर से गुज़र रहे हैं। यह संदेश अपने-आप भेजा गया है, पर लोग मदद कर सकते "
        "हैं; आपको यह अकेले नहीं सहना है। अगर आप खतरे में हैं, तो अभी 112 पर फ़ोन करें। भारत में "
        "टेली-मानस (Tele-MANAS) दिन-रात, मुफ़्त और कई भाषाओं में 14416 या 1-800-891-4416 पर उपलब्ध है। "
        "अगर आप भारत में नहीं हैं, तो अपने यहाँ के आपातकालीन नंबर पर या किसी भरोसेमंद व्यक्ति को फ़ोन "
        "करें। मैंने हमारी टीम के एक व्यक्ति से कहा है कि वे सबसे पहले आपसे यहाँ बात करें।"
    ),
    "hi-Latn": (
        "Mujhe dukh hai ki aap is daur se guzar rahe hain. Yeh sandesh apne-aap bheja gaya hai, par log "
        "madad kar sakte hain; aapko yeh akele nahi sehna hai. Agar aap khatre mein hain, to abhi 112 "
        "par phone karein. India mein Tele-MANAS din-raat, muft aur kai bhashaon mein 14416 ya "
        "1-800-891-4416 par uplabdh hai. Agar aap India mein nahi hain, to apne yahan ke emergency "
        "number par ya kisi bharosemand vyakti ko phone karein. Maine hamari team ke ek vyakti se kaha "
        "hai ki ve sabse pehle aapse yahan baat karein."
    ),
    "mr": (
        "तुम्ही यातून जात आहात याचे मला वाईट वाटते. हा संदेश आपोआप पाठवला आहे, पण माणसे मदत करू शकतात; "
        "तुम्हाला हे एकट्याने सहन करण्याची गरज नाही. तुम्ही धोक्यात असाल तर आत्ताच 112 वर फोन करा. "
        "भारतात टेली-मानस (Tele-MANAS) रात्रंदिवस, मोफत आणि अनेक भाषांमध्ये 14416 किंवा 1-800-891-4416 "
        "वर उपलब्ध आहे. तुम्ही भारतात नसाल तर तुमच्या येथील आपत्कालीन क्रमांकावर किंवा विश्वासातील "
        "व्यक्तीला फोन करा. आमच्या टीममधील एका व्यक्तीला सर्वात आधी तुमच्याशी येथे बोलण्यास मी सांगितले "
        "आहे."
    ),
    "ta": (
        "நீங்கள் இப்படி வருந்துவது எனக்கு வருத்தமாக உள்ளது. இது தானாக அனுப்பப்படும் செய்தி, ஆனால் "
        "மனிதர்கள் உதவ முடியும். இதை நீங்கள் தனியாகத் தாங்க வேண்டியதில்லை, உதவி கிடைக்கும். நீங்கள் "
        "ஆபத்தில் இருந்தால், உடனே 112-ஐ அழையுங்கள். இந்தியாவில் டெலி-மானஸ் (Tele-MANAS) இரவும் பகலும், "
        "இலவசமாக, பல மொழிகளில் 14416 அல்லது 1-800-891-4416 எண்ணில் உதவுகிறது. நீங்கள் இந்தியாவில் "
        "இல்லையென்றால், உங்கள் ஊரின் அவசர எண்ணையோ நம்பகமான ஒருவரையோ அழையுங்கள். எங்கள் குழுவில் ஒருவரை "
        "முதலில் உங்களுடன் இங்கே பேசும்படி கேட்டிருக்கிறேன்."
    ),
    "te": (
        "మీరు ఇలా బాధపడుతున్నందుకు నాకు విచారంగా ఉంది. ఇది తానుగా పంపబడిన సందేశం, కానీ మనుషులు సహాయం "
        "చేయగలరు. దీన్ని మీరు ఒంటరిగా భరించాల్సిన అవసరం లేదు, సహాయం దొరుకుతుంది. మీరు ప్రమాదంలో ఉంటే, "
        "వెంటనే 112కు ఫోన్ చేయండి. భారతదేశంలో టెలి-మానస్ (Tele-MANAS) రాత్రింబవళ్లు, ఉచితంగా, అనేక "
        "భాషల్లో 14416 లేదా 1-800-891-4416లో అందుబాటులో ఉంది. మీరు భారతదేశంలో లేకపోతే, మీ ప్రాంతంలోని "
        "అత్యవసర నంబరుకు లేదా మీరు నమ్మే వ్యక్తికి ఫోన్ చేయండి. మా బృందంలోని ఒకరిని అందరికంటే ముందుగా "
        "మీతో ఇక్కడ మాట్లాడమని అడిగాను."
    ),
    "bn": (
        "আপনি এমন সময়ের মধ্য দিয়ে যাচ্ছেন জেনে আমি দুঃখিত। এটি স্বয়ংক্রিয় বার্তা, তবে মানুষ সাহায্য "
        "করতে পারে। আপনাকে একা এটা বইতে হবে না, সাহায্য পাওয়া যায়। আপনি বিপদে থাকলে এখনই 112 নম্বরে "
        "ফোন করুন। ভারতে টেলি-মানস (Tele-MANAS) দিনরাত, বিনামূল্যে, অনেক ভাষায় 14416 বা 1-800-891-4416 "
        "নম্বরে সাড়া দেয়। আপনি ভারতে না থাকলে আপনার এলাকার জরুরি নম্বরে বা বিশ্বস্ত কাউকে ফোন করুন। "
        "আমাদের দলের একজনকে সবার আগে এখানে আপনার সঙ্গে কথা বলতে বলেছি।"
    ),
}

_HELP_AGAIN = {
    "en": (
        "I hear you. Please call 112 if you are in danger, or 14416 to talk to somebody at once; "
        "elsewhere your local emergency number. A person of our team has been asked to come and sees "
        "this first."
    ),
    "hi": (
        "मैं आपकी बात समझ रहा हूँ। खतरे में हों तो 112 पर, और अभी किसी से बात करने के लिए 14416 पर फ़ोन "
        "करें। हमारी टीम के एक व्यक्ति को बुलाया गया है।"
    ),
    "hi-Latn": (
        "Main aapki baat samajh raha hoon. Khatre mein hon to 112 par, aur abhi kisi se baat karne ke "
        "liye 14416 par phone karein. Hamari team ke ek vyakti ko bulaya gaya hai."
    ),
    "mr": (
        "मी तुमचे म्हणणे समजतो. धोक्यात असाल तर 112 वर, आणि आत्ता कोणाशी बोलण्यासाठी 14416 वर फोन करा. "
        "आमच्या टीममधील एका व्यक्तीला बोलावले आहे."
    ),
    "ta": (
        "நீங்கள் சொல்வது புரிகிறது. ஆபத்தில் இருந்தால் 112, இப்போதே ஒருவருடன் பேச 14416 எண்ணை "
        "அழையுங்கள். எங்கள் குழுவில் ஒருவரை அழைத்திருக்கிறோம்."
    ),
    "te": ("మీరు చెప్పేది అర్థమవుతోంది. ప్రమాదంలో ఉంటే 112కు, ఇప్పుడే ఎవరితోనైనా మాట్లాడాలంటే 14416కు ఫోన్ చేయండి. మా బృందంలోని ఒకరిని పిలిచాము."),
    "bn": (
        "আপনার কথা বুঝতে পারছি। বিপদে থাকলে 112 নম্বরে, আর এখনই কারও সঙ্গে কথা বলতে 14416 নম্বরে ফোন "
        "করুন। আমাদের দলের একজনকে ডাকা হয়েছে।"
    ),
}

FROM_A_PERSON = (
    "I am sorry that you are going through this. If you are in danger, please call 112 now, or your local emergency "
    "number. In India, Tele-MANAS answers day and night on 14416."
)
"""The same in an admin's mouth, for the draft that is made without a model."""

_HANDED_BACK = (
    "The person you were talking to is not available any more, so the assistant takes over again. "
    "You can ask for a person at any time."
)

URGENT_REASON = "URGENT: these words may mean that somebody is in danger. Help lines were named at once."
"""Why somebody waits who did not ask for a person."""

LANGUAGES = tuple(_HELP)


class Text(NamedTuple):
    """What a system message says, and how a program knows it."""

    content: str
    meta: dict[str, Any]


def help_in_distress(language: str, *, again: bool) -> Text:
    """`again` where the whole text was given already: the numbers once more, and no more."""
    params = {"language": language, "numbers": [EMERGENCY_NUMBER, HELP_NUMBER]}
    content = (_HELP_AGAIN if again else _HELP)[language]
    return Text(content, {"code": HELP_AGAIN if again else HELP, "params": params})


def handed_back() -> Text:
    return Text(_HANDED_BACK, {"code": HANDED_BACK, "params": {}})
