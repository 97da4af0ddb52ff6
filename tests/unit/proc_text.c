/* proc_text.c - lines, numbers and sets of processors as /proc and /sys write them */
#include "probe/proc_text.h"

#include "../tap.h"

static struct cpu_set set;

static uint32_t count_list(const char *text)
{
	return cpu_set_list(&set, text) ? 99999 : cpu_set_count(&set);
}

static uint32_t count_mask(const char *text)
{
	return cpu_set_mask(&set, text) ? 99999 : cpu_set_count(&set);
}

int main(void)
{
	static const char text[] = "MemTotal:       24684084 kB\nMemTotalX: 1 kB\nanon 512\nmodel name\t: AMD EPYC  \r\nlast:";
	uint64_t v = 7;

	ok(!proc_kib(&v, proc_field(text, "MemTotal")) && v == UINT64_C(24684084) * 1024, "a field in kB");
	ok(!proc_number(&v, proc_field(text, "anon")) && v == 512, "a field without a colon");
	ok(!proc_field(text, "Mem") && !proc_field(text, "512") && !proc_field("", "x"), "no such field");
	ok(proc_length(proc_field(text, "model name")) == 8, "a value ends before blanks and the line's end");
	ok(proc_field(text, "last") && !*proc_field(text, "last"), "an empty value");
	v = 7;
	ok(proc_number(&v, NULL) && proc_number(&v, "") && proc_number(&v, "-1") && proc_number(&v, "18446744073709551616") && v == 7, "no number");
	ok(proc_kib(&v, "18014398509481984 kB") && v == 7, "kB that overflow");
	ok(proc_word("fpu avx avx2\nsse", "avx") && proc_word("fpu avx", "avx") && !proc_word("fpu avx2\navx", "avx") && !proc_word("", "avx"),
		"whole words of one line");

	is_u64(count_list("0-3,8,10-11\n"), 7, "a list");
	ok(cpu_set_has(&set, 8) && !cpu_set_has(&set, 9) && cpu_set_first(&set) == 0, "its members");
	is_u64(count_list("5"), 1, "one");
	is_u64(cpu_set_first(&set), 5, "the first");
	is_u64(count_list("\n"), 0, "none");
	is_u64(cpu_set_first(&set), CPUS, "none is first");
	is_u64(count_list("0-31:2/4\n"), 16, "two of every four");
	is_u64(count_list("0-8191"), 8192, "the most");
	ok(count_list("0-8192") == 99999 && count_list("3-1") == 99999 && count_list("a") == 99999 && count_list("1,,2") == 99999 &&
		count_list("1 2") == 99999 && count_list("0-3:1/0") == 99999 && count_list(NULL) == 99999, "what is no list");

	is_u64(count_mask("00000000,00000011\n"), 2, "a mask");
	ok(cpu_set_has(&set, 0) && cpu_set_has(&set, 4), "its members");
	is_u64(count_mask("1,00000000"), 1, "groups");
	is_u64(cpu_set_first(&set), 32, "of 32");
	is_u64(count_mask("0xff"), 8, "with 0x");
	ok(count_mask("") == 99999 && count_mask("xyz") == 99999 && count_mask("12 34") == 99999 && count_mask(NULL) == 99999, "what is no mask");
	return done_testing();
}
