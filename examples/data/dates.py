#!/usr/bin/env python3
"""Writes the data of translate.nn: dates in words beside their numbers, always
the same bytes.

    python3 examples/data/dates.py FOLDER [COUNT]

dates-train.tsv   COUNT different dates of two centuries, by default 6000.
dates-test.tsv    one for each twelve of those, all of them others.
"""
import datetime
import pathlib
import random
import sys

ONES = """zero one two three four five six seven eight nine ten eleven twelve thirteen
fourteen fifteen sixteen seventeen eighteen nineteen""".split()
TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()
MONTHS = """January February March April May June July August September October November
December""".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth",
            "eight": "eighth", "nine": "ninth", "twelve": "twelfth", "twenty": "twentieth",
            "thirty": "thirtieth"}


def number(value):
    if value < 20:
        return ONES[value]
    tens, ones = divmod(value, 10)
    return TENS[tens] + (f"-{ONES[ones]}" if ones else "")


def ordinal(value):
    *before, last = number(value).split("-")
    return "-".join([*before, ORDINALS.get(last, last + "th")])


def year(value, generator):
    century, rest = divmod(value, 100)
    if value >= 2000 and (rest < 10 or generator.random() < 0.5):
        return "two thousand" + (f" and {number(rest)}" if rest else "")
    if rest == 0:
        return f"{number(century)} hundred"
    return f"{number(century)} {'oh ' if rest < 10 else ''}{number(rest)}"


def in_words(date, generator):
    day, month = ordinal(date.day), MONTHS[date.month - 1]
    text = generator.choice([f"the {day} of {month}", f"{month} the {day}", f"{month} {day}"])
    if generator.random() < 0.3:
        text = f"{DAYS[date.weekday()]}, {text}"
    words = year(date.year, generator)
    return generator.choice([f"{text}, {words}", f"in {words}, {text}"])


def main(folder, count=6000):
    generator = random.Random(1)
    first = datetime.date(1900, 1, 1).toordinal()
    last = datetime.date(2099, 12, 31).toordinal()
    days = generator.sample(range(first, last + 1), count + count // 12)
    dates = [datetime.date.fromordinal(day) for day in days]
    rows = [f"{in_words(date, generator)}\t{date.isoformat()}\n" for date in dates]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dates-train.tsv").write_text("".join(rows[:count]))
    (folder / "dates-test.tsv").write_text("".join(rows[count:]))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
