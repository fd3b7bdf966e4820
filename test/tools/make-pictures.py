"""Writes folders of small PNG files, a folder a class: make-pictures.py DIR.

Pictures of `dark` are darker than those of `light`, of different sizes."""
import pathlib, struct, sys, zlib


def png(height, width, value):
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes(min(255, value + (row * 7 + column * 3 + channel) % 16)
                                 for column in range(width) for channel in range(3))
                    for row in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


root = pathlib.Path(sys.argv[1])
for split, count in (("train", 24), ("test", 6)):
    for name, value in (("dark", 20), ("light", 150)):
        folder = root / split / name
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (folder / f"{i:02}.png").write_bytes(png(8 + i % 3, 9 + i % 2, value + 3 * i))
