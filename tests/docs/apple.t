#!/usr/bin/perl
# apple.t - the code that only macOS compiles is at least valid: checked against stub headers where there is a clang
use strict;
use warnings;

if (system('command -v clang >/dev/null 2>&1') != 0) {
	print "1..0 # SKIP no clang here\n";
	exit 0;
}
my ($n, $bad) = (0, 0);
my $flags = "-std=c11 -D__APPLE__ -D_POSIX_C_SOURCE=200809L -Isrc -Ikernels -isystem tests/stubs -Wall -Wextra -Werror -fsyntax-only";
sub check { my ($what, $cmd, $want) = @_; my $out = `$cmd 2>&1`; my $pass = ($? == 0) == $want; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; print map { "# $_\n" } split /\n/, $out unless $pass; }

check('probe_apple.c as macOS sees it', "clang $flags -D_DARWIN_C_SOURCE=1 src/probe/probe_apple.c", 1);
check('probe_metal.m', "clang $flags -x objective-c src/probe/probe_metal.m", 1);
# the check can fail
check('a misspelt method is found', q{sed 's/device hasUnifiedMemory/device hasUnifedMemory/' src/probe/probe_metal.m | } . "clang $flags -x objective-c -", 0);
check('a misspelt function is found', q{sed 's/host_page_size/host_pagesize/' src/probe/probe_apple.c | } . "clang $flags -D_DARWIN_C_SOURCE=1 -Isrc/probe -x c -", 0);
print "1..$n\n";
exit($bad != 0);
