// tokens.cpp - what llama.cpp makes of the corpus under tests/tokens: pieces of every pre-tokenizer, ids of two models, chat texts
//
// Built and run by tokens.sh, which cuts two passages out of llama.cpp's llama-vocab.cpp: the class that holds the patterns (bpe.inc) and the choice by name (choose.inc).
#include "llama.h"
#include "unicode.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "enum.inc"
#undef GGML_ASSERT
#define GGML_ASSERT(x) (void)(x)
#define LLAMA_LOG_WARN(...)
struct llm_tokenizer { virtual ~llm_tokenizer() = default; };
struct mock_vocab {
	llama_vocab_pre_type pre;
	enum llama_vocab_type get_type() const { return LLAMA_VOCAB_TYPE_BPE; }
	llama_vocab_pre_type get_pre_type() const { return pre; }
};
#define llama_vocab mock_vocab
#include "bpe.inc"
#undef llama_vocab
static std::string format(const char *f, const char *s) { return std::string(f) + s; }

struct chosen {
	llama_vocab_pre_type pre_type = LLAMA_VOCAB_PRE_TYPE_DEFAULT;
	bool ignore_merges = false, add_bos = false, add_sep = false, escape_whitespaces = false, clean_spaces = true, no_bos = false;
};
static chosen choose(const std::string &tokenizer_pre)
{
	llama_vocab_pre_type pre_type = LLAMA_VOCAB_PRE_TYPE_DEFAULT;
	bool ignore_merges = false, add_bos = false, add_sep = false, escape_whitespaces = false, clean_spaces = true;
	struct { bool lowercase; } normalizer_opts;
	llama_token special_bos_id = 11;
#include "choose.inc"
	(void)add_sep, (void)clean_spaces, (void)normalizer_opts;
	return { pre_type, ignore_merges, add_bos, add_sep, escape_whitespaces, clean_spaces, special_bos_id == LLAMA_TOKEN_NULL };
}

static std::string slurp(const std::string &path)
{
	std::ifstream f(path, std::ios::binary);
	std::stringstream s;
	s << f.rdbuf();
	return s.str();
}
// corpus.txt: a text a line; lines.txt: texts with newlines, "%%\n" between them
static std::vector<std::string> texts(const std::string &dir)
{
	std::vector<std::string> out;
	std::string a = slurp(dir + "/corpus.txt"), b = slurp(dir + "/lines.txt");
	for (size_t at = 0, e; (e = a.find('\n', at)) != std::string::npos; at = e + 1)
		out.push_back(a.substr(at, e - at));
	for (size_t at = 0;;) {
		size_t e = b.find("%%\n", at);
		out.push_back(b.substr(at, e == std::string::npos ? e : e - at));
		if (e == std::string::npos)
			return out;
		at = e + 3;
	}
}
// lengths in code points: 1 to 9, a to z for 10 to 35, (n)
static std::string lengths(const std::vector<std::string> &words)
{
	std::string out;
	for (const auto &w : words) {
		size_t n = unicode_cpts_from_utf8(w).size();
		if (n)
			out += n < 10 ? std::string(1, char('0' + n)) : n < 36 ? std::string(1, char('a' + n - 10)) : "(" + std::to_string(n) + ")";
	}
	return out;
}

static void splits(const std::string &dir, int n, char **name)
{
	std::map<std::string, std::string> groups;                   // result -> names
	std::vector<std::string> order;
	for (int i = 0; i < n; i++) {
		chosen c = choose(name[i]);
		if (c.pre_type == LLAMA_VOCAB_PRE_TYPE_WHITESPACE)
			continue;                                    // of a tokenizer model that is not read
		llm_tokenizer_bpe t(mock_vocab{ c.pre_type });
		std::string r = std::string("flags ") + (c.ignore_merges ? "ignore_merges " : "") + (c.add_bos ? "bos " : "") + (c.no_bos ? "no_bos " : "") +
			(c.escape_whitespaces ? "escape " : "") + (t.byte_encode ? "" : "raw ") + "\n";
		for (const auto &x : texts(dir))
			r += lengths(unicode_regex_split(x, t.regex_exprs, false)) + "\n";
		if (!groups.count(r))
			order.push_back(r);
		groups[r] += std::string(" ") + name[i];
	}
	for (const auto &r : order)
		std::cout << "names" << groups[r] << "\n" << r;
}

static std::string ids_of(const llama_vocab *v, const std::string &x, bool special)
{
	std::vector<llama_token> id(x.size() + 8);
	int n = llama_tokenize(v, x.data(), (int)x.size(), id.data(), (int)id.size(), special, special);
	std::string out;
	for (int i = 0; i < n; i++)
		out += (i ? " " : "") + std::to_string(id[i]);
	return out;
}
static void ids(const std::string &dir, const char *model)
{
	llama_model_params p = llama_model_default_params();
	p.vocab_only = true;
	llama_model *m = llama_model_load_from_file(model, p);
	if (!m)
		exit(1);
	const llama_vocab *v = llama_model_get_vocab(m);
	for (const auto &x : texts(dir)) {
		std::string a = ids_of(v, x, true), b = ids_of(v, x, false);
		std::cout << a << "\n" << b << "\n";
	}
}

static std::string unescape(const std::string &s)
{
	std::string out;
	for (size_t i = 0; i < s.size(); i++)
		out += s[i] == '\\' ? (i++, s[i] == 'n' ? '\n' : s[i] == 't' ? '\t' : s[i]) : s[i];
	return out;
}
static std::string escape(const std::string &s)
{
	std::string out;
	for (char c : s)
		out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\\' ? "\\\\" : std::string(1, c);
	return out;
}
static void chats(const std::string &dir)
{
	const char *name[128];
	int n = llama_chat_builtin_templates(name, 128);
	std::stringstream f(slurp(dir + "/chats.txt"));
	std::string line;
	std::vector<std::pair<std::string, std::string>> m;
	while (std::getline(f, line)) {
		if (line.rfind("# ", 0) == 0)
			continue;
		if (line.rfind("end ", 0) != 0) {
			size_t bar = line.find('|');
			m.push_back({ line.substr(0, bar), unescape(line.substr(bar + 1)) });
			continue;
		}
		std::vector<llama_chat_message> c;
		for (auto &x : m)
			c.push_back({ x.first.c_str(), x.second.c_str() });
		for (int i = 0; i < n; i++) {
			std::vector<char> buf(1 << 16);
			int k = llama_chat_apply_template(name[i], c.data(), c.size(), line == "end answer", buf.data(), (int)buf.size());
			std::cout << name[i] << "|" << escape(std::string(buf.data(), k > 0 ? k : 0)) << "\n";
		}
		m.clear();
	}
}

int main(int argc, char **argv)
{
	llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
	std::string what = argc > 2 ? argv[1] : "";
	std::cout << "# " << getenv("PEER") << "\n";
	if (what == "splits")
		splits(argv[2], argc - 3, argv + 3);
	else if (what == "ids" && argc == 4)
		ids(argv[2], argv[3]);
	else if (what == "chats")
		chats(argv[2]);
	else
		return 2;
	return 0;
}
