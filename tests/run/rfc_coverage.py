"""docs/rfc-coverage.md, made of three things: what docs/rfc-musts.txt says of each section of an
RFC, where the code cites it, and which tests do.

A citation is `RFC 7296 §2.8.1`; more sections may follow (`§2.8.1, §2.25`). In a comment of C a
bare `§2.8.1` belongs to the RFC that was named last in that comment, else to the one that the
first comment of the file names, or of its header, else to RFC 7296. What a comment lists as
"Not here: ..." is not cited. docs/behaviours.md cites too: a row's sections are those of its tests.
"""

import dataclasses
import functools
import os
import re

CODE = ["base", "crypto", "proto", "record", "explore", "net", "sim", "cli"]
EVERYWHERE = [*CODE, "bench", "tests"]  # what bench cites it measures, and what dissect cites it shows
MUSTS = "docs/rfc-musts.txt"
PAGE = "docs/rfc-coverage.md"
BEHAVIOURS = "docs/behaviours.md"
OURSELVES = {"rfc_coverage.py", "test_rfc_coverage.py", "states.py", "test_states.py"}
SUFFIXES = {".c", ".h", ".def", ".py"}
DEFAULT = "7296"

SECTION = r"§[A-Z]?\d+(?:\.\d+)*"
BETWEEN = r"(?:[\s*,–]|and|or)*"
FULL = re.compile(rf"RFC[\s*]+(\d+){BETWEEN}((?:{SECTION}{BETWEEN})+)")
ANY = re.compile(rf"RFC[\s*]+(\d+)|(?<!\.md )(?<!SEC 1 )(?<!draft, )({SECTION})")
SPOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.S)
ABSENT = re.compile(r"Not here:.*?\.(?=\s)", re.S)


# ---- what the RFCs ask for ----

@dataclasses.dataclass
class Must:
    what: str
    reason: str = ""        # left out: why
    witnesses: tuple = ()   # left out: names whose use in the protocol would show that it is not
    elsewhere: tuple = ()   # kept: (RFC, section) under which the code cites it


@dataclasses.dataclass
class Section:
    number: str
    name: str
    kept: list = dataclasses.field(default_factory=list)
    left: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Book:
    """All of rfc-musts.txt."""
    titles: dict = dataclasses.field(default_factory=dict)    # RFC -> title, if by sections
    sections: dict = dataclasses.field(default_factory=dict)  # (RFC, section) -> Section
    facts: dict = dataclasses.field(default_factory=dict)     # RFC -> (title, its sections)
    absent: dict = dataclasses.field(default_factory=dict)    # RFC -> (title, reason)
    problems: list = dataclasses.field(default_factory=list)


def statements(text):
    """line number, statement; lines that begin with blanks go on with the one before"""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith((" ", "\t")) and line.strip() and found:
            found[-1][1] += " " + line.strip()
        elif line.strip() and not line.startswith("#"):
            found.append([number, line.strip()])
    return found


def must(text, rfc):
    what, _, where = text.partition(" = ")
    if not where:
        return Must(what)
    number, section = re.fullmatch(r"(?:RFC (\d+) )?§(\S+)", where).groups()
    return Must(what, elsewhere=(number or rfc, section))


def read_book(root):
    book, rfc, section = Book(), None, None
    for line, text in statements((root / MUSTS).read_text()):
        def wrong(why):
            book.problems.append(f"{MUSTS}:{line}: {why}: {text}")

        head, _, rest = text.partition(" ")
        if match := re.fullmatch(r"RFC (\d+) (.+)", text):
            rfc, book.titles[match[1]], section = match[1], match[2], None
        elif match := re.fullmatch(r"= RFC (\d+) (.+?):((?: [A-Z]?\d[\d.]*)*)", text):
            book.facts[match[1]] = (match[2], match[3].split())
        elif match := re.fullmatch(r"! RFC (\d+) (.+?) \| (.+)", text):
            book.absent[match[1]] = match.groups()[1:]
        elif head == "+" and section:
            section.kept.append(must(rest, rfc))
        elif head == "-" and section:
            parts = [part.strip() for part in rest.split("|")]
            if len(parts) < 2 or len(parts[1].split()) < 3:
                wrong("left out without a reason")
            section.left.append(Must(parts[0], "".join(parts[1:2]), tuple(
                "".join(parts[2:3]).split())))
        elif rfc and rest and re.fullmatch(r"([A-Z]?\d+|[A-Z])(\.\d+)*", head):
            if (rfc, head) in book.sections:
                wrong("twice")
            section = book.sections[rfc, head] = Section(head, rest)
        else:
            wrong("cannot be read")
    return book


# ---- what is cited ----

def first_rfc(path):
    """The RFC that the first comment of a C file names, or of its header; else RFC 7296."""
    for place in (path, path.with_suffix(".h")):
        text = place.read_text(encoding="utf-8") if place.exists() else ""
        if text.startswith("/*"):
            named = re.search(r"RFC[\s*]+(\d+)", text[:text.index("*/")])
            return named[1] if named else DEFAULT
    return DEFAULT


@functools.cache  # the same text is asked about again and again when the checker is tested
def citations_of(text, first):
    """Every (RFC, section) that a text cites; `first` is for a bare §, None where there is none."""
    if not first:
        return {(match[1], section[1:]) for match in FULL.finditer(text)
                for section in re.findall(SECTION, match[2])}
    found = set()
    for spoken in SPOKEN.finditer(text):
        rfc = first
        for match in ANY.finditer(ABSENT.sub(" ", spoken.group())):
            rfc = match[1] or rfc
            if match[2]:
                found.add((rfc, match[2][1:]))
    return found


def citations_in(path):
    text = path.read_text(encoding="utf-8")
    return citations_of(text, None if path.suffix == ".py" else first_rfc(path))


def files(root, folders, suffixes):
    return [path for folder in folders for path in sorted((root / folder).rglob("*"))
            if path.suffix in suffixes and path.name not in OURSELVES]


def cited(root, paths):
    """(RFC, section) -> names of the files that cite it"""
    found = {}
    for path in paths:
        for citation in citations_in(path):
            found.setdefault(citation, []).append(str(path.relative_to(root)))
    return found


def code_citations(root):
    return cited(root, files(root, CODE, SUFFIXES - {".py"}))


def test_citations(root):
    found = cited(root, files(root, ["tests"], SUFFIXES))
    for row in (root / BEHAVIOURS).read_text(encoding="utf-8").splitlines():
        cells = row.split("|")
        if len(cells) < 5 or not cells[1].strip().isdigit():
            continue
        tests = ["tests/" + name for name in re.findall(r"`(\w+/\w+\.\w+)`:", cells[4])]
        for match in FULL.finditer(cells[3]):
            for section in re.findall(SECTION, match[2]):
                found.setdefault((match[1], section[1:]), []).extend(tests)
    return {citation: sorted(set(names)) for citation, names in found.items()}


@functools.cache
def numbers_of(text):
    return set(re.findall(r"\bRFC[\s*]+(\d+)", text))


def rfcs_named(root):
    """RFC -> a file that names it, with or without a section"""
    found = {}
    for path in files(root, EVERYWHERE, SUFFIXES):
        for number in numbers_of(path.read_text(encoding="utf-8")):
            found.setdefault(number, str(path.relative_to(root)))
    return found


# ---- whether they agree ----

@functools.cache
def words_of(text):
    """The words of C code without comments and strings."""
    return set(re.findall(r"\w+", SPOKEN.sub(" ", text)))


def protocol_words(root):
    """word -> a file of the protocol whose code has it; codecs know more than is done with it"""
    found = {}
    for path in files(root, ["proto"], {".c", ".h"}):
        if path.parent.name == "wire":
            continue
        for word in words_of(path.read_text(encoding="utf-8")):
            found.setdefault(word, str(path.relative_to(root)))
    return found


def unknown_citations(root, book):
    everything = {**test_citations(root), **cited(root, files(root, EVERYWHERE, SUFFIXES))}
    for (rfc, section), names in sorted(everything.items()):
        known = (rfc, section) in book.sections or section in book.facts.get(rfc, ("", ()))[1]
        if not known and (rfc in book.titles or rfc in book.facts):
            yield f"RFC {rfc} §{section}: there is no such section; cited in {', '.join(names)}"
        elif not known and rfc in book.absent:
            yield f"RFC {rfc} is said to be left out, but {', '.join(names)} cites §{section}"
    for rfc, name in sorted(rfcs_named(root).items()):
        if rfc not in {*book.titles, *book.facts, *book.absent}:
            yield f"RFC {rfc} is in no list; named in {name}"


def section_problems(rfc, section, book, code, words):
    here = f"RFC {rfc} §{section.number}"
    names = code.get((rfc, section.number), [])
    for kept in section.kept:
        if kept.elsewhere and kept.elsewhere not in code:
            yield f"{here}: said to be RFC {kept.elsewhere[0]} §{kept.elsewhere[1]}, not cited"
        elif not kept.elsewhere and not names:
            yield f"{here}: neither a citation nor a reason: {kept.what}"
    if section.left and not section.kept and names:
        yield f"{here}: left out with a reason, but cited in {', '.join(names)}"
    for left in section.left:
        for word in left.witnesses:
            if word in words:
                yield f"{here}: left out with a reason, but {words[word]} has {word}: {left.what}"


def problems(root):
    """What is wrong, in words."""
    book, code, words = read_book(root), code_citations(root), protocol_words(root)
    found = book.problems + list(unknown_citations(root, book))
    for (rfc, _), section in book.sections.items():
        found += section_problems(rfc, section, book, code, words)
    return found


# ---- the page ----

INTRODUCTION = """# RFCs, section by section

Made by `tests/run/test_rfc_coverage.py --update` from [rfc-musts.txt](rfc-musts.txt) and the
citations in the code; do not edit.

What an RFC asks for is written down in [rfc-musts.txt](rfc-musts.txt), in our own words, section by
section; where Ikelab does it, the code cites the section. The test fails when something asked for
has neither a citation nor a reason, when a citation names a section that the RFC does not have, and
when something left out is there after all.

A section is **implemented** when all that it asks for is done, done **in part** when some of it is
left out, and **left out** when all of it is; "–" asks for nothing. Numbers are what is done of what
is asked for: every MUST, and those SHOULD and MAY that matter here, marked as such. "Tests" are
those that cite the section, and those that [behaviours.md](behaviours.md) names for it. Where the
code has "as §x", what this section asks for is done under that citation, and tested "as there". The
last column counts sections that are done and that no test cites, which is not the same as untested.
"""


def state(section, names):
    done, left = len(section.kept), len(section.left)
    if done and left:
        return f"in part ({done} of {done + left})"
    if left:
        return f"**left out** (0 of {left})"
    if done:
        return f"implemented ({done})"
    return "cited" if names else "–"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def table(head, rows):
    return "\n".join([row(head), row(["---"] * len(head)), *map(row, rows)]) + "\n"


def linked(names, strip=""):
    return ", ".join(f"[{name.removeprefix(strip)}]({os.path.relpath(name, 'docs')})"
                     for name in sorted(set(names)))


def rfc_link(rfc, section=None):
    base = f"https://www.rfc-editor.org/rfc/rfc{rfc}"
    if not section:
        return f"[RFC {rfc}]({base})"
    anchor = f"appendix-{section[0]}" if section[0].isalpha() else f"section-{section}"
    return f"[§{section}]({base}#{anchor})"


def code_cell(rfc, section, code):
    others = dict.fromkeys(k.elsewhere for k in section.kept if k.elsewhere)
    return ", ".join(filter(None, [linked(code.get((rfc, section.number), [])), *(
        f"as {'' if other == rfc else f'RFC {other} '}§{number}" for other, number in others)]))


def tests_cell(rfc, section, tests):
    names = tests.get((rfc, section.number))
    there = any(tests.get(k.elsewhere) for k in section.kept)
    return linked(names, "tests/") if names else "as there" if there else ""


def sections_of(book, rfc):
    return [section for (number, _), section in book.sections.items() if number == rfc]


def chapter(rfc, title, book, code, tests):
    sections = sections_of(book, rfc)
    lines = [f"## RFC {rfc}: {title}\n", table(
        ["section", "about", "code", "tests", "state"],
        [[rfc_link(rfc, s.number), s.name, code_cell(rfc, s, code),
          tests_cell(rfc, s, tests), state(s, code.get((rfc, s.number)))] for s in sections])]
    left = [f"- §{s.number}: {m.what} – {m.reason}" for s in sections for m in s.left]
    if left:
        lines += [f"Left out of RFC {rfc}, and why:\n", "\n".join(left) + "\n"]
    return "\n".join(lines)


def summary(book, tests):
    def counted(rfc):
        sections = sections_of(book, rfc)
        kept, left = (sum(len(getattr(s, what)) for s in sections) for what in ("kept", "left"))
        whole = sum(bool(s.kept and not s.left) for s in sections)
        part = sum(bool(s.kept and s.left) for s in sections)
        none = sum(bool(s.left and not s.kept) for s in sections)
        untested = sum(bool(s.kept and not tests_cell(rfc, s, tests)) for s in sections)
        return [f"[RFC {rfc}](#rfc-{rfc}-{slug(book.titles[rfc])})", book.titles[rfc],
                *map(str, (len(sections), whole, part, none)), f"{kept} of {kept + left}",
                str(untested)]

    return table(["RFC", "about", "sections", "implemented", "in part", "left out", "done",
                  "no test cites it"], map(counted, book.titles))


def slug(title):
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def page(root):
    book, code, tests = read_book(root), code_citations(root), test_citations(root)
    named = rfcs_named(root)
    return "\n".join([
        INTRODUCTION, summary(book, tests),
        *(chapter(rfc, title, book, code, tests) for rfc, title in book.titles.items()),
        "## Cited for single facts\n",
        "Algorithms, headers and formats that are used as these RFCs define them.\n",
        table(["RFC", "about", "sections cited"],
              [[rfc_link(rfc), title, ", ".join(rfc_link(rfc, s) for s in sections
                                                if (rfc, s) in code or (rfc, s) in tests)]
               for rfc, (title, sections) in sorted(book.facts.items(), key=lambda f: int(f[0]))
               if rfc in named]),
        "## Not implemented at all\n",
        table(["RFC", "about", "why not"],
              [[rfc_link(rfc), *words]
               for rfc, words in sorted(book.absent.items(), key=lambda f: int(f[0]))]),
    ])
