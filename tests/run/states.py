"""The pages of docs/states, drawn from the rows that the protocol itself runs on: a diagram and a
table per kind of exchange, and the matrix of collisions. rows_printed.c prints the rows."""

import os
import re
import subprocess

import lab

PROGRAM = os.environ.get("ROWS_PRINTED", str(lab.ROOT / "build/dev/tests/run/rows_printed"))
MADE = "Made by `tests/run/test_states.py --update` from {}; do not edit.\n"
ROW = ("role", "from", "needed", "allowed", "served", "notify", "to", "failed", "section")
MEETING = ("asked", "about", "answer", "section")

TITLES = {
    "ike_sa_init": "IKE_SA_INIT",
    "ike_auth": "IKE_AUTH",
    "create_child": "CREATE_CHILD_SA: one more child",
    "rekey_child": "CREATE_CHILD_SA: a child is rekeyed",
    "rekey_ike": "CREATE_CHILD_SA: the IKE SA is rekeyed",
    "delete_child": "INFORMATIONAL: a child is deleted",
    "delete_ike": "INFORMATIONAL: the IKE SA is deleted",
    "liveness": "INFORMATIONAL: are you there?",
    "move": "INFORMATIONAL: here I am now (MOBIKE)",
    "main_mode": "IKEv1: Main Mode",
    "aggressive_mode": "IKEv1: Aggressive Mode",
    "quick_mode": "IKEv1: Quick Mode",
    "informational": "IKEv1: Informational",
    "transaction": "IKEv1: Transaction (XAUTH, Mode-Config)",
}
ROLES = {
    "start": "we ask",
    "asked": "the peer asks",
    "answered": "the peer answers",
    "given_up": "nobody answers",
    "made": "the new IKE SA takes over",
    "contended": "the new IKE SA has a rival",
    "held": "a look-up begins",
    "decided": "the look-up is over",
    "confirmed": "the peer says that it has arrived",
}
#: The same roles of a kind in which something else is waited for.
ROLES_OF = {
    "transaction": {"held": "who called has to say which user it is",
                    "confirmed": "the user is known"},
}
ANSWERS = {
    "proceed": "served as if nothing were pending",
    "temporary": "TEMPORARY_FAILURE: not now, ask again",
    "rival": "served; the lowest nonce decides which of the two new SAs goes",
    "forget": "served; our own request has lost its purpose",
    "empty": "answered without a Delete payload, for both sides are deleting",
}


def printed():
    """The lines of the program, as lists of cells."""
    text = subprocess.run([PROGRAM], text=True, capture_output=True, check=True).stdout
    return [line.split("\t") for line in text.splitlines()]


def names(cell):
    return [] if cell == "-" else cell.split(",")


def needs(row):
    """What a message must have; that a Notify is one goes without saying."""
    found = names(row["needed"])
    told = any("N(" in name or "Notify" in name for name in found)
    return ", ".join(name for name in found if name != "N" or not told)


def rows_of(lines, kind):
    return [dict(zip(ROW, cells[2:]), what=words_of(kind, cells[2]))
            for cells in lines if cells[:2] == ["row", kind]]


def words_of(kind, role):
    return ROLES_OF.get(kind, {}).get(role, ROLES.get(role, role))


def linked(section):
    """Every section a link to the RFC: "RFC 7296 §1.2, §2.21.2"."""
    number = re.match(r"RFC (\d+) ", section).group(1)
    return f"RFC {number} " + ", ".join(
        f"[§{part}](https://www.rfc-editor.org/rfc/rfc{number}#section-{part})"
        for part in re.findall(r"§(\d+(?:\.\d+)*)", section))


def table(head, body):
    lines = ["| " + " | ".join(cells) + " |" for cells in [head, ["---"] * len(head), *body]]
    return "\n".join(lines) + "\n"


# ---- diagrams ----

def edges(rows):
    """(from, to) -> what leads there, in the order of the rows."""
    found = {}
    for row in rows:
        if row["served"] != "served":
            continue
        what = " – ".join(filter(None, [row["what"], needs(row)]))
        for state in names(row["from"]):
            to, failed = (state if row[end] == "stay" else row[end] for end in ("to", "failed"))
            found.setdefault((state, to), []).append(what)
            if failed not in (state, to):
                found.setdefault((state, failed), []).append(what + " – and it fails")
    return found


def diagram(rows):
    """Mermaid; `none` is its [*], for an SA comes from there and goes there."""
    lines = ["stateDiagram-v2"]
    for (state, to), labels in edges(rows).items():
        ends = ("[*]" if name == "none" else name for name in (state, to))
        lines.append("    " + " --> ".join(ends) + " : " + "<br/>".join(dict.fromkeys(labels)))
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def mermaid_faults(text):
    """What is wrong with the diagrams of a page, as far as one sees without drawing them: each has
    its head and edges, each edge has two states and a label, and no label a sign that ends it."""
    state = r"(?:\[\*\]|[a-z]\w*)"
    found = []
    diagrams = re.findall(r"^```mermaid\n(.*?)^```$", text, re.M | re.S)
    if len(diagrams) != 1 or text.count("```") != 2:
        found.append("not one diagram")
    for lines in (diagram.splitlines() for diagram in diagrams):
        if lines[:1] != ["stateDiagram-v2"] or len(lines) < 2:
            found.append("no head or no edges")
        edges = [line.partition(" : ")[0] for line in lines[1:]]
        found += [f"leads nowhere: {edge}" for edge in edges if edge.count("[*]") > 1]
        found += [f"two edges: {edge}" for edge in set(edges) if edges.count(edge) > 1]
        found += [f"cannot be read: {line}" for line in lines[1:]
                  if not re.fullmatch(rf"    {state} --> {state} : [^:;#%{{}}\n]+", line)]
    return found


# ---- pages ----

def kind_page(lines, kind):
    rows = rows_of(lines, kind)
    served = [row for row in rows if row["served"] == "served"]
    refused = [row for row in rows if row["served"] != "served"]
    v1 = TITLES.get(kind, kind).startswith("IKEv1")
    every = [cells[1] for cells in lines
             if cells[0] == "state" and (v1 or not cells[1].startswith("v1_"))]

    def states(row):
        """At most half of the states are listed; more are told by what they are not."""
        listed = names(row["from"])
        others = [name for name in every if name not in listed]
        few = listed if len(listed) <= len(others) else others
        return ("any but " if few is others else "") + ", ".join(f"`{name}`" for name in few)

    def after(cell):
        return "as it was" if cell == "stay" else f"`{cell}`"

    return "\n".join([
        f"# {TITLES.get(kind, kind)}\n",
        MADE.format("the rows in proto/ike" + "v1" * v1) + "How to read it: [states](README.md).\n",
        diagram(rows),
        "## What is served\n",
        table(["state", "what happens", "payloads needed", "allowed besides", "then", "if it fails",
               "section"],
              [[states(r), r["what"], needs(r),
                ", ".join(names(r["allowed"])), after(r["to"]), after(r["failed"]),
                linked(r["section"])] for r in served]),
        "## What is not\n",
        "Anything else is counted and dropped.\n" if v1 else
        table(["state", "what happens", "answer", "section"],
              [[states(r), r["what"],
                "none" if r["notify"] == "-" else r["notify"], linked(r["section"])]
               for r in refused]),
    ])


def collision_page(lines):
    found = {(pending, asked): dict(zip(MEETING, [asked, *rest]))
             for what, pending, asked, *rest in (c for c in lines if c[0] == "meets")}
    kinds = [c[1] for c in lines if c[0] == "kind"]
    ours = [kind for kind in kinds if any(kind == pending for pending, _ in found)]
    theirs = [kind for kind in kinds if any(kind == asked for _, asked in found)]

    def cell(pending, asked):
        row = found.get((pending, asked))
        if not row:
            return "proceed"
        about = ", if it is the same child" if row["about"] == "same" else ""
        return f"**{row['answer']}**{about} ({linked(row['section'])})"

    return "\n".join([
        "# Collisions\n",
        MADE.format("proto/ike/collision.c") + "How to read it: [states](README.md).\n",
        "Down: our request that is not answered yet. Across: what the peer asks meanwhile.\n",
        table(["pending", *(f"asks `{kind}`" for kind in theirs)],
              [[f"`{pending}`", *(cell(pending, asked) for asked in theirs)] for pending in ours]),
        table(["answer", "means"], [[word, means] for word, means in ANSWERS.items()]),
    ])


def pages(lines):
    """file name -> text, of every page that is made"""
    made = {f"{kind}.md": kind_page(lines, kind) for what, kind, *_ in lines if what == "kind"}
    return {**made, "collisions.md": collision_page(lines)}
