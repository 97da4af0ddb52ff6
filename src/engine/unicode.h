/* unicode.h - UTF-8 and the general categories that tokenizers split text by.
 *
 * Categories are those of Unicode 15.1.0 (unicode_table.c). Bytes that are not UTF-8 are read as U+FFFD, one a byte; encoded surrogates and overlong forms pass, as
 * tokenizers in use read them. Not here: which pattern a model splits by (tokenizer_pre.c). */
#ifndef UNICODE_H
#define UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* White space wins over the category: U+0085 is a control and U+00A0 a separator. OTHER: controls, formats, private and unassigned ones, further separators. */
enum unicode_class { UNICODE_OTHER, UNICODE_SPACE, UNICODE_NUMBER, UNICODE_LETTER, UNICODE_PUNCTUATION, UNICODE_MARK, UNICODE_SYMBOL };
enum { UNICODE_MAX = 0x10ffff, UNICODE_REPLACEMENT = 0xfffd };

extern const uint32_t unicode_ranges[], unicode_n_ranges;

enum unicode_class unicode_class(uint32_t cp);
int unicode_is_han(uint32_t cp);                 /* the ideographs' blocks, CJK Unified to Extension F and Compatibility */

/* One code point of s[0, n), n > 0; returns how many bytes it took. *valid (may be NULL): 0 when it stands for a byte that is no UTF-8. */
size_t unicode_decode(uint32_t *cp, const char *s, size_t n, int *valid);
size_t unicode_encode(char out[4], uint32_t cp); /* returns 1 to 4 */
/* How many bytes a sequence has by its first byte alone: 1 for ASCII and for a continuation byte. */
size_t unicode_length(unsigned char first);

/* Byte-level BPE writes byte b as a printable character: itself for '!' to '~' and most of Latin-1, the others in order from U+0100. */
uint32_t unicode_of_byte(unsigned char b);
int unicode_to_byte(uint32_t cp);                /* -1: stands for no byte */

#endif
