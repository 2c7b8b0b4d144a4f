"""Contact and identity data leave no text; ordinary words and figures stay."""

import re

import pytest

from chatserver.core.redaction import clean, redact


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        ("asha.rao+jobs@example.co.in", "e-mail"), ("asha [at] example [dot] com", "e-mail"),
        ("+91 98450 12345", "phone"), ("09845012345", "phone"), ("9845012345", "phone"),
        ("(080) 2345 6789", "phone"), ("+44 (0)20 7946 0958", "phone"), ("415-555-0134", "phone"),
        ("2345 6789 0123", "ID number"), ("ABCPK1234L", "ID number"), ("078-05-1120", "ID number"),
        ("Passport No: K1234567", "ID number"), ("DOB: 12/03/1994", "birth date"),
        ("Date of birth - 3 March 1994", "birth date"), ("linkedin.com/in/asha-rao-94", "profile"),
        ("Address: 12 Palm Grove, Kochi 682001", "address"), ("AB 12 34 56 C", "ID number"),
        ("4111 1111 1111 1111", "ID number"), ("Driving Licence: KA01 20110012345", "ID number"),
        ("SSN 078051120", "ID number"), ("Mobile: 22 4567 8901", "phone"), ("Born on 3rd March, 1994", "birth date"),
        ("1994-03-12", "birth date"), ("14, 2nd Cross, Indiranagar Layout, Bengaluru - 560038", "address"),
        ("Hauptstraße 5, 10115 Berlin", "address"), ("(022) 2345 6789", "phone"), ("98450-12345", "phone"),
        ("Flat No. 4B, Lotus Towers, MG Road, Bengaluru 560 001", "address"),
        ("221 Baker Street, London", "address"),
    ],
)  # fmt: skip
def test_taken_out(secret: str, kind: str) -> None:
    label = "DOB " if secret[:4] == "1994" else ""
    text = redact(f"Summary\n{label}{secret}\nEight years of audit")
    assert f"[{kind}]" in text
    assert secret not in text
    assert text.startswith("Summary\n")
    assert text.endswith("\nEight years of audit")


@pytest.mark.parametrize(
    "text",
    [
        "2019 - 2023: grew revenue from 12,500,000 to 18,250,000 (46%)",
        "10+ years, 3.5 GPA, Rs 1,20,000 a month, v2.14.0",
        "Python 3.11, ISO 27001:2022, IFRS 15, Ind AS 116, SOX 404, S/4HANA 2022",
        "Job id 300412 and 739604WD, CX_3001", "Led 14 people in 3 cities; 99.95 % uptime; 24/7 on-call",
        "Jan 2020 to March 2022, 01/2020 - 03/2022", "Managed a portfolio of 250000000 INR",
        "Pan-India operations since 2019, pan: European scope, NI: LabVIEW",
        "Passport to Work programme, visa sponsorship 2024, licence to operate",
        "Requisition R-1234567, JR0012345, ID 7396041234",
        "Current CTC, INR 850000; expected Rs. 9800000000 in revenue",
        "Main street retail, sector growth of 12 % in 2021",
        "Led phase 2 of 3, main contact for 120 clients; closed 350 000 tickets",
        "SAP S/4 1709, ISO 9001:2015, RFC 2119", "Closed 234567890123 records, 9876543210 rows",
        "Sales, Revenue 250000", "Python 3.11.4, 192.168.10.20 and 10.0.0.1", "Contact: 2019 - 2023",
        "Born to sell; contact centre 24x7",
        "२०१९ से २०२३ तक लेखा परीक्षा", "2020.01.15 release, 2021-04-01 go-live",
        "Worked on GST returns for 2017-18, 2018-19 and 2019-20",
        "Pay of 60000 - 75000 a month, or 80000/90000", "Runs on EC2 8GB and M1 2TB", "Met at B2 3PM, Q4 2PM",
        "Marks 85 90 78 92 81", "GitHub: Actions and Copilot", "Sat at a desk. Worked at example.com and at Gmail",
        "Call centre, 2019 - 2023; contact lenses 2021", "M.Tech 2016, T 20 league, Ph.D. 2019",
        "Visa is open until 2027, the PAN card desk", "Chapter 11, 10115 rows", "Led 12 Analysts and 4 Managers",
        "E-mail address\nbook for 200 users",
    ],
)  # fmt: skip
def test_left_alone(text: str) -> None:
    assert redact(text) == text


FORMS = {
    "phone": (
        "+91 98450 12345", "+91-98450-12345", "+91.98450.12345", "0091 98450 12345", "91 98450 12345",
        "(+91) 98450 12345", "९८४५०१२३४५", "+९१ ९८४५० १२३४५", "٩٨٤٥٠١٢٣٤٥", "９８４５０１２３４５", "9845\u200b012345",
        "98450\u00a012345", "98450\u201312345", "98450  12345", "98450\t12345", "98450\u200d12345",
        "9 8 4 5 0 1 2 3 4 5",
        "9\ufe0f\u20e38\ufe0f\u20e3450 12345", "Tel: 22 4567 8901", "080-23456789", "९८४५०\u200d१२३४५",
        "M-9845012345", "Ph-9845012345", "Cell: 98450 12345", "Contact No. 9845012345", "Contact no 98450 12345",
        "Mob No. 9845012345", "Call me at 98450 12345", "whatsapp9845012345", "M: 4155550134",
        "98450 - 12345", "98450/12345", "98450.12345", "98450\u00b712345", "98450_12345", "98450\n12345",
        "9845 012 345", "9845-01-2345", "9-8-4-5-0-1-2-3-4-5", "9\u03368\u03364\u03365\u03360\u033612345",
        "9845012345/9845067890", "9845012345, 9845067890 or 9845011111", "+91-9845012345 / 9845067890",
        "0170/1234567", "+49 (0)170/1234567", "030 - 1234 5678", "+353 86 123 4567", "(086) 1234567", "07700 900123",
        "1-415-555-0134", "(415) 555-0134",
    ),
    "e-mail": (
        "asha.rao@example.com", "asha.rao @ example . com", "asha.rao (at) example (dot) com",
        "asha.rao at example dot com",
        "asha.rao\uff20example.com", "asha.rao@\u200bexample.com", "mailto:asha.rao@example.co.in",
        "asha.rao{at}example{dot}com", "asha.rao <at> example.com", "asha.rao@example (dot) co (dot) in",
        "asha.rao@example\u3002com", "asha.rao@\nexample.com", "asha.rao at gmail.com",
    ),
    "ID number": (
        "ABCPK1234L", "abcpk1234l", "919845012345", "ABCPK 1234 L", "PAN: ABCPK1234L", "ABCPK१२३४L", "AB\u00adCPK1234L",
        "2345 6789 0123", "2345-6789-0123", "234567890123", "२३४५ ६७८९ ०१२३", "Aadhaar No. 2345 6789 0123",
        "2345\u20116789\u20110123", "2345.6789.0123", "आधार संख्या: २३४५६७८९०१२३", "Passport No: K1234567",
        "passport number K 1234567", "Passport # k1234567", "पासपोर्ट: K1234567", "078-05-1120", "078 05 1120",
        "SSN 078051120", "SSN: 078.05.1120", "078\u201305\u20131120", "KA01 20110012345", "KA-01-2011-0012345",
        "DL No. KA0120110012345", "Voter ID: ABC1234567", "UAN 100123456789", "784-1994-1234567-1",
        "ABCPK-1234-L", "29ABCPK1234L1Z5", "2345/6789/0123", "2345\n6789\n0123", "Passport no is K1234567",
        "Passport Details: K1234567", "Passport (K1234567", "AB-12-34-56-C", "ab123456c", "PPS No: 1234567TA",
        "65 170839 J 003", "Steuer-ID: 12 345 678 901", "Sozialversicherungsnummer 65170839J003",
        "Reisepass-Nr. C01234567", "UTR 1234567890", "ITIN 912-71-1234", "EIN: 12-3456789",
    ),
    "birth date": (
        "DOB: 12/03/1994", "D.O.B. 12.03.94", "Date of Birth : 12 March 1994", "Born on 12-Mar-1994",
        "DOB – १२/०३/१९९४",
        "जन्म तिथि: 12/03/1994", "Geburtsdatum: 12.03.1994", "Birth date 1994-03-12", "D\u200bOB: 12/03/1994",
        "DOB: 12 / 03 / 1994", "DOB: 12th of March 1994", "DOB: March 1994", "Date of Birth (DD/MM/YYYY): 12/03/1994",
        "Date of Birth | 12/03/1994", "Date of Birth = 12/03/1994", "Date of Birth : - 12/03/1994",
        "Date of Birth\n12/03/1994", "born in Kochi on 12 March 1994", "geb. am 12.03.1994", "geb. 12.03.1994",
        "Geburtsdatum und -ort: 12.03.1994",
    ),
    "address": (
        "Address: 12 Palm Grove, Kochi 682001", "Address:\n12 Palm Grove\nKochi 682001",
        "पता: १२ पाम ग्रोव, कोच्चि ६८२००१",
        "Flat No. 4B, Lotus Towers, MG Road, Bengaluru ५६०००१", "221 Baker Street, London",
        "Address\n12 Palm Grove\nKochi 682001", "Correspondence Address: 12 Palm Grove, Kochi",
        "Address\n\n\n\n\n\n\n\n\n\n\n12 Palm Grove\nKochi 682001",
        "Flat 2, 10 Elm Court, London SW1A 1AA", "Apt 4, The Elms, Dublin D02 X285", "14 The Elms, Reading RG1 4AB",
        "500 5th Avenue, Apt 3, New York, NY 10110", "PO Box 123, Austin, TX 78701", "Am Markt 5, 10115 Berlin",
        "Unter den Linden 5, 10117 Berlin",
    ),
    "profile": (
        "linkedin.com/in/asha-rao-94", "linkedin.com/pub/asha/1/2", "asharao94.github.io", "Skype: live:asha94",
        "facebook.com/profile.php?id=1000123", "stackoverflow.com/users/123/asha", "medium.com/@asha94",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, forms in FORMS.items() for form in forms])
def test_every_form_of_it_is_taken_out(kind: str, form: str) -> None:
    text = redact(f"Eight years of audit.\n{form}\nAudited banks.")
    assert f"[{kind}]" in text
    left = {part for part in re.split(r"[\s:.,#()\[\]-]+", clean(text)) if any(one.isdecimal() for one in part)}
    assert left == set(), f"of {form!r} there is left {text!r}"
    assert text.startswith("Eight years of audit.\n")
    assert text.endswith("\nAudited banks.")


def test_what_is_written_in_other_digits_stays_so_beside_what_is_taken_out() -> None:
    assert redact("२०१९ से २०२३ तक – फ़ोन ९८४५०१२३४५") == clean("२०१९ से २०२३ तक – फ़ोन [phone]")


def test_what_nobody_sees_is_gone() -> None:
    assert clean("ig\u200bnore \U000e0041\U000e0042all\u202e \ufb01rst\x00") == "ignore all first"


def test_letters_that_need_a_joiner_keep_it() -> None:
    assert clean("क्\u200dष and ig\u200dnore and \u200dfirst") == "क्\u200dष and ignore and first"


def test_twice_is_as_once() -> None:
    once = redact("Asha, +91 98450 12345, asha@example.com, DOB: 12/03/1994, PAN: ABCPK1234L, Passport No: K1234567")
    assert redact(once) == once
    assert "ABCPK" not in once


def test_hidden_characters_hide_no_address() -> None:
    assert redact("asha\u200b@exa\u2060mple.com") == "[e-mail]"
