"""Countries as places in postings name them, and when such a name says that a posting is elsewhere."""

import re

# ISO 3166 alpha-2, and the names that English pages use.
_TABLE = """
AD Andorra|AE United Arab Emirates,UAE|AF Afghanistan|AG|AI|AL Albania|AM Armenia|AO Angola|AQ|AR Argentina|AS
AT Austria|AU Australia|AW Aruba|AX|AZ Azerbaijan|BA Bosnia and Herzegovina|BB Barbados|BD Bangladesh|BE Belgium
BF Burkina Faso|BG Bulgaria|BH Bahrain|BI Burundi|BJ Benin|BL|BM Bermuda|BN Brunei|BO Bolivia|BQ|BR Brazil
BS Bahamas|BT Bhutan|BV|BW Botswana|BY Belarus|BZ Belize|CA Canada|CC|CD|CF|CG Congo|CH Switzerland|CI Ivory Coast
CK|CL Chile|CM Cameroon|CN China|CO Colombia|CR Costa Rica|CU Cuba|CV Cape Verde|CW Curacao|CX|CY Cyprus
CZ Czech Republic,Czechia|DE Germany|DJ Djibouti|DK Denmark|DM|DO Dominican Republic|DZ Algeria|EC Ecuador
EE Estonia|EG Egypt|EH|ER Eritrea|ES Spain|ET Ethiopia|FI Finland|FJ Fiji|FK|FM|FO|FR France|GA Gabon
GB United Kingdom,UK,England,Scotland,Wales|GD|GE Georgia|GF|GG Guernsey|GH Ghana|GI Gibraltar|GL Greenland
GM Gambia|GN Guinea|GP|GQ|GR Greece|GS|GT Guatemala|GU Guam|GW|GY Guyana|HK Hong Kong|HM|HN Honduras|HR Croatia
HT Haiti|HU Hungary|ID Indonesia|IE Ireland|IL Israel|IM Isle of Man|IN India,IND|IO|IQ Iraq|IR Iran|IS Iceland
IT Italy|JE Jersey|JM Jamaica|JO Jordan|JP Japan|KE Kenya|KG Kyrgyzstan|KH Cambodia|KI|KM|KN|KP|KR South Korea,Korea
KW Kuwait|KY Cayman Islands|KZ Kazakhstan|LA Laos|LB Lebanon|LC|LI Liechtenstein|LK Sri Lanka|LR Liberia|LS Lesotho
LT Lithuania|LU Luxembourg|LV Latvia|LY Libya|MA Morocco|MC Monaco|MD Moldova|ME Montenegro|MF|MG Madagascar|MH
MK North Macedonia|ML Mali|MM Myanmar|MN Mongolia|MO Macau,Macao|MP|MQ|MR Mauritania|MS|MT Malta|MU Mauritius
MV Maldives|MW Malawi|MX Mexico|MY Malaysia|MZ Mozambique|NA Namibia|NC|NE Niger|NF|NG Nigeria|NI Nicaragua
NL Netherlands|NO Norway|NP Nepal|NR|NU|NZ New Zealand|OM Oman|PA Panama|PE Peru|PF|PG Papua New Guinea
PH Philippines|PK Pakistan|PL Poland|PM|PN|PR Puerto Rico|PS|PT Portugal|PW|PY Paraguay|QA Qatar|RE|RO Romania
RS Serbia|RU Russia|RW Rwanda|SA Saudi Arabia|SB|SC Seychelles|SD Sudan|SE Sweden|SG Singapore|SH|SI Slovenia|SJ
SK Slovakia|SL Sierra Leone|SM San Marino|SN Senegal|SO Somalia|SR Suriname|SS South Sudan|ST|SV El Salvador|SX
SY Syria|SZ Eswatini|TC|TD Chad|TF|TG Togo|TH Thailand|TJ Tajikistan|TK|TL|TM Turkmenistan|TN Tunisia|TO
TR Turkey,Türkiye|TT Trinidad and Tobago|TV|TW Taiwan|TZ Tanzania|UA Ukraine|UG Uganda|UM
US United States,United States of America,USA|UY Uruguay|UZ Uzbekistan|VA|VC|VE Venezuela|VG|VI|VN Vietnam|VU|WF
WS Samoa|XK Kosovo|YE Yemen|YT|ZA South Africa|ZM Zambia|ZW Zimbabwe
"""

# Where a state's two letters are also a country's, its cities decide.
_CITIES = {
    "IN": {
        "ahmedabad", "bangalore", "bengaluru", "bhopal", "bhubaneswar", "bombay", "calcutta", "chandigarh",
        "chennai", "coimbatore", "dehradun", "delhi", "gurgaon", "gurugram", "guwahati", "hyderabad", "indore",
        "jaipur", "jamshedpur", "kanpur", "kochi", "kolkata", "lucknow", "madurai", "mangalore", "mohali", "mumbai",
        "mysore", "mysuru", "nagpur", "nashik", "navi mumbai", "new delhi", "noida", "patna", "pune", "raipur",
        "ranchi", "surat", "thane", "thiruvananthapuram", "trivandrum", "vadodara", "vijayawada", "visakhapatnam",
    }
}  # fmt: skip


def _read() -> dict[str, str]:
    codes: dict[str, str] = {}
    for entry in re.split(r"[|\n]", _TABLE.strip()):
        code, _, names = entry.partition(" ")
        codes |= dict.fromkeys((code, *(name.upper() for name in names.split(",") if name)), code)
    return codes


_CODES = _read()


def is_elsewhere(place: str | None, country: str) -> bool:
    """Whether `place`, as `Bengaluru, KA, IN, 560048`, names a country and not `country` (ISO 3166 alpha-2).

    What is behind the last comma decides, postal codes apart. A place that names no country that is known stays.
    """
    parts = [part.strip() for part in (place or "").split(";")[0].split(",") if part.strip()]
    words = [" ".join(word for word in part.split() if not re.search(r"\d", word)) for part in parts]
    words = [part for part in words if part]
    if len(words) < 2:
        return len(words) == 1 and len(words[0]) > 2 and _CODES.get(words[0].upper(), country) != country
    if _CODES.get(words[-1].upper(), country) == country:
        return False
    return len(words[-1]) > 2 or words[0].casefold() not in _CITIES.get(country, ())
