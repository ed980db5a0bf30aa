# The front door. Meson and ninja do the building; each target here is one line that a person would otherwise type.
#   make            build ./build/…/sallyport and sallyport-shim (installs missing Debian packages when run as root)
#   make demo       play the main job on an example project
#   make check      everything that must hold before a change lands; ends in "N passed, N failed"
#   make soak       200 runs and more while the server is killed SOAK=100 times at random and at each named point
#   make check-vm   escape suite, service and main job in a qemu guest: Linux 6.1, cgroup v2, systemd (as root, Debian 12)
#   make bench      figures, one BENCH line each
#   make fuzz       each fuzzer for FUZZ_SECONDS (60), 100,000 commands through the oracle of the shell analysis
#   make faults     the main job with each allocation, write, fork, mount ... of it failed once: an hour or two
#   make screens    pictures of the web console's pages, into docs/console
#   make install    into PREFIX (/usr/local), below DESTDIR if set
#   make format     clang-format over src/ and tests/
#   make CONSOLE=disabled   without the web console, for which Node.js is needed (only when building)
#   make deps       only the packages
#   make clean      remove what was built
BUILD ?= build
# auto: the web console is built where Node.js is, or root can install it; enabled; disabled
CONSOLE ?= auto
PREFIX ?= /usr/local
NINJA = ninja -C $(BUILD)

.PHONY: all demo check soak check-vm bench fuzz faults screens install format deps clean
.NOTPARALLEL:

all: deps $(BUILD)/build.ninja
	@$(NINJA)

deps:
	@CONSOLE=$(CONSOLE) tools/deps build

$(BUILD)/build.ninja: | deps
	meson setup $(BUILD) --prefix=$(PREFIX) -Dtests=false -Dconsole=$(CONSOLE)

demo: all
	@SALLYPORT_BUILD=$(BUILD) tools/demo

check:
	@tools/deps check
	@tools/check

# Half of the kills at random, half at named points, and then until each point was hit. SEED replays.
SOAK ?= 100
soak:
	@tools/deps check
	@test -f build-soak/build.ninja || meson setup build-soak -Dfaults=true -Dtests=true
	@ninja -C build-soak --quiet
	@tests/soak/soak.py build-soak --self-test
	@tests/soak/soak.py build-soak --kills $(SOAK) --need-all --verbose $(if $(SEED),--seed $(SEED))

check-vm:
	@tools/deps vm
	@tools/check-vm

bench: all
	@tools/deps bench
	@SALLYPORT_BUILD=$(BUILD) tools/bench

fuzz:
	@tools/deps check
	@tools/fuzz

faults:
	@tools/deps check
	@tools/faults

screens: all
	@tools/deps screens
	@PACKAGES=$$(tools/clients tests/console) SALLYPORT=$(BUILD)/src/daemon/sallyport node tests/console/screens.mjs

install: all
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	meson install -C $(BUILD)

format:
	@git ls-files 'src/*.[ch]' 'tests/*.[ch]' | xargs clang-format -i

clean:
	rm -rf $(BUILD) build-check build-fuzz build-faults build-oracle build-soak
