#!/usr/bin/perl
# headers.t - every header compiles alone, and its guard is its own
use strict;
use warnings;

my $cc = $ENV{CC} || 'cc';
my $flags = $ENV{CPPFLAGS} || '-D_POSIX_C_SOURCE=200809L -Isrc';
my ($n, $bad, %guard) = (0, 0);
sub ok { my ($pass, $what, $more) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; print map { "#  $_\n" } $pass ? () : split /\n/, $more // ''; }

for my $h (sort glob 'src/*/*.h') {
	my $out = `$cc -std=c11 $flags -Wall -Wextra -Werror -fsyntax-only -x c $h 2>&1`;
	# a header compiled as the main file is no error
	$out = '' if $? != 0 && $out =~ /pragma once in main file/ && $out !~ /error:(?!.*pragma once)/;
	ok($? == 0 || $out eq '', "$h compiles alone", $out);
	open my $f, '<', $h or die "$h: $!";
	my $text = do { local $/; <$f> };
	my ($g) = $text =~ /^#ifndef (\w+)\n#define \1$/m;
	ok(defined $g && !$guard{$g}, "$h has a guard of its own", !$g ? "no guard" : "$g is also that of " . ($guard{$g} // ""));
	$guard{$g} = $h if defined $g;
}
print "1..$n\n";
exit($bad != 0);
