#!/usr/bin/perl
# layers.t - no floor of src/ reaches up: what each file includes, against the table below
#
# calc/ is pure besides: no I/O and no allocator of the system, neither by header nor by call. The check is tried on
# files that break the rules before it is believed on ours.
use strict;
use warnings;

# Floor => what it may include besides itself. engine/ may use the lists and buffers of calc/, not its answers.
# cpu/ is kernels/cpu: kernels include nothing of src/.
my %may = (
	base    => [],
	format  => [qw(base)],
	net     => [qw(base)],
	catalog => [qw(base format)],
	calc    => [qw(base catalog)],
	probe   => [qw(base catalog)],
	engine  => [qw(base format catalog calc)],
	live    => [qw(base format net catalog calc probe engine cpu)],
	cpu     => [qw(ref)],                    # shared tables of codes
	ref     => [qw(cpu)],                    # isa.h alone
	deploy  => [qw(base catalog calc)],
	cli     => [qw(base format net catalog calc probe engine live deploy)],
);
my $kernels_own = qr/^(?:formats|matmul|ops)\.h$/;
my %of_calc = map { $_ => 1 } qw(packing inventory part_tensors recipe state ops op_formats buffers settings);
my %impure_header = map { $_ => 1 } qw(base/file.h base/json.h base/yaml.h stdio.h stdlib.h unistd.h fcntl.h dirent.h dlfcn.h sys/mman.h sys/stat.h pthread.h time.h);
my $impure_call = qr/\b(?:malloc|calloc|realloc|free|alloca|strdup|printf|puts|fopen|open|read|write|mmap|getenv|system|exit|abort|rand|time|clock_gettime|file_read|file_map_open|dir_list|yaml_load)\s*\(/;

# The complaints about one file: its path below src/ and its text.
sub complaints {
	my ($path, $text) = @_;
	my ($floor) = $path =~ m{^(\w+)/};
	return ("src/$path: no such floor in the table") unless $floor && $may{$floor};
	my %allowed = map { $_ => 1 } $floor, @{$may{$floor}};
	my @bad;
	# a backslash at the end joins lines; what stands in remarks and strings is no code
	$text =~ s/\\\n//g;
	(my $code = $text) =~ s{/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'}{ my $c = $&; $c =~ m{^"} ? $c : ' ' . $c =~ tr/\n//cdr }gse;
	my $n = 0;
	for (split /\n/, $code) {
		$n++;
		if (/^\s*#\s*include\s+"([^"]*)"/) {
			my $to = $1;
			my ($other) = $to =~ m{^(\w+)/};
			if ($to =~ $kernels_own && $floor =~ /^(?:cpu|ref|engine|kernels)$/) {
				# what all kernels and the engine share lies in kernels/ itself
			} elsif (!$other) {
				push @bad, "src/$path:$n: \"$to\" is not named with its floor";
			} elsif (!$allowed{$other}) {
				push @bad, "src/$path:$n: $floor/ may not include $to";
			} elsif ($floor eq 'calc' && $impure_header{$to}) {
				push @bad, "src/$path:$n: calc/ reads no files: $to";
			} elsif ($floor eq 'engine' && $other eq 'calc' && $to =~ m{^calc/(\w+)\.h$} && !$of_calc{$1}) {
				push @bad, "src/$path:$n: engine/ uses the lists and buffers of calc/, not $to";
			}
		} elsif (/^\s*#\s*include\s+<([^>]*)>/) {
			push @bad, "src/$path:$n: calc/ does no I/O and allocates from an arena: <$1>" if $floor eq 'calc' && $impure_header{$1};
		} elsif (/^\s*#\s*include\b/) {
			push @bad, "src/$path:$n: an include that cannot be followed";
		} elsif ($floor eq 'calc') {
			s/"(?:[^"\\]|\\.)*"//g;
			push @bad, "src/$path:$n: calc/ does no I/O and allocates from an arena: $&" if /$impure_call/;
		}
	}
	return @bad;
}

my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; return $pass; }

# What must be found, and what must not.
my @caught = (
	['base/x.c', qq(#include "catalog/model_spec.h"\n)], ['format/x.c', qq(#include "catalog/quant.h"\n)],
	['catalog/x.h', qq(#include "calc/ops.h"\n)], ['calc/x.c', qq(#include "cli/text.h"\n)], ['calc/x.c', qq(#include "format/gguf.h"\n)],
	['calc/x.c', qq(#include <stdio.h>\n)], ['calc/x.h', qq(  #  include  <stdlib.h>\n)], ['calc/x.c', "void *f(void) { return malloc(1); }\n"],
	['calc/x.c', "int f(void) { return yaml_load (&d, a, p, e); }\n"], ['deploy/x.c', qq(#include "engine/run.h"\n)],
	['engine/x.c', qq(#include "calc/estimate.h"\n)], ['engine/x.c', qq(#include "live/verify.h"\n)], ['net/x.c', qq(#include "catalog/catalog.h"\n)],
	['base/x.c', qq(#include "../cli/text.h"\n)], ['base/x.c', qq(#include \\\n "cli/text.h"\n)], ['cli/x.c', qq(#include "text.h"\n)],
	['calc/x.c', qq(#include "base/file.h"\n)], ['calc/x.h', qq(#include "base/yaml.h"\n)], ['calc/x.c', qq(#include "base/json.h"\n)],
	['cpu/x.c', qq(#include "base/error.h"\n)], ['calc/x.c', qq(#include "cpu/stream.h"\n)], ['attic/x.c', qq(#include "base/error.h"\n)], ['base/x.c', qq(#include HEADER\n)], ['base/x.c', qq(/* a */ #include "cli/text.h"\n)],
);
my @passed = (
	['cli/x.c', qq(#include "live/accuracy.h"\n#include "base/json.h"\n#include <stdio.h>\n)], ['calc/x.c', qq(#include "catalog/model_spec.h"\n#include <math.h>\n)],
	['calc/x.c', qq(/* malloc() and #include <stdio.h>\n#include "cli/text.h" */ int x; // free(x)\nconst char *s = "free(x)";\n)],
	['calc/x.c', "int f(void) { return arena_alloc(a, 1) && to_free(a) && lifetime(a); }\n"], ['engine/x.c', qq(#include "calc/ops.h"\n#include "ops.h"\n)],
);
my @missed = grep { !complaints(@$_) } @caught;
ok(!@missed, 'files that break the rules are found out') or print map { "# not found: $_->[0]: $_->[1]" } @missed;
my @blamed = map { complaints(@$_) } @passed;
ok(!@blamed, 'files that keep them are not') or print map { "# $_\n" } @blamed;

my @files = sort(glob('src/*/*.[chSm]'), glob('kernels/*/*.[ch]'));
ok(@files > 20, 'there are ' . @files . ' files to look at');
ok(!glob('src/*.[ch]') && !glob('src/*/*/*.[ch]'), 'and none beside the floors');
my %seen;
for my $f (@files) {
	(my $path = $f) =~ s{^(?:src|kernels)/}{};
	open my $h, '<', $f or die "$f: $!\n";
	my $text = do { local $/; <$h> };
	close $h;
	my ($floor) = $path =~ m{^([^/]*)};
	push @{$seen{$floor}}, complaints($path, $text);
}
for my $floor (sort keys %seen) {
	ok(!@{$seen{$floor}}, "$floor keeps to its floor") or print map { "# $_\n" } @{$seen{$floor}};
}
print "1..$n\n";
exit($bad != 0);
