#!/bin/sh
# bench.sh - start-up and load times of PROGRAM: the median and the slowest tenth of many runs; `make bench` runs it
set -eu
prog=${1:?usage: bench.sh PROGRAM}

# shellcheck disable=SC2016    # Perl's, not the shell's
bench='
	use Time::HiRes "time";
	my ($runs, $what, @command) = @ARGV;
	open STDOUT, ">", "/dev/null";
	my @ms;
	for (1 .. $runs + 3) {
		my $t = time;
		my $status = system { $command[0] } @command;
		push @ms, (time - $t) * 1e3;
		die "$what: exit status " . ($status >> 8) . "\n" if $status & 127 || $status >> 8 > 1;
	}
	splice @ms, 0, 3;
	@ms = sort { $a <=> $b } @ms;
	printf STDERR "%-44s median %7.2f ms, 90 %% under %7.2f ms (%d runs)\n", $what, $ms[$runs / 2], $ms[$runs * 0.9], $runs;
'
b() {
	runs=$1 what=$2
	shift 2
	perl -e "$bench" "$runs" "$what" "$@" 2>&1
}
b 200 'another program (true), for comparison' true
b 200 'start-up (--version)' "$prog" --version
b 50 'the list of models' "$prog" models
b 50 'one model' "$prog" show llama-3.3-70b-instruct
b 50 'one estimate' "$prog" estimate llama-3.3-70b-instruct --on rtx-4090
b 10 'all models on one card' "$prog" fit --on rtx-4090
