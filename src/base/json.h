/* json.h - cJSON wrapped: reading untrusted documents strictly, writing integers exactly. */
#ifndef JSON_H
#define JSON_H

#include "base/error.h"
#include <cjson/cJSON.h>
#include <stdint.h>

/* Parses exactly n bytes as one document (trailing blanks allowed). E_FILE names the file and the byte offset, or the key.
 * Refused: nested deeper than 64, over 64 MiB, a key given twice, NUL, numbers and strings that RFC 8259 does not have.
 * The caller frees *out with cJSON_Delete. */
int json_parse(cJSON **out, const char *file, const void *bytes, size_t n, struct error *err) MUST_CHECK;

/* Readers: absent or null leaves *out alone and returns 0; present with the wrong type or out of range is E_FILE; 1 when read.
 * Whole numbers are exact: 2^53 and over, where the parser's doubles begin to round, is out of range. */
int json_u64(uint64_t *out, const char *file, const cJSON *o, const char *key, uint64_t min, uint64_t max, struct error *err) MUST_CHECK;
int json_u32(uint32_t *out, const char *file, const cJSON *o, const char *key, uint32_t min, uint32_t max, struct error *err) MUST_CHECK;
int json_f64(double *out, const char *file, const cJSON *o, const char *key, struct error *err) MUST_CHECK;
int json_bool(uint8_t *out, const char *file, const cJSON *o, const char *key, struct error *err) MUST_CHECK;
int json_str(const char **out, const char *file, const cJSON *o, const char *key, struct error *err) MUST_CHECK;   /* borrowed */

/* Writers: integers keep all 64 bits; doubles are rounded to six significant digits; NaN and unknown are null; bytes of a
 * string that are not UTF-8 become '?'. */
void json_add_u64(cJSON *o, const char *key, uint64_t v);
void json_add_i64(cJSON *o, const char *key, int64_t v);
void json_add_f64(cJSON *o, const char *key, double v);
void json_add_str(cJSON *o, const char *key, const char *v);         /* NULL: null */
void json_add_bool(cJSON *o, const char *key, int v);
cJSON *json_add_object(cJSON *o, const char *key);
cJSON *json_add_array(cJSON *o, const char *key);

#endif
