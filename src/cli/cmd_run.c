/* cmd_run.c - ullage run: a prompt, and what the model makes of it */
#include "base/file.h"
#include "base/str.h"
#include "base/units.h"
#include "cli/answer.h"
#include "cli/cmd.h"
#include "cli/engine_args.h"
#include "cli/question.h"
#include "cli/run_text.h"
#include "engine/chat.h"
#include "engine/generate.h"
#include "engine/sampler.h"
#include "engine/tokenizer.h"
#include "live/witness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PROMPT = 64 << 20 };

struct job {
	const struct options *o;
	struct arena a;
	struct catalog *c;
	struct weights *w;
	struct tokenizer *t;
	struct engine *e;
	struct engine_info info;
	struct sampler_options how;
	struct sampler *s;
	struct run_text text;
	const char *prompt; size_t n_prompt;     /* as given */
	const char *chat;                        /* the template that is used; NULL: none */
	int32_t chat_end;                        /* the control token that it writes behind an answer; NO_TOKEN */
	const char *note;                        /* for a person; NULL */
	double load_s;
	uint8_t first;                           /* no token was printed yet */
};

/* All of stdin. */
static int read_stdin(char **out, size_t *n, struct arena *a, struct error *err)
{
	size_t cap = 1 << 16;
	char *text = malloc(cap);

	*n = 0;
	while (text) {
		ssize_t k = read(STDIN_FILENO, text + *n, cap - *n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			*out = arena_strndup(a, text, *n);
			free(text);
			return k < 0 ? error_set(err, E_FILE, "stdin: %s", strerror(errno)) : *out ? OK : error_set(err, E_NOMEM, "out of memory");
		}
		*n += (size_t)k;
		if (*n == cap) {
			char *more = cap < MAX_PROMPT ? realloc(text, cap *= 2) : NULL;
			if (!more) {
				free(text);
				return error_set(err, E_FILE, "stdin: more than %d MiB of prompt", MAX_PROMPT >> 20);
			}
			text = more;
		}
	}
	return error_set(err, E_NOMEM, "out of memory");
}

static int prompt_from(struct job *j, struct error *err)
{
	const struct options *o = j->o;
	char *text;
	int rc;

	if (!o->prompt == !o->prompt_file) {
		error_set(err, E_USAGE, o->prompt ? "-p and -f exclude each other" : "run wants a prompt");
		error_hint(err, "ullage run FILE -p TEXT, or -f FILE, where - is stdin");
		return E_USAGE;
	}
	if (o->prompt) {
		j->prompt = o->prompt;
		j->n_prompt = strlen(o->prompt);
		return OK;
	}
	rc = strcmp(o->prompt_file, "-") ? file_read(&text, &j->n_prompt, &j->a, o->prompt_file, MAX_PROMPT, err) : read_stdin(&text, &j->n_prompt, &j->a, err);
	j->prompt = text;
	return rc;
}

static int sampling_from(struct sampler_options *s, const struct options *o, struct error *err)
{
	double temp = 0.8, p = 0.95, min = 0.05;
	uint64_t k = 40, seed = (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
	int rc;

	if ((rc = number_from(&temp, "--temp", o->temp, 0, 100, err)) != OK || (rc = whole_from(&k, "--top-k", o->top_k, INT32_MAX, err)) != OK ||
	    (rc = number_from(&p, "--top-p", o->top_p, 0, 1, err)) != OK || (rc = number_from(&min, "--min-p", o->min_p, 0, 1, err)) != OK ||
	    (rc = whole_from(&seed, "--seed", o->seed, UINT64_MAX, err)) != OK)
		return rc;
	*s = (struct sampler_options){ .temperature = (float)temp, .top_k = (int32_t)k, .top_p = (float)p, .min_p = (float)min, .seed = seed };
	return OK;
}

/* Model, tokenizer and engine; how long that took. */
static int load(struct job *j, const char *path, struct error *err)
{
	const int terminal = isatty(STDERR_FILENO) && !j->o->quiet;
	const struct quants *q = catalog_quants(j->c);
	struct engine_options how;
	int safetensors, rc = engine_options_from(&how, j->o, q, err);

	if (rc != OK)
		return rc;
	if (!path_exists(path)) {
		error_set(err, E_FILE, "%s: there is no such file", path);
		error_hint(err, "run wants a .gguf file; names of the catalogue have no weights here");
		return E_FILE;
	}
	if ((rc = weights_are_safetensors(&safetensors, path, err)) != OK)
		return rc;
	if (safetensors) {                       /* said before gigabytes of them are read */
		error_set(err, E_FILE, "%s: only GGUF files hold a tokenizer that run can use", path);
		error_hint(err, "verify runs safetensors without one");
		return E_FILE;
	}
	if (terminal)
		fprintf(stderr, "loading %s", path);
	double start = engine_calls.now();
	if ((rc = engine_calls.load(&j->w, path, q, err)) == OK && (rc = tokenizer_open(&j->t, j->w->gguf, err)) == OK)
		rc = engine_calls.open(&j->e, j->w, &how, err);
	j->load_s = engine_calls.now() - start;
	if (terminal)
		fputs("\r\033[K", stderr);
	if (rc == OK)
		engine_calls.info(&j->info, j->e);
	return rc;
}

static int32_t choose(void *user, float *logits, uint32_t vocab, struct error *err)
{
	struct job *j = user;
	int32_t token;
	int rc = sampler_pick(&token, j->s, logits, vocab, err);

	return rc == OK ? token : rc;
}

static int ends(void *user, int32_t token)
{
	const struct job *j = user;

	return tokenizer_ends(j->t, token) || token == j->chat_end;
}

static int print(void *user, int32_t token)
{
	struct job *j = user;
	char piece[1024];
	size_t n = tokenizer_piece(j->t, piece, sizeof piece, token, 0, j->first && j->chat);

	j->first = 0;
	return run_text_put(&j->text, piece, n < sizeof piece ? n : sizeof piece);
}

static void closing(const struct job *j, const struct generated *g)
{
	char pre[32], dec[32], peak[32];
	const int64_t most = witness_peak();

	if (j->o->quiet)
		return;
	if (j->note)
		fprintf(stderr, "ullage: note: %s\n", j->note);
	fprintf(stderr, "ullage: prompt %llu tokens, %s tokens/s; generated %llu, %s tokens/s; peak memory %s%s\n", (unsigned long long)g->prompt_tokens,
		g->prefill_s > 0 ? format_3(pre, sizeof pre, (double)g->prompt_tokens / g->prefill_s) : "-", (unsigned long long)g->tokens,
		g->steps ? format_3(dec, sizeof dec, (double)g->steps / g->decode_s) : "-", most >= 0 ? format_bytes(peak, sizeof peak, (uint64_t)most) : "unknown",
		g->why == END_CONTEXT ? "; the context is full" : g->why == END_STOPPED ? "; interrupted" : "");
}

static void number(cJSON *o, const char *key, double v, int known)
{
	if (known)
		json_add_f64(o, key, v);
	else
		cJSON_AddNullToObject(o, key);
}

static int document(const struct job *j, const struct generated *g, const char *path, struct error *err)
{
	cJSON *doc, *x;
	const int64_t peak = witness_peak();
	char *text = run_text_utf8(&j->text);

	if (!text)
		return error_set(err, E_NOMEM, "out of memory");
	doc = answer_document();
	x = json_add_object(doc, "model");
	json_add_str(x, "file", path);
	json_add_str(x, "name", j->w->model.name);
	json_add_str(x, "architecture", j->w->model.architecture);
	x = json_add_object(doc, "settings");
	json_add_u64(x, "ctx_tokens", j->info.ctx_tokens);
	json_add_u64(x, "ubatch_tokens", j->info.ubatch);
	json_add_u64(x, "threads", j->info.threads);
	json_add_str(x, "backend", j->info.backend);
	json_add_str(x, "isa", j->info.isa);
	json_add_str(x, "chat", j->chat);
	json_add_f64(x, "temperature", (double)j->how.temperature);
	json_add_i64(x, "top_k", j->how.top_k);
	json_add_f64(x, "top_p", (double)j->how.top_p);
	json_add_f64(x, "min_p", (double)j->how.min_p);
	json_add_u64(x, "seed", j->how.seed);
	json_add_str(doc, "text", text);
	free(text);
	json_add_str(doc, "ended", generate_end_names[g->why]);
	json_add_u64(doc, "prompt_tokens", g->prompt_tokens);
	json_add_u64(doc, "generated_tokens", g->tokens);
	number(doc, "load_s", j->load_s, 1);
	number(doc, "prefill_tokens_per_s", (double)g->prompt_tokens / g->prefill_s, g->prefill_s > 0);
	number(doc, "decode_tokens_per_s", (double)g->steps / g->decode_s, g->steps > 0 && g->decode_s > 0);
	if (peak >= 0)
		json_add_i64(doc, "peak_memory_bytes", peak);
	else
		cJSON_AddNullToObject(doc, "peak_memory_bytes");
	json_add_str(doc, "note", j->note);
	return answer_print(doc, err);
}

/* One more note for a person; without memory for it there is none. */
static void note(struct job *j, const char *text)
{
	j->note = j->note && text ? arena_printf(&j->a, "%s; %s", j->note, text) : text;
}

/* What the template writes behind an answer ends it, whether or not the file says so of that token. */
static void end_of_answer(struct job *j, const struct chat_template *c)
{
	size_t n;
	const char *end = chat_end(&n, c);
	const int32_t id = end ? tokenizer_find(j->t, end, n) : NO_TOKEN;

	if (id != NO_TOKEN && !tokenizer_piece(j->t, NULL, 0, id, 0, 0))
		j->chat_end = id;
	if (end && id == NO_TOKEN && j->o->chat && *j->o->chat)
		note(j, arena_printf(&j->a, "this model has no token %.*s, with which template %s ends an answer: it was hardly trained on it, and may not end by itself", (int)n, end,
			j->chat));
}

/* Text that is tokenized; told: what of it is the prompt's, NULL without a template. */
struct whole { const char *text, *told; size_t n; };

/* The prompt as a turn of a conversation, where it is to be one: the file's template if it is known, or the one that was named. */
static int in_template(struct whole *w, struct job *j, struct error *err)
{
	const char *jinja = tokenizer_chat_template(j->t), *name = j->o->chat && *j->o->chat ? j->o->chat : NULL, *nul = memchr(j->prompt, 0, j->n_prompt);
	const struct chat_template *c = NULL;
	const struct chat_message turn = { "user", j->prompt };
	int rc;

	*w = (struct whole){ j->prompt, NULL, j->n_prompt };
	if (j->o->chat && (rc = chat_choose(&c, name, jinja, err)) != OK)
		return rc;
	if (!j->o->chat && !j->o->raw && !(c = chat_detect(jinja)) && jinja)
		note(j, "the file's chat template is none of those known: the prompt is taken as it is (--chat=NAME names one, --raw says that this is meant)");
	if (!c)
		return OK;
	if (nul) {
		error_set(err, E_USAGE, "byte %zu of the prompt is NUL, which no turn of a conversation has", (size_t)(nul - j->prompt));
		error_hint(err, "--raw takes a prompt as it is");
		return E_USAGE;
	}
	j->chat = chat_name(c);
	end_of_answer(j, c);
	w->n = chat_apply(NULL, NULL, 0, c, &turn, 1, 1);
	char *whole = arena_alloc(&j->a, 2 * w->n + 1);
	if (!whole)
		return error_set(err, E_NOMEM, "out of memory");
	chat_apply(whole, whole + w->n, w->n, c, &turn, 1, 1);
	w->text = whole;
	w->told = whole + w->n;
	return OK;
}

static int tokens_of(int32_t **out, size_t *n, struct job *j, struct error *err)
{
	struct whole w;
	int32_t first;
	int rc = in_template(&w, j, err);

	if (rc != OK)
		return rc;
	unsigned flags = j->chat || j->o->raw ? TOKENIZE_SPECIAL : 0;
	/* asked twice: how many there are, and whether beginning of text is written out, then which */
	if ((rc = tokenizer_encode_told(j->t, &first, 1, n, w.text, w.told, w.n, flags, err)) != OK)
		return rc;
	if (!*n || first != tokenizer_bos(j->t))
		flags |= TOKENIZE_BOS;
	const size_t cap = *n + 1;
	if (!(*out = arena_array(&j->a, cap, sizeof **out)))
		return error_set(err, E_NOMEM, "out of memory");
	return tokenizer_encode_told(j->t, *out, cap, n, w.text, w.told, w.n, flags, err);
}

/* The FILE, and what is most often meant by other words. */
static int argument(const struct options *o, struct error *err)
{
	if (o->n_args == 1)
		return OK;
	error_set(err, E_USAGE, "run wants one FILE, not %d", o->n_args);
	for (int i = 0; o->chat && !*o->chat && i < o->n_args; i++)
		if (chat_find(o->args[i])) {
			error_hint(err, "a template's name goes behind an equals sign: --chat=%s", o->args[i]);
			return E_USAGE;
		}
	error_hint(err, "ullage run FILE -p TEXT");
	return E_USAGE;
}

static int run(struct job *j, const char *path, struct error *err)
{
	struct generate g = { .calls = &engine_calls, .choose = choose, .ends = ends, .token = print, .user = j, .max_tokens = j->o->n_predict ? j->o->n_predict : UINT64_MAX };
	struct generated out = { 0 };
	int32_t *token;
	int rc;

	if ((rc = prompt_from(j, err)) != OK || (rc = sampling_from(&j->how, j->o, err)) != OK || (rc = catalog_from(&j->c, j->o, err)) != OK)
		return rc;
	g.stop = interrupt_flag();
	if ((rc = load(j, path, err)) != OK || (rc = tokens_of(&token, &g.n_prompt, j, err)) != OK ||
	    (rc = sampler_open(&j->s, &j->how, j->info.vocab, err)) != OK)
		return rc;
	const uint32_t longest = j->w->model.context_max;
	if (longest && j->info.ctx_tokens > longest)
		note(j, arena_printf(&j->a, "the model was made for %u tokens; what comes beyond them is seldom of use", longest));
	g.prompt = token;
	g.engine = j->e;
	j->text.out = j->o->json ? NULL : stdout;
	j->first = 1;
	rc = generate_run(&out, &g, err);
	if (run_text_end(&j->text) && j->o->json && rc == OK)
		rc = error_set(err, E_NOMEM, "out of memory");
	if (!j->o->json && !j->text.failed && (rc == OK || out.tokens))
		putchar('\n');                  /* also before an error's message */
	if (rc != OK || (j->o->json && (rc = document(j, &out, path, err)) != OK))
		return rc;
	fflush(stdout);
	closing(j, &out);
	return out.why == END_STOPPED ? EXIT_INTERRUPTED : OK;   /* what could not be written is main()'s to say */
}

int cmd_run(struct options *o, struct error *err)
{
	struct job j = { .o = o, .chat_end = NO_TOKEN };
	int rc = argument(o, err);

	if (rc != OK)
		return rc;
	if (o->raw && o->chat)
		return error_set(err, E_USAGE, "--raw and --chat exclude each other");
	rc = run(&j, o->args[0], err);
	run_text_free(&j.text);
	sampler_close(j.s);
	engine_calls.close(j.e);
	tokenizer_close(j.t);
	engine_calls.unload(j.w);
	catalog_close(j.c);
	arena_free(&j.a);
	return rc;
}
