#!/usr/bin/env python3
"""The source's own test: layers, header ownership, sizes, banned calls.

usage: tools/tidy.py [DIR]     exits with 1 and one line per breach: file:line: what, and the rule
"""
import pathlib
import re
import subprocess
import sys

FILE_LINES_MAX = 900
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

# A folder may include folders of lower layers, itself, and what SIDEWAYS allows.
LAYERS = [
    {"base"},
    {"runtime"},
    {"model"},
    {"simd"},
    {"index", "store"},
    {"format"},
    {"log", "catalog"},
    {"segment"},
    {"planner", "sweeper"},
    {"executor"},
    {"compactor"},
    {"engine", "doctor"},
    {"http", "importer"},
    {"gateway"},
    {"service", "api"},
    {"transfer"},
    {"cli", "testing"},
]
SIDEWAYS = {("api", "service"), ("service", "api")}
# http knows nothing of Chroma; indexes and formats never meet.
ONLY = {"http": {"base", "runtime", "http"}, "simd": {"simd"}}
NEVER = {("index", "format"), ("format", "index"), ("index", "store"), ("engine", "format")}

# Who may include which third-party headers.
OWNERS = [
    (r"boost/", {"http", "testing"}),
    (r"sqlite3\.h", {"catalog"}),
    (r"re2/", {"index"}),
    (r"libstemmer\.h|utf8proc\.h", {"index"}),
    (r"curl/", {"api", "store"}),
    (r"CLI/", {"cli"}),
    (r"n?curses\.h", {"cli"}),
    (r"yaml-cpp/", {"service", "cli"}),
    (r"roaring/", {"base"}),
    (r"xxhash\.h", {"base"}),
    (r"zstd\.h", {"format", "log", "store"}),
    (r"openssl/", {"http", "base", "store"}),
]

# Text that only some folders may hold, and why.
BANNED = [
    (r"std::(thread|jthread|mutex|shared_mutex|recursive_mutex|condition_variable)\b",
     {"runtime"}, "use runtime/scheduler.h and runtime/mutex.h, which a simulation can replace"),
    (r"std::chrono::\w+_clock|\bgettimeofday\(|\bclock_gettime\(|\btime\(nullptr\)",
     {"runtime"}, "use runtime/clock.h"),
    (r"std::random_device|std::mt19937|\brand\(\)|\bgetrandom\(", {"runtime"},
     "use runtime/random.h"),
    (r"\bfopen\(|std::[io]?fstream|::open\(|::pread\(|::pwrite\(", {"runtime"},
     "use runtime/file_system.h"),
    (r"std::cout|std::cerr|\bprintf\(", {"cli", "runtime"}, "use runtime/log.h"),
    (r"std::regex", set(), "use index/text/regex.h"),
    (r"\bthrow\b(?!\w)", set(), "return a Status"),
    (r"(?<![\w.])new (?!\()[A-Z]\w*", {"runtime"}, "own through std::make_unique"),
    (r"\b(TO" r"DO|FIX" r"ME|XXX)\b", set(), "finish it or leave it out"),
]
# Constructors that are private, so that std::make_unique cannot call them.
PRIVATE_NEW = re.compile(r"(std::)?(unique_ptr|shared_ptr)<[^;]*\bnew ")

INCLUDE = re.compile(r'^\s*#include\s+([<"])([^>"]+)[>"]')


def is_test(path):
    return path.stem == "test_support" or path.stem.endswith(("_test", "_fixture"))


def strip_comment(line):
    return re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]


class Tidy:
    def __init__(self, root):
        self.root = root
        self.breaches = 0
        self.layer_of = {f: i for i, layer in enumerate(LAYERS) for f in layer}

    def report(self, path, line, text):
        self.breaches += 1
        print(f"{path.relative_to(self.root)}:{line}: {text}")

    def files(self):
        names = subprocess.run(
            ["git", "-C", str(self.root), "ls-files", "-co", "--exclude-standard"],
            capture_output=True, text=True, check=True).stdout.split("\n")
        return [self.root / n for n in names if n and (self.root / n).is_file()]

    def check_include(self, path, number, folder, quote, name):
        if quote == "<":
            for pattern, owners in OWNERS:
                if re.match(pattern, name) and folder not in owners:
                    self.report(path, number, f"<{name}> belongs to {', '.join(sorted(owners))}")
            return
        target = name.split("/")[0]
        if target == "chroma" or target not in self.layer_of or folder not in self.layer_of:
            return
        if is_test(path):
            return
        if folder in ONLY and target not in ONLY[folder] | {folder}:
            self.report(path, number, f'{folder}/ may not include "{name}"')
        if (folder, target) in NEVER:
            self.report(path, number, f"{folder}/ and {target}/ never meet")
        allowed = (target == folder or self.layer_of[target] < self.layer_of[folder]
                   or (folder, target) in SIDEWAYS)
        if not allowed:
            self.report(path, number, f'{folder}/ lies below {target}/: "{name}"')

    def check_banned(self, path, number, folder, code):
        for pattern, folders, why in BANNED:
            if folder in folders or not re.search(pattern, code):
                continue
            if "new " in pattern and PRIVATE_NEW.search(code):
                continue
            self.report(path, number, f"{re.search(pattern, code).group(0).strip()}: {why}")

    def check_functions(self, path, lines):
        """A function begins at a line in column 0 or 2 that ends in '{' and closes in the same
        column. Namespaces, classes and enums are no functions."""
        begin = None
        for number, line in enumerate(lines, 1):
            indent = len(line) - len(line.lstrip())
            if begin is None:
                opens = line.rstrip().endswith("{") and indent in (0, 2)
                kind = re.match(r"\s*(namespace|class|struct|enum|union|extern|#|template)\b", line)
                is_table = re.search(r"(=|\bconstexpr\b.*)\s*\{$", line)
                if opens and not kind and not is_table and ("(" in line or line.lstrip().startswith(")")
                                                            or re.search(r"(const|override|noexcept)\s*\{$", line)):
                    begin = (number, indent)
            elif line.startswith(" " * begin[1] + "}") and indent == begin[1]:
                if number - begin[0] + 1 > FUNCTION_LINES_MAX:
                    self.report(path, begin[0],
                                f"function of {number - begin[0] + 1} lines (at most {FUNCTION_LINES_MAX})")
                begin = None

    def check_source(self, path):
        relative = path.relative_to(self.root).parts
        folder = relative[1] if relative[0] == "src" else relative[0]
        lines = path.read_text(encoding="utf-8").split("\n")
        if len(lines) > FILE_LINES_MAX:
            self.report(path, 1, f"{len(lines)} lines (at most {FILE_LINES_MAX})")
        if path.suffix == ".h" and "#pragma once" not in lines:
            self.report(path, 1, "no #pragma once")
        in_raw = False
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS_MAX and not in_raw and "R\"" not in line and "http" not in line:
                self.report(path, number, f"{len(line)} columns (at most {LINE_COLUMNS_MAX})")
            in_raw = (in_raw or 'R"' in line) and not re.search(r'\)\w*"', line)
            include = INCLUDE.match(line)
            if include:
                self.check_include(path, number, folder, include.group(1), include.group(2))
            elif relative[0] == "src" and not is_test(path):
                self.check_banned(path, number, folder, strip_comment(line))
        if path.suffix == ".cc" and not is_test(path):
            self.check_functions(path, lines)

    def check_listed(self, paths):
        """Every source file is named by a CMakeLists.txt: no dead files."""
        listed = "\n".join(p.read_text() for p in paths
                           if p.name == "CMakeLists.txt" or p.suffix == ".cmake")
        for path in paths:
            if path.suffix == ".cc" and path.name not in listed and path.stem not in listed:
                self.report(path, 1, "not named by any CMakeLists.txt")

    def check_text(self, path):
        text = path.read_text(encoding="utf-8", errors="replace")
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
            if not (path.parent / link).exists():
                self.report(path, 1, f"broken link: {link}")

    def run(self):
        paths = self.files()
        for path in paths:
            top = path.relative_to(self.root).parts[0]
            if path.suffix in (".cc", ".h") and top in ("src", "include", "tests", "bench", "fuzz",
                                                        "examples", "tools"):
                self.check_source(path)
            elif path.suffix == ".md":
                self.check_text(path)
        self.check_listed(paths)
        print(f"tidy: {len(paths)} files, {self.breaches} breaches")
        return 1 if self.breaches else 0


if __name__ == "__main__":
    here = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    sys.exit(Tidy(here.resolve()).run())
