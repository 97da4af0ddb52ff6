#!/usr/bin/perl
# examples.t - the commands in README and man pages run, and print what stands below them
#
# In README.md a ```console block holds "$ ullage ..." lines; what follows up to the next one is the expected output. No
# output below a command: only its exit status is checked (0 or 1). UPDATE=1 rewrites the outputs.
use strict;
use warnings;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; }

sub run {
	my ($command) = @_;
	(my $real = $command) =~ s/^ullage\b/$prog/;
	my $out = `COLUMNS=100 NO_COLOR=1 LC_ALL=C.UTF-8 $real 2>&1`;
	return ($out, $? >> 8);
}

open my $f, '<', 'README.md' or die "README.md: $!";
my @lines = <$f>;
close $f;
my (@new, $in, $command, @want);
sub finish {
	return unless defined $command;
	my ($out, $status) = run($command);
	my $want = join '', @want;
	if (@want) {
		$want =~ s/\n+\z/\n/;
		(my $got = $out) =~ s/\n+\z/\n/;
		if ($ENV{UPDATE}) {
			push @new, $got;
			push @new, "\n" if $want[-1] =~ /^\n?$/ || 0;
		} else {
			push @new, @want;
		}
		ok($ENV{UPDATE} || $got eq $want, "README: $command");
		if (!$ENV{UPDATE} && $got ne $want) {
			print "# got:\n", map { "# $_\n" } split /\n/, $got;
		}
	} else {
		ok($status == 0 || $status == 1, "README: $command exits $status");
	}
	undef $command;
	@want = ();
}
for (@lines) {
	if (/^```console/) { $in = 1; push @new, $_; next; }
	if (/^```/ && $in) { finish(); $in = 0; push @new, $_; next; }
	if ($in && /^\$ (ullage .*)/) { finish(); $command = $1; push @new, $_; next; }
	if ($in && /^\$ /) { finish(); push @new, $_; next; }
	if ($in && defined $command) { push @want, $_; next; }
	push @new, $_;
}
ok($n > 0, 'README holds commands') if !$n;
if ($ENV{UPDATE}) {
	open my $g, '>', 'README.md' or die "README.md: $!";
	print $g @new;
}
for my $page (glob 'man/*.[15]') {
	open my $m, '<', $page or die "$page: $!";
	while (<$m>) {
		next unless /^\.Dl \$ (ullage .*)/;
		(my $c = $1) =~ s/\\\(dq/"/g;
		my (undef, $status) = run($c);
		ok($status == 0 || $status == 1, "$page: $c exits $status");
	}
}
print "1..$n\n";
exit($bad != 0);
