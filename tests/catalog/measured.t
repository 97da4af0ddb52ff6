#!/usr/bin/perl
# measured.t - of the published measurements, nearly every row names a model, a quantisation and a machine that the catalogue has;
# each name that it has not is in tests/measured/unresolved.csv, with the reason
use strict;
use warnings;
use File::Temp qw(tempdir);

my $prog = $ENV{PROG} // 'build/ullage';
my $list = 'tests/measured/unresolved.csv';
my $least = 0.97;
my $n = 0;
sub ok($$;$) { my ($pass, $what) = @_; $n++; print(($pass ? '' : 'not ') . "ok $n - $what\n"); return $pass }

# Keep the user's own entries out.
$ENV{XDG_CONFIG_HOME} = tempdir(CLEANUP => 1);

# Fields of one line; no field of these files holds a line break.
sub fields {
	my ($line) = @_;
	my @f;
	$line =~ s/[\r\n]+$//;
	while ($line =~ /\G(?:"((?:[^"]|"")*)"|([^,"]*))(,|$)/g) {
		my $v = defined $1 ? $1 =~ s/""/"/gr : $2;
		push @f, $v;
		last if $3 eq '';
	}
	return @f;
}

# What --resolve says of a file: exit status and lines.
sub resolve {
	open(my $p, '-|', $prog, 'accuracy', @_, '--resolve') or die "$prog: $!\n";
	my @lines = <$p>;
	close $p;
	return ($?, @lines);
}

my (%reason, @bad);
open(my $f, '<', $list) or die "$list: $!\n";
<$f> =~ /^file,column,name,rows,reason$/ or die "$list: no header\n";
while (my $line = <$f>) {
	my ($file, $column, $name, $rows, $reason) = fields($line);
	my $key = join("\t", $file, $column, $name);
	push @bad, "line $.: $line" if !defined $reason || $reason eq '' || $rows !~ /^[1-9]\d*$/ || $reason{$key};
	$reason{$key} = $reason;
}
close $f;
ok(!@bad, "$list: every line names a file, a column, a name, its rows and a reason, once") or print map { "# $_" } @bad;

my %seen;
for my $file ('gguf_sizes.csv', 'llamacpp_memory.csv', 'llamacpp_speed.csv', 'mlx_speed.csv', 'serving_speed.csv', 'vllm_memory.csv') {
	my @args = ("tests/measured/$file", $file eq 'vllm_memory.csv' ? ('--where', 'complete=yes') : ());
	my ($status, @json) = resolve(@args, '--json');
	my $text = join('', @json);
	my ($counted) = $text =~ /"counted":\s*(\d+)/;
	my ($resolved) = $text =~ /"resolved":\s*(\d+)/;

	ok($status == 0 && $counted && defined $resolved, "$file: resolved") or next;
	ok($resolved >= $least * $counted, sprintf('%s: %d of %d rows, %.2f %%', $file, $resolved, $counted, 100 * $resolved / $counted));

	my ($failed, $head, @lines) = resolve(@args, '--csv');
	my @unlisted;
	for my $line (@lines) {
		my ($column, $name, $rows) = fields($line);
		my $key = join("\t", $file, $column, $name);
		push @unlisted, "$column '$name', $rows rows" if !$reason{$key};
		$seen{$key} = 1;
	}
	ok($failed == 0 && $head eq "column,name,rows\n" && !@unlisted, "$file: " . @lines . " names do not resolve, all are listed")
		or print map { "# not listed: $_\n" } @unlisted;
}
# A name that came to resolve is no fault; the list is then too long.
print map { "# listed, but resolves or is not counted: $_\n" } map { s/\t/, /gr } grep { !$seen{$_} } sort keys %reason;
print "1..$n\n";
