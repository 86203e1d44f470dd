# The commands of the project. Each installs what is missing first (tools/setup), asks nothing, and needs no other step.
.DEFAULT_GOAL := build
.PHONY: build run test check bench torture fuzz tsan package clean help

# Debian's own Python, which has the packages that tools/setup installs; another may come first in PATH.
PYTHON := /usr/bin/python3
LISTEN := 127.0.0.1:3000
DATA := ./data
# How long `make fuzz` spends on each target.
FUZZ_SECONDS := 60
# The targets; none named: all.
FUZZ_TARGETS :=

build: ## builds build/usertrail (the default)
	@tools/setup build
	@exec tools/build release usertrail

run: build ## serves on 127.0.0.1:3000 with its data in ./data, until Ctrl-C
	@exec build/usertrail serve --listen $(LISTEN) --data-dir $(DATA)

test: ## all tests: gcc and clang without warnings, unit, contract, simulation, scenario, sanitizers
	@tools/setup test
	@exec $(PYTHON) tools/run_tests

check: ## what a change must pass: format, clang-tidy, layers, style, headers, and the tests once
	@tools/setup check
	@exec $(PYTHON) tools/run_checks

bench: ## measures, as ratios in one run
	@tools/setup bench
	@exec tools/run_release bench/run

torture: ## the long tests: many kills, long outages
	@tools/setup test
	@exec tools/run_release tests/torture/run

fuzz: ## fuzzes each parser for FUZZ_SECONDS (60)
	@tools/setup fuzz
	@exec tools/run_fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

tsan: ## unit, contract and simulation tests under ThreadSanitizer
	@tools/setup test
	@exec $(PYTHON) tools/run_tests tsan

package: ## builds a Debian package of the program, its service and its user into build/package
	@tools/setup package
	@exec tools/package

clean: ## removes what was built; data stays
	rm -rf build

help: ## this table
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
