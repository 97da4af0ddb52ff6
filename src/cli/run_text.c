/* run_text.c - bytes held back until a character is whole */
#include "cli/run_text.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static void leave(struct run_text *t, const char *bytes, size_t n)
{
	if (!n || t->failed)
		return;
	if (t->out) {
		t->failed = fwrite(bytes, 1, n, t->out) != n;
		return;
	}
	if (t->n + n + 1 > t->cap) {
		size_t cap = (t->n + n + 1) * 2;
		char *more = realloc(t->all, cap);
		if (!more) {
			t->failed = 1;
			return;
		}
		t->all = more;
		t->cap = cap;
	}
	memcpy(t->all + t->n, bytes, n);
	t->n += n;
	t->all[t->n] = '\0';
}

/* Can these n bytes, which are no whole character, become one? */
static int begins(const char *p, size_t n)
{
	const unsigned char c = (unsigned char)*p;
	const size_t length = c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 ? c <= 0xef ? 3 : 0 : c >= 0xc2 ? 2 : 0;

	for (size_t i = 1; i < n && i < length; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return 0;
	return n < length;
}

int run_text_put(struct run_text *t, const char *bytes, size_t n)
{
	while (n) {
		char buf[256];
		size_t k = n < sizeof buf - sizeof t->held ? n : sizeof buf - sizeof t->held, have = t->n_held + k, at = 0;
		memcpy(buf, t->held, t->n_held);
		memcpy(buf + t->n_held, bytes, k);
		bytes += k;
		n -= k;
		while (at < have) {
			size_t whole = str_utf8(buf + at, have - at);
			if (!whole && begins(buf + at, have - at))
				break;
			at += whole ? whole : 1;
		}
		leave(t, buf, at);
		t->n_held = (unsigned)(have - at);
		memcpy(t->held, buf + at, have - at);
	}
	if (t->out && !t->failed && fflush(t->out))
		t->failed = 1;
	return t->failed ? -1 : 0;
}

int run_text_end(struct run_text *t)
{
	leave(t, t->held, t->n_held);
	t->n_held = 0;
	return t->failed ? -1 : 0;
}

char *run_text_utf8(const struct run_text *t)
{
	char *clean = malloc(3 * t->n + 1), *p = clean;

	for (size_t at = 0, k; clean && at < t->n; at += k ? k : 1) {
		k = t->all[at] ? str_utf8(t->all + at, t->n - at) : 0;
		memcpy(p, k ? t->all + at : "\xef\xbf\xbd", k ? k : 3);
		p += k ? k : 3;
	}
	if (clean)
		*p = '\0';
	return clean;
}

void run_text_free(struct run_text *t)
{
	free(t->all);
	*t = (struct run_text){ 0 };
}
