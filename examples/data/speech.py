#!/usr/bin/env python3
"""Writes the data of speech.nn: spelled words as sounds, always the same.

    python3 examples/data/speech.py FOLDER [COUNT]

A letter is two tones together, as a telephone's keys are. Each word has a voice
of its own: its pitch, how fast it speaks, and how loud the noise is.

train.tsv, train/   COUNT words, by default 800: a WAV file of 8000 samples a
                    second, and the word.
test.tsv, test/     one for each eight of those.
"""
import array
import math
import pathlib
import random
import sys
import wave

RATE = 8000
LOW, HIGH = (400.0, 520.0, 680.0), (1000.0, 1350.0, 1800.0, 2400.0)
TONES = dict(zip("abcdefghijkl", ((low, high) for low in LOW for high in HIGH)))


def letter(tones, seconds):
    """Two tones that rise and fall."""
    count = int(RATE * seconds)
    low, high = (2.0 * math.pi * tone / RATE for tone in tones)
    return [math.sin(math.pi * (i + 0.5) / count) * (math.sin(low * i) + math.sin(high * i))
            for i in range(count)]


def silence(seconds):
    return [0.0] * int(RATE * seconds)


def speak(word, generator):
    """At most 1.2 seconds for six letters."""
    pitch = generator.uniform(0.95, 1.05)
    tempo = generator.uniform(0.07, 0.13)
    sound = silence(generator.uniform(0.02, 0.12))
    for name in word:
        tones = [pitch * tone for tone in TONES[name]]
        sound += letter(tones, tempo * generator.uniform(0.85, 1.15))
    sound += silence(generator.uniform(0.02, 0.12))
    noise = generator.uniform(0.2, 2.5)
    loudness = generator.uniform(0.05, 0.2)
    return [loudness * (x + noise * generator.uniform(-1.0, 1.0)) for x in sound]


def write_wav(path, sound):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = array.array("h", (round(32767 * x) for x in sound))
        if sys.byteorder == "big":
            samples.byteswap()
        file.writeframes(samples.tobytes())


def write_split(folder, name, count, generator):
    (folder / name).mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(count):
        word = "".join(generator.choices(list(TONES), k=generator.randint(2, 6)))
        path = f"{name}/{index:04}.wav"
        write_wav(folder / path, speak(word, generator))
        rows.append(f"{path}\t{word}\n")
    (folder / f"{name}.tsv").write_text("".join(rows))


def main(folder, count=800):
    folder = pathlib.Path(folder)
    write_split(folder, "train", count, random.Random(1))
    write_split(folder, "test", max(count // 8, 1), random.Random(2))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
