# The door: verbs only. What they mean to the compiler stands in meson.build.
#
#   make             sets up what is missing, builds build/dylumo
#   make demo        the same, then answers three photos with songs
#   make check       the same, then every test (also under ASan and UBSan)
#   make check-long  also TSan, valgrind and a minute of fuzzing for each reader
#   make lint format install bench asan tsan valgrind fuzz clean

MESON_TEST = meson test --print-errorlogs --no-rebuild

all: build-release

setup-build setup-check setup-lint: setup-%:
	@tools/setup_debian.sh $*

build/build.ninja: | setup-build
	@meson setup build >/dev/null || { meson setup build; exit 1; }
build-release: setup-build build/build.ninja
	@ninja -C build --quiet

build/asan/build.ninja: | setup-check
	@meson setup build/asan -Dbuildtype=debugoptimized -Db_sanitize=address,undefined \
	    -Db_lundef=false >/dev/null
build-asan: setup-check build/asan/build.ninja
	@ninja -C build/asan --quiet

demo: build-release
	@tools/demo.sh

setup-web:
	@tools/setup_web.sh build/web

setup-duckdb: setup-web
	@tools/setup_duckdb.sh build/duckdb

setup-hub:
	@tools/setup_hub.sh build/hub

check: setup-check setup-web setup-duckdb setup-hub build-release build-asan
	@status=0; $(MESON_TEST) -C build || status=1; $(MESON_TEST) -C build/asan || status=1; \
	tools/count_tests.py build build/asan && exit $$status

asan: build-asan
	@$(MESON_TEST) -C build/asan; tools/count_tests.py build/asan

tsan: setup-check
	@test -f build/tsan/build.ninja || meson setup build/tsan -Dbuildtype=debugoptimized \
	    -Db_sanitize=thread -Db_lundef=false >/dev/null
	@ninja -C build/tsan --quiet
	@TSAN_OPTIONS=suppressions=$(CURDIR)/tests/support/tsan.supp $(MESON_TEST) -C build/tsan \
	    --suite unit --timeout-multiplier 10; tools/count_tests.py build/tsan

# oneDNN's AVX2 kernels read past their own packed panels; dav1d's long blocks are too much for VEX whole
valgrind: setup-lint build-release
	@DYLUMO_CPU=scalar ONEDNN_MAX_CPU_ISA=SSE41 $(MESON_TEST) -C build --suite unit \
	    --timeout-multiplier 30 --wrapper \
	    'valgrind -q --vex-guest-max-insns=20 --error-exitcode=99 --suppressions=$(CURDIR)/tests/support/valgrind.supp'

# libFuzzer on every reader of foreign bytes, FUZZ_SECONDS each
FUZZ_SECONDS = 60
fuzz: setup-lint
	@test -f build/fuzz/build.ninja || CC=clang meson setup build/fuzz -Dfuzz=true \
	    -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@tools/fuzz.sh $(FUZZ_SECONDS)

check-long: check
	@$(MAKE) --no-print-directory tsan
	@$(MAKE) --no-print-directory valgrind
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory soak

# 20,000 mixed requests with faults, under ASan and under TSan
soak: build-asan
	@ninja -C build/tsan --quiet
	@for kind in asan tsan; do DYLUMO_SANITIZED=$$kind DYLUMO_SOURCE=$(CURDIR) \
	    DYLUMO_BUILD=$(CURDIR)/build/$$kind \
	    LSAN_OPTIONS=suppressions=$(CURDIR)/tests/support/lsan.supp \
	    TSAN_OPTIONS=suppressions=$(CURDIR)/tests/support/tsan.supp \
	    tests/http/soak.py || exit 1; done

bench: build-release
	@ninja -C build --quiet bench
	@bench/startup.sh

format: setup-lint
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint: setup-lint build-release
	@tools/lint.sh

install: build-release
	@meson install -C build --no-rebuild $(if $(DESTDIR),--destdir '$(DESTDIR)')

clean:
	rm -rf build

.PHONY: all setup-build setup-check setup-lint setup-web setup-duckdb setup-hub build-release build-asan demo check \
        check-long asan \
        tsan valgrind format lint install bench fuzz soak clean
