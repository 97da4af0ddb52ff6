/* peer.c - what llama.cpp says about a GGUF file: token ids, logits, greedy continuations, perplexity
 *
 * The recipe of every number under tests/golden/. Uses llama.cpp's C interface alone; built by hand or by tests/peer/golden.sh:
 *   cc -O2 -I LLAMA/include -I LLAMA/ggml/include peer.c -L BUILD/bin -lllama -lggml -lggml-base -Wl,-rpath,BUILD/bin -lm
 *   peer tokens MODEL FILE             ids of the text, with what the file says is added in front
 *   peer logits MODEL f32|f16 IDS...   prefill of all ids in batches of 512; of the last token and of every n/4-th
 *   peer greedy MODEL f32|f16 N IDS... N tokens, each the largest logit, with the distance to the second
 *   peer tiny MODEL one|each IDS...    f32 keys and values; all logits of the last position, some of every 8th
 *   peer shapes MODEL -                tensors that llama.cpp would want for this file's metadata, optional ones included
 *   peer perplexity MODEL f32|f16 N FILE
 * Always: CPU, 1 thread (THREADS=n: n), no flash attention (FLASH=1: with it), no repacked weights (REPACK=1: repacked), a batch of 512. */
#include <ggml-backend.h>
#include <gguf.h>
#include <llama.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct llama_model *model;
static struct llama_context *ctx;
static const struct llama_vocab *vocab;
static int n_vocab;

static void quiet(enum ggml_log_level level, const char *text, void *unused)
{
	(void)unused;
	if (level == GGML_LOG_LEVEL_ERROR)
		fputs(text, stderr);
}
static void die(const char *what)
{
	fprintf(stderr, "peer: %s\n", what);
	exit(1);
}
static int env_int(const char *name, int otherwise)
{
	const char *s = getenv(name);
	return s && *s ? atoi(s) : otherwise;
}

static void open_model(const char *path)
{
	struct llama_model_params p = llama_model_default_params();
	p.n_gpu_layers = 0;
	p.use_extra_bufts = env_int("REPACK", 0) != 0;
	p.load_mtp = false;
	model = llama_model_load_from_file(path, p);
	if (!model)
		die("cannot load the model");
	vocab = llama_model_get_vocab(model);
	n_vocab = llama_vocab_n_tokens(vocab);
}
static void open_context(const char *kv, int n_ctx)
{
	struct llama_context_params p = llama_context_default_params();
	p.n_ctx = (uint32_t)n_ctx;
	p.n_batch = p.n_ubatch = 512;
	p.n_threads = p.n_threads_batch = env_int("THREADS", 1);
	p.flash_attn_type = env_int("FLASH", 0) ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
	p.type_k = p.type_v = strcmp(kv, "f32") ? GGML_TYPE_F16 : GGML_TYPE_F32;
	p.no_perf = true;
	ctx = llama_init_from_model(model, p);
	if (!ctx)
		die("no context");
}
/* Tokens [from, from + n) of ids at their positions; logits are asked for of the last, and of every every-th of all (0: of no other). */
static void decode(const llama_token *ids, int from, int n, int every)
{
	struct llama_batch b = llama_batch_init(n, 0, 1);
	b.n_tokens = n;
	for (int i = 0; i < n; i++) {
		b.token[i] = ids[from + i];
		b.pos[i] = from + i;
		b.n_seq_id[i] = 1;
		b.seq_id[i][0] = 0;
		b.logits[i] = (int8_t)(i == n - 1 || (every && (from + i) % every == 0));
	}
	if (llama_decode(ctx, b))
		die("llama_decode failed");
	llama_batch_free(b);
}

static int largest(const float *l, int not_this)
{
	int best = -1;
	for (int i = 0; i < n_vocab; i++)
		if (i != not_this && (best < 0 || l[i] > l[best]))
			best = i;
	return best;
}
/* "top ID:LOGIT ..." and "some FIRST STRIDE LOGIT ...": logits of ids FIRST, FIRST + STRIDE, ... */
static void print_logits(const char *name, const float *l, int top, int some)
{
	float *copy = malloc((size_t)n_vocab * sizeof *copy);
	memcpy(copy, l, (size_t)n_vocab * sizeof *copy);
	printf("%s top", name);
	for (int i = 0; i < top; i++) {
		int at = largest(copy, -1);
		printf(" %d:%.6g", at, (double)copy[at]);
		copy[at] = -INFINITY;
	}
	int stride = n_vocab / some > 0 ? n_vocab / some : 1;
	printf("\n%s some 0 %d", name, stride);
	for (int i = 0, n = 0; n < some && i < n_vocab; i += stride, n++)
		printf(" %.6g", (double)l[i]);
	putchar('\n');
	free(copy);
}

static void print_shape(struct ggml_tensor *t, void *unused)
{
	(void)unused;
	printf("%s", ggml_get_name(t));
	for (int d = 0; d < ggml_n_dims(t); d++)
		printf(" %lld", (long long)t->ne[d]);
	putchar('\n');
	ggml_backend_tensor_memset(t, 0, 0, ggml_nbytes(t));
}
static void shapes(const char *path)
{
	struct gguf_init_params g = { .no_alloc = true };
	struct llama_model_params p = llama_model_default_params();
	p.load_mtp = false;
	model = llama_model_init_from_user(gguf_init_from_file(path, g), print_shape, NULL, p);
	if (!model)
		die("cannot build the model");
}

static llama_token *read_ids(char **arg, int n)
{
	llama_token *ids = malloc((size_t)(n + 65536) * sizeof *ids);
	for (int i = 0; i < n; i++)
		ids[i] = atoi(arg[i]);
	return ids;
}
static llama_token *read_text(const char *path, int *n)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		die("cannot read the text");
	char *text = malloc(1 << 24);
	int bytes = (int)fread(text, 1, 1 << 24, f);
	fclose(f);
	llama_token *ids = malloc((size_t)(bytes + 16) * sizeof *ids);
	*n = llama_tokenize(vocab, text, bytes, ids, bytes + 16, true, false);
	free(text);
	if (*n < 0)
		die("the text cannot be tokenized");
	return ids;
}

/* As llama-perplexity: chunks of n; the first token of each becomes BOS if the file asks for one; positions n/2 to n-2 are scored, each by the token after it. */
static void perplexity(const llama_token *text, int n_text, int n)
{
	double nll = 0, nll2 = 0;
	long count = 0;
	double *each = malloc((size_t)(n_text / n + 1) * sizeof *each);
	llama_token *chunk = malloc((size_t)n * sizeof *chunk);
	for (int c = 0; c + n <= n_text; c += n) {
		memcpy(chunk, text + c, (size_t)n * sizeof *chunk);
		if (llama_vocab_get_add_bos(vocab))
			chunk[0] = llama_vocab_bos(vocab);
		double before = nll;
		llama_memory_clear(llama_get_memory(ctx), true);
		decode(chunk, 0, n / 2, 0);
		decode(chunk, n / 2, n - n / 2, 1);
		for (int i = n / 2; i < n - 1; i++) {
			const float *l = llama_get_logits_ith(ctx, i - n / 2);
			double max = (double)l[largest(l, -1)], sum = 0;
			for (int v = 0; v < n_vocab; v++)
				sum += exp((double)l[v] - max);
			double x = max + log(sum) - (double)l[chunk[i + 1]];
			nll += x;
			nll2 += x * x;
			count++;
		}
		each[c / n] = (nll - before) / (n - 1 - n / 2);
		fprintf(stderr, "[%d] %.4f\n", c / n + 1, exp(nll / (double)count));
	}
	nll /= (double)count;
	double spread = sqrt((nll2 / (double)count - nll * nll) / (double)(count - 1));
	printf("tokens %d chunks %d scored %ld\n", n_text, n_text / n, count);
	printf("nll %.8f\nperplexity %.6f +/- %.5f\neach", nll, exp(nll), spread * exp(nll));
	for (int c = 0; c < n_text / n; c++)
		printf(" %.6f", each[c]);
	putchar('\n');
	free(each);
	free(chunk);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		die("usage: peer tokens|logits|greedy|tiny|perplexity MODEL ...");
	llama_log_set(quiet, NULL);
	llama_backend_init();
	const char *verb = argv[1];
	if (!strcmp(verb, "shapes")) {
		shapes(argv[2]);
		return 0;
	}
	open_model(argv[2]);
	if (!strcmp(verb, "tokens")) {
		int n;
		llama_token *ids = read_text(argv[3], &n);
		for (int i = 0; i < n; i++)
			printf("%d%c", ids[i], i + 1 < n ? ' ' : '\n');
	} else if (!strcmp(verb, "perplexity") && argc == 6) {
		int n, size = atoi(argv[4]);
		open_context(argv[3], size);
		llama_token *ids = read_text(argv[5], &n);
		perplexity(ids, n, size);
	} else if (!strcmp(verb, "logits")) {
		int n = argc - 4, every = n / 4;
		llama_token *ids = read_ids(argv + 4, n);
		open_context(argv[3], n > 2048 ? n + 256 - n % 256 : 2048);
		for (int i = 0; i < n; i += 512) {
			int end = n - i < 512 ? n : i + 512;
			decode(ids, i, end - i, every);
			for (int p = i; p < end; p++) {
				char name[32];
				snprintf(name, sizeof name, "at %d", p);
				if (p == n - 1)
					print_logits("last", llama_get_logits_ith(ctx, p - i), 10, 256);
				else if (p % every == 0)
					print_logits(name, llama_get_logits_ith(ctx, p - i), 10, 32);
			}
		}
	} else if (!strcmp(verb, "greedy") && argc > 5) {
		int n = argc - 5, more = atoi(argv[4]);
		llama_token *ids = read_ids(argv + 5, n);
		open_context(argv[3], 2048);
		for (int i = 0; i < n; i += 512)
			decode(ids, i, n - i < 512 ? n - i : 512, 0);
		printf("greedy");
		for (int i = 0; i < more; i++) {
			const float *l = llama_get_logits_ith(ctx, -1);
			int best = largest(l, -1), second = largest(l, best);
			printf(" %d:%.4g", best, (double)(l[best] - l[second]));
			ids[n + i] = best;
			if (i + 1 < more)
				decode(ids, n + i, 1, 0);
		}
		putchar('\n');
	} else if (!strcmp(verb, "tiny")) {
		int n = argc - 4, each = !strcmp(argv[3], "each");
		llama_token *ids = read_ids(argv + 4, n);
		open_context("f32", 512);
		if (!each)
			decode(ids, 0, n, 1);
		for (int i = 0; i < n; i++) {
			if (each)
				decode(ids, i, 1, 0);
			const float *l = llama_get_logits_ith(ctx, each ? -1 : i);
			char name[32];
			snprintf(name, sizeof name, "at %d", i);
			if (i == n - 1) {
				printf("last");
				for (int v = 0; v < n_vocab; v++)
					printf(" %.6g", (double)l[v]);
				putchar('\n');
			} else if (i % 8 == 0) {
				print_logits(name, l, 1, 16);
			}
		}
	} else {
		die("usage: peer tokens|logits|greedy|tiny|perplexity MODEL ...");
	}
	if (ctx)
		llama_free(ctx);
	llama_model_free(model);
	return 0;
}
