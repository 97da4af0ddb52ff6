#!/bin/sh
# golden.sh - writes tests/golden/NAME.txt of the real models: what llama.cpp says about them
#
# tests/peer/golden.sh LLAMA [MODEL...]: LLAMA is a llama.cpp source folder that is built, BUILD its build folder (LLAMA/build). Every run is
# of one thread, on the CPU, without flash attention and without repacked weights (peer.c). "weights file": as they are, so that llama.cpp quantises
# activations too; "weights f32": the same numbers written out as f32 by llama-quantize, so that nothing but the format of the weights is left of the rounding.
set -eu
[ $# -ge 1 ] || { echo "usage: tests/peer/golden.sh LLAMA [MODEL...]" >&2; exit 2; }
llama=$(cd "$1" && pwd); shift
build=$(cd "${BUILD:-$llama/build}" && pwd)
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- models/smollm2-135m-q4_1.gguf models/gemma-3-270m-q4_k_m.gguf
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
${CC:-cc} -O2 -I "$llama/include" -I "$llama/ggml/include" tests/peer/peer.c -o "$tmp/peer" -L "$build/bin" -lllama -lggml -lggml-base -Wl,-rpath,"$build/bin" -lm
commit=$(git -C "$llama" rev-parse --short=9 HEAD 2>/dev/null || echo unknown)
for model in "$@"; do
	name=$(basename "$model" .gguf)
	out=tests/golden/$name.txt
	"$build/bin/llama-quantize" --allow-requantize "$model" "$tmp/f32.gguf" F32 >/dev/null 2>&1
	{
		echo "# $name.gguf ($(sha256sum "$model" | cut -c 1-16)...), as llama.cpp $commit computes it: native CPU build, 1 thread, no flash attention, no repacked weights, batch 512."
		echo "# Written by tests/peer/golden.sh with tests/peer/peer.c. weights file: as stored, activations quantised; f32: the same numbers as f32. kv: format of keys and values."
		echo "# top ID:LOGIT, largest first; some FIRST STRIDE LOGIT...; greedy ID:MARGIN, margin is the distance to the second largest logit."
		for prompt in english code multilingual long; do
			echo "prompt $prompt"
			ids=$("$tmp/peer" tokens "$model" "tests/text/$prompt.txt")
			echo "tokens $ids"
			for run in "file $model f32" "file $model f16" "f32 $tmp/f32.gguf f32" "f32 $tmp/f32.gguf f16"; do
				# shellcheck disable=SC2086
				set -- $run "$@"
				echo "run weights $1 kv $3"
				# shellcheck disable=SC2086
				"$tmp/peer" logits "$2" "$3" $ids
				# shellcheck disable=SC2086
				"$tmp/peer" greedy "$2" "$3" 64 $ids
				shift 3
			done
		done
	} >"$tmp/out"
	rm -f "$tmp/f32.gguf"
	mv "$tmp/out" "$out"
	echo "$out"
done
