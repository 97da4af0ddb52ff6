#!/usr/bin/perl
# terminal.t - run and verify on a terminal: bars that come and go, ctrl-C as it is typed; the terminal is one of Linux's (/dev/ptmx)
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Select;
use POSIX ();
use Time::HiRes qw(time);

my $prog = $ENV{PROG} // 'build/ullage';
my ($n, $bad) = (0, 0);
sub ok($$;$) { my ($pass, $what, $more) = @_; $n++; $bad++ unless $pass; print $pass ? '' : 'not ', "ok $n - $what\n"; print map { s/[^ -~]/?/g; "# $_\n" } $pass ? () : split /\n/, $more // ''; return $pass; }
my $tmp = tempdir(CLEANUP => 1);
$ENV{XDG_DATA_HOME} = $tmp;
$ENV{TERM} = 'xterm';
$ENV{LC_ALL} = 'C.UTF-8';

# asm-generic/ioctls.h: the number of the other end, and that it may be opened
sub TIOCGPTN { 0x80045430 }
sub TIOCSPTLCK { 0x40045431 }
sub terminal {
	open my $master, '+<', '/dev/ptmx' or return;
	my ($locked, $number) = (pack('i', 0), pack('I', 0));
	ioctl($master, TIOCSPTLCK, $locked) && ioctl($master, TIOCGPTN, $number) or return;
	return ($master, '/dev/pts/' . unpack 'I', $number);
}
# One command whose stdin, stdout and stderr are a terminal. Ctrl-C is typed once what was shown matches `at`. Exit status (128 + signal), what was shown, seconds from
# ctrl-C to the end.
sub shown {
	my ($at, @command) = @_;
	my ($master, $name) = terminal() or return;
	my $pid = fork // return;
	if (!$pid) {
		POSIX::setsid();                 # the terminal that is opened next is then this process's own
		open my $slave, '+<', $name or POSIX::_exit(9);
		POSIX::dup2(fileno $slave, $_) for 0 .. 2;
		exec @command or POSIX::_exit(9);
	}
	my ($text, $typed, $wait, $start) = ('', undef, IO::Select->new($master), time);
	while (time - $start < 120) {
		next unless $wait->can_read(0.2);
		sysread($master, my $part, 65536) or last;               # EIO: nobody has the other end any more
		$text .= $part;
		if ($at && !$typed && $text =~ $at) {
			syswrite $master, "\x03";
			$typed = time;
		}
	}
	kill KILL => $pid if time - $start >= 120;
	waitpid $pid, 0;
	return ($? & 127 ? 128 + ($? & 127) : $? >> 8, $text, $typed ? time - $typed : undef);
}
# What a reader sees in the end: a line written over from its beginning is gone.
sub left { my ($text) = @_; $text =~ s/\r\n/\n/g; $text =~ s/[^\n]*\r\e\[K//g; $text =~ s/\e\[[0-9;]*m//g; return $text; }

my ($works) = shown(undef, 'true');
unless (defined $works && $works == 0) {
	print "1..0 # SKIP no terminals can be had here\n";
	exit 0;
}
my ($file) = grep { -r } 'models/smollm2-135m-q4_1.gguf';
my @what = qw(smollm2-135m-instruct --dummy --quant q4_0 --layers 4);
my $bar = qr/\r\e\[K[\x{2588}-\x{2591}]{20} /;
my $decoded = sub { my ($t) = @_; utf8::decode($t); return $t; };

my ($rc, $text) = shown(undef, $prog, 'verify', @what, split(' ', '-p 16 -n 4 -r 2 -d 0,32 -np 1,2 -t 1 --no-calibration'));
my $seen = $decoded->($text);
ok(($rc == 0 || $rc == 1) && $seen =~ /^predicted: weights /, 'verify writes the prediction down first', $text);
ok(scalar($seen =~ /${bar}making up weights/ && $seen =~ /${bar}pp16/ && $seen =~ /${bar}tg4 \@ d32/ && $seen =~ /${bar}tg4 x 2/), 'a bar says what is run', $text);
my @full = map { tr/\x{2588}// } $seen =~ /\r\e\[K([\x{2588}-\x{2591}]{20})/g;
ok(@full > 8 && !grep({ $full[$_] < $full[$_ - 1] } 1 .. $#full) && $full[0] == 0 && $full[-1] >= 15, 'which only grows', "@full");
my $end = left($seen);
ok($end !~ /[\x{2588}-\x{2591}]{20}/ && $end !~ /\e\[K/ && $end =~ /^term +predicted/m && $end =~ /verified/, 'and is gone when the table comes', $end);
($rc, $text) = shown(undef, $prog, 'verify', @what, qw(-p 16 -n 4 -r 1 -d 0 -np 1 -t 1 --no-calibration -q));
ok(($rc == 0 || $rc == 1) && $text !~ /\e\[K|\r[^\n]|predicted:/, '-q: no bar and no prediction', $text);

# Typed where it matters: while weights are made or loaded, in the warm-up, in a long prompt, in a long answer.
my @long = (@what, qw(-p 512 -n 4000 -r 60 -d 0 -np 1 -t 1 --no-calibration));
for ([qr/pp512, warm-up/, 'a prompt'], [qr/tg4000/, 'an answer']) {
	my ($at, $where) = @$_;
	($rc, $text, my $took) = shown($at, $prog, 'verify', @long);
	$end = left($decoded->($text));
	ok($rc == 130 && defined $took && $took < 20 && $end =~ /interrupted\n\z/ && $end !~ /[\x{2588}-\x{2591}]{20}|^term /m, "ctrl-C in $where ends verify, without a result", sprintf "%s, %.1f s: %s", $rc, $took // -1, $end);
}
my @queue = (@what, split(' ', '-p 16 -n 8 -r 60 -d 0,1024 -np 1,8 -t 1 --no-calibration'));
($rc, $text, my $took) = shown(qr/tg8 \@ d1024, filling/, $prog, 'verify', @queue);
ok($rc == 130 && defined $took && $took < 20, 'ctrl-C while a depth is filled: what was to come is left out', sprintf "%s, %.1f s", $rc, $took // -1);

if ($file) {
	($rc, $text) = shown(undef, $prog, 'run', $file, '-p', 'The capital of France is', qw(-n 8 --temp 0 --raw -t 1));
	$end = left($text);
	ok($rc == 0 && $text =~ /\Aloading \Q$file\E\r\e\[K/ && $end =~ m{\A[^\e\r]*\nullage: prompt \d+ tokens, [\d.]+ tokens/s; generated 8, }, 'run says that it loads, wipes that away, and closes with its speeds', $text);
	($rc, $text, $took) = shown(qr/\e\[K.*[a-z]/s, $prog, 'run', $file, '-p', 'Once upon a time', qw(--raw --temp 1 --seed 1 -n 3000 -t 1));
	ok($rc == 130 && defined $took && $took < 10 && left($text) =~ /interrupted\n\z/, 'ctrl-C while it writes: the closing line, exit 130', sprintf "%s, %.1f s: %s", $rc, $took // -1, $text);
} else {
	print 'ok ', ++$n, " - run on a terminal # SKIP no model in models/ (make models)\n";
}
print "1..$n\n";
exit($bad != 0);
