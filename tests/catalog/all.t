#!/usr/bin/perl
# all.t - every entry of models.d and hardware.d is valid, is named after its file, and shares no name with another
use strict;
use warnings;
use File::Temp qw(tempdir);

my $prog = $ENV{PROG} // 'build/ullage';
my $n = 0;
sub ok($$;$) { my ($pass, $what) = @_; $n++; print(($pass ? '' : 'not ') . "ok $n - $what\n"); return $pass }

# Keep the user's own entries out.
my $empty = tempdir(CLEANUP => 1);
$ENV{XDG_CONFIG_HOME} = $empty;

sub slurp { my ($path) = @_; open(my $f, '<:raw', $path) or die "$path: $!\n"; local $/; my $s = <$f>; close $f; return $s }
sub check { open(my $p, '-|', $prog, 'models', '--check', @_) or die "$prog: $!\n"; my @lines = <$p>; close $p; return ($? >> 8, $? & 127, @lines) }
# The folding of src/base/str.h.
sub fold { my $s = lc shift; $s =~ s/\xc3\x97/x/g; $s =~ s/[\x00-\x20_\-\/:.]+/-/g; $s =~ s/^-|-$//g; return $s }
# A flow list of words, plain or quoted.
sub words { my @w; push @w, defined $1 ? $1 : defined $2 ? $2 : $3 while $_[0] =~ /\G\s*(?:"([^"]*)"|'([^']*)'|([^,]+?))\s*(?:,|$)/g; return @w }

for my $folder ('models.d', 'hardware.d') {
	my @files = sort glob("$folder/*.yaml");
	ok(@files > 0, "$folder has entries") or next;

	my ($exit, $signal, @lines) = check(@files);
	if (!ok($exit == 0 && !$signal && @lines == @files, "$folder: all " . @files . ' entries pass models --check')) {
		print "# exit $exit, signal $signal, " . @lines . " lines\n";
		for my $f (@files) {
			my ($e, $s, @l) = check($f);
			ok($e == 0 && !$s, "$f passes") or print map { "# $_" } @l;
		}
	}

	my (%owner, @wrong, @shared, @unread);
	for my $f (@files) {
		my $text = slurp($f);
		my ($base) = $f =~ m{([^/]+)\.yaml$};
		my ($id) = $text =~ /^id: *"?([^"\s#]+)/m;
		my ($name) = $text =~ /^name: *(.*?)\s*(?: #.*)?$/m;
		if (!defined $id || !defined $name) { push @unread, $f; next }
		push @wrong, "$f has id $id" if $id ne $base;
		$name =~ s/^(["'])(.*)\1$/$2/;
		my %own = map { fold($_) => 1 } $id, $name, map { words($_) } $text =~ /\baliases: *\[(.*?)\]/sg;
		for my $w (sort keys %own) {
			push @shared, "'$w' is in $f and $owner{$w}" if $owner{$w};
			$owner{$w} = $f;
		}
	}
	ok(!@unread, "$folder: every entry has an id and a name") or print map { "# $_\n" } @unread;
	ok(!@wrong, "$folder: every id is its file's name") or print map { "# $_\n" } @wrong;
	ok(!@shared, "$folder: no name belongs to two entries") or print map { "# $_\n" } @shared;
}

# The check itself must be able to say no.
my $bad = "$empty/bad.yaml";
open(my $f, '>', $bad) or die "$bad: $!\n";
print $f "schema: 1\nid: bad\nname: Bad\nstatus: open_weights\nlayerz: 3\n";
close $f;
my ($exit, $signal, @lines) = check($bad);
ok($exit == 1 && !$signal, 'an invalid entry is refused with exit 1');
ok("@lines" =~ /bad\.yaml:5: .*layerz/, 'and its file, line and key are named') or print map { "# $_" } @lines;

print "1..$n\n";
