#!/usr/bin/perl
# peer.t - tests/peer.sh with stand-ins for both programs: medians, ratios, who goes first in turn, and an ullage that cannot be measured
use strict;
use warnings;
use File::Temp qw(tempdir);

my $tmp = tempdir(CLEANUP => 1);
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what, $more) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; print map { "# $_\n" } $pass ? () : split /\n/, $more // ''; }
sub script {
	my ($name, $text) = @_;
	open my $f, '>', "$tmp/$name" or die "$tmp/$name: $!\n";
	print $f "#!/bin/sh\n$text";
	close $f;
	chmod 0755, "$tmp/$name";
}
# each run takes the next figure of a list, and says that it ran
my $next = sub {
	my ($who, $pp, $tg) = @_;
	return qq(echo $who >>$tmp/order
i=\$(cat $tmp/$who.n 2>/dev/null || echo 0); echo \$((i + 1)) >$tmp/$who.n
set -- $pp; shift \$i; p=\$1
set -- $tg; shift \$i
printf '[\\n  {\\n    "n_prompt": 512,\\n    "n_gen": 0,\\n    "n_depth": 0,\\n    "avg_ts": %s,\\n    "samples_ts": [ %s ]\\n  },\\n' \$p \$p
printf '  {"n_prompt":\\t0, "n_gen":\\t128, "n_depth":\\t0, "avg_ts":\\t%s, "samples_ts": [ %s ] }\\n]\\n' \$1 \$1
);
};
script('llama-bench', $next->('theirs', '100 300 200', '10.5 10 11'));
script('ullage', qq([ "\$2" = --help ] && { echo '--bench-format llama-bench'; exit 0; }\n) . $next->('ours', '400 260 300', '5.25 5 20'));
script('old', "echo 'no such command' >&2; exit 2\n");
open my $m, ">", "$tmp/m.gguf" or die;
sub peer { unlink glob("$tmp/*.n $tmp/order"); return `LLAMA=$tmp PROG=$tmp/$_[0] tests/peer.sh -t 2 -r 3 $_[1] $tmp/m.gguf 2>$tmp/err` }

my $out = peer('ullage', '--csv');
ok($out eq "model,test,threads,rounds,llama_cpp_tps,llama_cpp_spread_percent,ullage_tps,ullage_spread_percent,ratio\n"
	. "m,pp512,2,3,200.00,100.0,300.00,46.7,1.500\nm,tg128,2,3,10.50,9.5,5.25,285.7,0.500\n", 'medians, spread and ratio', $out);
open my $o, '<', "$tmp/order" or die;
my $order = join ' ', map { chomp; $_ } <$o>;
ok($order eq 'theirs ours ours theirs theirs ours', 'they take turns in going first', $order);
$out = peer('ullage', '');
ok(scalar($out =~ /^m +pp512 +200\.00 +100\.0% +300\.00 +46\.7% +1\.50$/m), 'as a table', $out);
$out = peer('old', '--csv');
open my $e, '<', "$tmp/err" or die;
my $said = join '', <$e>;
ok(scalar($out =~ /^m,pp512,2,3,200\.00,100\.0,,,$/m && $said =~ /no verify --bench-format/), 'an ullage without verify: said, and llama.cpp alone', "$out$said");
`LLAMA=$tmp/none PROG=$tmp/ullage tests/peer.sh $tmp/m.gguf 2>&1`;
ok($? != 0, 'no llama-bench where LLAMA says: an error');
# a machine without llama.cpp, and nothing to build it with or from
mkdir "$tmp/bin";
for my $tool (qw(sh env dirname getconf mkdir cat)) { my ($at) = grep { -x } map { "$_/$tool" } split /:/, $ENV{PATH}; symlink $at, "$tmp/bin/$tool" if $at; }
$said = `env -u LLAMA PATH=$tmp/bin PEER_DIR=$tmp/peer PROG=$tmp/ullage tests/peer.sh $tmp/m.gguf 2>&1`;
ok($? != 0 && $said =~ /no llama-bench here.*without python3/ && !-e "$tmp/peer", 'no llama-bench and no python3: said at once', $said);
script("bin/$_", 'exit 1') for qw(python3 cmake c++);
$said = `env -u LLAMA PATH=$tmp/bin PEER_DIR=$tmp/peer PROG=$tmp/ullage tests/peer.sh $tmp/m.gguf 2>&1`;
ok($? != 0 && $said =~ /could not be had/ && $said !~ /did not build/, 'no sources: said as what it is', $said);
for (['-r', 2, '-r wants'], ['-t x', 2, '-t wants'], ["$tmp/none.gguf", 1, 'no such file'], ['--bogus', 2, 'usage']) {
	$said = `LLAMA=$tmp PROG=$tmp/ullage tests/peer.sh $_->[0] 2>&1`;
	ok($? >> 8 == $_->[1] && index($said, $_->[2]) >= 0, "peer.sh $_->[0]: exit $_->[1]", $said);
}
print "1..$n\n";
exit($bad != 0);
