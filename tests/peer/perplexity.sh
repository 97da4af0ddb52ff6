#!/bin/sh
# perplexity.sh - writes tests/golden/perplexity.txt: llama.cpp's perplexity of tests/text/alice.txt with the two real models
#
# tests/peer/perplexity.sh LLAMA [FOLDER of the models]; BUILD: LLAMA's build folder. peer.c defines the measure, which is llama-perplexity's.
set -eu
[ $# -ge 1 ] || { echo "usage: tests/peer/perplexity.sh LLAMA [FOLDER]" >&2; exit 2; }
llama=$(cd "$1" && pwd)
build=$(cd "${BUILD:-$llama/build}" && pwd)
models=$(cd "${2:-models}" && pwd)
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
${CC:-cc} -O2 -I "$llama/include" -I "$llama/ggml/include" tests/peer/peer.c -o "$tmp/peer" -L "$build/bin" -lllama -lggml -lggml-base -Wl,-rpath,"$build/bin" -lm
commit=$(git -C "$llama" rev-parse --short=9 HEAD 2>/dev/null || echo unknown)
{
	echo "# Perplexity of tests/text/alice.txt, llama.cpp $commit, native CPU build, no flash attention, no repacked weights; written by tests/peer/perplexity.sh."
	echo "# Chunks of 512 tokens; the first of each becomes BOS if the file asks for one; positions 257 to 511 (from 0) are scored by what stands before them; llama-perplexity -c 512 -b 512."
	echo "# MODEL weights file|f32 (as stored, or the same numbers as f32) kv f32|f16 tokens N chunks N scored N nll MEAN perplexity P +/- S each NLL...: nll is the mean over all, each that of every chunk"
	for name in smollm2-135m-q4_1 gemma-3-270m-q4_k_m; do
		"$build/bin/llama-quantize" --allow-requantize "$models/$name.gguf" "$tmp/f32.gguf" F32 >/dev/null 2>&1
		for run in "file f32 $models/$name.gguf" "file f16 $models/$name.gguf" "f32 f32 $tmp/f32.gguf"; do
			# shellcheck disable=SC2086
			set -- $run
			echo "$name weights $1 kv $2 $("$tmp/peer" perplexity "$3" "$2" 512 tests/text/alice.txt 2>/dev/null | paste -sd ' ' -)"
		done
		rm -f "$tmp/f32.gguf"
	done
} >"$tmp/out"
mv "$tmp/out" tests/golden/perplexity.txt
