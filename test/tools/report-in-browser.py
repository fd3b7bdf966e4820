# A report in Chromium: report-in-browser.py CHROMIUM PAGE. It loads without a
# complaint, and what it promises works: zoom by dragging, the logarithmic
# scale, smoothing, values under the pointer, runs that are shown or not, dark
# and light.
import os
import sys

from browser import Browser

page = Browser(sys.argv[1], "file://" + os.path.abspath(sys.argv[2]))
try:
    page.wait_for("charts.length > 0")
    names = page.value("charts.map((chart) => chart.title)")
    assert "loss" in names and "accuracy" in names, names
    assert "loss, step by step" in names, names
    sections = page.value("[...document.querySelectorAll('section')].map((s) => s.id)")
    for name in ("curves", "settings", "confusion", "samples", "summary", "time", "memory"):
        assert name in sections, sections

    text = page.value("document.body.innerText")
    for wrong in ("[object", "undefined", "NaN", "null"):
        assert wrong not in text, (wrong, text)
    count = lambda selector: page.value(f"document.querySelectorAll('{selector}').length")
    assert count("#confusion td") and count("#summary tr") and count("#time .bar")
    assert count("#memory rect") > 1 and count("#samples canvas") >= 1
    pixels = page.value("[...document.querySelector('#samples canvas').getContext('2d')"
                        ".getImageData(0, 0, 2, 1).data]")
    assert pixels == [0, 0, 0, 255, 255, 255, 255, 255], pixels

    # Everything that is drawn lies on the page, and is a number.
    paths = page.value("[...document.querySelectorAll('.curve')].map((p) => p.getAttribute('d'))")
    assert paths and all(path and "NaN" not in path for path in paths), paths
    assert page.value("document.documentElement.scrollWidth <= innerWidth")

    # Neighbours among the numbers of f64: no step between them is one.
    assert page.value("ticks(0.9333333333333332, 0.9333333333333333, 4).length") < 10

    box = page.value("(() => { const b = charts[0].svg.getBoundingClientRect();"
                     " return [b.left, b.top, b.width, b.height]; })()")
    at = lambda x, y: (box[0] + box[2] * x, box[1] + box[3] * y)
    whole = page.value("charts[0].xs")
    page.drag(at(0.4, 0.5), at(0.7, 0.5))
    near = page.value("charts[0].xs")
    assert whole[0] < near[0] < near[1] < whole[1], (whole, near)
    page.value("document.getElementById('whole').click()")
    assert page.value("charts[0].xs") == whole

    linear = page.value("charts[0].svg.querySelector('.curve').getAttribute('d')")
    page.value("document.getElementById('log').click()")
    assert page.value("charts[0].isLog")
    assert page.value("charts[0].svg.querySelector('.curve').getAttribute('d')") != linear
    page.value("document.getElementById('log').click()")
    assert page.value("charts[0].svg.querySelector('.curve').getAttribute('d')") == linear

    page.value("(() => { const s = document.getElementById('smoothing'); s.value = 0.8;"
               " s.dispatchEvent(new Event('input')); })()")
    assert page.value("charts[0].weight === 0.8 && charts[0].svg.querySelector('.raw') !== null")

    page.mouse("mouseMoved", *at(0.5, 0.5))
    tip = page.value("document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent")
    assert tip.startswith("epoch ") and "loss" in tip, tip

    shown = page.value("[...document.querySelectorAll('#runs label')].map((l) => l.textContent)")
    assert len(set(shown)) == len(shown), shown
    if page.value("runs.length") > 1:
        before = page.value("charts[0].shown.length")
        page.value("document.querySelector('#runs input').click()")
        assert 0 < page.value("charts[0].shown.length") < before

    theme = page.value("document.documentElement.dataset.theme")
    page.value("document.getElementById('theme').click()")
    assert page.value("document.documentElement.dataset.theme") != theme
    assert not page.complaints, page.complaints
finally:
    page.close()
