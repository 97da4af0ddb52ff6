#!/usr/bin/perl
# guides.t - data/claims.csv is well-formed, and every name that the five guides use is answered for
use strict;
use warnings;
use utf8;
use File::Temp qw(tempdir);
use JSON::PP;

binmode(STDOUT, ':utf8');
my $prog = $ENV{PROG} // 'build/ullage';
my $n = 0;
sub ok($$;$) { my ($pass, $what) = @_; $n++; print(($pass ? '' : 'not ') . "ok $n - $what\n"); return $pass }
sub all { my ($what, @wrong) = @_; ok(!@wrong, $what) or print map { "# $_\n" } @wrong }

# Keep the user's own entries out.
$ENV{XDG_CONFIG_HOME} = tempdir(CLEANUP => 1);

sub slurp { my ($path) = @_; open(my $f, '<:utf8', $path) or die "$path: $!\n"; local $/; my $s = <$f>; close $f; return $s }
# Rows of a CSV file with a header, as hashes; a row of the wrong width stops the test.
sub csv {
	my ($path, @want) = @_;
	my (@rows, @head);
	for my $line (split /\n/, slurp($path)) {
		my @f;
		while ($line =~ /\G(?:"((?:[^"]|"")*)"|([^,]*))(,|$)/g) { my ($q, $p, $end) = ($1, $2, $3); $q =~ s/""/"/g if defined $q; push @f, $q // $p; last if $end eq '' }
		if (!@head) { @head = @f; ok("@head" eq "@want", "$path has the columns @want") or die "@head\n"; next }
		die "$path: $line\n" if @f != @head;
		push @rows, { map { $head[$_] => $f[$_] } 0 .. $#head };
	}
	return @rows;
}
# What the program says with --json, and its exit status.
sub ask {
	my @args = map { my $s = $_; utf8::encode($s); $s } @_;
	open(my $p, '-|', $prog, @args, '--json') or die "$prog: $!\n";
	local $/;
	my $s = <$p>;
	close $p;
	return ($? >> 8, eval { decode_json($s) } // {});
}

# The claims.
my @claims = csv('data/claims.csv', qw(id guide model quant hardware devices ctx_tokens kind of low high note));
my (%id, %count, @twice, @ids, @kinds, @numbers, @order, @fits, @bare, @nobody);
for my $c (@claims) {
	my $at = $c->{id};
	push @twice, $at if $id{$at}++;
	push @ids, $at if $at !~ /^g([0-4])-\d{3}$/ || $c->{guide} ne "guide-$1";
	$count{$c->{kind}}++;
	push @kinds, $at if $c->{kind} !~ /^(fits|speed|memory|price)$/;
	for my $k (qw(low high)) { push @numbers, "$at $k" if $c->{$k} !~ /^(\d+(\.\d+)?)?$/ && !($k eq 'low' && $c->{kind} eq 'fits' && $c->{low} eq 'not') }
	for my $k (qw(devices ctx_tokens)) { push @numbers, "$at $k" if $c->{$k} !~ /^([1-9]\d*)?$/ }
	push @order, $at if $c->{low} =~ /^\d/ && $c->{high} =~ /^\d/ && $c->{low} > $c->{high};
	if ($c->{kind} eq 'fits') { push @fits, $at if $c->{high} ne '' || $c->{low} !~ /^(not)?$/ || ($c->{low} eq 'not') != ($c->{note} =~ /^not:/) || $c->{model} eq '' || $c->{hardware} eq '' || $c->{devices} eq '' }
	else { push @bare, $at if $c->{low} eq '' }
	push @kinds, "$at: of $c->{of}" if $c->{of} !~ ($c->{kind} eq 'memory' ? qr/^(weights|total|kv)$/ : $c->{kind} eq 'speed' ? qr/^(decode|prefill|aggregate)$/ : qr/^$/);
	push @nobody, $at if $c->{model} eq '' && $c->{hardware} eq '';
}
ok(@claims >= 150, 'there are at least 150 claims');
all('no id is given twice', @twice);
all("every id says the claim's guide", @ids);
all('every kind is fits, speed, memory or price', @kinds);
all('numbers are numbers', @numbers);
all('low is at most high', @order);
all('a fits row has a model, a machine, how many, and nothing or "not"', @fits);
all('every other row has a figure', @bare);
all('every claim is about a model or a machine', @nobody);
all('every kind occurs', grep { !$count{$_} } qw(fits speed memory price));

# The names.
my @names = csv('tests/catalog/guide_names.csv', qw(guide kind name id));
all('every name has a kind and an id', map { "$_->{guide} $_->{name}" } grep { $_->{kind} !~ /^(model|hardware|engine|licence|family)$/ || $_->{id} eq '' || $_->{guide} !~ /^guide-[0-4]$/ } @names);
my %of;
for my $r (@names) { push @{$of{$r->{kind}}{"$r->{name}\t$r->{id}"}}, $r->{guide} }

my @wrong;
for my $k (sort keys %{$of{model}}) {
	my ($name, $want) = split /\t/, $k;
	# a size alone, such as a 70B: judged as such a model, never taken for one of the catalogue
	my ($exit, $j) = ask('show', $name);
	my $got = $j->{model}{id} // 'nothing';
	push @wrong, "$name is $got, not $want" if $want eq 'generic' ? $exit == 0 : $exit != 0 || $got ne $want;
}
all('every model that a guide names has an entry (' . keys(%{$of{model}}) . ' names)', @wrong);

@wrong = ();
for my $k (sort keys %{$of{hardware}}) {
	my ($name, $want) = split /\t/, $k;
	my ($exit, $j) = ask('hardware', 'show', $name);
	if ($want eq 'generic') { push @wrong, "$name ends with $exit" if $exit != 0 && $exit != 3; next }
	my ($there, $w) = ask('hardware', 'show', $want);
	my ($times) = $name =~ /^(\d+)[×x] /;
	my @same = ($want, $w->{hardware}{id} // (), @{$w->{error}{candidates} // []}, @{$w->{hardware}{instead} // []},
		map { $_->{id} } @{$w->{hardware}{variants} // []});
	if ($exit == 0 && $times) { my ($e, $many) = ask('hardware', 'show', "${times}x $want"); push @same, $many->{hardware}{id} if !$e }
	my $unknown = !%$w || ($w->{error}{message} // '') =~ /^no hardware named/;
	my @got = $exit == 0 ? $j->{hardware}{id} : ($j->{error}{message} // '') =~ /^no hardware named/ ? () : @{$j->{error}{candidates} // []};
	# a refusal must say which machines there are
	push @wrong, "$name is " . ($exit == 0 || $exit == 3 ? "@got" || 'nothing' : "exit $exit") . ', not ' . ($unknown ? "$want, which is nothing" : $want)
		if $unknown || !grep { my $g = $_; grep { $_ eq $g } @same } @got;
}
all('every machine that a guide names has an entry (' . keys(%{$of{hardware}}) . ' names)', @wrong);

for my $x (['engine', 'data/engines.yaml'], ['licence', 'data/licences.yaml']) {
	my ($kind, $path) = @$x;
	my %known = -e $path ? map { $_ => 1 } slurp($path) =~ /^  "?([a-z0-9.-]+)"?:\s*$/mg : ();
	all("every $kind that a guide names is in $path", map { my ($name, $want) = split /\t/; $known{$want} ? () : "$name ($want)" } sort keys %{$of{$kind}});
}

@wrong = ();
for my $k (sort keys %{$of{family}}) {
	my ($name, $want) = split /\t/, $k;
	my ($exit, $j) = ask('models', '--family', $want, '--status', 'all');
	push @wrong, "$name: no family $want" if $exit != 0 || !@{$j->{models} // []};
	# and the name as written finds some of them
	($exit, $j) = ask('models', $name, '--status', 'all');
	push @wrong, "$name finds nothing of $want" if $exit != 0 || !grep { $_->{family} eq $want } @{$j->{models} // []};
}
all('every family that a guide names has models (' . keys(%{$of{family}}) . ' names)', @wrong);

print "1..$n\n";
