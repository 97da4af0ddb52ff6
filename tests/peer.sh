#!/bin/sh
# peer.sh - `make peer`: ullage beside llama.cpp on the same files, interleaved: prefill of 512 tokens and 128 decoded ones
#
# tests/peer.sh [--csv] [-t THREADS] [-r ROUNDS] [MODEL.gguf...]; without models: all of models/. PROG: the ullage to run (build/ullage).
# llama-bench is LLAMA/build/bin/llama-bench (LLAMA: a llama.cpp folder, or one with the programs in it), or PATH's, or is built outside the tree, in
# PEER_DIR (~/.cache/ullage/peer), from the sources in the Python package llama-cpp-python, with every instruction that this processor has.
# Each round runs both once, the other one first in turn; medians of the rounds, ratio of the medians, spread (largest less smallest, of the median).
set -eu
cd "$(dirname "$0")/.."
csv='' threads='' rounds=5 package=llama-cpp-python==0.3.36
while [ $# -gt 0 ]; do
	case $1 in
	--csv) csv=1; shift ;;
	-t | -r)
		case ${2:-} in '' | *[!0-9]* | 0) echo "peer: $1 wants a number above 0" >&2; exit 2 ;; esac
		if [ "$1" = -t ]; then threads=$2; else rounds=$2; fi
		shift 2 ;;
	-*) echo "usage: tests/peer.sh [--csv] [-t threads] [-r rounds] [model.gguf...]" >&2; exit 2 ;;
	*) break ;;
	esac
done
prog=${PROG:-build/ullage}
[ -n "$threads" ] || threads=$(getconf _NPROCESSORS_ONLN)
[ $# -gt 0 ] || set -- models/*.gguf
for m; do
	[ -e "$m" ] && continue
	case $m in *\**) echo "peer: no models: run make models, or name some" >&2 ;; *) echo "peer: $m: no such file" >&2 ;; esac
	exit 1
done

find_bench() {
	if [ -n "${LLAMA:-}" ]; then
		for b in "$LLAMA/build/bin" "$LLAMA/bin" "$LLAMA"; do
			[ -x "$b/llama-bench" ] && { echo "$b/llama-bench"; return; }
		done
		echo "peer: no llama-bench under LLAMA=$LLAMA" >&2
		return 1
	fi
	command -v llama-bench && return
	dir=${PEER_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/ullage/peer}
	[ -x "$dir/build/bin/llama-bench" ] && { echo "$dir/build/bin/llama-bench"; return; }
	for tool in python3 cmake c++; do
		command -v "$tool" >/dev/null || { echo "peer: no llama-bench here (LLAMA=its folder, or on PATH), and none can be built without $tool" >&2; return 1; }
	done
	echo "peer: building llama.cpp from $package in $dir; this takes a while" >&2
	mkdir -p "$dir"
	{
		python3 -m pip download -q --no-deps --no-binary :all: --no-build-isolation -d "$dir" "$package" ||
			python3 -m pip download -q --no-deps --no-binary :all: -d "$dir" "$package"
	} >"$dir/log" 2>&1 || { echo "peer: no llama-bench here (LLAMA=its folder, or on PATH), and $package could not be had: $dir/log" >&2; return 1; }
	{
		tar -xzf "$dir"/llama_cpp_python-*.tar.gz -C "$dir" && cmake -S "$dir"/llama_cpp_python-*/vendor/llama.cpp -B "$dir/build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_CURL=OFF \
			-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF &&
			cmake --build "$dir/build" --target llama-bench llama-quantize
	} >>"$dir/log" 2>&1 || { echo "peer: llama.cpp did not build: $dir/log" >&2; return 1; }
	echo "$dir/build/bin/llama-bench"
}
bench=$(find_bench)

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# does this ullage have the command?
ours=1
"$prog" verify --help >"$tmp/help" 2>&1 && grep -q bench-format "$tmp/help" || ours=''
[ -n "$ours" ] || echo "peer: $prog has no verify --bench-format: llama.cpp is measured alone" >&2

# JSON rows of llama-bench on stdin to "WHO MODEL TEST RATE" lines
rows() {
	tr '\n' ' ' | tr '}' '\n' | awk -v who="$1" -v model="$2" '
		function number(key,   s) { if (!match($0, "\"" key "\":[ \t]*[0-9.eE+-]+")) return 0; s = substr($0, RSTART, RLENGTH); sub(/.*:[ \t]*/, "", s); return s + 0 }
		/"avg_ts"/ { p = number("n_prompt"); g = number("n_gen"); d = number("n_depth")
			if (p || g) print who, model, (p ? "pp" p : "") (g ? "tg" g : "") (d ? "@d" d : ""), number("avg_ts") }'
}
run_theirs() { "$bench" -m "$1" -p 512 -n 128 -r 1 -t "$threads" -o json 2>/dev/null | rows llama.cpp "$1"; }
run_ours() { [ -z "$ours" ] || "$prog" verify "$1" -p 512 -n 128 -d 0 -np 1 -r 1 -t "$threads" --no-calibration --bench-format llama-bench 2>/dev/null | rows ullage "$1"; }

i=0
while [ "$i" -lt "$rounds" ]; do
	for model in "$@"; do
		if [ $((i % 2)) -eq 0 ]; then
			run_theirs "$model"; run_ours "$model"
		else
			run_ours "$model"; run_theirs "$model"
		fi
	done
	i=$((i + 1))
done >"$tmp/rows"
[ -s "$tmp/rows" ] || { echo "peer: no figures: $bench printed none" >&2; exit 1; }

awk -v csv="$csv" -v threads="$threads" -v rounds="$rounds" '
	function median(k,   n, a, i, j, t) {
		n = split(all[k], a, " ")
		if (!n) return 0
		for (i = 2; i <= n; i++) { t = a[i] + 0; for (j = i - 1; j > 0 && a[j] + 0 > t; j--) a[j + 1] = a[j]; a[j + 1] = t }
		m = n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
		spread = m ? 100 * (a[n] - a[1]) / m : 0
		return m
	}
	{ k = $2 SUBSEP $3; if (!(k in seen)) { seen[k] = 1; order[++n] = k } all[$1, k] = all[$1, k] " " $4 }
	END {
		if (csv) print "model,test,threads,rounds,llama_cpp_tps,llama_cpp_spread_percent,ullage_tps,ullage_spread_percent,ratio"
		else { printf "tokens/s, medians of %d interleaved rounds, %d threads\n", rounds, threads
			printf "%-36s %-8s %12s %8s %12s %8s %7s\n", "model", "test", "llama.cpp", "spread", "ullage", "spread", "ratio" }
		for (i = 1; i <= n; i++) {
			split(order[i], p, SUBSEP)
			name = p[1]; sub(/.*\//, "", name); sub(/\.gguf$/, "", name)
			t = median("llama.cpp" SUBSEP order[i]); ts = spread
			o = median("ullage" SUBSEP order[i]); os = spread
			if (csv) printf "%s,%s,%d,%d,%.2f,%.1f,%s,%s,%s\n", name, p[2], threads, rounds, t, ts, o ? sprintf("%.2f", o) : "", o ? sprintf("%.1f", os) : "", o && t ? sprintf("%.3f", o / t) : ""
			else printf "%-36s %-8s %12.2f %7.1f%% %12s %8s %7s\n", name, p[2], t, ts, o ? sprintf("%.2f", o) : "-", o ? sprintf("%.1f%%", os) : "-", o && t ? sprintf("%.2f", o / t) : "-"
		}
	}' "$tmp/rows"
