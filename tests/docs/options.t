#!/usr/bin/perl
# options.t - --help, the man page and the completions name the same options and commands
use strict;
use warnings;

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; }
sub slurp { open my $f, '<', $_[0] or die "$_[0]: $!"; local $/; <$f> }

my $help = `$prog --help`;
my @commands = map { /^  ([a-z]+) / ? $1 : () } split /\n/, ($help =~ /commands:\n(.*?)\n\n/s)[0] // '';
ok(@commands >= 8, 'the program lists its commands: ' . join ' ', @commands);

my (%in_help, %built);
for my $c (@commands) {
	my $text = `$prog $c --help`;
	ok($? == 0 && $text =~ /^usage: ullage \Q$c\E/, "$c --help");
	$built{$c} = $text !~ /Not built yet/;
	for (split /\n/, $text) {
		next unless /^  (-\S.*)/;
		(my $spec = $1) =~ s/  .*//;
		$in_help{$_} = 1 for grep { /^-/ } map { (split)[0] // '' } split /, /, $spec;
	}
}
ok(keys %in_help > 20, scalar(keys %in_help) . ' spellings of options in --help');

my $man = slurp('man/ullage.1');
my %in_man;
for ($man =~ /^\.It Fl (.*)$/mg) {
	my $line = $_;
	$line =~ s/ (Ar|Ns|Op) .*//;
	$in_man{"-$_"} = 1 for map { s/^\s+|\s+$//gr } split / , /, $line;
}
ok($in_man{$_}, "man page: $_") for sort keys %in_help;
ok($in_help{$_}, "--help: $_ of the man page") for sort keys %in_man;
for my $c (@commands) {
	ok($built{$c} ? scalar($man =~ /^\.It Cm \Q$c\E\b/m) : scalar($man =~ /\.Cm .*\b\Q$c\E\b/), "man page: command $c" . ($built{$c} ? '' : ' (as not built)'));
}
for my $shell (qw(bash zsh fish)) {
	my $text = `$prog completion $shell`;
	ok($? == 0 && length $text, "completion $shell");
	my @missing = grep { my $o = $_; my ($name) = $o =~ /^-+(.*)/; $shell eq 'fish' ? $text !~ / -[lso] \Q$name\E\b/ : $text !~ /(?<![\w-])\Q$o\E(?![\w-])/ } sort keys %in_help;
	ok(!@missing, "completion $shell knows every option" . (@missing ? ': not ' . join ' ', @missing : ''));
}
if (system('command -v bash >/dev/null 2>&1') == 0) {
	ok(system("$prog completion bash | bash -n") == 0, 'the bash completion is valid bash');
} else {
	print 'ok ', ++$n, " - bash syntax # SKIP no bash here\n";
}
if (system('command -v mandoc >/dev/null 2>&1') == 0) {
	for my $page (glob 'man/*.[15]') {
		my @lint = grep { !/input text line longer than 80|referenced manual not found/ } `mandoc -Tlint -Wstyle $page`;
		ok(!@lint, "mandoc -Tlint $page" . (@lint ? ": $lint[0]" : ''));
	}
} else {
	print 'ok ', ++$n, " - mandoc -Tlint # SKIP mandoc is not installed\n";
}
print "1..$n\n";
exit($bad != 0);
