/* tokenizer.c - opening a vocabulary, text to ids, ids to text */
#include "engine/tokenizer_private.h"
#include "engine/unicode.h"

#include <stdlib.h>
#include <string.h>

#define KEY "tokenizer.ggml."
#define LOW_LINE "\xe2\x96\x81"                  /* U+2581, SentencePiece's blank */

static int choose_kind(struct tokenizer *t, struct error *err)
{
	const struct pre_tokenizer *p;
	int rc = gguf_str(&t->model, t->g, KEY "model", err);

	if (rc < 0 || (rc == 1 && (rc = gguf_str(&t->pre, t->g, KEY "pre", err)) < 0) || (rc = gguf_str(&t->chat, t->g, "tokenizer.chat_template", err)) < 0)
		return rc;
	if (!t->model)
		return error_set(err, E_FILE, "%s: key " KEY "model is missing", t->g->file);
	t->bos = t->eos = t->eot = t->eom = t->unk = NO_TOKEN;
	if (strcmp(t->model, "llama") == 0) {
		t->kind = TOKENIZER_SPM;
		t->bos = 1;
		t->eos = 2;
		t->unk = 0;
		t->add_bos = t->add_space_prefix = t->escape_space = 1;
		return OK;
	}
	if (strcmp(t->model, "t5") == 0) {
		t->kind = TOKENIZER_UNIGRAM;
		t->eos = 1;
		t->unk = 2;
		t->add_eos = t->escape_space = 1;
		return OK;
	}
	t->kind = TOKENIZER_BPE;
	if (strcmp(t->model, "gpt2") == 0)
		t->bos = t->eos = 11;
	else if (strcmp(t->model, "gemma4") == 0)
		t->pre = "gemma4";
	else {
		rc = error_set(err, E_ARCH, "%s: tokenizer model '%.64s' is not supported", t->g->file, t->model);
		error_hint(err, "gpt2, llama, t5 and gemma4 are");
		return rc;
	}
	p = pre_tokenizer_find(t->pre && *t->pre ? t->pre : "default");
	if (!p)
		return error_set(err, E_ARCH, "%s: pre-tokenizer '%.64s' is not known", t->g->file, t->pre);
	if (splitter_compile(&t->split, &t->arena, p->stage) != OK)
		return error_set(err, E_NOMEM, "%s: no memory for the pre-tokenizer", t->g->file);
	t->add_bos = p->add_bos;
	t->ignore_merges = p->ignore_merges;
	t->escape_space = p->escape_space;
	t->raw = p->raw;
	if (p->no_bos)
		t->bos = NO_TOKEN;
	return OK;
}

int tokenizer_open(struct tokenizer **out, const struct gguf *g, struct error *err)
{
	struct tokenizer *t = calloc(1, sizeof *t);
	int rc;

	*out = NULL;
	if (!t)
		return error_set(err, E_NOMEM, "%s: no memory for a tokenizer", g->file);
	t->g = g;
	if ((rc = choose_kind(t, err)) != OK || (rc = vocab_read(t, err)) != OK)
		goto out;
	/* gemma4's files say no; its models want one */
	if (t->kind == TOKENIZER_BPE && t->raw && strcmp(t->pre, "sarvam-moe") != 0)
		t->add_bos = 1;
	if (t->kind == TOKENIZER_BPE && (rc = bpe_build(t, err)) != OK)
		goto out;
	if (t->kind == TOKENIZER_UNIGRAM && (rc = unigram_build(t, err)) != OK)
		goto out;
	special_detect(t);
	if (special_build(t) != OK) {
		rc = error_set(err, E_NOMEM, "%s: no memory for a vocabulary of %u tokens", g->file, t->n_vocab);
		goto out;
	}
	*out = t;
	t = NULL;
	rc = OK;
out:
	tokenizer_close(t);
	return rc;
}

void tokenizer_close(struct tokenizer *t)
{
	if (!t)
		return;
	free(t->text);
	free(t->slot);
	free(t->merge);
	arena_free(&t->arena);
	free(t);
}

void *encoding_block(struct encoding *e, unsigned block, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes)) {
		error_set(e->err, E_NOMEM, "a text of %zu bytes is too long", n);
		return NULL;
	}
	if (e->block[block].bytes < bytes) {
		free(e->block[block].p);
		e->block[block].bytes = 0;
		e->block[block].p = malloc(bytes);
		if (!e->block[block].p) {
			error_set(e->err, E_NOMEM, "no memory to tokenize a text: %zu bytes wanted", bytes);
			return NULL;
		}
		e->block[block].bytes = bytes;
	}
	return e->block[block].p;
}

static int encode_stretch(struct encoding *e, const char *text, size_t n, int after_special)
{
	switch (e->t->kind) {
	case TOKENIZER_SPM:
		return spm_encode(e, text, n, after_special && e->t->add_space_prefix);
	case TOKENIZER_UNIGRAM:
		return unigram_encode(e, text, n);
	case TOKENIZER_BPE:
		break;
	}
	return bpe_encode(e, text, n);
}

int tokenizer_encode(const struct tokenizer *t, int32_t *out, size_t cap, size_t *n_out, const char *text, size_t n, unsigned flags, struct error *err)
{
	return tokenizer_encode_told(t, out, cap, n_out, text, NULL, n, flags, err);
}

int tokenizer_encode_told(const struct tokenizer *t, int32_t *out, size_t cap, size_t *n_out, const char *text, const char *told, size_t n, unsigned flags, struct error *err)
{
	struct encoding e = { .t = t, .told = told, .out = out, .cap = cap, .err = err };
	int32_t *owner;
	int rc = OK, after_special = 1;

	*n_out = 0;
	if (n > INT32_MAX / 4)
		return error_set(err, E_USAGE, "a text of %zu bytes is too long to tokenize; at most %d", n, INT32_MAX / 4);
	if (flags & TOKENIZE_BOS && t->add_bos && t->bos != NO_TOKEN)
		encoding_put(&e, t->bos);
	if (n) {
		owner = encoding_block(&e, BLOCK_OWNER, n, sizeof *owner);
		rc = owner ? special_partition(owner, &e, text, n, flags & TOKENIZE_SPECIAL) : E_NOMEM;
		for (size_t i = 0, end; i < n && rc == OK; i = end) {
			end = i + 1;
			if (owner[i] >= 0) {
				encoding_put(&e, owner[i]);
				after_special = 1;
			} else if (owner[i] == OWNER_TEXT) {
				while (end < n && owner[end] == OWNER_TEXT)
					end++;
				rc = encode_stretch(&e, text + i, end - i, after_special);
				after_special = 0;
			}
		}
	}
	if (flags & TOKENIZE_EOS && t->add_eos && t->eos != NO_TOKEN)
		encoding_put(&e, t->eos);
	for (size_t i = 0; i < sizeof e.block / sizeof *e.block; i++)
		free(e.block[i].p);
	*n_out = e.n;
	return rc;
}

struct piece { char *out; size_t cap, n; int skip_space; };

static void piece_put(struct piece *p, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p->skip_space) {
			p->skip_space = 0;
			if (s[i] == ' ')
				continue;
		}
		if (p->n < p->cap)
			p->out[p->n] = s[i];
		p->n++;
	}
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t tokenizer_piece(const struct tokenizer *t, char *out, size_t cap, int32_t id, int special, int first)
{
	struct piece p = { out, cap, 0, first && t->add_space_prefix };
	struct token_text x;
	unsigned attr;

	if (id < 0 || (uint32_t)id >= t->n_vocab)
		return 0;
	x = t->text[id];
	attr = t->attr[id];
	if (attr & (TOKEN_CONTROL | TOKEN_UNKNOWN | TOKEN_USER)) {
		if (special || !(attr & (TOKEN_CONTROL | TOKEN_UNKNOWN)))
			piece_put(&p, x.p, x.n);
	} else if (attr & TOKEN_BYTE) {
		if (x.n == 6 && hex(x.p[3]) >= 0 && hex(x.p[4]) >= 0) {
			char c = (char)(hex(x.p[3]) << 4 | hex(x.p[4]));
			piece_put(&p, &c, 1);
		}
	} else if (attr & TOKEN_NORMAL) {
		for (size_t i = 0, k; i < x.n; i += k) {
			uint32_t cp;
			int b;
			k = unicode_decode(&cp, x.p + i, x.n - i, NULL);
			if (t->escape_space && k == 3 && memcmp(x.p + i, LOW_LINE, 3) == 0)
				piece_put(&p, " ", 1);
			else if (!t->escape_space && (b = unicode_to_byte(cp)) >= 0)
				piece_put(&p, &(char){ (char)b }, 1);
			else
				piece_put(&p, x.p + i, k);
		}
	}
	return p.n;
}

uint32_t tokenizer_vocab(const struct tokenizer *t) { return t->n_vocab; }
int32_t tokenizer_bos(const struct tokenizer *t) { return t->bos; }
int32_t tokenizer_eos(const struct tokenizer *t) { return t->eos; }
int tokenizer_ends(const struct tokenizer *t, int32_t id) { return id >= 0 && (uint32_t)id < t->n_vocab && (t->attr[id] & TOKEN_ENDS) != 0; }
int32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t n) { return vocab_find(t, text, n); }
const char *tokenizer_chat_template(const struct tokenizer *t) { return t->chat; }
const char *tokenizer_model(const struct tokenizer *t) { return t->model; }
const char *tokenizer_pre(const struct tokenizer *t) { return t->pre; }
