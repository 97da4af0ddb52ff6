/* json.c - what a strict reader takes and refuses; numbers written exactly */
#include "../tap.h"

#include "base/json.h"

#include <math.h>

static int parse(cJSON **out, const char *s, struct error *e)
{
	/* a block of just the size, so that a sanitizer sees a byte read beyond it */
	size_t n = strlen(s);
	char *exact = malloc(n ? n : 1);
	int rc = exact ? json_parse(out, "t.json", memcpy(exact, s, n), n, e) : E_NOMEM;

	free(exact);
	return rc;
}

static void documents(void)
{
	static const char *const good[] = { "{}", " [1, -2.5e+3, true, null, \"\\u00e9\"] \r\n\t", "\"x\"", "0", "-0.0",
		"{\"a\":{\"a\":1},\"b\":[{\"a\":2},{\"a\":3}]}",
		"\"\\ud83d\\ude00 \xf0\x9f\x98\x80 \\\\u0000 \\\\\"", "[\"{[{[\"]", "1e2", "[]", "{\"\":0}" };
	static const struct { const char *s, *why; } bad[] = {
		{ "", "" }, { " ", "" }, { "{", "" }, { "[1,]", "" }, { "{\"a\":1,}", "" }, { "{'a':1}", "" }, { "{a:1}", "" },
		{ "[1 2]", "" },
		{ "{} {}", "after the end" }, { "1 x", "after the end" }, { "nul", "" }, { "True", "" }, { "NaN", "" }, { "Infinity", "" },
		{ "{\"a\":-Infinity}", "offset 5" }, { "[01]", "offset 1" }, { "[1.]", "offset 1" }, { "[.5]", "" }, { "[+1]", "" },
			{ "[1e]", "" },
		{ "[-]", "" }, { "[0x10]", "" }, { "[1.5.5]", "" }, { "[1-2]", "" },
		{ "[9999999999999999999999999999999999999999999999999999999999999999]", "number" },
		{ "\"\x01\"", "control" }, { "[\x0c]", "control" }, { "\"line\nend\"", "control" }, { "\"\xff\"", "UTF-8" },
			{ "\"\xc0\x80\"", "UTF-8" },
		{ "\"\xed\xa0\x80\"", "UTF-8" }, { "\"a\\u0000b\"", "NUL" }, { "{\"id\\u0000x\":1}", "NUL" }, { "\"\\ud800\"", "" },
			{ "\"\\x\"", "" },
		{ "\"open", "" }, { "\"open\\", "" }, { "\"\\u00\"", "" }, { "{\"a\":1,\"b\":2,\"a\":3}", "a: given twice" },
		{ "[{\"x\":[{\"deep\":1,\"deep\":1}]}]", "deep: given twice" }, { "{\"a\":1,\"\\u0061\":2}", "a: given twice" },
			{ "/* */ {}", "" },
	};
	struct error e;
	cJSON *o;

	for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
		ok(parse(&o, good[i], &e) == OK && o, "good document %u", i);
		cJSON_Delete(o);
	}
	for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(parse(&o, bad[i].s, &e) == E_FILE && !o && !strncmp(e.text, "t.json: ", 8) && strstr(e.text, bad[i].why),
			"bad document %u: %s", i, e.text);
	ok(json_parse(&o, "t.json", "{}\0", 3, &e) == E_FILE && strstr(e.text, "offset 2"), "a NUL byte: %s", e.text);
	ok(json_parse(&o, "t.json", "\"\\\0\"", 4, &e) == E_FILE, "a NUL byte behind a backslash: %s", e.text);
	ok(json_parse(&o, "t.json", "[1]]]]", 3, &e) == OK, "n bytes and not one more are read");
	cJSON_Delete(o);
}

static char *nested(unsigned depth, const char *open, const char *inner, const char *close)
{
	char *s = calloc(depth + 1, strlen(open) + strlen(inner) + strlen(close) + 1), *p = s;

	for (unsigned i = 0; i < depth; i++)
		p += sprintf(p, "%s", open);
	p += sprintf(p, "%s", inner);
	for (unsigned i = 0; i < depth; i++)
		p += sprintf(p, "%s", close);
	return s;
}

static void limits(void)
{
	struct error e;
	cJSON *o;
	char *s = nested(64, "[", "", "]");

	ok(parse(&o, s, &e) == OK, "64 deep");
	cJSON_Delete(o);
	free(s);
	s = nested(65, "[", "", "]");
	ok(parse(&o, s, &e) == E_FILE && strstr(e.text, "deeper than 64") && strstr(e.text, "offset 64"), "65 deep: %s", e.text);
	free(s);
	s = nested(65, "{\"a\":", "1", "}");
	ok(parse(&o, s, &e) == E_FILE && strstr(e.text, "deeper than 64"), "65 objects deep: %s", e.text);
	free(s);
	s = nested(100000, "[", "", "");
	ok(parse(&o, s, &e) == E_FILE && strstr(e.text, "deeper than 64"), "100000 deep: %s", e.text);
	free(s);
	size_t big = ((size_t)64 << 20) + 1;
	s = malloc(big);
	if (s) {
		memset(s, ' ', big);
		s[0] = '0';
		ok(json_parse(&o, "t.json", s, big, &e) == E_FILE && strstr(e.text, "67108865"), "over 64 MiB: %s", e.text);
		ok(json_parse(&o, "t.json", s, big - 1, &e) == OK, "64 MiB");
		cJSON_Delete(o);
	}
	free(s);
	/* many keys: found by sorting, not by comparing each with each */
	char *p = s = malloc(2000000);
	if (!s)
		return;
	for (unsigned i = 0; i < 100000; i++)
		p += sprintf(p, "%s\"k%u\":0", i ? "," : "{", i);
	strcpy(p, "}");
	ok(parse(&o, s, &e) == OK, "100000 keys");
	cJSON_Delete(o);
	strcpy(p, ",\"k7\":0}");
	ok(parse(&o, s, &e) == E_FILE && strstr(e.text, "k7: given twice"), "and one of them again: %s", e.text);
	free(s);
}

static void readers(void)
{
	struct error e;
	cJSON *o = NULL;
	uint64_t v = 99;
	uint32_t u = 99;
	double d = 99;
	uint8_t b = 99;
	const char *s = "untouched";

	if (!ok(parse(&o,
		"{\"n\":42,\"zero\":0,\"minus\":-0,\"max\":9007199254740991,\"over\":9007199254740992,\"near\":9007199254740993,"
		"\"neg\":-1,\"half\":1.5,\"whole\":3.0,"
	                  "\"huge\":1e300,\"inf\":1e999,\"null\":null,"
	                  "\"t\":true,\"f\":false,\"s\":\"text\",\"a\":[],\"u32\":4294967296}", &e) == OK, "a document"))
		return;
	ok(json_u64(&v, "t.json", o, "none", 0, 10, &e) == 0 && v == 99, "absent: 0, untouched");
	ok(json_u64(&v, "t.json", o, "null", 0, 10, &e) == 0 && v == 99, "null: the same");
	ok(json_u64(&v, "t.json", o, "N", 0, 100, &e) == 0, "keys have a case");
	ok(json_u64(&v, "t.json", o, "zero", 0, 42, &e) == 1 && v == 0, "zero");
	v = 99;
	ok(json_u64(&v, "t.json", o, "minus", 0, 42, &e) == 1 && v == 0, "-0 is zero");
	ok(json_u64(&v, "t.json", o, "zero", 1, 42, &e) == E_FILE && strstr(e.text, "zero: 0 is not between 1 and 42"),
		"too small: %s", e.text);
	ok(json_u64(&v, "t.json", o, "n", 0, 42, &e) == 1 && v == 42, "a number at the upper end");
	ok(json_u64(&v, "t.json", o, "n", 42, 50, &e) == 1, "and at the lower");
	v = 99;
	ok(json_u64(&v, "t.json", o, "n", 43, 50, &e) == E_FILE && v == 99 && strstr(e.text, "42") && strstr(e.text, "43"),
		"below: %s", e.text);
	ok(json_u64(&v, "t.json", o, "n", 0, 41, &e) == E_FILE, "above: %s", e.text);
	ok(json_u64(&v, "t.json", o, "max", 0, UINT64_MAX, &e) == 1 && v == UINT64_C(9007199254740991), "2^53 - 1 is exact");
	ok(json_u64(&v, "t.json", o, "over", 0, UINT64_MAX, &e) == E_FILE, "2^53 is refused: %s", e.text);
	ok(json_u64(&v, "t.json", o, "near", 0, UINT64_MAX, &e) == E_FILE, "2^53 + 1 is not taken for 2^53: %s", e.text);
	ok(json_u64(&v, "t.json", o, "neg", 0, UINT64_MAX, &e) == E_FILE, "negative: %s", e.text);
	ok(json_u64(&v, "t.json", o, "half", 0, UINT64_MAX, &e) == E_FILE, "a fraction: %s", e.text);
	ok(json_u64(&v, "t.json", o, "huge", 0, UINT64_MAX, &e) == E_FILE, "1e300: %s", e.text);
	ok(json_u64(&v, "t.json", o, "inf", 0, UINT64_MAX, &e) == E_FILE, "1e999: %s", e.text);
	ok(json_u64(&v, "t.json", o, "whole", 0, 10, &e) == 1 && v == 3, "3.0 is whole");
	ok(json_u64(&v, "t.json", o, "s", 0, 10, &e) == E_FILE && strstr(e.text, "t.json: s:"), "a string: %s", e.text);
	ok(json_u64(&v, "t.json", o, "t", 0, 10, &e) == E_FILE, "true is no number: %s", e.text);
	ok(json_u32(&u, "t.json", o, "n", 0, 100, &e) == 1 && u == 42, "32 bits");
	ok(json_u32(&u, "t.json", o, "u32", 0, UINT32_MAX, &e) == E_FILE && u == 42, "2^32 does not fit: %s", e.text);
	ok(json_u32(&u, "t.json", o, "none", 0, 1, &e) == 0 && u == 42, "absent");
	ok(json_f64(&d, "t.json", o, "half", &e) == 1 && d == 1.5, "a fraction");
	ok(json_f64(&d, "t.json", o, "inf", &e) == E_FILE && d == 1.5, "not finite: %s", e.text);
	ok(json_f64(&d, "t.json", o, "s", &e) == E_FILE, "a string: %s", e.text);
	ok(json_f64(&d, "t.json", o, "null", &e) == 0 && d == 1.5, "null");
	ok(json_bool(&b, "t.json", o, "t", &e) == 1 && b == 1 && json_bool(&b, "t.json", o, "f", &e) == 1 && b == 0, "true and false");
	ok(json_bool(&b, "t.json", o, "n", &e) == E_FILE && json_bool(&b, "t.json", o, "none", &e) == 0 && b == 0,
		"a number is neither: %s", e.text);
	ok(json_str(&s, "t.json", o, "none", &e) == 0 && !strcmp(s, "untouched"), "no string");
	ok(json_str(&s, "t.json", o, "a", &e) == E_FILE && json_str(&s, "t.json", o, "s", &e) == 1 && !strcmp(s, "text"),
		"a string, no list");
	ok(json_str(&s, "t.json", cJSON_GetObjectItem(o, "a"), "s", &e) == 0 && json_str(&s, "t.json", NULL, "s", &e) == 0,
		"no key in a list, or in nothing");
	cJSON_Delete(o);
}

static void writers(void)
{
	cJSON *o = cJSON_CreateObject(), *back = NULL;
	struct error e;
	char *s;

	json_add_u64(o, "u", UINT64_MAX);
	json_add_i64(o, "i", INT64_MIN);
	json_add_u64(o, "odd", UINT64_C(9007199254740993));
	json_add_f64(o, "third", 1.0 / 3);
	json_add_f64(o, "big", 123456789);
	json_add_f64(o, "zero", 0);
	json_add_f64(o, "tiny", 1.5e-9);
	json_add_f64(o, "nan", NAN);
	json_add_f64(o, "inf", -INFINITY);
	json_add_str(o, "s", "a\"b\\c\n\x01\xc3\xa9");
	json_add_str(o, "bad", "a\xff" "b");
	json_add_str(o, "none", NULL);
	json_add_bool(o, "t", 17);
	json_add_bool(o, "f", 0);
	json_add_u64(json_add_object(o, "o"), "x", 1);
	cJSON_AddItemToArray(json_add_array(o, "a"), cJSON_CreateNull());
	s = cJSON_PrintUnformatted(o);
	is_str(s, "{\"u\":18446744073709551615,\"i\":-9223372036854775808,\"odd\":9007199254740993,\"third\":0.333333,"
	       "\"big\":1.23457e+08,\"zero\":0,\"tiny\":1.5e-09,\"nan\":null,\"inf\":null,"
	       "\"s\":\"a\\\"b\\\\c\\n\\u0001\xc3\xa9\",\"bad\":\"a?b\",\"none\":null,\"t\":true,\"f\":false,"
	       "\"o\":{\"x\":1},\"a\":[null]}", "integers keep 64 bits, doubles six digits, what is not finite is null");
	ok(s && json_parse(&back, "t.json", s, strlen(s), &e) == OK, "and the strict reader takes it");
	cJSON_Delete(back);
	free(s);
	cJSON_Delete(o);
}

int main(void)
{
	documents();
	limits();
	readers();
	writers();
	return done_testing();
}
