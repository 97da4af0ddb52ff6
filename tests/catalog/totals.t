#!/usr/bin/perl
# totals.t - parameter totals against the published ones, within 0.1 %; exceptions are listed with their reason
use strict;
use warnings;
use JSON::PP;
use File::Temp qw(tempdir);

my $prog = $ENV{PROG} // 'build/ullage';
my $n = 0;
sub ok($$;$) { my ($pass, $what) = @_; $n++; print(($pass ? '' : 'not ') . "ok $n - $what\n"); return $pass }
$ENV{XDG_CONFIG_HOME} = tempdir(CLEANUP => 1);

open(my $f, '<', 'tests/catalog/published_totals.csv') or die "published_totals.csv: $!\n";
<$f> eq "id,published,counts,source,exception\n" or die "columns\n";
my (@off, @listed, @gone, @needless, %seen);
my $rows = 0;
while (<$f>) {
	chomp;
	my ($id, $published, $counts, $source, $exception) = /^([^,]+),(\d+),(total|total and mtp),("[^"]*"|[^,]*),(.*)$/ or die "$_\n";
	$rows++;
	die "$id twice\n" if $seen{$id}++;
	my $m = eval { decode_json(scalar `$prog show '$id' --json 2>/dev/null`)->{model} } // {};
	if (!defined $m->{params_total}) { push @gone, $id; next }
	my $is = $m->{params_total} + ($counts eq 'total' ? 0 : $m->{params_mtp});
	my $off = $is / $published - 1;
	my $line = sprintf '%s: %d, published %d (%+.3f %%)', $id, $is, $published, 100 * $off;
	if (length $exception) { push @listed, $line; push @needless, $line if abs($off) <= 0.001; push @off, $line if abs($off) > 0.01; }
	elsif (abs($off) > 0.001) { push @off, $line }
}
ok($rows >= 186, "$rows published totals");
ok(!@gone, 'every entry has a total') or print map { "# $_\n" } @gone;
ok(!@off, 'totals agree within 0.1 %, listed exceptions within 1 %') or print map { "# $_\n" } @off;
ok(@listed <= 9 && !@needless, scalar(@listed) . ' exceptions, each of them one') or print map { "# $_\n" } @needless;
print "1..$n\n";
