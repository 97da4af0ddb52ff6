#!/bin/sh
# bench.sh - start-up and load times: medians of many runs; printed, never asserted (machines are shared and noisy)
set -eu
prog=${1:-build/ullage}
runs=${RUNS:-41}

# median wall time of a command in ms
median() {
	perl -MTime::HiRes=time -e '
		my ($runs, @cmd) = @ARGV; my @t;
		open my $null, ">", "/dev/null"; open STDOUT, ">&", $null;
		for (1 .. $runs) { my $a = time; system { $cmd[0] } @cmd; push @t, 1000 * (time - $a); }
		@t = sort { $a <=> $b } @t; printf STDERR "%.2f\n", $t[$#t / 2];' "$runs" "$@" 2>&1
}
models=$(find models.d -name '*.yaml' | wc -l)
machines=$(find hardware.d -name '*.yaml' | wc -l)
printf '%-64s %8s ms\n' "fork and exec alone (true)" "$(median true)"
printf '%-64s %8s ms\n' "ullage --version (nothing read)" "$(median "$prog" --version)"
printf '%-64s %8s ms\n' "one model by name, catalogue of $models models and $machines machines" "$(median "$prog" show llama-3.3-70b-instruct --json)"
printf '%-64s %8s ms\n' "ullage estimate, 70B on two cards" "$(median "$prog" estimate llama-3.3-70b-instruct --on '2x rtx-4090' --json)"
printf '%-64s %8s ms\n' "ullage fit, every model on one card" "$(median "$prog" fit --on rtx-4090)"
printf '%-64s %8s ms\n' "ullage fit, the same as JSON, with all that estimate says" "$(median "$prog" fit --on rtx-4090 --json)"
printf '%-64s %8s ms\n' "ullage fit, this machine" "$(median "$prog" fit)"
printf '%-64s %8s ms\n' "of it, looking at this machine" "$(for _ in 1 2 3 4 5 6 7 8 9; do "$prog" fit --json -n 1 | sed -n 's/.*"probe_seconds":[^0-9]*\([0-9.e-]*\).*/\1/p'; done |
	sort -g | awk '{ v[NR] = $1 } END { printf "%.2f", 1000 * v[int((NR + 1) / 2)] }')"
printf '%-64s %8s MiB\n' "most memory resident in fit" "$(perl -e 'my $m = 0; for (1 .. 3) { my $pid = fork // die; if (!$pid) { open STDOUT, ">", "/dev/null"; exec @ARGV, "fit" or die; } my $top = 0; while (!waitpid $pid, 1) { if (open my $f, "<", "/proc/$pid/status") { while (<$f>) { $top = $1 if /^VmHWM:\s+(\d+)/; } } } $m = $top if $top > $m; } printf "%.1f", $m / 1024;' "$prog")"
if command -v valgrind >/dev/null 2>&1; then
	printf '%-64s %8s M\n' "instructions of ullage show (callgrind)" \
		"$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$prog" show llama-3.3-70b-instruct 2>&1 >/dev/null | awk '/Collected/ { printf "%.1f", $4 / 1e6 }')"
fi
