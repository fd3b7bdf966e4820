"""Writes small data of each kind that `nnc new` knows into a folder: make-new-data.py DIR."""
import os
import random
import struct
import sys
import zlib

draw = random.Random(3)
os.chdir(sys.argv[1])
with open("two.csv", "w") as table:
    table.write("age,height,city,label,empty\n")
    for i in range(400):
        age, height = draw.gauss(40, 10), draw.gauss(170, 8)
        label = int(age / 10 + height / 17 + draw.gauss(0, .3) > 14)
        table.write(f'{age:.1f},{height:.2f},{"AB"[i % 2]}town,{label},\n')
with open("three.csv", "w") as table:
    for i in range(300):
        kind = draw.randrange(1, 4)
        table.write(";".join(f"{draw.gauss(kind, 0.4):.3f}" for _ in range(4)) + f";{kind}\n")
with open("number.csv", "w") as table:
    table.write('"a ""b""",c,price,same\n')
    for i in range(300):
        x, y = draw.gauss(0, 1), draw.gauss(5, 2)
        table.write(f"{x},{y},{200000 + 3e4 * x + 1e4 * y},7\n")


def shop(path, count, delimiter=",", gaps=True):
    cities = ["Köln", "Oslo", "Rome", "Bern", "Paris, North", "Lima", "Quito", "Kyiv", "Delhi", "Bonn", "Nice", "Graz"]
    with open(path, "w", encoding="utf-8-sig", newline="") as table:
        names = ["\"Customer ID\"", "row", "Age", "\"Yearly income (EUR)\"", "City", "Plan", "\"Customer since\"", "note", "same",
                 "\"Last order\"", "Churned"]
        table.write(delimiter.join(names) + "\r\n")
        for i in range(count):
            age, income, year = draw.gauss(45, 12), draw.lognormvariate(10.5, 0.5), draw.randrange(2015, 2024)
            plan = draw.choice(["basic", "plus", "pro"])
            churned = (age - 45) / 12 + (plan == "basic") * 1.5 - (year - 2019) / 3 + draw.gauss(0, 0.3) > 0.4
            hole = lambda share, text, mark="": mark if gaps and draw.random() < share else text
            table.write(delimiter.join([
                f"C{draw.randrange(10**9):09d}", str(i + 1), hole(0.08, f"{age:.0f}"), hole(0.05, f"{income:.2f}", "NA"),
                f'"{draw.choice(cities)}"', hole(0.05, plan), f"{year}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}",
                f'"said ""{i}"", and more"', "7", hole(0.05, f"{draw.randrange(1, 29):02d}.{draw.randrange(1, 13):02d}.2024"),
                hole(0.01, "yes" if churned else "no")]) + "\r\n")


shop("shop.csv", 500)
shop("later.csv", 80, ";")
shop("last.csv", 60, gaps=False)


def png(path, width, height, colour):
    rows = b"".join(b"\0" + bytes(min(255, max(0, part + draw.randrange(-40, 40))) for _ in range(width) for part in colour)
                    for _ in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    with open(path, "wb") as picture:
        picture.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                      chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


for split, count in {"train": 20, "test": 4}.items():
    for name, colour in {"blue": (40, 60, 200), "red": (200, 60, 40)}.items():
        os.makedirs(f"pictures/{split}/{name}")
        for i in range(count):
            png(f"pictures/{split}/{name}/{i}.png", 36, 40, colour)
with open("song.txt", "w") as text:
    text.write("the quick brown fox jumps over the lazy dog. " * 120)
