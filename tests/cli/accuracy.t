#!/usr/bin/perl
# accuracy.t - the scorecard's limits: they may be tightened, not loosened
use strict;
use warnings;
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; }
sub score { my $out = `$prog accuracy $_[0] --json`; my $d = eval { decode_json($out) }; ok($? == 0 && $d, "accuracy $_[0]"); return $d || {}; }
sub group { my ($d, $by, $key) = @_; my ($g) = grep { $_->{by} eq $by && $_->{key} eq $key } @{$d->{groups} || []}; return $g || {}; }
sub most { my ($v, $limit, $what) = @_; ok(defined $v && abs($v) <= $limit, sprintf '%s: %s, at most %s', $what, $v // 'none', $limit); }
sub least { my ($v, $limit, $what) = @_; ok(defined $v && $v >= $limit, sprintf '%s: %s, at least %s', $what, $v // 'none', $limit); }

my $d = score('tests/measured/gguf_sizes.csv --where recipe=stock');
least($d->{evaluated}, 700, 'stock file sizes evaluated');
most($d->{median_abs_error}, 0, 'stock file sizes, median');
for (['ollama', 'p90_abs_error', 0], ['XiongjieDai/GPU-Benchmarks-on-LLM-Inference', 'p95_abs_error', 0], ['mistralai', 'p95_abs_error', 0],
     ['huggingface.co/mradermacher/DeepSeek-R1-i1-GGUF', 'p95_abs_error', 0.01]) {
	most(group($d, 'publisher', $_->[0])->{$_->[1]}, $_->[2], "files of $_->[0], $_->[1]");
}
$d = score('tests/measured/llamacpp_memory.csv --where inferred=');
least($d->{evaluated}, 160, 'llama.cpp memory rows evaluated');
least(group($d, 'quantity', 'kv_cache_bytes')->{exact_share}, 0.95, 'KV caches exact to the printed rounding');
most(group($d, 'quantity', 'weights_and_kv_bytes')->{median_abs_error}, 0.01, 'weights + KV, median');
most(group($d, 'quantity', 'weights_and_kv_bytes')->{p90_abs_error}, 0.04, 'weights + KV, 90 %');
$d = score('tests/measured/own/llamacpp_context.csv');
least(group($d, 'quantity', 'kv_cache_bytes')->{exact_share}, 0.99, 'caches that libllama allocated, exact');
most(group($d, 'quantity', 'compute_bytes')->{median_abs_error}, 0.03, 'compute buffers that libllama reserved, median');
$d = score('tests/measured/vllm_memory.csv --where complete=yes');
most($d->{median_abs_error}, 0, 'KV tokens that vLLM printed, median');
$d = score('tests/measured/gguf_sizes.csv --where recipe=stock --where tier=nosuch');
ok(defined $d->{rows} && $d->{rows} == 0 && !defined $d->{median_abs_error}, 'no rows give null, not 0');
$d = score('tests/measured/vllm_memory.csv --where complete=yes --resolve');
ok(defined $d->{share} && $d->{share} == 1 && $d->{counted} == 11 && $d->{unnamed} == 7 && !@{$d->{unresolved}}, 'names of the vLLM rows resolve');
print "1..$n\n";
exit($bad != 0);
