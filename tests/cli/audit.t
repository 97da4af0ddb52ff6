#!/usr/bin/perl
# audit.t - ullage audit: the guides' claims as text, JSON, CSV and Markdown; data/claims.md is today's output; figures agree with estimate
use strict;
use warnings;
use JSON::PP;
use File::Temp qw(tempdir);

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - ", $what // '', "\n"; return $pass }
$ENV{XDG_CONFIG_HOME} = tempdir(CLEANUP => 1);
sub slurp { open(my $f, '<', $_[0]) or die "$_[0]: $!\n"; local $/; return scalar <$f> }
sub run { my $out = `$prog @_ 2>&1`; return ($? >> 8, $out) }

my ($exit, $out) = run('audit --json');
my $d = eval { decode_json($out) } // {};
ok($exit == 0 && $d->{schema_version} == 1 && ref $d->{claims} eq 'ARRAY', 'audit --json');
my @claims = @{$d->{claims}};
my %count;
$count{$_->{verdict}}++ for @claims;
ok(!grep({ ($count{$_} // 0) != $d->{counts}{$_} } qw(true false conditional unjudged)), 'the counts are those of the claims');
my $judged = @claims - $count{unjudged};
ok($judged >= 150, "at least 150 claims are judged ($judged of " . @claims . ')');
ok($count{true} >= 50 && $count{false} >= 50 && $count{conditional} >= 20, "of every verdict ($count{true} true, $count{conditional} conditional, $count{false} false)");
ok(slurp('data/claims.csv') !~ /verdict|\btrue\b|\bfalse\b/, 'none is marked by hand');
ok(!grep({ !length($_->{reason} // '') } @claims), 'each has a reason');
ok(!grep({ $_->{kind} eq 'price' && $_->{verdict} ne 'unjudged' } @claims), 'prices are not judged');
ok(!grep({ $_->{kind} eq 'speed' && $_->{verdict} eq 'true' } @claims), 'no speed is called true');
# figures where memory decided
my @figures = grep { $_->{kind} eq 'fits' && $_->{needs_bytes} } @claims;
ok(@figures > 150, 'figures of ' . @figures . ' claims');
my @wrong = grep { $_->{verdict} eq 'true' && !$_->{negated} && $_->{needs_bytes} > $_->{budget_bytes} } @figures;
push @wrong, grep { $_->{verdict} eq 'false' && !$_->{negated} && $_->{needs_bytes} <= $_->{budget_bytes} } @figures;
ok(!@wrong, 'what is true fits and what is false does not') or print map { "# $_->{id}: $_->{reason}\n" } @wrong;

# an estimate of the same says the same, to the byte
my ($tried, @differ) = (0);
for my $c (grep { $_->{kind} eq 'fits' && $_->{cases} == 1 && $_->{verdict} eq 'true' && !$_->{negated} && ($_->{engine} // '') =~ /^(llama\.cpp|vllm)$/ && $_->{hardware} !~ /\+/ } @claims) {
	last if $tried++ >= 25;
	my $on = ($c->{devices} > 1 ? "$c->{devices}x " : '') . $c->{hardware};
	my ($e, $j) = run("estimate '$c->{model_id}' --on '$on' --engine $c->{engine} --quant '$c->{quant_judged}' -c $c->{ctx_tokens_judged} --json --no-calibration");
	my $m = eval { decode_json($j)->{memory} } // {};
	push @differ, "$c->{id}: exit $e, $c->{needs_bytes} and " . ($m->{total_bytes} // 'nothing') if $e || $m->{total_bytes} != $c->{needs_bytes} || $m->{budget_bytes} != $c->{budget_bytes};
}
ok($tried > 20 && !@differ, 'ullage estimate says the same') or print map { "# $_\n" } @differ;

# the examples of the project's own description
my %known = ('Llama 3.3 70B,Q4,RTX 4090,1' => 'false', 'Kimi K2.6,native INT4,H100,4' => 'false', '70B,FP16,RTX 5090,2' => 'false', 'Llama 4 Scout,INT4,H100,1' => 'true');
for my $k (sort keys %known) {
	my ($c) = grep { $_->{kind} eq 'fits' && join(',', $_->{model}, $_->{quant} // '', $_->{hardware} // '', $_->{devices}) eq $k } @claims;
	ok($c && $c->{verdict} eq $known{$k}, "$k: $known{$k}");
}

($exit, $out) = run('audit --where verdict=false -n 3');
my @rows = $out =~ /^(\w+) +g\d-\d{3} /mg;
ok($exit == 0 && "@rows" eq 'false false false' && $out =~ /^\d+ claims: 0 true, 0 conditional, $count{false} false, 0 unjudged$/m, '--where verdict=false -n 3');
ok(!grep({ length > 80 } split /\n/, $out), 'not wider than 80 columns');
($exit, $out) = run('audit --csv');
ok($exit == 0 && $out =~ /^id,guide,model,quant,hardware,devices,ctx_tokens,kind,of,low,high,verdict,engine,quant_judged,needs_bytes,budget_bytes,reason\n/ && ($out =~ tr/\n//) == @claims + 1, '--csv');
($exit, $out) = run('audit --markdown');
my $md = slurp('data/claims.md');
ok($md =~ /^`make claims`, \d{4}-\d\d-\d\d, ullage [\d.]+:/m, 'data/claims.md says when it was made');
ok($exit == 0 && index($md, $out) > 0 && substr($md, index($md, $out)) eq $out, 'and is what audit says now (if not: make claims)');

my $dir = tempdir(CLEANUP => 1);
sub file { open(my $f, '>', "$dir/c.csv") or die; print $f $_[0]; close $f; return "$dir/c.csv" }
($exit, $out) = run('audit ' . file("model,quant,hardware\nllama-3.3-70b-instruct,Q4_K_M,RTX 4090\n"));
ok($exit == 0 && $out =~ /^false +line 2 llama-3.3-70b-instruct Q4_K_M on RTX 4090$/m, 'a file of three columns');
($exit, $out) = run('audit ' . file("model,kind\nx,guess\n"));
ok($exit == 3 && $out =~ /c\.csv:2: kind: 'guess'/, 'a mistake is named with its line');
($exit, $out) = run("audit $dir/none.csv");
ok($exit == 3 && $out =~ /none\.csv/, 'a file that is not there');
($exit, $out) = run('audit a b');
ok($exit == 2, 'two files');
($exit, $out) = run('audit --where colour=red');
ok($exit == 2 && $out =~ /no column colour/, 'an unknown column');
($exit, $out) = run('audit --json --markdown');
ok($exit == 2, '--json and --markdown');
print "1..$n\n";
exit($bad != 0);
