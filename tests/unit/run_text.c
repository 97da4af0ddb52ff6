/* run_text.c - text in pieces: no character is ever cut, and not a byte is lost */
#include "cli/run_text.h"

#include "base/str.h"
#include "engine/generate.h"

#include "../tap.h"

#include <string.h>

/* Every way to cut the text in two, and byte by byte. */
static int whole(const char *text, size_t n)
{
	int good = 1;

	for (size_t cut = 0; cut <= n; cut++) {
		struct run_text t = { 0 };
		run_text_put(&t, text, cut);
		for (size_t at = 0; at < t.n; at += str_utf8(t.all + at, t.n - at))
			if (!str_utf8(t.all + at, t.n - at)) {
				good = 0;
				break;
			}
		for (size_t i = cut; i < n; i++)
			run_text_put(&t, text + i, 1);
		run_text_end(&t);
		good = good && t.n == n && !memcmp(t.all, text, n) && !t.n_held;
		run_text_free(&t);
	}
	return good;
}

static void text(void)
{
	static const char all[] = "a\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xe6\x97\xa5\xe6\x9c\xac.";
	struct run_text t = { 0 };
	char long_[600];

	ok(whole(all, sizeof all - 1), "characters of one to four bytes, cut anywhere");
	ok(run_text_put(&t, "\xe2\x82", 2) == 0 && t.n == 0 && t.n_held == 2, "the beginning of a character is held");
	ok(run_text_put(&t, "\xac", 1) == 0 && t.n == 3 && t.n_held == 0, "and leaves whole");
	ok(run_text_put(&t, "\xff" "b\xc0" "c", 4) == 0 && t.n == 7, "bytes that begin no character leave at once");
	ok(run_text_put(&t, "\xe2" "d", 2) == 0 && t.n == 9 && t.n_held == 0, "so does a beginning that is not gone on with");
	ok(run_text_put(&t, "\xf0\x9f", 2) == 0 && run_text_end(&t) == 0 && t.n == 11, "what is held at the end leaves too");
	run_text_free(&t);
	for (unsigned i = 0; i < 600; i++)
		long_[i] = all[i % (sizeof all - 1)];
	run_text_put(&t, long_, sizeof long_);
	run_text_end(&t);
	ok(t.n == sizeof long_ && !memcmp(t.all, long_, sizeof long_), "pieces longer than the buffer");
	run_text_free(&t);
	run_text_put(&t, "a\nb\xff\0\xe2\x82\n\xe2\x82\xac\xf0\x9f", 13);
	run_text_end(&t);
	char *clean = run_text_utf8(&t);
	ok(clean && !strcmp(clean, "a\nb\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd"),
		"as UTF-8: newlines stay, what is no text is U+FFFD");
	free(clean);
	run_text_free(&t);
	clean = run_text_utf8(&t);
	ok(clean && !*clean, "nothing is an empty text");
	free(clean);
	FILE *full = fopen("/dev/full", "w");
	if (full) {
		t.out = full;
		ok(run_text_put(&t, "x", 1) == -1, "what cannot be written is said");
		fclose(full);
	} else {
		skip("no /dev/full", "what cannot be written is said");
	}
}

/* An engine of ten tokens that always wants the next one: logits of token (last + 1) % 10. */
struct engine { int32_t at, last; unsigned runs, most, cleared; float logits[10]; };
static struct engine fake;
static struct error e;

static int fake_run(struct engine *x, const struct step *s, struct error *err)
{
	for (uint32_t i = 0; i < s->n_tokens; i++)
		if (s->position[i] != x->at++ || s->slot[i] != 3)
			return error_set(err, E_USAGE, "position %d", s->position[i]);
	x->runs++;
	x->most = s->n_tokens > x->most ? s->n_tokens : x->most;
	x->last = s->token[s->n_tokens - 1];
	for (unsigned i = 0; i < 10 && s->n_outputs; i++)
		x->logits[i] = (int)i == (x->last + 1) % 10;
	return s->n_outputs && s->output_row[0] != (int32_t)s->n_tokens - 1 ? error_set(err, E_USAGE, "not the last") : OK;
}
static float *fake_logits(const struct engine *x, uint32_t i) { (void)x; (void)i; return fake.logits; }
static void fake_info(struct engine_info *out, const struct engine *x) { (void)x; *out = (struct engine_info){ .ubatch = 4, .vocab = 10, .ctx_tokens = 20, .slots = 4 }; }
static double fake_now(void) { static double t; return t += 1; }
static const struct engine_calls calls = { .run = fake_run, .logits = fake_logits, .info = fake_info, .now = fake_now };

struct sink { int32_t got[64]; unsigned n; int end, refuse; volatile sig_atomic_t stop, stop_at; };
static int32_t choose(void *user, float *l, uint32_t vocab, struct error *err)
{
	int32_t best = 0;

	(void)user; (void)err;
	for (uint32_t i = 1; i < vocab; i++)
		if (l[i] > l[best])
			best = (int32_t)i;
	return best;
}
static int ends(void *user, int32_t t) { return t == ((struct sink *)user)->end; }
static int take(void *user, int32_t t)
{
	struct sink *s = user;

	s->got[s->n++] = t;
	if (s->stop_at && (int)s->n == s->stop_at)
		s->stop = 1;
	return s->refuse && (int)s->n == s->refuse;
}
static struct generated go(struct sink *s, size_t n_prompt, uint64_t max, int *rc)
{
	static const int32_t prompt[40] = { 1, 2, 3, 4, 5, 6 };
	struct generate g = { .calls = &calls, .engine = &fake, .slot = 3, .prompt = prompt, .n_prompt = n_prompt, .max_tokens = max, .stop = &s->stop, .choose = choose, .ends = ends,
		.token = take, .user = s };
	struct generated out;

	fake = (struct engine){ 0 };
	*rc = generate_run(&out, &g, &e);
	return out;
}

static void generation(void)
{
	struct sink s = { .end = -1 };
	int rc;
	struct generated g = go(&s, 6, 5, &rc);

	ok(rc == OK && g.why == END_LENGTH && s.n == 5 && s.got[0] == 7 && s.got[4] == 1, "as many tokens as asked for");
	ok(fake.runs == 2 + 4 && fake.most == 4 && g.steps == 4 && g.prompt_tokens == 6, "the prompt in pieces of the ubatch; the first token needs no step");
	ok(g.prefill_s > 0 && g.decode_s > 0, "both are timed");
	s = (struct sink){ .end = 9 };
	g = go(&s, 6, UINT64_MAX, &rc);
	ok(rc == OK && g.why == END_OF_TEXT && s.n == 2 && g.tokens == 2, "the token that ends the text is not handed on");
	s = (struct sink){ .end = -1 };
	g = go(&s, 6, UINT64_MAX, &rc);
	ok(rc == OK && g.why == END_CONTEXT && g.tokens == 15 && fake.at == 20, "a full context ends it: %llu tokens", (unsigned long long)g.tokens);
	g = go(&s, 20, 0, &rc);
	ok(rc == OK && g.tokens == 0 && fake.at == 20, "a prompt alone, as long as the context");
	go(&s, 21, 1, &rc);
	ok(rc == E_USAGE && strstr(e.text, "21") && strstr(e.text, "20"), "a longer one is refused: %s", e.text);
	go(&s, 0, 1, &rc);
	ok(rc == E_USAGE, "so is none");
	s = (struct sink){ .end = -1, .stop_at = 3 };
	g = go(&s, 6, 100, &rc);
	ok(rc == OK && g.why == END_STOPPED && g.tokens == 3, "a signal ends it after the token");
	s = (struct sink){ .end = -1, .stop = 1 };
	g = go(&s, 6, 100, &rc);
	ok(rc == OK && g.why == END_STOPPED && g.tokens == 0 && fake.runs == 0, "also before the prompt");
	s = (struct sink){ .end = -1, .refuse = 2 };
	g = go(&s, 6, 100, &rc);
	ok(rc == OK && g.why == END_REFUSED && g.tokens == 2, "and whoever takes the tokens");
}

int main(void)
{
	text();
	generation();
	return done_testing();
}
