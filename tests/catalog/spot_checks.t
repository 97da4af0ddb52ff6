#!/usr/bin/perl
# spot_checks.t - data/spot-checks.csv: twenty entries drawn at random, checked again figure by figure by somebody who had not written them
use strict;
use warnings;
use File::Temp qw(tempdir);

my $prog = $ENV{PROG} // 'build/ullage';
my $n = 0;
sub ok($$;$) { my ($pass, $what) = @_; $n++; print(($pass ? '' : 'not ') . "ok $n - $what\n"); return $pass }
$ENV{XDG_CONFIG_HOME} = tempdir(CLEANUP => 1);

open(my $f, '<', 'data/spot-checks.csv') or die "spot-checks.csv: $!\n";
my (%of, %said, @open, @bare, @words);
my $head = <$f>;
ok($head eq "entry,kind,figure,catalogue,primary,source,agrees,date,outcome\n", 'columns');
while (my $line = <$f>) {
	chomp $line;
	my @c;
	while ($line =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/g) { push @c, $1 // $2; last if $3 eq '' }
	my ($entry, $kind, $figure, undef, $primary, $source, $agrees, $date, $outcome) = @c;
	die "$line\n" if @c != 9;
	$of{$kind}{$entry}{$agrees}++ if $kind eq 'model' || $kind eq 'hardware';
	$said{$agrees}++;
	push @open, "$entry, $figure" if $agrees eq 'no' && $outcome !~ /^corrected/;
	push @bare, "$entry, $figure" if $agrees ne 'not_found' && (!length $source || !length $primary);
	push @words, "$entry, $figure: $agrees $date" if $agrees !~ /^(yes|no|not_found)$/ || $date !~ /^\d{4}-\d\d-\d\d$/;
}
my @entries = map { keys %{$of{$_}} } qw(model hardware);
ok(@entries >= 20, scalar(@entries) . ' entries of models and machines');
ok(!grep({ my $e = $_; my ($k) = grep { $of{$_}{$e} } qw(model hardware); ($of{$k}{$e}{yes} // 0) < 3 } @entries), 'three figures or more of each were found to agree');
ok(!@open, "what did not agree ($said{no} of " . ($said{yes} + $said{no}) . ') is corrected') or print map { "# $_\n" } @open;
ok(!@bare, 'each figure that was found says where') or print map { "# $_\n" } @bare;
ok(!@words, 'yes, no or not_found, and a date') or print map { "# $_\n" } @words;
my @gone = grep { system("$prog show '$_' -q >/dev/null 2>&1") && system("$prog hardware show '$_' -q >/dev/null 2>&1") } @entries;
ok(!@gone, 'the entries are there') or print map { "# $_\n" } @gone;
print "1..$n\n";
