"""A reader of QR codes as a scanner would see them: from the SVG picture to the text, versions 1 to 10, without mercy.

It corrects nothing: a module at the wrong place, a wrong check word or anything left over is a failure of the test.
"""

import re

ALIGNMENT = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]]
# ISO/IEC 18004, table 9: for each version the check words per block and the data words of each block, by level.
BLOCKS = {
    "L": [(7, [19]), (10, [34]), (15, [55]), (20, [80]), (26, [108]), (18, [68] * 2), (20, [78] * 2), (24, [97] * 2),
          (30, [116] * 2), (18, [68] * 2 + [69] * 2)],
    "M": [(10, [16]), (16, [28]), (26, [44]), (18, [32] * 2), (24, [43] * 2), (16, [27] * 4), (18, [31] * 4),
          (22, [38] * 2 + [39] * 2), (22, [36] * 3 + [37] * 2), (26, [43] * 4 + [44])],
    "Q": [(13, [13]), (22, [22]), (18, [17] * 2), (26, [24] * 2), (18, [15] * 2 + [16] * 2), (24, [19] * 4),
          (18, [14] * 2 + [15] * 4), (22, [18] * 4 + [19] * 2), (20, [16] * 4 + [17] * 4), (24, [19] * 6 + [20] * 2)],
    "H": [(17, [9]), (28, [16]), (22, [13] * 2), (16, [9] * 4), (22, [11] * 2 + [12] * 2), (28, [15] * 4),
          (26, [13] * 4 + [14]), (26, [14] * 4 + [15] * 2), (24, [12] * 4 + [13] * 4), (28, [15] * 6 + [16] * 2)],
}  # fmt: skip
LEVELS = "MLHQ"  # by the two bits of the format
MASKS = [
    lambda y, x: (y + x) % 2,
    lambda y, x: y % 2,
    lambda y, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
]
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def read_svg(picture):
    """The text of the one code in a picture whose modules are squares or runs of unit height."""
    dark = set()
    for path in re.findall(r'<path[^>]*\bd="([^"]*)"', picture):
        for x, y, width in re.findall(r"M\s*(\d+)[ ,](\d+)\s*h\s*(\d+)\s*v\s*1", path):
            dark.update((int(y), int(x) + n) for n in range(int(width)))
    for tag in re.findall(r"<rect[^>]*>", picture):
        at = {name: int(value) for name, value in re.findall(r'\b(x|y|width|height)="(\d+)"', tag)}
        if at.get("height") == 1:
            dark.update((at["y"], at["x"] + n) for n in range(at["width"]))
    assert dark, picture[:300]
    top, left = min(y for y, _ in dark), min(x for _, x in dark)
    size = max(y for y, _ in dark) - top + 1
    assert size == max(x for _, x in dark) - left + 1, "not square"
    box = [int(float(value)) for value in re.search(r'viewBox="([^"]*)"', picture)[1].split()]
    for free in (top - box[1], left - box[0], box[1] + box[3] - top - size, box[0] + box[2] - left - size):
        assert free >= 4, f"the quiet zone is {free} modules wide"
    return read([[(y + top, x + left) in dark for x in range(size)] for y in range(size)])


def read(matrix):
    """The text of a matrix of modules."""
    size = len(matrix)
    version = (size - 17) // 4
    assert size == 17 + 4 * version and 1 <= version <= 10, size
    level, mask = _format(matrix)
    reserved = _reserved(version, matrix)
    bits, upward = [], True
    # Pairs of columns from the right, leaving out the vertical timing pattern.
    for right in [x - 1 if x <= 6 else x for x in range(size - 1, 0, -2)]:
        for y in range(size - 1, -1, -1) if upward else range(size):
            for x in (right, right - 1):
                if (y, x) not in reserved:
                    bits.append(matrix[y][x] ^ (MASKS[mask](y, x) == 0))
        upward = not upward
    words = [int("".join(str(int(bit)) for bit in bits[n : n + 8]), 2) for n in range(0, len(bits) // 8 * 8, 8)]
    return _text("".join(f"{word:08b}" for word in _data(words, *BLOCKS[level][version - 1])), version)


def _format(matrix):
    size = len(matrix)
    first = [(8, 0), (8, 1), (8, 2), (8, 3), (8, 4), (8, 5), (8, 7), (8, 8)]
    first += [(7, 8), (5, 8), (4, 8), (3, 8), (2, 8), (1, 8), (0, 8)]
    second = [(size - 1 - n, 8) for n in range(7)] + [(8, size - 8 + n) for n in range(8)]
    values = [int("".join(str(int(matrix[y][x])) for y, x in places), 2) for places in (first, second)]
    assert values[0] == values[1], "the two formats differ"
    value = values[0] ^ 0x5412
    rest = value
    for shift in range(4, -1, -1):
        if rest >> (shift + 10) & 1:
            rest ^= 0x537 << shift
    assert rest == 0, "the format's check fails"
    return LEVELS[value >> 13], value >> 10 & 7


def _reserved(version, matrix):
    """All that is not data; asserts the patterns that scanners look for."""
    size, places = len(matrix), set()
    for top, left in ((0, 0), (0, size - 7), (size - 7, 0)):
        for y in range(-1, 8):
            for x in range(-1, 8):
                place = (top + y, left + x)
                if 0 <= place[0] < size and 0 <= place[1] < size:
                    ring = max(abs(y - 3), abs(x - 3))
                    assert matrix[place[0]][place[1]] == (ring in (0, 1, 3)), f"finder pattern at {place}"
                    places.add(place)
    for n in range(9):
        places |= {(8, n), (n, 8)}
    for n in range(8):
        places |= {(8, size - 1 - n), (size - 1 - n, 8)}
    for n in range(8, size - 8):
        assert matrix[6][n] == matrix[n][6] == (n % 2 == 0), "timing pattern"
        places |= {(6, n), (n, 6)}
    centers = ALIGNMENT[version - 1]
    for y in centers:
        for x in centers:
            if (y, x) not in ((6, 6), (6, size - 7), (size - 7, 6)):
                places |= {(y + dy, x + dx) for dy in range(-2, 3) for dx in range(-2, 3)}
    if version >= 7:
        places |= {(a, size - 11 + b) for a in range(6) for b in range(3)}
        places |= {(size - 11 + b, a) for a in range(6) for b in range(3)}
    return places


def _data(words, check, blocks):
    """Takes the interleaved blocks apart and sees that each is a code word of its Reed-Solomon code."""
    assert len(words) == sum(blocks) + check * len(blocks), (len(words), blocks, check)
    rest, parts = iter(words), [[] for _ in blocks]
    for n in range(max(blocks)):
        for part, length in zip(parts, blocks, strict=True):
            if n < length:
                part.append(next(rest))
    data = [word for part in parts for word in part]
    for _ in range(check):
        for part in parts:
            part.append(next(rest))
    power, log, value = [], {}, 1
    for n in range(255):
        power.append(value)
        log[value] = n
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    for part in parts:
        for root in range(check):
            syndrome = 0
            for word in part:
                syndrome = (power[(log[syndrome] + root) % 255] if syndrome else 0) ^ word
            assert syndrome == 0, "a check word is wrong"
    return data


def _text(bits, version):
    text, place = b"", 0

    def take(count):
        nonlocal place
        place += count
        return int(bits[place - count : place] or "0", 2)

    while len(bits) - place >= 4 and (mode := take(4)):
        small = version < 10
        if mode == 7:
            take(8)
        elif mode == 4:
            text += bytes(take(8) for _ in range(take(8 if small else 16)))
        elif mode == 2:
            count = take(9 if small else 11)
            for _ in range(count // 2):
                pair = take(11)
                text += (LETTERS[pair // 45] + LETTERS[pair % 45]).encode()
            text += LETTERS[take(6)].encode() if count % 2 else b""
        else:
            assert mode == 1, f"mode {mode}"
            count = take(10 if small else 12)
            for _ in range(count // 3):
                text += f"{take(10):03d}".encode()
            text += f"{take(7):02d}".encode() if count % 3 == 2 else b""
            text += str(take(4)).encode() if count % 3 == 1 else b""
    return text.decode()
