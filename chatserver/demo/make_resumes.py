"""Draws the demo's resume files: `python -m chatserver.demo.make_resumes`. Needs reportlab, a development dependency.

The people are made up, and so are their employers where the name is not common knowledge.
"""

from datetime import datetime
from pathlib import Path

import docx
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    FrameBreak,
    PageTemplate,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
)  # fmt: skip

FOLDER = Path(__file__).parent / "resumes"

_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14, spaceAfter=4)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=9, leading=12.5)
_NAME = ParagraphStyle("name", parent=_BODY, fontName="Helvetica-Bold", fontSize=18, leading=22)
_HEAD = ParagraphStyle("head", parent=_BODY, fontName="Helvetica-Bold", fontSize=11.5, spaceBefore=8, spaceAfter=3)
_ROLE = ParagraphStyle("role", parent=_BODY, fontName="Helvetica-Bold", spaceBefore=4, spaceAfter=1)

DATA_ENGINEER: list[tuple[ParagraphStyle, str]] = [
    (_NAME, "Ananya Krishnan"),
    (_BODY, "Data Engineer, Bengaluru · ananya.krishnan@example.com · +91 00000 41207"),
    (_HEAD, "Summary"),
    (
        _BODY,
        "Data engineer with six years of experience in retail and payments. I build batch and streaming pipelines in "
        "Python and Apache Spark, model warehouses in SQL that finance teams rely on, and care about the test that "
        "stops a bad "
        "load. I would like to work closer to clients and to lead a small team.",
    ),
    (_HEAD, "Skills"),
    (
        _BODY,
        "Python, SQL, Apache Spark, Azure Databricks, Apache Airflow, Azure Data Factory, dbt, PostgreSQL, "
        "Kafka, Git, "
        "Docker, Power BI, data modelling, data quality testing",
    ),
    (_HEAD, "Experience"),
    (_ROLE, "Senior Data Engineer, Nilgiri Retail Technologies, Bengaluru · June 2023 to today"),
    (
        _BODY,
        "• Rebuilt the nightly sales load of 640 stores on Azure Databricks with Apache Spark: run time went "
        "from seven "
        "hours to fifty minutes, and the share of days with a late report from one in six to one in ninety.",
    ),
    (
        _BODY,
        "• Introduced data tests and a reconciliation against the cash ledger; found a two per cent loss of "
        "returns that "
        "had gone unseen for a quarter.",
    ),
    (
        _BODY,
        "• Review the pull requests of three engineers and coach two graduates; wrote the guide by which new "
        "pipelines "
        "are built.",
    ),
    (
        _BODY,
        "• Agreed with the finance controllers on one definition of net sales, and retired eleven dashboards "
        "that used "
        "another.",
    ),
    (_ROLE, "Data Engineer, Palmyra Payments, Bengaluru · July 2020 to May 2023"),
    (
        _BODY,
        "• Built the settlement pipeline from Kafka to PostgreSQL and later to a warehouse in Snowflake: four "
        "million "
        "transactions a day, exactly once, reconciled by nine in the morning.",
    ),
    (_BODY, "• Orchestrated ninety jobs in Apache Airflow; brought failed runs down from twelve a week to one."),
    (_BODY, "• Moved reporting from stored procedures to dbt with tests in continuous integration."),
    (_BODY, "• Was on call one week in five and wrote the runbook that made the nights quieter."),
    (_ROLE, "Trainee, analytics, Palmyra Payments, Bengaluru · January 2020 to June 2020"),
    (_BODY, "• Built a Power BI dashboard on failed payments that the support team of forty still opens each morning."),
    (_HEAD, "Projects"),
    (_ROLE, "Monsoon, open data on rainfall and vegetable prices · 2022 to today"),
    (
        _BODY,
        "A small public data set of daily mandi prices and rainfall for nine districts of Karnataka, loaded with "
        "Python "
        "every night, with a page that says which source was late. Used in two college courses that I know of.",
    ),
    (_ROLE, "Evaluation of column formats for a talk at a Bengaluru data meet-up · 2024"),
    (
        _BODY,
        "Measured Parquet, Delta and Iceberg on the same three years of receipts: size, cost of a late "
        "correction, and "
        "time for the ten questions that analysts ask most. The finding that surprised the room was how little the "
        "format and "
        "how much the partitioning mattered.",
    ),
    (_ROLE, "Hand-over of a warehouse to a client's own team, Nilgiri Retail Technologies · 2025"),
    (
        _BODY,
        "Six weeks with four engineers of a franchise partner: pairing on their first pipelines, a catalogue "
        "with owners, "
        "and a list of what we would do differently. They have run it since without a ticket to us.",
    ),
    (_HEAD, "Education"),
    (
        _BODY,
        "B.Tech in Computer Science, National Institute of Technology, Tiruchirappalli, 2016 to 2020. Final project: "
        "detecting duplicate records in land registers.",
    ),
    (_HEAD, "Certificates and languages"),
    (
        _BODY,
        "Microsoft Certified: Azure Data Engineer Associate (2023). Databricks Certified Data Engineer Professional "
        "(2024). English and Tamil fluently, Kannada and Hindi in daily life.",
    ),
    (_HEAD, "What I look for"),
    (
        _BODY,
        "A team that reviews each other's work, clients whose data has a consequence, and responsibility for two "
        "or three "
        "younger engineers. Notice period: sixty days. I live in Bengaluru and travel gladly.",
    ),
]

_SIDE = [
    (_HEAD, "Farah Siddiqui"),
    (_SMALL, "Security analyst"),
    (_SMALL, "Hyderabad, Telangana"),
    (_SMALL, "farah.siddiqui@example.com"),
    (_SMALL, "+91 00000 77310"),
    (_HEAD, "Tools"),
    (_SMALL, "Splunk"),
    (_SMALL, "Microsoft Sentinel"),
    (_SMALL, "CrowdStrike Falcon"),
    (_SMALL, "Wireshark"),
    (_SMALL, "Python"),
    (_SMALL, "PowerShell"),
    (_SMALL, "Linux"),
    (_SMALL, "Active Directory"),
    (_SMALL, "Amazon Web Services"),
    (_HEAD, "Certificates"),
    (_SMALL, "CompTIA CySA+ (2023)"),
    (_SMALL, "Microsoft SC-200 (2024)"),
    (_SMALL, "OSCP, planned for 2027"),
    (_HEAD, "Languages"),
    (_SMALL, "Urdu, Hindi, Telugu, English"),
    (_HEAD, "Education"),
    (_SMALL, "B.E in Information Technology, Osmania University, 2018 to 2022"),
]

_MAIN = [
    (_HEAD, "Profile"),
    (
        _BODY,
        "Security operations analyst with four years in a round-the-clock SOC for banks and hospitals. I investigate "
        "alerts, write detection rules and have led the first hours of three real incidents. I write cases that the "
        "next "
        "shift understands.",
    ),
    (_HEAD, "Experience"),
    (_ROLE, "Senior SOC Analyst, Charminar Managed Security, Hyderabad, 2024 to today"),
    (_BODY, "• Lead analyst of a shift of six; about forty escalated alerts a week in Splunk and Microsoft Sentinel."),
    (_BODY, "• Wrote and mapped 60 detection rules to MITRE ATT&CK and cut false alarms on service accounts by half."),
    (_BODY, "• Contained a ransomware attempt at a hospital within 47 minutes; no ward had to go back to paper."),
    (_BODY, "• Automated the first enrichment of phishing reports in Python, which saves the team two hours a day."),
    (_ROLE, "SOC Analyst, Charminar Managed Security, Hyderabad, 2022 to 2024"),
    (
        _BODY,
        "• Monitored networks of two private banks; incident response with CrowdStrike Falcon and Active Directory "
        "logs.",
    ),
    (_BODY, "• Prepared monthly reports for clients and presented them to their technology heads."),
    (_BODY, "• Took part in two tabletop exercises on the loss of a core banking system."),
    (_HEAD, "Projects"),
    (
        _BODY,
        "Home lab with a small Windows domain and Linux sensors, attacked and watched by turns; notes published for "
        "students. Volunteer at a college capture-the-flag contest since 2023.",
    ),
    (_HEAD, "Looking for"),
    (
        _BODY,
        "Incident response or penetration testing in a team that shares what it learns, in Hyderabad or Bengaluru. "
        "Night shifts are fine when they are planned.",
    ),
]


def draw_two_pages(path: Path) -> None:
    document = SimpleDocTemplate(
        str(path), pagesize=A4, margin=20 * mm, title="Resume", author="Ananya Krishnan", invariant=1
    )
    document.build(_flow(DATA_ENGINEER))


def draw_two_columns(path: Path) -> None:
    document = BaseDocTemplate(str(path), pagesize=A4, title="Resume", author="Farah Siddiqui", invariant=1)
    width, height = A4
    side = Frame(15 * mm, 15 * mm, 52 * mm, height - 30 * mm, id="side")
    main = Frame(72 * mm, 15 * mm, width - 87 * mm, height - 30 * mm, id="main")
    document.addPageTemplates([PageTemplate(id="columns", frames=[side, main])])
    document.build([*_flow(_SIDE), FrameBreak(), *_flow(_MAIN)])


def _flow(lines: list[tuple[ParagraphStyle, str]]) -> list[Flowable]:
    return [*(Paragraph(text.replace("&", "&amp;"), style) for style, text in lines), Spacer(1, 2 * mm)]


def write_docx(path: Path) -> None:
    """What an auditor brings: a table with the engagements, which a reader of paragraphs alone would not see."""
    document = docx.Document()
    document.core_properties.author = "Rohan Deshmukh"
    document.core_properties.comments = ""
    document.core_properties.created = document.core_properties.modified = datetime(2026, 11, 2)
    document.add_heading("Rohan Deshmukh", 0)
    document.add_paragraph("Chartered Accountant · Mumbai · rohan.deshmukh@example.com · +91 00000 58821")
    document.add_heading("Summary", 1)
    document.add_paragraph(
        "Chartered Accountant (2022) with four years of statutory audit experience in manufacturing and "
        "financial services. "
        "I plan and lead fieldwork under Ind AS, review the files of three associates, and like the moment in "
        "which a "
        "reconciliation finally agrees."
    )
    document.add_heading("Engagements", 1)
    rows = (
        ("Client", "My part", "What came of it"),
        (
            "Listed maker of pumps, revenue 2,300 crore",
            "Led fieldwork on revenue and inventory, team of five, Ind AS 115",
            "Cut-off error of 14 crore found and corrected before the board met",
        ),
        (
            "Private bank, retail loans",
            "Expected credit loss under Ind AS 109, tested the model's data in SQL",
            "Two data errors in default dates, provision raised",
        ),
        (
            "Family-owned auto parts group",
            "Consolidation of nine subsidiaries, internal financial controls",
            "Segregation of duties in SAP repaired within the year",
        ),
        (
            "Mutual fund",
            "Valuation of unlisted debt, review of confirmations",
            "Unmodified opinion, one management letter point",
        ),
    )
    table = document.add_table(rows=len(rows), cols=3)
    table.style = "Table Grid"
    for place, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(place, column).text = text
    document.add_heading("Experience", 1)
    for line in (
        "Audit Senior, Sahyadri & Rao, Chartered Accountants, Mumbai, since August 2022. Statutory audit of listed "
        "companies, group reporting under IFRS, support of two initial public offerings.",
        "Articled Assistant, Konkan Associates, Mumbai, 2018 to 2021. Tax audits, GST returns, stock counts in seven "
        "warehouses.",
    ):
        document.add_paragraph(line, style="List Bullet")
    document.add_heading("Skills", 1)
    document.add_paragraph(
        "Ind AS, IFRS, Companies Act, internal financial controls, SOX walkthroughs, SAP, Microsoft Excel, Power "
        "Query, "
        "Alteryx, SQL, consolidation, report writing"
    )
    document.add_heading("Education and languages", 1)
    document.add_paragraph(
        "Institute of Chartered Accountants of India, final 2022. B.Com, University of Mumbai, 2021. "
        "Marathi, Hindi and English fluently, Gujarati in conversation."
    )
    document.save(str(path))


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    draw_two_pages(FOLDER / "ananya-krishnan.pdf")
    write_docx(FOLDER / "rohan-deshmukh.docx")
    draw_two_columns(FOLDER / "farah-siddiqui.pdf")


if __name__ == "__main__":
    main()
