/* tokenizer.h - text <-> token ids, from a GGUF file's metadata.
 *
 * Byte-level BPE with the pre-tokenizers in use, SentencePiece BPE ("llama") and unigram ("t5"). Ids are llama.cpp's for the same text. A borrowed view of the file's
 * arrays plus tables of its own. Not here: chat templates (chat.h). */
#ifndef TOKENIZER_H
#define TOKENIZER_H

#include "base/error.h"
#include "format/gguf.h"
#include <stddef.h>
#include <stdint.h>

struct tokenizer;
enum { NO_TOKEN = -1 };

/* g is borrowed and outlives the tokenizer. E_ARCH: a model or pre-tokenizer that is not known, by name; E_FILE: metadata that does not fit together; E_NOMEM. */
int tokenizer_open(struct tokenizer **out, const struct gguf *g, struct error *err) MUST_CHECK;
void tokenizer_close(struct tokenizer *t);       /* NULL allowed */

/* SPECIAL: texts of control tokens become those tokens; BOS, EOS: what the file says is added in front, at the end, is added. */
enum { TOKENIZE_SPECIAL = 1, TOKENIZE_BOS = 2, TOKENIZE_EOS = 4 };
/* Token ids of n bytes of text (need not be valid UTF-8). At most cap are written; the number that the whole text takes is returned in *n_out. E_NOMEM. */
int tokenizer_encode(const struct tokenizer *t, int32_t *out, size_t cap, size_t *n_out, const char *text, size_t n, unsigned flags, struct error *err) MUST_CHECK;
/* The same, where told[i], not 0, says that byte i is what someone wrote, and not the template's around it: a control token's text with such a byte stays text. */
int tokenizer_encode_told(const struct tokenizer *t, int32_t *out, size_t cap, size_t *n_out, const char *text, const char *told, size_t n, unsigned flags,
	struct error *err) MUST_CHECK;
/* The bytes of one token, not NUL-ended, into out; returns how many it has (only cap are written). special: control tokens have their text, else none. first: the token
 * opens the text (SentencePiece drops the space in front). */
size_t tokenizer_piece(const struct tokenizer *t, char *out, size_t cap, int32_t id, int special, int first);

uint32_t tokenizer_vocab(const struct tokenizer *t);
int32_t tokenizer_bos(const struct tokenizer *t), tokenizer_eos(const struct tokenizer *t);      /* NO_TOKEN */
/* End of text, of a turn, of a message: generation stops here. */
int tokenizer_ends(const struct tokenizer *t, int32_t id);
/* The id of a token by its exact text ("<|im_start|>"); NO_TOKEN. */
int32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t n);
const char *tokenizer_chat_template(const struct tokenizer *t);  /* tokenizer.chat_template, or NULL */
const char *tokenizer_model(const struct tokenizer *t), *tokenizer_pre(const struct tokenizer *t);

#endif
