"""What is asked in which kind of work and at which level: the tables behind the offline guides."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of work, known by words of the posting (casefolded)."""

    words: tuple[str, ...]
    measure: str
    question: str
    strategy: str


@dataclass(frozen=True, slots=True)
class Level:
    """How senior a title is; the first pattern that is found in it (casefolded) counts."""

    pattern: str
    tip: str
    question: str
    strategy: str


FAMILIES = (
    Family(
        ("audit", "assurance", "ind as", "ifrs"),
        "the client's revenue, the team, the areas you signed off",
        "Two days before the report is signed, a customer's confirmation does not agree with the ledger and the "
        "finance "
        "director says it is timing. As {title}, what do you do?",
        "Say what evidence would settle it (subsequent receipts, dispatch papers, the customer's own ledger), "
        "whom you tell "
        "on the same day, and that the date of signing moves before your standard of evidence does.",
    ),
    Family(
        ("tax", "gst", "transfer pricing", "vat", "withholding"),
        "returns or assessments handled, the amounts in dispute, the outcome",
        "A client wants to claim a position that you think has an even chance before the authorities. How do you "
        "advise?",
        "Separate law, facts and appetite: the provision and the best case on each side, the exposure with "
        "interest and "
        "penalty, what disclosure protects, then the decision that is the client's and the paper you would leave "
        "behind.",
    ),
    Family(
        ("cyber", "security", "penetration", "soc ", "siem", "threat", "iam"),
        "systems or users protected, findings closed, time to detect or to recover",
        "At six in the evening an endpoint alert shows a service account reading file shares it never used. "
        "Walk us through your first hour.",
        "Order matters: confirm, scope, contain without destroying evidence, tell the right person early. Name "
        "the logs you "
        "would open and what each would rule out. Say when you would wake somebody up.",
    ),
    Family(
        ("data engineer", "pipeline", "data platform", "etl", "spark", "warehouse"),
        "rows or terabytes a day, the run time before and after, who relied on it",
        "A nightly load has succeeded for a month, but finance finds that totals have been two per cent short "
        "since the "
        "third week. How do you find out why and what do you change?",
        "Start at the reconciliation, not at the code: which grain, from which day, which source. Then late "
        "data, duplicates "
        "dropped on a wrong key, a changed type. End with the check that would have stopped the load on day one.",
    ),
    Family(
        (
            "machine learning",
            "data scien",
            "analytics",
            "power bi",
            "tableau",
            "dashboard",
            "statistic",
            "generative ai",
        ),
        "the decision it changed, the accuracy or the money, how many people used it",
        "Your model or dashboard says one thing and the business head's experience says another. What happens next?",
        "Ask for the three cases that feel wrong and trace them down to the rows. Say what you would show (a "
        "holdout, a base "
        "rate, an interval), and when you would let the experience win.",
    ),
    Family(
        ("sap", "s/4hana", "abap", "oracle", "erp", "workday", "salesforce", "servicenow"),
        "modules, users and countries live, the cut-over, defects after it",
        "Four weeks before go-live the business asks for a change to a process that has been signed off. How do "
        "you decide?",
        "Name what it touches (configuration, interfaces, data, training, test evidence), the cheapest way to "
        "live without it "
        "for one quarter, and who owns the decision. Give one change you refused and one you took, with what "
        "followed.",
    ),
    Family(
        (
            "cloud",
            "devops",
            "kubernetes",
            "software",
            "developer",
            "java",
            "full stack",
            "site reliability",
            "engineer",
        ),
        "requests or users served, cost or latency before and after, incidents",
        "A release you led doubles the error rate for one customer in ten. What do you do in the first fifteen "
        "minutes, "
        "and what in the week after?",
        "Roll back first, explain later; say how you see that it worked. Then the cause by evidence, the missing "
        "test, the "
        "smaller step you would ship next time. Blame no one and be exact about your own part.",
    ),
    Family(
        (
            "risk",
            "kyc",
            "sanctions",
            "financial crime",
            "privacy",
            "data protection",
            "model validation",
            "basel",
            "credit",
            "aml",
            "compliance",
            "internal control",
            "sox",
            "regulat",
        ),
        "portfolios or controls covered, findings, what the regulator or the committee did with them",
        "You find a control that has failed quietly for two quarters and its owner asks you to rate it low "
        "because it was "
        "just fixed. How do you rate it?",
        "Rate what was exposed while it was broken, not how it looks now: volume, amount, compensating controls, "
        "tested "
        "evidence. Credit the repair in the action, not in the rating, and say so to the owner before the report "
        "does.",
    ),
    Family(
        ("deal", "due diligence", "valuation", "m&a", "transaction", "restructuring", "merger"),
        "deal value, your section of the report, the finding that moved the price",
        "Adjusted earnings in the data room look too smooth. Which three things do you ask for, and what would "
        "each tell you?",
        "Monthly figures by customer, the bridge from reported to adjusted with support for each item, and cash "
        "conversion "
        "by month. Say what pattern would make you go to the partner that night.",
    ),
    Family(
        ("esg", "sustainab", "climate", "carbon", "brsr", "emission"),
        "sites and tonnes covered, the standard used, what was assured",
        "Half of a client's suppliers send no emissions data and the report is due in ten weeks. What do you publish?",
        "Spend-based estimates for the tail, real data for the twenty suppliers that matter, the method and its "
        "uncertainty "
        "on the page, and a plan by which the estimate shrinks each year. Name the standard you follow.",
    ),
    Family(
        ("human resources", "talent acquisition", "recruit", "people ", "workforce", "payroll", "hr "),
        "headcount served, positions filled or policies changed, how long it took",
        "A business head wants to reject a good candidate for 'fit' and cannot say more. What do you do?",
        "Turn fit into behaviours that were agreed before the interviews, ask for the evidence on each, offer a "
        "second "
        "conversation with a set structure. Say where you would stand firm, and how you keep the relationship.",
    ),
    Family(
        ("strategy", "transformation", "operating model", "operations", "supply chain", "procurement", "consult"),
        "the size of the client or the saving, your own workstream, what still runs today",
        "In the third week your analysis points away from the answer that the client's sponsor has announced. "
        "What do you do?",
        "Check the data with somebody who would love you to be wrong, tell your manager the same day, then the "
        "sponsor in "
        "private with a way forward they can own. Show that you separate being right from being useful.",
    ),
)

GENERAL = Family(
    (),
    "how many, how much, how often, for whom",
    "Which part of the work of {title} would you be slowest at in the beginning, and how would you get faster?",
    "Choose a true one that is not the heart of the role. Say how you learned the last thing that was hard, how "
    "long it "
    "took, and whom you would ask here.",
)

LEVELS = (
    Level(
        r"\b(partner|director|principal|head|vice president)\b",
        "For {title} open with what you carry, not what you did: revenue, people, the clients who call you "
        "first, and the "
        "decision you are known for. Projects from ten years ago need one line each.",
        "As {title}, what would you stop doing in this practice in your first half year, and how would you bring "
        "the partners along?",
        "Have a view, with what you would need to see to give it up. Numbers for the practice as you would guess "
        "them, the two "
        "conversations you would hold before any slide, and how you would know by month six that it was right.",
    ),
    Level(
        r"\b(senior manager|manager)\b",
        "For {title} show the team and not only the task: how many people you led, the budget you answered for, "
        "and one person "
        "who grew under you and where they are now.",
        "As {title}: two good people on your team have stopped talking to each other and a deadline is in nine "
        "days. What do you do?",
        "Speak to each alone on the first day, separate the work from the quarrel, set one visible agreement, "
        "and look after "
        "the deadline yourself meanwhile. Tell how a real case ended, also if it ended badly.",
    ),
    Level(
        r"\b(intern|graduate|trainee|articled|fresher|apprentice|campus)\b",
        "For {title} nobody expects years. Give your two best projects or modules four lines each: the problem, "
        "your part in "
        "the team, the tool, the result, and a link or a supervisor's name where there is one.",
        "What did you learn by yourself in the last six months that nobody asked of you, and how far did you get?",
        "Choose something small and real. Say why it caught you, where you got stuck, what you did then. How you "
        "tell it is "
        "the answer: they look for somebody who finishes and who asks in time.",
    ),
    Level(
        r"\b(senior|lead|specialist|assistant manager|architect)\b",
        "For {title} mark what you owned end to end and whose work you reviewed; a line such as 'reviewed the "
        "work of three "
        "and signed off two areas' says more than another tool.",
        "Tell us about a review in which you sent back the work of somebody you like. What did you write, and "
        "what happened?",
        "Show the standard first, then the tone: what was wrong, why it mattered to the client, how you helped "
        "to put it right "
        "without doing it yourself.",
    ),
    Level(
        r"",
        "For {title} give each line a verb and a result, and let the first three lines be the ones that the "
        "posting's first "
        "three sentences ask for.",
        "A senior gives you a task as {title} that you understand only by half, and is in meetings all day. How "
        "do you go on?",
        "Write down your reading of it, the assumption that matters most and a first piece to look at, send that "
        "in five lines, "
        "and go on with what cannot be wrong. Say when you would knock on the door all the same.",
    ),
)
