#!/usr/bin/python3
"""docs/states shows the rows as they are. After a change of rows:

    python3 tests/run/test_states.py --update
"""

import re
import sys
import unittest

import lab
import states

FOLDER = lab.ROOT / "docs/states"
WRITTEN = "README.md"  # by hand


def differences(folder):
    """Pages of a folder that are not what the rows say, are missing, or should not be there."""
    made = states.pages(states.printed())
    there = {path.name: path.read_text() for path in folder.glob("*.md") if path.name != WRITTEN}
    return sorted(name for name in {*made, *there} if made.get(name) != there.get(name))


def update():
    FOLDER.mkdir(exist_ok=True)
    made = states.pages(states.printed())
    for name in differences(FOLDER):
        print(name)
        if name in made:
            (FOLDER / name).write_text(made[name])
        else:
            (FOLDER / name).unlink()


class States(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lines = states.printed()
        cls.pages = states.pages(cls.lines)

    def names(self, what):
        return [cells[1] for cells in self.lines if cells[0] == what]

    def test_the_pages_are_what_the_rows_say(self):
        self.assertEqual(differences(FOLDER), [])

    def test_every_kind_role_and_answer_has_its_words(self):
        self.assertEqual(self.names("kind"), list(states.TITLES))
        self.assertEqual(self.names("role"), list(states.ROLES))
        answers = {cells[4] for cells in self.lines if cells[0] == "meets"}
        self.assertEqual(answers, set(states.ANSWERS))

    def test_every_cell_can_be_named(self):
        for cells in self.lines:
            self.assertNotIn("?", "".join(cells))
            self.assertNotIn("(null)", "".join(cells))

    def test_diagrams_are_well_formed(self):
        for name, text in self.pages.items():
            if name != "collisions.md":
                self.assertEqual(states.mermaid_faults(text), [], name)

    def test_each_served_row_is_in_its_diagram(self):
        for kind in self.names("kind"):
            lines = [line.replace("[*]", "none") for line in self.pages[f"{kind}.md"].splitlines()]
            for row in states.rows_of(self.lines, kind):
                if row["served"] != "served":
                    continue
                for state in row["from"].split(","):
                    to = state if row["to"] == "stay" else row["to"]
                    self.assertTrue(any(line.startswith(f"    {state} --> {to} : ")
                                        and row["what"] in line for line in lines),
                                    f"{kind}: {state} to {to}")

    def test_the_introduction_names_every_state_and_page(self):
        text = (FOLDER / WRITTEN).read_text()
        rows = re.findall(r"^\| `(\w+)` \|", text, re.M)
        self.assertEqual(rows, self.names("state"))
        self.assertEqual(set(re.findall(r"\]\((\w+\.md)\)", text)), set(self.pages))

    def test_a_changed_row_is_found(self):
        for old, new in (("established", "elsewhere"), ("§1.4.1", "§1.4"), ("asked", "made")):
            lines = [[cell.replace(old, new) for cell in cells] for cells in self.lines]
            self.assertNotEqual(states.pages(lines), self.pages, old)

    def test_a_broken_diagram_is_found(self):
        text = self.pages["ike_auth.md"]
        edge = next(line for line in text.splitlines() if " --> " in line)
        for old, new in (("stateDiagram-v2", "stateDiagram"), (" --> ", " -> "), (edge, edge + ";"),
                         (edge, edge + "\n" + edge), (edge, edge.partition(" : ")[0]),
                         (edge, "    [*] --> [*] : we ask"),
                         ("```mermaid", "```")):
            self.assertIn(old, text)
            self.assertNotEqual(states.mermaid_faults(text.replace(old, new, 1)), [], new)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        lab.main()
