"""PDFs as programs really draw them: pages that are one figure, bullets without a letter, text beside the page."""

import pytest
from reportlab.pdfgen.canvas import Canvas

from chatserver.adapters import pdf_text
from chatserver.adapters.unreadable import HIDDEN
from tests.adapters import resume_files as files


def test_text_in_a_figure_is_read() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.beginForm("page")
        files.lines_at(canvas, files.LINES, y=700)
        canvas.endForm()
        files.lines_at(canvas, ["This line is drawn on the page itself."])
        canvas.doForm("page")

    text, _, warnings = pdf_text.read(files.pdf(draw))
    assert [line for line in files.LINES if line not in text] == []
    assert text.count(files.LINES[0]) == 1
    assert "drawn on the page itself" in text
    assert warnings == []


def test_a_glyph_without_a_letter_is_a_bullet_or_nothing() -> None:
    text, _, _ = pdf_text.read(files.pdf(lambda canvas: files.lines_at(canvas, ["• Led audits • of four banks"])))
    assert "(cid:" not in text
    assert " ".join(text.split()) == "• Led audits of four banks"


@pytest.mark.parametrize(("x", "y"), [(60, -300), (60, 5000), (-900, 400), (2000, 400)])
def test_text_beside_the_page_is_hidden(x: float, y: float) -> None:
    def draw(canvas: Canvas) -> None:
        files.lines_at(canvas, files.LINES)
        files.lines_at(canvas, [files.SECRET], x=x, y=y)

    assert pdf_text.read(files.pdf(draw))[2] == [HIDDEN]
