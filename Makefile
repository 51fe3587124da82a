# The two commands of the README are `make run` and `make test`; both install what is missing.
# Everything is built under build/<preset>; see CMakePresets.json.

JOBS ?= $(shell nproc)
RELEASE := build/release

.PHONY: run build test test-threads bench fuzz tidy format clean packages clients

run: build
	$(RELEASE)/bin/chroma run --path ./chroma --port 8000

packages:
	tools/install-packages

build: packages
	cmake --preset release
	cmake --build --preset release -j $(JOBS) --target chroma_cli

test: packages
	tools/run-tests

# The Python and JavaScript clients that the tests drive, from their registries.
clients: packages
	tools/install-clients

test-threads: packages
	tools/run-thread-tests

bench: packages
	tools/run-bench

fuzz: packages
	tools/run-fuzzers

tidy:
	python3 tools/tidy.py

format:
	git ls-files '*.cc' '*.h' | xargs clang-format -i

clean:
	rm -rf build
