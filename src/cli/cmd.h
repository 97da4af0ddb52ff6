/* cmd.h - the commands. Each returns OK (yes), 1 (the answer is no) or a negative error code. */
#ifndef CMD_H
#define CMD_H

#include "cli/options.h"

int cmd_fit(struct options *o, struct error *err);
int cmd_estimate(struct options *o, struct error *err);
int cmd_inspect(struct options *o, struct error *err);
int cmd_models(struct options *o, struct error *err);
int cmd_show(struct options *o, struct error *err);
int cmd_accuracy(struct options *o, struct error *err);
int cmd_hardware(struct options *o, struct error *err);
int cmd_audit(struct options *o, struct error *err);
int cmd_run(struct options *o, struct error *err);
int cmd_verify(struct options *o, struct error *err);
int cmd_completion(struct options *o, struct error *err);

#endif
