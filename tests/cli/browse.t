#!/usr/bin/perl
# browse.t - the catalogue browsed: filters, columns, order, CSV and JSON; one model and one machine in full; drafts of new entries
use strict;
use warnings;
use JSON::PP;
use File::Temp qw(tempdir);

my $prog = $ENV{PROG} // 'build/ullage';
my $tmp = tempdir(CLEANUP => 1);
my ($n, $bad) = (0, 0);
sub ok($$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; return $pass; }
sub run { my $out = `COLUMNS=80 $prog @_ 2>&1`; return ($out, $? >> 8); }
sub json { my ($out) = run(@_, '--json'); return eval { decode_json($out) } // {}; }
sub ids { return map { $_->{id} } @{$_[0]}; }
sub same { return join(' ', sort @{$_[0]}) eq join(' ', sort @{$_[1]}); }
# RFC 4180: rows of cells; undef when a quote is out of place
sub csv {
	my ($text) = @_;
	my (@rows, @row);
	while (length $text) {
		my $cell;
		if ($text =~ s/\A"((?:[^"]|"")*)"//) { ($cell = $1) =~ s/""/"/g; }
		elsif ($text =~ s/\A([^",\r\n]*)//) { $cell = $1; }
		push @row, $cell;
		if ($text =~ s/\A,//) { next; }
		if ($text =~ s/\A\r?\n//) { push @rows, [@row]; @row = (); next; }
		return undef;
	}
	return \@rows;
}

# what the filters must give, worked out here from the whole list
my @all = @{json('models --status all')->{models}};
my @open = grep { $_->{status} eq 'open_weights' } @all;
ok(@open > 150 && @all > @open, scalar(@all) . ' entries, ' . @open . ' with weights');
ok(same([ids(json('models')->{models})], [ids(\@open)]), 'by default the list is what can be had');
for my $s (qw(announced does_not_exist)) {
	ok(same([ids(json("models --status $s")->{models})], [ids([grep { $_->{status} eq $s } @all])]), "--status $s");
}
sub fold { my $x = lc($_[0] // ''); $x =~ s/[\s_\-\/:.]+/-/g; return $x; }
for my $case (
	[ "--vendor meta", sub { fold($_[0]{vendor}) =~ /^meta\b/ } ],
	[ "--vendor 'Mistral AI'", sub { ($_[0]{vendor} // '') eq 'Mistral AI' } ],
	[ '--origin fr', sub { ($_[0]{country} // '') eq 'FR' } ],
	[ '--licence MIT', sub { ($_[0]{licence} // '') eq 'mit' } ],
	[ "--family 'qwen3'", sub { fold($_[0]{family}) =~ /^qwen3(-|$)/ } ],
	[ '--modality image', sub { grep { $_ eq 'image' } @{$_[0]{modalities} // []} } ],
	[ '--use coding', sub { grep { $_ eq 'coding' } @{$_[0]{use_cases} // []} } ],
	[ '--use-case coding --moe', sub { ($_[0]{type} // '') eq 'moe' && grep { $_ eq 'coding' } @{$_[0]{use_cases} // []} } ],
	[ '--moe', sub { ($_[0]{type} // '') eq 'moe' } ],
	[ '--dense', sub { ($_[0]{type} // '') eq 'dense' } ],
	[ '--min-params 70B', sub { ($_[0]{params_total} // 0) >= 70e9 } ],
	[ '--max-params 1.5B', sub { defined $_[0]{params_total} && $_[0]{params_total} <= 1.5e9 } ],
	[ '--min-params 7b --max-params 9000M', sub { ($_[0]{params_total} // 0) >= 7e9 && $_[0]{params_total} <= 9e9 } ],
	[ '--min-context 256k', sub { ($_[0]{context_max} // 0) >= 262144 } ],
	[ '--released-after 2026', sub { ($_[0]{released} // '') ge '2026' } ],
	[ '--released-before 2024', sub { defined $_[0]{released} && $_[0]{released} lt '2024' } ],
	[ '--released-after 2025-07-01 --released-before 2025-10', sub { my $r = $_[0]{released} // ''; ($r ge '2025-07-01' || $r eq '2025-07' || $r eq '2025') && $r lt '2025-10' } ],
	[ '--engine-runs vllm', sub { grep { $_ eq 'vllm' } @{$_[0]{engines} // []} } ],
	[ 'gemma it', sub { $_[0]{id} =~ /gemma/ && "$_[0]{id} $_[0]{name}" =~ /it/ } ],
) {
	my ($args, $wanted) = @$case;
	my @want = ids([grep { $wanted->($_) } @open]);
	my @got = ids(json("models $args")->{models});
	# words match aliases and repositories too
	my $pass = $args =~ /^gemma/ ? @got >= @want && !(grep { my $w = $_; !grep { $_ eq $w } @got } @want) : same(\@got, \@want);
	ok($pass && @want, "models $args: " . @got . ' of ' . @want);
}

# what fits is what fit says
for my $case ("'rtx-4090 + 64GB ddr5-5600'", 'rtx-3060-12gb --quant Q4_K_M -c 16k', 'dgx-h100 --engine vllm --moe', 'mi355x --origin FR --engine-runs vllm --min-context 64k --released-after 2024-06') {
	my %fit = map { $_->{model}{id} => $_ } @{json("fit --all --on $case")->{results}};
	my @rows = @{json("models --fits-on $case --columns id,quant,memory,left")->{models}};
	my @differ = grep { my $f = $fit{$_->{id}}; !$f || $f->{settings}{quant} ne $_->{quant} || $f->{memory}{headroom_bytes} != $_->{headroom_bytes} } @rows;
	ok(@rows > 3 && keys %fit == @rows && !@differ, "models --fits-on $case: " . @rows . ' rows, the same as fit');
}

# order
for my $case ([ 'params', 'params_total', 1 ], [ '-params', 'params_total', -1 ], [ 'context', 'context_max', 1 ], [ '-kv', 'kv_bytes_per_1k_tokens', -1 ]) {
	my ($sort, $key, $way) = @$case;
	my @v = map { $_->{$key} } @{json("models --sort=$sort")->{models}};
	my @known = grep { defined } @v;
	ok(@known > 100 && !(grep { ($known[$_] - $known[$_ - 1]) * $way < 0 } 1 .. $#known) && !(grep { !defined $v[$_] } 0 .. $#known), "--sort $sort, unknown last");
}
{
	my @v = grep { defined } map { $_->{released} } @{json('models --sort released')->{models}};
	ok(@v > 100 && !(grep { $v[$_] gt $v[$_ - 1] } 1 .. $#v), '--sort released: the newest first');
	my @id = ids(json('models -n 7')->{models});
	ok(@id == 7 && join(' ', @id) eq join(' ', sort @id), '-n 7, by id');
}

# CSV
{
	mkdir "$tmp/ullage" and mkdir "$tmp/ullage/models.d" or die;
	my $yaml = do { local (@ARGV, $/) = 'models.d/phi-4.yaml'; <> };
	$yaml =~ s/^id: .*/id: odd-name/m;
	$yaml =~ s/^name: .*/name: "Phi, the \\"odd\\" one"/m;
	$yaml =~ s/^aliases: .*/aliases: []/m;
	$yaml =~ s/^repos: .*/repos: {}/m;
	open my $f, '>', "$tmp/ullage/models.d/odd-name.yaml" or die;
	print $f $yaml;
	close $f;
	my $rows = csv(scalar `XDG_CONFIG_HOME=$tmp $prog models --csv`);
	ok($rows && @$rows == @open + 2 && !(grep { @$_ != @{$rows->[0]} } @$rows), 'CSV: every row has the cells of the header');
	my ($odd) = grep { $_->[0] eq 'odd-name' } @{$rows // []};
	ok($odd && $odd->[1] eq 'Phi, the "odd" one', 'CSV: quotes and commas come back');
	ok(join(',', @{$rows->[0]}[0 .. 10]) eq 'id,name,family,vendor,licence,released,params_total,params_active,params_mtp,context_max,kv_bytes_per_1k_tokens', 'CSV: the header');
	my ($out) = run('models phi-4 --csv --columns params,id,modalities');
	ok($out =~ /\Aparams_total,id,modalities\n14659507200,phi-4,text\n/, 'CSV: columns in the order asked for');
	$rows = csv((run('hardware list --csv'))[0]);
	ok($rows && @$rows > 150 && !(grep { @$_ != @{$rows->[0]} } @$rows), 'CSV of machines');
}

# names and values that do not exist
for ([ 'models gema', 3, qr/did you mean: gemma/ ], [ 'models --family Gemm', 3, qr/did you mean.*Gemma/ ], [ 'models --vendor Nvidea', 3, qr/did you mean.*NVIDIA/ ],
     [ 'models --origin XX', 3, qr/no model.*there is: /s ], [ 'models --status opened', 2, qr/open_weights/ ], [ 'models --columns id,parms', 2, qr/params/ ],
     [ 'models --sort size', 2, qr/no column size/ ], [ 'models --min-params many', 2, qr/7B/ ], [ 'models --released-after yesterday', 2, qr/YYYY-MM-DD/ ],
     [ 'models --released-after 2025-13', 2, qr/YYYY-MM-DD/ ], [ 'models --moe --dense', 2, qr/exclude/ ], [ 'models --min-params 10B --max-params 5B', 2, qr/above/ ],
     [ 'models --min-params 900T', 1, qr/No model/ ], [ 'models --quant Q8_0', 2, qr/--fits-on/ ], [ 'models --id x', 2, qr/--add/ ], [ 'models --fits-on rtx-4091', 3, qr/rtx-4090/ ],
     [ 'show gpt-os-120b', 3, qr/did you mean.*gpt-oss-120b/ ], [ 'hardware list --kind gpus', 2, qr/gpu/ ], [ 'hardware list --vendor nvidea', 2, qr/nvidia/ ],
     [ 'hardware list --status gone', 2, qr/never_sold/ ], [ 'hardware list rtx-4091', 3, qr/rtx-4090/ ], [ 'hardware list --min-memory 900TB', 1, qr/No machine/ ],
     [ 'hardware --vendor amd', 2, qr/hardware list/ ], [ 'hardware show rtx-4091', 3, qr/rtx-4090/ ]) {
	my ($args, $status, $says) = @$_;
	my ($out, $rc) = run($args);
	ok($rc == $status && $out =~ $says, "$args: exit $rc: " . (split /\n/, $out)[0]) or print "# $out";
}
ok((grep { $_ eq 'gpt-oss-120b' } @{json('show gpt-os-120b')->{error}{candidates} // []}), 'near matches are in the error document');
ok(!@{json('models --min-params 900T')->{models} // [1]}, 'nothing found is an empty list in JSON');

# what does not exist
{
	my ($out, $rc) = run('models gemma-4-9b');
	ok($rc == 0 && $out =~ /does_not_exist/ && $out =~ /there is: gemma-4/ && $out !~ /\?/, 'a query for what does not exist: why, and what there is');
	for my $e (grep { $_->{status} ne 'open_weights' } @all) {
		my $d = json("show $e->{id}");
		ok($d->{model}{status} eq $e->{status} && ($d->{model}{why} // '') ne '' && ref $d->{model}{instead} eq 'ARRAY' && !defined $d->{kv_cache} == !defined $d->{model}{params_total},
			"show $e->{id}: $e->{status}");
	}
}

# readable: no line is wider than the terminal
for my $args ('models', 'models --status all', 'models --fits-on rtx-4090', 'hardware list', 'show deepseek-v3.2', 'hardware show rtx-4090') {
	for my $w (80, 100, 120, 160) {
		my $out = `COLUMNS=$w LC_ALL=C.UTF-8 $prog $args`;
		utf8::decode($out);
		my @long = grep { length > $w && !/^ *\d+ x / } split /\n/, $out;
		ok(!@long, "$args in $w columns" . (@long ? ": $long[0]" : ''));
	}
}

# show: the same numbers as estimate
for my $id (qw(llama-3.1-8b-instruct gpt-oss-120b deepseek-v3 gemma-3-27b-it qwen3-30b-a3b llama-4-scout qwen3-next-80b-a3b-instruct)) {
	my $s = json("show $id");
	my ($size) = grep { $_->{quant} eq 'Q4_K_M' } @{$s->{sizes}};
	my $e = json("estimate $id --on mi355x --engine none --quant Q4_K_M -c 1m");
	ok($size && $size->{on_ladder} && $e->{memory}{weights_bytes} == $size->{weights_bytes} && $e->{memory}{file_bytes} == $size->{file_bytes}, "show $id: bytes of Q4_K_M as estimate has them");
	for my $type (qw(f16 q8_0 q4_0)) {
		my ($kv) = grep { $_->{kv_type} eq $type } @{$s->{kv_per_1k_tokens}};
		my $at = json("estimate $id --on mi355x --engine none --quant Q4_K_M -c 1m --kv-type $type")->{memory}{kv_cache_bytes} // 0;
		# estimate shares out cache and recurrent state in proportion, rounded to bytes
		ok($kv && abs($kv->{bytes} * 1024 + $kv->{windows_bytes} - $at) <= ($id =~ /next/ ? 64 : 0), "show $id: KV per 1k tokens in $type, and windows");
	}
	my $layers = 0;
	$layers += $_->{layers} for @{$s->{layer_kinds}};
	ok($layers == $s->{model}{layers}, "show $id: layer kinds add up");
	my %key = map { $_->{key} => 1 } @{$s->{sources}};
	ok(keys %key && !(grep { my $k = $_; grep { grep { !$key{$_->{source} // ''} && !$s->{model}{same_shapes_as} } @$_ } @{$k->{branches}} } @{$s->{layer_kinds}}), "show $id: every part has its source");
}
{
	my %key;
	my $first = json('show qwen3-8b');
	my @keys = sort keys %$first;
	my $differ = 0;
	for (my $i = 0; $i < @all; $i += 11) {
		$differ++ unless join(' ', sort keys %{json("show $all[$i]{id}")}) eq join(' ', @keys);
	}
	ok(!$differ, 'show --json: the same keys for every model');
}

# machines
{
	my @hw = @{json('hardware list --status all')->{hardware}};
	my @sold = grep { $_->{status} eq 'sold' } @hw;
	ok(same([ids(json('hardware list')->{hardware})], [ids(\@sold)]), 'hardware list: what is sold');
	for ([ '--vendor apple', sub { $_[0]{vendor} eq 'apple' } ], [ '--kind node', sub { $_[0]{kind} eq 'node' } ], [ '--min-memory 80GB', sub { ($_[0]{memory_usable_bytes} // 0) >= 80e9 } ],
	     [ '--kind gpu --vendor amd', sub { $_[0]{kind} eq 'gpu' && $_[0]{vendor} eq 'amd' } ]) {
		my ($args, $wanted) = @$_;
		my @want = ids([grep { $wanted->($_) } @sold]);
		ok(@want && same([ids(json("hardware list $args")->{hardware})], \@want), "hardware list $args: " . @want);
	}
	my @v = grep { defined } map { $_->{bandwidth_bytes_per_s} } @{json('hardware list --sort=-bandwidth')->{hardware}};
	ok(@v > 50 && !(grep { $v[$_] > $v[$_ - 1] } 1 .. $#v), 'hardware list --sort -bandwidth');
	ok(!(grep { $_->{id} !~ /4090/ } @{json('hardware list 4090')->{hardware}}), 'hardware list 4090');
	my ($bad, $tried) = ('', 0);
	for (my $i = 0; $i < @hw; $i += 5) {
		my $d = json("hardware show $hw[$i]{id}")->{hardware};
		$tried++;
		$bad ||= $hw[$i]{id} unless $d && ref $d->{sources} eq 'ARRAY' && ($d->{status} // '') eq $hw[$i]{status};
		# exact bytes, and where they are from
		for my $p (@{$d->{pools} // []}) {
			$bad ||= "$hw[$i]{id}: no source" if $d->{kind} ne 'node' && defined $p->{memory_total_bytes} && !defined $p->{memory_total_source};
		}
	}
	ok(!$bad, "hardware show of $tried entries: pools with sources" . ($bad ? ": $bad" : ''));
	my $card = json('hardware show rtx-4090')->{hardware};
	ok($card->{pools}[0]{memory_total_bytes} == 25757220864 && $card->{pools}[0]{memory_total_source} eq 'smi' && $card->{devices}[0]{tdp_w} == 450 &&
		$card->{devices}[0]{compute_capability} == 8.9 && (grep { $_ eq '10de:2684' } @{$card->{pci_ids}}), 'hardware show rtx-4090: bytes, source, power, PCI id');
	my ($out, $rc) = run('hardware show m4-ultra');
	ok($rc == 0 && $out =~ /never sold/ && $out =~ /instead +m3-ultra/, 'hardware show m4-ultra: never sold, and what was');
	($out, $rc) = run('hardware list m4-ultra');
	ok($rc == 0 && $out =~ /never_sold/ && $out =~ /there is: m3-ultra/, 'hardware list m4-ultra says so too');
	$card = json('hardware show m4-max')->{hardware};
	ok(@{$card->{variants}} >= 4 && !@{$card->{pools}}, 'hardware show m4-max: its variants');
	my $mac = json('hardware show m4-max-64gb')->{hardware};
	ok($mac->{pools}[0]{memory_usable_bytes} == 53084 * 1048576 && $mac->{pools}[0]{memory_usable_source} eq 'log', 'hardware show m4-max-64gb: what its GPU may take, and who says so');
}

# drafts: what a file says comes back from the entry that is made of it
my $folder = "$tmp/ullage/models.d";
sub fill_in {
	my ($path, %figure) = @_;
	my $yaml = do { local (@ARGV, $/) = $path; <> };
	my $left = () = $yaml =~ /# FILL IN: /g;
	$yaml =~ s/^family: unknown.*/family: Draft/m;
	$yaml =~ s/^vendor: .*/vendor: {name: Somebody, country: DE}/m;
	$yaml =~ s/^released: .*/released: 2026-01-31/m;
	$yaml =~ s/^licence: .*/licence: apache-2.0/m;
	$yaml =~ s/^repos: .*/repos: {weights: somebody\/$figure{id}}/m;
	$yaml =~ s/^# FILL IN: use_cases:.*/use_cases: [coding]/m;
	$yaml =~ s/^# FILL IN: languages:.*/languages: [en, de]/m;
	$yaml =~ s/^# FILL IN: engines:.*/engines: {llama.cpp: b5000, vllm: no, source: file}/m;
	$yaml =~ s/^# FILL IN: checks:.*/checks: {params_total: $figure{params_total}, params_active: $figure{params_active}, source: file}/m;
	open my $f, '>', $path or die;
	print $f $yaml;
	close $f;
	return $left;
}
sub draft {
	my ($file, $id) = @_;
	my $path = "$folder/$id.yaml";
	my ($out, $rc) = run("models --add $file --id $id -o $path");
	return $out if $rc;
	my ($checked, $valid) = run("models --check $path");
	return "as written: $checked" if $valid;
	my $said = json("inspect $file");
	my $left = fill_in($path, %{$said->{model}}, id => $id);
	return 'no FILL IN' if $left < 8;
	($checked, $valid) = run("models --check $path");
	return "filled in: $checked" if $valid;
	my $got = eval { decode_json(scalar `XDG_CONFIG_HOME=$tmp $prog show $id --json`) } // {};
	for my $k (qw(params_total params_active params_mtp layers context_max architecture)) {
		my ($a, $b) = ($said->{model}{$k} // 'unknown', $got->{model}{$k} // 'unknown');
		return "$k: $a became $b" if $a ne $b;
	}
	my ($kv) = grep { $_->{kv_type} eq 'f16' } @{$got->{kv_per_1k_tokens}};
	return "KV: $said->{memory}{kv_bytes_per_1k_tokens} became $kv->{bytes}" if $kv->{bytes} != $said->{memory}{kv_bytes_per_1k_tokens};
	return "KV of 8k: $said->{memory}{kv_cache_bytes} became $got->{kv_cache}{kv_cache_bytes}" if $got->{kv_cache}{kv_cache_bytes} != $said->{memory}{kv_cache_bytes};
	return "state: $said->{memory}{state_bytes} became $got->{kv_cache}{state_bytes}" if $got->{kv_cache}{state_bytes} != $said->{memory}{state_bytes};
	return 'the facts filled in are lost' unless $got->{model}{vendor} eq 'Somebody' && $got->{model}{licence} eq 'apache-2.0' && $got->{repos}{weights} eq "somebody/$id" &&
		$got->{engines}[0]{since} eq 'b5000';
	return '';
}
my @configs = map { "tests/configs/${_}_config.json" } qw(meta-llama--Llama-2-70b-hf meta-llama--Meta-Llama-3.1-8B mistralai--Mixtral-8x7B-v0.1 Qwen--Qwen3-30B-A3B openai--gpt-oss-120b
	deepseek-ai--DeepSeek-V3 deepseek-ai--DeepSeek-V3.2 deepseek-ai--DeepSeek-V4-Flash moonshotai--Kimi-K3 google--gemma-4-26B-A4B Qwen--Qwen3-Next-80B-A3B-Thinking
	Qwen--Qwen3.5-397B-A17B meta-llama--Llama-4-Scout-17B-16E-Instruct nvidia--NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 MiniMaxAI--MiniMax-M3 XiaomiMiMo--MiMo-V2-Flash
	zai-org--GLM-5.1 stepfun-ai--Step-3.7-Flash Qwen--Qwen3-VL-8B-Instruct nvidia--Llama-3_3-Nemotron-Super-49B-v1);
my $i = 0;
for my $c (@configs) {
	my $why = draft($c, 'draft-' . ++$i);
	(my $name = $c) =~ s{.*/|_config.json}{}g;
	ok($why eq '', "--add $name" . ($why eq '' ? ': the entry says what the file says' : ": $why"));
}
# the bytes of weights and compute buffers too, which every detail of a part enters
for my $k (5, 8, 10, 11, 14) {
	my @m = map { eval { decode_json(scalar `XDG_CONFIG_HOME=$tmp $prog estimate $_ --on gb300-nvl72 --quant Q4_K_M --json`)->{memory} } // {} } $configs[$k - 1], "draft-$k";
	delete $_->{file_bytes} for @m;
	my $canon = JSON::PP->new->canonical;
	ok(keys %{$m[0]} > 5 && $canon->encode($m[0]) eq $canon->encode($m[1]), "estimate of draft-$k as of its file");
}

# a GGUF header of two layers, written here: F32 tensors of a small llama
sub gguf {
	my ($path) = @_;
	my $str = sub { pack('Q<', length $_[0]) . $_[0] };
	my @kv;
	my $text = sub { push @kv, $str->($_[0]) . pack('L<', 8) . $str->($_[1]) };
	my $u32 = sub { push @kv, $str->($_[0]) . pack('L<L<', 4, $_[1]) };
	my $f32 = sub { push @kv, $str->($_[0]) . pack('L<', 6) . pack('f<', $_[1]) };
	$text->('general.architecture', 'llama');
	$text->('general.name', 'Tiny Draft');
	$text->('general.license', 'mit');
	$u32->('llama.block_count', 2);
	$u32->('llama.context_length', 4096);
	$u32->('llama.embedding_length', 64);
	$u32->('llama.feed_forward_length', 128);
	$u32->('llama.attention.head_count', 4);
	$u32->('llama.attention.head_count_kv', 2);
	$u32->('llama.vocab_size', 256);
	$f32->('llama.attention.layer_norm_rms_epsilon', 1e-5);
	$f32->('llama.rope.freq_base', 10000);
	my @t = (['token_embd.weight', 64, 256], ['output_norm.weight', 64], ['output.weight', 64, 256]);
	for my $l (0, 1) {
		push @t, map { ["blk.$l.$_->[0].weight", @$_[1 .. $#$_]] } ['attn_norm', 64], ['attn_q', 64, 64], ['attn_k', 64, 32], ['attn_v', 64, 32], ['attn_output', 64, 64], ['ffn_norm', 64],
			['ffn_gate', 64, 128], ['ffn_up', 64, 128], ['ffn_down', 128, 64];
	}
	my ($at, $dir) = (0, '');
	for my $t (@t) {
		my ($name, @ne) = @$t;
		my $bytes = 4;
		$bytes *= $_ for @ne;
		$dir .= $str->($name) . pack('L<', scalar @ne) . join('', map { pack 'Q<', $_ } @ne) . pack('L<Q<', 0, $at);
		$at += int(($bytes + 31) / 32) * 32;
	}
	my $head = 'GGUF' . pack('L<Q<Q<', 3, scalar @t, scalar @kv) . join('', @kv) . $dir;
	$head .= "\0" x (-length($head) % 32);
	open my $f, '>:raw', $path or die;
	print $f $head, "\0" x $at;
	close $f;
}
gguf("$tmp/tiny.gguf");
{
	my $why = draft("$tmp/tiny.gguf", 'draft-gguf');
	ok($why eq '', '--add of a GGUF file' . ($why eq '' ? '' : ": $why"));
	my ($out, $rc) = run("models --add $tmp/tiny.gguf");
	ok($rc == 0 && $out =~ /^id: tiny-draft$/m && $out =~ /^name: "Tiny Draft"/m && $out =~ /^licence: mit /m, '... with the name and licence it has inside');
	mkdir "$tmp/My_Model-2B";
	system('cp', 'tests/configs/Qwen--Qwen3-8B_config.json', "$tmp/My_Model-2B/config.json");
	($out, $rc) = run("models --add $tmp/My_Model-2B");
	ok($rc == 0 && $out =~ /^id: my-model-2b$/m, '--add of a folder: its name');
	($out, $rc) = run("models --add $tmp/My_Model-2B/config.json");
	ok($rc == 0 && $out =~ /^id: my-model-2b$/m, '--add of the config.json in it: the same name');
	($out, $rc) = run("models --add tests/configs/openai--gpt-oss-120b_config.json");
	ok($rc == 0 && $out =~ /^# note: gpt-oss-120b is the entry/m, '--add says when there is such an entry');
	my $before = -s "$folder/draft-1.yaml";
	($out, $rc) = run("models --add $configs[0] -o $folder/draft-1.yaml");
	ok($rc == 2 && $out =~ /not overwritten/ && -s "$folder/draft-1.yaml" == $before, '-o overwrites nothing');
	for ([ '--add /nonexistent/config.json', 3 ], [ '--add README.md', 3 ], [ "--add $configs[0] --id 'Bad Id'", 2 ], [ "--add $configs[0] --json", 2 ], [ "--add $configs[0] more", 2 ],
	     [ "--add $configs[0] --check", 2 ], [ "--add $configs[0] -o /nonexistent/x.yaml", 3 ], [ '--add phi-4', 3 ]) {
		my ($args, $status) = @$_;
		($out, $rc) = run("models $args");
		ok($rc == $status && $out =~ /^ullage: |"error"/, "models $args: exit $rc");
	}
}
# prices, each with its day and who says so
{
	my $h = json('hardware show rtx-4090')->{hardware}{prices} // [];
	ok((grep { $_->{kind} eq 'list' && $_->{usd} == 1599 && $_->{date} eq '2022-10-12' && length $_->{source} } @$h) && grep({ $_->{kind} eq 'rented' && $_->{usd_per_hour} > 0 && $_->{per} eq 'card' } @$h),
		'hardware show: bought and rented');
	ok(!grep({ $_->{id} ne 'rtx-4090' } @$h), 'of no other machine');
	my $m = json('show deepseek-v4-flash')->{prices} // [];
	ok((grep { $_->{kind} eq 'api' && $_->{usd_per_million_input} > 0 } @$m), 'show: of tokens');
	my $text = `$prog hardware show rtx-4090`;
	ok($text =~ /^price +1599 USD list, 2022-10-12 \(/m, 'as text');
	ok(`$prog hardware show rtx-2060-12gb` !~ /^price/m, 'nothing where nothing is known');
}
{
	my $e = eval { decode_json(scalar `$prog models --family gema --json`) } // {};
	ok($? >> 8 == 3 && ($e->{error}{candidates}[0] // '') eq 'Gemma', 'a misspelt family is answered without its number');
}
print "1..$n\n";
exit($bad != 0);
