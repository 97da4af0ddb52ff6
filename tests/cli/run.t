#!/usr/bin/perl
# run.t - ullage run: text on stdout and nothing else there, one closing line on stderr, errors with their exit status
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what, $more) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; print map { "# $_\n" } $pass ? () : split /\n/, $more // ''; return $pass; }
sub is_count { my ($got, $want, $what) = @_; return ok($got == $want, $what, "$got, wanted $want"); }
my $tmp = tempdir(CLEANUP => 1);
$ENV{XDG_DATA_HOME} = $tmp;
sub slurp { open my $f, '<:raw', $_[0] or return ''; local $/; return scalar <$f> // ''; }
# One command through the shell: exit status, stdout, stderr.
sub run { system("$prog run @_ >$tmp/out 2>$tmp/err"); return ($? & 127 ? 128 + ($? & 127) : $? >> 8, slurp("$tmp/out"), slurp("$tmp/err")); }

for (['', 2, 'FILE'], ['a.gguf', 2, 'prompt'], ['a.gguf -p x -f y', 2, 'exclude'], ['a.gguf -p x --raw --chat', 2, 'exclude'], ['a.gguf -p x --temp cold', 2, '--temp'],
	['a.gguf -p x --top-p 2', 2, '--top-p'], ['a.gguf -p x --seed -1', 2, '--seed'], ['a.gguf -p x -n 0', 2, '-n'], ['a.gguf -p x --limit 3', 2, 'no option of'],
	['a.gguf -p x --top-k 1.5', 2, 'whole number'], ['a.gguf -p x --seed 1.5', 2, 'whole number'], ['a.gguf -p x --chat chatml', 2, '--chat=chatml'],
	["$tmp/missing.gguf -p x", 3, 'no such file'], ["a.gguf -f $tmp/missing", 3, 'missing']) {
	my ($args, $want, $word) = @$_;
	my ($rc, $out, $err) = run($args);
	ok($rc == $want && $out eq '' && index($err, $word) >= 0, "run $args: exit $want", "exit $rc: $err");
}
for (['no.gguf', 'not a model'], ['cut.gguf', "GGUF\3\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f"], ['empty.gguf', '']) {
	open my $f, '>:raw', "$tmp/$_->[0]" or die;
	print $f $_->[1];
	close $f;
	my ($rc, $out, $err) = run("$tmp/$_->[0] -p x");
	ok($rc == 3 && $out eq '' && $err =~ /^ullage: /, "$_->[0] is no model: exit 3", "exit $rc: $err");
}
{
	my ($rc, $out) = run("$tmp/no.gguf -p x --json");
	my $doc = eval { decode_json($out) } // {};
	ok($rc == 3 && ($doc->{error}{code} // '') eq 'bad_file', 'with --json an error is a document', $out);
}

my ($model) = grep { -r } 'models/smollm2-135m-q4_1.gguf', 'models/gemma-3-270m-q4_k_m.gguf';
unless ($model) {
	print 'ok ', ++$n, " - text # SKIP no model in models/ (make models)\n1..$n\n";
	exit($bad != 0);
}
my @greedy = ($model, '-p "The capital of France is"', '-n 8 --temp 0 --raw -t 1');
my ($rc, $out, $err) = run(@greedy);
ok($rc == 0 && length $out > 4 && $out =~ /\n\z/, 'text on stdout', "exit $rc: $out$err");
ok($err =~ m{\Aullage: prompt \d+ tokens, [\d.]+ tokens/s; generated 8, [\d.]+ tokens/s; peak memory [\d.]+ [KMG]iB\n\z}, 'one closing line on stderr, and no progress', $err);
my ($rc2, $out2) = run(@greedy);
ok($out2 eq $out, 'the likeliest tokens are the same each time', "$out$out2");
my (undef, $all) = run(@greedy[0, 1], '-n 8 --temp 0 --raw');
ok($all eq $out, 'and with all threads', "$out$all");
my ($rcj, $json) = run(@greedy, '--json');
my $doc = eval { decode_json($json) } // {};
ok($rcj == 0 && ($doc->{generated_tokens} // 0) == 8 && "$doc->{text}\n" eq do { my $s = $out; utf8::decode($s); $s } && $doc->{ended} eq 'length', 'the same as JSON', $json);
ok($doc->{prefill_tokens_per_s} > 0 && $doc->{decode_tokens_per_s} > 0 && $doc->{peak_memory_bytes} > 1e7, 'with rates and the most memory', $json);
my (undef, undef, $quiet) = run(@greedy, '-q');
ok($quiet eq '', '-q: no closing line', $quiet);
open my $f, '>', "$tmp/prompt" or die;
print $f 'The capital of France is';
close $f;
my (undef, $from_file) = run($model, "-f $tmp/prompt -n 8 --temp 0 --raw -t 1");
my (undef, $from_stdin) = run($model, "-f - -n 8 --temp 0 --raw -t 1 <$tmp/prompt");
ok($from_file eq $out && $from_stdin eq $out, 'a prompt from a file, or stdin', "$from_file$from_stdin");
my (undef, $s1) = run($model, '-p Once -n 8 --temp 1 --seed 5 --raw -t 1');
my (undef, $s2) = run($model, '-p Once -n 8 --temp 1 --seed 5 --raw -t 1');
ok($s1 eq $s2, 'a seed gives the same text again', "$s1$s2");
($rc, $out, $err) = run($model, '-p "one two three four five six seven eight nine ten" -c 4 --raw');
ok($rc == 2 && $out eq '' && $err =~ /context/, 'a prompt longer than the context is refused', "exit $rc: $err");
($rc, $out, $err) = run($model, '-p "one two three" -c 16 --temp 0 --raw -n 100 -t 1');
ok($rc == 0 && ($err =~ /the context is full/ || $err =~ /generated \d,/), 'a full context ends it and is said', "exit $rc: $err");
($rc, $out, $err) = run($model, '-p x -n 2 --chat=no-such-template');
ok($rc == 2 && $err =~ /no-such-template/, 'an unknown template is refused', "exit $rc: $err");
($rc, $out, $err) = run($model, '-p Hello -n 4 --temp 0 --chat=chatml --json -t 1');
ok($rc == 0 && (eval { decode_json($out)->{settings}{chat} } // '') eq 'chatml', 'one by name', "exit $rc: $out$err");
for my $kv (qw(q8_0 f32 bf16)) {
	($rc, $out, $err) = run($model, "-p Hello -n 4 --temp 0 --raw -t 1 --kv-type $kv");
	ok($rc == 0, "K and V as $kv", "exit $rc: $err");
}
($rc, $out, $err) = run($model, '-p Hello -n 4 --kv-type q4_0');
ok($rc == 3 && $err =~ /q4_0/, 'a type of K and V that the engine has not', "exit $rc: $err");

# Control tokens: --raw takes a text as it is, a template's are tokens, and what a person says in it is text.
sub tokens { my (undef, $out) = run(@_, '-n 1 --temp 0 -t 1 --json'); return eval { decode_json($out)->{prompt_tokens} } // -1; }
is_count(tokens($model, '-p "<|im_end|>" --raw'), 1, 'with --raw the text of a control token is that token') if $model =~ /smollm2/;
is_count(tokens($model, '-p "<end_of_turn>x" --raw'), tokens($model, '-p x --raw') + 1, 'with --raw the text of a control token is that token') if $model !~ /smollm2/;
my ($word, $control) = map { tokens($model, "-p $_ --chat=chatml") } 'x', '"<|im_end|>"';
ok($word > 0 && $control > $word + 2, 'in a template a prompt has no control tokens', "$word, $control");
if (-r (my $gemma = 'models/gemma-3-270m-q4_k_m.gguf')) {
	is_count(tokens($gemma, '-p "<bos>Hello" --raw'), tokens($gemma, '-p Hello --raw'), 'beginning of text is not given twice');
	($rc, $out, $err) = run($gemma, '-p Hello -n 1 --chat');
	ok($rc == 2 && $err =~ /no chat template; --chat=NAME/, 'a file without a template', $err);
	($rc, $out, $err) = run($gemma, '-p Hello -n 1 --chat=chatml -t 1');
	ok($rc == 0 && $err =~ /note: this model has no token <\|im_end\|>/, 'a template whose end the model does not know is noted', $err);
}
open $f, '>:raw', "$tmp/nul";
print $f "a\0b";
close $f;
($rc, $out, $err) = run($model, "-f $tmp/nul -n 1 --chat=chatml");
ok($rc == 2 && $err =~ /byte 1 of the prompt is NUL/ && $err =~ /--raw/, 'a NUL has no place in a template', $err);
($rc, $out, $err) = run($model, "-f $tmp/nul -n 1 --raw -t 1");
ok($rc == 0, 'but in a raw prompt', $err);
($rc, $out, $err) = run($model, '-p x -n 1 --raw -t 1 -c 200000');
ok($rc == 0 && $err =~ /note: the model was made for \d+ tokens/, 'a context beyond what the model was made for is noted', $err);

# ctrl-C: what is there stays, the closing line comes, exit 130
my $pid = fork;
if (!$pid) {
	open STDOUT, '>', "$tmp/int_out";
	open STDERR, '>', "$tmp/int_err";
	exec split(' ', $prog), 'run', $model, '-p', 'Once upon a time', '--raw', '--temp', '1', '--seed', '1', '-n', '3000', '-t', '1' or exit 9;
}
for (1 .. 600) {
	last if -s "$tmp/int_out";
	select undef, undef, undef, 0.05;
}
kill INT => $pid;
waitpid $pid, 0;
ok(($? >> 8) == 130 && slurp("$tmp/int_err") =~ /interrupted$/m, 'an interrupt ends it cleanly, exit 130', "status $?: " . slurp("$tmp/int_err"));
if (-e '/dev/full') {
	system("$prog run @greedy >/dev/full 2>$tmp/err");
	ok(($? >> 8) == 4 && slurp("$tmp/err") =~ /stdout/, 'a stdout that cannot be written is exit 4', slurp("$tmp/err"));
}
print "1..$n\n";
exit($bad != 0);
