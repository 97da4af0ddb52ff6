#!/usr/bin/perl
# layers.t - no floor includes a higher one; calc does no I/O and allocates nothing of its own
use strict;
use warnings;

# floor -> floors it may include besides itself (the calculator's lists and buffers are named where an engine may use them)
my %may = (
	base => [], format => ['base'], net => ['base'], catalog => ['base', 'format'], calc => ['base', 'catalog'],
	probe => ['base', 'catalog'], engine => ['base', 'format', 'catalog', 'calc'],
	live => ['base', 'format', 'net', 'catalog', 'calc', 'probe', 'engine'], deploy => ['base', 'catalog', 'calc'],
	cli => ['base', 'format', 'net', 'catalog', 'calc', 'probe', 'engine', 'live', 'deploy'],
);
my @calc_never = ('stdio.h', 'stdlib.h', 'unistd.h', 'fcntl.h', 'sys/mman.h', 'base/file.h', 'base/json.h', 'base/yaml.h');
my ($n, $bad) = (0, 0);
sub ok { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; }

# Faults of one file: its floor, its text.
sub faults {
	my ($floor, $text) = @_;
	my @bad;
	while ($text =~ /^\s*#\s*include\s*(["<])([^">]+)[">]/mg) {
		my ($kind, $what) = ($1, $2);
		push @bad, "calc includes $what" if $floor eq 'calc' && grep { $_ eq $what } @calc_never;
		next if $kind eq '<';
		my ($to) = $what =~ m{^([a-z]+)/};
		if (!defined $to) { push @bad, "\"$what\" names no floor"; next; }
		push @bad, "$floor includes $what" unless $to eq $floor || grep { $_ eq $to } @{$may{$floor} || []};
	}
	push @bad, 'calc calls an allocator or I/O' if $floor eq 'calc' && $text =~ /(?<![\w.>])(malloc|calloc|realloc|free|printf|fopen|open|read)\s*\(/;
	return @bad;
}

ok(scalar(faults('base', "#include \"catalog/quant.h\"\n")) == 1, 'a base file that reaches up is caught');
ok(scalar(faults('calc', "#include <stdio.h>\n")) == 1, 'I/O in calc is caught');
ok(scalar(faults('calc', "\tp = malloc(3);\n")) == 1, 'an allocation in calc is caught');
ok(scalar(faults('calc', "#include \"base/arena.h\"\n#include \"catalog/quant.h\"\n#include <string.h>\n")) == 0, 'what is allowed passes');
for my $file (sort glob 'src/*/*.[ch] src/*/*.m') {
	my ($floor) = $file =~ m{^src/([a-z]+)/};
	open my $f, '<', $file or die "$file: $!";
	my $text = do { local $/; <$f> };
	my @bad = exists $may{$floor} ? faults($floor, $text) : ("no floor $floor");
	ok(!@bad, $file . (@bad ? ': ' . join '; ', @bad : ''));
}
print "1..$n\n";
exit($bad != 0);
