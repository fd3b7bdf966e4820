# Reads event files byte by byte, as the formats are specified and without any
# of nnc's code: TFRecord with masked CRC-32C, and protocol buffers.
#   read-events.py FOLDER: prints the events as JSON, one a line, in the order
#   of files and records; ends with status 1 where a checksum is wrong.
import glob
import json
import os
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


# RFC 3720, appendix B.4.
assert crc32c(bytes(32)) == 0x8A9136AA
assert crc32c(b"123456789") == 0xE3069283


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert masked(data[at : at + 8]) == check, "length's checksum"
        body = data[at + 12 : at + 12 + length]
        assert len(body) == length
        (check,) = struct.unpack_from("<I", data, at + 12 + length)
        assert masked(body) == check, "event's checksum"
        yield body
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """(number, value) of a message; bytes of what has a length."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            (value,) = struct.unpack_from("<d", data, at)
            at += 8
        elif kind == 5:
            (value,) = struct.unpack_from("<f", data, at)
            at += 4
        else:
            assert kind == 2, kind
            length, at = varint(data, at)
            value = data[at : at + length]
            assert len(value) == length
            at += length
        yield key >> 3, value


def doubles(data):
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def describe(event):
    fields_of = dict(fields(event))
    assert fields_of[1] > 1.6e9  # seconds since 1970
    result = {"step": fields_of.get(2, 0)}
    if 3 in fields_of:
        result["version"] = fields_of[3].decode()
    if 7 in fields_of:
        result["session"] = dict(fields(fields_of[7]))[1]
    if 5 not in fields_of:
        return result
    value = dict(fields(dict(fields(fields_of[5]))[1]))
    result["tag"] = value[1].decode()
    if 2 in value:
        result["value"] = value[2]
    if 4 in value:
        image = dict(fields(value[4]))
        assert image[4].startswith(b"\x89PNG\r\n\x1a\n")
        size = struct.unpack(">II", image[4][16:24])
        assert size == (image[2], image[1])
        result["picture"] = size
    if 5 in value:
        histogram = dict(fields(value[5]))
        result["histogram"] = {
            "min": histogram[1], "max": histogram[2], "num": histogram[3],
            "sum": histogram[4], "sum_squares": histogram[5],
            "limits": doubles(histogram[6]), "counts": doubles(histogram[7]),
        }
    if 8 in value:
        tensor = dict(fields(value[8]))
        assert tensor[1] == 7  # strings
        plugin = dict(fields(dict(fields(value[9]))[1]))
        assert plugin[1] == b"text"
        result["text"] = tensor[8].decode()
    return result


def read(folder):
    for path in sorted(glob.glob(os.path.join(folder, "events.out.tfevents.*"))):
        with open(path, "rb") as file:
            for record in records(file.read()):
                yield describe(record)


if __name__ == "__main__":
    for event in read(sys.argv[1]):
        print(json.dumps(event))
