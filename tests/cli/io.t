#!/usr/bin/perl
# io.t - stdout that is closed or full, folders that cannot be read, errors as text and as JSON, exit statuses
use strict;
use warnings;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what, $more) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; print "#  $_\n" for $pass ? () : split /\n/, $more // ''; }
my $tmp = `mktemp -d`;
chomp $tmp;

# [command line after the program, exit status, what stderr must say]
my @cases = (
	['estimate nosuchmodel', 3, qr/nosuchmodel/],
	['estimate lama-3.3-70b-instruct', 3, qr/did you mean: .*llama-3\.3-70b-instruct/],
	['estimate', 2, qr/wants one MODEL/],
	['estimate a b', 2, qr/wants one MODEL/],
	['estimate llama-3.3-70b-instruct --on nosuchcard', 3, qr/nosuchcard/],
	['estimate llama-3.3-70b-instruct --on rtx-409O', 3, qr/did you mean: .*rtx-4090/],
	['estimate llama-3.3-70b-instruct -c 0', 2, qr/-c 0/],
	['estimate llama-3.3-70b-instruct -c -1', 2, qr/-c -1/],
	['estimate llama-3.3-70b-instruct -c 12x', 2, qr/-c 12x/],
	['estimate llama-3.3-70b-instruct -c 99999999999999999999', 2, qr/-c 9+/],
	['estimate llama-3.3-70b-instruct --on h100-sxm -c 1000000000000000000', '1|2|3', qr/.?/],
	['estimate llama-3.3-70b-instruct --on h100-sxm -c 9000000000000000 -np 4000000000', '2|3', qr/overflow/],
	['estimate llama-3.3-70b-instruct --on h100-sxm -np 0', 2, qr/-np 0/],
	['estimate llama-3.3-70b-instruct --quant q4_k_x', 3, qr/q4_k_x.*\n.*did you mean/],
	['estimate llama-3.3-70b-instruct --engine lama.cpp', 2, qr/did you mean: .*llama\.cpp/],
	['estimate llama-3.3-70b-instruct --kv-type q9', 2, qr/q9/],
	['estimate llama-3.3-70b-instruct -fa maybe', 2, qr/on, off or auto/],
	['estimate llama-3.3-70b-instruct --ctx-sise 1', 2, qr/did you mean: .*--ctx-size/],
	['estimate llama-3.3-70b-instruct -c', 2, qr/-c wants TOKENS/],
	['estimate llama-3.3-70b-instruct --json=1', 2, qr/takes no value/],
		['estimate llama-3.3-70b-instruct --ram 0', 2, qr/--ram 0/],
	['estimate llama-3.3-70b-instruct --on 0x-rtx-4090', '2|3', qr/./],
	['estimate gemma-4-9b', 3, qr/gemma-4-e4b-it/],
	['estimate /nonexistent.gguf', 3, qr/nonexistent\.gguf/],
	['estimate /nonexistent/config.json', 3, qr/nonexistent/],
	["estimate $tmp", 3, qr/no \.gguf/],
	['estimate https://example.com/x.gguf', 3, qr/URL/],
	['inspect', 2, qr/wants one FILE/],
	['inspect llama-3.3-70b-instruct', 3, qr/ullage show/],
	['show nosuchmodel', 3, qr/nosuchmodel/],
	['models --check', 2, qr/wants FILE/],
	['models --sort sideways', 2, qr/sideways/],
	['accuracy', 2, qr/wants one/],
	['accuracy /nonexistent.csv', 3, qr/nonexistent/],
	['accuracy README.md', 3, qr/README\.md/],
	['hardware show nosuchcard', 3, qr/nosuchcard/],
	['hardware sideways', 2, qr/list, or show/],
	['estimate phi-4 --on m4-max', 3, qr/m4-max-64gb/],
	['completion tcsh', 2, qr/bash, zsh or fish/],
	['plan', 2, qr/not built yet/],
	['plan x', 2, qr/not built yet/],
	['verify x', 3, qr/no model named 'x'/],
	['run x', 2, qr/wants a prompt/],
	['estmate x', 2, qr/did you mean: .*estimate/],
	['--nosuch', 2, qr/unknown option --nosuch/],
	['', 2, qr/no command/],
);
for (@cases) {
	my ($args, $want, $says) = @$_;
	my $out = `$prog $args 2>$tmp/err`;
	my $status = $? >> 8;
	my $err = do { local (@ARGV, $/) = "$tmp/err"; <> } // '';
	my $failed = $status > 1;
	ok($status =~ /^(?:$want)$/ && $err =~ $says && (!$failed || $out eq '') && (!$failed || $err =~ /^ullage: /),
	   "ullage $args: exit $status", "want exit $want and $says\nout: $out\nerr: $err");
	next if !$failed || $args =~ /--json|^$/;
	my $json = `$prog $args --json 2>/dev/null`;
	ok($? >> 8 == $status && $json =~ /"schema_version":\s*1/ && $json =~ /"error":\s*\{/ && $json =~ /"code":\s*"[a-z_]+"/, "ullage $args --json: an error document", $json);
}

$_ = `$prog estimate llama-3.3-70b-instruct --json --csv 2>/dev/null`;
ok($? >> 8 == 2 && /exclude each other/ && /"code":\s*"usage"/, '--json --csv: an error document', $_);

# stdout that cannot be written
for my $args ('estimate llama-3.3-70b-instruct --on rtx-4090', 'models', 'models --json', 'show phi-4', 'hardware list', '--help', 'completion bash') {
	system("$prog $args >&- 2>$tmp/err");
	my $status = $? >> 8;
	ok($status == 4, "ullage $args with stdout closed: exit $status");
	if (-e '/dev/full') {
		system("$prog $args >/dev/full 2>$tmp/err");
		$status = $? >> 8;
		my $err = do { local (@ARGV, $/) = "$tmp/err"; <> } // '';
		ok($status == 4 && $err =~ /stdout/, "ullage $args >/dev/full: exit $status", $err);
	} else {
		print 'ok ', ++$n, " - /dev/full # SKIP not here\n";
	}
}

# data folders
my ($out, $s);
$out = `ULLAGE_DATA=$tmp $prog models 2>&1`;
ok($? >> 8 == 3 && $out =~ /^ullage: /, 'ULLAGE_DATA without data: exit ' . ($? >> 8), $out);
$out = `HOME=/nonexistent XDG_CONFIG_HOME= $prog models -n 1 2>&1`;
ok($? >> 8 == 0, 'no home folder', $out);
mkdir "$tmp/ullage";
mkdir "$tmp/ullage/models.d";
system("sed 's/^id: .*/id: my-phi/; s/^name: .*/name: My Phi/; s/^aliases: .*/aliases: []/' models.d/phi-4.yaml >$tmp/ullage/models.d/my-phi.yaml");
$out = `XDG_CONFIG_HOME=$tmp $prog models my-phi 2>&1`;
ok($? >> 8 == 0 && $out =~ /my-phi/, 'an entry of the user', $out);
system("printf 'schema: 1\\nid: broken\\nnonsense: 1\\n' >$tmp/ullage/models.d/broken.yaml");
$out = `$prog models --check $tmp/ullage/models.d/broken.yaml $tmp/ullage/models.d/my-phi.yaml 2>&1`;
ok($? >> 8 == 1 && $out =~ /^invalid .*broken\.yaml:\d+: /m && $out =~ /^ok .*my-phi/m, 'models --check names file and line and goes on', $out);
$out = `XDG_CONFIG_HOME=$tmp $prog show broken 2>&1`;
ok($? >> 8 == 3 && $out =~ /broken\.yaml/, 'a broken entry of the user is named', $out);

# what cannot be meant is refused, what is unknown stays so
for (['estimate qwen3-8b --ram 64GB', 2, 'name it with --on'], ['estimate llama-3.3-70b-instruct -ngl 20 --on rtx-4090', 2, '--ram'],
     ["estimate qwen3-8b --engine vllm --quant bf16 --on '3x rtx-4090'", 3, '32 heads do not divide over 3 devices']) {
	my ($args, $want, $says) = @$_;
	$out = `$prog $args 2>&1`;
	ok($? >> 8 == $want && index($out, $says) > 0, "ullage $args: exit $want", $out);
}
$out = `$prog estimate qwen3-8b --on rtx-4090 --json 2>&1`;
ok($out =~ /"runtime_bytes":\s*null/, 'an unknown runtime is null', $out);
$out = `$prog estimate qwen3-8b --engine vllm --on rtx-4090 --json 2>&1`;
ok($? >> 8 == 0 && $out =~ /"quant":\s*"bf16"/, 'vLLM begins at the weights as released', $out);

system("rm -rf $tmp");
print "1..$n\n";
exit($bad != 0);
