/* tokenizer_pre.c - pre-tokenizers by the name that a file gives: the patterns by which text is split, and what else goes with the name
 *
 * Names, patterns and flags as llama.cpp's llama-vocab.cpp has them (which differ here and there from the models' own: \p{Lu} and \p{Ll} are all letters there, tekken
 * and gpt-4o know no marks). The notation is tokenizer_pattern.c's. */
#include "engine/tokenizer_private.h"

#include <string.h>

#define ANY_CASE "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|"
#define LOWER_CASE "'s|'t|'re|'ve|'m|'ll|'d|"
#define BLANKS "\\s*[\\r\\n]+|\\s+\\Z|\\s+"
#define GPT2 LOWER_CASE " ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+\\Z|\\s+"
#define WORD "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define SIGNS " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
#define SIGNS_SLASH " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|"
#define QWEN2 ANY_CASE WORD "\\p{N}|" SIGNS BLANKS
#define LLAMA3 ANY_CASE WORD "\\p{N}{1,3}|" SIGNS BLANKS
#define IN_FRONT "[^\\r\\n\\p{L}\\p{N}]?"
/* letters as upper, then lower case; ASCII alone has a case here */
#define CASED(members, tail) IN_FRONT "[" members "--a-z]*[" members "--A-Z]+" tail "|" IN_FRONT "[" members "--a-z]+[" members "--A-Z]*" tail "|"
/* the same where all letters and marks are in both sets */
#define UNCASED(tail) IN_FRONT "[\\p{L}\\p{M}]+" tail "|"
#define ASCII_SIGN "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
#define DEEPSEEK3(blanks) ASCII_SIGN "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+" blanks
#define KANA_HAN "[一-龥぀-ゟ゠-ヿ]+"
#define SENTENCES " ?[^(\\s|.,!?…。，、।۔،)]+"

#define STAGES(name, ...) static const char *const name[] = { __VA_ARGS__, NULL }
STAGES(gpt2, GPT2);
STAGES(llama3, LLAMA3);
STAGES(qwen2, QWEN2);
STAGES(jais2, ANY_CASE WORD "\\p{N}{1,3}|" SIGNS "\\s*[\\r\\n]+|\\s{512}\\Z|\\s{256}\\Z|\\s{128}\\Z|\\s{64}\\Z|\\s{32}\\Z|\\s{16}\\Z|\\s{8}\\Z|\\s{4}\\Z|\\s{1,2}\\Z|\\s");
STAGES(deepseek_llm, "[\\r\\n]",
	"\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+",
	"\\s?[!-/:-~！-／：-～‘-‟　-。]+", "@trailing", "[一-龥ࠀ-一가-퟿]+", "\\p{N}+");
STAGES(deepseek_coder, "[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", "\\p{N}");
STAGES(deepseek3, "\\p{N}{1,3}", KANA_HAN, DEEPSEEK3("[\\r\\n]*|" BLANKS));
STAGES(spark, "\\p{N}{1,3}", KANA_HAN, DEEPSEEK3("|[\\r\\n]|\\s+\\Z|\\s+"), "\\p{N}");
STAGES(youtu, "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" KANA_HAN, UNCASED("\\c") "\\p{N}|" SIGNS_SLASH BLANKS);
STAGES(falcon, "[\\p{P}$+<=>^~|`]+", GPT2, "[0-9][0-9][0-9]");
STAGES(starcoder, "\\p{N}", GPT2);
STAGES(qwen35, ANY_CASE IN_FRONT "[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" BLANKS);
STAGES(poro, SENTENCES);
STAGES(viking, SENTENCES, "\\p{N}");
STAGES(tekken, CASED("\\p{L}", "") "\\p{N}|" SIGNS_SLASH BLANKS);
STAGES(chameleon, "<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", GPT2);
STAGES(gpt4o, CASED("\\p{L}", "\\c") "\\p{N}{1,3}|" SIGNS_SLASH BLANKS);
STAGES(granite_embedding, CASED("\\p{L}\\p{M}", "\\c") "\\p{N}{1,3}|" SIGNS_SLASH BLANKS);
STAGES(tiny_aya, "@digits", UNCASED("\\c") "\\p{N}{1,3}|" SIGNS_SLASH BLANKS);
STAGES(kimi, "\\p{Han}+|" IN_FRONT "[\\p{L}--\\p{Han}]+\\c|\\p{N}{1,3}|" SIGNS BLANKS);
STAGES(superbpe, "\\p{N}+", "@ascii-digits");
STAGES(bailing, ANY_CASE WORD "\\p{N}|" SIGNS "\\s*[\\r\\n]|\\s+\\Z|\\s+");
STAGES(seed_coder, ANY_CASE WORD "\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" BLANKS);
STAGES(ufakzeka, WORD "\\p{N}|" SIGNS BLANKS);
STAGES(afmoe, "@digits", "[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+", DEEPSEEK3("[\\r\\n]*|" BLANKS));
STAGES(laguna, "[^\\n]+|\\n+", QWEN2);
STAGES(exaone_moe, ANY_CASE IN_FRONT "\\p{L}\\W|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+\\Z|\\s+");
STAGES(lines, "[^\\n]+|\\n+");
STAGES(minicpm5, "\\p{N}{1,3}", ANY_CASE WORD "\\p{N}+|" SIGNS BLANKS);
STAGES(plain, "[\\p{P}$+<=>^~|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]");

/* ignore_merges: a word that is a token as a whole is that token, whatever the merges make of it. */
static const struct pre_tokenizer pres[] = {
	{ "default", plain, 0, 0, 0, 0, 0 },
	{ "llama3", llama3, 1, 1, 0, 0, 0 }, { "llama-v3", llama3, 1, 1, 0, 0, 0 }, { "llama-bpe", llama3, 1, 1, 0, 0, 0 }, { "falcon3", llama3, 1, 1, 0, 0, 0 },
	{ "falcon-h1", llama3, 1, 1, 0, 0, 0 }, { "pixtral", llama3, 1, 1, 0, 0, 0 }, { "midm-2.0", llama3, 1, 1, 0, 0, 0 }, { "lfm2", llama3, 1, 1, 0, 0, 0 },
	{ "jina-v5-nano", llama3, 1, 1, 0, 0, 0 }, { "dbrx", llama3, 0, 0, 0, 0, 0 }, { "smaug-bpe", llama3, 0, 0, 0, 0, 0 },
	{ "chatglm-bpe", llama3, 0, 0, 1, 0, 0 }, { "glm4", llama3, 1, 0, 1, 0, 0 }, { "glm5", llama3, 1, 0, 1, 0, 0 }, { "jais-2", jais2, 0, 0, 0, 0, 0 },
	{ "minicpm5", minicpm5, 1, 0, 0, 0, 0 },
	{ "deepseek-llm", deepseek_llm, 0, 0, 0, 0, 0 }, { "deepseek-coder", deepseek_coder, 0, 0, 0, 0, 0 }, { "deepseek-v3", deepseek3, 0, 0, 0, 0, 0 },
	{ "hunyuan-dense", deepseek3, 0, 0, 0, 0, 0 }, { "joyai-llm", deepseek3, 0, 0, 0, 0, 0 }, { "hy_v4", deepseek3, 0, 0, 0, 0, 0 },
	{ "spark2_5", spark, 0, 0, 0, 0, 0 }, { "youtu", youtu, 1, 0, 0, 0, 0 }, { "falcon", falcon, 0, 0, 0, 0, 0 },
	{ "starcoder", starcoder, 0, 0, 0, 0, 0 }, { "refact", starcoder, 0, 0, 0, 0, 0 }, { "command-r", starcoder, 0, 0, 0, 0, 0 }, { "smollm", starcoder, 0, 0, 0, 0, 0 },
	{ "codeshell", starcoder, 0, 0, 0, 0, 0 }, { "exaone", starcoder, 0, 0, 0, 0, 0 }, { "minerva-7b", starcoder, 0, 0, 0, 0, 0 }, { "mellum2", starcoder, 0, 0, 0, 0, 0 },
	{ "gpt-2", gpt2, 0, 0, 0, 0, 0 }, { "phi-2", gpt2, 0, 0, 0, 0, 0 }, { "mpt", gpt2, 0, 0, 0, 0, 0 }, { "olmo", gpt2, 0, 0, 0, 0, 0 }, { "jais", gpt2, 0, 0, 0, 0, 0 },
	{ "trillion", gpt2, 0, 0, 0, 0, 0 }, { "granite-docling", gpt2, 0, 0, 0, 0, 0 }, { "exaone4", gpt2, 0, 0, 0, 0, 0 }, { "gigachat", gpt2, 0, 0, 0, 0, 0 },
	{ "a.x-4.0", gpt2, 0, 0, 0, 0, 0 }, { "mellum", gpt2, 0, 0, 0, 0, 0 }, { "modern-bert", gpt2, 0, 0, 0, 0, 0 }, { "roberta-bpe", gpt2, 0, 0, 0, 0, 0 },
	{ "jina-es", gpt2, 0, 0, 0, 0, 0 }, { "jina-de", gpt2, 0, 0, 0, 0, 0 }, { "jina-v2-es", gpt2, 0, 0, 0, 0, 0 }, { "jina-v2-de", gpt2, 0, 0, 0, 0, 0 },
	{ "jina-v1-en", gpt2, 0, 0, 0, 0, 0 }, { "jina-v2-code", gpt2, 0, 0, 0, 0, 0 },
	{ "qwen2", qwen2, 0, 0, 0, 0, 0 }, { "deepseek-r1-qwen", qwen2, 0, 0, 0, 0, 0 }, { "kormo", qwen2, 0, 0, 0, 0, 0 }, { "f2llmv2", qwen2, 0, 0, 0, 0, 0 },
	{ "megrez", qwen2, 0, 0, 0, 0, 0 }, { "stablelm2", qwen2, 0, 0, 0, 0, 0 }, { "hunyuan", qwen2, 0, 0, 0, 0, 0 }, { "solar-open", qwen2, 0, 0, 0, 0, 0 },
	{ "grok-2", qwen2, 0, 0, 0, 0, 0 }, { "qwen35", qwen35, 0, 0, 0, 0, 0 }, { "laguna", laguna, 0, 0, 0, 0, 0 }, { "ufakzeka", ufakzeka, 0, 0, 0, 0, 0 },
	{ "seed-coder", seed_coder, 0, 0, 0, 0, 0 }, { "bailingmoe", bailing, 0, 0, 0, 0, 0 }, { "bailingmoe2", bailing, 0, 0, 0, 0, 0 }, { "llada-moe", bailing, 0, 0, 0, 0, 0 },
	{ "poro-chat", poro, 0, 0, 0, 0, 0 }, { "bloom", poro, 0, 0, 0, 0, 0 }, { "gpt3-finnish", poro, 0, 0, 0, 0, 0 }, { "viking", viking, 0, 0, 0, 0, 0 },
	{ "tekken", tekken, 1, 1, 0, 0, 0 }, { "chameleon", chameleon, 0, 1, 0, 0, 0 },
	{ "gpt-4o", gpt4o, 0, 0, 0, 0, 0 }, { "llama4", gpt4o, 0, 0, 0, 0, 0 }, { "kanana2", gpt4o, 0, 0, 0, 0, 0 }, { "talkie", gpt4o, 0, 0, 0, 0, 0 },
	{ "minimax-m2", gpt4o, 0, 0, 0, 0, 0 }, { "granite-embed-multi-97m", granite_embedding, 1, 0, 0, 0, 0 },
	{ "tiny_aya", tiny_aya, 0, 0, 0, 0, 0 }, { "cohere2moe", tiny_aya, 0, 0, 0, 0, 0 }, { "kimi-k2", kimi, 0, 0, 0, 0, 0 }, { "superbpe", superbpe, 0, 0, 0, 0, 0 },
	{ "afmoe", afmoe, 0, 0, 0, 0, 0 }, { "exaone-moe", exaone_moe, 0, 0, 0, 0, 0 },
	{ "gemma4", lines, 0, 0, 0, 1, 1 }, { "granite-embed-multi-311m", lines, 0, 0, 0, 1, 1 }, { "sarvam-moe", lines, 0, 0, 0, 1, 1 },
};

const struct pre_tokenizer *pre_tokenizer_at(unsigned i) { return i < sizeof pres / sizeof *pres ? &pres[i] : NULL; }

const struct pre_tokenizer *pre_tokenizer_find(const char *name)
{
	for (unsigned i = 0; i < sizeof pres / sizeof *pres; i++)
		if (strcmp(pres[i].name, name) == 0)
			return &pres[i];
	return NULL;
}
