#!/usr/bin/perl
# fit.t - ullage fit: the same numbers as estimate, ranked and filtered as promised, readable at any width
use strict;
use warnings;
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; }
sub run { my $out = `$prog @_ 2>&1`; return ($out, $? >> 8); }
sub json { my ($out) = run(@_, '--json'); return decode_json($out); }
my $canon = JSON::PP->new->canonical;

# one answer for both commands, wholly on cards, offloaded, on unlike cards, under another engine and other settings
for my $case ("--on 'rtx-4090 + 64GB ddr5-5600'", "--on '5090 + 3090' -c 32768 --kv-type q8_0", "--on m4-max-64gb", "--on rtx-3060-12gb --ram 32GB --quant Q4_K_M -np 2", "--on dgx-h100 --engine vllm") {
	my $fit = json("fit $case");
	my @all = @{$fit->{results}};
	my ($same, $tried) = (0, 0);
	for (my $i = 0; $i < @all; $i += 9) {
		my $one = json("estimate $all[$i]{model}{id} $case");
		$tried++;
		$same++ if $canon->encode({ map { $_ => $all[$i]{$_} } keys %$one }) eq $canon->encode({ %$one, tool => $all[$i]{tool}, schema_version => $all[$i]{schema_version} });
	}
	ok($tried > 3 && $same == $tried, "fit and estimate agree to the byte, $same of $tried models: $case");
	my ($over) = grep { my $r = $_; grep { $_->{total_bytes} > $_->{budget_bytes} } @{$r->{memory}{per_device}} } @all;
	ok(!$over, "no row exceeds a device: $case" . ($over ? ": $over->{model}{id}" : ''));
	ok(@all + @{$fit->{rejected}} == $fit->{counts}{fit} + $fit->{counts}{rejected} && $fit->{counts}{fit} == @all, "counts add up: $case");
	ok(!(grep { !length($_->{reason} // '') } @{$fit->{rejected}}), "every rejection has its reason: $case");
}

# the order: whole before offloaded, fast enough before slow, then the most parameters
{
	my @all = @{json("fit --on 'rtx-4090 + 64GB ddr5-5600'")->{results}};
	my @rank = map { my $d = $_->{speed}{decode_tokens_per_s}; ($_->{verdict} eq 'fits' ? 0 : 2) + ($d && $d->{value} < 5 ? 1 : 0) } @all;
	my $sorted = 1;
	for (1 .. $#all) {
		$sorted = 0 if $rank[$_] < $rank[$_ - 1] || ($rank[$_] == $rank[$_ - 1] && $all[$_]{model}{params_total} > $all[$_ - 1]{model}{params_total});
	}
	ok($sorted, 'ranked: whole, fast enough, parameters');
	ok((grep { $_ == 2 || $_ == 3 } @rank) > 5, 'some fit only offloaded');
	my @moe = grep { $_->{settings}{cpu_moe_layers} } @all;
	ok(@moe > 3, scalar(@moe) . ' mixtures keep experts in host memory');
	ok(!(grep { $_->{settings}{n_gpu_layers} != $_->{settings}{gpu_layers} + 1 && $_->{settings}{n_gpu_layers} } @all), '-ngl counts the output');
}

# more memory is never worse: what fits on 12 GB fits on 24 GB, at no worse a quantisation
{
	my @ladder = ('as released', qw(Q8_0 Q6_K Q5_K_M Q4_K_M IQ4_XS Q3_K_M IQ3_XXS Q2_K));
	my %step = map { $ladder[$_] => $_ } 0 .. $#ladder;
	my %large = map { $_->{model}{id} => $_ } @{json('fit --on rtx-4090')->{results}};
	my @small = @{json('fit --on rtx-3060-12gb')->{results}};
	my @worse = grep { my $l = $large{$_->{model}{id}}; !$l || $l->{verdict} ne 'fits' || ($step{$l->{settings}{quant}} // 0) > ($step{$_->{settings}{quant}} // 0) ||
		$l->{max_context_tokens} + 0 < 0 } @small;
	ok(@small > 20 && !@worse, scalar(@small) . ' models of a 12 GB card are no worse off on 24 GB' . (@worse ? ": $worse[0]{model}{id}" : ''));
}

# filters
{
	my $image = json('fit --on rtx-4090 --modality image');
	ok(@{$image->{results}} > 5 && @{$image->{results}} < 120, 'modality image: ' . @{$image->{results}} . ' models');
	my $q = json('fit --on rtx-4090 --max-quant Q4_K_M');
	my %seen = map { $_->{settings}{quant} => 1 } @{$q->{results}};
	ok(!$seen{Q8_0} && !$seen{Q6_K} && !$seen{Q5_K_M} && $seen{Q4_K_M}, '--max-quant Q4_K_M: ' . join ' ', sort keys %seen);
	my $fast = json('fit --on rtx-4090 --min-tps 60');
	ok(@{$fast->{results}} > 3 && !(grep { ($_->{speed}{decode_tokens_per_s} // { value => 60 })->{value} < 60 } @{$fast->{results}}), '--min-tps 60 leaves out slower ones');
	ok((grep { $_->{reason} =~ /less than the 60/ } @{$fast->{rejected}}) > 3, '... and says so');
	my $family = json("fit --on rtx-4090 --family 'Gemma 3'");
	ok(@{$family->{results}} >= 3 && !(grep { $_->{model}{id} !~ /gemma/ } @{$family->{results}}), '--family');
	for ([ "--family 'Gema 3'", 3, qr/did you mean.*Gemma 3/i ], [ '--modality smell', 3, qr/no model/ ], [ '--sort colour', 2, qr/no such column/ ], [ '--min-tps 0', 2, qr/above 0/ ],
	     [ '--max-quant Q9_Z', 3, qr/Q9_Z/ ], [ '--quant Q8_0 --max-quant Q4_K_M', 2, qr/exclude/ ], [ '--ram 64', 2, qr/64GB/ ], [ '--engine vllm -ngl 10', 2, qr/keeps every layer/ ],
	     [ '-sm row', 2, qr/layer, tensor or none/ ], [ '-sm tensor', 3, qr/not known/ ], [ '-ncmoe 4 --family Mixtral', 2, qr/experts of 4 layers.*--ram/s ], [ '--min-tps 1000000', 1, qr/No model/ ]) {
		my ($args, $status, $re) = @$_;
		my ($out, $rc) = run("fit --on rtx-4090 $args");
		ok($rc == $status && $out =~ $re, "fit $args: exit $rc: " . (split /\n/, $out)[0]);
	}
	for my $by ([ memory => sub { $_[0]{memory}{total_bytes} + $_[0]{memory}{host_bytes} } ], [ left => sub { $_[0]{memory}{headroom_bytes} } ], [ context => sub { $_[0]{max_context_tokens} } ],
		    [ decode => sub { ($_[0]{speed}{decode_tokens_per_s} // { value => -1 })->{value} } ], [ prefill => sub { ($_[0]{speed}{prefill_tokens_per_s} // { value => -1 })->{value} } ]) {
		my @v = map { $by->[1]->($_) } @{json("fit --on 'rtx-4090 + 64GB' --sort $by->[0]")->{results}};
		ok(@v > 50 && !(grep { $v[$_] > $v[$_ - 1] } 1 .. $#v), "--sort $by->[0]");
	}
}

# on paper
sub columns { my $s = shift; utf8::decode($s); return length $s; }
for my $width (80, 100, 112, 136, 160, 200) {
	for my $locale ('C.UTF-8', 'C') {
		local $ENV{COLUMNS} = $width;
		local $ENV{LC_ALL} = $locale;
		my ($out) = run("fit --on 'rtx-4090 + 64GB ddr5-5600'");
		my @long = grep { columns($_) > $width && !/^Next: / } split /\n/, $out;
		ok(!@long, "$width columns, $locale: no line is longer" . (@long ? ": $long[0]" : ''));
		ok($out =~ /wholly on the card/ && $out =~ /^Next: ullage estimate \S+ --on/m && $out =~ /Assumed: 8k tokens/, '... sections, what was assumed, what to type next');
		ok($locale eq 'C' ? $out !~ /[^\x00-\x7f\xe2\x80\xa6]/ : 1, '... ASCII where the locale is') if $width == 160;
		ok(($width >= 136) == ($out =~ /[#\xe2]{1}/ && $out =~ /(?:####|\xe2\x96\x88\xe2\x96\x88)/ ? 1 : 0), '... a bar of memory where there is room');
	}
}
{
	my ($offloaded) = run("fit --on 'rtx-3060-12gb + 64GB ddr5-5600' -n 200");
	ok(scalar($offloaded =~ /^offloaded: experts or layers in host memory$/m), 'offloaded rows stand under their own heading');
	my ($colour) = run('fit --on rtx-4090 --color always -n 3');
	my ($plain) = run('fit --on rtx-4090 --color never -n 3');
	ok($colour =~ /\e\[32m/ && $plain !~ /\e/, 'colour only when asked for');
	(my $bare = $colour) =~ s/\e\[\d*m//g;
	ok($bare eq $plain, 'without the colour it is the same text');
	my ($again) = run("fit --on 'rtx-4090 + 64GB' -ngl 10 --swa-full -n 1");
	ok($again =~ /^Next: .* -ngl 10 --swa-full/m, 'the next command repeats what changes the answer');
	my $unknown = json("fit --on 'rtx-4090 + 64GB' --min-tps 20");
	ok(!(grep { !$_->{speed}{decode_tokens_per_s} } @{$unknown->{results}}) && (grep { $_->{reason} =~ /unknown/ } @{$unknown->{rejected}}), 'a speed that nobody knows does not reach --min-tps, and the reason says so');
	my ($tight) = run("fit --on rtx-4090");
	my @marked = $tight =~ /^\S+ +\S+ +[\d.]+ +(!?)([\d.]+) /mg;
	my $wrong = 0;
	for (my $i = 0; $i < @marked; $i += 2) { $wrong++ if ($marked[$i] eq '!') != ($marked[$i + 1] < 1); }
	ok(@marked >= 40 && !$wrong && $tight =~ /^! less than 1 GiB/m, 'rows with less than 1 GiB left are marked, and the mark explained');
	my ($one) = run("fit --on 'rtx-4090' --ram 32GB -c 16k --kv-type q8_0 -n 1");
	my ($next) = $one =~ /^Next: ullage (.*)$/m;
	my ($out, $rc) = run($next);
	ok($rc == 0 && $out =~ /16k tokens of context/ && $out =~ /q8_0/, "the next command can be typed as it is: $next");
}
{
	my ($here) = run('fit --max-params 1B -n 5 --no-calibration');
	my ($there) = run('fit --max-params 1B -n 5 --on rtx-4090');
	ok($there !~ /^Try: /m, 'what runs elsewhere cannot be tried');
	if (my ($try) = $here =~ /^Try:  ullage (verify --dummy \S+ --quant \S+)$/m) {
		my ($out, $rc) = run("$try --layers 1 -p 1 -n 1 -r 1 -d 0 -np 1 --no-calibration --csv");
		ok($rc <= 1 && $out =~ /^weights_bytes,,\d+/m, "what can be tried here runs: $try");
	} else {
		print 'ok ', ++$n, " - a model to try # SKIP this machine has a GPU, or no memory free\n";
	}
}
# every recorded machine has an answer; one that lost a card has an error
for my $dir (sort glob 'tests/machines/*') {
	my ($out, $rc) = run("fit --on $dir --json -n 4");
	my $doc = eval { decode_json($out) };
	my ($name) = $dir =~ m{([^/]+)$};
	if ($name eq 'lost-gpu') {
		ok($rc == 4 && $doc && $doc->{error}{code} eq 'no_device', "$name: exit $rc, $doc->{error}{message}");
	} else {
		ok($rc == 0 && $doc && @{$doc->{results}} == 4 && !(grep { $_->{memory}{headroom_bytes} < 0 } @{$doc->{results}}), "$name: fit answers" . ($rc == 0 ? '' : ": $out"));
	}
}
{
	my $busy = json('fit --on tests/machines/desktop-busy')->{if_closed};
	ok($busy->{freed_bytes} == 6174015488 + 2147483648 + 734003200 && @{$busy->{models}} > 2, 'closing what others hold would free ' . $busy->{freed_bytes} . ' bytes, for ' . @{$busy->{models}} . ' more models');
	ok(!defined json('fit --on tests/machines/desktop-2x-rtx-4090')->{if_closed}, 'where nothing is held nothing is said');
	my ($text) = run('fit --on tests/machines/desktop-busy -n 2');
	ok($text =~ /^Closing ollama_llama_server 5.75 GiB/m, '... in words');
}
# what is offered holds under the user's own shares, cache types and importance matrix: each is fed back through the command line
for my $case ("--on '2x RTX 4090' -ts 3,1 -c 20000", "--on '2x RTX 4090' -ts 3,1 -c 64k -np 4", "--on 'rtx-4090 + rtx-2060-6gb' -ctk q8_0 -c 64k --quant Q8_0", "--on 'rtx-4090 + rtx-2060-6gb' --imatrix off -c 96k",
	"--on 'rtx-4090 + 64GB' -ncmoe 4 -c 48k") {
	my ($tried, $lies) = (0, 0);
	my @wrong;
	for my $model (qw(glm-z1-rumination-32b-0414 llama-2-13b qwen3-30b-a3b llama-3.1-8b-instruct gemma-3-27b)) {
		my $e = json("estimate $model $case");
		next if !$e->{memory};
		# written after the question's own options: the last of one option counts
		for my $change (($e->{max_context_tokens} && $e->{verdict} ne 'does_not_fit' ? "-c $e->{max_context_tokens} --quant '$e->{settings}{quant}'" : ()),
			map { ($_->{change} =~ /--quant/ ? '' : "--quant '$e->{settings}{quant}' ") . $_->{change} } @{$e->{relaxations}}) {
			my $with = json("estimate $model $case $change");
			$tried++;
			push @wrong, "$model $case $change: " . ($with->{verdict} // $with->{error}{message}) if ($with->{verdict} // '') !~ ($change =~ /--ram/ || $e->{verdict} eq 'fits_offloaded' ? qr/^fits/ : qr/^fits$/);
		}
	}
	ok($tried >= 4 && !@wrong, "$tried offers hold: $case" . (@wrong ? ": $wrong[0]" : ''));
}
{
	my $of = json("estimate llama-3.3-70b-instruct --on 'rtx-4090 + rtx-2060-6gb' --imatrix off");
	my $same = json("estimate llama-3.3-70b-instruct --on 'rtx-4090 + rtx-2060-6gb' --imatrix off --quant '$of->{settings}{quant}'");
	ok(!$of->{settings}{imatrix} && $of->{memory}{weights_bytes} == $same->{memory}{weights_bytes}, '--imatrix off holds for the recipe that is chosen');
	my $bare = json("estimate llama-3.1-8b-instruct --on 'rtx-4090 + 32GB' --quant bf16 -c 128k -ncmoe 4");
	ok($bare->{verdict} eq 'fits_offloaded' && !$bare->{settings}{cpu_moe_layers}, 'a dense model has no experts to keep on the host');
	my $empty = json("estimate llama-3.1-8b-instruct --on 'rtx-4090 + rtx-2060-6gb' -c 32k -ub 16384 --quant Q4_K_M -ts 1,0");
	ok($empty->{verdict} eq 'fits' && $empty->{memory}{per_device}[1]{total_bytes} == 0, 'a card without a layer computes nothing');
	my ($out, $rc) = run("estimate llama-3.1-8b-instruct --on '2x RTX 4090' -ts 0,0,1");
	ok($rc == 2 && $out =~ /-ts: none of the shares/, "shares of cards that are not there: $out");
	($out, $rc) = run("estimate llama-3.1-8b-instruct --on gb200-nvl72 -q");
	ok($rc == 0 && $out =~ /all 72/, 'a rack of 72');
	my $dense = json('fit --on rtx-4090 -ncmoe 3');
	ok(@{$dense->{results}} > 50 && (grep { $_->{reason} =~ /experts of 3 layers/ } @{$dense->{rejected}}) > 20, 'what cannot be said of mixtures is said of dense models');
	($out, $rc) = run('fit --on rtx-4090 --min-tps 100000');
	ok($rc == 1 && $out =~ /^Next: ullage (fit --on "rtx-4090" --min-tps \d+)/m && (run("$1 -n 1"))[1] == 0, 'too fast a wish: the next command has an answer');
	($out, $rc) = run("estimate shisa-v2-llama3.1-8b --on 'rtx-2060-6gb + 16GB' --engine none -c 8200 -np 3 -q");
	ok($out =~ /longest context that fits is 8200/, 'a context that fits is not longer than the longest');
}
# finetunes that only measurements name: counted, and shown on demand
{
	my $few = eval { decode_json(scalar `$prog fit --on rtx-4090 --json -n 1000`) } // {};
	my $all = eval { decode_json(scalar `$prog fit --on rtx-4090 --json -n 1000 --all`) } // {};
	my $n_few = @{$few->{results}} + @{$few->{rejected}};
	my $n_all = @{$all->{results}} + @{$all->{rejected}};
	my ($left) = map { $_->{finetunes_left_out} } grep { defined $_->{finetunes_left_out} } $few, values %{{ map { $_ => $few->{$_} } grep { ref $few->{$_} eq 'HASH' } keys %$few }};
	ok(defined $left && $left > 40 && $n_all == $n_few + $left, "fit --all: $n_all models, $left more than without");
	ok(!grep({ $_->{model}{id} eq 'bigbang-v1' } @{$few->{results}}) && grep({ $_->{model}{id} eq 'bigbang-v1' } @{$all->{results}}), 'a finetune without a use case');
	ok(grep({ $_->{model}{id} eq 'deepseek-r1-distill-qwen-32b' } @{$few->{results}}), 'one that people ask for is there');
	(my $table = `$prog fit --on rtx-4090`) =~ s/\s+/ /g;
	ok($table =~ / $left finetunes of these are left out \(--all\)/, 'the table says so');
}
print "1..$n\n";
exit($bad != 0);
