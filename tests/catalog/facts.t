#!/usr/bin/perl
# facts.t - every machine of the collected hardware facts has an entry, and the entry's figures are those of the facts
#
# facts_hardware.csv: facts_id (name in the facts), id (entry or variant), the facts' figures (empty: unknown there), exception (empty, or
# COLUMN=VALUE: REASON with what the entry says instead; VALUE "unknown" for none; "not sold: REASON" for what cannot be had).
use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print(($pass ? '' : 'not ') . "ok $n - $what\n"); return $pass }

# Keep the user's own entries out.
$ENV{XDG_CONFIG_HOME} = tempdir(CLEANUP => 1);

# One line of a CSV file with optional quotes.
sub cells { my @c; my $l = "$_[0],"; push @c, defined $1 ? $1 =~ s/""/"/gr : $2 while $l =~ /\G(?:"((?:[^"]|"")*)"|([^,]*)),/g; return @c }

sub show {
	my ($id) = @_;
	open(my $p, '-|', "$prog hardware show '$id' --json 2>/dev/null") or die "$prog: $!\n";
	my $text = do { local $/; <$p> };
	close $p;
	return ($? >> 8, eval { decode_json($text) } // {});
}

# Board power is in no JSON: it is read from the entry, from the variant's line if that states it.
sub power {
	my ($id) = @_;
	for my $f ("hardware.d/$id.yaml", glob 'hardware.d/*.yaml') {
		open(my $h, '<', $f) or next;
		my $text = do { local $/; <$h> };
		close $h;
		my ($line) = $text =~ /^(\s+- *(?:\{id: *|id: *)\Q$id\E\b.*)$/m;
		next if $f ne "hardware.d/$id.yaml" && !defined $line;
		return $1 if defined $line && $line =~ /\btdp_w: *([\d.]+)/;
		return $1 if $text =~ /^\s*tdp_w: *(?:\{value: *)?([\d.]+)/m;
		return undef;
	}
	return undef;
}

sub total {
	my ($hw, $field) = @_;
	my $sum = 0;
	for my $d (@{$hw->{devices}}) {
		my ($pool) = grep { $_->{name} eq $d->{pool} } @{$hw->{pools}};
		return undef unless defined $pool && $pool->{$field};
		$sum += $pool->{$field} * $d->{count};
	}
	return $sum || undef;
}

(my $folder = $0) =~ s{[^/]*$}{};
open(my $csv, '<', "${folder}facts_hardware.csv") or die "facts_hardware.csv: $!\n";
my @head = cells(scalar(<$csv> =~ s/\n//r));
my (%seen, @rows);
while (my $line = <$csv>) {
	chomp $line;
	my %r;
	@r{@head} = cells($line);
	push @rows, \%r;
}
ok(@rows == 203, 'there are 203 rows, as in the facts') or print '# ' . @rows . "\n";
my @twice = grep { $seen{$_->{facts_id}}++ } @rows;
ok(!@twice, 'each is there once') or print map { "# $_->{facts_id}\n" } @twice;

for my $r (@rows) {
	my ($exit, $doc) = show($r->{id});
	my %except;
	my @wrong;
	if ($r->{exception} =~ /^not sold: ./) {
		ok($exit == 0 && ($doc->{hardware}{status} // '') =~ /^(?:announced|never_sold)$/, "$r->{facts_id}: $r->{id} is not to be had, and says so")
			or print "# exit $exit, " . ($doc->{hardware}{status} // 'no status') . "\n";
		next;
	}
	for my $e (split /\s*;\s*/, $r->{exception}) {
		$e =~ /^(\w+)=(\S+): ./ ? ($except{$1} = $2) : push @wrong, "exception '$e' is not COLUMN=VALUE: REASON";
	}
	push @wrong, "exit $exit" if $exit;
	my $hw = $doc->{hardware} // {};
	my $speed = total($hw, 'bandwidth_bytes_per_s');
	my %is = (memory_bytes => total($hw, 'memory_total_bytes'), bandwidth_gb_s => defined $speed ? $speed / 1e9 : undef, tdp_w => power($r->{id}));
	for my $k (qw(memory_bytes bandwidth_gb_s tdp_w)) {
		my $want = $except{$k} // $r->{$k};
		next if $want eq '';
		if ($want eq 'unknown') {
			push @wrong, "$k: $is{$k}, not unknown" if defined $is{$k};
			next;
		}
		push @wrong, "$k: " . ($is{$k} // 'unknown') . ", the facts have $want"
			if !defined $is{$k} || abs($is{$k} - $want) > ($k eq 'memory_bytes' ? 0.5 : 0.001 * $want);
	}
	ok(!@wrong, "$r->{facts_id}: $r->{id}") or print map { "# $_\n" } @wrong;
}
print "1..$n\n";
exit($bad != 0);
