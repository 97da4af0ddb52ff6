/* proc_text.c - lines, numbers and sets of processors */
#include "probe/proc_text.h"

#include "base/units.h"

#include <string.h>

const char *proc_next(const char *p)
{
	const char *end = strchr(p, '\n');

	return end && end[1] ? end + 1 : NULL;
}

size_t proc_length(const char *p)
{
	size_t n = strcspn(p, "\r\n");

	while (n && strchr(" \t", p[n - 1]))
		n--;
	return n;
}

const char *proc_field(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; p; p = proc_next(p)) {
		if (strncmp(p, key, n) || !p[n] || !strchr(" \t:", p[n]))
			continue;
		p += n;
		p += strspn(p, " \t");
		p += *p == ':';
		return p + strspn(p, " \t");
	}
	return NULL;
}

int proc_number(uint64_t *out, const char *p)
{
	uint64_t v = 0;

	if (!p || *p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++)
		if (u64_mul(&v, v, 10) || u64_add(&v, v, (uint64_t)(*p - '0')))
			return -1;
	*out = v;
	return 0;
}

int proc_kib(uint64_t *out, const char *p)
{
	uint64_t kib, v;

	if (proc_number(&kib, p) || u64_mul(&v, kib, KIB))
		return -1;
	*out = v;
	return 0;
}

int proc_word(const char *p, const char *word)
{
	size_t n = strlen(word), k;

	for (; *p && *p != '\n'; p += k) {
		p += strspn(p, " \t");
		k = strcspn(p, " \t\r\n");
		if (k == n && !strncmp(p, word, n))
			return 1;
		if (!k)
			break;
	}
	return 0;
}

/* One number of a list, and p moved behind it. */
static int item(uint64_t *out, const char **p)
{
	if (proc_number(out, *p) || *out >= CPUS)
		return -1;
	*p += strspn(*p, "0123456789");
	return 0;
}

static int list(struct cpu_set *out, const char *p)
{
	uint64_t from, to, used, group;

	for (p += strspn(p, " \t"); *p && *p != '\n'; p += *p == ',') {
		if (item(&from, &p))
			return -1;
		to = from;
		if (*p == '-' && (p++, item(&to, &p)))
			return -1;
		used = group = 1;
		/* the first `used` of every `group` (bitmap_parselist() of Linux, lib/bitmap-str.c) */
		if (*p == ':' && (p++, item(&used, &p) || *p++ != '/' || item(&group, &p) || !group || used > group))
			return -1;
		p += strspn(p, " \t\r");
		if (to < from || (*p && *p != ',' && *p != '\n'))
			return -1;
		for (uint64_t i = from; i <= to; i++)
			if ((i - from) % group < used)
				cpu_set_add(out, (uint32_t)i);
	}
	return 0;
}

int cpu_set_list(struct cpu_set *out, const char *text)
{
	*out = (struct cpu_set){ 0 };
	if (!text || list(out, text)) {
		*out = (struct cpu_set){ 0 };
		return -1;
	}
	return 0;
}

int cpu_set_mask(struct cpu_set *out, const char *text)
{
	uint32_t n = 0;

	*out = (struct cpu_set){ 0 };
	if (!text)
		return -1;
	size_t end = strspn(text, "0123456789abcdefABCDEF,x");
	if (!end || text[end + strspn(text + end, " \t\r\n")])
		return -1;
	/* from the lowest digit up: commas stand between groups of eight digits */
	for (size_t i = end; i-- > 0;) {
		char c = text[i];
		if (c == ',')
			continue;
		if (c == 'x')
			break;
		uint64_t v = (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
		if (n + 4 <= CPUS)
			out->bit[n / 64] |= v << (n % 64);
		else if (v) {
			*out = (struct cpu_set){ 0 };
			return -1;
		}
		if (n < CPUS)
			n += 4;
	}
	return 0;
}

uint32_t cpu_set_count(const struct cpu_set *s)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < CPUS / 64; i++)
		n += (uint32_t)__builtin_popcountll(s->bit[i]);
	return n;
}

uint32_t cpu_set_first(const struct cpu_set *s)
{
	for (unsigned i = 0; i < CPUS / 64; i++)
		if (s->bit[i])
			return i * 64 + (uint32_t)__builtin_ctzll(s->bit[i]);
	return CPUS;
}

void cpu_set_and(struct cpu_set *s, const struct cpu_set *with)
{
	for (unsigned i = 0; i < CPUS / 64; i++)
		s->bit[i] &= with->bit[i];
}

void cpu_set_or(struct cpu_set *s, const struct cpu_set *with)
{
	for (unsigned i = 0; i < CPUS / 64; i++)
		s->bit[i] |= with->bit[i];
}
