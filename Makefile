# ullage: what fits on this machine, and proof of it.
#
# make            build/ullage                CUDA=auto|0|1   CUDA kernels (auto: nvcc found)
# make deps       install what is missing     SANITIZE=1      ASan + UBSan, in build-san/; thread: TSan, build-tsan/
# make fit        build, and run the main job WERROR=1 V=1    strict, verbose
# make check      all tests, TAP via prove    REQUIRE=cuda    a skipped cuda test fails
# make bench      start-up, load, kernels     PREFIX= DESTDIR= for install and uninstall
# make claims     judge the guides' claims again, data/claims.md
# make peer       beside llama.cpp, interleaved (LLAMA=DIR)
# make lint       clang-tidy, cppcheck, mandoc, shellcheck      make fuzz   FUZZ_RUNS= executions of every target
PROG    := ullage
VERSION := 0.1.0
MAKEFLAGS += -r
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

PREFIX  ?= /usr/local
BINDIR  ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share/$(PROG)
MANDIR  ?= $(PREFIX)/share/man
INSTALL ?= install
NVCC    ?= nvcc
CUDA    ?= auto
OS      := $(shell uname -s)

Q := $(if $(V),,@)
# the usual build is always build/, with or without nvcc
B := build$(if $(filter 1,$(SANITIZE)),-san)$(if $(filter thread,$(SANITIZE)),-tsan)$(if $(filter 0,$(CUDA)),-nocuda)$(if $(filter clang%,$(notdir $(CC))),-clang)
ifeq ($(CUDA),auto)
override CUDA := $(if $(shell command -v $(NVCC) 2>/dev/null),1,0)
endif

CFLAGS   ?= -O2 -g
CSTD     := -std=c11
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wconversion -Wno-sign-conversion \
            -Wwrite-strings -Wcast-qual $(if $(WERROR),-Werror)
# of kernels/ alone; instruction sets are chosen by the running program, never by the compiler's -march
KFLAGS   := -O3 -fno-math-errno -ffp-contract=fast
ifeq ($(SANITIZE),1)
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SANITIZE),thread)
SAN := -fsanitize=thread -fno-omit-frame-pointer
endif

PKGS := yaml-0.1 libcjson hwloc libcurl
PKG_CONFIG ?= pkg-config
NO_LIBS_GOALS := deps clean uninstall help
ifneq ($(filter-out $(NO_LIBS_GOALS),$(or $(MAKECMDGOALS),all)),)
ifeq ($(filter deps,$(MAKECMDGOALS)),)
MISSING := $(foreach p,$(PKGS),$(shell $(PKG_CONFIG) --exists $(p) 2>/dev/null || echo $(p)))
ifneq ($(strip $(MISSING)),)
$(error missing libraries: $(MISSING). Run `make deps` (Debian: libyaml-dev libcjson-dev libhwloc-dev libcurl4-openssl-dev pkg-config))
endif
endif
endif
# Asked when the first recipe needs them, once: by then `make deps` of the same run has done its work.
# hwloc and libcurl are opened on first use and not linked: loading them takes 3 and 6 ms of every start.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell $(PKG_CONFIG) --libs yaml-0.1 libcjson))$(PKG_LIBS)

override CPPFLAGS += -D_POSIX_C_SOURCE=200809L -Isrc -Ikernels -I$(B) -DULLAGE_VERSION='"$(VERSION)"' -DULLAGE_DATADIR='"$(DATADIR)"'
override LDLIBS += -lm $(if $(filter Linux,$(OS)),-ldl -lpthread)

SRC   := $(filter-out src/cli/main.c,$(wildcard src/*/*.c))
KSRC  := $(wildcard kernels/*.c kernels/*/*.c)
OBJ   := $(SRC:%.c=$(B)/%.o) $(KSRC:%.c=$(B)/%.o)
# Objective-C, for Metal: only where there is one
ifeq ($(OS),Darwin)
OBJ   += $(patsubst %.m,$(B)/%.o,$(wildcard src/*/*.m))
override LDLIBS += -framework Foundation -framework CoreGraphics -framework Metal -framework IOKit
endif
UNIT  := $(patsubst tests/unit/%.c,$(B)/tests/unit/%.t,$(wildcard tests/unit/*.c))
FUZZ  := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
CORPUS_T := $(FUZZ:%=$(B)/tests/fuzz/%.t)
FAKE  := $(patsubst tests/fake/%.c,$(B)/tests/fake/%.so,$(wildcard tests/fake/*.c))
SCRIPTS := $(wildcard tests/cli/*.t tests/docs/*.t tests/catalog/*.t)
HEADERS := $(wildcard src/*/*.h)

all: $(B)/$(PROG)

# what every object was compiled with: other flags compile it again. In `make deps all` nothing is compiled before deps is done.
FLAGS := $(CC) $(CSTD) $(CPPFLAGS) $(CFLAGS) $(KFLAGS) $(WARN) $(SAN)
$(B)/flags: FORCE $(filter deps,$(MAKECMDGOALS))
	@mkdir -p $(@D)
	@printf '%s\n' "$(subst ",\",$(FLAGS))" | cmp -s - $@ || printf '%s\n' "$(subst ",\",$(FLAGS))" > $@

$(B)/$(PROG): $(B)/src/cli/main.o $(OBJ)
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

$(B)/kernels/%.o: KERNEL := $(KFLAGS)
$(B)/%.o: %.c $(B)/flags
	$(if $(Q),@echo "  CC    $<")
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) $(KERNEL) $(WARN) $(SAN) -MMD -MP -c -o $@ $<

$(B)/%.o: %.m $(B)/flags
	$(if $(Q),@echo "  OBJC  $<")
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(SAN) -MMD -MP -c -o $@ $<

$(B)/tests/unit/%.t: $(B)/tests/unit/%.o $(OBJ)
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(OBJ)
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)
# the fuzz targets over their corpora, without libFuzzer
$(B)/tests/fuzz/%.t: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/driver.o $(OBJ)
	$(if $(Q),@echo "  LD    $@")
	$(Q)$(CC) $(SAN) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) $(LDLIBS)

# driver libraries for tests to load as they would the real ones
$(B)/tests/fake/%.so: tests/fake/%.c $(B)/flags
	$(if $(Q),@echo "  SO    $@")
	@mkdir -p $(@D)
	$(Q)$(CC) $(CSTD) $(CPPFLAGS) $(CFLAGS) $(WARN) $(SAN) -fPIC -shared -MMD -MP -o $@ $<

tests: $(UNIT) $(CORPUS_T) $(FAKE)

check: all tests models
	$(Q)B=$(B) PROG=$(B)/$(PROG) CC="$(CC)" CPPFLAGS='-D_POSIX_C_SOURCE=200809L -Isrc -Ikernels $(PKG_CFLAGS)' LC_ALL=C \
		prove -e '' $(if $(V),-v) $(UNIT) $(CORPUS_T) $(SCRIPTS)

# two small real models, in a folder that git ignores; without pip or a network their tests are skipped
models:
	$(Q)sh tests/models.sh

fit: all
	@echo
	$(Q)$(B)/$(PROG) fit

# what the guides claim, judged by today's catalogue; tests/cli/audit.t says when it is out of date
claims: all
	$(Q){ printf '# What five guides claim about local models, judged\n\n'; \
		printf '`make claims`, %s, ullage %s: every row is computed by `ullage audit` from data/claims.csv and the catalogue, none is judged by hand.\n' "$$(date -u +%Y-%m-%d)" '$(VERSION)'; \
		printf 'What a claim leaves open is read in its favour: any engine that loads the quantisation, one sequence of 8192 tokens, every model or machine that the words may mean.\n'; \
		printf 'True: it fits wholly into the memory of the devices named. Conditional: only with what is said. Speeds are false only outside the 80 %% interval; prices are not judged.\n\n'; \
		$(B)/$(PROG) audit --markdown; } > data/claims.md.new
	$(Q)mv data/claims.md.new data/claims.md; sed -n 7p data/claims.md

bench: all $(B)/tests/bench/load $(B)/tests/bench/matmul $(B)/tests/bench/ops
	$(Q)$(B)/tests/bench/load $(B)/$(PROG)
	$(Q)tests/bench.sh $(B)/$(PROG)
	$(Q)$(B)/tests/bench/matmul
	$(Q)$(B)/tests/bench/ops

# beside llama.cpp: LLAMA=its folder, or PATH's llama-bench, or built outside the tree
peer: all models
	$(Q)PROG=$(B)/$(PROG) LLAMA="$(LLAMA)" tests/peer.sh

deps:
	$(Q)sh tests/deps.sh

# real coverage-guided fuzzing; needs clang
FUZZ_RUNS ?= 10000000
FUZZ_TIME ?= 3600
fuzz: $(FUZZ:%=build/fuzz/%)
	$(Q)for f in $(FUZZ); do echo "  FUZZ  $$f"; mkdir -p build/fuzz/corpus-$$f; \
		build/fuzz/$$f -runs=$(FUZZ_RUNS) -max_total_time=$(FUZZ_TIME) -max_len=65536 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
			build/fuzz/corpus-$$f tests/fuzz/corpus/$$f || exit 1; done
build/fuzz/%: tests/fuzz/fuzz_%.c $(SRC) $(KSRC)
	@mkdir -p $(@D)
	$(Q)clang $(CSTD) $(CPPFLAGS) $(PKG_CFLAGS) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $< $(SRC) $(KSRC) $(PKG_LIBS) $(LDLIBS)

lint:
	$(Q)tests/lint.sh

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(DATADIR)/data $(DESTDIR)$(DATADIR)/models.d $(DESTDIR)$(DATADIR)/hardware.d
	$(INSTALL) -m 755 $(B)/$(PROG) $(DESTDIR)$(BINDIR)/
	$(INSTALL) -m 644 $(wildcard data/*.*) $(DESTDIR)$(DATADIR)/data/
	$(INSTALL) -m 644 models.d/*.yaml $(DESTDIR)$(DATADIR)/models.d/
	$(INSTALL) -m 644 hardware.d/*.yaml $(DESTDIR)$(DATADIR)/hardware.d/
	$(INSTALL) -m 644 $(wildcard man/*.1) $(DESTDIR)$(MANDIR)/man1/
	$(if $(wildcard man/*.5),$(INSTALL) -m 644 $(wildcard man/*.5) $(DESTDIR)$(MANDIR)/man5/)
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/$(PROG) $(DESTDIR)$(MANDIR)/man1/$(PROG)*.1 $(DESTDIR)$(MANDIR)/man5/$(PROG)*.5
	rm -rf $(DESTDIR)$(DATADIR)

clean:
	rm -rf build build-*
help:
	@sed -n '3,11s/^# //p' Makefile

-include $(wildcard $(B)/src/*/*.d $(B)/kernels/*.d $(B)/kernels/*/*.d $(B)/tests/*/*.d)
.PHONY: all models tests check fit claims bench peer deps fuzz lint install uninstall clean help FORCE
.SECONDARY:
