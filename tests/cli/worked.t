#!/usr/bin/perl
# worked.t - the memory table of the guides: what comes out here, and why where it differs by more than 5 %
use strict;
use warnings;
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad, %sizes) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; }

open my $f, '<', 'tests/measured/own/worked_memory_examples.csv' or die $!;
<$f>;
while (<$f>) {
	chomp;
	my @cell = map { s/^"|"$//gr } /("[^"]*"|[^,]*)(?:,|$)/g;
	my ($model, $id, $quant, $guide, $ours, $why) = @cell;
	if ($id eq '') {
		ok(length $why && system("$prog estimate \Q$model\E >/dev/null 2>&1") >> 8 == 3, "$model: refused, $why");
		next;
	}
	$sizes{$id} //= decode_json(scalar `$prog show $id --json`)->{sizes};
	my ($s) = grep { $_->{quant} eq $quant } @{$sizes{$id}};
	my $released = $why =~ /^as released/;
	my $gb = $s ? $s->{$released ? 'file_bytes' : 'weights_bytes'} / 1e9 : 0;
	ok(sprintf('%.2f', $gb) eq $ours, "$id $quant: $ours GB (" . sprintf('%.2f', $gb) . ')');
	ok(abs($ours / $guide - 1) <= 0.05 || length $why, "$id $quant: the guide's $guide GB " . ($why || 'agrees'));
}
print "1..$n\n";
exit($bad != 0);
