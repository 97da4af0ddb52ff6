/* chat.h - a conversation as the text that a model was trained on, by templates of known names.
 *
 * A GGUF file's tokenizer.chat_template is a program (Jinja); it is not run but recognised by strings that only it has. Not here: the tokens of that text
 * (tokenizer_encode_told with TOKENIZE_SPECIAL). */
#ifndef CHAT_H
#define CHAT_H

#include "base/error.h"
#include <stddef.h>

struct chat_template;
struct chat_message { const char *role, *text; };        /* role: "system", "user", "assistant", "tool" */

const struct chat_template *chat_find(const char *name); /* NULL */
const struct chat_template *chat_detect(const char *jinja);      /* NULL: none of the known ones; jinja may be NULL */
/* By name, or (name NULL) by the file's own template. E_USAGE: neither is known; the names that are stand in err. */
int chat_choose(const struct chat_template **out, const char *name, const char *jinja, struct error *err) MUST_CHECK;
const char *chat_name(const struct chat_template *c);
const struct chat_template *chat_at(unsigned i);         /* NULL beyond the last */

/* The conversation's text, with the beginning of an answer when generate. At most cap bytes are written, without a NUL; returns how many it has. told (may be NULL), of
 * cap bytes too: 1 where the byte is of a message's text, 0 where it is the template's, for tokenizer_encode_told(). Messages of roles that a template does not know are
 * left out. Beginning of text is the tokenizer's to add; a few templates write it as well. */
size_t chat_apply(char *out, char *told, size_t cap, const struct chat_template *c, const struct chat_message *m, size_t n, int generate);
/* What a template writes behind an answer, without blanks around it, *n bytes: "<|im_end|>". NULL: nothing. */
const char *chat_end(size_t *n, const struct chat_template *c);

#endif
