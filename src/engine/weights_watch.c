/* weights_watch.c - a mapped file that becomes shorter: a message in place of a crash */
#include "engine/weights_private.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Written before threads begin, read by the handler. */
static char message[600];

static void on_bus_error(int signal_, siginfo_t *info, void *context)
{
	(void)context;
	/* no byte of the file lies behind the address */
	if (info->si_code == BUS_ADRERR && message[0]) {
		ssize_t ignored = write(STDERR_FILENO, message, strlen(message));
		(void)ignored;
		_exit(error_exit(E_FILE));
	}
	signal(signal_, SIG_DFL);        /* the access is tried again */
}

void weights_watch(const char *path)
{
	struct sigaction now, mine = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO };

	if (!path) {
		message[0] = 0;
		return;
	}
	snprintf(message, sizeof message, "ullage: %.500s: became shorter, or could not be read, while its weights were in use\n", path);
	sigemptyset(&mine.sa_mask);
	if (sigaction(SIGBUS, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL)
		(void)sigaction(SIGBUS, &mine, NULL);
}
