#!/usr/bin/env python3
"""Installs into a fresh prefix and uses only what is there, as a user would: the examples as a
CMake project with find_package, one of them with pkg-config and a compiler, every header on its
own, and a look at what the library exports.

usage: install_test.py BUILD_DIR SOURCE_DIR CMAKE CXX
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def call(*command, **options):
    print("+", *command, flush=True)
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"{done.stdout}\nexit code {done.returncode}")
    return done.stdout


def library_directory(prefix):
    found = list(prefix.glob("lib*/**/libchroma.so"))
    if len(found) != 1:
        sys.exit(f"libchroma.so is installed {len(found)} times under {prefix}")
    return found[0].parent


def check_exports(library):
    """Nothing of the engine, and nothing of the libraries in it, may clash with its user's."""
    exported = [line.split(maxsplit=2)[2] for line in
                call("nm", "--dynamic", "--defined-only", "--demangle", library).splitlines()]
    ours = re.compile(r"^(typeinfo (name )?for |vtable for |guard variable for )?"
                      r"(chroma::(Client|Collection|Embeddings|Field|DocumentField|Filter"
                      r"|DocumentFilter|Rank|Knn|SparseKnn|Rrf|Abs|Exp|Log|Max|Min|operator"
                      r"|Status|EphemeralClient|PersistentClient|HttpClient|SearchOptions"
                      r"|ImportDirectory|ImportReport|InterruptScope|IsUpstreamDirectory)\b"
                      r"|chroma::StatusCodeName)")
    strange = [name for name in exported if "chroma::" in name and not ours.match(name)
               and not re.match(r"^(void |bool |auto |[\w:<>,* &]+ )?std::|^typeinfo", name)]
    if strange:
        sys.exit("exported by mistake:\n" + "\n".join(strange[:20]))
    if not any(name.startswith("chroma::EphemeralClient") for name in exported):
        sys.exit("chroma::EphemeralClient is not exported")
    foreign = [n for n in exported if re.match(r"(sqlite3_|boost::|YAML::|re2::|fmt::)", n)]
    if foreign:
        sys.exit("exported by mistake:\n" + "\n".join(foreign[:20]))


def check_headers(prefix, compiler):
    for header in sorted((prefix / "include" / "chroma").glob("*.h")):
        call(compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
             "-I", prefix / "include", "-x", "c++", "-include", header, os.devnull)


def check_cmake(prefix, source, build, cmake, compiler, environment):
    call(cmake, "-S", source / "examples", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
         f"-DCMAKE_CXX_COMPILER={compiler}")
    call(cmake, "--build", build, "-j2")
    for example in ("quickstart", "metadata_filters", "text_and_vectors", "bulk_load"):
        print(call(sys.executable, HERE / "run_example.py", build / example, env=environment))
    server = prefix / "bin" / "chroma"
    if server.exists():
        print(call(sys.executable, HERE / "run_example.py", build / "http_client",
                   "--server", server, env=environment))


def check_pkg_config(prefix, source, build, compiler, libraries, environment):
    environment = {**environment, "PKG_CONFIG_PATH": str(libraries / "pkgconfig")}
    flags = call("pkg-config", "--cflags", "--libs", "chroma", env=environment).split()
    if str(prefix) not in " ".join(flags):
        sys.exit(f"chroma.pc does not point into its prefix: {flags}")
    program = build / "quickstart_pkg_config"
    call(compiler, "-std=c++20", source / "examples" / "quickstart.cc", "-o", program, *flags)
    print(call(program, env=environment))


def check_sample(prefix, build, cmake, compiler, environment):
    """The sample in C++, as `chroma install` sets it up, finds its notes."""
    program = prefix / "bin" / "chroma"
    if not program.exists():
        return
    source = build / "notes"
    call(program, "install", "notes", "--directory", source)
    call(cmake, "-S", source, "-B", source / "build", f"-DCMAKE_PREFIX_PATH={prefix}",
         f"-DCMAKE_CXX_COMPILER={compiler}")
    call(cmake, "--build", source / "build")
    notes = source / "build" / "notes"
    for note in ("buy oranges and bread", "ring the plumber"):
        call(notes, "add", note, env=environment, cwd=source)
    found = call(notes, "find", "oranges", env=environment, cwd=source)
    if "buy oranges and bread" not in found.splitlines()[0]:
        sys.exit(f"the sample finds something else: {found}")


def main():
    build_directory, source, cmake, compiler = sys.argv[1:]
    source = pathlib.Path(source)
    with tempfile.TemporaryDirectory(prefix="chroma-install-") as directory:
        # Not where it was configured for: an installed tree may be moved.
        prefix = pathlib.Path(directory) / "prefix"
        build = pathlib.Path(directory) / "build"
        call(cmake, "--install", build_directory, "--prefix", prefix)
        libraries = library_directory(prefix)
        environment = {**os.environ, "LD_LIBRARY_PATH": str(libraries)}
        check_exports(libraries / "libchroma.so")
        check_headers(prefix, compiler)
        check_cmake(prefix, source, build, cmake, compiler, environment)
        check_sample(prefix, build, cmake, compiler, environment)
        check_pkg_config(prefix, source, build, compiler, libraries, environment)
        if not list(prefix.glob("share/**/LICENSE")):
            sys.exit("the license is not installed")
    print("ok")


if __name__ == "__main__":
    main()
