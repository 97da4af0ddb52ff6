#!/usr/bin/perl
# real.t - real files: their own directory summed exactly, and the catalogue's recipe against it
use strict;
use warnings;
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; }
sub json { my $d = eval { decode_json(scalar `$prog $_[0] --json`) } || {}; return $d; }

# file, catalogue entry, recipe, parameters, tensor bytes as llama.cpp's gguf-dump adds them up, KV bytes of 8192 tokens
my @files = (
	['models/smollm2-135m-q4_1.gguf', 'smollm2-135m-instruct', 'Q4_1', 134515008, 96576768],
	['models/gemma-3-270m-q4_k_m.gguf', 'gemma-3-270m-it', 'Q4_K_M', 268098176, 246587904],
);
for (@files) {
	my ($file, $id, $recipe, $params, $bytes) = @$_;
	if (!-s $file) {
		print 'ok ', ++$n, " - $file # SKIP not fetched (tests/models.sh says why)\n";
		next;
	}
	my $i = json("inspect $file");
	ok($i->{file}{tensor_bytes} == $bytes, "$file: $bytes bytes of tensors");
	ok($i->{file}{file_bytes} == -s $file, "$file: the size of the file");
	ok($i->{model}{params_total} == $params, "$file: $params parameters");
	my $e = json("estimate $id --quant $recipe");
	my $r = json("estimate $file");
	ok($i->{memory}{weights_bytes} == $bytes && $r->{memory}{weights_bytes} == $bytes, "$file: resident weights");
	ok($r->{memory}{kv_cache_bytes} == $e->{memory}{kv_cache_bytes} && $r->{memory}{kv_cache_bytes} > 0, "$file: the KV cache of $id, $e->{memory}{kv_cache_bytes} bytes");
	ok($e->{memory}{weights_bytes} == $bytes, "$id $recipe by its recipe: $e->{memory}{weights_bytes} bytes");
}
print "1..$n\n";
exit($bad != 0);
