/* weights_watch.c - a file cut while it is mapped ends the process with its name and exit code 3, not with a crash */
#include "engine_tiny.h"

#include "catalog/quant.h"

#include <signal.h>
#include <sys/wait.h>

static struct quants quants;
static volatile unsigned sum;                    /* so that each byte is read */

/* In a child: opens the model, cuts its file and reads every tensor. */
static void read_cut(const char *path, int to)
{
	struct weights *w;
	struct error err = { 0 };

	dup2(to, STDERR_FILENO);
	signal(SIGBUS, SIG_DFL);                 /* sanitizers have one of their own */
	if (weights_open(&w, path, &quants, &err) != OK || truncate(path, 8192))
		_exit(90);
	for (uint32_t i = 0; i < w->n; i++)
		for (uint64_t e = 0; e < w->t[i].ne[0]; e++)
			sum += ((const unsigned char *)w->t[i].data)[e];
	_exit(91);
}

int main(void)
{
	struct arena a = { 0 };
	struct error err = { 0 };
	char text[1024] = "";
	int fd[2], status = 0;
	ssize_t n;

	const char *path = tiny_make("llama");
	if (quants_load(&quants, &a, "data/quants.yaml", &err) != OK || !path || pipe(fd)) {
		printf("Bail out! %s\n", err.text);
		return 1;
	}
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		read_cut(path, fd[1]);
	close(fd[1]);
	for (size_t at = 0; at + 1 < sizeof text && (n = read(fd[0], text + at, sizeof text - 1 - at)) > 0; at += (size_t)n)
		;
	close(fd[0]);
	ok(waitpid(child, &status, 0) == child && WIFEXITED(status), "it ends by itself");
	is_u64((uint64_t)WEXITSTATUS(status), 3, "as for a bad file");
	ok(strstr(text, path) && strstr(text, "became shorter"), "%.*s", (int)strcspn(text, "\n"), text);
	unlink(path);
	arena_free(&a);
	return done_testing();
}
