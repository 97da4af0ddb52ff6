#!/usr/bin/perl
# headers.t - each header compiles alone and twice, and its guard is its name
#
# CC and CPPFLAGS come from the Makefile. The check is tried on headers that are wrong before it is believed on ours.
use strict;
use warnings;
use File::Temp qw(tempdir);

my $cc = $ENV{CC} || 'cc';
my $flags = ($ENV{CPPFLAGS} || '-D_POSIX_C_SOURCE=200809L') . ' -Isrc -Ikernels';
my $tmp = tempdir(CLEANUP => 1);
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; return $pass; }
sub slurp { open my $f, '<', $_[0] or die "$_[0]: $!\n"; local $/; return <$f> }

# One compiler for a list of headers: what it says, "" when it is content. Each is included before anything else, and again.
sub compile {
	my ($more, @headers) = @_;
	my $said = '';
	for my $h (@headers) {
		open my $f, '>', "$tmp/t.c" or die "$tmp/t.c: $!\n";
		print $f qq(#include "$h"\n#include "$h"\nextern int nothing;\n);
		close $f;
		my $out = `$cc -std=c11 $flags $more -Wall -Wextra -Wstrict-prototypes -Werror -fsyntax-only $tmp/t.c 2>&1`;
		$said .= $? == 0 ? '' : $out || "$h: $cc failed\n";
	}
	return $said;
}

# The guard is the file's name; where another header has that name, its floor or the program's name tells them apart.
sub guard {
	my ($path, $text) = @_;
	my ($floor, $want) = map { uc } $path =~ m{([^/]+)/([^/]+)\.h$};
	s/[^A-Z0-9]/_/g for $floor, $want;
	$text =~ s{\A(?:\s|/\*.*?\*/)*}{}s;
	return "$path: begins with no guard" unless $text =~ /\A#ifndef (\w+)\n#define (\w+)\n/;
	my ($tested, $defined) = ($1, $2);
	return "$path: tests $tested and defines $defined" if $tested ne $defined;
	return "$path: the guard is $tested, not ${want}_H" unless $tested =~ /^(?:KERNEL_)?$want(?:_$floor)?_H(?:_ULLAGE)?$/;
	return "$path: something stands behind the last #endif" unless $text =~ /\n#endif[^\n]*\n\z/;
	return '';
}

my %wrong = (
	'needs.h' => "#ifndef NEEDS_H\n#define NEEDS_H\nstruct x { uint64_t n; };\n#endif\n",
	'twice.h' => "struct x { int n; };\n",
	'void.h' => "#ifndef VOID_H\n#define VOID_H\nint f();\n#endif\n",
);
for my $h (sort keys %wrong) {
	open my $f, '>', "$tmp/$h" or die "$tmp/$h: $!\n";
	print $f $wrong{$h};
	close $f;
	ok(compile("-I$tmp", $h) ne '', "a header that is wrong is found out: $h");
}
ok(guard('src/a/good.h', "/* x */\n#ifndef GOOD_H\n#define GOOD_H\nint x;\n#endif\n") eq '', 'a good guard');
ok(guard('src/a/b.h', $_->[0]) ne '', "a bad guard: $_->[1]")
	for ["int x;\n", 'none'], ["#ifndef A_H\n#define A_H\n#endif\n", 'of another file'], ["#ifndef B_H\n#define BB_H\n#endif\n", 'misspelt'],
	    ["#ifndef B_H\n#define B_H\n#endif\nint x;\n", 'ended too early'];

my @headers = sort(glob('src/*/*.h'), glob('kernels/*.h'), glob('kernels/*/*.h'));
ok(@headers > 10, 'there are ' . @headers . ' headers');
my %guard_of;
my %kernel_text = map { $_ => slurp($_) } glob('kernels/*/*.[ch]');
for my $path (@headers) {
	my $text = slurp($path);
	# a body that kernels include once for each instruction set has no guard and needs what they define before
	if ($path =~ m{^kernels/\w+/(\w+\.h)$} && $text !~ /^#ifndef \w+_H$/m) {
		my $body = $1;
		ok((grep { $kernel_text{$_} =~ m{^#\s*include "cpu/$body"}m } keys %kernel_text) > 0, "$path is a body of kernels");
		next;
	}
	(my $name = $path) =~ s{^src/|^kernels/}{};
	my $said = compile('', $name);
	ok($said eq '', "$path compiles alone") or print map { "# $_\n" } split /\n/, $said;
	my $why = guard($path, $text);
	ok($why eq '', "$path has a guard of its own") or print "# $why\n";
	push @{$guard_of{$1}}, $path if $text =~ /^#ifndef (\w+)/m;
}
# kernels/ops.h is KERNEL_OPS_H: src/calc has an ops.h too
my @shared = grep { @{$guard_of{$_}} > 1 } sort keys %guard_of;
ok(!@shared, 'no two headers share a guard') or print map { "# $_: @{$guard_of{$_}}\n" } @shared;
print "1..$n\n";
exit($bad != 0);
