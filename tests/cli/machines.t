#!/usr/bin/perl
# machines.t - recorded machines, replayed: what `ullage hardware show` says of each, held by expected.txt and expected.json beside it
#
# UPDATE=1 writes both anew; look at the difference before committing it. A folder without them fails. Then this machine is recorded, and
# the recording has to say the same as the machine.
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; return $pass; }
sub slurp { open my $f, '<', $_[0] or return undef; local $/; return scalar <$f>; }
sub spew { open my $f, '>', $_[0] or die "$_[0]: $!\n"; print $f $_[1]; close $f or die "$_[0]: $!\n"; }
$ENV{XDG_CONFIG_HOME} = $ENV{XDG_DATA_HOME} = $ENV{XDG_STATE_HOME} = $ENV{XDG_CACHE_HOME} = '/nonexistent';

# Output with errors, and a last line when the exit status is not 0.
sub run {
	my $out = `COLUMNS=80 NO_COLOR=1 $prog @_ 2>&1`;
	my $status = $? >> 8;
	return $status ? "${out}[exit $status]\n" : $out;
}

sub differ {
	my ($want, $got) = map { [split /\n/, $_, -1] } @_;
	for my $i (0 .. ($#$want > $#$got ? $#$want : $#$got)) {
		my ($w, $g) = ($want->[$i] // '(nothing)', $got->[$i] // '(nothing)');
		return "# line @{[$i + 1]}\n#  got $g\n# want $w\n" if $w ne $g;
	}
	return '';
}

sub hold {
	my ($path, $got, $what) = @_;
	spew($path, $got) if $ENV{UPDATE};
	my $want = slurp($path);
	return ok(0, "$what: there is no $path (UPDATE=1 writes it)") unless defined $want;
	ok($want eq $got, $what) or print differ($want, $got);
}

for my $folder (sort glob 'tests/machines/*/') {
	$folder =~ s{/$}{};
	(my $name = $folder) =~ s{.*/}{};
	next unless -e "$folder/machine.yaml" || ok(0, "$name has a machine.yaml");
	my $head = slurp("$folder/machine.yaml");
	my @missing = grep { $head !~ /^$_:\s*\S/m } qw(schema name source by_hand os);
	ok(!@missing, "$name says what it is and where it comes from" . (@missing ? ': no ' . join ', ', @missing : ''));
	my $text = run("hardware show $folder");
	hold("$folder/expected.txt", $text, "$name: text");
	my @wide = grep { (my $plain = $_) =~ s/[\x80-\xbf]//g; length $plain > 80 } split /\n/, $text =~ s/^ullage: .*//msr;
	ok(!@wide, "$name: 80 columns") or print "# $wide[0]\n";
	(my $json = run("hardware show $folder --json")) =~ s/("version":\s*)"[^"]*"/$1"..."/;
	hold("$folder/expected.json", $json, "$name: JSON");
	(my $document = $json) =~ s/\[exit \d+\]\n\z//;
	ok(eval { decode_json($document)->{schema_version} == 1 }, "$name: it is a document");
	# it is a machine to be asked about like any other
	my $answer = run("estimate qwen3-0.6b --quant Q8_0 --on $folder --json");
	my ($status) = $answer =~ /\[exit (\d+)\]\n\z/;
	my $lost = $text =~ /\[exit 4\]\n\z/;
	$answer =~ s/\[exit \d+\]\n\z//;
	my $doc = eval { decode_json($answer) } // {};
	ok($lost ? ($status // 0) == 4 && $doc->{error} : ($status // 0) == 3 ? $doc->{error}{code} : defined $doc->{verdict}, "$name: estimate answers")
		or print map { "# $_\n" } (split /\n/, $answer)[0 .. 5];
}

# this machine, whatever it is
my $tmp = tempdir(CLEANUP => 1);
my $live = run('hardware --json');
if ($live =~ /\[exit/) {
	print 'ok ', ++$n, " - recording # SKIP this machine cannot be told: ", (split /\n/, $live)[0], "\n";
} else {
	my $said = run("hardware --record $tmp/here");
	ok($said !~ /\[exit/ && $said =~ /recorded/ && -s "$tmp/here/machine.yaml" && -d "$tmp/here/root", 'this machine is recorded') or print $said;
	my $again = run("hardware show $tmp/here --json");
	my ($a, $b) = map { eval { decode_json($_)->{hardware} } // {} } $live, $again;
	my $canon = JSON::PP->new->canonical;
	for my $part (qw(cpu os)) {
		my ($x, $y) = map { ref $_ ? $canon->encode($_) : $_ // '' } $a->{$part}, $b->{$part};
		ok($x eq $y && length $y, "the recording says the same of $part") or print "# live     $x\n# recorded $y\n";
	}
	ok($a->{memory}{total_bytes} == $b->{memory}{total_bytes} && $a->{fingerprint} eq $b->{fingerprint}, 'and is the same machine');
	ok(join("\n", map { $_->{name} // '' } @{$a->{gpus}}) eq join("\n", map { $_->{name} // '' } @{$b->{gpus}}), 'with the same GPUs');
	ok(run("hardware --record $tmp/here") =~ /\[exit 2\]/, 'a folder in use is refused');
	mkdir "$tmp/empty";
	ok(run("hardware --record $tmp/empty") !~ /\[exit/, 'an empty one is not');
	ok(run("hardware --record $tmp/no/such/folder") =~ /\[exit 3\]/, 'one that cannot be made is an error');
	ok(run("hardware list --record $tmp/more") =~ /\[exit 2\]/ && !-e "$tmp/more", '--record goes with nothing else');
	ok(run("estimate qwen3-0.6b --on $tmp/here --json") =~ /"verdict"/, 'it can be asked about');
	my $uuids = `grep -rEl '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}' $tmp/here | xargs -r grep -hoE '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}' | grep -v '^00000000-0000-0000-0000-'`;
	ok($uuids eq '', 'no UUID is left in it') or print map { "# $_\n" } split /\n/, $uuids;
	spew("$tmp/empty/machine.yaml", "- a list\n");
	ok(run("hardware show $tmp/empty") =~ /\[exit 3\]/, 'a head that is no head is a bad file');
	ok(run("hardware show $tmp") =~ /\[exit 3\]/, 'a folder that is no recording is no hardware');
}
print "1..$n\n";
exit($bad != 0);
