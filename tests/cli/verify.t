#!/usr/bin/perl
# verify.t - ullage verify: terms, exit status, what is kept, baselines; that what it measures is so, never how fast it is
use strict;
use warnings;
use Cwd ();
use File::Temp qw(tempdir);
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what, $more) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; print map { "# $_\n" } $pass ? () : split /\n/, $more // ''; return $pass; }
my $tmp = tempdir(CLEANUP => 1);
$ENV{XDG_DATA_HOME} = $tmp;
sub slurp { open my $f, '<:raw', $_[0] or return ''; local $/; return scalar <$f> // ''; }
sub run { system("$prog verify @_ >$tmp/out 2>$tmp/err"); return ($? & 127 ? 128 + ($? & 127) : $? >> 8, slurp("$tmp/out"), slurp("$tmp/err")); }
sub terms { my %t = map { $_->{name} . ($_->{test} ? " $_->{test}" : '') => $_ } @{$_[0]{terms} // []}; return \%t; }

open my $there, '>', "$tmp/there.gguf" or die;
print $there 'weights';
close $there;
for (['', 2, 'FILE'], ['smollm2-135m-instruct', 2, '--dummy'], ["$tmp/missing.gguf", 3, 'missing'], ['no-such-model-at-all --dummy', 3, 'no-such-model'], ['x.gguf --layers 2', 2, '--dummy'],
	['smollm2-135m-instruct --dummy --save x', 2, '.gguf'], ['smollm2-135m-instruct --dummy -d x', 2, '-d'], ['smollm2-135m-instruct --dummy -np 0', 2, '-np'],
	['smollm2-135m-instruct --dummy -r 1000', 2, '-r'], ['smollm2-135m-instruct --dummy --layers 1000', 2, '--layers'], ['smollm2-135m-instruct --dummy --bench-format x', 2, '--bench-format'],
	['smollm2-135m-instruct --dummy --kv-type q4_0', 3, 'q4_0'], ["smollm2-135m-instruct --dummy --baseline $tmp/none", 3, 'none'], ['smollm2-135m-instruct --dummy --limit 3', 2, 'no option of'],
	['smollm2-135m-instruct --dummy --bench-format llama-bench --csv', 2, '--bench-format'], ['smollm2-135m-instruct --dummy --seed 1.5', 2, '--seed'],
	['smollm2-135m-instruct --dummy --backend ref --isa avx2', 2, '--isa'], ['smollm2-135m-instruct --dummy -t 100000', 2, '-t'],
	['smollm2-135m-instruct --dummy -p 1,2', 2, 'at most 1 number'], ['smollm2-135m-instruct --dummy --quant q8_0 -ub 2 -np 4', 2, '-ub'],
	["smollm2-135m-instruct --dummy --save $tmp/there.gguf", 2, 'is there already']) {
	my ($args, $want, $word) = @$_;
	my ($rc, $out, $err) = run($args, '--no-calibration');
	ok($rc == $want && $out eq '' && index($err, $word) >= 0, "verify $args: exit $want", "exit $rc: $err");
}
ok(slurp("$tmp/there.gguf") eq 'weights', '--save leaves a file alone that is there');
{
	my ($rc, $out, $err) = run('deepseek-r1 --dummy --quant q8_0 --no-calibration --json');
	my $doc = eval { decode_json($out) } // {};
	my $free = eval { decode_json(scalar `$prog hardware --json`) } // {};
	my $large = grep { ($_->{free_bytes} // 0) > 700e9 } @{$free->{hardware}{pools} // []};
	ok($large || ($rc == 4 && ($doc->{error}{code} // '') eq 'out_of_memory' && $doc->{error}{message} =~ /GiB/), 'made-up weights that do not fit what is free: exit 4, and nothing is taken', "exit $rc: $out$err");
}

my ($file) = grep { -r } 'models/smollm2-135m-q4_1.gguf';
my $what = $file ? $file : 'smollm2-135m-instruct --dummy --quant q4_0';
my @small = ($what, '-p 16 -n 4 -r 2 -d 0,32 -np 1,2 -t 1 --no-calibration');
my ($rc, $out, $err) = run(@small, '--json');
my $doc = eval { decode_json($out) } // {};
my $t = terms($doc);
ok(($rc == 0 || $rc == 1) && $doc->{schema_version}, 'a result', "exit $rc: $err");
ok(join(' ', sort keys %$t) eq 'compute_bytes decode_tokens_per_s tg4 decode_tokens_per_s tg4 @ d32 decode_tokens_per_s tg4 x 2 kv_cache_bytes load_s prefill_tokens_per_s pp16 state_bytes total_bytes weights_bytes',
	'every term once', join ' ', sort keys %$t);
ok(($doc->{pass} ? 0 : 1) == $rc && ($doc->{pass} || length($doc->{why} // '')), 'the exit status is the verdict, and says why');
ok(!grep({ defined $_->{predicted} && defined $_->{measured} && $_->{measured} && abs($_->{error} - ($_->{predicted} / $_->{measured} - 1)) > 1e-3 } values %$t), 'error is predicted / measured - 1');
ok(!grep({ exists $_->{samples} && ($_->{min} > $_->{measured} || $_->{max} < $_->{measured}) } values %$t), 'the median lies between the slowest and the fastest');
ok(!defined $t->{load_s}{pass} && !defined $t->{compute_bytes}{pass}, 'what is only reported is neither passed nor failed');
SKIP: {
	if (!defined $t->{weights_bytes}{measured}) {
		ok($rc == 1 && !defined $t->{weights_bytes}{pass}, 'memory that the system does not tell is no pass');
		last SKIP;
	}
	ok($t->{$_}{pass}, "$_ passes", "predicted $t->{$_}{predicted}, measured $t->{$_}{measured}") for qw(weights_bytes kv_cache_bytes state_bytes total_bytes);
}
{
	# a context that no run fills: its pages count all the same
	my (undef, $long) = run($what, '-c 2048 -p 16 -n 4 -r 1 -d 0 -np 1 -t 1 --no-calibration --json');
	my $kv = terms(eval { decode_json($long) } // {})->{kv_cache_bytes};
	ok($kv->{predicted} > 20e6 && (!defined $kv->{measured} || $kv->{pass}), 'a cache that is longer than the runs', $long);
}
ok(!grep({ $_->{name} =~ /^(?:weights|kv_cache|total)_bytes/ && !($_->{low} < $_->{predicted} && $_->{high} > $_->{predicted} && ($_->{pass} // 0) == ($_->{low} * 0.999 <= $_->{measured} && $_->{measured} <= $_->{high} * 1.001)) }
	grep { defined $_->{measured} } values %$t), 'memory passes within its interval', $out);
ok(!-e "$tmp/ullage", '--no-calibration keeps nothing');
ok($err eq '', 'no progress but on a terminal', $err);
my $pre = $doc->{prediction} // {};
ok(($pre->{memory}{weights_bytes} // 0) == $t->{weights_bytes}{predicted} && ($pre->{settings}{engine} // '') eq 'ullage', 'the prediction is the estimate', encode_json($pre->{memory} // {}));
if ($file) {
	# held in memory by now; what is only mapped has no such time
	my $lies = terms(eval { decode_json((run($what, '-p 16 -n 4 -r 1 -d 0 -np 1 --no-calibration --no-repack --json'))[1]) } // {});
	ok(!defined $lies->{load_s}{predicted} && $lies->{load_s}{measured} > 0 && (!defined $t->{load_s}{predicted} || $t->{load_s}{low} < $t->{load_s}{high}), 'the time to load, where weights are rearranged');
	my $est = eval { decode_json(scalar `$prog estimate $file --engine ullage --no-calibration --json -c $pre->{settings}{ctx_tokens}`) } // {};
	# all but the scratch of its threads, of which this run has one
	my $same = sub { my ($m) = @_; ($m->{total_bytes} // 0) - ($m->{compute_bytes} // 0) };
	ok($same->($est->{memory}) && $same->($est->{memory}) == $same->($pre->{memory}), 'and what ullage estimate says', encode_json($est->{memory} // {}));
}
(undef, undef, $err) = run(@small, '-v -q');
ok($err eq '', '-q wins over -v', $err);
(undef, $out, $err) = run(@small, '-v');
ok($err =~ /^predicted: weights [\d.]+ MiB/ && !grep({ length > 80 } split /\n/, $err) && $out =~ /^term +predicted +interval +measured/m && $out =~ /verified/, '-v writes the prediction down first; the table', "$err$out");
(undef, $out) = run(@small, '--csv');
ok($out =~ /\Aname,test,predicted,/ && ($out =~ tr/\n//) == 1 + keys %$t, 'CSV', $out);
ok(!grep({ /^\w+_bytes,/ && !/^\w+,,\d+,\d+,\d+,\d*,\d*,\d*,/ } split /\n/, $out), 'bytes are whole numbers', $out);
(undef, $out) = run(@small, '--bench-format llama-bench');
my $rows = eval { decode_json($out) } // [];
ok(@$rows == 4 && !grep({ !$_->{avg_ts} || !$_->{avg_ns} || !exists $_->{n_depth} || @{$_->{samples_ts}} != 2 || abs($_->{avg_ts} - ($_->{samples_ts}[0] + $_->{samples_ts}[1]) / 2) > 1e-3 * $_->{avg_ts} } @$rows),
	'rows as llama-bench has them', $out);

($rc, $out, $err) = run($what, '-p 4 -n 1 -r 1 -d 0,0 -np 1,1,2,2,4 -ub 2 --no-calibration --no-repack --json');
ok($rc == 2 && $out =~ /-np 4/, 'more sequences than a step has tokens are refused before anything runs', "$err$out");
(undef, $out, $err) = run($what, '-p 4 -n 1 -r 1 -d 0,0 -ub 2 --no-calibration --no-repack --json');
{
	my $few = eval { decode_json($out) } // {};
	ok(join(' ', map { $_->{test} // () } @{$few->{terms} // []}) eq 'pp4 tg1', 'of the usual ones they are left out; a depth given twice is run once', "$err$out");
	ok(scalar(grep { /speeds are predicted for .* --no-repack/ } @{$few->{notes} // []}), 'another layout of weights than the estimate means: its speeds are not judged', $out);
}

# baselines: against one that nobody can be worse than, and one that nobody is better than
my $slow = { terms => [map { { %$_, measured => $_->{name} =~ /per_s/ ? 1e-6 : 1e15 } } @{$doc->{terms}}] };
my $fast = { terms => [map { { %$_, measured => $_->{name} =~ /per_s/ ? 1e12 : $_->{measured} } } @{$doc->{terms}}] };
for ([slow => $slow], [fast => $fast]) {
	open my $f, '>', "$tmp/$_->[0].json" or die;
	print $f encode_json($_->[1]);
	close $f;
}
(undef, $out) = run(@small, "--json --baseline $tmp/slow.json");
my $against = terms(eval { decode_json($out) } // {});
ok(scalar(!grep({ $_->{worse} } values %$against) && grep({ defined $_->{baseline} } values %$against)), 'no worse than a slow baseline', $out);
($rc, $out) = run(@small, "--json --baseline $tmp/fast.json");
$against = terms(eval { decode_json($out) } // {});
ok($rc == 1 && !grep({ $_->{name} =~ /per_s/ && !$_->{worse} } values %$against), 'slower than a fast one: exit 1', "exit $rc");
(undef, $out) = run(@small, "--baseline $tmp/fast.json");
ok($out =~ /^term +measured +baseline +change +pass$/m && $out =~ /^decode tg4 .* -100\.0 %  no$/m, 'a second table says by how much', $out);
ok(!grep({ length > 80 } split /\n/, $out), 'nothing is wider than 80 columns', $out);
($rc, undef, $err) = run(@small, '--baseline README.md');
ok($rc == 3 && $err =~ /README/, 'a file that is no result is refused', "exit $rc: $err");

# kept, and then relied on
@small = ($what, '-p 16 -n 4 -r 2 -d 0 -np 1');
($rc, $out, $err) = run(@small, '--json');
$doc = eval { decode_json($out) } // {};
if ($doc->{calibration} && -s $doc->{calibration}) {
	ok($doc->{calibration} =~ m{^\Q$tmp\E/} && slurp($doc->{calibration}) =~ /,cpu,engine_decode,/, 'speeds are kept below XDG_DATA_HOME');
	(undef, $out) = run(@small, '--json');
	my $second = eval { decode_json($out) } // {};
	my ($again, $first) = (terms($second), terms($doc));
	my $d = 'decode_tokens_per_s tg4';
	my @read = map { $_->{engine}{read_bytes_per_s_before} // 0 } $doc, $second;
	ok($read[0] > 0 && $read[1] > 0 && ($second->{engine}{read_bytes_per_s_after} // 0) > 0 && (() = slurp($doc->{calibration}) =~ /,stream_read,memory/g) > 2,
		'memory is measured before each run, and after it', "@read");
	# a step waits for memory in part: it changes by less than memory does
	my ($less, $more) = sort { $a <=> $b } 1, $read[1] / ($read[0] || 1);
	my $ratio = ($again->{$d}{predicted} // 0) / $first->{$d}{measured};
	ok(($again->{$d}{basis} // '') eq 'calibrated' && ($again->{$d}{tolerance} // 0) >= 0.1 && $ratio > $less * 0.98 && $ratio < $more * 1.02,
		'the next prediction is what was measured, and is held to a tenth or the spread', "$first->{$d}{measured} then $again->{$d}{predicted}, memory @read");
	(undef, $out) = run($what, '-p 64 -n 4 -r 1 -d 0 -np 1 --json');
	my $longer = terms(eval { decode_json($out) } // {});
	ok(defined $again->{'prefill_tokens_per_s pp16'}{tolerance} && exists $longer->{'prefill_tokens_per_s pp64'} && !defined $longer->{'prefill_tokens_per_s pp64'}{tolerance},
		'a longer prompt is not the same run', encode_json($longer->{'prefill_tokens_per_s pp64'} // {}));
} else {
	print 'ok ', ++$n, " - what is kept # SKIP the machine's rates could not be measured\n";
}

# a slice, and the bytes of it in a file
my ($rcs, $slice, $errs) = run('smollm2-135m-instruct --dummy --quant q8_0 --layers 3', "-p 8 -n 2 -r 1 -d 0 -np 1 -t 1 --no-calibration --json --save $tmp/slice.gguf");
my $s = eval { decode_json($slice) } // {};
ok(($rcs == 0 || $rcs == 1) && ($s->{layers_of} // 0) == 30 && $s->{dummy}, 'made-up weights of three layers', "exit $rcs: $errs$slice");
{
	my $st = terms($s);
	my $full = eval { decode_json(scalar `$prog estimate smollm2-135m-instruct --engine ullage --quant q8_0 -c $s->{engine}{ctx_tokens} --no-calibration --json`) } // {};
	# 17 MiB of weights, which caches may hold: decode says nothing of the whole
	my @cached = grep { /^decode/ && defined $st->{$_}{whole_scaled} } keys %$st;
	ok(!@cached && grep({ /not scaled/ } @{$s->{notes}}), 'decode of a slice that caches may hold is not scaled', "@cached $slice");
	my @off = grep { my $x = $st->{$_}; !$x->{whole_predicted} || abs($x->{whole_scaled} / $x->{whole_predicted} - $x->{measured} / $x->{predicted}) > 1e-3 * $x->{measured} / $x->{predicted} } grep { $st->{$_}{predicted} && !/^decode/ } keys %$st;
	ok(!@off && $st->{weights_bytes}{whole_predicted} == $full->{memory}{weights_bytes} && $st->{kv_cache_bytes}{whole_predicted} == 10 * $st->{kv_cache_bytes}{predicted},
		'the whole model is its own estimate, as far off as the slice', "@off $slice");
	ok(!grep({ exists $_->{whole_predicted} } @{$doc->{terms}}), 'a model that ran whole is not scaled');
}
(undef, $out) = run('smollm2-135m-instruct --dummy --quant q8_0 --layers 3', '-p 8 -n 2 -r 1 -d 0 -np 1 -t 1 --no-calibration');
ok($out =~ /^term +measured +all 30 layers$/m && $out =~ /^weights +[\d.]+ MiB +[\d.]+ MiB$/m && !grep({ length > 80 } split /\n/, $out), 'a second table scales it to the whole', $out);
(undef, my $bench) = run('smollm2-135m-instruct --dummy --quant q8_0 --layers 3', '-p 8 -n 2 -r 1 -d 0 -np 1 -t 1 --no-calibration --bench-format llama-bench');
ok((eval { decode_json($bench) } // [{}])->[0]{model_type} =~ /, 3 of 30 layers$/, "llama-bench's rows say that it is a slice", $bench);
ok(-s "$tmp/slice.gguf" && ($s->{saved} // '') eq "$tmp/slice.gguf", 'written to a file');
my ($rcf, $loaded, $errf) = run("$tmp/slice.gguf", '-p 8 -n 2 -r 1 -d 0 -np 1 -t 1 --no-calibration --json');
my $l = eval { decode_json($loaded) } // {};
ok(abs((terms($l)->{weights_bytes}{predicted} // 0) / (terms($s)->{weights_bytes}{predicted} || 1) - 1) < 1e-3, 'which is loaded like any other, and is as large', "exit $rcf: $errf");

# in words: that it is a slice; that a GPU which is there took no part (a stand-in for its driver is found by the loader)
my ($nvml) = grep { -r } ($ENV{B} // 'build') . '/tests/fake/nvml.so';
if ($nvml && $^O eq 'linux') {
	symlink Cwd::abs_path($nvml), "$tmp/libnvidia-ml.so.1";
	local $ENV{LD_LIBRARY_PATH} = $tmp;
	my (undef, $said) = run('smollm2-135m-instruct --dummy --quant q8_0 --layers 3', '-p 8 -n 2 -r 1 -d 0 -np 1 -t 1 --no-calibration');
	ok($said =~ /^note: a slice, 3 of 30 layers/m && $said =~ /^term .* all 30 layers/m, 'the text says that it is a slice', $said);
	ok($said =~ /^note: .* has no backend in this version: everything ran\s+on\s+the\s+CPU/m, 'and that the GPU took no part', $said);
} else {
	print 'ok ', ++$n, " - notes # SKIP no fake driver (make tests)\n";
}
($rcs, $slice, $errs) = run('ministral-3-3b --dummy --layers 1', '-p 4 -n 1 -r 1 -d 0 -np 1 --no-calibration --json');
$s = eval { decode_json($slice) } // {};
ok($rcs <= 1 && ($s->{prediction}{settings}{quant} // '') eq 'Q8_0', 'a model released in FP8 is made up in a format that there are kernels for', "exit $rcs: $errs");

my $pid = fork;
if (!$pid) {
	open STDOUT, '>', "$tmp/int_out";
	open STDERR, '>', "$tmp/int_err";
	exec split(' ', $prog), 'verify', split(' ', $what), '--no-calibration', '-t', '1', '-n', '2000' or exit 9;
}
select undef, undef, undef, 1;
kill INT => $pid;
waitpid $pid, 0;
ok(($? >> 8) == 130 && -z "$tmp/int_out" && slurp("$tmp/int_err") =~ /interrupted/, 'an interrupt ends it cleanly: no result, exit 130', "status $?: " . slurp("$tmp/int_err"));
print "1..$n\n";
exit($bad != 0);
