/* audit_judge.c - a claim handed to the judge of its kind, and what its names mean */
#include "live/audit_judge.h"

int judge_no_memory(struct judge *j) { return error_set(j->err, E_NOMEM, "out of memory"); }

int judge_say(struct judge *j, struct claim *k, enum claim_verdict v, const char *reason)
{
	k->verdict = (uint8_t)v;
	k->reason = reason;
	return reason ? OK : judge_no_memory(j);
}

/* Of what cannot be had: that it fits is false, that it does not is true. */
static int cannot_be_had(struct judge *j, struct claim *k, const char *why)
{
	return judge_say(j, k, k->negated ? CLAIM_TRUE : CLAIM_FALSE, why);
}

int judge_meanings(struct judge *j, struct claim *k, struct models_meant *ms, struct machines_meant *hs, int *rc)
{
	if ((*rc = models_of(ms, j->c, k->model, j->a, j->err)) != OK)
		return 0;
	if (ms->meaning == MEANS_NONE_TO_BE_HAD)
		return *rc = cannot_be_had(j, k, ms->why), 0;
	if ((*rc = machines_of(hs, j->c, k->hardware, k->devices, j->a, j->err)) != OK)
		return 0;
	if (hs->meaning == MEANS_NONE_TO_BE_HAD)
		return *rc = cannot_be_had(j, k, hs->why), 0;
	if (ms->meaning == MEANS_UNKNOWN)
		return *rc = judge_say(j, k, CLAIM_UNJUDGED, ms->why), 0;
	if (hs->meaning == MEANS_UNKNOWN)
		return *rc = judge_say(j, k, CLAIM_UNJUDGED, hs->why), 0;
	return 1;
}

int judge_claim(struct judge *j, struct claim *k)
{
	switch ((enum claim_kind)k->kind) {
	case CLAIM_FITS:
		return judge_fits(j, k);
	case CLAIM_SPEED:
		return judge_speed(j, k);
	case CLAIM_MEMORY:
		return judge_memory(j, k);
	case CLAIM_PRICE:
		break;
	}
	return judge_say(j, k, CLAIM_UNJUDGED, "prices are not judged");
}
