#!/usr/bin/perl
# measure.t - ullage hardware --measure: what is measured is kept, and used by the next answer unless it shall not be
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; return $pass; }
my $tmp = tempdir(CLEANUP => 1);
$ENV{XDG_DATA_HOME} = $tmp;
sub run { my $out = `$prog @_ 2>$tmp/stderr`; return ($? >> 8, eval { decode_json($out) } // {}, $out); }
sub host { my ($p) = grep { $_->{name} eq 'host' } @{$_[0]{hardware}{pools} // []}; return $p; }

ok((run('hardware --measure list'))[0] == 2 && (run("hardware --measure --record $tmp/x"))[0] == 2, '--measure goes with no other argument');
my ($status, $before) = run('hardware --json');
my $pool = host($before);
if ($status || !$pool) {
	print 'ok ', ++$n, " - measuring # SKIP no host pool of this machine to be measured\n1..$n\n";
	exit($bad != 0);
}
ok(($pool->{bandwidth_basis} // '') ne 'measured', 'nothing was measured yet');
my ($rc, $doc) = run('hardware --measure --json');
if ($rc) {
	print 'ok ', ++$n, " - measuring # SKIP it cannot be measured: ", $doc->{error}{message} // 'no document', "\n1..$n\n";
	exit($bad != 0);
}
my $m = $doc->{measured};
ok($m->{read_bytes_per_s} > 1e8 && $m->{read_bytes_per_s} < 1e13, 'memory is read at a rate: ' . ($m->{read_bytes_per_s} // 'none'));
ok(-s $m->{file} && $m->{file} =~ m{^\Q$tmp\E/}, 'it is kept below XDG_DATA_HOME');
ok(-z "$tmp/stderr", 'no progress but on a terminal');
my (undef, $after) = run('hardware --json');
ok(host($after)->{bandwidth_basis} eq 'measured' && abs(host($after)->{bandwidth_bytes_per_s} / $m->{read_bytes_per_s} - 1) < 1e-3, 'the machine has it from now on');
ok(($after->{hardware}{calibration} // '') =~ /measured here on/, 'and says so');
ok($after->{hardware}{fingerprint} eq $before->{hardware}{fingerprint}, 'it is the same machine');
my (undef, $without) = run('hardware --json --no-calibration');
ok((host($without)->{bandwidth_basis} // '') eq ($pool->{bandwidth_basis} // '') && !defined $without->{hardware}{calibration}, '--no-calibration goes back');
open my $f, '>', $m->{file} or die "$m->{file}: $!\n";
print $f "not,ours\n1,2\n";
close $f;
my ($still, $spoilt) = run('hardware --json');
ok($still == 0 && grep({ /not used/ } @{$spoilt->{hardware}{warnings}}), 'a spoilt file is a warning, and the machine is shown');
print "1..$n\n";
exit($bad != 0);
