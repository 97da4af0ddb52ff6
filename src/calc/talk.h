/* talk.h - what several devices say to each other in one step. Pure. */
#ifndef TALK_H
#define TALK_H

#include "calc/estimate.h"

/* Seconds; nothing for one device. Sets WARN_LINK_UNKNOWN where it is not known. */
struct figure talk_seconds(struct estimate *e, const struct question *q, double tokens);

#endif
