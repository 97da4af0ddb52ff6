#!/usr/bin/env python3
# unicode_table.py - writes src/engine/unicode_table.c: the general category of every code point, as ranges
#
# Recipe: pip install unicodedata2==15.1.0; tests/peer/unicode_table.py > src/engine/unicode_table.c
# Unicode 15.1 is the version whose categories llama.cpp's tokenizers use (src/unicode-data.cpp there has the same ones).
import unicodedata2 as u

assert u.unidata_version == "15.1.0", u.unidata_version
SPACE = [*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]  # property White_Space
CLASS = {"N": 2, "L": 3, "P": 4, "M": 5, "S": 6}                # enum unicode_class; 0 other, 1 space
rows, last = [], None
for c in range(0x110000):
    k = 1 if c in SPACE else CLASS.get(u.category(chr(c))[0], 0)
    if k != last:
        rows.append(c << 4 | k)
        last = k
print("/* unicode_table.c - general categories of Unicode 15.1.0 as ranges: first code point << 4 | enum unicode_class\n *")
print(" * Written by tests/peer/unicode_table.py from the Unicode Character Database (license: https://www.unicode.org/license.txt). */")
print('#include "engine/unicode.h"\n\nconst uint32_t unicode_ranges[] = {')
for i in range(0, len(rows), 14):
    print("\t" + " ".join("0x%x," % r for r in rows[i:i + 14]))
print("};\nconst uint32_t unicode_n_ranges = sizeof unicode_ranges / sizeof *unicode_ranges;")
