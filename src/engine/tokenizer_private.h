/* tokenizer_private.h - what the tokenizer's files share: the vocabulary with its look-up tables, splitting patterns, scratch memory. */
#ifndef TOKENIZER_PRIVATE_H
#define TOKENIZER_PRIVATE_H

#include "base/arena.h"
#include "engine/tokenizer.h"

/* GGUF's token types are 1 to 6 in this order; a token may have several of these in the end. */
enum token_attr { TOKEN_NORMAL = 1, TOKEN_UNKNOWN = 2, TOKEN_CONTROL = 4, TOKEN_USER = 8, TOKEN_UNUSED = 16, TOKEN_BYTE = 32, TOKEN_LSTRIP = 64, TOKEN_RSTRIP = 128,
	TOKEN_ENDS = 256 };
enum tokenizer_kind { TOKENIZER_BPE, TOKENIZER_SPM, TOKENIZER_UNIGRAM };

struct token_text { const char *p; uint32_t n; };

/* Texts sorted by their bytes; parent: the longest other that begins this one, so that all that begin a text are one chain. */
struct prefix_index { const struct token_text *text; uint32_t *id, *parent; uint32_t first[257]; uint32_t n; };
enum { NO_PREFIX = UINT32_MAX };

/* A class of characters: by their code below (split_code), or, from 128 on, by ranges of code points where the pattern names some. */
struct split_class { uint32_t bits[8]; uint32_t range, n_ranges; uint8_t negated; };
enum split_kind { SPLIT_END, SPLIT_CLASS, SPLIT_CONTRACTION, SPLIT_NOT_BEFORE_TEXT, SPLIT_WORDS };
struct split_element { uint8_t kind; uint16_t of; uint32_t min, max; };
enum split_stage_kind { STAGE_PATTERN, STAGE_DIGITS, STAGE_ASCII_DIGITS, STAGE_TRAILING_SPACE };
enum { SPLIT_STAGES = 6, SPLIT_ALTERNATIVES = 24 };
struct split_stage { uint8_t kind; uint8_t n; const struct split_element *alternative[SPLIT_ALTERNATIVES]; };
struct splitter { struct split_stage stage[SPLIT_STAGES]; uint32_t n; struct split_class *classes; uint32_t (*ranges)[2]; uint32_t n_classes, n_ranges; };

struct pre_tokenizer {
	const char *name;
	const char *const *stage;                /* NULL-ended patterns */
	uint8_t ignore_merges, add_bos, no_bos;  /* no_bos: the default id is none */
	uint8_t escape_space, raw;               /* raw: merges are over UTF-8 itself, bytes are <0xNN> */
};

struct merge { uint64_t pair; uint32_t rank; int32_t merged; };      /* pair: left << 32 | right, all ones: free */
enum { MERGE_FREE = -1 };

struct tokenizer {
	struct arena arena;
	const struct gguf *g;
	const char *model, *pre, *chat;
	enum tokenizer_kind kind;
	/* symbols: the vocabulary's tokens, then texts that only merges name */
	uint32_t n_vocab, n_symbols, cap_symbols, longest;
	struct token_text *text;
	float *score;                            /* of n_vocab */
	uint16_t *attr;                          /* of n_vocab; enum token_attr */
	uint64_t *slot; uint32_t slot_mask;      /* of texts: hash << 32 | symbol + 1; 0: free */
	struct merge *merge; uint32_t merge_mask;
	int32_t byte_symbol[256];                /* byte-level: the symbol of a byte */
	int32_t byte_token[256];                 /* the token that a byte of a text falls back to */
	struct splitter split;
	struct prefix_index special, pieces, user;   /* pieces, user: unigram */
	uint32_t *special_order;                 /* indices of special, longest text first */
	float unknown_score;
	const uint32_t *chars_trie; uint32_t n_chars_trie;   /* unigram's precompiled_charsmap */
	const char *chars_text; uint32_t n_chars_text;
	int32_t bos, eos, eot, eom, unk;
	uint8_t add_bos, add_eos, add_space_prefix, remove_extra_space, escape_space, ignore_merges, raw;
};

/* One call's memory: taken once, of a size known from the text's. */
struct encoding {
	const struct tokenizer *t;
	const char *told;                        /* not 0: no part of a control token; NULL: none is so */
	int32_t *out; size_t cap, n;             /* n counts on beyond cap */
	struct error *err;
	struct { void *p; size_t bytes; } block[12];
};
enum { BLOCK_OWNER, BLOCK_FOUND, BLOCK_TEXT, BLOCK_CODE_POINTS, BLOCK_CODES, BLOCK_PIECES, BLOCK_PIECES2, BLOCK_SYMBOLS, BLOCK_HEAP, BLOCK_BEST };
/* At least so many bytes, kept until the call ends; what was there before may be lost. NULL: e->err is set. */
void *encoding_block(struct encoding *e, unsigned block, size_t n, size_t size);
static inline void encoding_put(struct encoding *e, int32_t id)
{
	if (e->n < e->cap)
		e->out[e->n] = id;
	e->n++;
}

/* tokenizer_vocab.c */
int vocab_read(struct tokenizer *t, struct error *err) MUST_CHECK;
int32_t symbol_find(const struct tokenizer *t, const char *p, size_t n);
int32_t symbol_add(struct tokenizer *t, const char *p, size_t n);      /* p stays; -1: out of memory */
static inline int32_t vocab_find(const struct tokenizer *t, const char *p, size_t n)
{
	int32_t id = symbol_find(t, p, n);
	return id >= 0 && (uint32_t)id < t->n_vocab ? id : NO_TOKEN;
}
/* The strings of an array, bounded by the value's own bytes. */
struct string_walk { const unsigned char *p; uint64_t left; };
struct string_walk string_walk(const struct gguf_value *v);
int string_next(struct token_text *out, struct string_walk *w);

/* tokenizer_prefix.c */
int prefix_build(struct prefix_index *x, struct tokenizer *t, unsigned attr);      /* of the tokens with any of attr; E_NOMEM */
uint32_t prefix_longest(const struct prefix_index *x, const char *p, size_t n);    /* entry that begins p[0, n), NO_PREFIX */
size_t prefix_common(const struct prefix_index *x, const char *p, size_t n);       /* most bytes that p[0, n) has in common with the beginning of any */

/* tokenizer_special.c */
void special_detect(struct tokenizer *t);
int special_build(struct tokenizer *t);          /* E_NOMEM */
/* owner[i] of each byte: -1 text, -2 dropped or inside a token, else the token that begins there. */
enum { OWNER_TEXT = -1, OWNER_TAKEN = -2 };
int special_partition(int32_t *owner, struct encoding *e, const char *text, size_t n, int parse) MUST_CHECK;

/* tokenizer_pre.c, tokenizer_pattern.c, tokenizer_split.c */
const struct pre_tokenizer *pre_tokenizer_find(const char *name);
const struct pre_tokenizer *pre_tokenizer_at(unsigned i);              /* NULL beyond the last */
int splitter_compile(struct splitter *s, struct arena *a, const char *const *stage);   /* E_NOMEM */
unsigned split_code(uint32_t cp);
/* Lengths of the pieces of n characters, in code points; *out is one of the two blocks. */
int split_text(uint32_t **out, uint32_t *n_out, struct encoding *e, const struct splitter *s, const uint32_t *cp, const unsigned char *code, uint32_t n) MUST_CHECK;
/* What an alternative matches at `at` of a piece that ends at `end`: where it stops, or -1. */
int64_t split_match(const struct splitter *s, const struct split_element *el, const uint32_t *cp, const unsigned char *code, uint32_t at, uint32_t end);

/* one file each */
int bpe_build(struct tokenizer *t, struct error *err) MUST_CHECK;
int bpe_encode(struct encoding *e, const char *text, size_t n) MUST_CHECK;
int spm_encode(struct encoding *e, const char *text, size_t n, int space_in_front) MUST_CHECK;
int unigram_build(struct tokenizer *t, struct error *err) MUST_CHECK;
int unigram_encode(struct encoding *e, const char *text, size_t n) MUST_CHECK;

#endif
