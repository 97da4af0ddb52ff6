#!/usr/bin/perl
# threads.t - the thread pool under ThreadSanitizer: tests/unit/pool.c, and again without its barrier, which must be found out
#
# Skipped where the compiler cannot, or the system does not let such a program start.
use strict;
use warnings;
use File::Temp qw(tempdir);

my $cc = $ENV{CC} || 'cc';
my $tmp = tempdir(CLEANUP => 1);
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what, $more) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; print map { "# $_\n" } $pass ? () : split /\n/, $more // ''; }
sub build { return `$cc -std=c11 -D_POSIX_C_SOURCE=200809L -Isrc -g -O1 -fsanitize=thread @_ -lpthread 2>&1` }

open my $f, '>', "$tmp/t.c" or die "$tmp/t.c: $!\n";
print $f "int main(void) { return 0; }\n";
close $f;
build("-o $tmp/t $tmp/t.c");
if ($? || system("$tmp/t 2>/dev/null")) {
	print "1..0 # SKIP no ThreadSanitizer here\n";
	exit 0;
}
my @src = qw(tests/unit/pool.c src/base/pool.c src/base/error.c src/base/str.c);
for ([whole => ''], [broken => '-DNO_BARRIER']) {
	my ($name, $flags) = @$_;
	my $said = build("$flags -o $tmp/$name @src");
	ok(!$?, "built: $name", $said);
}
my $said = `$tmp/whole 2>&1`;
ok(scalar($? == 0 && $said !~ /data race|^not ok/m), 'no race in the pool', $said);
$said = `TSAN_OPTIONS=halt_on_error=1 $tmp/broken 2>&1`;
ok(scalar($? != 0 && $said =~ /data race/), 'without the barrier the race is found', $said);
print "1..$n\n";
exit($bad != 0);
