#!/bin/sh
# tokens.sh - writes tests/tokens/*.golden anew: what llama.cpp makes of the texts there
#
# usage: tests/peer/tokens.sh SOURCE BUILD NAME
# SOURCE is llama.cpp's source tree, BUILD the folder with its libllama.so, NAME what the files' first line says of it (version, commit). The two models of
# tests/models.sh are taken from models/.
set -eu
[ $# -eq 3 ] || { sed -n '2,6s/^# //p' "$0"; exit 2; }
source=$1 build=$2
PEER="expected results: $3; made by tests/peer/tokens.sh"
export PEER
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
v=$source/src/llama-vocab.cpp
sed -n '/^enum llama_vocab_pre_type/,/^};/p' "$source/src/llama-vocab.h" >"$tmp/enum.inc"
sed -n '/^struct llm_tokenizer_bpe :/,/^};/p' "$v" >"$tmp/bpe.inc"
sed -n '/if (tokenizer_pre.empty())/,/} else if (type == LLAMA_VOCAB_TYPE_SPM)/p' "$v" | sed '$d' >"$tmp/choose.inc"
sed -n 's/.*tokenizer_pre == "\([^"]*\)".*/\1/p' "$tmp/choose.inc" >"$tmp/names"
c++ -std=c++17 -O1 -I"$tmp" -I"$source/src" -I"$source/include" -I"$source/ggml/include" -o "$tmp/tokens" tests/peer/tokens.cpp \
	-L"$build" -Wl,-rpath,"$build" -lllama -lggml -lggml-base
# shellcheck disable=SC2046
"$tmp/tokens" splits tests/tokens $(cat "$tmp/names") >tests/tokens/splits.golden
"$tmp/tokens" chats tests/tokens >tests/tokens/chats.golden
"$tmp/tokens" ids tests/tokens models/smollm2-135m-q4_1.gguf >tests/tokens/smollm2.golden
"$tmp/tokens" ids tests/tokens models/gemma-3-270m-q4_k_m.gguf >tests/tokens/gemma3.golden
wc -c tests/tokens/*.golden
